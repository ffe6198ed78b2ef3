//! What an X.509 certificate says (RFC 5280), as far as rules, reports and stores need it.

use std::fmt;
use std::sync::Arc;

use super::{Seen, Timestamp};

/// The bytes of one certificate as they crossed the wire.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Der(pub Arc<[u8]>);

impl fmt::Debug for Der {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Der({} bytes)", self.0.len())
    }
}

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A certificate: its digest always, what it says when it could be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// What it says; `None` when the bytes are not a certificate that could be read.
    pub details: Option<CertificateDetails>,
}

/// What a readable certificate says. All text is escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateDetails {
    /// X.509 version, 1 to 3.
    pub version: u32,
    /// Subject, RFC 4514 order reversed as OpenSSL prints it: `C=US, O=Example, CN=api`.
    pub subject: String,
    /// Issuer, as the subject.
    pub issuer: String,
    /// The last common name of the subject.
    pub common_name: Option<String>,
    /// Serial number, hexadecimal without leading zeros.
    pub serial: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity, inclusive.
    pub not_after: Timestamp,
    /// Subject alternative names in their order.
    pub names: Vec<SanName>,
    /// The public key.
    pub key: PublicKey,
    /// SHA-256 of the SubjectPublicKeyInfo: the same key in two certificates has the same value.
    pub spki_sha256: Digest,
    /// What the issuer signed with.
    pub signature: SignatureAlgorithm,
    /// Basic constraints: `Some(true)` for an authority, `Some(false)` for an end entity, `None` without the extension.
    pub is_ca: Option<bool>,
    /// Path length constraint.
    pub path_length: Option<u32>,
    /// Key usages by their RFC 5280 names; `None` without the extension.
    pub key_usage: Option<Vec<&'static str>>,
    /// Extended key usages by name (`serverAuth`) or dotted number; `None` without the extension.
    pub extended_key_usage: Option<Vec<String>>,
    /// Subject key identifier, hexadecimal.
    pub subject_key_id: Option<String>,
    /// Authority key identifier, hexadecimal.
    pub authority_key_id: Option<String>,
    /// Whether it names a revocation list or an OCSP responder.
    pub revocation_pointer: bool,
    /// Whether it demands an OCSP staple (RFC 7633).
    pub must_staple: bool,
    /// Subject and issuer are the same name.
    pub self_issued: bool,
    /// Self-issued and its own key verifies its signature. Hidden when the algorithm cannot be verified here.
    pub self_signed: Seen<bool>,
}

/// One subject alternative name. Text is escaped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SanName {
    /// A host name, with a leading `*.` for a wildcard.
    Dns(String),
    /// An internet address.
    Ip(std::net::IpAddr),
    /// Any URI; a SPIFFE id is one that starts with `spiffe://`.
    Uri(String),
    /// An e-mail address.
    Email(String),
    /// Any other kind, named only.
    Other(&'static str),
}

impl fmt::Display for SanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "dns:{name}"),
            Self::Ip(addr) => write!(f, "ip:{addr}"),
            Self::Uri(uri) => write!(f, "uri:{uri}"),
            Self::Email(mail) => write!(f, "email:{mail}"),
            Self::Other(kind) => write!(f, "other:{kind}"),
        }
    }
}

/// A public key's kind and size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    /// What kind of key.
    pub kind: KeyKind,
    /// Size in bits: the modulus, the prime or the curve's order; 0 when not known.
    pub bits: u32,
    /// The curve's name or dotted number, for elliptic curves.
    pub curve: Option<String>,
    /// The public exponent, when it fits 64 bits, for RSA.
    pub exponent: Option<u64>,
}

/// Kinds of public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyKind {
    /// RSA, PSS-restricted or not.
    Rsa,
    /// Elliptic curve for ECDSA or ECDH.
    Ec,
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// DSA.
    Dsa,
    /// Any other.
    Other,
}

impl KeyKind {
    /// The usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ec => "EC",
            Self::Ed25519 => "Ed25519",
            Self::Ed448 => "Ed448",
            Self::Dsa => "DSA",
            Self::Other => "other",
        }
    }
}

/// A signature algorithm by name, and whether its hash is broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignatureAlgorithm {
    /// OpenSSL's name (`sha256WithRSAEncryption`, `ecdsa-with-SHA256`), or the dotted number.
    pub name: String,
    /// The hash, when it is known: `SHA-256`, `SHA-1`, `MD5`.
    pub hash: Option<&'static str>,
}

impl Certificate {
    /// The SPIFFE id, if a URI name carries one.
    #[must_use]
    pub fn spiffe_id(&self) -> Option<&str> {
        self.details.as_ref()?.names.iter().find_map(|name| match name {
            SanName::Uri(uri) if uri.starts_with("spiffe://") => Some(uri.as_str()),
            _ => None,
        })
    }
}
