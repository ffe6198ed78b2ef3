//! A certificate, and where it was used.

use serde::Serialize;

use super::chain::ChainBody;
use super::{PartyBody, Place, Text, Time};
use crate::model::{Certificate, CertificateDetails, CertificateRow, Digest, RunInfo, SanName};
use crate::store::flat;

/// A certificate. What could not be read is `null`; its digest is always there.
#[derive(Serialize)]
pub(in crate::report) struct CertificateBody<'a> {
    sha256: Text<Digest>,
    readable: bool,
    subject: Option<&'a str>,
    issuer: Option<&'a str>,
    serial: Option<&'a str>,
    not_before: Option<Time>,
    not_after: Option<Time>,
    sans: Vec<Text<&'a SanName>>,
    spiffe_id: Option<&'a str>,
    key: Option<Key<'a>>,
    spki_sha256: Option<Text<Digest>>,
    signature: Option<&'a str>,
    is_ca: Option<bool>,
    self_signed: Option<bool>,
}

#[derive(Serialize)]
struct Key<'a> {
    kind: &'static str,
    bits: u32,
    curve: Option<&'a str>,
}

impl<'a> CertificateBody<'a> {
    pub(in crate::report) fn of(certificate: &'a Certificate) -> Self {
        let details = certificate.details.as_ref();
        let text = |get: fn(&CertificateDetails) -> &str| details.map(get);
        Self {
            sha256: Text(certificate.sha256),
            readable: details.is_some(),
            subject: text(|details| &details.subject),
            issuer: text(|details| &details.issuer),
            serial: text(|details| &details.serial),
            not_before: details.map(|details| Text(details.not_before)),
            not_after: details.map(|details| Text(details.not_after)),
            sans: details.into_iter().flat_map(|details| &details.names).map(Text).collect(),
            spiffe_id: certificate.spiffe_id(),
            key: details.map(|details| Key {
                kind: details.key.kind.name(),
                bits: details.key.bits,
                curve: details.key.curve.as_deref(),
            }),
            spki_sha256: details.map(|details| Text(details.spki_sha256)),
            signature: text(|details| &details.signature.name),
            is_ca: details.and_then(|details| details.is_ca),
            self_signed: details.and_then(|details| flat::yes_no(&details.self_signed)),
        }
    }
}

/// One certificate in one place.
#[derive(Serialize)]
pub(in crate::report) struct CertificateUse<'a> {
    #[serde(flatten)]
    certificate: CertificateBody<'a>,
    role: &'static str,
    position: usize,
    party: PartyBody<'a>,
    port: Option<u16>,
    sessions: u64,
    first: Place,
    last: Place,
    chain: Option<ChainBody<'a>>,
}

impl<'a> CertificateUse<'a> {
    pub(in crate::report) fn of(run: &RunInfo, row: &'a CertificateRow) -> Self {
        Self {
            certificate: CertificateBody::of(&row.certificate),
            role: row.role,
            position: row.position,
            party: PartyBody::of(&row.party),
            port: row.port,
            sessions: row.sessions,
            first: Place::of(run, row.first),
            last: Place::of(run, row.last),
            chain: ChainBody::of_leaf(&row.outcome, row.faults),
        }
    }
}
