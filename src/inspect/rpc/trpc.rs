//! tRPC (<https://github.com/trpc-group/trpc/blob/main/docs/cn/trpc_protocol_design.md>).
//!
//! Takes both byte streams; gives who calls which method of which service, and the outcome; tokens of the metadata that
//! is passed on. What is called is not looked at.

use super::super::calls;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::{agrees, secrets, split_name};
use crate::inspect::protobuf::{self, Fields, Value};
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field, limits};

/// tRPC over TCP.
pub(in crate::inspect) struct Trpc;

impl Protocol for Trpc {
    fn name(&self) -> ProtocolId {
        "trpc"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let bytes = head.bytes;
        if !agrees(bytes, &MAGIC) || bytes.get(2).is_some_and(|kind| *kind > STREAM) {
            return Probe::No;
        }
        let Some(frame) = bytes.get(..FIXED) else { return Probe::Unsure };
        let Some(frame) = Unit::read(frame) else { return Probe::No };
        let body = bytes.get(FIXED..).unwrap_or_default();
        match body.get(..frame.head_bytes()) {
            Some(head_bytes) if !protobuf::is_whole(head_bytes) => Probe::No,
            Some(head_bytes) if is_request(&frame, head_bytes) => head.sent_by(Direction::ToServer),
            Some(_) => head.sent_by(Direction::ToClient),
            None if bytes.len() < limits::PROBE_BYTES => Probe::Unsure,
            None => head.sent_by(Direction::ToServer),
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Frames>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

const MAGIC: [u8; 2] = [0x09, 0x30];
const FIXED: usize = 16;
/// The second kind of frame; the first carries a whole request or answer.
const STREAM: u8 = 1;
const LARGEST_FRAME: u32 = 1 << 28;

/// The first 16 bytes of a frame.
#[derive(Clone)]
struct Unit {
    stream: bool,
    step: u8,
    length: u32,
    head: u16,
    id: u32,
}

/// Steps of a stream.
const INIT: u8 = 1;
const CLOSE: u8 = 4;

impl Unit {
    fn read(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&MAGIC) {
            return None;
        }
        let mut reader = Reader::at(bytes, MAGIC.len());
        let (kind, step) = (reader.u8()?, reader.u8()?);
        let (length, head, id) = (reader.u32()?, reader.u16()?, reader.u32()?);
        let stream = kind == STREAM;
        let plausible = if stream {
            (INIT..=CLOSE).contains(&step)
        } else {
            kind == 0 && step == 0 && head > 0
        };
        let smallest = (FIXED as u32).saturating_add(u32::from(head));
        (plausible && (smallest..=LARGEST_FRAME).contains(&length)).then_some(Self {
            stream,
            step,
            length,
            head,
            id,
        })
    }

    /// Bytes behind the first 16 by which client and server are told apart.
    fn head_bytes(&self) -> usize {
        if self.stream {
            (self.length as usize).saturating_sub(FIXED)
        } else {
            usize::from(self.head)
        }
    }
}

const CALLER: u64 = 5;
const FUNCTION: u64 = 7;

/// Whether a head is a request's: only these name caller, callee and function.
fn is_request(unit: &Unit, head: &[u8]) -> bool {
    if unit.stream {
        return unit.step == INIT && protobuf::bytes(head, 1).is_some();
    }
    Fields::of(head)
        .any(|(field, value)| matches!((field, value), (CALLER | 6 | FUNCTION, Value::Bytes(_))))
}

/// The grammar of tRPC.
#[derive(Clone, Default)]
struct Frames;

impl Grammar for Frames {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        if bytes.len() < FIXED {
            return if agrees(bytes, &MAGIC) { Frame::Need } else { Frame::Foreign };
        }
        Unit::read(bytes).map_or(Frame::Foreign, |unit| Frame::Message(u64::from(unit.length)))
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let Some(unit) = Unit::read(message.bytes) else { return Next::More };
        let mut body = Reader::at(message.bytes, FIXED);
        let head = body.take_what_is_there(unit.head_bytes() as u64);
        match (message.direction, unit.stream, unit.step) {
            (Direction::ToServer, false, _) => {
                const ONE_WAY: u64 = 1;
                let two_way = protobuf::number(head, 2) != ONE_WAY;
                let number = protobuf::number(head, 3);
                request(head, two_way.then_some(number), message, notes);
            }
            (Direction::ToServer, true, INIT) => {
                // The same names stand here under numbers of their own.
                let meta = protobuf::bytes(head, 1).unwrap_or_default();
                opened(meta, u64::from(unit.id), message, notes);
            }
            (Direction::ToClient, false, _) => {
                let good = protobuf::number(head, 4) == 0 && protobuf::number(head, 5) == 0;
                let said = if good { Said::Success } else { Said::Failure };
                notes.answered(protobuf::number(head, 3), said, message.at);
            }
            (Direction::ToClient, true, CLOSE) => {
                let reset = protobuf::number(head, 1) != 0;
                let good =
                    !reset && protobuf::number(head, 2) == 0 && protobuf::number(head, 4) == 0;
                let said = if good { Said::Success } else { Said::Failure };
                notes.answered(u64::from(unit.id), said, message.at);
            }
            _ => {}
        }
        Next::More
    }

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        let unit = bytes.get(..FIXED).and_then(Unit::read);
        let head = unit.and_then(|unit| bytes.get(FIXED..)?.get(..unit.head_bytes()));
        head.is_some_and(protobuf::is_whole)
    }
}

fn request(head: &[u8], number: Option<u64>, message: &Message<'_>, notes: &mut Notes) {
    const CALLEE: u64 = 6;
    const PASSED_ON: u64 = 9;
    let text = |field| protobuf::bytes(head, field);
    ask(text(FUNCTION), text(CALLEE), number, message, notes);
    said_of_the_caller(text(CALLER), protobuf::map(head, PASSED_ON), message, notes);
}

fn opened(meta: &[u8], number: u64, message: &Message<'_>, notes: &mut Notes) {
    let text = |field| protobuf::bytes(meta, field);
    ask(text(3), text(2), Some(number), message, notes);
    said_of_the_caller(text(1), protobuf::map(meta, 5), message, notes);
}

fn ask(
    function: Option<&[u8]>,
    callee: Option<&[u8]>,
    number: Option<u64>,
    message: &Message<'_>,
    notes: &mut Notes,
) {
    let name = match (function, callee) {
        (Some(function), _) if function.contains(&b'/') => split_name(function, b'/'),
        (function, callee) => calls::CallName::Rpc {
            service: callee.unwrap_or_default(),
            method: function.unwrap_or_default(),
        },
    };
    match number {
        Some(number) => notes.asked(number, name, message.at),
        None => drop(notes.request(name, message.at)),
    }
}

fn said_of_the_caller<'a>(
    caller: Option<&'a [u8]>,
    passed_on: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    message: &Message<'_>,
    notes: &mut Notes,
) {
    if let Some(caller) = caller {
        notes.caller(caller, "trpc caller", message.at);
    }
    for (key, value) in passed_on.take(limits::HTTP_FIELDS) {
        if secrets::is_secret_key(key) {
            let place = secrets::Place {
                mechanism: "trpc token",
                place: &secrets::place("metadata", key),
                direction: message.direction,
                at: message.at,
            };
            secrets::token(notes, &place, caller, value);
        }
    }
}
