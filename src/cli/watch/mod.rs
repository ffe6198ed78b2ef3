//! `wirelint watch`: traffic as it comes, for minutes or for weeks.

mod args;
mod attend;
mod clerk;
mod delivery;
mod event_file;
mod outlet;
mod reading;
mod screen;
mod words;
mod wrote;

pub(crate) use args::{LiveArgs, SandboxMode, WatchArgs, duration, size};
pub(crate) use screen::Looked;

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use args::EventFormat;
use delivery::Planned;
use event_file::Rotation;
use outlet::Events;
use reading::Gauges;
use screen::Screen;
use wrote::Wrote;

use super::audit::{Refusal, earlier_edges, settle_filter};
use super::keys::Keys;
use super::terminal::Terminal;
use super::{BUG, Code, OK, STORAGE, USAGE};
use crate::audit::Auditor;
use crate::capture::{
    DeviceError, Feed, Filter, InterfaceFeed, LiveOptions, OpenPipe, PipeFeed, interfaces, open,
};
use crate::edge::deliver::Delivery;
use crate::edge::metrics::MetricsServer;
use crate::edge::{Asked, Notifier, on_signals};
use crate::engine::{Board, Desk, Keeper, LiveInput, Memory, Orders, Relief, Unstored, live};
use crate::model::{Accept, Diagnostic, Outcome, RunInfo};
use crate::report::Verdict;
use crate::store::{Retention, Store};

/// Runs the command.
pub(super) fn run(mut args: WatchArgs, terminal: &Terminal) -> Code {
    let done = match args.list_interfaces {
        true => list(terminal),
        false => settle_filter(&mut args.audit).and_then(|()| attempt(&args, terminal)),
    };
    match done {
        Ok(code) => code,
        Err((diagnostics, code)) => terminal.refuse(&diagnostics, code),
    }
}

fn list(terminal: &Terminal) -> Result<Code, Refusal> {
    let all = interfaces().map_err(|error| device(&error))?;
    let mut text = String::new();
    for one in all {
        let state = if one.is_up { "up" } else { "down" };
        let carrier = if one.is_up && !one.is_running { ", no carrier" } else { "" };
        let addresses: Vec<String> = one.addresses.iter().map(ToString::to_string).collect();
        let name = crate::model::escape_text(&one.name);
        text.push_str(&format!("{name}\t{state}{carrier}\t{}\n", addresses.join(" ")));
    }
    terminal.print(&text).map_err(|error| (vec![super::terminal::unwritable(&error)], STORAGE))?;
    Ok(OK)
}

/// Everything that a watch needs, read, opened and found sound.
struct Watch<'a> {
    args: &'a WatchArgs,
    terminal: &'a Terminal,
    keys: Keys,
    asked: Arc<Asked>,
    orders: Arc<Orders>,
    board: Arc<Board>,
    memory: Arc<Memory>,
    reopen: Arc<AtomicBool>,
    manager: Option<Notifier>,
    /// Where it is looked at in this process.
    screen: Option<Screen<'a>>,
}

fn attempt(args: &WatchArgs, terminal: &Terminal) -> Result<Code, Refusal> {
    if args.events.is_none() && args.rotation() != Rotation::default() {
        let said = Diagnostic::error("events", "there is no file of events to turn over")
            .help("name it: --events FILE");
        return Err((vec![said], USAGE));
    }
    let wrote = Wrote::read(&args.audit).map_err(|said| (said, USAGE))?;
    let keys = Keys::read(&args.audit.keylog).map_err(|error| (vec![error.diagnostic()], USAGE))?;
    keys.said.iter().for_each(|said| terminal.say(said));
    // Before the interfaces: names of receivers are looked up, and packets would be lost meanwhile.
    let planned = Planned::open(args, terminal)?;
    let opened = open_all(args)?;
    let store = args.db.as_deref().map(Store::open).transpose();
    let store = store.map_err(|error| (vec![error.diagnostic()], STORAGE))?;
    let reopen = Arc::new(AtomicBool::new(false));
    let format = args.format.unwrap_or(match std::io::stdout().is_terminal() {
        true => EventFormat::Text,
        false => EventFormat::Ndjson,
    });
    let file = args.events.as_deref().map(|path| (path, args.rotation()));
    let mut events =
        Events::begin(format, file, &reopen).map_err(|error| (vec![*error], STORAGE))?;
    let metrics = args.metrics.map(reading::listen).transpose()?;
    let manager = Notifier::find(|name| std::env::var_os(name)).unwrap_or_else(|error| {
        let message = format!("the service manager cannot be told anything: {error}");
        terminal.say(&Diagnostic::warning("no-manager", message));
        None
    });
    let ports = planned.as_ref().map(Planned::ports).unwrap_or_default();
    super::privileges::drop_for_watch(args, ports, terminal)?;
    let watch = Watch { manager, ..Watch::new(args, terminal, keys, reopen) };
    if let Err(error) = on_signals(&watch.asked) {
        terminal.say(&Diagnostic::warning("no-signals", error.to_string()));
    }
    watch.go(wrote, opened, Outputs { store, metrics, planned }, &mut events)
}

