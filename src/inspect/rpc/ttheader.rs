//! TTHeader, the transport of Kitex (<https://www.cloudwego.io/docs/kitex/reference/transport-protocol-ttheader/>), with
//! the mesh header before it and framed messages of Kitex's own for Protocol Buffers.
//!
//! Takes both byte streams; gives who calls which method of which service, as the header says it, and the outcome; the
//! access token of the header. The message itself is read up to its method's name.

use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::thrift::{self, Call};
use super::{Known, agrees, secrets};
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field, limits};

/// TTHeader.
pub(in crate::inspect) struct TtHeader;

impl Protocol for TtHeader {
    fn name(&self) -> ProtocolId {
        "ttheader"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match unit(head.bytes) {
            Known::Yes(unit) => head.sent_by(unit.sender()),
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

/// A larger frame is none.
const LARGEST_FRAME: u32 = 1 << 28;
const MAGIC: [u8; 2] = [0x10, 0x00];
const MESH: [u8; 2] = [0xff, 0xaf];
/// The version of framed messages for Protocol Buffers.
const PROTOBUF: [u8; 2] = [0x90, 0x01];

/// One unit of the byte stream.
struct Unit<'a> {
    length: u64,
    /// The mesh header stands alone before what it belongs to.
    mesh: bool,
    sequence: u32,
    infos: Infos<'a>,
    call: Option<Call<'a>>,
}

impl Unit<'_> {
    /// Who sends this. Only what a caller says names the method that is called.
    fn sender(&self) -> Direction {
        let asks = self.infos.method.is_some() || self.infos.to.is_some();
        match &self.call {
            Some(call) => call.sender(),
            None if asks || self.mesh => Direction::ToServer,
            None => Direction::ToClient,
        }
    }
}

/// What a header says.
#[derive(Default)]
struct Infos<'a> {
    from: Option<&'a [u8]>,
    to: Option<&'a [u8]>,
    method: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    frame: Option<&'a [u8]>,
    failed: bool,
    token: Option<(&'a [u8], &'a [u8])>,
}

/// Reads a unit: a mesh header, a frame with TTHeader, or a framed message for Protocol Buffers.
fn unit(bytes: &[u8]) -> Known<Unit<'_>> {
    if agrees(bytes, &MESH) {
        return mesh(bytes);
    }
    let mut reader = Reader(bytes);
    if bytes.first().is_some_and(|first| *first >= 0x10) {
        return Known::No;
    }
    let Some(length) = reader.u32().filter(|_| bytes.len() > 4) else { return Known::Later };
    if length > LARGEST_FRAME {
        return Known::No;
    }
    match reader.0 {
        rest if agrees(rest, &MAGIC) => with_header(bytes, length),
        rest if agrees(rest, &PROTOBUF) => match thrift::strict(rest, PROTOBUF) {
            Known::Yes(call) => Known::Yes(Unit {
                length: u64::from(length).saturating_add(4),
                mesh: false,
                sequence: call.sequence(),
                infos: Infos::default(),
                call: Some(call),
            }),
            Known::Later => Known::Later,
            Known::No => Known::No,
        },
        _ => Known::No,
    }
}

/// Magic number, size, then pairs of texts.
fn mesh(bytes: &[u8]) -> Known<Unit<'_>> {
    let mut reader = Reader::at(bytes, MESH.len());
    let Some(size) = reader.u16() else { return Known::Later };
    let Some(body) = reader.take(usize::from(size)) else { return Known::Later };
    let mut infos = Infos::default();
    let mut body = Reader(body);
    if texts(&mut body, &mut infos).is_none() || !body.is_empty() {
        return Known::No;
    }
    let length = u64::from(size).saturating_add(4);
    Known::Yes(Unit { length, mesh: true, sequence: 0, infos, call: None })
}

fn with_header(bytes: &[u8], length: u32) -> Known<Unit<'_>> {
    const SMALLEST: u32 = 10 + 2;
    let mut reader = Reader::at(bytes, 8);
    let (Some(sequence), Some(words)) = (reader.u32(), reader.u16()) else { return Known::Later };
    let size = u32::from(words).saturating_mul(4);
    if length < SMALLEST || words == 0 || size.saturating_add(SMALLEST - 2) > length {
        return Known::No;
    }
    let Some(header) = reader.take_long(u64::from(size)) else { return Known::Later };
    let Some(infos) = infos(header) else { return Known::No };
    // A message behind the header is framed once more, or not.
    let payload = reader.0;
    let left = length.saturating_sub(size).saturating_sub(SMALLEST - 2);
    let call = [payload, payload.get(4..).unwrap_or_default()].into_iter().find_map(|start| {
        let versions = [thrift::BINARY, PROTOBUF];
        versions.into_iter().find_map(|version| match thrift::strict(start, version) {
            Known::Yes(call) => Some(Known::Yes(call)),
            Known::Later if left > 0 && !start.is_empty() && (start.len() as u32) < left => {
                Some(Known::Later)
            }
            _ => None,
        })
    });
    let call = match call {
        Some(Known::Later) => return Known::Later,
        Some(Known::Yes(call)) => Some(call),
        _ if payload.len() < 8 && (payload.len() as u32) < left => return Known::Later,
        _ => None,
    };
    let length = u64::from(length).saturating_add(4);
    Known::Yes(Unit { length, mesh: false, sequence, infos, call })
}

