//! GitLab's code quality report: one array of issues. Accepted findings are left out: it has no word for them.

use std::io;

use serde::Serialize;

use super::Style;
use super::sarif::uri;
use super::standing::told;
use crate::model::{Finding, Outcome, Severity};
use crate::store::flat;

#[derive(Serialize)]
struct Issue<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    categories: [&'static str; 1],
    location: Location,
    content: Content<'a>,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

#[derive(Serialize)]
struct Content<'a> {
    body: &'a str,
}

pub(super) fn write(outcome: &Outcome, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let open = outcome.findings.iter().filter(|finding| finding.is_open());
    let issues: Vec<Issue<'_>> = open.map(|finding| issue(outcome, finding)).collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    writeln!(out)
}

fn issue<'a>(outcome: &Outcome, finding: &'a Finding) -> Issue<'a> {
    Issue {
        kind: "issue",
        description: format!("{}: {}", finding.rule, told(finding)),
        check_name: format!("{} {}", finding.rule, finding.rule_name),
        fingerprint: finding.id.to_string(),
        severity: severity(finding.severity),
        categories: ["Security"],
        location: location(outcome, finding),
        content: Content { body: &finding.fix },
    }
}

fn location(outcome: &Outcome, finding: &Finding) -> Location {
    if let Some(place) = &finding.declared {
        return Location { path: uri(&place.path), lines: Lines { begin: place.line.max(1) } };
    }
    let sample = finding.evidence.first().and_then(|evidence| evidence.frames.first());
    let found = flat::place(&outcome.run, sample.unwrap_or(&finding.first).frame);
    let first = outcome.run.sources.first().map_or("-", |source| source.name.as_str());
    Location { path: uri(found.map_or(first, |(file, _)| file)), lines: Lines { begin: 1 } }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}
