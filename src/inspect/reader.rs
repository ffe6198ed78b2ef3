//! A cursor over a message that cannot read past its end. Numbers are big-endian where the name does not say else.

/// What is left of a message.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect) struct Reader<'a>(pub(in crate::inspect) &'a [u8]);

impl<'a> Reader<'a> {
    pub(in crate::inspect) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
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
