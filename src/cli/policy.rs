//! `wirelint policy`: learn one from captures, check one, compare two.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::args::AuditArgs;
use super::audit::{Audited, Judged, Prepared, Refusal};
use super::output::write_new;
use super::services;
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{Code, FINDINGS, OK, STORAGE, USAGE};
use crate::audit::{KeepSessions, Learn, Learned, learn};
use crate::identity::Services;
use crate::model::{Accept, Diagnostic, Outcome, Severity, SubjectKind, escape_text, limits};
use crate::rule::{Policy, Terms, diff, diff_seen, policy_text};

/// `wirelint policy`.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Write a policy that what was seen keeps to, for a person to finish
    Learn(Box<LearnArgs>),
    /// Check a policy, and say what captures are against it
    Check(Box<CheckArgs>),
    /// Show what differs between two policies, or a policy and captures; the exit code is 1 when anything does
    Diff(Box<DiffArgs>),
}

#[derive(Debug, Args)]
pub(super) struct LearnArgs {
    #[command(flatten)]
    audit: AuditArgs,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    how: LearnHow,
}

#[derive(Debug, Args)]
struct LearnHow {
    /// Leave out edges with fewer sessions
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_sessions: u64,
    /// One entry for all callers of a server's port
    #[arg(long)]
    group_clients: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The policy
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    audit: AuditArgs,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// A policy (*.toml) or captures
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// A policy (*.toml) or captures
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Who is who in the captures (services.toml); may be given several times
    #[arg(long, value_name = "FILE")]
    services: Vec<PathBuf>,
    #[command(flatten)]
    how: LearnHow,
}

/// Runs the command.
pub(super) fn run(command: PolicyCommand, terminal: &Terminal) -> Code {
    let done = match command {
        PolicyCommand::Learn(args) => learn_policy(&args, terminal),
        PolicyCommand::Check(args) => check(*args, terminal),
        PolicyCommand::Diff(args) => differences(&args, terminal),
    };
    done.unwrap_or_else(|(diagnostics, code)| terminal.refuse(&diagnostics, code))
}

/// Reads a policy.
///
/// # Errors
/// The file cannot be read, or everything that is wrong with it.
pub(super) fn load(path: &Path) -> Result<Policy, Vec<Diagnostic>> {
    let shown = escape_text(&path.to_string_lossy());
    let text = contents(path, &shown).map_err(|error| vec![*error])?;
    Policy::read(&shown, &text)
}

/// Names of a policy that are nearly, and not quite, those of the services file. Others may be names that the wire tells.
pub(super) fn misspelt(policy: &Policy, services: &Services) -> Vec<Diagnostic> {
    let mut unknown = policy.unknown_names(&services.names());
    unknown.retain(|error| error.place.as_ref().is_some_and(|place| !place.label.is_empty()));
    unknown
}

fn contents(path: &Path, shown: &str) -> Result<String, Box<Diagnostic>> {
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            Diagnostic::error("input-missing", format!("no such file: {shown}"))
                .help("wirelint policy learn CAPTURE -o policy.toml writes a first one")
        }
        _ => Diagnostic::error("policy-unreadable", format!("{shown} cannot be read"))
            .note(escape_text(&error.to_string())),
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut text = String::new();
    let most = limits::POLICY_FILE_BYTES;
    file.take(most.saturating_add(1)).read_to_string(&mut text).map_err(|error| failed(&error))?;
    if text.len() as u64 > most {
        let message = format!("{shown} is larger than the {most} bytes that are read");
        return Err(Box::new(Diagnostic::error("policy-unreadable", message)));
    }
    Ok(text)
}

fn learn_policy(args: &LearnArgs, terminal: &Terminal) -> Result<Code, Refusal> {
    let Audited { outcome, said, code } = audit(&args.audit, terminal, None)?;
    said.iter().for_each(|diagnostic| terminal.say(diagnostic));
    let learned = args.how.learn(&outcome);
    let left_out = learned.left_out.iter().map(|edge| format!("left out: {edge}"));
    let text = policy_text(&learned.drafts, &left_out.collect::<Vec<_>>());
    let weak = learned.drafts.iter().filter(|draft| draft.is_weak(Default::default())).count();
    match &args.output {
        Some(path) => {
            write_new(path, &text, args.force).map_err(|error| {
                let code = if error.code == "output-exists" { USAGE } else { STORAGE };
                (vec![*error], code)
            })?;
        }
        None => print(terminal, &text)?,
    }
    terminal.note(&format!("learned: {}", counted(learned.drafts.len(), "edge")));
    if weak > 0 {
        let are = if weak == 1 {
            "is weaker than the defaults and has"
        } else {
            "are weaker than the defaults and have"
        };
        let message = format!("{} {are} an empty reason", counted(weak, "edge"));
        let help = "the policy loads when each has a reason, or demands more";
        terminal.say(&Diagnostic::warning("policy-weak", message).help(help));
    }
    Ok(if code == FINDINGS { OK } else { code })
}

impl LearnHow {
    fn learn(&self, outcome: &Outcome) -> Learned {
        let Self { min_sessions, group_clients } = *self;
        learn(&outcome.edges, Learn { min_sessions, group_clients })
    }
}

