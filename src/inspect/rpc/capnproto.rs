//! Cap'n Proto RPC (<https://capnproto.org/rpc.html>, <https://capnproto.org/encoding.html>).
//!
//! Takes both byte streams; gives calls by the number of their interface and method, for no names cross the wire, and
//! their outcome. Packed and compressed streams are not recognised.

use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::agrees;
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field};

/// Cap'n Proto RPC over TCP.
pub(in crate::inspect) struct CapnProto;

impl Protocol for CapnProto {
    fn name(&self) -> ProtocolId {
        "capnproto"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    /// A client begins by asking for the main interface: one segment, a struct with a number and a pointer, and the
    /// number says `bootstrap`.
    fn probe(&self, head: &Head<'_>) -> Probe {
        const ONE_SEGMENT: [u8; 4] = [0; 4];
        const ROOT: [u8; 16] = [0, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0];
        let (words, root) = (head.bytes.get(4..).unwrap_or_default(), head.bytes.get(8..));
        let root = root.unwrap_or_default();
        let few_words = words.first().is_none_or(|words| (4..=32).contains(words))
            && words.iter().skip(1).take(3).all(|byte| *byte == 0);
        if !agrees(head.bytes, &ONE_SEGMENT) || !few_words || !agrees(root, &ROOT) {
            Probe::No
        } else if root.len() < ROOT.len() {
            Probe::Unsure
        } else {
            head.sent_by(Direction::ToServer)
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Messages>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

const WORD: usize = 8;
/// Segments of one message. The reference implementation takes 512.
const SEGMENTS: u32 = 512;
/// Words of one message. The reference implementation reads 8 Mi of them.
const WORDS: u64 = 1 << 24;

/// The grammar of messages one behind the other.
#[derive(Clone, Default)]
struct Messages;

/// How many bytes stand before the first segment, and how many all segments have.
fn sizes(bytes: &[u8]) -> Option<(usize, u64)> {
    let mut reader = Reader(bytes);
    let count = reader.u32_le()?.checked_add(1).filter(|count| *count <= SEGMENTS)?;
    let mut words: u64 = 0;
    for _ in 0..count {
        words = words.saturating_add(u64::from(reader.u32_le()?));
    }
    let table = (count as usize).saturating_add(1).saturating_mul(4).next_multiple_of(WORD);
    (words > 0 && words <= WORDS).then_some((table, words.saturating_mul(WORD as u64)))
}

impl Grammar for Messages {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        const LONGEST_TABLE: usize = 4 + 4 * SEGMENTS as usize;
        let count = bytes.first_chunk::<4>().map(|count| u32::from_le_bytes(*count));
        match (sizes(bytes), count) {
            (Some((table, size)), _) => Frame::Message(size.saturating_add(table as u64)),
            (None, None) => Frame::Need,
            (None, Some(count)) => {
                let table = (count as usize).saturating_mul(4).saturating_add(8);
                if bytes.len() < table.min(LONGEST_TABLE) && count < SEGMENTS {
                    Frame::Need
                } else {
                    Frame::Foreign
                }
            }
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let first = sizes(message.bytes).and_then(|(table, _)| message.bytes.get(table..));
        let _nothing_to_say = first.and_then(|segment| note(segment, message, notes));
        Next::More
    }
}

/// A struct: where its numbers begin, how many words they take.
#[derive(Clone, Copy)]
struct Struct {
    data: usize,
    words: usize,
}

/// The struct that the pointer at this word points to, within the same segment.
fn follow(segment: &[u8], word: usize) -> Option<Struct> {
    let mut reader = Reader::at(segment, word.checked_mul(WORD)?);
    let (low, words) = (reader.u32_le()?, reader.u16_le()?);
    if low & 3 != 0 {
        return None;
    }
    let offset = usize::try_from((low as i32) >> 2).ok()?;
    let data = word.checked_add(1)?.checked_add(offset)?;
    Some(Struct { data, words: usize::from(words) })
}

fn note(segment: &[u8], message: &Message<'_>, notes: &mut Notes) -> Option<()> {
    const CALL: u16 = 2;
    const RETURN: u16 = 3;
    const BOOTSTRAP: u16 = 8;
    let root = follow(segment, 0)?;
    let kind = Reader::at(segment, root.data.checked_mul(WORD)?).u16_le()?;
    let body = follow(segment, root.data.checked_add(root.words)?)?;
    let mut data = Reader::at(segment, body.data.checked_mul(WORD)?);
    let number = u64::from(data.u32_le().filter(|_| body.words > 0)?);
    match (message.direction, kind) {
        (Direction::ToServer, BOOTSTRAP) => {
            let name = CallName::Rpc { service: b"", method: b"bootstrap" };
            notes.asked(number, name, message.at);
        }
        (Direction::ToServer, CALL) => {
            let (method, _) = (data.u16_le()?, data.u16_le()?);
            let interface = data.u64_le().filter(|_| body.words > 1)?;
            let (service, method) = (format!("@{interface:#018x}"), format!("@{method}"));
            let name = CallName::Rpc { service: service.as_bytes(), method: method.as_bytes() };
            notes.asked(number, name, message.at);
        }
        (Direction::ToClient, RETURN) => {
            let (_, how) = (data.u16_le()?, data.u16_le()?);
            let said = match how {
                0 => Said::Success,
                1 => Said::Failure,
                _ => Said::Nothing,
            };
            notes.answered(number, said, message.at);
        }
        _ => {}
    }
    Some(())
}
