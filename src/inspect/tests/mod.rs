//! Conversations that no sample has, said to the [`Dialogue`]: it must recognise them by itself.

mod late;
mod specified;

use super::{Dialogue, ProtocolId};
use crate::flow::{StreamReader, Want};
use crate::inspect::feeder::Event;
use crate::model::{Direction, Facts, FrameNo, Moment, PerDirection};

/// What is made of a conversation, in pieces of at most `cut` bytes; whether its roles turned out to be wrong.
fn overhear(events: &[Event], cut: usize, late: bool) -> (Option<ProtocolId>, Facts, bool) {
    let mut dialogue = Dialogue::default();
    if late {
        dialogue.joined_midstream();
    }
    let mut left = PerDirection::<Vec<u8>>::default();
    let mut reversed = false;
    for (n, event) in (1..).zip(events) {
        let Event::Bytes(direction, bytes) = event else { panic!("nothing is missing here") };
        let at = Moment { frame: FrameNo(n), ..Moment::default() };
        for piece in bytes.chunks(cut) {
            left[*direction].extend_from_slice(piece);
            reversed |= read(&mut dialogue, *direction, &mut left, at) == Want::Reverse;
            if reversed {
                return (None, Facts::default(), true);
            }
        }
    }
    let (protocol, facts) = dialogue.finish();
    (protocol, facts, reversed)
}

/// Gives what is there of a direction, and of the other one when that is asked for.
fn read(
    dialogue: &mut Dialogue,
    direction: Direction,
    left: &mut PerDirection<Vec<u8>>,
    at: Moment,
) -> Want {
    let (used, want) = dialogue.read(direction, &left[direction], at);
    left[direction].drain(..used);
    if want == Want::Both {
        let other = direction.reversed();
        let (used, _) = dialogue.read(other, &left[other], at);
        left[other].drain(..used);
    }
    want
}

/// What is made of a whole conversation, which must not depend on how it is cut.
fn whole(events: &[Event]) -> (ProtocolId, Facts) {
    let all = overhear(events, usize::MAX, false);
    for cut in [1, 3, 7, 64] {
        let same = overhear(events, cut, false);
        assert_eq!((same.0, &same.1), (all.0, &all.1), "cut into {cut}");
    }
    assert!(!all.2, "the roles are as they are given");
    (all.0.expect("it is recognised"), all.1)
}
