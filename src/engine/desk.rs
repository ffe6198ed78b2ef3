//! The auditor's side of a live audit: judges sessions, publishes, begins a run when the last one is over.
//!
//! One publication makes an outcome of the run so far, posts it on the board, tells the outlet of new findings, and hands
//! it to the keeper if that has written the last one; if it has not, the next publication does. Between publications, whose
//! cost grows with the inventory, sessions are handed over as they come.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::losses::{incomplete, since};
use super::memory::{ROW, SESSION};
use super::{Audience, Board, Keeper, Pulse, Snapshot, Standing, Tally, Unstored};
use crate::audit::{Auditor, CaptureFacts, grade};
use crate::identity::Directory;
use crate::model::{
    AuditedSession, Coverage, DatagramFacts, Finding, FindingId, Incomplete, Outcome, RunInfo,
    Session, Severity, SourceInfo, limits,
};
use crate::pki::Authorities;
use crate::rule::{Policy, RuleSet};

/// How often what is known is published at most.
const PUBLISH: Duration = Duration::from_secs(1);

/// How often sessions are handed over to be stored at most.
const HAND_OVER: Duration = Duration::from_millis(500);

/// How many times longer than a publication the wait for the next one is at least: publishing takes a tenth of the time.
const COST: u32 = 9;

/// What a person ordered, by a signal or otherwise; looked at several times a second.
#[derive(Debug, Default)]
pub struct Orders {
    /// Judge by these from here on.
    judges: Mutex<Option<Judges>>,
    /// Give up the older half of what waits to be stored and told: memory is short.
    pub give_up: AtomicBool,
    /// Begin another run at once, and forget what can be forgotten: memory is short.
    pub relieve: AtomicBool,
    /// Bytes that wait to be stored and told, roughly.
    waiting: AtomicU64,
}

/// What sessions are judged by.
#[derive(Debug)]
pub struct Judges {
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// What chains are judged against.
    pub authorities: Authorities,
    /// Who is who.
    pub directory: Directory,
    /// Who may talk to whom.
    pub policy: Option<Policy>,
    /// What of the user's own files could not be read.
    pub lost: Vec<Incomplete>,
}

impl Orders {
    /// Orders other rules and authorities.
    pub fn judge_by(&self, judges: Judges) {
        *self.judges.lock().unwrap_or_else(PoisonError::into_inner) = Some(judges);
    }

    /// Bytes that wait to be stored and told, roughly.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    fn judges(&self) -> Option<Judges> {
        self.judges.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Where events of a live audit go, in one thread.
pub trait Outlet: Send {
    /// A session was judged, or one that was judged before has ended.
    fn session(&mut self, run: &RunInfo, audited: &AuditedSession);

    /// Findings are new, or worse than they were.
    fn findings(&mut self, run: &RunInfo, news: &Arc<[Finding]>);

    /// Something was published.
    fn published(&mut self, snapshot: &Snapshot);

    /// A run ended with this outcome, and another one may begin.
    fn ended(&mut self, outcome: &Outcome);

    /// Time went on: called several times a second, whether or not anything happened.
    fn beat(&mut self) {}

    /// How many events wait in memory.
    fn waiting(&self) -> usize {
        0
    }

    /// Gives up the older half of them: memory is short.
    fn give_up(&mut self) {}
}

/// The auditor's side.
pub struct Desk<'a> {
    auditor: Auditor,
    run: RunInfo,
    lost: Vec<Incomplete>,
    keeper: Option<Keeper>,
    board: Arc<Board>,
    orders: Arc<Orders>,
    outlet: &'a mut dyn Outlet,
    window: Duration,
    began: Instant,
    pulse: Pulse,
    datagrams: DatagramFacts,
    /// What the capture had counted when the run began.
    base: Coverage,
    published: Instant,
    handed: Instant,
    cost: Duration,
    changed: bool,
    told: HashMap<FindingId, Severity>,
    tally: Tally,
    /// An outcome was published that the keeper did not take.
    untaken: bool,
    /// Sessions that wait for the keeper.
    waiting: Vec<AuditedSession>,
    /// How many sessions may wait, here and with the keeper.
    most: usize,
    /// Sessions that waited here and were given up.
    unstored: u64,
}

impl<'a> Desk<'a> {
    /// Begins the first run. After `window` of the machine's time another one begins.
    #[must_use]
    pub fn new(
        auditor: Auditor,
        run: RunInfo,
        (keeper, board, orders): (Option<Keeper>, Arc<Board>, Arc<Orders>),
        window: Duration,
        outlet: &'a mut dyn Outlet,
    ) -> Self {
        let now = Instant::now();
        if let Some(keeper) = &keeper {
            keeper.begin(&run);
        }
        Self {
            auditor: auditor.live(),
            run,
            lost: Vec::new(),
            keeper,
            board,
            orders,
            outlet,
            window,
            began: now,
            pulse: Pulse::default(),
            datagrams: DatagramFacts::default(),
            base: Coverage::default(),
            published: now,
            handed: now,
            cost: Duration::ZERO,
            changed: false,
            told: HashMap::new(),
            tally: Tally::default(),
            untaken: false,
            waiting: Vec::new(),
            most: limits::UNSTORED_SESSIONS,
            unstored: 0,
        }
    }

