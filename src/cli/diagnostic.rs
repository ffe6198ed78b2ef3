//! Diagnostics as a person reads them.
//!
//! Takes a [`Diagnostic`], gives its text, in color or not. Decides nothing: what it is given was made safe to print
//! by whoever made it, and passes unchanged but for a line of source: its tabs would put the carets off.

use std::fmt;

use crate::model::{Diagnostic, Level, Place};

/// Shows a diagnostic; ends with a line break.
///
/// ```text
/// error[config-key]: unknown key "fail_on" in [gate]
///   --> wirelint.toml:30:1
///    |
/// 30 | fail_on = "high"
///    | ^^^^^^^ did you mean "fail-on"?
///    |
///   = help: wirelint config schema gate lists the keys
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// What to show.
    pub diagnostic: &'a Diagnostic,
    /// Whether to use the terminal's colors.
    pub color: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { level, code, message, place, notes, helps } = self.diagnostic;
        let (word, style) = match level {
            Level::Error => ("error", Style::Error),
            Level::Warning => ("warning", Style::Warning),
        };
        self.styled(f, style, format_args!("{word}[{code}]"))?;
        self.styled(f, Style::Strong, format_args!(": {message}"))?;
        writeln!(f)?;
        if let Some(place) = place {
            self.place(f, place, style)?;
        }
        notes.iter().try_for_each(|note| self.remark(f, "note", note))?;
        helps.iter().try_for_each(|help| self.remark(f, "help", help))
    }
}

impl Shown<'_> {
    fn place(&self, f: &mut fmt::Formatter<'_>, place: &Place, style: Style) -> fmt::Result {
        let number = place.line.to_string();
        let gutter = number.len();
        let Place { path, line, column, .. } = place;
        self.styled(f, Style::Frame, format_args!("{:gutter$}-->", ""))?;
        writeln!(f, " {path}:{line}:{column}")?;
        if place.text.is_empty() && place.label.is_empty() {
            return Ok(());
        }
        let carets = Carets::under(place);
        self.gutter(f, gutter, "", "")?;
        self.gutter(f, gutter, &number, &carets.line)?;
        self.styled(f, Style::Frame, format_args!("{:gutter$} |", ""))?;
        write!(f, " {:indent$}", "", indent = carets.indent)?;
        let label = if place.label.is_empty() { "" } else { " " };
        let marks = "^".repeat(carets.width);
        self.styled(f, style, format_args!("{marks}{label}{}", place.label))?;
        writeln!(f)?;
        self.gutter(f, gutter, "", "")
    }

    /// A line of source behind its number.
    fn gutter(
        &self,
        f: &mut fmt::Formatter<'_>,
        width: usize,
        number: &str,
        text: &str,
    ) -> fmt::Result {
        self.styled(f, Style::Frame, format_args!("{number:width$} |"))?;
        let space = if text.is_empty() { "" } else { " " };
        writeln!(f, "{space}{text}")
    }

    /// A note or help; further lines of its own are put under its first.
    fn remark(&self, f: &mut fmt::Formatter<'_>, kind: &str, text: &str) -> fmt::Result {
        self.styled(f, Style::Frame, format_args!("  ="))?;
        self.styled(f, Style::Strong, format_args!(" {kind}:"))?;
        let mut lines = text.split('\n');
        writeln!(f, " {}", lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(f, "{:REMARK_INDENT$}{line}", ""))
    }

    fn styled(
        &self,
        f: &mut fmt::Formatter<'_>,
        style: Style,
        text: fmt::Arguments<'_>,
    ) -> fmt::Result {
        match self.color {
            true => write!(f, "\x1b[{}m{text}\x1b[0m", style.sgr()),
            false => f.write_fmt(text),
        }
    }
}

/// How far the second line of a note or help is put in.
const REMARK_INDENT: usize = 10;

/// What a piece of text is, as far as color goes.
#[derive(Clone, Copy)]
enum Style {
    Error,
    Warning,
    Strong,
    Frame,
}

impl Style {
    /// Parameters of the escape sequence. The 16 plain colors only, so that the terminal's own theme decides.
    fn sgr(self) -> &'static str {
        match self {
            Self::Error => "1;31",
            Self::Warning => "1;33",
            Self::Strong => "1",
            Self::Frame => "34",
        }
    }
}

/// A line of source without tabs, and where its carets go.
struct Carets {
    line: String,
    indent: usize,
    width: usize,
}

impl Carets {
    fn under(place: &Place) -> Self {
        let mut line = String::with_capacity(place.text.len());
        let (mut columns, mut indent, mut end) = (0, 0, 0);
        let meant = place.column.saturating_sub(1);
        let behind = meant.saturating_add(place.width.max(1));
        for (index, c) in place.text.chars().enumerate() {
            let wide = if c == '\t' { TAB - columns % TAB } else { 1 };
            match c {
                '\t' => line.extend(std::iter::repeat_n(' ', wide)),
                // The line is the file's own and was not escaped, so that columns stay what they are.
                c if c.is_control() => line.push(char::REPLACEMENT_CHARACTER),
                c => line.push(c),
            }
            columns += wide;
            indent = if index < meant { columns } else { indent };
            end = if index < behind { columns } else { end };
        }
        // A place may be just behind the line, where something is missing.
        Self { line, indent, width: end.saturating_sub(indent).max(1) }
    }
}

