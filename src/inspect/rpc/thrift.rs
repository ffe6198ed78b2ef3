//! Apache Thrift over TCP: the binary and the compact protocol, framed or not, JSON, and the header transport
//! (<https://github.com/apache/thrift/tree/master/doc/specs>).
//!
//! Takes both byte streams; gives method, service where several share a port (`Service:method`), and outcome: a declared
//! exception and one of the protocol are failures. Arguments and results are passed over.

use std::hash::BuildHasher as _;

use super::super::calls;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::thrift_end::{self, Stop};
use super::{Known, agrees, is_name, secrets, split_name};
use crate::inspect::json;
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field, limits};

/// Thrift in all its transports but Kitex's own.
pub(in crate::inspect) struct Thrift;

impl Protocol for Thrift {
    fn name(&self) -> ProtocolId {
        "thrift"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if !head.from_start && head.bytes.first().is_some_and(|byte| *byte != 0) {
            return Probe::No; // Without the length before it, it may be the body of a request over HTTP.
        }
        match call(head.bytes) {
            Known::Yes(call) => head.sent_by(call.sender()),
            Known::Later if head.bytes.len() < limits::PROBE_BYTES => Probe::Unsure,
            Known::Later | Known::No => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Transport>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// A larger frame is no Thrift: servers take 100 MiB at most unless told otherwise.
const LARGEST_FRAME: u32 = 1 << 27;

/// A longer name is none.
const LONGEST_NAME: u64 = 512;

/// How a message is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Binary,
    Compact,
    Json,
    /// Protocol Buffers, within a message that begins as the binary protocol does.
    Other,
}

/// What a message begins with.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    encoding: Encoding,
    /// See the constants.
    pub(super) kind: u8,
    pub(super) name: &'a [u8],
    sequence: u32,
    /// At the struct of arguments or results.
    body: Reader<'a>,
    /// Of the header transport.
    infos: Option<Reader<'a>>,
}

impl Call<'_> {
    pub(super) const CALL: u8 = 1;
    pub(super) const REPLY: u8 = 2;
    pub(super) const EXCEPTION: u8 = 3;
    pub(super) const ONEWAY: u8 = 4;

    /// Who says this.
    pub(super) fn sender(&self) -> Direction {
        if matches!(self.kind, Self::REPLY | Self::EXCEPTION) {
            Direction::ToClient
        } else {
            Direction::ToServer
        }
    }

    /// The number that the client gave it.
    pub(super) fn sequence(&self) -> u32 {
        self.sequence
    }

    /// What call and reply have in common. Many clients number all their calls alike.
    fn number(&self) -> u64 {
        const HASH: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0);
        HASH.hash_one((self.sequence, self.name))
    }

    /// What a reply says of the call. Its struct has one field at most: 0 is the result, others are exceptions that the
    /// service declares.
    pub(super) fn outcome(&self) -> Said {
        let mut body = self.body;
        let good = match (self.kind, self.encoding) {
            (Self::EXCEPTION, _) => Some(false),
            (_, Encoding::Binary) => match body.u8() {
                Some(0) => Some(true),
                Some(_) => body.u16().map(|field| field == 0),
                None => None,
            },
            (_, Encoding::Compact) => match body.u8() {
                Some(0) => Some(true),
                Some(first) if first >> 4 > 0 => Some(false),
                Some(_) => body.varint().map(|field| field == 0),
                None => None,
            },
            (_, Encoding::Other) => Some(true),
            (_, Encoding::Json) => {
                let object = body.0;
                Some(object.starts_with(b"{}") || object.starts_with(b"{\"0\":"))
            }
        };
        match good {
            Some(true) => Said::Success,
            Some(false) => Said::Failure,
            None => Said::Nothing,
        }
    }
}

/// Reads what a message begins with, whichever way it is written and framed.
fn call(bytes: &[u8]) -> Known<Call<'_>> {
    match bytes.first() {
        None => return Known::Later,
        Some(0x80) => return strict(bytes, BINARY),
        Some(0x82) => return compact(bytes),
        Some(b'[') => return in_json(bytes),
        Some(0..=7) => {}
        Some(_) => return Known::No,
    }
    let mut reader = Reader(bytes);
    let Some(length) = reader.u32() else { return Known::Later };
    let inner = reader.0;
    let found = match inner {
        _ if length > LARGEST_FRAME => Known::No,
        [] => Known::Later,
        [0x80, ..] => strict(inner, BINARY),
        [0x82, ..] => compact(inner),
        [b'[', ..] => in_json(inner),
        [0x0f, ..] => with_header(inner, length),
        _ => Known::No,
    };
    match found {
        Known::Yes(call) if (length as usize) < call.name.len().saturating_add(4) => Known::No,
        found => found,
    }
}

