//! `wirelint baseline`: what is known and accepted is written down, renamed, cleared up and shown.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::args::{AuditArgs, RuleArgs};
use super::audit::{Judged, Prepared, Refusal};
use super::gate::load;
use super::output::write_whole;
use super::rows::{literal, rows};
use super::rules;
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{Code, OK, STORAGE, USAGE};
use crate::audit::{Accepting, KeepSessions, accept, is_guarded, renamed};
use crate::engine::now;
use crate::model::{Accept, Diagnostic, Finding, FindingId, Outcome, Timestamp, escape_text};
use crate::rule::baseline::{Baseline, Edit, Entry, Ignore, edited, end_of_day};

/// The file when nobody says another.
const FILE: &str = "wirelint-baseline.toml";

/// `wirelint baseline`.
#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Accept all findings of these captures as known, in place of what was accepted before
    Create(Box<Create>),
    /// Accept what is new besides, and follow services that were renamed
    Update(Box<Update>),
    /// Remove entries that no complete run of late has used
    Prune(Box<Prune>),
    /// List the entries
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    audit: AuditArgs,
    /// The file to write; the baseline of the configuration, or wirelint-baseline.toml
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    to: Option<PathBuf>,
    /// Why these findings are accepted
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The last day of the entries: a date, or days from now as 90d; without it they hold for good
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<When>,
}

#[derive(Debug, Args)]
pub(super) struct Update {
    #[command(flatten)]
    audit: AuditArgs,
    /// Why new findings are accepted; without it none is added
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The last day of new entries: a date, or days from now as 90d
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<When>,
    /// A service has another name now; may be given several times
    #[arg(long, value_name = "OLD=NEW", value_parser = rename)]
    rename: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(super) struct Prune {
    /// The baseline
    #[arg(long, value_name = "FILE", default_value = FILE)]
    baseline: PathBuf,
    /// How many complete runs must not have used an entry
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    last: u32,
    /// The database that the runs are in
    #[arg(long, value_name = "FILE", default_value = "wirelint.db")]
    db: PathBuf,
    /// The filter that the runs had
    #[arg(short, long, value_name = "BPF")]
    filter: Option<String>,
    #[command(flatten)]
    rules: RuleArgs,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The baseline
    #[arg(long, value_name = "FILE", default_value = FILE)]
    baseline: PathBuf,
    /// Only entries that ran out
    #[arg(long)]
    expired: bool,
    /// The day by which entries expire; today if not given
    #[arg(long, value_name = "DATE", value_parser = Timestamp::parse)]
    now: Option<Timestamp>,
}

/// `--expires`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    Days(i64),
    Day(Timestamp),
}

fn when(word: &str) -> Result<When, String> {
    let days = word.strip_suffix('d').and_then(|days| days.parse().ok());
    if let Some(days) = days.filter(|days| (0..=36_500).contains(days)) {
        return Ok(When::Days(days));
    }
    let day = Timestamp::parse(word).map(When::Day);
    day.map_err(|_| "expected a date, as 2026-09-30, or days, as 90d".to_owned())
}

fn rename(word: &str) -> Result<(String, String), String> {
    let names = word.split_once('=').filter(|(old, new)| !old.is_empty() && !new.is_empty());
    let names = names.map(|(old, new)| (old.to_owned(), new.to_owned()));
    names.ok_or_else(|| "expected OLD=NEW".to_owned())
}

/// Runs the command. `given` are the options on the command line that make a run see less than `check` does.
pub(super) fn run(command: BaselineCommand, given: &[&str], terminal: &Terminal) -> Code {
    let done = match command {
        BaselineCommand::Create(create) => self::create(*create, given, terminal),
        BaselineCommand::Update(update) => self::update(*update, given, terminal),
        BaselineCommand::Prune(prune) => self::prune(&prune),
        BaselineCommand::Show(show) => self::show(&show),
    };
    let text = match done {
        Ok(text) => text,
        Err((diagnostics, code)) => return terminal.refuse(&diagnostics, code),
    };
    match ignore_closed(terminal.print(&text)) {
        Ok(()) => OK,
        Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
    }
}

