//! Fields of every session, whatever its protocol: its verdict, its ends, its traffic, its readable calls.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::{
    AuditedSession, Call, CallFacts, Field, Kind, PerDirection, Seen, Subject, SubjectKind, Value,
    WRONG_SUBJECT, Why,
};

type Getter = for<'a> fn(&Subject<'a>) -> Seen<Value<'a>>;

/// Fields of sessions that do not depend on a protocol. One line declares one.
#[rustfmt::skip]
pub static SESSION_FIELDS: &[Field] = &[
    field("session.posture", Kind::Text, "mtls", "how private and authenticated: `mtls`, `tls`, `tls-opaque`, `plaintext` or `unknown`", |s| of(s, |a| text(a.posture.name()))),
    field("session.posture_why", Kind::Text, "certificates on both sides", "why, in a few words", |s| of(s, |a| text(a.posture_why))),
    field("session.evidence", Kind::Text, "observed", "how the posture is known: `observed`, `decrypted`, `inherited` or `inferred`", |s| of(s, |a| text(a.evidence))),
    field("session.protocol", Kind::Text, "tls", "what carried the bytes; absent when it was not recognised", |s| of(s, |a| a.session.protocol.map(Value::text).into())),
    field("session.tls", Kind::Bool, "true", "a TLS record was seen", |s| of(s, |a| bool(a.session.facts.tls.is_some()))),
    field("session.client_auth", Kind::Text, "not-requested", "what the client did to authenticate itself in TLS: `not-requested`, `declined` or `presented`", |s| of(s, client_auth)),
    field("session.roles", Kind::Text, "syn", "how client and server were told apart: `syn`, `content` or `guess`", |s| of(s, |a| text(a.session.roles.name()))),
    field("session.start_seen", Kind::Bool, "true", "the capture has the beginning of the connection", |s| of(s, |a| bool(a.session.start_seen))),
    field("session.end", Kind::Text, "fin", "how it ended: `fin`, `rst`, `timeout` or `open`", |s| of(s, |a| text(a.session.end.name()))),
    field("session.one_sided", Kind::Bool, "false", "only one direction was captured", |s| of(s, |a| bool(a.session.one_sided()))),
    field("session.packets", Kind::Int, "24", "TCP segments in both directions", |s| of(s, |a| int(sum(a.session.traffic, |t| t.packets)))),
    field("session.bytes_to_server", Kind::Int, "1200", "payload bytes from the client, retransmissions included", |s| of(s, |a| int(a.session.traffic.to_server.bytes))),
    field("session.bytes_to_client", Kind::Int, "5300", "payload bytes from the server, retransmissions included", |s| of(s, |a| int(a.session.traffic.to_client.bytes))),
    field("session.gap_bytes", Kind::Int, "0", "bytes that the capture does not have", |s| of(s, |a| int(sum(a.session.stream.gap_bytes, |b| *b)))),
    field("session.cut_segments", Kind::Int, "0", "segments cut off by the snapshot length of the capture", |s| of(s, |a| int(u64::from(a.session.stream.cut_segments)))),
    field("session.retransmitted", Kind::Int, "0", "payload bytes that had been seen before", |s| of(s, |a| int(a.session.stream.retransmitted))),
    field("session.conflicting_overlaps", Kind::Int, "0", "overlapping segments that said something else than the ones before them", |s| of(s, |a| int(u64::from(a.session.stream.conflicting_overlaps)))),
    field("session.vlan", Kind::Int, "100", "802.1Q tag of the first frame", |s| of(s, |a| a.session.vlan.map(|tag| Value::Int(i64::from(tag))).into())),
    field("session.loopback", Kind::Bool, "false", "both ends are loopback addresses", |s| of(s, |a| bool(loopback(a.client.addr) && loopback(a.server.addr)))),
    field("session.first_bytes", Kind::Text, "text", "what the first bytes of an unrecognised protocol look like: `text`, `binary` or `high-entropy`", |s| of(s, |a| a.session.facts.first_bytes.map(|bytes| Value::text(bytes.name())).into())),
    field("session.mismatch", Kind::Text, "plaintext-to-tls", "client and server spoke different protocols: which way", |s| of(s, |a| a.session.facts.mismatch.map(|mismatch| Value::text(mismatch.value)).into())),
    field("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet of the session", |s| of(s, |a| Seen::Value(Value::Time(a.session.last.time)))),
    field("client.service", Kind::Text, "checkout", "the service that called, or its address", |s| of(s, |a| Seen::Value(Value::text(&a.client.service)))),
    field("client.addr", Kind::Text, "10.0.0.5", "the address that called", |s| of(s, |a| address(a.client.addr))),
    field("client.named_by", Kind::Text, "unmapped", "how the client got its name", |s| of(s, |a| text(a.client.how))),
    field("client.internal", Kind::Bool, "true", "the address of the client is private, link-local or loopback", |s| of(s, |a| bool(internal(a.client.addr)))),
    field("server.service", Kind::Text, "payments", "the service that was called, or its address", |s| of(s, |a| Seen::Value(Value::text(&a.server.service)))),
    field("server.addr", Kind::Text, "10.0.0.9", "the address that was called", |s| of(s, |a| address(a.server.addr))),
    field("server.port", Kind::Int, "8443", "the port that was called", |s| of(s, |a| int(u64::from(a.session.server.port)))),
    field("server.named_by", Kind::Text, "unmapped", "how the server got its name", |s| of(s, |a| text(a.server.how))),
    field("server.internal", Kind::Bool, "true", "the address of the server is private, link-local or loopback", |s| of(s, |a| bool(internal(a.server.addr)))),
    field("call.requests", Kind::Int, "12", "readable requests", |s| of(s, requests)),
    field("call.responses", Kind::Int, "12", "readable responses", |s| of(s, responses)),
    field("call.unnamed", Kind::Int, "0", "requests whose service and method could not be told", |s| of(s, |a| calls(a, |c| int(c.unnamed)))),
    field("call.services", Kind::Texts, "helloworld.Greeter", "distinct RPC services called", |s| of(s, |a| calls(a, |c| texts(c.calls.iter().map(|call| call.service.as_str()))))),
    field("call.methods", Kind::Texts, "SayHello", "distinct methods called; for plain HTTP, method and path", |s| of(s, |a| calls(a, |c| texts(c.calls.iter().map(|call| call.method.as_str()))))),
    field("call.succeeded", Kind::Int, "12", "responses that say success", |s| of(s, |a| calls(a, |c| int(total(c, |call| call.succeeded))))),
    field("call.failed", Kind::Int, "0", "responses that say anything else", |s| of(s, |a| calls(a, |c| int(total(c, |call| call.failed))))),
    field("call.status", Kind::Ints, "200", "the last status of each distinct call: of gRPC where there is one, else of HTTP", |s| of(s, |a| calls(a, statuses))),
    field("call.cut", Kind::Bool, "false", "a bound was reached, so that the lists are not all there was", |s| of(s, |a| calls(a, |c| bool(c.cut)))),
    field("call.authorities", Kind::Texts, "payments:8080", "distinct names that were called (`Host`, `:authority`)", |s| of(s, |a| calls(a, |c| texts(c.authorities.iter().map(String::as_str))))),
    field("call.user_agents", Kind::Texts, "grpc-go/1.80.0", "distinct user agents", |s| of(s, |a| calls(a, |c| texts(c.user_agents.iter().map(String::as_str))))),
    field("call.server_products", Kind::Texts, "nginx", "distinct server products", |s| of(s, |a| calls(a, |c| texts(c.server_products.iter().map(String::as_str))))),
    field("call.auth_schemes", Kind::Texts, "bearer", "distinct authentication schemes; never what follows them", |s| of(s, |a| calls(a, |c| texts(c.auth_schemes.iter().map(String::as_str))))),
    field("call.authenticated", Kind::Int, "12", "requests that carried a credential", |s| of(s, |a| calls(a, |c| int(c.authenticated)))),
];

