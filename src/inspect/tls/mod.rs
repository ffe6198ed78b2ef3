//! TLS: the record layer (RFC 8446 section 5, RFC 5246 section 6) from SSLv2's hello to TLS 1.3.
//!
//! Reads record headers, hands readable handshake messages to `handshake`, and keeps the lengths of what is encrypted.
//! Bodies of encrypted records are skipped without being looked at or held.

mod decrypt;
mod failure;
mod fields;
mod fingerprint;
mod handshake;
mod hello;
mod hidden;
mod inference;
mod names;
mod opened;
mod probe;
mod recent;
mod resync;
mod side;
mod suites;

pub use decrypt::{KeyLines, KeyLog, KeyTail};
pub use fields::FIELDS;
pub use fingerprint::{ja3, ja3s, ja4, no_fingerprint};
pub use inference::conclude;
pub use names::{alert_name, group_name, is_tls13, scheme_hash, scheme_name, version_name};
pub use suites::{Suite, suite, suite_name};

use super::begins::Begins;
use super::{Class, Context, Head, Inspector, Next, Probe, Protocol};
use crate::model::{Direction, Evident, Facts, Moment, PerDirection, RecordFact, Why, limits};
use decrypt::{Record, Sealed};
use handshake::Handshake;
use opened::Inside;
use side::Side;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
const HEARTBEAT: u8 = 24;
const HEADER: usize = 5;

/// Longest fragment of a record: 2^14 and what compression and encryption may add in TLS 1.2.
const FRAGMENT: usize = (1 << 14) + 2048;

/// The entry in the table of protocols.
pub struct Tls;

impl Protocol for Tls {
    fn name(&self) -> &'static str {
        "tls"
    }

    fn class(&self) -> Class {
        Class::Channel
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match *head.bytes {
            [first, ..] if first & 0x80 != 0 => probe::sslv2(head),
            [CHANGE_CIPHER_SPEC..=HEARTBEAT, ..] => probe::record(head),
            [] => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        let inside = Inside::new(context.keys.clone());
        // Made where it stays, not on the stack.
        let mut inspector = Box::<TlsInspector>::default();
        inspector.inside = inside;
        inspector
    }
}

/// The header of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Header {
    kind: u8,
    /// The low byte of its version.
    minor: u8,
    length: usize,
}

impl Header {
    /// Reads it; `None` when there is none or it makes no sense.
    fn read(bytes: &[u8]) -> Option<Self> {
        let &[kind, 3, minor @ 0..=4, high, low, ..] = bytes else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let sound = (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) && length <= FRAGMENT;
        sound.then_some(Self { kind, minor, length })
    }

    /// What is kept of a record that cannot be read.
    fn fact(&self, direction: Direction, at: Moment) -> RecordFact {
        let length = u16::try_from(self.length).unwrap_or(u16::MAX);
        RecordFact { direction, content_type: self.kind, length, at }
    }
}

/// Reads one TLS connection.
#[derive(Debug, Default)]
struct TlsInspector {
    handshake: Handshake,
    sides: PerDirection<Side>,
    mismatch: Option<Evident<&'static str>>,
    inside: Inside,
}

