//! What reports tell of a rule besides its findings.

use std::sync::Arc;

use super::{Confidence, Severity, SubjectKind, Text};

/// The texts of a rule in force: plain data, so that a report need not know how rules work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleText {
    /// Four-digit code, as `WL2001`.
    pub code: Text,
    /// Kebab-case name.
    pub name: Text,
    /// One line.
    pub title: Text,
    /// How bad a hit is, as the user fixed it or as the rule has it. The facts of a hit can make it worse.
    pub severity: Severity,
    /// How sure a hit is.
    pub confidence: Confidence,
    /// What it judges.
    pub on: SubjectKind,
    /// Words for filters and standards: `cwe-319`.
    pub tags: Arc<[String]>,
    /// Why it matters.
    pub why: String,
    /// What an attacker, or an accident, gains from it.
    pub impact: String,
    /// What to do, in one line.
    pub fix: Text,
    /// What to do, whatever the framework.
    pub remediation: String,
    /// What else it could be.
    pub false_positives: String,
    /// Where to read on.
    pub references: Vec<String>,
}
