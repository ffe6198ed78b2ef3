//! What a strict verifier says of a path: `webpki`, which rustls uses.
//!
//! It gives one error, the first it meets, and refuses what is merely old. So it is asked last, about a path that is
//! known to hold, at a moment when all of it is in date, and only for what nothing else here judges: the names that an
//! authority is limited to, and extensions that must be understood.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, ring};

use super::path::Link;
use crate::model::Timestamp;

/// What came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Strict {
    /// It accepts the path.
    Accepts,
    /// A name of the leaf lies outside of what an authority may issue for.
    NameConstraint,
    /// It does not judge such a path, or refuses it for what is judged elsewhere; in words.
    CannotJudge(&'static str),
}

/// Asks about a path from a leaf to an authority, both included. What the certificates may be used for is not asked.
pub(super) fn ask(path: &[&Link<'_>]) -> Strict {
    let ([leaf, between @ ..], Some(root)) = (path, path.last()) else {
        return Strict::CannotJudge("the path is too short");
    };
    let between = between.split_last().map(|(_, between)| between).unwrap_or_default();
    let Some(time) = common_time(path) else {
        return Strict::CannotJudge("the certificates were never valid at the same time");
    };
    let root = CertificateDer::from(root.der);
    let Ok(anchor) = webpki::anchor_from_trusted_cert(&root) else {
        return Strict::CannotJudge("the authority has an unusual form");
    };
    let between: Vec<_> = between.iter().map(|link| CertificateDer::from(link.der)).collect();
    let leaf = CertificateDer::from(leaf.der);
    let asked = EndEntityCert::try_from(&leaf).and_then(|leaf| {
        leaf.verify_for_usage(ALGORITHMS, &[anchor], &between, time, AnyUsage, None, None).map(drop)
    });
    match asked {
        Ok(()) => Strict::Accepts,
        Err(Error::NameConstraintViolation) => Strict::NameConstraint,
        Err(error) => Strict::CannotJudge(words(&error)),
    }
}

/// A moment at which all of these are valid. The authority's own dates are not asked for.
fn common_time(path: &[&Link<'_>]) -> Option<UnixTime> {
    let (_, asked) = path.split_last()?;
    let begin = asked.iter().map(|link| link.details.not_before).max()?;
    let end = asked.iter().map(|link| link.details.not_after).min()?;
    let at = begin.max(Timestamp::from_seconds(0));
    let seconds = u64::try_from(at.micros().div_euclid(1_000_000)).ok()?;
    (at <= end).then(|| UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

fn words(error: &Error) -> &'static str {
    match error {
        Error::UnsupportedCertVersion => "a certificate is older than X.509 version 3",
        Error::UnsupportedCriticalExtension => "a critical extension is not known",
        Error::MalformedNameConstraint | Error::InvalidNetworkMaskConstraint => {
            "the names that an authority is limited to make no sense"
        }
        Error::MaximumNameConstraintComparisonsExceeded => "there are too many names to compare",
        _ => OTHERWISE,
    }
}

/// What a strict verifier refuses and is judged elsewhere, or is merely old.
pub(super) const OTHERWISE: &str = "a strict verifier refuses it";

/// Usages are judged elsewhere, each for itself.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    ring::ECDSA_P256_SHA256,
    ring::ECDSA_P256_SHA384,
    ring::ECDSA_P384_SHA256,
    ring::ECDSA_P384_SHA384,
    ring::ED25519,
    ring::RSA_PKCS1_2048_8192_SHA256,
    ring::RSA_PKCS1_2048_8192_SHA384,
    ring::RSA_PKCS1_2048_8192_SHA512,
    ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];
