//! The protocols that a bRPC port speaks besides HTTP: its own, HULU, SOFA, streams, and messages behind an nshead
//! (<https://brpc.apache.org/docs/server/basics/#protocols>).
//!
//! Takes both byte streams; gives service, method and outcome of calls and what authenticates the caller. Of an nshead,
//! whose body says nothing without its schema, the provider is the caller's name.

use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::{Known, agrees, secrets, split_name};
use crate::inspect::protobuf;
use crate::inspect::reader::Reader;
use crate::model::{Direction, Field, limits};

/// bRPC.
pub(in crate::inspect) struct Brpc;

impl Protocol for Brpc {
    fn name(&self) -> ProtocolId {
        "brpc"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match unit(head.bytes) {
            Known::Yes(unit) => match sender(&unit, head.bytes) {
                Known::Yes(Some(side)) => head.sent_by(side),
                Known::Yes(None) => Probe::Yes,
                Known::Later if head.bytes.len() < limits::PROBE_BYTES => Probe::Unsure,
                Known::Later => Probe::Yes,
                Known::No => Probe::No,
            },
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `PRPC`
    Standard,
    /// `HULU`
    Hulu,
    /// `SOFA`
    Sofa,
    /// `STRM`
    Stream,
    /// nshead
    Nshead,
}

const MAGICS: [(&[u8; 4], Kind); 4] = [
    (b"PRPC", Kind::Standard),
    (b"HULU", Kind::Hulu),
    (b"SOFA", Kind::Sofa),
    (b"STRM", Kind::Stream),
];

/// A larger body is none: servers take 64 MiB unless told otherwise.
const LARGEST: u64 = 1 << 30;

/// What a message's first bytes say of its size.
#[derive(Clone)]
struct Unit {
    kind: Kind,
    length: u64,
    /// Where its description is.
    meta: std::ops::Range<usize>,
}

impl Unit {
    fn meta<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let end = self.meta.end.min(bytes.len());
        bytes.get(self.meta.start..end).unwrap_or_default()
    }
}

fn unit(bytes: &[u8]) -> Known<Unit> {
    match MAGICS.iter().find(|(magic, _)| agrees(bytes, *magic)) {
        Some((_, kind)) => with_magic(bytes, *kind),
        None => nshead(bytes),
    }
}

fn with_magic(bytes: &[u8], kind: Kind) -> Known<Unit> {
    let mut reader = Reader::at(bytes, 4);
    let sizes = match kind {
        Kind::Hulu => {
            (|| Some((12_usize, u64::from(reader.u32_le()?), u64::from(reader.u32_le()?))))()
        }
        Kind::Sofa => (|| {
            let (meta, _, all) = (reader.u32_le()?, reader.u64_le()?, reader.u64_le()?);
            Some((24, all, u64::from(meta)))
        })(),
        _ => (|| Some((12, u64::from(reader.u32()?), u64::from(reader.u32()?))))(),
    };
    let Some((fixed, body, meta)) = sizes else { return Known::Later };
    if body > LARGEST || meta > body {
        return Known::No;
    }
    let end = fixed.saturating_add(usize::try_from(meta).unwrap_or(usize::MAX));
    Known::Yes(Unit { kind, length: body.saturating_add(fixed as u64), meta: fixed..end })
}

/// Number, version, log number, provider, magic number, reserved, length of the body; the magic number comes late, so
/// the provider is looked at on the way: it is a text with zeros behind it.
fn nshead(bytes: &[u8]) -> Known<Unit> {
    const MAGIC: [u8; 4] = [0x94, 0x93, 0x70, 0xfb];
    const PROVIDER: usize = 8;
    const FIXED: usize = 36;
    let provider = bytes.get(PROVIDER..).unwrap_or_default();
    let provider = provider.get(..16).unwrap_or(provider);
    let text = provider.iter().position(|byte| *byte == 0).unwrap_or(provider.len());
    let (text, zeros) = provider.split_at_checked(text).unwrap_or_default();
    let fits = bytes.get(3).is_none_or(|version| *version == 0)
        && text.iter().all(u8::is_ascii_graphic)
        && zeros.iter().all(|byte| *byte == 0)
        && bytes.get(24..).is_none_or(|magic| agrees(magic, &MAGIC));
    if !fits {
        return Known::No;
    }
    let mut reader = Reader::at(bytes, 32);
    let Some(body) = reader.u32_le() else { return Known::Later };
    if u64::from(body) > LARGEST {
        return Known::No;
    }
    Known::Yes(Unit {
        kind: Kind::Nshead,
        length: u64::from(body).saturating_add(FIXED as u64),
        meta: PROVIDER..PROVIDER + text.len(),
    })
}

/// Who sends a message, where it says so.
fn sender(unit: &Unit, bytes: &[u8]) -> Known<Option<Direction>> {
    let meta = unit.meta(bytes);
    if meta.len() < unit.meta.len() {
        return Known::Later;
    }
    if unit.kind != Kind::Nshead && !protobuf::is_whole(meta) {
        return Known::No;
    }
    let asks = match unit.kind {
        Kind::Standard => protobuf::bytes(meta, 1).is_some(),
        Kind::Hulu => protobuf::bytes(meta, 1).is_some(),
        Kind::Sofa => protobuf::bytes(meta, 100).is_some(),
        Kind::Stream | Kind::Nshead => return Known::Yes(None),
    };
    Known::Yes(Some(if asks { Direction::ToServer } else { Direction::ToClient }))
}

/// The grammar of all of them.
#[derive(Clone, Default)]
struct Frames;

impl Grammar for Frames {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        match unit(bytes) {
            Known::Yes(unit) => Frame::Message(unit.length),
            Known::Later => Frame::Need,
            Known::No => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let Known::Yes(unit) = unit(message.bytes) else { return Next::More };
        let meta = unit.meta(message.bytes);
        match (unit.kind, message.direction) {
            (Kind::Standard, Direction::ToServer) => standard(meta, message, notes),
            (Kind::Standard, Direction::ToClient) => {
                let response = protobuf::bytes(meta, 2).unwrap_or_default();
                let said = said(protobuf::number(response, 1) == 0);
                notes.answered(protobuf::number(meta, 4), said, message.at);
            }
            (Kind::Hulu, Direction::ToServer) => hulu(meta, message, notes),
            (Kind::Hulu, Direction::ToClient) => {
                let number = unzigzag(protobuf::number(meta, 3));
                notes.answered(number, said(protobuf::number(meta, 1) == 0), message.at);
            }
            (Kind::Sofa, Direction::ToServer) => {
                let method = protobuf::bytes(meta, 100).unwrap_or_default();
                notes.asked(protobuf::number(meta, 2), split_name(method, b'.'), message.at);
            }
            (Kind::Sofa, Direction::ToClient) => {
                let good = protobuf::number(meta, 200) == 0;
                notes.answered(protobuf::number(meta, 2), said(good), message.at);
            }
            (Kind::Nshead, Direction::ToServer) => {
                notes.caller(meta, "nshead provider", message.at);
                let name = CallName::Rpc { service: b"", method: b"nshead" };
                notes.asked_in_turn(name, message.at);
            }
            (Kind::Nshead, Direction::ToClient) => {
                notes.answered_in_turn(Said::Nothing, message.at);
            }
            (Kind::Stream, _) => {}
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        match unit(bytes) {
            Known::Yes(unit) => {
                matches!(sender(&unit, bytes), Known::Yes(Some(side)) if side == direction)
            }
            _ => false,
        }
    }
}

fn said(good: bool) -> Said {
    if good { Said::Success } else { Said::Failure }
}

fn unzigzag(number: u64) -> u64 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

fn standard(meta: &[u8], message: &Message<'_>, notes: &mut Notes) {
    const REQUEST: u64 = 1;
    const AUTHENTICATION: u64 = 7;
    const USER_FIELDS: u64 = 9;
    let request = protobuf::bytes(meta, REQUEST).unwrap_or_default();
    let text = |field| protobuf::bytes(request, field).unwrap_or_default();
    let name = CallName::Rpc { service: text(1), method: text(2) };
    notes.asked(protobuf::number(meta, 4), name, message.at);
    if let Some(secret) = protobuf::bytes(meta, AUTHENTICATION) {
        token(b"authentication_data", secret, message, notes);
    }
    for (key, value) in protobuf::map(meta, USER_FIELDS).take(limits::HTTP_FIELDS) {
        if secrets::is_secret_key(key) {
            token(key, value, message, notes);
        }
    }
}

fn hulu(meta: &[u8], message: &Message<'_>, notes: &mut Notes) {
    const CREDENTIAL: u64 = 15;
    let service = protobuf::bytes(meta, 1).unwrap_or_default();
    let number = protobuf::number(meta, 2).to_string();
    let method = protobuf::bytes(meta, 14).unwrap_or(number.as_bytes());
    notes.asked(protobuf::number(meta, 4), CallName::Rpc { service, method }, message.at);
    if let Some(secret) = protobuf::bytes(meta, CREDENTIAL) {
        token(b"credential_data", secret, message, notes);
    }
}

fn token(key: &[u8], secret: &[u8], message: &Message<'_>, notes: &mut Notes) {
    let place = secrets::Place {
        mechanism: "brpc authentication",
        place: &secrets::place("meta", key),
        direction: message.direction,
        at: message.at,
    };
    secrets::token(notes, &place, None, secret);
}
