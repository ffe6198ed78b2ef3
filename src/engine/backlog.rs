//! What waits for the thread that writes the database.
//!
//! Nobody waits to add to it. While the database cannot be written it grows, and whoever is short of memory has it give up
//! the oldest: sessions first, then what ended runs came to. Both are counted.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{AuditedSession, Outcome, RunInfo};

/// Jobs that may wait: a few runs that end while the database cannot be written.
const JOBS: usize = 16;

/// Something to be written.
pub(super) enum Job {
    /// A run begins.
    Begin(Box<RunInfo>),
    /// Sessions of the run at hand.
    Sessions(Box<RunInfo>, Vec<AuditedSession>),
    /// What the run at hand has come to.
    Publish(Box<Outcome>),
    /// The run at hand ends.
    Finish(u8),
}

impl Job {
    fn sessions(&self) -> usize {
        match self {
            Self::Sessions(_, sessions) => sessions.len(),
            Self::Publish(outcome) => outcome.sessions.len(),
            Self::Begin(_) | Self::Finish(_) => 0,
        }
    }

    /// Leaves out its oldest sessions.
    fn leave_out(&mut self, count: usize) {
        match self {
            Self::Sessions(_, sessions) => drop(sessions.drain(..count.min(sessions.len()))),
            Self::Publish(outcome) => {
                let sessions = &mut outcome.sessions;
                drop(sessions.drain(..count.min(sessions.len())));
            }
            Self::Begin(_) | Self::Finish(_) => {}
        }
    }

    fn is_result(&self) -> bool {
        matches!(self, Self::Sessions(..) | Self::Publish(_))
    }
}

/// What the writer finds.
pub(super) enum Found {
    Job(Job),
    Nothing,
    /// And nothing will come.
    Closed,
}

/// What was given up because the database could not be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unstored {
    /// Sessions.
    pub sessions: u64,
    /// Runs of which nothing, or not the last of it, was written.
    pub runs: u64,
}

/// The jobs that wait, and what is known of the one at hand.
#[derive(Default)]
pub(super) struct Backlog {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Job>,
    closed: bool,
    at_hand: Option<AtHand>,
    given_up: Unstored,
    /// The run at hand was abandoned.
    abandoned: bool,
}

/// The job that the writer has.
struct AtHand {
    sessions: usize,
    /// Of its sessions, how many it is to leave out.
    surplus: usize,
    publishes: bool,
}

impl Backlog {
    /// Adds a job.
    pub(super) fn push(&self, job: Job) {
        let mut inner = self.inner();
        while inner.jobs.len() >= JOBS && inner.give_up_run() {}
        inner.jobs.push_back(job);
        self.changed.notify_all();
    }

    /// No more jobs come.
    pub(super) fn close(&self) {
        self.inner().closed = true;
        self.changed.notify_all();
    }

    /// The next job, if one comes in time.
    pub(super) fn take(&self, time: Duration) -> Found {
        let inner = self.inner();
        let waits = |inner: &mut Inner| inner.jobs.is_empty() && !inner.closed;
        let waited = self.changed.wait_timeout_while(inner, time, waits);
        let mut inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        let Some(job) = inner.jobs.pop_front() else {
            return if inner.closed { Found::Closed } else { Found::Nothing };
        };
        let publishes = matches!(job, Job::Publish(_));
        inner.at_hand = Some(AtHand { sessions: job.sessions(), surplus: 0, publishes });
        Found::Job(job)
    }

    /// The job at hand is done with.
    pub(super) fn done(&self) {
        self.inner().at_hand = None;
    }

    /// The job at hand is not done and will not be.
    pub(super) fn abandon(&self, job: &Job) {
        let mut inner = self.inner();
        inner.at_hand = None;
        inner.given_up.sessions += job.sessions() as u64;
        // A run may have been published more than once.
        match job {
            Job::Publish(_) if !inner.abandoned => {
                inner.abandoned = true;
                inner.given_up.runs += 1;
            }
            Job::Begin(_) => inner.abandoned = false,
            _ => {}
        }
    }

    /// Waits, but not longer than until the backlog is closed.
    pub(super) fn wait(&self, time: Duration) {
        let open = |inner: &mut Inner| !inner.closed;
        let _waited = self.changed.wait_timeout_while(self.inner(), time, open);
    }

