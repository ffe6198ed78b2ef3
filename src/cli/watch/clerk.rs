//! Events on their way to receivers: taken from the audit as they are, put into words by a thread of its own.
//!
//! Putting a session into words takes longer than judging it. So the audit gives a copy, and shares findings; what that thread
//! cannot keep up with is given up and counted, and nobody waits.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::edge::deliver::{Courier, Delivery};
use crate::engine::now;
use crate::model::{AuditedSession, Finding, FindingBody, Outcome, RunInfo, limits};
use crate::report::SessionWriter;
use crate::store::Spooled;

/// The audit's end.
pub(super) struct Carrier {
    way: Arc<Way>,
    delivery: Arc<Delivery>,
    run: Option<Arc<RunInfo>>,
    all: bool,
    /// Events that may wait for the clerk.
    most: usize,
    /// Something was told since it was handed on.
    told: bool,
}

/// What is to be put into words.
enum Told {
    Session(Arc<RunInfo>, Box<AuditedSession>),
    Findings(Arc<RunInfo>, Arc<[Finding]>),
    /// A run ended, with this event, and before it that of its beginning.
    Ended(Vec<u8>),
    HandOn,
}

impl Told {
    fn events(&self) -> usize {
        match self {
            Self::Session(..) => 1,
            Self::Findings(_, news) => news.len(),
            Self::Ended(_) | Self::HandOn => 0,
        }
    }
}

/// From the audit to the clerk.
#[derive(Default)]
struct Way {
    line: Mutex<Line>,
    changed: Condvar,
}

#[derive(Default)]
struct Line {
    told: VecDeque<(i64, Told)>,
    /// Events among what is told.
    events: usize,
    closed: bool,
}

impl Way {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, at: i64, told: Told) {
        let mut line = self.line();
        line.events += told.events();
        line.told.push_back((at, told));
        self.changed.notify_one();
    }

    /// The next, or nothing when nothing comes any more.
    fn take(&self) -> Option<(i64, Told)> {
        let waits = |line: &mut Line| line.told.is_empty() && !line.closed;
        let waited = self.changed.wait_while(self.line(), waits);
        let mut line = waited.unwrap_or_else(PoisonError::into_inner);
        let next = line.told.pop_front();
        line.events -= next.as_ref().map_or(0, |(_, told)| told.events()).min(line.events);
        next
    }

    /// Takes out the older half of the sessions, and says how many.
    fn take_out_half(&self) -> u64 {
        let mut line = self.line();
        let is_session = |told: &Told| matches!(told, Told::Session(..));
        let sessions = line.told.iter().filter(|(_, told)| is_session(told)).count();
        let half = sessions.div_ceil(2);
        let mut rest = half;
        line.told.retain(|(_, told)| {
            let goes = rest > 0 && is_session(told);
            rest -= usize::from(goes);
            !goes
        });
        line.events = line.events.saturating_sub(half);
        half as u64
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.way.line().closed = true;
        self.way.changed.notify_one();
    }
}

impl Carrier {
    /// Begins to carry events: findings, or all; of which so many may wait for the clerk.
    pub(super) fn begin(
        delivery: Arc<Delivery>,
        courier: Courier,
        (all, most): (bool, usize),
    ) -> std::io::Result<Self> {
        let way = Arc::<Way>::default();
        let clerk = Clerk { courier, writer: SessionWriter::new(Vec::new()), all, begun: false };
        let told = Arc::clone(&way);
        let named = thread::Builder::new().name("events".to_owned());
        named.spawn(move || clerk.work(&told))?;
        Ok(Self { way, delivery, run: None, all, most, told: false })
    }

    /// Events that wait for the clerk.
    pub(super) fn waiting(&self) -> usize {
        self.way.line().events
    }

    /// Gives up the older half of the sessions that wait.
    pub(super) fn give_up_half(&self) {
        self.delivery.give_up(self.way.take_out_half());
    }

    pub(super) fn session(&mut self, run: &RunInfo, audited: &AuditedSession) {
        if self.all {
            let run = self.run.get_or_insert_with(|| Arc::new(run.clone()));
            let run = Arc::clone(run);
            let session = || Told::Session(run, Box::new(audited.clone()));
            self.give(1, self.most, session);
        }
    }

    pub(super) fn findings(&mut self, run: &RunInfo, news: &Arc<[Finding]>) {
        if !news.is_empty() {
            // They are shared, and worth more: sessions that wait do not keep them out.
            let most = self.most.saturating_add(limits::FINDINGS);
            let findings = || Told::Findings(Arc::new(run.clone()), Arc::clone(news));
            self.give(news.len(), most, findings);
        }
    }

