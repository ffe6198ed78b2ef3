//! What Consul's servers and clients say to a server's RPC port: a byte that says what follows, then TLS, a multiplexed
//! session of calls, or Raft (<https://github.com/hashicorp/consul>).
//!
//! Takes both byte streams; gives the calls by name, the tokens that come with them, and the upgrade to TLS. Of bodies
//! nothing else is looked at.

use super::super::begins::{Begins, client_hello};
use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes};
use super::super::reader::Reader;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{CredentialKind, Direction, UpgradeState};

/// Consul servers.
pub(in crate::inspect) struct Consul;

const TLS: [u8; 2] = [3, 7];
const MULTIPLEXED: u8 = 4;
/// How a client opens the first stream of a multiplexed session (yamux, version 0): a window update with the SYN flag.
const FIRST_STREAM: &[u8] = &[MULTIPLEXED, 0, 1, 0, 1, 0, 0, 0, 1];

impl Protocol for Consul {
    fn name(&self) -> ProtocolId {
        "consul-rpc"
    }

    fn class(&self) -> Class {
        Class::Registry
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let begins = match head.bytes.split_first() {
            None => Begins::Perhaps,
            Some((first, hello)) if TLS.contains(first) => client_hello(hello),
            _ if head.bytes.starts_with(FIRST_STREAM) => Begins::Yes,
            _ if FIRST_STREAM.starts_with(head.bytes) => Begins::Perhaps,
            _ => Begins::No,
        };
        head.of_sides(begins.into(), Probe::No)
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

#[derive(Clone, Default)]
struct Conversation {
    begun: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        if direction == Direction::ToServer && !self.begun {
            return match bytes.first() {
                Some(&MULTIPLEXED | 3 | 7) => Frame::Message(1),
                Some(_) => Frame::Foreign,
                None => Frame::Need,
            };
        }
        const DATA: u8 = 0;
        let mut rest = Reader(bytes);
        match (rest.u8(), rest.u8(), rest.skip(6).and_then(|()| rest.u32())) {
            (Some(0) | None, Some(DATA), Some(length)) => Frame::Message(12 + u64::from(length)),
            (Some(0) | None, Some(1..=3), Some(_)) => Frame::Message(12),
            (Some(0) | None, Some(0..=3) | None, None) => Frame::Need,
            _ => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if message.direction == Direction::ToServer && !std::mem::replace(&mut self.begun, true) {
            notes.negotiation();
            if message.bytes.first().is_some_and(|first| TLS.contains(first)) {
                notes.upgrade(UpgradeState::Asked, message.at);
                notes.upgrade_answered(true, message.at);
                return Next::Switch("tls");
            }
        } else if message.direction == Direction::ToServer {
            if let Some(name) = text_of(message.bytes, b"ServiceMethod") {
                let mut parts = name.splitn(2, |byte| *byte == b'.');
                let (service, method) =
                    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                notes.request(CallName::Rpc { service, method }, message.at);
            }
            if let Some(token) = text_of(message.bytes, b"\xa5Token") {
                let login = Login::password("consul token", "body of the call", b"", token);
                notes.login(login.token(CredentialKind::Token), message.at);
            }
        }
        Next::More
    }

    fn lost(&mut self, direction: Direction) {
        self.begun |= direction == Direction::ToServer;
    }
}

/// The text behind a key, as Go's RPC writes both in MessagePack.
fn text_of<'a>(bytes: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let start = memchr::memmem::find(bytes, key)?.checked_add(key.len())?;
    let mut rest = Reader(bytes.get(start..)?);
    let length = match rest.u8()? {
        short @ 0xa0..=0xbf => usize::from(short & 0x1f),
        0xd9 => usize::from(rest.u8()?),
        0xda => usize::from(rest.u16()?),
        _ => return None,
    };
    rest.take(length)
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, inspect};
    use super::*;

    #[test]
    fn calls_of_a_multiplexed_session_are_named() {
        let open = [FIRST_STREAM, &[0, 0, 0, 0]].concat();
        let call = b"\x82\xa3Seq\x01\xadServiceMethod\xaeCatalog.Regist";
        let data = [
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0].as_slice(),
            &[u8::try_from(call.len()).unwrap()],
            call,
        ]
        .concat();
        let facts = facts("consul-rpc", &[client(open), client(data)]);
        let call = &facts.calls.unwrap().calls[0];
        assert_eq!((&*call.service, &*call.method), ("Catalog", "Regist"));
    }

    #[test]
    fn one_byte_and_then_tls_hands_over() {
        let (facts, next) = inspect("consul-rpc", &[client([3, 0x16, 3, 1, 0, 80, 1, 0])], 9);
        assert_eq!((next, facts.plaintext), (Next::Switch("tls"), None));
    }
}
