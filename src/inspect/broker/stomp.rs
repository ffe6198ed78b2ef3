//! STOMP 1.0 to 1.2 (<https://stomp.github.io/stomp-specification-1.2.html>).
//!
//! Takes both byte streams; gives the login, the broker's name and version, and destinations. Bodies are not looked at.

use super::super::calls::{CallName, named_parts};
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment, limits};

/// Brokers that speak STOMP: ActiveMQ, Artemis, RabbitMQ.
pub(in crate::inspect) struct Stomp;

impl Protocol for Stomp {
    fn name(&self) -> ProtocolId {
        "stomp"
    }

    fn class(&self) -> Class {
        Class::Broker
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        const CLIENT: [&[u8]; 2] = [b"CONNECT", b"STOMP"];
        let own = match first_line(head.bytes) {
            Line::Word(word) if CLIENT.contains(&word) => Direction::ToServer,
            Line::Word(b"CONNECTED") => Direction::ToClient,
            Line::Word(_) => return Probe::No,
            Line::Unfinished(begin) => {
                let may_be = CLIENT.iter().any(|known| known.starts_with(begin));
                return if may_be || b"CONNECTED".starts_with(begin) {
                    Probe::Unsure
                } else {
                    Probe::No
                };
            }
        };
        head.sent_by(own)
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

enum Line<'a> {
    Word(&'a [u8]),
    Unfinished(&'a [u8]),
}

/// The word on the first line, if the line has nothing else and a header or the end of headers is behind it.
fn first_line(bytes: &[u8]) -> Line<'_> {
    let letters = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let (word, rest) = bytes.split_at_checked(letters).unwrap_or_default();
    let unfinished = rest.is_empty() || rest == b"\r" || rest == b"\n" || rest == b"\r\n";
    let behind = rest.strip_prefix(b"\r").unwrap_or(rest).strip_prefix(b"\n");
    match behind.and_then(<[u8]>::first) {
        Some(byte) if byte.is_ascii_alphanumeric() || b"-_\r\n".contains(byte) => Line::Word(word),
        None if unfinished => Line::Unfinished(word),
        _ => Line::Word(b""),
    }
}

#[derive(Clone, Default)]
struct Conversation {
    anonymous: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        match bytes.first() {
            // Line ends between frames keep the connection alive.
            Some(b'\n' | b'\r' | 0) => return Frame::Message(1),
            Some(byte) if !byte.is_ascii_uppercase() => return Frame::Foreign,
            _ => {}
        }
        let kept = bytes.get(..limits::MESSAGE_BYTES).unwrap_or(bytes);
        let Some(head) = head(kept) else { return Frame::Need };
        let length = header(kept, b"content-length");
        let length =
            length.and_then(|length| std::str::from_utf8(length).ok()?.parse::<u32>().ok());
        if let Some(length) = length {
            return Frame::Message(head as u64 + u64::from(length) + 1);
        }
        match bytes.get(head..).and_then(|body| memchr::memchr(0, body)) {
            Some(end) => Frame::Message(head as u64 + end as u64 + 1),
            None => Frame::Need,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if message.bytes.len() <= 1 {
            notes.negotiation();
            return Next::More;
        }
        let lines = message.bytes.split(|byte| *byte == b'\n');
        let command = lines.map(<[u8]>::trim_ascii).next().unwrap_or_default();
        match message.direction {
            Direction::ToServer => self.client(command, message, notes),
            Direction::ToClient => self.server(command, message, notes),
        }
        Next::More
    }

    fn lost(&mut self, _: Direction) {
        self.anonymous = false;
    }
}

impl Conversation {
    fn client(&mut self, command: &[u8], message: &Message<'_>, notes: &mut Notes) {
        let value = |name| header(message.bytes, name).unwrap_or_default();
        match command {
            b"CONNECT" | b"STOMP" => {
                let (login, passcode) = (value(b"login"), value(b"passcode"));
                self.anonymous = login.is_empty() && passcode.is_empty();
                let login = Login::password("stomp connect", "passcode", login, passcode);
                let login = login.shipped_as(b"guest", b"guest").shipped_as(b"admin", b"admin");
                notes.login(login, message.at);
                notes.caller(value(b"client-id"), "stomp client-id", message.at);
            }
            b"SEND" | b"SUBSCRIBE" => {
                let service = named_parts(value(b"destination"), b'/');
                let name = CallName::Rpc { service: &service, method: command };
                notes.request(name, message.at);
            }
            _ => {}
        }
    }

    fn server(&mut self, command: &[u8], message: &Message<'_>, notes: &mut Notes) {
        match command {
            b"CONNECTED" => {
                if let Some(server) = header(message.bytes, b"server") {
                    let mut parts = server.splitn(2, |byte| *byte == b'/');
                    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
                    let version = parts.next().unwrap_or_default();
                    notes.program(&name, version, Direction::ToClient);
                }
                self.welcome(notes, message.at);
            }
            b"ERROR" => notes.credential_judged(false),
            _ => {}
        }
    }

    fn welcome(&mut self, notes: &mut Notes, at: Moment) {
        notes.credential_judged(true);
        if self.anonymous {
            notes.unauthenticated(at);
        }
    }
}

/// Where the body begins: behind the first empty line.
fn head(bytes: &[u8]) -> Option<usize> {
    let unix = memchr::memmem::find(bytes, b"\n\n").map(|end| end.saturating_add(2));
    let windows = memchr::memmem::find(bytes, b"\n\r\n").map(|end| end.saturating_add(3));
    match (unix, windows) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The value of the first header with this name.
fn header<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let lines = bytes.split(|byte| *byte == b'\n').skip(1).map(<[u8]>::trim_ascii_end);
    let mut headers = lines.take_while(|line| !line.is_empty());
    headers.find_map(|line| line.strip_prefix(name)?.strip_prefix(b":"))
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, server};

    #[test]
    fn a_login_and_destinations_are_told() {
        let facts = facts(
            "stomp",
            &[
                client("CONNECT\naccept-version:1.2\nhost:h\nlogin:guest\npasscode:guest\n\n\0\n"),
                server("CONNECTED\nversion:1.2\nserver:ActiveMQ/6.0.1\n\n\0\n"),
                client(b"SEND\ndestination:/queue/orders\ncontent-length:3\n\na\0b\0\n"),
                client("SUBSCRIBE\r\nid:0\r\ndestination:/topic/prices\r\n\r\n\0"),
            ],
        );
        let readable = facts.readable.unwrap();
        let credential = &readable.credentials[0];
        assert_eq!((credential.default, credential.accepted), (true, Some(true)));
        assert_eq!(
            (&*readable.programs[0].name, &*readable.programs[0].version),
            ("activemq", "6.0.1")
        );
        let calls = facts.calls.unwrap().calls;
        let told: Vec<_> = calls.iter().map(|c| (&*c.service, &*c.method)).collect();
        assert_eq!(told, [("/queue/orders", "SEND"), ("/topic/prices", "SUBSCRIBE")]);
    }
}
