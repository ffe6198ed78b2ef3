//! POP3.

use super::{Session, command, greeting, line};
use crate::inspect::calls::CallName;
use crate::inspect::exchange::{Exchange, Frame, Grammar, Login, Message, Notes};
use crate::inspect::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment, limits};

/// Mailboxes, the older way.
pub(in crate::inspect) struct Pop3;

impl Protocol for Pop3 {
    fn name(&self) -> ProtocolId {
        "pop3"
    }

    fn class(&self) -> Class {
        Class::Infrastructure
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        const WORDS: [&[u8]; 4] = [b"POP", b"Dovecot", b"ready", b"@"];
        match greeting(head.bytes, b"+OK ", &WORDS) {
            // A server answers like this to other things, too.
            Probe::Yes if !head.from_start => Probe::No,
            said => head.of_sides(Probe::No, said),
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

#[derive(Clone, Default)]
struct Conversation {
    session: Session,
    user: Vec<u8>,
    judging: bool,
    went: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        if direction == Direction::ToServer && self.session.asked {
            return Frame::Need;
        }
        line(bytes)
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let line = message.bytes.trim_ascii_end();
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
        self.user.clear();
    }
}

impl Conversation {
    fn client(&mut self, line: &[u8], notes: &mut Notes, at: Moment) -> Next {
        if self.session.sasl.is_open() {
            self.session.sasl.response_base64(line, "AUTH", notes, at);
            return Next::More;
        }
        let (word, rest) = command(line);
        if word == b"STLS" {
            return self.session.ask(notes, at);
        }
        self.session.command();
        match word.as_slice() {
            b"CAPA" | b"NOOP" | b"QUIT" => {
                notes.negotiation();
                return Next::More;
            }
            b"USER" => self.user = rest.get(..limits::TEXT_BYTES).unwrap_or(rest).to_vec(),
            b"PASS" => {
                self.judging = true;
                notes.login(Login::password("pop3 pass", "PASS", &self.user, rest), at);
            }
            b"APOP" => {
                let mut words = rest.split(|byte| *byte == b' ');
                let (user, digest) = (words.next(), words.next());
                let login = Login::password(
                    "apop",
                    "APOP",
                    user.unwrap_or_default(),
                    digest.unwrap_or_default(),
                );
                self.judging = true;
                notes.login(login.crackable(), at);
            }
            b"AUTH" => {
                let (mechanism, response) = command(rest);
                self.judging = true;
                self.session.sasl.begin(&mechanism);
                self.session.sasl.response_base64(response, "AUTH", notes, at);
            }
            b"STAT" | b"LIST" | b"RETR" | b"DELE" | b"UIDL" | b"TOP" => {}
            _ => return Next::More,
        }
        if !std::mem::replace(&mut self.went, true) {
            self.session.go_on(notes, at);
        }
        notes.request(CallName::Rpc { service: b"", method: &word }, at);
        Next::More
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes, at: Moment) -> Next {
        if !self.went {
            notes.negotiation();
        }
        let ok = line.starts_with(b"+OK");
        let answers = ok || line.starts_with(b"-ERR");
        if line == b"STLS" {
            self.session.offer(notes, at);
        } else if answers && self.session.answer(ok) {
            return self.session.consent(ok, notes, at);
        } else if self.judging && answers {
            self.judging = false;
            self.session.sasl.end();
            notes.credential_judged(ok);
        }
        Next::More
    }
}
