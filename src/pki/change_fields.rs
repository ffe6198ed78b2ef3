//! Fields of changes: a certificate where another one was known.

use std::borrow::Cow;

use crate::model::told::{bool, int, owned, signed, text};
use crate::model::{
    CertificateDetails, ChangeFacts, Field, Judged, Kind, Seen, Showing, Value, Why, field,
};

use super::likeness::{same_authority, same_identity, same_issuer_key};

/// The fields of a change. One line declares one.
#[rustfmt::skip]
pub static CHANGE_FIELDS: &[Field] = &[
    field::<ChangeFacts>("server.service", Kind::Text, "payments", "the service that shows the later certificate, or its address", |s| ChangeFacts::of(s, |c| text(&c.server.service))),
    field::<ChangeFacts>("server.addr", Kind::Text, "10.0.0.9", "its address", |s| ChangeFacts::of(s, |c| owned(c.server.addr.to_string()))),
    field::<ChangeFacts>("server.port", Kind::Int, "8443", "its port", |s| ChangeFacts::of(s, |c| int(u64::from(c.port)))),
    field::<ChangeFacts>("change.name", Kind::Text, "payments.internal", "the name that clients asked for; absent for those that named nobody", |s| ChangeFacts::of(s, |c| c.name.as_deref().map(Value::text).into())),
    field::<ChangeFacts>("change.elsewhere", Kind::Bool, "false", "the earlier certificate is another server's, which clients call by the same name", |s| ChangeFacts::of(s, |c| bool(c.elsewhere()))),
    field::<ChangeFacts>("change.before_place", Kind::Text, "10.0.0.8:8443", "the server that showed the earlier certificate", |s| ChangeFacts::of(s, |c| owned(c.before.place.to_string()))),
    field::<ChangeFacts>("change.before_sha256", Kind::Text, "3f8a...", "SHA-256 of the earlier certificate", |s| ChangeFacts::of(s, |c| owned(c.before.leaf.sha256.to_string()))),
    field::<ChangeFacts>("change.after_sha256", Kind::Text, "77aa...", "SHA-256 of the later certificate", |s| ChangeFacts::of(s, |c| owned(c.after.leaf.sha256.to_string()))),
    field::<ChangeFacts>("change.before_subject", Kind::Text, "CN=payments", "subject of the earlier certificate", |s| ChangeFacts::of(s, |c| said(&c.before, |d| text(&d.subject)))),
    field::<ChangeFacts>("change.after_subject", Kind::Text, "CN=payments", "subject of the later certificate", |s| ChangeFacts::of(s, |c| said(&c.after, |d| text(&d.subject)))),
    field::<ChangeFacts>("change.before_issuer", Kind::Text, "CN=Example CA", "issuer of the earlier certificate", |s| ChangeFacts::of(s, |c| said(&c.before, |d| text(&d.issuer)))),
    field::<ChangeFacts>("change.after_issuer", Kind::Text, "CN=Example CA 2", "issuer of the later certificate", |s| ChangeFacts::of(s, |c| said(&c.after, |d| text(&d.issuer)))),
    field::<ChangeFacts>("change.before_names", Kind::Texts, "dns:payments.internal", "alternative names of the earlier certificate", |s| ChangeFacts::of(s, |c| said(&c.before, names))),
    field::<ChangeFacts>("change.after_names", Kind::Texts, "dns:payments.internal", "alternative names of the later certificate", |s| ChangeFacts::of(s, |c| said(&c.after, names))),
    field::<ChangeFacts>("change.before_self_signed", Kind::Bool, "false", "the earlier certificate signed itself", |s| ChangeFacts::of(s, |c| said(&c.before, |d| d.self_signed.map(|is| Value::Bool(*is))))),
    field::<ChangeFacts>("change.after_self_signed", Kind::Bool, "false", "the later certificate signed itself", |s| ChangeFacts::of(s, |c| said(&c.after, |d| d.self_signed.map(|is| Value::Bool(*is))))),
    field::<ChangeFacts>("change.same_identity", Kind::Bool, "true", "both have the SPIFFE id, or one of their names, in common; without names, the subject", |s| ChangeFacts::of(s, |c| both(c, |a, b| bool(same_identity(a, b))))),
    field::<ChangeFacts>("change.same_issuer", Kind::Bool, "true", "both name the same issuer, or their chains end below the same one", |s| ChangeFacts::of(s, issuer)),
    field::<ChangeFacts>("change.same_issuer_key", Kind::Bool, "true", "both say that the same key signed them; absent when they say nothing of it or name different issuers", |s| ChangeFacts::of(s, |c| both(c, |a, b| same_issuer_key(a, b).map(Value::Bool).into()))),
    field::<ChangeFacts>("change.same_key", Kind::Bool, "false", "both have the same public key", |s| ChangeFacts::of(s, |c| both(c, |a, b| bool(a.spki_sha256 == b.spki_sha256)))),
    field::<ChangeFacts>("change.before_seconds_left", Kind::Int, "86400", "seconds of validity that the earlier certificate had left when the later one came; negative when expired", |s| ChangeFacts::of(s, |c| said(&c.before, |d| signed(seconds(d.not_after.micros_since(c.after.first.time)))))),
    field::<ChangeFacts>("change.before_lifetime_seconds", Kind::Int, "7776000", "seconds from start to end of the earlier certificate's validity", |s| ChangeFacts::of(s, |c| said(&c.before, |d| signed(seconds(d.not_after.micros_since(d.not_before)))))),
    field::<ChangeFacts>("change.overlap_seconds", Kind::Int, "0", "seconds for which the earlier certificate was still shown after the later one had come, 0 for none", |s| ChangeFacts::of(s, |c| signed(seconds(c.before.last.time.micros_since(c.after.first.time)).max(0)))),
    field::<ChangeFacts>("change.overlapped", Kind::Bool, "false", "the earlier certificate was still shown after the later one had come", |s| ChangeFacts::of(s, |c| bool(c.before.last > c.after.first))),
    field::<ChangeFacts>("change.returns", Kind::Int, "0", "times that the server went back to the earlier certificate", |s| ChangeFacts::of(s, |c| int(c.returns))),
    field::<ChangeFacts>("change.before_sessions", Kind::Int, "40", "sessions that showed the earlier certificate", |s| ChangeFacts::of(s, |c| int(c.before.sessions))),
    field::<ChangeFacts>("change.after_sessions", Kind::Int, "12", "sessions that showed the later certificate", |s| ChangeFacts::of(s, |c| int(c.after.sessions))),
    field::<ChangeFacts>("change.issuer_places", Kind::Int, "5", "servers of the run that show a certificate of the later one's issuer", |s| ChangeFacts::of(s, |c| int(c.issuer_places))),
    field::<ChangeFacts>("change.before_hops", Kind::Int, "64", "time to live or hop limit with which the earlier certificate came; absent when unknown", |s| ChangeFacts::of(s, |c| hops(&c.before))),
    field::<ChangeFacts>("change.after_hops", Kind::Int, "63", "time to live or hop limit with which the later certificate came; absent when unknown", |s| ChangeFacts::of(s, |c| hops(&c.after))),
    field::<ChangeFacts>("change.same_answers", Kind::Bool, "true", "clients that said the same were answered in the same way by both: version, suite, group, extensions; absent when no client said the same to both", |s| ChangeFacts::of(s, |c| c.before.end.answers_as(&c.after.end).map(Value::Bool).into())),
    field::<ChangeFacts>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "when the later certificate came", |s| ChangeFacts::of(s, |c| Seen::Value(Value::Time(c.after.first.time)))),
];

