//! Fields of server endpoints and of edges: what many sessions say together.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::model::told::int;
use crate::model::{
    EdgeFacts, EndpointFacts, Field, Kind, Postures, Seen, Subject, SubjectKind, Value,
    WRONG_SUBJECT, Why,
};

type Getter = for<'a> fn(&Subject<'a>) -> Seen<Value<'a>>;

/// The fields of endpoints and edges. One line declares one.
#[rustfmt::skip]
pub static FIELDS: &[Field] = &[
    endpoint("server.service", Kind::Text, "payments", "the service that was called, or its address", |s| of_endpoint(s, |e| Seen::Value(Value::text(&e.server.service)))),
    endpoint("server.addr", Kind::Text, "10.0.0.9", "the address that was called", |s| of_endpoint(s, |e| address(e.server.addr))),
    endpoint("server.port", Kind::Int, "8443", "the port that was called", |s| of_endpoint(s, |e| int(u64::from(e.port)))),
    endpoint("server.owner", Kind::Text, "team-money@example.com", "who answers for the server, as the services file says", |s| of_endpoint(s, |e| e.server.told(|p| p.owner.as_deref()))),
    endpoint("server.kind", Kind::Text, "discovery", "what the server is for, as the services file says", |s| of_endpoint(s, |e| e.server.told(|p| p.kind.as_deref()))),
    endpoint("server.tier", Kind::Text, "critical", "how much depends on the server, as the services file says", |s| of_endpoint(s, |e| e.server.told(|p| p.tier.as_deref()))),
    endpoint("endpoint.sessions", Kind::Int, "120", "sessions with it", |s| of_endpoint(s, |e| int(e.postures.total()))),
    endpoint("endpoint.mtls", Kind::Int, "80", "of them mutual TLS", |s| of_endpoint(s, |e| int(e.postures.mtls))),
    endpoint("endpoint.tls", Kind::Int, "30", "of them TLS without a client certificate", |s| of_endpoint(s, |e| int(e.postures.tls))),
    endpoint("endpoint.tls_opaque", Kind::Int, "0", "of them TLS, client authentication not told", |s| of_endpoint(s, |e| int(e.postures.tls_opaque))),
    endpoint("endpoint.any_tls", Kind::Int, "110", "of them TLS of any kind", |s| of_endpoint(s, |e| int(any_tls(&e.postures)))),
    endpoint("endpoint.plaintext", Kind::Int, "10", "of them readable", |s| of_endpoint(s, |e| int(e.postures.plaintext))),
    endpoint("endpoint.refused_plaintext", Kind::Int, "2", "sessions whose plaintext was only answered by a refusal", |s| of_endpoint(s, |e| int(e.refused_plaintext))),
    endpoint("endpoint.served_plaintext", Kind::Int, "8", "readable sessions that were not refused; hidden when some traffic with the endpoint is missing", |s| of_endpoint(s, served_plaintext)),
    endpoint("endpoint.unknown", Kind::Int, "0", "sessions of which not enough was seen", |s| of_endpoint(s, |e| int(e.postures.unknown))),
    endpoint("endpoint.clients", Kind::Int, "7", "distinct clients", |s| of_endpoint(s, |e| int(e.clients))),
    endpoint("endpoint.protocols", Kind::Texts, "tls", "protocols seen", |s| of_endpoint(s, |e| texts(&e.protocols))),
    endpoint("endpoint.incomplete", Kind::Bool, "false", "some of its traffic is missing from the capture", |s| of_endpoint(s, |e| Seen::Value(Value::Bool(e.incomplete)))),
    endpoint("endpoint.first_seen", Kind::Time, "2026-01-21T09:00:00Z", "first packet", |s| of_endpoint(s, |e| Seen::Value(Value::Time(e.first.time)))),
    endpoint("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet", |s| of_endpoint(s, |e| Seen::Value(Value::Time(e.last.time)))),
    edge("server.service", Kind::Text, "payments", "the service that was called, or its address", |s| of_edge(s, |e| Seen::Value(Value::text(&e.server.service)))),
    edge("server.addr", Kind::Text, "10.0.0.9", "the address that was called", |s| of_edge(s, |e| address(e.server.addr))),
    edge("server.port", Kind::Int, "8443", "the port that was called", |s| of_edge(s, |e| int(u64::from(e.port)))),
    edge("server.owner", Kind::Text, "team-money@example.com", "who answers for the server, as the services file says", |s| of_edge(s, |e| e.server.told(|p| p.owner.as_deref()))),
    edge("server.kind", Kind::Text, "discovery", "what the server is for, as the services file says", |s| of_edge(s, |e| e.server.told(|p| p.kind.as_deref()))),
    edge("server.tier", Kind::Text, "critical", "how much depends on the server, as the services file says", |s| of_edge(s, |e| e.server.told(|p| p.tier.as_deref()))),
    edge("client.service", Kind::Text, "checkout", "the service that called, or its address", |s| of_edge(s, |e| Seen::Value(Value::text(&e.client.service)))),
    edge("client.addr", Kind::Text, "10.0.0.5", "the address that called", |s| of_edge(s, |e| address(e.client.addr))),
    edge("client.owner", Kind::Text, "team-money@example.com", "who answers for the client, as the services file says", |s| of_edge(s, |e| e.client.told(|p| p.owner.as_deref()))),
    edge("client.kind", Kind::Text, "discovery", "what the client is for, as the services file says", |s| of_edge(s, |e| e.client.told(|p| p.kind.as_deref()))),
    edge("client.tier", Kind::Text, "critical", "how much depends on the client, as the services file says", |s| of_edge(s, |e| e.client.told(|p| p.tier.as_deref()))),
    edge("edge.sessions", Kind::Int, "120", "sessions between the two", |s| of_edge(s, |e| int(e.postures.total()))),
    edge("edge.mtls", Kind::Int, "80", "of them mutual TLS", |s| of_edge(s, |e| int(e.postures.mtls))),
    edge("edge.tls", Kind::Int, "30", "of them TLS without a client certificate", |s| of_edge(s, |e| int(e.postures.tls))),
    edge("edge.tls_opaque", Kind::Int, "0", "of them TLS, client authentication not told", |s| of_edge(s, |e| int(e.postures.tls_opaque))),
    edge("edge.any_tls", Kind::Int, "110", "of them TLS of any kind", |s| of_edge(s, |e| int(any_tls(&e.postures)))),
    edge("edge.plaintext", Kind::Int, "10", "of them readable", |s| of_edge(s, |e| int(e.postures.plaintext))),
    edge("edge.unknown", Kind::Int, "0", "sessions of which not enough was seen", |s| of_edge(s, |e| int(e.postures.unknown))),
    edge("edge.without_certificate", Kind::Int, "0", "sessions without a client certificate, readable ones included, since the latest mutual one; 0 when none was mutual", |s| of_edge(s, |e| int(e.descent.without_certificate))),
    edge("edge.readable", Kind::Int, "0", "readable sessions since the latest TLS one; 0 when none was TLS", |s| of_edge(s, |e| int(e.descent.readable))),
    edge("edge.last_mtls", Kind::Time, "2026-01-21T09:00:00Z", "when the latest mutual session began; absent when none was", |s| of_edge(s, |e| e.descent.last_mtls.map(|at| Value::Time(at.time)).into())),
    edge("edge.last_tls", Kind::Time, "2026-01-21T09:00:00Z", "when the latest TLS session began; absent when none did", |s| of_edge(s, |e| e.descent.last_tls.map(|at| Value::Time(at.time)).into())),
    edge("edge.bytes", Kind::Int, "90000", "bytes in both directions", |s| of_edge(s, |e| int(e.bytes))),
    edge("edge.protocols", Kind::Texts, "grpc", "protocols seen", |s| of_edge(s, |e| texts(&e.protocols))),
    edge("edge.first_seen", Kind::Time, "2026-01-21T09:00:00Z", "first packet", |s| of_edge(s, |e| Seen::Value(Value::Time(e.first.time)))),
    edge("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet", |s| of_edge(s, |e| Seen::Value(Value::Time(e.last.time)))),
];