/// The version of the binary protocol; Kitex has one of its own for Protocol Buffers.
pub(super) const BINARY: [u8; 2] = [0x80, 0x01];

/// Version, kind, name, number (the strict form of the binary protocol).
pub(super) fn strict(bytes: &[u8], version: [u8; 2]) -> Known<Call<'_>> {
    let [high, low] = version;
    if !agrees(bytes, &[high, low, 0]) || bytes.get(3).is_some_and(|kind| !(1..=4).contains(kind)) {
        return Known::No;
    }
    let mut reader = Reader::at(bytes, 3);
    let (Some(kind), Some(length)) = (reader.u8(), reader.u32()) else { return Known::Later };
    let encoding = if version == BINARY { Encoding::Binary } else { Encoding::Other };
    named(encoding, kind, u64::from(length), reader, None)
}

fn compact(bytes: &[u8]) -> Known<Call<'_>> {
    let mut reader = Reader::at(bytes, 1);
    let kind = match reader.u8() {
        None => return Known::Later,
        Some(byte) if byte & 0x1f == 1 && (1..=4).contains(&(byte >> 5)) => byte >> 5,
        Some(_) => return Known::No,
    };
    const LONGEST_NUMBERS: usize = 5 + 2;
    let (sequence, length) = (reader.varint(), reader.varint());
    let (Some(sequence), Some(length)) = (sequence, length) else {
        let enough = bytes.len() > LONGEST_NUMBERS.saturating_mul(2);
        return if enough { Known::No } else { Known::Later };
    };
    let Ok(sequence) = u32::try_from(sequence) else { return Known::No };
    named(Encoding::Compact, kind, length, reader, Some(sequence))
}

/// Reads a name, and the number behind it unless it stood before it.
fn named(
    encoding: Encoding,
    kind: u8,
    length: u64,
    mut reader: Reader<'_>,
    sequence: Option<u32>,
) -> Known<Call<'_>> {
    /// Shorter ones are too easily something else where two bytes are all that tells the protocol.
    const SHORTEST_COMPACT_NAME: u64 = 3;
    let shortest = if encoding == Encoding::Compact { SHORTEST_COMPACT_NAME } else { 1 };
    if !(shortest..=LONGEST_NAME).contains(&length) {
        return Known::No;
    }
    let there = Reader::take_what_is_there(&mut reader.clone(), length);
    if !is_name(there) {
        return Known::No;
    }
    let Some(name) = reader.take_long(length) else { return Known::Later };
    let Some(sequence) = sequence.or_else(|| reader.u32()) else { return Known::Later };
    Known::Yes(Call { encoding, kind, name, sequence, body: reader, infos: None })
}

/// `[1,"name",kind,number,{`
fn in_json(bytes: &[u8]) -> Known<Call<'_>> {
    const START: &[u8] = b"[1,\"";
    if !agrees(bytes, START) {
        return Known::No;
    }
    let behind = bytes.get(START.len()..).unwrap_or_default();
    let Some(end) = memchr::memchr(b'"', behind) else {
        let named = is_name(behind) && behind.len() as u64 <= LONGEST_NAME;
        return if named { Known::Later } else { Known::No };
    };
    let name = behind.get(..end).unwrap_or_default();
    if name.is_empty() || !is_name(name) {
        return Known::No;
    }
    let numbers = behind.get(end.saturating_add(1)..).unwrap_or_default();
    let fits = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b',' | b'-');
    let Some(brace) = memchr::memchr(b'{', numbers) else {
        const LONGEST_NUMBERS: usize = 20;
        let fine = numbers.len() < LONGEST_NUMBERS && numbers.iter().all(fits);
        return if fine { Known::Later } else { Known::No };
    };
    let (numbers, body) = numbers.split_at_checked(brace).unwrap_or_default();
    let mut parts = numbers.split(|byte| *byte == b',').skip(1);
    let number = |part: Option<&[u8]>| std::str::from_utf8(part?).ok()?.parse::<i64>().ok();
    let (kind, sequence) = (number(parts.next()), number(parts.next()));
    match (kind.and_then(|kind| u8::try_from(kind).ok()), sequence) {
        (Some(kind @ 1..=4), Some(sequence)) => Known::Yes(Call {
            encoding: Encoding::Json,
            kind,
            name,
            sequence: sequence.unsigned_abs() as u32,
            body: Reader(body),
            infos: None,
        }),
        _ => Known::No,
    }
}

