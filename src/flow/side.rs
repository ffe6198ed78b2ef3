//! One direction of a TCP connection: where its sequence numbers begin, and its assembler.

use super::assembler::Assembler;

/// Offset of the first byte of a direction. Not 0, so that what came before a guessed start has an offset too.
const FIRST: u64 = 1 << 33;

/// How far before the first captured piece the true start may lie when that start is awaited.
const AWAITED: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Side {
    start: Start,
    /// Sequence number of the byte with offset `FIRST`.
    anchor: u32,
    pub(super) assembler: Assembler,
    /// The sequence number behind the FIN.
    end: Option<u32>,
    /// How far the receiver says it has this direction.
    acknowledged: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Start {
    /// Nothing is known of this direction's sequence numbers.
    Unknown,
    /// Pieces are held until the SYN says where they begin.
    Awaited,
    /// The first byte is known, from a SYN or by the first piece of a connection joined late.
    Known,
}

impl Default for Side {
    fn default() -> Self {
        let assembler = Assembler::starting_at(FIRST);
        Self { start: Start::Unknown, anchor: 0, assembler, end: None, acknowledged: None }
    }
}

impl Side {
    /// Whether sequence numbers can be placed.
    pub(super) fn is_unknown(&self) -> bool {
        self.start == Start::Unknown
    }

    /// Whether pieces are held until the start is known.
    pub(super) fn is_awaiting(&self) -> bool {
        self.start == Start::Awaited
    }

    /// Whether the first byte has this sequence number, as far as is known.
    pub(super) fn begins_at(&self, sequence: u32) -> bool {
        self.start == Start::Known && self.anchor == sequence
    }

    /// Says that the first byte has this sequence number. A start that is known stays.
    pub(super) fn begin(&mut self, sequence: u32) {
        match self.start {
            Start::Unknown => self.anchor = sequence,
            Start::Awaited => {
                let start = self.offset(sequence).unwrap_or(FIRST);
                self.assembler.restart_at(start);
            }
            Start::Known => return,
        }
        self.start = Start::Known;
    }

    /// Says that pieces shall be held until [`Self::begin`] or [`Self::begin_anyway`]; `sequence` is the first one's.
    pub(super) fn await_begin(&mut self, sequence: u32) {
        if self.is_unknown() {
            self.anchor = sequence.wrapping_sub(u32::try_from(AWAITED).unwrap_or(0));
            self.start = Start::Awaited;
        }
    }

    /// Begins with the first piece there is, since the start does not come.
    pub(super) fn begin_anyway(&mut self) {
        if self.start == Start::Awaited {
            self.assembler.skip_gap();
            self.start = Start::Known;
        }
    }

    /// The offset of a sequence number, seen from the byte that comes next; `None` when it lies before everything.
    pub(super) fn offset(&self, sequence: u32) -> Option<u64> {
        let next = self.assembler.next_offset();
        let ahead = sequence.wrapping_sub(self.sequence_of(next)).cast_signed();
        next.checked_add_signed(i64::from(ahead))
    }

    /// Takes note of what the receiver says it has.
    pub(super) fn acknowledge(&mut self, sequence: u32) {
        let further = |known: u32| sequence.wrapping_sub(known).cast_signed() > 0;
        if self.acknowledged.is_none_or(further) {
            self.acknowledged = Some(sequence);
        }
    }

    /// Takes note of a FIN; `sequence` is the number behind it.
    pub(super) fn finish_at(&mut self, sequence: u32) {
        self.end.get_or_insert(sequence);
    }

    /// Whether a FIN was seen.
    pub(super) fn has_fin(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the receiver says that it has the FIN.
    pub(super) fn end_is_acknowledged(&self) -> bool {
        self.end.is_some_and(|end| {
            self.acknowledged.is_some_and(|to| to.wrapping_sub(end).cast_signed() >= 0)
        })
    }

    /// Whether everything before the FIN was assembled.
    pub(super) fn is_whole(&self) -> bool {
        let next = self.sequence_of(self.assembler.next_offset());
        self.start == Start::Known && self.end == Some(next.wrapping_add(1))
    }

    /// Whether a segment with this sequence number comes right behind everything so far.
    pub(super) fn expects(&self, sequence: u32) -> bool {
        let next = self.sequence_of(self.assembler.next_offset());
        let next = if self.is_whole() { next.wrapping_add(1) } else { next };
        self.start == Start::Known && sequence == next
    }

    /// How many bytes were sent at least that the capture does not have behind the last one: the receiver says that it
    /// has them, or the FIN lies behind them. The FIN counts as a byte and may be among them.
    pub(super) fn unseen(&self) -> u64 {
        if self.start != Start::Known {
            return 0;
        }
        let next = self.sequence_of(self.assembler.next_offset());
        let end = self.end.filter(|end| self.accepts(*end));
        let ahead = self.acknowledged.into_iter().chain(end).map(|to| to.wrapping_sub(next));
        let furthest = ahead.map(u32::cast_signed).max().unwrap_or(0);
        u64::try_from(furthest).unwrap_or(0).saturating_sub(1)
    }

    /// Whether a sequence number lies where a receiver could accept it.
    pub(super) fn accepts(&self, sequence: u32) -> bool {
        const WINDOW: i32 = 1 << 20;
        let next = self.assembler.next_offset();
        let ahead = sequence.wrapping_sub(self.sequence_of(next)).cast_signed();
        self.start != Start::Known || (-WINDOW..=WINDOW).contains(&ahead)
    }

    #[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap at 32 bits")]
    fn sequence_of(&self, offset: u64) -> u32 {
        self.anchor.wrapping_add(offset.wrapping_sub(FIRST) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Bounds;

    const ROOMY: Bounds = Bounds { bytes: 1 << 20, pieces: 1 << 10 };

    #[test]
    fn sequence_numbers_wrap() {
        let mut side = Side::default();
        side.begin(u32::MAX - 1);
        let first = side.offset(u32::MAX - 1).unwrap();
        assert_eq!(side.assembler.pass(first, b"abcd"), Some(&b"abcd"[..]));
        assert_eq!(side.offset(2), Some(first + 4));
        assert_eq!(side.offset(u32::MAX), Some(first + 1));
    }

    #[test]
    fn pieces_wait_for_a_start_that_comes_late() {
        let mut side = Side::default();
        side.await_begin(1005);
        let at = side.offset(1005).unwrap();
        side.assembler.insert(at, b"fgh", ROOMY).unwrap();
        assert!(side.assembler.ready().is_empty());
        side.begin(1003);
        let at = side.offset(1003).unwrap();
        side.assembler.insert(at, b"de", ROOMY).unwrap();
        assert_eq!(side.assembler.ready(), b"defgh");
    }

    #[test]
    fn a_start_that_never_comes_is_not_waited_for() {
        let mut side = Side::default();
        side.await_begin(1005);
        let at = side.offset(1005).unwrap();
        side.assembler.insert(at, b"fgh", ROOMY).unwrap();
        side.begin_anyway();
        assert_eq!(side.assembler.ready(), b"fgh");
    }
}
