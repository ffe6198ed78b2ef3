//! `wirelint watch`: traffic as it comes, for minutes or for weeks.

mod args;
mod outlet;
mod words;
mod wrote;

pub(crate) use args::{SandboxMode, WatchArgs};

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use args::EventFormat;
use outlet::Events;
use wrote::Wrote;

use super::audit::{Refusal, earlier_edges};
use super::keys::Keys;
use super::terminal::Terminal;
use super::{BUG, Code, OK, STORAGE, USAGE};
use crate::audit::Auditor;
use crate::capture::{
    DeviceError, Feed, Filter, InterfaceFeed, LiveOptions, OpenPipe, PipeFeed, interfaces, open,
};
use crate::edge::{Asked, on_signals};
use crate::engine::{Board, Desk, Keeper, LiveInput, Memory, Orders, Relief, Snapshot, live};
use crate::model::{Accept, Diagnostic, Outcome, RunInfo};
use crate::report::Verdict;
use crate::store::{Retention, Store};

/// How often the watcher looks at what is asked of it.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the command.
pub(super) fn run(args: &WatchArgs, terminal: &Terminal) -> Code {
    let done = if args.list_interfaces { list(terminal) } else { attempt(args, terminal) };
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
    memory: Memory,
    reopen: Arc<AtomicBool>,
}

fn attempt(args: &WatchArgs, terminal: &Terminal) -> Result<Code, Refusal> {
    let wrote = Wrote::read(&args.audit).map_err(|said| (said, USAGE))?;
    let keys = Keys::read(&args.audit.keylog).map_err(|error| (vec![error.diagnostic()], USAGE))?;
    keys.said.iter().for_each(|said| terminal.say(said));
    let opened = open_all(args)?;
    let store = args.db.as_deref().map(Store::open).transpose();
    let store = store.map_err(|error| (vec![error.diagnostic()], STORAGE))?;
    let reopen = Arc::new(AtomicBool::new(false));
    let format = args.format.unwrap_or(match std::io::stdout().is_terminal() {
        true => EventFormat::Text,
        false => EventFormat::Ndjson,
    });
    let mut events = Events::begin(format, args.events.as_deref(), &reopen)
        .map_err(|error| (vec![*error], STORAGE))?;
    super::privileges::drop_for_watch(args, terminal)?;
    let watch = Watch {
        args,
        terminal,
        keys,
        asked: Arc::default(),
        orders: Arc::default(),
        board: Arc::default(),
        memory: Memory::below(args.max_memory),
        reopen,
    };
    if let Err(error) = on_signals(&watch.asked) {
        terminal.say(&Diagnostic::warning("no-signals", error.to_string()));
    }
    watch.go(wrote, opened, store, &mut events)
}

fn device(error: &DeviceError) -> Refusal {
    (vec![error.diagnostic()], error.exit_code())
}

fn thread_refused(error: &std::io::Error) -> Refusal {
    (vec![Diagnostic::error("no-thread", format!("the system grants no thread: {error}"))], BUG)
}

/// What frames come from.
enum Opened {
    Interfaces(Vec<crate::capture::OpenInterface>),
    Pipe(OpenPipe, Option<Filter>),
}

