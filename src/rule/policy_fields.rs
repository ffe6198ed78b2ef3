//! Fields of what the policy says of an edge.

use std::borrow::Cow;

use crate::model::told::int;
use crate::model::{Field, IdentityRank, Judged, Kind, PolicyFacts, Seen, Severity, Value, field};

/// The fields of policies. One line declares one.
#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    field::<PolicyFacts>("policy.aspect", Kind::Text, "method", "what of the edge this is about: edge (that it is there), posture, version, caller, server or method", |s| PolicyFacts::of(s, |p| text(p.aspect.name()))),
    field::<PolicyFacts>("policy.known", Kind::Bool, "true", "the policy has an entry for the edge", |s| PolicyFacts::of(s, |p| Seen::Value(Value::Bool(p.known)))),
    field::<PolicyFacts>("policy.denied", Kind::Bool, "false", "that entry forbids it", |s| PolicyFacts::of(s, |p| Seen::Value(Value::Bool(p.denied)))),
    field::<PolicyFacts>("policy.egress", Kind::Bool, "false", "it leads from an internal address to a public one", |s| PolicyFacts::of(s, |p| Seen::Value(Value::Bool(p.egress)))),
    field::<PolicyFacts>("policy.unknown_edges", Kind::Text, "medium", "how bad the policy takes an edge without an entry: off, or a severity", |s| PolicyFacts::of(s, |p| text(p.unknown_edges.map_or("off", Severity::name)))),
    field::<PolicyFacts>("policy.expected", Kind::Texts, "mtls", "what the policy allows here", |s| PolicyFacts::of(s, |p| Seen::Value(Value::Texts(p.expected.iter().map(|one| Cow::Borrowed(one.as_str())).collect())))),
    field::<PolicyFacts>("policy.violation", Kind::Text, "plaintext", "what was seen that it does not allow; absent when all is allowed, hidden when all that was seen is allowed and some could not be seen", |s| PolicyFacts::of(s, |p| p.violation.map(|what| Value::text(what)))),
    field::<PolicyFacts>("policy.served", Kind::Bool, "true", "the server served it; absent where that is not known, and for all but methods", |s| PolicyFacts::of(s, |p| p.served.map(Value::Bool).into())),
    field::<PolicyFacts>("policy.caller", Kind::Text, "spiffe://prod/orders", "who called, by the best name there is", |s| PolicyFacts::of(s, |p| Seen::Value(Value::text(&p.caller)))),
    field::<PolicyFacts>("policy.told_by", Kind::Text, "URI in its certificate", "by what the caller is told", |s| PolicyFacts::of(s, |p| text(p.told_by.words()))),
    field::<PolicyFacts>("policy.proven", Kind::Bool, "true", "the caller is told by a certificate or a token, not by its address or by text", |s| PolicyFacts::of(s, |p| Seen::Value(Value::Bool(p.told_by >= IdentityRank::Token)))),
    field::<PolicyFacts>("policy.expired", Kind::Time, "2026-07-01T00:00:00Z", "when the weaker permission ended; absent when there is none or it holds", |s| PolicyFacts::of(s, |p| p.expired.map(Value::Time).into())),
    field::<PolicyFacts>("policy.sessions", Kind::Int, "4", "in how many sessions", |s| PolicyFacts::of(s, |p| int(p.sessions))),
    field::<PolicyFacts>("client.service", Kind::Text, "orders", "the service that called, or its address", |s| PolicyFacts::of(s, |p| Seen::Value(Value::text(&p.client.service)))),
    field::<PolicyFacts>("server.service", Kind::Text, "payments", "the service that was called, or its address", |s| PolicyFacts::of(s, |p| Seen::Value(Value::text(&p.server.service)))),
    field::<PolicyFacts>("server.port", Kind::Int, "8443", "the port that was called", |s| PolicyFacts::of(s, |p| int(u64::from(p.port)))),
    field::<PolicyFacts>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet", |s| PolicyFacts::of(s, |p| Seen::Value(Value::Time(p.last.time)))),
];

fn text<'a>(word: &'static str) -> Seen<Value<'a>> {
    Seen::Value(Value::text(word))
}
