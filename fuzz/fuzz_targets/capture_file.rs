//! Any bytes as a capture file, plain or compressed: reading ends, frames stay within their bound, and what is read does
//! not depend on how the operating system cuts the bytes.
#![no_main]

use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use wirelint::capture::{CaptureFile, FrameSource as _, LinkType};
use wirelint::model::{Moment, limits};

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else { return };
    let whole = read(Cursor::new(bytes.to_vec()));
    let pieces = Pieces { bytes: Cursor::new(bytes.to_vec()), most: usize::from(*cut).max(1) };
    let pieces = read(pieces);
    // A decompressor that meets damage gives more or less of what came before it, as its input comes.
    let compressed = matches!(bytes, [0x1f, 0x8b, ..] | [0x28, 0xb5, ..] | [0x50..=0x5f, 0x2a, ..]);
    if !(compressed && (whole.is_damaged() || pieces.is_damaged())) {
        assert!(whole == pieces, "what is read depends on the cut");
    }
});

struct Pieces {
    bytes: Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = buffer.len().min(self.most);
        self.bytes.read(&mut buffer[..n])
    }
}

#[derive(PartialEq)]
enum Outcome {
    Refused(&'static str),
    Frames { frames: Vec<(Moment, LinkType, u32, Vec<u8>)>, end: String, damaged: bool },
}

impl Outcome {
    fn is_damaged(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Frames { damaged: true, .. })
    }
}

/// Frames compared. A small compressed file can hold very many, and they need no comparison.
const COMPARED: usize = 200;

fn read(reader: impl Read + Send + 'static) -> Outcome {
    let mut file = match CaptureFile::new("fuzz", reader) {
        Ok(file) => file,
        Err(error) => return Outcome::Refused(error.code()),
    };
    let mut frames = Vec::new();
    let mut count = 0_u64;
    let end = loop {
        match file.next() {
            Ok(Some(frame)) => {
                assert!(frame.data.len() <= limits::FRAME_BYTES);
                count += 1;
                if frames.len() < COMPARED {
                    frames.push((frame.at, frame.link, frame.wire_length, frame.data.to_vec()));
                }
            }
            Ok(None) => break format!("{:?} {:?}", file.info(), file.damage()),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(file.info().frames, count);
    if let Some(damage) = file.damage() {
        let _said = damage.diagnostic();
    }
    Outcome::Frames { frames, end, damaged: file.damage().is_some() }
}