pub(super) const fn endpoint(
    path: &'static str,
    kind: Kind,
    example: &'static str,
    doc: &'static str,
    get: Getter,
) -> Field {
    Field { on: SubjectKind::Endpoint, path, kind, doc, example, get }
}

pub(super) const fn edge(
    path: &'static str,
    kind: Kind,
    example: &'static str,
    doc: &'static str,
    get: Getter,
) -> Field {
    Field { on: SubjectKind::Edge, path, kind, doc, example, get }
}

pub(super) fn of_endpoint<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a EndpointFacts) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    match subject {
        Subject::Endpoint(endpoint) => read(endpoint),
        _ => WRONG_SUBJECT,
    }
}

pub(super) fn of_edge<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a EdgeFacts) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    match subject {
        Subject::Edge(edge) => read(edge),
        _ => WRONG_SUBJECT,
    }
}

pub(super) fn texts(all: &[String]) -> Seen<Value<'_>> {
    Seen::Value(Value::Texts(all.iter().map(|text| Cow::Borrowed(text.as_str())).collect()))
}

fn address<'a>(addr: IpAddr) -> Seen<Value<'a>> {
    Seen::Value(Value::Text(Cow::Owned(addr.to_string())))
}

fn any_tls(postures: &Postures) -> u64 {
    postures.mtls.saturating_add(postures.tls).saturating_add(postures.tls_opaque)
}

/// What is missing may have been the TLS request on the same connection, or the refusal.
fn served_plaintext(endpoint: &EndpointFacts) -> Seen<Value<'_>> {
    let served = endpoint.postures.plaintext.saturating_sub(endpoint.refused_plaintext);
    if endpoint.incomplete && served > 0 {
        return Seen::Hidden(Why::Gap);
    }
    int(served)
}
