//! What is printed: one file per format, all from one finished result.
//!
//! Takes an [`Outcome`] and a [`Style`]; writes bytes. Knows no clock and asks nothing of the wire: text in the outcome
//! is escaped already, and every line of the formats for people begins with characters of ours, so that a name which a
//! peer chose can never start a line of a log.
//!
//! **To add a format**: one file with `pub(super) fn write` beside its neighbours, one line in [`FORMATS`].

mod body;
mod concise;
mod json;
mod layout;
mod ndjson;
mod rows;
mod text;
mod verdict;

use std::io;

use crate::model::Outcome;

pub use ndjson::SessionWriter;
pub use rows::{Question, ROW_FORMATS, RowFormat, write_query};
pub use verdict::Verdict;

/// How reports for people look. Formats for programs do not depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Colours, as terminals understand them.
    pub color: bool,
    /// Only ASCII for what wirelint draws itself. Names from the wire keep their letters.
    pub ascii: bool,
    /// Columns of the terminal; [`Style::NO_WIDTH`] for a pipe or a file.
    pub width: usize,
    /// How much is shown.
    pub show: Show,
    /// Whether findings that were accepted are listed, behind the open ones.
    pub suppressed: bool,
}

impl Style {
    /// The width of what has none: nothing is wrapped.
    pub const NO_WIDTH: usize = usize::MAX;
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            ascii: false,
            width: Self::NO_WIDTH,
            show: Show::Main,
            suppressed: false,
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
