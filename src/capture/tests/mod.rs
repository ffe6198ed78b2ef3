//! Whole files through the readers.

mod bytes;
mod damaged;
mod formats;
mod runs;

use std::io::Cursor;

use super::{CaptureError, CaptureFile, Damage, FrameSource, LinkType};
use crate::model::Timestamp;

/// A frame that outlives its source: number, time, link type, bytes, length on the wire.
type Kept = (u64, Timestamp, LinkType, Vec<u8>, u32);

fn open(file: &[u8]) -> Result<CaptureFile, CaptureError> {
    CaptureFile::new("x.pcap", Cursor::new(file.to_vec()))
}

fn drain(source: &mut impl FrameSource) -> Vec<Kept> {
    let mut kept = Vec::new();
    while let Some(frame) = source.next().unwrap() {
        let (number, time) = (frame.at.frame.0, frame.at.time);
        kept.push((number, time, frame.link, frame.data.to_vec(), frame.wire_length));
    }
    assert!(source.next().unwrap().is_none(), "the end is the end");
    kept
}

fn read(file: &[u8]) -> (Vec<Kept>, Option<Damage>) {
    let mut source = open(file).unwrap();
    (drain(&mut source), source.damage().cloned())
}

fn frame(number: u64, micros: i64, link: u16, data: &[u8], wire: u32) -> Kept {
    (number, Timestamp::from_micros(micros), LinkType(link), data.to_vec(), wire)
}
