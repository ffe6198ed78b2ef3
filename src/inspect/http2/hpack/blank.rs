//! Header blocks with their values blanked where they stand, for excerpts that show that there was a header and not what
//! was in it.
//!
//! Needs no dynamic table, so it works wherever a block is met: literal values are overwritten with others of the same
//! length, and what is an index stays one.

use super::reader::{Reader, Text};
use super::{Buffer, Malformed, huffman, statics};

/// Blanks the literal values of a whole block. `kept` is told a field's name, empty when it is in the dynamic table, and
/// its value, and says how many bytes of the value may stay.
pub(in crate::inspect) fn blank(
    block: &mut [u8],
    kept: &dyn Fn(&[u8], &[u8]) -> usize,
) -> Result<(), Malformed> {
    let copy = block.to_vec();
    let mut reader = Reader::new(&copy);
    while let Some(first) = reader.peek() {
        let prefix = match first {
            0x80.. => {
                reader.integer(7)?;
                continue;
            }
            0x40..=0x7f => 6,
            0x20..=0x3f => {
                reader.integer(5)?;
                continue;
            }
            _ => 4,
        };
        let index = reader.integer(prefix)?;
        let mut name = Buffer::new();
        if index == 0 {
            let mut buffer = Buffer::new();
            name.extend_from_slice(reader.text()?.decoded(usize::MAX, &mut buffer)?);
        } else if let Some(entry) = statics::entry(index) {
            name.extend_from_slice(entry.name_text);
        }
        let value = reader.text()?;
        let end = copy.len().saturating_sub(reader.left());
        value_at(block, end, value, &name, kept)?;
    }
    Ok(())
}

/// Blanks the value that ends at `end`.
fn value_at(
    block: &mut [u8],
    end: usize,
    value: Text<'_>,
    name: &[u8],
    kept: &dyn Fn(&[u8], &[u8]) -> usize,
) -> Result<(), Malformed> {
    let (length, coded) = match value {
        Text::Plain(text) => (text.len(), false),
        Text::Huffman(code) => (code.len(), true),
    };
    let mut buffer = Buffer::new();
    let plain = value.decoded(usize::MAX, &mut buffer)?;
    let keep = kept(name, plain).min(plain.len());
    if keep == plain.len() {
        return Ok(());
    }
    let start = end.checked_sub(length).ok_or(Malformed)?;
    let place = block.get_mut(start..end).ok_or(Malformed)?;
    if coded {
        fill_code(place, huffman::bits(plain.get(..keep).unwrap_or_default()));
    } else {
        place.iter_mut().skip(keep).for_each(|byte| *byte = b'x');
    }
    Ok(())
}

/// Overwrites a code behind its first `from` bits with the code of as many `a` as there is room for. They have five bits
/// each, and what is left is the padding of section 5.2.
fn fill_code(code: &mut [u8], from: usize) {
    const A: [bool; 5] = [false, false, false, true, true];
    let bits = code.len().saturating_mul(8);
    let whole = bits.saturating_sub(from) / A.len() * A.len();
    for at in from..bits {
        let along = at.saturating_sub(from);
        let one = along >= whole || A.get(along % A.len()).copied().unwrap_or(true);
        let mask = 0x80_u8.checked_shr(u32::try_from(at % 8).unwrap_or(0)).unwrap_or(0);
        if let Some(byte) = code.get_mut(at / 8) {
            *byte = if one { *byte | mask } else { *byte & !mask };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        struct All(Vec<(Vec<u8>, Vec<u8>)>);
        impl super::super::Sink for All {
            type Note = ();
            fn wants(&self, _: crate::inspect::calls::HeaderName) -> usize {
                usize::MAX
            }
            fn knows(&mut self, _: crate::inspect::calls::HeaderName, _: &[u8]) -> bool {
                false
            }
            fn field(&mut self, field: &super::super::Field<'_>) -> Option<()> {
                let value = field.value.unwrap_or_default().to_vec();
                self.0.push((field.name_text.to_vec(), value));
                None
            }
            fn again(&mut self, (): ()) {}
        }
        let mut all = All(Vec::new());
        let mut decoder = super::super::Decoder::default();
        decoder.begin();
        decoder.decode(block, &mut all).unwrap();
        all.0
    }

    /// RFC 7541 C.4.1 (`:authority: www.example.com` in Huffman code), with `authorization` added as it is.
    fn block() -> Vec<u8> {
        let mut block = vec![0x82, 0x86, 0x84, 0x41, 0x8c];
        block.extend([0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff]);
        block.extend([0x0f, 0x08, 13]);
        block.extend(b"Bearer s3cret");
        block
    }

    #[test]
    fn values_are_blanked_in_place_and_the_block_stays_readable() {
        for keep in 0..=8 {
            let mut blanked = block();
            assert!(blank(&mut blanked, &|_, _| keep).is_ok());
            assert_eq!(blanked.len(), block().len());
            let fields = decoded(&blanked);
            assert_eq!(fields[3].0, b":authority");
            assert!(fields[3].1.starts_with(&b"www.example.com"[..keep]), "{keep}: {fields:?}");
            assert!(fields[3].1[keep..].iter().all(|byte| *byte == b'a'), "{keep}: {fields:?}");
            assert_eq!(fields[4].1[..keep], b"Bearer s3cret"[..keep]);
            assert!(fields[4].1[keep..].iter().all(|byte| *byte == b'x'));
        }
    }

    #[test]
    fn what_may_stay_stays_and_a_broken_block_is_refused() {
        let mut kept = block();
        assert!(blank(&mut kept, &|_, value| value.len()).is_ok());
        assert_eq!(kept, block());
        let mut cut = block();
        cut.pop();
        assert!(blank(&mut cut, &|_, _| 0).is_err());
    }
}
