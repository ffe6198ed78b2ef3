//! What of the findings counts: the baseline, the day by which it is judged, what is listed, what a capture may lose.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::audit::{Accepting, accept};
use crate::engine::now;
use crate::model::{Confidence, Diagnostic, Incomplete, Outcome, Severity, Timestamp, escape_text};
use crate::rule::baseline::Baseline;

/// The options.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct GateArgs {
    /// Accept the findings that this file names
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Accept nothing
    #[arg(long)]
    pub(super) no_baseline: bool,
    /// Let entries of the baseline hold after their last day
    #[arg(long)]
    pub(super) ignore_expiry: bool,
    /// The day by which entries of the baseline expire; today if not given
    #[arg(long, value_name = "DATE", value_parser = Timestamp::parse)]
    pub(super) now: Option<Timestamp>,
    /// Leave out findings below this severity; they fail no run
    #[arg(long, value_name = "LEVEL", value_parser = severity)]
    pub(super) min_severity: Option<Severity>,
    /// Leave out findings that are less sure; they fail no run
    #[arg(long, value_name = "LEVEL", value_parser = confidence)]
    pub(super) min_confidence: Option<Confidence>,
    /// How many of its packets, in percent, the capture may have lost before the evidence is incomplete
    #[arg(long, value_name = "N", value_parser = percent)]
    pub(super) max_drop_percent: Option<f64>,
}

fn severity(word: &str) -> Result<Severity, String> {
    Severity::parse(word).ok_or_else(|| "expected info, low, medium, high or critical".to_owned())
}

fn confidence(word: &str) -> Result<Confidence, String> {
    Confidence::parse(word).ok_or_else(|| "expected low, medium or high".to_owned())
}

fn percent(word: &str) -> Result<f64, String> {
    let number = word.parse().ok().filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

/// The options, read and found sound.
pub(super) struct Gate {
    baseline: Option<Baseline>,
    now: Timestamp,
    /// Codes and names of the rules in force.
    rules: Vec<(String, String)>,
    args: GateArgs,
}

impl Gate {
    /// Reads the baseline. `known` are all rules there are, `rules` those in force.
    ///
    /// # Errors
    /// It is not there or not sound, or it names a rule that does not exist.
    pub(super) fn read(
        args: &GateArgs,
        known: &[(String, String)],
        rules: Vec<(String, String)>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let path = args.baseline.as_deref().filter(|_| !args.no_baseline);
        let baseline = path.map(|path| load(path).map(|(baseline, _)| baseline)).transpose()?;
        let errors: Vec<Diagnostic> =
            baseline.iter().flat_map(|baseline| unknown_rules(baseline, known)).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { baseline, now: args.now.unwrap_or_else(now), rules, args: args.clone() })
    }

    /// The day by which it judges.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Says that fewer rules are in force.
    pub(super) fn in_force(&mut self, rules: Vec<(String, String)>) {
        self.rules = rules;
    }

    /// Refuses to leave out what would fail the run.
    ///
    /// # Errors
    /// `gate-unlisted`.
    pub(super) fn check(&self, fail_on: Option<Severity>) -> Result<(), Box<Diagnostic>> {
        match (self.args.min_severity, fail_on) {
            (Some(least), Some(level)) if least > level => {
                let message = format!(
                    "findings of severity {level} fail the run, but with --min-severity {least} they are not listed"
                );
                let help = format!("use --min-severity {level}, or --fail-on {least}");
                Err(Box::new(Diagnostic::error("gate-unlisted", message).help(help)))
            }
            _ => Ok(()),
        }
    }

    /// Marks and leaves out findings, and says what of the baseline needs attention.
    pub(super) fn settle(&self, outcome: &mut Outcome) -> Vec<Diagnostic> {
        self.judge_losses(outcome);
        let by = |baseline| Accepting {
            baseline,
            now: self.now,
            ignore_expiry: self.args.ignore_expiry,
            rules: &self.rules,
        };
        // Every entry is judged by all findings, before some are left out.
        let said = self.baseline.as_ref().map(|baseline| accept(outcome, &by(baseline)));
        let before = outcome.findings.len();
        let (severity, confidence) = (self.args.min_severity, self.args.min_confidence);
        outcome.findings.retain(|finding| {
            severity.is_none_or(|least| finding.severity >= least)
                && confidence.is_none_or(|least| finding.confidence >= least)
        });
        outcome.run.unlisted = (before - outcome.findings.len()) as u64;
        if outcome.run.unlisted > 0 {
            crate::audit::count_findings(&mut outcome.services, &outcome.findings);
        }
        said.unwrap_or_default()
    }

    fn judge_losses(&self, outcome: &mut Outcome) {
        let Some(most) = self.args.max_drop_percent else { return };
        let lost = outcome.coverage.dropped;
        let all = outcome.coverage.frames.saturating_add(lost);
        let share = 100.0 * lost as f64 / all.max(1) as f64;
        if share > most {
            let message = format!(
                "the capture lost {lost} of {all} packets ({share:.2}%), more than max-drop-percent = {most}"
            );
            outcome.coverage.incomplete.push(Incomplete { code: "drops", message });
        }
    }
}

/// Reads a baseline file: its entries and its text.
///
/// # Errors
/// It cannot be read, or is not sound.
pub(super) fn load(path: &Path) -> Result<(Baseline, String), Vec<Diagnostic>> {
    let shown = escape_text(&path.to_string_lossy());
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!("no such file: {shown}"),
            _ => format!("the baseline {shown} cannot be read: {error}"),
        };
        vec![
            Diagnostic::error("baseline-missing", message)
                .help("wirelint baseline create PATH... --reason TEXT writes one"),
        ]
    })?;
    Baseline::read(&shown, &text).map(|baseline| (baseline, text))
}

/// An ignore for a rule that does not exist would do nothing, for ever.
fn unknown_rules(baseline: &Baseline, known: &[(String, String)]) -> Vec<Diagnostic> {
    let exists = |rule: &str| {
        known.iter().any(|(code, name)| rule.eq_ignore_ascii_case(code) || rule == name)
    };
    let unknown = baseline.ignores.iter().filter(|ignore| !exists(&ignore.rule));
    unknown
        .map(|ignore| {
            let rule = escape_text(&ignore.rule);
            let words = known.iter().flat_map(|(code, name)| [code.as_str(), name.as_str()]);
            let meant = crate::rule::suggestion(crate::rule::nearest(&ignore.rule, words));
            let error = Diagnostic::error("rule-unknown", format!("no rule \"{rule}\""))
                .at(ignore.grant.place.clone());
            let error = if meant.is_empty() { error } else { error.help(meant) };
            error.help("wirelint rules list shows all")
        })
        .collect()
}
