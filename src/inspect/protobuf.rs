//! The fields of one Protocol Buffers message (<https://protobuf.dev/programming-guides/encoding/>), as they stand.

use super::reader::Reader;

/// The value of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value<'a> {
    /// A number of any width.
    Number(u64),
    /// A text, bytes, or a message within the message.
    Bytes(&'a [u8]),
}

/// The fields of a message as far as they are there: number and value.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    let mut rest = Reader(message);
    std::iter::from_fn(move || {
        let key = varint(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut rest)?),
            1 => Value::Number(rest.u64()?.swap_bytes()),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Value::Bytes(rest.take(length)?)
            }
            5 => Value::Number(rest.u32_le()?.into()),
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

/// The first field with this number that holds bytes.
pub(super) fn bytes(message: &[u8], number: u64) -> &[u8] {
    let mut found = fields(message).filter(|(field, _)| *field == number);
    found
        .find_map(|(_, value)| match value {
            Value::Bytes(bytes) => Some(bytes),
            Value::Number(_) => None,
        })
        .unwrap_or_default()
}

/// The first field with this number that holds a number.
pub(super) fn number(message: &[u8], number: u64) -> Option<u64> {
    let mut found = fields(message).filter(|(field, _)| *field == number);
    found.find_map(|(_, value)| match value {
        Value::Number(number) => Some(number),
        Value::Bytes(_) => None,
    })
}

fn varint(rest: &mut Reader<'_>) -> Option<u64> {
    let mut number: u64 = 0;
    for digit in 0..10 {
        let byte = rest.u8()?;
        number |= u64::from(byte & 0x7f).checked_shl(7 * digit).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_kind_are_read_as_far_as_they_go() {
        let message = b"\x08\x96\x01\x12\x07testing\x1d\x01\0\0\0\x21\x02\0\0\0\0\0\0\0";
        assert_eq!(number(message, 1), Some(150));
        assert_eq!(bytes(message, 2), b"testing");
        assert_eq!((number(message, 3), number(message, 4)), (Some(1), Some(2)));
        assert_eq!(bytes(&message[..8], 2), b"");
        assert_eq!(fields(&[0xff; 40]).count(), 0);
    }
}