    /// Lets no more sessions wait to be stored than so many.
    #[must_use]
    pub fn holding(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Says from the beginning that something of the user's own files could not be read.
    #[must_use]
    pub fn without(mut self, lost: Vec<Incomplete>) -> Self {
        self.lost = lost;
        self
    }

    /// Ends the last run, and gives its outcome, how it is kept, and how many sessions were given up before they were.
    #[must_use]
    pub fn finish(mut self) -> (Outcome, Option<Keeper>, u64) {
        self.flush();
        let outcome = self.end_run();
        if self.keeper.is_some() {
            self.hand_over(outcome.clone(), true);
        }
        (outcome, self.keeper, self.unstored)
    }

    /// What the run has come to, of which the auditor then knows nothing any more.
    fn end_run(&mut self) -> Outcome {
        let begun = Instant::now();
        let outcome = self.auditor.end_run(self.info(), self.capture());
        let mut outcome = self.tell(outcome, begun);
        grade(&mut outcome);
        self.outlet.ended(&outcome);
        outcome
    }

    fn flush(&mut self) {
        let Self { auditor, outlet, run, tally, .. } = self;
        auditor.flush(&mut |audited| {
            tally.session(audited);
            outlet.session(run, audited);
        });
    }

    fn capture(&self) -> CaptureFacts {
        let mut coverage = since(&self.base, &self.pulse.coverage);
        coverage.incomplete = self.lost.clone();
        coverage.incomplete.extend(incomplete(&self.pulse, &coverage));
        CaptureFacts { coverage, datagrams: self.datagrams.clone() }
    }

    /// The run as it is now: where its frames came from.
    fn info(&self) -> RunInfo {
        let mut run = self.run.clone();
        let names: Vec<&str> = self.pulse.sources.iter().map(|one| one.name.as_str()).collect();
        let links = self.pulse.sources.iter().filter_map(|one| one.link);
        let mut link_types: Vec<String> = links.map(|link| link.to_string()).collect();
        link_types.dedup();
        run.sources = vec![SourceInfo {
            name: names.join(", "),
            first_frame: crate::model::FrameNo(1),
            frames: self.pulse.frames,
            bytes: self.pulse.coverage.bytes,
            link_types,
            ..SourceInfo::default()
        }];
        run
    }

    fn publish(&mut self) -> Outcome {
        let begun = Instant::now();
        let outcome = self.auditor.publish(self.info(), self.capture());
        self.tell(outcome, begun)
    }

    /// Tells everybody but the keeper of an outcome, whose making began then.
    fn tell(&mut self, mut outcome: Outcome, begun: Instant) -> Outcome {
        self.published = begun;
        self.changed = false;
        let news: Arc<[Finding]> = self.news(&outcome).cloned().collect();
        for finding in news.iter() {
            self.told.insert(finding.id, finding.severity);
        }
        self.outlet.findings(&outcome.run, &news);
        self.tally.run(&outcome);
        let standing = Standing::of(&outcome);
        self.cost = begun.elapsed();
        let snapshot = Snapshot {
            run: outcome.run.clone(),
            coverage: outcome.coverage.clone(),
            pulse: self.pulse.clone(),
            findings: outcome.findings.len(),
            news,
            edges: outcome.edges.len(),
            tally: self.tally.clone(),
            standing,
            unstored: self.unstored(),
            micros: u64::try_from(self.cost.as_micros()).unwrap_or(u64::MAX),
        };
        self.outlet.published(&snapshot);
        self.board.post(snapshot);
        if self.keeper.is_some() {
            self.waiting.append(&mut outcome.sessions);
        }
        outcome
    }

    fn news<'b>(&'b self, outcome: &'b Outcome) -> impl Iterator<Item = &'b Finding> {
        let known = |one: &&Finding| self.told.get(&one.id).is_none_or(|was| *was < one.severity);
        outcome.findings.iter().filter(known)
    }

    /// Hands an outcome to the keeper, with the sessions that wait.
    fn hand_over(&mut self, outcome: Outcome, whatever: bool) {
        let Some(keeper) = &self.keeper else { return };
        self.untaken = !(keeper.takes_outcome() || whatever);
        if !self.untaken {
            self.handed = Instant::now();
            let sessions = std::mem::take(&mut self.waiting);
            keeper.publish(Outcome { sessions, ..outcome });
        }
        self.keep_waiting();
    }

    /// Hands the keeper the sessions that came, so that none waits for what they come to. They get their names when it can
    /// take them.
    fn hand_over_sessions(&mut self) {
        let Some(keeper) = &self.keeper else { return };
        self.handed = Instant::now();
        if keeper.is_free() {
            self.waiting.append(&mut self.auditor.hand_out(&self.datagrams.announcements));
            if !self.waiting.is_empty() {
                let sessions = std::mem::take(&mut self.waiting);
                keeper.write_sessions(self.info(), sessions);
            }
        }
        self.keep_waiting();
    }

    /// Sessions that are to be stored and are not.
    fn unwritten(&self) -> usize {
        let Some(keeper) = &self.keeper else { return 0 };
        keeper.sessions() + self.waiting.len() + self.auditor.kept()
    }

    /// Gives up the oldest sessions beyond what may wait.
    fn keep_waiting(&mut self) {
        self.give_up_sessions(self.unwritten().saturating_sub(self.most));
    }

    /// Gives up the oldest sessions that wait: those with the keeper came first.
    fn give_up_sessions(&mut self, count: usize) {
        let Some(keeper) = self.keeper.as_ref().filter(|_| count > 0) else { return };
        let rest = count.saturating_sub(keeper.give_up_sessions(count));
        let here = self.waiting.drain(..rest.min(self.waiting.len())).len();
        let later = self.auditor.forget_kept(rest - here);
        self.unstored += (here + later) as u64;
    }

    /// Gives up the older half of what waits: sessions and events, and what an earlier run came to when few of them wait.
    fn give_up_waiting(&mut self) {
        let sessions = self.unwritten();
        if sessions > limits::LEAST_WAITING {
            self.give_up_sessions(sessions.div_ceil(2));
        } else if let Some(keeper) = &self.keeper {
            keeper.give_up_run();
        }
        self.outlet.give_up();
    }

    /// Bytes that wait to be stored and told, roughly.
    fn waiting_bytes(&self) -> u64 {
        let one_by_one = (self.unwritten() + self.outlet.waiting()) as u64;
        let rows = self.keeper.as_ref().map_or(0, Keeper::rows) as u64;
        one_by_one.saturating_mul(SESSION).saturating_add(rows.saturating_mul(ROW))
    }

    /// What was given up, here and by the keeper.
    fn unstored(&self) -> Unstored {
        let keeper = self.keeper.as_ref().map(|keeper| keeper.state().unstored());
        let Unstored { sessions, runs } = keeper.unwrap_or_default();
        Unstored { sessions: sessions.saturating_add(self.unstored), runs }
    }

    /// Ends the run and begins another one, judged by other rules where some are given.
    fn begin_run(&mut self, judges: Option<Judges>) {
        self.flush();
        let outcome = self.end_run();
        self.hand_over(outcome, true);
        match judges {
            Some(Judges { rules, authorities, directory, policy, lost }) => {
                self.run.ruleset = rules.digest();
                self.run.rules = rules.rules().len();
                self.lost = lost;
                self.auditor.begin_run_with(rules, authorities);
                self.auditor.go_by(directory, policy);
            }
            None => self.auditor.begin_run(),
        }
        self.told.clear();
        self.tally.begin_run();
        self.datagrams = DatagramFacts::default();
        self.base = self.pulse.coverage.clone();
        self.began = Instant::now();
        if let Some(keeper) = &self.keeper {
            keeper.finish(0);
            keeper.begin(&self.run);
        }
    }
}

impl Audience for Desk<'_> {
    fn session(&mut self, session: Session) {
        let Self { auditor, outlet, run, tally, .. } = self;
        auditor.session(session, &mut |audited| {
            tally.session(audited);
            outlet.session(run, audited);
        });
        self.changed = true;
    }

