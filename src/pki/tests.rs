use super::*;
use crate::model::{
    Certificate, CertificateDetails, KeyKind, SanName, Seen, Timestamp, Why, limits,
};
use proptest::prelude::*;
use rcgen::{CertificateParams, CustomExtension, DnType, DnValue, KeyPair, SanType, date_time_ymd};

macro_rules! testdata {
    ($name:literal) => {
        include_bytes!(concat!("testdata/", $name, ".der")).as_slice()
    };
}

fn details(der: &[u8]) -> CertificateDetails {
    read(der).details.expect("a certificate")
}

/// A certificate made with these parameters and signed by its own new P-256 key.
fn made(params: CertificateParams) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

fn replaced(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = der.to_vec();
    for at in 0..=out.len() - from.len() {
        if out[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
        }
    }
    out
}

#[test]
fn everything_that_a_certificate_says_is_read() {
    let details = details(testdata!("everything"));
    assert_eq!(details.version, 3);
    let name = "C=US, O=Example\\, \\\"Inc.\\\", OU=second+OU=Über \\+ Ops, serialNumber=12-34, \
                1.2.3.4.5=private, CN=api\\\\\\;one";
    assert_eq!((details.subject.as_str(), details.issuer.as_str()), (name, name));
    assert_eq!(details.common_name.as_deref(), Some("api\\\\;one"));
    let names: Vec<String> = details.names.iter().map(ToString::to_string).collect();
    let expected = [
        "dns:*.example.com",
        "ip:10.0.0.1",
        "ip:2001:db8::1",
        "uri:spiffe://example.com/ns/a/sa/b",
        "email:ops@example.com",
        "other:otherName",
        "other:registeredID",
        "other:directoryName",
    ];
    assert_eq!(names, expected);
    assert_eq!((details.is_ca, details.path_length), (Some(true), Some(3)));
    let usages = ["digitalSignature", "keyAgreement", "keyCertSign", "cRLSign", "decipherOnly"];
    assert_eq!(details.key_usage.unwrap(), usages);
    let purposes = ["serverAuth", "clientAuth", "1.3.6.1.4.1.99999.1"];
    assert_eq!(details.extended_key_usage.unwrap(), purposes);
    assert!(details.revocation_pointer && details.must_staple && details.self_issued);
    assert_eq!(details.subject_key_id, details.authority_key_id);
    assert_eq!(details.subject_key_id.unwrap().len(), 40);
    assert_eq!(details.self_signed, Seen::Value(true));
}

#[test]
fn a_certificate_without_extensions_says_nothing_of_what_they_would_say() {
    let details = details(testdata!("v1"));
    assert_eq!(details.version, 1);
    assert_eq!(details.subject, "CN=v1.example");
    assert_eq!(details.names, []);
    assert_eq!((details.is_ca, details.path_length), (None, None));
    assert_eq!((&details.key_usage, &details.extended_key_usage), (&None, &None));
    assert!(!details.revocation_pointer && !details.must_staple);
    assert_eq!(details.self_signed, Seen::Value(true));
}

type KeyCase = (&'static [u8], KeyKind, u32, Option<&'static str>, Option<u64>);

#[test]
fn kinds_and_sizes_of_keys_are_told() {
    let explicit = testdata!("p256-explicit");
    let cases: &[KeyCase] = &[
        (testdata!("rsa1024-sha1"), KeyKind::Rsa, 1024, None, Some(65537)),
        (testdata!("rsa2047-sha224"), KeyKind::Rsa, 2047, None, Some(3)),
        (testdata!("pss-key-1025"), KeyKind::Rsa, 1025, None, Some(65537)),
        (testdata!("p256"), KeyKind::Ec, 256, Some("secp256r1"), None),
        (testdata!("p384"), KeyKind::Ec, 384, Some("secp384r1"), None),
        (testdata!("p521"), KeyKind::Ec, 521, Some("secp521r1"), None),
        (testdata!("p192"), KeyKind::Ec, 192, Some("secp192r1"), None),
        (testdata!("secp256k1"), KeyKind::Ec, 256, Some("secp256k1"), None),
        (testdata!("brainpool320"), KeyKind::Ec, 320, Some("brainpoolP320r1"), None),
        (explicit, KeyKind::Ec, 256, Some("explicit"), None),
        (testdata!("ed25519"), KeyKind::Ed25519, 256, None, None),
        (testdata!("ed448"), KeyKind::Ed448, 456, None, None),
        (testdata!("dsa1024"), KeyKind::Dsa, 1024, None, None),
    ];
    for (der, kind, bits, curve, exponent) in cases {
        let key = details(der).key;
        assert_eq!(
            (key.kind, key.bits, key.curve.as_deref(), key.exponent),
            (*kind, *bits, *curve, *exponent)
        );
    }
}

