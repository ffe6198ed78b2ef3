//! What fuzz targets share: a reader that takes any bytes for a script, and conversations made of such scripts.

pub mod keyed;

use wirelint::flow::Ended;
use wirelint::inspect::{Context, Dialogue, Inspector, Next, protocol};
use wirelint::model::{
    Direction, Endpoint, Facts, FrameNo, Moment, PerDirection, Session, Timestamp, limits,
};

/// Takes values off the front of the fuzzer's bytes. What is missing at the end reads as zero.
pub struct Script<'a>(pub &'a [u8]);

impl<'a> Script<'a> {
    /// Whether all was taken.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// The next two bytes.
    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next `n` bytes, or as many as there are.
    pub fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}

/// What happens in one direction of a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Bytes came.
    Bytes(Direction, Vec<u8>),
    /// Bytes are not in the capture.
    Gap(Direction, u64),
}

/// A conversation, and the size of the pieces that it is cut into.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conversation {
    /// At most so many bytes are given at once.
    pub cut: usize,
    /// In order.
    pub events: Vec<Event>,
}

const TO_CLIENT: u8 = 1;
const GAP: u8 = 2;

impl Conversation {
    /// Reads any bytes as a conversation: a byte for the cut, then per event one of flags and two of length.
    pub fn parse(data: &[u8]) -> Self {
        let mut script = Script(data);
        let cut = usize::from(script.byte()).max(1);
        let mut events = Vec::new();
        while !script.is_over() {
            let flags = script.byte();
            let to_client = flags & TO_CLIENT != 0;
            let direction = if to_client { Direction::ToClient } else { Direction::ToServer };
            let length = script.short();
            events.push(if flags & GAP != 0 {
                Event::Gap(direction, u64::from(length).max(1))
            } else {
                Event::Bytes(direction, script.bytes(length.into()).to_vec())
            });
        }
        Self { cut, events }
    }

    /// The bytes that [`Self::parse`] reads as this conversation. Longer events are split.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![u8::try_from(self.cut).unwrap_or(u8::MAX)];
        for event in &self.events {
            let flags = |direction| if direction == Direction::ToClient { TO_CLIENT } else { 0 };
            match event {
                Event::Gap(direction, n) => {
                    out.push(flags(*direction) | GAP);
                    out.extend(u16::try_from(*n).unwrap_or(u16::MAX).to_be_bytes());
                }
                Event::Bytes(direction, bytes) => {
                    for piece in bytes.chunks(u16::MAX.into()) {
                        out.push(flags(*direction));
                        out.extend((piece.len() as u16).to_be_bytes());
                        out.extend(piece);
                    }
                }
            }
        }
        out
    }

    /// Whether bytes are missing from it.
    pub fn has_gaps(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Gap(..)))
    }
}

/// The moment of the event with this index.
pub fn moment(index: usize) -> Moment {
    let n = u64::try_from(index).unwrap_or(u64::MAX);
    Moment { time: Timestamp::from_micros(index as i64 * 1000), frame: FrameNo(n + 1) }
}

/// An end of a connection between the hosts of a script.
pub fn endpoint(host: u8, port: u16) -> Endpoint {
    Endpoint::new([10, 0, 0, host].into(), port)
}

/// What a connection that ended came to.
pub fn session(ended: Box<Ended<Dialogue>>) -> Session {
    let Ended { mut session, reader } = *ended;
    (session.protocol, session.facts) = reader.finish();
    session
}

/// Checks that following a script a second time gives the same sessions.
pub fn follow_twice(data: &[u8], follow: fn(Script<'_>) -> Vec<Session>) {
    let first = follow(Script(data));
    assert_eq!(first, follow(Script(data)));
}

/// Gives a conversation to the inspector of a protocol, whole and cut, and checks what every inspector promises.
pub fn inspect(name: &str, conversation: &Conversation) {
    let [whole, cut] = read_twice(name, conversation);
    if !conversation.has_gaps() {
        assert_eq!(whole, cut, "cut into {}", conversation.cut);
    }
}

/// As [`inspect`], for a protocol without a length before its messages. Once the bytes make no sense, where pieces begin
/// is all there is to go by, so the cut may matter.
pub fn inspect_unframed(name: &str, conversation: &Conversation) {
    let _facts = read_twice(name, conversation);
}

fn read_twice(name: &str, conversation: &Conversation) -> [(Facts, Next); 2] {
    [usize::MAX, conversation.cut].map(|cut| read(name, &conversation.events, cut))
}

fn read(name: &str, events: &[Event], cut: usize) -> (Facts, Next) {
    let protocol = protocol(name).expect("a protocol of the table");
    read_with(protocol.inspector(&Context::default()), events, cut)
}

/// What an inspector makes of events in pieces of at most `cut` bytes, and what it wanted last.
pub fn read_with(inspector: Box<dyn Inspector>, events: &[Event], cut: usize) -> (Facts, Next) {
    let mut feeder = Feeder { inspector, left: PerDirection::default(), next: Next::More };
    for (index, event) in events.iter().enumerate() {
        let at = moment(index);
        match event {
            Event::Bytes(direction, bytes) => {
                for piece in bytes.chunks(cut) {
                    feeder.feed(*direction, piece, at);
                }
            }
            Event::Gap(direction, missing) if feeder.next == Next::More => {
                feeder.left[*direction].clear();
                feeder.next = feeder.inspector.gap(*direction, *missing, at);
            }
            Event::Gap(..) => {}
        }
    }
    (feeder.inspector.finish(), feeder.next)
}

/// Keeps what an inspector leaves over, as `flow` does.
struct Feeder {
    inspector: Box<dyn Inspector>,
    left: PerDirection<Vec<u8>>,
    next: Next,
}

impl Feeder {
    fn feed(&mut self, direction: Direction, bytes: &[u8], at: Moment) {
        if self.next != Next::More {
            return;
        }
        let left = &mut self.left[direction];
        left.extend_from_slice(bytes);
        let (used, next) = self.inspector.read(direction, left, at);
        assert!(used <= left.len(), "used {used} of {}", left.len());
        left.drain(..used);
        assert!(left.len() <= limits::PENDING_BYTES, "left {}", left.len());
        self.next = next;
    }
}

/// Text for people or programs holds no character that a terminal or a log obeys, but for those that end a line: in CSV
/// that is two (RFC 4180).
pub fn assert_harmless(report: &[u8]) {
    let text = std::str::from_utf8(report).expect("reports are UTF-8").replace("\r\n", "\n");
    let obeyed = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(bad) = text.chars().find(obeyed) {
        panic!("{bad:?} in a report: {text:?}");
    }
}
