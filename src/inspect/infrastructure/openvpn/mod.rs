//! OpenVPN (<https://openvpn.net/community-resources/openvpn-protocol/>, RFC draft draft-openvpn-openvpn-wire-protocol):
//! packets, over TCP with a length before them; those of a datagram come so too. Its control channel carries a TLS
//! handshake, which tells who the two ends are as well as any other; its data channel is encrypted with keys from there.
//!
//! Packets of the control channel may have an HMAC (`tls-auth`), and are read behind it. Where they are encrypted as a
//! whole (`tls-crypt`) nothing can be seen of the handshake.
//!
//! Over UDP packets are lost, repeated and overtaken. Each side numbers those that carry the handshake, so they are put in
//! order here; what is missing for too long is a gap.

mod packet;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::packet::{ACKNOWLEDGEMENT, CLIENT_RESET, CONTROL, DATA, Protection, SERVER_RESET};
use super::super::reader::Reader;
use super::super::tls::Tls;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Facts, Moment, PerDirection, limits};

pub(in crate::inspect) use self::packet::hail;

/// Tunnels between sites and machines.
pub(in crate::inspect) struct OpenVpn;

/// The longest packet of the control channel that is looked at. Programs keep them below what one frame carries.
const CONTROL_PACKET: usize = 4096;

/// How far the number of a packet may be ahead of the one that is awaited. Programs send a dozen before they wait.
const AHEAD: u32 = 64;

impl Protocol for OpenVpn {
    fn name(&self) -> ProtocolId {
        "openvpn"
    }

    fn class(&self) -> Class {
        Class::Channel
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        // Who sends the second packet may have been captured first; one byte says too little of who is who.
        if head.direction == Direction::ToClient && head.bytes.len() < 3 {
            return Probe::No;
        }
        match first_packet(head.bytes) {
            Some(Ok(_)) => head.sent_by(Direction::ToServer),
            Some(Err(NotWhole)) => Probe::Unsure,
            None => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Connection {
            inside: Tls.inspector(context),
            authentication: None,
            sides: PerDirection::default(),
            last: Moment::default(),
        })
    }
}

/// More bytes are needed.
struct NotWhole;

/// How the control channel is protected, if these bytes begin with the first packet of a client.
fn first_packet(bytes: &[u8]) -> Option<Result<Protection, NotWhole>> {
    let mut rest = Reader(bytes);
    let Some(length) = rest.u16() else {
        return bytes.iter().all(|byte| *byte <= 4).then_some(Err(NotWhole));
    };
    let length = usize::from(length);
    let Some(kind) = rest.u8() else {
        let plausible = packet::QUESTIONS.iter().any(|kind| packet::may_have_length(*kind, length));
        return plausible.then_some(Err(NotWhole));
    };
    if !packet::QUESTIONS.contains(&kind) || !packet::may_have_length(kind, length) {
        return None;
    }
    let Some(packet) = bytes.get(2..length.checked_add(2)?) else { return Some(Err(NotWhole)) };
    packet::question(packet).map(Ok)
}

/// Reads one connection.
struct Connection {
    inside: Box<dyn Inspector>,
    /// Bytes of authentication in every packet of the control channel, once the first was seen and can be read.
    authentication: Option<usize>,
    sides: PerDirection<Side>,
    /// When the last packet of the control channel came.
    last: Moment,
}

#[derive(Clone, Default)]
struct Side {
    /// Bytes of a packet that are passed over.
    skip: usize,
    /// The number of the packet whose payload comes next.
    next: u32,
    /// Payload that was left over, to be given again with more.
    left: Vec<u8>,
    /// What came before packets that it follows, by their numbers.
    early: BTreeMap<u32, Vec<u8>>,
    /// What the control channel carries can no longer be followed.
    lost: bool,
    /// A packet of the data channel was seen.
    data: bool,
}

impl Side {
    /// Whether data may follow: it does behind a handshake, and anybody can send a packet that looks like it.
    fn has_spoken(&self) -> bool {
        self.next > 1 || self.lost || !self.early.is_empty()
    }

    fn held(&self) -> usize {
        self.early.values().map(Vec::len).fold(self.left.len(), usize::saturating_add)
    }
}

