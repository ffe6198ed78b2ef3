//! Kafka's protocol (<https://kafka.apache.org/protocol>).
//!
//! Takes both byte streams; gives requests by name and topic, the client's name for itself, its library, and logins
//! with SASL in both of their forms. Records are not looked at.

mod names;
#[cfg(test)]
mod tests;

use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::reader::Reader;
use super::super::sasl::Sasl;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment};

/// Kafka and what speaks its protocol: Redpanda, Event Hubs.
pub(in crate::inspect) struct Kafka;

impl Protocol for Kafka {
    fn name(&self) -> ProtocolId {
        "kafka"
    }

    fn class(&self) -> Class {
        Class::Broker
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match request(head.bytes) {
            Some(true) => head.sent_by(Direction::ToServer),
            Some(false) => Probe::No,
            None => Probe::Unsure,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

const PRODUCE: u16 = 0;
const FETCH: u16 = 1;
const METADATA: u16 = 3;
const SASL_HANDSHAKE: u16 = 17;
const API_VERSIONS: u16 = 18;
const SASL_AUTHENTICATE: u16 = 36;

/// Bytes of a request that brokers accept by default.
const LONGEST: u32 = 104_857_600;
const LAST_VERSION: u16 = 20;

/// Whether a request begins here. The header has few certain bytes: the client's name must be a name, and where it is
/// empty only the question that modern clients begin with is taken.
fn request(bytes: &[u8]) -> Option<bool> {
    const LONGEST_NAME: usize = 128;
    let fits = |(place, byte): (usize, &u8)| match place {
        0 => *byte <= 6,
        4 | 6 => *byte == 0,
        5 => names::name(u16::from(*byte)).is_some(),
        7 => u16::from(*byte) <= LAST_VERSION,
        12 => matches!(byte, 0 | 0xff),
        _ => true,
    };
    if !bytes.iter().take(13).enumerate().all(fits) {
        return Some(false);
    }
    let mut rest = Reader(bytes);
    let length = rest.u32()?;
    let (key, version, correlation) = (rest.u16()?, rest.u16()?, rest.u32()?);
    if !(10..=LONGEST).contains(&length) {
        return Some(false);
    }
    let early = correlation < 1 << 16;
    match rest.u16()? {
        0 => Some(key == API_VERSIONS && version <= 4 && length <= 256 && early),
        // No name at all: of these bytes there are enough that no other protocol has.
        0xffff => Some(early && length < 1 << 20),
        name if usize::from(name) <= LONGEST_NAME && u32::from(name) + 10 <= length => {
            let name = usize::from(name);
            let text = rest.0.get(..name.min(rest.0.len()))?;
            let readable =
                text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/#@ ".contains(byte));
            match (readable, text.len() == name) {
                (false, _) => Some(false),
                (true, false) => None,
                // A short name is a few bits only.
                (true, true) => Some(name > 3 || early && length < 1 << 20),
            }
        }
        _ => Some(false),
    }
}

#[derive(Clone, Default)]
struct Conversation {
    sasl: Sasl,
    /// So many tokens stand where requests would: the login of the first version.
    raw: u8,
    logged_in: bool,
    missing: bool,
    handshake: Option<u32>,
    /// The number of a login, and whether its answer has tags in its header.
    login: Option<(u32, bool)>,
    raw_answers: u8,
    /// A request that needs a login where there are any, sent without one.
    guarded: Option<u32>,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        let mut rest = Reader(bytes);
        let Some(length) = rest.u32() else { return Frame::Need };
        let least = match direction {
            _ if self.raw > 0 || self.raw_answers > 0 => 0,
            Direction::ToServer => 8,
            Direction::ToClient => 4,
        };
        if !(least..=LONGEST).contains(&length) {
            return Frame::Foreign;
        }
        match (direction, rest.u16()) {
            (Direction::ToServer, Some(key)) if self.raw == 0 && names::name(key).is_none() => {
                Frame::Foreign
            }
            _ => Frame::Message(u64::from(length) + 4),
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let rest = Reader(message.bytes.get(4..).unwrap_or_default());
        let _told = match message.direction {
            Direction::ToServer => self.request(rest, notes, message.at),
            Direction::ToClient => self.response(rest, notes, message.at),
        };
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        direction == Direction::ToServer && request(bytes) == Some(true)
    }

    fn lost(&mut self, _: Direction) {
        self.missing = true;
        self.raw = 0;
        self.raw_answers = 0;
        self.sasl.end();
    }
}

impl Conversation {
    fn request(&mut self, mut rest: Reader<'_>, notes: &mut Notes, at: Moment) -> Option<()> {
        if let Some(left) = self.raw.checked_sub(1) {
            self.raw = left;
            self.sasl.response(rest.0, "SaslHandshake", notes, at);
            self.raw_answers = self.raw_answers.saturating_add(1);
            return Some(());
        }
        let (key, version, correlation) = (rest.u16()?, rest.u16()?, rest.u32()?);
        let name = names::name(key)?;
        let client = rest.u16().filter(|length| *length != 0xffff);
        let client = rest.take(usize::from(client.unwrap_or(0))).unwrap_or_default();
        notes.caller(client, "kafka client id", at);
        let topic = topic(key, version, rest).unwrap_or_default();
        let call = CallName::Rpc { service: topic, method: name.as_bytes() };
        if key == PRODUCE && acknowledgements(version, rest) == Some(0) {
            notes.request(call, at);
        } else {
            notes.asked(correlation.into(), call, at);
        }
        match key {
            SASL_HANDSHAKE => {
                self.logged_in = true;
                let mechanism = rest.vec16()?;
                self.sasl.begin(mechanism);
                let tokens = if mechanism == b"PLAIN" { 1 } else { 2 };
                self.raw = if version == 0 { tokens } else { 0 };
                self.handshake = Some(correlation);
            }
            SASL_AUTHENTICATE => {
                let token = if version >= 2 {
                    tags(&mut rest)?;
                    compact(&mut rest)?
                } else {
                    rest.vec32()?
                };
                self.login = Some((correlation, version >= 2));
                self.sasl.response(token, "SaslAuthenticate", notes, at);
            }
            API_VERSIONS if version >= 3 => {
                tags(&mut rest)?;
                let (name, version) = (compact(&mut rest)?, compact(&mut rest)?);
                notes.program(name, version, Direction::ToServer);
            }
            PRODUCE | FETCH | METADATA if !self.logged_in && !self.missing => {
                self.guarded.get_or_insert(correlation);
            }
            _ => {}
        }
        Some(())
    }

    fn response(&mut self, mut rest: Reader<'_>, notes: &mut Notes, at: Moment) -> Option<()> {
        if self.raw_answers > 0 {
            self.raw_answers -= 1;
            notes.credential_judged(true);
            return Some(());
        }
        let correlation = rest.u32()?;
        let mut said = Said::Nothing;
        if self.handshake == Some(correlation) {
            self.handshake = None;
            said = outcome(rest.u16()?);
        } else if let Some((_, flexible)) = self.login.filter(|(login, _)| *login == correlation) {
            self.login = None;
            if flexible {
                tags(&mut rest)?;
            }
            said = outcome(rest.u16()?);
            notes.credential_judged(said == Said::Success);
        } else if self.guarded == Some(correlation) {
            notes.unauthenticated(at);
        }
        notes.answered(correlation.into(), said, at);
        Some(())
    }
}

fn outcome(error: u16) -> Said {
    if error == 0 { Said::Success } else { Said::Failure }
}

/// The first topic of a request, where the version has it at a place that is known.
fn topic<'a>(key: u16, version: u16, mut rest: Reader<'a>) -> Option<&'a [u8]> {
    let flexible = match key {
        PRODUCE if version < 9 => {
            if version >= 3 {
                nullable(&mut rest)?;
            }
            rest.skip(6)?;
            false
        }
        PRODUCE if version < 13 => {
            tags(&mut rest)?;
            compact(&mut rest)?;
            rest.skip(6)?;
            true
        }
        FETCH if version < 13 => {
            if version >= 12 {
                tags(&mut rest)?;
            }
            rest.skip(12)?;
            rest.skip(if version >= 3 { 4 } else { 0 })?;
            rest.skip(usize::from(version >= 4))?;
            rest.skip(if version >= 7 { 8 } else { 0 })?;
            version >= 12
        }
        METADATA if version < 9 => false,
        METADATA if version == 9 => {
            tags(&mut rest)?;
            true
        }
        _ => return None,
    };
    if flexible {
        (unsigned(&mut rest)? > 1).then(|| compact(&mut rest))?
    } else {
        let count = rest.u32()?;
        (1..=1 << 16).contains(&count).then(|| rest.vec16())?
    }
}

/// What a producer asks to wait for; none means that no answer comes.
fn acknowledgements(version: u16, mut rest: Reader<'_>) -> Option<u16> {
    if version >= 9 {
        tags(&mut rest)?;
        compact(&mut rest)?;
    } else if version >= 3 {
        nullable(&mut rest)?;
    }
    rest.u16()
}

fn nullable<'a>(rest: &mut Reader<'a>) -> Option<&'a [u8]> {
    match rest.u16()? {
        0xffff => Some(b""),
        length => rest.take(usize::from(length)),
    }
}

/// The tags behind a header; only none are expected.
fn tags(rest: &mut Reader<'_>) -> Option<()> {
    (rest.u8()? == 0).then_some(())
}

/// A text or bytes with a length that is one more than it says; 0 is nothing.
fn compact<'a>(rest: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = unsigned(rest)?.saturating_sub(1);
    rest.take(usize::try_from(length).ok()?)
}

fn unsigned(rest: &mut Reader<'_>) -> Option<u32> {
    let mut number = 0;
    for digit in 0..4 {
        let byte = rest.u8()?;
        number |= u32::from(byte & 0x7f) << (7 * digit);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