#[test]
fn signature_algorithms_have_their_names_and_hashes() {
    let cases: &[(&[u8], &str, Option<&str>)] = &[
        (testdata!("rsa1024-md5"), "md5WithRSAEncryption", Some("MD5")),
        (testdata!("rsa1024-sha1"), "sha1WithRSAEncryption", Some("SHA-1")),
        (testdata!("rsa2048-sha512"), "sha512WithRSAEncryption", Some("SHA-512")),
        (testdata!("pss-sha256"), "rsassaPss", Some("SHA-256")),
        (testdata!("pss-sha1-long-salt"), "rsassaPss", Some("SHA-1")),
        (testdata!("pss-sha512-256"), "rsassaPss", None),
        (testdata!("p521"), "ecdsa-with-SHA512", Some("SHA-512")),
        (testdata!("ed25519"), "ED25519", None),
        (testdata!("dsa1024"), "dsaWithSHA1", Some("SHA-1")),
    ];
    for (der, name, hash) in cases {
        let signature = details(der).signature;
        assert_eq!((signature.name.as_str(), signature.hash), (*name, *hash));
    }
}

/// Certificates whose own signature can be verified.
const VERIFIABLE: &[&[u8]] = &[
    testdata!("rsa1024-sha1"),
    testdata!("rsa1024-sha256"),
    testdata!("rsa2047-sha224"),
    testdata!("rsa2048-sha512"),
    testdata!("pss-sha256"),
    testdata!("pss-salt20-mask-sha1"),
    testdata!("pss-sha1-long-salt"),
    testdata!("pss-key-1025"),
    testdata!("rsa1024-md5"),
    testdata!("p256"),
    testdata!("p256-sha512"),
    testdata!("p384"),
    testdata!("p384-sha1"),
    testdata!("p521"),
    testdata!("p521-sha1"),
    testdata!("p521-compressed"),
    testdata!("ed25519"),
];

#[test]
fn a_self_signature_is_verified_also_where_it_is_weak() {
    for der in VERIFIABLE {
        assert_eq!(details(der).self_signed, Seen::Value(true), "{}", details(der).signature.name);
    }
}

#[test]
fn a_self_signature_over_something_else_is_none() {
    for der in VERIFIABLE {
        let forged = details(&replaced(der, b".example", b".exampla"));
        assert!(forged.self_issued);
        assert_eq!(forged.self_signed, Seen::Value(false), "{}", forged.signature.name);
        let mut damaged = der.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(details(&damaged).self_signed, Seen::Value(false));
    }
}

#[test]
fn a_signature_that_cannot_be_verified_is_not_called_forged() {
    let unverifiable = [
        testdata!("pss-sha512-256"),
        testdata!("p256-explicit"),
        testdata!("brainpool320"),
        testdata!("secp256k1"),
        testdata!("ed448"),
        testdata!("dsa1024"),
    ];
    for der in unverifiable {
        assert_eq!(details(der).self_signed, Seen::Hidden(Why::Unverifiable));
    }
}

