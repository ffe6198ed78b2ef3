//! Texts and flat maps of Hessian 2 (<http://hessian.caucho.com/doc/hessian-serialization.html>), as Dubbo writes them.

use crate::inspect::reader::Reader;

/// The next value, if it is a text in one piece.
pub(super) fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let mut ahead = *reader;
    let first = ahead.u8()?;
    let units = match first {
        0..=0x1f => usize::from(first),
        0x30..=0x33 => usize::from(first & 3) << 8 | usize::from(ahead.u8()?),
        b'S' => usize::from(ahead.u16()?),
        b'N' => 0,
        _ => return None,
    };
    let text = ahead.take(bytes_of(ahead.0, units)?)?;
    *reader = ahead;
    Some(text)
}

/// How many bytes so many UTF-16 code units of a text take: a length in Hessian counts Java's characters.
fn bytes_of(bytes: &[u8], units: usize) -> Option<usize> {
    let mut place: usize = 0;
    let mut counted: usize = 0;
    while counted < units {
        let (length, more) = match bytes.get(place)? {
            0..=0x7f => (1, 1),
            0xc0..=0xdf => (2, 1),
            0xe0..=0xef => (3, 1),
            0xf0..=0xf7 => (4, 2),
            _ => return None,
        };
        place = place.checked_add(length)?;
        counted = counted.checked_add(more)?;
    }
    Some(place)
}

/// Places at which a map is looked for. Bytes of arguments may look like the beginning of one.
const MAPS: usize = 64;

/// Pairs of a map that are read.
const PAIRS: usize = 128;

/// The map from texts to texts that ends where the bytes end. Arguments stand before it whose classes only the two ends
/// know; but nothing stands behind it.
pub(super) fn last_map(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let starts = memchr::memchr_iter(b'H', bytes).take(MAPS);
    starts
        .filter_map(|start| map(Reader::at(bytes, start.saturating_add(1))))
        .next()
        .unwrap_or_default()
}

fn map(mut reader: Reader<'_>) -> Option<Vec<(&[u8], &[u8])>> {
    let mut pairs = Vec::new();
    loop {
        if reader.0 == b"Z" {
            return Some(pairs);
        }
        let key = text(&mut reader)?;
        let value = scalar(&mut reader)?;
        if pairs.len() >= PAIRS {
            return None;
        }
        pairs.push((key, value));
    }
}

/// A text as it is; of a number or a truth nothing.
fn scalar<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    if let Some(text) = text(reader) {
        return Some(text);
    }
    let behind = match reader.u8()? {
        b'T' | b'F' | 0x80..=0xbf | 0xd8..=0xef | 0x5b | 0x5c => 0,
        0xc0..=0xcf | 0xf0..=0xff | 0x5d => 1,
        0xd0..=0xd7 | 0x38..=0x3f | 0x5e => 2,
        b'I' | 0x59 | 0x5f | 0x4b => 4,
        b'L' | b'D' | 0x4a => 8,
        _ => return None,
    };
    reader.take(behind)?;
    Some(b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_of_java() {
        let mut reader = Reader("\u{5}2.0.2\u{2}日本N".as_bytes());
        assert_eq!(text(&mut reader), Some(&b"2.0.2"[..]));
        assert_eq!(text(&mut reader), Some("日本".as_bytes()));
        assert_eq!(text(&mut reader), Some(&b""[..]));
        assert_eq!(text(&mut reader), None);
        let long = [&[0x31, 0x02][..], &[b'x'; 258]].concat();
        assert_eq!(text(&mut Reader(&long)).map(<[u8]>::len), Some(258));
    }

    #[test]
    fn a_map_at_the_end_is_found_behind_arguments_that_cannot_be_read() {
        let body = b"\x91HC\x05Order\x92\x60\x91\x05HelloH\x04path\x03a.B\x07timeout\xcb\xe8\x05token\x03abcZ";
        let map = last_map(body);
        assert_eq!(map, [(&b"path"[..], &b"a.B"[..]), (b"timeout", b""), (b"token", b"abc")]);
        assert!(last_map(&body[..body.len() - 1]).is_empty(), "cut off");
        assert!(last_map(&[b'H'; 1000]).is_empty());
    }
}
