//! As much of HTTP/1.1 as a page of numbers needs (RFC 9112): one request, one answer, and the connection is closed.

/// What an answer is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
    /// What the request was must not be answered with a body.
    bodiless: bool,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    /// The whole head has not come yet.
    More,
    /// This path, and whether the body is wanted.
    Path(String, bool),
    /// It is answered without a look at anything.
    Refused(Answer),
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// What the text format of Prometheus calls itself.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Headers of a request that are read; a scraper sends ten.
const HEADERS: usize = 64;

/// Reads the head of a request.
pub(super) fn asked(head: &[u8]) -> Asked {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Partial) => Asked::More,
        Err(httparse::Error::TooManyHeaders) => Asked::Refused(Answer::too_large()),
        Err(_) => Asked::Refused(Answer::plain("400 Bad Request", "not a request of HTTP/1.1\n")),
        Ok(httparse::Status::Complete(_)) => {
            let path = request.path.unwrap_or_default();
            let path = path.split_once('?').map_or(path, |(path, _)| path).to_owned();
            match request.method {
                Some("GET") => Asked::Path(path, true),
                Some("HEAD") => Asked::Path(path, false),
                _ => Asked::Refused(Answer::plain("405 Method Not Allowed", "only GET and HEAD\n")),
            }
        }
    }
}

impl Answer {
    /// The numbers.
    pub(super) fn numbers(body: String) -> Self {
        Self { kind: EXPOSITION, ..Self::plain("200 OK", body) }
    }

    /// All is well.
    pub(super) fn well() -> Self {
        Self::plain("200 OK", "ok\n")
    }

    /// It is not, and this is why.
    pub(super) fn unwell(why: &str) -> Self {
        Self::plain("503 Service Unavailable", format!("{why}\n"))
    }

    /// There is no such page.
    pub(super) fn unknown() -> Self {
        Self::plain("404 Not Found", "here are /metrics, /healthz and /ready\n")
    }

    /// The head is larger than any that is meant.
    pub(super) fn too_large() -> Self {
        Self::plain("431 Request Header Fields Too Large", "the request is too large\n")
    }

    fn plain(status: &'static str, body: impl Into<String>) -> Self {
        Self { status, kind: PLAIN, body: body.into(), bodiless: false }
    }

    /// The same, with its body left out.
    pub(super) fn without_body(self) -> Self {
        Self { bodiless: true, ..self }
    }

    /// As it is sent.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let allow = if self.status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
            self.status,
            self.kind,
            self.body.len(),
        );
        let mut bytes = head.into_bytes();
        if !self.bodiless {
            bytes.extend_from_slice(self.body.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(head: &str) -> String {
        match asked(head.as_bytes()) {
            Asked::Refused(answer) => answer.status.to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        assert_eq!(asked(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"), Asked::More);
        let whole = b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(asked(whole), Asked::Path("/metrics".to_owned(), true));
        let head = b"HEAD /ready HTTP/1.0\r\n\r\n";
        assert_eq!(asked(head), Asked::Path("/ready".to_owned(), false));
    }

    #[test]
    fn what_is_no_request_is_refused_and_what_is_too_much_too() {
        assert!(status("\x16\x03\x01\x02\x00").starts_with("400"), "a TLS handshake");
        assert!(status("POST / HTTP/1.1\r\n\r\n").starts_with("405"));
        let many: String = (0..HEADERS + 1).map(|n| format!("h{n}: x\r\n")).collect();
        assert!(status(&format!("GET / HTTP/1.1\r\n{many}\r\n")).starts_with("431"));
    }

    #[test]
    fn an_answer_to_head_says_how_long_it_would_be() {
        let answer = String::from_utf8(Answer::well().without_body().bytes()).unwrap();
        assert!(answer.contains("Content-Length: 3\r\n") && answer.ends_with("\r\n\r\n"));
    }
}
