//! Keys of metadata whose values are secrets.

use crate::inspect::exchange::Notes;
use crate::model::{Credential, CredentialKind, Direction, Exposure, Moment, Secret};
use crate::model::{escape_bytes, limits};

/// Whether a key of metadata says that its value lets a caller in.
pub(in crate::inspect) fn is_secret_key(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 16] = [
        b"token",
        b"__auth",
        b"auth",
        b"authorization",
        b"auth_token",
        b"auth-token",
        b"access_token",
        b"access-token",
        b"accesstoken",
        b"x-api-key",
        b"api_key",
        b"api-key",
        b"apikey",
        b"gdpr-token",
        b"x-auth-token",
        b"password",
    ];
    KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// Where a secret stood: what kind of place, and the key, in lower case.
pub(in crate::inspect) fn place(what: &str, key: &[u8]) -> String {
    format!("{what} {}", escape_bytes(key).to_ascii_lowercase())
}

/// Where a secret stood, and how the protocol calls that.
pub(in crate::inspect) struct Place<'a> {
    /// `dubbo token`
    pub(in crate::inspect) mechanism: &'static str,
    /// `attachment token`; text of this program and a key that [`is_secret_key`] knows.
    pub(in crate::inspect) place: &'a str,
    /// Who sent it.
    pub(in crate::inspect) direction: Direction,
    /// When.
    pub(in crate::inspect) at: Moment,
}

/// Takes note of a token that lets whoever has it in.
pub(in crate::inspect) fn token(
    notes: &mut Notes,
    place: &Place<'_>,
    principal: Option<&[u8]>,
    value: &[u8],
) {
    let secret = without_scheme(value.trim_ascii());
    if secret.is_empty() {
        return;
    }
    let kind = if looks_like_a_jwt(secret) { CredentialKind::Jwt } else { CredentialKind::Token };
    credential(notes, place, principal, (kind, Exposure::Readable, secret));
}

/// Takes note of a signature over a request.
pub(in crate::inspect) fn signature(
    notes: &mut Notes,
    place: &Place<'_>,
    principal: Option<&[u8]>,
    value: &[u8],
) {
    credential(notes, place, principal, (CredentialKind::Signature, Exposure::Safe, value));
}

fn credential(
    notes: &mut Notes,
    place: &Place<'_>,
    principal: Option<&[u8]>,
    (kind, exposure, secret): (CredentialKind, Exposure, &[u8]),
) {
    let shown = |text: &[u8]| escape_bytes(text.get(..limits::TEXT_BYTES).unwrap_or(text));
    notes.credential(Credential {
        kind,
        mechanism: place.mechanism,
        place: place.place.to_owned(),
        principal: principal.map(shown),
        secret: Secret::of(secret),
        exposure,
        default: false,
        direction: place.direction,
        first: place.at,
        count: 1,
        accepted: None,
    });
}

/// `Bearer abc` is the token `abc`.
fn without_scheme(value: &[u8]) -> &[u8] {
    const SCHEMES: [&[u8]; 3] = [b"bearer ", b"basic ", b"token "];
    let scheme = SCHEMES.iter().find(|scheme| {
        value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    scheme.and_then(|scheme| value.get(scheme.len()..)).unwrap_or(value)
}

/// Three parts of base64url, the first of which is a JSON object (RFC 7515 section 3.1).
fn looks_like_a_jwt(value: &[u8]) -> bool {
    let part = |part: &[u8]| {
        part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='))
    };
    value.starts_with(b"eyJ")
        && value.split(|byte| *byte == b'.').count() == 3
        && value.split(|byte| *byte == b'.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_token_is_the_same_with_and_without_its_scheme() {
        assert_eq!(without_scheme(b"Bearer abc"), b"abc");
        assert_eq!(without_scheme(b"abc"), b"abc");
        assert!(looks_like_a_jwt(b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."));
        assert!(!looks_like_a_jwt(b"eyJhbGciOiJub25lIn0"));
        assert!(is_secret_key(b"__AUTH"));
        assert!(!is_secret_key(b"tokenizer"));
    }
}
