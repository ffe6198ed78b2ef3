//! Where words go: standard output and standard error, their colours and width.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use super::Shown;
use super::args::{Global, When};
use crate::model::{Diagnostic, Level};
use crate::report::{Show, Style};

/// Texts that are held back at most; then the oldest are forgotten.
const HELD: usize = 200;

/// The two streams and how they look.
#[derive(Clone)]
pub(super) struct Terminal {
    color_out: bool,
    color_err: bool,
    ascii: bool,
    quiet: u8,
    progress: bool,
    /// What is said while the screen is in use for something else.
    held: Option<Arc<Mutex<VecDeque<String>>>>,
}

impl Terminal {
    pub(super) fn new(global: &Global) -> Self {
        let color = |is_terminal: bool| colors(global.color, is_terminal, &variable);
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let ci = is_on(variable("CI"));
        Self {
            color_out: color(out),
            color_err: color(err),
            ascii: global.ascii,
            quiet: global.quiet,
            progress: err && !global.no_progress && global.quiet == 0 && !ci,
            held: None,
        }
    }

    /// Whether progress is shown.
    pub(super) fn shows_progress(&self) -> bool {
        self.progress
    }

    /// Whether standard output is to have colours.
    pub(super) fn colors(&self) -> bool {
        self.color_out
    }

    /// Whether drawing is to be done with ASCII only.
    pub(super) fn ascii(&self) -> bool {
        self.ascii
    }

    /// How reports on standard output look.
    pub(super) fn style(&self, show: Show) -> Style {
        let width = if io::stdout().is_terminal() { columns() } else { Style::NO_WIDTH };
        let color = self.color_out;
        Style { color, ascii: self.ascii, width, show, ..Style::default() }
    }

    /// Says something to the person; what `-q` hides is not said.
    pub(super) fn say(&self, diagnostic: &Diagnostic) {
        let hidden = diagnostic.level == Level::Warning && self.quiet > 0;
        if !hidden {
            let shown = Shown { diagnostic, color: self.color_err };
            self.err(shown.to_string());
        }
    }

    /// Says all, and gives back `code`.
    pub(super) fn refuse(&self, diagnostics: &[Diagnostic], code: super::Code) -> super::Code {
        diagnostics.iter().for_each(|diagnostic| self.say(diagnostic));
        code
    }

    /// Writes a line to standard error that is no diagnostic.
    pub(super) fn note(&self, line: &str) {
        self.err(format!("{line}\n"));
    }

    /// The same terminal, which holds back what is said until it is let out.
    pub(super) fn holding(&self) -> Self {
        Self { held: Some(Arc::default()), ..self.clone() }
    }

    /// Lets out what was held back.
    pub(super) fn let_out(&self) {
        let Some(held) = &self.held else { return };
        let held = std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner));
        held.iter().for_each(|text| {
            let _closed = write!(io::stderr().lock(), "{text}");
        });
    }

    fn err(&self, text: String) {
        let Some(held) = &self.held else {
            let _closed = write!(io::stderr().lock(), "{text}");
            return;
        };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD {
            held.pop_front();
        }
        held.push_back(text);
    }

    /// Writes text to standard output. A reader that is gone is no error of this program.
    pub(super) fn print(&self, text: &str) -> io::Result<()> {
        ignore_closed(io::stdout().lock().write_all(text.as_bytes()))
    }
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// Whether a stream has colours: what the user says wins, then `NO_COLOR` (no-color.org), then what demands colours, then
/// whether it is a terminal.
fn colors(
    when: When,
    is_terminal: bool,
    variable: &dyn Fn(&str) -> Option<std::ffi::OsString>,
) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        When::Auto => {
            is_terminal || is_on(variable("FORCE_COLOR")) || is_on(variable("CLICOLOR_FORCE"))
        }
    }
}

/// Whether a variable says yes: it is set, and to nothing that means no.
fn is_on(value: Option<std::ffi::OsString>) -> bool {
    value.is_some_and(|value| !["", "0", "false"].iter().any(|no| value == *no))
}

/// Columns of the terminal, as far as the environment says.
fn columns() -> usize {
    let set = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    set.unwrap_or_else(|| terminal_size::terminal_size().map_or(80, |(width, _)| width.0.into()))
}

/// A closed pipe ends the writing, not the program.
pub(super) fn ignore_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Standard output does not take what is written to it.
pub(super) fn unwritable(error: &io::Error) -> Diagnostic {
    if error.kind() == io::ErrorKind::StorageFull {
        return Diagnostic::error("disk-full", "the disk is full: standard output was not written")
            .help("free space, or write elsewhere");
    }
    Diagnostic::error("output-unwritable", format!("standard output cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_wins_then_no_color_then_what_demands_colours_then_the_terminal() {
        let of = |when, is_terminal, set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|one| one.0 == name).map(|one| one.1.into());
            colors(when, is_terminal, &find)
        };
        let (no, force, cli) = (("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1"));
        assert!(of(When::Auto, true, &[]) && !of(When::Auto, false, &[]));
        assert!(!of(When::Auto, true, &[no]) && of(When::Auto, true, &[("NO_COLOR", "")]));
        assert!(of(When::Auto, false, &[force]) && of(When::Auto, false, &[cli]));
        assert!(!of(When::Auto, false, &[("FORCE_COLOR", "0")]));
        assert!(!of(When::Auto, true, &[no, force, cli]));
        assert!(of(When::Always, false, &[no]) && !of(When::Never, true, &[force]));
    }

    #[test]
    fn a_variable_that_says_no_is_off() {
        assert!(is_on(Some("true".into())) && is_on(Some("1".into())));
        assert!(!is_on(None) && !is_on(Some("".into())) && !is_on(Some("false".into())));
    }
}
