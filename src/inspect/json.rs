//! Enough of JSON (RFC 8259) to see where a value ends and what stands under a key of an object. Reads bytes that may be
//! cut off anywhere; builds nothing.

/// Where a value ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::inspect) enum End {
    /// Behind this many bytes.
    At(usize),
    /// More bytes are needed.
    Later,
    /// This is no JSON.
    Never,
}

/// Nesting that is followed.
const DEPTH: u32 = 256;

/// Where the object, array or text ends that begins here.
pub(in crate::inspect) fn end(bytes: &[u8]) -> End {
    match bytes.first() {
        None => End::Later,
        Some(b'"') => text_end(bytes),
        Some(b'{' | b'[') => nest_end(bytes),
        Some(_) => {
            let stop = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
            bytes.iter().position(stop).map_or(End::Later, End::At)
        }
    }
}

fn nest_end(bytes: &[u8]) -> End {
    let mut depth: u32 = 0;
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'"' => match text_end(bytes.get(place..).unwrap_or_default()) {
                End::At(end) => {
                    place = place.saturating_add(end);
                    continue;
                }
                other => return other,
            },
            b'{' | b'[' if depth >= DEPTH => return End::Never,
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return End::At(place.saturating_add(1));
                }
            }
            0..=8 | 14..=31 => return End::Never,
            _ => {}
        }
        place = place.saturating_add(1);
    }
    End::Later
}

fn text_end(bytes: &[u8]) -> End {
    let mut place = 1;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'"' => return End::At(place.saturating_add(1)),
            b'\\' => place = place.saturating_add(2),
            0..=31 => return End::Never,
            _ => place = place.saturating_add(1),
        }
    }
    End::Later
}

/// The keys of an object with their values as they stand, as far as the object goes. The value of one that is cut off is
/// not given.
pub(in crate::inspect) struct Members<'a> {
    rest: &'a [u8],
}

impl<'a> Members<'a> {
    /// Those of the object that begins here.
    pub(in crate::inspect) fn of(object: &'a [u8]) -> Self {
        Self { rest: object.trim_ascii_start().strip_prefix(b"{").unwrap_or_default() }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_ascii_start();
        let rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        let (key, rest) = split(rest)?;
        let key = key.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (value, rest) = split(rest)?;
        self.rest = rest;
        Some((key, value))
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match end(bytes) {
        End::At(end) if end > 0 => bytes.split_at_checked(end),
        _ => None,
    }
}

/// The value under a key of the object that begins here, as it stands.
pub(in crate::inspect) fn member<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    Members::of(object).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// What a text says, its escapes as they stand; nothing for another value.
pub(in crate::inspect) fn text(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// A text without its quotes, its escapes as they stand; another value as it stands.
pub(in crate::inspect) fn unquoted(value: &[u8]) -> &[u8] {
    text(value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_they_end() {
        assert_eq!(end(b"{\"a\":[1,{\"b\":\"}\\\"\"}]} x"), End::At(21));
        assert_eq!(end(b"{\"a\":"), End::Later);
        assert_eq!(end(b"{\"a\x01"), End::Never);
        assert_eq!(end(&[b'['; 300]), End::Never);
    }

    #[test]
    fn members_are_found_at_the_top_only() {
        let object = br#"{ "x": {"id": 1}, "id" : "a\"b", "n":null}"#;
        assert_eq!(member(object, b"id").and_then(text), Some(&b"a\\\"b"[..]));
        assert_eq!(member(object, b"n"), Some(&b"null"[..]));
        assert_eq!(member(object, b"x"), Some(&br#"{"id": 1}"#[..]));
        assert_eq!(member(&object[..20], b"id"), None);
        assert_eq!(member(object, b"n").map(unquoted), Some(&b"null"[..]));
        assert_eq!(member(br#" {"a":"1","b":"2"#, b"a").map(unquoted), Some(&b"1"[..]));
        assert_eq!(member(br#"{"result":"#, b"result"), None, "cut off");
    }
}
