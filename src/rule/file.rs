//! Rule files: from text to a [`Rule`], or to everything that is wrong with it.

use crate::model::{Confidence, Diagnostic, Kind, Severity, SubjectKind, Value, limits};

use super::cel;
use super::check::{Condition, Scope, check};
use super::definition::{Rule, RuleOption};
use super::fields::{FieldTable, fields_of, words};
use super::message::Message;
use super::proof::{POINTS, Point};
use super::source::{Source, nearest, suggestion};
use super::table::{Placed, Table, escaped, integer, value_as};
use super::trial::{self, CONFIDENCES, SEVERITIES, Trial};

const VERSION: i64 = 1;

const KEYS: &[&str] = &[
    "rule-version",
    "code",
    "name",
    "since",
    "title",
    "severity",
    "severity-when",
    "confidence",
    "confidence-when",
    "on",
    "tags",
    "key",
    "when",
    "message",
    "description",
    "impact",
    "fix",
    "remediation",
    "references",
    "false-positives",
    "evidence",
    "options",
    "override",
    "test",
];

/// The types of options: the word, and the type.
const OPTION_KINDS: [(&str, Kind); 5] = [
    ("bool", Kind::Bool),
    ("int", Kind::Int),
    ("text", Kind::Text),
    ("list<int>", Kind::Ints),
    ("list<text>", Kind::Texts),
];

/// Reads one rule file.
///
/// # Errors
/// Everything that is wrong with it, each with its place: `rule-unreadable` (not TOML), `rule-key`, `rule-value`,
/// `rule-syntax`, `rule-field`, `rule-type`, `rule-test`.
pub fn read_rule(path: &str, text: &str) -> Result<Rule, Vec<Diagnostic>> {
    let source = Source { path, text };
    if text.len() > limits::RULE_FILE_BYTES {
        let message = format!("a rule file has at most {} bytes", limits::RULE_FILE_BYTES);
        return Err(vec![Diagnostic::error("rule-unreadable", message)]);
    }
    let document = toml::de::DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or(0..1);
        vec![source.error("rule-unreadable", at, escaped(error.message()), "")]
    })?;
    let table = Table { source, entries: document.get_ref(), at: 0..1 };
    let mut reader = Reader { table, errors: Vec::new() };
    let rule = reader.rule();
    match rule {
        Some(rule) if reader.errors.is_empty() => Ok(rule),
        _ => Err(reader.failures()),
    }
}

struct Reader<'r, 't> {
    table: Table<'r, 't>,
    errors: Vec<Diagnostic>,
}

/// What stands at the head of a rule.
struct Head {
    code: String,
    name: String,
    since: String,
    title: String,
    severity: Severity,
    confidence: Confidence,
    on: SubjectKind,
}

impl Reader<'_, '_> {
    fn rule(&mut self) -> Option<Rule> {
        self.table.only(KEYS, &mut self.errors);
        self.version();
        let head = self.head();
        // Without a subject there is no table of fields, so nothing else could be checked.
        let fields = fields_of(head.as_ref().map(|head| head.on).or_else(|| self.subject())?);
        let (options, settings) = self.options();
        let scope = Scope { fields, options: &settings };
        let condition = self.table.required("when", &mut self.errors);
        let when = condition.as_ref().and_then(|text| self.condition(text, scope));
        // Everything is read before anything is given up, so that all complaints come together.
        let severity_when =
            self.cases(("severity-when", "severity", SEVERITIES), Severity::parse, scope);
        let sure = ("confidence-when", "confidence", CONFIDENCES);
        let confidence_when = self.cases(sure, Confidence::parse, scope);
        let message = self.message(fields, &settings);
        let (description, fix) = (self.required("description"), self.required("fix"));
        let (impact, false_positives) = (self.optional("impact"), self.optional("false-positives"));
        let (key, evidence, remediation) = (self.key(fields), self.evidence(), self.remediation());
        let tags = plain(self.table.texts("tags", &mut self.errors));
        let references = plain(self.table.texts("references", &mut self.errors));
        let replaces = self.table.flag("override", &mut self.errors);
        let trials = self.trials(fields, &settings);
        let (head, when) = (head?, when?);
        Some(Rule {
            code: head.code.into(),
            name: head.name.into(),
            since: head.since,
            title: head.title.into(),
            severity: head.severity,
            confidence: head.confidence,
            on: head.on,
            tags: tags.into(),
            key,
            message: message?,
            description: description?,
            impact,
            fix: fix?.into(),
            remediation,
            references,
            false_positives,
            evidence,
            options,
            condition: condition?.value.trim().to_owned(),
            origin: self.table.source.path.to_owned(),
            replaces,
            trials,
            text: self.table.source.text.to_owned(),
            concludes: Rule::relies_on_posture(head.on, &when),
            when,
            severity_when,
            confidence_when,
            settings,
        })
    }

    fn failures(self) -> Vec<Diagnostic> {
        if self.errors.is_empty() {
            let error = self.table.source.error("rule-value", 0..1, "the rule is not complete", "");
            return vec![error];
        }
        self.errors
    }

