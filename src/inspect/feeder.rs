//! Drives an inspector in tests the way a connection does: gives bytes, keeps what was left over, obeys what is next.

use proptest::test_runner::{Config as ProptestConfig, RngSeed};

use super::{Inspector, Next, protocol};
use crate::model::{Direction, Facts, FrameNo, Moment, PerDirection};

/// What happens in a direction of a connection.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Bytes(Direction, Vec<u8>),
    Gap(Direction, u64),
}

pub(super) fn client(bytes: impl AsRef<[u8]>) -> Event {
    Event::Bytes(Direction::ToServer, bytes.as_ref().to_vec())
}

pub(super) fn server(bytes: impl AsRef<[u8]>) -> Event {
    Event::Bytes(Direction::ToClient, bytes.as_ref().to_vec())
}

/// What a protocol's inspector makes of a conversation in pieces of at most `cut` bytes, and what it wanted last.
pub(super) fn inspect(name: &str, events: &[Event], cut: usize) -> (Facts, Next) {
    let mut feeder = Feeder {
        inspector: protocol(name).unwrap().inspector(&super::Context::default()),
        left: PerDirection::default(),
        next: Next::More,
    };
    for (n, event) in (1..).zip(events) {
        let at = Moment { frame: FrameNo(n), ..Moment::default() };
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

/// As [`inspect`], in one piece and in many; the facts must be the same.
pub(super) fn facts(name: &str, events: &[Event]) -> Facts {
    let (whole, next) = inspect(name, events, usize::MAX);
    for cut in [1, 2, 3, 7, 64] {
        assert_eq!(inspect(name, events, cut), (whole.clone(), next), "cut into {cut}");
    }
    whole
}

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
        assert!(left.len() <= crate::model::limits::PENDING_BYTES, "left {}", left.len());
        self.next = next;
    }
}

/// Random tests that are the same each time.
pub(super) fn seeded() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(7541);
    ProptestConfig { cases: 256, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}
