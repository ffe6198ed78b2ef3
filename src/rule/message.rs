//! Messages with places for fields: `{server.service} speaks {tls.version}`.

use std::ops::Range;

use crate::model::{Seen, Subject, Value};

use super::fields::{FieldTable, words};
use super::source::Fault;

/// A message whose fields were checked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Message {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Literal(String),
    Field(usize),
    Setting(String),
}

impl Message {
    /// Reads a message; every `{name}` must be a field of the subject or an option.
    pub(crate) fn parse(
        text: &str,
        fields: &FieldTable,
        options: &[(String, Value<'static>)],
    ) -> Result<Self, Fault> {
        let (mut parts, mut rest, mut offset) = (Vec::new(), text, 0usize);
        while let Some(open) = rest.find('{') {
            let (literal, tail) = rest.split_at(open);
            let Some((name, after)) = tail.get(1..).and_then(|tail| tail.split_once('}')) else {
                let at = offset + open..offset + open + 1;
                return Err(Fault::new(
                    "rule-syntax",
                    at,
                    "\"{\" is not closed",
                    "\"}\" is missing",
                ));
            };
            let at = offset + open + 1..offset + open + 1 + name.len();
            parts.push(Part::Literal(literal.to_owned()));
            parts.push(Part::place(name, at.clone(), fields, options)?);
            offset = at.end + 1;
            rest = after;
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The message for one subject. Hidden facts are written `(not observable)`.
    #[must_use]
    pub fn render(
        &self,
        fields: &FieldTable,
        options: &[(String, Value<'static>)],
        subject: &Subject<'_>,
    ) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Field(number) => out.push_str(&words(&fields.read(*number, subject))),
                Part::Setting(name) => {
                    let value = options.iter().find(|(known, _)| known == name);
                    out.push_str(
                        &value.map_or_else(String::new, |(_, value)| {
                            words(&Seen::Value(value.clone()))
                        }),
                    );
                }
            }
        }
        out
    }
}

impl Part {
    fn place(
        name: &str,
        at: Range<usize>,
        fields: &FieldTable,
        options: &[(String, Value<'static>)],
    ) -> Result<Self, Fault> {
        if let Some(option) = name.strip_prefix("options.") {
            if options.iter().any(|(known, _)| known == option) {
                return Ok(Self::Setting(option.to_owned()));
            }
            let message = format!("this rule has no option \"{option}\"");
            return Err(Fault::new("rule-field", at, message, ""));
        }
        fields.find(name).map(Self::Field).ok_or_else(|| {
            let (message, label, help) = fields.unknown(name);
            Fault::new("rule-field", at, message, label).help(help)
        })
    }
}
