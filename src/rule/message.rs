//! Messages with places for fields: `{server.service} speaks {tls.version}`, `served {edge.served|call}`.

use std::ops::Range;

use crate::model::{Kind, Seen, Subject, Value};

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
    /// A count with what it counts, which is more than one unless it is 1.
    Counted(usize, String),
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
                Part::Counted(number, noun) => {
                    let count = fields.read(*number, subject);
                    let plural = if count == Seen::Value(Value::Int(1)) { "" } else { "s" };
                    out.extend([&words(&count), " ", noun, plural]);
                }
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
        let (name, noun) = match name.split_once('|') {
            Some((name, noun)) => (name, Some(noun)),
            None => (name, None),
        };
        let number = fields.find(name).ok_or_else(|| {
            let (message, label, help) = fields.unknown(name);
            Fault::new("rule-field", at.clone(), message, label).help(help)
        })?;
        let Some(noun) = noun else { return Ok(Self::Field(number)) };
        let whole = fields.fields.get(number).is_some_and(|field| field.kind == Kind::Int);
        if !whole || noun.is_empty() {
            let message = format!("\"{name}\" is no number that something is counted by");
            return Err(Fault::new("rule-field", at, message, "only an int has a noun behind `|`"));
        }
        Ok(Self::Counted(number, noun.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::fields_of;
    use super::*;
    use crate::model::{Coverage, SubjectKind};

    #[test]
    fn a_count_is_written_with_its_noun() {
        let table = fields_of(SubjectKind::Run);
        let message = Message::parse("lost {run.dropped|packet}.", table, &[]).unwrap();
        for (dropped, text) in
            [(0, "lost 0 packets."), (1, "lost 1 packet."), (2, "lost 2 packets.")]
        {
            let run = Coverage { dropped, ..Coverage::default() };
            assert_eq!(message.render(table, &[], &Subject::Run(&run)), text);
        }
        assert!(Message::parse("{run.dropped|}", table, &[]).is_err());
        let table = fields_of(SubjectKind::Edge);
        assert!(Message::parse("{edge.protocols|protocol}", table, &[]).is_err(), "no number");
    }
}