fn create(mut create: Create, given: &[&str], terminal: &Terminal) -> Result<String, Refusal> {
    let to = create.to.take().or_else(|| create.audit.gate.baseline.clone());
    let to = to.unwrap_or_else(|| FILE.into());
    let reason = sound_reason(&create.reason)?;
    let (before, text) = if to.exists() { load(&to).map_err(usage)? } else { Default::default() };
    let today = create.audit.gate.now.unwrap_or_else(now);
    let outcome = complete_run(&mut create.audit, &before, given, terminal)?;
    let until = last_day(create.expires, today);
    let entries: Vec<Entry> =
        acceptable(&outcome).map(|finding| Entry::of(finding, reason, today, until)).collect();
    let text = (!text.is_empty()).then_some(text.as_str());
    write(&to, &Edit { text, entries: &entries, drop_ignores: &[] })?;
    terminal.refuse(&left_out(&outcome), OK);
    Ok(format!("{}: {}\n", shown(&to), counted(entries.len(), "finding", "accepted")))
}

fn update(mut update: Update, given: &[&str], terminal: &Terminal) -> Result<String, Refusal> {
    let to = update.audit.gate.baseline.clone().unwrap_or_else(|| FILE.into());
    let reason = update.reason.as_deref().map(sound_reason).transpose()?;
    let (before, text) = load(&to).map_err(usage)?;
    let today = update.audit.gate.now.unwrap_or_else(now);
    let outcome = complete_run(&mut update.audit, &before, given, terminal)?;
    let mut entries = before.entries.clone();
    let renamed = follow(&update.rename, &update.audit.rules, &outcome, &mut entries)?;
    let fresh = |finding: &&Finding| !entries.iter().any(|entry| entry.fingerprint == finding.id);
    let new: Vec<&Finding> = acceptable(&outcome).filter(fresh).collect();
    let added = if reason.is_some() { new.len() } else { 0 };
    if added < new.len() {
        let message = format!("{} not in the baseline", counted(new.len(), "finding", "are"));
        let help = "accept them with --reason TEXT, or fix them";
        terminal.say(&Diagnostic::warning("baseline-new", message).help(help));
    }
    if let Some(reason) = reason {
        let until = last_day(update.expires, today);
        entries.extend(new.iter().map(|finding| Entry::of(finding, reason, today, until)));
    }
    write(&to, &Edit { text: Some(&text), entries: &entries, drop_ignores: &[] })?;
    terminal.refuse(&left_out(&outcome), OK);
    Ok(format!("{}: {added} added, {renamed} renamed, {} in all\n", shown(&to), entries.len()))
}

/// Gives entries of renamed services the fingerprints that their findings have now. Says how many.
fn follow(
    renames: &[(String, String)],
    rules: &RuleArgs,
    outcome: &Outcome,
    entries: &mut [Entry],
) -> Result<usize, Refusal> {
    if renames.is_empty() {
        return Ok(0);
    }
    let set = rules::load(rules).map_err(usage)?;
    let mut count = 0;
    for (old, new) in renames {
        for finding in &outcome.findings {
            let Ok(rule) = set.find(&finding.rule) else { continue };
            let Some(was) = renamed(rule, finding, old, new) else { continue };
            let taken = entries.iter().any(|entry| entry.fingerprint == finding.id);
            let entry = entries.iter_mut().find(|entry| entry.fingerprint == was && !taken);
            if let Some(entry) = entry {
                let now = Entry::of(finding, "", Timestamp::default(), None);
                (entry.fingerprint, entry.summary) = (now.fingerprint, now.summary);
                count += 1;
            }
        }
    }
    Ok(count)
}

/// Reads the captures for what they show of everything: not filtered, not cut, without the old baseline. What a person
/// ignores is marked, even where the entry ran out: it must not slip from there into the baseline.
fn complete_run(
    audit: &mut AuditArgs,
    before: &Baseline,
    given: &[&str],
    terminal: &Terminal,
) -> Result<Outcome, Refusal> {
    if !given.is_empty() {
        let message = format!("a baseline is not made of a part: {} was given", given.join(", "));
        let help = "what a run did not look at would count as new in the next";
        return Err(usage(vec![Diagnostic::error("baseline-filtered", message).help(help)]));
    }
    audit.gate.no_baseline = true;
    let prepared = Prepared::read(audit, terminal)?;
    let keep = KeepSessions::None;
    let judged = Judged { fail_on: None, accept: Accept::default(), keep };
    let mut audited = prepared.run(&judged, terminal, &mut |_, _| {})?;
    if audited.code != OK {
        let mut said = audited.said;
        let message = "a baseline is made of a complete run only";
        said.push(Diagnostic::error("baseline-incomplete", message));
        return Err((said, audited.code));
    }
    let baseline = Baseline { ignores: before.ignores.clone(), entries: Vec::new() };
    let by = Accepting {
        baseline: &baseline,
        now: Timestamp::default(),
        ignore_expiry: true,
        rules: &[],
    };
    let _told_by_check = accept(&mut audited.outcome, &by);
    Ok(audited.outcome)
}

