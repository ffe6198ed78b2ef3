//! `--max-memory`: how much of it is in use, and what is given up when it is too much.
//!
//! The order: first the connections that were quiet longest, half of them at a time; when that does not help for a few
//! seconds, what the run at hand gathered, by beginning another one.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::limits;

/// How often memory is measured.
const LOOK: Duration = Duration::from_millis(500);

/// Part of the bound, in percent, beyond which connections are given up.
const HIGH: u64 = 90;

/// Part of the connections, in percent, that stay when memory is short.
const KEEP: u8 = 50;

/// Times in a row that giving up connections may not help.
const ATTEMPTS: u32 = 4;

/// Looks for which no other run is begun after one was: ending a run needs memory itself.
const REST: u32 = 120;

/// Bytes that a connection costs, roughly, with what its protocol needs.
const CONNECTION: u64 = 4096;

/// Watches over the memory of the process.
#[derive(Debug)]
pub struct Memory {
    most: u64,
    status: Option<Mutex<Status>>,
    resident: AtomicU64,
}

#[derive(Debug)]
struct Status {
    file: File,
    looked: Instant,
    attempts: u32,
    /// Looks until another run may be begun.
    rest: u32,
}

/// What is to be given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relief {
    /// Connections, until this part of them is left, in percent.
    Connections(u8),
    /// What the run gathered.
    Run,
}

impl Memory {
    /// Keeps the process below so many bytes.
    #[must_use]
    pub fn below(most: u64) -> Self {
        let status =
            |file| Mutex::new(Status { file, looked: Instant::now(), attempts: 0, rest: 0 });
        let file = File::open("/proc/self/statm").ok();
        Self { most, status: file.map(status), resident: AtomicU64::new(0) }
    }

    /// How many connections may be followed at once: a quarter of memory is for them.
    #[must_use]
    pub fn connections(&self) -> usize {
        let most = usize::try_from(self.most / 4 / CONNECTION).unwrap_or(usize::MAX);
        most.clamp(limits::SHARDS, limits::FLOWS)
    }

    /// Bytes in use when last measured.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.resident.load(Ordering::Relaxed)
    }

    /// Says, now and then, what is to be given up.
    #[must_use]
    pub fn relief(&self) -> Option<Relief> {
        let mut status = self.status.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        if status.looked.elapsed() < LOOK {
            return None;
        }
        status.looked = Instant::now();
        let resident = status.read()?;
        self.resident.store(resident, Ordering::Relaxed);
        status.decide(resident, self.most)
    }
}

impl Status {
    fn read(&mut self) -> Option<u64> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(0)).ok()?;
        self.file.read_to_string(&mut text).ok()?;
        let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages.saturating_mul(PAGE))
    }

    fn decide(&mut self, resident: u64, most: u64) -> Option<Relief> {
        self.rest = self.rest.saturating_sub(1);
        if resident < most / 100 * HIGH {
            self.attempts = 0;
            return None;
        }
        self.attempts += 1;
        if self.attempts > ATTEMPTS && self.rest == 0 {
            (self.attempts, self.rest) = (0, REST);
            return Some(Relief::Run);
        }
        Some(Relief::Connections(KEEP))
    }
}

/// Bytes of a page, on every machine that this is built for.
const PAGE: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_given_up_first_and_then_what_was_gathered() {
        let file = tempfile::tempfile().unwrap();
        let mut status = Status { file, looked: Instant::now(), attempts: 0, rest: 0 };
        assert_eq!(status.decide(50, 100), None);
        for _ in 0..ATTEMPTS {
            assert_eq!(status.decide(95, 100), Some(Relief::Connections(KEEP)));
        }
        assert_eq!(status.decide(95, 100), Some(Relief::Run));
        for _ in 1..REST {
            assert_eq!(status.decide(95, 100), Some(Relief::Connections(KEEP)));
        }
        assert_eq!(status.decide(95, 100), Some(Relief::Run));
    }

    #[test]
    fn the_number_of_connections_follows_from_the_bound() {
        assert_eq!(Memory::below(1 << 30).connections(), 65_536);
        assert_eq!(Memory::below(0).connections(), limits::SHARDS);
        assert_eq!(Memory::below(u64::MAX).connections(), limits::FLOWS);
    }
}
