//! Apache Pulsar's binary protocol (<https://pulsar.apache.org/docs/developing-binary-protocol/>).
//!
//! Takes both byte streams; gives commands by topic, logins, and the versions of both ends. Payloads are not looked at.

use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes, Said};
use super::super::protobuf;
use super::super::reader::Reader;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{CredentialKind, Direction, Moment};

/// Pulsar brokers and proxies.
pub(in crate::inspect) struct Pulsar;

impl Protocol for Pulsar {
    fn name(&self) -> ProtocolId {
        "pulsar"
    }

    fn class(&self) -> Class {
        Class::Broker
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        const JUDGED: usize = 11;
        let Some(bytes) = head.bytes.get(..JUDGED) else {
            return if may_begin(head.bytes) { Probe::Unsure } else { Probe::No };
        };
        let mut rest = Reader(bytes);
        let (total, command) = (rest.u32().unwrap_or(0), rest.u32().unwrap_or(0));
        let whole = (8..=LONGEST).contains(&total) && total.checked_sub(4) == Some(command);
        match (whole, rest.0, head.direction) {
            (true, [8, 2, 0x12], Direction::ToServer)
            | (true, [8, 3, 0x1a], Direction::ToClient) => Probe::Yes,
            (true, [8, 2, 0x12] | [8, 3, 0x1a], _) => Probe::Reversed,
            _ => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

/// Whether a command may begin with these bytes: the first of a connection is all there is of its frame.
fn may_begin(bytes: &[u8]) -> bool {
    let mut rest = Reader(bytes);
    match (rest.u32(), rest.u32()) {
        (Some(total), Some(command)) => {
            (8..=LONGEST).contains(&total)
                && total.checked_sub(4) == Some(command)
                && rest.0.first().is_none_or(|key| *key == 8)
        }
        (Some(total), None) => (8..=LONGEST).contains(&total),
        (None, _) => bytes.first().is_none_or(|byte| *byte <= 7),
    }
}

/// Bytes of a command with its payload that brokers accept, roughly.
const LONGEST: u32 = 128 << 20;

#[derive(Clone, Default)]
struct Conversation {
    anonymous: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        match Reader(bytes).u32() {
            None => Frame::Need,
            Some(total @ 4..=LONGEST) => Frame::Message(u64::from(total) + 4),
            Some(_) => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let mut rest = Reader(message.bytes);
        if let (Some(_), Some(command)) = (rest.u32(), rest.vec32()) {
            match message.direction {
                Direction::ToServer => self.client(command, notes, message.at),
                Direction::ToClient => self.server(command, notes, message.at),
            }
        }
        Next::More
    }

    fn lost(&mut self, _: Direction) {
        self.anonymous = false;
    }
}

impl Conversation {
    fn client(&mut self, command: &[u8], notes: &mut Notes, at: Moment) {
        let kind = protobuf::number(command, 1);
        let body = protobuf::whole_bytes(command, kind);
        // The command, where its topic is, and where its number.
        let (method, topic, number): (&[u8], &[u8], _) = match kind {
            2 => return self.connect(body, notes, at),
            4 => (b"SUBSCRIBE", protobuf::whole_bytes(body, 1), protobuf::sent_number(body, 5)),
            5 => (b"PRODUCER", protobuf::whole_bytes(body, 1), protobuf::sent_number(body, 3)),
            6 => (b"SEND", b"", None),
            21 => (b"PARTITIONED_METADATA", protobuf::whole_bytes(body, 1), None),
            23 => (b"LOOKUP", protobuf::whole_bytes(body, 1), None),
            _ => return,
        };
        let name = CallName::Rpc { service: topic, method };
        match number {
            Some(number) => notes.asked(number, name, at),
            None => drop(notes.request(name, at)),
        }
    }

    fn connect(&mut self, body: &[u8], notes: &mut Notes, at: Moment) {
        notes.program(b"pulsar-client", protobuf::whole_bytes(body, 1), Direction::ToServer);
        let (data, method) = (protobuf::whole_bytes(body, 3), protobuf::whole_bytes(body, 5));
        let role = protobuf::whole_bytes(body, 7);
        notes.caller(role, "pulsar original principal", at);
        self.anonymous = data.is_empty();
        let login = match method {
            b"basic" => {
                let colon = memchr::memchr(b':', data).unwrap_or(data.len());
                let (user, password) = data.split_at_checked(colon).unwrap_or_default();
                Login::password(
                    "pulsar basic",
                    "CONNECT",
                    user,
                    password.get(1..).unwrap_or_default(),
                )
            }
            b"token" if data.starts_with(b"eyJ") => {
                Login::password("pulsar token", "CONNECT", b"", data).token(CredentialKind::Jwt)
            }
            b"token" => {
                Login::password("pulsar token", "CONNECT", b"", data).token(CredentialKind::Token)
            }
            _ => return,
        };
        notes.login(login, at);
    }

    fn server(&mut self, command: &[u8], notes: &mut Notes, at: Moment) {
        let kind = protobuf::number(command, 1);
        let body = protobuf::whole_bytes(command, kind);
        let (said, number) = match kind {
            3 => {
                let version = protobuf::whole_bytes(body, 1);
                notes.program(
                    b"pulsar",
                    version.strip_prefix(b"Pulsar Server").unwrap_or(version),
                    Direction::ToClient,
                );
                notes.credential_judged(true);
                if self.anonymous {
                    notes.unauthenticated(at);
                }
                return;
            }
            13 | 17 => (Said::Success, protobuf::sent_number(body, 1)),
            14 => (Said::Failure, protobuf::sent_number(body, 1)),
            _ => return,
        };
        match number {
            Some(u64::MAX) | None => notes.credential_judged(said == Said::Success),
            Some(number) => notes.answered(number, said, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, server};

    /// By PulsarApi.proto.
    fn command(body: &[u8]) -> Vec<u8> {
        let n = u32::try_from(body.len()).unwrap();
        [&(n + 4).to_be_bytes(), n.to_be_bytes().as_slice(), body].concat()
    }

    #[test]
    fn a_token_and_topics_are_told() {
        let connect = b"\x08\x02\x12\x1b\x0a\x053.1.0\x1a\x09eyJ.eyJ.x\x2a\x05token\x20\x15";
        let producer = b"\x08\x05\x2a\x20\x0a\x1apersistent://acme/shop/orders\x10\x01\x18\x07";
        let producer = [&producer[..4], b"\x0a\x1d", &producer[6..]].concat();
        let producer = [&producer[..3], &[35], &producer[4..]].concat();
        let facts = facts(
            "pulsar",
            &[
                client(command(connect)),
                server(command(b"\x08\x03\x1a\x0a\x0a\x083.1.0-xx")),
                client(command(&producer)),
                server(command(b"\x08\x11\x8a\x01\x02\x08\x07")),
            ],
        );
        let readable = facts.readable.unwrap();
        assert_eq!(readable.credentials[0].mechanism, "pulsar token");
        let calls = facts.calls.unwrap().calls;
        assert_eq!((&*calls[0].service, calls[0].succeeded), ("persistent://acme/shop/orders", 1));
    }
}
