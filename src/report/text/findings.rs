//! Findings, in the shape that compilers gave to diagnostics.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::model::{Confidence, Evidence, Finding, Outcome, Severity, limits};
use crate::report::layout::{Tone, acceptance, counted, grouped, paint, path, place, wrapped};
use crate::report::wireshark::in_files;
use crate::report::{Show, Style};

/// Findings of one rule that are shown in full, so that a rule with hundreds does not hide the others.
const PER_RULE: usize = 8;

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let (open, accepted): (Vec<&Finding>, Vec<&Finding>) =
        outcome.findings.iter().partition(|finding| finding.is_open());
    let chosen = choose(&open, style.show);
    for (at, finding) in open.iter().enumerate() {
        if chosen.contains(&at) {
            write_finding(outcome, finding, style, out)?;
        }
    }
    write_rest(&open, &chosen, style, out)?;
    if !style.suppressed {
        return Ok(());
    }
    accepted.into_iter().try_for_each(|finding| write_finding(outcome, finding, style, out))
}

/// Which findings are shown in full: the worst, a few of each rule.
fn choose(findings: &[&Finding], show: Show) -> BTreeSet<usize> {
    if show == Show::All {
        return (0..findings.len()).collect();
    }
    let mut of_rule: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut serious, mut light) = (limits::SHOWN_FINDINGS, limits::SHOWN_LOW_FINDINGS);
    let mut chosen = BTreeSet::new();
    for (at, finding) in findings.iter().enumerate() {
        let room = if finding.severity >= Severity::Medium { &mut serious } else { &mut light };
        let seen = of_rule.entry(&finding.rule).or_default();
        if *room > 0 && *seen < PER_RULE {
            *room -= 1;
            *seen += 1;
            chosen.insert(at);
        }
    }
    chosen
}

fn write_finding(
    outcome: &Outcome,
    finding: &Finding,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let (word, tone) = match finding.is_open() {
        true => (label(finding.severity), Tone::of(finding.severity)),
        false => ("accepted", Tone::Note),
    };
    let head = format!("{word}[{} {}]", finding.rule, finding.rule_name);
    let head = paint(style, tone, &head);
    writeln!(out, "{head}: {}", paint(style, Tone::Strong, &finding.message))?;
    let sample = finding.evidence.first();
    let first = sample.and_then(|evidence| evidence.frames.first()).unwrap_or(&finding.first);
    let (file, frame) = place(&outcome.run, first.frame);
    let more = match finding.count.saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {} more", grouped(more)),
    };
    let frame = frame.map_or_else(String::new, |frame| format!(" frame {}", grouped(frame)));
    writeln!(out, "  --> {file}{frame}{more} ({})", weight(finding))?;
    if let Some(evidence) = sample {
        write_evidence(evidence, first.time.to_seconds_text(), style, out)?;
    }
    write_declared(finding, style, out)?;
    if style.show == Show::All {
        write_filters(outcome, finding, style, out)?;
    }
    if let Some(accepted) = &finding.accepted {
        let why = acceptance(accepted);
        out.write_all(wrapped("   = accepted: ", "   |       ", &why, style.width).as_bytes())?;
    }
    let help = format!("{} (wirelint explain {})", finding.fix, finding.rule);
    out.write_all(wrapped("   = help: ", "   |       ", &help, style.width).as_bytes())?;
    writeln!(out)
}

fn write_evidence(
    evidence: &Evidence,
    time: String,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let ends = [evidence.connection(), time, evidence.community_id().to_string()];
    let ends: Vec<String> = ends.into_iter().filter(|part| !part.is_empty()).collect();
    writeln!(out, "   |  {}", ends.join("   "))?;
    if evidence.facts.is_empty() {
        return Ok(());
    }
    let facts: Vec<String> =
        evidence.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    out.write_all(wrapped("   |  ", "   |    ", &facts.join("; "), style.width).as_bytes())
}

/// The line of the user's file that speaks of it; and who answers for it: for the server, else for the client.
fn write_declared(finding: &Finding, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let place = finding.declared.as_ref();
    if let Some(place) = place.map(|place| format!("{}:{}", path(&place.path), place.line)) {
        let line = wrapped("   = declared in: ", "   |        ", &place, style.width);
        out.write_all(line.as_bytes())?;
    }
    let mut parties = finding.server.iter().chain(&finding.client);
    if let Some(owner) = parties.find_map(|party| party.owner()) {
        let line = wrapped("   = owner: ", "   |        ", owner, style.width);
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// How to see all of it in Wireshark.
fn write_filters(
    outcome: &Outcome,
    finding: &Finding,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    for found in finding.evidence.iter().flat_map(|one| in_files(&outcome.run, one)) {
        let line = format!("{}: {}", path(&found.file), found.filter);
        out.write_all(wrapped("   = wireshark: ", "   |       ", &line, style.width).as_bytes())?;
    }
    Ok(())
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn weight(finding: &Finding) -> String {
    match finding.confidence {
        Confidence::High => finding.severity.to_string(),
        less => format!("{}, {} confidence", finding.severity, less.name()),
    }
}

/// Says how many findings are not shown, by rule, and how to see them.
fn write_rest(
    findings: &[&Finding],
    chosen: &BTreeSet<usize>,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut rest: BTreeMap<(std::cmp::Reverse<Severity>, &str, &str), u64> = BTreeMap::new();
    let left = findings.iter().enumerate().filter(|(at, _)| !chosen.contains(at));
    for (_, finding) in left {
        let rule = (std::cmp::Reverse(finding.severity), &*finding.rule, &*finding.rule_name);
        *rest.entry(rule).or_default() += 1;
    }
    if rest.is_empty() {
        return Ok(());
    }
    let total = counted(rest.values().sum(), "more finding is", "more findings are");
    writeln!(out, "{}: {total} not shown here:", paint(style, Tone::Note, "note"))?;
    for ((severity, rule, name), count) in rest {
        writeln!(out, "   |  {:>7}  {:<8}  {rule} {name}", grouped(count), severity.0)?;
    }
    writeln!(out, "   = help: --format concise lists all of them, one a line")?;
    writeln!(out)
}
