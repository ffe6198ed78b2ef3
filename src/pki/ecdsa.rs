//! Verifying ECDSA signatures (FIPS 186-5 section 6.4) that the usual library does not take: P-521, keys written as
//! compressed points, and any pairing of curve and hash.

use super::hash::Hash;

/// A curve that is built in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

/// The same for each curve: the types differ, the names do not.
macro_rules! verify {
    ($curve:ident, $point:expr, $digest:expr, $signature:expr) => {{
        use $curve::ecdsa::signature::hazmat::PrehashVerifier as _;
        use $curve::ecdsa::{Signature, VerifyingKey};
        match (VerifyingKey::from_sec1_bytes($point), Signature::from_der($signature)) {
            (Ok(key), Ok(signature)) => key.verify_prehash($digest, &signature).is_ok(),
            _ => false,
        }
    }};
}

impl Curve {
    /// The curve with this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "secp256r1" => Some(Self::P256),
            "secp384r1" => Some(Self::P384),
            "secp521r1" => Some(Self::P521),
            _ => None,
        }
    }

    /// Bytes of a coordinate.
    fn length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Whether the owner of the key at this point of the curve made the signature.
    pub(super) fn verify(self, point: &[u8], hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let digest = hash.digest(&[message]);
        // The library refuses digests that are much shorter than the order; as a number, zeros before it change nothing.
        let mut padded = vec![0; self.length().saturating_sub(digest.len())];
        padded.extend(digest);
        match self {
            Self::P256 => verify!(p256, point, &padded, signature),
            Self::P384 => verify!(p384, point, &padded, signature),
            Self::P521 => verify!(p521, point, &padded, signature),
        }
    }
}
