//! The text of a rule file and places in it. Takes what is wrong with a piece of it; gives a diagnostic that points there.

use std::ops::Range;

use crate::model::{Diagnostic, Place};

/// A rule file's text and the name the user knows it by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'t> {
    /// The file as the user named it, `built-in/NAME` for one of ours.
    pub(crate) path: &'t str,
    /// Its text.
    pub(crate) text: &'t str,
}

/// Something wrong with an expression or a template, at a byte range of its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    /// `rule-syntax`, `rule-field` or `rule-type`.
    pub(crate) code: &'static str,
    /// Which bytes of the expression.
    pub(crate) at: Range<usize>,
    /// What is wrong, in one sentence.
    pub(crate) message: String,
    /// What to say under the carets.
    pub(crate) label: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

impl Fault {
    /// A fault without further help.
    pub(crate) fn new(
        code: &'static str,
        at: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self { code, at, message: message.into(), label: label.into(), help: None }
    }

    /// Says what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl<'t> Source<'t> {
    /// An error at a byte range of the file.
    pub(crate) fn error(
        &self,
        code: &'static str,
        at: Range<usize>,
        message: impl Into<String>,
        label: &str,
    ) -> Diagnostic {
        Diagnostic::error(code, message).at(Place::of(self.path, self.text, at, label))
    }

    /// A fault within the string value whose token covers `span`, as a diagnostic about the file.
    pub(crate) fn fault(&self, fault: &Fault, span: Range<usize>, value: &str) -> Diagnostic {
        let at = match self.content_start(span.clone(), value) {
            Some(start) => start.saturating_add(fault.at.start)..start.saturating_add(fault.at.end),
            None => span,
        };
        let error = self.error(fault.code, at, fault.message.clone(), &fault.label);
        match &fault.help {
            Some(help) => error.help(help.clone()),
            None => error,
        }
    }

    /// Where the characters of a string value begin in the file; `None` where escapes make the two differ.
    fn content_start(&self, span: Range<usize>, value: &str) -> Option<usize> {
        let raw = self.text.get(span.clone())?;
        let quotes = ["'''", "\"\"\"", "'", "\""].into_iter().find(|q| raw.starts_with(q))?;
        let inner = raw.get(quotes.len()..)?;
        let newline = match (quotes.len(), inner) {
            (3, text) if text.starts_with("\r\n") => 2,
            (3, text) if text.starts_with('\n') => 1,
            _ => 0,
        };
        let offset = quotes.len() + newline;
        let same = raw.get(offset..)?.starts_with(value);
        same.then_some(span.start + offset)
    }
}

/// The nearest of `known` to a word that is not among them, when it is near enough to be meant.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `, did you mean "x"?` or nothing.
pub(crate) fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!("did you mean \"{word}\"?"))
}
