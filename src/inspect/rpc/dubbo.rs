//! Dubbo's own protocol over TCP (<https://cn.dubbo.apache.org/en/overview/reference/protocols/tcp/>).
//!
//! Takes both byte streams; gives service, method and outcome of calls, who calls as the attachments say it, and the
//! token of the token filter. Arguments and results are not looked at. A body in Java's own serialisation is not read
//! either, but noted: whoever can send one can have the other side build any object.

use std::borrow::Cow;

use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::{hessian, is_name, secrets};
use crate::inspect::json;
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field};

/// Dubbo with its 16-byte header; Dubbo over HTTP/2 (Triple) is gRPC to `h2`.
pub(in crate::inspect) struct Dubbo;

impl Protocol for Dubbo {
    fn name(&self) -> ProtocolId {
        "dubbo"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if !super::agrees(head.bytes, &MAGIC) {
            return Probe::No;
        }
        let Some(header) = head.bytes.get(..HEADER_BYTES) else {
            return if head.bytes.get(2..4).is_some_and(|_| Header::plausible(head.bytes).is_none())
            {
                Probe::No
            } else {
                Probe::Unsure
            };
        };
        match Header::read(header) {
            Some(header) if header.event => Probe::Yes,
            Some(header) if header.request => head.sent_by(Direction::ToServer),
            Some(_) => head.sent_by(Direction::ToClient),
            None => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Body>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

const MAGIC: [u8; 2] = [0xda, 0xbb];
const HEADER_BYTES: usize = 16;

/// A larger body is no Dubbo: the limit that servers come with is 8 MiB, and people raise it.
const LARGEST_BODY: u32 = 1 << 28;

/// How arguments and results are written.
const HESSIAN: u8 = 2;
const JAVA: [u8; 3] = [3, 4, 7];
const FASTJSON: u8 = 6;
const KRYO: [u8; 2] = [8, 25];

#[derive(Clone)]
struct Header {
    request: bool,
    two_way: bool,
    event: bool,
    serialization: u8,
    status: u8,
    id: u64,
    length: u32,
}

impl Header {
    /// What the third and fourth byte say, if they can be a header's.
    fn plausible(bytes: &[u8]) -> Option<(u8, u8)> {
        let (flags, status) = (*bytes.get(2)?, *bytes.get(3)?);
        let fits = if flags & 0x80 != 0 {
            status == 0
        } else {
            matches!(status, 20 | 30 | 31 | 35 | 40 | 50 | 60 | 70 | 80 | 90 | 100)
        };
        (fits && flags & 0x1f > 0).then_some((flags, status))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (flags, status) = Self::plausible(bytes).filter(|_| bytes.starts_with(&MAGIC))?;
        let mut reader = Reader::at(bytes, 4);
        let (id, length) = (reader.u64()?, reader.u32()?);
        (length <= LARGEST_BODY).then_some(Self {
            request: flags & 0x80 != 0,
            two_way: flags & 0x40 != 0,
            event: flags & 0x20 != 0,
            serialization: flags & 0x1f,
            status,
            id,
            length,
        })
    }
}

/// The grammar of Dubbo.
#[derive(Clone, Default)]
struct Body;

impl Grammar for Body {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        if bytes.len() < HEADER_BYTES {
            return if super::agrees(bytes, &MAGIC) { Frame::Need } else { Frame::Foreign };
        }
        Header::read(bytes).map_or(Frame::Foreign, |header| {
            Frame::Message(u64::from(header.length).saturating_add(HEADER_BYTES as u64))
        })
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if let Some(header) = Header::read(message.bytes).filter(|header| !header.event) {
            if JAVA.contains(&header.serialization) {
                notes.program(b"java-serialization", b"", message.direction);
            }
            match message.direction {
                Direction::ToServer if header.request => request(&header, message, notes),
                Direction::ToClient if !header.request => response(&header, message, notes),
                _ => {}
            }
        }
        Next::More
    }

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        bytes.len() >= HEADER_BYTES && Header::read(bytes).is_some()
    }
}

/// What a request's body begins with, and the attachments that it ends with.
#[derive(Default)]
struct Invocation<'a> {
    version: Cow<'a, [u8]>,
    service: Cow<'a, [u8]>,
    method: Cow<'a, [u8]>,
    attachments: Vec<(&'a [u8], &'a [u8])>,
}

