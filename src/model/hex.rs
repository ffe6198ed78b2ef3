//! Bytes as hexadecimal digits.

/// The digits of `bytes`, two each, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    push_hex(&mut out, bytes);
    out
}

/// As [`hex`], to the end of a text.
///
/// A database has several digests for every session: digit by digit is ten times as fast as by format.
pub fn push_hex(out: &mut impl Extend<char>, bytes: &[u8]) {
    for byte in bytes {
        out.extend([byte >> 4, byte & 0x0f].map(|half| match half {
            0..=9 => char::from(b'0' + half),
            _ => char::from(b'a' - 10 + half),
        }));
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
    }
}
