//! The gossip of memberlist, which Serf, Consul and Nomad are made with, where it runs over TCP: joining and exchange of
//! state (<https://github.com/hashicorp/memberlist>).
//!
//! Takes both byte streams; gives that members exchange their state, and whether they encrypt it. The state itself, which
//! is compressed as a rule, is not looked at.

use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes};
use super::super::reader::Reader;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::Direction;

/// Serf, Consul's LAN and WAN gossip, Nomad.
pub(in crate::inspect) struct Serf;

impl Protocol for Serf {
    fn name(&self) -> ProtocolId {
        "serf"
    }

    fn class(&self) -> Class {
        Class::Registry
    }

    /// Both sides say the same, so nothing tells who is who.
    fn probe(&self, head: &Head<'_>) -> Probe {
        match kind(head.bytes) {
            Some(Kind::Other) => Probe::No,
            Some(_) => Probe::Yes,
            None => Probe::Unsure,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Something compressed: a map of an algorithm and a buffer.
    Compressed,
    /// An exchange of state: a map that begins with the number of nodes.
    State,
    Encrypted,
    Other,
}

const COMPRESSED: &[u8] = b"\x09\x82\xa4Algo\0\xa3Buf";
const STATE: [&[u8]; 2] = [b"\x06\x83\xa5Nodes", b"\x06\x83\xa4Join"];

/// The kind of the message that begins here.
fn kind(bytes: &[u8]) -> Option<Kind> {
    let may_be = |known: &[u8]| known.starts_with(bytes);
    if bytes.starts_with(COMPRESSED) {
        return Some(Kind::Compressed);
    }
    if STATE.iter().any(|known| bytes.starts_with(known)) {
        return Some(Kind::State);
    }
    if may_be(COMPRESSED) || STATE.iter().any(|known| may_be(known)) {
        return None;
    }
    if bytes.first() != Some(&10) {
        return Some(Kind::Other);
    }
    // A length, a version, twelve bytes of nonce, at least one message and sixteen bytes of tag.
    const LEAST: u32 = 1 + 12 + 1 + 16;
    const MOST: u32 = 1 << 16;
    let mut rest = Reader(bytes.get(1..)?);
    if bytes.get(1..3).is_some_and(|high| high != [0, 0]) {
        return Some(Kind::Other);
    }
    let (length, version) = (rest.u32()?, rest.u8()?);
    let whole = (LEAST..=MOST).contains(&length) && version <= 1;
    if !whole {
        return Some(Kind::Other);
    }
    // Small messages are there at once; what is encrypted is no text and no row of zeros.
    let cipher = rest.0.get(..24)?;
    let odd = cipher.iter().filter(|byte| !byte.is_ascii_graphic() && **byte != 0).count();
    let distinct = (0..=u8::MAX).filter(|byte| cipher.contains(byte)).count();
    Some(if odd >= 8 && distinct >= 18 { Kind::Encrypted } else { Kind::Other })
}

#[derive(Clone, Default)]
struct Conversation {
    told: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        match kind(bytes) {
            None => Frame::Need,
            Some(Kind::Other) => Frame::Foreign,
            // Nothing behind the beginning is looked at.
            Some(_) => Frame::Message(bytes.len() as u64),
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if kind(message.bytes) == Some(Kind::Encrypted) {
            notes.negotiation();
            return Next::Done;
        }
        if message.direction == Direction::ToServer && !std::mem::replace(&mut self.told, true) {
            notes.request(CallName::Rpc { service: b"", method: b"push/pull" }, message.at);
        }
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, inspect};
    use super::*;

    #[test]
    fn gossip_in_clear_is_told_apart_from_encrypted() {
        // The beginning is what Serf 0.9.4 sends; the buffer is made up.
        let clear = [COMPRESSED, b"\xda\x01\0", &[1; 200]].concat();
        let (facts, next) = inspect("serf", &[client(clear)], 20_100);
        assert_eq!((next, facts.plaintext.is_some()), (Next::Done, true));
        let cipher: Vec<u8> = (0..60).map(|n: u8| n.wrapping_mul(37) ^ 0xa5).collect();
        let encrypted = [&[10, 0, 0, 0, 61, 1], cipher.as_slice()].concat();
        assert_eq!(kind(&encrypted), Some(Kind::Encrypted));
        assert_eq!(kind(b"\n\0\0\0\x40\x01 GET / HTTP/1.1 plain text"), Some(Kind::Other));
    }
}
