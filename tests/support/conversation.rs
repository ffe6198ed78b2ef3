//! Conversations: what two ends said to each other, taken from samples, changed, and said again.

use std::path::Path;
use std::sync::Arc;

use wirelint::audit::{Verdict, judge};
use wirelint::capture::Inputs;
use wirelint::decode::{Decoded, Decoder, Segment, TcpFlags};
use wirelint::flow::{Conversations, StreamReader, Table, Turn, Want};
use wirelint::inspect::tls::KeyLog;
use wirelint::inspect::{Context, Dialogue, Next, Protocol, hail};
use wirelint::model::{Direction, Endpoint, Facts, FlowKey, Moment, PerDirection, Session};

/// Something that happens in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// These bytes come next.
    Bytes(Direction, Vec<u8>),
    /// So many bytes come next that the capture does not have, and at once it is known that they will not come.
    Cut(Direction, usize),
    /// So many bytes come next that the capture does not have.
    Lost(Direction, usize),
}

/// What two ends said, in the order in which it was captured.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    /// The sample, and which of its connections.
    pub(crate) name: String,
    /// What they said.
    pub(crate) events: Vec<Event>,
}

/// Every conversation of a capture that is there from its beginning and whole.
pub(crate) fn conversations(capture: &Path) -> Vec<Conversation> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(capture);
    let mut replay = Inputs::resolve(&[path], false).unwrap().replay();
    let mut decoder = Decoder::new();
    let mut table = Table::<Recorder>::default();
    let mut datagrams = Conversations::default();
    while replay.advance().unwrap() {
        let frame = replay.current().unwrap();
        match decoder.decode(&frame) {
            Decoded::Segment(segment) => {
                let (key, swapped) = FlowKey::of(segment.from, segment.to);
                table.segment(key, swapped, &segment);
            }
            Decoded::Datagram(datagram) => {
                let said = hail(datagram.payload).and_then(|hail| datagrams.take(&datagram, hail));
                let Some(said) = said else { continue };
                if let Some(ask) = &said.ask {
                    table.datagram(said.key, &ask.turn());
                }
                table.datagram(said.key, &Turn { read: datagram.payload, ..said.turn });
            }
            Decoded::Other(_) => {}
        }
    }
    table.finish();
    let whole = table.drain_ended().filter(|ended| ended.reader.whole && ended.session.start_seen);
    let name = |n| format!("{} {n}", capture.display());
    let events = whole.map(|ended| ended.reader.events).filter(|events| !events.is_empty());
    events.enumerate().map(|(n, events)| Conversation { name: name(n), events }).collect()
}

/// Writes down what it is given.
struct Recorder {
    events: Vec<Event>,
    whole: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { events: Vec::new(), whole: true }
    }
}

impl StreamReader for Recorder {
    fn read(&mut self, direction: Direction, bytes: &[u8], _: Moment) -> (usize, Want) {
        self.events.push(Event::Bytes(direction, bytes.to_vec()));
        (bytes.len(), Want::More)
    }

    fn gap(&mut self, _: Direction, _: u64, _: Moment) -> Want {
        self.whole = false;
        Want::More
    }

    fn joined_midstream(&mut self) {
        self.whole = false;
    }
}

impl Conversation {
    /// All bytes of one direction.
    pub(crate) fn bytes(&self, wanted: Direction) -> Vec<u8> {
        let bytes = self.events.iter().filter_map(|event| match event {
            Event::Bytes(direction, bytes) if *direction == wanted => Some(bytes.as_slice()),
            _ => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        Direction::BOTH.iter().map(|direction| self.bytes(*direction).len()).sum()
    }

    /// The same, with the bytes in pieces whose lengths `length` gives.
    pub(crate) fn cut(&self, mut length: impl FnMut() -> usize) -> Self {
        let mut events = Vec::new();
        for event in &self.events {
            let Event::Bytes(direction, bytes) = event else {
                events.push(event.clone());
                continue;
            };
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(length().clamp(1, rest.len()));
                events.push(Event::Bytes(*direction, piece.to_vec()));
                rest = after;
            }
        }
        Self { name: self.name.clone(), events }
    }

    /// The same, with what one end says before the other one speaks again in one piece.
    pub(crate) fn joined(&self) -> Self {
        let mut events: Vec<Event> = Vec::new();
        for event in &self.events {
            match (events.last_mut(), event) {
                (Some(Event::Bytes(before, all)), Event::Bytes(direction, bytes))
                    if before == direction =>
                {
                    all.extend_from_slice(bytes);
                }
                _ => events.push(event.clone()),
            }
        }
        Self { name: self.name.clone(), events }
    }

    /// The same without some bytes of one direction, which were cut off or lost.
    pub(crate) fn without(&self, way: Direction, hole: std::ops::Range<usize>, cut: bool) -> Self {
        let mut events = Vec::new();
        let mut at = 0;
        for event in &self.events {
            let (direction, bytes) = match event {
                Event::Bytes(direction, bytes) => (direction, bytes),
                Event::Cut(direction, missing) | Event::Lost(direction, missing) => {
                    at += if *direction == way { *missing } else { 0 };
                    events.push(event.clone());
                    continue;
                }
            };
            if *direction != way {
                events.push(event.clone());
                continue;
            }
            let place = |offset: usize| offset.clamp(at, at + bytes.len()) - at;
            let (from, to) = (place(hole.start), place(hole.end));
            let gap = if cut { Event::Cut(way, to - from) } else { Event::Lost(way, to - from) };
            events.push(Event::Bytes(way, bytes[..from].to_vec()));
            events.push(gap);
            events.push(Event::Bytes(way, bytes[to..].to_vec()));
            at += bytes.len();
        }
        let some = |event: &Event| match event {
            Event::Bytes(_, bytes) => !bytes.is_empty(),
            Event::Cut(_, n) | Event::Lost(_, n) => *n > 0,
        };
        events.retain(some);
        Self { name: format!("{} without {hole:?} {way:?} cut={cut}", self.name), events }
    }
}

/// What was made of a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) protocol: Option<&'static str>,
    pub(crate) facts: Facts,
    pub(crate) verdict: Verdict,
}

