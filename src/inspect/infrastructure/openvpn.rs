//! OpenVPN over TCP (<https://openvpn.net/community-resources/openvpn-protocol/>, RFC draft
//! draft-openvpn-openvpn-wire-protocol): packets with a length before them. Its control channel carries a TLS handshake,
//! which tells who the two ends are as well as any other; its data channel is encrypted with keys from there.
//!
//! Packets of the control channel may have an HMAC (`tls-auth`), and are read behind it. Where they are encrypted as a
//! whole (`tls-crypt`) nothing can be seen of the handshake.

use super::super::reader::Reader;
use super::super::tls::Tls;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Facts, Moment, PerDirection, limits};

/// Tunnels between sites and machines.
pub(in crate::inspect) struct OpenVpn;

/// Kinds of packets: the upper five bits of their first byte.
const SERVER_RESET: u8 = 8;
const CLIENT_RESET: u8 = 7;
const CONTROL: u8 = 4;
const ACKNOWLEDGEMENT: u8 = 5;
const DATA: [u8; 2] = [6, 9];

/// Bytes of a client's first packet without an HMAC: kind, session, no acknowledgement, its number.
const BARE_RESET: usize = 14;

/// What an HMAC and the packet's number and time behind it add: none, MD5, SHA-1, SHA-256, SHA-512.
const AUTHENTICATION: [usize; 5] = [0, 24, 28, 40, 72];

/// What `tls-crypt` adds: the packet's number and time, and an HMAC of SHA-256 behind them.
const ENCRYPTED: usize = 40;

/// Whether a client's first packet is encrypted as a whole: its number, which is 1, comes before the HMAC.
fn is_encrypted(packet: &[u8]) -> bool {
    let tail = packet.len().checked_sub(5).and_then(|tail| packet.get(tail..));
    packet.get(SESSION + 1..SESSION + 5) == Some(&[0, 0, 0, 1]) && tail != Some(&[0; 5])
}

/// Bytes of the session's name behind the kind.
const SESSION: usize = 8;

/// The longest packet of the control channel that is looked at. Programs keep them below what one frame carries.
const CONTROL_PACKET: usize = 4096;

impl Protocol for OpenVpn {
    fn name(&self) -> ProtocolId {
        "openvpn"
    }

    fn class(&self) -> Class {
        Class::Channel
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.direction == Direction::ToClient && head.bytes.get(2) != Some(&(CLIENT_RESET << 3))
        {
            return Probe::No;
        }
        match first_packet(head.bytes) {
            Some(Ok(_)) if head.direction == Direction::ToClient => Probe::Reversed,
            Some(Ok(_)) => Probe::Yes,
            Some(Err(NotWhole)) => Probe::Unsure,
            None => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Connection {
            inside: Tls.inspector(context),
            authentication: None,
            sides: PerDirection::default(),
        })
    }
}

/// More bytes are needed.
struct NotWhole;

/// How many bytes of authentication the first packet of a client has, if these bytes begin with one.
fn first_packet(bytes: &[u8]) -> Option<Result<usize, NotWhole>> {
    let mut rest = Reader(bytes);
    let Some(length) = rest.u16() else {
        return bytes.iter().all(|byte| *byte == 0).then_some(Err(NotWhole));
    };
    let length = usize::from(length);
    let extra = length.checked_sub(BARE_RESET).filter(|extra| AUTHENTICATION.contains(extra))?;
    let Some(kind) = rest.u8() else { return Some(Err(NotWhole)) };
    if kind != CLIENT_RESET << 3 {
        return None;
    }
    let Some(packet) = bytes.get(2..length.checked_add(2)?) else { return Some(Err(NotWhole)) };
    if extra == ENCRYPTED && is_encrypted(packet) {
        return Some(Ok(extra));
    }
    // Nothing is acknowledged yet, and this is packet 0; behind an HMAC it is the first that was sent.
    let tail = packet.len().checked_sub(5)?;
    let begins = packet.get(tail..)?.iter().all(|byte| *byte == 0);
    let number = packet.get(tail.checked_sub(8)?..tail.checked_sub(4)?)?;
    (begins && (extra == 0 || number == [0, 0, 0, 1])).then_some(Ok(extra))
}

