//! Reading tables of a services file: every value with its place, every complaint with a caret.

use std::net::IpAddr;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::{Diagnostic, Lines, Place, Timestamp, escape_text};

/// A value with the bytes of the file that it stands in.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
}

/// A file under reading; complaints gather.
pub(super) struct Reader<'t> {
    pub(super) path: &'t str,
    pub(super) text: &'t str,
    pub(super) lines: Lines,
    pub(super) errors: Vec<Diagnostic>,
}

/// A table of it.
#[derive(Clone, Debug)]
pub(super) struct Table<'r, 't> {
    pub(super) entries: &'r DeTable<'t>,
    pub(super) at: Range<usize>,
}

impl Reader<'_> {
    pub(super) fn place(&self, at: Range<usize>, label: &str) -> Place {
        self.lines.place(&escape_text(self.path), self.text, at, label)
    }

    pub(super) fn complain(
        &mut self,
        code: &'static str,
        at: Range<usize>,
        message: String,
        label: &str,
    ) {
        let place = self.place(at, label);
        self.errors.push(Diagnostic::error(code, message).at(place));
    }

    /// Complains about keys that are not known.
    pub(super) fn only(&mut self, table: &Table<'_, '_>, known: &[&str], whose: &str) {
        let mut entries: Vec<_> = table.entries.iter().map(|(key, _)| key).collect();
        entries.sort_by_key(|key| key.span().start);
        for key in entries {
            let word: &str = key.get_ref();
            if known.contains(&word) {
                continue;
            }
            let label = match nearest(word, known) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => String::new(),
            };
            let message = format!("unknown key \"{}\" in {whose}", escape_text(word));
            let place = self.place(key.span(), &label);
            let help = format!("keys: {}", known.join(", "));
            self.errors.push(Diagnostic::error("mapping-key", message).at(place).help(help));
        }
    }

    fn wrong(&mut self, at: Range<usize>, key: &str, what: &str) {
        let message = format!("{key} must be {what}");
        self.complain("mapping-value", at, message, &format!("expected {what}"));
    }

    /// A text that is not empty, when the key is there.
    pub(super) fn text(&mut self, table: &Table<'_, '_>, key: &str) -> Option<Placed<String>> {
        let value = table.get(key)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => {
                Some(Placed { value: text.to_owned(), at: value.span() })
            }
            _ => {
                self.wrong(value.span(), key, "text in quotes, and not empty");
                None
            }
        }
    }

    /// Texts: a list, or one alone.
    pub(super) fn texts(&mut self, table: &Table<'_, '_>, key: &str) -> Vec<Placed<String>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let mut texts = Vec::new();
        for entry in one_or_many(value) {
            match entry.get_ref().as_str() {
                Some(text) if !text.is_empty() => {
                    texts.push(Placed { value: text.to_owned(), at: entry.span() });
                }
                _ => self.wrong(entry.span(), key, "a list of texts in quotes"),
            }
        }
        texts
    }

    /// Numbers up to `most`: a list, or one alone; `None` when the key is not there.
    pub(super) fn numbers(
        &mut self,
        table: &Table<'_, '_>,
        key: &str,
        most: u32,
    ) -> Option<Vec<u32>> {
        let value = table.get(key)?;
        let mut numbers = Vec::new();
        for entry in one_or_many(value) {
            match integer(entry.get_ref()).and_then(|number| u32::try_from(number).ok()) {
                Some(number) if number <= most => numbers.push(number),
                _ => self.wrong(entry.span(), key, &format!("numbers from 0 to {most}")),
            }
        }
        if numbers.is_empty() {
            self.wrong(value.span(), key, "a list with at least one number");
        }
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers)
    }

    /// A moment: a date with a time and an offset, or a date, which is its first moment in UTC.
    pub(super) fn time(&mut self, table: &Table<'_, '_>, key: &str) -> Option<Timestamp> {
        let value = table.get(key)?;
        let text = match value.get_ref() {
            DeValue::Datetime(moment) => moment.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        let whole =
            if text.len() == "2026-01-01".len() { format!("{text}T00:00:00Z") } else { text };
        let parsed = Timestamp::parse(&whole).ok();
        if parsed.is_none() {
            self.wrong(value.span(), key, "a time with its offset, as 2026-01-01T00:00:00Z");
        }
        parsed
    }

    /// The tables of a list of tables.
    pub(super) fn tables<'r, 't>(
        &mut self,
        table: &Table<'r, 't>,
        key: &str,
    ) -> Vec<Table<'r, 't>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let mut tables = Vec::new();
        let list = value.get_ref().as_array().map(|list| list.iter());
        if list.is_none() {
            self.wrong(value.span(), key, &format!("written as [[{key}]]"));
        }
        for entry in list.into_iter().flatten() {
            match entry.get_ref().as_table() {
                Some(entries) => tables.push(Table { entries, at: entry.span() }),
                None => self.wrong(entry.span(), key, &format!("written as [[{key}]]")),
            }
        }
        tables
    }
}

impl<'r, 't> Table<'r, 't> {
    pub(super) fn get(&self, key: &str) -> Option<&'r Spanned<DeValue<'t>>> {
        self.entries.iter().find(|(known, _)| known.get_ref() == key).map(|(_, value)| value)
    }
}

fn one_or_many<'r, 't>(value: &'r Spanned<DeValue<'t>>) -> Vec<&'r Spanned<DeValue<'t>>> {
    match value.get_ref().as_array() {
        Some(list) => list.iter().collect(),
        None => vec![value],
    }
}

pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Reads an address with or without a port: `10.0.0.9`, `10.0.0.9:8443`, `[2001:db8::1]:8443`.
pub fn address(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(addr) = text.parse::<IpAddr>() {
        return Some((addr.to_canonical(), None));
    }
    let whole = text.parse::<std::net::SocketAddr>().ok()?;
    (whole.port() != 0).then(|| (whole.ip().to_canonical(), Some(whole.port())))
}

/// The nearest known word, when it is near enough to be meant.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let allowed = (word.chars().count() / 3).max(1);
    let near = known.iter().map(|one| (strsim::damerau_levenshtein(word, one), *one));
    near.filter(|(distance, _)| *distance <= allowed).min().map(|(_, one)| one)
}
