//! From the audit into the spool, and how delivery is going.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::receiver::{Receiver, work};
use crate::model::limits;
use crate::store::{Spool, Spooled};

/// Batches on their way to the spool.
const BATCHES: usize = 16;

/// How long to wait before a spool that cannot be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the end of a watch waits for what is still to be delivered.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Delivery, going on.
pub struct Delivery {
    shared: Arc<Shared>,
    names: Vec<&'static str>,
    last: Mutex<Report>,
}

/// The near end of it: takes events, and waits only where it is told to.
pub struct Courier {
    batch: Vec<Spooled>,
    bytes: usize,
    way: SyncSender<Vec<Spooled>>,
    shared: Arc<Shared>,
}

/// How delivery is going.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Each receiver.
    pub receivers: Vec<ReceiverReport>,
    /// Bytes of events in the spool.
    pub spool_bytes: u64,
    /// Events that were given up before they were in the spool.
    pub unspooled: u64,
    /// Why the spool cannot be written, while it cannot.
    pub trouble: Option<String>,
}

/// How it is going with one receiver.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReceiverReport {
    /// Its name.
    pub name: &'static str,
    /// Events that wait for it.
    pub waiting: u64,
    /// Events that it has taken since the watch began.
    pub sent: u64,
    /// Events that were given up before it had them, ever.
    pub dropped: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// How many of them since one worked.
    pub in_a_row: u32,
    /// Why the last attempt failed, until one works.
    pub trouble: Option<String>,
}

/// What the threads share.
pub(super) struct Shared {
    spool: Mutex<Spool>,
    changed: Condvar,
    states: Vec<Mutex<State>>,
    seed: u64,
    /// The watch ends: nothing is tried twice any more.
    pub(super) ending: AtomicBool,
    /// And everything that it told is in the spool.
    pub(super) drained: AtomicBool,
    unspooled: AtomicU64,
    trouble: Mutex<Option<String>>,
}

/// How it is going with one receiver.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sent: u64,
    pub(super) failures: u64,
    pub(super) in_a_row: u32,
    pub(super) trouble: Option<String>,
    pub(super) done: bool,
}

impl Delivery {
    /// Delivers from here on what is in the spool and what comes into it.
    ///
    /// # Errors
    /// The system grants no thread.
    pub fn start(spool: Spool, receivers: Vec<Receiver>) -> std::io::Result<(Self, Courier)> {
        let names: Vec<&'static str> = receivers.iter().map(|one| one.name).collect();
        let shared = Arc::new(Shared {
            seed: u64::from_str_radix(spool.name(), 16).unwrap_or(1),
            spool: Mutex::new(spool),
            changed: Condvar::new(),
            states: names.iter().map(|_| Mutex::default()).collect(),
            ending: AtomicBool::new(false),
            drained: AtomicBool::new(false),
            unspooled: AtomicU64::new(0),
            trouble: Mutex::new(None),
        });
        for (place, receiver) in receivers.into_iter().enumerate() {
            let shared = Arc::clone(&shared);
            let named = thread::Builder::new().name(receiver.name.to_owned());
            named.spawn(move || work(receiver, place, &shared))?;
        }
        let (way, batches) = sync_channel(BATCHES);
        let spooler = Arc::clone(&shared);
        let named = thread::Builder::new().name("spool".to_owned());
        named.spawn(move || spooler.put_all(&batches))?;
        let courier = Courier { batch: Vec::new(), bytes: 0, way, shared: Arc::clone(&shared) };
        let named = |name: &&'static str| ReceiverReport { name, ..ReceiverReport::default() };
        let receivers = names.iter().map(named).collect();
        let last = Mutex::new(Report { receivers, ..Report::default() });
        Ok((Self { shared, names, last }, courier))
    }

    /// Counts events that were given up before they could be put into the spool.
    pub fn give_up(&self, events: u64) {
        self.shared.unspooled.fetch_add(events, Ordering::Relaxed);
    }

    /// How it is going now; while the spool is busy, how it was going just before.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match self.shared.spool.try_lock() {
            Ok(spool) => *last = self.read(&spool),
            Err(TryLockError::Poisoned(spool)) => *last = self.read(&spool.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        last.clone()
    }

