//! Markdown: the whole report, and the short one that GitHub shows with a job.
//!
//! What others chose stands in code only: no reader makes links, pictures, mentions or tables of it.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use super::layout::{counted, grouped, percent};
use super::standing::{Standing, accepted, fails, rule_of, told};
use super::wireshark::in_files;
use super::{Style, Verdict};
use crate::model::{Evidence, Finding, Outcome, Posture, Postures, Severity, limits};

/// The whole report.
pub(super) fn write(outcome: &Outcome, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    head(outcome, out)?;
    services(outcome, usize::MAX, out)?;
    writeln!(out, "## Findings\n")?;
    for finding in &outcome.findings {
        finding_in_full(outcome, finding, out)?;
    }
    undecided(outcome, out)?;
    certificates(outcome, out)
}

/// The short report. What there is no room for is counted.
pub(super) fn summary(outcome: &Outcome, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    head(outcome, &mut bytes)?;
    services(outcome, limits::SHOWN_ROWS, &mut bytes)?;
    let mut left = 0_u64;
    for finding in outcome.findings.iter().filter(|finding| finding.is_open()) {
        let mut one = Vec::new();
        folded(outcome, finding, &mut one)?;
        if left > 0 || bytes.len().saturating_add(one.len()) > limits::STEP_SUMMARY_BYTES {
            left += 1;
        } else {
            bytes.extend(one);
        }
    }
    if left > 0 {
        let more = counted(left, "more finding is", "more findings are");
        writeln!(bytes, "{more} not shown here.\n")?;
    }
    let files: Vec<String> = outcome.run.sources.iter().take(3).map(|s| s.name.clone()).collect();
    let more = if outcome.run.sources.len() > files.len() { " ..." } else { "" };
    let level = outcome.run.fail_on.map_or("never", Severity::name);
    let again = format!("wirelint check {}{more} --fail-on {level}", files.join(" "));
    writeln!(bytes, "Again: {}", code(&again))?;
    out.write_all(&bytes)
}

