//! IMAP.

use super::{Session, command, greeting, line};
use crate::inspect::calls::CallName;
use crate::inspect::exchange::{Exchange, Frame, Grammar, Login, Message, Notes};
use crate::inspect::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment};

/// Mailboxes.
pub(in crate::inspect) struct Imap;

impl Protocol for Imap {
    fn name(&self) -> ProtocolId {
        "imap"
    }

    fn class(&self) -> Class {
        Class::Infrastructure
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        const WORDS: [&[u8]; 4] = [b"IMAP", b"CAPABILITY", b"ready", b"Dovecot"];
        let greeting = |word| greeting(head.bytes, word, &WORDS);
        head.of_sides(Probe::No, greeting(b"* OK ").or(greeting(b"* PREAUTH ")))
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

#[derive(Clone, Default)]
struct Conversation {
    session: Session,
    /// What marks the answer to the login, or to the wish for TLS.
    tag: Vec<u8>,
    went: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        if direction == Direction::ToServer && self.session.asked {
            return Frame::Need;
        }
        match line(bytes) {
            Frame::Message(end) => Frame::Message(end + literal(bytes)),
            frame => frame,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let line = message.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match message.direction {
            Direction::ToServer => self.client(line.trim_ascii_end(), notes, message.at),
            Direction::ToClient => return self.server(line.trim_ascii_end(), notes, message.at),
        }
        Next::More
    }

    fn upgrading(&self) -> bool {
        self.session.missing && self.session.asked
    }

    fn lost(&mut self, _: Direction) {
        self.session.missing = true;
        self.session.sasl.end();
    }
}

/// Bytes that follow a line which ends with `{n}` or `{n+}` (RFC 9051 section 4.3).
fn literal(bytes: &[u8]) -> u64 {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let Some(inner) = line.strip_suffix(b"}") else { return 0 };
    let count = inner.rsplit(|byte| *byte == b'{').next().unwrap_or_default();
    let count = count.strip_suffix(b"+").unwrap_or(count);
    std::str::from_utf8(count).ok().and_then(|count| count.parse::<u32>().ok()).map_or(0, u64::from)
}

impl Conversation {
    fn client(&mut self, line: &[u8], notes: &mut Notes, at: Moment) {
        if self.session.sasl.is_open() {
            self.session.sasl.response_base64(line, "AUTHENTICATE", notes, at);
            return;
        }
        let mut parts = line.splitn(2, |byte| *byte == b' ');
        let tag = parts.next().unwrap_or_default();
        let (word, rest) = command(parts.next().unwrap_or_default());
        let keep = |tag: &[u8]| tag.get(..32).unwrap_or(tag).to_vec();
        match word.as_slice() {
            b"STARTTLS" => {
                self.tag = keep(tag);
                let _its_answer_has_the_tag = self.session.ask(notes, at);
                return;
            }
            b"CAPABILITY" | b"ID" | b"NOOP" | b"LOGOUT" => {
                notes.negotiation();
                return;
            }
            b"LOGIN" => {
                self.tag = keep(tag);
                let (user, rest) = string(rest);
                let (password, _) = string(rest.trim_ascii_start());
                notes.login(Login::password("imap login", "LOGIN", user, password), at);
            }
            b"AUTHENTICATE" => {
                self.tag = keep(tag);
                let (mechanism, response) = command(rest);
                self.session.sasl.begin(&mechanism);
                self.session.sasl.response_base64(response, "AUTHENTICATE", notes, at);
            }
            b"SELECT" | b"EXAMINE" | b"FETCH" | b"STORE" | b"COPY" | b"LIST" | b"LSUB"
            | b"APPEND" | b"SEARCH" | b"UID" | b"STATUS" | b"IDLE" | b"CREATE" | b"DELETE"
            | b"EXPUNGE" => {}
            _ => return,
        }
        if !std::mem::replace(&mut self.went, true) {
            self.session.go_on(notes, at);
        }
        notes.request(CallName::Rpc { service: b"", method: &word }, at);
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes, at: Moment) -> Next {
        if !self.went {
            notes.negotiation();
        }
        let tagged = !self.tag.is_empty()
            && line.strip_prefix(self.tag.as_slice()).is_some_and(|rest| rest.starts_with(b" "));
        if tagged {
            let ok = line.get(self.tag.len()..).is_some_and(|rest| rest.starts_with(b" OK"));
            self.tag.clear();
            if self.session.asked {
                return self.session.consent(ok, notes, at);
            }
            notes.credential_judged(ok);
            self.session.sasl.end();
        } else if line.starts_with(b"*") && memchr::memmem::find(line, b" STARTTLS").is_some() {
            self.session.offer(notes, at);
        }
        Next::More
    }
}

/// A text in quotes or a word, and what is behind it.
fn string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (rest, end) = match bytes.strip_prefix(b"\"") {
        Some(rest) => (rest, memchr::memchr(b'"', rest)),
        None => (bytes, memchr::memchr(b' ', bytes)),
    };
    let (text, behind) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or_default();
    (text, behind.get(1..).unwrap_or_default())
}
