//! Names of calls out of request targets, without the parts that carry secrets.

use crate::model::limits;

/// A path segment of this many bytes with [`IDENTIFIER_DIGITS`] digits is an identifier or a secret (a UUID, a webhook
/// key, a token), not the name of anything. So is one of any length with nothing but digits.
const IDENTIFIER_BYTES: usize = 20;

/// See [`IDENTIFIER_BYTES`].
const IDENTIFIER_DIGITS: usize = 4;

/// What stands for such a segment.
const IDENTIFIER: u8 = b'*';

/// Writes `GET /path` for a method and a request target of any form (RFC 9112 section 3.2), without scheme, authority,
/// userinfo, path parameters, query and fragment, and with `*` for every segment that looks like an identifier.
pub(super) fn push_name(out: &mut Vec<u8>, method: &[u8], target: &[u8]) {
    out.extend_from_slice(method.get(..limits::TEXT_BYTES).unwrap_or(method));
    if target.is_empty() {
        return;
    }
    out.push(b' ');
    if method == b"CONNECT" {
        let target = host(without_query(target));
        out.extend_from_slice(target.get(..limits::TEXT_BYTES).unwrap_or(target));
        return;
    }
    for (n, segment) in without_query(path(target)).split(|byte| *byte == b'/').enumerate() {
        if n > 0 {
            out.push(b'/');
        }
        if looks_like_an_identifier(segment) {
            out.push(IDENTIFIER);
        } else {
            out.extend_from_slice(segment);
        }
        if out.len() >= limits::TEXT_BYTES {
            return;
        }
    }
}

/// A name made of parts, with `*` for every part that looks like an identifier: a topic, a subject, a path of a tree.
pub(in crate::inspect) fn named_parts(name: &[u8], between: u8) -> Vec<u8> {
    let name = name.get(..limits::TEXT_BYTES).unwrap_or(name);
    let mut out = Vec::with_capacity(name.len());
    for (n, part) in name.split(|byte| *byte == between).enumerate() {
        if n > 0 {
            out.push(between);
        }
        if looks_like_an_identifier(part) {
            out.push(IDENTIFIER);
        } else {
            out.extend_from_slice(part);
        }
    }
    out
}

/// The part before query, fragment and path parameters.
pub(in crate::inspect) fn without_query(target: &[u8]) -> &[u8] {
    memchr::memchr3(b'?', b'#', b';', target).and_then(|end| target.get(..end)).unwrap_or(target)
}

/// An authority without userinfo.
pub(super) fn host(authority: &[u8]) -> &[u8] {
    memchr::memrchr(b'@', authority)
        .and_then(|at| authority.get(at.saturating_add(1)..))
        .unwrap_or(authority)
}

/// The authority of a request target in absolute form, if it is in that form.
pub(in crate::inspect) fn authority(target: &[u8]) -> Option<&[u8]> {
    let rest = after_scheme(target)?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    rest.get(..end)
}

/// Splits `/package.Service/Method` at its last slash.
pub(super) fn service_and_method(path: &[u8]) -> (&[u8], &[u8]) {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    match memchr::memrchr(b'/', path).and_then(|slash| path.split_at_checked(slash)) {
        Some((service, method)) => (service, method.strip_prefix(b"/").unwrap_or(method)),
        None => (&[], path),
    }
}

fn path(target: &[u8]) -> &[u8] {
    let Some(rest) = after_scheme(target) else { return target };
    match rest.iter().position(|byte| b"/?#".contains(byte)) {
        Some(start) => rest.get(start..).filter(|path| path.starts_with(b"/")).unwrap_or(b"/"),
        None => b"/",
    }
}

fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    if target.starts_with(b"/") {
        return None;
    }
    let colon = memchr::memmem::find(target, b"://")?;
    let scheme = target.get(..colon)?;
    scheme.iter().all(u8::is_ascii_alphabetic).then(|| target.get(colon.saturating_add(3)..))?
}

/// Whether a segment of a path tells one thing from others of its kind, or is a secret.
pub(super) fn looks_like_an_identifier(segment: &[u8]) -> bool {
    let digits = segment.iter().filter(|byte| byte.is_ascii_digit()).count();
    let number = digits == segment.len() && digits > 0;
    number || segment.len() >= IDENTIFIER_BYTES && digits >= IDENTIFIER_DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(method: &str, target: &str) -> String {
        let mut out = Vec::new();
        push_name(&mut out, method.as_bytes(), target.as_bytes());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_name_has_no_query_no_userinfo_and_no_parameters() {
        assert_eq!(name("GET", "/a/b?token=s3cr3t#x"), "GET /a/b");
        assert_eq!(name("GET", "http://user:pass@host:80/a?b"), "GET /a");
        assert_eq!(name("GET", "http://user:pass@host"), "GET /");
        assert_eq!(name("GET", "http://host?q=/secret"), "GET /");
        assert_eq!(name("GET", "/a;jsessionid=17/b"), "GET /a");
        assert_eq!(name("OPTIONS", "*"), "OPTIONS *");
        assert_eq!(name("CONNECT", "user:pass@host:443"), "CONNECT host:443");
        assert_eq!(name("GET", "/redirect/http://x/y"), "GET /redirect/http://x/y");
    }

    #[test]
    fn identifiers_in_a_path_are_not_kept() {
        assert_eq!(name("GET", "/v1/users/17/orders"), "GET /v1/users/*/orders");
        assert_eq!(name("GET", "/v2//orders/"), "GET /v2//orders/");
        assert_eq!(name("GET", "/u/3f2b8c1e-aaaa-4bbb-8ccc-0123456789ab/x"), "GET /u/*/x");
        assert_eq!(name("POST", "/bot110201543:AAHdqTcvCH1vGWJxfSe/send"), "POST /*/send");
        assert_eq!(
            name("POST", "/helloworld.Greeter/SayHello"),
            "POST /helloworld.Greeter/SayHello"
        );
    }

    #[test]
    fn a_grpc_path_is_split_at_its_last_slash() {
        let split = |path: &'static str| service_and_method(path.as_bytes());
        assert_eq!(split("/pkg.Service/Method"), (&b"pkg.Service"[..], &b"Method"[..]));
        assert_eq!(split("/prefix/pkg.Service/M"), (&b"prefix/pkg.Service"[..], &b"M"[..]));
        assert_eq!(split("/alone"), (&b""[..], &b"alone"[..]));
        assert_eq!(split(""), (&b""[..], &b""[..]));
    }

    #[test]
    fn userinfo_is_not_part_of_an_authority() {
        assert_eq!(host(b"user:p@ss@host:80"), b"host:80");
        assert_eq!(authority(b"http://user:pass@host:80/x"), Some(&b"user:pass@host:80"[..]));
        assert_eq!(authority(b"/x"), None);
    }
}
