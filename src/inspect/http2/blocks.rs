//! Header blocks, which come in one frame or in several (RFC 9113 section 4.3).

use super::frames::{self, Frame, HEADER_BYTES, fragment};
use super::{Connection, Step};
use crate::model::{Direction, Moment, limits};

/// What the first frame of a header block says of it.
#[derive(Clone, Copy)]
pub(super) struct BlockHead {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) end_stream: bool,
}

/// A header block in several frames.
#[derive(Clone)]
pub(super) struct Block {
    head: BlockHead,
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
        let begun = side.block.take();
        if frame.kind != frames::CONTINUATION {
            if begun.is_some() {
                side.hpack.forget();
            }
            let end_stream = frame.has(frames::END_STREAM);
            let head = BlockHead { kind: frame.kind, stream: frame.stream, end_stream };
            if whole {
                self.block(direction, head, part, at);
            } else {
                side.block = Some(Block { head, bytes: part.map(<[u8]>::to_vec) });
            }
            return;
        }
        let Some(mut block) = begun.filter(|block| block.head.stream == frame.stream) else {
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
        if whole {
            self.block(direction, block.head, block.bytes.as_deref(), at);
        } else {
            side.block = Some(block);
        }
    }
}
