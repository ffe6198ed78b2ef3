//! Header blocks, which come in one frame or in several (RFC 9113 section 4.3).

use super::frames::{self, Frame, HEADER_BYTES, fragment};
use super::{Connection, Step};
use crate::model::{Direction, Moment, limits};

/// A header block in several frames.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) end_stream: bool,
    /// Nothing, once the block is larger than [`limits::HTTP2_HEADER_BLOCK`].
    bytes: Option<Vec<u8>>,
}

impl Connection {
    /// Reads a frame that has a header block, or a part of one.
    pub(super) fn headers(
        &mut self,
        direction: Direction,
        frame: Frame,
        rest: &[u8],
        at: Moment,
    ) -> Step {
        const AROUND: usize = 6 + 255;
        let side = &mut self.sides[direction];
        if frame.length > limits::HTTP2_HEADER_BLOCK.saturating_add(AROUND) {
            side.skip = frame.length;
            self.block_part(direction, frame, None, at);
            return Step::Used(HEADER_BYTES);
        }
        let end = HEADER_BYTES.saturating_add(frame.length);
        let Some(payload) = rest.get(HEADER_BYTES..end) else { return Step::Wait };
        match fragment(frame, payload) {
            Some(fragment) => self.block_part(direction, frame, Some(fragment), at),
            None => side.hpack.forget(),
        }
        Step::Used(end)
    }

    /// Takes the next part of a header block, and reads the block once it is whole. No part: it is too large.
    fn block_part(&mut self, direction: Direction, frame: Frame, part: Option<&[u8]>, at: Moment) {
        let side = &mut self.sides[direction];
        let whole = frame.has(frames::END_HEADERS);
        let end_stream = frame.has(frames::END_STREAM);
        let (kind, stream) = (frame.kind, frame.stream);
        let begun = side.block.take();
        if kind != frames::CONTINUATION {
            if begun.is_some() {
                side.hpack.forget();
            }
            let block = Block { kind, stream, end_stream, bytes: None };
            match part {
                Some(part) if whole => self.block(direction, &block, Some(part), at),
                _ => self.keep(
                    direction,
                    Block { bytes: part.map(<[u8]>::to_vec), ..block },
                    whole,
                    at,
                ),
            }
            return;
        }
        let Some(mut block) = begun.filter(|block| block.stream == stream) else {
            side.hpack.forget();
            return;
        };
        let fits = |bytes: &Vec<u8>, part: &[u8]| {
            bytes.len().saturating_add(part.len()) <= limits::HTTP2_HEADER_BLOCK
        };
        block.bytes = match (block.bytes, part) {
            (Some(mut bytes), Some(part)) if fits(&bytes, part) => {
                bytes.extend_from_slice(part);
                Some(bytes)
            }
            _ => None,
        };
        self.keep(direction, block, whole, at);
    }

    fn keep(&mut self, direction: Direction, block: Block, whole: bool, at: Moment) {
        if whole {
            self.block(direction, &block, block.bytes.as_deref(), at);
        } else {
            self.sides[direction].block = Some(block);
        }
    }
}