fn acceptable(outcome: &Outcome) -> impl Iterator<Item = &Finding> {
    outcome.findings.iter().filter(|finding| finding.is_open() && !is_guarded(finding))
}

/// What a baseline cannot hold is told, so that nobody believes it accepted.
fn left_out(outcome: &Outcome) -> Vec<Diagnostic> {
    let guarded: Vec<&Finding> =
        outcome.findings.iter().filter(|f| f.is_open() && is_guarded(f)).collect();
    if guarded.is_empty() {
        return Vec::new();
    }
    let message = format!("{} left out", counted(guarded.len(), "finding", "are"));
    let mut rules: Vec<&str> = guarded.iter().map(|finding| finding.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    vec![
        Diagnostic::warning("baseline-guarded", message)
            .note(format!("secrets that crossed and critical findings: {}", rules.join(", ")))
            .help("fix them, or write an [[ignore]] with a reason and a date"),
    ]
}

fn prune(prune: &Prune) -> Result<String, Refusal> {
    let (before, text) = load(&prune.baseline).map_err(usage)?;
    let seen = Seen::read(prune)?;
    let keep = |entry: &&Entry| seen.findings.iter().any(|row| row.id == Some(entry.fingerprint));
    let entries: Vec<Entry> = before.entries.iter().filter(keep).cloned().collect();
    let unused = |ignore: &Ignore| !seen.findings.iter().any(|row| row.is_meant_by(ignore));
    let dropped: Vec<usize> =
        before.ignores.iter().enumerate().filter(|(_, i)| unused(i)).map(|(n, _)| n).collect();
    write(&prune.baseline, &Edit { text: Some(&text), entries: &entries, drop_ignores: &dropped })?;
    Ok(format!(
        "{}: removed {} and {}\n",
        shown(&prune.baseline),
        plural(dropped.len(), "ignore", "ignores"),
        plural(before.entries.len() - entries.len(), "baseline entry", "baseline entries"),
    ))
}

/// The findings of the last complete runs with the rules and the filter in force.
struct Seen {
    findings: Vec<Row>,
}

struct Row {
    code: String,
    name: String,
    client: Option<String>,
    server: Option<String>,
    port: Option<u16>,
    subject: Option<String>,
    id: Option<FindingId>,
}

impl Seen {
    fn read(prune: &Prune) -> Result<Self, Refusal> {
        let ruleset = rules::load(&prune.rules).map_err(usage)?.digest();
        let filter = prune.filter.as_deref().map_or_else(|| "NULL".to_owned(), literal);
        let ask = |sql: &str| {
            rows(&prune.db, sql).map_err(|error| (vec![error.diagnostic()], error.exit_code()))
        };
        let runs = ask(&format!(
            "SELECT run_id FROM run WHERE command = 'check' AND ended_us IS NOT NULL AND sessions > 0
               AND incomplete = '[]' AND ruleset = {} AND filter IS {filter}
             ORDER BY run_id DESC LIMIT {}",
            literal(&ruleset),
            prune.last
        ))?;
        if runs.len() < prune.last as usize {
            let runs = plural(runs.len(), "complete run", "complete runs");
            let message = format!(
                "{} has {runs} with these rules, {} are needed",
                shown(&prune.db),
                prune.last
            );
            return Err(usage(vec![
                Diagnostic::error("baseline-history", message)
                    .help("keep runs with: wirelint check PATH... --db FILE")
                    .help("or ask fewer of them: --last N"),
            ]));
        }
        let runs: Vec<String> = runs.into_iter().flatten().flatten().collect();
        let findings = ask(&format!(
            "SELECT DISTINCT x.code, x.name, c.name, d.name, f.server_port, f.subject, lower(hex(f.fingerprint))
             FROM finding_run r JOIN finding f USING (finding_id) JOIN rule x USING (rule_id)
             LEFT JOIN service c ON c.service_id = f.client_service_id
             LEFT JOIN service d ON d.service_id = f.server_service_id
             WHERE r.run_id IN ({})",
            runs.join(", ")
        ))?;
        Ok(Self { findings: findings.into_iter().map(Row::of).collect() })
    }
}

impl Row {
    fn of(cells: Vec<Option<String>>) -> Self {
        let mut cells = cells.into_iter();
        let mut next = || cells.next().flatten();
        Self {
            code: next().unwrap_or_default(),
            name: next().unwrap_or_default(),
            client: next(),
            server: next(),
            port: next().and_then(|port| port.parse().ok()),
            subject: next(),
            id: next().and_then(|hex| FindingId::parse(&format!("wlf1:{hex}"))),
        }
    }

    /// Whether an ignore may have been used for it. An address is not in the row, so that what names one is kept.
    fn is_meant_by(&self, ignore: &Ignore) -> bool {
        let is = |wanted: &Option<String>, name: &Option<String>| match wanted {
            Some(wanted) if wanted.parse::<std::net::IpAddr>().is_err() => {
                name.as_ref() == Some(wanted)
            }
            _ => true,
        };
        ignore.names(&self.code, &self.name)
            && is(&ignore.from, &self.client)
            && is(&ignore.to, &self.server)
            && ignore.port.is_none_or(|port| self.port == Some(port))
            && ignore.subject.as_ref().is_none_or(|text| self.subject.as_ref() == Some(text))
    }
}

fn show(show: &Show) -> Result<String, Refusal> {
    let (baseline, _) = load(&show.baseline).map_err(usage)?;
    let now = show.now.unwrap_or_else(now);
    let ignores = baseline.ignores.iter().map(|ignore| {
        let owner =
            ignore.owner.as_deref().map_or_else(String::new, |owner| format!(", owner {owner}"));
        let ticket = ignore.ticket.as_deref().map_or_else(String::new, |at| format!(", {at}"));
        ("ignore", ignore.words(), format!("{owner}{ticket}"), &ignore.grant)
    });
    let entries = baseline.entries.iter().map(|entry| {
        let of = format!("{} {}", entry.fingerprint, entry.words());
        ("finding", of, String::new(), &entry.grant)
    });
    let mut out = String::new();
    for (kind, words, more, grant) in ignores.chain(entries) {
        let expired = grant.expired(now);
        if show.expired && !expired {
            continue;
        }
        let state = match (grant.last_day(), expired) {
            (Some(day), true) => format!("ran out on {day}"),
            (Some(day), false) => format!("until {day}"),
            (None, _) => "for good".to_owned(),
        };
        let line = format!("{}:{}", grant.place.path, grant.place.line);
        let reason = escape_text(&format!("{}{more}", grant.reason));
        let _infallible = writeln!(out, "{line}: {kind} {words}\n    {state}: {reason}");
    }
    Ok(out)
}

fn sound_reason(reason: &str) -> Result<&str, Refusal> {
    match reason.trim() {
        "" => {
            let help = "say why, for the person who reviews this next year";
            let error = Diagnostic::error("baseline-reason", "--reason is empty").help(help);
            Err(usage(vec![error]))
        }
        reason => Ok(reason),
    }
}

fn last_day(when: Option<When>, today: Timestamp) -> Option<Timestamp> {
    when.map(|when| match when {
        When::Days(days) => end_of_day(today.plus_seconds(days * 86_400)),
        When::Day(day) => end_of_day(day),
    })
}

fn write(path: &Path, edit: &Edit<'_>) -> Result<(), Refusal> {
    let Some(text) = edited(edit) else {
        let message = format!("{} cannot be changed without what people wrote in it", shown(path));
        let help = "write every [[ignore]] and [[finding]] as a table of its own";
        return Err(usage(vec![Diagnostic::error("baseline-unclear", message).help(help)]));
    };
    write_whole(path, text.as_bytes()).map_err(|error| (vec![*error], STORAGE))
}

fn usage(diagnostics: Vec<Diagnostic>) -> Refusal {
    (diagnostics, USAGE)
}

fn shown(path: &Path) -> String {
    escape_text(&path.to_string_lossy())
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `3 findings are`, `1 finding is`.
fn counted(count: usize, what: &str, verb: &str) -> String {
    let (plural, verb) = match (count, verb) {
        (1, "are") => ("", "is"),
        (1, verb) => ("", verb),
        (_, verb) => ("s", verb),
    };
    format!("{count} {what}{plural} {verb}")
}
