//! The elements of one BSON document (<https://bsonspec.org/spec.html>), as they stand.

use crate::inspect::reader::Reader;

/// The value of an element.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Double(f64),
    Text(&'a [u8]),
    Document(&'a [u8]),
    Binary(&'a [u8]),
    Bool(bool),
    Int(i64),
    Other,
}

/// The elements of a document as far as they are there: name and value.
pub(super) fn elements(document: &[u8]) -> impl Iterator<Item = (&[u8], Value<'_>)> {
    let mut rest = Reader(document.get(4..).unwrap_or_default());
    std::iter::from_fn(move || element(&mut rest))
}

/// The value of the element with this name.
pub(super) fn get<'a>(document: &'a [u8], name: &[u8]) -> Option<Value<'a>> {
    elements(document).find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// A text element.
pub(super) fn text<'a>(document: &'a [u8], name: &[u8]) -> &'a [u8] {
    match get(document, name) {
        Some(Value::Text(text)) => text,
        _ => b"",
    }
}

/// Whether an element is there and says yes: `ok: 1`.
pub(super) fn truth(document: &[u8], name: &[u8]) -> Option<bool> {
    match get(document, name)? {
        Value::Double(number) => Some(number != 0.0),
        Value::Int(number) => Some(number != 0),
        Value::Bool(said) => Some(said),
        _ => None,
    }
}

fn element<'a>(rest: &mut Reader<'a>) -> Option<(&'a [u8], Value<'a>)> {
    let kind = rest.u8()?;
    if kind == 0 {
        return None;
    }
    let name = rest.until(0)?;
    let value = match kind {
        0x01 => Value::Double(f64::from_bits(rest.u64()?.swap_bytes())),
        0x02 | 0x0d | 0x0e => {
            let length = usize::try_from(rest.u32_le()?).ok()?;
            let text = rest.take(length)?;
            Value::Text(text.strip_suffix(&[0]).unwrap_or(text))
        }
        0x03 | 0x04 => Value::Document(document(rest)),
        0x05 => {
            let length = usize::try_from(rest.u32_le()?).ok()?;
            rest.skip(1)?;
            Value::Binary(rest.take(length)?)
        }
        0x06 | 0x0a | 0x7f | 0xff => Value::Other,
        0x07 => skip(rest, 12)?,
        0x08 => Value::Bool(rest.u8()? != 0),
        0x09 | 0x11 => skip(rest, 8)?,
        0x0b => {
            rest.until(0)?;
            rest.until(0)?;
            Value::Other
        }
        0x10 => Value::Int(i64::from(rest.u32_le()?.cast_signed())),
        0x12 => Value::Int(rest.u64()?.swap_bytes().cast_signed()),
        0x13 => skip(rest, 16)?,
        _ => return None,
    };
    Some((name, value))
}

fn skip<'a>(rest: &mut Reader<'a>, n: usize) -> Option<Value<'a>> {
    rest.skip(n).map(|()| Value::Other)
}

/// A document within another one, or what is there of it.
fn document<'a>(rest: &mut Reader<'a>) -> &'a [u8] {
    let length = Reader(rest.0).u32_le().and_then(|length| usize::try_from(length).ok());
    let length = length.unwrap_or(usize::MAX).clamp(4, rest.0.len().max(4));
    rest.take(length).unwrap_or_else(|| std::mem::take(&mut rest.0))
}
