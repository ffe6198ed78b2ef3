//! Bytes of a certificate as text that is short and safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Class, FromDer as _, Oid, Tag};

use crate::model::{escape_bytes, limits};

/// What stands where something was cut off.
pub(super) const CUT: char = '…';

/// The elements of a DER sequence's content, until it ends or makes no sense.
pub(super) fn elements(content: &[u8]) -> impl Iterator<Item = Any<'_>> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let (after, element) = Any::from_der(rest).ok()?;
        rest = after;
        Some(element)
    })
}

/// The elements of the sequence that `der` is, none when it is something else.
pub(super) fn sequence(der: &[u8]) -> impl Iterator<Item = Any<'_>> {
    let outer = Any::from_der(der).ok().filter(|(_, any)| is_universal(any, Tag::Sequence));
    elements(outer.map_or(&[][..], |(_, any)| any.data))
}

/// Whether an element has this universal tag.
pub(super) fn is_universal(element: &Any<'_>, tag: Tag) -> bool {
    element.class() == Class::Universal && element.tag() == tag
}

/// The number of a context-specific tag.
pub(super) fn context_tag(element: &Any<'_>) -> Option<u32> {
    (element.class() == Class::ContextSpecific).then(|| element.tag().0)
}

/// Escaped text of at most [`limits::TEXT_BYTES`] of the bytes.
pub(super) fn text(bytes: &[u8]) -> String {
    let Some(head) = bytes.get(..limits::TEXT_BYTES).filter(|head| head.len() < bytes.len()) else {
        return escape_bytes(bytes);
    };
    // A character that the cut divides would otherwise look like bytes that are not UTF-8.
    let whole = match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => head.len(),
    };
    let mut out = escape_bytes(head.get(..whole).unwrap_or_default());
    out.push(CUT);
    out
}

/// Escaped text of a directory string of any of its types (X.520), without loss: what is no text is hexadecimal.
pub(super) fn directory_string(value: &Any<'_>) -> String {
    let data = value.data;
    if value.class() != Class::Universal {
        return hash_hex(data);
    }
    match value.tag() {
        Tag::BmpString => text(&utf16(data)),
        Tag::UniversalString => text(&utf32(data)),
        Tag::T61String if std::str::from_utf8(data).is_err() => text(&latin1(data)),
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::T61String
        | Tag::NumericString
        | Tag::VisibleString
        | Tag::GeneralString
        | Tag::GraphicString
        | Tag::VideotexString => text(data),
        _ => hash_hex(data),
    }
}

fn hash_hex(data: &[u8]) -> String {
    format!("#{}", hex(data))
}

fn utf16(data: &[u8]) -> Cow<'_, [u8]> {
    let (units, rest) = data.as_chunks::<2>();
    let units = units.iter().copied().map(u16::from_be_bytes);
    let decoded: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
    or_as_it_is(decoded.filter(|_| rest.is_empty()), data)
}

fn utf32(data: &[u8]) -> Cow<'_, [u8]> {
    let (units, rest) = data.as_chunks::<4>();
    let units = units.iter().copied().map(u32::from_be_bytes);
    let decoded: Option<String> = units.map(char::from_u32).collect();
    or_as_it_is(decoded.filter(|_| rest.is_empty()), data)
}

/// T.61 as it is used: its own repertoire hardly occurs, and OpenSSL too reads it as Latin-1.
fn latin1(data: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(data.iter().copied().map(char::from).collect::<String>().into_bytes())
}

fn or_as_it_is(decoded: Option<String>, data: &[u8]) -> Cow<'_, [u8]> {
    decoded.map_or(Cow::Borrowed(data), |text| Cow::Owned(text.into_bytes()))
}

/// Hexadecimal digits, at most [`limits::TEXT_BYTES`] of them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let shown = bytes.get(..limits::TEXT_BYTES / 2).unwrap_or(bytes);
    let mut out = crate::model::hex(shown);
    if shown.len() < bytes.len() {
        out.push(CUT);
    }
    out
}

