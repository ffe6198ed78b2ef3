//! Fields of server endpoints and of edges: what many sessions say together.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::model::told::int;
use crate::model::{
    EdgeFacts, EndpointFacts, Field, Judged, Kind, Postures, Seen, Value, Why, field,
};

/// The fields of endpoints and edges. One line declares one.
#[rustfmt::skip]
pub static FIELDS: &[Field] = &[
    field::<EndpointFacts>("server.service", Kind::Text, "payments", "the service that was called, or its address", |s| EndpointFacts::of(s, |e| Seen::Value(Value::text(&e.server.service)))),
    field::<EndpointFacts>("server.addr", Kind::Text, "10.0.0.9", "the address that was called", |s| EndpointFacts::of(s, |e| address(e.server.addr))),
    field::<EndpointFacts>("server.port", Kind::Int, "8443", "the port that was called", |s| EndpointFacts::of(s, |e| int(u64::from(e.port)))),
    field::<EndpointFacts>("server.owner", Kind::Text, "team-money@example.com", "who answers for the server, as the services file says", |s| EndpointFacts::of(s, |e| e.server.told(|p| p.owner.as_deref()))),
    field::<EndpointFacts>("server.kind", Kind::Text, "discovery", "what the server is for, as the services file says", |s| EndpointFacts::of(s, |e| e.server.told(|p| p.kind.as_deref()))),
    field::<EndpointFacts>("server.tier", Kind::Text, "critical", "how much depends on the server, as the services file says", |s| EndpointFacts::of(s, |e| e.server.told(|p| p.tier.as_deref()))),
    field::<EndpointFacts>("endpoint.sessions", Kind::Int, "120", "sessions with it", |s| EndpointFacts::of(s, |e| int(e.postures.total()))),
    field::<EndpointFacts>("endpoint.mtls", Kind::Int, "80", "of them mutual TLS", |s| EndpointFacts::of(s, |e| int(e.postures.mtls))),
    field::<EndpointFacts>("endpoint.tls", Kind::Int, "30", "of them TLS without a client certificate", |s| EndpointFacts::of(s, |e| int(e.postures.tls))),
    field::<EndpointFacts>("endpoint.tls_opaque", Kind::Int, "0", "of them TLS, client authentication not told", |s| EndpointFacts::of(s, |e| int(e.postures.tls_opaque))),
    field::<EndpointFacts>("endpoint.any_tls", Kind::Int, "110", "of them TLS of any kind", |s| EndpointFacts::of(s, |e| int(any_tls(&e.postures)))),
    field::<EndpointFacts>("endpoint.plaintext", Kind::Int, "10", "of them readable", |s| EndpointFacts::of(s, |e| int(e.postures.plaintext))),
    field::<EndpointFacts>("endpoint.refused_plaintext", Kind::Int, "2", "sessions whose plaintext was only answered by a refusal", |s| EndpointFacts::of(s, |e| int(e.particulars.refused))),
    field::<EndpointFacts>("endpoint.served_plaintext", Kind::Int, "8", "readable sessions that were not refused; hidden when some traffic with the endpoint is missing", |s| EndpointFacts::of(s, served_plaintext)),
    field::<EndpointFacts>("endpoint.unknown", Kind::Int, "0", "sessions of which not enough was seen", |s| EndpointFacts::of(s, |e| int(e.postures.unknown))),
    field::<EndpointFacts>("endpoint.clients", Kind::Int, "7", "distinct clients", |s| EndpointFacts::of(s, |e| int(e.clients))),
    field::<EndpointFacts>("endpoint.protocols", Kind::Texts, "tls", "protocols seen", |s| EndpointFacts::of(s, |e| texts(&e.protocols))),
    field::<EndpointFacts>("endpoint.incomplete", Kind::Bool, "false", "some of its traffic is missing from the capture", |s| EndpointFacts::of(s, |e| Seen::Value(Value::Bool(e.incomplete)))),
    field::<EndpointFacts>("endpoint.first_seen", Kind::Time, "2026-01-21T09:00:00Z", "first packet", |s| EndpointFacts::of(s, |e| Seen::Value(Value::Time(e.first.time)))),
    field::<EndpointFacts>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet", |s| EndpointFacts::of(s, |e| Seen::Value(Value::Time(e.last.time)))),
    field::<EdgeFacts>("server.service", Kind::Text, "payments", "the service that was called, or its address", |s| EdgeFacts::of(s, |e| Seen::Value(Value::text(&e.server.service)))),
    field::<EdgeFacts>("server.addr", Kind::Text, "10.0.0.9", "the address that was called", |s| EdgeFacts::of(s, |e| address(e.server.addr))),
    field::<EdgeFacts>("server.port", Kind::Int, "8443", "the port that was called", |s| EdgeFacts::of(s, |e| int(u64::from(e.port)))),
    field::<EdgeFacts>("server.owner", Kind::Text, "team-money@example.com", "who answers for the server, as the services file says", |s| EdgeFacts::of(s, |e| e.server.told(|p| p.owner.as_deref()))),
    field::<EdgeFacts>("server.kind", Kind::Text, "discovery", "what the server is for, as the services file says", |s| EdgeFacts::of(s, |e| e.server.told(|p| p.kind.as_deref()))),
    field::<EdgeFacts>("server.tier", Kind::Text, "critical", "how much depends on the server, as the services file says", |s| EdgeFacts::of(s, |e| e.server.told(|p| p.tier.as_deref()))),
    field::<EdgeFacts>("client.service", Kind::Text, "checkout", "the service that called, or its address", |s| EdgeFacts::of(s, |e| Seen::Value(Value::text(&e.client.service)))),
    field::<EdgeFacts>("client.addr", Kind::Text, "10.0.0.5", "the address that called", |s| EdgeFacts::of(s, |e| address(e.client.addr))),
    field::<EdgeFacts>("client.owner", Kind::Text, "team-money@example.com", "who answers for the client, as the services file says", |s| EdgeFacts::of(s, |e| e.client.told(|p| p.owner.as_deref()))),
    field::<EdgeFacts>("client.kind", Kind::Text, "discovery", "what the client is for, as the services file says", |s| EdgeFacts::of(s, |e| e.client.told(|p| p.kind.as_deref()))),
    field::<EdgeFacts>("client.tier", Kind::Text, "critical", "how much depends on the client, as the services file says", |s| EdgeFacts::of(s, |e| e.client.told(|p| p.tier.as_deref()))),
    field::<EdgeFacts>("edge.sessions", Kind::Int, "120", "sessions between the two", |s| EdgeFacts::of(s, |e| int(e.postures.total()))),
    field::<EdgeFacts>("edge.mtls", Kind::Int, "80", "of them mutual TLS", |s| EdgeFacts::of(s, |e| int(e.postures.mtls))),
    field::<EdgeFacts>("edge.tls", Kind::Int, "30", "of them TLS without a client certificate", |s| EdgeFacts::of(s, |e| int(e.postures.tls))),
    field::<EdgeFacts>("edge.tls_opaque", Kind::Int, "0", "of them TLS, client authentication not told", |s| EdgeFacts::of(s, |e| int(e.postures.tls_opaque))),
    field::<EdgeFacts>("edge.any_tls", Kind::Int, "110", "of them TLS of any kind", |s| EdgeFacts::of(s, |e| int(any_tls(&e.postures)))),
    field::<EdgeFacts>("edge.plaintext", Kind::Int, "10", "of them readable", |s| EdgeFacts::of(s, |e| int(e.postures.plaintext))),
    field::<EdgeFacts>("edge.unknown", Kind::Int, "0", "sessions of which not enough was seen", |s| EdgeFacts::of(s, |e| int(e.postures.unknown))),
    field::<EdgeFacts>("edge.without_certificate", Kind::Int, "0", "sessions without a client certificate, readable ones included, since the latest mutual one, which may be of an earlier run; 0 when none was mutual", |s| EdgeFacts::of(s, |e| int(e.descent.without_certificate))),
    field::<EdgeFacts>("edge.readable", Kind::Int, "0", "readable sessions since the latest TLS one, which may be of an earlier run; 0 when none was TLS", |s| EdgeFacts::of(s, |e| int(e.descent.readable))),
    field::<EdgeFacts>("edge.last_mtls", Kind::Time, "2026-01-21T09:00:00Z", "when the latest mutual session began; absent when none was", |s| EdgeFacts::of(s, |e| e.descent.last_mtls.map(|at| Value::Time(at.time)).into())),
    field::<EdgeFacts>("edge.last_tls", Kind::Time, "2026-01-21T09:00:00Z", "when the latest TLS session began; absent when none did", |s| EdgeFacts::of(s, |e| e.descent.last_tls.map(|at| Value::Time(at.time)).into())),
    field::<EdgeFacts>("edge.earlier_mtls", Kind::Int, "0", "mutual sessions in earlier runs of the database, where this run has none; 0 without a database", |s| EdgeFacts::of(s, |e| int(e.descent.earlier_mtls))),
    field::<EdgeFacts>("edge.earlier_tls", Kind::Int, "0", "TLS sessions in earlier runs of the database, where this run has none; 0 without a database", |s| EdgeFacts::of(s, |e| int(e.descent.earlier_tls))),
    field::<EdgeFacts>("edge.bytes", Kind::Int, "90000", "bytes in both directions", |s| EdgeFacts::of(s, |e| int(e.bytes))),
    field::<EdgeFacts>("edge.protocols", Kind::Texts, "grpc", "protocols seen", |s| EdgeFacts::of(s, |e| texts(&e.protocols))),
    field::<EdgeFacts>("edge.first_seen", Kind::Time, "2026-01-21T09:00:00Z", "first packet", |s| EdgeFacts::of(s, |e| Seen::Value(Value::Time(e.first.time)))),
    field::<EdgeFacts>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet", |s| EdgeFacts::of(s, |e| Seen::Value(Value::Time(e.last.time)))),
];

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
    let served = endpoint.postures.plaintext.saturating_sub(endpoint.particulars.refused);
    if endpoint.incomplete && served > 0 {
        return Seen::Hidden(Why::Gap);
    }
    int(served)
}