fn open_all(args: &WatchArgs) -> Result<Opened, Refusal> {
    let files: Vec<_> = args.audit.paths.iter().chain(&args.audit.read).collect();
    let usage = |diagnostic: Diagnostic| (vec![diagnostic], USAGE);
    match (args.interface.as_slice(), files.as_slice()) {
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
                snaplen: args.snaplen.clamp(64, 1 << 20),
                buffer: u32::try_from(args.buffer).unwrap_or(u32::MAX).min(i32::MAX as u32),
                promiscuous: !args.no_promiscuous,
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

impl Watch<'_> {
    fn go(
        &self,
        wrote: Wrote,
        opened: Opened,
        store: Option<Store>,
        events: &mut Events,
    ) -> Result<Code, Refusal> {
        let (feed, filter): (Box<dyn Feed>, _) = match opened {
            Opened::Interfaces(all) => {
                let feed = InterfaceFeed::start(all).map_err(|error| thread_refused(&error))?;
                (Box::new(feed), None)
            }
            Opened::Pipe(pipe, filter) => {
                let feed = PipeFeed::start(pipe).map_err(|e| (vec![e.diagnostic()], USAGE))?;
                (Box::new(feed), filter)
            }
        };
        let names: Vec<String> = feed.sources().into_iter().map(|one| one.name).collect();
        let Wrote { judges } = wrote;
        let networks = judges.directory.services().virtual_networks();
        let run = self.run_info(&judges.rules);
        self.begin_words(&names, &run);
        let which = self.args.keep_sessions.which;
        let auditor = Auditor::new(judges.rules, judges.directory, which)
            .with_authorities(judges.authorities)
            .with_policy(judges.policy)
            .with_earlier_runs(earlier_edges(store.as_ref())?);
        let retention = Retention {
            session_seconds: self
                .args
                .keep_sessions
                .age
                .and_then(|age| age.as_secs().try_into().ok()),
            bytes: self.args.max_size,
        };
        let keeper = store.map(|store| Keeper::start(store, retention)).transpose();
        let keeper = keeper.map_err(|error| thread_refused(&error))?;
        let trouble = keeper.as_ref().map(|keeper| Arc::clone(keeper.state()));
        let seams = (keeper, Arc::clone(&self.board), Arc::clone(&self.orders));
        let lost_events = events.lost();
        let mut desk =
            Desk::new(auditor, run, seams, self.args.window, events).without(judges.lost);
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
            scope.spawn(|| self.attend(&over, trouble.as_deref()));
            live(input, &mut desk);
            over.store(true, Ordering::Release);
        });
        let (outcome, keeper, unstored) = desk.finish();
        Ok(self.end(&outcome, keeper, (unstored, lost_events.load(Ordering::Relaxed))))
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
        match self.memory.relief()? {
            Relief::Connections(percent) => Some(percent),
            Relief::Run => {
                self.orders.relieve.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// Does what signals and the clock ask for, until it is over.
    fn attend(&self, over: &AtomicBool, keeper: Option<&crate::engine::KeeperState>) {
        let begun = Instant::now();
        let (mut said, mut known) = (Instant::now(), Arc::new(Snapshot::default()));
        let mut storing = true;
        while !over.load(Ordering::Acquire) {
            thread::sleep(LOOK);
            if self.args.duration.is_some_and(|time| begun.elapsed() >= time) {
                self.asked.stop.store(true, Ordering::Release);
            }
            if self.asked.takes_reload() {
                self.reload();
            }
            let now = self.board.latest();
            words::changes(&known, &now).iter().for_each(|one| self.terminal.say(one));
            known = now;
            let trouble = keeper.and_then(crate::engine::KeeperState::trouble);
            if storing == trouble.is_some() {
                storing = !storing;
                self.say_storing(trouble.as_ref());
            }
            let every = self.args.stats_interval;
            let due = !every.is_zero() && said.elapsed() >= every;
            if self.asked.takes_report() || due {
                said = Instant::now();
                let resident = self.memory.resident();
                self.terminal.note(&words::statistics(&known, resident, trouble.as_ref()));
            }
        }
    }

    fn say_storing(&self, trouble: Option<&Diagnostic>) {
        match trouble {
            Some(trouble) => {
                let said = Diagnostic { level: crate::model::Level::Warning, ..trouble.clone() };
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

    fn end(&self, outcome: &Outcome, keeper: Option<Keeper>, lost: (u64, u64)) -> Code {
        let verdict = Verdict::of(outcome);
        let mut code = if self.args.fail_on.is_some() { verdict.exit_code() } else { OK };
        if let Some(keeper) = keeper {
            keeper.finish(code);
            if let Some(trouble) = keeper.end() {
                self.terminal.say(&trouble);
                code = STORAGE;
            }
        }
        for one in &outcome.coverage.incomplete {
            self.terminal.say(&Diagnostic::warning(one.code, one.message.clone()));
        }
        let (unstored, events) = lost;
        if unstored > 0 {
            let message =
                format!("{unstored} sessions were not stored: the database could not be written");
            self.terminal.say(&Diagnostic::warning("unstored", message));
        }
        if events > 0 {
            let message = format!("{events} events could not be written");
            self.terminal.say(&Diagnostic::warning("events-lost", message));
        }
        let snapshot = self.board.latest();
        self.terminal.note(&words::statistics(&snapshot, self.memory.resident(), None));
        if self.args.fail_on.is_some() {
            self.terminal.note(&verdict.line(outcome));
        }
        code
    }
}