    fn pulse(&mut self, mut pulse: Pulse) {
        if let Some(datagrams) = pulse.datagrams.take() {
            self.datagrams = datagrams;
        }
        let fresh = pulse.frames != self.pulse.frames || pulse.sources != self.pulse.sources;
        self.changed |= fresh;
        self.pulse = pulse;
    }

    fn beat(&mut self) {
        self.board.beat();
        self.outlet.beat();
        if let Some(judges) = self.orders.judges() {
            self.begin_run(Some(judges));
        }
        if self.orders.give_up.swap(false, Ordering::Relaxed) {
            self.give_up_waiting();
        }
        if self.orders.relieve.swap(false, Ordering::Relaxed) {
            // What ended runs came to is in memory as well, while it cannot be stored.
            while self.keeper.as_ref().is_some_and(Keeper::give_up_run) {}
            self.auditor.forget();
            self.begin_run(None);
        }
        if self.began.elapsed() >= self.window {
            self.begin_run(None);
        }
        let wait = PUBLISH.max(self.cost.saturating_mul(COST));
        let untaken = || self.untaken && self.keeper.as_ref().is_some_and(Keeper::takes_outcome);
        if (self.changed || untaken()) && self.published.elapsed() >= wait {
            let outcome = self.publish();
            self.hand_over(outcome, false);
        } else if self.handed.elapsed() >= HAND_OVER {
            self.hand_over_sessions();
        }
        self.orders.waiting.store(self.waiting_bytes(), Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
