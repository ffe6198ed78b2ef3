//! One line per finding: `file:frame: severity rule name: message`, then one line that sums up.

use std::io;

use super::layout::{Tone, acceptance, paint, place, tally};
use super::{Style, Verdict};
use crate::model::{Finding, Outcome};

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let listed = |finding: &&Finding| finding.is_open() || style.suppressed;
    for finding in outcome.findings.iter().filter(listed) {
        let frames = finding.evidence.first().and_then(|evidence| evidence.frames.first());
        let (file, frame) = place(&outcome.run, frames.unwrap_or(&finding.first).frame);
        let frame = frame.map_or_else(String::new, |frame| format!("{frame}:"));
        let severity = paint(style, Tone::of(finding.severity), finding.severity.name());
        writeln!(
            out,
            "{file}:{frame} {severity} {} {}: {}{}",
            finding.rule,
            finding.rule_name,
            finding.message,
            finding.accepted.as_ref().map_or_else(String::new, |a| format!(" [{}]", acceptance(a)))
        )?;
    }
    writeln!(out, "wirelint: {}; {}", tally(outcome), Verdict::of(outcome).line(outcome))
}