    /// Whether no more jobs come.
    pub(super) fn is_closed(&self) -> bool {
        self.inner().closed
    }

    /// Leaves out of the job at hand what is to be left out.
    pub(super) fn trim(&self, job: &mut Job) {
        let mut inner = self.inner();
        let surplus = inner.at_hand.as_mut().map(|one| std::mem::take(&mut one.surplus));
        let surplus = surplus.unwrap_or_default().min(job.sessions());
        inner.given_up.sessions += surplus as u64;
        drop(inner);
        job.leave_out(surplus);
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.inner();
        inner.jobs.is_empty() && inner.at_hand.is_none()
    }

    /// Whether what a run has come to waits or is being written.
    pub(super) fn publishes(&self) -> bool {
        let inner = self.inner();
        let waits = || inner.jobs.iter().any(|job| matches!(job, Job::Publish(_)));
        inner.at_hand.as_ref().is_some_and(|one| one.publishes) || waits()
    }

    /// Sessions that wait.
    pub(super) fn sessions(&self) -> usize {
        self.inner().sessions()
    }

    /// Rows that wait of what runs came to, besides the one at hand.
    pub(super) fn rows(&self) -> usize {
        let inner = self.inner();
        let rows = |job: &Job| match job {
            Job::Publish(outcome) => {
                outcome.findings.len() + outcome.edges.len() + outcome.certificates.len()
            }
            _ => 0,
        };
        inner.jobs.iter().map(rows).sum()
    }

    /// Gives up the oldest sessions, and says how many. Those that are being written are left out when that fails.
    pub(super) fn give_up_sessions(&self, count: usize) -> usize {
        let mut inner = self.inner();
        let mut rest = count;
        if let Some(at_hand) = &mut inner.at_hand {
            let part = rest.min(at_hand.sessions);
            at_hand.sessions -= part;
            at_hand.surplus += part;
            rest -= part;
        }
        let before = rest;
        for job in &mut inner.jobs {
            let part = rest.min(job.sessions());
            job.leave_out(part);
            rest -= part;
        }
        inner.given_up.sessions += (before - rest) as u64;
        count - rest
    }

    /// Gives up what the oldest run came to that has ended and is not written. Says whether there was one.
    pub(super) fn give_up_run(&self) -> bool {
        self.inner().give_up_run()
    }

