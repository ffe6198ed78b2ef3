//! Any bytes as HPACK header blocks: each is put into a HEADERS frame of its own, so that no mutation is lost on frame
//! lengths. The facts do not depend on how the bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint::model::Direction;
use wirelint_fuzz::{Conversation, Event, inspect};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fuzz_target!(|data: &[u8]| {
    let mut conversation = Conversation::parse(data);
    let mut stream = 1_u32;
    for event in &mut conversation.events {
        let Event::Bytes(direction, block) = event else { continue };
        *block = headers(stream, block);
        stream += u32::from(*direction == Direction::ToClient) * 2;
    }
    let preface = Event::Bytes(Direction::ToServer, PREFACE.to_vec());
    conversation.events.insert(0, preface);
    inspect("h2", &conversation);
});

/// A HEADERS frame with END_HEADERS.
fn headers(stream: u32, block: &[u8]) -> Vec<u8> {
    let mut frame = (block.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([1, 4]);
    frame.extend(stream.to_be_bytes());
    frame.extend(block);
    frame
}
