//! SSH (RFC 4253), as far as it is in clear: the two version lines.

use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::Direction;

/// SSH servers and clients.
pub(in crate::inspect) struct Ssh;

const BEGINNINGS: [&[u8]; 2] = [b"SSH-2.0-", b"SSH-1."];

impl Protocol for Ssh {
    fn name(&self) -> ProtocolId {
        "ssh"
    }

    fn class(&self) -> Class {
        Class::Infrastructure
    }

    /// Both sides begin alike, so nothing tells who is who.
    fn probe(&self, head: &Head<'_>) -> Probe {
        if BEGINNINGS.iter().any(|known| head.bytes.starts_with(known)) {
            Probe::Yes
        } else if BEGINNINGS.iter().any(|known| known.starts_with(head.bytes)) {
            Probe::Unsure
        } else {
            Probe::No
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

#[derive(Clone, Default)]
struct Conversation {
    client: bool,
    server: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        let told = match direction {
            Direction::ToServer => self.client,
            Direction::ToClient => self.server,
        };
        match memchr::memchr(b'\n', bytes) {
            _ if told => Frame::Need,
            Some(end) => Frame::Message(end as u64 + 1),
            None => Frame::Need,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        notes.negotiation();
        // A server may say other lines first.
        if message.bytes.starts_with(b"SSH-") {
            let software = message.bytes.splitn(3, |byte| *byte == b'-').nth(2).unwrap_or_default();
            let software = software.trim_ascii_end().split(|byte| *byte == b' ').next();
            let software = software.unwrap_or_default();
            let cut =
                software.iter().position(|byte| b"_-".contains(byte)).unwrap_or(software.len());
            let (name, version) = software.split_at_checked(cut).unwrap_or_default();
            let name = name.to_ascii_lowercase();
            notes.program(&name, version.get(1..).unwrap_or_default(), message.direction);
            match message.direction {
                Direction::ToServer => self.client = true,
                Direction::ToClient => self.server = true,
            }
        }
        if self.client && self.server { Next::Done } else { Next::More }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, inspect, server};
    use super::*;

    #[test]
    fn both_programs_are_told_and_nothing_is_readable() {
        let events = [server("SSH-2.0-OpenSSH_9.6p1 Ubuntu-3\r\n"), client("SSH-2.0-Go\r\n")];
        for cut in [1, 100] {
            let (facts, next) = inspect("ssh", &events, cut);
            let programs = facts.readable.unwrap().programs;
            assert_eq!((&*programs[0].name, &*programs[0].version), ("openssh", "9.6p1"));
            assert_eq!((&*programs[1].name, programs[1].side), ("go", Direction::ToServer));
            assert_eq!((facts.plaintext, next), (None, Next::Done));
        }
    }
}