const fn field(
    path: &'static str,
    kind: Kind,
    example: &'static str,
    doc: &'static str,
    get: Getter,
) -> Field {
    Field { on: SubjectKind::Session, path, kind, doc, example, get }
}

fn of<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a AuditedSession) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    match subject {
        Subject::Session(session) => read(session),
        _ => WRONG_SUBJECT,
    }
}

fn text<'a>(text: &'static str) -> Seen<Value<'a>> {
    Seen::Value(Value::text(text))
}

fn bool<'a>(value: bool) -> Seen<Value<'a>> {
    Seen::Value(Value::Bool(value))
}

fn int<'a>(value: u64) -> Seen<Value<'a>> {
    Seen::Value(Value::Int(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// Distinct non-empty texts in their order.
fn texts<'a>(all: impl Iterator<Item = &'a str>) -> Seen<Value<'a>> {
    let mut distinct: Vec<Cow<'a, str>> = Vec::new();
    for text in all.filter(|text| !text.is_empty()) {
        if !distinct.iter().any(|known| known == text) {
            distinct.push(Cow::Borrowed(text));
        }
    }
    Seen::Value(Value::Texts(distinct))
}

fn address<'a>(addr: IpAddr) -> Seen<Value<'a>> {
    Seen::Value(Value::Text(Cow::Owned(addr.to_string())))
}

fn sum<T>(both: PerDirection<T>, count: impl Fn(&T) -> u64) -> u64 {
    count(&both.to_server).saturating_add(count(&both.to_client))
}

fn client_auth(session: &AuditedSession) -> Seen<Value<'_>> {
    if session.session.facts.tls.is_none() {
        return Seen::Absent;
    }
    session.client_auth.map(|auth| Value::text(auth.name()))
}

