//! Fields of every session, whatever its protocol: its verdict, its ends, its traffic.

use std::borrow::Cow;
use std::net::IpAddr;

use super::class_of;
use crate::model::told::{bool, int, text};
use crate::model::{
    AuditedSession, Field, Judged, Kind, PerDirection, Seen, Value, field, is_internal,
};

/// Fields of sessions that do not depend on a protocol. One line declares one.
#[rustfmt::skip]
pub static SESSION_FIELDS: &[Field] = &[
    field::<AuditedSession>("session.posture", Kind::Text, "mtls", "how private and authenticated: `mtls`, `tls`, `tls-opaque`, `plaintext` or `unknown`", |s| AuditedSession::of(s, |a| text(a.posture.name()))),
    field::<AuditedSession>("session.posture_why", Kind::Text, "certificates on both sides", "why, in a few words", |s| AuditedSession::of(s, |a| text(a.posture_why))),
    field::<AuditedSession>("session.evidence", Kind::Text, "observed", "how the posture is known: `observed`, `decrypted`, `inherited` or `inferred`", |s| AuditedSession::of(s, |a| text(a.evidence))),
    field::<AuditedSession>("session.confidence", Kind::Text, "high", "how sure the posture is: `high`, `medium` or `low`; less than `high` only where it is inferred or inherited", |s| AuditedSession::of(s, |a| text(a.confidence.name()))),
    field::<AuditedSession>("session.told", Kind::Text, " (inferred from the lengths of encrypted records)", "for messages: how the posture is known where it was not read; empty where it was", |s| AuditedSession::of(s, |a| text(told(a)))),
    field::<AuditedSession>("session.inherited_from", Kind::Int, "17", "for a resumed session, the number of the session whose full handshake it continues; absent when that was not seen", |s| AuditedSession::of(s, |a| a.inherited.as_deref().map(|i| Value::Int(i64::try_from(i.from).unwrap_or(i64::MAX))).into())),
    field::<AuditedSession>("session.inherited_by", Kind::Text, "ticket", "what ties the two together: `session-id`, `ticket`, or `ends` where TLS 1.3 encrypts tickets", |s| AuditedSession::of(s, |a| a.inherited.as_deref().map(|i| Value::text(i.link.name())).into())),
    field::<AuditedSession>("session.protocol", Kind::Text, "tls", "what carried the bytes; absent when it was not recognised", |s| AuditedSession::of(s, |a| a.session.protocol.map(Value::text).into())),
    field::<AuditedSession>("session.class", Kind::Text, "rpc", "what the protocol is for: `channel` (TLS), `rpc`, `datastore`, `broker`, `registry` or `infrastructure`; absent when the protocol was not recognised", |s| AuditedSession::of(s, |a| a.session.protocol.and_then(class_of).map(|class| Value::text(class.name())).into())),
    field::<AuditedSession>("session.tls", Kind::Bool, "true", "a TLS record was seen", |s| AuditedSession::of(s, |a| bool(a.session.facts.tls.is_some()))),
    field::<AuditedSession>("session.client_auth", Kind::Text, "not-requested", "what the client did to authenticate itself in TLS: `not-requested`, `declined` or `presented`", |s| AuditedSession::of(s, client_auth)),
    field::<AuditedSession>("session.client_auth_confidence", Kind::Text, "high", "how sure that is: `high`, `medium` or `low`", |s| AuditedSession::of(s, |a| client_auth(a).map(|_| Value::text(a.confidence.name())))),
    field::<AuditedSession>("session.transport", Kind::Text, "tcp", "what it went over: `tcp` or `udp`", |s| AuditedSession::of(s, |a| text(a.session.transport().name()))),
    field::<AuditedSession>("session.roles", Kind::Text, "syn", "how client and server were told apart: `syn`, `content` or `guess`", |s| AuditedSession::of(s, |a| text(a.session.roles.name()))),
    field::<AuditedSession>("session.start_seen", Kind::Bool, "true", "the capture has the beginning of the connection", |s| AuditedSession::of(s, |a| bool(a.session.start_seen))),
    field::<AuditedSession>("session.end", Kind::Text, "fin", "how it ended: `fin`, `rst`, `timeout` or `open`", |s| AuditedSession::of(s, |a| text(a.session.end.name()))),
    field::<AuditedSession>("session.one_sided", Kind::Bool, "false", "only one direction was captured", |s| AuditedSession::of(s, |a| bool(a.session.one_sided()))),
    field::<AuditedSession>("session.packets", Kind::Int, "24", "segments of TCP, or datagrams, in both directions", |s| AuditedSession::of(s, |a| int(sum(a.session.traffic, |t| t.packets)))),
    field::<AuditedSession>("session.bytes_to_server", Kind::Int, "1200", "payload bytes from the client, retransmissions included", |s| AuditedSession::of(s, |a| int(a.session.traffic.to_server.bytes))),
    field::<AuditedSession>("session.bytes_to_client", Kind::Int, "5300", "payload bytes from the server, retransmissions included", |s| AuditedSession::of(s, |a| int(a.session.traffic.to_client.bytes))),
    field::<AuditedSession>("session.gap_bytes", Kind::Int, "0", "bytes that the capture does not have", |s| AuditedSession::of(s, |a| int(sum(a.session.stream.gap_bytes, |b| *b)))),
    field::<AuditedSession>("session.cut_segments", Kind::Int, "0", "segments cut off by the snapshot length of the capture", |s| AuditedSession::of(s, |a| int(u64::from(a.session.stream.cut_segments)))),
    field::<AuditedSession>("session.retransmitted", Kind::Int, "0", "payload bytes that had been seen before", |s| AuditedSession::of(s, |a| int(a.session.stream.retransmitted))),
    field::<AuditedSession>("session.conflicting_overlaps", Kind::Int, "0", "overlapping segments that said something else than the ones before them", |s| AuditedSession::of(s, |a| int(u64::from(a.session.stream.conflicting_overlaps)))),
    field::<AuditedSession>("session.vlan", Kind::Int, "100", "802.1Q tag of the first frame", |s| AuditedSession::of(s, |a| a.session.vlan.map(|tag| Value::Int(i64::from(tag))).into())),
    field::<AuditedSession>("session.vni", Kind::Int, "4201", "number of the virtual network, where the services file tells it apart", |s| AuditedSession::of(s, |a| a.session.server.realm.network().map(|number| Value::Int(i64::from(number))).into())),
    field::<AuditedSession>("session.loopback", Kind::Bool, "false", "both ends are loopback addresses", |s| AuditedSession::of(s, |a| bool(loopback(a.client.addr) && loopback(a.server.addr)))),
    field::<AuditedSession>("session.first_bytes", Kind::Text, "text", "what the first bytes of an unrecognised protocol look like: `text`, `binary` or `high-entropy`", |s| AuditedSession::of(s, |a| a.session.facts.first_bytes.map(|bytes| Value::text(bytes.name())).into())),
    field::<AuditedSession>("session.mismatch", Kind::Text, "plaintext-to-tls", "client and server spoke different protocols: which way", |s| AuditedSession::of(s, |a| a.session.facts.mismatch.map(|mismatch| Value::text(mismatch.value)).into())),
    field::<AuditedSession>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet of the session", |s| AuditedSession::of(s, |a| Seen::Value(Value::Time(a.session.last.time)))),
    field::<AuditedSession>("client.service", Kind::Text, "checkout", "the service that called, or its address", |s| AuditedSession::of(s, |a| Seen::Value(Value::text(&a.client.service)))),
    field::<AuditedSession>("client.addr", Kind::Text, "10.0.0.5", "the address that called", |s| AuditedSession::of(s, |a| address(a.client.addr))),
    field::<AuditedSession>("client.named_by", Kind::Text, "unmapped", "how the client got its name", |s| AuditedSession::of(s, |a| text(a.client.how))),
    field::<AuditedSession>("client.owner", Kind::Text, "team-money@example.com", "who answers for the client, as the services file says", |s| AuditedSession::of(s, |a| a.client.told(|p| p.owner.as_deref()))),
    field::<AuditedSession>("client.kind", Kind::Text, "discovery", "what the client is for, as the services file says", |s| AuditedSession::of(s, |a| a.client.told(|p| p.kind.as_deref()))),
    field::<AuditedSession>("client.tier", Kind::Text, "critical", "how much depends on the client, as the services file says", |s| AuditedSession::of(s, |a| a.client.told(|p| p.tier.as_deref()))),
    field::<AuditedSession>("client.internal", Kind::Bool, "true", "the address of the client cannot be reached from the public internet: private, link-local, loopback, laboratory", |s| AuditedSession::of(s, |a| bool(is_internal(a.client.addr)))),
    field::<AuditedSession>("server.service", Kind::Text, "payments", "the service that was called, or its address", |s| AuditedSession::of(s, |a| Seen::Value(Value::text(&a.server.service)))),
    field::<AuditedSession>("server.addr", Kind::Text, "10.0.0.9", "the address that was called", |s| AuditedSession::of(s, |a| address(a.server.addr))),
    field::<AuditedSession>("server.port", Kind::Int, "8443", "the port that was called", |s| AuditedSession::of(s, |a| int(u64::from(a.session.server.port)))),
    field::<AuditedSession>("server.named_by", Kind::Text, "unmapped", "how the server got its name", |s| AuditedSession::of(s, |a| text(a.server.how))),
    field::<AuditedSession>("server.owner", Kind::Text, "team-money@example.com", "who answers for the server, as the services file says", |s| AuditedSession::of(s, |a| a.server.told(|p| p.owner.as_deref()))),
    field::<AuditedSession>("server.kind", Kind::Text, "discovery", "what the server is for, as the services file says", |s| AuditedSession::of(s, |a| a.server.told(|p| p.kind.as_deref()))),
    field::<AuditedSession>("server.tier", Kind::Text, "critical", "how much depends on the server, as the services file says", |s| AuditedSession::of(s, |a| a.server.told(|p| p.tier.as_deref()))),
    field::<AuditedSession>("server.internal", Kind::Bool, "true", "the address of the server cannot be reached from the public internet: private, link-local, loopback, laboratory", |s| AuditedSession::of(s, |a| bool(is_internal(a.server.addr)))),
];

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

/// How a posture is known that was not read, as the end of a sentence.
fn told(session: &AuditedSession) -> &'static str {
    match session.evidence {
        "inferred" => " (inferred from the lengths of encrypted records)",
        "inherited" => " (inherited from the session that it resumes)",
        _ => "",
    }
}

fn loopback(addr: IpAddr) -> bool {
    addr.to_canonical().is_loopback()
}
