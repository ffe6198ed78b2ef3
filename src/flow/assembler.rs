//! Puts the pieces of one direction of a connection in order. Knows offsets and bytes; not TCP, not protocols.
//!
//! **Policy for overlaps: the bytes seen first count.** A later piece that says something else about bytes still held is
//! counted as a conflict. Bytes that were consumed are gone, so what comes again for them is trimmed and not compared.

/// More is held back than [`Assembler::insert`] may hold; the piece was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMuchPending;

/// Bounds of one assembler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Bytes held, ready and out of order together.
    pub bytes: usize,
    /// Out-of-order pieces held.
    pub pieces: usize,
}

/// One direction of one connection.
///
/// Invariant: `ready` holds the bytes from `base` on; every piece of `pending` lies wholly behind them, with a hole
/// before the first one; pieces are sorted and do not overlap or touch.
#[derive(Debug, Default)]
pub struct Assembler {
    base: u64,
    ready: Vec<u8>,
    pending: Vec<Piece>,
    pending_bytes: usize,
    repeated: u64,
    conflicts: u32,
}

#[derive(Debug)]
struct Piece {
    offset: u64,
    bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes.len() as u64)
    }
}

impl Assembler {
    /// An assembler whose first byte has this offset.
    #[must_use]
    pub fn starting_at(base: u64) -> Self {
        Self { base, ..Self::default() }
    }

    /// The offset of the next byte that is not there yet.
    #[must_use]
    pub fn next_offset(&self) -> u64 {
        self.base.saturating_add(self.ready.len() as u64)
    }