/// Reads one connection.
struct Connection {
    inside: Box<dyn Inspector>,
    /// Bytes of authentication in every packet of the control channel, once the first was seen.
    authentication: Option<usize>,
    sides: PerDirection<Side>,
}

#[derive(Default)]
struct Side {
    /// Bytes of a packet that are passed over.
    skip: usize,
    /// The number of the packet whose payload comes next.
    next: u32,
    /// Payload that was left over, to be given again with more.
    left: Vec<u8>,
    /// What the control channel carries can no longer be followed.
    lost: bool,
    /// A packet of the data channel was seen.
    data: bool,
}

impl Inspector for Connection {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Next) {
        let mut used = 0_usize;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let side = &mut self.sides[direction];
            if side.skip > 0 && !rest.is_empty() {
                let passed = side.skip.min(rest.len());
                side.skip = side.skip.saturating_sub(passed);
                used = used.saturating_add(passed);
                continue;
            }
            let Some((&[high, low, kind], _)) = rest.split_first_chunk::<3>() else { break };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let kind = kind >> 3;
            side.data |= DATA.contains(&kind);
            if length > CONTROL_PACKET || !(CONTROL..=SERVER_RESET).contains(&kind) {
                side.skip = length.saturating_add(2);
                continue;
            }
            let end = length.saturating_add(2);
            let Some(packet) = rest.get(2..end) else { break };
            used = used.saturating_add(end);
            if self.packet(direction, kind, packet, at) == Next::Done {
                return (used, Next::Done);
            }
        }
        let spent = self.sides.to_server.data && self.sides.to_client.data;
        (used, if spent { Next::Done } else { Next::More })
    }

    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) -> Next {
        let side = &mut self.sides[direction];
        match usize::try_from(missing).ok().and_then(|missing| side.skip.checked_sub(missing)) {
            Some(skip) => {
                side.skip = skip;
                Next::More
            }
            // Where the next packet begins nobody knows: it has no mark.
            None => {
                let left = std::mem::take(side).left.len() as u64;
                *side = Side { lost: true, skip: usize::MAX, ..Side::default() };
                self.inside.gap(direction, missing.saturating_add(left), at)
            }
        }
    }

    fn held(&self) -> usize {
        let left = self.sides.to_server.left.len().saturating_add(self.sides.to_client.left.len());
        left.saturating_add(self.inside.held())
    }

    fn finish(self: Box<Self>) -> Facts {
        // Where the control channel could not be read, nothing is known of a handshake.
        self.authentication.map_or_else(Facts::default, |_| self.inside.finish())
    }
}

impl Connection {
    /// Takes a packet of the control channel.
    fn packet(&mut self, direction: Direction, kind: u8, packet: &[u8], at: Moment) -> Next {
        if kind == CLIENT_RESET && self.authentication.is_none() && !is_encrypted(packet) {
            self.authentication = packet.len().checked_sub(BARE_RESET);
        }
        if kind == SERVER_RESET && self.authentication.is_none() {
            // It was captured before the packet that it answers, and has nothing but its number.
            self.sides[direction].next = 1;
        }
        let (Some(authentication), false) = (self.authentication, kind == ACKNOWLEDGEMENT) else {
            return Next::More;
        };
        let side = &mut self.sides[direction];
        let Some((number, payload)) = payload(packet, authentication).filter(|_| !side.lost) else {
            return Next::More;
        };
        if number < side.next {
            return Next::More;
        }
        if number > side.next {
            // Over TCP nothing comes out of order: this packet's predecessor was too large to be looked at.
            side.lost = true;
            let left = std::mem::take(&mut side.left).len() as u64;
            return self.inside.gap(direction, left.saturating_add(1), at);
        }
        side.next = number.saturating_add(1);
        if kind != CONTROL {
            return Next::More;
        }
        side.left.extend_from_slice(payload);
        let (used, next) = self.inside.read(direction, &side.left, at);
        side.left.drain(..used.min(side.left.len()));
        if side.left.len() > limits::PENDING_BYTES { Next::Done } else { next }
    }
}

