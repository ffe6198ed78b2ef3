//! Fields of certificates: what they say, and what the place where they were shown makes of it.

use std::borrow::Cow;

use crate::model::told::{bool, int, signed};
use crate::model::{
    CertificateAt, CertificateDetails, Direction, Field, Judged, Kind, SanName, Seen, Subject,
    Timestamp, Value, Why, field, is_internal,
};

use super::name_match::{covered, mismatched};

/// The fields of a certificate in one place. One line declares one.
#[rustfmt::skip]
pub static FIELDS: &[Field] = &[
    field::<CertificateAt>("cert.sha256", Kind::Text, "3f8a...", "SHA-256 of the certificate, hexadecimal", |s| CertificateAt::of(s, |c| Seen::Value(Value::Text(Cow::Owned(c.certificate.sha256.to_string()))))),
    field::<CertificateAt>("cert.unparsable", Kind::Bool, "false", "the bytes are not a certificate that could be read", |s| CertificateAt::of(s, |c| bool(c.certificate.details.is_none()))),
    field::<CertificateAt>("cert.role", Kind::Text, "server", "who presented it: `server` or `client`", |s| CertificateAt::of(s, |c| Seen::Value(Value::text(c.role.sender())))),
    field::<CertificateAt>("cert.position", Kind::Int, "0", "its place in the chain, 0 for the leaf", |s| CertificateAt::of(s, |c| int(c.position as u64))),
    field::<CertificateAt>("cert.chain_length", Kind::Int, "2", "how many certificates the chain had", |s| CertificateAt::of(s, |c| int(c.chain_length as u64))),
    field::<CertificateAt>("cert.holder", Kind::Text, "payments", "the service that presented it, or its address", |s| CertificateAt::of(s, |c| Seen::Value(Value::text(&c.party.service)))),
    field::<CertificateAt>("cert.holder_addr", Kind::Text, "10.0.0.9", "the address that presented it", |s| CertificateAt::of(s, |c| Seen::Value(Value::Text(Cow::Owned(c.party.addr.to_string()))))),
    field::<CertificateAt>("cert.port", Kind::Int, "8443", "the port of the server; for a certificate of a client, of the server it was shown to", |s| CertificateAt::of(s, |c| int(u64::from(c.port)))),
    field::<CertificateAt>("cert.requested_names", Kind::Texts, "payments.internal", "names that clients asked this server for while it showed the certificate", |s| CertificateAt::of(s, |c| texts(c.requested_names.iter().map(|name| Cow::Borrowed(name.as_str()))))),
    field::<CertificateAt>("cert.mismatched_names", Kind::Texts, "payments.internal", "requested names that the certificate is not valid for (RFC 9525); hidden when no client named one", |s| CertificateAt::of(s, mismatched_names)),
    field::<CertificateAt>("cert.asked_without_name", Kind::Bool, "false", "a client connected without naming a server", |s| CertificateAt::of(s, |c| bool(c.asked_without_name))),
    field::<CertificateAt>("cert.uncovered_names", Kind::Texts, "payments.internal", "where a client connected without naming a server: the host names by which the server is found (name servers, registries, announcements, the services file), when the certificate is valid for none of them, nor for the address", |s| CertificateAt::of(s, uncovered_names)),
    field::<CertificateAt>("cert.holders", Kind::Int, "1", "distinct places that showed the same leaf", |s| CertificateAt::of(s, |c| int(c.holders))),
    field::<CertificateAt>("cert.holder_names", Kind::Int, "1", "distinct names that clients asked those places for", |s| CertificateAt::of(s, |c| int(c.holder_names))),
    field::<CertificateAt>("cert.both_roles", Kind::Bool, "false", "a server and a client at another address showed the same leaf", |s| CertificateAt::of(s, |c| bool(c.both_roles))),
    field::<CertificateAt>("cert.key_places", Kind::Int, "1", "distinct places that showed a leaf with the same public key", |s| CertificateAt::of(s, |c| int(c.across.key_places))),
    field::<CertificateAt>("cert.key_identities", Kind::Int, "1", "identities that leaves with the same public key carry: sets of names without one in common", |s| CertificateAt::of(s, |c| int(c.across.key_identities))),
    field::<CertificateAt>("cert.serial_twins", Kind::Int, "0", "other certificates of the same issuer with the same serial number, seen in the run", |s| CertificateAt::of(s, |c| said(c, |_| int(c.across.serial_twins)))),
    field::<CertificateAt>("cert.issuer_left_by", Kind::Int, "0", "other servers that had left the issuer of this certificate for another one before it was last shown here; 0 when this server did too", |s| CertificateAt::of(s, |c| said(c, |_| int(c.across.issuer_left_by)))),
    field::<CertificateAt>("cert.refused", Kind::Int, "0", "handshakes that the other end gave up with an alert about this certificate; an alert that is encrypted is not counted", |s| CertificateAt::of(s, |c| int(c.refused.sessions))),
    field::<CertificateAt>("cert.refused_by", Kind::Int, "0", "distinct addresses of those ends, at most 64", |s| CertificateAt::of(s, |c| int(c.refused.by.len() as u64))),
    field::<CertificateAt>("cert.refused_inferred", Kind::Int, "0", "handshakes of TLS 1.3 that the other end gave up as it does when it refuses, where this is the only leaf seen in this place: inferred from the lengths of encrypted records, at medium confidence or more", |s| CertificateAt::of(s, |c| int(c.refused.inferred))),
    field::<CertificateAt>("cert.refused_by_or_inferred", Kind::Int, "0", "distinct addresses of the ends that refused, read or inferred, at most 128", |s| CertificateAt::of(s, |c| int(c.refused.by.union(&c.refused.by_inference).count() as u64))),
    field::<CertificateAt>("cert.same_as_server", Kind::Bool, "false", "a client showed the very certificate that the server had shown it", |s| CertificateAt::of(s, |c| bool(c.same_as_server > 0))),
    field::<CertificateAt>("cert.also_server", Kind::Bool, "false", "a server showed the same leaf, at any address", |s| CertificateAt::of(s, |c| bool(c.across.also_server))),
    field::<CertificateAt>("cert.holder_internal", Kind::Bool, "true", "the address that presented it cannot be reached from the public internet", |s| CertificateAt::of(s, |c| bool(is_internal(c.party.addr)))),
    field::<CertificateAt>("cert.sessions", Kind::Int, "40", "sessions that showed it here", |s| CertificateAt::of(s, |c| int(c.sessions))),
    field::<CertificateAt>("cert.established", Kind::Int, "40", "of them with a completed handshake", |s| CertificateAt::of(s, |c| int(c.established))),
    field::<CertificateAt>("cert.first_seen", Kind::Time, "2026-01-21T09:00:00Z", "first session that showed it here", |s| CertificateAt::of(s, |c| Seen::Value(Value::Time(c.first.time)))),
    field::<CertificateAt>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last session that showed it here", |s| CertificateAt::of(s, |c| Seen::Value(Value::Time(c.last.time)))),
    field::<CertificateAt>("cert.days_left", Kind::Int, "20", "whole days of validity left at the last session; negative when expired", |s| CertificateAt::of(s, |c| said(c, |d| signed(days(d.not_after.micros_since(c.last.time)))))),
    field::<CertificateAt>("cert.seconds_left", Kind::Int, "1728000", "seconds of validity left at the last session; negative when expired", |s| CertificateAt::of(s, |c| said(c, |d| signed(seconds(d.not_after.micros_since(c.last.time)))))),
    field::<CertificateAt>("cert.lifetime_used", Kind::Int, "40", "percent of its validity that had passed at the last session; above 100 when expired, negative when not valid yet", |s| CertificateAt::of(s, |c| said(c, |d| lifetime_used(d, c.last.time)))),
    field::<CertificateAt>("cert.subject", Kind::Text, "C=US, O=Example, CN=api", "the subject", |s| of_details(s, |d| Seen::Value(Value::text(&d.subject)))),
    field::<CertificateAt>("cert.issuer", Kind::Text, "C=US, O=Example, CN=CA", "the issuer", |s| of_details(s, |d| Seen::Value(Value::text(&d.issuer)))),
    field::<CertificateAt>("cert.common_name", Kind::Text, "api", "the last common name of the subject", |s| of_details(s, |d| d.common_name.as_deref().map(Value::text).into())),
    field::<CertificateAt>("cert.serial", Kind::Text, "4d2", "the serial number, hexadecimal", |s| of_details(s, |d| Seen::Value(Value::text(&d.serial)))),
    field::<CertificateAt>("cert.serial_bits", Kind::Int, "128", "length of the serial number in bits", |s| of_details(s, |d| int(serial_bits(&d.serial)))),
    field::<CertificateAt>("cert.version", Kind::Int, "3", "X.509 version", |s| of_details(s, |d| int(u64::from(d.version)))),
    field::<CertificateAt>("cert.not_before", Kind::Time, "2026-01-01T00:00:00Z", "start of validity", |s| of_details(s, |d| Seen::Value(Value::Time(d.not_before)))),
    field::<CertificateAt>("cert.not_after", Kind::Time, "2026-04-01T00:00:00Z", "end of validity", |s| of_details(s, |d| Seen::Value(Value::Time(d.not_after)))),
    field::<CertificateAt>("cert.lifetime_days", Kind::Int, "90", "whole days from start to end of validity", |s| of_details(s, |d| signed(days(d.not_after.micros_since(d.not_before))))),
    field::<CertificateAt>("cert.lifetime_seconds", Kind::Int, "7776000", "seconds from start to end of validity", |s| of_details(s, |d| signed(seconds(d.not_after.micros_since(d.not_before))))),
    field::<CertificateAt>("cert.names", Kind::Texts, "dns:api.internal", "subject alternative names, each with its kind", |s| of_details(s, |d| texts(d.names.iter().map(|name| Cow::Owned(name.to_string()))))),
    field::<CertificateAt>("cert.dns_names", Kind::Texts, "api.internal", "subject alternative names that are host names", |s| of_details(s, |d| texts(dns_names(d).map(Cow::Borrowed)))),
    field::<CertificateAt>("cert.spiffe_id", Kind::Text, "spiffe://example.org/ns/a/sa/b", "the SPIFFE id", |s| of_details(s, spiffe_id)),
    field::<CertificateAt>("cert.wildcard", Kind::Bool, "false", "a host name with a wildcard is among its names", |s| of_details(s, |d| bool(dns_names(d).any(|name| name.starts_with("*."))))),
    field::<CertificateAt>("cert.key_kind", Kind::Text, "EC", "kind of key: `RSA`, `EC`, `Ed25519`, `Ed448`, `DSA` or `other`", |s| of_details(s, |d| Seen::Value(Value::text(d.key.kind.name())))),
    field::<CertificateAt>("cert.key_bits", Kind::Int, "256", "size of the key in bits", |s| of_details(s, key_bits)),
    field::<CertificateAt>("cert.curve", Kind::Text, "prime256v1", "name of the curve, or its dotted number", |s| of_details(s, |d| d.key.curve.as_deref().map(Value::text).into())),
    field::<CertificateAt>("cert.exponent", Kind::Int, "65537", "the public exponent of an RSA key", |s| of_details(s, exponent)),
    field::<CertificateAt>("cert.spki_sha256", Kind::Text, "77aa...", "SHA-256 of the public key, hexadecimal", |s| of_details(s, |d| Seen::Value(Value::Text(Cow::Owned(d.spki_sha256.to_string()))))),
    field::<CertificateAt>("cert.signature", Kind::Text, "sha256WithRSAEncryption", "what the issuer signed with", |s| of_details(s, |d| Seen::Value(Value::text(&d.signature.name)))),
    field::<CertificateAt>("cert.signature_hash", Kind::Text, "SHA-256", "the hash of that, when it is known", |s| of_details(s, |d| d.signature.hash.map(Value::text).into())),
    field::<CertificateAt>("cert.is_ca", Kind::Bool, "false", "basic constraints say that it is an authority; absent without the extension", |s| of_details(s, |d| d.is_ca.map(Value::Bool).into())),
    field::<CertificateAt>("cert.path_length", Kind::Int, "0", "path length constraint", |s| of_details(s, |d| d.path_length.map(|length| Value::Int(i64::from(length))).into())),
    field::<CertificateAt>("cert.key_usage", Kind::Texts, "digitalSignature", "key usages; absent without the extension", |s| of_details(s, key_usage)),
    field::<CertificateAt>("cert.eku", Kind::Texts, "serverAuth", "extended key usages; absent without the extension", |s| of_details(s, eku)),
    field::<CertificateAt>("cert.self_issued", Kind::Bool, "false", "subject and issuer are the same name", |s| of_details(s, |d| bool(d.self_issued))),
    field::<CertificateAt>("cert.self_signed", Kind::Bool, "false", "self-issued, and its own key verifies its signature", |s| of_details(s, |d| d.self_signed.map(|signed| Value::Bool(*signed)))),
    field::<CertificateAt>("cert.revocation_pointer", Kind::Bool, "true", "it names a revocation list or an OCSP responder", |s| of_details(s, |d| bool(d.revocation_pointer))),
    field::<CertificateAt>("cert.must_staple", Kind::Bool, "false", "it demands an OCSP staple (RFC 7633)", |s| of_details(s, |d| bool(d.must_staple))),
];

