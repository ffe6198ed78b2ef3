//! The thread that writes the database of a live audit.
//!
//! Takes sessions as they come and outcomes as they are published, of which it writes what changed, one transaction at a
//! time, and never gives up: while the database is locked or the disk is full it holds what it was given and tries again.
//! Nobody waits for it: whoever finds it busy keeps what is new until it is not. Grades are given here, off the auditor's
//! thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::clock::now;
use crate::audit::grade;
use crate::model::{AuditedSession, Diagnostic, Outcome, RunInfo};
use crate::store::{Retention, RunEnd, RunId, RunStart, Store, StoreError, Written};

/// Waits between attempts to write.
const BACK_OFF: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(5),
];

/// How often what may not stay is taken out.
const PRUNE: Duration = Duration::from_secs(60);

/// How long the end of an audit waits for a database that cannot be written.
const LAST_PATIENCE: Duration = Duration::from_secs(8);

/// Jobs that may wait: a few runs that end while the database cannot be written.
const JOBS: usize = 16;

/// The writer's end of a database.
pub struct Keeper {
    work: Sender<Job>,
    state: Arc<KeeperState>,
    thread: Option<JoinHandle<()>>,
}

/// How writing goes.
#[derive(Debug, Default)]
pub struct KeeperState {
    busy: AtomicBool,
    /// An outcome waits or is being written.
    publishing: AtomicBool,
    written: AtomicU64,
    failures: AtomicU64,
    last_micros: AtomicU64,
    times: [AtomicU64; WriteTimes::BOUNDS.len() + 1],
    micros: AtomicU64,
    ending: AtomicBool,
    /// What is in the way, while something is.
    trouble: Mutex<Option<Diagnostic>>,
    /// Something was given up at the end: what was in the way stays.
    gave_up: AtomicBool,
}

/// How long transactions took.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WriteTimes {
    /// Transactions that took at most the bound of the same place, and more than the one before; last, those above all.
    pub counts: [u64; Self::BOUNDS.len() + 1],
    /// Microseconds of all of them together.
    pub micros: u64,
}

impl WriteTimes {
    /// Bounds in microseconds.
    pub const BOUNDS: [u64; 5] = [10_000, 100_000, 500_000, 1_000_000, 5_000_000];
}

enum Job {
    Begin(Box<RunInfo>),
    Sessions(Box<RunInfo>, Vec<AuditedSession>),
    Publish(Box<Outcome>),
    Finish(u8),
}

impl Keeper {
    /// Writes to this database from here on, by a thread of its own.
    ///
    /// # Errors
    /// The system grants no thread.
    pub fn start(store: Store, retention: Retention) -> std::io::Result<Self> {
        let (work, jobs) = bounded(JOBS);
        let state = Arc::new(KeeperState::default());
        let writer = Writer {
            store,
            retention,
            run: RunId(0),
            written: Written::default(),
            state: Arc::clone(&state),
            pruned: Instant::now(),
            ending: None,
        };
        let named = thread::Builder::new().name("store".to_owned());
        let thread = Some(named.spawn(move || writer.work(&jobs))?);
        Ok(Self { work, state, thread })
    }

    /// Whether it has nothing to do now, so that sessions are written at once.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.work.is_empty() && !self.state.busy.load(Ordering::Acquire)
    }

    /// Whether it would take an outcome: it has written the last one. Sessions are written in a moment, and waited for.
    #[must_use]
    pub fn takes_outcome(&self) -> bool {
        !self.state.publishing.load(Ordering::Acquire)
    }

    /// Begins a run.
    pub fn begin(&self, run: &RunInfo) {
        let _gone = self.work.send(Job::Begin(Box::new(run.clone())));
    }

    /// Writes sessions of the run. To be called when it is free.
    pub fn write_sessions(&self, run: RunInfo, sessions: Vec<AuditedSession>) {
        let _gone = self.work.send(Job::Sessions(Box::new(run), sessions));
    }

    /// Grades an outcome, and writes what of it is not written yet. To be called when it takes one.
    pub fn publish(&self, outcome: Outcome) {
        self.state.publishing.store(true, Ordering::Release);
        let _gone = self.work.send(Job::Publish(Box::new(outcome)));
    }

    /// Ends the run at hand.
    pub fn finish(&self, code: u8) {
        let _gone = self.work.send(Job::Finish(code));
    }

    /// How writing goes.
    #[must_use]
    pub fn state(&self) -> &Arc<KeeperState> {
        &self.state
    }

    /// Waits until everything is written, or it is clear that it will not be, which it then says.
    #[must_use]
    pub fn end(mut self) -> Option<Diagnostic> {
        self.state.ending.store(true, Ordering::Release);
        let (closed, _) = bounded(0);
        drop(std::mem::replace(&mut self.work, closed));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            return Some(Diagnostic::error("internal", "the writer of the database failed"));
        }
        self.state.trouble()
    }
}

