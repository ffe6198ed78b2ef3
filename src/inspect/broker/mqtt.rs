//! MQTT 3.1, 3.1.1 and 5 (<https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html>).
//!
//! Takes both byte streams; gives the login, the client's name for itself, topics that are published and subscribed to,
//! and whether the broker took them. Payloads are not looked at.

use super::super::calls::{CallName, named_parts};
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes, Said};
use super::super::reader::Reader;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment};

/// MQTT brokers.
pub(in crate::inspect) struct Mqtt;

impl Protocol for Mqtt {
    fn name(&self) -> ProtocolId {
        "mqtt"
    }

    fn class(&self) -> Class {
        Class::Broker
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match connect(head.bytes) {
            Some(true) => head.sent_by(Direction::ToServer),
            None => Probe::Unsure,
            Some(false) if head.from_start => Probe::No,
            Some(false) => match behind_pings(head.bytes) {
                [] => Probe::Unsure,
                rest if subscription(rest) => head.sent_by(Direction::ToServer),
                // Both sides publish.
                rest if publication(rest) => Probe::Yes,
                _ => Probe::No,
            },
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

/// Whether a CONNECT packet begins here.
fn connect(bytes: &[u8]) -> Option<bool> {
    const BEGINNINGS: [&[u8]; 5] = [
        b"\0\x04MQTT\x03",
        b"\0\x04MQTT\x04",
        b"\0\x04MQTT\x05",
        b"\0\x06MQIsdp\x03",
        b"\0\x06MQIsdp\x83",
    ];
    let Some((0x10, rest)) = bytes.split_first() else { return bytes.first().map(|_| false) };
    let digits = rest.iter().take_while(|byte| **byte & 0x80 != 0).count();
    if digits > 3 {
        return Some(false);
    }
    let text = rest.get(digits.saturating_add(1)..)?;
    if BEGINNINGS.iter().any(|known| text.starts_with(known)) {
        return Some(true);
    }
    if BEGINNINGS.iter().any(|known| known.starts_with(text)) { None } else { Some(false) }
}

/// What is behind packets that only ask or say whether somebody is there.
fn behind_pings(mut bytes: &[u8]) -> &[u8] {
    while let [0xc0 | 0xd0, 0, rest @ ..] = bytes {
        bytes = rest;
    }
    if matches!(bytes, [0xc0 | 0xd0]) { &[] } else { bytes }
}

/// Whether a client subscribes here, or ends that: a packet that is all there and holds nothing but topics.
fn subscription(bytes: &[u8]) -> bool {
    let topics = |mut rest: Reader<'_>, version_5: bool, unsubscribe: bool| {
        rest.u16().filter(|number| *number > 0)?;
        if version_5 {
            let properties = variable(&mut rest)?;
            rest.skip(usize::try_from(properties).ok()?)?;
        }
        while !rest.is_empty() {
            rest.vec16().filter(|topic| is_topic(topic))?;
            if !unsubscribe {
                rest.u8().filter(|options| options & 0xc0 == 0 && options & 3 < 3)?;
            }
        }
        Some(())
    };
    let mut rest = Reader(bytes);
    let (Some(kind @ (0x82 | 0xa2)), Some(length @ 7..)) = (rest.u8(), variable(&mut rest)) else {
        return false;
    };
    let packet = usize::try_from(length).ok().and_then(|length| rest.take(length));
    packet.is_some_and(|packet| {
        [false, true].iter().any(|five| topics(Reader(packet), *five, kind == 0xa2).is_some())
    })
}

/// Whether something is published here on a topic that is plain text.
fn publication(bytes: &[u8]) -> bool {
    let mut rest = Reader(bytes);
    let (Some(0x30..=0x35 | 0x38..=0x3d), Some(length)) = (rest.u8(), variable(&mut rest)) else {
        return false;
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.:$".contains(byte);
    rest.vec16().is_some_and(|topic| {
        (4..=length.saturating_sub(2) as usize).contains(&topic.len()) && topic.iter().all(plain)
    })
}

fn is_topic(topic: &[u8]) -> bool {
    let known = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    topic.len() > 1 && topic.iter().all(known)
}

/// A number in base 128, least significant digit first, at most four of them.
fn variable(rest: &mut Reader<'_>) -> Option<u32> {
    let mut number = 0;
    for digit in 0..4 {
        let byte = rest.u8()?;
        number |= u32::from(byte & 0x7f) << (7 * digit);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

const VERSION_5: u8 = 5;

#[derive(Clone, Default)]
struct Conversation {
    version: u8,
    anonymous: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        let mut rest = Reader(bytes);
        match rest.u8() {
            Some(0..=0x0f) => return Frame::Foreign,
            None => return Frame::Need,
            Some(_) => {}
        }
        match variable(&mut rest) {
            Some(length) => {
                let header = bytes.len().saturating_sub(rest.0.len());
                Frame::Message(header as u64 + u64::from(length))
            }
            None => Frame::Need,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let mut rest = Reader(message.bytes);
        if let (Some(kind), Some(_)) = (rest.u8(), variable(&mut rest)) {
            let _told = match message.direction {
                Direction::ToServer => self.client(kind, rest, notes, message.at),
                Direction::ToClient => self.server(kind, rest, notes, message.at),
            };
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        let rest = behind_pings(bytes);
        direction == Direction::ToServer && subscription(rest) || publication(rest)
    }

    fn lost(&mut self, _: Direction) {
        self.anonymous = false;
    }
}

impl Conversation {
    fn client(
        &mut self,
        kind: u8,
        mut rest: Reader<'_>,
        notes: &mut Notes,
        at: Moment,
    ) -> Option<()> {
        let (method, topic, number): (&[u8], _, _) = match kind >> 4 {
            1 => return self.connect(rest, notes, at),
            3 => {
                let topic = rest.vec16()?;
                (b"PUBLISH", topic, if kind & 6 == 0 { None } else { rest.u16() })
            }
            // Where the topic is depends on the version, which CONNECT said.
            8 | 10 if self.version == 0 => {
                notes.asked(rest.u16()?.into(), CallName::Unknown, at);
                return Some(());
            }
            8 | 10 => {
                let number = rest.u16();
                self.properties(&mut rest)?;
                let method: &[u8] = if kind >> 4 == 8 { b"SUBSCRIBE" } else { b"UNSUBSCRIBE" };
                (method, rest.vec16()?, number)
            }
            _ => return None,
        };
        let service = named_parts(topic, b'/');
        let name = CallName::Rpc { service: &service, method };
        match number {
            Some(number) => notes.asked(number.into(), name, at),
            None => drop(notes.request(name, at)),
        }
        Some(())
    }

    fn connect(&mut self, mut rest: Reader<'_>, notes: &mut Notes, at: Moment) -> Option<()> {
        rest.vec16()?;
        self.version = rest.u8()?;
        let flags = rest.u8()?;
        self.anonymous = flags & 0xc0 == 0;
        rest.skip(2)?;
        self.properties(&mut rest)?;
        notes.caller(rest.vec16()?, "mqtt client id", at);
        if flags & 0x04 != 0 {
            self.properties(&mut rest)?;
            rest.vec16()?;
            rest.vec16()?;
        }
        let user = if flags & 0x80 != 0 { rest.vec16()? } else { b"" };
        if flags & 0x40 != 0 {
            let login = Login::password("mqtt password", "CONNECT", user, rest.vec16()?);
            notes.login(login.shipped_as(b"admin", b"public").shipped_as(b"guest", b"guest"), at);
        }
        Some(())
    }

    fn properties(&self, rest: &mut Reader<'_>) -> Option<()> {
        if self.version != VERSION_5 {
            return Some(());
        }
        let length = variable(rest)?;
        rest.skip(usize::try_from(length).ok()?)
    }

    fn server(
        &mut self,
        kind: u8,
        mut rest: Reader<'_>,
        notes: &mut Notes,
        at: Moment,
    ) -> Option<()> {
        match kind >> 4 {
            2 => {
                rest.skip(1)?;
                let code = rest.u8()?;
                notes.credential_judged(code == 0);
                if code == 0 && self.anonymous {
                    notes.unauthenticated(at);
                }
            }
            // PUBACK, PUBREC, SUBACK, UNSUBACK.
            4 | 5 | 9 | 11 => {
                let number = rest.u16()?;
                if matches!(kind >> 4, 9 | 11) {
                    self.properties(&mut rest)?;
                }
                let failed = rest.u8().is_some_and(|code| code & 0x80 != 0);
                let said = if failed { Said::Failure } else { Said::Success };
                notes.answered(number.into(), said, at);
            }
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, server};
    use super::*;
    use crate::inspect::protocol;

    /// By MQTT 3.1.1, section 3.1.
    const CONNECT: &[u8] = b"\x10\x22\0\x04MQTT\x04\xc2\0\x3c\0\x07meter-7\0\x03dev\0\x08pw123456";

    #[test]
    fn a_login_a_client_and_topics_are_told() {
        let facts = facts(
            "mqtt",
            &[
                client(CONNECT),
                server(b"\x20\x02\0\0"),
                client(b"\x82\x0a\0\x01\0\x05a/b/#\0"),
                server(b"\x90\x03\0\x01\x80"),
                client(b"\x32\x0f\0\x0asite/17/on\0\x02x"),
                server(b"\x40\x02\0\x02"),
                client(b"\x30\x04\0\x01tx"),
            ],
        );
        let readable = facts.readable.unwrap();
        let credential = &readable.credentials[0];
        assert_eq!(
            (credential.principal.as_deref(), credential.accepted),
            (Some("dev"), Some(true))
        );
        assert_eq!(readable.callers[0].name, "meter-7");
        let calls = facts.calls.unwrap().calls;
        let told: Vec<_> =
            calls.iter().map(|c| (&*c.service, &*c.method, c.succeeded, c.failed)).collect();
        let wanted =
            [("a/b/#", "SUBSCRIBE", 0, 1), ("site/*/on", "PUBLISH", 1, 0), ("t", "PUBLISH", 0, 0)];
        assert_eq!(told, wanted);
    }

    #[test]
    fn the_password_of_version_5_is_behind_properties_and_a_will() {
        let connect = b"\x10\x28\0\x04MQTT\x05\xc4\0\0\x05\x11\0\0\0\x0a\0\x01c\0\0\x01w\0\x01p\0\x05guest\0\x05guest";
        let facts = facts("mqtt", &[client(connect), server(b"\x20\x03\0\x86\0")]);
        let credential = facts.readable.unwrap().credentials.remove(0);
        assert!(credential.default);
        assert_eq!(credential.accepted, Some(false));
    }

    #[test]
    fn the_beginning_is_unmistakable() {
        let probe = |bytes: &[u8]| {
            let head = Head { direction: Direction::ToServer, bytes, from_start: true };
            protocol("mqtt").unwrap().probe(&head)
        };
        assert_eq!(probe(CONNECT), Probe::Yes);
        assert_eq!(probe(&CONNECT[..6]), Probe::Unsure);
        assert_eq!(probe(b"\x10\xff\xff\xff\xff\x01"), Probe::No);
        assert_eq!(probe(b"\x10\x0c\0\x04HTTP\x04"), Probe::No);
    }
}
