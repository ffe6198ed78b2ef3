//! Reading the tables of a rule file: every value with its place, every complaint with a caret.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::{Diagnostic, Kind, Timestamp, Value};

use super::source::{Source, nearest, suggestion};

/// A table under reading. Complaints gather in the list that all tables of a file share.
pub(crate) struct Table<'r, 't> {
    pub(crate) source: Source<'t>,
    pub(crate) entries: &'r DeTable<'t>,
    /// Where the table is, for complaints about what is missing.
    pub(crate) at: Range<usize>,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) at: Range<usize>,
}

impl<'r, 't> Table<'r, 't> {
    /// Complains about keys that are not known.
    pub(crate) fn only(&self, known: &[&str], errors: &mut Vec<Diagnostic>) {
        for (key, _) in self.entries {
            let word: &str = key.get_ref();
            if !known.contains(&word) {
                let meant = nearest(word, known.iter().copied());
                let message = format!("\"{}\" is not a key here", escaped(word));
                let error = self.source.error("rule-key", key.span(), message, &suggestion(meant));
                errors.push(error.help(format!("keys: {}", known.join(", "))));
            }
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'r Spanned<DeValue<'t>>> {
        self.entries.iter().find(|(known, _)| known.get_ref() == key).map(|(_, value)| value)
    }

    /// The entries in the order of the file.
    pub(crate) fn in_order(&self) -> Vec<(&'r Spanned<Cow<'t, str>>, &'r Spanned<DeValue<'t>>)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }

    /// A text, when there is one.
    pub(crate) fn text(&self, key: &str, errors: &mut Vec<Diagnostic>) -> Option<Placed<String>> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Placed { value: text.to_owned(), at: value.span() }),
            None => {
                errors.push(self.wrong(value, key, "text in quotes"));
                None
            }
        }
    }

    /// A text that must be there.
    pub(crate) fn required(
        &self,
        key: &str,
        errors: &mut Vec<Diagnostic>,
    ) -> Option<Placed<String>> {
        if self.get(key).is_none() {
            let message = format!("{key} is missing");
            errors.push(self.source.error("rule-value", self.at.clone(), message, ""));
        }
        self.text(key, errors)
    }

    /// A list of texts; empty when the key is not there.
    pub(crate) fn texts(&self, key: &str, errors: &mut Vec<Diagnostic>) -> Vec<Placed<String>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            errors.push(self.wrong(value, key, "a list of texts"));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for entry in list.iter() {
            match entry.get_ref().as_str() {
                Some(text) => texts.push(Placed { value: text.to_owned(), at: entry.span() }),
                None => errors.push(self.wrong(entry, key, "a list of texts")),
            }
        }
        texts
    }

    /// A yes or no; no when the key is not there.
    pub(crate) fn flag(&self, key: &str, errors: &mut Vec<Diagnostic>) -> bool {
        let Some(value) = self.get(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            errors.push(self.wrong(value, key, "true or false"));
            false
        })
    }

    /// A table within this one.
    pub(crate) fn table(&self, key: &str, errors: &mut Vec<Diagnostic>) -> Option<Table<'r, 't>> {
        let value = self.get(key)?;
        match value.get_ref().as_table() {
            Some(entries) => Some(Table { source: self.source, entries, at: value.span() }),
            None => {
                errors.push(self.wrong(value, key, "a table"));
                None
            }
        }
    }

    /// A list of tables within this one; empty when the key is not there.
    pub(crate) fn tables(&self, key: &str, errors: &mut Vec<Diagnostic>) -> Vec<Table<'r, 't>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            errors.push(self.wrong(value, key, &format!("a list of tables ([[{key}]])")));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for entry in list.iter() {
            match entry.get_ref().as_table() {
                Some(entries) => {
                    tables.push(Table { source: self.source, entries, at: entry.span() });
                }
                None => errors.push(self.wrong(entry, key, "a table")),
            }
        }
        tables
    }

    /// The complaint that a value is of the wrong type.
    pub(crate) fn wrong(&self, value: &Spanned<DeValue<'t>>, key: &str, what: &str) -> Diagnostic {
        let message = format!("{} must be {what}", escaped(key));
        self.source.error("rule-value", value.span(), message, &format!("expected {what}"))
    }
}

/// A TOML value as a value of this type; `None` when it is of another.
pub(crate) fn value_as(value: &DeValue<'_>, kind: Kind) -> Option<Value<'static>> {
    match (kind, value) {
        (Kind::Bool, DeValue::Boolean(value)) => Some(Value::Bool(*value)),
        (Kind::Int, value) => integer(value).map(Value::Int),
        (Kind::Text, DeValue::String(text)) => Some(Value::Text(Cow::Owned(text.to_string()))),
        (Kind::Time, DeValue::Datetime(moment)) => {
            Timestamp::parse(&moment.to_string()).ok().map(Value::Time)
        }
        (Kind::Time, DeValue::String(text)) => Timestamp::parse(text).ok().map(Value::Time),
        (Kind::Texts, DeValue::Array(list)) => list
            .iter()
            .map(|entry| entry.get_ref().as_str().map(|text| Cow::Owned(text.to_owned())))
            .collect::<Option<Vec<_>>>()
            .map(Value::Texts),
        (Kind::Ints, DeValue::Array(list)) => list
            .iter()
            .map(|entry| integer(entry.get_ref()))
            .collect::<Option<Vec<_>>>()
            .map(Value::Ints),
        _ => None,
    }
}

/// A value of this type, as a command line says it: a list is `a,b`, or as TOML writes it.
pub(crate) fn value_of_text(text: &str, kind: Kind) -> Option<Value<'static>> {
    match kind {
        Kind::Text => Some(Value::Text(Cow::Owned(text.to_owned()))),
        Kind::Texts if !text.starts_with('[') => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            Some(Value::Texts(words.map(|word| Cow::Owned(word.to_owned())).collect()))
        }
        Kind::Ints if !text.starts_with('[') => value_of_text(&format!("[{text}]"), kind),
        _ => value_as(DeValue::parse(text).ok()?.get_ref(), kind),
    }
}

/// A whole number of a TOML file.
pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Text from a file that somebody else may have written, safe to print.
pub(crate) fn escaped(text: &str) -> String {
    crate::model::escape_text(text)
}
