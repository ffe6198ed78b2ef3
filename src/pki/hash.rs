//! Hash functions that signatures of any age are made over, the broken ones included: what is weak must still be read.

use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use x509_parser::asn1_rs::oid;

/// A hash function that is built in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash with this object identifier.
    pub(super) fn of(oid: &[u8]) -> Option<Self> {
        const ALL: [Hash; 6] =
            [Hash::Md5, Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];
        ALL.into_iter().find(|hash| hash.oid() == oid)
    }

    /// Its usual name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Its object identifier.
    pub(super) fn oid(self) -> &'static [u8] {
        match self {
            Self::Md5 => &oid!(raw 1.2.840.113549.2.5),
            Self::Sha1 => &oid!(raw 1.3.14.3.2.26),
            Self::Sha224 => &oid!(raw 2.16.840.1.101.3.4.2.4),
            Self::Sha256 => &oid!(raw 2.16.840.1.101.3.4.2.1),
            Self::Sha384 => &oid!(raw 2.16.840.1.101.3.4.2.2),
            Self::Sha512 => &oid!(raw 2.16.840.1.101.3.4.2.3),
        }
    }

    /// Bytes of a digest.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of the parts one after another.
    pub(super) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        fn over<D: sha1::Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut hash = D::new();
            parts.iter().for_each(|part| hash.update(part));
            hash.finalize().to_vec()
        }
        match self {
            Self::Md5 => over::<Md5>(parts),
            Self::Sha1 => over::<Sha1>(parts),
            Self::Sha224 => over::<Sha224>(parts),
            Self::Sha256 => over::<Sha256>(parts),
            Self::Sha384 => over::<Sha384>(parts),
            Self::Sha512 => over::<Sha512>(parts),
        }
    }
}
