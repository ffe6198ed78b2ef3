//! Bytes as hexadecimal digits.

use std::fmt::Write;

/// The digits of `bytes`, two each, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    push_hex(&mut out, bytes);
    out
}

/// As [`hex`], to the end of a text.
///
/// A database has several digests for every session: this is ten times as fast as by format.
pub fn push_hex(out: &mut impl Write, bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
    for some in bytes.chunks(32) {
        let mut digits = [0; 64];
        let (pairs, _) = digits.as_chunks_mut();
        for ([high, low], byte) in pairs.iter_mut().zip(some) {
            (*high, *low) = (digit(byte >> 4), digit(byte & 0x0f));
        }
        let digits = digits.get(..some.len().saturating_mul(2)).unwrap_or_default();
        // Writing to a text does not fail.
        let _ = out.write_str(std::str::from_utf8(digits).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_the_digits_that_format_gives_it() {
        for byte in 0..=u8::MAX {
            assert_eq!(hex(&[byte]), format!("{byte:02x}"));
        }
        assert_eq!(hex(&[]), "");
        assert_eq!(hex(&[0xa5; 100]), "a5".repeat(100));
    }
}