#[test]
fn a_signature_that_this_kind_of_key_cannot_make_is_forged() {
    const ECDSA_SHA256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    const DSA_SHA224: &[u8] = &[0x06, 0x08, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03];
    let ed25519 = [0x06, 0x03, 0x2b, 0x65, 0x70, 0x05, 0x03, 0, 0, 0];
    let mixed = replaced(testdata!("p256"), ECDSA_SHA256, &ed25519);
    assert_eq!(details(&mixed).self_signed, Seen::Value(false));
    let unknown = replaced(testdata!("p256"), ECDSA_SHA256, DSA_SHA224);
    assert_eq!(details(&unknown).signature.name, "2.16.840.1.101.3.4.3");
    assert_eq!(details(&unknown).self_signed, Seen::Hidden(Why::Unverifiable));
}

#[test]
fn a_workload_certificate_may_have_no_subject() {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let id = "spiffe://example.org/ns/shop/sa/cart";
    params.subject_alt_names.push(SanType::URI(id.try_into().unwrap()));
    let certificate = read(&made(params));
    assert_eq!(certificate.spiffe_id(), Some(id));
    let details = certificate.details.unwrap();
    assert_eq!((details.subject.as_str(), details.common_name), ("", None));
}

#[test]
fn a_certificate_signed_by_another_is_not_self_signed() {
    let issuer_key = KeyPair::generate().unwrap();
    let mut issuer = CertificateParams::default();
    issuer.distinguished_name.push(DnType::CommonName, "the issuer");
    let issuer = rcgen::Issuer::new(issuer, issuer_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["leaf.example".to_owned()]).unwrap();
    let leaf = details(leaf.signed_by(&key, &issuer).unwrap().der());
    assert_eq!((leaf.self_issued, leaf.self_signed), (false, Seen::Value(false)));
    assert_eq!(leaf.names, [SanName::Dns("leaf.example".to_owned())]);
}

#[test]
fn dates_far_away_are_kept() {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(1901, 2, 3);
    params.not_after = date_time_ymd(9999, 12, 31);
    let details = details(&made(params));
    assert_eq!(details.not_before, Timestamp::parse("1901-02-03").unwrap());
    assert_eq!(details.not_after, Timestamp::parse("9999-12-31").unwrap());
}

