//! `wirelint check`: captures in, verdict out.

use std::io::{self, BufWriter, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use super::args::{Check, OnIncomplete};
use super::keys::Keys;
use super::output::Target;
use super::progress::Bar;
use super::reasons::reasons;
use super::rules::load;
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{BUG, Code, INTERRUPTED, STORAGE, USAGE};
use crate::audit::{Auditor, CaptureFacts};
use crate::capture::{Damage, Filter, Inputs};
use crate::edge::on_interrupt;
use crate::engine::{End, Input, Options, replay, unsupported_links};
use crate::identity::Directory;
use crate::model::{
    Accept, AuditedSession, Diagnostic, Incomplete, Outcome, RunInfo, Session, Timestamp,
};
use crate::report::{SessionWriter, Show, Verdict, format};
use crate::rule::RuleSet;
use crate::store::{RunEnd, RunStart, Store};

/// What ends a command early: what to say, and the code.
type Refusal = (Vec<Diagnostic>, Code);

/// Runs the command.
pub(super) fn run(check: Check, terminal: &Terminal) -> Code {
    match attempt(&check, terminal) {
        Ok(code) => code,
        Err((diagnostics, code)) => terminal.refuse(&diagnostics, code),
    }
}

fn attempt(check: &Check, terminal: &Terminal) -> Result<Code, Refusal> {
    let started = now();
    let rules = load(&check.rules).map_err(usage)?;
    let inputs = inputs(check)?;
    let filter = check.filter.as_deref().map(Filter::compile).transpose();
    let filter = filter.map_err(|error| usage(vec![error.diagnostic()]))?;
    let keys = Keys::read(&check.keylog).map_err(|error| usage(vec![error.diagnostic()]))?;
    keys.said.iter().for_each(|said| terminal.say(said));
    let mut store = open_store(check)?;
    let mut outputs = Outputs::begin(check)?;
    let stop = Arc::new(AtomicBool::new(false));
    if let Err(error) = on_interrupt(Arc::clone(&stop)) {
        terminal.say(&Diagnostic::warning("no-signals", error.to_string()));
    }
    let run = judged_by(&rules, check);
    let mut auditor = Auditor::new(Arc::new(rules), Directory::new(), check.keep_sessions);
    let bar = Bar::new(terminal.shows_progress());
    let input = Input {
        replay: inputs.replay(),
        filter,
        stop: &stop,
        run,
        keys: Arc::clone(&keys.log),
        progress: &|progress| bar.show(progress),
    };
    let options = Options { workers: check.workers.max(1), round: check.batch };
    let end = replay(input, options, &mut |run, session| outputs.take(&mut auditor, run, session));
    bar.finish();
    let end = match end {
        Ok(end) => end,
        Err(error) => {
            outputs.abandon();
            return Err(usage(vec![error.diagnostic()]));
        }
    };
    let unsupported = unsupported_links(&end.sources);
    if !unsupported.is_empty() {
        outputs.abandon();
        return Err(usage(unsupported));
    }
    let (stopped, failed_readers, tunnels) = (end.stopped, end.failed_readers, end.tunnels.clone());
    let damages: Vec<Damage> =
        end.sources.iter().filter_map(|source| source.damage.clone()).collect();
    let carried = end.carried_keys;
    outputs.take_rest(&mut auditor, &end.run);
    let outcome = finish(auditor, end);
    let code = code(&outcome, stopped, failed_readers);
    for diagnostic in reasons(&outcome, &damages, &tunnels) {
        terminal.say(&diagnostic);
    }
    for diagnostic in keys.after(&outcome.coverage, &carried) {
        terminal.say(&diagnostic);
    }
    let mut storage = outputs.finish(&outcome, check, terminal);
    if let Some(store) = &mut store {
        storage.extend(record(store, &outcome, started, code));
    }
    if storage.is_empty() { Ok(code) } else { Ok(terminal.refuse(&storage, STORAGE)) }
}

fn usage(diagnostics: Vec<Diagnostic>) -> Refusal {
    (diagnostics, USAGE)
}

fn inputs(check: &Check) -> Result<Inputs, Refusal> {
    let paths: Vec<_> = check.paths.iter().chain(&check.read).cloned().collect();
    if paths.is_empty() {
        let nothing = Diagnostic::error("input-missing", "no capture file was named")
            .help("name one: wirelint check FILE.pcapng")
            .help("or pipe one in: tcpdump -w - | wirelint check -");
        return Err(usage(vec![nothing]));
    }
    Inputs::resolve(&paths, check.recursive).map_err(|error| usage(vec![error.diagnostic()]))
}

fn open_store(check: &Check) -> Result<Option<Store>, Refusal> {
    let store = check.db.as_deref().map(Store::open).transpose();
    store.map_err(|error| (vec![error.diagnostic()], STORAGE))
}

/// How the run is judged. The first event names it, so it must be known before the end.
fn judged_by(rules: &RuleSet, check: &Check) -> RunInfo {
    let incomplete = check.on_incomplete == OnIncomplete::Warn;
    RunInfo {
        ruleset: rules.digest(),
        rules: rules.rules().len(),
        fail_on: if check.exit_zero { None } else { check.fail_on.0 },
        accept: Accept { incomplete, empty: check.allow_empty },
        ..RunInfo::default()
    }
}

fn finish(auditor: Auditor, end: End) -> Outcome {
    let mut coverage = end.coverage;
    if end.failed_readers > 0 {
        let message = format!(
            "{} sessions could not be read because of a bug in wirelint",
            end.failed_readers
        );
        coverage.incomplete.push(Incomplete { code: "internal", message });
    }
    auditor.finish(end.run, CaptureFacts { coverage, datagrams: end.datagrams })
}

/// The exit code, by the order of precedence in `docs/output.md`.
fn code(outcome: &Outcome, stopped: bool, failed_readers: u64) -> Code {
    if stopped {
        return INTERRUPTED;
    }
    if failed_readers > 0 {
        return BUG;
    }
    Verdict::of(outcome).exit_code()
}

fn record(
    store: &mut Store,
    outcome: &Outcome,
    started: Timestamp,
    code: Code,
) -> Option<Diagnostic> {
    let start = RunStart { command: "check", started };
    let end = RunEnd { ended: now(), exit_code: code };
    store.record(outcome, &start, &end).err().map(|error| error.diagnostic())
}

/// The clock of the machine: only for when a run was made, never for what it says.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Everything a run writes.
struct Outputs {
    targets: Vec<Target>,
    /// Events on standard output as they come; gone when its reader is.
    events: Option<SessionWriter<BufWriter<io::Stdout>>>,
    failed: Option<io::Error>,
}

impl Outputs {
    fn begin(check: &Check) -> Result<Self, Refusal> {
        let mut targets = Vec::new();
        for output in &check.output {
            match Target::begin(output) {
                Ok(target) => targets.push(target),
                Err(diagnostic) => {
                    targets.into_iter().for_each(Target::abandon);
                    return Err((vec![*diagnostic], STORAGE));
                }
            }
        }
        let events =
            (check.format == "ndjson").then(|| SessionWriter::new(BufWriter::new(io::stdout())));
        Ok(Self { targets, events, failed: None })
    }

    fn take(&mut self, auditor: &mut Auditor, run: &RunInfo, session: Session) {
        auditor.session(session, &mut |audited: &AuditedSession| self.show(run, audited));
    }

    /// Takes what the auditor held back.
    fn take_rest(&mut self, auditor: &mut Auditor, run: &RunInfo) {
        auditor.flush(&mut |audited: &AuditedSession| self.show(run, audited));
    }

    fn show(&mut self, run: &RunInfo, audited: &AuditedSession) {
        for target in &mut self.targets {
            target.session(run, audited);
        }
        let written = self.events.as_mut().map(|events| events.session(run, audited));
        if let Some(Err(error)) = written {
            self.events = None;
            self.failed = Some(error);
        }
    }

    fn finish(self, outcome: &Outcome, check: &Check, terminal: &Terminal) -> Vec<Diagnostic> {
        let Self { targets, events, failed } = self;
        let printed = match (events, failed) {
            (_, Some(error)) => Err(error),
            (Some(mut events), None) => events.finish(outcome),
            (None, None) => print_report(outcome, check, terminal),
        };
        let mut wrong: Vec<Diagnostic> = targets
            .into_iter()
            .filter_map(|target| target.finish(outcome).err().map(|error| *error))
            .collect();
        if let Err(error) = ignore_closed(printed) {
            wrong.push(unwritable(&error));
        }
        if check.format != "text" && check.format != "concise" {
            terminal.note(&Verdict::of(outcome).line(outcome));
        }
        wrong
    }

    fn abandon(self) {
        self.targets.into_iter().for_each(Target::abandon);
    }
}

fn print_report(outcome: &Outcome, check: &Check, terminal: &Terminal) -> io::Result<()> {
    let Some(write) = format(check.format) else { return Ok(()) };
    let style = terminal.style(if check.all { Show::All } else { Show::Main });
    let mut out = BufWriter::new(io::stdout());
    write(outcome, &style, &mut out)?;
    out.flush()
}