/// The header transport: number, then a header, then a message in either protocol.
fn with_header(bytes: &[u8], length: u32) -> Known<Call<'_>> {
    const FIXED: u32 = 10;
    if !agrees(bytes, &[0x0f, 0xff]) || length < FIXED {
        return Known::No;
    }
    let mut reader = Reader::at(bytes, 8);
    let Some(words) = reader.u16() else { return Known::Later };
    let size = u32::from(words).saturating_mul(4);
    if size == 0 || size > length.saturating_sub(FIXED) {
        return Known::No;
    }
    let Some(header) = reader.take_long(u64::from(size)) else { return Known::Later };
    let mut header = Reader(header);
    let (Some(protocol), Some(transforms)) = (header.varint(), header.varint()) else {
        return Known::No;
    };
    if transforms > 0 {
        return Known::No;
    }
    let found = match protocol {
        0 => strict(reader.0, BINARY),
        2 => compact(reader.0),
        _ => Known::No,
    };
    match found {
        Known::Yes(call) => Known::Yes(Call { infos: Some(header), ..call }),
        other => other,
    }
}

/// The grammar of all transports.
#[derive(Clone, Default)]
struct Transport {
    /// Both ends agreed to put a struct before each message (Finagle's tracing).
    traced: bool,
}

/// The method that Finagle calls to find out whether the other side knows its tracing.
const FINAGLE: &[u8] = b"__can__finagle__trace__v3__";

impl Grammar for Transport {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        let framed = match bytes.first_chunk::<4>().map(|length| u32::from_be_bytes(*length)) {
            Some(length @ 1..=LARGEST_FRAME) => Some(u64::from(length).saturating_add(4)),
            _ => None,
        };
        match (call(bytes), framed) {
            (Known::Yes(_), Some(length)) => Frame::Message(length),
            (Known::Yes(call), None) => end(&call, bytes),
            (Known::No, Some(length)) if self.traced => Frame::Message(length),
            (Known::Later, _) => Frame::Need,
            (Known::No, _) => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let found = match call(message.bytes) {
            Known::Yes(call) => Some(call),
            _ if self.traced => traced(message.bytes),
            _ => None,
        };
        if let Some(call) = found.filter(|call| call.sender() == message.direction) {
            self.traced |= call.name == FINAGLE && matches!(call.outcome(), Said::Success);
            note(&call, message, notes);
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        match call(bytes) {
            Known::Yes(call) => call.encoding == Encoding::Binary && call.sender() == direction,
            _ => false,
        }
    }
}

/// The message behind the struct that Finagle puts before it.
fn traced(bytes: &[u8]) -> Option<Call<'_>> {
    let mut reader = Reader::at(bytes, 4);
    thrift_end::binary(&mut reader).ok()?;
    match strict(reader.0, BINARY) {
        Known::Yes(call) => Some(call),
        _ => None,
    }
}

/// Where a message without a frame ends.
fn end(call: &Call<'_>, bytes: &[u8]) -> Frame {
    let mut body = call.body;
    let passed = match call.encoding {
        Encoding::Binary => thrift_end::binary(&mut body),
        Encoding::Compact => thrift_end::compact(&mut body),
        Encoding::Other => return Frame::Foreign,
        Encoding::Json => {
            return match json::end(bytes) {
                json::End::At(end) => Frame::Message(end as u64),
                json::End::Later => Frame::Need,
                json::End::Never => Frame::Foreign,
            };
        }
    };
    match passed {
        Ok(()) => Frame::Message(bytes.len().saturating_sub(body.0.len()) as u64),
        Err(Stop::Later) => Frame::Need,
        Err(Stop::Never) => Frame::Foreign,
    }
}

fn note(call: &Call<'_>, message: &Message<'_>, notes: &mut Notes) {
    match call.kind {
        Call::CALL => notes.asked(call.number(), split_name(call.name, b':'), message.at),
        Call::ONEWAY => drop(notes.request(split_name(call.name, b':'), message.at)),
        _ => notes.answered(call.number(), call.outcome(), message.at),
    }
    let Some(mut infos) = call.infos else { return };
    // Key and value headers are the first kind of infos, and the only one in use.
    let count = if infos.varint() == Some(1) { infos.varint().unwrap_or(0) } else { 0 };
    for _ in 0..count.min(limits::HTTP_FIELDS as u64) {
        let (Some(key), Some(value)) = (infos.text(), infos.text()) else { return };
        info(key, value, message, notes);
    }
}

fn info(key: &[u8], value: &[u8], message: &Message<'_>, notes: &mut Notes) {
    if message.direction == Direction::ToServer && matches!(key, b"identity" | b"client_id") {
        notes.caller(value, "thrift header identity", message.at);
    } else if secrets::is_secret_key(key) {
        let place = secrets::Place {
            mechanism: "thrift header",
            place: &secrets::place("header", key),
            direction: message.direction,
            at: message.at,
        };
        secrets::token(notes, &place, None, value);
    }
}
