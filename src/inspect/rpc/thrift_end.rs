//! Where a struct of Apache Thrift ends in its binary and its compact protocol: messages without a frame end with their
//! struct, and nothing says how long that is.

use crate::inspect::reader::Reader;

/// Nesting that is followed.
const DEPTH: usize = 32;

/// What is open around the next value.
#[derive(Clone)]
enum Open {
    /// A struct: fields follow until one of type 0.
    Struct,
    /// This many values of this type.
    Values(u8, u32),
    /// This many pairs of these types.
    Pairs(u8, u8, u32),
}

/// Why a struct could not be passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// Bytes are missing.
    Later,
    /// This is none.
    Never,
}

/// Passes a struct of the binary protocol
/// (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md>).
pub(super) fn binary(reader: &mut Reader<'_>) -> Result<(), Stop> {
    pass(reader, &Binary)
}

/// Passes a struct of the compact protocol
/// (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).
pub(super) fn compact(reader: &mut Reader<'_>) -> Result<(), Stop> {
    pass(reader, &Compact)
}

/// What the two protocols differ in.
trait Encoding {
    /// The type of the next field of a struct; 0 ends it.
    fn field(&self, reader: &mut Reader<'_>) -> Result<u8, Stop>;
    /// Passes a value of this type, or says what it opens. `element`: it is not a field.
    fn value(&self, kind: u8, element: bool, reader: &mut Reader<'_>)
    -> Result<Option<Open>, Stop>;
}

fn pass(reader: &mut Reader<'_>, encoding: &impl Encoding) -> Result<(), Stop> {
    let mut open = vec![Open::Struct];
    while let Some(top) = open.last_mut() {
        let (kind, element) = match top {
            Open::Struct => match encoding.field(reader)? {
                0 => {
                    open.pop();
                    continue;
                }
                kind => (kind, false),
            },
            Open::Values(_, 0) | Open::Pairs(_, _, 0) => {
                open.pop();
                continue;
            }
            Open::Values(kind, left) => {
                *left -= 1;
                (*kind, true)
            }
            Open::Pairs(key, value, left) => {
                *left -= 1;
                let (key, value) = (*key, *value);
                if let Some(opened) = encoding.value(key, true, reader)? {
                    // A key that is a struct or a list: read it whole, then the value.
                    open.push(Open::Values(value, 1));
                    open.push(opened);
                    too_deep(&open)?;
                    continue;
                }
                (value, true)
            }
        };
        if let Some(opened) = encoding.value(kind, element, reader)? {
            open.push(opened);
            too_deep(&open)?;
        }
    }
    Ok(())
}

fn too_deep(open: &[Open]) -> Result<(), Stop> {
    if open.len() > DEPTH { Err(Stop::Never) } else { Ok(()) }
}

fn later<T>(value: Option<T>) -> Result<T, Stop> {
    value.ok_or(Stop::Later)
}

struct Binary;

impl Encoding for Binary {
    fn field(&self, reader: &mut Reader<'_>) -> Result<u8, Stop> {
        let kind = later(reader.u8())?;
        if kind > 0 {
            later(reader.u16())?;
        }
        Ok(kind)
    }

    fn value(&self, kind: u8, _: bool, reader: &mut Reader<'_>) -> Result<Option<Open>, Stop> {
        let bytes = match kind {
            2 | 3 => 1,
            6 => 2,
            8 => 4,
            4 | 10 => 8,
            16 => 16,
            11 => {
                let length = later(reader.u32())?;
                if length > i32::MAX.unsigned_abs() {
                    return Err(Stop::Never);
                }
                u64::from(length)
            }
            12 => return Ok(Some(Open::Struct)),
            13 => {
                let (key, value) = (later(reader.u8())?, later(reader.u8())?);
                return Ok(Some(Open::Pairs(key, value, later(reader.u32())?)));
            }
            14 | 15 => {
                let kind = later(reader.u8())?;
                return Ok(Some(Open::Values(kind, later(reader.u32())?)));
            }
            _ => return Err(Stop::Never),
        };
        later(reader.take_long(bytes)).map(|_| None)
    }
}

struct Compact;

impl Compact {
    fn number(reader: &mut Reader<'_>) -> Result<u64, Stop> {
        const LONGEST: usize = 10;
        let enough = reader.0.len() >= LONGEST;
        reader.varint().ok_or(if enough { Stop::Never } else { Stop::Later })
    }

    fn count(reader: &mut Reader<'_>) -> Result<u32, Stop> {
        u32::try_from(Self::number(reader)?).map_err(|_| Stop::Never)
    }
}

impl Encoding for Compact {
    fn field(&self, reader: &mut Reader<'_>) -> Result<u8, Stop> {
        let first = later(reader.u8())?;
        if first & 0x0f > 0 && first >> 4 == 0 {
            Self::number(reader)?;
        }
        Ok(first & 0x0f)
    }

    fn value(
        &self,
        kind: u8,
        element: bool,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Open>, Stop> {
        match kind {
            // A field that is true or false has no value besides its type.
            1 | 2 if !element => {}
            1..=3 => drop(later(reader.u8())?),
            4..=6 => drop(Self::number(reader)?),
            7 => drop(later(reader.take(8))?),
            8 => {
                let length = Self::number(reader)?;
                later(reader.take_long(length))?;
            }
            9 | 10 => {
                let first = later(reader.u8())?;
                let count = match first >> 4 {
                    15 => Self::count(reader)?,
                    few => u32::from(few),
                };
                return Ok(Some(Open::Values(first & 0x0f, count)));
            }
            11 => {
                let count = Self::count(reader)?;
                if count > 0 {
                    let kinds = later(reader.u8())?;
                    return Ok(Some(Open::Pairs(kinds >> 4, kinds & 0x0f, count)));
                }
            }
            12 => return Ok(Some(Open::Struct)),
            13 => drop(later(reader.take(16))?),
            _ => return Err(Stop::Never),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_struct_ends_behind_its_last_field() {
        // 1: string "ab", 2: map<string, list<i32>> { "k": [1, 2] }, 3: struct { 1: bool }, stop
        let bytes = b"\x0b\x00\x01\x00\x00\x00\x02ab\
            \x0d\x00\x02\x0b\x0f\x00\x00\x00\x01\x00\x00\x00\x01k\x08\x00\x00\x00\x02\0\0\0\x01\0\0\0\x02\
            \x0c\x00\x03\x02\x00\x01\x01\x00\x00next";
        let mut reader = Reader(bytes);
        assert_eq!(binary(&mut reader), Ok(()));
        assert_eq!(reader.0, b"next");
        for end in 0..bytes.len() - 4 {
            assert_eq!(binary(&mut Reader(&bytes[..end])), Err(Stop::Later), "{end}");
        }
    }

    #[test]
    fn a_compact_struct_ends_behind_its_last_field() {
        // 1: i32, 2: string, 3: true, 4: list<bool>, 5: map<i32, string>, 25: double, stop
        let bytes = b"\x15\x06\x18\x02ab\x11\x19\x22\x01\x02\x1b\x01\x58\x02\x01z\x07\x32\0\0\0\0\0\0\0\0\x00next";
        let mut reader = Reader(bytes);
        assert_eq!(compact(&mut reader), Ok(()));
        assert_eq!(reader.0, b"next");
    }

    #[test]
    fn nesting_without_end_is_none() {
        assert_eq!(compact(&mut Reader(&[0x1c; 100])), Err(Stop::Never));
        assert_eq!(binary(&mut Reader(&[0x7f; 9])), Err(Stop::Never));
    }
}