impl Inspector for TlsInspector {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Next) {
        let mut rest = bytes;
        while let Some(behind) = self.pass(direction, rest, at) {
            if self.is_settled() {
                return (bytes.len(), Next::Done);
            }
            rest = behind;
        }
        if rest.is_empty() {
            self.sides[direction].unused = 0;
            return (bytes.len(), Next::More);
        }
        let (used, next) = self.read_any(direction, rest, at);
        (used.saturating_add(bytes.len().saturating_sub(rest.len())), next)
    }

    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) -> Next {
        let side = &mut self.sides[direction];
        let missing = usize::try_from(missing).unwrap_or(usize::MAX).saturating_add(side.unused);
        side.unused = 0;
        if let Some(sealed) = side.sealed.take() {
            side.skip = sealed.length;
            if missing <= sealed.length {
                self.inside.skipped(direction, sealed.length, at);
            }
        }
        let side = &mut self.sides[direction];
        if missing <= side.skip {
            side.skip -= missing;
            return Next::More;
        }
        self.handshake.lost(direction);
        if let [kind, ..] = *side.partial.as_slice() {
            self.handshake.unreadable(direction, kind, Why::Gap);
        }
        self.sides[direction].lose(missing);
        self.inside.lost(direction, missing, at);
        Next::More
    }

    fn held(&self) -> usize {
        let partial = self.sides.to_server.partial.len() + self.sides.to_client.partial.len();
        self.handshake.held() + partial + self.inside.held()
    }

    fn copy(&self) -> Option<Box<dyn Inspector>> {
        // Keys are not copied: what they open is told when it has been opened.
        (!self.inside.goes_on()).then(|| {
            let (handshake, sides) = (self.handshake.clone(), self.sides.clone());
            let inside = Inside::default();
            Box::new(Self { handshake, sides, mismatch: self.mismatch, inside }) as _
        })
    }

    fn finish(self: Box<Self>) -> Facts {
        let mut handshake = self.handshake;
        for direction in Direction::BOTH {
            if let [kind, ..] = *self.sides[direction].partial.as_slice() {
                handshake.unreadable(direction, kind, Why::Gap);
            }
        }
        let calls = self.inside.finish(&mut handshake);
        let hellos = &handshake.facts;
        handshake.facts.midstream =
            !hellos.client_hello.is_value() && !hellos.server_hello.is_value();
        Facts { tls: Some(handshake.finish()), calls, mismatch: self.mismatch, ..Facts::default() }
    }
}

