//! Webhooks: batches of events as JSON in the body of a POST (RFC 9110), one connection each.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use super::address::{Authority, WebhookAddress};
use super::header::Headers;
use super::peer::{Peer, Stream};
use super::receiver::{Failure, Transport};
use super::tls::TlsClient;
use crate::model::{escape_text, limits};
use crate::store::Spooled;

/// Headers of an answer that are read.
const HEADERS: usize = 128;

/// A webhook.
pub struct Webhook {
    peer: Peer,
    authority: Authority,
    target: String,
    headers: Headers,
    /// The name of the spool, by which numbers are told from those of another.
    spool: String,
    /// Which sensor this is: the name of the host.
    sensor: String,
    patience: Duration,
}

impl Webhook {
    /// A webhook at an address, which is called within `patience` or not at all.
    ///
    /// # Errors
    /// Its host is no name that a certificate could have.
    pub fn new(
        address: WebhookAddress,
        tls: Option<TlsClient>,
        headers: Headers,
        patience: Duration,
    ) -> std::io::Result<Self> {
        let WebhookAddress { authority, target, .. } = address;
        let peer = Peer::new(authority.clone(), tls)?;
        let (spool, sensor) = (String::new(), String::new());
        Ok(Self { peer, authority, target, headers, spool, sensor, patience })
    }

    /// The same, for events of this spool and sensor.
    #[must_use]
    pub fn of(self, spool: &str, sensor: &str) -> Self {
        Self { spool: spool.to_owned(), sensor: sensor.to_owned(), ..self }
    }

    fn body(&self, batch: &[Spooled]) -> String {
        let first = batch.first().map_or(0, |event| event.seq);
        let sensor = serde_json::Value::from(self.sensor.as_str());
        let size = batch.iter().map(|event| event.line.len() + 1).sum::<usize>();
        let mut body = String::with_capacity(size + 256);
        body.push_str(&format!(
            "{{\"schema\":\"wirelint.batch/1\",\"sensor\":{sensor},\"spool\":\"{}\",\"first\":{first},\"events\":[",
            self.spool
        ));
        for (place, event) in batch.iter().enumerate() {
            if place > 0 {
                body.push(',');
            }
            body.push_str(&event.line);
        }
        body.push_str("]}\n");
        body
    }

    fn head(&mut self, batch: &[Spooled], length: usize) -> zeroize::Zeroizing<String> {
        let numbers = batch.first().zip(batch.last());
        let (first, last) = numbers.map_or((0, 0), |(first, last)| (first.seq, last.seq));
        let Self { target, authority, spool, headers, .. } = self;
        zeroize::Zeroizing::new(format!(
            "POST {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: wirelint/{}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nAccept: */*\r\n\
             Idempotency-Key: \"{spool}-{first}-{last}\"\r\nConnection: close\r\n{}\r\n",
            env!("CARGO_PKG_VERSION"),
            headers.now(),
        ))
    }
}

impl Transport for Webhook {
    fn deliver(&mut self, batch: &[Spooled]) -> Result<(), Failure> {
        let until = Instant::now() + self.patience;
        let body = self.body(batch);
        let head = self.head(batch, body.len());
        let mut stream = self.peer.connect(until).map_err(Failure::of)?;
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()))
            .and_then(|()| stream.flush());
        // A receiver may answer, and close, before it has read everything: its answer says why.
        match (answer(&mut stream), sent) {
            (Ok(done), _) => done,
            (Err(_), Err(error)) => Err(Failure::of(error.to_string())),
            (Err(why), Ok(())) => Err(Failure::of(why)),
        }
    }

    fn port(&self) -> u16 {
        self.peer.port()
    }
}

/// What the receiver makes of it; in the outer `Err`, why it says nothing.
fn answer(stream: &mut Stream) -> Result<Result<(), Failure>, String> {
    let mut head = Vec::with_capacity(1024);
    loop {
        let mut bytes = [0; 2048];
        let length = stream.read(&mut bytes).map_err(|error| error.to_string())?;
        head.extend_from_slice(bytes.get(..length).unwrap_or_default());
        match judge_last(&mut head) {
            Judged::Answer(done) => return Ok(done),
            Judged::Nonsense => return Err("its answer is not HTTP/1.1".to_owned()),
            _ if length == 0 => return Err("it closed without an answer".to_owned()),
            _ if head.len() > limits::ANSWER_HEAD_BYTES => {
                return Err("its answer has no end".to_owned());
            }
            _ => {}
        }
    }
}

/// Judges what comes behind answers like `100 Continue`, which are no answers yet.
fn judge_last(head: &mut Vec<u8>) -> Judged {
    loop {
        match judge(head) {
            Judged::Interim(length) => drop(head.drain(..length.min(head.len()))),
            other => return other,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Judged {
    More,
    Interim(usize),
    Nonsense,
    Answer(Result<(), Failure>),
}

fn judge(head: &[u8]) -> Judged {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(head) {
        Ok(httparse::Status::Partial) => return Judged::More,
        Err(_) => return Judged::Nonsense,
        Ok(httparse::Status::Complete(length)) => length,
    };
    let code = response.code.unwrap_or(0);
    let asked =
        response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("retry-after"));
    let seconds =
        asked.and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
    match code {
        100..=199 => Judged::Interim(length),
        200..=299 => Judged::Answer(Ok(())),
        _ => {
            let reason: String = response.reason.unwrap_or_default().chars().take(60).collect();
            let why = format!("it answers {code} {}", escape_text(&reason));
            Judged::Answer(Err(Failure {
                why: why.trim_end().to_owned(),
                wait: seconds.map(Duration::from_secs),
                too_large: code == 413,
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(head: &str) -> Failure {
        match judge(head.as_bytes()) {
            Judged::Answer(Err(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_behind_another_that_is_none_yet_is_found_at_once() {
        let mut head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_vec();
        assert_eq!(judge_last(&mut head), Judged::Answer(Ok(())));
    }

    #[test]
    fn only_two_hundreds_are_taken_for_taken() {
        assert_eq!(judge(b"HTTP/1.1 204 No Content\r\n\r\n"), Judged::Answer(Ok(())));
        assert_eq!(judge(b"HTTP/1.1 100 Continue\r\n\r\n"), Judged::Interim(25));
        assert_eq!(judge(b"HTTP/1.1 200 OK\r\nx:"), Judged::More);
        assert_eq!(judge(b"SSH-2.0-x\r\n"), Judged::Nonsense);
        assert_eq!(
            failure("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n").why,
            "it answers 302 Found"
        );
        assert!(failure("HTTP/1.1 413\r\n\r\n").too_large);
        let later = failure("HTTP/1.1 503 Busy\r\nretry-after: 7\r\n\r\n");
        assert_eq!((later.wait, later.too_large), (Some(Duration::from_secs(7)), false));
    }
}
