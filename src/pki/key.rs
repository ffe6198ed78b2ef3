//! Public keys: their kind and size (RFC 3279, RFC 5480, RFC 8410).

use x509_parser::asn1_rs::{Any, Oid, Tag, oid};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::text::{dotted, elements, is_universal, sequence};
use crate::model::{KeyKind, PublicKey};

/// What kind of key a certificate is for, and how large it is.
pub(super) fn public_key(info: &SubjectPublicKeyInfo<'_>) -> PublicKey {
    let bytes = &info.subject_public_key.data;
    let parameters = info.algorithm.parameters.as_ref();
    match info.algorithm.algorithm.as_bytes() {
        RSA | RSA_PSS | RSA_OAEP | RSA_OF_X500 => rsa(bytes),
        EC => elliptic(parameters),
        DSA | DSA_OF_OIW => dsa(parameters),
        ED25519 => plain(KeyKind::Ed25519, 256),
        ED448 => plain(KeyKind::Ed448, 456),
        _ => plain(KeyKind::Other, 0),
    }
}

/// Modulus and exponent of an RSA key, big-endian; a leading zero byte may be there.
///
/// They are taken as unsigned: some old software forgot the zero byte that keeps a DER integer positive.
pub(super) fn rsa_parts(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut integers = sequence(key);
    let modulus = integers.next().filter(|any| is_universal(any, Tag::Integer))?;
    let exponent = integers.next().filter(|any| is_universal(any, Tag::Integer))?;
    Some((modulus.data, exponent.data))
}

fn plain(kind: KeyKind, bits: u32) -> PublicKey {
    PublicKey { kind, bits, curve: None, exponent: None }
}

fn rsa(key: &[u8]) -> PublicKey {
    let Some((modulus, exponent)) = rsa_parts(key) else {
        return plain(KeyKind::Rsa, 0);
    };
    PublicKey { exponent: small(exponent), ..plain(KeyKind::Rsa, size(modulus)) }
}

fn elliptic(parameters: Option<&Any<'_>>) -> PublicKey {
    let Some(parameters) = parameters else {
        return plain(KeyKind::Ec, 0);
    };
    if is_universal(parameters, Tag::Sequence) {
        let curve = Some("explicit".to_owned());
        return PublicKey { curve, ..plain(KeyKind::Ec, explicit_order_bits(parameters)) };
    }
    if !is_universal(parameters, Tag::Oid) {
        return plain(KeyKind::Ec, 0);
    }
    match CURVES.iter().find(|(oid, ..)| *oid == parameters.data) {
        Some((_, name, bits)) => {
            PublicKey { curve: Some((*name).to_owned()), ..plain(KeyKind::Ec, *bits) }
        }
        None => {
            let curve = Some(dotted(&Oid::new(parameters.data.into())));
            PublicKey { curve, ..plain(KeyKind::Ec, 0) }
        }
    }
}

/// The order of a curve that is spelled out: version, field, curve, base point, then the order (X9.62).
fn explicit_order_bits(parameters: &Any<'_>) -> u32 {
    let order = elements(parameters.data).nth(4).filter(|any| is_universal(any, Tag::Integer));
    order.map_or(0, |order| size(order.data))
}

/// DSA's parameters are p, q and g; a certificate may leave them to its issuer's.
fn dsa(parameters: Option<&Any<'_>>) -> PublicKey {
    let p = parameters.and_then(|parameters| elements(parameters.data).next());
    plain(KeyKind::Dsa, p.map_or(0, |p| size(p.data)))
}

/// Bits of a big-endian number without its leading zeros.
pub(super) fn bits(number: &[u8]) -> u64 {
    let mut digits = number.iter().skip_while(|byte| **byte == 0);
    digits
        .next()
        .map_or(0, |first| digits.count() as u64 * 8 + u64::from(8 - first.leading_zeros()))
}

/// The same, for the facts.
fn size(number: &[u8]) -> u32 {
    u32::try_from(bits(number)).unwrap_or(u32::MAX)
}

