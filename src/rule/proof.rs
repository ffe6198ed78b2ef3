//! Which frames prove a finding: the named moments of a connection that rules can point at.

use crate::model::{AuditedSession, Direction, Moment, ReadableFacts, Seen, TlsFacts};

/// A named moment of a connection.
#[derive(Clone, Copy)]
pub struct Point {
    /// The word in rule files.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    find: fn(&AuditedSession) -> Option<Moment>,
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Point {}

impl std::fmt::Debug for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Point({})", self.name)
    }
}

impl Point {
    /// The point with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        POINTS.iter().find(|point| point.name == name).copied()
    }

    /// When and where it was in this session, if it was.
    #[must_use]
    pub fn find(&self, session: &AuditedSession) -> Option<Moment> {
        (self.find)(session)
    }
}

/// All points. One entry declares one.
pub static POINTS: &[Point] = &[
    Point { name: "client-hello", doc: "the ClientHello", find: |s| tls(s, client_hello) },
    Point { name: "server-hello", doc: "the ServerHello", find: |s| tls(s, server_hello) },
    Point {
        name: "server-certificate",
        doc: "the server's Certificate message",
        find: |s| tls(s, |tls| tls.server_chain_at),
    },
    Point {
        name: "client-certificate",
        doc: "the client's Certificate message",
        find: |s| tls(s, |tls| tls.client_chain_at),
    },
    Point {
        name: "certificate-request",
        doc: "the server's request for a client certificate",
        find: |s| tls(s, |tls| at(&tls.certificate_request, |request| request.at)),
    },
    Point {
        name: "key-exchange",
        doc: "ServerKeyExchange, or the ServerHello that carries the key share",
        find: |s| tls(s, |tls| at(&tls.key_exchange, |exchange| exchange.at)),
    },
    Point {
        name: "alert",
        doc: "the first alert in clear",
        find: |s| tls(s, |tls| tls.alerts.first().map(|alert| alert.at)),
    },
    Point {
        name: "first-data",
        doc: "the first encrypted application data",
        find: |s| tls(s, first_data),
    },
    Point {
        name: "first-record",
        doc: "the first hello, else the first packet",
        find: first_record,
    },
    Point {
        name: "plaintext",
        doc: "the first readable application bytes",
        find: |s| s.session.facts.plaintext,
    },
    Point {
        name: "first-request",
        doc: "the first readable request",
        find: |s| s.session.facts.calls.as_ref().and_then(|calls| calls.first_request),
    },
    Point {
        name: "first-response",
        doc: "the first readable response",
        find: |s| s.session.facts.calls.as_ref().and_then(|calls| calls.first_response),
    },
    Point {
        name: "first-credential",
        doc: "the first readable request with a credential",
        find: |s| s.session.facts.calls.as_ref().and_then(|calls| calls.first_auth),
    },
    Point {
        name: "first-sensitive",
        doc: "the first readable data that looks sensitive",
        find: |s| readable(s)?.sensitive.iter().map(|one| one.first).min(),
    },
    Point {
        name: "first-moved",
        doc: "the first answer with a name's new address",
        find: |s| readable(s)?.moves.iter().map(|one| one.at).min(),
    },
    Point {
        name: "mismatch",
        doc: "the answer in another protocol",
        find: |s| s.session.facts.mismatch.map(|mismatch| mismatch.at),
    },
    Point { name: "first-packet", doc: "the first packet", find: |s| Some(s.session.first) },
    Point { name: "last-packet", doc: "the last packet", find: |s| Some(s.session.last) },
];

fn tls(session: &AuditedSession, find: impl FnOnce(&TlsFacts) -> Option<Moment>) -> Option<Moment> {
    session.session.facts.tls.as_deref().and_then(find)
}

fn readable(session: &AuditedSession) -> Option<&ReadableFacts> {
    session.session.facts.readable.as_deref()
}

fn at<T>(seen: &Seen<T>, read: impl FnOnce(&T) -> Moment) -> Option<Moment> {
    seen.value().map(read)
}

fn client_hello(tls: &TlsFacts) -> Option<Moment> {
    at(&tls.client_hello, |hello| hello.at)
}

fn server_hello(tls: &TlsFacts) -> Option<Moment> {
    at(&tls.server_hello, |hello| hello.at)
}

fn first_data(tls: &TlsFacts) -> Option<Moment> {
    Direction::BOTH.into_iter().filter_map(|way| tls.application_data[way]).min()
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of the table")]
fn first_record(session: &AuditedSession) -> Option<Moment> {
    let hello = tls(session, |facts| client_hello(facts).or_else(|| server_hello(facts)));
    Some(hello.or(session.session.facts.plaintext).unwrap_or(session.session.first))
}
