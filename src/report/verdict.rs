//! Whether a run passed.

use crate::model::{Finding, Incomplete, Outcome, Severity};

/// What a run comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Findings at or above the level that fails a run.
    Failed {
        /// How many.
        findings: usize,
        /// The level.
        level: Severity,
    },
    /// No such finding, but not everything could be read.
    Incomplete,
    /// There was no session to judge.
    NothingAudited,
    /// None of these.
    Passed,
}

/// Evidence that nobody accepts beforehand: it is not the capture that is incomplete.
const OURS: [&str; 2] = ["interrupted", "internal"];

impl Verdict {
    /// The verdict on an outcome.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        if let Some(level) = outcome.run.fail_on {
            let fails = |one: &&Finding| one.is_open() && one.severity >= level;
            let findings = outcome.findings.iter().filter(fails).count();
            if findings > 0 {
                return Self::Failed { findings, level };
            }
        }
        let accept = outcome.run.accept;
        let counts = |one: &Incomplete| !accept.incomplete || OURS.contains(&one.code);
        if outcome.coverage.incomplete.iter().any(counts) {
            Self::Incomplete
        } else if outcome.coverage.sessions == 0 && !accept.empty {
            Self::NothingAudited
        } else {
            Self::Passed
        }
    }

    /// The exit code of a run that ended by itself.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed { .. } => 1,
            Self::NothingAudited => 3,
            Self::Incomplete => 4,
        }
    }

    /// The word in reports for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed { .. } => "failed",
            Self::Incomplete => "incomplete",
            Self::NothingAudited => "nothing-audited",
            Self::Passed => "passed",
        }
    }

    /// The last line for people.
    #[must_use]
    pub fn line(self, outcome: &Outcome) -> String {
        let level = outcome.run.fail_on;
        let none = match level {
            Some(level) => format!("no finding at or above {level}"),
            None => "findings do not fail this run".to_owned(),
        };
        match self {
            Self::Failed { findings: 1, level } => {
                format!("FAILED: 1 finding at or above {level}")
            }
            Self::Failed { findings, level } => {
                format!("FAILED: {findings} findings at or above {level}")
            }
            Self::Incomplete => format!("INCOMPLETE: {none}, but not everything could be read"),
            Self::NothingAudited => "NOTHING AUDITED: no TCP session with data to judge".to_owned(),
            Self::Passed if outcome.coverage.sessions == 0 => {
                "passed: no TCP session with data to judge, which was accepted".to_owned()
            }
            Self::Passed if !outcome.coverage.incomplete.is_empty() => {
                format!("passed: {none}; incomplete evidence was accepted")
            }
            Self::Passed => format!("passed: {none}"),
        }
    }
}