/// Columns from one tab stop to the next. Fewer than a terminal's eight: a caret line is read, not aligned to others.
const TAB: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(diagnostic: &Diagnostic) -> String {
        Shown { diagnostic, color: false }.to_string()
    }

    fn place(line: usize, column: usize, width: usize, text: &str, label: &str) -> Place {
        let (text, label) = (text.to_owned(), label.to_owned());
        Place { path: "wirelint.toml".to_owned(), line, column, width, text, label }
    }

    #[test]
    fn without_a_place_it_is_one_line_and_its_remarks() {
        let diagnostic = Diagnostic::error("stdin-terminal", "there is nothing to read")
            .note("standard input is a terminal")
            .help("pipe a capture in")
            .help("one of:\nthis\nthat");
        let expected = "\
error[stdin-terminal]: there is nothing to read
  = note: standard input is a terminal
  = help: pipe a capture in
  = help: one of:
          this
          that
";
        assert_eq!(shown(&diagnostic), expected);
    }

    #[test]
    fn with_a_place_the_carets_are_under_what_is_meant() {
        let diagnostic = Diagnostic::error("config-value", "\"hgih\" is not a severity")
            .at(place(30, 11, 6, "fail-on = \"hgih\"", "expected high"))
            .help("see the manual");
        let expected = "\
error[config-value]: \"hgih\" is not a severity
  --> wirelint.toml:30:11
   |
30 | fail-on = \"hgih\"
   |           ^^^^^^ expected high
   |
  = help: see the manual
";
        assert_eq!(shown(&diagnostic), expected);
    }

    #[test]
    fn the_gutter_is_as_wide_as_the_line_number() {
        let diagnostic =
            Diagnostic::warning("rule-field", "no such field").at(place(9, 1, 4, "when = 1", ""));
        let expected = "\
warning[rule-field]: no such field
 --> wirelint.toml:9:1
  |
9 | when = 1
  | ^^^^
  |
";
        assert_eq!(shown(&diagnostic), expected);
    }

    #[test]
    fn a_place_without_its_line_is_named_only() {
        let diagnostic =
            Diagnostic::error("rule-duplicate", "defined twice").at(place(3, 8, 1, "", ""));
        let expected = "\
error[rule-duplicate]: defined twice
 --> wirelint.toml:3:8
";
        assert_eq!(shown(&diagnostic), expected);
    }

    fn caret_lines(place: Place) -> (String, String) {
        let text = shown(&Diagnostic::error("x", "y").at(place));
        let lines: Vec<&str> = text.lines().collect();
        (lines[3].to_owned(), lines[4].to_owned())
    }

    #[test]
    fn tabs_do_not_put_the_carets_off() {
        let (line, carets) = caret_lines(place(1, 4, 1, "\ta\tb", ""));
        assert_eq!(line, "1 |     a   b");
        assert_eq!(carets, "  |         ^");
        let (line, carets) = caret_lines(place(1, 2, 2, "a\tb", "both"));
        assert_eq!(line, "1 | a   b");
        assert_eq!(carets, "  |  ^^^^ both");
    }

    #[test]
    fn carets_count_characters_and_may_stand_behind_the_line() {
        let (_, carets) = caret_lines(place(1, 2, 1, "éé", ""));
        assert_eq!(carets, "  |  ^");
        let (_, carets) = caret_lines(place(1, 4, 9, "abc", "something is missing"));
        assert_eq!(carets, "  |    ^ something is missing");
        let (line, _) = caret_lines(place(1, 1, 1, "a\u{1b}[2J", ""));
        assert_eq!(line, "1 | a\u{fffd}[2J");
        let (_, carets) = caret_lines(place(1, 0, 0, "abc", ""));
        assert_eq!(carets, "  | ^");
        let (_, carets) = caret_lines(place(1, usize::MAX, usize::MAX, "abc", ""));
        assert_eq!(carets, "  |    ^");
    }

    #[test]
    fn color_changes_nothing_but_color() {
        let diagnostic = Diagnostic::error("config-value", "no")
            .at(place(3, 2, 1, "abc", "here"))
            .note("n")
            .help("h");
        let colored = Shown { diagnostic: &diagnostic, color: true }.to_string();
        assert!(colored.starts_with("\x1b[1;31merror[config-value]\x1b[0m"), "{colored:?}");
        let mut plain = colored;
        for sgr in ["1;31", "1;33", "1", "34", "0"] {
            plain = plain.replace(&format!("\x1b[{sgr}m"), "");
        }
        assert_eq!(plain, shown(&diagnostic));
    }
}