    fn version(&mut self) {
        let found = self.table.get("rule-version");
        if found.and_then(|value| integer(value.get_ref())) != Some(VERSION) {
            let at = found.map_or(0..1, toml::Spanned::span);
            let message = format!("rule-version must be {VERSION}");
            let label = "the version of the file format";
            self.errors.push(self.table.source.error("rule-value", at, message, label));
        }
    }

    fn head(&mut self) -> Option<Head> {
        let code = self.table.required("code", &mut self.errors);
        let name = self.table.required("name", &mut self.errors);
        let title = self.required("title");
        let severity = self.word("severity", SEVERITIES, Severity::parse);
        let confidence = match self.table.get("confidence") {
            Some(_) => self.word("confidence", CONFIDENCES, Confidence::parse),
            None => Some(Confidence::High),
        };
        let on = self.subject();
        let (code, name) = (self.code(code?)?, self.name(name?)?);
        Some(Head {
            code,
            name,
            since: self.optional("since"),
            title: title?,
            severity: severity?,
            confidence: confidence?,
            on: on?,
        })
    }

    fn subject(&mut self) -> Option<SubjectKind> {
        let words: Vec<&str> = SubjectKind::ALL.iter().map(|(name, _)| *name).collect();
        self.word("on", &words, |word| {
            SubjectKind::ALL.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
        })
    }

    /// A word out of a few. Complains once, however often it is asked for.
    fn word<T>(
        &mut self,
        key: &str,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let mut errors = Vec::new();
        let found = self.table.required(key, &mut errors).and_then(|word| {
            let parsed = parse(&word.value);
            if parsed.is_none() {
                errors.push(bad_word(&self.table.source, &word, key, words));
            }
            parsed
        });
        for error in errors {
            if !self.errors.contains(&error) {
                self.errors.push(error);
            }
        }
        found
    }

    fn code(&mut self, code: Placed<String>) -> Option<String> {
        let letters = code.value.bytes().take_while(u8::is_ascii_uppercase).count();
        let digits = code.value.bytes().skip(letters);
        let good = letters >= 2
            && code.value.len() > letters
            && code.value.len() <= 32
            && digits.clone().all(|byte| byte.is_ascii_digit());
        if !good {
            let message = format!("\"{}\" is not a code", escaped(&code.value));
            let label = "capital letters, then digits, as in ACME101";
            self.errors.push(self.table.source.error("rule-value", code.at, message, label));
        }
        good.then_some(code.value)
    }

