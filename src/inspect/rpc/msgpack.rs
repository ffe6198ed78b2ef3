//! Where a value of MessagePack ends (<https://github.com/msgpack/msgpack/blob/master/spec.md>).

use crate::inspect::reader::Reader;

/// Why a value could not be passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::inspect) enum Stop {
    /// Bytes are missing.
    Later,
    /// This is none.
    Never,
}

/// Passes a value with everything in it.
pub(in crate::inspect) fn pass(reader: &mut Reader<'_>) -> Result<(), Stop> {
    match pass_some(reader, &mut 1) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Stop::Later),
        Err(stop) => Err(stop),
    }
}

/// Passes so many values with everything in them, as far as they are there. What is left to be passed stays in `left`;
/// gives how many bytes of the last one's text are yet to come.
pub(in crate::inspect) fn pass_some(reader: &mut Reader<'_>, left: &mut u64) -> Result<u64, Stop> {
    while *left > 0 {
        let before = reader.0;
        let (bytes, values) = match one(reader) {
            Ok(one) => one,
            Err(stop) => {
                reader.0 = before;
                return Err(stop);
            }
        };
        *left = left.saturating_sub(1).saturating_add(values);
        let there = (reader.0.len() as u64).min(bytes);
        reader.take_long(there).ok_or(Stop::Never)?;
        if there < bytes {
            return Ok(bytes.saturating_sub(there));
        }
    }
    Ok(0)
}

/// Passes what stands before a value's bytes, and says how many those are and how many values are in it.
fn one(reader: &mut Reader<'_>) -> Result<(u64, u64), Stop> {
    let first = reader.u8().ok_or(Stop::Later)?;
    let low = u64::from(first & 0x0f);
    let length = |reader: &mut Reader<'_>, size: u8| {
        let read = match size {
            0 => reader.u8().map(u64::from),
            1 => reader.u16().map(u64::from),
            _ => reader.u32().map(u64::from),
        };
        read.ok_or(Stop::Later)
    };
    let (bytes, values) = match first {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (0, 0),
        0x80..=0x8f => (0, low * 2),
        0x90..=0x9f => (0, low),
        0xa0..=0xbf => (u64::from(first & 0x1f), 0),
        0xc1 => return Err(Stop::Never),
        0xc4..=0xc6 => (length(reader, first - 0xc4)?, 0),
        0xc7..=0xc9 => (length(reader, first - 0xc7)?.saturating_add(1), 0),
        0xca | 0xce | 0xd2 => (4, 0),
        0xcb | 0xcf | 0xd3 => (8, 0),
        0xcc | 0xd0 => (1, 0),
        0xcd | 0xd1 => (2, 0),
        0xd4..=0xd8 => ((1 << (first - 0xd4)) + 1, 0),
        0xd9..=0xdb => (length(reader, first - 0xd9)?, 0),
        0xdc | 0xdd => (0, length(reader, first - 0xdb)?),
        0xde | 0xdf => (0, length(reader, first - 0xdd)?.saturating_mul(2)),
    };
    Ok((bytes, values))
}

/// The next value, if it is a number that is not negative.
pub(in crate::inspect) fn number(reader: &mut Reader<'_>) -> Option<u64> {
    match reader.u8()? {
        small @ 0..=0x7f => Some(u64::from(small)),
        0xcc => reader.u8().map(u64::from),
        0xcd => reader.u16().map(u64::from),
        0xce => reader.u32().map(u64::from),
        0xcf => reader.u64(),
        _ => None,
    }
}

/// The length of the next value, if it is a text.
pub(in crate::inspect) fn text_length(reader: &mut Reader<'_>) -> Option<u64> {
    match reader.u8()? {
        short @ 0xa0..=0xbf => Some(u64::from(short & 0x1f)),
        0xd9 | 0xc4 => reader.u8().map(u64::from),
        0xda | 0xc5 => reader.u16().map(u64::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_behind_all_that_is_in_it() {
        // [1, "a", {"k": nil, "b": 1.5}, bin8 "xy", fixext1, -1]
        let bytes =
            b"\x96\x01\xa1a\x82\xa1k\xc0\xa1b\xcb\x3f\xf8\0\0\0\0\0\0\xc4\x02xy\xd4\x01z\xffnext";
        let mut reader = Reader(bytes);
        assert_eq!(pass_some(&mut reader, &mut 1), Ok(0));
        assert_eq!(reader.0, b"next");
        for end in 0..bytes.len() - 4 {
            let (mut reader, mut left) = (Reader(&bytes[..end]), 1);
            let missing = pass_some(&mut reader, &mut left);
            assert!(missing == Err(Stop::Later) && left > 0 || missing != Ok(0), "{end}");
            let mut rest = bytes[end - reader.0.len()..].to_vec();
            rest.drain(..missing.map_or(0, |missing| usize::try_from(missing).unwrap()));
            let mut rest = Reader(&rest);
            assert_eq!(pass_some(&mut rest, &mut left), Ok(0), "{end}");
            assert_eq!(rest.0, b"next", "{end}");
        }
        let huge = [0xdd, 0xff, 0xff, 0xff, 0xff, 0xc1];
        assert_eq!(pass_some(&mut Reader(&huge), &mut 1), Err(Stop::Never));
    }
}
