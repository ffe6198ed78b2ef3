//! The PROXY protocol, versions 1 and 2 (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>): a header in which
//! a load balancer says whom it speaks for. What follows may be anything.

use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes};
use super::super::reader::Reader;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::Direction;
use std::net::{IpAddr, SocketAddr};

/// Load balancers that announce the client.
pub(in crate::inspect) struct Proxy;

const VERSION_1: [&[u8]; 3] = [b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN"];
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const LONGEST_LINE: usize = 107;

impl Protocol for Proxy {
    fn name(&self) -> ProtocolId {
        "proxy-protocol"
    }

    fn class(&self) -> Class {
        Class::Infrastructure
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let begins = Probe::begins(head.bytes, &VERSION_1);
        head.of_sides(begins.or(Probe::begins(head.bytes, &[VERSION_2])), Probe::No)
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Header>::new(context))
    }
}

#[derive(Clone, Default)]
struct Header;

impl Grammar for Header {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        if direction == Direction::ToClient {
            return Frame::Need;
        }
        if VERSION_2.starts_with(bytes) {
            return Frame::Need;
        }
        if bytes.starts_with(VERSION_2) {
            let mut rest = Reader(bytes);
            return match rest.skip(14).and_then(|()| rest.u16()) {
                Some(length) => Frame::Message(16 + u64::from(length)),
                None => Frame::Need,
            };
        }
        let line = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
        match memchr::memmem::find(line, b"\r\n") {
            Some(end) => Frame::Message(end as u64 + 2),
            None if line.len() < LONGEST_LINE => Frame::Need,
            None => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        notes.negotiation();
        let source = if message.bytes.starts_with(VERSION_2) {
            version_2(message.bytes)
        } else {
            version_1(message.bytes)
        };
        if let Some(source) = source {
            notes.caller(source.to_string().as_bytes(), "proxy protocol", message.at);
        }
        Next::Reprobe
    }

    /// A load balancer says it before anything else, so that a connection begins here whatever the capture has of it.
    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        bytes.starts_with(b"PROXY ") || bytes.starts_with(VERSION_2)
    }
}

fn version_1(line: &[u8]) -> Option<SocketAddr> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace().skip(2);
    let (source, _, port) = (words.next()?, words.next()?, words.next()?);
    Some(SocketAddr::new(source.parse().ok()?, port.parse().ok()?))
}

fn version_2(bytes: &[u8]) -> Option<SocketAddr> {
    let mut rest = Reader(bytes);
    rest.skip(13)?;
    let family = rest.u8()?;
    rest.skip(2)?;
    let source: IpAddr = match family >> 4 {
        1 => {
            let source: [u8; 4] = rest.take(4)?.try_into().ok()?;
            rest.skip(4)?;
            source.into()
        }
        2 => {
            let source: [u8; 16] = rest.take(16)?.try_into().ok()?;
            rest.skip(16)?;
            source.into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(source, rest.u16()?))
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, inspect};
    use super::*;

    #[test]
    fn both_versions_say_for_whom_the_connection_is_and_then_anything_follows() {
        let line = b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n".to_vec();
        let binary =
            [VERSION_2, b"\x21\x11\0\x0c", &[192, 0, 2, 7, 192, 0, 2, 1, 0xdc, 4, 1, 0xbb]];
        for header in [line, binary.concat()] {
            for cut in [1, 5, 1000] {
                let (facts, next) = inspect("proxy-protocol", &[client(&header)], cut);
                assert_eq!((next, facts.plaintext), (Next::Reprobe, None));
                assert_eq!(facts.readable.unwrap().callers[0].name, "192.0.2.7:56324");
            }
        }
    }
}
