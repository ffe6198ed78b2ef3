//! The grammar of conditions: the CEL parser's tree, narrowed to the subset that rules may use.
//!
//! The only module that knows the `cel` crate. It takes text and gives [`Expr`], every part with its byte range; it
//! knows no field and no type.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr as Ast, LiteralValue, SourceInfo, operators,
};
use cel::parser::{ParseError, Parser};

use super::source::Fault;
use crate::model::limits;

/// One part of a condition.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Expr {
    /// Which bytes of the text it covers.
    pub(crate) at: Range<usize>,
    /// What it is.
    pub(crate) kind: ExprKind,
}

/// What a part of a condition is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum ExprKind {
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text in quotes.
    Text(String),
    /// A name with dots.
    Path(String),
    /// `has(path)`.
    Has(String),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `!a`.
    Not(Box<Expr>),
    /// `-a`.
    Negate(Box<Expr>),
    /// `a op b`.
    Binary(Operator, Box<(Expr, Expr)>),
    /// `a ? b : c`.
    If(Box<[Expr; 3]>),
    /// `name(arguments)` or `target.name(arguments)`, the target as the first argument.
    Call(Call),
    /// `list.exists(variable, body)` or `list.all(variable, body)`.
    Each {
        /// Whether it must be true of all, not of one.
        all: bool,
        /// The list.
        list: Box<Expr>,
        /// The name of the element.
        variable: String,
        /// What must be true of the element.
        body: Box<Expr>,
    },
}

/// A function call.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Call {
    /// The function's name.
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) name_at: Range<usize>,
    /// Whether it was written `a.name(b)`.
    pub(crate) method: bool,
    /// The target, if it is a method, and the arguments.
    pub(crate) arguments: Vec<Expr>,
}

/// Operators with two sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    In,
}

impl Operator {
    const ALL: [(&'static str, Self, &'static str); 12] = [
        (operators::LOGICAL_AND, Self::And, "&&"),
        (operators::LOGICAL_OR, Self::Or, "||"),
        (operators::EQUALS, Self::Equal, "=="),
        (operators::NOT_EQUALS, Self::NotEqual, "!="),
        (operators::LESS, Self::Less, "<"),
        (operators::LESS_EQUALS, Self::LessEqual, "<="),
        (operators::GREATER, Self::Greater, ">"),
        (operators::GREATER_EQUALS, Self::GreaterEqual, ">="),
        (operators::ADD, Self::Add, "+"),
        (operators::SUBSTRACT, Self::Subtract, "-"),
        (operators::MULTIPLY, Self::Multiply, "*"),
        (operators::IN, Self::In, "in"),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, operator, _)| *operator)
    }

    /// How it is written.
    pub(crate) fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(_, operator, _)| *operator == self).map_or("", |(.., sign)| sign)
    }
}

/// Parses a condition.
pub(crate) fn parse(text: &str) -> Result<Expr, Fault> {
    if text.trim().is_empty() {
        return Err(syntax(0..text.len(), "the condition is empty", "a condition is missing here"));
    }
    refuse_monsters(text)?;
    let (tree, places) = Parser::new()
        .parse_with_source_info(text)
        .map_err(|errors| translate(text, &errors.errors))?;
    Converter { text, places }.expr(&tree, 0)
}

/// Refuses what could exhaust the stack of the parser, whose own limit counts brackets only.
fn refuse_monsters(text: &str) -> Result<(), Fault> {
    let operators = text.bytes().filter(|b| b"+-*/%.=<>![?:,".contains(b)).count();
    if text.len() > limits::CONDITION_BYTES || operators > limits::CONDITION_OPERATORS {
        return Err(syntax(0..1, "the condition is too long", "split the rule in two"));
    }
    Ok(())
}

fn syntax(at: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Fault {
    Fault::new("rule-syntax", at, message, label)
        .help("wirelint rules check FILE checks rule files without any traffic")
}

/// The parser's first complaint in words of people.
fn translate(text: &str, errors: &[ParseError]) -> Fault {
    let Some(first) = errors.first() else {
        return syntax(0..text.len(), "the condition cannot be read", "");
    };
    let at = offset_of(text, first.pos);
    if at >= text.trim_end().len() || first.msg.contains("'<EOF>' expecting") {
        return stops_early(text);
    }
    let rest = text.get(at..).unwrap_or_default();
    let token = token_at(rest);
    let range = at..at.saturating_add(token.len());
    if first.msg.contains("has() macro") {
        return syntax(range, "has() takes one field, as in has(tls.sni)", "not a field");
    }
    if token == "=" {
        return syntax(range, "\"=\" does not compare", "write ==");
    }
    if token.starts_with(['"', '\'']) && first.msg.contains("token recognition") {
        return syntax(range, "the text is not closed", "the closing quote is missing");
    }
    if first.msg.contains("Recursion limit") {
        return syntax(0..1, "the condition is nested too deeply", "split the rule in two");
    }
    syntax(range, format!("\"{}\" is not expected here", token.escape_debug()), "")
}

fn stops_early(text: &str) -> Fault {
    let end = text.trim_end();
    let last =
        ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "(", "[", ",", "!", "."]
            .into_iter()
            .find(|token| end.ends_with(token));
    let start = end.len().saturating_sub(last.map_or(1, str::len));
    match last {
        Some(token) => syntax(
            start..end.len(),
            format!("the expression stops after \"{token}\""),
            "a condition is missing here",
        ),
        None => syntax(start..end.len(), "the expression stops too early", "more is expected here"),
    }
}

