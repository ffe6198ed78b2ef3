//! What of a byte stream may stay, by what it is.
//!
//! Each reader here knows the skeleton of a protocol and blanks the rest; what none of them knows goes through
//! [`words`], which leaves structure and words of protocols. A stream may change at the beginning of a segment: to TLS
//! after a STARTTLS, to HTTP/2 after an upgrade.

mod http1;
mod http2;
mod tls;
mod words;

use std::collections::BTreeSet;

use words::words;

/// What decides whether a text may stay.
pub(super) struct Keep<'a> {
    /// Whether a text is a secret that is known to have crossed.
    pub(super) is_secret: &'a dyn Fn(&[u8]) -> bool,
}

/// How a stretch of a stream is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Tls,
    Http1,
    Http2,
    Other,
}

/// Blanks a stream in place. `starts` are offsets at which segments begin.
pub(super) fn stream(bytes: &mut [u8], starts: &BTreeSet<usize>, keep: &Keep<'_>) {
    let mut at = 0;
    while let Some(rest) = bytes.get_mut(at..).filter(|rest| !rest.is_empty()) {
        let used = match shape(rest) {
            Shape::Tls => tls::blank(rest),
            Shape::Http2 => http2::blank(rest, keep),
            Shape::Http1 => {
                let own = starts.range(at..).filter_map(|start| start.checked_sub(at));
                http1::blank(rest, &own.collect::<Vec<_>>(), keep)
            }
            Shape::Other => {
                let next = starts.range(at.saturating_add(1)..).next().copied();
                let end = next.map_or(rest.len(), |next| next.saturating_sub(at));
                let piece = rest.get_mut(..end).unwrap_or_default();
                words(piece, keep);
                end
            }
        };
        at = at.saturating_add(used.max(1));
    }
}

/// Whether these bytes say themselves what they are.
pub(super) fn tells(bytes: &[u8]) -> bool {
    shape(bytes) != Shape::Other
}

fn shape(bytes: &[u8]) -> Shape {
    if tls::opens(bytes) {
        Shape::Tls
    } else if http2::begins(bytes) {
        Shape::Http2
    } else if http1::begins(bytes) {
        Shape::Http1
    } else {
        Shape::Other
    }
}

/// How many bytes at the beginning of a header's value may stay.
pub(super) fn kept_of_header(name: &[u8], value: &[u8], keep: &Keep<'_>) -> usize {
    if (keep.is_secret)(value) {
        return 0;
    }
    let name = name.to_ascii_lowercase();
    match name.as_slice() {
        b":path" => kept_of_path(value),
        b"authorization" | b"proxy-authorization" => {
            let scheme = value.iter().position(|byte| *byte == b' ').unwrap_or(0);
            let word = value.get(..scheme).unwrap_or_default();
            let known = SCHEMES.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
            if known { scheme.saturating_add(1) } else { 0 }
        }
        b"cookie" | b"set-cookie" => {
            let name = value.iter().position(|byte| *byte == b'=').map_or(0, |at| at + 1);
            if name <= LONGEST_NAME { name } else { 0 }
        }
        other if HARMLESS.iter().any(|known| other == known.as_bytes()) => value.len(),
        _ => 0,
    }
}

/// A path up to what may be more than a name: a query, a long part, a part with digits in it.
fn kept_of_path(path: &[u8]) -> usize {
    let mut kept = 0;
    for part in path.split_inclusive(|byte| *byte == b'/') {
        let name = part.strip_suffix(b"/").unwrap_or(part);
        let end = name.iter().position(|byte| matches!(byte, b'?' | b'#' | b';' | b'%' | b'@'));
        let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
        let digits = name.iter().filter(|byte| byte.is_ascii_digit()).count();
        if name.len() > LONGEST_NAME || (digits > 0 && name.len() > SHORT_NAME) {
            return kept;
        }
        if end.is_some() {
            return kept.saturating_add(name.len());
        }
        kept = kept.saturating_add(part.len());
    }
    kept
}

const LONGEST_NAME: usize = 64;
const SHORT_NAME: usize = 12;

/// Schemes of authentication, which say how and not who.
const SCHEMES: &[&str] = &[
    "basic",
    "bearer",
    "digest",
    "negotiate",
    "ntlm",
    "apikey",
    "token",
    "hmac",
    "hmac-sha256",
    "aws4-hmac-sha256",
    "scram-sha-256",
    "mutual",
    "vapid",
];

/// Fields whose values tell of programs and protocols, never of callers.
const HARMLESS: &[&str] = &[
    ":authority",
    ":method",
    ":scheme",
    ":status",
    ":protocol",
    "accept",
    "accept-encoding",
    "accept-ranges",
    "cache-control",
    "connection",
    "connect-protocol-version",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-status",
    "grpc-timeout",
    "host",
    "http2-settings",
    "keep-alive",
    "server",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "www-authenticate",
    "x-powered-by",
    "micro-service",
    "micro-method",
    "micro-endpoint",
    "micro-topic",
    "x-forwarded-proto",
];

#[cfg(test)]
mod tests;
