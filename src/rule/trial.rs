//! Embedded tests: a rule's own examples, judged without any traffic.

use crate::model::{Confidence, Diagnostic, Seen, Severity, Value};

use super::definition::{Rule, Verdict};
use super::eval::Inputs;
use super::fields::FieldTable;
use super::source::{nearest, suggestion};
use super::table::{Table, escaped, value_as};

/// One embedded test.
#[derive(Clone, PartialEq, Debug)]
pub struct Trial {
    /// What it shows.
    pub name: String,
    /// What the rule must say.
    pub expect: Expectation,
    /// How bad the rule must say it is.
    pub severity: Option<Severity>,
    /// How sure the rule must say it is.
    pub confidence: Option<Confidence>,
    /// What is seen, by field number. What is not listed is hidden.
    pub(crate) input: Vec<(usize, Seen<Value<'static>>)>,
    /// Options that differ from their defaults, by number.
    pub(crate) options: Vec<(usize, Value<'static>)>,
}

/// What a rule must say in a test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// It fires.
    Hit,
    /// It does not.
    Quiet,
    /// It cannot tell.
    NotObservable,
}

impl Expectation {
    /// The word in rule files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "true",
            Self::Quiet => "false",
            Self::NotObservable => "not-observable",
        }
    }

    fn of(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Hit) => Self::Hit,
            Some(Verdict::NotObservable) => Self::NotObservable,
            None => Self::Quiet,
        }
    }
}

impl Trial {
    /// Judges the example; says what was wrong, if anything was.
    pub(crate) fn run(&self, rule: &Rule, fields: &FieldTable) -> Result<(), String> {
        let mut values = vec![Seen::NotReached; fields.fields.len()];
        for (number, value) in &self.input {
            if let Some(slot) = values.get_mut(*number) {
                slot.clone_from(value);
            }
        }
        let mut settings = rule.settings.clone();
        for (number, value) in &self.options {
            if let Some((_, slot)) = settings.get_mut(*number) {
                slot.clone_from(value);
            }
        }
        let judged = rule.judge(&Inputs { fields: &values, options: &settings });
        let found = Expectation::of(judged.map(|(verdict, ..)| verdict));
        if found != self.expect {
            return Err(format!("expected {}, got {}", self.expect.name(), found.name()));
        }
        let Some((_, severity, confidence)) = judged else { return Ok(()) };
        if let Some(expected) = self.severity.filter(|expected| *expected != severity) {
            return Err(format!("expected severity {expected}, got {severity}"));
        }
        match self.confidence.filter(|expected| *expected != confidence) {
            Some(expected) => {
                Err(format!("expected confidence {}, got {}", expected.name(), confidence.name()))
            }
            None => Ok(()),
        }
    }
}

const KEYS: &[&str] = &["name", "input", "absent", "expect", "severity", "confidence"];