/// An object identifier in dotted form; in hexadecimal when it has no such form of reasonable size.
pub(super) fn dotted(oid: &Oid<'_>) -> String {
    dotted_bytes(oid.as_bytes()).unwrap_or_else(|| hash_hex(oid.as_bytes()))
}

fn dotted_bytes(bytes: &[u8]) -> Option<String> {
    const LONGEST: usize = 64;
    let mut out = String::new();
    let mut arc = 0_u64;
    let mut complete = false;
    for byte in bytes.get(..LONGEST.min(bytes.len())).filter(|head| head.len() == bytes.len())? {
        arc = arc.checked_mul(0x80)?.checked_add(u64::from(byte & 0x7f))?;
        complete = byte & 0x80 == 0;
        if !complete {
            continue;
        }
        // The first number holds the first two arcs.
        let _infallible = match out.is_empty() {
            true => write!(out, "{}.{}", (arc / 40).min(2), arc - 40 * (arc / 40).min(2)),
            false => write!(out, ".{arc}"),
        };
        arc = 0;
    }
    complete.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(tag: Tag, data: &[u8]) -> String {
        directory_string(&Any::from_tag_and_data(tag, data))
    }

    #[test]
    fn no_string_type_loses_its_text() {
        assert_eq!(string(Tag::BmpString, &[0x00, 0x41, 0x65, 0xe5]), "A日");
        assert_eq!(string(Tag::BmpString, &[0x00, 0x41, 0x00]), "\\0A\\0");
        assert_eq!(string(Tag::BmpString, &[0xd8, 0x00, 0x00, 0x41]), "\\xd8\\0\\0A");
        assert_eq!(string(Tag::UniversalString, &[0, 0, 0, 0x41, 0, 1, 0xf6, 0]), "A😀");
        assert_eq!(string(Tag::T61String, b"M\xfcller"), "Müller");
        assert_eq!(string(Tag::T61String, "Müller".as_bytes()), "Müller");
        assert_eq!(string(Tag::PrintableString, b"a\0b\x1b"), "a\\0b\\u{1b}");
        assert_eq!(string(Tag::OctetString, &[0xde, 0xad]), "#dead");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_says_so() {
        let long = "é".repeat(limits::TEXT_BYTES);
        assert_eq!(text(long.as_bytes()), format!("{}…", "é".repeat(limits::TEXT_BYTES / 2)));
        let odd = format!("a{long}");
        assert_eq!(text(odd.as_bytes()), format!("a{}…", "é".repeat(limits::TEXT_BYTES / 2 - 1)));
        let exact = "a".repeat(limits::TEXT_BYTES);
        assert_eq!(text(exact.as_bytes()), exact);
        assert_eq!(hex(&[0xab; 1000]).chars().count(), limits::TEXT_BYTES + 1);
    }

    #[test]
    fn object_identifiers_have_their_usual_form() {
        assert_eq!(dotted_bytes(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]).unwrap(), "1.2.840.113549");
        assert_eq!(dotted_bytes(&[0x55, 0x04, 0x03]).unwrap(), "2.5.4.3");
        assert_eq!(dotted_bytes(&[0x88, 0x37, 0x01]).unwrap(), "2.999.1");
        assert_eq!(dotted_bytes(&[0x2b]).unwrap(), "1.3");
        assert_eq!(dotted_bytes(&[0x27]).unwrap(), "0.39");
    }

    #[test]
    fn object_identifiers_that_are_none_are_kept_in_hexadecimal() {
        assert_eq!(dotted_bytes(&[]), None);
        assert_eq!(dotted_bytes(&[0x2a, 0x86]), None);
        assert_eq!(dotted_bytes(&[0xff; 60]), None);
        assert_eq!(dotted_bytes(&[0x01; 65]), None);
        assert_eq!(dotted(&Oid::new((&[0xff, 0xff][..]).into())), "#ffff");
    }
}
