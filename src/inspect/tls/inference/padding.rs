//! How much a record may hold: a length on the wire, and the lengths of content that fit it.
//!
//! Three habits are known: no padding; 16 zero bytes behind everything (Java's JSSE); padding up to a multiple (mbedTLS
//! of 16, OpenSSL of what its user asks for).

use smallvec::{SmallVec, smallvec};

/// How a sender pads its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Padding {
    /// Not at all.
    Bare,
    /// By 16 bytes, always.
    Sixteen,
    /// Up to a multiple of this many bytes.
    Multiple(usize),
}

/// The lengths of records under one cipher suite and one habit of padding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Model {
    pub(super) padding: Padding,
    /// Bytes of the authentication tag.
    pub(super) tag: usize,
    /// Bytes of a hash, and so of the verify data in Finished.
    pub(super) hash: usize,
}

/// Candidates, likeliest first.
pub(super) type Models = SmallVec<[Model; 3]>;

/// Lengths of signatures: Ed25519, ECDSA P-256 and P-384, Ed448, RSA 1024, ECDSA P-521, RSA 2048 to 8192, ML-DSA.
/// ECDSA signatures are in DER and vary by a few bytes.
const SIGNATURES: &[(usize, usize)] = &[
    (64, 64),
    (66, 72),
    (96, 104),
    (114, 114),
    (128, 128),
    (131, 139),
    (256, 256),
    (384, 384),
    (512, 512),
    (1024, 1024),
    (2420, 2420),
    (3309, 3309),
    (4627, 4627),
];

/// Bytes of a CertificateVerify around its signature: header, scheme, length.
const VERIFY_AROUND: usize = 8;

/// Bytes of an alert.
const ALERT: usize = 2;

/// Bytes of a KeyUpdate.
const KEY_UPDATE: usize = 5;

/// Bytes of a Certificate message without a certificate.
const EMPTY_CERTIFICATE: usize = 8;

/// The longest padding that a record can have.
const LONGEST: usize = 1 << 14;

impl Model {
    pub(super) fn new(padding: Padding, tag: usize, hash: usize) -> Self {
        Self { padding, tag, hash }
    }

    /// The same suite, padded otherwise.
    pub(super) fn padded(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Length of a record with this much content. One more byte is the content's type.
    pub(super) fn record(&self, content: usize) -> usize {
        let inner = match self.padding {
            Padding::Bare => content + 1,
            Padding::Sixteen => content + 17,
            Padding::Multiple(n) => (content + 1).next_multiple_of(n.max(1)),
        };
        inner + self.tag
    }

    /// The most content that a record of this length can have; 0 for one that is too short for any.
    pub(super) fn most(&self, record: usize) -> usize {
        let around = match self.padding {
            Padding::Bare | Padding::Multiple(_) => 1,
            Padding::Sixteen => 17,
        };
        record.saturating_sub(self.tag + around)
    }

    /// The least content that a record of this length can have.
    pub(super) fn least(&self, record: usize) -> usize {
        match self.padding {
            Padding::Bare | Padding::Sixteen => self.most(record),
            Padding::Multiple(n) => record.saturating_sub(self.tag + n),
        }
    }

    /// Whether a record of this length can be a CertificateVerify.
    pub(super) fn is_verify(&self, record: usize) -> bool {
        let (least, most) = (self.least(record), self.most(record));
        SIGNATURES
            .iter()
            .any(|(from, to)| most >= from + VERIFY_AROUND && least <= to + VERIFY_AROUND)
    }

    pub(super) fn finished(&self) -> usize {
        self.record(4 + self.hash)
    }

    pub(super) fn empty_certificate(&self) -> usize {
        self.record(EMPTY_CERTIFICATE)
    }

    /// An empty Certificate and Finished in one record.
    pub(super) fn empty_and_finished(&self) -> usize {
        self.record(EMPTY_CERTIFICATE + 4 + self.hash)
    }

    pub(super) fn alert(&self) -> usize {
        self.record(ALERT)
    }

    pub(super) fn key_update(&self) -> usize {
        self.record(KEY_UPDATE)
    }

    /// Whether everything is padded to more than mbedTLS does: someone wants lengths to say little.
    pub(super) fn is_coarse(&self) -> bool {
        matches!(self.padding, Padding::Multiple(n) if n > 16)
    }

    pub(super) fn is_rounded(&self) -> bool {
        matches!(self.padding, Padding::Multiple(_))
    }

    /// The habits that fit the records of one direction, likeliest first.
    pub(super) fn candidates(self, records: &[usize]) -> Models {
        let mut models: Models =
            smallvec![self.padded(Padding::Bare), self.padded(Padding::Sixteen)];
        let divisor = self.common_divisor(records);
        if records.len() >= 2 && divisor >= 16 {
            let power = 1usize << divisor.trailing_zeros();
            let multiple = if divisor > LONGEST { 16 } else { power };
            if multiple >= 16 {
                models.insert(0, self.padded(Padding::Multiple(multiple)));
            }
        } else if let [only] = records
            && only.saturating_sub(self.tag).is_multiple_of(16)
        {
            models.push(self.padded(Padding::Multiple(16)));
        }
        models
    }

    /// The greatest number that divides what all these records have before their tags.
    pub(super) fn common_divisor(&self, records: &[usize]) -> usize {
        records.iter().fold(0, |divisor, record| gcd(divisor, record.saturating_sub(self.tag)))
    }
}

fn gcd(a: usize, b: usize) -> usize {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
