//! `--max-memory`: how much of it is in use, and what is given up when it is too much.
//!
//! The order: first the older half of what waits to be stored and told, while that is much: what was counted and found
//! does not depend on it. Then the connections that were quiet longest, half of them at a time; when that does not help for
//! a few seconds, what the run at hand gathered, by beginning another one.

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

/// Bytes that a session which waits costs, roughly.
pub(super) const SESSION: u64 = 6144;

/// Bytes that a finding, an edge or a certificate's use costs, roughly.
pub(super) const ROW: u64 = 2048;

/// The part of the bound that is much for what waits.
const MUCH: u64 = 16;

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
    /// The older half of what waits to be stored and told.
    Waiting,
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

    /// How many sessions may wait to be stored: an eighth of memory is for them.
    #[must_use]
    pub fn unstored(&self) -> usize {
        waiting(self.most / 8, limits::UNSTORED_SESSIONS)
    }

    /// How many events may wait to be told: a sixteenth of memory is for them.
    #[must_use]
    pub fn untold(&self) -> usize {
        waiting(self.most / 16, limits::UNTOLD_EVENTS)
    }

    /// Bytes in use when last measured.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.resident.load(Ordering::Relaxed)
    }

    /// Says, now and then, what is to be given up, where so many bytes wait to be stored and told.
    #[must_use]
    pub fn relief(&self, waiting: u64) -> Option<Relief> {
        let mut status = self.status.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        if status.looked.elapsed() < LOOK {
            return None;
        }
        status.looked = Instant::now();
        let resident = status.read()?;
        self.resident.store(resident, Ordering::Relaxed);
        status.decide(resident, self.most, waiting)
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

    fn decide(&mut self, resident: u64, most: u64, waiting: u64) -> Option<Relief> {
        self.rest = self.rest.saturating_sub(1);
        if resident < most / 100 * HIGH {
            self.attempts = 0;
            return None;
        }
        if waiting >= (most / MUCH).max(1) {
            return Some(Relief::Waiting);
        }
        self.attempts += 1;
        if self.attempts > ATTEMPTS && self.rest == 0 {
            (self.attempts, self.rest) = (0, REST);
            return Some(Relief::Run);
        }
        Some(Relief::Connections(KEEP))
    }
}

fn waiting(bytes: u64, most: usize) -> usize {
    usize::try_from(bytes / SESSION).unwrap_or(usize::MAX).clamp(limits::LEAST_WAITING, most)
}

/// Bytes of a page, on every machine that this is built for.
const PAGE: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_given_up_first_then_connections_and_then_what_was_gathered() {
        let file = tempfile::tempfile().unwrap();
        let mut status = Status { file, looked: Instant::now(), attempts: 0, rest: 0 };
        assert_eq!(status.decide(50, 100, 100), None);
        for waiting in [50, 25, 12, 6] {
            assert_eq!(status.decide(95, 100, waiting), Some(Relief::Waiting));
        }
        for _ in 0..ATTEMPTS {
            assert_eq!(status.decide(95, 100, 5), Some(Relief::Connections(KEEP)));
        }
        assert_eq!(status.decide(95, 100, 5), Some(Relief::Run));
        for _ in 1..REST {
            assert_eq!(status.decide(95, 100, 5), Some(Relief::Connections(KEEP)));
        }
        assert_eq!(status.decide(95, 100, 5), Some(Relief::Run));
    }

    #[test]
    fn what_may_wait_follows_from_the_bound() {
        let of = |most| (Memory::below(most).unstored(), Memory::below(most).untold());
        assert_eq!(of(1 << 30), (21_845, 10_922));
        assert_eq!(of(0), (limits::LEAST_WAITING, limits::LEAST_WAITING));
        assert_eq!(of(u64::MAX), (limits::UNSTORED_SESSIONS, limits::UNTOLD_EVENTS));
    }

    #[test]
    fn the_number_of_connections_follows_from_the_bound() {
        assert_eq!(Memory::below(1 << 30).connections(), 65_536);
        assert_eq!(Memory::below(0).connections(), limits::SHARDS);
        assert_eq!(Memory::below(u64::MAX).connections(), limits::FLOWS);
    }
}
