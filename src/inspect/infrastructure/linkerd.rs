//! The header that Linkerd's proxies put before what they carry between clusters: the port and the name it is for.
//!
//! It stands within TLS where all is well; seen readable, the hop between the proxies is not encrypted.

use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes};
use super::super::protobuf;
use super::super::reader::Reader;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::Direction;

/// Linkerd's proxies.
pub(in crate::inspect) struct Linkerd;

const PREFACE: &[u8] = b"transport.l5d.io/v1\r\n\r\n";

impl Protocol for Linkerd {
    fn name(&self) -> ProtocolId {
        "linkerd-transport"
    }

    fn class(&self) -> Class {
        Class::Channel
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        head.of_sides(Probe::begins(head.bytes, &[PREFACE]), Probe::No)
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Header>::new(context))
    }
}

#[derive(Clone, Default)]
struct Header;

impl Grammar for Header {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        const LONGEST: u32 = 16 * 1024;
        if direction == Direction::ToClient {
            return Frame::Need;
        }
        let mut rest = Reader(bytes);
        match rest.skip(PREFACE.len()).and_then(|()| rest.u32()) {
            None => Frame::Need,
            Some(length @ 0..=LONGEST) => {
                Frame::Message(PREFACE.len() as u64 + 4 + u64::from(length))
            }
            Some(_) => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let header = message.bytes.get(PREFACE.len() + 4..).unwrap_or_default();
        let service = protobuf::whole_bytes(header, 2);
        notes.request(CallName::Rpc { service, method: b"transport" }, message.at);
        Next::Reprobe
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, inspect};
    use super::*;

    #[test]
    fn the_name_it_is_for_is_told_and_then_anything_follows() {
        let header = b"transport.l5d.io/v1\r\n\r\n\0\0\0\x0c\x08\xd7\x08\x12\x07pay.svc";
        let (facts, next) = inspect("linkerd-transport", &[client(header)], 4);
        assert_eq!(next, Next::Reprobe);
        assert_eq!(facts.calls.unwrap().calls[0].service, "pay.svc");
    }
}
