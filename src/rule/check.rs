//! The type checker: from a parsed condition to one that can be evaluated, or to what is wrong with it and where.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::model::{Kind, Value};

use super::cel::{Expr, ExprKind, Operator};
use super::eval::{Arithmetic, Comparison, Node};
use super::fields::{FieldTable, kind_of};
use super::functions;
use super::source::{Fault, nearest, suggestion};

/// What names in a condition may mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'s> {
    /// The fields of the subject.
    pub(crate) fields: &'static FieldTable,
    /// The rule's options by name, with their defaults.
    pub(crate) options: &'s [(String, Value<'static>)],
}

/// A condition that was checked.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Condition {
    /// What is evaluated.
    pub(crate) node: Node,
    /// The numbers of the fields it asks.
    pub(crate) fields: Vec<usize>,
}

/// Checks that a condition names fields that there are, compares like with like, and is true or false.
pub(crate) fn check(expr: &Expr, scope: Scope<'_>) -> Result<Condition, Vec<Fault>> {
    let mut checker =
        Checker { scope, faults: Vec::new(), elements: Vec::new(), asked: BTreeSet::new() };
    let node = checker.expect(expr, Kind::Bool, "a condition");
    match node {
        Some(node) if checker.faults.is_empty() => {
            Ok(Condition { node, fields: checker.asked.into_iter().collect() })
        }
        _ => Err(checker.faults),
    }
}

pub(super) struct Checker<'s> {
    scope: Scope<'s>,
    faults: Vec<Fault>,
    /// Names and types of the elements of the `exists` and `all` around, outermost first.
    elements: Vec<(String, Kind)>,
    asked: BTreeSet<usize>,
}

/// A checked part with its type; `None` when a fault was noted.
pub(super) type Typed = Option<(Node, Kind)>;