/// What reassembly and the dialogue make of a conversation. Everything happens at one moment.
pub(crate) fn overhear(conversation: &Conversation) -> Heard {
    overhear_with(&Arc::default(), conversation)
}

/// The same, with keys to decrypt with.
pub(crate) fn overhear_with(keys: &Arc<KeyLog>, conversation: &Conversation) -> Heard {
    let mut wire = Wire::with(Arc::clone(keys));
    wire.open();
    for event in &conversation.events {
        match event {
            Event::Bytes(direction, bytes) => wire.say(*direction, bytes, 0),
            Event::Cut(direction, missing) => wire.say(*direction, &[], *missing),
            Event::Lost(direction, missing) => wire.skip(*direction, *missing),
        }
    }
    wire.close();
    wire.table.finish();
    let ended = wire.table.drain_ended().next().expect("a connection");
    let (protocol, facts) = ended.reader.finish();
    let session = Session { protocol, facts, ..ended.session };
    Heard { protocol, verdict: judge(&session), facts: session.facts }
}

/// A connection, segment by segment.
struct Wire {
    table: Table<Dialogue>,
    next: PerDirection<u32>,
}

impl Wire {
    const ACK: u8 = 0x10;
    const SYN: u8 = 0x02;
    const FIN: u8 = 0x01;

    fn with(keys: Arc<KeyLog>) -> Self {
        let make = move || Dialogue::with_keys(Arc::clone(&keys));
        Self { table: Table::new(16, Box::new(make)), next: PerDirection::default() }
    }

    fn open(&mut self) {
        self.segment(Direction::ToServer, Self::SYN, &[], 0);
        self.next.to_server = 1;
        self.segment(Direction::ToClient, Self::SYN | Self::ACK, &[], 0);
        self.next.to_client = 1;
    }

    fn close(&mut self) {
        for direction in Direction::BOTH {
            self.segment(direction, Self::FIN | Self::ACK, &[], 0);
            self.skip(direction, 1);
        }
        self.segment(Direction::ToServer, Self::ACK, &[], 0);
    }

    fn say(&mut self, direction: Direction, bytes: &[u8], missing: usize) {
        self.segment(direction, Self::ACK, bytes, u32::try_from(missing).unwrap());
        self.skip(direction, bytes.len() + missing);
    }

    fn skip(&mut self, direction: Direction, bytes: usize) {
        let next = &mut self.next[direction];
        *next = next.wrapping_add(u32::try_from(bytes).unwrap());
    }

    fn segment(&mut self, direction: Direction, flags: u8, payload: &[u8], missing: u32) {
        let client = Endpoint::new([10, 0, 0, 1].into(), 40_000);
        let server = Endpoint::new([10, 0, 0, 2].into(), 8443);
        let (from, to) = match direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        let segment = Segment {
            at: Moment::default(),
            from,
            to,
            sequence: self.next[direction],
            acknowledgement: self.next[direction.reversed()],
            flags: TcpFlags(flags),
            vlan: None,
            hops: 64,
            payload,
            missing,
        };
        let (key, swapped) = FlowKey::of(from, to);
        self.table.segment(key, swapped, &segment);
    }
}

/// What one inspector makes of a conversation, and what it wanted last.
pub(crate) fn inspect(protocol: &dyn Protocol, conversation: &Conversation) -> (Facts, Next) {
    const AT_MOST: usize = wirelint::model::limits::PENDING_BYTES;
    let mut inspector = protocol.inspector(&Context::default());
    let mut left = PerDirection::<Vec<u8>>::default();
    let mut next = Next::More;
    for event in &conversation.events {
        next = match event {
            Event::Bytes(direction, bytes) => {
                let left = &mut left[*direction];
                left.extend_from_slice(bytes);
                let (used, next) = inspector.read(*direction, left, Moment::default());
                assert!(used <= left.len(), "{}: used {used} of {}", conversation.name, left.len());
                left.drain(..used);
                assert!(left.len() <= AT_MOST, "{}: leaves {}", conversation.name, left.len());
                next
            }
            Event::Cut(direction, missing) | Event::Lost(direction, missing) => {
                left[*direction].clear();
                inspector.gap(*direction, *missing as u64, Moment::default())
            }
        };
        if next != Next::More {
            break;
        }
    }
    (inspector.finish(), next)
}

/// Numbers that look random and are the same each time (Steele, Lea and Flood's SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// Some bytes.
    pub(crate) fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
