//! Filters that people type: `severity >= high && server.service == "payments"`.
//!
//! The names are the columns', which are the rules'; the words around them are those of conditions, and the quotes, the
//! signs between terms and the long names may be left out. What comes out is SQL with nothing of the text in it: every
//! value is bound.

use super::Datum;
use super::lists::{Column, Kind, List};
use super::tokens::{Token, What, tokens};
use crate::model::{Timestamp, limits};

/// What rows must be like.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Filter {
    text: String,
    sql: Option<String>,
    values: Vec<Datum>,
}

/// What is wrong with a filter, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilterError {
    /// Characters before what is wrong.
    pub at: usize,
    /// In words.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
}

impl Filter {
    /// Reads a filter of `list`. An empty text lets everything through.
    ///
    /// # Errors
    /// What cannot be read, where it stands, and what was probably meant.
    pub fn parse(text: &str, list: &'static List) -> Result<Self, FilterError> {
        if text.chars().count() > limits::FILTER_CHARS {
            let message = format!("a filter has at most {} characters", limits::FILTER_CHARS);
            return Err(FilterError { at: limits::FILTER_CHARS, message, help: None });
        }
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens, next: 0, list, values: Vec::new(), depth: 0 };
        let end = text.chars().count();
        let sql = match parser.tokens.is_empty() {
            true => None,
            false => Some(parser.any(end)?),
        };
        if let Some(extra) = parser.peek() {
            return Err(error(extra.at, format!("{} does not belong here", extra.what.shown())));
        }
        Ok(Self { text: text.trim().to_owned(), sql, values: parser.values })
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sql.is_none()
    }

    pub(super) fn sql(&self) -> &str {
        self.sql.as_deref().unwrap_or("1")
    }

    pub(super) fn values(&self) -> &[Datum] {
        &self.values
    }
}

