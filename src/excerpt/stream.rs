//! The two byte streams of a connection as far as its kept frames have them, blanked, and put back into the frames.

use std::collections::BTreeSet;

use super::blank::{self, Keep};
use super::gather::{Carries, Kept, Raw};
use crate::model::{Direction, PerDirection, Secret, limits};

/// One direction: its bytes from the first that is kept to the first that is missing.
#[derive(Default)]
pub(super) struct Stream {
    begin: Option<u32>,
    /// The bytes as they were. Forgotten with the stream.
    bytes: Vec<u8>,
    /// Where segments begin.
    starts: BTreeSet<usize>,
    clean: Vec<u8>,
}

/// Largest distance of a segment from the beginning of its stream that is followed: far beyond what is kept.
const FARTHEST: usize = 16 << 20;

/// What replaces bytes.
const BLANK: u8 = b'x';

/// Blanks the frames of one connection.
pub(super) fn blanked(frames: Vec<Raw>, secrets: &BTreeSet<[u8; 32]>) -> Vec<Kept> {
    let mut streams: PerDirection<Stream> = PerDirection::default();
    for way in Direction::BOTH {
        streams[way] = Stream::of(&frames, way);
    }
    let is_secret = |text: &[u8]| secrets.contains(Secret::of(text).digest());
    let keep = Keep { is_secret: &is_secret };
    for way in Direction::BOTH {
        let stream = &mut streams[way];
        stream.clean.clone_from(&stream.bytes);
        blank::stream(&mut stream.clean, &stream.starts, &keep);
    }
    frames.into_iter().map(|raw| one(raw, &streams, &keep)).collect()
}

impl Stream {
    fn of(frames: &[Raw], way: Direction) -> Self {
        let mut stream = Self::default();
        let mut pieces: Vec<(usize, &[u8])> = Vec::new();
        for raw in frames {
            let Carries::Stream { way: own, sequence, syn, payload } = &raw.carries else {
                continue;
            };
            if *own != way {
                continue;
            }
            let first = sequence.wrapping_add(u32::from(*syn));
            let begin = *stream.begin.get_or_insert(first);
            let Some(bytes) = raw.kept.data.get(payload.clone()) else { continue };
            let at = first.wrapping_sub(begin) as usize;
            if at < FARTHEST && !bytes.is_empty() {
                pieces.push((at, bytes));
            }
        }
        pieces.sort_by_key(|(at, _)| *at);
        for (at, bytes) in pieces {
            if at > stream.bytes.len() {
                break;
            }
            stream.starts.insert(at);
            let known = stream.bytes.len().saturating_sub(at);
            stream.bytes.extend(bytes.get(known..).unwrap_or_default());
        }
        stream
    }

    /// The blanked bytes of a segment; nothing when the stream does not have it as it was sent, which must not show what
    /// the stream blanks.
    fn segment(&self, sequence: u32, syn: bool, bytes: &[u8]) -> Option<&[u8]> {
        let first = sequence.wrapping_add(u32::from(syn));
        let at = first.wrapping_sub(self.begin?) as usize;
        let end = at.checked_add(bytes.len())?;
        let same = self.bytes.get(at..end)? == bytes;
        if same { self.clean.get(at..end) } else { None }
    }
}

fn one(raw: Raw, streams: &PerDirection<Stream>, keep: &Keep<'_>) -> Kept {
    let Raw { mut kept, carries } = raw;
    let before = kept.data.clone();
    let (payload, clean) = match carries {
        Carries::Part => {
            // The part of a datagram: of a header without options, nothing behind it.
            kept.data.truncate(SHORTEST_HEADER);
            kept.blanked = before.len().saturating_sub(kept.data.len());
            return kept;
        }
        Carries::Datagram(payload) => {
            let mut clean = before.get(payload.clone()).unwrap_or_default().to_vec();
            blank::words(&mut clean, keep);
            (payload, clean)
        }
        Carries::Stream { way, sequence, syn, payload } => {
            let bytes = before.get(payload.clone()).unwrap_or_default();
            let clean = streams[way].segment(sequence, syn, bytes);
            let clean = clean.map_or_else(|| vec![BLANK; bytes.len()], <[u8]>::to_vec);
            (payload, clean)
        }
    };
    let end = payload.end;
    if let Some(place) = kept.data.get_mut(payload.clone()) {
        for (byte, new) in place.iter_mut().zip(&clean) {
            *byte = *new;
        }
    }
    // Padding behind the payload is what was in somebody's memory.
    if let Some(rest) = kept.data.get_mut(end..) {
        rest.fill(0);
    }
    cut_tail(&mut kept.data, &before, payload.start, end);
    let changed = kept.data.iter().zip(&before).filter(|(new, old)| new != old).count();
    kept.blanked = changed.saturating_add(before.len().saturating_sub(kept.data.len()));
    kept
}

/// IPv4 without options; the shortest that the beginning of a frame can be.
const SHORTEST_HEADER: usize = 20;

/// Cuts the frame where nothing but a long blank follows. TLS is left whole: the lengths of its records are what tells.
fn cut_tail(data: &mut Vec<u8>, before: &[u8], start: usize, end: usize) {
    let payload = data.get(start..end).unwrap_or_default();
    if matches!(payload, [20..=23, 3, ..]) {
        return;
    }
    let blank = payload.iter().rev().take_while(|byte| **byte == BLANK).count();
    if blank > limits::EXCERPT_TAIL && before.get(start..end).is_some() {
        let keep = end.saturating_sub(blank).saturating_add(limits::EXCERPT_TAIL);
        data.truncate(keep);
    }
}