fn offset_of(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start.saturating_add(rest.chars().take(column).map(char::len_utf8).sum())
}

fn token_at(rest: &str) -> &str {
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let end = if word > 0 {
        word
    } else if rest.starts_with(['"', '\'']) {
        rest.find('\n').unwrap_or(rest.len())
    } else {
        rest.chars().next().map_or(0, char::len_utf8)
    };
    rest.get(..end).unwrap_or_default()
}

struct Converter<'t> {
    text: &'t str,
    places: SourceInfo,
}

impl Converter<'_> {
    fn expr(&self, tree: &IdedExpr, depth: usize) -> Result<Expr, Fault> {
        if depth > limits::CONDITION_DEPTH {
            return Err(syntax(
                0..1,
                "the condition is nested too deeply",
                "split the rule in two",
            ));
        }
        let at = self.token(tree.id);
        match &tree.expr {
            Ast::Literal(literal) => self.literal(literal, at),
            Ast::Ident(name) => Ok(Expr { at, kind: ExprKind::Path(name.clone()) }),
            Ast::Select(select) => self.path(tree, select.test),
            Ast::List(list) => self.list(&list.elements, at, depth),
            Ast::Call(call) => self.call(call, at, depth),
            Ast::Comprehension(each) => self.each(each, at, depth),
            Ast::Map(_) => Err(unsupported(at, "a map")),
            Ast::Struct(_) => Err(unsupported(at, "a message")),
            Ast::Unspecified => Err(syntax(at, "the condition cannot be read", "")),
        }
    }

    fn token(&self, id: u64) -> Range<usize> {
        let Some((start, stop)) = self.places.offset_for(id) else { return 0..self.text.len() };
        let start = usize::try_from(start).unwrap_or(0).min(self.text.len());
        let stop = usize::try_from(stop).unwrap_or(0).saturating_add(1);
        start..stop.clamp(start, self.text.len())
    }

    fn literal(&self, literal: &LiteralValue, at: Range<usize>) -> Result<Expr, Fault> {
        let kind = match literal {
            LiteralValue::Boolean(value) => ExprKind::Bool(*value.inner()),
            LiteralValue::Int(value) => ExprKind::Int(*value.inner()),
            LiteralValue::String(value) => ExprKind::Text(value.inner().to_owned()),
            LiteralValue::UInt(_) => return Err(unsupported(at, "an unsigned number")),
            LiteralValue::Double(_) => return Err(unsupported(at, "a fraction")),
            LiteralValue::Bytes(_) => return Err(unsupported(at, "a byte string")),
            LiteralValue::Null => {
                return Err(unsupported(at, "null").help("ask has(field) instead"));
            }
        };
        Ok(Expr { at, kind })
    }

    /// `a.b.c`, from the place of `a` to the end of `c`: the parser only knows where the dots are.
    fn path(&self, tree: &IdedExpr, test: bool) -> Result<Expr, Fault> {
        let (mut names, mut node, mut last) = (Vec::new(), tree, None);
        loop {
            match &node.expr {
                Ast::Select(select) => {
                    // The dot of has(a.b) carries the place of the call; its operand's is still true.
                    let dot = if select.test {
                        self.token(select.operand.id).end
                    } else {
                        self.token(node.id).end
                    };
                    last = last.or(Some((dot, select.field.len())));
                    names.push(select.field.as_str());
                    node = &select.operand;
                }
                Ast::Ident(name) => {
                    names.push(name);
                    break;
                }
                _ => return Err(unsupported(self.token(tree.id), "a field of a result")),
            }
        }
        names.reverse();
        let start = self.token(node.id).start;
        let end = last
            .map_or(start, |(dot, length)| self.end_of_name(dot, names.last().copied(), length));
        let path = names.join(".");
        let kind = if test { ExprKind::Has(path) } else { ExprKind::Path(path) };
        Ok(Expr { at: start..end, kind })
    }

    fn end_of_name(&self, from: usize, name: Option<&str>, length: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        let found = name.and_then(|name| rest.find(name)).unwrap_or(0);
        from.saturating_add(found).saturating_add(length).min(self.text.len())
    }

    fn list(&self, elements: &[IdedExpr], at: Range<usize>, depth: usize) -> Result<Expr, Fault> {
        let elements =
            elements.iter().map(|e| self.expr(e, depth + 1)).collect::<Result<Vec<_>, _>>()?;
        let end = elements.last().map_or(at.end, |last| last.at.end);
        let close = self.text.get(end..).and_then(|rest| rest.find(']')).map_or(0, |i| i + 1);
        Ok(Expr { at: at.start..end + close, kind: ExprKind::List(elements) })
    }

    fn call(&self, call: &CallExpr, at: Range<usize>, depth: usize) -> Result<Expr, Fault> {
        let arguments = call
            .target
            .iter()
            .map(AsRef::as_ref)
            .chain(&call.args)
            .map(|argument| self.expr(argument, depth + 1))
            .collect::<Result<Vec<_>, _>>()?;
        let covered = arguments
            .iter()
            .fold(at.clone(), |all, one| all.start.min(one.at.start)..all.end.max(one.at.end));
        if let Some(operator) = Operator::named(&call.func_name) {
            return match <[Expr; 2]>::try_from(arguments) {
                Ok([a, b]) => {
                    Ok(Expr { at: covered, kind: ExprKind::Binary(operator, Box::new((a, b))) })
                }
                Err(_) => Err(syntax(at, "an operator needs two sides", "")),
            };
        }
        self.other_call(call, arguments, at, covered)
    }

    fn other_call(
        &self,
        call: &CallExpr,
        arguments: Vec<Expr>,
        at: Range<usize>,
        covered: Range<usize>,
    ) -> Result<Expr, Fault> {
        let kind = match (call.func_name.as_str(), arguments) {
            (operators::LOGICAL_NOT, arguments) => ExprKind::Not(Box::new(only(arguments, at)?)),
            (operators::NEGATE, arguments) => ExprKind::Negate(Box::new(only(arguments, at)?)),
            (operators::CONDITIONAL, arguments) => match <[Expr; 3]>::try_from(arguments) {
                Ok(parts) => ExprKind::If(Box::new(parts)),
                Err(_) => return Err(syntax(at, "\"?\" needs \":\"", "")),
            },
            (operators::INDEX, _) => {
                return Err(unsupported(at, "an index").help("use in, exists or all"));
            }
            (operators::DIVIDE | operators::MODULO, _) => {
                return Err(unsupported(at, "division").help("multiply the other side instead"));
            }
            (name, arguments) => {
                return Ok(self.function(name, call.target.is_some(), arguments, at));
            }
        };
        Ok(Expr { at: covered, kind })
    }

    fn function(&self, name: &str, method: bool, arguments: Vec<Expr>, at: Range<usize>) -> Expr {
        let before = self.text.get(..at.start).unwrap_or_default();
        let start = before.rfind(name).unwrap_or(at.start);
        let name_at = start..start.saturating_add(name.len()).min(self.text.len());
        let first = arguments.first().filter(|_| method).map_or(start, |target| target.at.start);
        let last = arguments.last().map_or(at.end, |last| last.at.end.max(at.end));
        let close = self.text.get(last..).and_then(|rest| rest.find(')')).map_or(0, |i| i + 1);
        let call = Call { name: name.to_owned(), name_at, method, arguments };
        Expr { at: first..last + close, kind: ExprKind::Call(call) }
    }

    /// `exists` and `all` arrive already expanded into loops; their shape is recognised.
    fn each(
        &self,
        each: &ComprehensionExpr,
        at: Range<usize>,
        depth: usize,
    ) -> Result<Expr, Fault> {
        let Ast::Call(step) = &each.loop_step.expr else { return Err(unsupported_loop(at)) };
        let all = match step.func_name.as_str() {
            operators::LOGICAL_AND => true,
            operators::LOGICAL_OR => false,
            _ => return Err(unsupported_loop(at)),
        };
        let (Some(body), None) = (step.args.get(1), &each.iter_var2) else {
            return Err(unsupported_loop(at));
        };
        let list = Box::new(self.expr(&each.iter_range, depth + 1)?);
        let body = Box::new(self.expr(body, depth + 1)?);
        let range = list.at.start..body.at.end;
        let variable = each.iter_var.clone();
        Ok(Expr { at: range, kind: ExprKind::Each { all, list, variable, body } })
    }
}

fn only(arguments: Vec<Expr>, at: Range<usize>) -> Result<Expr, Fault> {
    arguments.into_iter().next().ok_or_else(|| syntax(at, "something is missing here", ""))
}

fn unsupported(at: Range<usize>, what: &str) -> Fault {
    syntax(
        at,
        format!("{what} cannot be used in a rule"),
        "outside the subset of CEL that rules use",
    )
}

fn unsupported_loop(at: Range<usize>) -> Fault {
    unsupported(at, "this function of lists").help("exists(v, condition) and all(v, condition) can")
}
