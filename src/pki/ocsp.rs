//! OCSP responses as servers staple them (RFC 6960, RFC 6066 section 8).
//!
//! Takes the bytes of a response and the key of the issuer of a certificate, gives what the response says of that
//! certificate at a moment, once who signed it and for when is known.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use x509_parser::asn1_rs::{Any, BitString, FromDer as _, Tag, ToDer as _, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;
use x509_parser::x509::AlgorithmIdentifier;

use super::certificate::{parse, serial};
use super::crl::reason;
use super::extension::Extensions;
use super::signature::Signed;
use super::text::{context_tag, elements, is_universal, sequence};
use super::window::Window;
use crate::model::{Revocation, Seen, Timestamp, limits};

/// What a staple says of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Staple {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// From when on.
        since: Timestamp,
        /// Why.
        reason: &'static str,
    },
    /// The responder does not know the certificate.
    Unknown,
    /// The responder could not answer: the status of its response.
    Unsuccessful,
    /// Its time was over.
    Expired,
    /// Its time had not come.
    NotYetValid,
    /// It is about other certificates.
    OtherCertificate,
    /// It is not signed by the issuer or by whom the issuer appointed.
    ForgedSignature,
    /// Who signed it cannot be computed here.
    Unverifiable,
    /// It makes no sense, or is longer than is looked at.
    Malformed,
}

impl Staple {
    /// The word in rules and outputs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown => "unknown",
            Self::Unsuccessful => "unsuccessful",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::OtherCertificate => "other-certificate",
            Self::ForgedSignature => "forged-signature",
            Self::Unverifiable => "unverifiable",
            Self::Malformed => "malformed",
        }
    }

    /// Whether a client that looks at it takes it for no answer.
    pub(super) fn is_invalid(self) -> bool {
        !matches!(self, Self::Good | Self::Revoked { .. } | Self::Unverifiable | Self::Unknown)
    }

    /// What it says of revocation.
    pub(super) fn revocation(self) -> Revocation {
        match self {
            Self::Good => Revocation::Good,
            Self::Revoked { since, reason } => {
                Revocation::Revoked { since, reason, source: "ocsp" }
            }
            Self::Unknown => Revocation::Unknown("the responder does not know the certificate"),
            Self::Unverifiable => Revocation::Unknown("who signed the staple cannot be computed"),
            _ => Revocation::Unknown("the staple is not valid"),
        }
    }
}

/// What a stapled response says of `leaf`, which `issuer` issued.
pub(super) fn staple(
    response: &[u8],
    leaf: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    window: &mut Window,
) -> Staple {
    if response.len() > limits::OCSP_STAPLE_BYTES {
        return Staple::Malformed;
    }
    match Basic::read(response) {
        Ok(basic) => basic.says(leaf, issuer, window).unwrap_or(Staple::Malformed),
        Err(staple) => staple,
    }
}

/// A BasicOCSPResponse, taken apart.
struct Basic<'a> {
    data: &'a [u8],
    algorithm: AlgorithmIdentifier<'a>,
    signature: BitString<'a>,
    certificates: Vec<X509Certificate<'a>>,
    single: Vec<Any<'a>>,
}

impl<'a> Basic<'a> {
    fn read(response: &'a [u8]) -> Result<Self, Staple> {
        const SUCCESSFUL: &[u8] = &[0];
        let mut parts = sequence(response);
        let status = parts.next().filter(|part| is_universal(part, Tag::Enumerated));
        if status.ok_or(Staple::Malformed)?.data != SUCCESSFUL {
            return Err(Staple::Unsuccessful);
        }
        let basic = parts.next().and_then(|bytes| basic_bytes(&bytes));
        basic.and_then(Self::take_apart).ok_or(Staple::Malformed)
    }

    fn take_apart(bytes: &'a [u8]) -> Option<Self> {
        let (_, outer) = Any::from_der(bytes).ok().filter(|(_, any)| is_sequence(any))?;
        // What is signed is the whole first element, header included.
        let (rest, data) = Any::from_der(outer.data).ok().filter(|(_, any)| is_sequence(any))?;
        let signed = outer.data.get(..outer.data.len().checked_sub(rest.len())?)?;
        let (rest, algorithm) = AlgorithmIdentifier::from_der(rest).ok()?;
        let (rest, signature) = BitString::from_der(rest).ok()?;
        let certificates = elements(rest).find(|element| context_tag(element) == Some(0));
        let certificates =
            certificates.into_iter().flat_map(|all| ders(sequence_content(all.data)));
        let certificates = certificates.take(limits::CHAIN_CERTIFICATES).filter_map(parse);
        // version [0], responderID [1] or [2], producedAt, responses: the only plain sequence.
        let responses = elements(data.data).find(is_sequence)?;
        Some(Self {
            data: signed,
            algorithm,
            signature,
            certificates: certificates.collect(),
            single: elements(responses.data).take(limits::CHAIN_CERTIFICATES).collect(),
        })
    }

