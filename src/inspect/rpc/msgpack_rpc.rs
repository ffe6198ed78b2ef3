//! MessagePack-RPC (<https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md>).
//!
//! Takes both byte streams; gives method and outcome of calls. Parameters and results are passed over.

use super::super::calls;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::msgpack::{self, Stop};
use super::{Known, agrees, is_name, sent_by, split_name};
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field};

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
            Known::Yes(_) => sent_by(Direction::ToServer, head),
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

/// The grammar of arrays one behind the other.
#[derive(Clone, Default)]
struct Arrays;

impl Grammar for Arrays {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        let known = [REQUEST, ANSWER, NOTIFICATION];
        if !known.iter().any(|start| agrees(bytes, start)) {
            return Frame::Foreign;
        }
        let mut reader = Reader(bytes);
        match msgpack::pass(&mut reader) {
            Ok(()) => Frame::Message(bytes.len().saturating_sub(reader.0.len()) as u64),
            Err(Stop::Later) => Frame::Need,
            Err(Stop::Never) => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        match message.direction {
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
