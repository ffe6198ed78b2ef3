//! The members of one JSON object (RFC 8259), as they stand.
//!
//! Not a parser: what a greeting says is found even where the capture has only its beginning, without allocation.

/// The members of the object that begins with these bytes: key and value as they stand, a text without its quotes.
pub(super) fn members(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = object.trim_ascii_start().strip_prefix(b"{").unwrap_or_default();
    std::iter::from_fn(move || {
        let (key, behind) = text(rest.trim_ascii_start())?;
        let value = behind.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (value, behind) = text(value).or_else(|| other(value))?;
        rest = behind.trim_ascii_start().strip_prefix(b",").unwrap_or_default();
        Some((key, value))
    })
}

/// The value of a member.
pub(super) fn member<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    members(object).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// A text without its quotes, and what is behind it.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(b"\"")?;
    let end = end_of_text(rest)?;
    Some((rest.get(..end)?, rest.get(end.saturating_add(1)..)?))
}

fn end_of_text(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    bytes.iter().position(|byte| {
        let end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        end
    })
}

/// A number, a word, an array or an object, and what is behind it.
fn other(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut depth: usize = 0;
    let mut place: usize = 0;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'"' => {
                let inside = bytes.get(place.saturating_add(1)..)?;
                place = place.saturating_add(end_of_text(inside)?).saturating_add(1);
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' | b',' if depth == 0 => break,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        place = place.saturating_add(1);
    }
    let (value, behind) = bytes.split_at_checked(place)?;
    Some((value.trim_ascii_end(), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_with_any_values_between_them() {
        let object = br#" {"a":1 ,"b": {"x":[1,"}"]}, "c":"q\"uo,te" , "d":true}"#;
        let all: Vec<_> = members(object).collect();
        assert_eq!(all.len(), 4);
        assert_eq!(member(object, b"a"), Some(&b"1"[..]));
        assert_eq!(member(object, b"c"), Some(&b"q\\\"uo,te"[..]));
        assert_eq!(member(object, b"d"), Some(&b"true"[..]));
        assert_eq!(member(object, b"x"), None, "a member of a member");
    }

    #[test]
    fn what_is_there_of_an_object_is_read() {
        assert_eq!(member(br#"{"a":"1","b":"2"#, b"a"), Some(&b"1"[..]));
        assert_eq!(member(br#"{"a":"1","b":"2"#, b"b"), None);
        for end in 0..40 {
            let object = br#"{"a":[{"b":"\\"}],"c":{"d":null},"e":-1}"#;
            let _any = members(&object[..end.min(object.len())]).count();
        }
    }
}
