//! Secrets among the parameters of a request: in its query, in a URL's userinfo, in cookies.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::credentials::{Found, bearer, new, text};
use crate::model::{Credential, CredentialKind, Moment, SetCookie, limits};

const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What base64 stands for, if it is that and not too long.
pub(super) fn base64(encoded: &[u8]) -> Option<Vec<u8>> {
    (encoded.len() <= limits::CREDENTIAL_BYTES).then(|| STANDARD.decode(encoded).ok())?
}

/// Where a URL stood.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::inspect) enum Place {
    /// It is the target of the request.
    Target,
    /// `Referer`
    Referer,
}

/// A token shorter than this is a page's or a cursor's.
const SHORTEST_TOKEN: usize = 8;

/// Parameters that are secrets by their names: in lower case, and what they are.
const NAMES: &[(&[u8], CredentialKind)] = &[
    (b"access_token", CredentialKind::Token),
    (b"accesstoken", CredentialKind::Token),
    (b"token", CredentialKind::Token),
    (b"auth_token", CredentialKind::Token),
    (b"authtoken", CredentialKind::Token),
    (b"id_token", CredentialKind::Token),
    (b"jwt", CredentialKind::Token),
    (b"x-amz-security-token", CredentialKind::Token),
    (b"api_key", CredentialKind::ApiKey),
    (b"apikey", CredentialKind::ApiKey),
    (b"api-key", CredentialKind::ApiKey),
    (b"client_secret", CredentialKind::ApiKey),
    (b"secret", CredentialKind::ApiKey),
    (b"password", CredentialKind::Password),
    (b"passwd", CredentialKind::Password),
    (b"pwd", CredentialKind::Password),
];

/// Hands on what is secret in a URL.
pub(super) fn read(url: &[u8], place: Place, take: &mut dyn FnMut(Found)) {
    if let Some(found) = userinfo(url) {
        take(found);
    }
    let Some(query) = memchr::memchr(b'?', url).and_then(|at| url.get(at.saturating_add(1)..))
    else {
        return;
    };
    let query = query.split(|byte| *byte == b'#').next().unwrap_or_default();
    for pair in query.split(|byte| matches!(byte, b'&' | b';')).take(limits::PARAMETERS) {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((known, kind)) = known else { continue };
        let value = unescaped(value);
        let long = *kind != CredentialKind::Token || value.len() >= SHORTEST_TOKEN;
        if value.is_empty() || !long {
            continue;
        }
        let before = match place {
            Place::Target => "query ",
            Place::Referer => "referer ",
        };
        take(bearer(*kind, "url parameter", format!("{before}{}", text(known)), &value));
    }
}

/// `user:password@` of a URL that has an authority.
fn userinfo(url: &[u8]) -> Option<Found> {
    if url.starts_with(b"/") {
        return None;
    }
    let authority = super::target::authority(url).unwrap_or(url);
    let (info, _) = authority.split_at_checked(memchr::memrchr(b'@', authority)?)?;
    let (user, password) = info.split_at_checked(memchr::memchr(b':', info)?)?;
    let password = unescaped(password.strip_prefix(b":").unwrap_or(password));
    if password.is_empty() {
        return None;
    }
    let credential =
        new(CredentialKind::Password, "url userinfo", "url userinfo".to_owned(), &password);
    Some(Found {
        credential: Credential { principal: Some(text(user)), ..credential },
        token: None,
        changes: false,
    })
}

/// The bytes that a percent-encoded value stands for.
fn unescaped(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', value).is_none() {
        return Cow::Borrowed(value);
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut rest) = (Vec::with_capacity(value.len()), value);
    while let Some((first, after)) = rest.split_first() {
        let pair = (digit(after.first()), digit(after.get(1)));
        match (first, pair) {
            (b'%', (Some(high), Some(low))) => {
                out.push(u8::try_from(high << 4 | low).unwrap_or_default());
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(out)
}

/// Hands on the cookies of a request that look like sessions (RFC 6265 section 4.2).
pub(super) fn cookies(value: &[u8], take: &mut dyn FnMut(Found)) {
    for pair in value.split(|byte| *byte == b';').take(limits::PARAMETERS) {
        if let Some((name, value)) = cookie(pair) {
            take(bearer(CredentialKind::Cookie, "cookie", format!("cookie {}", text(name)), value));
        }
    }
}

/// A cookie that looks like a session, as the server sets it (RFC 6265 section 4.1).
pub(super) fn set_cookie(value: &[u8], at: Moment) -> Option<SetCookie> {
    let mut parts = value.split(|byte| *byte == b';');
    let (name, _) = cookie(parts.next()?)?;
    let mut cookie =
        SetCookie { name: text(name), secure: false, http_only: false, same_site: false, at };
    for attribute in parts.take(limits::PARAMETERS).map(<[u8]>::trim_ascii) {
        cookie.secure |= attribute.eq_ignore_ascii_case(b"secure");
        cookie.http_only |= attribute.eq_ignore_ascii_case(b"httponly");
        cookie.same_site |= attribute.eq_ignore_ascii_case(b"samesite=lax")
            || attribute.eq_ignore_ascii_case(b"samesite=strict");
    }
    Some(cookie)
}

/// Name and value of a cookie that looks like a session and is not being deleted.
fn cookie(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = pair.split_at_checked(memchr::memchr(b'=', pair)?)?;
    let (name, value) = (name.trim_ascii(), value.strip_prefix(b"=")?.trim_ascii());
    let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
    (value.len() >= SHORTEST_TOKEN && looks_like_a_session(name)).then_some((name, value))
}

/// What the names of session cookies have in them. A token against forged requests is none.
fn looks_like_a_session(name: &[u8]) -> bool {
    const PARTS: &[&[u8]] = &[b"sess", b"token", b"auth", b"jwt", b"remember"];
    let lower = name.get(..limits::TEXT_BYTES).unwrap_or(name).to_ascii_lowercase();
    let has = |part: &[u8]| memchr::memmem::find(&lower, part).is_some();
    (PARTS.iter().any(|part| has(part)) || lower.ends_with(b"sid"))
        && !has(b"csrf")
        && !has(b"xsrf")
}
