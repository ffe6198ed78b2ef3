//! Signature algorithms, and whether a key made a signature.

use x509_parser::asn1_rs::{Any, BitString, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::verify::verify_signature;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::ecdsa::Curve;
use super::hash::Hash;
use super::key::public_key;
use super::rsa::{self, RsaScheme};
use super::text::dotted;
use crate::model::{KeyKind, PublicKey, Seen, SignatureAlgorithm, Why};

/// The name of a signature algorithm, and its hash.
pub(super) fn algorithm(algorithm: &AlgorithmIdentifier<'_>) -> SignatureAlgorithm {
    let Some(known) = known(algorithm) else {
        return SignatureAlgorithm { name: dotted(&algorithm.algorithm), hash: None };
    };
    let hash = match known.scheme {
        Scheme::RsaPss => pss_hash_name(algorithm.parameters.as_ref()),
        _ => known.hash,
    };
    SignatureAlgorithm { name: known.name.to_owned(), hash }
}

/// Bytes with a signature over them: of a certificate, a revocation list, an OCSP response.
#[derive(Clone, Copy)]
pub(super) struct Signed<'s> {
    pub(super) algorithm: &'s AlgorithmIdentifier<'s>,
    pub(super) content: &'s [u8],
    pub(super) value: &'s BitString<'s>,
}

impl<'s> Signed<'s> {
    /// What the issuer of a certificate signed.
    pub(super) fn certificate(certificate: &'s X509Certificate<'s>) -> Self {
        Self {
            algorithm: &certificate.signature_algorithm,
            content: certificate.tbs_certificate.as_ref(),
            value: &certificate.signature_value,
        }
    }

    /// Whether the owner of this key made the signature.
    ///
    /// Where the library's no may mean that it finds a key or hash too weak, RSA is computed here: a certificate with
    /// 1024 bits or SHA-1 is the kind that most needs to be told from a forged one.
    pub(super) fn made_by(self, info: &SubjectPublicKeyInfo<'_>) -> Seen<bool> {
        let Some(known) = known(self.algorithm) else {
            return Seen::Hidden(Why::Unverifiable);
        };
        let key = public_key(info);
        if !known.scheme.is_made_by(key.kind) {
            return Seen::Value(false);
        }
        let library = || verify_signature(info, self.algorithm, self.value, self.content).is_ok();
        match known.scheme {
            Scheme::Rsa(_) | Scheme::RsaPss if library() => Seen::Value(true),
            Scheme::Rsa(hash) => self.rsa_verdict(info, RsaScheme::Pkcs1(hash)),
            Scheme::RsaPss => match pss(self.algorithm.parameters.as_ref()) {
                Some(pss) => self.rsa_verdict(info, RsaScheme::Pss(pss)),
                None => Seen::Hidden(Why::Unverifiable),
            },
            Scheme::Ecdsa(hash) if !is_usual(info, &key, hash) => {
                self.ecdsa_verdict(info, &key, hash)
            }
            Scheme::Ecdsa(_) | Scheme::Ed25519 => Seen::Value(library()),
            Scheme::Unverifiable => Seen::Hidden(Why::Unverifiable),
        }
    }

    /// The verdict on an RSA signature that the library did not accept.
    fn rsa_verdict(self, info: &SubjectPublicKeyInfo<'_>, scheme: RsaScheme) -> Seen<bool> {
        let key = &info.subject_public_key.data;
        if scheme.is_usual() && rsa::is_usual_key(key) {
            return Seen::Value(false);
        }
        rsa::verify(key, scheme, self.content, &self.value.data)
    }

    /// The verdict on an ECDSA signature that the library does not know.
    fn ecdsa_verdict(
        self,
        info: &SubjectPublicKeyInfo<'_>,
        key: &PublicKey,
        hash: Hash,
    ) -> Seen<bool> {
        match key.curve.as_deref().and_then(Curve::of) {
            Some(curve) => {
                let point = &info.subject_public_key.data;
                Seen::Value(curve.verify(point, hash, self.content, &self.value.data))
            }
            None => Seen::Hidden(Why::Unverifiable),
        }
    }
}

/// Whether the library at hand can verify with this key and hash: P-256 or P-384, the point not compressed, and SHA-256
/// or SHA-384.
fn is_usual(info: &SubjectPublicKeyInfo<'_>, key: &PublicKey, hash: Hash) -> bool {
    const UNCOMPRESSED: u8 = 4;
    matches!(key.curve.as_deref(), Some("secp256r1" | "secp384r1"))
        && matches!(hash, Hash::Sha256 | Hash::Sha384)
        && info.subject_public_key.data.first() == Some(&UNCOMPRESSED)
}

/// The parameters of RSASSA-PSS (RFC 4055 section 3.1); `None` when they ask for what is not built in.
fn pss(parameters: Option<&Any<'_>>) -> Option<rsa::Pss> {
    const MGF1: &[u8] = &oid!(raw 1.2.840.113549.1.1.8);
    const USUAL_TRAILER: u32 = 1;
    let parameters = RsaSsaPssParams::try_from(parameters?).ok()?;
    let mask = parameters.mask_gen_algorithm().ok()?;
    if mask.mgf.as_bytes() != MGF1 || parameters.trailer_field() != USUAL_TRAILER {
        return None;
    }
    Some(rsa::Pss {
        hash: Hash::of(parameters.hash_algorithm_oid().as_bytes())?,
        mask_hash: Hash::of(mask.hash.as_bytes())?,
        salt_length: usize::try_from(parameters.salt_length()).ok()?,
    })
}

