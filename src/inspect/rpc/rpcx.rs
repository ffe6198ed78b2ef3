//! rpcx (<https://doc.rpcx.io/part5/protocol.html>).
//!
//! Takes both byte streams; gives service, method and outcome of calls, and the token of the metadata. What is called is
//! not looked at.

use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::{Known, agrees, is_name, secrets};
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field, limits};

/// rpcx over TCP, also behind `CONNECT /_rpcx_`.
pub(in crate::inspect) struct Rpcx;

impl Protocol for Rpcx {
    fn name(&self) -> ProtocolId {
        "rpcx"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match unit(head.bytes) {
            Known::Yes(unit) if unit.is_response() => head.sent_by(Direction::ToClient),
            Known::Yes(_) => head.sent_by(Direction::ToServer),
            Known::Later => Probe::Unsure,
            Known::No => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Frames>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// Magic number and the only version.
const MAGIC: [u8; 2] = [0x08, 0x00];
/// Before the four texts: these two, flags, serialisation, number, length.
const FIXED: u32 = 16;
const LARGEST: u32 = 1 << 28;
const LONGEST_NAME: u32 = 512;

/// One message.
struct Unit<'a> {
    flags: u8,
    number: u64,
    length: u32,
    service: &'a [u8],
    method: &'a [u8],
    /// At the metadata.
    rest: Reader<'a>,
}

impl Unit<'_> {
    fn is_response(&self) -> bool {
        self.flags & 0x80 != 0
    }

    fn is_heartbeat(&self) -> bool {
        self.flags & 0x40 != 0
    }

    fn is_one_way(&self) -> bool {
        self.flags & 0x20 != 0
    }

    fn is_error(&self) -> bool {
        self.flags & 0x03 == 1
    }
}

fn unit(bytes: &[u8]) -> Known<Unit<'_>> {
    let fits = |place: usize, fits: fn(u8) -> bool| bytes.get(place).is_none_or(|byte| fits(*byte));
    let status = |flags: u8| flags & 0x03 <= 1 && (flags >> 2) & 0x07 <= 2;
    // Also the serialisation's lower half is unused.
    if !agrees(bytes, &MAGIC)
        || !fits(2, status)
        || !fits(3, |byte| byte & 0x0f == 0 && byte <= 0x40)
    {
        return Known::No;
    }
    let mut reader = Reader::at(bytes, 2);
    let read = (|| Some((reader.u8()?, reader.u8()?, reader.u64()?, reader.u32()?)))();
    let Some((flags, _, number, length)) = read else { return Known::Later };
    if !(FIXED..=LARGEST).contains(&length) {
        return Known::No;
    }
    let mut left = length.saturating_sub(FIXED);
    let mut name = || match reader.u32() {
        None => Known::Later,
        Some(length) if length > left.min(LONGEST_NAME) => Known::No,
        Some(length) => {
            left = left.saturating_sub(length);
            match reader.take_long(u64::from(length)) {
                Some(name) if is_name(name) => Known::Yes(name),
                Some(_) => Known::No,
                None if is_name(reader.0) => Known::Later,
                None => Known::No,
            }
        }
    };
    let (service, method) = match name() {
        Known::Yes(service) => match name() {
            Known::Yes(method) => (service, method),
            Known::Later => return Known::Later,
            Known::No => return Known::No,
        },
        Known::Later => return Known::Later,
        Known::No => return Known::No,
    };
    let heartbeat = flags & 0x40 != 0;
    if !heartbeat && (service.is_empty() || method.is_empty()) {
        return Known::No;
    }
    Known::Yes(Unit { flags, number, length, service, method, rest: reader })
}

/// The grammar of rpcx.
#[derive(Clone, Default)]
struct Frames;

impl Grammar for Frames {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        const BEFORE_THE_LENGTH_ENDS: u64 = 16;
        match unit(bytes) {
            Known::Yes(unit) => {
                Frame::Message(u64::from(unit.length).saturating_add(BEFORE_THE_LENGTH_ENDS))
            }
            Known::Later => Frame::Need,
            Known::No => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if let Known::Yes(unit) = unit(message.bytes) {
            match message.direction {
                _ if unit.is_heartbeat() => {}
                Direction::ToServer if !unit.is_response() => request(&unit, message, notes),
                Direction::ToClient if unit.is_response() => {
                    let said = if unit.is_error() { Said::Failure } else { Said::Success };
                    notes.answered(unit.number, said, message.at);
                }
                _ => {}
            }
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        let sender = |unit: &Unit<'_>| match unit.is_response() {
            true => Direction::ToClient,
            false => Direction::ToServer,
        };
        matches!(unit(bytes), Known::Yes(unit) if !unit.is_heartbeat() && sender(&unit) == direction)
    }
}

fn request(unit: &Unit<'_>, message: &Message<'_>, notes: &mut Notes) {
    let name = CallName::Rpc { service: unit.service, method: unit.method };
    if unit.is_one_way() {
        notes.request(name, message.at);
    } else {
        notes.asked(unit.number, name, message.at);
    }
    let mut rest = unit.rest;
    let Some(metadata) = rest.vec32() else { return };
    let mut metadata = Reader(metadata);
    for _ in 0..limits::HTTP_FIELDS {
        let (Some(key), Some(value)) = (metadata.vec32(), metadata.vec32()) else { return };
        if secrets::is_secret_key(key) {
            let place = secrets::Place {
                mechanism: "rpcx auth",
                place: &secrets::place("metadata", key),
                direction: message.direction,
                at: message.at,
            };
            secrets::token(notes, &place, None, value);
        }
    }
}
