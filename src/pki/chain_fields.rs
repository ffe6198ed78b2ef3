//! Fields of chains: the outcomes of judging them, on the session that showed one and on the leaf in its place.

use std::borrow::Cow;

use crate::model::{
    AuditedSession, CertificateAt, ChainFaults, ChainOutcome, ChainTrust, Field, Judged, Kind,
    Revocation, Seen, SeenChain, Subject, Value, Why, field,
};

/// The fields of chains. One line declares one.
#[rustfmt::skip]
pub static CHAIN_FIELDS: &[Field] = &[
    field::<AuditedSession>("tls.server_chain_faults", Kind::Texts, "unknown-issuer", FAULTS, |s| server(s, |o| faults(o.faults))),
    field::<AuditedSession>("tls.server_chain_trust", Kind::Text, "anchored", TRUST, |s| server(s, trust)),
    field::<AuditedSession>("tls.server_chain_bundle", Kind::Text, "mesh", "the trust bundle that the server's chain leads to", |s| server(s, bundle)),
    field::<AuditedSession>("tls.server_names", Kind::Text, "covered", "the leaf's names against what the client asked for: `covered`, `mismatch`, `spiffe` (an id and no host name), `unasked`", |s| server(s, |o| word(o.names.name()))),
    field::<AuditedSession>("tls.server_revocation", Kind::Text, "good", REVOCATION, |s| server(s, |o| word(o.revocation.name()))),
    field::<AuditedSession>("tls.staple", Kind::Text, "good", STAPLE, |s| server(s, staple)),
    field::<AuditedSession>("tls.client_chain_faults", Kind::Texts, "unknown-issuer", "the same of the client's chain", |s| client(s, |o| faults(o.faults))),
    field::<AuditedSession>("tls.client_chain_trust", Kind::Text, "anchored", "the same of the client's chain", |s| client(s, trust)),
    field::<AuditedSession>("tls.client_chain_bundle", Kind::Text, "mesh", "the trust bundle that the client's chain leads to", |s| client(s, bundle)),
    field::<AuditedSession>("tls.client_revocation", Kind::Text, "good", "the same of the client's leaf", |s| client(s, |o| word(o.revocation.name()))),
    field::<CertificateAt>("cert.chain_faults", Kind::Texts, "unknown-issuer", "what was wrong with the chain of this leaf in any session here, in the words of `tls.server_chain_faults`; absent on other certificates", |s| leaf(s, |c, _| faults(c.faults))),
    field::<CertificateAt>("cert.chain_trust", Kind::Text, "anchored", TRUST, |s| leaf(s, |_, o| trust(o))),
    field::<CertificateAt>("cert.chain_bundle", Kind::Text, "mesh", "the trust bundle that the chain of this leaf leads to", |s| leaf(s, |_, o| bundle(o))),
    field::<CertificateAt>("cert.chain_unjudged", Kind::Texts, "a critical extension is not known", "what of the chain could not be judged", |s| leaf(s, |_, o| texts(o.unjudged.iter().copied()))),
    field::<CertificateAt>("cert.revocation", Kind::Text, "good", REVOCATION, |s| leaf(s, |_, o| word(o.revocation.name()))),
    field::<CertificateAt>("cert.revoked_since", Kind::Time, "2026-01-20T00:00:00Z", "since when it is revoked", |s| leaf(s, |_, o| revoked(o, |since, _, _| Value::Time(since)))),
    field::<CertificateAt>("cert.revocation_reason", Kind::Text, "keyCompromise", "why it was revoked, by its RFC 5280 name", |s| leaf(s, |_, o| revoked(o, |_, reason, _| Value::text(reason)))),
    field::<CertificateAt>("cert.revocation_source", Kind::Text, "crl", "who says so: `crl` or `ocsp`", |s| leaf(s, |_, o| revoked(o, |_, _, source| Value::text(source)))),
    field::<CertificateAt>("cert.staple", Kind::Text, "good", STAPLE, |s| leaf(s, |_, o| staple(o))),
];

const FAULTS: &str = "what is wrong with the chain at packet time, each for itself: `expired`, `not-yet-valid`, `issuer-expired`, `self-signed`, `unknown-issuer`, `missing-intermediate`, `excess-certificate`, `misordered`, `forged-signature`, `name-mismatch`, `wrong-usage`, `authority-as-leaf`, `issuer-not-authority`, `path-length`, `name-constraint`, `weak-key`, `weak-signature`, `revoked`, `issuer-revoked`, `staple-missing`, `staple-invalid`";
const TRUST: &str = "whether the chain leads to an authority of `--trust`: `anchored`, `unanchored`, or `unasked` without a bundle; hidden when a signature on the way cannot be computed";
const REVOCATION: &str = "whether the leaf was revoked: `good`, `revoked`, `unknown`, or `unasked` without a list of its issuer and a staple";
const STAPLE: &str = "what the OCSP staple says: `good`, `revoked`, `unknown`, `expired`, `not-yet-valid`, `other-certificate`, `forged-signature`, `unsuccessful`, `unverifiable`, `malformed`; absent without one";

fn server<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a ChainOutcome) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    of(subject, |session| &session.server_outcome, read)
}

fn client<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a ChainOutcome) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    of(subject, |session| &session.client_outcome, read)
}

fn of<'a>(
    subject: &Subject<'a>,
    outcome: impl FnOnce(&'a AuditedSession) -> &'a SeenChain,
    read: impl FnOnce(&'a ChainOutcome) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    AuditedSession::of(subject, |audited| match audited.session.facts.tls {
        Some(_) => outcome(audited).and_then(|outcome| read(outcome)),
        None => Seen::Absent,
    })
}

fn leaf<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a CertificateAt, &'a ChainOutcome) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    CertificateAt::of(subject, |at| at.outcome.and_then(|outcome| read(at, outcome)))
}

fn word(word: &'static str) -> Seen<Value<'static>> {
    Seen::Value(Value::text(word))
}

fn texts<'a>(all: impl Iterator<Item = &'static str>) -> Seen<Value<'a>> {
    Seen::Value(Value::Texts(all.map(Cow::Borrowed).collect()))
}

/// The words for faults, as a value.
pub(super) fn faults<'a>(faults: ChainFaults) -> Seen<Value<'a>> {
    texts(faults.names())
}

fn trust(outcome: &ChainOutcome) -> Seen<Value<'_>> {
    match &outcome.trust {
        ChainTrust::Unverifiable => Seen::Hidden(Why::Unverifiable),
        trust => word(trust.name()),
    }
}

fn bundle(outcome: &ChainOutcome) -> Seen<Value<'_>> {
    outcome.trust.bundle().map(Value::text).into()
}

fn staple(outcome: &ChainOutcome) -> Seen<Value<'_>> {
    outcome.staple.map(|said| Value::text(said))
}

fn revoked<'a>(
    outcome: &ChainOutcome,
    read: impl FnOnce(crate::model::Timestamp, &'static str, &'static str) -> Value<'a>,
) -> Seen<Value<'a>> {
    match outcome.revocation {
        Revocation::Revoked { since, reason, source } => Seen::Value(read(since, reason, source)),
        _ => Seen::Absent,
    }
}