    fn read(&self, spool: &Spool) -> Report {
        let each = |(place, name): (usize, &&'static str)| {
            let waiting = spool.waiting(name).unwrap_or_default();
            self.shared.with(place, |state| ReceiverReport {
                name,
                waiting: waiting.events,
                dropped: waiting.dropped,
                sent: state.sent,
                failures: state.failures,
                in_a_row: state.in_a_row,
                trouble: state.trouble.clone(),
            })
        };
        Report {
            receivers: self.names.iter().enumerate().map(each).collect(),
            spool_bytes: spool.bytes(),
            unspooled: self.shared.unspooled.load(Ordering::Relaxed),
            trouble: self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Waits for a short while until everything is delivered; what is not waits in the spool for the next watch. To be
    /// called when the courier is gone.
    #[must_use]
    pub fn end(&self) -> Report {
        self.shared.ending.store(true, Ordering::Release);
        self.shared.changed.notify_all();
        let until = Instant::now() + LAST_PATIENCE;
        let mut spool = self.shared.spool();
        while Instant::now() < until && !self.is_done() {
            spool = self.shared.wait(spool, Duration::from_millis(100));
        }
        self.read(&spool)
    }

    fn is_done(&self) -> bool {
        (0..self.names.len()).all(|place| self.shared.with(place, |state| state.done))
    }
}

impl Courier {
    /// Takes an event. Does nothing that takes time.
    pub fn take(&mut self, event: Spooled) {
        if self.bytes.saturating_add(event.line.len()) > limits::UNSPOOLED_BYTES {
            self.shared.unspooled.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.bytes = self.bytes.saturating_add(event.line.len());
        self.batch.push(event);
        if self.bytes >= limits::SPOOLED_BYTES {
            self.hand_on();
        }
    }

    /// Makes room for an event where there is little: waits for the spool. Not for a thread that must not wait.
    pub fn make_room(&mut self) {
        if self.bytes >= limits::SPOOLED_BYTES {
            // Where nobody spools any more, there is nothing to wait for.
            let _nobody_spools = self.way.send(std::mem::take(&mut self.batch));
            self.bytes = 0;
        }
    }

    /// Hands on what was taken, if there is room.
    pub fn hand_on(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        match self.way.try_send(std::mem::take(&mut self.batch)) {
            Ok(()) => self.bytes = 0,
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.batch = batch;
            }
        }
    }
}

impl Drop for Courier {
    /// The last events: the audit is over, so that this may wait.
    fn drop(&mut self) {
        // From here on a spool that cannot be written is not waited for.
        self.shared.ending.store(true, Ordering::Release);
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            let _nobody_spools = self.way.send(batch);
        }
    }
}

impl Shared {
    pub(super) fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'a>(
        &'a self,
        spool: MutexGuard<'a, Spool>,
        time: Duration,
    ) -> MutexGuard<'a, Spool> {
        self.changed.wait_timeout(spool, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Looks at or changes what is known of a receiver.
    pub(super) fn with<T: Default>(&self, place: usize, look: impl FnOnce(&mut State) -> T) -> T {
        let state = self.states.get(place);
        let state = state.map(|state| state.lock().unwrap_or_else(PoisonError::into_inner));
        state.map_or_else(T::default, |mut state| look(&mut state))
    }

    /// What chance begins with, for one receiver.
    pub(super) fn seed(&self, place: usize) -> u64 {
        self.seed.wrapping_add(place as u64)
    }

    /// Puts batches into the spool until no more come.
    fn put_all(&self, batches: &std::sync::mpsc::Receiver<Vec<Spooled>>) {
        for batch in batches {
            self.put(&batch);
            self.changed.notify_all();
        }
        self.drained.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    fn put(&self, batch: &[Spooled]) {
        loop {
            let added = self.spool().add(batch);
            let trouble = added.err().map(|error| error.diagnostic().message);
            let failed = trouble.is_some();
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
            if !failed {
                return;
            }
            if self.ending.load(Ordering::Acquire) {
                self.unspooled.fetch_add(batch.len() as u64, Ordering::Relaxed);
                return;
            }
            thread::sleep(AGAIN);
        }
    }
}
