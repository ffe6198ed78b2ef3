//! Heads of requests and responses (RFC 9112 sections 2 to 5), with `httparse`.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Request, Response, Status};
use smallvec::SmallVec;

use crate::inspect::Next;
use crate::inspect::calls::frameworks;
use crate::inspect::calls::{CallName, HeaderName};
use crate::model::limits;

/// How many of the last bytes that were looked at may belong to the end of a head that is not whole yet.
pub(super) const END_BYTES: usize = 2;

/// Where a head ends: behind its first empty line. The first `scanned` bytes were looked at before.
pub(super) fn end(bytes: &[u8], scanned: usize) -> Option<usize> {
    let tail = bytes.get(scanned..)?;
    for newline in memchr::memchr_iter(b'\n', tail) {
        let behind = tail.get(newline.saturating_add(1)..).unwrap_or_default();
        let empty_line = match behind {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => continue,
        };
        return Some(scanned.saturating_add(newline).saturating_add(1).saturating_add(empty_line));
    }
    None
}

/// How long a body is, by its head alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// The head does not say.
    Nothing,
    /// `Content-Length`
    Length(u64),
    /// `Transfer-Encoding` ending in `chunked`; it overrides a length.
    Chunked,
    /// `Transfer-Encoding` ending in something else.
    Close,
    /// Lengths that are none, or that differ.
    Contradictory,
}

/// A request's head. Has no `Debug`: the target may hold secrets.
pub(super) struct RequestHead<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) framing: Framing,
    /// All fields could be read.
    pub(super) whole: bool,
}

impl<'a> RequestHead<'a> {
    /// What names the call.
    pub(super) fn name(&self, fields: &Fields<'a>) -> CallName<'a> {
        frameworks::name(self.method, self.target, fields.known())
    }
}

/// A response's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// What follows if the status is [`Self::SWITCHING`].
    pub(super) upgrade: Next,
    /// All fields could be read.
    pub(super) whole: bool,
}

impl ResponseHead {
    /// 101: another protocol follows.
    pub(super) const SWITCHING: u16 = 101;

    /// Whether another response follows to the same request.
    pub(super) fn is_interim(&self) -> bool {
        self.status < 200 && self.status != Self::SWITCHING
    }

    /// Whether it may come without a request: servers say so before they close a connection that fell silent.
    pub(super) fn is_unasked(&self) -> bool {
        const REQUEST_TIMEOUT: u16 = 408;
        self.status == REQUEST_TIMEOUT
    }

    /// Whether it says success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether there is no body, whatever the fields say.
    pub(super) fn has_no_body(&self) -> bool {
        matches!(self.status, 204 | 304)
    }

    /// Itself, free of the bytes it was read from.
    pub(super) fn owned(&self) -> Self {
        *self
    }
}

/// The fields of a head. Has no `Debug`: their values may be secrets.
pub(super) struct Fields<'a>(SmallVec<[(HeaderName, &'a [u8]); 8]>);

impl<'a> Fields<'a> {
    fn of(fields: &[Header<'a>]) -> Self {
        let known = |field: &Header<'a>| {
            let name = HeaderName::of_any_case(field.name.as_bytes());
            (name != HeaderName::Other).then_some((name, field.value))
        };
        Self(fields.iter().filter_map(known).collect())
    }

    /// The fields that matter.
    pub(super) fn known(&self) -> impl Iterator<Item = (HeaderName, &'a [u8])> {
        self.0.iter().copied()
    }

    fn framing(&self) -> Framing {
        let mut framing = Framing::Nothing;
        for (name, value) in self.known() {
            framing = match (name, framing) {
                (HeaderName::TransferEncoding, _) => encoding(value),
                (HeaderName::ContentLength, Framing::Nothing) => length(value),
                (HeaderName::ContentLength, Framing::Length(_)) if length(value) != framing => {
                    Framing::Contradictory
                }
                _ => framing,
            };
        }
        framing
    }

    fn upgrade(&self) -> Next {
        let upgrade = self.known().find(|(name, _)| *name == HeaderName::Upgrade);
        let (_, value) = upgrade.unwrap_or((HeaderName::Upgrade, b""));
        let first = value.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
        if first.eq_ignore_ascii_case(b"h2c") {
            Next::Switch("h2")
        } else if first.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"tls/")) {
            Next::Reprobe
        } else {
            Next::Done
        }
    }
}

/// Reads the head of a request and hands it on. Says whether at least its first line could be read.
pub(super) fn request<'a>(
    bytes: &'a [u8],
    take: impl for<'b> FnOnce(&RequestHead<'b>, &Fields<'b>),
) -> bool {
    let mut slots = [const { MaybeUninit::uninit() }; limits::HTTP_FIELDS];
    let mut request = Request::new(&mut []);
    let mut config = ParserConfig::default();
    config.ignore_invalid_headers_in_requests(true);
    let parsed = config.parse_request_with_uninit_headers(&mut request, bytes, &mut slots);
    let whole = matches!(parsed, Ok(Status::Complete(_)));
    let (Some(method), Some(target)) = (request.method, request.path) else { return false };
    let fields = Fields::of(if whole { request.headers } else { &[] });
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        framing: fields.framing(),
        whole,
    };
    take(&head, &fields);
    true
}

/// Reads the head of a response and hands it on. Does nothing where not even its first line can be read.
pub(super) fn response(bytes: &[u8], take: impl FnOnce(&ResponseHead, &Fields<'_>)) {
    let mut slots = [const { MaybeUninit::uninit() }; limits::HTTP_FIELDS];
    let mut response = Response::new(&mut []);
    let mut config = ParserConfig::default();
    config
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    let parsed = config.parse_response_with_uninit_headers(&mut response, bytes, &mut slots);
    let whole = matches!(parsed, Ok(Status::Complete(_)));
    let Some(status) = response.code else { return };
    let fields = Fields::of(if whole { response.headers } else { &[] });
    let (framing, upgrade) = (fields.framing(), fields.upgrade());
    take(&ResponseHead { status, framing, upgrade, whole }, &fields);
}

fn length(value: &[u8]) -> Framing {
    let value = value.trim_ascii();
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let parsed = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    parsed.filter(|_| digits).map_or(Framing::Contradictory, Framing::Length)
}

fn encoding(value: &[u8]) -> Framing {
    let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
    if last.eq_ignore_ascii_case(b"chunked") { Framing::Chunked } else { Framing::Close }
}
