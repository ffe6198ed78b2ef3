//! The functions of conditions: how each is written, and what it is checked for.

use std::ops::Range;

use crate::model::{Kind, Timestamp, Value};

use super::cel::{Call, Expr, ExprKind};
use super::check::{Checker, Typed, constant};
use super::eval::{Node, TextTest};
use super::source::{Fault, nearest, suggestion};

/// Checks a call.
pub(super) fn call(checker: &mut Checker<'_>, call: &Call, at: &Range<usize>) -> Typed {
    let Some(function) = FUNCTIONS.iter().find(|known| known.name == call.name) else {
        let meant = nearest(&call.name, FUNCTIONS.iter().map(|known| known.name));
        let names: Vec<&str> = FUNCTIONS.iter().map(|known| known.shape).collect();
        let message = format!("there is no function \"{}\"", call.name);
        let fault = Fault::new("rule-type", call.name_at.clone(), message, suggestion(meant));
        return checker.fault(fault.help(format!("functions: {}", names.join(", "))));
    };
    if call.method != function.method || call.arguments.len() != function.arguments {
        let message = format!("{} is written {}", function.name, function.shape);
        return checker.wrong_type(&call.name_at, message, "");
    }
    (function.check)(checker, &call.arguments, at)
}

fn size(checker: &mut Checker<'_>, arguments: &[Expr]) -> Typed {
    let argument = arguments.first()?;
    let (node, kind) = checker.typed(argument)?;
    if !matches!(kind, Kind::Text | Kind::Texts | Kind::Ints) {
        let message = format!("size() counts a text or a list, this is {}", kind.name());
        return checker.wrong_type(&argument.at, message, "");
    }
    Some((Node::Size(Box::new(node)), Kind::Int))
}

fn text_test(checker: &mut Checker<'_>, how: TextTest, arguments: &[Expr]) -> Typed {
    let [text, part] = arguments else { return None };
    let (node, kind) = checker.typed(text)?;
    if kind != Kind::Text {
        let label = match kind {
            Kind::Texts => "write value in list, or list.exists(v, v.contains(value))",
            _ => "",
        };
        let message = format!("this is {}, not text", kind.name());
        return checker.wrong_type(&text.at, message, label);
    }
    let part = checker.expect(part, Kind::Text, "what is looked for")?;
    Some((Node::TextTest(how, Box::new((node, part))), Kind::Bool))
}

fn between(checker: &mut Checker<'_>, unit: i64, arguments: &[Expr]) -> Typed {
    let [from, to] = arguments else { return None };
    let from = checker.expect(from, Kind::Time, "the first moment");
    let to = checker.expect(to, Kind::Time, "the second moment");
    Some((Node::Between(unit, Box::new((from?, to?))), Kind::Int))
}

fn timestamp(checker: &mut Checker<'_>, arguments: &[Expr], at: &Range<usize>) -> Typed {
    let text = arguments.first().and_then(|argument| match &argument.kind {
        ExprKind::Text(text) => Timestamp::parse(text).ok(),
        _ => None,
    });
    match text {
        Some(time) => constant(Value::Time(time)),
        None => {
            let message = "timestamp() takes a moment written out".to_owned();
            checker.wrong_type(at, message, "write timestamp(\"2026-01-21T00:00:00Z\")")
        }
    }
}

type CheckCall = fn(&mut Checker<'_>, &[Expr], &Range<usize>) -> Typed;

struct Function {
    name: &'static str,
    shape: &'static str,
    method: bool,
    arguments: usize,
    check: CheckCall,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The functions of conditions. One entry declares one.
static FUNCTIONS: &[Function] = &[
    Function {
        name: "size",
        shape: "size(x)",
        method: false,
        arguments: 1,
        check: |checker, arguments, _| size(checker, arguments),
    },
    Function {
        name: "contains",
        shape: "text.contains(part)",
        method: true,
        arguments: 2,
        check: |checker, arguments, _| text_test(checker, TextTest::Contains, arguments),
    },
    Function {
        name: "startsWith",
        shape: "text.startsWith(part)",
        method: true,
        arguments: 2,
        check: |checker, arguments, _| text_test(checker, TextTest::StartsWith, arguments),
    },
    Function {
        name: "endsWith",
        shape: "text.endsWith(part)",
        method: true,
        arguments: 2,
        check: |checker, arguments, _| text_test(checker, TextTest::EndsWith, arguments),
    },
    Function {
        name: "seconds_between",
        shape: "seconds_between(earlier, later)",
        method: false,
        arguments: 2,
        check: |checker, arguments, _| between(checker, SECOND, arguments),
    },
    Function {
        name: "days_between",
        shape: "days_between(earlier, later)",
        method: false,
        arguments: 2,
        check: |checker, arguments, _| between(checker, DAY, arguments),
    },
    Function {
        name: "timestamp",
        shape: "timestamp(\"2026-01-21T00:00:00Z\")",
        method: false,
        arguments: 1,
        check: |checker, arguments, at| timestamp(checker, arguments, at),
    },
    Function {
        name: "exists",
        shape: "list.exists(v, condition)",
        method: true,
        arguments: 3,
        check: |_, _, _| None,
    },
    Function {
        name: "all",
        shape: "list.all(v, condition)",
        method: true,
        arguments: 3,
        check: |_, _, _| None,
    },
    Function {
        name: "has",
        shape: "has(field)",
        method: false,
        arguments: 1,
        check: |_, _, _| None,
    },
];
