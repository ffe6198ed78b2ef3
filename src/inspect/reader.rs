//! A cursor over a message that cannot read past its end. Gives nothing where the bytes end too early. Numbers are
//! big-endian where the name does not say else.

/// What is left of a message. Has no `Debug`: it holds raw bytes from the wire.
#[derive(Clone, Copy)]
pub(in crate::inspect) struct Reader<'a>(pub(in crate::inspect) &'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the byte at this place on.
    pub(in crate::inspect) fn at(bytes: &'a [u8], place: usize) -> Self {
        Self(bytes.get(place..).unwrap_or_default())
    }

    pub(in crate::inspect) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    /// The next bytes, as many as a length from the wire says.
    pub(in crate::inspect) fn take_long(&mut self, count: u64) -> Option<&'a [u8]> {
        self.take(usize::try_from(count).ok()?)
    }

    /// The next bytes of a text that may be cut off: as many as there are.
    pub(in crate::inspect) fn take_what_is_there(&mut self, count: u64) -> &'a [u8] {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.0.len());
        self.take(count).unwrap_or_default()
    }

    pub(in crate::inspect) fn u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    pub(in crate::inspect) fn u16(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    pub(in crate::inspect) fn u24(&mut self) -> Option<usize> {
        let (&[a, b, c], rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
    }

    pub(in crate::inspect) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    pub(in crate::inspect) fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*bytes))
    }

    pub(in crate::inspect) fn u16_le(&mut self) -> Option<u16> {
        self.u16().map(u16::swap_bytes)
    }

    pub(in crate::inspect) fn u32_le(&mut self) -> Option<u32> {
        self.u32().map(u32::swap_bytes)
    }

    pub(in crate::inspect) fn u64_le(&mut self) -> Option<u64> {
        self.u64().map(u64::swap_bytes)
    }

    /// A number of seven bits a byte, the lowest first, at most ten bytes long.
    pub(in crate::inspect) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A text behind its length as a [`Self::varint`].
    pub(in crate::inspect) fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take_long(length)
    }

    pub(in crate::inspect) fn skip(&mut self, n: usize) -> Option<()> {
        self.take(n).map(|_| ())
    }

    /// What stands before the next such byte, which is taken too.
    pub(in crate::inspect) fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let head = self.take(memchr::memchr(end, self.0)?)?;
        self.skip(1)?;
        Some(head)
    }

    /// A vector with a length of four bytes.
    pub(in crate::inspect) fn vec32(&mut self) -> Option<&'a [u8]> {
        let n = self.u32()?;
        self.take(usize::try_from(n).ok()?)
    }

    /// A vector with a length of one byte.
    pub(in crate::inspect) fn vec8(&mut self) -> Option<&'a [u8]> {
        let n = self.u8()?;
        self.take(usize::from(n))
    }

    /// A vector with a length of two bytes.
    pub(in crate::inspect) fn vec16(&mut self) -> Option<&'a [u8]> {
        let n = self.u16()?;
        self.take(usize::from(n))
    }

    /// A vector with a length of three bytes.
    pub(in crate::inspect) fn vec24(&mut self) -> Option<&'a [u8]> {
        let n = self.u24()?;
        self.take(n)
    }

    pub(in crate::inspect) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The 16-bit numbers of a list, at most `limit` of them.
pub(in crate::inspect) fn numbers(bytes: &[u8], limit: usize) -> Vec<u16> {
    bytes.as_chunks().0.iter().take(limit).map(|pair| u16::from_be_bytes(*pair)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_taken_in_order_and_none_where_bytes_end() {
        let mut reader = Reader(&[1, 0, 2, 3, 0, 0, 0, 0xac, 0x02, 2, b'h', b'i', 9]);
        assert_eq!(reader.u8(), Some(1));
        assert_eq!(reader.u16(), Some(2));
        assert_eq!(reader.u32_le(), Some(3));
        assert_eq!(reader.varint(), Some(300));
        assert_eq!(reader.text(), Some(&b"hi"[..]));
        assert_eq!(reader.u32(), None);
        assert_eq!(reader.0, [9], "what could not be taken is left");
    }

    #[test]
    fn endless_numbers_are_none() {
        assert_eq!(Reader(&[0xff; 20]).varint(), None);
        assert_eq!(Reader(&[0x80]).varint(), None);
    }
}
