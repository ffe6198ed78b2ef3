//! Workflow commands of GitHub Actions: annotations of a run.
//!
//! A step shows ten of each type; the worst are given, and a notice says how many more there are.

use std::io;

use super::layout::{counted, place};
use super::sarif::uri;
use super::standing::told;
use super::{Style, Verdict};
use crate::model::{Finding, Outcome, Severity, limits};

pub(super) fn write(outcome: &Outcome, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut left: [(&str, usize); 3] = [
        ("error", limits::ANNOTATIONS),
        ("warning", limits::ANNOTATIONS),
        ("notice", limits::ANNOTATIONS.saturating_sub(1)),
    ];
    let mut rest = 0;
    for finding in outcome.findings.iter().filter(|finding| finding.is_open()) {
        let kind = kind(finding.severity);
        match left.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, room)) if *room > 0 => {
                *room -= 1;
                annotate(outcome, finding, kind, out)?;
            }
            _ => rest += 1,
        }
    }
    let line = data(&Verdict::of(outcome).line(outcome));
    if rest > 0 {
        let more = counted(rest, "more finding", "more findings");
        writeln!(out, "::notice title=wirelint::{line}; and {more}, see the summary of this job")
    } else {
        writeln!(out, "::notice title=wirelint::{line}")
    }
}

fn annotate(
    outcome: &Outcome,
    finding: &Finding,
    kind: &str,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let at = finding.declared.as_ref().map_or_else(String::new, |at| {
        let file = property(&uri(&at.path));
        format!("file={file},line={},col={},", at.line.max(1), at.column.max(1))
    });
    let title = property(&format!("{} {}", finding.rule, finding.rule_name));
    let sample = finding.evidence.first().and_then(|evidence| evidence.frames.first());
    let (file, frame) = place(&outcome.run, sample.unwrap_or(&finding.first).frame);
    let frame = frame.map_or_else(String::new, |frame| format!(" frame {frame}"));
    let words = format!("{}\n{file}{frame}\nFix: {}", told(finding), finding.fix);
    writeln!(out, "::{kind} {at}title={title}::{}", data(&words))
}

fn kind(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
        Severity::Info => "notice",
    }
}

/// The text of a command.
fn data(words: &str) -> String {
    words.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a command's property.
fn property(words: &str) -> String {
    data(words).replace(':', "%3A").replace(',', "%2C")
}
