//! What `wirelint explain` and `wirelint rules list|test|check` say.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::model::Diagnostic;

use super::definition::Rule;
use super::fields::fields_of;
use super::set::RuleSet;

/// One row of `wirelint rules list`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleRow {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Severity, as the user fixed it or as the rule has it; with a `+` behind it when the facts can make it another.
    pub severity: String,
    /// What it judges.
    pub on: &'static str,
    /// Title.
    pub title: String,
    /// The file it came from.
    pub origin: String,
}

/// The rows of `wirelint rules list`, by code.
#[must_use]
pub fn rule_rows(set: &RuleSet) -> Vec<RuleRow> {
    let row = |(number, rule): (usize, &Rule)| {
        let fixed = set.fixed_severity(number);
        let varies = fixed.is_none() && !rule.severity_when.is_empty();
        let severity = fixed.unwrap_or(rule.severity);
        RuleRow {
            code: rule.code.to_string(),
            name: rule.name.to_string(),
            severity: format!("{severity}{}", if varies { "+" } else { "" }),
            on: rule.on.name(),
            title: rule.title.to_string(),
            origin: rule.origin.clone(),
        }
    };
    set.rules().iter().enumerate().map(row).collect()
}

/// What `wirelint rules test` found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TestReport {
    /// Rules whose tests ran.
    pub rules: usize,
    /// Tests that ran.
    pub tests: usize,
    /// Codes of rules without tests.
    pub untested: Vec<String>,
    /// What failed: rule, test and why, in the order of the codes.
    pub failures: Vec<TestFailure>,
}

/// A test that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestFailure {
    /// The rule's code.
    pub code: String,
    /// The rule's name.
    pub name: String,
    /// The test's name.
    pub test: String,
    /// What was expected, and what came.
    pub why: String,
}

/// Runs the embedded tests of all rules of a set.
#[must_use]
pub fn run_tests(set: &RuleSet) -> TestReport {
    let mut report = TestReport { rules: set.rules().len(), ..TestReport::default() };
    for rule in set.rules() {
        if rule.trials.is_empty() {
            report.untested.push(rule.code.to_string());
        }
        for trial in &rule.trials {
            report.tests += 1;
            if let Err(why) = trial.run(rule, fields_of(rule.on)) {
                report.failures.push(TestFailure {
                    code: rule.code.to_string(),
                    name: rule.name.to_string(),
                    test: trial.name.clone(),
                    why,
                });
            }
        }
    }
    report
}

/// Reads these rule files and directories on their own, without the built-in rules: what `wirelint rules check PATHS`
/// and `wirelint rules test PATHS` work on.
///
/// # Errors
/// As [`RuleSet::with_files`].
pub fn read_only(paths: &[PathBuf]) -> Result<RuleSet, Vec<Diagnostic>> {
    RuleSet::default().with_files(paths)
}

/// What `wirelint explain RULE` prints: plain text, wrapped by nobody yet.
#[must_use]
pub fn explain(rule: &Rule) -> String {
    let mut out = format!("{} {}: {}\n", rule.code, rule.name, rule.title);
    let _infallible = writeln!(
        out,
        "severity {}, confidence {}, judges each {}\n",
        severities(rule),
        confidences(rule),
        rule.on.name()
    );
    section(&mut out, "What it means", &rule.description);
    section(&mut out, "Why it matters", &rule.impact);
    section(&mut out, "How to fix it", &fixes(rule));
    section(&mut out, "When it fires", &rule.condition);
    section(&mut out, "Where it cannot decide", &where_blind(rule));
    section(&mut out, "Options", &options(rule));
    section(&mut out, "What else it could be", &rule.false_positives);
    section(&mut out, "References", &rule.references.join("\n"));
    if !rule.since.is_empty() {
        let _infallible = writeln!(out, "Since {}", rule.since);
    }
    out
}

fn severities(rule: &Rule) -> String {
    let mut text = rule.severity.name().to_owned();
    for (_, severity) in &rule.severity_when {
        let _infallible = write!(text, " or {severity}");
    }
    text
}

fn confidences(rule: &Rule) -> String {
    let mut text = rule.confidence.name().to_owned();
    for (_, confidence) in &rule.confidence_when {
        let _infallible = write!(text, " or {}", confidence.name());
    }
    text
}

fn section(out: &mut String, title: &str, body: &str) {
    if body.is_empty() {
        return;
    }
    let _infallible = writeln!(out, "{title}");
    for line in body.lines() {
        let _infallible = writeln!(out, "{}", format!("  {line}").trim_end());
    }
    out.push('\n');
}

fn fixes(rule: &Rule) -> String {
    let mut text = rule.fix.clone();
    for (framework, fix) in &rule.remediation {
        let name = if framework == "any" { "anything else" } else { framework };
        let _infallible = write!(text, "\n\n{name}:\n  {}", fix.replace('\n', "\n  "));
    }
    text.to_string()
}

/// The facts whose absence from the capture leaves the rule undecided.
fn where_blind(rule: &Rule) -> String {
    let table = fields_of(rule.on);
    let paths: Vec<&str> = rule
        .when
        .fields
        .iter()
        .filter_map(|number| table.field(*number))
        .filter(|field| can_hide(field.path))
        .map(|field| field.path)
        .collect();
    if paths.is_empty() {
        return "It always can: everything it asks is always known.".to_owned();
    }
    format!(
        "Where one of these decides and could not be seen, it says \"not observable\": {}.",
        paths.join(", ")
    )
}

/// Groups of fields that are counted by wirelint itself and so are always known.
fn can_hide(path: &str) -> bool {
    const KNOWN: [&str; 9] = [
        "session.posture",
        "session.tls",
        "session.protocol",
        "session.loopback",
        "session.mismatch",
        "session.end",
        "server.",
        "client.",
        "run.",
    ];
    !KNOWN.iter().any(|known| path.starts_with(known))
}

fn options(rule: &Rule) -> String {
    let line = |option: &super::definition::RuleOption| {
        format!("{} ({}, default {}): {}", option.name, option.kind, option.default, option.doc)
    };
    rule.options.iter().map(line).collect::<Vec<_>>().join("\n")
}
