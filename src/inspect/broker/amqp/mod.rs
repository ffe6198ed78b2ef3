//! AMQP 0-9-1 (<https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf>) and 1.0 (OASIS, 2012): one header, two protocols.
//!
//! Takes both byte streams; gives logins, methods with the exchange, queue or address they are about, the programs of
//! both ends, and the TLS layer of 1.0. Messages are not looked at.

mod classic;
mod one;
#[cfg(test)]
mod tests;

use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes};
use super::super::reader::Reader;
use super::super::sasl::Sasl;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, UpgradeState};

/// RabbitMQ, Artemis, Service Bus, Qpid.
pub(in crate::inspect) struct Amqp;

impl Protocol for Amqp {
    fn name(&self) -> ProtocolId {
        "amqp"
    }

    fn class(&self) -> Class {
        Class::Broker
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let header = Probe::begins(head.bytes, &HEADERS.map(|(header, _)| header));
        match head.of_sides(header, Probe::No) {
            Probe::No if !head.from_start => {
                classic::sender(head.bytes).map_or(Probe::No, |sender| head.sent_by(sender))
            }
            said => said,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

/// What is spoken behind a header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    Classic,
    Tls,
    Sasl,
    One,
}

const HEADERS: [(&[u8; 8], Layer); 6] = [
    (b"AMQP\0\0\x09\x01", Layer::Classic),
    (b"AMQP\x01\x01\0\x09", Layer::Classic),
    (b"AMQP\x01\x01\x08\0", Layer::Classic),
    (b"AMQP\x02\x01\0\0", Layer::Tls),
    (b"AMQP\x03\x01\0\0", Layer::Sasl),
    (b"AMQP\0\x01\0\0", Layer::One),
];

#[derive(Clone, Default)]
struct Conversation {
    layer: Option<Layer>,
    tls_asked: bool,
    tls_refused: bool,
    sasl: Sasl,
    missing: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        if bytes.starts_with(b"AMQP") {
            return if bytes.len() < 8 { Frame::Need } else { Frame::Message(8) };
        }
        if b"AMQP".starts_with(bytes) || direction == Direction::ToServer && self.tls_asked {
            return Frame::Need;
        }
        if self.layer.is_none() && self.missing && classic::sender(bytes) == Some(direction) {
            self.layer = Some(Layer::Classic);
        }
        let mut rest = Reader(bytes);
        match self.layer {
            // The answer was captured before what it answers.
            None if direction == Direction::ToClient => Frame::Need,
            None | Some(Layer::Tls) => Frame::Foreign,
            Some(Layer::Classic) => match (rest.u8(), rest.u16(), rest.u32()) {
                (Some(1 | 2 | 3 | 4 | 8), Some(_), Some(size)) => {
                    Frame::Message(u64::from(size) + 8)
                }
                (Some(1 | 2 | 3 | 4 | 8) | None, _, _) => Frame::Need,
                _ => Frame::Foreign,
            },
            Some(Layer::Sasl | Layer::One) => match rest.u32() {
                Some(size @ 8..) => Frame::Message(size.into()),
                Some(_) => Frame::Foreign,
                None => Frame::Need,
            },
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if message.bytes.starts_with(b"AMQP") {
            return self.header(message, notes);
        }
        match self.layer {
            Some(Layer::Classic) => classic::frame(message, &mut self.sasl, notes),
            Some(Layer::Sasl | Layer::One) => one::frame(message, &mut self.sasl, notes),
            Some(Layer::Tls) | None => None,
        };
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        matches!(self.layer, None | Some(Layer::Classic))
            && classic::sender(bytes) == Some(direction)
    }

    fn upgrading(&self) -> bool {
        self.missing && self.tls_asked
    }

    fn lost(&mut self, _: Direction) {
        self.missing = true;
        self.sasl.end();
    }
}

impl Conversation {
    fn header(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let known = HEADERS.iter().find(|(known, _)| message.bytes == known.as_slice());
        let layer = known.map(|(_, layer)| *layer);
        notes.negotiation();
        match (message.direction, layer) {
            (Direction::ToServer, Some(Layer::Tls)) => {
                self.tls_asked = true;
                notes.upgrade(UpgradeState::Asked, message.at);
            }
            (Direction::ToServer, Some(_)) => {
                self.layer = layer;
                if self.tls_refused {
                    notes.went_on_in_clear(message.at);
                }
            }
            (Direction::ToClient, layer) if std::mem::take(&mut self.tls_asked) => {
                let accepted = layer == Some(Layer::Tls);
                self.tls_refused = !accepted;
                notes.upgrade_answered(accepted, message.at);
                if accepted {
                    return Next::Switch("tls");
                }
            }
            _ => {}
        }
        Next::More
    }
}