fn request(header: &Header, message: &Message<'_>, notes: &mut Notes) {
    let body = message.bytes.get(HEADER_BYTES..).unwrap_or_default();
    let invocation = match header.serialization {
        HESSIAN => in_hessian(body, message.cut),
        FASTJSON => in_json(body),
        one if KRYO.contains(&one) => in_kryo(body),
        _ => None,
    };
    let Some(call) = invocation.filter(|call| is_name(&call.service) && is_name(&call.method))
    else {
        ask(header, CallName::Unknown, message, notes);
        return;
    };
    let name = CallName::Rpc { service: &call.service, method: &call.method };
    ask(header, name, message, notes);
    if !call.version.is_empty() && is_name(&call.version) {
        notes.program(b"dubbo", &call.version, message.direction);
    }
    attachments(&call, message, notes);
}

fn ask(header: &Header, name: CallName<'_>, message: &Message<'_>, notes: &mut Notes) {
    if header.two_way {
        notes.asked(header.id, name, message.at);
    } else {
        notes.request(name, message.at);
    }
}

fn attachments(call: &Invocation<'_>, message: &Message<'_>, notes: &mut Notes) {
    let value = |key: &[u8]| {
        let found = call.attachments.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| *value).filter(|value| !value.is_empty())
    };
    let caller = value(b"remote.application").or_else(|| value(b"application"));
    if let Some(name) = caller {
        notes.caller(name, "dubbo remote.application", message.at);
    }
    let mut place = secrets::Place {
        mechanism: "dubbo token",
        place: "attachment token",
        direction: message.direction,
        at: message.at,
    };
    if let Some(token) = value(b"token") {
        secrets::token(notes, &place, caller, token);
    }
    if let (Some(key), Some(signature)) = (value(b"_ak"), value(b"_signature")) {
        (place.mechanism, place.place) = ("dubbo signature", "attachment _signature");
        secrets::signature(notes, &place, Some(key), signature);
    }
}

fn in_hessian(body: &[u8], cut: bool) -> Option<Invocation<'_>> {
    let mut reader = Reader(body);
    let mut text = || hessian::text(&mut reader).map(Cow::Borrowed);
    let (version, service, _, method) = (text()?, text()?, text()?, text()?);
    let attachments = if cut { Vec::new() } else { hessian::last_map(reader.0) };
    Some(Invocation { version, service, method, attachments })
}

/// Lines of JSON: four texts, a text with the types, the arguments, an object with the attachments.
fn in_json(body: &[u8]) -> Option<Invocation<'_>> {
    let mut lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut text = || lines.next().and_then(json::text).map(Cow::Borrowed);
    let (version, service, _, method) = (text()?, text()?, text()?, text()?);
    let last = lines.rfind(|line| !line.is_empty()).unwrap_or_default();
    let attachments = json::Members::of(last);
    let attachments = attachments.filter_map(|(key, value)| Some((key, json::text(value)?)));
    Some(Invocation { version, service, method, attachments: attachments.collect() })
}

/// Kryo's texts in ASCII: the last byte of each has its highest bit set, which is taken off here.
fn in_kryo(body: &[u8]) -> Option<Invocation<'_>> {
    let mut rest = body;
    let mut text = || {
        let end = rest.iter().position(|byte| *byte & 0x80 != 0)?;
        let (text, behind) = rest.split_at_checked(end.saturating_add(1))?;
        rest = behind;
        Some(Cow::Owned(text.iter().map(|byte| byte & 0x7f).collect::<Vec<u8>>()))
    };
    let (version, service, _, method) = (text()?, text()?, text()?, text()?);
    Some(Invocation { version, service, method, attachments: Vec::new() })
}

fn response(header: &Header, message: &Message<'_>, notes: &mut Notes) {
    const OK: u8 = 20;
    let said = if header.status == OK {
        outcome(header.serialization, message.bytes.get(HEADER_BYTES))
    } else {
        Said::Failure
    };
    notes.answered(header.id, said, message.at);
}

/// The first value of a body says what follows: 0 and 3 an exception, the others a result or none.
fn outcome(serialization: u8, first: Option<&u8>) -> Said {
    let kind = match (serialization, first) {
        (HESSIAN, Some(byte @ 0x90..=0x95)) => byte & 0x0f,
        (FASTJSON, Some(byte @ b'0'..=b'5')) => byte & 0x0f,
        (one, Some(byte @ 0..=5)) if KRYO.contains(&one) => *byte,
        _ => return Said::Nothing,
    };
    if matches!(kind, 0 | 3) { Said::Failure } else { Said::Success }
}