impl Checker<'_> {
    pub(super) fn fault(&mut self, fault: Fault) -> Typed {
        self.faults.push(fault);
        None
    }

    pub(super) fn wrong_type(&mut self, at: &Range<usize>, message: String, label: &str) -> Typed {
        self.fault(Fault::new("rule-type", at.clone(), message, label))
    }

    /// The part's node, if it is of this type; else a fault.
    pub(super) fn expect(&mut self, expr: &Expr, kind: Kind, what: &str) -> Option<Node> {
        let (node, found) = self.typed(expr)?;
        if found == kind {
            return Some(node);
        }
        let message = format!("this is {}, where {what} must be {}", found.name(), kind.name());
        let label = if kind == Kind::Bool && what == "a condition" {
            "a condition is true or false: compare it with something"
        } else {
            ""
        };
        self.wrong_type(&expr.at, message, label);
        None
    }

    pub(super) fn typed(&mut self, expr: &Expr) -> Typed {
        match &expr.kind {
            ExprKind::Bool(value) => constant(Value::Bool(*value)),
            ExprKind::Int(value) => constant(Value::Int(*value)),
            ExprKind::Text(text) => constant(Value::Text(Cow::Owned(text.clone()))),
            ExprKind::Path(path) => self.path(path, &expr.at),
            ExprKind::Has(path) => self.has(path, &expr.at),
            ExprKind::List(elements) => self.list(elements, &expr.at),
            ExprKind::Not(inner) => {
                let inner = self.expect(inner, Kind::Bool, "what \"!\" turns round")?;
                Some((Node::Not(Box::new(inner)), Kind::Bool))
            }
            ExprKind::Negate(inner) => {
                let inner = self.expect(inner, Kind::Int, "what \"-\" negates")?;
                let zero = Node::Constant(Value::Int(0));
                let node = Node::Arithmetic(Arithmetic::Subtract, Box::new((zero, inner)));
                Some((node, Kind::Int))
            }
            ExprKind::Binary(operator, sides) => self.binary(*operator, &sides.0, &sides.1),
            ExprKind::If(parts) => self.choice(parts),
            ExprKind::Call(call) => functions::call(self, call, &expr.at),
            ExprKind::Each { all, list, variable, body } => self.each(*all, list, variable, body),
        }
    }

    fn path(&mut self, path: &str, at: &Range<usize>) -> Typed {
        let element = self.elements.iter().rev().position(|(name, _)| name == path);
        if let Some(up) = element {
            let kind = self.elements.iter().rev().nth(up).map(|(_, kind)| *kind)?;
            return Some((Node::Element(up), kind));
        }
        if let Some(name) = path.strip_prefix("options.") {
            return self.option(name, at);
        }
        let number = self.field(path, at)?;
        let kind = self.scope.fields.field(number)?.kind;
        Some((Node::Field(number), kind))
    }

    fn field(&mut self, path: &str, at: &Range<usize>) -> Option<usize> {
        if let Some(number) = self.scope.fields.find(path) {
            self.asked.insert(number);
            return Some(number);
        }
        let (message, label, help) = self.scope.fields.unknown(path);
        // Point at what is wrong: the part behind the first dot, when the group is known.
        let start = match path.split_once('.') {
            Some((group, _)) if !message.starts_with("there is no") => at.start + group.len() + 1,
            _ => at.start,
        };
        let at = start.min(at.end.saturating_sub(1))..at.end;
        self.fault(Fault::new("rule-field", at, message, label).help(help));
        None
    }

    fn option(&mut self, name: &str, at: &Range<usize>) -> Typed {
        let found = self.scope.options.iter().position(|(known, _)| known == name);
        if let Some((number, (_, value))) = found.zip(found.and_then(|n| self.scope.options.get(n)))
        {
            return Some((Node::Setting(number), kind_of(value)));
        }
        let meant = nearest(name, self.scope.options.iter().map(|(known, _)| known.as_str()));
        let start = at.start + "options.".len();
        let message = format!("this rule has no option \"{name}\"");
        self.fault(Fault::new("rule-field", start.min(at.end)..at.end, message, suggestion(meant)))
    }

    fn has(&mut self, path: &str, at: &Range<usize>) -> Typed {
        if path.starts_with("options.") {
            return self.wrong_type(at, "an option always has a value".to_owned(), "");
        }
        let number = self.field(path, at)?;
        Some((Node::Has(number), Kind::Bool))
    }

    /// A list of constants, which is what a list is outside of `in`.
    fn list(&mut self, elements: &[Expr], at: &Range<usize>) -> Typed {
        let mut nodes = Vec::new();
        for element in elements {
            nodes.push((self.typed(element)?, element.at.clone()));
        }
        let texts = nodes.iter().map(|((node, _), _)| constant_text(node)).collect::<Option<_>>();
        let ints = nodes.iter().map(|((node, _), _)| constant_int(node)).collect::<Option<_>>();
        match (texts, ints) {
            (Some(texts), _) => constant(Value::Texts(texts)),
            (_, Some(ints)) => constant(Value::Ints(ints)),
            _ => {
                let message = "a list here holds either texts or whole numbers".to_owned();
                self.wrong_type(at, message, "mixed, or not written out")
            }
        }
    }

    fn binary(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Typed {
        match operator {
            Operator::And | Operator::Or => {
                let what = format!("each side of \"{}\"", operator.sign());
                let sides =
                    (self.expect(left, Kind::Bool, &what), self.expect(right, Kind::Bool, &what));
                let sides = Box::new((sides.0?, sides.1?));
                let node =
                    if operator == Operator::And { Node::And(sides) } else { Node::Or(sides) };
                Some((node, Kind::Bool))
            }
            Operator::Add => self.arithmetic(Arithmetic::Add, operator, left, right),
            Operator::Subtract => self.arithmetic(Arithmetic::Subtract, operator, left, right),
            Operator::Multiply => self.arithmetic(Arithmetic::Multiply, operator, left, right),
            Operator::In => self.membership(left, right),
            Operator::Equal => self.comparison(Comparison::Equal, operator, left, right),
            Operator::NotEqual => self.comparison(Comparison::NotEqual, operator, left, right),
            Operator::Less => self.comparison(Comparison::Less, operator, left, right),
            Operator::LessEqual => self.comparison(Comparison::LessEqual, operator, left, right),
            Operator::Greater => self.comparison(Comparison::Greater, operator, left, right),
            Operator::GreaterEqual => {
                self.comparison(Comparison::GreaterEqual, operator, left, right)
            }
        }
    }

    fn arithmetic(
        &mut self,
        how: Arithmetic,
        operator: Operator,
        left: &Expr,
        right: &Expr,
    ) -> Typed {
        let (a, b) = (self.typed(left), self.typed(right));
        let ((a, a_kind), (b, b_kind)) = (a?, b?);
        if (a_kind, b_kind) == (Kind::Time, Kind::Time) && how == Arithmetic::Subtract {
            let message = "moments are not subtracted with \"-\"".to_owned();
            let help = "write seconds_between(earlier, later) or days_between(earlier, later)";
            let fault =
                Fault::new("rule-type", left.at.start..right.at.end, message, "").help(help);
            return self.fault(fault);
        }
        for (kind, side) in [(a_kind, left), (b_kind, right)] {
            if kind != Kind::Int {
                let message = format!(
                    "\"{}\" works on whole numbers, this is {}",
                    operator.sign(),
                    kind.name()
                );
                return self.wrong_type(&side.at, message, "");
            }
        }
        Some((Node::Arithmetic(how, Box::new((a, b))), Kind::Int))
    }

    fn comparison(
        &mut self,
        how: Comparison,
        operator: Operator,
        left: &Expr,
        right: &Expr,
    ) -> Typed {
        let (a, b) = (self.typed(left), self.typed(right));
        let ((a, a_kind), (b, b_kind)) = (a?, b?);
        let ordered = matches!(a_kind, Kind::Int | Kind::Time);
        let equality = matches!(how, Comparison::Equal | Comparison::NotEqual);
        if matches!(a_kind, Kind::Texts | Kind::Ints) {
            return self.wrong_type(
                &left.at,
                "a list is not compared".to_owned(),
                "use in, exists or all",
            );
        }
        if a_kind != b_kind {
            return self.mismatch(how, (left, a_kind, &a), (right, b_kind, &b));
        }
        if !equality && !ordered {
            let message = format!("{} has no order for \"{}\"", a_kind.name(), operator.sign());
            let number = match &left.kind {
                ExprKind::Path(path) if path.ends_with("version") => {
                    "compare the _number field instead"
                }
                _ => "only whole numbers and moments have one",
            };
            return self.wrong_type(&left.at, message, number);
        }
        Some((Node::Compare(how, Box::new((a, b))), Kind::Bool))
    }

    fn mismatch(
        &mut self,
        how: Comparison,
        (left, left_kind, left_node): (&Expr, Kind, &Node),
        (right, right_kind, right_node): (&Expr, Kind, &Node),
    ) -> Typed {
        // Blame the side that is written out: the other one is as it is.
        let right_is_written =
            !matches!(left_node, Node::Constant(_)) || matches!(right_node, Node::Field(_));
        let (blamed, blamed_kind, other, other_kind) = if right_is_written {
            (right, right_kind, left, left_kind)
        } else {
            (left, left_kind, right, right_kind)
        };
        let always = if how == Comparison::NotEqual { "always" } else { "never" };
        let message = format!(
            "{} is {}, {} is {}: this is {always} true",
            describe(other),
            other_kind.name(),
            describe(blamed),
            blamed_kind.name()
        );
        let label = match (&blamed.kind, other_kind) {
            (ExprKind::Text(text), Kind::Int) if text.parse::<i64>().is_ok() => {
                format!("write {text}")
            }
            (ExprKind::Int(number), Kind::Text) => format!("write \"{number}\""),
            (ExprKind::Text(_), Kind::Time) => {
                "write timestamp(\"2026-01-21T00:00:00Z\")".to_owned()
            }
            _ => format!("must be {}", other_kind.name()),
        };
        self.wrong_type(&blamed.at, message, &label)
    }

    fn membership(&mut self, value: &Expr, list: &Expr) -> Typed {
        let (node, kind) = self.typed(value)?;
        if let ExprKind::List(elements) = &list.kind {
            return self.among(value, (node, kind), elements);
        }
        let (list_node, list_kind) = self.typed(list)?;
        let fits = matches!((kind, list_kind), (Kind::Text, Kind::Texts) | (Kind::Int, Kind::Ints));
        if !fits {
            let message = format!(
                "{} is {}, {} is {}: this is never true",
                describe(value),
                kind.name(),
                describe(list),
                list_kind.name()
            );
            let text = (kind, list_kind) == (Kind::Text, Kind::Text);
            let label = if text {
                "write text.contains(part)"
            } else {
                "a list of the same type is needed"
            };
            return self.wrong_type(&list.at, message, label);
        }
        Some((Node::In(Box::new((node, list_node))), Kind::Bool))
    }

    fn among(&mut self, value: &Expr, (node, kind): (Node, Kind), elements: &[Expr]) -> Typed {
        let mut parts = Vec::new();
        for element in elements {
            let (part, part_kind) = self.typed(element)?;
            if part_kind != kind {
                let message =
                    format!("{} is {}; this list element is not", describe(value), kind.name());
                return self.wrong_type(
                    &element.at,
                    message,
                    &format!("this is {}", part_kind.name()),
                );
            }
            parts.push(part);
        }
        let texts: Option<Vec<_>> = parts.iter().map(constant_text).collect();
        let ints: Option<Vec<_>> = parts.iter().map(constant_int).collect();
        let node = match (texts, ints) {
            (Some(texts), _) if kind == Kind::Text => {
                Node::In(Box::new((node, Node::Constant(Value::Texts(texts)))))
            }
            (_, Some(ints)) if kind == Kind::Int => {
                Node::In(Box::new((node, Node::Constant(Value::Ints(ints)))))
            }
            _ => Node::InParts(Box::new(node), parts),
        };
        Some((node, Kind::Bool))
    }

    fn choice(&mut self, parts: &[Expr; 3]) -> Typed {
        let [condition, then, otherwise] = parts;
        let condition = self.expect(condition, Kind::Bool, "what stands before \"?\"");
        let (a, b) = (self.typed(then), self.typed(otherwise));
        let (condition, (a, a_kind), (b, b_kind)) = (condition?, a?, b?);
        if a_kind != b_kind {
            let message = format!("one branch is {}, the other {}", a_kind.name(), b_kind.name());
            return self.wrong_type(&otherwise.at, message, "both must be the same");
        }
        Some((Node::If(Box::new([condition, a, b])), a_kind))
    }

    fn each(&mut self, all: bool, list: &Expr, variable: &str, body: &Expr) -> Typed {
        let (node, kind) = self.typed(list)?;
        let element = match kind {
            Kind::Texts => Kind::Text,
            Kind::Ints => Kind::Int,
            _ => {
                let name = if all { "all" } else { "exists" };
                let message = format!("{name} goes over a list, this is {}", kind.name());
                return self.wrong_type(&list.at, message, "");
            }
        };
        self.elements.push((variable.to_owned(), element));
        let body = self.expect(body, Kind::Bool, "what is asked of each element");
        self.elements.pop();
        Some((Node::Each(all, Box::new((node, body?))), Kind::Bool))
    }
}

pub(super) fn constant(value: Value<'static>) -> Typed {
    let kind = kind_of(&value);
    Some((Node::Constant(value), kind))
}

fn constant_text(node: &Node) -> Option<Cow<'static, str>> {
    match node {
        Node::Constant(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn constant_int(node: &Node) -> Option<i64> {
    match node {
        Node::Constant(Value::Int(number)) => Some(*number),
        _ => None,
    }
}

fn describe(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Path(path) => path.clone(),
        ExprKind::Text(text) => format!("\"{}\"", crate::model::escape_text(text)),
        ExprKind::Int(number) => number.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        _ => "one side".to_owned(),
    }
}
