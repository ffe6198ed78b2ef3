//! `wirelint check`: captures in, verdict out.

use std::io::{self, BufWriter, Write as _};

use super::args::{Check, OnIncomplete};
use super::audit::{Audited, Judged, Prepared, Refusal};
use super::evidence::Folder;
use super::formats::Shown;
use super::output::Target;
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{Code, STORAGE};
use crate::capture::Inputs;
use crate::engine::now;
use crate::model::{Accept, AuditedSession, Diagnostic, Outcome, RunInfo, Timestamp};
use crate::report::{SessionWriter, Show, Style, Verdict, format};
use crate::store::{RunEnd, RunStart, Store};

/// Runs the command.
pub(super) fn run(check: Check, terminal: &Terminal) -> Code {
    match attempt(&check, terminal) {
        Ok(code) => code,
        Err((diagnostics, code)) => terminal.refuse(&diagnostics, code),
    }
}

fn attempt(check: &Check, terminal: &Terminal) -> Result<Code, Refusal> {
    let started = now();
    let prepared = Prepared::read(&check.audit, terminal)?;
    let folder = match &check.formats.evidence {
        Some(path) => Some(Folder::begin(path, prepared.inputs().clone(), check.formats.force)?),
        None => None,
    };
    let inputs = prepared.inputs().clone();
    let mut store = open_store(check)?;
    let prepared = prepared.after(store.as_ref())?;
    let mut outputs = Outputs::begin(check)?;
    let audited = prepared.run(&judged(check), terminal, &mut |run, one| outputs.show(run, one));
    let Audited { mut outcome, said, code } = match audited {
        Ok(audited) => audited,
        Err(refusal) => {
            outputs.abandon();
            return Err(refusal);
        }
    };
    check.formats.label(&mut outcome);
    if check.format == "html" || check.output.iter().any(|one| one.format == "html") {
        take_digests(&inputs, &mut outcome);
    }
    said.iter().for_each(|diagnostic| terminal.say(diagnostic));
    let mut storage = outputs.finish(&outcome, check, terminal);
    storage.extend(folder.into_iter().flat_map(|folder| folder.write(&outcome)));
    let sarif = check.output.iter().find(|one| one.format == "sarif");
    let sarif = sarif.map(|one| one.path.clone());
    let shown = Shown { format: check.format, code, sarif };
    storage.extend(check.formats.tell_job(&outcome, &shown));
    if let Some(store) = &mut store {
        storage.extend(record(store, &outcome, started, code));
    }
    // The program ends with this command: to give back hundreds of MiB finding by finding would be work for nobody.
    std::mem::forget(outcome);
    if storage.is_empty() { Ok(code) } else { Ok(terminal.refuse(&storage, STORAGE)) }
}

/// Notes what the captures are, for a report that is kept when they are not.
fn take_digests(inputs: &Inputs, outcome: &mut Outcome) {
    for (source, digest) in outcome.run.sources.iter_mut().zip(inputs.digests()) {
        source.digest = digest;
    }
}

fn judged(check: &Check) -> Judged {
    let incomplete = check.on_incomplete == OnIncomplete::Warn;
    Judged {
        fail_on: if check.exit_zero { None } else { check.fail_on.0 },
        accept: Accept { incomplete, empty: check.allow_empty },
        keep: check.keep_sessions,
    }
}

fn open_store(check: &Check) -> Result<Option<Store>, Refusal> {
    let store = check.db.as_deref().map(Store::open).transpose();
    store.map_err(|error| (vec![error.diagnostic()], STORAGE))
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
            match Target::begin(output, check.formats.force) {
                Ok(target) => targets.push(target),
                Err((diagnostic, code)) => {
                    targets.into_iter().for_each(Target::abandon);
                    return Err((vec![*diagnostic], code));
                }
            }
        }
        let events =
            (check.format == "ndjson").then(|| SessionWriter::new(BufWriter::new(io::stdout())));
        Ok(Self { targets, events, failed: None })
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
            .filter_map(|target| {
                target.finish(outcome, &check.formats.style()).err().map(|error| *error)
            })
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
    let style = Style { suppressed: check.show_suppressed, ..check.formats.on(style) };
    let mut out = BufWriter::new(io::stdout());
    write(outcome, &style, &mut out)?;
    out.flush()
}