    /// Gives back the part of `data` that comes next, when it can be read where it lies: nothing is held and the piece
    /// reaches the next byte. What the reader does not use must be handed to [`Self::hold`].
    pub fn pass<'a>(&mut self, offset: u64, data: &'a [u8]) -> Option<&'a [u8]> {
        if !self.ready.is_empty() || !self.pending.is_empty() {
            return None;
        }
        let known = usize::try_from(self.base.checked_sub(offset)?).ok()?;
        let fresh = data.get(known..)?;
        self.repeated = self.repeated.saturating_add(known as u64);
        self.base = self.base.saturating_add(fresh.len() as u64);
        Some(fresh)
    }

    /// Takes back the end of what [`Self::pass`] gave.
    pub fn hold(&mut self, rest: &[u8]) {
        self.base = self.base.saturating_sub(rest.len() as u64);
        self.ready.extend_from_slice(rest);
    }

    /// Takes a piece that begins at `offset`.
    ///
    /// # Errors
    /// [`TooMuchPending`] when the piece would exceed `bounds`; nothing of it is taken then.
    pub fn insert(
        &mut self,
        offset: u64,
        data: &[u8],
        bounds: Bounds,
    ) -> Result<(), TooMuchPending> {
        let fits = self.held().saturating_add(data.len()) <= bounds.bytes;
        if !fits || self.pending.len() >= bounds.pieces {
            return Err(TooMuchPending);
        }
        let (offset, data) = self.trim_known(offset, data);
        if data.is_empty() {
            return Ok(());
        }
        if self.pending.is_empty() && offset == self.next_offset() {
            self.ready.extend_from_slice(data);
            return Ok(());
        }
        self.insert_pending(offset, data);
        self.join_ready();
        Ok(())
    }

    /// The bytes that come next.
    #[must_use]
    pub fn ready(&self) -> &[u8] {
        &self.ready
    }

    /// Drops the first `n` ready bytes.
    pub fn consume(&mut self, n: usize) {
        let n = n.min(self.ready.len());
        self.base = self.base.saturating_add(n as u64);
        if n == self.ready.len() {
            self.ready.clear();
        } else {
            self.ready.drain(..n);
        }
    }

    /// Gives up the hole before the first pending piece and says how many bytes were missing. Ready bytes that were not
    /// consumed are dropped with it. `None` when nothing is pending.
    pub fn skip_gap(&mut self) -> Option<u64> {
        let first = self.pending.first()?.offset;
        let missing = first.saturating_sub(self.next_offset());
        self.ready.clear();
        self.base = first;
        self.join_ready();
        Some(missing)
    }

    /// Takes note that the `n` bytes that come next will never arrive, as far as no pending piece has them, and says how
    /// many that are. Ready bytes that were not consumed are dropped.
    pub fn lose(&mut self, n: u64) -> u64 {
        let next = self.next_offset();
        let known_from = self.pending.first().map_or(u64::MAX, |piece| piece.offset);
        let lost = n.min(known_from.saturating_sub(next));
        self.base = next.saturating_add(lost);
        self.ready.clear();
        self.join_ready();
        lost
    }

    /// Moves the start to `offset` when nothing was read yet, for when the true first byte becomes known late.
    pub fn restart_at(&mut self, offset: u64) {
        if self.ready.is_empty() {
            self.base = offset;
            self.pending.retain(|piece| piece.offset >= offset);
            self.pending_bytes = self.pending.iter().map(|piece| piece.bytes.len()).sum();
            self.join_ready();
        }
    }

    /// Bytes behind the first hole.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Pieces behind the first hole.
    #[must_use]
    pub fn pending_pieces(&self) -> usize {
        self.pending.len()
    }

    /// Bytes held in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        self.ready.len().saturating_add(self.pending_bytes)
    }

    /// Bytes that came again.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Overlaps that said something else than the bytes before them.
    #[must_use]
    pub fn conflicts(&self) -> u32 {
        self.conflicts
    }

    /// Gives back all memory; offsets and counts stay.
    pub fn release(&mut self) {
        self.base = self.next_offset();
        self.ready = Vec::new();
        self.pending = Vec::new();
        self.pending_bytes = 0;
    }

    fn trim_known<'a>(&mut self, offset: u64, data: &'a [u8]) -> (u64, &'a [u8]) {
        let next = self.next_offset();
        let Some(known) = next.checked_sub(offset).filter(|known| *known > 0) else {
            return (offset, data);
        };
        let known = usize::try_from(known).map_or(data.len(), |known| known.min(data.len()));
        let (old, fresh) = data.split_at_checked(known).unwrap_or((data, &[]));
        self.repeated = self.repeated.saturating_add(old.len() as u64);
        let before_base = usize::try_from(self.base.saturating_sub(offset)).unwrap_or(usize::MAX);
        let held_from = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let comparable = old.get(before_base..).unwrap_or_default();
        let held = self.ready.get(held_from..).unwrap_or_default();
        self.note_conflict(differs(held, comparable));
        (offset.saturating_add(known as u64), fresh)
    }

    fn note_conflict(&mut self, conflict: bool) {
        self.conflicts = self.conflicts.saturating_add(u32::from(conflict));
    }

    /// Adds the parts of a piece that no pending piece has.
    fn insert_pending(&mut self, mut offset: u64, mut data: &[u8]) {
        let mut at = self.pending.partition_point(|piece| piece.end() <= offset);
        while !data.is_empty() {
            let until = self.pending.get(at).map_or(u64::MAX, |piece| piece.offset);
            if offset == u64::MAX {
                break;
            }
            let room = until.saturating_sub(offset);
            let new = usize::try_from(room).map_or(data.len(), |room| room.min(data.len()));
            let (fresh, rest) = data.split_at_checked(new).unwrap_or((data, &[]));
            if !fresh.is_empty() {
                self.place(at, offset, fresh);
                at += 1;
            }
            offset = offset.saturating_add(fresh.len() as u64);
            data = rest;
            if let Some(piece) = self.pending.get(at).filter(|_| !data.is_empty()) {
                let within = usize::try_from(offset.saturating_sub(piece.offset)).unwrap_or(0);
                let same = piece.bytes.get(within..).unwrap_or_default();
                let overlap = same.len().min(data.len());
                let (old, rest) = data.split_at_checked(overlap).unwrap_or((data, &[]));
                let conflict = differs(same, old);
                self.repeated = self.repeated.saturating_add(overlap as u64);
                self.note_conflict(conflict);
                offset = offset.saturating_add(overlap as u64);
                data = rest;
                at += 1;
            }
        }
        self.merge_touching();
    }

    fn place(&mut self, at: usize, offset: u64, bytes: &[u8]) {
        self.pending_bytes = self.pending_bytes.saturating_add(bytes.len());
        self.pending.insert(at, Piece { offset, bytes: bytes.to_vec() });
    }

    /// Joins neighbours that touch, so that the number of pieces is the number of holes.
    fn merge_touching(&mut self) {
        self.pending.dedup_by(|later, earlier| {
            let touch = earlier.end() == later.offset;
            if touch {
                earlier.bytes.append(&mut later.bytes);
            }
            touch
        });
    }

    fn join_ready(&mut self) {
        let next = self.next_offset();
        if self.pending.first().is_some_and(|piece| piece.offset == next) {
            let piece = self.pending.remove(0);
            self.pending_bytes = self.pending_bytes.saturating_sub(piece.bytes.len());
            if self.ready.is_empty() {
                self.ready = piece.bytes;
            } else {
                self.ready.extend_from_slice(&piece.bytes);
            }
        }
    }
}

