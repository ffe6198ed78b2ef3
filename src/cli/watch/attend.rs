//! The thread that looks after a watch: signals, the clock, what the person and the service manager are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::reading::Gauges;
use super::screen::{Look, Screen};
use super::wrote::Wrote;
use super::{Watch, words};
use crate::edge::Notifier;
use crate::edge::deliver::Report;
use crate::engine::Snapshot;
use crate::model::{Diagnostic, Level};

/// How often it looks at what is asked of it.
const LOOK: Duration = Duration::from_millis(50);

/// How often the metrics are written to their file.
const PAGE: Duration = Duration::from_secs(15);

/// How often it is said that events are given up, at most: under load they are all the time.
const LOSSES: Duration = Duration::from_secs(60);

impl Watch<'_> {
    /// Does what signals and the clock ask for, until it is over.
    pub(super) fn attend(&self, over: &AtomicBool, gauges: &Gauges) {
        let mut attendant = Attendant::new(self, gauges);
        while !over.load(Ordering::Acquire) {
            thread::sleep(LOOK);
            attendant.look();
        }
        self.to_manager(Notifier::stopping);
        attendant.write_page();
    }

    fn to_manager(&self, tell: impl Fn(&Notifier)) {
        if let Some(manager) = &self.manager {
            tell(manager);
        }
    }

    fn say_storing(&self, trouble: Option<&Diagnostic>) {
        match trouble {
            Some(trouble) => {
                let said = Diagnostic { level: Level::Warning, ..trouble.clone() };
                self.terminal.say(&said.note("watching goes on, and storing is tried again"));
            }
            None => self.terminal.note("storing goes on"),
        }
    }

    /// Reads again what the user wrote. What is broken is said, and what was in force stays in force.
    fn reload(&self) {
        self.reopen.store(true, Ordering::Release);
        let read = Wrote::read_keys(&self.args.audit, &self.keys)
            .and_then(|()| Wrote::read(&self.args.audit));
        match read {
            Ok(wrote) => {
                let rules = wrote.judges.rules.rules().len();
                self.orders.judge_by(wrote.judges);
                self.terminal.note(&format!("reloaded: {rules} rules are in force"));
            }
            Err(said) => {
                said.iter().for_each(|one| self.terminal.say(one));
                self.terminal.note("not reloaded: what was in force stays in force");
            }
        }
    }
}

/// What was looked at when.
struct Attendant<'a> {
    watch: &'a Watch<'a>,
    gauges: &'a Gauges,
    begun: Instant,
    said: Instant,
    known: Arc<Snapshot>,
    storing: bool,
    ready: bool,
    stopping: bool,
    alive: Instant,
    beats: u64,
    page: Option<Instant>,
    delivery: Report,
    losses_said: Option<Instant>,
    /// What the dashboard is told, where there is one in this process.
    screen: Option<Look<'a>>,
}

impl<'a> Attendant<'a> {
    fn new(watch: &'a Watch<'a>, gauges: &'a Gauges) -> Self {
        let now = Instant::now();
        Self {
            watch,
            gauges,
            begun: now,
            said: now,
            known: Arc::default(),
            storing: true,
            ready: false,
            stopping: false,
            alive: now,
            beats: 0,
            page: None,
            delivery: Report::default(),
            losses_said: None,
            screen: watch.screen.as_ref().map(Screen::begin),
        }
    }

    fn look(&mut self) {
        let watch = self.watch;
        if watch.args.duration.is_some_and(|time| self.begun.elapsed() >= time) {
            watch.asked.stop.store(true, Ordering::Release);
        }
        if watch.asked.takes_reload() {
            watch.to_manager(Notifier::reloading);
            watch.reload();
            watch.to_manager(Notifier::ready);
        }
        let now = watch.board.latest();
        words::changes(&self.known, &now).iter().for_each(|one| watch.terminal.say(one));
        self.known = now;
        if words::is_deaf(&self.known) {
            watch.asked.stop.store(true, Ordering::Release);
        }
        if let Some(screen) = &mut self.screen {
            screen.look(watch, &self.known, self.gauges.keeper.as_deref());
        }
        let trouble = self.gauges.keeper.as_ref().and_then(|keeper| keeper.trouble());
        if self.storing == trouble.is_some() {
            self.storing = !self.storing;
            watch.say_storing(trouble.as_ref());
        }
        if let Some(delivery) = &self.gauges.delivery {
            let mut now = delivery.report();
            if self.losses_said.is_some_and(|said| said.elapsed() < LOSSES) {
                words::keep_losses_for_later(&self.delivery, &mut now);
            } else if words::has_new_losses(&self.delivery, &now) {
                self.losses_said = Some(Instant::now());
            }
            let said = words::delivery_changes(&self.delivery, &now);
            said.iter().for_each(|one| watch.terminal.say(one));
            self.delivery = now;
        }
        self.tell_manager(trouble.is_some());
        let every = watch.args.stats_interval;
        let due = !every.is_zero() && self.said.elapsed() >= every;
        if watch.asked.takes_report() || due {
            self.said = Instant::now();
            let resident = watch.memory.resident();
            let line = words::statistics(&self.known, resident, trouble.as_ref());
            watch.terminal.note(&line);
            watch.to_manager(|manager| manager.status(&line));
        }
        if self.page.is_none_or(|written| written.elapsed() >= PAGE) {
            self.write_page();
        }
    }

    /// Says that the capture runs, once it does; that it is alive, while the auditor comes round; that the end begins.
    fn tell_manager(&mut self, storing_waits: bool) {
        let watch = self.watch;
        let Some(manager) = &watch.manager else { return };
        let beats = watch.board.beats();
        if !self.ready && beats > 0 {
            self.ready = true;
            manager.ready();
        }
        if !self.stopping && watch.asked.stop.load(Ordering::Acquire) {
            self.stopping = true;
            manager.stopping();
        }
        // An auditor that waits for a database that cannot be written is not mended by another start.
        let comes_round = beats != self.beats || storing_waits || self.stopping;
        if manager.watchdog().is_some_and(|every| self.alive.elapsed() >= every) && comes_round {
            self.alive = Instant::now();
            self.beats = beats;
            manager.alive();
        }
    }

    fn write_page(&mut self) {
        let Some(path) = &self.watch.args.metrics_textfile else { return };
        let first = self.page.is_none();
        self.page = Some(Instant::now());
        if let Err(error) = self.gauges.write_page(path)
            && first
        {
            let path = crate::model::escape_text(&path.to_string_lossy());
            let message = format!("the metrics cannot be written to {path}: {error}");
            self.watch.terminal.say(
                &Diagnostic::warning("metrics-textfile", message)
                    .note("watching goes on, and writing them is tried again"),
            );
        }
    }
}
