//! From the options of a command that reads captures to a finished outcome.
//!
//! Every such command does the same: load what the user wrote, follow the captures, judge, and say why the result is not
//! the proof that it could be. What becomes of the outcome is the command's.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::AuditArgs;
use super::authorities;
use super::gate::Gate;
use super::keys::Keys;
use super::policy;
use super::progress::Bar;
use super::reasons::{clocks, reasons};
use super::rules;
use super::services;
use super::terminal::Terminal;
use super::{BUG, Code, INTERRUPTED, STORAGE, USAGE};
use crate::audit::{Auditor, CaptureFacts, KeepSessions};
use crate::capture::{Damage, Filter, Inputs, Progress};
use crate::edge::on_interrupt;
use crate::engine::{End, Input, Options, replay, unsupported_links};
use crate::identity::Directory;
use crate::model::{
    Accept, AuditedSession, Diagnostic, EarlierEdge, Incomplete, Outcome, RunInfo, Severity,
    SubjectKind, escape_text,
};
use crate::pki::Authorities;
use crate::report::Verdict;
use crate::rule::{Policy, RuleSet};
use crate::store::Store;

/// What ends a command early: what to say, and the code.
pub(super) type Refusal = (Vec<Diagnostic>, Code);

/// Everything that an audit needs, read and found sound.
pub(super) struct Prepared {
    rules: RuleSet,
    inputs: Inputs,
    filter: Option<Filter>,
    directory: Directory,
    authorities: Authorities,
    /// What of the user's own files could not be read.
    lost: Vec<Incomplete>,
    keys: Keys,
    gate: Gate,
    policy: Option<Policy>,
    earlier: Vec<EarlierEdge>,
    options: Options,
}

/// How a run is judged, and what is kept of it.
pub(super) struct Judged {
    /// The lowest severity that fails the run; `None` for never.
    pub(super) fail_on: Option<Severity>,
    /// What else passes.
    pub(super) accept: Accept,
    /// Which sessions stay with the outcome.
    pub(super) keep: KeepSessions,
}

/// A finished audit.
pub(super) struct Audited {
    /// What was found.
    pub(super) outcome: Outcome,
    /// What to say of it on standard error.
    pub(super) said: Vec<Diagnostic>,
    /// The exit code, by the order of precedence in `docs/output.md`.
    pub(super) code: Code,
}

/// Is shown every session with its verdict.
pub(super) type Watch<'a> = dyn FnMut(&RunInfo, &AuditedSession) + Send + 'a;

impl Prepared {
    /// Reads rules, authorities, keys and the filter, and finds the captures.
    ///
    /// # Errors
    /// What is wrong with the first of these that is not sound.
    pub(super) fn read(args: &AuditArgs, terminal: &Terminal) -> Result<Self, Refusal> {
        let rules = rules::all(&args.rules).map_err(usage)?;
        let known = rules::names(&rules);
        let rules = rules::chosen(rules, &args.rules).map_err(usage)?;
        let gate = Gate::read(&args.gate, &known, rules::names(&rules)).map_err(usage)?;
        let directory = Directory::of(Arc::new(services::load(&args.services).map_err(usage)?));
        let inputs = inputs(args)?;
        let filter = filter(args)?;
        let filter = filter.as_deref().map(Filter::compile).transpose();
        let filter = filter.map_err(|error| usage(vec![error.diagnostic()]))?;
        let (authorities, lost) = authorities::load(&args.trust, &args.crl).map_err(usage)?;
        let keys = Keys::read(&args.keylog).map_err(|error| usage(vec![error.diagnostic()]))?;
        let policy = args.policy.as_deref().map(policy::load).transpose().map_err(usage)?;
        let misspelt = policy.as_ref().map(|policy| policy::misspelt(policy, directory.services()));
        if let Some(misspelt) = misspelt.filter(|misspelt| !misspelt.is_empty()) {
            return Err(usage(misspelt));
        }
        keys.said.iter().for_each(|said| terminal.say(said));
        let options = Options { workers: args.workers.max(1), round: args.batch };
        Ok(Self {
            rules,
            inputs,
            filter,
            directory,
            authorities,
            lost,
            keys,
            gate,
            policy,
            earlier: Vec::new(),
            options,
        })
    }

    /// Keeps only the rules that judge this kind of subject.
    pub(super) fn only_rules_on(mut self, on: SubjectKind) -> Result<Self, Refusal> {
        let codes: Vec<String> = self
            .rules
            .rules()
            .iter()
            .filter(|rule| rule.on == on)
            .map(|rule| rule.code.to_string())
            .collect();
        self.rules = self.rules.choose(&codes, &[]).map_err(usage)?;
        self.gate.in_force(rules::names(&self.rules));
        Ok(self)
    }

