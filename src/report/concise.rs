//! One line per finding: `file:frame: severity rule name: message`, then one line that sums up.

use std::io;

use super::layout::{Tone, paint, place, tally};
use super::{Style, Verdict};
use crate::model::Outcome;

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    for finding in &outcome.findings {
        let frames = finding.evidence.first().and_then(|evidence| evidence.frames.first());
        let (file, frame) = place(&outcome.run, frames.unwrap_or(&finding.first).frame);
        let frame = frame.map_or_else(String::new, |frame| format!("{frame}:"));
        let severity = paint(style, Tone::of(finding.severity), finding.severity.name());
        writeln!(
            out,
            "{file}:{frame} {severity} {} {}: {}",
            finding.rule, finding.rule_name, finding.message
        )?;
    }
    writeln!(out, "wirelint: {}; {}", tally(outcome), Verdict::of(outcome).line(outcome))
}
