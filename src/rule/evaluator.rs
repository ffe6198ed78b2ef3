//! Evaluation: one subject in, what every rule about it says out.
//!
//! Most sessions of a service have the same facts, so what the rules say of a set of facts is remembered. The key tells
//! apart at least what their conditions ask, but for what is each client's own: who calls would make every client's facts a
//! set of their own.
//! Where what was left out decides, the rule is asked afresh, so that a remembered answer cannot differ from a fresh one.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::model::{
    Confidence, Getter, NamedFacts, Part, Seen, Severity, Subject, SubjectKind, Value, limits,
};

use super::definition::Verdict;
use super::eval::Inputs;
use super::fields::{FieldTable, fields_of};
use super::set::RuleSet;

/// What one rule says of one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The rule's place in [`RuleSet::rules`].
    pub rule: usize,
    /// Hit, or not observable.
    pub verdict: Verdict,
    /// How bad it is here.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What [`super::Rule::facts`] says of the subject, where that is the same for all subjects with these facts.
    pub facts: Option<NamedFacts>,
}

/// Fields that are each client's own, or each moment's. All that tell a name are among them: names are only settled when
/// the run is over.
const OWN: [&str; 5] =
    ["client.addr", "client.service", "packet.time", "server.addr", "server.service"];

/// Judges subjects by a set of rules.
#[derive(Debug)]
pub struct Evaluator {
    rules: Arc<RuleSet>,
    programs: Vec<Program>,
    memo: HashMap<Box<[u8]>, Remembered, foldhash::quality::RandomState>,
    key: Vec<u8>,
}

/// What the rules say of a set of facts.
#[derive(Debug)]
struct Remembered {
    hits: Arc<[Hit]>,
    /// Rules that must be asked afresh, as what is not in the key may decide.
    open: Box<[usize]>,
}

/// The rules about one kind of subject, and the fields they ask.
#[derive(Debug)]
struct Program {
    on: SubjectKind,
    fields: &'static FieldTable,
    rules: Vec<usize>,
    asked: Vec<usize>,
    /// Of the fields that are asked, those that are not each subject's own.
    shared: Vec<usize>,
    /// How these are read, by what they tell of, which a subject may not have.
    parts: [(Part, Vec<Getter>); Part::ALL.len()],
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
            return program.complete(&self.rules, subject, known);
        }
        let known = program.judge_shared(&self.rules, subject);
        let hits = program.complete(&self.rules, subject, &known);
        if self.memo.len() >= limits::VERDICT_MEMO {
            self.memo.clear();
        }
        self.memo.insert(self.key.as_slice().into(), known);
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
        let fields = fields_of(on);
        let shared: Vec<usize> =
            asked.iter().copied().filter(|number| !is_own(fields, *number)).collect();
        let of_part = |part: Part| {
            let told = shared.iter().filter_map(|number| fields.field(*number));
            (part, told.filter(|field| field.part == part).map(|field| field.get).collect())
        };
        let parts = Part::ALL.map(of_part);
        Self { on, fields, rules, asked, shared, parts }
    }

    fn judge(&self, set: &RuleSet, subject: &Subject<'_>) -> Arc<[Hit]> {
        let values = self.read(&self.asked, subject);
        self.rules.iter().filter_map(|rule| hit(set, *rule, &values)).collect()
    }

    /// What the rules say of what is not the subject's own.
    fn judge_shared(&self, set: &RuleSet, subject: &Subject<'_>) -> Remembered {
        let values = self.read(&self.shared, subject);
        let (mut hits, mut open) = (Vec::new(), Vec::new());
        for number in &self.rules {
            let Some(mut hit) = hit(set, *number, &values) else { continue };
            let rule = set.rules().get(*number);
            if rule.is_some_and(|rule| rule.asked().any(|asked| is_own(self.fields, asked))) {
                open.push(*number);
                continue;
            }
            if hit.verdict == Verdict::Hit {
                hit.facts = rule.map(|rule| rule.facts(subject));
            }
            hits.push(hit);
        }
        Remembered { hits: hits.into(), open: open.into() }
    }

    /// What is remembered, with what must be asked afresh.
    fn complete(&self, set: &RuleSet, subject: &Subject<'_>, known: &Remembered) -> Arc<[Hit]> {
        if known.open.is_empty() {
            return Arc::clone(&known.hits);
        }
        let values = self.read(&self.asked, subject);
        let mut all = known.hits.to_vec();
        all.extend(known.open.iter().filter_map(|rule| hit(set, *rule, &values)));
        all.sort_by_key(|hit| hit.rule);
        all.into()
    }

    /// The values of these fields, by the numbers of all; the others are hidden.
    fn read<'s>(&self, wanted: &[usize], subject: &Subject<'s>) -> Vec<Seen<Value<'s>>> {
        let mut values = vec![Seen::NotReached; self.fields.fields.len()];
        for number in wanted {
            if let Some(slot) = values.get_mut(*number) {
                *slot = self.fields.read(*number, subject);
            }
        }
        values
    }

    /// Writes the values of the shared fields, each with its kind and, where it has one, its length, so that different
    /// values never look alike.
    /// What a subject does not have is written once for all that would tell of it; of a part with a gist that is written
    /// instead of its fields, though it may tell subjects apart that their fields do not.
    fn write_key(&self, subject: &Subject<'_>, key: &mut Vec<u8>) {
        key.clear();
        for (part, getters) in &self.parts {
            if getters.is_empty() {
                continue;
            }
            if !subject.has(*part) {
                key.push(MISSING);
                continue;
            }
            match subject.gist(*part) {
                Some(Seen::Value(gist)) => {
                    key.push(GIST);
                    key.extend_from_slice(&gist);
                }
                Some(Seen::Absent) => key.push(ABSENT),
                Some(Seen::NotReached | Seen::Hidden(_)) => key.push(HIDDEN),
                None => getters.chunks(IN_A_WORD).for_each(|some| write_told(some, subject, key)),
            }
        }
    }
}

