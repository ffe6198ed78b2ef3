//! Takes numbers and texts off the front of some bytes. Gives nothing where they end too early.

/// What is left to read. Has no `Debug`: it holds raw bytes from the wire.
#[derive(Clone, Copy)]
pub(in crate::inspect) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the first of these bytes on.
    pub(in crate::inspect) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads from the byte at this place on.
    pub(in crate::inspect) fn at(bytes: &'a [u8], place: usize) -> Self {
        Self(bytes.get(place..).unwrap_or_default())
    }

    /// What was not read yet.
    pub(in crate::inspect) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Whether all was read.
    pub(in crate::inspect) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next bytes, as many as asked for.
    pub(in crate::inspect) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
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

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*chunk)
    }

    /// One byte.
    pub(in crate::inspect) fn byte(&mut self) -> Option<u8> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    /// Two bytes, big-endian.
    pub(in crate::inspect) fn be16(&mut self) -> Option<u16> {
        self.chunk().map(u16::from_be_bytes)
    }

    /// Four bytes, big-endian.
    pub(in crate::inspect) fn be32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_be_bytes)
    }

    /// Eight bytes, big-endian.
    pub(in crate::inspect) fn be64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_be_bytes)
    }

    /// Two bytes, little-endian.
    pub(in crate::inspect) fn le16(&mut self) -> Option<u16> {
        self.chunk().map(u16::from_le_bytes)
    }

    /// Four bytes, little-endian.
    pub(in crate::inspect) fn le32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_le_bytes)
    }

    /// Eight bytes, little-endian.
    pub(in crate::inspect) fn le64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_le_bytes)
    }

    /// A number of seven bits a byte, the lowest first, at most ten bytes long.
    pub(in crate::inspect) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A text behind its length of two bytes.
    pub(in crate::inspect) fn text16(&mut self) -> Option<&'a [u8]> {
        let length = self.be16()?;
        self.take(usize::from(length))
    }

    /// A text behind its length of four bytes.
    pub(in crate::inspect) fn text32(&mut self) -> Option<&'a [u8]> {
        let length = self.be32()?;
        self.take_long(u64::from(length))
    }

    /// A text behind its length as a [`Self::varint`].
    pub(in crate::inspect) fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take_long(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_taken_in_order_and_none_where_bytes_end() {
        let mut reader = Reader::new(&[1, 0, 2, 3, 0, 0, 0, 0xac, 0x02, 2, b'h', b'i', 9]);
        assert_eq!(reader.byte(), Some(1));
        assert_eq!(reader.be16(), Some(2));
        assert_eq!(reader.le32(), Some(3));
        assert_eq!(reader.varint(), Some(300));
        assert_eq!(reader.text(), Some(&b"hi"[..]));
        assert_eq!(reader.be32(), None);
        assert_eq!(reader.rest(), [9], "what could not be taken is left");
    }

    #[test]
    fn endless_numbers_are_none() {
        assert_eq!(Reader::new(&[0xff; 20]).varint(), None);
        assert_eq!(Reader::new(&[0x80]).varint(), None);
    }
}