fn of_details<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a CertificateDetails) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    CertificateAt::of(subject, |at| said(at, read))
}

/// What the certificate says; hidden when it could not be read.
fn said<'a>(
    at: &'a CertificateAt,
    read: impl FnOnce(&'a CertificateDetails) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    at.certificate.details.as_ref().map_or(Seen::Hidden(Why::Malformed), read)
}

fn texts<'a>(all: impl Iterator<Item = Cow<'a, str>>) -> Seen<Value<'a>> {
    Seen::Value(Value::Texts(all.collect()))
}

fn seconds(micros: i64) -> i64 {
    micros.div_euclid(1_000_000)
}

fn days(micros: i64) -> i64 {
    micros.div_euclid(86_400_000_000)
}

fn lifetime_used<'a>(details: &CertificateDetails, at: Timestamp) -> Seen<Value<'a>> {
    let whole = i128::from(details.not_after.micros_since(details.not_before));
    let used = i128::from(at.micros_since(details.not_before)) * 100;
    match used.checked_div_euclid(whole) {
        Some(percent) if whole > 0 => {
            signed(i64::try_from(percent).unwrap_or(if percent < 0 { i64::MIN } else { i64::MAX }))
        }
        // A validity that ends before it begins has no share.
        _ => Seen::Hidden(Why::Malformed),
    }
}

