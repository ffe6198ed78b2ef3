//! Messages with places for fields: `{server.service} speaks {tls.version}`, `served {edge.served|call}`, and pieces that are
//! only there when their fields are: `a token[ of {credential.principal}]`.

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
    /// Left out when a field in it has no value.
    Optional(Vec<Part>),
}

impl Message {
    /// Reads a message; every `{name}` must be a field of the subject or an option. What stands in `[ ]` is left out
    /// where a field in it has no value.
    pub(crate) fn parse(
        text: &str,
        fields: &FieldTable,
        options: &[(String, Value<'static>)],
    ) -> Result<Self, Fault> {
        let unclosed = |at: usize| {
            let message = "\"[\" is not closed";
            Fault::new("rule-syntax", at..at + 1, message, "\"]\" is missing")
        };
        let (mut parts, mut rest, mut offset) = (Vec::new(), text, 0usize);
        while let Some((before, behind)) = rest.split_once('[') {
            let open = offset + before.len();
            let (inside, after) = behind.split_once(']').ok_or_else(|| unclosed(open))?;
            parts.extend(Part::read(before, offset, fields, options)?);
            let optional = Part::read(inside, open + 1, fields, options)?;
            offset = open + inside.len() + 2;
            if !optional.iter().any(|part| part.field().is_some()) {
                let message = "nothing between \"[\" and \"]\" can be missing";
                return Err(Fault::new(
                    "rule-syntax",
                    open..offset,
                    message,
                    "put a field into it",
                ));
            }
            parts.push(Part::Optional(optional));
            rest = after;
        }
        parts.extend(Part::read(rest, offset, fields, options)?);
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
        let read = |number| fields.read(number, subject);
        self.parts.iter().for_each(|part| part.write(&read, options, &mut out));
        out
    }

    /// Shows every field that it tells.
    pub(crate) fn each_field(&self, show: &mut dyn FnMut(usize)) {
        self.parts.iter().for_each(|part| part.each_field(show));
    }
}

impl Part {
    fn each_field(&self, show: &mut dyn FnMut(usize)) {
        match self {
            Self::Field(number) | Self::Counted(number, _) => show(*number),
            Self::Optional(parts) => parts.iter().for_each(|part| part.each_field(show)),
            Self::Literal(_) | Self::Setting(_) => {}
        }
    }

    /// Reads a piece that begins at this byte of the message.
    fn read(
        text: &str,
        mut offset: usize,
        fields: &FieldTable,
        options: &[(String, Value<'static>)],
    ) -> Result<Vec<Self>, Fault> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((literal, behind)) = rest.split_once('{') {
            let open = offset + literal.len();
            let (name, after) = behind.split_once('}').ok_or_else(|| {
                let message = "\"{\" is not closed";
                Fault::new("rule-syntax", open..open + 1, message, "\"}\" is missing")
            })?;
            let at = open + 1..open + 1 + name.len();
            parts.push(Self::Literal(literal.to_owned()));
            parts.push(Self::place(name, at.clone(), fields, options)?);
            offset = at.end + 1;
            rest = after;
        }
        parts.push(Self::Literal(rest.to_owned()));
        Ok(parts)
    }

    /// The field that it tells, if any.
    fn field(&self) -> Option<usize> {
        match self {
            Self::Field(number) | Self::Counted(number, _) => Some(*number),
            Self::Literal(_) | Self::Setting(_) | Self::Optional(_) => None,
        }
    }

    fn write<'a>(
        &self,
        read: &dyn Fn(usize) -> Seen<Value<'a>>,
        options: &[(String, Value<'static>)],
        out: &mut String,
    ) {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Field(number) => out.push_str(&words(&read(*number))),
            Self::Counted(number, noun) => {
                let count = read(*number);
                let plural = if count == Seen::Value(Value::Int(1)) { "" } else { "s" };
                out.extend([&words(&count), " ", noun, plural]);
            }
            Self::Setting(name) => {
                let value = options.iter().find(|(known, _)| known == name);
                let text =
                    |(_, value): &(String, Value<'static>)| words(&Seen::Value(value.clone()));
                out.push_str(&value.map_or_else(String::new, text));
            }
            Self::Optional(parts) => {
                if parts.iter().filter_map(Self::field).all(|number| says_something(&read(number)))
                {
                    parts.iter().for_each(|part| part.write(read, options, out));
                }
            }
        }
    }

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

fn says_something(seen: &Seen<Value<'_>>) -> bool {
    match seen {
        Seen::Value(Value::Text(text)) => !text.is_empty(),
        Seen::Value(Value::Texts(texts)) => !texts.is_empty(),
        Seen::Value(_) => true,
        Seen::Absent | Seen::NotReached | Seen::Hidden(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::fields_of;
    use super::*;
    use crate::model::{Coverage, SubjectKind, fixture};

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

    #[test]
    fn what_is_in_brackets_is_left_out_where_its_field_has_no_value() {
        let table = fields_of(SubjectKind::Credential);
        let message = "a {credential.kind}[ of {credential.principal}] was shown";
        let message = Message::parse(message, table, &[]).unwrap();
        let mut row = fixture::outcome().credentials.swap_remove(0).at;
        row.credential.principal = Some("orders".into());
        let kind = row.credential.kind.name();
        let said = message.render(table, &[], &Subject::Credential(&row));
        assert_eq!(said, format!("a {kind} of orders was shown"));
        row.credential.principal = None;
        let said = message.render(table, &[], &Subject::Credential(&row));
        assert_eq!(said, format!("a {kind} was shown"));
        for (wrong, at) in [("x [ of", 2..3), ("x [ of] y", 2..7), ("[{credential.kind]", 1..2)] {
            let fault = Message::parse(wrong, table, &[]).unwrap_err();
            assert_eq!(fault.at, at, "{wrong}");
        }
    }
}
