//! Any bytes as a capture file, and its frames through the decoder: no panic, no hang, and every frame within bounds.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use wirelint::capture::{CaptureFile, FrameSource};
use wirelint::decode::Decoder;
use wirelint::model::limits;

fuzz_target!(|data: &[u8]| {
    let Ok(mut file) = CaptureFile::new("fuzz", Cursor::new(data.to_vec())) else { return };
    let mut decoder = Decoder::new();
    let mut expected = 1;
    while let Ok(Some(frame)) = file.next() {
        assert_eq!(frame.at.frame.0, expected);
        assert!(frame.data.len() <= limits::FRAME_BYTES);
        assert!(frame.data.len() <= frame.wire_length as usize);
        expected += 1;
        decoder.decode(&frame);
    }
    if let Some(damage) = file.damage() {
        assert_eq!(damage.packet, expected);
        assert!(!damage.message().is_empty());
    }
});
