//! Reading the file: every complaint with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Baseline, Entry, Grant, Ignore, end_of_day, parse_day};
use crate::model::{Diagnostic, FindingId, Lines, Place, Timestamp, escape_text, limits};
use crate::rule::source::{Source, nearest, suggestion};
use crate::rule::table::integer;

const TOP: &[&str] = &["baseline-version", "ignore", "finding"];
const IGNORE: &[&str] =
    &["rule", "from", "to", "port", "subject", "reason", "owner", "ticket", "expires"];
const FINDING: &[&str] = &["fingerprint", "rule", "summary", "reason", "created", "expires"];

/// Reads a whole file.
pub(super) fn read(path: &str, text: &str) -> Result<Baseline, Vec<Diagnostic>> {
    if text.len() > limits::BASELINE_FILE_BYTES {
        let message = format!("a baseline has at most {} bytes", limits::BASELINE_FILE_BYTES);
        return Err(vec![Diagnostic::error("baseline-syntax", message)]);
    }
    let source = Source { path, text };
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or(0..1);
        vec![source.error("baseline-syntax", at, escape_text(error.message()), "")]
    })?;
    let mut reader = Reader { source, lines: Lines::of(text), errors: Vec::new() };
    let baseline = reader.file(document.get_ref());
    if reader.errors.is_empty() {
        return Ok(baseline);
    }
    let mut errors = reader.errors;
    errors.sort_by_key(|error| error.place.as_ref().map(|place| (place.line, place.column)));
    errors.truncate(limits::SHOWN_ERRORS);
    Err(errors)
}

struct Reader<'t> {
    source: Source<'t>,
    lines: Lines,
    errors: Vec<Diagnostic>,
}

/// One entry under reading.
struct Fields<'r, 't> {
    entries: &'r DeTable<'t>,
    at: Range<usize>,
}

impl<'r, 't> Fields<'r, 't> {
    fn get(&self, key: &str) -> Option<&'r Spanned<DeValue<'t>>> {
        self.entries.iter().find(|(known, _)| known.get_ref() == key).map(|(_, value)| value)
    }
}

impl<'t> Reader<'t> {
    fn file(&mut self, top: &DeTable<'t>) -> Baseline {
        let top = Fields { entries: top, at: 0..1 };
        self.only(&top, TOP);
        if let Some(version) = top.get("baseline-version")
            && integer(version.get_ref()) != Some(1)
        {
            self.wrong(version.span(), "baseline-version must be 1", "this wirelint reads 1");
        }
        let ignores = self.list(&top, "ignore", Self::ignore);
        let entries = self.list(&top, "finding", Self::entry);
        let mut known = BTreeMap::new();
        for entry in &entries {
            if let Some(first) = known.insert(entry.fingerprint, entry.grant.place.line) {
                let message = format!("{} is in the baseline twice", entry.fingerprint);
                let place = entry.grant.place.clone();
                let error = Diagnostic::error("baseline-duplicate", message).at(place);
                self.errors.push(error.note(format!("first in line {first}")));
            }
        }
        Baseline { ignores, entries }
    }

    fn list<T>(
        &mut self,
        top: &Fields<'_, 't>,
        key: &str,
        read: fn(&mut Self, &Fields<'_, 't>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = top.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(value.span(), &format!("{key} must be a list of tables"), "");
            return Vec::new();
        };
        let mut all = Vec::new();
        for one in list.iter() {
            match one.get_ref().as_table() {
                Some(entries) => all.extend(read(self, &Fields { entries, at: one.span() })),
                None => self.wrong(one.span(), &format!("{key} must be a list of tables"), ""),
            }
        }
        all
    }

    fn ignore(&mut self, fields: &Fields<'_, 't>) -> Option<Ignore> {
        self.only(fields, IGNORE);
        let rule = self.required(fields, "rule");
        let (from, to) = (self.text(fields, "from"), self.text(fields, "to"));
        let (port, subject) = (self.port(fields), self.text(fields, "subject"));
        let (owner, ticket) = (self.text(fields, "owner"), self.text(fields, "ticket"));
        let grant = self.grant(fields, "ignore");
        Some(Ignore { rule: rule?, from, to, port, subject, owner, ticket, grant: grant? })
    }