    /// What was given up so far.
    pub(super) fn given_up(&self) -> Unstored {
        self.inner().given_up
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn sessions(&self) -> usize {
        let waiting: usize = self.jobs.iter().map(Job::sessions).sum();
        waiting + self.at_hand.as_ref().map_or(0, |one| one.sessions)
    }

    fn give_up_run(&mut self) -> bool {
        let mut from = 0;
        for (place, job) in self.jobs.iter().enumerate() {
            let begins = matches!(job, Job::Begin(_));
            from = if begins { place } else { from };
            // A run that has begun in the database ends there; of another one nothing is left.
            let whole = matches!(self.jobs.get(from), Some(Job::Begin(_)));
            let results = self.jobs.range(from..place).any(Job::is_result);
            if matches!(job, Job::Finish(_)) && (whole || results) {
                self.give_up(from, place, whole);
                return true;
            }
        }
        false
    }

    fn give_up(&mut self, from: usize, finish: usize, whole: bool) {
        let end = if whole { finish + 1 } else { finish };
        let gone: Vec<Job> = self.jobs.drain(from..end).collect();
        self.given_up.sessions += gone.iter().map(Job::sessions).sum::<usize>() as u64;
        self.given_up.runs += u64::from(gone.iter().any(Job::is_result));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Posture, fixture};

    fn sessions(numbers: std::ops::Range<u64>) -> Vec<AuditedSession> {
        numbers.map(|number| fixture::session(number, Posture::Plaintext)).collect()
    }

    fn numbers(job: &Job) -> Vec<u64> {
        match job {
            Job::Sessions(_, sessions) => sessions.iter().map(|one| one.number).collect(),
            Job::Publish(outcome) => outcome.sessions.iter().map(|one| one.number).collect(),
            _ => Vec::new(),
        }
    }

    fn told(range: std::ops::Range<u64>) -> Job {
        Job::Sessions(Box::default(), sessions(range))
    }

    fn published(range: std::ops::Range<u64>) -> Job {
        Job::Publish(Box::new(Outcome { sessions: sessions(range), ..Outcome::default() }))
    }

    fn next(backlog: &Backlog) -> Job {
        match backlog.take(Duration::ZERO) {
            Found::Job(job) => job,
            _ => panic!("there is a job"),
        }
    }

    /// What waits, a letter each.
    fn letters(backlog: &Backlog) -> String {
        let letter = |job: &Job| match job {
            Job::Begin(_) => 'b',
            Job::Sessions(..) => 's',
            Job::Publish(_) => 'p',
            Job::Finish(_) => 'f',
        };
        backlog.inner().jobs.iter().map(letter).collect()
    }

    fn waiting(jobs: &str) -> Backlog {
        let backlog = Backlog::default();
        for job in jobs.chars() {
            backlog.push(match job {
                'b' => Job::Begin(Box::default()),
                's' => told(0..1),
                'p' => published(0..2),
                _ => Job::Finish(0),
            });
        }
        backlog
    }

    #[test]
    fn the_oldest_sessions_go_first_from_the_job_at_hand_on() {
        let backlog = Backlog::default();
        backlog.push(told(1..4));
        backlog.push(published(4..8));
        let mut at_hand = next(&backlog);
        assert_eq!((backlog.sessions(), backlog.publishes()), (7, true));
        assert_eq!(backlog.give_up_sessions(2), 2);
        assert_eq!(backlog.give_up_sessions(2), 2);
        assert_eq!(backlog.sessions(), 3);
        assert_eq!(numbers(&at_hand), [1, 2, 3], "nobody takes away what is being written");
        backlog.trim(&mut at_hand);
        assert_eq!(numbers(&at_hand), [] as [u64; 0]);
        backlog.done();
        assert_eq!(numbers(&next(&backlog)), [5, 6, 7]);
        assert_eq!(backlog.give_up_sessions(9), 3, "no more than there are");
        assert_eq!(
            backlog.given_up(),
            Unstored { sessions: 4, runs: 0 },
            "that may be written yet"
        );
    }

    #[test]
    fn what_was_written_meanwhile_is_not_left_out_of_the_next() {
        let backlog = Backlog::default();
        backlog.push(told(1..4));
        backlog.push(told(4..8));
        let _at_hand = next(&backlog);
        backlog.give_up_sessions(3);
        backlog.done();
        let mut second = next(&backlog);
        backlog.trim(&mut second);
        assert_eq!(numbers(&second), [4, 5, 6, 7]);
        assert_eq!(backlog.given_up(), Unstored::default(), "nothing was lost");
    }

    #[test]
    fn a_run_that_never_began_is_given_up_whole_and_one_that_did_still_ends() {
        let backlog = waiting("spfbspfbpfb");
        assert!(backlog.give_up_run());
        assert_eq!(letters(&backlog), "fbspfbpfb");
        assert!(backlog.give_up_run());
        assert_eq!(letters(&backlog), "fbpfb");
        assert!(backlog.give_up_run());
        assert_eq!(letters(&backlog), "fb");
        assert!(!backlog.give_up_run(), "the run that goes on stays");
        assert_eq!(backlog.given_up(), Unstored { sessions: 3 + 3 + 2, runs: 3 });
        let goes_on = waiting("bsp");
        assert!(!goes_on.give_up_run());
    }

    #[test]
    fn many_runs_that_end_while_nothing_can_be_written_are_bounded() {
        let backlog = Backlog::default();
        for _ in 0..100 {
            backlog.push(Job::Begin(Box::default()));
            backlog.push(published(0..2));
            backlog.push(Job::Finish(0));
        }
        assert!(backlog.inner().jobs.len() <= JOBS);
        let left = backlog.inner().jobs.iter().filter(|job| job.is_result()).count() as u64;
        assert_eq!(backlog.given_up(), Unstored { sessions: 2 * (100 - left), runs: 100 - left });
    }

    #[test]
    fn it_ends_when_it_is_closed_and_empty() {
        let backlog = waiting("s");
        backlog.close();
        assert!(matches!(backlog.take(Duration::from_secs(60)), Found::Job(_)));
        assert!(matches!(backlog.take(Duration::from_secs(60)), Found::Closed));
        let job = told(0..3);
        backlog.push(told(0..3));
        let _at_hand = next(&backlog);
        backlog.abandon(&job);
        assert_eq!(backlog.given_up().sessions, 3);
        assert!(backlog.is_empty());
    }
}
