//! Evaluation: one subject in, what every rule about it says out.
//!
//! Most sessions of a service have the same facts, so what the rules say of a set of facts is remembered: the key is
//! exactly what their conditions ask, so that a remembered answer cannot differ from a fresh one.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::model::{Confidence, Seen, Severity, Subject, SubjectKind, Value, limits};

use super::definition::Verdict;
use super::eval::Inputs;
use super::fields::{FieldTable, fields_of};
use super::set::RuleSet;

/// What one rule says of one subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The rule's place in [`RuleSet::rules`].
    pub rule: usize,
    /// Hit, or not observable.
    pub verdict: Verdict,
    /// How bad it is here.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
}

/// Judges subjects by a set of rules.
#[derive(Debug)]
pub struct Evaluator {
    rules: Arc<RuleSet>,
    programs: Vec<Program>,
    memo: HashMap<Box<[u8]>, Arc<[Hit]>, foldhash::quality::RandomState>,
    key: Vec<u8>,
}

/// The rules about one kind of subject, and the fields they ask.
#[derive(Debug)]
struct Program {
    on: SubjectKind,
    fields: &'static FieldTable,
    rules: Vec<usize>,
    asked: Vec<usize>,
}

impl Evaluator {
    /// An evaluator for a set of rules.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let programs =
            SubjectKind::ALL.into_iter().map(|(_, on)| Program::new(&rules, on)).collect();
        Self { rules, programs, memo: HashMap::default(), key: Vec::new() }
    }

    /// The rules it judges by.
    #[must_use]
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// What the rules say of a subject, by code; rules that say no are not listed.
    #[must_use]
    pub fn evaluate(&mut self, subject: &Subject<'_>) -> Arc<[Hit]> {
        let kind = subject.kind();
        let Some(program) = self.programs.iter().find(|program| program.on == kind) else {
            return Arc::from([]);
        };
        if kind != SubjectKind::Session {
            return program.judge(&self.rules, subject);
        }
        program.write_key(subject, &mut self.key);
        if let Some(known) = self.memo.get(self.key.as_slice()) {
            return Arc::clone(known);
        }
        let hits = program.judge(&self.rules, subject);
        if self.memo.len() >= limits::VERDICT_MEMO {
            self.memo.clear();
        }
        self.memo.insert(self.key.as_slice().into(), Arc::clone(&hits));
        hits
    }
}

impl Program {
    fn new(set: &RuleSet, on: SubjectKind) -> Self {
        let about = |rule: usize| set.rules().get(rule).is_some_and(|rule| rule.on == on);
        let rules: Vec<usize> = (0..set.rules().len()).filter(|rule| about(*rule)).collect();
        let mut asked: Vec<usize> = rules
            .iter()
            .filter_map(|rule| set.rules().get(*rule))
            .flat_map(super::definition::Rule::asked)
            .collect();
        asked.sort_unstable();
        asked.dedup();
        Self { on, fields: fields_of(on), rules, asked }
    }

    fn judge(&self, set: &RuleSet, subject: &Subject<'_>) -> Arc<[Hit]> {
        let mut values = vec![Seen::NotReached; self.fields.fields.len()];
        for number in &self.asked {
            if let Some(slot) = values.get_mut(*number) {
                *slot = self.fields.read(*number, subject);
            }
        }
        let judge = |number: &usize| {
            let rule = set.rules().get(*number)?;
            let inputs = Inputs { fields: &values, options: &rule.settings };
            let (verdict, severity, confidence) = rule.judge(&inputs)?;
            let severity = set.fixed_severity(*number).unwrap_or(severity);
            Some(Hit { rule: *number, verdict, severity, confidence })
        };
        self.rules.iter().filter_map(judge).collect()
    }

    /// Writes the values of all asked fields, each with its kind and length, so that different values never look alike.
    fn write_key(&self, subject: &Subject<'_>, key: &mut Vec<u8>) {
        key.clear();
        for number in &self.asked {
            write_seen(&self.fields.read(*number, subject), key);
        }
    }
}

/// Writes an observation so that different ones never look alike.
pub(super) fn write_seen(seen: &Seen<Value<'_>>, key: &mut Vec<u8>) {
    match seen {
        Seen::Value(value) => write_value(value, key),
        Seen::Absent => key.push(ABSENT),
        Seen::NotReached | Seen::Hidden(_) => key.push(HIDDEN),
    }
}

const ABSENT: u8 = 0;
const HIDDEN: u8 = 1;
const BOOL: u8 = 2;
const INT: u8 = 3;
const TEXT: u8 = 4;
const TIME: u8 = 5;
const TEXTS: u8 = 6;
const INTS: u8 = 7;

fn write_value(value: &Value<'_>, key: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => key.extend([BOOL, u8::from(*value)]),
        Value::Int(number) => {
            key.push(INT);
            key.extend(number.to_le_bytes());
        }
        Value::Text(text) => {
            key.push(TEXT);
            write_text(text, key);
        }
        Value::Time(time) => {
            key.push(TIME);
            key.extend(time.micros().to_le_bytes());
        }
        Value::Texts(texts) => {
            key.push(TEXTS);
            write_length(texts.len(), key);
            texts.iter().for_each(|text| write_text(text, key));
        }
        Value::Ints(ints) => {
            key.push(INTS);
            write_length(ints.len(), key);
            ints.iter().for_each(|number| key.extend(number.to_le_bytes()));
        }
    }
}

/// Writes a text with its length.
pub(super) fn write_text(text: &str, key: &mut Vec<u8>) {
    write_length(text.len(), key);
    key.extend(text.as_bytes());
}

fn write_length(length: usize, key: &mut Vec<u8>) {
    key.extend((length as u64).to_le_bytes());
}
