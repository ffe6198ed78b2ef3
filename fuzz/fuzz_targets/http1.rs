//! Any bytes in both directions of an HTTP/1 connection, in pieces, with holes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint::inspect::{Head, Next, protocol};
use wirelint::model::{Direction, Moment, PerDirection};

fuzz_target!(|data: &[u8]| {
    let Some(http) = protocol("http/1.1") else { return };
    for direction in Direction::BOTH {
        http.probe(&Head { direction, bytes: data, from_start: true });
    }
    let mut inspector = http.inspector();
    let mut left: PerDirection<Vec<u8>> = PerDirection::default();
    let mut rest = data;
    // Each piece: a byte that says which way, how long, and whether a hole comes first.
    while let Some((control, behind)) = rest.split_first() {
        let direction = Direction::BOTH[usize::from(control & 1)];
        let (piece, behind) = behind.split_at(behind.len().min(usize::from(control >> 2)));
        rest = behind;
        if control & 2 != 0 && control & 4 != 0 {
            left[direction].clear();
            inspector.gap(direction, u64::from(*control), Moment::default());
        }
        left[direction].extend_from_slice(piece);
        let (used, next) = inspector.read(direction, &left[direction], Moment::default());
        left[direction].drain(..used);
        if next != Next::More {
            break;
        }
    }
    inspector.finish();
});