/// The number of a packet of the control channel, and what it carries.
fn payload(packet: &[u8], authentication: usize) -> Option<(u32, &[u8])> {
    let mut rest = Reader(packet);
    rest.skip(SESSION.checked_add(1)?.checked_add(authentication)?)?;
    let acknowledged = usize::from(rest.u8()?);
    if acknowledged > 0 {
        rest.skip(acknowledged.checked_mul(4)?.checked_add(SESSION)?)?;
    }
    let number = rest.u32()?;
    Some((number, rest.0))
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, inspect, server};
    use super::*;
    use crate::model::Seen;

    fn packet(kind: u8, authentication: usize, acknowledged: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![kind << 3];
        packet.extend([7; SESSION]);
        if authentication > 0 {
            packet.extend(vec![0xaa; authentication - 8]);
            packet.extend([0, 0, 0, 1, 0x60, 0, 0, 0]);
        }
        packet.push(acknowledged);
        packet.extend(vec![0; usize::from(acknowledged) * 4]);
        if acknowledged > 0 {
            packet.extend([8; SESSION]);
        }
        packet.extend(rest);
        [&u16::try_from(packet.len()).unwrap().to_be_bytes()[..], &packet].concat()
    }

    fn numbered(number: u32, payload: &[u8]) -> Vec<u8> {
        [&number.to_be_bytes()[..], payload].concat()
    }

    /// A ClientHello of TLS 1.2 with one suite.
    fn hello() -> Vec<u8> {
        let body = [&[3, 3][..], &[1; 32], &[0, 0, 2, 0x13, 0x01, 1, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
    }

    #[test]
    fn the_handshake_inside_is_read_with_and_without_authentication() {
        for authentication in AUTHENTICATION {
            let hello = hello();
            let (first, second) = hello.split_at(20);
            let events = [
                client(packet(CLIENT_RESET, authentication, 0, &numbered(0, &[]))),
                server(packet(SERVER_RESET, authentication, 1, &numbered(0, &[]))),
                client(
                    [
                        packet(ACKNOWLEDGEMENT, authentication, 1, &[]),
                        packet(CONTROL, authentication, 0, &numbered(1, first)),
                        packet(CONTROL, authentication, 1, &numbered(2, second)),
                        packet(CONTROL, authentication, 1, &numbered(2, second)),
                    ]
                    .concat(),
                ),
            ];
            for cut in [1, 7, 1000] {
                let (facts, _) = inspect("openvpn", &events, cut);
                let hello = facts.tls.unwrap().client_hello;
                assert!(matches!(hello, Seen::Value(_)), "{authentication}");
            }
        }
    }

    #[test]
    fn what_only_begins_alike_is_not_taken() {
        let reset = packet(CLIENT_RESET, 28, 0, &numbered(0, &[]));
        let probe = |bytes: &[u8]| {
            OpenVpn.probe(&Head { direction: Direction::ToServer, bytes, from_start: true })
        };
        assert_eq!(probe(&reset), Probe::Yes);
        for cut in 0..reset.len() {
            assert_eq!(probe(&reset[..cut]), Probe::Unsure, "{cut}");
        }
        let mut encrypted = reset.clone();
        *encrypted.last_mut().unwrap() = 9;
        assert_eq!(probe(&encrypted), Probe::No);
        assert_eq!(probe(b"\0\x0e\x40"), Probe::No);
        assert_eq!(probe(b"GET / HTTP/1.1\r\n"), Probe::No);
    }
}
