//! The report for people: findings worst first, then who speaks to whom how and shows which credentials,
//! what was announced, then what could not be seen, then the
//! verdict.

mod announcements;
mod coverage;
mod credentials;
mod findings;
mod services;

pub(super) use coverage::{concluded, unseen};

use std::io;

use super::layout::{Tone, paint, tally};
use super::{Style, Verdict};
use crate::model::Outcome;

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    findings::write(outcome, style, out)?;
    services::write(outcome, style, out)?;
    credentials::write(outcome, style, out)?;
    announcements::write(outcome, style, out)?;
    coverage::write(outcome, style, out)?;
    let verdict = Verdict::of(outcome);
    let tone = match verdict {
        Verdict::Failed { .. } => Tone::Error,
        Verdict::Incomplete | Verdict::NothingAudited => Tone::Warning,
        Verdict::Passed => Tone::Good,
    };
    writeln!(out, "{}", tally(outcome))?;
    writeln!(out, "{}", paint(style, tone, &verdict.line(outcome)))
}