fn head(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    let coverage = &outcome.coverage;
    writeln!(out, "## wirelint: {}\n", Verdict::of(outcome).line(outcome))?;
    let standing = Standing::of(outcome);
    let names: Vec<&str> = standing.open.iter().map(|(severity, _)| severity.name()).collect();
    let counts: Vec<String> = standing.open.iter().map(|(_, count)| grouped(*count)).collect();
    writeln!(out, "| | {} | ignored | baseline |", names.join(" | "))?;
    writeln!(out, "|---|{}---:|---:|", "---:|".repeat(names.len()))?;
    let (ignored, baseline) = (grouped(standing.ignored), grouped(standing.baseline));
    writeln!(out, "| open | {} | {ignored} | {baseline} |\n", counts.join(" | "))?;
    let leaves: BTreeSet<_> =
        outcome.certificates.iter().map(|row| row.certificate.sha256).collect();
    writeln!(
        out,
        "{}, {}, {} in {}; {}, {} lost by the capture.\n",
        counted(coverage.sessions, "session", "sessions"),
        counted(outcome.edges.len() as u64, "edge", "edges"),
        counted(leaves.len() as u64, "certificate", "certificates"),
        counted(outcome.run.sources.len() as u64, "capture", "captures"),
        counted(coverage.frames, "frame", "frames"),
        grouped(coverage.dropped),
    )?;
    let cases: u64 = coverage.not_observable.iter().map(|rule| rule.count).sum();
    if cases > 0 {
        let cases = counted(cases, "case", "cases");
        let rules = counted(coverage.not_observable.len() as u64, "rule", "rules");
        writeln!(
            out,
            "**{rules} could not decide in {cases}: what they ask was not visible. That is neither a pass nor a failure.**\n"
        )?;
    }
    for what in &coverage.incomplete {
        writeln!(out, "- incomplete: {} ({})", code(&what.message), what.code)?;
    }
    if !coverage.incomplete.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn services(outcome: &Outcome, most: usize, out: &mut dyn io::Write) -> io::Result<()> {
    if outcome.services.is_empty() {
        return Ok(());
    }
    writeln!(out, "| service | endpoint | mTLS | TLS | opaque | plaintext | unknown | findings |")?;
    writeln!(out, "|---|---|---:|---:|---:|---:|---:|---|")?;
    for row in outcome.services.iter().take(most) {
        let shares = Posture::ALL.map(|posture| share(&row.postures, posture));
        let findings = match row.worst {
            Some(worst) => format!("{} ({worst})", grouped(row.findings)),
            None => "-".to_owned(),
        };
        let (name, endpoint) = (cell(&row.service.service), cell(&row.endpoint));
        writeln!(out, "| {name} | {endpoint} | {} | {findings} |", shares.join(" | "))?;
    }
    if outcome.services.len() > most {
        let more = counted((outcome.services.len() - most) as u64, "more service", "more services");
        writeln!(out, "\n{more} not shown here.")?;
    }
    writeln!(out)
}

fn share(postures: &Postures, posture: Posture) -> String {
    percent(postures.of(posture), postures.total())
}

/// One finding that a reader opens.
fn folded(outcome: &Outcome, finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let open = if fails(outcome, finding) { " open" } else { "" };
    writeln!(
        out,
        "<details{open}><summary><b>{}</b> {} {}: <code>{}</code></summary>\n",
        finding.severity,
        html(&finding.rule),
        html(&finding.rule_name),
        html(&told(finding)),
    )?;
    for evidence in finding.evidence.iter().take(1) {
        evidence_line(outcome, evidence, out)?;
    }
    declared(finding, out)?;
    writeln!(out, "- fix: {} ({})", code(&finding.fix), code(&explain(finding)))?;
    writeln!(out, "\n</details>\n")
}

fn finding_in_full(
    outcome: &Outcome,
    finding: &Finding,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(out, "### {} {} {}\n", finding.severity, finding.rule, finding.rule_name)?;
    writeln!(out, "{}\n", code(&told(finding)))?;
    if let Some(words) = accepted(finding) {
        writeln!(out, "- accepted: {}", code(&words))?;
    }
    writeln!(
        out,
        "- id: {}, confidence {}",
        code(&finding.id.to_string()),
        finding.confidence.name()
    )?;
    declared(finding, out)?;
    for evidence in &finding.evidence {
        evidence_line(outcome, evidence, out)?;
    }
    if let Some(evidence) = finding.evidence.first() {
        for (name, value) in &evidence.facts {
            writeln!(out, "- {}: {}", code(name), code(value))?;
        }
    }
    let why = rule_of(outcome, finding).map_or("", |rule| rule.why.trim());
    if !why.is_empty() {
        writeln!(out, "- why: {}", code(&why.replace('\n', " ")))?;
    }
    writeln!(out, "- fix: {} ({})\n", code(&finding.fix), code(&explain(finding)))
}

fn explain(finding: &Finding) -> String {
    format!("wirelint explain {}", finding.rule)
}

fn declared(finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    match &finding.declared {
        Some(place) => {
            writeln!(out, "- declared in {}", code(&format!("{}:{}", place.path, place.line)))
        }
        None => Ok(()),
    }
}

fn evidence_line(
    outcome: &Outcome,
    evidence: &Evidence,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    for found in in_files(&outcome.run, evidence) {
        let frames: Vec<String> = found.frames.iter().map(ToString::to_string).collect();
        writeln!(
            out,
            "- {} frame {}: {}, community id {}, Wireshark {}",
            code(&found.file),
            frames.join(", "),
            code(&evidence.connection()),
            code(&evidence.community_id().to_string()),
            code(&found.filter),
        )?;
    }
    Ok(())
}

fn undecided(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    let rules = &outcome.coverage.not_observable;
    if rules.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Not decided\n\n| rule | cases |\n|---|---:|")?;
    for rule in rules {
        writeln!(out, "| {} {} | {} |", rule.rule, cell(&rule.rule_name), grouped(rule.count))?;
    }
    writeln!(out)
}

fn certificates(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    let leaves = outcome.certificates.iter().filter(|row| row.position == 0);
    let mut rows =
        leaves.filter_map(|row| Some((row, row.certificate.details.as_ref()?))).collect::<Vec<_>>();
    rows.sort_by_key(|(_, details)| details.not_after);
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Certificates, first to expire first\n")?;
    writeln!(out, "| expires | subject | issuer | shown by | role |\n|---|---|---|---|---|")?;
    for (row, details) in rows {
        let day = details.not_after.to_string();
        let (subject, issuer) = (cell(&details.subject), cell(&details.issuer));
        let (day, party) = (day.get(..10).unwrap_or(&day), cell(&row.party.service));
        writeln!(out, "| {day} | {subject} | {issuer} | {party} | {} |", row.role)?;
    }
    writeln!(out)
}

/// A code span that its text cannot end: its fence is longer than any run of backticks in it (CommonMark 6.1).
fn code(words: &str) -> String {
    let (mut longest, mut run) = (0, 0);
    for c in words.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    if words.trim().is_empty() {
        return "-".to_owned();
    }
    let fence = "`".repeat(longest + 1);
    let room = if words.starts_with('`') || words.ends_with('`') { " " } else { "" };
    format!("{fence}{room}{}{room}{fence}", words.replace(['\n', '\r'], " "))
}

/// A code span within a table, where a bar would end the cell.
fn cell(words: &str) -> String {
    code(words).replace('|', "\\|")
}

fn html(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_code_span() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(""), "-");
        assert_eq!(cell("a|b"), "`a\\|b`");
    }

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            html("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"
        );
    }
}