/// Of hexadecimal digits without leading zeros; a minus is no digit.
fn serial_bits(serial: &str) -> u64 {
    let mut digits = serial.chars().filter_map(|digit| digit.to_digit(16));
    let first = digits.next().map_or(0, |digit| u64::from(u32::BITS - digit.leading_zeros()));
    first + 4 * digits.count() as u64
}

fn dns_names(details: &CertificateDetails) -> impl Iterator<Item = &str> {
    details.names.iter().filter_map(|name| match name {
        SanName::Dns(name) => Some(name.as_str()),
        _ => None,
    })
}

fn spiffe_id(details: &CertificateDetails) -> Seen<Value<'_>> {
    let id = details.names.iter().find_map(|name| match name {
        SanName::Uri(uri) if uri.starts_with("spiffe://") => Some(uri.as_str()),
        _ => None,
    });
    id.map(Value::text).into()
}

fn key_usage(details: &CertificateDetails) -> Seen<Value<'_>> {
    let usages = details.key_usage.as_ref();
    usages.map_or(Seen::Absent, |list| texts(list.iter().copied().map(Cow::Borrowed)))
}

fn eku(details: &CertificateDetails) -> Seen<Value<'_>> {
    let usages = details.extended_key_usage.as_ref();
    usages
        .map_or(Seen::Absent, |list| texts(list.iter().map(|usage| Cow::Borrowed(usage.as_str()))))
}

