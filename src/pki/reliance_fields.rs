//! Fields of reliances: what one client made of one server's certificate.

use std::borrow::Cow;

use super::chain_fields::faults;
use crate::model::told::{int, owned, text};
use crate::model::{
    CertificateDetails, Field, Judged, Kind, RelianceFacts, Seen, Subject, Value, Why, field,
};

/// The fields of a reliance. One line declares one.
#[rustfmt::skip]
pub static RELIANCE_FIELDS: &[Field] = &[
    field::<RelianceFacts>("client.service", Kind::Text, "checkout", "the service that was shown the certificate, or its address", |s| RelianceFacts::of(s, |r| text(&r.client.service))),
    field::<RelianceFacts>("client.addr", Kind::Text, "10.0.0.5", "its address", |s| RelianceFacts::of(s, |r| owned(r.client.addr.to_string()))),
    field::<RelianceFacts>("server.service", Kind::Text, "payments", "the service that showed it, or its address", |s| RelianceFacts::of(s, |r| text(&r.server.service))),
    field::<RelianceFacts>("server.addr", Kind::Text, "10.0.0.9", "its address", |s| RelianceFacts::of(s, |r| owned(r.server.addr.to_string()))),
    field::<RelianceFacts>("server.port", Kind::Int, "8443", "its port", |s| RelianceFacts::of(s, |r| int(u64::from(r.port)))),
    field::<RelianceFacts>("reliance.accepted", Kind::Int, "12", "sessions in which the client went on and sent application data", |s| RelianceFacts::of(s, |r| int(r.accepted))),
    field::<RelianceFacts>("reliance.refused", Kind::Int, "0", "sessions in which it refused the certificate", |s| RelianceFacts::of(s, |r| int(r.refused))),
    field::<RelianceFacts>("reliance.faults", Kind::Texts, "expired", "what was wrong with the chain when the client went on, as far as a client that verifies does not accept it; in the words of `tls.server_chain_faults`", |s| RelianceFacts::of(s, |r| faults(r.faults))),
    field::<RelianceFacts>("reliance.refused_faults", Kind::Texts, "expired", "what was wrong with the chain when it refused", |s| RelianceFacts::of(s, |r| faults(r.refused_faults))),
    field::<RelianceFacts>("reliance.others_accepted", Kind::Int, "1", "other clients that went on after the same leaf", |s| RelianceFacts::of(s, |r| int(r.others_accepted))),
    field::<RelianceFacts>("reliance.others_refused", Kind::Int, "3", "other clients that refused the same leaf and never went on", |s| RelianceFacts::of(s, |r| int(r.others_refused))),
    field::<RelianceFacts>("reliance.refused_inferred", Kind::Int, "0", "sessions of TLS 1.3 in which it gave up as clients do that refuse, where the endpoint shows this leaf alone: inferred from the lengths of encrypted records", |s| RelianceFacts::of(s, |r| int(r.refused_inferred))),
    field::<RelianceFacts>("reliance.others_refused_inferred", Kind::Int, "1", "other clients of which only that is known", |s| RelianceFacts::of(s, |r| int(r.others_refused_inferred))),
    field::<RelianceFacts>("reliance.requested_names", Kind::Texts, "payments.internal", "names that the client asked for when it went on", |s| RelianceFacts::of(s, |r| Seen::Value(Value::Texts(r.requested_names.iter().map(|name| Cow::Borrowed(name.as_str())).collect())))),
    field::<RelianceFacts>("reliance.sha256", Kind::Text, "3f8a...", "SHA-256 of the leaf, hexadecimal", |s| RelianceFacts::of(s, |r| owned(r.certificate.sha256.to_string()))),
    field::<RelianceFacts>("reliance.subject", Kind::Text, "C=US, O=Example, CN=api", "the leaf's subject", |s| of_details(s, |d| text(&d.subject))),
    field::<RelianceFacts>("reliance.issuer", Kind::Text, "C=US, O=Example, CN=CA", "the leaf's issuer", |s| of_details(s, |d| text(&d.issuer))),
    field::<RelianceFacts>("reliance.names", Kind::Texts, "dns:api.internal", "the leaf's alternative names", |s| of_details(s, |d| Seen::Value(Value::Texts(d.names.iter().map(|name| Cow::Owned(name.to_string())).collect())))),
    field::<RelianceFacts>("reliance.not_after", Kind::Time, "2026-04-01T00:00:00Z", "end of the leaf's validity", |s| of_details(s, |d| Seen::Value(Value::Time(d.not_after)))),
    field::<RelianceFacts>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last session in which the client was shown it", |s| RelianceFacts::of(s, |r| Seen::Value(Value::Time(r.last.time)))),
];

fn of_details<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a CertificateDetails) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    RelianceFacts::of(subject, |r| {
        r.certificate.details.as_ref().map_or(Seen::Hidden(Why::Malformed), read)
    })
}