fn calls<'a>(
    session: &'a AuditedSession,
    read: impl FnOnce(&'a CallFacts) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    session.session.facts.calls.as_deref().map_or(Seen::Absent, read)
}

fn total(calls: &CallFacts, count: impl Fn(&Call) -> u64) -> u64 {
    calls.calls.iter().fold(0, |sum, call| sum.saturating_add(count(call)))
}

fn statuses(calls: &CallFacts) -> Seen<Value<'_>> {
    let last = calls.calls.iter().filter_map(|call| call.last_status).map(i64::from);
    let distinct: BTreeSet<i64> = last.collect();
    Seen::Value(Value::Ints(distinct.into_iter().collect()))
}

/// Without the client's side, that no request was seen says nothing.
fn requests(session: &AuditedSession) -> Seen<Value<'_>> {
    let missing = session.session.traffic.to_server.packets == 0;
    calls(session, |calls| match calls.requests {
        0 if missing => Seen::Hidden(Why::OneSided),
        count => int(count),
    })
}

/// Without the server's side, that no response was seen says nothing.
fn responses(session: &AuditedSession) -> Seen<Value<'_>> {
    let missing = session.session.traffic.to_client.packets == 0;
    calls(session, |calls| match calls.responses {
        0 if missing => Seen::Hidden(Why::OneSided),
        0 if session.session.stream.gap_bytes.to_client > 0 => Seen::Hidden(Why::Gap),
        count => int(count),
    })
}

fn loopback(addr: IpAddr) -> bool {
    addr.to_canonical().is_loopback()
}

/// Whether an address belongs to a network of one's own: RFC 1918, RFC 6598, RFC 4193, link-local, loopback.
fn internal(addr: IpAddr) -> bool {
    match addr.to_canonical() {
        IpAddr::V4(addr) => {
            let [a, b, ..] = addr.octets();
            let shared = a == 100 && (64..128).contains(&b);
            addr.is_private() || addr.is_link_local() || addr.is_loopback() || shared
        }
        IpAddr::V6(addr) => {
            addr.is_unique_local() || addr.is_unicast_link_local() || addr.is_loopback()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_ones_own_networks_are_internal() {
        let own = "10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 127.0.0.1 ::1 fd00::1 fe80::1 ::ffff:10.0.0.1";
        for own in own.split(' ') {
            assert!(internal(own.parse().unwrap()), "{own}");
        }
        for other in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1"] {
            assert!(!internal(other.parse().unwrap()), "{other}");
        }
    }
}