    fn says(
        &self,
        leaf: &X509Certificate<'_>,
        issuer: &X509Certificate<'_>,
        window: &mut Window,
    ) -> Option<Staple> {
        let about = self.single.iter().find_map(|one| {
            let mut parts = elements(one.data);
            let id = parts.next()?;
            names_certificate(&id, leaf, issuer).then(|| parts.collect::<Vec<_>>())
        });
        let Some(parts) = about else { return Some(Staple::OtherCertificate) };
        match self.signer(issuer, window) {
            Seen::Value(true) => {}
            Seen::Value(false) => return Some(Staple::ForgedSignature),
            _ => return Some(Staple::Unverifiable),
        }
        let mut parts = parts.iter();
        let status = status(parts.next()?)?;
        let this_update = time(parts.next()?)?;
        let next_update = parts.find(|part| context_tag(part) == Some(0));
        let skew = limits::CLOCK_SKEW_SECONDS;
        if !window.reached(this_update.plus_seconds(-skew)) {
            return Some(Staple::NotYetValid);
        }
        let next_update = next_update.and_then(|part| time(&elements(part.data).next()?));
        if next_update.is_some_and(|end| window.passed(end.plus_seconds(skew))) {
            // Who was revoked remains so.
            let revoked = matches!(status, Staple::Revoked { .. });
            return Some(if revoked { status } else { Staple::Expired });
        }
        Some(status)
    }

    /// Whether the issuer signed the response, or someone whom it appointed for that (RFC 6960 section 4.2.2.2).
    fn signer(&self, issuer: &X509Certificate<'_>, window: &mut Window) -> Seen<bool> {
        let signed =
            Signed { algorithm: &self.algorithm, content: self.data, value: &self.signature };
        let by_issuer = signed.made_by(&issuer.tbs_certificate.subject_pki);
        if by_issuer == Seen::Value(true) {
            return by_issuer;
        }
        let mut unverifiable = None;
        for one in &self.certificates {
            if !appointed(one, issuer, window) {
                continue;
            }
            match signed.made_by(&one.tbs_certificate.subject_pki) {
                Seen::Value(false) => {}
                Seen::Value(true) => {
                    return Signed::certificate(one).made_by(&issuer.tbs_certificate.subject_pki);
                }
                hidden => unverifiable = Some(hidden),
            }
        }
        unverifiable.unwrap_or(by_issuer)
    }
}

/// Whether a certificate says that the issuer let its owner answer for it, at this time.
fn appointed(one: &X509Certificate<'_>, issuer: &X509Certificate<'_>, window: &mut Window) -> bool {
    let signed = &one.tbs_certificate;
    let seconds = |at: &ASN1Time| Timestamp::from_seconds(at.timestamp());
    let usages = Extensions::of(signed.extensions()).extended_key_usage.unwrap_or_default();
    let skew = limits::CLOCK_SKEW_SECONDS;
    signed.issuer.as_raw() == issuer.tbs_certificate.subject.as_raw()
        && usages.iter().any(|usage| usage == "OCSPSigning")
        && window.reached(seconds(&signed.validity.not_before).plus_seconds(-skew))
        && !window.passed(seconds(&signed.validity.not_after).plus_seconds(skew))
}

/// Whether a CertID means this certificate (RFC 6960 section 4.1.1).
fn names_certificate(
    id: &Any<'_>,
    leaf: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
) -> bool {
    const SHA1: &[u8] = &oid!(raw 1.3.14.3.2.26);
    const SHA256: &[u8] = &oid!(raw 2.16.840.1.101.3.4.2.1);
    let mut parts = elements(id.data);
    let (Some(algorithm), Some(name), Some(key), Some(number)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let digest: fn(&[u8]) -> Vec<u8> = match elements(algorithm.data).next().map(|oid| oid.data) {
        Some(SHA1) => |bytes| Sha1::digest(bytes).to_vec(),
        Some(SHA256) => |bytes| Sha256::digest(bytes).to_vec(),
        _ => return false,
    };
    let issuer = &issuer.tbs_certificate;
    serial(number.data) == serial(leaf.tbs_certificate.raw_serial())
        && name.data == digest(issuer.subject.as_raw())
        && key.data == digest(&issuer.subject_pki.subject_public_key.data)
}

/// CertStatus: good [0], revoked [1], unknown [2].
fn status(element: &Any<'_>) -> Option<Staple> {
    match context_tag(element)? {
        0 => Some(Staple::Good),
        1 => {
            let mut parts = elements(element.data);
            let since = time(&parts.next()?)?;
            let code = parts.find(|part| context_tag(part) == Some(0));
            let code = code.and_then(|code| elements(code.data).next()?.data.last().copied());
            Some(Staple::Revoked { since, reason: reason(code.unwrap_or(0)) })
        }
        2 => Some(Staple::Unknown),
        _ => None,
    }
}

fn time(element: &Any<'_>) -> Option<Timestamp> {
    if !is_universal(element, Tag::GeneralizedTime) {
        return None;
    }
    let der = element.to_der_vec().ok()?;
    let (_, time) = ASN1Time::from_der(&der).ok()?;
    Some(Timestamp::from_seconds(time.timestamp()))
}

/// The bytes of the basic response within ResponseBytes, which says by an object identifier that they are one.
fn basic_bytes<'a>(bytes: &Any<'a>) -> Option<&'a [u8]> {
    const BASIC: &[u8] = &oid!(raw 1.3.6.1.5.5.7.48.1.1);
    let inner = sequence_content(bytes.data);
    let mut parts = elements(inner);
    let kind = parts.next()?;
    (context_tag(bytes) == Some(0) && kind.data == BASIC).then(|| parts.next().map(|p| p.data))?
}

fn is_sequence(any: &Any<'_>) -> bool {
    is_universal(any, Tag::Sequence)
}

fn sequence_content(der: &[u8]) -> &[u8] {
    Any::from_der(der).ok().filter(|(_, any)| is_sequence(any)).map_or(&[], |(_, any)| any.data)
}

/// The elements of a sequence's content with their headers.
fn ders(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let (after, _) = Any::from_der(rest).ok()?;
        let whole = rest.get(..rest.len().checked_sub(after.len())?)?;
        rest = after;
        Some(whole)
    })
}