/// Reads one `[[test]]` table.
pub(crate) fn read(
    table: &Table<'_, '_>,
    fields: &FieldTable,
    options: &[(String, Value<'static>)],
    errors: &mut Vec<Diagnostic>,
) -> Option<Trial> {
    table.only(KEYS, errors);
    let name = table.required("name", errors)?.value;
    let mut trial = Trial {
        name,
        expect: Expectation::Quiet,
        severity: None,
        confidence: None,
        input: vec![],
        options: vec![],
    };
    trial.expect = expectation(table, errors)?;
    if let Some(word) = table.text("severity", errors) {
        trial.severity = Severity::parse(&word.value);
        if trial.severity.is_none() {
            errors.push(super::file::bad_word(&table.source, &word, "severity", SEVERITIES));
        }
    }
    if let Some(word) = table.text("confidence", errors) {
        trial.confidence = Confidence::parse(&word.value);
        if trial.confidence.is_none() {
            errors.push(super::file::bad_word(&table.source, &word, "confidence", CONFIDENCES));
        }
    }
    if let Some(input) = table.table("input", errors) {
        let mut reader = InputReader { fields, options, trial: &mut trial, errors };
        reader.walk(&input, "");
    }
    for path in table.texts("absent", errors) {
        match fields.find(&path.value) {
            Some(number) => trial.input.push((number, Seen::Absent)),
            None => {
                let (message, label, help) = fields.unknown(&path.value);
                errors.push(
                    table.source.error("rule-test", path.at, escaped(&message), &label).help(help),
                );
            }
        }
    }
    Some(trial)
}

/// Words for how sure a hit is.
pub(crate) const CONFIDENCES: &[&str] = &["low", "medium", "high"];

/// Words for how bad a hit is.
pub(crate) const SEVERITIES: &[&str] = &["info", "low", "medium", "high", "critical"];

fn expectation(table: &Table<'_, '_>, errors: &mut Vec<Diagnostic>) -> Option<Expectation> {
    let Some(value) = table.get("expect") else {
        let message = "expect is missing";
        errors.push(table.source.error("rule-test", table.at.clone(), message, ""));
        return None;
    };
    let word = value.get_ref();
    match (word.as_bool(), word.as_str()) {
        (Some(true), _) => Some(Expectation::Hit),
        (Some(false), _) => Some(Expectation::Quiet),
        (_, Some("not-observable")) => Some(Expectation::NotObservable),
        _ => {
            let what = "true, false or \"not-observable\"";
            let message = format!("expect must be {what}");
            errors.push(table.source.error("rule-test", value.span(), message, ""));
            None
        }
    }
}

struct InputReader<'r> {
    fields: &'r FieldTable,
    options: &'r [(String, Value<'static>)],
    trial: &'r mut Trial,
    errors: &'r mut Vec<Diagnostic>,
}

impl InputReader<'_> {
    /// Reads a table of values; tables within it are groups: `tls = { version = "TLSv1.2" }`.
    fn walk(&mut self, table: &Table<'_, '_>, prefix: &str) {
        for (key, value) in table.in_order() {
            let path = if prefix.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{prefix}.{}", key.get_ref())
            };
            if let Some(entries) = value.get_ref().as_table() {
                let inner = Table { source: table.source, entries, at: value.span() };
                self.walk(&inner, &path);
            } else if let Some(option) = path.strip_prefix("options.") {
                self.option(table, option, value);
            } else if let Some(number) = self.fields.find(&path) {
                self.field(table, number, value);
            } else {
                let (message, label, help) = self.fields.unknown(&path);
                let at = key.span();
                let error = table.source.error("rule-test", at, escaped(&message), &label);
                self.errors.push(error.help(help));
            }
        }
    }

    fn field(
        &mut self,
        table: &Table<'_, '_>,
        number: usize,
        value: &toml::Spanned<toml::de::DeValue<'_>>,
    ) {
        let Some(field) = self.fields.field(number) else { return };
        match value_as(value.get_ref(), field.kind) {
            Some(value) => self.trial.input.push((number, Seen::Value(value))),
            None => {
                let message = format!("{} is {}", field.path, field.kind.name());
                let label = format!("expected {}", field.kind.name());
                self.errors.push(table.source.error("rule-test", value.span(), message, &label));
            }
        }
    }

    fn option(
        &mut self,
        table: &Table<'_, '_>,
        name: &str,
        value: &toml::Spanned<toml::de::DeValue<'_>>,
    ) {
        let found = self.options.iter().enumerate().find(|(_, (known, _))| known == name);
        let Some((number, (_, default))) = found else {
            let meant = nearest(name, self.options.iter().map(|(known, _)| known.as_str()));
            let message = format!("this rule has no option \"{}\"", escaped(name));
            let error = table.source.error("rule-test", value.span(), message, &suggestion(meant));
            self.errors.push(error);
            return;
        };
        let kind = super::fields::kind_of(default);
        match value_as(value.get_ref(), kind) {
            Some(value) => self.trial.options.push((number, value)),
            None => {
                let message = format!("options.{name} is {}", kind.name());
                self.errors.push(table.source.error("rule-test", value.span(), message, ""));
            }
        }
    }
}