impl KeeperState {
    /// What is in the way of writing, while something is.
    #[must_use]
    pub fn trouble(&self) -> Option<Diagnostic> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often writing failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// How many transactions were committed.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// How long the last transaction took, in microseconds.
    #[must_use]
    pub fn last_micros(&self) -> u64 {
        self.last_micros.load(Ordering::Relaxed)
    }

    /// How long transactions took.
    #[must_use]
    pub fn times(&self) -> WriteTimes {
        let mut times =
            WriteTimes { micros: self.micros.load(Ordering::Relaxed), ..Default::default() };
        for (count, counted) in times.counts.iter_mut().zip(&self.times) {
            *count = counted.load(Ordering::Relaxed);
        }
        times
    }

    fn note_written(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.last_micros.store(micros, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let place = WriteTimes::BOUNDS.iter().position(|bound| micros <= *bound);
        if let Some(count) = self.times.get(place.unwrap_or(WriteTimes::BOUNDS.len())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    fn set_trouble(&self, trouble: Option<Diagnostic>) {
        if trouble.is_none() && self.gave_up.load(Ordering::Acquire) {
            return;
        }
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

struct Writer {
    store: Store,
    retention: Retention,
    run: RunId,
    /// What the run at hand has in the database.
    written: Written,
    state: Arc<KeeperState>,
    pruned: Instant,
    /// Since when it is known that the end waits.
    ending: Option<Instant>,
}

impl Writer {
    fn work(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(PRUNE) {
                Ok(job) => {
                    self.state.busy.store(true, Ordering::Release);
                    let published = matches!(job, Job::Publish(_));
                    let job = self.prepared(job);
                    self.until_done(&job);
                    if published {
                        self.state.publishing.store(false, Ordering::Release);
                    }
                    self.state.busy.store(false, Ordering::Release);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.pruned.elapsed() >= PRUNE {
                self.prune();
            }
        }
    }

    /// A job, with no more of an outcome than is to be written.
    fn prepared(&mut self, job: Job) -> Job {
        match job {
            Job::Publish(mut outcome) => {
                grade(&mut outcome);
                let sessions = std::mem::take(&mut outcome.sessions);
                Job::Publish(Box::new(Outcome { sessions, ..self.written.changes(&outcome) }))
            }
            Job::Begin(run) => {
                self.written = Written::default();
                Job::Begin(run)
            }
            job => job,
        }
    }

    fn until_done(&mut self, job: &Job) {
        let mut attempts = 0;
        loop {
            let begun = Instant::now();
            match self.attempt(job) {
                Ok(()) => {
                    self.state.note_written(begun.elapsed());
                    return self.state.set_trouble(None);
                }
                Err(error) => {
                    self.state.failures.fetch_add(1, Ordering::Relaxed);
                    self.state.set_trouble(Some(error.diagnostic()));
                }
            }
            let wait = BACK_OFF.get(attempts).or(BACK_OFF.last()).copied().unwrap_or_default();
            attempts += 1;
            let until = Instant::now() + wait;
            while Instant::now() < until {
                if self.state.ending.load(Ordering::Acquire) {
                    let since = *self.ending.get_or_insert_with(Instant::now);
                    if since.elapsed() > LAST_PATIENCE {
                        self.state.gave_up.store(true, Ordering::Release);
                        return;
                    }
                    if attempts > 1 {
                        attempts = 1;
                        break;
                    }
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
    }

    fn attempt(&mut self, job: &Job) -> Result<(), StoreError> {
        match job {
            Job::Begin(run) => {
                let start = RunStart { command: "watch", started: now() };
                self.run = self.store.begin_run(&start, run)?;
            }
            Job::Sessions(run, sessions) => self.store.add_sessions(self.run, run, sessions)?,
            Job::Publish(changes) => self.store.update_run(self.run, changes)?,
            Job::Finish(code) => {
                let end = RunEnd { ended: now(), exit_code: *code };
                self.store.finish_run(self.run, &end)?;
            }
        }
        Ok(())
    }

    fn prune(&mut self) {
        self.pruned = Instant::now();
        if let Err(error) = self.store.prune(&self.retention, self.run, now()) {
            self.state.failures.fetch_add(1, Ordering::Relaxed);
            self.state.set_trouble(Some(error.diagnostic()));
        }
    }
}
