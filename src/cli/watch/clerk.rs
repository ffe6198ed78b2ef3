//! Events on their way to receivers: taken from the audit as they are, put into words by a thread of its own.
//!
//! Putting a session into words takes longer than judging it. So the audit gives a copy, and shares findings; what that thread
//! cannot keep up with is given up and counted, and nobody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::edge::deliver::{Courier, Delivery};
use crate::engine::now;
use crate::model::{AuditedSession, Finding, Outcome, RunInfo, limits};
use crate::report::SessionWriter;
use crate::store::Spooled;

/// The audit's end.
pub(super) struct Carrier {
    way: Sender<(i64, Told)>,
    /// Events that wait for the clerk.
    waiting: Arc<AtomicUsize>,
    delivery: Arc<Delivery>,
    run: Option<Arc<RunInfo>>,
    all: bool,
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

impl Carrier {
    /// Begins to carry events: findings, or all.
    pub(super) fn begin(
        delivery: Arc<Delivery>,
        courier: Courier,
        all: bool,
    ) -> std::io::Result<Self> {
        let (way, told) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let clerk = Clerk { courier, writer: SessionWriter::new(Vec::new()), all, begun: false };
        let counted = Arc::clone(&waiting);
        let named = thread::Builder::new().name("events".to_owned());
        named.spawn(move || clerk.work(&told, &counted))?;
        Ok(Self { way, waiting, delivery, run: None, all, told: false })
    }

    pub(super) fn session(&mut self, run: &RunInfo, audited: &AuditedSession) {
        if self.all {
            let run = self.run.get_or_insert_with(|| Arc::new(run.clone()));
            let run = Arc::clone(run);
            let session = || Told::Session(run, Box::new(audited.clone()));
            self.give(1, limits::UNTOLD_EVENTS, session);
        }
    }

    pub(super) fn findings(&mut self, run: &RunInfo, news: &Arc<[Finding]>) {
        if !news.is_empty() {
            // They are shared, and worth more: sessions that wait do not keep them out.
            let most = limits::UNTOLD_EVENTS.saturating_add(limits::FINDINGS);
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
        let _clerk_is_gone = self.way.send((now().micros(), Told::Ended(lines)));
        self.hand_on();
    }

    /// Has what was told put into the spool.
    pub(super) fn hand_on(&mut self) {
        if std::mem::take(&mut self.told) {
            let _clerk_is_gone = self.way.send((0, Told::HandOn));
        }
    }

    /// Gives events, unless so many wait.
    fn give(&mut self, events: usize, most: usize, told: impl FnOnce() -> Told) {
        if self.waiting.load(Ordering::Relaxed) >= most {
            self.delivery.give_up(events as u64);
            return;
        }
        self.waiting.fetch_add(events, Ordering::Relaxed);
        self.told = true;
        let _clerk_is_gone = self.way.send((now().micros(), told()));
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
    fn work(mut self, told: &Receiver<(i64, Told)>, waiting: &AtomicUsize) {
        for (at, told) in told {
            let events = match told {
                Told::Session(run, audited) => {
                    self.session(at, &run, &audited);
                    1
                }
                Told::Findings(run, news) => {
                    news.iter().for_each(|finding| self.finding(at, &run, finding));
                    news.len()
                }
                Told::Ended(lines) => {
                    self.ended(at, &lines);
                    0
                }
                Told::HandOn => {
                    self.courier.hand_on();
                    0
                }
            };
            waiting.fetch_sub(events, Ordering::Relaxed);
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
            let Finding { rule, rule_name, message, severity, .. } = finding;
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
