//! What is printed: one file per format, all from one finished result.
//!
//! Takes an [`Outcome`] and a [`Style`]; writes bytes. Knows no clock and asks nothing of the wire: text in the outcome
//! is escaped already, and every line of the formats for people begins with characters of ours, so that a name which a
//! peer chose can never start a line of a log.
//!
//! **To add a format**: one file with `pub(super) fn write` beside its neighbours, one line in [`FORMATS`].

mod body;
mod concise;
mod csv;
mod edges;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod layout;
mod markdown;
mod ndjson;
mod rows;
mod sarif;
mod standing;
mod text;
mod verdict;
mod wireshark;

use std::io;

use crate::model::Outcome;

pub use edges::{EDGE_FORMATS, EdgeLine, WriteEdges, stored_edges};
pub use ndjson::SessionWriter;
pub use rows::{Question, ROW_FORMATS, RowFormat, write_query};
pub use verdict::Verdict;

/// How reports for people look. Formats for programs do not depend on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Style {
    /// Colours, as terminals understand them.
    pub color: bool,
    /// Only ASCII for what wirelint draws itself. Names from the wire keep their letters.
    pub ascii: bool,
    /// Columns of the terminal; [`Style::NO_WIDTH`] for a pipe or a file.
    pub width: usize,
    /// How much is shown.
    pub show: Show,
    /// Whether CSV has texts as they are, though a spreadsheet may run them.
    pub raw_csv: bool,
    /// Whether findings that were accepted are listed, behind the open ones.
    pub suppressed: bool,
    /// Where results of SARIF point.
    pub sarif: SarifLocation,
    /// Whether the HTML report has aliases in the place of names and addresses.
    pub redact: bool,
}

/// Where results of SARIF point. Each falls back to the capture.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum SarifLocation {
    /// The line of the policy, else of the services file.
    #[default]
    Auto,
    /// The line of the policy.
    Policy,
    /// The line of the services file.
    Services,
    /// The capture.
    Capture,
    /// The first line of this file of the repository.
    File(String),
}

impl SarifLocation {
    /// Reads `auto`, `policy`, `services`, `capture` or the path of a file.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "auto" => Self::Auto,
            "policy" => Self::Policy,
            "services" => Self::Services,
            "capture" => Self::Capture,
            path => Self::File(path.to_owned()),
        }
    }
}

impl Style {
    /// The width of what has none: nothing is wrapped.
    pub const NO_WIDTH: usize = usize::MAX;
}

impl Default for Style {
    fn default() -> Self {
        let width = Self::NO_WIDTH;
        Self {
            color: false,
            ascii: false,
            width,
            show: Show::Main,
            raw_csv: false,
            suppressed: false,
            sarif: SarifLocation::Auto,
            redact: false,
        }
    }
}

/// How much a report for people shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Show {
    /// The worst, and how to see the rest.
    Main,
    /// Everything.
    All,
}

/// Writes one report.
pub type Write = fn(&Outcome, &Style, &mut dyn io::Write) -> io::Result<()>;

/// The formats: name, what it is for, and how it is written.
pub const FORMATS: &[(&str, &str, Write)] = &[
    ("text", "for people: findings, services, what could not be seen, the verdict", text::write),
    ("concise", "one line per finding, as compilers print them", concise::write),
    ("json", "one document with everything (schema wirelint.report/1)", json::write),
    ("ndjson", "one event per line, sessions included (schema wirelint.event/1)", ndjson::write),
    ("html", "one page for people, with a map and grades, that needs nothing else", html::write),
    ("sarif", "SARIF 2.1.0, for code scanning", sarif::write),
    ("junit", "JUnit XML, for test reports", junit::write),
    ("github", "annotations of GitHub Actions", github::write),
    ("github-summary", "the Markdown that GitHub shows with a job", markdown::summary),
    ("gitlab", "GitLab's code quality report", gitlab::write),
    ("markdown", "the whole report in Markdown", markdown::write),
    ("csv-findings", "findings with their first evidence, for spreadsheets", csv::findings),
    ("csv-edges", "who talks to whom, and how", csv::edges),
    ("csv-certificates", "certificates and where they were shown", csv::certificates),
    ("csv-ciphers", "versions and cipher suites that servers agreed on", csv::ciphers),
];

/// How a format with this name is written.
#[must_use]
pub fn format(name: &str) -> Option<Write> {
    FORMATS.iter().find(|(known, _, _)| *known == name).map(|(_, _, write)| *write)
}

#[cfg(test)]
mod schema_check;

#[cfg(test)]
mod tests;