fn small(number: &[u8]) -> Option<u64> {
    (bits(number) <= 64)
        .then(|| number.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

const RSA: &[u8] = &oid!(raw 1.2.840.113549.1.1.1);
const RSA_OAEP: &[u8] = &oid!(raw 1.2.840.113549.1.1.7);
const RSA_PSS: &[u8] = &oid!(raw 1.2.840.113549.1.1.10);
const RSA_OF_X500: &[u8] = &oid!(raw 2.5.8.1.1);
const EC: &[u8] = &oid!(raw 1.2.840.10045.2.1);
const DSA: &[u8] = &oid!(raw 1.2.840.10040.4.1);
const DSA_OF_OIW: &[u8] = &oid!(raw 1.3.14.3.2.12);
const ED25519: &[u8] = &oid!(raw 1.3.101.112);
const ED448: &[u8] = &oid!(raw 1.3.101.113);

/// Named curves with the bits of their order, by the names that TLS gives them.
static CURVES: &[(&[u8], &str, u32)] = &[
    (&oid!(raw 1.2.840.10045.3.1.7), "secp256r1", 256),
    (&oid!(raw 1.3.132.0.34), "secp384r1", 384),
    (&oid!(raw 1.3.132.0.35), "secp521r1", 521),
    (&oid!(raw 1.3.132.0.10), "secp256k1", 256),
    (&oid!(raw 1.2.840.10045.3.1.1), "secp192r1", 192),
    (&oid!(raw 1.3.132.0.33), "secp224r1", 224),
    (&oid!(raw 1.3.132.0.31), "secp192k1", 192),
    (&oid!(raw 1.3.132.0.32), "secp224k1", 225),
    (&oid!(raw 1.3.132.0.6), "secp112r1", 112),
    (&oid!(raw 1.3.132.0.7), "secp112r2", 110),
    (&oid!(raw 1.3.132.0.28), "secp128r1", 128),
    (&oid!(raw 1.3.132.0.29), "secp128r2", 126),
    (&oid!(raw 1.3.132.0.8), "secp160r1", 161),
    (&oid!(raw 1.3.132.0.30), "secp160r2", 161),
    (&oid!(raw 1.3.132.0.9), "secp160k1", 161),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.1), "brainpoolP160r1", 160),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.3), "brainpoolP192r1", 192),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.5), "brainpoolP224r1", 224),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.7), "brainpoolP256r1", 256),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.8), "brainpoolP256t1", 256),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.9), "brainpoolP320r1", 320),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.11), "brainpoolP384r1", 384),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.12), "brainpoolP384t1", 384),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.13), "brainpoolP512r1", 512),
    (&oid!(raw 1.3.36.3.3.2.8.1.1.14), "brainpoolP512t1", 512),
    (&oid!(raw 1.2.156.10197.1.301), "curveSM2", 256),
    (&oid!(raw 1.3.132.0.1), "sect163k1", 163),
    (&oid!(raw 1.3.132.0.2), "sect163r1", 162),
    (&oid!(raw 1.3.132.0.15), "sect163r2", 163),
    (&oid!(raw 1.3.132.0.24), "sect193r1", 193),
    (&oid!(raw 1.3.132.0.25), "sect193r2", 193),
    (&oid!(raw 1.3.132.0.26), "sect233k1", 232),
    (&oid!(raw 1.3.132.0.27), "sect233r1", 233),
    (&oid!(raw 1.3.132.0.3), "sect239k1", 238),
    (&oid!(raw 1.3.132.0.16), "sect283k1", 281),
    (&oid!(raw 1.3.132.0.17), "sect283r1", 282),
    (&oid!(raw 1.3.132.0.36), "sect409k1", 407),
    (&oid!(raw 1.3.132.0.37), "sect409r1", 409),
    (&oid!(raw 1.3.132.0.38), "sect571k1", 570),
    (&oid!(raw 1.3.132.0.39), "sect571r1", 570),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_do_not_count_leading_zeros() {
        assert_eq!(bits(&[0, 0x80, 0]), 16);
        assert_eq!(bits(&[0x01, 0xff]), 9);
        assert_eq!(bits(&[0, 0]), 0);
        assert_eq!(bits(&[]), 0);
    }

    #[test]
    fn an_exponent_is_kept_when_it_fits() {
        assert_eq!(small(&[1, 0, 1]), Some(65537));
        assert_eq!(small(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Some(u64::MAX));
        assert_eq!(small(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
