//! Whether a message of HTTP/1 begins here, judged by its first line.

use crate::inspect::begins::Begins;

/// Letters of a method: the longest registered one has 17.
const METHOD_BYTES: std::ops::RangeInclusive<usize> = 3..=20;

/// Bytes by which a first line is judged. A longer target, without a space in it, follows nothing but a method.
pub(super) const JUDGED: usize = 1024;

/// `GET /path HTTP/1.`
///
/// `PRI * HTTP/2.0` is not one: it is how HTTP/2 begins.
pub(super) fn request(bytes: &[u8]) -> Begins {
    let bytes = bytes.get(..JUDGED).unwrap_or(bytes);
    let method = bytes.iter().take_while(|byte| is_method(**byte)).count();
    if method == bytes.len() && method <= *METHOD_BYTES.end() {
        return Begins::Perhaps;
    }
    if !METHOD_BYTES.contains(&method) || bytes.get(method) != Some(&b' ') {
        return Begins::No;
    }
    let target = bytes.get(method.saturating_add(1)..).unwrap_or_default();
    match target.first() {
        None => return Begins::Perhaps,
        Some(b'/' | b'*' | b'[') => {}
        Some(first) if first.is_ascii_alphanumeric() => {}
        Some(_) => return Begins::No,
    }
    let Some(end) = target.iter().position(|byte| *byte <= b' ' || *byte == 0x7f) else {
        return if bytes.len() < JUDGED { Begins::Perhaps } else { Begins::Yes };
    };
    let version = target.get(end..).unwrap_or_default();
    match begins_with(version, b" HTTP/1.", u8::is_ascii_digit) {
        Begins::Perhaps if bytes.len() >= JUDGED => Begins::Yes,
        judged => judged,
    }
}

/// Methods by which a request is recognised where the bytes before it are missing. None is the end of another one, so
/// that the rest of a torn method is not taken for a method.
const COMMON: [&[u8]; 9] =
    [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];

/// As [`request`], where it is not known that a message begins.
pub(super) fn request_behind_a_hole(bytes: &[u8]) -> Begins {
    let method = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    let whole = method.len() < bytes.len();
    let common = |known: &&[u8]| if whole { **known == *method } else { known.starts_with(method) };
    if COMMON.iter().any(common) { request(bytes) } else { Begins::No }
}

/// `HTTP/1.1 200`
pub(super) fn response(bytes: &[u8]) -> Begins {
    let status = |rest: &[u8]| match rest.iter().take(3).all(u8::is_ascii_digit) {
        true if rest.len() >= 3 => Begins::Yes,
        true => Begins::Perhaps,
        false => Begins::No,
    };
    match begins_with(bytes, b"HTTP/1.", u8::is_ascii_digit) {
        Begins::Yes => match bytes.get(8..) {
            Some([b' ', rest @ ..]) => status(rest),
            Some([]) | None => Begins::Perhaps,
            Some(_) => Begins::No,
        },
        other => other,
    }
}

fn is_method(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'-' || byte == b'_'
}

/// Whether the bytes begin with these, and with one more of this kind.
fn begins_with(bytes: &[u8], start: &[u8], next: impl Fn(&u8) -> bool) -> Begins {
    match bytes.strip_prefix(start) {
        Some([byte, ..]) if next(byte) => Begins::Yes,
        Some([]) => Begins::Perhaps,
        Some(_) => Begins::No,
        None if start.starts_with(bytes) => Begins::Perhaps,
        None => Begins::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_by_its_first_line() {
        for line in [
            "GET / HTTP/1.1",
            "GET /a?b=c HTTP/1.0",
            "OPTIONS * HTTP/1.1",
            "CONNECT host:443 HTTP/1.1",
            "CONNECT /_goRPC_ HTTP/1.0",
            "GET http://host/a HTTP/1.1",
            "VERSION-CONTROL /x HTTP/1.1",
        ] {
            assert_eq!(request(line.as_bytes()), Begins::Yes, "{line}");
            for end in 0..line.len() {
                assert_eq!(request(&line.as_bytes()[..end]), Begins::Perhaps, "{:?}", &line[..end]);
            }
        }
    }

    #[test]
    fn a_target_of_any_length_makes_a_request() {
        let line = format!("GET /{} HTTP/1.1", "x".repeat(2000));
        for end in [JUDGED, JUDGED + 1, 2000, line.len()] {
            assert_eq!(request(&line.as_bytes()[..end]), Begins::Yes);
        }
        let cut_in_version = format!("GET /{} HTTP/2.0", "x".repeat(JUDGED - 8));
        assert_eq!(request(cut_in_version.as_bytes()), Begins::Yes);
    }

    #[test]
    fn other_protocols_are_not_taken_for_requests() {
        for line in [
            "PRI * HTTP/2.0\r\n",
            "USER anonymous\r\n",
            "INFO {\"server_id\":1} \r\n",
            "SSH-2.0-OpenSSH",
            "GET key\r\n",
            "*2\r\n$4\r\nAUTH",
            "OPTIONS sip:x SIP/2.0",
            "A / HTTP/1.1",
            "get / HTTP/1.1",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(request(line.as_bytes()), Begins::No, "{line}");
        }
    }

    #[test]
    fn the_rest_of_a_torn_method_is_none() {
        assert_eq!(request_behind_a_hole(b"POST / HTTP/1.1"), Begins::Yes);
        assert_eq!(request_behind_a_hole(b"PO"), Begins::Perhaps);
        assert_eq!(request_behind_a_hole(b"OST / HTTP/1.1"), Begins::No);
        assert_eq!(request_behind_a_hole(b"OST"), Begins::No);
    }

    #[test]
    fn a_response_is_told_by_its_first_line() {
        assert_eq!(response(b"HTTP/1.1 200"), Begins::Yes);
        assert_eq!(response(b"HTTP/1.0 404 Not Found\r\n"), Begins::Yes);
        for end in 0..12 {
            assert_eq!(response(&b"HTTP/1.1 200"[..end]), Begins::Perhaps);
        }
        for line in ["HTTP/2 200", "HTTP/1.1 abc", "HTTP/1.x 200", "HTTPS", "HTTP/1.1\r\n"] {
            assert_eq!(response(line.as_bytes()), Begins::No, "{line}");
        }
    }
}
