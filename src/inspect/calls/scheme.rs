//! The one word of an `Authorization` value that is no secret.

/// What is said of a value that does not begin with a scheme.
const OPAQUE: &str = "opaque";

/// Longer words are no scheme: they are a key that somebody sends without one.
const LONGEST: usize = 24;

/// Registered schemes with a digit in their name. A digit in any other first word makes it a credential.
const WITH_DIGITS: &[&str] = &["aws4-hmac-sha256", "scram-sha-1", "scram-sha-256"];

/// The scheme's name as it was sent, or `opaque`.
///
/// A value without a space is all credential. So may be the first of several words, where an application invents its
/// own form: only a word made of letters and hyphens, or a registered one, is taken for a name (RFC 9110 section 11.4).
pub(super) fn word(value: &[u8]) -> &str {
    scheme_of(value).unwrap_or(OPAQUE)
}

/// The scheme's name as it was sent, if the value begins with one.
pub(super) fn scheme_of(value: &[u8]) -> Option<&str> {
    let within = value.get(..=LONGEST).unwrap_or(value);
    let end = within.iter().position(|byte| *byte == b' ')?;
    let word = value.get(..end).and_then(|word| std::str::from_utf8(word).ok())?;
    let plain = |word: &str| word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    let registered = |word: &str| WITH_DIGITS.iter().any(|known| known.eq_ignore_ascii_case(word));
    (!word.is_empty() && (plain(word) || registered(word))).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_a_word_with_something_behind_it() {
        assert_eq!(word(b"Bearer eyJhbGciOi"), "Bearer");
        assert_eq!(word(b"Basic dXNlcjpwYXNz"), "Basic");
        assert_eq!(word(b"AWS4-HMAC-SHA256 Credential=AKIA/20260101"), "AWS4-HMAC-SHA256");
    }

    #[test]
    fn nothing_of_a_bare_credential_is_taken_for_a_scheme() {
        for value in [
            &b"s3cr3t"[..],
            b"letmein",
            b"",
            b" x",
            b"hunter2 and more",
            b"correcthorsebatterystapleness x",
            b"\xff\xfe x",
            b"a=b c",
        ] {
            assert_eq!(word(value), "opaque", "{value:?}");
        }
    }
}
