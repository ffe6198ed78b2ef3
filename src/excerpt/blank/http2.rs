//! HTTP/2: frames stay, header blocks keep their names and harmless values, data keeps its length.

use super::{Keep, kept_of_header};
use crate::inspect::blank_header_block;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADER: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// Whether these bytes begin a connection from either side.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(PREFACE)
        || matches!(bytes, [0, 0, length, SETTINGS, 0 | 1, 0, 0, 0, 0, ..] if length.is_multiple_of(6))
}

/// Blanks all frames; what cannot be read to its end is blanked whole.
pub(super) fn blank(bytes: &mut [u8], keep: &Keep<'_>) -> usize {
    let mut at = if bytes.starts_with(PREFACE) { PREFACE.len() } else { 0 };
    // Header blocks that go on in further frames, in pieces of the stream.
    let mut pieces: Vec<std::ops::Range<usize>> = Vec::new();
    while let Some(head) = bytes.get(at..).and_then(<[u8]>::first_chunk::<HEADER>).copied() {
        let [l0, l1, l2, kind, flags, ..] = head;
        let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        let start = at.saturating_add(HEADER);
        let end = start.saturating_add(length).min(bytes.len());
        at = start.saturating_add(length);
        let Some(payload) = bytes.get_mut(start..end) else { break };
        match kind {
            DATA => blank_data(payload),
            HEADERS | PUSH_PROMISE | CONTINUATION => {
                pieces.push(start.saturating_add(fragment(payload, kind, flags))..end);
                if flags & END_HEADERS != 0 || at > bytes.len() {
                    blank_block(bytes, &std::mem::take(&mut pieces), keep);
                }
            }
            GOAWAY => payload.iter_mut().skip(8).for_each(|byte| *byte = b'x'),
            SETTINGS | PING | 2 | 3 | 8 => {}
            _ => payload.fill(b'x'),
        }
    }
    if !pieces.is_empty() {
        blank_block(bytes, &pieces, keep);
    }
    if at < bytes.len()
        && let Some(rest) = bytes.get_mut(at..)
    {
        rest.fill(b'x');
    }
    bytes.len()
}

const END_HEADERS: u8 = 0x04;

/// Where in a frame's payload its header block begins.
fn fragment(payload: &[u8], kind: u8, flags: u8) -> usize {
    let padded = usize::from(kind != CONTINUATION && flags & PADDED != 0);
    let before = match kind {
        HEADERS if flags & PRIORITY != 0 => 5,
        PUSH_PROMISE => 4,
        _ => 0,
    };
    padded.saturating_add(before).min(payload.len())
}

/// The five bytes of gRPC's framing say only whether a message is compressed, and how long it is.
fn blank_data(payload: &mut [u8]) {
    let grpc = matches!(payload, [0 | 1, 0, ..]);
    payload.iter_mut().skip(if grpc { 5 } else { 0 }).for_each(|byte| *byte = b'x');
}

fn blank_block(bytes: &mut [u8], pieces: &[std::ops::Range<usize>], keep: &Keep<'_>) {
    let parts = pieces.iter().filter_map(|piece| bytes.get(piece.clone()));
    let mut block: Vec<u8> = parts.flatten().copied().collect();
    let kept = |name: &[u8], value: &[u8]| kept_of_header(name, value, keep);
    if !blank_header_block(&mut block, &kept) {
        block.fill(b'x');
    }
    let mut left = block.as_slice();
    for piece in pieces {
        let Some(place) = bytes.get_mut(piece.clone()) else { continue };
        let Some((own, rest)) = left.split_at_checked(place.len()) else { return };
        place.copy_from_slice(own);
        left = rest;
    }
}