#[test]
fn a_zero_byte_in_a_name_hides_nothing_of_it() {
    let mut params = CertificateParams::new(["bank.exampleXevil.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "bank.exampleXevil.example");
    let details = details(&replaced(&made(params), b"eXe", b"e\0e"));
    assert_eq!(details.common_name.as_deref(), Some("bank.example\\0evil.example"));
    assert_eq!(details.names, [SanName::Dns("bank.example\\0evil.example".to_owned())]);
    assert!(details.subject.ends_with("CN=bank.example\\0evil.example"));
}

#[test]
fn hostile_text_is_inert() {
    let mut params = CertificateParams::default();
    let hostile = "\u{1b}[2J\u{202e},CN=admin\n";
    params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(hostile.to_owned()));
    let details = details(&made(params));
    assert!(
        details.subject.ends_with("CN=\\u{1b}[2J\\u{202e}\\,CN=admin\\n"),
        "{}",
        details.subject
    );
}

#[test]
fn what_is_long_is_cut_and_what_is_many_is_not_kept() {
    let many = (0..limits::CERTIFICATE_NAMES + 10).map(|n| format!("{n}.example"));
    let mut params = CertificateParams::new(many.collect::<Vec<_>>()).unwrap();
    for number in 0..limits::DISTINGUISHED_NAME_BYTES as u64 {
        let kind = DnType::CustomDnType(vec![2, 5, 4, 3, number]);
        params.distinguished_name.push(kind, "x".repeat(limits::TEXT_BYTES + 1));
    }
    let details = details(&made(params));
    assert_eq!(details.names.len(), limits::CERTIFICATE_NAMES);
    let most = limits::DISTINGUISHED_NAME_BYTES + limits::TEXT_BYTES + 32;
    assert!(details.subject.len() < most, "{}", details.subject.len());
    assert!(details.subject.ends_with("x……"), "{}", details.subject);
}

#[test]
fn an_extension_that_makes_no_sense_hides_no_other() {
    let mut params = CertificateParams::new(["api.example".to_owned()]).unwrap();
    for oid in [[2, 5, 29, 15], [2, 5, 29, 19], [2, 5, 29, 37], [2, 5, 29, 35]] {
        params.custom_extensions.push(CustomExtension::from_oid_content(&oid, vec![0x30, 0x7f]));
    }
    let features = vec![0x30, 0x06, 0x02, 0x01, 0x11, 0x02, 0x01, 0x05];
    let feature_oid = [1, 3, 6, 1, 5, 5, 7, 1, 24];
    params.custom_extensions.push(CustomExtension::from_oid_content(&feature_oid, features));
    let details = details(&made(params));
    assert_eq!(details.names, [SanName::Dns("api.example".to_owned())]);
    assert_eq!((details.is_ca, details.key_usage, details.authority_key_id), (None, None, None));
    assert!(details.must_staple);
}

#[test]
fn an_address_of_a_wrong_length_is_named_only() {
    let params = CertificateParams::new(["10.0.0.1".to_owned()]).unwrap();
    let der = made(params);
    assert_eq!(details(&der).names, [SanName::Ip("10.0.0.1".parse().unwrap())]);
    let odd = replaced(&der, &[0x87, 4, 10, 0, 0, 1], &[0x87, 2, 10, 0, 0x82, 0]);
    assert_eq!(details(&odd).names, [SanName::Other("iPAddress"), SanName::Dns(String::new())]);
}

#[test]
fn bytes_behind_a_certificate_change_its_digest_only() {
    let der = testdata!("p256");
    let longer = [der, b"more"].concat();
    assert_ne!(read(der).sha256, read(&longer).sha256);
    assert_eq!(read(der).details, read(&longer).details);
}

#[test]
fn what_is_no_certificate_is_kept_by_its_digest() {
    let empty = Certificate { details: None, ..read(b"") };
    assert_eq!(read(b""), empty);
    let sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(empty.sha256.to_string(), sha256);
    let der = testdata!("p256");
    for length in 0..der.len() {
        assert_eq!(read(&der[..length]).details, None, "{length}");
    }
    assert_eq!(read(&[0x30, 0x80, 0, 0]).details, None);
    assert_eq!(read(&[0xff; 100]).details, None);
}

#[test]
fn the_same_key_in_two_certificates_has_the_same_digest() {
    let (one, two) = (details(testdata!("rsa1024-sha1")), details(testdata!("rsa1024-sha256")));
    assert_eq!(one.spki_sha256, two.spki_sha256);
    assert_ne!(one.serial, two.serial);
}

#[test]
fn a_modulus_too_large_to_be_worth_it_is_not_computed_with() {
    let zero = [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x03];
    let scheme = rsa::RsaScheme::Pkcs1(hash::Hash::Sha1);
    assert_eq!(rsa::verify(&zero, scheme, b"", &[]), Seen::Value(false));
    let bytes = usize::try_from(limits::RSA_MODULUS_BITS / 8).unwrap() + 1;
    let mut key = vec![0x30, 0x82, 0, 0, 0x02, 0x82];
    key.extend(u16::try_from(bytes).unwrap().to_be_bytes());
    key.extend(vec![0x77; bytes]);
    key.extend([0x02, 0x01, 0x03]);
    let length = u16::try_from(key.len() - 4).unwrap().to_be_bytes();
    key[2..4].copy_from_slice(&length);
    let verdict = rsa::verify(&key, scheme, b"", &vec![1; bytes]);
    assert_eq!(verdict, Seen::Hidden(Why::Bound));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_damage_is_survived(
        which in 0..VERIFIABLE.len() + 1,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut der = VERIFIABLE.get(which).copied().unwrap_or(testdata!("everything")).to_vec();
        for (at, byte) in damage {
            let at = at.index(der.len());
            der[at] = byte;
        }
        let _ = read(&der);
    }
}
