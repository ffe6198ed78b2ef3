//! HTTP/1: methods, names of fields and harmless values stay; queries, bodies and all other values do not.

use super::{Keep, http2, kept_of_header, kept_of_path, tls};

const METHODS: &[&[u8]] = &[
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"PATCH ",
    b"OPTIONS ",
    b"CONNECT ",
    b"TRACE ",
    b"MERGE ",
];

/// Whether these bytes begin a message. Other protocols have commands with the same names (`CONNECT` of NATS), so the
/// first line must name the version, too.
pub(super) fn begins(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"HTTP/1.") {
        return true;
    }
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let line = bytes.get(..end).unwrap_or_default();
    METHODS.iter().any(|method| line.starts_with(method)) && version_at(line).is_some()
}

/// Where ` HTTP/1.1` stands at the end of a line.
fn version_at(line: &[u8]) -> Option<usize> {
    let line = line.trim_ascii_end();
    let at = line.len().checked_sub(VERSION)?;
    let rest = line.get(at..)?;
    (rest.starts_with(b" HTTP/1.") && rest.last().is_some_and(u8::is_ascii_digit)).then_some(at)
}

/// Length of ` HTTP/1.1`.
const VERSION: usize = 9;

/// Blanks one head and its body, and says how far it came. `starts` are offsets at which segments begin.
pub(super) fn blank(bytes: &mut [u8], starts: &[usize], keep: &Keep<'_>) -> usize {
    let head = match memchr::memmem::find(bytes, b"\r\n\r\n") {
        Some(end) => end.saturating_add(4),
        None => bytes.len(),
    };
    let length = body_length(bytes.get(..head).unwrap_or_default());
    let mut at = 0;
    while at < head {
        let line = bytes.get(at..head).unwrap_or_default();
        let length = memchr::memchr(b'\n', line).map_or(line.len(), |end| end + 1);
        let Some(line) = bytes.get_mut(at..at.saturating_add(length)) else { break };
        if at == 0 {
            start_line(line, keep)
        } else {
            field(line, keep)
        }
        at = at.saturating_add(length.max(1));
    }
    let end = match length {
        Length::Known(length) => head.saturating_add(length).min(bytes.len()),
        // The next head is taken for one only where a segment begins: inside a body it would be a forgery.
        Length::Open => {
            let next = |at: &&usize| **at >= head && bytes.get(**at..).is_some_and(opens);
            starts.iter().find(next).copied().unwrap_or(bytes.len())
        }
    };
    if let Some(body) = bytes.get_mut(head..end) {
        if length == Length::Open { blank_chunks(body) } else { body.fill(b'x') }
    }
    end
}

fn opens(bytes: &[u8]) -> bool {
    begins(bytes) || http2::begins(bytes) || tls::opens(bytes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Known(usize),
    /// In chunks, or up to the end of the connection.
    Open,
}

fn body_length(head: &[u8]) -> Length {
    let lower = head.to_ascii_lowercase();
    if memchr::memmem::find(&lower, b"\r\ntransfer-encoding:").is_some() {
        return Length::Open;
    }
    if let Some(at) = memchr::memmem::find(&lower, b"\r\ncontent-length:") {
        let value = lower.get(at.saturating_add(CONTENT_LENGTH)..).unwrap_or_default();
        let value = value.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let number = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok());
        return number.map_or(Length::Open, Length::Known);
    }
    let bodiless = |code: &[u8]| matches!(code, [b'1', ..] | b"204" | b"304");
    let response = lower.starts_with(b"http/1.");
    let without = !response || lower.get(9..12).is_some_and(bodiless);
    if without { Length::Known(0) } else { Length::Open }
}

/// Length of the field's name with what stands around it.
const CONTENT_LENGTH: usize = 17;

/// Blanks a body but for its line ends and what can be sizes of chunks.
fn blank_chunks(body: &mut [u8]) {
    for line in body.split_mut(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let size = text.len() <= 4 && !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit);
        if !size {
            line.iter_mut().filter(|byte| **byte != b'\r').for_each(|byte| *byte = b'x');
        }
    }
}

/// `GET /path?query HTTP/1.1`, or `HTTP/1.1 200 reason`.
fn start_line(line: &mut [u8], keep: &Keep<'_>) {
    if line.starts_with(b"HTTP/1.") {
        blank_from(line, STATUS_LINE);
        return;
    }
    let (Some(space), Some(version)) = (memchr::memchr(b' ', line), version_at(line)) else {
        return blank_from(line, 0);
    };
    let from = space.saturating_add(1);
    let path = line.get(from..version).unwrap_or_default();
    let kept =
        if (keep.is_secret)(path) || !path.starts_with(b"/") { 0 } else { kept_of_path(path) };
    if let Some(place) = line.get_mut(from.saturating_add(kept)..version) {
        place.fill(b'x');
    }
}

/// Up to the status code and a space; the reason may be anything.
const STATUS_LINE: usize = 13;

fn field(line: &mut [u8], keep: &Keep<'_>) {
    let Some(colon) = memchr::memchr(b':', line) else {
        blank_from(line, 0);
        return;
    };
    let (name, value) = line.split_at(colon);
    let value = value.get(1..).unwrap_or_default();
    let lead = value.len().saturating_sub(value.trim_ascii_start().len());
    let kept = kept_of_header(name, value.trim_ascii(), keep);
    blank_from(line, colon.saturating_add(1).saturating_add(lead).saturating_add(kept));
}

/// Blanks a line but for its end.
fn blank_from(line: &mut [u8], from: usize) {
    let end = line.trim_ascii_end().len();
    if let Some(place) = line.get_mut(from..end) {
        place.fill(b'x');
    }
}