fn device(error: &DeviceError) -> Refusal {
    (vec![error.diagnostic()], error.exit_code())
}

fn thread_refused(error: &std::io::Error) -> Refusal {
    (vec![Diagnostic::error("no-thread", format!("the system grants no thread: {error}"))], BUG)
}

/// What is written to and answered, besides events.
struct Outputs {
    store: Option<Store>,
    metrics: Option<MetricsServer>,
    planned: Option<Planned>,
}

/// What frames come from.
enum Opened {
    Interfaces(Vec<crate::capture::OpenInterface>),
    Pipe(OpenPipe, Option<Filter>),
}

fn open_all(args: &WatchArgs) -> Result<Opened, Refusal> {
    let files: Vec<_> = args.audit.paths.iter().chain(&args.audit.read).collect();
    let usage = |diagnostic: Diagnostic| (vec![diagnostic], USAGE);
    match (args.live.interface.as_slice(), files.as_slice()) {
        ([], []) => Err(usage(
            Diagnostic::error("input-missing", "nothing to watch was named")
                .help("name an interface: wirelint watch -i eth1 (wirelint watch -D lists them)")
                .help("or pipe packets in: tcpdump -i eth1 -U -w - | wirelint watch -r -"),
        )),
        ([], [path]) => {
            let standard = path.as_os_str() == "-";
            if standard && std::io::stdin().is_terminal() {
                return Err(usage(crate::capture::CaptureError::Terminal.diagnostic()));
            }
            let pipe = if standard { Ok(OpenPipe::standard()) } else { OpenPipe::file(path) };
            let pipe = pipe.map_err(|error| usage(error.diagnostic()))?;
            let filter = args.audit.filter.as_deref().map(Filter::compile).transpose();
            Ok(Opened::Pipe(pipe, filter.map_err(|error| usage(error.diagnostic()))?))
        }
        (names, []) => {
            let options = LiveOptions {
                filter: args.audit.filter.clone(),
                snaplen: args.live.snaplen.clamp(64, 1 << 20),
                buffer: u32::try_from(args.live.buffer).unwrap_or(u32::MAX).min(i32::MAX as u32),
                promiscuous: !args.live.no_promiscuous,
            };
            let opened = names.iter().map(|name| open(name, &options));
            let opened: Result<Vec<_>, _> = opened.collect();
            Ok(Opened::Interfaces(opened.map_err(|error| device(&error))?))
        }
        _ => Err(usage(
            Diagnostic::error("input-mixed", "interfaces or one packet file, not both or several")
                .help("audit packet files that are complete with: wirelint check FILE..."),
        )),
    }
}

impl Opened {
    /// Begins to read, by threads of its own. Gives a filter where the kernel does not apply it.
    fn start(self) -> Result<(Box<dyn Feed>, Option<Filter>), Refusal> {
        match self {
            Self::Interfaces(all) => {
                let feed = InterfaceFeed::start(all).map_err(|error| thread_refused(&error))?;
                Ok((Box::new(feed), None))
            }
            Self::Pipe(pipe, filter) => {
                let feed = PipeFeed::start(pipe).map_err(|e| (vec![e.diagnostic()], USAGE))?;
                Ok((Box::new(feed), filter))
            }
        }
    }
}

impl<'a> Watch<'a> {
    /// One that tells no service manager and is looked at nowhere.
    fn new(
        args: &'a WatchArgs,
        terminal: &'a Terminal,
        keys: Keys,
        reopen: Arc<AtomicBool>,
    ) -> Self {
        Self {
            args,
            terminal,
            keys,
            asked: Arc::default(),
            orders: Arc::default(),
            board: Arc::default(),
            memory: Arc::new(Memory::below(args.live.max_memory)),
            reopen,
            manager: None,
            screen: None,
        }
    }
}

