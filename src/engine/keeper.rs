//! The thread that writes the database of a live audit.
//!
//! Takes sessions as they come and outcomes as they are published, of which it writes what changed, one transaction at a
//! time, and never gives up: while the database is locked or the disk is full it holds what it was given and tries again.
//! Nobody waits for it: whoever finds it busy keeps what is new until it is not. Grades are given here, off the auditor's
//! thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::backlog::{Backlog, Found, Job, Unstored};
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

/// How long the end of an audit waits for another program to let go of the database. A full disk is not waited for.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// How long it waits then between attempts.
const LAST_WAIT: Duration = Duration::from_millis(20);

/// The writer's end of a database.
pub struct Keeper {
    state: Arc<KeeperState>,
    thread: Option<JoinHandle<()>>,
}

/// How writing goes.
#[derive(Default)]
pub struct KeeperState {
    backlog: Backlog,
    written: AtomicU64,
    failures: AtomicU64,
    last_micros: AtomicU64,
    times: [AtomicU64; WriteTimes::BOUNDS.len() + 1],
    micros: AtomicU64,
    /// What is in the way, while something is.
    trouble: Mutex<Option<Diagnostic>>,
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

impl Keeper {
    /// Writes to this database from here on, by a thread of its own.
    ///
    /// # Errors
    /// The system grants no thread.
    pub fn start(store: Store, retention: Retention) -> std::io::Result<Self> {
        let state = Arc::new(KeeperState::default());
        let writer = Writer {
            store,
            retention,
            run: RunId(0),
            written: Written::default(),
            state: Arc::clone(&state),
            pruned: Instant::now(),
            ending: None,
            gave_up: false,
        };
        let named = thread::Builder::new().name("store".to_owned());
        let thread = Some(named.spawn(move || writer.work())?);
        Ok(Self { state, thread })
    }

    /// Whether it has nothing to do now, so that sessions are written at once.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.state.backlog.is_empty()
    }

    /// Whether it would take an outcome: it has written the last one. Sessions are written in a moment, and waited for.
    #[must_use]
    pub fn takes_outcome(&self) -> bool {
        !self.state.backlog.publishes()
    }

    /// Begins a run.
    pub fn begin(&self, run: &RunInfo) {
        self.state.backlog.push(Job::Begin(Box::new(run.clone())));
    }

    /// Writes sessions of the run. To be called when it is free.
    pub fn write_sessions(&self, run: RunInfo, sessions: Vec<AuditedSession>) {
        self.state.backlog.push(Job::Sessions(Box::new(run), sessions));
    }

    /// Grades an outcome, and writes what of it is not written yet. To be called when it takes one.
    pub fn publish(&self, outcome: Outcome) {
        self.state.backlog.push(Job::Publish(Box::new(outcome)));
    }

    /// Ends the run at hand.
    pub fn finish(&self, code: u8) {
        self.state.backlog.push(Job::Finish(code));
    }

    /// Sessions that it was given and has not written.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.state.backlog.sessions()
    }

    /// Rows that wait of what ended runs came to.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.state.backlog.rows()
    }

    /// Gives up the oldest of these sessions, and says how many.
    pub fn give_up_sessions(&self, count: usize) -> usize {
        self.state.backlog.give_up_sessions(count)
    }

    /// Gives up what the oldest run came to that has ended and is not written. Says whether there was one.
    pub fn give_up_run(&self) -> bool {
        self.state.backlog.give_up_run()
    }

    /// How writing goes.
    #[must_use]
    pub fn state(&self) -> &Arc<KeeperState> {
        &self.state
    }

    /// Waits until everything is written, or it is clear that it will not be. Then it says what was in the way, and, over
    /// the whole audit, what was given up.
    #[must_use]
    pub fn end(mut self) -> (Option<Diagnostic>, Unstored) {
        self.state.backlog.close();
        let failed = self.thread.take().is_some_and(|thread| thread.join().is_err());
        let broken = || Diagnostic::error("internal", "the writer of the database failed");
        let trouble = if failed { Some(broken()) } else { self.state.trouble() };
        (trouble, self.state.unstored())
    }
}

impl KeeperState {
    /// What is in the way of writing, while something is.
    #[must_use]
    pub fn trouble(&self) -> Option<Diagnostic> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was given up so far.
    #[must_use]
    pub fn unstored(&self) -> Unstored {
        self.backlog.given_up()
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
    /// The end would wait too long: nothing more is tried.
    gave_up: bool,
}

impl Writer {
    fn work(mut self) {
        let state = Arc::clone(&self.state);
        loop {
            match state.backlog.take(PRUNE) {
                Found::Job(job) => {
                    let job = self.prepared(job);
                    self.until_done(job);
                }
                Found::Nothing => {}
                Found::Closed => return,
            }
            if self.pruned.elapsed() >= PRUNE && !self.gave_up {
                self.prune();
            }
        }
    }

    /// A job, with no more of an outcome than is to be written.
    fn prepared(&mut self, job: Job) -> Job {
        match job {
            Job::Publish(mut outcome) if !self.gave_up => {
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

    fn until_done(&mut self, mut job: Job) {
        let state = Arc::clone(&self.state);
        let mut waits = BACK_OFF.iter();
        while !self.gave_up {
            state.backlog.trim(&mut job);
            let (begun, last) = (Instant::now(), state.backlog.is_closed());
            let Err(error) = self.attempt(&job) else {
                state.note_written(begun.elapsed());
                state.set_trouble(None);
                return state.backlog.done();
            };
            state.failures.fetch_add(1, Ordering::Relaxed);
            state.set_trouble(Some(error.diagnostic()));
            if state.backlog.is_closed() {
                let since = self.ending.get_or_insert_with(Instant::now).elapsed();
                let hopeless = !matches!(error, StoreError::Locked { .. });
                self.gave_up = (last && hopeless) || since >= LAST_PATIENCE;
                thread::sleep(LAST_WAIT);
            } else {
                state.backlog.wait(waits.next().or(BACK_OFF.last()).copied().unwrap_or_default());
            }
        }
        state.backlog.abandon(&job);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture;

    fn keeper(folder: &tempfile::TempDir, works: bool) -> Keeper {
        let store = Store::open(&folder.path().join("w.db")).unwrap();
        let store = if works { store } else { store.unwritable() };
        Keeper::start(store, Retention::default()).unwrap()
    }

    fn write(keeper: &Keeper, runs: u64) {
        for _ in 0..runs {
            let outcome = fixture::outcome();
            keeper.begin(&outcome.run);
            keeper.publish(outcome);
            keeper.finish(0);
        }
    }

    #[test]
    fn what_can_be_written_is_written_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(&folder, true);
        write(&keeper, 2);
        let (trouble, unstored) = keeper.end();
        assert_eq!((trouble.map(|one| one.message), unstored), (None, Unstored::default()));
    }

    #[test]
    fn what_cannot_be_written_is_not_waited_for_at_the_end_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(&folder, false);
        write(&keeper, 3);
        let begun = Instant::now();
        let (trouble, unstored) = keeper.end();
        assert!(begun.elapsed() < LAST_PATIENCE);
        assert!(trouble.is_some());
        let sessions = 3 * fixture::outcome().sessions.len() as u64;
        assert_eq!(unstored, Unstored { sessions, runs: 3 });
    }
}