    fn name(&mut self, name: Placed<String>) -> Option<String> {
        let good = name.value.len() <= 64
            && name.value.split('-').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            });
        if !good {
            let message = format!("\"{}\" is not a name", escaped(&name.value));
            let label = "lower-case words with hyphens, as in old-tls";
            self.errors.push(self.table.source.error("rule-value", name.at, message, label));
        }
        good.then_some(name.value)
    }

    fn required(&mut self, key: &str) -> Option<String> {
        let text = self.table.required(key, &mut self.errors)?;
        let value = text.value.trim().to_owned();
        if value.is_empty() {
            let message = format!("{key} is empty");
            self.errors.push(self.table.source.error("rule-value", text.at, message, ""));
            return None;
        }
        Some(value)
    }

    fn optional(&mut self, key: &str) -> String {
        let text = self.table.text(key, &mut self.errors);
        text.map_or_else(String::new, |text| text.value.trim().to_owned())
    }

    fn condition(&mut self, text: &Placed<String>, scope: Scope<'_>) -> Option<Condition> {
        condition(self.table.source, text, scope, &mut self.errors)
    }

    /// Tables of a condition and a word for when it is true.
    fn cases<T>(
        &mut self,
        (key, says, words): (&str, &str, &[&str]),
        parse: fn(&str) -> Option<T>,
        scope: Scope<'_>,
    ) -> Vec<(Condition, T)> {
        let mut found = Vec::new();
        for table in self.table.tables(key, &mut self.errors) {
            table.only(&["when", says], &mut self.errors);
            let when = table
                .required("when", &mut self.errors)
                .and_then(|text| condition(table.source, &text, scope, &mut self.errors));
            let Some(word) = table.required(says, &mut self.errors) else { continue };
            match (when, parse(&word.value)) {
                (Some(when), Some(said)) => found.push((when, said)),
                (_, None) => {
                    self.errors.push(bad_word(&table.source, &word, says, words));
                }
                _ => {}
            }
        }
        found
    }

    fn message(
        &mut self,
        fields: &FieldTable,
        settings: &[(String, Value<'static>)],
    ) -> Option<Message> {
        let text = self.table.required("message", &mut self.errors)?;
        match Message::parse(&text.value, fields, settings) {
            Ok(message) => Some(message),
            Err(fault) => {
                self.errors.push(self.table.source.fault(&fault, text.at, &text.value));
                None
            }
        }
    }

    fn key(&mut self, fields: &FieldTable) -> Vec<&'static str> {
        let mut key = Vec::new();
        for path in self.table.texts("key", &mut self.errors) {
            let field = fields.find(&path.value).and_then(|number| fields.field(number));
            match field {
                Some(field) if field.kind == Kind::Time => {
                    let message = format!("{} changes from run to run", field.path);
                    let label = "a moment cannot be part of a finding's identity";
                    self.errors.push(self.table.source.error(
                        "rule-value",
                        path.at,
                        message,
                        label,
                    ));
                }
                Some(field) => key.push(field.path),
                None => {
                    let (message, label, help) = fields.unknown(&path.value);
                    let source = self.table.source;
                    let error = source.error("rule-field", path.at, escaped(&message), &label);
                    self.errors.push(error.help(help));
                }
            }
        }
        key
    }

    fn remediation(&mut self) -> Vec<(String, String)> {
        let Some(table) = self.table.table("remediation", &mut self.errors) else {
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (framework, value) in table.in_order() {
            match value.get_ref().as_str() {
                Some(text) => texts.push((framework.get_ref().to_string(), text.trim().to_owned())),
                None => self.errors.push(table.wrong(value, framework.get_ref(), "text in quotes")),
            }
        }
        texts
    }

    fn evidence(&mut self) -> Vec<Point> {
        let words = self.table.texts("evidence", &mut self.errors);
        if words.is_empty() {
            return ["first-record", "plaintext"].into_iter().filter_map(Point::named).collect();
        }
        let mut points = Vec::new();
        for word in words {
            match Point::named(&word.value) {
                Some(point) => points.push(point),
                None => {
                    let names: Vec<&str> = POINTS.iter().map(|point| point.name).collect();
                    self.errors.push(bad_word(&self.table.source, &word, "evidence", &names));
                }
            }
        }
        points
    }

    fn options(&mut self) -> (Vec<RuleOption>, Vec<(String, Value<'static>)>) {
        let (mut options, mut settings) = (Vec::new(), Vec::new());
        let Some(table) = self.table.table("options", &mut self.errors) else {
            return (options, settings);
        };
        for (key, value) in table.in_order() {
            let Some(entries) = value.get_ref().as_table() else {
                self.errors.push(table.wrong(
                    value,
                    key.get_ref(),
                    "a table with type and default",
                ));
                continue;
            };
            let inner = Table { source: table.source, entries, at: value.span() };
            if let Some((kind, default, doc)) = option(&inner, &mut self.errors) {
                let name = key.get_ref().replace('-', "_");
                let shown = words(&crate::model::Seen::Value(default.clone()));
                options.push(RuleOption { name: name.clone(), kind, default: shown, doc });
                settings.push((name, default));
            }
        }
        (options, settings)
    }

    fn trials(&mut self, fields: &FieldTable, settings: &[(String, Value<'static>)]) -> Vec<Trial> {
        let tables = self.table.tables("test", &mut self.errors);
        tables
            .iter()
            .filter_map(|table| trial::read(table, fields, settings, &mut self.errors))
            .collect()
    }
}

fn condition(
    source: Source<'_>,
    text: &Placed<String>,
    scope: Scope<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Option<Condition> {
    let checked =
        cel::parse(&text.value).map_err(|fault| vec![fault]).and_then(|expr| check(&expr, scope));
    match checked {
        Ok(condition) => Some(condition),
        Err(faults) => {
            errors.extend(
                faults.iter().map(|fault| source.fault(fault, text.at.clone(), &text.value)),
            );
            None
        }
    }
}

fn option(
    table: &Table<'_, '_>,
    errors: &mut Vec<Diagnostic>,
) -> Option<(&'static str, Value<'static>, String)> {
    table.only(&["type", "default", "doc"], errors);
    let word = table.required("type", errors)?;
    let names: Vec<&str> = OPTION_KINDS.iter().map(|(name, _)| *name).collect();
    let Some((name, kind)) = OPTION_KINDS.iter().find(|(name, _)| *name == word.value) else {
        errors.push(bad_word(&table.source, &word, "type", &names));
        return None;
    };
    let Some(value) = table.get("default") else {
        errors.push(table.source.error("rule-value", table.at.clone(), "default is missing", ""));
        return None;
    };
    let Some(default) = value_as(value.get_ref(), *kind) else {
        errors.push(table.wrong(value, "default", kind.name()));
        return None;
    };
    let doc = table.text("doc", errors).map_or_else(String::new, |doc| doc.value);
    Some((name, default, doc))
}

/// The complaint that a word is not one of a few.
pub(crate) fn bad_word(
    source: &Source<'_>,
    word: &Placed<String>,
    key: &str,
    words: &[&str],
) -> Diagnostic {
    let meant = nearest(&word.value, words.iter().copied());
    let message = format!("\"{}\" is not a value of {key}", escaped(&word.value));
    let label =
        if meant.is_some() { suggestion(meant) } else { format!("expected {}", words.join(", ")) };
    source.error("rule-value", word.at.clone(), message, &label)
}

fn plain(texts: Vec<Placed<String>>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}
