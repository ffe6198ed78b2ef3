//! How OpenVPN's packets look: which ones begin a conversation, and what those of the control channel carry.

use super::super::super::reader::Reader;
use crate::flow::Hail;

/// Kinds of packets: the upper five bits of their first byte. The lower three are the number of a set of keys: 0 for the
/// first, others where it is replaced.
const SOFT_RESET: u8 = 3;
pub(super) const CONTROL: u8 = 4;
pub(super) const ACKNOWLEDGEMENT: u8 = 5;
pub(super) const CLIENT_RESET: u8 = 7;
pub(super) const SERVER_RESET: u8 = 8;
pub(super) const DATA: [u8; 2] = [6, 9];
/// The two with which a client sends the key that packets are encrypted with (`tls-crypt-v2`), itself encrypted.
const CLIENT_RESET_WITH_KEY: u8 = 10;
const CONTROL_WITH_KEY: u8 = 11;

/// First bytes of a client's first packet.
pub(super) const QUESTIONS: [u8; 2] = [CLIENT_RESET << 3, CLIENT_RESET_WITH_KEY << 3];

/// Bytes of a session's name, behind the kind.
const SESSION: usize = 8;

/// Bytes of a client's first packet without an HMAC: kind, session, no acknowledgement, its number.
const BARE_RESET: usize = 14;

/// What its answer has besides: the number of the packet that it acknowledges, and the client's session.
const ACKNOWLEDGED: usize = 12;

/// What an HMAC and the packet's number and time behind it add: none, MD5, SHA-1, SHA-256, SHA-512.
pub(super) const AUTHENTICATION: [usize; 5] = [0, 24, 28, 40, 72];

/// What encryption of the whole packet (`tls-crypt`) adds: number and time, and an HMAC of SHA-256 behind them.
const ENCRYPTED: usize = 40;

/// Bytes that a server's first packet may say of itself where it is encrypted: none, or how it wants the client's key.
const SAID: [usize; 2] = [0, 6];

/// Bytes that a client's own key may have, encrypted and with its length behind it.
const KEY: std::ops::RangeInclusive<usize> = 290..=1024;

/// How packets of the control channel are protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protection {
    /// They can be read behind so many bytes.
    Readable(usize),
    /// They are encrypted as a whole.
    Sealed,
}

/// How the control channel is protected, where these bytes are a client's first packet.
pub(super) fn question(packet: &[u8]) -> Option<Protection> {
    let (kind, _) = packet.split_first()?;
    if *kind == CLIENT_RESET_WITH_KEY << 3 {
        return has_key(packet).then_some(Protection::Sealed);
    }
    let extra = packet.len().checked_sub(BARE_RESET)?;
    if *kind != CLIENT_RESET << 3 || !AUTHENTICATION.contains(&extra) {
        return None;
    }
    // Nothing is acknowledged yet, and this is packet 0; behind an HMAC it is one of the first that were sent.
    let (before, tail) = packet.split_last_chunk::<5>()?;
    if tail == &[0; 5] {
        let number = before.len().checked_sub(8)?;
        return (extra == 0 || is_early(before, number)).then_some(Protection::Readable(extra));
    }
    let sealed = extra == ENCRYPTED && is_early(packet, SESSION.checked_add(1)?);
    sealed.then_some(Protection::Sealed)
}

/// How long a client's first packet with this kind may be.
pub(super) fn may_have_length(kind: u8, length: usize) -> bool {
    match kind >> 3 {
        CLIENT_RESET_WITH_KEY => {
            length.checked_sub(BARE_RESET + ENCRYPTED).is_some_and(|key| KEY.contains(&key))
        }
        _ => length.checked_sub(BARE_RESET).is_some_and(|extra| AUTHENTICATION.contains(&extra)),
    }
}

fn has_key(packet: &[u8]) -> bool {
    let Some((_, length)) = packet.split_last_chunk::<2>() else { return false };
    let key = usize::from(u16::from_be_bytes(*length));
    is_early_sealed(packet)
        && KEY.contains(&key)
        && packet.len().checked_sub(key) == Some(BARE_RESET + ENCRYPTED)
}

/// Whether a sender counted few packets before the one whose number is here: the first may be lost, and comes again with
/// the next number.
fn is_early(packet: &[u8], place: usize) -> bool {
    matches!(packet.get(place..), Some([0, 0, 0, count, ..]) if *count > 0)
}

/// The same of packets that are encrypted as a whole. Those who know that the key can be asked for again begin to count at
/// 0x0f000001.
fn is_early_sealed(packet: &[u8]) -> bool {
    matches!(packet.get(SESSION + 1..), Some([0 | 0x0f, 0, 0, count, ..]) if *count > 0)
}

/// What the answer to a client's first packet acknowledges: the client's session, or nothing that can be read.
fn answer(packet: &[u8]) -> Option<Option<u64>> {
    let extra = packet.len().checked_sub(BARE_RESET)?.checked_sub(ACKNOWLEDGED)?;
    if AUTHENTICATION.contains(&extra) {
        let mut rest = Reader::at(packet, SESSION.checked_add(1)?.checked_add(extra)?);
        let (count, number) = (rest.u8()?, rest.u32()?);
        let (asked, own) = (rest.u64()?, rest.u32()?);
        if (count, number, own) == (1, 0, 0) {
            return Some(Some(asked));
        }
    }
    let said = extra.checked_sub(ENCRYPTED)?;
    (SAID.contains(&said) && is_early_sealed(packet)).then_some(None)
}

/// What a datagram says of the conversation that it is part of, if it may be one of OpenVPN's.
#[inline]
pub(in crate::inspect) fn hail(datagram: &[u8]) -> Option<Hail> {
    let kind = datagram.first()? >> 3;
    if DATA.contains(&kind) {
        return Some(Hail::Load);
    }
    (SOFT_RESET..=CONTROL_WITH_KEY).contains(&kind).then(|| hail_of_control(datagram))?
}

#[inline(never)]
fn hail_of_control(packet: &[u8]) -> Option<Hail> {
    let (first, rest) = packet.split_first()?;
    let name = Reader(rest).u64()?;
    if let Some(protection) = question(packet) {
        return Some(Hail::Ask { name, sealed: protection == Protection::Sealed });
    }
    let answer = (*first == SERVER_RESET << 3).then(|| answer(packet)).flatten();
    Some(answer.map_or(Hail::More(name), |asked| Hail::Answer { name, asked }))
}

/// The number of a packet of the control channel and what it carries, behind so many bytes of authentication.
pub(super) fn payload(packet: &[u8], authentication: usize) -> Option<(u32, &[u8])> {
    let mut rest = Reader(packet);
    rest.skip(SESSION.checked_add(1)?.checked_add(authentication)?)?;
    let acknowledged = usize::from(rest.u8()?);
    if acknowledged > 0 {
        rest.skip(acknowledged.checked_mul(4)?.checked_add(SESSION)?)?;
    }
    let number = rest.u32()?;
    Some((number, rest.0))
}
