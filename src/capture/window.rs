//! The one buffer of a reader: a window that slides over a stream.

use std::io;
use std::ops::Range;

use super::stream::{Fault, Stream};
use crate::model::limits;

/// Bytes of a stream that were read and not yet used.
///
/// `start <= end <= buffer.len()` always.
pub(super) struct Window {
    stream: Stream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The stream's offset of `buffer[0]`, modulo 2^64: the buffer may begin before the stream does.
    base: u64,
}

/// Bytes of a page of memory, and of a file's in the system's cache.
const PAGE: usize = 4096;

impl Window {
    /// A window over a stream in a buffer that another window may have used before.
    pub(super) fn new(stream: Stream, mut buffer: Vec<u8>) -> Self {
        buffer.resize(buffer.len().max(limits::READ_WINDOW), 0);
        Self { stream, buffer, start: 0, end: 0, base: 0 }
    }

    /// Gives the buffer back.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// What is there.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// How much is there.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The stream's offset of the first byte that is there.
    pub(super) fn offset(&self) -> u64 {
        self.base.wrapping_add(self.start as u64)
    }

    /// The stream's offset behind the last byte that is there.
    pub(super) fn end_offset(&self) -> u64 {
        self.offset().saturating_add(self.len() as u64)
    }

    /// Why the stream ended, when that was no proper end.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.stream.fault()
    }

    /// Reads until at least `need` bytes are there; `false` when the stream has no more.
    ///
    /// The caller bounds `need`: the buffer grows to it.
    #[inline]
    pub(super) fn ensure(&mut self, need: usize) -> io::Result<bool> {
        if self.len() >= need { Ok(true) } else { self.refill(need) }
    }

    /// Uses up `length` bytes and says where in the buffer they are. They stay until the next [`Self::ensure`].
    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Range<usize> {
        let length = length.min(self.len());
        let from = self.start;
        self.start += length;
        from..self.start
    }

    /// The bytes of a range that [`Self::take`] gave, or of a part of it.
    #[inline]
    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Passes over `length` bytes without holding them all; `false` when the stream has fewer.
    pub(super) fn skip(&mut self, mut length: u64) -> io::Result<bool> {
        while length > 0 {
            if self.len() == 0 && !self.ensure(1)? {
                return Ok(false);
            }
            let step = usize::try_from(length).unwrap_or(usize::MAX).min(self.len());
            self.take(step);
            length -= step as u64;
        }
        Ok(true)
    }

    #[cold]
    fn refill(&mut self, need: usize) -> io::Result<bool> {
        // What is read lands at the beginning of a page: the system copies there in half the time.
        let length = self.len();
        let end = length.next_multiple_of(PAGE);
        let start = end.saturating_sub(length);
        let room = start.saturating_add(need).saturating_add(PAGE);
        if room > self.buffer.len() {
            self.buffer.resize(room.next_power_of_two(), 0);
        }
        self.buffer.copy_within(self.start..self.end, start);
        self.base = self.offset().wrapping_sub(start as u64);
        (self.start, self.end) = (start, end);
        while self.len() < need {
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.stream.read(free)? {
                0 => return Ok(false),
                n => self.end += n,
            }
        }
        Ok(true)
    }
}
