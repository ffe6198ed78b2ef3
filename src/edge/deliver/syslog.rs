//! Syslog messages (RFC 5424), over TCP with their length before them (RFC 6587, 3.4.1) and within TLS (RFC 5425).
//!
//! Syslog has no acknowledgement. The one thing that tells that a receiver has read everything is that it closes when the
//! end was said to it; so every batch is a connection that is ended, and a batch whose connection is not closed in time, or is
//! reset, is delivered again.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use super::address::Authority;
use super::peer::Peer;
use super::receiver::{Failure, Transport};
use super::tls::TlsClient;
use crate::model::{Timestamp, limits};
use crate::store::Spooled;

/// Local use 0: what receivers sort by most easily.
const FACILITY: u8 = 16;

/// The name of our structured data. The number is the one that RFC 5612 sets aside: wirelint has none of its own.
const DATA: &str = "wirelint@32473";

/// The longest value of structured data.
const VALUE: usize = 256;

/// Who says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    host: String,
    process: u32,
}

/// A receiver over TCP or TLS.
pub struct SyslogStream {
    peer: Peer,
    origin: Origin,
    patience: Duration,
}

impl Origin {
    /// This process on the host of this name.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self { host: printable(host, 255), process: std::process::id() }
    }

    /// An event as a message of at most so many bytes: with the event itself, or with a sentence where that is too long.
    pub(super) fn message(&self, event: &Spooled, most: usize) -> String {
        let mut text = String::with_capacity(event.line.len() + 512);
        let at = Timestamp::from_micros(event.at);
        let id = if event.kind.is_empty() { "-".to_owned() } else { printable(&event.kind, 32) };
        let priority = u16::from(FACILITY) * 8 + severity(&event.severity);
        // The number wraps as RFC 5424, 7.3.1 has it.
        let number = (event.seq.saturating_sub(1) % 2_147_483_647) + 1;
        let _infallible = write!(
            text,
            "<{priority}>1 {at} {} wirelint {} {id} [meta sequenceId=\"{number}\"]{} ",
            self.host,
            self.process,
            data(event),
        );
        let long = text.len().saturating_add(event.line.len()) > most;
        text.push_str(if long { &event.summary } else { &event.line });
        if text.len() > most {
            let end = (0..=most).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text.truncate(end);
        }
        text
    }
}

impl SyslogStream {
    /// A receiver at a place, which takes a batch within `patience` or has not taken it.
    ///
    /// # Errors
    /// Its host is no name that a certificate could have.
    pub fn new(
        authority: Authority,
        tls: Option<TlsClient>,
        origin: Origin,
        patience: Duration,
    ) -> std::io::Result<Self> {
        Ok(Self { peer: Peer::new(authority, tls)?, origin, patience })
    }
}

impl Transport for SyslogStream {
    fn deliver(&mut self, batch: &[Spooled]) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        for event in batch {
            let message = self.origin.message(event, limits::STREAM_MESSAGE_BYTES);
            bytes.extend_from_slice(format!("{} ", message.len()).as_bytes());
            bytes.extend_from_slice(message.as_bytes());
        }
        let said = |error: std::io::Error| Failure::of(error.to_string());
        let mut stream = self.peer.connect(Instant::now() + self.patience).map_err(Failure::of)?;
        stream.write_all(&bytes).and_then(|()| stream.flush()).map_err(said)?;
        if stream.has_ended() {
            return Err(Failure::of("it closed before it was told everything"));
        }
        stream.end().map_err(said)?;
        let mut rest = [0; 1024];
        for _ in 0..limits::ANSWER_BYTES / rest.len() {
            if stream.read(&mut rest).map_err(said)? == 0 {
                return Ok(());
            }
        }
        Err(Failure::of("it talks instead of closing"))
    }

    fn port(&self) -> u16 {
        self.peer.port()
    }
}

/// The severity of RFC 5424 for one of ours: an event that is not bad is informational.
fn severity(word: &str) -> u16 {
    match word {
        "critical" => 2,
        "high" => 3,
        "medium" => 4,
        "low" => 5,
        _ => 6,
    }
}

/// What of an event receivers sort by without reading JSON.
fn data(event: &Spooled) -> String {
    let parsed: serde_json::Value = serde_json::from_str(&event.line).unwrap_or_default();
    let at = |path: &str| match parsed.pointer(path)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let fields = [
        ("id", "/finding/id"),
        ("rule", "/finding/rule"),
        ("name", "/finding/rule_name"),
        ("severity", "/finding/severity"),
        ("state", "/finding/state"),
        ("count", "/finding/count"),
        ("client", "/finding/client/service"),
        ("server", "/finding/server/service"),
        ("port", "/dest_port"),
        ("posture", "/posture"),
        ("communityId", "/community_id"),
    ];
    let mut data = format!("[{DATA}");
    for (name, path) in fields {
        if let Some(value) = at(path) {
            let _infallible = write!(data, " {name}=\"{}\"", value_of(&value));
        }
    }
    data.push(']');
    data
}

/// A value of structured data: three characters are escaped (RFC 5424, 6.3.3), control characters do not stand in it.
fn value_of(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()).take(VALUE) {
        if matches!(c, '"' | '\\' | ']') {
            value.push('\\');
        }
        value.push(c);
    }
    value
}

/// A field of the header: printable ASCII without spaces, or nothing.
fn printable(text: &str, most: usize) -> String {
    let text: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &str) -> Spooled {
        Spooled {
            seq: 7,
            at: 1_768_986_849_900_000,
            kind: "finding".to_owned(),
            severity: "high".to_owned(),
            summary: "short".to_owned(),
            line: line.to_owned(),
        }
    }

    fn said(event: &Spooled, most: usize) -> String {
        Origin { host: "sensor".to_owned(), process: 9 }.message(event, most)
    }

    #[test]
    fn a_message_is_as_rfc_5424_has_it() {
        let line =
            r#"{"dest_port":443,"finding":{"id":"wlf1:00","rule":"WL2001","severity":"high"}}"#;
        let head = "<131>1 2026-01-21T09:14:09.900000Z sensor wirelint 9 finding ";
        let data = "[meta sequenceId=\"7\"][wirelint@32473 id=\"wlf1:00\" rule=\"WL2001\" severity=\"high\" port=\"443\"] ";
        assert_eq!(said(&event(line), usize::MAX), format!("{head}{data}{line}"));
        assert!(said(&event(line), 200).ends_with("] short"), "{}", said(&event(line), 200));
        assert_eq!(said(&event(line), 100).len(), 100);
    }

    #[test]
    fn what_a_peer_said_does_not_end_a_value_or_a_message() {
        let line = r#"{"finding":{"client":{"service":"a\"] <131>1\n\\"}}}"#;
        let message = said(&event(line), usize::MAX);
        assert!(message.contains(r#"client="a\"\] <131>1\\""#), "{message}");
        assert!(!message.contains('\n'));
        assert_eq!(Origin::new("a b\n\u{e9}").host, "ab");
        assert_eq!(Origin::new("").host, "-");
    }

    #[test]
    fn numbers_wrap_as_receivers_expect() {
        let at = |seq| said(&Spooled { seq, ..event("{}") }, usize::MAX);
        assert!(at(2_147_483_647).contains("sequenceId=\"2147483647\""));
        assert!(at(2_147_483_648).contains("sequenceId=\"1\""));
    }
}