impl Inspector for Connection {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Next) {
        let mut used = 0_usize;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let readable = self.authentication.is_some();
            let side = &mut self.sides[direction];
            if side.skip > 0 && !rest.is_empty() {
                let passed = side.skip.min(rest.len());
                side.skip = side.skip.saturating_sub(passed);
                used = used.saturating_add(passed);
                continue;
            }
            let Some((&[high, low, first], _)) = rest.split_first_chunk::<3>() else { break };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let (kind, keys) = (first >> 3, first & 7);
            side.data |= DATA.contains(&kind) && (side.has_spoken() || !readable);
            // Later sets of keys are agreed upon in handshakes of their own.
            let first_handshake = (CONTROL..=SERVER_RESET).contains(&kind) && keys == 0;
            if length > CONTROL_PACKET || !first_handshake {
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
        if spent {
            self.settle();
        }
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
        let sides = &self.sides;
        let held = sides.to_server.held().saturating_add(sides.to_client.held());
        held.saturating_add(self.inside.held())
    }

    fn copy(&self) -> Option<Box<dyn Inspector>> {
        let [to_server, to_client] = Direction::BOTH.map(|way| self.sides[way].clone());
        Some(Box::new(Self {
            inside: self.inside.copy()?,
            authentication: self.authentication,
            sides: PerDirection { to_server, to_client },
            last: self.last,
        }))
    }

    fn finish(mut self: Box<Self>) -> Facts {
        self.settle();
        // Where the control channel could not be read, nothing is known of a handshake.
        self.authentication.map_or_else(Facts::default, |_| self.inside.finish())
    }
}

impl Connection {
    /// Takes a packet of the control channel.
    fn packet(&mut self, direction: Direction, kind: u8, packet: &[u8], at: Moment) -> Next {
        self.last = self.last.max(at);
        if kind == CLIENT_RESET
            && self.authentication.is_none()
            && let Some(Protection::Readable(authentication)) = packet::question(packet)
        {
            self.authentication = Some(authentication);
        }
        if kind == SERVER_RESET && self.authentication.is_none() {
            // It was captured before the packet that it answers, and has nothing but its number.
            self.sides[direction].next = 1;
        }
        let (Some(authentication), false) = (self.authentication, kind == ACKNOWLEDGEMENT) else {
            return Next::More;
        };
        let side = &mut self.sides[direction];
        let Some((number, payload)) = packet::payload(packet, authentication) else {
            return Next::More;
        };
        let payload = if kind == CONTROL { payload } else { &[] };
        match number.checked_sub(side.next) {
            _ if side.lost => Next::More,
            Some(0) => {
                let next = self.carried(direction, payload, at);
                if next == Next::Done { next } else { self.follow_on(direction, at) }
            }
            Some(ahead) if ahead <= AHEAD => {
                side.early.entry(number).or_insert_with(|| payload.to_vec());
                if side.early.len() <= limits::EARLY_PACKETS {
                    return Next::More;
                }
                self.give_up_hole(direction, at)
            }
            // It came before, or nobody sends what is so far ahead.
            _ => Next::More,
        }
    }

    /// Reads what the packet that comes next carries.
    fn carried(&mut self, direction: Direction, payload: &[u8], at: Moment) -> Next {
        let side = &mut self.sides[direction];
        side.next = side.next.saturating_add(1);
        if payload.is_empty() {
            return Next::More;
        }
        side.left.extend_from_slice(payload);
        let (used, next) = self.inside.read(direction, &side.left, at);
        side.left.drain(..used.min(side.left.len()));
        if side.left.len() > limits::PENDING_BYTES { Next::Done } else { next }
    }

    /// Reads what came early and is next now.
    fn follow_on(&mut self, direction: Direction, at: Moment) -> Next {
        loop {
            let side = &mut self.sides[direction];
            let next = side.next;
            let Some(payload) = side.early.remove(&next) else { return Next::More };
            if self.carried(direction, &payload, at) == Next::Done {
                return Next::Done;
            }
        }
    }

    /// Goes on behind packets that did not come.
    fn give_up_hole(&mut self, direction: Direction, at: Moment) -> Next {
        let side = &mut self.sides[direction];
        let Some((&number, _)) = side.early.first_key_value() else { return Next::More };
        side.next = number;
        let left = std::mem::take(&mut side.left).len() as u64;
        // How much they carried nobody knows.
        match self.inside.gap(direction, left.saturating_add(1), at) {
            Next::Done => Next::Done,
            _ => self.follow_on(direction, at),
        }
    }

    /// Reads what is left: nothing will fill the holes now.
    fn settle(&mut self) {
        for direction in Direction::BOTH {
            while !self.sides[direction].early.is_empty() {
                if self.give_up_hole(direction, self.last) == Next::Done {
                    return;
                }
            }
        }
    }
}