/// What a certificate says; hidden when it could not be read.
fn said<'a>(
    showing: &'a Showing,
    read: impl FnOnce(&'a CertificateDetails) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    showing.leaf.details.as_ref().map_or(Seen::Hidden(Why::Malformed), read)
}

fn both<'a>(
    change: &'a ChangeFacts,
    compare: impl FnOnce(&'a CertificateDetails, &'a CertificateDetails) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    said(&change.before, |before| said(&change.after, |after| compare(before, after)))
}

fn issuer(change: &ChangeFacts) -> Seen<Value<'_>> {
    both(change, |before, after| {
        let before_top = change.before.top.details.as_ref().unwrap_or(before);
        let after_top = change.after.top.details.as_ref().unwrap_or(after);
        bool(same_authority([before, before_top], [after, after_top]))
    })
}

fn names(details: &CertificateDetails) -> Seen<Value<'_>> {
    let all = details.names.iter().map(|name| Cow::Owned(name.to_string()));
    Seen::Value(Value::Texts(all.collect()))
}

fn hops(showing: &Showing) -> Seen<Value<'_>> {
    let hops = showing.end.hops;
    (hops > 0).then(|| Value::Int(i64::from(hops))).into()
}

fn seconds(micros: i64) -> i64 {
    micros.div_euclid(1_000_000)
}
