//! Any bytes as frames of any link type, one after the other through one decoder, so that fragments meet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint::capture::{Frame, LinkType};
use wirelint::decode::{Decoded, Decoder};
use wirelint::model::{FrameNo, Moment, Timestamp, limits};

fuzz_target!(|data: &[u8]| {
    let mut decoder = Decoder::new();
    let mut rest = data;
    let mut number = 0;
    while let [link, low, high, lost, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (bytes, behind) = after.split_at(length);
        rest = behind;
        number += 1;
        let link = LINKS[usize::from(*link) % LINKS.len()];
        let at = Moment { time: Timestamp::from_seconds(number), frame: FrameNo(number as u64) };
        let wire_length = length as u32 + u32::from(*lost);
        let frame = Frame { at, link: LinkType(link), data: bytes, wire_length };
        if let Decoded::Segment(segment) = decoder.decode(&frame) {
            assert!(segment.payload.len() <= bytes.len().max(limits::DATAGRAM_BYTES));
        }
    }
});

const LINKS: [u16; 15] = [0, 1, 9, 12, 14, 50, 101, 104, 108, 113, 228, 229, 239, 276, 147];
