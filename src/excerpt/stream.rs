//! The two byte streams of a connection as far as its kept frames have them, blanked, and put back into the frames.

use std::collections::BTreeSet;

use super::blank::{self, Keep};
use super::gather::{Carries, Kept, Raw};
use crate::model::{Direction, Outcome, PerDirection, Secret, limits};

/// The secrets that are known to have crossed, by what is kept of them.
pub(super) struct Known {
    digests: BTreeSet<[u8; 32]>,
    lengths: BTreeSet<usize>,
}

impl Known {
    /// Those that a run recognised.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let secrets = outcome.credentials.iter().map(|row| &row.at.credential.secret);
        let digests = secrets.clone().map(|secret| *secret.digest()).collect();
        let lengths = secrets.map(|secret| secret.length() as usize);
        let lengths = lengths.filter(|length| (2..=limits::EXCERPT_SECRET).contains(length));
        Self { digests, lengths: lengths.take(limits::EXCERPT_SECRETS).collect() }
    }

    fn has(&self, text: &[u8]) -> bool {
        self.digests.contains(Secret::of(text).digest())
    }

    /// Overwrites in `clean` every stretch that is a secret in `bytes`, whatever reader let it through.
    fn overwrite(&self, bytes: &[u8], clean: &mut [u8]) {
        let searched = bytes.get(..limits::EXCERPT_SEARCHED).unwrap_or(bytes);
        for length in &self.lengths {
            for (at, window) in searched.windows(*length).enumerate() {
                let end = at.saturating_add(*length);
                let kept = clean
                    .get(at..end)
                    .is_some_and(|now| now != BLANKS.get(..*length).unwrap_or_default());
                if kept && self.has(window) {
                    clean.get_mut(at..end).unwrap_or_default().fill(BLANK);
                }
            }
        }
    }
}

/// One direction: its bytes in stretches without holes.
#[derive(Default)]
struct Stream {
    begin: Option<u32>,
    stretches: Vec<Stretch>,
}

/// Bytes as they were, and as they may be shown. The former are forgotten with it.
struct Stretch {
    at: usize,
    bytes: Vec<u8>,
    /// Where segments begin in it.
    starts: BTreeSet<usize>,
    clean: Vec<u8>,
}

/// Largest distance of a segment from the beginning of its stream that is followed: far beyond what is kept.
const FARTHEST: usize = 16 << 20;

/// What replaces bytes.
const BLANK: u8 = b'x';
const BLANKS: [u8; limits::EXCERPT_SECRET] = [BLANK; limits::EXCERPT_SECRET];

/// Blanks the frames of one connection.
pub(super) fn blanked(frames: Vec<Raw>, known: &Known) -> Vec<Kept> {
    let keep = Keep { is_secret: &|text| known.has(text) };
    let mut streams: PerDirection<Stream> = PerDirection::default();
    for way in Direction::BOTH {
        streams[way] = Stream::of(&frames, way);
        streams[way].blank(known, &keep);
    }
    frames.into_iter().map(|raw| one(raw, &streams)).collect()
}

impl Stream {
    fn of(frames: &[Raw], way: Direction) -> Self {
        let mut stream = Self::default();
        let mut pieces: Vec<(usize, &[u8])> = Vec::new();
        let mut whole = false;
        for raw in frames {
            let Carries::Stream { way: own, sequence, syn, payload } = &raw.carries else {
                continue;
            };
            if *own != way {
                continue;
            }
            whole |= *syn;
            let first = sequence.wrapping_add(u32::from(*syn));
            let begin = *stream.begin.get_or_insert(first);
            let Some(bytes) = raw.kept.data.get(payload.clone()) else { continue };
            // Without a SYN nothing says that this is the beginning.
            let at = (first.wrapping_sub(begin) as usize).saturating_add(usize::from(!whole));
            if at < FARTHEST && !bytes.is_empty() {
                pieces.push((at, bytes));
            }
        }
        pieces.sort_by_key(|(at, _)| *at);
        pieces.into_iter().for_each(|(at, bytes)| stream.add(at, bytes));
        if !whole {
            stream.begin = stream.begin.map(|begin| begin.wrapping_sub(1));
        }
        stream
    }

    fn add(&mut self, at: usize, bytes: &[u8]) {
        let goes_on = |last: &&mut Stretch| at <= last.at.saturating_add(last.bytes.len());
        match self.stretches.last_mut().filter(goes_on) {
            Some(last) => {
                let within = at.saturating_sub(last.at);
                last.starts.insert(within);
                let known = last.bytes.len().saturating_sub(within);
                last.bytes.extend(bytes.get(known..).unwrap_or_default());
            }
            None => self.stretches.push(Stretch {
                at,
                bytes: bytes.to_vec(),
                starts: BTreeSet::from([0]),
                clean: Vec::new(),
            }),
        }
    }

    /// The stretch at the beginning is read from its first byte. Behind a hole a reader may be in the middle of
    /// anything, so only what says itself what it is stays.
    fn blank(&mut self, known: &Known, keep: &Keep<'_>) {
        for stretch in &mut self.stretches {
            stretch.clean.clone_from(&stretch.bytes);
            if stretch.at == 0 || blank::tells(&stretch.bytes) {
                blank::stream(&mut stretch.clean, &stretch.starts, keep);
                known.overwrite(&stretch.bytes, &mut stretch.clean);
            } else {
                stretch.clean.fill(BLANK);
            }
        }
    }

    /// The blanked bytes of a segment; nothing when the stream does not have it as it was sent, which must not show what
    /// the stream blanks.
    fn segment(&self, sequence: u32, syn: bool, bytes: &[u8]) -> Option<&[u8]> {
        let first = sequence.wrapping_add(u32::from(syn));
        let at = first.wrapping_sub(self.begin?) as usize;
        let stretch = self.stretches.iter().rev().find(|stretch| stretch.at <= at)?;
        let from = at.checked_sub(stretch.at)?;
        let end = from.checked_add(bytes.len())?;
        let same = stretch.bytes.get(from..end)? == bytes;
        if same { stretch.clean.get(from..end) } else { None }
    }
}

fn one(raw: Raw, streams: &PerDirection<Stream>) -> Kept {
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
            let clean = vec![BLANK; payload.len()];
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