/// What one rule says of these values. Hidden ones leave open at most what they could decide, so a rule that says no
/// without a value says no with it, too.
fn hit(set: &RuleSet, number: usize, values: &[Seen<Value<'_>>]) -> Option<Hit> {
    let rule = set.rules().get(number)?;
    let inputs = Inputs { fields: values, options: &rule.settings };
    let (verdict, severity, confidence) = rule.judge(&inputs)?;
    let severity = set.fixed_severity(number).unwrap_or(severity);
    Some(Hit { rule: number, verdict, severity, confidence, facts: None })
}

fn is_own(fields: &FieldTable, number: usize) -> bool {
    fields.field(number).is_some_and(|field| OWN.contains(&field.path))
}

/// Fields whose observations go into one word, four bits each.
const IN_A_WORD: usize = 16;

/// Writes what some fields tell: a word that says it in short for each of them, then the values that need more room. No
/// byte of the word is [`MISSING`].
fn write_told(getters: &[Getter], subject: &Subject<'_>, key: &mut Vec<u8>) {
    let at = key.len();
    let mut word = 0_u64;
    key.extend_from_slice(&word.to_le_bytes());
    for get in getters {
        let said = match get(subject) {
            Seen::Absent => ABSENT,
            Seen::NotReached | Seen::Hidden(_) => HIDDEN,
            Seen::Value(Value::Bool(false)) => NO,
            Seen::Value(Value::Bool(true)) => YES,
            Seen::Value(value) => {
                write_value(&value, key);
                OTHER
            }
        };
        word = (word << 4) | u64::from(said);
    }
    if let Some(place) = key.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = word.to_le_bytes();
    }
}

/// What is said in short.
const NO: u8 = 2;
const YES: u8 = 3;
const OTHER: u8 = 4;

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
const MISSING: u8 = 8;
const GIST: u8 = 9;

fn write_value(value: &Value<'_>, key: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => key.extend_from_slice(&[BOOL, u8::from(*value)]),
        Value::Int(number) => write_cell(INT, number.cast_unsigned(), key),
        Value::Text(text) => {
            write_cell(TEXT, text.len() as u64, key);
            key.extend_from_slice(text.as_bytes());
        }
        Value::Time(time) => write_cell(TIME, time.micros().cast_unsigned(), key),
        Value::Texts(texts) => {
            write_cell(TEXTS, texts.len() as u64, key);
            texts.iter().for_each(|text| write_text(text, key));
        }
        Value::Ints(ints) => {
            write_cell(INTS, ints.len() as u64, key);
            ints.iter().for_each(|number| key.extend_from_slice(&number.to_le_bytes()));
        }
    }
}

/// Writes a kind of value and a number in one piece: there are many of them for each session.
fn write_cell(kind: u8, number: u64, key: &mut Vec<u8>) {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    key.extend_from_slice(&[kind, a, b, c, d, e, f, g, h]);
}

/// Writes a text with its length.
pub(super) fn write_text(text: &str, key: &mut Vec<u8>) {
    key.extend_from_slice(&(text.len() as u64).to_le_bytes());
    key.extend_from_slice(text.as_bytes());
}
