//! The evaluator: a condition as a small typed tree, and what it says of one subject's values.
//!
//! Three answers, after Kleene: true, false, and unknown where a hidden fact decides. An absent fact makes a comparison
//! false (`!=` true) and counts as empty where something is looked for in it.

use std::borrow::Cow;

use crate::model::{Seen, Timestamp, Value};

/// A checked condition or a part of one.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Node {
    /// A value written in the rule.
    Constant(Value<'static>),
    /// The field with this number.
    Field(usize),
    /// The option with this number.
    Setting(usize),
    /// The element of an enclosing `exists` or `all`, 0 for the innermost.
    Element(usize),
    /// Whether the field with this number has a value.
    Has(usize),
    /// `!`
    Not(Box<Node>),
    /// `&&`
    And(Box<(Node, Node)>),
    /// `||`
    Or(Box<(Node, Node)>),
    /// A comparison.
    Compare(Comparison, Box<(Node, Node)>),
    /// Whole numbers; what does not fit stays at the largest or smallest one.
    Arithmetic(Arithmetic, Box<(Node, Node)>),
    /// Whether a list holds a value.
    In(Box<(Node, Node)>),
    /// Whether a value equals one of several parts.
    InParts(Box<Node>, Vec<Node>),
    /// `? :`
    If(Box<[Node; 3]>),
    /// Characters of a text or elements of a list.
    Size(Box<Node>),
    /// A test of one text for another.
    TextTest(TextTest, Box<(Node, Node)>),
    /// Whole units of this many microseconds from the first moment to the second.
    Between(i64, Box<(Node, Node)>),
    /// `exists` (false) or `all` (true) of a list.
    Each(bool, Box<(Node, Node)>),
}

/// Comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// Arithmetic on whole numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

/// Tests of texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
}

/// What a condition is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'e, 'v> {
    /// Values by field number.
    pub(crate) fields: &'e [Seen<Value<'v>>],
    /// Options with their values, by option number.
    pub(crate) options: &'e [(String, Value<'static>)],
}

/// What a part of a condition amounts to.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Got<'e> {
    Bool(bool),
    Int(i64),
    Text(&'e str),
    Time(Timestamp),
    Texts(&'e [Cow<'e, str>]),
    Ints(&'e [i64]),
    Absent,
    Unknown,
}

/// The elements of the `exists` and `all` around a part, innermost first.
struct Elements<'o, 'e> {
    value: Got<'e>,
    outer: Option<&'o Elements<'o, 'e>>,
}

/// What a condition says: true, false, or `None` where a hidden fact decides.
pub(crate) fn decide(node: &Node, inputs: &Inputs<'_, '_>) -> Option<bool> {
    truth(eval(node, inputs, None))
}

fn truth(got: Got<'_>) -> Option<bool> {
    match got {
        Got::Bool(value) => Some(value),
        Got::Unknown => None,
        _ => Some(false),
    }
}

fn of_truth<'e>(truth: Option<bool>) -> Got<'e> {
    truth.map_or(Got::Unknown, Got::Bool)
}

fn eval<'e>(
    node: &'e Node,
    inputs: &Inputs<'e, '_>,
    elements: Option<&Elements<'_, 'e>>,
) -> Got<'e> {
    let go = |node: &'e Node| eval(node, inputs, elements);
    match node {
        Node::Constant(value) => of_value(value),
        Node::Field(number) => of_seen(inputs.fields.get(*number)),
        Node::Setting(number) => match inputs.options.get(*number) {
            Some((_, value)) => of_value(value),
            None => Got::Unknown,
        },
        Node::Element(up) => element(*up, elements),
        Node::Has(number) => match inputs.fields.get(*number) {
            Some(Seen::Value(_)) => Got::Bool(true),
            Some(Seen::Absent) => Got::Bool(false),
            _ => Got::Unknown,
        },
        Node::Not(inner) => of_truth(truth(go(inner)).map(|value| !value)),
        Node::And(sides) => of_truth(both(truth(go(&sides.0)), || truth(go(&sides.1)))),
        Node::Or(sides) => of_truth(either(truth(go(&sides.0)), || truth(go(&sides.1)))),
        Node::Compare(how, sides) => of_truth(compare(*how, go(&sides.0), go(&sides.1))),
        Node::Arithmetic(how, sides) => calculate(*how, go(&sides.0), go(&sides.1)),
        Node::In(sides) => of_truth(holds(go(&sides.1), go(&sides.0))),
        Node::InParts(value, parts) => {
            let value = go(value);
            let equal = |part| compare(Comparison::Equal, value, go(part));
            of_truth(any(parts.iter().map(equal)))
        }
        Node::If(parts) => choose(parts, go),
        Node::Size(inner) => size(go(inner)),
        Node::TextTest(how, sides) => of_truth(test_text(*how, go(&sides.0), go(&sides.1))),
        Node::Between(unit, sides) => between(*unit, go(&sides.0), go(&sides.1)),
        Node::Each(all, parts) => each(*all, parts, inputs, elements),
    }
}

fn of_value<'e>(value: &'e Value<'_>) -> Got<'e> {
    match value {
        Value::Bool(value) => Got::Bool(*value),
        Value::Int(value) => Got::Int(*value),
        Value::Text(text) => Got::Text(text),
        Value::Time(time) => Got::Time(*time),
        Value::Texts(texts) => Got::Texts(texts),
        Value::Ints(ints) => Got::Ints(ints),
    }
}