/// Protocol, transforms, then blocks of infos. Nothing where these do not fit the header.
fn infos(header: &[u8]) -> Option<Infos<'_>> {
    const LAST_PROTOCOL: u8 = 16;
    let mut infos = Infos::default();
    let mut reader = Reader(header);
    if reader.u8()? > LAST_PROTOCOL {
        return None;
    }
    let transforms = reader.u8()?;
    reader.take(usize::from(transforms))?;
    while let Some(block) = reader.u8() {
        match block {
            0 => {} // Padding.
            0x01 => texts(&mut reader, &mut infos)?,
            0x10 => numbered(&mut reader, &mut infos)?,
            0x11 => infos.token = Some((b"gdpr-token", reader.vec16()?)),
            _ => return None,
        }
    }
    Some(infos)
}

fn texts<'a>(reader: &mut Reader<'a>, infos: &mut Infos<'a>) -> Option<()> {
    for _ in 0..reader.u16()? {
        let (key, value) = (reader.vec16()?, reader.vec16()?);
        match key {
            b"isn" => infos.to = infos.to.or(Some(value)),
            b"biz-status" => infos.failed |= value != b"0",
            key if secrets::is_secret_key(key) => infos.token = Some((key, value)),
            _ => {}
        }
    }
    Some(())
}

fn numbered<'a>(reader: &mut Reader<'a>, infos: &mut Infos<'a>) -> Option<()> {
    const FROM_SERVICE: u16 = 3;
    const TO_SERVICE: u16 = 6;
    const TO_METHOD: u16 = 9;
    const MESSAGE_TYPE: u16 = 22;
    const FRAME_TYPE: u16 = 27;
    for _ in 0..reader.u16()? {
        let (key, value) = (reader.u16()?, reader.vec16()?);
        let place = match key {
            FROM_SERVICE => &mut infos.from,
            TO_SERVICE => &mut infos.to,
            TO_METHOD => &mut infos.method,
            MESSAGE_TYPE => &mut infos.kind,
            FRAME_TYPE => &mut infos.frame,
            _ => continue,
        };
        *place = Some(value).filter(|value| !value.is_empty());
    }
    Some(())
}

/// The grammar of TTHeader.
#[derive(Clone, Default)]
struct Transport;

impl Grammar for Transport {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        match unit(bytes) {
            Known::Yes(unit) => Frame::Message(unit.length),
            Known::Later => Frame::Need,
            Known::No => match plain(bytes) {
                Known::Yes((_, length)) => Frame::Message(length),
                Known::Later => Frame::Need,
                Known::No => Frame::Foreign,
            },
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if let Known::Yes(unit) = unit(message.bytes) {
            match message.direction {
                Direction::ToServer => request(&unit, message, notes),
                Direction::ToClient => response(&unit, message, notes),
            }
        } else if let Known::Yes((call, _)) = plain(message.bytes) {
            note(&call, u64::from(call.sequence()), call_name(None, call.name), message, notes);
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        matches!(unit(bytes), Known::Yes(unit) if !unit.mesh && unit.sender() == direction)
    }
}

/// A framed Thrift message without a header: what follows a mesh header.
fn plain(bytes: &[u8]) -> Known<(Call<'_>, u64)> {
    let mut reader = Reader(bytes);
    let Some(length) = reader.u32().filter(|length| *length <= LARGEST_FRAME) else {
        return Known::No;
    };
    match thrift::strict(reader.0, thrift::BINARY) {
        Known::Yes(call) => Known::Yes((call, u64::from(length).saturating_add(4))),
        Known::Later => Known::Later,
        Known::No => Known::No,
    }
}

fn call_name<'a>(service: Option<&'a [u8]>, method: &'a [u8]) -> CallName<'a> {
    CallName::Rpc { service: service.unwrap_or_default(), method }
}

fn note(
    call: &Call<'_>,
    number: u64,
    name: CallName<'_>,
    message: &Message<'_>,
    notes: &mut Notes,
) {
    match call.kind {
        _ if call.sender() != message.direction => {}
        Call::ONEWAY => drop(notes.request(name, message.at)),
        Call::CALL => notes.asked(number, name, message.at),
        _ => notes.answered(number, call.outcome(), message.at),
    }
}

/// Of a stream, the frame of this type opens a call; the others carry what is said in it.
const STREAM_HEADER: &[u8] = b"2";

fn request(unit: &Unit<'_>, message: &Message<'_>, notes: &mut Notes) {
    let number = u64::from(unit.sequence);
    let infos = &unit.infos;
    if let Some(from) = infos.from {
        notes.caller(from, "ttheader from-service", message.at);
    }
    if let Some((key, token)) = infos.token {
        let place = secrets::Place {
            mechanism: "ttheader token",
            place: &secrets::place("header", key),
            direction: message.direction,
            at: message.at,
        };
        secrets::token(notes, &place, infos.from, token);
    }
    let method = infos.method.or(unit.call.as_ref().map(|call| call.name));
    let name = match method {
        Some(method) => call_name(infos.to, method),
        None => CallName::Unknown,
    };
    match (&unit.call, infos.frame) {
        _ if unit.mesh => {}
        (Some(call), _) => note(call, number, name, message, notes),
        (None, None) if infos.kind == Some(b"4") => drop(notes.request(name, message.at)),
        (None, None | Some(STREAM_HEADER)) => notes.asked(number, name, message.at),
        (None, Some(_)) => {}
    }
}

fn response(unit: &Unit<'_>, message: &Message<'_>, notes: &mut Notes) {
    const TRAILER: &[u8] = b"4";
    let number = u64::from(unit.sequence);
    let said = match &unit.call {
        _ if unit.mesh || unit.infos.frame.is_some_and(|frame| frame != TRAILER) => return,
        _ if unit.infos.failed => Said::Failure,
        Some(call) => call.outcome(),
        None if unit.infos.kind == Some(b"3") => Said::Failure,
        None if unit.infos.kind == Some(b"2") => Said::Success,
        None => Said::Nothing,
    };
    notes.answered(number, said, message.at);
}
