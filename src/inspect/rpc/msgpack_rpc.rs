//! MessagePack-RPC (<https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md>).
//!
//! Takes both byte streams; gives method and outcome of calls. Parameters and results are passed over.

use super::super::calls;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::msgpack::{self, Stop};
use super::{Known, agrees, is_name, split_name};
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field, PerDirection, limits};

/// MessagePack-RPC over TCP.
pub(in crate::inspect) struct MsgpackRpc;

impl Protocol for MsgpackRpc {
    fn name(&self) -> ProtocolId {
        "msgpack-rpc"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match request(head.bytes) {
            Known::Yes(_) => head.sent_by(Direction::ToServer),
            Known::Later => Probe::Unsure,
            Known::No => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Arrays>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// Four values, the first of which is 0: a request.
const REQUEST: [u8; 2] = [0x94, 0];
/// Four values, the first of which is 1: an answer.
const ANSWER: [u8; 2] = [0x94, 1];
/// Three values, the first of which is 2: a request without an answer.
const NOTIFICATION: [u8; 2] = [0x93, 2];

/// A request's number and method.
struct Request<'a> {
    number: Option<u64>,
    method: &'a [u8],
}

fn request(bytes: &[u8]) -> Known<Request<'_>> {
    const LONGEST_START: usize = 2 + 9 + 3;
    const LONGEST_NAME: u64 = 256;
    let one_way = agrees(bytes, &NOTIFICATION) && bytes.len() > 1;
    if !one_way && !agrees(bytes, &REQUEST) && !agrees(bytes, &NOTIFICATION) {
        return Known::No;
    }
    let unread = || if bytes.len() < LONGEST_START { Known::Later } else { Known::No };
    let mut reader = Reader::at(bytes, 2);
    if !one_way && !matches!(reader.0.first(), None | Some(0..=0x7f | 0xcc..=0xcf)) {
        return Known::No;
    }
    let number = if one_way { None } else { msgpack::number(&mut reader) };
    if !one_way && number.is_none() {
        return unread();
    }
    if !matches!(reader.0.first(), None | Some(0xa2..=0xbf | 0xd9 | 0xda | 0xc4 | 0xc5)) {
        return Known::No;
    }
    let Some(length) = msgpack::text_length(&mut reader) else { return unread() };
    if !(2..=LONGEST_NAME).contains(&length) {
        return Known::No;
    }
    let there = Reader::take_what_is_there(&mut reader.clone(), length);
    if !is_name(there) {
        return Known::No;
    }
    let Some(method) = reader.take_long(length) else { return Known::Later };
    match reader.0.first() {
        Some(0x90..=0x9f | 0xdc | 0xdd) => Known::Yes(Request { number, method }),
        Some(_) => Known::No,
        None => Known::Later,
    }
}

/// The grammar of arrays one behind the other. Nothing says how long one is, so that a long one is read in pieces.
#[derive(Clone, Default)]
struct Arrays {
    /// Values of the array that are yet to come.
    left: PerDirection<u64>,
    /// The piece that was framed last does not begin an array.
    continues: bool,
}

impl Grammar for Arrays {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        let known = [REQUEST, ANSWER, NOTIFICATION];
        self.continues = self.left[direction] > 0;
        if !self.continues && !known.iter().any(|start| agrees(bytes, start)) {
            return Frame::Foreign;
        }
        let window = bytes.get(..limits::MESSAGE_BYTES).unwrap_or(bytes);
        let (mut reader, mut left) = (Reader(window), self.left[direction].max(1));
        let missing = msgpack::pass_some(&mut reader, &mut left);
        let whole = left == 0 && missing == Ok(0);
        if missing == Err(Stop::Never) {
            return Frame::Foreign;
        }
        if !whole && bytes.len() < limits::MESSAGE_BYTES {
            return Frame::Need;
        }
        self.left[direction] = left;
        let passed = window.len().saturating_sub(reader.0.len()) as u64;
        Frame::Message(passed.saturating_add(missing.unwrap_or_default()))
    }

    fn lost(&mut self, direction: Direction) {
        self.left[direction] = 0;
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        match message.direction {
            _ if self.continues => {}
            Direction::ToServer => {
                if let Known::Yes(request) = request(message.bytes) {
                    let name = split_name(request.method, b'.');
                    match request.number {
                        Some(number) => notes.asked(number, name, message.at),
                        None => drop(notes.request(name, message.at)),
                    }
                }
            }
            Direction::ToClient if message.bytes.starts_with(&ANSWER) => {
                const NIL: u8 = 0xc0;
                let mut reader = Reader::at(message.bytes, 2);
                let Some(number) = msgpack::number(&mut reader) else { return Next::More };
                let good = reader.u8() == Some(NIL);
                let said = if good { Said::Success } else { Said::Failure };
                notes.answered(number, said, message.at);
            }
            Direction::ToClient => {}
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        direction == Direction::ToServer && matches!(request(bytes), Known::Yes(_))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, inspect, server};

    #[test]
    fn an_answer_that_is_too_long_to_keep_does_not_hide_the_next() {
        let asked = |number: u8| client([b"\x94\0", [number].as_slice(), b"\xa3sum\x90"].concat());
        let texts = [b"\x94\x01\x01\xc0\xdc\x40\0".as_slice(), &b"\xa3abc".repeat(0x4000)].concat();
        let blob = [b"\x94\x01\x02\xc0\xc6\0\x01\0\0".as_slice(), &[b'x'; 0x1_0000]].concat();
        let last = server(b"\x94\x01\x03\xa3bad\xc0");
        let events = [asked(1), server(texts), asked(2), server(blob), asked(3), last];
        for cut in [1000, 1 << 20] {
            let (facts, _) = inspect("msgpack-rpc", &events, cut);
            let calls = facts.calls.unwrap();
            assert_eq!((calls.requests, calls.responses), (3, 3), "{cut}");
            assert_eq!((calls.calls[0].succeeded, calls.calls[0].failed), (2, 1), "{cut}");
        }
    }
}