pub(super) fn error(at: usize, message: impl Into<String>) -> FilterError {
    FilterError { at, message: message.into(), help: None }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    list: &'static List,
    values: Vec<Datum>,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += usize::from(token.is_some());
        token
    }

    /// Takes the next token if it is one of these signs, or one of these words without a comparison behind it.
    fn skip(&mut self, signs: &[&str]) -> bool {
        let compared =
            matches!(self.tokens.get(self.next + 1), Some(Token { what: What::Compare(_), .. }));
        let fits = match self.peek().map(|token| &token.what) {
            Some(What::Sign(sign)) => signs.contains(sign),
            Some(What::Word(word)) => {
                !compared && signs.contains(&word.to_ascii_lowercase().as_str())
            }
            _ => false,
        };
        self.next += usize::from(fits);
        fits
    }

    fn any(&mut self, end: usize) -> Result<String, FilterError> {
        self.depth += 1;
        if self.depth > limits::FILTER_DEPTH {
            let at = self.peek().map_or(end, |token| token.at);
            return Err(error(at, "this is nested too deeply"));
        }
        let mut sql = self.all(end)?;
        while self.skip(&["||", "or"]) {
            let other = self.all(end)?;
            sql = format!("{sql} OR {other}");
        }
        self.depth -= 1;
        Ok(format!("({sql})"))
    }

    fn all(&mut self, end: usize) -> Result<String, FilterError> {
        let mut sql = self.one(end)?;
        loop {
            let joined = self.skip(&["&&", "and"]);
            let ends = match self.peek().map(|token| &token.what) {
                None | Some(What::Sign("||" | ")")) => true,
                Some(What::Word(word)) => word.eq_ignore_ascii_case("or"),
                _ => false,
            };
            if ends && !joined {
                return Ok(sql);
            }
            let other = self.one(end)?;
            sql = format!("{sql} AND {other}");
        }
    }

    fn one(&mut self, end: usize) -> Result<String, FilterError> {
        let mut not = false;
        while self.skip(&["!", "not"]) {
            not = !not;
        }
        let sql = if self.skip(&["("]) {
            let inside = self.any(end)?;
            if !self.skip(&[")"]) {
                let at = self.peek().map_or(end, |token| token.at);
                return Err(error(at, "a closing parenthesis is missing"));
            }
            inside
        } else {
            self.term(end)?
        };
        // What is not known is not equal to anything, so that `!` turns every answer around.
        Ok(if not { format!("NOT ifnull({sql}, 0)") } else { sql })
    }

    fn term(&mut self, end: usize) -> Result<String, FilterError> {
        let Some(token) = self.take() else {
            return Err(error(end, "something is missing here"));
        };
        match (&token.what, self.peek().map(|next| next.what.clone())) {
            (What::Word(name), Some(What::Compare(sign))) => {
                self.next += 1;
                let column = self.column(name, token.at)?;
                self.compare(column, sign, end)
            }
            (What::Word(name), Some(What::Word(word))) if word == "in" => {
                self.next += 1;
                let column = self.column(name, token.at)?;
                self.compare(column, "==", end)
            }
            (What::Word(call), Some(What::Sign("("))) if call.contains('.') => {
                self.call(call, token.at, end)
            }
            (What::Word(text) | What::Quoted(text), _) => Ok(self.anywhere(text)),
            (what, _) => Err(error(token.at, format!("{} does not belong here", what.shown()))),
        }
    }

    fn column(&self, name: &str, at: usize) -> Result<&'static Column, FilterError> {
        let columns = self.list.columns;
        if let Some(column) = self.list.column(name).and_then(|place| columns.get(place)) {
            return Ok(column);
        }
        let names = columns.iter().flat_map(|column| [column.name, column.short]);
        let allowed = (name.chars().count() / 3).max(1);
        let near = names
            .map(|known| (strsim::damerau_levenshtein(name, known), known))
            .filter(|(distance, _)| *distance <= allowed)
            .min();
        let help = match near {
            Some((_, near)) => format!("did you mean {near}?"),
            None => {
                let names: Vec<&str> = columns.iter().map(|column| column.short).collect();
                format!("known: {}", names.join(" "))
            }
        };
        let message = format!("no field {} here", What::Word(name.to_owned()).shown());
        Err(FilterError { at, message, help: Some(help) })
    }

    /// `name.contains("x")` and its like, as conditions have them.
    fn call(&mut self, call: &str, at: usize, end: usize) -> Result<String, FilterError> {
        let (name, method) = call.rsplit_once('.').unwrap_or((call, ""));
        let column = self.column(name, at)?;
        self.next += 1;
        let value = self.value(end)?;
        if !self.skip(&[")"]) {
            return Err(error(
                self.peek().map_or(end, |next| next.at),
                "a closing parenthesis is missing",
            ));
        }
        let value = escape_like(&value.0);
        let pattern = match method {
            "contains" => format!("%{value}%"),
            "startsWith" => format!("{value}%"),
            "endsWith" => format!("%{value}"),
            _ => {
                let message = format!("no function {} here", What::Word(method.to_owned()).shown());
                let help = Some("known: contains, startsWith, endsWith".to_owned());
                return Err(FilterError { at: at + name.chars().count() + 1, message, help });
            }
        };
        Ok(self.like(column, pattern))
    }

    /// A value, and where it stands.
    fn value(&mut self, end: usize) -> Result<(String, usize), FilterError> {
        match self.take() {
            Some(Token { what: What::Word(text) | What::Quoted(text), at }) => {
                // What looked like a name of a column before a colon is part of the value here.
                let mut text = text;
                while let (
                    Some(Token { what: What::Compare(":"), .. }),
                    Some(Token { what: What::Word(more), .. }),
                ) = (self.peek(), self.tokens.get(self.next + 1))
                {
                    text = format!("{text}:{more}");
                    self.next += 2;
                }
                Ok((text, at))
            }
            Some(token) => Err(error(token.at, "a value is missing here")),
            None => Err(error(end, "a value is missing here")),
        }
    }

    fn compare(
        &mut self,
        column: &'static Column,
        sign: &'static str,
        end: usize,
    ) -> Result<String, FilterError> {
        let listed = self.skip(&["["]);
        let mut parts = Vec::new();
        loop {
            let (value, at) = self.value(end)?;
            parts.push(self.compared(column, sign, &value, at)?);
            if !self.skip(if listed { &[","] } else { &["|"] }) {
                break;
            }
        }
        if listed && !self.skip(&["]"]) {
            return Err(error(
                self.peek().map_or(end, |token| token.at),
                "a closing bracket is missing",
            ));
        }
        let join = if sign == "!=" { " AND " } else { " OR " };
        Ok(if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(join)) })
    }

    fn compared(
        &mut self,
        column: &'static Column,
        sign: &'static str,
        value: &str,
        at: usize,
    ) -> Result<String, FilterError> {
        let Column { sql, kind, name, .. } = column;
        match kind {
            Kind::Word(words) => self.words(column, words, sign, (value, at)),
            Kind::Text | Kind::Service(_) if sign == ":" => {
                Ok(self.like(column, format!("%{}%", escape_like(value))))
            }
            Kind::Text | Kind::Service(_) if value.contains('*') && matches!(sign, "==" | "!=") => {
                let sql = self.like(column, escape_like(value).replace('*', "%"));
                Ok(if sign == "!=" { format!("NOT ifnull({sql}, 0)") } else { sql })
            }
            Kind::Text | Kind::Service(_) => Ok(self.text(column, sign, value)),
            Kind::Number => {
                let Ok(number) = value.parse::<i64>() else {
                    return Err(error(at, format!("{name} is a number")));
                };
                let value = self.bind(Datum::Int(number));
                Ok(format!("{sql} {} {value}", spelled(sign)))
            }
            Kind::Time => {
                let time = Timestamp::parse(value)
                    .map_err(|_| error(at, format!("{name} is a time, as 2026-01-21T09:14:01Z")))?;
                let value = self.bind(Datum::Int(time.micros()));
                Ok(format!("{sql} {} {value}", spelled(sign)))
            }
        }
    }

    fn text(&mut self, column: &'static Column, sign: &str, value: &str) -> String {
        let sql = column.sql;
        let value = self.bind(Datum::Text(value.to_owned()));
        match (column.kind, sign) {
            // By its number a service is found in an index.
            (Kind::Service(id), "==") => {
                format!("{id} = (SELECT service_id FROM service WHERE name = {value})")
            }
            (_, "!=") => format!("ifnull({sql}, '') <> {value}"),
            _ => format!("{sql} {} {value}", spelled(sign)),
        }
    }

    fn words(
        &mut self,
        column: &'static Column,
        words: &'static [&'static str],
        sign: &str,
        (value, at): (&str, usize),
    ) -> Result<String, FilterError> {
        let lower = value.to_ascii_lowercase();
        let place = words.iter().position(|word| *word == lower);
        let place = place.or_else(|| {
            let mut near = words.iter().enumerate().filter(|(_, word)| word.starts_with(&lower));
            near.next()
                .map(|(place, _)| place)
                .filter(|_| near.next().is_none() && !lower.is_empty())
        });
        let Some(place) = place else {
            let message =
                format!("{} has no {}", column.name, What::Word(value.to_owned()).shown());
            return Err(FilterError {
                at,
                message,
                help: Some(format!("one of {}", words.join(", "))),
            });
        };
        let fits = |other: usize| match sign {
            "!=" => other != place,
            ">=" => other >= place,
            ">" => other > place,
            "<=" => other <= place,
            "<" => other < place,
            _ => other == place,
        };
        let chosen = words.iter().enumerate().filter(|(other, _)| fits(*other));
        let bound: Vec<String> =
            chosen.map(|(_, word)| self.bind(Datum::Text((*word).to_owned()))).collect();
        Ok(format!("{} IN ({})", column.sql, bound.join(", ")))
    }

    /// A text in any column that has text.
    fn anywhere(&mut self, text: &str) -> String {
        let pattern = format!("%{}%", escape_like(text).replace('*', "%"));
        let columns = self.list.columns.iter();
        let texts = columns.filter(|column| !matches!(column.kind, Kind::Number | Kind::Time));
        let parts: Vec<String> = texts.map(|column| self.like(column, pattern.clone())).collect();
        format!("({})", parts.join(" OR "))
    }

    fn like(&mut self, column: &'static Column, pattern: String) -> String {
        let value = self.bind(Datum::Text(pattern));
        match column.kind {
            Kind::Service(id) => format!(
                "{id} IN (SELECT service_id FROM service WHERE name LIKE {value} ESCAPE '\\')"
            ),
            _ => format!("ifnull({}, '') LIKE {value} ESCAPE '\\'", column.sql),
        }
    }

    fn bind(&mut self, value: Datum) -> String {
        let known = self.values.iter().position(|bound| *bound == value);
        let place = known.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        format!("?{}", place + 1)
    }
}

fn spelled(sign: &str) -> &str {
    match sign {
        "!=" => "<>",
        "==" | ":" => "=",
        sign => sign,
    }
}

/// The text with what LIKE would take for more than itself marked.
fn escape_like(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