/// Whether two descriptions of the same bytes differ where both have them.
fn differs(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).any(|(a, b)| a != b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOMY: Bounds = Bounds { bytes: 1 << 20, pieces: 1 << 10 };

    /// Inserts pieces written as `offset:text`, reads all that is ready after each, and shows what came out.
    fn read_through(pieces: &[&str]) -> (String, Assembler) {
        let mut assembler = Assembler::default();
        let mut out = String::new();
        for piece in pieces {
            let (offset, text) = piece.split_once(':').unwrap();
            let offset = offset.parse().unwrap();
            if let Some(fresh) = assembler.pass(offset, text.as_bytes()) {
                out.push_str(std::str::from_utf8(fresh).unwrap());
            } else {
                assembler.insert(offset, text.as_bytes(), ROOMY).unwrap();
                out.push_str(std::str::from_utf8(assembler.ready()).unwrap());
                assembler.consume(usize::MAX);
            }
        }
        (out, assembler)
    }

    #[test]
    fn pieces_come_out_in_order_and_once() {
        for (pieces, expected) in [
            (&["0:abc", "3:def"][..], "abcdef"),
            (&["3:def", "0:abc"], "abcdef"),
            (&["0:abc", "0:abc", "3:d"], "abcd"),
            (&["0:ab", "1:bcd"], "abcd"),
            (&["6:g", "4:ef", "2:cd", "0:ab"], "abcdefg"),
            (&["2:cd", "6:gh", "1:bcdefg", "0:a"], "abcdefgh"),
            (&["5:f", "0:abcdefgh"], "abcdefgh"),
            (&["2:c", "4:e", "0:abcdefg"], "abcdefg"),
            (&["0:", "0:a"], "a"),
        ] {
            let (out, assembler) = read_through(pieces);
            assert_eq!(out, expected, "{pieces:?}");
            assert_eq!(assembler.conflicts(), 0, "{pieces:?}");
            assert_eq!(assembler.held(), 0, "{pieces:?}");
        }
    }

    #[test]
    fn the_first_bytes_win_and_a_conflict_is_counted() {
        let (out, assembler) = read_through(&["2:CD", "1:bXYe", "0:a"]);
        assert_eq!(out, "abCDe");
        assert_eq!(assembler.conflicts(), 1);
    }

    #[test]
    fn a_conflict_with_bytes_that_are_ready_but_not_read_is_counted() {
        let mut assembler = Assembler::default();
        assembler.insert(0, b"abcd", ROOMY).unwrap();
        assembler.insert(1, b"bXde", ROOMY).unwrap();
        assert_eq!((assembler.ready(), assembler.conflicts()), (&b"abcde"[..], 1));
    }

    #[test]
    fn a_hole_waits_until_it_is_given_up() {
        let mut assembler = Assembler::default();
        assembler.insert(0, b"ab", ROOMY).unwrap();
        assembler.insert(5, b"fg", ROOMY).unwrap();
        assert_eq!((assembler.ready(), assembler.pending_bytes()), (&b"ab"[..], 2));
        assembler.consume(1);
        assert_eq!(assembler.skip_gap(), Some(3));
        assert_eq!(assembler.ready(), b"fg");
        assert_eq!(assembler.skip_gap(), None);
    }

    #[test]
    fn what_the_reader_left_is_there_again_with_more() {
        let mut assembler = Assembler::default();
        let fresh = assembler.pass(0, b"abcdef").unwrap();
        assembler.hold(&fresh[4..]);
        assert!(assembler.pass(6, b"gh").is_none());
        assembler.insert(6, b"gh", ROOMY).unwrap();
        assert_eq!(assembler.ready(), b"efgh");
    }

    #[test]
    fn bounds_refuse_a_piece_and_keep_what_is_there() {
        let mut assembler = Assembler::default();
        let tight = Bounds { bytes: 4, pieces: 2 };
        assembler.insert(10, b"ab", tight).unwrap();
        assert_eq!(assembler.insert(20, b"abc", tight), Err(TooMuchPending));
        assembler.insert(20, b"c", tight).unwrap();
        assert_eq!(assembler.insert(30, b"d", tight), Err(TooMuchPending));
        assert_eq!(assembler.skip_gap(), Some(10));
        assert_eq!(assembler.ready(), b"ab");
    }

    #[test]
    fn offsets_at_the_end_of_the_range_do_not_overflow() {
        let mut assembler = Assembler::starting_at(u64::MAX - 2);
        let _ = assembler.insert(u64::MAX - 1, b"abcdef", ROOMY);
        let _ = assembler.insert(u64::MAX - 2, b"x", ROOMY);
        assembler.consume(100);
        assert!(assembler.skip_gap().is_none());
    }

    proptest! {
        /// The naive model is a map from offset to the first byte seen for it.
        #[test]
        fn agrees_with_a_map_of_bytes(
            pieces in prop::collection::vec((0u64..64, prop::collection::vec(0u8..3, 0..12), 0usize..20), 1..40)
        ) {
            let mut assembler = Assembler::default();
            let mut model = std::collections::BTreeMap::new();
            let (mut read, mut expected, mut next) = (Vec::new(), Vec::new(), 0u64);
            for (offset, bytes, take) in pieces {
                assembler.insert(offset, &bytes, ROOMY).unwrap();
                for (at, byte) in (offset..).zip(&bytes) {
                    model.entry(at).or_insert(*byte);
                }
                let take = take.min(assembler.ready().len());
                read.extend_from_slice(&assembler.ready()[..take]);
                assembler.consume(take);
                let mut ready = Vec::new();
                let mut at = next;
                while let Some(byte) = model.get(&at) {
                    ready.push(*byte);
                    at += 1;
                }
                expected.extend_from_slice(&ready[..take.min(ready.len())]);
                next += take as u64;
                prop_assert_eq!(&ready[take.min(ready.len())..], assembler.ready());
                prop_assert_eq!(&read, &expected);
                let behind = model.range(at..).count();
                prop_assert_eq!(behind, assembler.pending_bytes());
            }
        }
    }
}
