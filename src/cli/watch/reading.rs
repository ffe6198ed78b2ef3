//! What a watch tells of itself in numbers, gathered from where it is published.

use std::fs::{OpenOptions, rename};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Refusal;
use crate::cli::DEVICE;
use crate::edge::deliver::Delivery;
use crate::edge::metrics::{MetricsServer, Reading, page};
use crate::engine::{Board, KeeperState, Memory};
use crate::model::Diagnostic;

/// How long the auditor may take to come round: publishing takes seconds at most.
const STUCK: Duration = Duration::from_secs(120);

/// Where the numbers are.
#[derive(Clone)]
pub(super) struct Gauges {
    pub(super) board: Arc<Board>,
    pub(super) memory: Arc<Memory>,
    pub(super) keeper: Option<Arc<KeeperState>>,
    pub(super) delivery: Option<Arc<Delivery>>,
    pub(super) database: Option<PathBuf>,
    pub(super) events_lost: Arc<AtomicU64>,
    /// How often the auditor had come round when it was last found to have, and when that was.
    pub(super) round: Arc<Mutex<(u64, Instant)>>,
}

impl Gauges {
    /// What they say now.
    pub(super) fn read(&self) -> Reading {
        let snapshot = self.board.latest();
        Reading {
            unready: self.unready(&snapshot),
            stuck: self.stuck(),
            snapshot,
            writes: self.keeper.as_ref().map(|keeper| keeper.times()),
            database_bytes: self.database.as_deref().map(size),
            resident: self.memory.resident(),
            delivery: self.delivery.as_ref().map(|delivery| delivery.report()),
            events_lost: self.events_lost.load(Ordering::Relaxed),
        }
    }

    fn unready(&self, snapshot: &crate::engine::Snapshot) -> Option<String> {
        if self.board.beats() == 0 {
            return Some("the capture does not run yet".to_owned());
        }
        if let Some(trouble) = self.keeper.as_ref().and_then(|keeper| keeper.trouble()) {
            return Some(format!("not stored: {}", trouble.message));
        }
        let sources = &snapshot.pulse.sources;
        let away = !sources.is_empty() && sources.iter().all(|source| source.is_down);
        away.then(|| "every interface is away".to_owned())
    }

    /// An auditor that waits for a database that cannot be written is not stuck.
    fn stuck(&self) -> Option<String> {
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        let beats = self.board.beats();
        let waits = self.keeper.as_ref().is_some_and(|keeper| keeper.trouble().is_some());
        if beats != round.0 || waits {
            *round = (beats, Instant::now());
        }
        let stuck = round.1.elapsed() >= STUCK;
        stuck.then(|| "the auditor has not come round for two minutes".to_owned())
    }

    /// Writes the page to a file that readers find whole, old or new.
    pub(super) fn write_page(&self, path: &Path) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let fresh = PathBuf::from(name);
        let options =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&fresh);
        options?.write_all(page(&self.read()).as_bytes())?;
        rename(&fresh, path)
    }
}

/// Bytes of a database and of the two files beside it.
fn size(path: &Path) -> u64 {
    let of = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::metadata(name).map_or(0, |data| data.len())
    };
    ["", "-wal", "-shm"].into_iter().map(of).sum()
}

/// Listens for those who ask.
pub(super) fn listen(address: SocketAddr) -> Result<MetricsServer, Refusal> {
    MetricsServer::bind(address).map_err(|error| {
        let said = Diagnostic::error("metrics", format!("cannot listen at {address}: {error}"))
            .help(format!("what listens there: ss -ltnp 'sport = :{}'", address.port()))
            .help("or name another address: --metrics 127.0.0.1:9478");
        (vec![said], DEVICE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauges() -> Gauges {
        Gauges {
            board: Arc::default(),
            memory: Arc::new(Memory::below(1 << 30)),
            keeper: None,
            delivery: None,
            database: None,
            events_lost: Arc::default(),
            round: Arc::new(Mutex::new((0, Instant::now()))),
        }
    }

    #[test]
    fn a_page_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wirelint.prom");
        let gauges = gauges();
        gauges.events_lost.store(3, Ordering::Relaxed);
        gauges.write_page(&path).unwrap();
        gauges.events_lost.store(7, Ordering::Relaxed);
        gauges.write_page(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\nwirelint_events_lost_total 7\n"), "{text}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn an_auditor_that_does_not_come_round_is_stuck() {
        let gauges = gauges();
        assert_eq!(gauges.read().stuck, None);
        let Some(long_ago) = Instant::now().checked_sub(STUCK) else { return };
        gauges.round.lock().unwrap().1 = long_ago;
        assert!(gauges.read().stuck.is_some());
        gauges.round.lock().unwrap().0 = 7;
        assert_eq!(gauges.read().stuck, None, "it came round");
    }

    #[test]
    fn a_watch_that_does_not_run_yet_is_not_ready() {
        let unready = gauges().read().unready;
        assert_eq!(unready.as_deref(), Some("the capture does not run yet"));
    }

    #[test]
    fn a_port_that_is_taken_is_said_with_what_to_do() {
        let first = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let (said, code) = listen(first.address()).unwrap_err();
        assert_eq!((code, said[0].code), (DEVICE, "metrics"));
        assert!(!said[0].helps.is_empty());
    }
}
