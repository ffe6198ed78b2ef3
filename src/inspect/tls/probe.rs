//! Whether first bytes are TLS, and which side sends them.

use super::{ALERT, HANDSHAKE, HEADER, Header};
use crate::inspect::{Head, Probe};
use crate::model::Direction;

/// `10000000 length, 1, version, lengths`: only a client begins so.
pub(super) fn sslv2(head: &Head<'_>) -> Probe {
    let Some(bytes) = head.bytes.get(..11) else {
        return match *head.bytes {
            [_, _, kind, ..] if kind != 1 => Probe::No,
            [_, _, _, major, ..] if !matches!(major, 0 | 3) => Probe::No,
            _ if head.from_start => Probe::Unsure,
            _ => Probe::No,
        };
    };
    let word = |at: usize| {
        let pair = bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        usize::from(u16::from_be_bytes(pair))
    };
    let length = word(0) & 0x7fff;
    let lengths_add_up = 9 + word(5) + word(7) + word(9) == length && word(5).is_multiple_of(3);
    let version = matches!(word(3), 0x0002 | 0x0300..=0x0304);
    if bytes.get(2) != Some(&1) || !version || !lengths_add_up || word(5) == 0 {
        Probe::No
    } else {
        head.sent_by(Direction::ToServer)
    }
}

pub(super) fn record(head: &Head<'_>) -> Probe {
    let Some(header) = Header::read(head.bytes) else {
        let wrong_version = head.bytes.get(1).is_some_and(|major| *major != 3)
            || head.bytes.get(2).is_some_and(|minor| *minor > 4);
        return if wrong_version || head.bytes.len() >= HEADER { Probe::No } else { Probe::Unsure };
    };
    let sender = match (header.kind, head.bytes.get(HEADER)) {
        (HANDSHAKE, None) => return Probe::Unsure,
        (HANDSHAKE, Some(1 | 16)) => Some(Direction::ToServer),
        (HANDSHAKE, Some(0 | 2 | 4 | 12 | 13 | 14 | 22)) => Some(Direction::ToClient),
        (HANDSHAKE, Some(11 | 15 | 20)) if !head.from_start => None,
        // An alert may be all that a server says to a client whose words make no sense to it: that is for the reader
        // of these words to note. Joined late, anything with a sound header will do.
        (HANDSHAKE, _) if head.from_start => return Probe::No,
        (ALERT, _) if head.from_start && header.length != 2 => return Probe::No,
        _ if head.from_start && header.kind != ALERT => return Probe::No,
        _ => None,
    };
    if sender.is_none() && !head.from_start && !second_header_fits(head.bytes, &header) {
        return Probe::No;
    }
    sender.map_or(Probe::Yes, |sender| head.sent_by(sender))
}

/// Whether what follows the first record, as far as it is there, is a record too.
fn second_header_fits(bytes: &[u8], first: &Header) -> bool {
    let rest = bytes.get(HEADER + first.length..).unwrap_or_default();
    rest.len() < HEADER || Header::read(rest).is_some()
}