fn key_bits(details: &CertificateDetails) -> Seen<Value<'_>> {
    match details.key.bits {
        0 => Seen::NotReached,
        bits => int(u64::from(bits)),
    }
}

/// An exponent that does not fit is large, which no rule objects to.
fn exponent(details: &CertificateDetails) -> Seen<Value<'_>> {
    details.key.exponent.map_or(Seen::Absent, int)
}

/// A client that named nobody reached the server by one of these names, or by its address: one that fits is enough.
fn uncovered_names(at: &CertificateAt) -> Seen<Value<'_>> {
    said(at, |details| {
        let wrong = mismatched(&at.called, &details.names).count();
        let by_address = covered(&at.party.addr.to_string(), &details.names);
        let none_fits = wrong > 0 && wrong == at.called.len() && !by_address;
        let names: &[String] = if none_fits { &at.called } else { &[] };
        texts(names.iter().map(|name| Cow::Borrowed(name.as_str())))
    })
}

/// Only what a client asked a server for can be mismatched; where nobody named anything, nobody can tell.
fn mismatched_names(at: &CertificateAt) -> Seen<Value<'_>> {
    if at.role != Direction::ToClient || at.position != 0 {
        return Seen::Absent;
    }
    said(at, |details| {
        if at.requested_names.is_empty() {
            return Seen::NotReached;
        }
        texts(mismatched(&at.requested_names, &details.names).map(Cow::Borrowed))
    })
}
