//! One certificate.

use sha2::{Digest as _, Sha256};
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::nom::Parser as _;

use super::extension::Extensions;
use super::signature::Signed;
use super::{key, name, signature, text};
use crate::model::{Certificate, CertificateDetails, Digest, Seen, Timestamp};

/// Says what a certificate says (RFC 5280).
///
/// Bytes behind the certificate are part of the digest and otherwise ignored. Bytes that are no certificate, or one
/// without a name, key or date that can be read, have no details.
#[must_use]
pub fn read(der: &[u8]) -> Certificate {
    let details = parse(der).map(|certificate| details(&certificate));
    Certificate { sha256: sha256(der), details }
}

/// The parts of a certificate as they lie in its bytes.
pub(super) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    // Extensions are read by us, each on its own: the parser would read many more than are asked for.
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    parser.parse(der).ok().map(|(_, certificate)| certificate)
}

fn details(certificate: &X509Certificate<'_>) -> CertificateDetails {
    let signed = &certificate.tbs_certificate;
    let key = key::public_key(&signed.subject_pki);
    let self_issued = name::same(&signed.subject, &signed.issuer);
    let self_signed = match self_issued {
        true => Signed::certificate(certificate).made_by(&signed.subject_pki),
        false => Seen::Value(false),
    };
    let extensions = Extensions::of(signed.extensions());
    CertificateDetails {
        version: signed.version.0.saturating_add(1),
        subject: name::one_line(&signed.subject),
        issuer: name::one_line(&signed.issuer),
        common_name: name::common_name(&signed.subject),
        serial: serial(signed.raw_serial()),
        not_before: Timestamp::from_seconds(signed.validity.not_before.timestamp()),
        not_after: Timestamp::from_seconds(signed.validity.not_after.timestamp()),
        names: extensions.names,
        key,
        spki_sha256: sha256(signed.subject_pki.raw),
        signature: signature::algorithm(&certificate.signature_algorithm),
        is_ca: extensions.is_ca,
        path_length: extensions.path_length,
        key_usage: extensions.key_usage,
        extended_key_usage: extensions.extended_key_usage,
        subject_key_id: extensions.subject_key_id,
        authority_key_id: extensions.authority_key_id,
        revocation_pointer: extensions.revocation_pointer,
        must_staple: extensions.must_staple,
        self_issued,
        self_signed,
    }
}

/// A serial number in hexadecimal, without the zeros it may begin with.
pub(super) fn serial(bytes: &[u8]) -> String {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = text::hex(bytes.get(first..).unwrap_or_default());
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

/// The digest of some bytes.
pub(super) fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}
