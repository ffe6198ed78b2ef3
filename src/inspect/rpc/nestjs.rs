//! The TCP transport of NestJS microservices (<https://docs.nestjs.com/microservices/basics>): a length in decimal, `#`,
//! and that many characters of JSON.
//!
//! Takes both byte streams; gives the pattern that names a call, and its outcome. Data is not looked at.

use std::hash::BuildHasher as _;

use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::{Known, agrees};
use crate::inspect::json;
use crate::model::{Direction, Field, limits};

/// NestJS over TCP.
pub(in crate::inspect) struct NestJs;

impl Protocol for NestJs {
    fn name(&self) -> ProtocolId {
        "nestjs"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        const REQUEST: &[u8] = b"{\"pattern\":";
        match length(head.bytes) {
            Known::Yes((before, _)) => {
                let object = head.bytes.get(before..).unwrap_or_default();
                if !agrees(object, REQUEST) {
                    Probe::No
                } else if object.len() < REQUEST.len() {
                    Probe::Unsure
                } else {
                    head.sent_by(Direction::ToServer)
                }
            }
            Known::Later => Probe::Unsure,
            Known::No => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Lengths>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// The digits and `#`: how many bytes they take, and what they say.
fn length(bytes: &[u8]) -> Known<(usize, usize)> {
    const LONGEST: usize = 8;
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > LONGEST || bytes.first() == Some(&b'0') {
        return Known::No;
    }
    let parsed =
        bytes.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    match (bytes.get(digits), parsed) {
        (None, _) => Known::Later,
        (Some(b'#'), Some(length)) => Known::Yes((digits.saturating_add(1), length)),
        _ => Known::No,
    }
}

/// The grammar of this transport.
#[derive(Clone, Default)]
struct Lengths;

impl Grammar for Lengths {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        let (before, length) = match length(bytes) {
            Known::Yes(read) => read,
            Known::Later => return Frame::Need,
            Known::No => return Frame::Foreign,
        };
        let text = bytes.get(before..).unwrap_or_default();
        if !matches!(text.first(), None | Some(b'{')) {
            return Frame::Foreign;
        }
        // The length counts UTF-16 code units. A text that is too long to be counted is taken for ASCII.
        if length > limits::MESSAGE_BYTES {
            return Frame::Message(before.saturating_add(length) as u64);
        }
        match behind(text, length) {
            Some(end) => Frame::Message(before.saturating_add(end) as u64),
            None => Frame::Need,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if let Known::Yes((before, _)) = length(message.bytes) {
            note(message.bytes.get(before..).unwrap_or_default(), message, notes);
        }
        Next::More
    }
}

/// How many bytes so many UTF-16 code units take; nothing while they are not all there.
fn behind(text: &[u8], units: usize) -> Option<usize> {
    let mut counted: usize = 0;
    for (place, byte) in text.iter().enumerate() {
        if counted >= units && byte & 0xc0 != 0x80 {
            return Some(place);
        }
        counted = counted.saturating_add(match byte {
            0x80..=0xbf => 0,
            0xf0..=0xff => 2,
            _ => 1,
        });
    }
    // The last character is a brace: nothing of it can be missing.
    (counted == units && text.ends_with(b"}")).then_some(text.len())
}

fn note(object: &[u8], message: &Message<'_>, notes: &mut Notes) {
    const HASH: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0);
    let number = json::member(object, b"id").map(|id| HASH.hash_one(id));
    match message.direction {
        Direction::ToServer => {
            let Some(pattern) = json::member(object, b"pattern") else { return };
            let command = json::member(pattern, b"cmd").and_then(json::text);
            let method = command.or_else(|| json::text(pattern)).unwrap_or(pattern);
            let name = CallName::Rpc { service: b"", method };
            match number {
                Some(number) => notes.asked(number, name, message.at),
                None => drop(notes.request(name, message.at)),
            }
        }
        Direction::ToClient => {
            // A stream of answers ends with the one that says so; the outcome is told once.
            let last = json::member(object, b"isDisposed") == Some(b"true");
            let failed = json::member(object, b"err").is_some_and(|error| error != b"null");
            if let (Some(number), true) = (number, last || failed) {
                let said = if failed { Said::Failure } else { Said::Success };
                notes.answered(number, said, message.at);
            }
        }
    }
}