impl Watch<'_> {
    fn go(
        &self,
        wrote: Wrote,
        opened: Opened,
        outputs: Outputs,
        events: &mut Events,
    ) -> Result<Code, Refusal> {
        let (feed, filter) = opened.start()?;
        let names: Vec<String> = feed.sources().into_iter().map(|one| one.name).collect();
        let Wrote { judges } = wrote;
        let networks = judges.directory.services().virtual_networks();
        let run = self.run_info(&judges.rules);
        self.begin_words(&names, &run);
        let which = self.args.keep_sessions.which;
        let auditor = Auditor::new(judges.rules, judges.directory, which)
            .with_authorities(judges.authorities)
            .with_policy(judges.policy)
            .with_earlier_runs(earlier_edges(outputs.store.as_ref())?);
        let Outputs { store, metrics, planned } = outputs;
        let keeper = store.map(|store| Keeper::start(store, self.retention())).transpose();
        let keeper = keeper.map_err(|error| thread_refused(&error))?;
        let delivery = planned.map(|planned| planned.start(self.memory.untold())).transpose();
        let delivery = delivery.map_err(|error| thread_refused(&error))?;
        let delivery = delivery.map(|(delivery, carrier)| {
            events.carry_by(carrier);
            delivery
        });
        let gauges = self.gauges(keeper.as_ref(), delivery.as_ref(), events);
        if let Some(server) = metrics {
            self.answer(server, gauges.clone())?;
        }
        let seams = (keeper, Arc::clone(&self.board), Arc::clone(&self.orders));
        let lost_events = events.lost();
        let mut desk =
            Desk::new(auditor, run, seams, self.args.window, events).without(judges.lost);
        desk = desk.holding(self.memory.unstored());
        let input = LiveInput {
            feed,
            filter,
            stop: &self.asked.stop,
            shed: &|| self.relief(),
            networks,
            keys: Arc::clone(&self.keys.log),
            workers: self.args.audit.workers.max(1),
            flows: self.memory.connections(),
        };
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| self.attend(&over, &gauges));
            live(input, &mut desk);
            over.store(true, Ordering::Release);
        });
        let (outcome, keeper, unstored) = desk.finish();
        events.end();
        if let Some(delivery) = delivery {
            words::undelivered(&delivery.end(), self.args.delivery_waits())
                .iter()
                .for_each(|one| self.terminal.say(one));
        }
        Ok(self.end(&outcome, keeper, (unstored, lost_events.load(Ordering::Relaxed))))
    }

    fn gauges(
        &self,
        keeper: Option<&Keeper>,
        delivery: Option<&Arc<Delivery>>,
        events: &Events,
    ) -> Gauges {
        Gauges {
            board: Arc::clone(&self.board),
            memory: Arc::clone(&self.memory),
            keeper: keeper.map(|keeper| Arc::clone(keeper.state())),
            delivery: delivery.map(Arc::clone),
            database: self.args.db.clone(),
            events_lost: events.lost(),
            round: Arc::new(Mutex::new((0, Instant::now()))),
        }
    }

    fn answer(&self, server: MetricsServer, gauges: Gauges) -> Result<(), Refusal> {
        let address = server.address();
        let started = server.start(Arc::new(move || gauges.read()));
        started.map_err(|error| thread_refused(&error))?;
        self.terminal.note(&format!("metrics at http://{address}/metrics"));
        Ok(())
    }

    fn retention(&self) -> Retention {
        let age = self.args.keep_sessions.age;
        Retention {
            session_seconds: age.and_then(|age| age.as_secs().try_into().ok()),
            bytes: self.args.max_size,
        }
    }

    fn run_info(&self, rules: &crate::rule::RuleSet) -> RunInfo {
        RunInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            filter: self.args.audit.filter.clone(),
            ruleset: rules.digest(),
            rules: rules.rules().len(),
            fail_on: self.args.fail_on.and_then(|level| level.0),
            accept: Accept { incomplete: self.args.fail_on.is_none(), empty: true },
            ..RunInfo::default()
        }
    }

    fn begin_words(&self, names: &[String], run: &RunInfo) {
        if self.args.stats_interval.is_zero() {
            return;
        }
        let db = self.args.db.as_deref().map(|path| format!(", into {}", path.display()));
        let names = crate::model::escape_text(&names.join(", "));
        let db = crate::model::escape_text(&db.unwrap_or_default());
        self.terminal.note(&format!("watching {names} by {} rules{db}", run.rules));
    }

    fn relief(&self) -> Option<u8> {
        match self.memory.relief(self.orders.waiting())? {
            Relief::Waiting => {
                self.orders.give_up.store(true, Ordering::Relaxed);
                None
            }
            Relief::Connections(percent) => Some(percent),
            Relief::Run => {
                self.orders.relieve.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    fn end(&self, outcome: &Outcome, keeper: Option<Keeper>, lost: (u64, u64)) -> Code {
        let verdict = Verdict::of(outcome);
        let mut code = if self.args.fail_on.is_some() { verdict.exit_code() } else { OK };
        let (sessions, events) = lost;
        let mut unstored = Unstored { sessions, runs: 0 };
        if let Some(keeper) = keeper {
            keeper.finish(code);
            let (trouble, given_up) = keeper.end();
            unstored.sessions = unstored.sessions.saturating_add(given_up.sessions);
            unstored.runs = given_up.runs;
            if let Some(trouble) = trouble {
                self.terminal.say(&trouble);
                code = STORAGE;
            }
        }
        for one in &outcome.coverage.incomplete {
            self.terminal.say(&Diagnostic::warning(one.code, one.message.clone()));
        }
        words::unstored(unstored).iter().for_each(|one| self.terminal.say(one));
        if events > 0 {
            let message = format!("{events} events could not be written");
            self.terminal.say(&Diagnostic::warning("events-lost", message));
        }
        let snapshot = self.board.latest();
        if words::is_deaf(&snapshot) {
            code = super::DEVICE;
        }
        self.terminal.note(&words::statistics(&snapshot, self.memory.resident(), None));
        if self.args.fail_on.is_some() {
            self.terminal.note(&verdict.line(outcome));
        }
        code
    }
}