impl TlsInspector {
    /// Passes over another record of application data that nobody opens, or what is there of it, and gives what is behind
    /// it: what [`Self::record`] would do with it, in a few steps, as nearly all records are such. `None` where it may be
    /// anything else.
    #[inline]
    fn pass<'b>(&mut self, direction: Direction, bytes: &'b [u8], at: Moment) -> Option<&'b [u8]> {
        let side = &mut self.sides[direction];
        if !side.calm || bytes.is_empty() || !self.inside.is_closed(direction) {
            return None;
        }
        let mut body = bytes;
        if side.skip == 0 {
            let header = Header::read(bytes).filter(|header| header.kind == DATA)?;
            body = bytes.get(HEADER..)?;
            side.skip = header.length;
            self.handshake.encrypted(header.fact(direction, at));
        }
        let side = &mut self.sides[direction];
        let passed = side.skip.min(body.len());
        side.skip -= passed;
        body.get(passed..)
    }

    /// Reads what [`Self::pass`] leaves, as far as it goes.
    #[inline(never)]
    fn read_any(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Next) {
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let Some(n) = self.step(direction, rest, at) else { break };
            used += n;
            if self.is_settled() || self.is_hopeless() {
                return (bytes.len(), Next::Done);
            }
        }
        self.sides[direction].unused = bytes.len().saturating_sub(used);
        (used, Next::More)
    }

    /// Takes one thing from the front of what is there; `None` when more is needed.
    fn step(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> Option<usize> {
        let side = &mut self.sides[direction];
        if bytes.is_empty() {
            return None;
        }
        if side.unreadable {
            return Some(bytes.len());
        }
        if let Some(sealed) = side.sealed {
            let body = bytes.get(..sealed.length)?;
            side.sealed = None;
            self.inside.record(&Record { direction, sealed, body, at }, &mut self.handshake);
            return Some(sealed.length);
        }
        if side.skip > 0 {
            let n = side.skip.min(bytes.len());
            side.skip -= n;
            return Some(n);
        }
        if side.handshake_left > 0 {
            return self.handshake_bytes(direction, bytes, at);
        }
        if side.lost {
            let (passed, begins) = resync::find(direction, bytes);
            if passed > 0 || begins != Begins::Yes {
                return (passed > 0).then_some(passed);
            }
        }
        self.record(direction, bytes, at)
    }

    fn record(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> Option<usize> {
        let first = !self.sides[direction].began;
        if first && bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
            return self.sslv2_record(direction, bytes, at);
        }
        let Some(header) = Header::read(bytes) else {
            return self.no_record(direction, bytes, at);
        };
        let body = bytes.get(HEADER..).unwrap_or_default();
        if header.kind == HANDSHAKE && body.is_empty() && header.length > 0 {
            return None;
        }
        let encrypted = self.handshake.is_encrypted(direction) && !self.is_alert_13(&header);
        let unaligned = self.sides[direction].unaligned && header.kind == HANDSHAKE;
        let whole = unaligned || matches!(header.kind, ALERT | CHANGE_CIPHER_SPEC);
        if !encrypted && whole && body.len() < header.length {
            return None;
        }
        self.begin(direction, at);
        if !encrypted && unaligned {
            let body = body.get(..header.length).unwrap_or_default();
            self.sides[direction].unaligned = !resync::messages(direction, body);
        }
        if encrypted {
            self.encrypted_record(direction, &header, at);
        } else {
            self.readable_record(direction, &header, body, at);
        }
        // What is not looked at is mostly there: one step less for each of the many records that are encrypted.
        let side = &mut self.sides[direction];
        let passed = side.skip.min(body.len());
        side.skip -= passed;
        Some(HEADER + passed)
    }

    /// Under TLS 1.3 an alert before the keys are there travels in clear.
    fn is_alert_13(&self, header: &Header) -> bool {
        header.kind == ALERT && header.length == 2 && is_tls13(self.handshake.version())
    }

    fn begin(&mut self, direction: Direction, at: Moment) {
        let side = &mut self.sides[direction];
        side.began = true;
        side.lost = false;
        self.handshake.facts.first_record.get_or_insert(at);
    }

    fn encrypted_record(&mut self, direction: Direction, header: &Header, at: Moment) {
        self.handshake.encrypted(header.fact(direction, at));
        let Header { kind, minor, length } = *header;
        if kind == CHANGE_CIPHER_SPEC {
            self.handshake.change_cipher(direction, at);
        }
        let sealed = Sealed { kind, minor, length };
        let side = &mut self.sides[direction];
        if self.inside.wants(direction, &sealed, &self.handshake, at) {
            (side.sealed, side.calm) = (Some(sealed), false);
        } else {
            (side.skip, side.calm) = (length, kind == DATA);
        }
    }

    fn readable_record(&mut self, direction: Direction, header: &Header, body: &[u8], at: Moment) {
        let side = &mut self.sides[direction];
        let body = body.get(..header.length).unwrap_or_default();
        match header.kind {
            HANDSHAKE if side.unaligned => {}
            HANDSHAKE => {
                (side.handshake_left, side.calm) = (header.length, false);
                return;
            }
            ALERT if is_clear_alert(body) => self.alerts(direction, body, at),
            CHANGE_CIPHER_SPEC if body == [1] => {
                self.handshake.change_cipher(direction, at);
                // The one that a client of TLS 1.3 sends ahead of its early data changes nothing.
                if self.handshake.version() != 0 {
                    self.inside.changed_cipher(direction);
                }
            }
            CHANGE_CIPHER_SPEC => {}
            // Before any cipher change: the handshake was not seen, or this is early data.
            _ => return self.encrypted_record(direction, header, at),
        }
        self.sides[direction].skip = header.length;
    }

    fn alerts(&mut self, direction: Direction, body: &[u8], at: Moment) {
        for [level, description] in body.as_chunks().0 {
            self.handshake.alert(direction, *level, *description, at);
        }
    }

    /// A ClientHello in SSLv2 framing.
    fn sslv2_record(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> Option<usize> {
        let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?) & 0x7fff);
        let body = bytes.get(2..2 + length)?;
        match hello::sslv2_hello(body, at) {
            Some(hello) => {
                self.begin(direction, at);
                self.handshake.sslv2(hello);
            }
            None => return self.no_record(direction, bytes, at),
        }
        Some(2 + length)
    }

    /// These bytes are no record.
    fn no_record(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> Option<usize> {
        if resync::is_start_of_header(bytes) {
            return None;
        }
        let answered = direction == Direction::ToClient && !self.sides[direction].began;
        if answered && self.sides.to_server.began && !self.handshake.gaps {
            self.mismatch.get_or_insert(Evident { value: "tls-to-plaintext", at });
        }
        if self.sides[direction].began {
            self.handshake.lost(direction);
        }
        let side = &mut self.sides[direction];
        (side.unreadable, side.calm) = (true, false);
        Some(bytes.len())
    }

    /// Whether nothing more can be learned of this connection.
    fn is_settled(&self) -> bool {
        self.handshake.is_settled() && !self.inside.goes_on()
    }

    fn is_hopeless(&self) -> bool {
        self.sides.to_server.unreadable && self.sides.to_client.unreadable
    }

    /// Reads handshake messages as far as the record and the bytes reach. A message that lies whole before us is read
    /// in place; one that goes on in the next record is put together.
    fn handshake_bytes(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> Option<usize> {
        let side = &mut self.sides[direction];
        let body = bytes.get(..side.handshake_left).unwrap_or(bytes);
        let record_ends = body.len() == side.handshake_left;
        if side.oversized > 0 {
            let n = side.oversized.min(body.len());
            side.oversized -= n;
            side.handshake_left -= n;
            return Some(n);
        }
        if !side.partial.is_empty() {
            return Some(self.continue_message(direction, body, at));
        }
        match whole_message(body) {
            Some((kind, message)) => {
                side.handshake_left -= 4 + message.len();
                self.handshake.message(direction, kind, message, at);
                Some(4 + message.len())
            }
            None if record_ends || body.len() > limits::HANDSHAKE_MESSAGE / 8 => {
                side.handshake_left -= body.len();
                self.start_message(direction, body);
                Some(body.len())
            }
            None => None,
        }
    }

    /// Keeps the beginning of a message that goes on in another record.
    fn start_message(&mut self, direction: Direction, body: &[u8]) {
        let side = &mut self.sides[direction];
        match message_length(body) {
            Some(length) if length > limits::HANDSHAKE_MESSAGE => {
                side.oversized = (4 + length).saturating_sub(body.len());
                let kind = body.first().copied().unwrap_or_default();
                self.handshake.unreadable(direction, kind, Why::Bound);
            }
            _ => side.partial = body.to_vec(),
        }
    }

    /// Adds to a message that began in an earlier record, and reads it when it is whole.
    fn continue_message(&mut self, direction: Direction, body: &[u8], at: Moment) -> usize {
        let side = &mut self.sides[direction];
        let missing = match message_length(&side.partial) {
            Some(length) => (4 + length).saturating_sub(side.partial.len()),
            None => 4 - side.partial.len().min(4),
        };
        let n = missing.min(body.len());
        side.partial.extend_from_slice(body.get(..n).unwrap_or_default());
        side.handshake_left -= n;
        let partial = std::mem::take(&mut side.partial);
        match whole_message(&partial) {
            Some((kind, message)) => self.handshake.message(direction, kind, message, at),
            None => self.start_message(direction, &partial),
        }
        n
    }
}

/// Whether the body of an alert record is alerts, and not what encryption makes of one: at least a tag of 16 bytes.
fn is_clear_alert(body: &[u8]) -> bool {
    body.len() < 16
        && body.len().is_multiple_of(2)
        && body.as_chunks().0.iter().all(|[n, _]| matches!(n, 1 | 2))
}

/// The length field of a handshake message.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let &[_, a, b, c, ..] = bytes else { return None };
    Some(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
}

/// Type and body of the first message, when it is whole.
fn whole_message(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let length = message_length(bytes)?;
    Some((*bytes.first()?, bytes.get(4..4 + length)?))
}

#[cfg(test)]
mod tests;