fn check(args: CheckArgs, terminal: &Terminal) -> Result<Code, Refusal> {
    let policy = load(&args.file).map_err(|errors| (errors, USAGE))?;
    if args.audit.paths.is_empty() && args.audit.read.is_empty() {
        let services = services::load(&args.audit.services).map_err(|errors| (errors, USAGE))?;
        let misspelt = misspelt(&policy, &services);
        if !misspelt.is_empty() {
            return Err((misspelt, USAGE));
        }
        let edges = counted(policy.edges.len(), "edge");
        let said = format!("{} is sound: {edges}\n", shown(&args.file));
        print(terminal, &said)?;
        return Ok(OK);
    }
    let mut audit_args = args.audit;
    audit_args.policy = Some(args.file);
    let Audited { outcome, said, code } = audit(&audit_args, terminal, Some(SubjectKind::Policy))?;
    said.iter().for_each(|diagnostic| terminal.say(diagnostic));
    print(terminal, &report(&policy, &outcome))?;
    Ok(if code == OK && !outcome.findings.is_empty() { FINDINGS } else { code })
}

/// What captures are against a policy, edge by edge, and what of the policy they do not show.
fn report(policy: &Policy, outcome: &Outcome) -> String {
    let mut out = String::new();
    for finding in &outcome.findings {
        let place = finding.declared.as_ref();
        let place = place.map_or_else(String::new, |at| format!("  ({}:{})", at.path, at.line));
        let _infallible = writeln!(
            out,
            "{} {} {}: {}{place}",
            finding.severity, finding.rule, finding.rule_name, finding.message
        );
    }
    let mut met = vec![false; policy.edges.len()];
    for edge in &outcome.edges {
        let found = policy.find(&edge.client.service, &edge.server.service, edge.server_port);
        if let Some(slot) = found.and_then(|found| met.get_mut(found.number)) {
            *slot = true;
        }
    }
    let unmet = policy.edges.iter().zip(&met).filter(|(edge, met)| !**met && !edge.terms.deny);
    let mut not_seen = 0_usize;
    for (edge, _) in unmet {
        not_seen = not_seen.saturating_add(1);
        let _infallible =
            writeln!(out, "not seen: {}  (line {})", edge.terms.edge(), edge.place.line);
    }
    let hidden: u64 = outcome.coverage.not_observable.iter().map(|one| one.count).sum();
    let _infallible = writeln!(
        out,
        "{} seen, {}, {hidden} not observable, {not_seen} of {} entries not seen",
        counted(outcome.edges.len(), "edge"),
        counted(outcome.findings.len(), "finding"),
        policy.edges.len()
    );
    out
}

/// One side of a comparison.
enum Side {
    File(Box<Policy>),
    Seen(Vec<Terms>),
}

fn differences(args: &DiffArgs, terminal: &Terminal) -> Result<Code, Refusal> {
    let (old, new) = (side(&args.old, args, terminal)?, side(&args.new, args, terminal)?);
    let lines = match (&old, &new) {
        (Side::File(old), Side::File(new)) => diff(&terms(old), &terms(new)),
        (Side::Seen(old), Side::Seen(new)) => diff(old, new),
        (Side::File(policy), Side::Seen(seen)) => diff_seen(policy, seen),
        (Side::Seen(seen), Side::File(policy)) => {
            diff_seen(policy, seen).iter().map(|line| turned(line)).collect()
        }
    };
    let mut out = String::new();
    for line in &lines {
        let _infallible = writeln!(out, "{line}");
    }
    print(terminal, &out)?;
    Ok(if lines.is_empty() { OK } else { FINDINGS })
}

fn side(path: &Path, args: &DiffArgs, terminal: &Terminal) -> Result<Side, Refusal> {
    if path.extension().is_some_and(|extension| extension == "toml") {
        return load(path).map(|policy| Side::File(Box::new(policy))).map_err(|e| (e, USAGE));
    }
    let of_capture = AuditArgs { services: args.services.clone(), ..audit_args(path)? };
    let Audited { outcome, said, .. } = audit(&of_capture, terminal, None)?;
    said.iter().for_each(|diagnostic| terminal.say(diagnostic));
    Ok(Side::Seen(args.how.learn(&outcome).drafts.into_iter().map(|draft| draft.terms).collect()))
}

/// The options of a run over captures without any other option.
fn audit_args(path: &Path) -> Result<AuditArgs, Refusal> {
    #[derive(clap::Parser)]
    struct Only {
        #[command(flatten)]
        audit: AuditArgs,
    }
    let words = ["policy".as_ref(), "--".as_ref(), path.as_os_str()];
    let only = <Only as clap::Parser>::try_parse_from(words);
    let refused = |error: clap::Error| {
        (vec![Diagnostic::error("usage", escape_text(&error.to_string()))], USAGE)
    };
    only.map(|only| only.audit).map_err(refused)
}

fn terms(policy: &Policy) -> Vec<Terms> {
    policy.edges.iter().map(|edge| edge.terms.clone()).collect()
}

/// The same line with its sides changed.
fn turned(line: &str) -> String {
    match line.split_at_checked(1) {
        Some(("+", rest)) => format!("-{rest}"),
        Some(("-", rest)) => format!("+{rest}"),
        _ => line.to_owned(),
    }
}

fn audit(
    args: &AuditArgs,
    terminal: &Terminal,
    only: Option<SubjectKind>,
) -> Result<Audited, Refusal> {
    let mut prepared = Prepared::read(args, terminal)?;
    if let Some(on) = only {
        prepared = prepared.only_rules_on(on)?;
    }
    let judged = Judged {
        fail_on: only.map(|_| Severity::Info),
        accept: Accept::default(),
        keep: KeepSessions::None,
    };
    prepared.run(&judged, terminal, &mut |_, _| {})
}

/// A number with its noun.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn shown(path: &Path) -> String {
    escape_text(&path.to_string_lossy())
}

fn print(terminal: &Terminal, text: &str) -> Result<(), Refusal> {
    ignore_closed(terminal.print(text)).map_err(|error| (vec![unwritable(&error)], STORAGE))
}
