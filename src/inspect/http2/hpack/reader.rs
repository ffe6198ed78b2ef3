//! Integers and strings (RFC 7541 section 5).

use super::{Buffer, Malformed, huffman};

/// What is left of a header block.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// A string as it was sent.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
    Plain(&'a [u8]),
    Huffman(&'a [u8]),
}

/// The largest integer that is taken: the largest table size that peers can agree on. No length or index is as large.
const LARGEST: u64 = u32::MAX as u64;

impl<'a> Reader<'a> {
    pub(super) fn new(block: &'a [u8]) -> Self {
        Self { rest: block }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next byte, which stays.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// An integer that begins in the lower `prefix` bits of the next byte.
    #[inline]
    pub(super) fn integer(&mut self, prefix: u32) -> Result<usize, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        let most = 0xff_u8.checked_shr(8_u32.saturating_sub(prefix)).unwrap_or(0);
        let low = first & most;
        if low < most {
            return Ok(usize::from(low));
        }
        self.long_integer(u64::from(most))
    }

    #[inline(never)]
    fn long_integer(&mut self, low: u64) -> Result<usize, Malformed> {
        let mut value = low;
        for shift in [0_u32, 7, 14, 21, 28] {
            let (byte, rest) = self.rest.split_first().ok_or(Malformed)?;
            self.rest = rest;
            let part = u64::from(byte & 0x7f).checked_shl(shift).ok_or(Malformed)?;
            value = value.checked_add(part).filter(|sum| *sum <= LARGEST).ok_or(Malformed)?;
            if byte & 0x80 == 0 {
                return usize::try_from(value).map_err(|_| Malformed);
            }
        }
        Err(Malformed)
    }

    /// A string.
    #[inline]
    pub(super) fn text(&mut self) -> Result<Text<'a>, Malformed> {
        let huffman = self.peek().ok_or(Malformed)? & 0x80 != 0;
        let length = self.integer(7)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(if huffman { Text::Huffman(text) } else { Text::Plain(text) })
    }
}

impl<'a> Text<'a> {
    /// How many bytes the string has.
    pub(super) fn length(self) -> Result<usize, Malformed> {
        match self {
            Self::Plain(text) => Ok(text.len()),
            Self::Huffman(code) => huffman::length(code),
        }
    }

    /// Its code, if it was sent as one.
    pub(super) fn code(self) -> Option<&'a [u8]> {
        match self {
            Self::Plain(_) => None,
            Self::Huffman(code) => Some(code),
        }
    }

    /// The string's bytes, or about the first `limit` of them; in place where they were sent as they are.
    pub(super) fn decoded<'b>(
        self,
        limit: usize,
        buffer: &'b mut Buffer,
    ) -> Result<&'b [u8], Malformed>
    where
        'a: 'b,
    {
        match self {
            Self::Plain(text) => Ok(text),
            Self::Huffman(code) => {
                buffer.clear();
                huffman::decode(code, limit, buffer)?;
                Ok(buffer)
            }
        }
    }
}