    fn entry(&mut self, fields: &Fields<'_, 't>) -> Option<Entry> {
        self.only(fields, FINDING);
        let fingerprint = self.fingerprint(fields);
        let rule = self.text(fields, "rule").unwrap_or_default();
        let summary = self.text(fields, "summary").unwrap_or_default();
        let created = self.day(fields, "created").map(super::day).unwrap_or_default();
        let grant = self.grant(fields, "baseline entry");
        Some(Entry { fingerprint: fingerprint?, rule, summary, created, grant: grant? })
    }

    /// Why, and until when. Both are refused rather than guessed: an entry without them outlives everyone's memory.
    fn grant(&mut self, fields: &Fields<'_, 't>, what: &str) -> Option<Grant> {
        let until = self.day(fields, "expires").map(end_of_day);
        let article = if what.starts_with('i') { "an" } else { "a" };
        let message = format!("{article} {what} needs a reason");
        let place = self.lines.place(self.source.path, self.source.text, fields.at.clone(), "");
        let Some(value) = fields.get("reason") else {
            let label = "add reason = \"...\"";
            self.errors.push(self.source.error(
                "baseline-reason",
                fields.at.clone(),
                message,
                label,
            ));
            return None;
        };
        let reason = self.text(fields, "reason")?;
        if reason.trim().is_empty() {
            let label = "say why, for the person who reviews this next year";
            self.errors.push(self.source.error("baseline-reason", value.span(), message, label));
            return None;
        }
        // Only the place is said later, not the line.
        let place = Place { text: String::new(), ..place };
        Some(Grant { reason, until, place })
    }

    fn day(&mut self, fields: &Fields<'_, 't>, key: &str) -> Option<Timestamp> {
        let value = fields.get(key)?;
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        let day = parse_day(&text);
        if day.is_none() {
            let message = format!("{key} is not a day");
            let label = "expected a date, as 2026-09-30";
            self.errors.push(self.source.error("baseline-date", value.span(), message, label));
        }
        day
    }

    fn port(&mut self, fields: &Fields<'_, 't>) -> Option<u16> {
        let value = fields.get("port")?;
        let port = integer(value.get_ref()).and_then(|port| u16::try_from(port).ok());
        if port.is_none() {
            self.wrong(value.span(), "port is not a port", "expected 0 to 65535");
        }
        port
    }

    fn fingerprint(&mut self, fields: &Fields<'_, 't>) -> Option<FindingId> {
        let text = self.required(fields, "fingerprint")?;
        let id = FindingId::parse(&text);
        if let (None, Some(value)) = (id, fields.get("fingerprint")) {
            let label = "expected wlf1: and 32 hexadecimal digits";
            self.wrong(value.span(), "this is not a fingerprint", label);
        }
        id
    }

    fn required(&mut self, fields: &Fields<'_, 't>, key: &str) -> Option<String> {
        if fields.get(key).is_none() {
            self.wrong(fields.at.clone(), &format!("{key} is missing"), "");
        }
        self.text(fields, key)
    }

    fn text(&mut self, fields: &Fields<'_, 't>, key: &str) -> Option<String> {
        let value = fields.get(key)?;
        let text = value.get_ref().as_str().map(ToOwned::to_owned);
        if text.is_none() {
            self.wrong(value.span(), &format!("{key} must be text in quotes"), "");
        }
        text
    }

    fn only(&mut self, fields: &Fields<'_, 't>, known: &[&str]) {
        for (key, _) in fields.entries {
            let word: &str = key.get_ref();
            if !known.contains(&word) {
                let label = suggestion(nearest(word, known.iter().copied()));
                let message = format!("unknown key \"{}\"", escape_text(word));
                let error = self.source.error("baseline-key", key.span(), message, &label);
                self.errors.push(error.help(format!("keys: {}", known.join(", "))));
            }
        }
    }

    fn wrong(&mut self, at: Range<usize>, message: &str, label: &str) {
        self.errors.push(self.source.error("baseline-value", at, message, label));
    }
}
