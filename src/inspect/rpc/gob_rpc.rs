//! Go's `net/rpc` with its own encoding, gob (<https://pkg.go.dev/encoding/gob>, <https://pkg.go.dev/net/rpc>).
//!
//! Takes both byte streams; gives service, method and outcome of calls. Both sides first describe the head of their
//! messages; by the number it is given there a head is told from arguments and results, which are passed over. So
//! nothing can be read behind a hole.

use super::super::calls;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::{is_name, split_name};
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field, PerDirection};

/// `net/rpc`, also behind `CONNECT /_goRPC_`.
pub(in crate::inspect) struct GobRpc;

impl Protocol for GobRpc {
    fn name(&self) -> ProtocolId {
        "gob-rpc"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let says = |text| begins_with(head.bytes, text);
        match (says(b"\x07Request"), says(b"\x08Response")) {
            (Some(true), _) => head.sent_by(Direction::ToServer),
            (_, Some(true)) => head.sent_by(Direction::ToClient),
            (Some(false), Some(false)) => Probe::No,
            _ => Probe::Unsure,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Gob>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// Whether a message begins here that describes a struct of this name whose first field is `ServiceMethod`; nothing
/// while bytes are missing.
fn begins_with(bytes: &[u8], name: &[u8]) -> Option<bool> {
    const FIRST_FIELD: &[u8] = b"\x0dServiceMethod";
    // A length below 128, then a negative number: of one byte, or, above, of one behind its own length.
    let fits = |place: usize, fits: fn(u8) -> bool| bytes.get(place).is_none_or(|byte| fits(*byte));
    let long = bytes.get(1).is_some_and(|byte| *byte == 0xff);
    let number = if long { 2 } else { 1 };
    let start = fits(0, |length| (0x20..0x80).contains(&length))
        && fits(number, |byte| byte & 1 == 1)
        && (long || fits(1, |byte| byte < 0x80));
    let rest = bytes.get(number + 1..).unwrap_or_default();
    let expected = [&[3, 1, 1], name, &[1, 0xff]].concat();
    if !start || !super::agrees(rest, &expected) {
        return Some(false);
    }
    let behind = rest.get(expected.len()..)?;
    // The struct's own number, the number of its fields.
    const BETWEEN: usize = 6;
    let fields = behind.get(..BETWEEN + FIRST_FIELD.len()).unwrap_or(behind);
    if memchr::memmem::find(fields, FIRST_FIELD).is_some() {
        return Some(true);
    }
    if fields.len() < BETWEEN + FIRST_FIELD.len() { None } else { Some(false) }
}

/// The grammar of gob, as far as `net/rpc` needs it.
#[derive(Clone, Default)]
struct Gob {
    /// The number of the type of heads.
    heads: PerDirection<Option<i64>>,
}

/// An unsigned number: itself below 128, else as many big-endian bytes as the first one, negated, says.
fn number(reader: &mut Reader<'_>) -> Option<u64> {
    let first = reader.u8()?;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let count = usize::from(first.wrapping_neg());
    if count > 8 {
        return None;
    }
    let bytes = reader.take(count)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// A signed number: its lowest bit says that the others are to be negated.
fn signed(reader: &mut Reader<'_>) -> Option<i64> {
    let number = number(reader)?;
    let half = i64::try_from(number >> 1).ok()?;
    Some(if number & 1 == 1 { !half } else { half })
}

impl Grammar for Gob {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        const LONGEST_LENGTH: usize = 9;
        let mut reader = Reader(bytes);
        match number(&mut reader) {
            Some(length @ 1..) => {
                let before = bytes.len().saturating_sub(reader.0.len());
                Frame::Message(length.saturating_add(before as u64))
            }
            None if bytes.len() < LONGEST_LENGTH && !matches!(bytes.first(), Some(0x80..0xf8)) => {
                Frame::Need
            }
            Some(0) | None => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let mut reader = Reader(message.bytes);
        let (_, Some(kind)) = (number(&mut reader), signed(&mut reader)) else { return Next::More };
        let heads = &mut self.heads[message.direction];
        if kind < 0 {
            let described = memchr::memmem::find(message.bytes, b"\x0dServiceMethod").is_some();
            if described && heads.is_none() {
                *heads = kind.checked_neg();
            }
        } else if *heads == Some(kind) {
            head(reader, message, notes);
        }
        Next::More
    }
}

/// Reads a head: method, number, and of an answer the error. Fields that are empty are left out; before each stands how
/// many places it is behind the one before it.
fn head(mut reader: Reader<'_>, message: &Message<'_>, notes: &mut Notes) {
    let (mut method, mut sequence, mut failed) = (&b""[..], 0, false);
    let mut field: u64 = 0;
    while let Some(step @ 1..) = number(&mut reader) {
        field = field.saturating_add(step);
        let read = match field {
            1 | 3 => number(&mut reader).and_then(|length| reader.take_long(length)).map(|text| {
                failed |= field == 3;
                if field == 1 {
                    method = text;
                }
            }),
            2 => number(&mut reader).map(|number| sequence = number),
            _ => None,
        };
        if read.is_none() {
            return;
        }
    }
    if method.is_empty() || !is_name(method) {
        return;
    }
    match message.direction {
        Direction::ToServer => notes.asked(sequence, split_name(method, b'.'), message.at),
        Direction::ToClient => {
            notes.answered(
                sequence,
                if failed { Said::Failure } else { Said::Success },
                message.at,
            );
        }
    }
}
