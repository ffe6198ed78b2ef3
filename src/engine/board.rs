//! Where a live audit publishes what it knows: for statistics, metrics, delivery, screens.
//!
//! Whoever wants the latest asks; whoever wants every change subscribes. A subscriber that does not keep up loses the
//! oldest of what it has not taken, never the publisher's time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Pulse, Standing, Tally, Unstored};
use crate::model::{Coverage, Finding, RunInfo};

/// Snapshots that may wait for one subscriber.
const WAITING: usize = 64;

/// What is known at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The run at hand.
    pub run: RunInfo,
    /// What it counted, over sessions and capture.
    pub coverage: Coverage,
    /// The capture since the beginning, source by source.
    pub pulse: Pulse,
    /// Findings of the run, all of them.
    pub findings: usize,
    /// Those of them that are new since the last snapshot, or worse than they were.
    pub news: Arc<[Finding]>,
    /// Edges of the run.
    pub edges: usize,
    /// What was counted since the watch began.
    pub tally: Tally,
    /// What stands now.
    pub standing: Standing,
    /// What could not be stored and was given up.
    pub unstored: Unstored,
    /// How long making this took, in microseconds.
    pub micros: u64,
}

/// The latest snapshot, and who wants the next.
#[derive(Debug, Default)]
pub struct Board {
    latest: Mutex<Arc<Snapshot>>,
    subscribers: Mutex<Vec<Subscriber>>,
    beats: AtomicU64,
}

/// Both ends of a subscription: the publisher takes the oldest out where there is no room.
type Subscriber = (Sender<Arc<Snapshot>>, Receiver<Arc<Snapshot>>);

impl Board {
    /// The latest snapshot.
    #[must_use]
    pub fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every snapshot from here on, in order.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<Arc<Snapshot>> {
        let (sender, receiver) = bounded(WAITING);
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.push((sender, receiver.clone()));
        receiver
    }

    /// How often the auditor's thread came round: while this grows, the audit is alive.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Notes that the auditor's thread came round.
    pub(super) fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// Publishes a snapshot.
    pub fn post(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&snapshot);
        let subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        for (sender, receiver) in subscribers.iter() {
            while sender.try_send(Arc::clone(&snapshot)).is_err() {
                let _oldest = receiver.try_recv();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_that_does_not_keep_up_loses_the_oldest() {
        let board = Board::default();
        let subscriber = board.subscribe();
        for findings in 0..WAITING + 3 {
            board.post(Snapshot { findings, ..Snapshot::default() });
        }
        assert_eq!(board.latest().findings, WAITING + 2);
        assert_eq!(subscriber.len(), WAITING);
        assert_eq!(subscriber.recv().unwrap().findings, 3);
    }
}
