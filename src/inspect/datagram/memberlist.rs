//! Gossip of memberlist, and so of Serf, Consul and Nomad, where it is not encrypted
//! (<https://github.com/hashicorp/memberlist>): MessagePack behind a byte that says what it is.

use crate::inspect::reader::Reader;
use crate::inspect::rpc::msgpack;
use crate::model::{Moment, Registration, escape_bytes, limits};

const PING: u8 = 0;
const ALIVE: u8 = 4;
const COMPOUND: u8 = 7;
const CHECKSUM: u8 = 12;

/// Messages in one datagram that are read.
const MESSAGES: u8 = 64;

/// Whether these bytes begin like one of the messages that are read.
#[inline]
pub(super) fn may_be(bytes: &[u8]) -> bool {
    match bytes {
        [PING | ALIVE, 0x80..=0x8f, 0xa1..=0xbf, b'A'..=b'Z', ..] => true,
        [CHECKSUM, _, _, _, _, rest @ ..] => matches!(rest, [PING | ALIVE | COMPOUND, ..]),
        [COMPOUND, count, 0, ..] => *count > 0,
        _ => false,
    }
}

/// Gives every node that is said to be alive.
pub(super) fn read(bytes: &[u8], at: Moment, give: &mut dyn FnMut(Registration)) {
    let mut reader = Reader(bytes);
    if bytes.first() == Some(&CHECKSUM) && reader.take(5).is_none() {
        return;
    }
    if reader.0.first() != Some(&COMPOUND) {
        give_alive(reader.0, at, give);
        return;
    }
    let (_, Some(count)) = (reader.u8(), reader.u8()) else { return };
    let lengths: Option<Vec<u16>> = (0..count.min(MESSAGES)).map(|_| reader.u16()).collect();
    // The lengths of those beyond the bound stand before the first message too.
    let beyond = usize::from(count.saturating_sub(MESSAGES)).saturating_mul(2);
    let (Some(lengths), Some(_)) = (lengths, reader.take(beyond)) else { return };
    for length in lengths {
        let Some(message) = reader.take(usize::from(length)) else { return };
        give_alive(message, at, give);
    }
}

fn give_alive(message: &[u8], at: Moment, give: &mut dyn FnMut(Registration)) {
    if let Some(registration) = alive(message, at) {
        give(registration);
    }
}

/// `{Incarnation, Node, Addr, Port, Meta, Vsn}`
fn alive(message: &[u8], at: Moment) -> Option<Registration> {
    let mut reader = Reader(message);
    let pairs = match (reader.u8()?, reader.u8()?) {
        (ALIVE, pairs @ 0x80..=0x8f) => pairs & 0x0f,
        _ => return None,
    };
    let (mut node, mut host, mut port) = (None, None, None);
    for _ in 0..pairs {
        let length = msgpack::text_length(&mut reader)?;
        let key = reader.take_long(length)?;
        let mut value = reader;
        msgpack::pass(&mut reader).ok()?;
        match key {
            b"Node" => node = text(&mut value),
            b"Addr" => host = text(&mut value),
            b"Port" => port = msgpack::number(&mut value),
            _ => {}
        }
    }
    let node = node.filter(|node| !node.is_empty())?;
    let host = match host? {
        [a, b, c, d] => std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string(),
        long => format!("[{}]", std::net::Ipv6Addr::from(*long.first_chunk::<16>()?)),
    };
    Some(Registration {
        registry: "memberlist",
        // A member passes on what it hears of the others.
        write: false,
        service: escape_bytes(node.get(..limits::TEXT_BYTES).unwrap_or(node)),
        address: format!("{host}:{}", port?),
        at,
        holds_credential: false,
    })
}

fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = msgpack::text_length(reader)?;
    reader.take_long(length)
}
