//! Fields of Protocol Buffers messages (<https://protobuf.dev/programming-guides/encoding/>), without their schema.

use crate::inspect::reader::Reader;

/// The value of a field.
#[derive(Clone, Copy)]
pub(in crate::inspect) enum Value<'a> {
    /// A number of either size.
    Number(u64),
    /// Text, bytes, or a message; of one that is cut off, what is there.
    Bytes(&'a [u8]),
}

/// The fields of a message one by one, as far as they can be read. What is cut off within a text ends it.
pub(in crate::inspect) struct Fields<'a> {
    rest: Reader<'a>,
    /// What is cut off is not given.
    whole: bool,
}

impl<'a> Fields<'a> {
    /// The fields of this message.
    pub(in crate::inspect) fn of(message: &'a [u8]) -> Self {
        Self { rest: Reader(message), whole: false }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.rest.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.rest.varint()?),
            1 => Value::Number(self.rest.u64_le()?),
            2 => {
                let length = self.rest.varint()?;
                let bytes = match self.whole {
                    true => self.rest.take_long(length)?,
                    false => self.rest.take_what_is_there(length),
                };
                Value::Bytes(bytes)
            }
            5 => Value::Number(u64::from(self.rest.u32_le()?)),
            _ => return None,
        };
        Some((tag >> 3, value)).filter(|(number, _)| *number > 0)
    }
}

/// The first field of this number that is text, bytes or a message.
pub(in crate::inspect) fn bytes(message: &[u8], number: u64) -> Option<&[u8]> {
    Fields::of(message).find_map(|(field, value)| match value {
        Value::Bytes(bytes) if field == number => Some(bytes),
        _ => None,
    })
}

/// The first field of this number that is text, bytes or a message and is there to its end; else nothing.
pub(in crate::inspect) fn whole_bytes(message: &[u8], number: u64) -> &[u8] {
    let mut fields = Fields { whole: true, ..Fields::of(message) };
    let found = fields.find_map(|(field, value)| match value {
        Value::Bytes(bytes) if field == number => Some(bytes),
        _ => None,
    });
    found.unwrap_or_default()
}

/// The first field of this number that is a number; where 0 is not sent, so that no field is 0.
pub(in crate::inspect) fn number(message: &[u8], number: u64) -> u64 {
    sent_number(message, number).unwrap_or(0)
}

/// The first field of this number that is a number; where 0 is sent.
pub(in crate::inspect) fn sent_number(message: &[u8], number: u64) -> Option<u64> {
    Fields::of(message).find_map(|(field, value)| match value {
        Value::Number(value) if field == number => Some(value),
        _ => None,
    })
}

/// The pairs of a field that is a map from text to text or bytes.
pub(in crate::inspect) fn map(message: &[u8], number: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
    Fields::of(message).filter_map(move |(field, value)| match value {
        Value::Bytes(pair) if field == number => {
            Some((bytes(pair, 1)?, bytes(pair, 2).unwrap_or_default()))
        }
        _ => None,
    })
}

/// Whether these bytes can be read as fields to their end.
pub(in crate::inspect) fn is_whole(message: &[u8]) -> bool {
    let mut reader = Reader(message);
    while !reader.is_empty() {
        let Some(tag) = reader.varint().filter(|tag| tag >> 3 > 0) else { return false };
        let read = match tag & 7 {
            0 => reader.varint().is_some(),
            1 => reader.u64_le().is_some(),
            2 => reader.text().is_some(),
            5 => reader.u32_le().is_some(),
            _ => false,
        };
        if !read {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_number() {
        // 1: 150, 2: "testing", 3: { 1: "k", 2: "v" } (the examples of the encoding's guide)
        let message = b"\x08\x96\x01\x12\x07testing\x1a\x06\x0a\x01k\x12\x01v";
        assert_eq!(number(message, 1), 150);
        assert_eq!(bytes(message, 2), Some(&b"testing"[..]));
        assert_eq!(map(message, 3).collect::<Vec<_>>(), [(&b"k"[..], &b"v"[..])]);
        assert!(is_whole(message));
        assert!(!is_whole(&message[..message.len() - 1]));
        assert_eq!(bytes(&message[..8], 2), Some(&b"tes"[..]), "cut off");
        assert_eq!(whole_bytes(&message[..8], 2), b"");
        assert_eq!((whole_bytes(message, 2), sent_number(message, 2)), (&b"testing"[..], None));
        assert_eq!(Fields::of(&[0xff; 40]).count(), 0);
    }
}
