//! Any header blocks in both directions of an HTTP/2 connection: each in a HEADERS frame of its own, so that no byte is
//! spent on framing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint::inspect::protocol;
use wirelint::model::{Direction, Moment};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fuzz_target!(|data: &[u8]| {
    let Some((control, data)) = data.split_first() else { return };
    let Some(h2) = protocol("h2") else { return };
    let mut inspector = h2.inspector();
    let joined_late = control & 1 != 0;
    if !joined_late {
        inspector.read(Direction::ToServer, PREFACE, Moment::default());
    }
    // Two frames, so that a chain is recognised where the preface is missing.
    inspector.read(Direction::ToServer, &[SETTINGS, SETTINGS].concat(), Moment::default());
    inspector.read(Direction::ToClient, &[SETTINGS, SETTINGS].concat(), Moment::default());
    for (n, block) in (0_u32..).zip(data.split(|byte| *byte == 0xfe)) {
        let length = u32::try_from(block.len()).unwrap_or_default().to_be_bytes();
        let stream = (n / 2 * 2 + 1).to_be_bytes();
        let frame = [&length[1..], &[1, 4], &stream[..], block].concat();
        let direction = Direction::BOTH[usize::from(n % 2 != 0)];
        let (used, _) = inspector.read(direction, &frame, Moment::default());
        assert_eq!(used, frame.len());
    }
    let calls = inspector.finish().calls;
    assert!(calls.is_none_or(|calls| calls.unnamed <= calls.requests + calls.responses));
});
