//! What wirelint says when something is wrong with what it was given: the place, the cause and the next command.

use std::ops::Range;

/// How serious a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// What was asked for could not be done.
    Error,
    /// It was done, and the reader should know this.
    Warning,
}

/// One message to a person. Every text in it is safe to print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub level: Level,
    /// A stable kebab-case word, as in `error[input-missing]`.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where, when it is in a file that a person wrote.
    pub place: Option<Place>,
    /// More that is known.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<String>,
}

/// A place in a text file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// The file as the user named it.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters are meant, at least 1.
    pub width: usize,
    /// The whole line; empty when only the place is to be printed.
    pub text: String,
    /// What to say under the carets.
    pub label: String,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, message.into())
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, message.into())
    }

    fn new(level: Level, code: &'static str, message: String) -> Self {
        Self { level, code, message, place: None, notes: Vec::new(), helps: Vec::new() }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds something that is known.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds something to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }
}

impl Place {
    /// The place of the byte range `span` in a file's `source`.
    #[must_use]
    pub fn of(path: &str, source: &str, span: Range<usize>, label: &str) -> Self {
        let before = |start: usize| {
            let before = source.as_bytes().get(..start).unwrap_or_default();
            before.iter().filter(|byte| **byte == b'\n').count()
        };
        Self::behind(path, (source, &before), span, label)
    }

    /// The same, given what counts the lines before a byte.
    fn behind(
        path: &str,
        (source, lines): (&str, &dyn Fn(usize) -> usize),
        span: Range<usize>,
        label: &str,
    ) -> Self {
        let start = floor_boundary(source, span.start);
        let before = source.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let text = source.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let end = floor_boundary(source, span.end.min(line_start + text.len()));
        Self {
            path: path.to_owned(),
            line: lines(start) + 1,
            column: source.get(line_start..start).unwrap_or_default().chars().count() + 1,
            width: source.get(start..end).unwrap_or_default().chars().count().max(1),
            text: text.to_owned(),
            label: label.to_owned(),
        }
    }
}

/// Where the lines of a text end, for those who ask for many places of one text.
#[derive(Clone, Debug, Default)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// Those of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// As [`Place::of`], of the same text.
    #[must_use]
    pub fn place(&self, path: &str, text: &str, span: Range<usize>, label: &str) -> Place {
        let before = |start: usize| self.0.partition_point(|end| *end < start);
        Place::behind(path, (text, &before), span, label)
    }
}

fn floor_boundary(source: &str, at: usize) -> usize {
    (0..=at.min(source.len())).rev().find(|&i| source.is_char_boundary(i)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let place = Place::of("r.toml", "a = 1\nbé = 'x'\n", 10..13, "here");
        assert_eq!((place.line, place.column, place.width), (2, 4, 3));
        let text = "a = 1\nbé = 'x'\n";
        assert_eq!(Lines::of(text).place("r.toml", text, 10..13, "here"), place);
        assert_eq!(place.text, "bé = 'x'");
    }

    #[test]
    fn a_span_outside_the_text_is_no_panic() {
        let place = Place::of("r.toml", "é", 1..900, "");
        assert_eq!((place.line, place.column, place.width), (1, 1, 1));
    }
}