fn pss_hash_name(parameters: Option<&Any<'_>>) -> Option<&'static str> {
    let parameters = RsaSsaPssParams::try_from(parameters?).ok()?;
    Hash::of(parameters.hash_algorithm_oid().as_bytes()).map(Hash::name)
}

/// How a signature is made, as far as it matters for verifying it.
#[derive(Clone, Copy)]
enum Scheme {
    Rsa(Hash),
    RsaPss,
    Ecdsa(Hash),
    Ed25519,
    Unverifiable,
}

impl Scheme {
    /// Whether a key of this kind can have made such a signature.
    fn is_made_by(self, kind: KeyKind) -> bool {
        match self {
            Self::Rsa(_) | Self::RsaPss => kind == KeyKind::Rsa,
            Self::Ecdsa(_) => kind == KeyKind::Ec,
            Self::Ed25519 => kind == KeyKind::Ed25519,
            Self::Unverifiable => true,
        }
    }
}

/// A signature algorithm with OpenSSL's name for it.
struct Known {
    oid: &'static [u8],
    name: &'static str,
    hash: Option<&'static str>,
    scheme: Scheme,
}

fn known(algorithm: &AlgorithmIdentifier<'_>) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.oid == algorithm.algorithm.as_bytes())
}

const fn rsa_with(oid: &'static [u8], name: &'static str, hash: Hash) -> Known {
    Known { oid, name, hash: Some(hash.name()), scheme: Scheme::Rsa(hash) }
}

const fn ecdsa(oid: &'static [u8], name: &'static str, hash: Hash) -> Known {
    Known { oid, name, hash: Some(hash.name()), scheme: Scheme::Ecdsa(hash) }
}

const fn other(oid: &'static [u8], name: &'static str, hash: Option<&'static str>) -> Known {
    Known { oid, name, hash, scheme: Scheme::Unverifiable }
}

static KNOWN: &[Known] = &[
    rsa_with(&oid!(raw 1.2.840.113549.1.1.11), "sha256WithRSAEncryption", Hash::Sha256),
    ecdsa(&oid!(raw 1.2.840.10045.4.3.2), "ecdsa-with-SHA256", Hash::Sha256),
    ecdsa(&oid!(raw 1.2.840.10045.4.3.3), "ecdsa-with-SHA384", Hash::Sha384),
    rsa_with(&oid!(raw 1.2.840.113549.1.1.12), "sha384WithRSAEncryption", Hash::Sha384),
    rsa_with(&oid!(raw 1.2.840.113549.1.1.13), "sha512WithRSAEncryption", Hash::Sha512),
    rsa_with(&oid!(raw 1.2.840.113549.1.1.14), "sha224WithRSAEncryption", Hash::Sha224),
    rsa_with(&oid!(raw 1.2.840.113549.1.1.5), "sha1WithRSAEncryption", Hash::Sha1),
    rsa_with(&oid!(raw 1.3.14.3.2.29), "sha1WithRSA", Hash::Sha1),
    Known {
        oid: &oid!(raw 1.2.840.113549.1.1.10),
        name: "rsassaPss",
        hash: None,
        scheme: Scheme::RsaPss,
    },
    Known { oid: &oid!(raw 1.3.101.112), name: "ED25519", hash: None, scheme: Scheme::Ed25519 },
    other(&oid!(raw 1.3.101.113), "ED448", None),
    rsa_with(&oid!(raw 1.2.840.113549.1.1.4), "md5WithRSAEncryption", Hash::Md5),
    rsa_with(&oid!(raw 1.3.14.3.2.3), "md5WithRSA", Hash::Md5),
    other(&oid!(raw 1.2.840.113549.1.1.3), "md4WithRSAEncryption", Some("MD4")),
    other(&oid!(raw 1.2.840.113549.1.1.2), "md2WithRSAEncryption", Some("MD2")),
    other(&oid!(raw 1.3.36.3.3.1.2), "ripemd160WithRSA", Some("RIPEMD-160")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.13), "RSA-SHA3-224", Some("SHA3-224")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.14), "RSA-SHA3-256", Some("SHA3-256")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.15), "RSA-SHA3-384", Some("SHA3-384")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.16), "RSA-SHA3-512", Some("SHA3-512")),
    ecdsa(&oid!(raw 1.2.840.10045.4.1), "ecdsa-with-SHA1", Hash::Sha1),
    ecdsa(&oid!(raw 1.2.840.10045.4.3.1), "ecdsa-with-SHA224", Hash::Sha224),
    ecdsa(&oid!(raw 1.2.840.10045.4.3.4), "ecdsa-with-SHA512", Hash::Sha512),
    other(&oid!(raw 1.2.840.10040.4.3), "dsaWithSHA1", Some("SHA-1")),
    other(&oid!(raw 1.3.14.3.2.27), "dsaWithSHA1-old", Some("SHA-1")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.1), "dsa_with_SHA224", Some("SHA-224")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.2), "dsa_with_SHA256", Some("SHA-256")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.3), "dsa_with_SHA384", Some("SHA-384")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.4), "dsa_with_SHA512", Some("SHA-512")),
    other(&oid!(raw 1.2.156.10197.1.501), "SM2-with-SM3", Some("SM3")),
    other(&oid!(raw 2.16.840.1.101.3.4.3.17), "ML-DSA-44", None),
    other(&oid!(raw 2.16.840.1.101.3.4.3.18), "ML-DSA-65", None),
    other(&oid!(raw 2.16.840.1.101.3.4.3.19), "ML-DSA-87", None),
];