    /// Judges edges by what earlier runs of the database saw of them, too.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn after(mut self, store: Option<&Store>) -> Result<Self, Refusal> {
        self.earlier = earlier_edges(store)?;
        Ok(self)
    }

    /// The captures, to be read once more.
    pub(super) fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Reads the captures and judges them.
    ///
    /// # Errors
    /// No capture could be read at all.
    pub(super) fn run(
        self,
        judged: &Judged,
        terminal: &Terminal,
        watch: &mut Watch<'_>,
    ) -> Result<Audited, Refusal> {
        self.gate.check(judged.fail_on).map_err(|error| usage(vec![*error]))?;
        let stop = Arc::new(AtomicBool::new(false));
        if let Err(error) = on_interrupt(Arc::clone(&stop)) {
            terminal.say(&Diagnostic::warning("no-signals", error.to_string()));
        }
        let bar = Bar::new(terminal.shows_progress());
        let audited = self.follow(judged, &stop, &|progress| bar.show(progress), watch);
        bar.finish();
        audited
    }

    /// As [`Prepared::run`], for those who have signals and the terminal themselves.
    ///
    /// # Errors
    /// No capture could be read at all.
    pub(super) fn follow(
        self,
        judged: &Judged,
        stop: &AtomicBool,
        progress: &dyn Fn(&Progress),
        watch: &mut Watch<'_>,
    ) -> Result<Audited, Refusal> {
        let run = judged_by(&self.rules, judged);
        let auditor = Auditor::new(Arc::new(self.rules), self.directory.clone(), judged.keep);
        let expired = self.policy.clone();
        let mut auditor = auditor
            .with_authorities(self.authorities)
            .with_policy(self.policy)
            .with_earlier_runs(self.earlier);
        let input = Input {
            networks: self.directory.services().virtual_networks(),
            replay: self.inputs.replay(),
            filter: self.filter,
            stop,
            run,
            keys: Arc::clone(&self.keys.log),
            progress,
        };
        let end = replay(input, self.options, &mut |run, session| {
            auditor.session(session, &mut |audited| watch(run, audited));
        });
        let end = end.map_err(|error| usage(vec![error.diagnostic()]))?;
        let unsupported = unsupported_links(&end.sources);
        if !unsupported.is_empty() {
            return Err(usage(unsupported));
        }
        auditor.flush(&mut |audited| watch(&end.run, audited));
        let mut audited = conclude(auditor, end, self.lost, (&self.keys, &self.gate));
        let last = audited.outcome.coverage.last;
        audited.said.extend(expired.iter().flat_map(|policy| policy.expired(last)));
        Ok(audited)
    }
}

fn conclude(
    auditor: Auditor,
    end: End,
    lost: Vec<Incomplete>,
    (keys, gate): (&Keys, &Gate),
) -> Audited {
    let (stopped, failed_readers, tunnels) = (end.stopped, end.failed_readers, end.tunnels.clone());
    let damages: Vec<Damage> =
        end.sources.iter().filter_map(|source| source.damage.clone()).collect();
    let carried = end.carried_keys;
    let back = end.sources.iter().filter_map(|source| source.back).max_by_key(|back| back.micros);
    let unused = authorities::unused(&auditor.unused_crls());
    let mut outcome = finish(auditor, end, lost);
    let settled = gate.settle(&mut outcome);
    let code = code(&outcome, stopped, failed_readers);
    let mut said = reasons(&outcome, &damages, &tunnels);
    said.extend(clocks(&outcome, back, gate.now()));
    said.extend(unused);
    said.extend(settled);
    said.extend(keys.after(&outcome.coverage, &carried));
    Audited { outcome, said, code }
}

/// What earlier runs of the database saw of edges.
///
/// # Errors
/// The database cannot be read.
pub(super) fn earlier_edges(store: Option<&Store>) -> Result<Vec<EarlierEdge>, Refusal> {
    let edges = store.map(Store::protected_edges).transpose();
    Ok(edges.map_err(|error| (vec![error.diagnostic()], STORAGE))?.unwrap_or_default())
}

fn usage(diagnostics: Vec<Diagnostic>) -> Refusal {
    (diagnostics, USAGE)
}

/// Puts the filter of the file that is named where that of the option is.
///
/// # Errors
/// The file cannot be read.
pub(super) fn settle_filter(args: &mut AuditArgs) -> Result<(), Refusal> {
    args.filter = filter(args)?;
    args.filter_file = None;
    Ok(())
}

/// The filter: of the file that is named, else of the option.
fn filter(args: &AuditArgs) -> Result<Option<String>, Refusal> {
    let Some(path) = &args.filter_file else { return Ok(args.filter.clone()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let shown = escape_text(&path.to_string_lossy());
        let message = format!("the filter {shown} cannot be read: {error}");
        usage(vec![Diagnostic::error("input-unreadable", message)])
    })?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(Some(lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")))
}

fn inputs(args: &AuditArgs) -> Result<Inputs, Refusal> {
    let paths: Vec<_> = args.paths.iter().chain(&args.read).cloned().collect();
    if paths.is_empty() {
        let nothing = Diagnostic::error("input-missing", "no capture file was named")
            .help("name one: wirelint check FILE.pcapng")
            .help("or pipe one in: tcpdump -w - | wirelint check -");
        return Err(usage(vec![nothing]));
    }
    Inputs::resolve(&paths, args.recursive).map_err(|error| usage(vec![error.diagnostic()]))
}

/// How the run is judged. The first event names it, so it must be known before the end.
fn judged_by(rules: &RuleSet, judged: &Judged) -> RunInfo {
    RunInfo {
        ruleset: rules.digest(),
        rules: rules.rules().len(),
        fail_on: judged.fail_on,
        accept: judged.accept,
        ..RunInfo::default()
    }
}

fn finish(auditor: Auditor, end: End, lost: Vec<Incomplete>) -> Outcome {
    let mut coverage = end.coverage;
    coverage.incomplete.extend(lost);
    if end.failed_readers > 0 {
        let message = format!(
            "{} sessions could not be read because of a bug in wirelint",
            end.failed_readers
        );
        coverage.incomplete.push(Incomplete { code: "internal", message });
    }
    auditor.finish(end.run, CaptureFacts { coverage, datagrams: end.datagrams })
}

fn code(outcome: &Outcome, stopped: bool, failed_readers: u64) -> Code {
    if stopped {
        return INTERRUPTED;
    }
    if failed_readers > 0 {
        return BUG;
    }
    Verdict::of(outcome).exit_code()
}