    pub(super) fn ended(&mut self, outcome: &Outcome) {
        self.run = None;
        let mut writer = SessionWriter::new(Vec::new());
        let written = !self.all || writer.stats(outcome).is_ok();
        let lines = if written { writer.into_inner() } else { Vec::new() };
        self.told = true;
        self.way.put(now().micros(), Told::Ended(lines));
        self.hand_on();
    }

    /// Has what was told put into the spool.
    pub(super) fn hand_on(&mut self) {
        if std::mem::take(&mut self.told) {
            self.way.put(0, Told::HandOn);
        }
    }

    /// Gives events, unless so many wait.
    fn give(&mut self, events: usize, most: usize, told: impl FnOnce() -> Told) {
        if self.waiting() >= most {
            self.delivery.give_up(events as u64);
            return;
        }
        self.told = true;
        self.way.put(now().micros(), told());
    }
}

/// Who puts events into words. May wait for the spool.
struct Clerk {
    courier: Courier,
    writer: SessionWriter<Vec<u8>>,
    all: bool,
    /// The run at hand has an event.
    begun: bool,
}

impl Clerk {
    fn work(mut self, way: &Way) {
        while let Some((at, told)) = way.take() {
            match told {
                Told::Session(run, audited) => self.session(at, &run, &audited),
                Told::Findings(run, news) => {
                    news.iter().for_each(|finding| self.finding(at, &run, finding));
                }
                Told::Ended(lines) => self.ended(at, &lines),
                Told::HandOn => self.courier.hand_on(),
            }
        }
    }

    fn session(&mut self, at: i64, run: &RunInfo, audited: &AuditedSession) {
        if self.writer.session(run, audited).is_ok() {
            let AuditedSession { client, server, session, posture, .. } = audited;
            let port = session.server.port;
            let summary = format!("{} to {}:{port}: {posture}", client.service, server.service);
            self.take_written(at, ("session", ""), &summary);
        }
    }

    fn finding(&mut self, at: i64, run: &RunInfo, finding: &Finding) {
        if self.writer.finding(run, finding).is_ok() {
            let FindingBody { rule, rule_name, message, severity, .. } = &**finding;
            let summary = format!("{rule} {rule_name}: {message}");
            self.take_written(at, ("finding", severity.name()), &summary);
        }
    }

    fn ended(&mut self, at: i64, lines: &[u8]) {
        // Where the run has events, it was said that it begins.
        let skipped = usize::from(self.begun);
        let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').skip(skipped).collect();
        self.take(at, ("stats", ""), "a run ended", &lines.join(&b'\n'));
        self.writer.begin_run();
        self.begun = false;
    }

    fn take_written(&mut self, at: i64, what: (&str, &str), summary: &str) {
        self.begun = true;
        let bytes = self.writer.reopen(Vec::new());
        self.take(at, what, summary, &bytes);
    }

    /// Takes lines: an event, and before it, where a run began, the event of that.
    fn take(&mut self, at: i64, what: (&str, &str), summary: &str, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let is_last = lines.peek().is_none();
            let ((kind, severity), summary) =
                if is_last { (what, summary) } else { (("run", ""), "a run begins") };
            if is_last || self.all {
                self.courier.make_room();
                self.courier.take(Spooled {
                    seq: 0,
                    at,
                    kind: kind.to_owned(),
                    severity: severity.to_owned(),
                    summary: summary.to_owned(),
                    line: line.to_owned(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Posture, fixture};

    #[test]
    fn the_older_half_of_the_sessions_goes_and_findings_stay() {
        let (way, run) = (Way::default(), Arc::<RunInfo>::default());
        let session = |number| {
            let audited = Box::new(fixture::session(number, Posture::Plaintext));
            Told::Session(Arc::clone(&run), audited)
        };
        let news: Arc<[Finding]> = fixture::outcome().findings.into();
        let found = news.len();
        way.put(0, Told::Findings(Arc::clone(&run), news));
        (1..=5).for_each(|number| way.put(0, session(number)));
        way.put(0, Told::Ended(Vec::new()));
        assert_eq!(way.take_out_half(), 3);
        assert_eq!(way.line().events, found + 2);
        way.line().closed = true;
        let mut left = Vec::new();
        while let Some((_, told)) = way.take() {
            left.push(match told {
                Told::Session(_, audited) => audited.number,
                Told::Findings(..) => 100,
                Told::Ended(_) | Told::HandOn => 200,
            });
        }
        assert_eq!(left, [100, 4, 5, 200]);
        assert_eq!(way.line().events, 0);
    }
}
