//! The CQL binary protocol, versions 3 to 5 (<https://cassandra.apache.org/doc/latest/cassandra/reference/native-protocol.html>).
//!
//! Takes both byte streams; gives the verbs of statements and whether they succeeded, the login, and the driver. Statements
//! and rows are not looked at. Version 5 puts messages into segments once the session is agreed on; compressed ones end
//! the reading.

use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes, Said};
use super::super::reader::Reader;
use super::super::sasl;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::sql;
use crate::model::{Direction, Moment};

/// Cassandra, ScyllaDB, YugabyteDB's YCQL.
pub(in crate::inspect) struct Cassandra;

impl Protocol for Cassandra {
    fn name(&self) -> ProtocolId {
        "cassandra"
    }

    fn class(&self) -> Class {
        Class::Datastore
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match opening(head.bytes) {
            Some(true) => head.sent_by(Direction::ToServer),
            Some(false) => Probe::No,
            None => Probe::Unsure,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

const HEADER: usize = 9;
const STARTUP: u8 = 1;
const OPTIONS: u8 = 5;

/// Whether one of the two messages begins here that open a connection.
fn opening(bytes: &[u8]) -> Option<bool> {
    let startup = bytes.get(4) == Some(&STARTUP);
    let fits = |(place, byte): (usize, &u8)| match place {
        0 => matches!(byte, 3..=5),
        1 => *byte & 0xe0 == 0,
        2 => *byte < 0x80,
        3 => true,
        4 => matches!(*byte, STARTUP | OPTIONS),
        5 | 6 | 9 | 11 => *byte == 0,
        7 => *byte == 0 || startup && *byte <= 2,
        8 => startup || *byte == 0,
        10 => (1..=16).contains(byte),
        12 => (4..=32).contains(byte),
        13 => byte.is_ascii_uppercase(),
        _ => byte.is_ascii_uppercase() || *byte == b'_',
    };
    let judged = if startup { 16 } else { HEADER };
    let all = bytes.iter().take(judged).enumerate().all(fits);
    if all && bytes.len() < judged { None } else { Some(all) }
}

#[derive(Clone, Default)]
struct Conversation {
    version: u8,
    /// Whether each direction is in segments by now.
    client_segments: bool,
    server_segments: bool,
    logged_in: bool,
    missing: bool,
    compressing: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        let segments = match direction {
            Direction::ToServer => self.client_segments,
            Direction::ToClient => self.server_segments,
        };
        if segments {
            return match bytes.first_chunk::<6>() {
                Some([a, b, c, ..]) => {
                    let length = u32::from_le_bytes([*a, *b, *c, 0]) & 0x1_ffff;
                    Frame::Message(u64::from(length) + 10)
                }
                None => Frame::Need,
            };
        }
        let mut rest = Reader(bytes);
        let wanted = if direction == Direction::ToServer { 3..=5 } else { 0x83..=0x85 };
        match rest.u8() {
            Some(version) if !wanted.contains(&version) => return Frame::Foreign,
            _ => {}
        }
        match rest.skip(4).and_then(|()| rest.u32()) {
            None => Frame::Need,
            Some(length @ 0..=0x1000_0000) => Frame::Message(u64::from(length) + HEADER as u64),
            Some(_) => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let segments = match message.direction {
            Direction::ToServer => self.client_segments,
            Direction::ToClient => self.server_segments,
        };
        if !segments {
            let _told = self.envelope(message.bytes, message.direction, notes, message.at);
            // What follows is in segments of another kind.
            let unreadable = self.compressing && (self.client_segments || self.server_segments);
            return if unreadable { Next::Done } else { Next::More };
        }
        // Only a segment that stands for itself begins where a message does.
        let itself = message.bytes.get(2).is_some_and(|byte| byte & 2 != 0);
        let mut rest = Reader(message.bytes.get(6..).unwrap_or_default());
        while itself && rest.0.len() > HEADER {
            let length = rest.0.get(5..HEADER).and_then(|length| Reader(length).u32());
            let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
            let whole = rest.0.len().min(length.saturating_add(HEADER));
            let Some(envelope) = rest.take(whole) else { break };
            if envelope.first().is_none_or(|version| version & 0x7f != 5) {
                break;
            }
            let _told = self.envelope(envelope, message.direction, notes, message.at);
        }
        Next::More
    }

    fn lost(&mut self, _: Direction) {
        self.missing = true;
    }
}

impl Conversation {
    fn envelope(
        &mut self,
        bytes: &[u8],
        direction: Direction,
        notes: &mut Notes,
        at: Moment,
    ) -> Option<()> {
        let mut rest = Reader(bytes);
        self.version = rest.u8()? & 0x7f;
        let flags = rest.u8()?;
        let (stream, code) = (rest.u16()?, rest.u8()?);
        rest.skip(4)?;
        let body = if flags & 1 != 0 { Reader(b"") } else { rest };
        match direction {
            Direction::ToServer => self.request(stream, code, body, (notes, at)),
            Direction::ToClient => self.response(stream, code, body, (notes, at)),
        }
    }

    fn request(
        &mut self,
        stream: u16,
        code: u8,
        mut rest: Reader<'_>,
        (notes, at): (&mut Notes, Moment),
    ) -> Option<()> {
        let method: &[u8] = match code {
            STARTUP => {
                self.client_segments = self.version == 5;
                return self.startup(rest, notes, at);
            }
            0x0f => {
                self.logged_in = true;
                let (user, password) = sasl::plain(rest.vec32()?)?;
                let login = Login::password("sasl plain", "AUTH_RESPONSE", user, password);
                notes.login(login.shipped_as(b"cassandra", b"cassandra"), at);
                return Some(());
            }
            0x07 => sql::verb(rest.vec32().unwrap_or(rest.0)),
            0x09 => b"PREPARE",
            0x0a => b"EXECUTE",
            0x0b => b"REGISTER",
            0x0d => b"BATCH",
            _ => return None,
        };
        notes.asked(stream.into(), CallName::Rpc { service: b"", method }, at);
        Some(())
    }

    fn startup(&mut self, mut rest: Reader<'_>, notes: &mut Notes, at: Moment) -> Option<()> {
        let (mut name, mut version): (&[u8], &[u8]) = (b"", b"");
        for _ in 0..rest.u16()? {
            let (Some(key), Some(value)) = (rest.vec16(), rest.vec16()) else { break };
            match key {
                b"DRIVER_NAME" => name = value,
                b"DRIVER_VERSION" => version = value,
                b"APPLICATION_NAME" => notes.caller(value, "cassandra application name", at),
                b"COMPRESSION" => self.compressing = true,
                _ => {}
            }
        }
        notes.program(name, version, Direction::ToServer);
        Some(())
    }

    fn response(
        &mut self,
        stream: u16,
        code: u8,
        _: Reader<'_>,
        (notes, at): (&mut Notes, Moment),
    ) -> Option<()> {
        match code {
            0x00 => {
                if self.logged_in {
                    notes.credential_judged(false);
                }
                notes.answered(stream.into(), Said::Failure, at);
            }
            0x02 | 0x03 => {
                self.server_segments = self.version == 5;
                if code == 2 && !self.logged_in && !self.missing {
                    notes.unauthenticated(at);
                }
            }
            0x10 => notes.credential_judged(true),
            0x08 => notes.answered(stream.into(), Said::Success, at),
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, server};

    fn message(version: u8, stream: u8, code: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[version, 0, 0, stream, code], length.as_slice(), body].concat()
    }

    fn segment(payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap() | 0x2_0000;
        [&length.to_le_bytes()[..3], &[0; 3], payload, &[0; 4]].concat()
    }

    const STARTUP: &[u8] = b"\0\x02\0\x0bCQL_VERSION\0\x053.0.0\0\x0bDRIVER_NAME\0\x03drv";

    #[test]
    fn the_shipped_login_and_verbs_are_told() {
        let facts = facts(
            "cassandra",
            &[
                client(message(4, 0, 5, b"")),
                server(message(0x84, 0, 6, b"\0\0")),
                client(message(4, 1, 1, STARTUP)),
                server(message(0x84, 1, 3, b"\0\x01x")),
                client(message(4, 1, 15, b"\0\0\0\x14\0cassandra\0cassandra")),
                server(message(0x84, 1, 16, b"")),
                client(message(4, 2, 7, b"\0\0\0\x0dSELECT secret\0\x01\0")),
                server(message(0x84, 2, 8, b"\0\0\0\x01")),
            ],
        );
        let readable = facts.readable.unwrap();
        assert!(readable.credentials[0].default);
        assert_eq!(readable.credentials[0].accepted, Some(true));
        let call = &facts.calls.unwrap().calls[0];
        assert_eq!((&*call.method, call.succeeded), ("SELECT", 1));
    }

    #[test]
    fn version_5_speaks_in_segments() {
        let facts = facts(
            "cassandra",
            &[
                client(message(5, 0, 1, STARTUP)),
                server(message(0x85, 0, 2, b"")),
                client(segment(&message(5, 1, 7, b"\0\0\0\x08INSERT x\0\x01\0\0\0\0"))),
                server(segment(&message(0x85, 1, 0, b"\0\0\0\0\0\0"))),
            ],
        );
        let call = &facts.calls.unwrap().calls[0];
        assert_eq!((&*call.method, call.failed), ("INSERT", 1));
    }
}