fn of_seen<'e>(seen: Option<&'e Seen<Value<'_>>>) -> Got<'e> {
    match seen {
        Some(Seen::Value(value)) => of_value(value),
        Some(Seen::Absent) => Got::Absent,
        Some(Seen::NotReached | Seen::Hidden(_)) | None => Got::Unknown,
    }
}

fn element<'e>(up: usize, elements: Option<&Elements<'_, 'e>>) -> Got<'e> {
    let mut level = elements;
    for _ in 0..up {
        level = level.and_then(|inner| inner.outer);
    }
    level.map_or(Got::Unknown, |level| level.value)
}

fn both(left: Option<bool>, right: impl FnOnce() -> Option<bool>) -> Option<bool> {
    match left {
        Some(false) => Some(false),
        Some(true) => right(),
        None => right().filter(|value| !value),
    }
}

fn either(left: Option<bool>, right: impl FnOnce() -> Option<bool>) -> Option<bool> {
    match left {
        Some(true) => Some(true),
        Some(false) => right(),
        None => right().filter(|value| *value),
    }
}

fn compare(how: Comparison, left: Got<'_>, right: Got<'_>) -> Option<bool> {
    let order = match (left, right) {
        (Got::Absent, _) | (_, Got::Absent) => return Some(how == Comparison::NotEqual),
        (Got::Unknown, _) | (_, Got::Unknown) => return None,
        (Got::Int(a), Got::Int(b)) => a.cmp(&b),
        (Got::Time(a), Got::Time(b)) => a.cmp(&b),
        (Got::Text(a), Got::Text(b)) => a.cmp(b),
        (Got::Bool(a), Got::Bool(b)) => a.cmp(&b),
        _ => return None,
    };
    Some(match how {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterEqual => order.is_ge(),
    })
}

fn calculate<'e>(how: Arithmetic, left: Got<'e>, right: Got<'e>) -> Got<'e> {
    match (left, right) {
        (Got::Int(a), Got::Int(b)) => Got::Int(match how {
            Arithmetic::Add => a.saturating_add(b),
            Arithmetic::Subtract => a.saturating_sub(b),
            Arithmetic::Multiply => a.saturating_mul(b),
        }),
        (Got::Absent, _) | (_, Got::Absent) => Got::Absent,
        _ => Got::Unknown,
    }
}

fn holds(list: Got<'_>, value: Got<'_>) -> Option<bool> {
    match (list, value) {
        (Got::Absent, _) | (_, Got::Absent) => Some(false),
        (Got::Texts([]) | Got::Ints([]), _) => Some(false),
        (Got::Texts(list), Got::Text(text)) => Some(list.iter().any(|entry| entry == text)),
        (Got::Ints(list), Got::Int(number)) => Some(list.contains(&number)),
        _ => None,
    }
}

fn choose<'e>(parts: &'e [Node; 3], go: impl Fn(&'e Node) -> Got<'e>) -> Got<'e> {
    let [condition, then, otherwise] = parts;
    match truth(go(condition)) {
        Some(true) => go(then),
        Some(false) => go(otherwise),
        None => {
            let (then, otherwise) = (go(then), go(otherwise));
            if then == otherwise { then } else { Got::Unknown }
        }
    }
}

fn size(got: Got<'_>) -> Got<'_> {
    let count = match got {
        Got::Text(text) => text.chars().count(),
        Got::Texts(list) => list.len(),
        Got::Ints(list) => list.len(),
        Got::Absent => 0,
        _ => return Got::Unknown,
    };
    Got::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn test_text(how: TextTest, text: Got<'_>, part: Got<'_>) -> Option<bool> {
    match (text, part) {
        (Got::Absent, _) | (_, Got::Absent) => Some(false),
        (Got::Text(text), Got::Text(part)) => Some(match how {
            TextTest::Contains => text.contains(part),
            TextTest::StartsWith => text.starts_with(part),
            TextTest::EndsWith => text.ends_with(part),
        }),
        _ => None,
    }
}

fn between<'e>(unit: i64, from: Got<'e>, to: Got<'e>) -> Got<'e> {
    match (from, to) {
        (Got::Time(from), Got::Time(to)) => {
            Got::Int(to.micros_since(from).checked_div_euclid(unit).unwrap_or(0))
        }
        (Got::Absent, _) | (_, Got::Absent) => Got::Absent,
        _ => Got::Unknown,
    }
}

fn each<'e>(
    all: bool,
    parts: &'e (Node, Node),
    inputs: &Inputs<'e, '_>,
    outer: Option<&Elements<'_, 'e>>,
) -> Got<'e> {
    let judge = |value: Got<'e>| {
        let answer = truth(eval(&parts.1, inputs, Some(&Elements { value, outer })));
        // All are, unless one is not.
        if all { answer.map(|value| !value) } else { answer }
    };
    let found = match eval(&parts.0, inputs, outer) {
        Got::Texts(list) => any(list.iter().map(|text| judge(Got::Text(text)))),
        Got::Ints(list) => any(list.iter().map(|number| judge(Got::Int(*number)))),
        Got::Absent => Some(false),
        _ => None,
    };
    of_truth(found.map(|found| found != all))
}

/// Whether one is true: no as long as none is, unknown when one that might be is unknown.
fn any(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut so_far = Some(false);
    for answer in answers {
        match answer {
            Some(true) => return Some(true),
            Some(false) => {}
            None => so_far = None,
        }
    }
    so_far
}
