//! SMTP.

use super::{Session, command, greeting, line};
use crate::inspect::calls::CallName;
use crate::inspect::exchange::{Exchange, Frame, Grammar, Message, Notes};
use crate::inspect::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment, limits};

/// Mail servers.
pub(in crate::inspect) struct Smtp;

impl Protocol for Smtp {
    fn name(&self) -> ProtocolId {
        "smtp"
    }

    fn class(&self) -> Class {
        Class::Infrastructure
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let greeting = || greeting(head.bytes, b"220", &[b"SMTP", b"smtp", b"LMTP"]);
        match head.bytes.first() {
            Some(b'2') => head.of_sides(Probe::No, greeting()),
            Some(b'E' | b'e') => head.of_sides(hello(head.bytes, b"EHLO "), Probe::No),
            Some(b'H' | b'h') => head.of_sides(hello(head.bytes, b"HELO "), Probe::No),
            Some(_) => Probe::No,
            None => Probe::Unsure,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

fn hello(bytes: &[u8], wanted: &[u8]) -> Probe {
    let begin = bytes.get(..wanted.len()).unwrap_or(bytes);
    if !wanted.get(..begin.len()).is_some_and(|wanted| wanted.eq_ignore_ascii_case(begin)) {
        return Probe::No;
    }
    let name = bytes.get(wanted.len()..).unwrap_or_default();
    let end = memchr::memchr(b'\r', name);
    let text = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(byte);
    match end {
        _ if text.len() > 255 || !text.iter().all(fits) => Probe::No,
        None => Probe::Unsure,
        Some(end) => match name.get(end.saturating_add(1)) {
            Some(b'\n') if !text.is_empty() => Probe::Yes,
            None => Probe::Unsure,
            Some(_) => Probe::No,
        },
    }
}

#[derive(Clone, Default)]
struct Conversation {
    session: Session,
    /// The client sends a message, which ends with a dot; the server has not said no.
    data: bool,
    went: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        match direction {
            Direction::ToServer if self.session.asked => Frame::Need,
            Direction::ToServer if self.data && bytes.len() >= limits::MESSAGE_BYTES => {
                let end =
                    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end.saturating_add(1));
                Frame::Message(end as u64)
            }
            Direction::ToServer => match line(bytes) {
                Frame::Message(end) if !self.data => Frame::Message(end + chunk(bytes)),
                frame => frame,
            },
            Direction::ToClient => match bytes {
                [a, ..] if !a.is_ascii_digit() => Frame::Foreign,
                _ => line(bytes),
            },
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let line = message.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match message.direction {
            Direction::ToServer => self.client(line, notes, message.at),
            Direction::ToClient => self.server(line, notes, message.at),
        }
    }

    fn upgrading(&self) -> bool {
        self.session.missing && self.session.asked
    }

    fn lost(&mut self, _: Direction) {
        self.session.missing = true;
        self.session.sasl.end();
    }
}

/// Bytes of a message that follow the line `BDAT n` (RFC 3030).
fn chunk(bytes: &[u8]) -> u64 {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let (word, rest) = command(line);
    let count = rest.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    match word.as_slice() {
        b"BDAT" => std::str::from_utf8(count)
            .ok()
            .and_then(|count| count.parse::<u32>().ok())
            .map_or(0, u64::from),
        _ => 0,
    }
}

impl Conversation {
    fn client(&mut self, line: &[u8], notes: &mut Notes, at: Moment) -> Next {
        if self.data && line != b"." {
            return Next::More;
        }
        let (word, rest) = command(line);
        if word == b"STARTTLS" && !self.data && !self.session.sasl.is_open() {
            return self.session.ask(notes, at);
        }
        self.session.command();
        if std::mem::take(&mut self.data) {
            return Next::More;
        }
        if self.session.sasl.is_open() {
            self.session.sasl.response_base64(line, "AUTH", notes, at);
            return Next::More;
        }
        match word.as_slice() {
            b"EHLO" | b"HELO" | b"LHLO" => {
                notes.caller(rest, "smtp hello", at);
                notes.negotiation();
                return Next::More;
            }
            b"QUIT" | b"NOOP" | b"RSET" => {
                notes.negotiation();
                return Next::More;
            }
            b"AUTH" => {
                let (mechanism, response) = command(rest);
                self.session.sasl.begin(&mechanism);
                self.session.sasl.response_base64(response, "AUTH", notes, at);
            }
            b"DATA" => self.data = true,
            b"MAIL" | b"RCPT" | b"BDAT" | b"VRFY" | b"EXPN" => {}
            _ => return Next::More,
        }
        if !std::mem::replace(&mut self.went, true) {
            self.session.go_on(notes, at);
        }
        notes.request(CallName::Rpc { service: b"", method: &word }, at);
        Next::More
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes, at: Moment) -> Next {
        let last = line.get(3) != Some(&b'-');
        let failed = matches!(line.first(), Some(b'4' | b'5'));
        if !self.went {
            notes.negotiation();
        }
        let yes = line.starts_with(b"220");
        if last && self.session.answer(yes) {
            return self.session.consent(yes, notes, at);
        }
        if line.get(4..).is_some_and(|text| text.eq_ignore_ascii_case(b"STARTTLS")) {
            self.session.offer(notes, at);
        }
        if self.data && failed {
            self.data = false;
        }
        if self.session.sasl.is_open() && (failed || line.starts_with(b"235")) {
            notes.credential_judged(!failed);
            self.session.sasl.end();
        }
        Next::More
    }
}
