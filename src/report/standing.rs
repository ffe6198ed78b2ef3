//! How findings stand: open or accepted, failing the run or not, by severity.

use std::fmt::Write as _;

use super::layout::grouped;
use crate::model::{AcceptedBy, Finding, Outcome, RuleText, Severity};

/// Counts of findings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Standing {
    /// Open ones, worst severity first, none left out.
    pub(super) open: Vec<(Severity, u64)>,
    /// Accepted by an entry for a kind of findings.
    pub(super) ignored: u64,
    /// Accepted by an entry for exactly that finding.
    pub(super) baseline: u64,
}

impl Standing {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let by = |by| {
            let accepts = |f: &&Finding| f.accepted.as_ref().is_some_and(|word| word.by == by);
            outcome.findings.iter().filter(accepts).count() as u64
        };
        let open = |severity| {
            let open = |f: &&Finding| f.is_open() && f.severity == severity;
            (severity, outcome.findings.iter().filter(open).count() as u64)
        };
        Self {
            open: Severity::ALL.into_iter().rev().map(open).collect(),
            ignored: by(AcceptedBy::Ignore),
            baseline: by(AcceptedBy::Baseline),
        }
    }
}

/// Whether a finding fails the run.
pub(super) fn fails(outcome: &Outcome, finding: &Finding) -> bool {
    finding.is_open() && outcome.run.fail_on.is_some_and(|level| finding.severity >= level)
}

/// Why a finding is accepted, in words: `ignored until 2026-09-30: vendor appliance`.
pub(super) fn accepted(finding: &Finding) -> Option<String> {
    let word = finding.accepted.as_ref()?;
    let mut out = match word.by {
        AcceptedBy::Baseline => "in the baseline".to_owned(),
        AcceptedBy::Ignore => "ignored".to_owned(),
    };
    if let Some(until) = word.until {
        let day = until.to_string();
        let _infallible = write!(out, " until {}", day.get(..10).unwrap_or(&day));
    }
    let _infallible = write!(out, ": {}", word.reason);
    Some(out)
}

/// The texts of a finding's rule.
pub(super) fn rule_of<'a>(outcome: &'a Outcome, finding: &Finding) -> Option<&'a RuleText> {
    let at = outcome.rules.binary_search_by(|rule| rule.code.as_str().cmp(&finding.rule)).ok()?;
    outcome.rules.get(at)
}

/// The message with how often it was so: `orders speaks grpc to payments:50051 without TLS (37 times)`.
pub(super) fn told(finding: &Finding) -> String {
    match finding.count {
        0 | 1 => finding.message.to_string(),
        count => format!("{} ({} times)", finding.message, grouped(count)),
    }
}
