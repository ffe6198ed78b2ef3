//! The names of TLS numbers: versions, groups, signature schemes, alerts.

use std::borrow::Cow;

/// A protocol version: `SSLv2`, `SSLv3`, `TLSv1.0` to `TLSv1.3`.
#[must_use]
pub fn version_name(version: u16) -> Cow<'static, str> {
    Cow::Borrowed(match version {
        0x0002 => "SSLv2",
        0x0300 => "SSLv3",
        0x0301 => "TLSv1.0",
        0x0302 => "TLSv1.1",
        0x0303 => "TLSv1.2",
        0x0304 => "TLSv1.3",
        0x7f00..=0x7fff => return Cow::Owned(format!("TLSv1.3-draft{}", version & 0xff)),
        0xfb17 => "TLSv1.3-fb23",
        0xfb1a => "TLSv1.3-fb26",
        _ => return unnamed(version),
    })
}

/// Whether a version hides its handshake after ServerHello.
#[must_use]
pub fn is_tls13(version: u16) -> bool {
    matches!(version, 0x0304 | 0x7f00..=0x7fff | 0xfb17 | 0xfb1a)
}

/// Whether a number is one of the values that RFC 8701 reserves to keep peers tolerant.
#[must_use]
pub(super) fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// A named group by its name in the registry of IANA.
#[must_use]
pub fn group_name(group: u16) -> Cow<'static, str> {
    let found = GROUPS.binary_search_by_key(&group, |(number, _)| *number);
    found
        .ok()
        .and_then(|at| GROUPS.get(at))
        .map_or_else(|| unnamed(group), |(_, name)| Cow::Borrowed(*name))
}

/// A signature scheme by its name in RFC 8446, or by hash and algorithm as in RFC 5246.
#[must_use]
pub fn scheme_name(scheme: u16) -> Cow<'static, str> {
    let known = SCHEMES.binary_search_by_key(&scheme, |(number, _)| *number);
    if let Some((_, name)) = known.ok().and_then(|at| SCHEMES.get(at)) {
        return Cow::Borrowed(*name);
    }
    let [hash, algorithm] = scheme.to_be_bytes();
    let algorithm = match algorithm {
        1 => "rsa_pkcs1",
        2 => "dsa",
        3 => "ecdsa",
        _ => return unnamed(scheme),
    };
    match hash_of(hash) {
        Some(hash) => {
            Cow::Owned(format!("{algorithm}_{}", hash.to_ascii_lowercase().replace('-', "")))
        }
        None => unnamed(scheme),
    }
}

/// The hash of a signature scheme, where it can be told: `SHA-1`, `SHA-256`.
#[must_use]
pub fn scheme_hash(scheme: u16) -> Option<&'static str> {
    let [hash, algorithm] = scheme.to_be_bytes();
    match (scheme, hash) {
        (0x0804 | 0x0809 | 0x081a, _) => Some("SHA-256"),
        (0x0805 | 0x080a | 0x081b, _) => Some("SHA-384"),
        (0x0806 | 0x080b | 0x081c, _) => Some("SHA-512"),
        (_, 1..=6) if matches!(algorithm, 1..=3) => hash_of(hash),
        _ => None,
    }
}

/// Whether the hash of a signature scheme is broken: MD5 or SHA-1 (RFC 9155).
#[must_use]
pub(super) fn scheme_is_weak(scheme: u16) -> bool {
    matches!(scheme_hash(scheme), Some("MD5" | "SHA-1"))
}

fn hash_of(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "MD5",
        2 => "SHA-1",
        3 => "SHA-224",
        4 => "SHA-256",
        5 => "SHA-384",
        6 => "SHA-512",
        _ => return None,
    })
}

/// An alert by its name in the registry of IANA.
#[must_use]
pub fn alert_name(description: u8) -> Cow<'static, str> {
    let found = ALERTS.binary_search_by_key(&description, |(number, _)| *number);
    found.ok().and_then(|at| ALERTS.get(at)).map_or_else(
        || Cow::Owned(format!("alert-{description}")),
        |(_, name)| Cow::Borrowed(*name),
    )
}

fn unnamed(number: u16) -> Cow<'static, str> {
    Cow::Owned(format!("0x{number:04x}"))
}

#[rustfmt::skip]
static GROUPS: &[(u16, &str)] = &[
    (1, "sect163k1"), (2, "sect163r1"), (3, "sect163r2"), (4, "sect193r1"), (5, "sect193r2"),
    (6, "sect233k1"), (7, "sect233r1"), (8, "sect239k1"), (9, "sect283k1"), (10, "sect283r1"),
    (11, "sect409k1"), (12, "sect409r1"), (13, "sect571k1"), (14, "sect571r1"), (15, "secp160k1"),
    (16, "secp160r1"), (17, "secp160r2"), (18, "secp192k1"), (19, "secp192r1"), (20, "secp224k1"),
    (21, "secp224r1"), (22, "secp256k1"), (23, "secp256r1"), (24, "secp384r1"), (25, "secp521r1"),
    (26, "brainpoolP256r1"), (27, "brainpoolP384r1"), (28, "brainpoolP512r1"), (29, "x25519"), (30, "x448"),
    (31, "brainpoolP256r1tls13"), (32, "brainpoolP384r1tls13"), (33, "brainpoolP512r1tls13"),
    (41, "curveSM2"),
    (256, "ffdhe2048"), (257, "ffdhe3072"), (258, "ffdhe4096"), (259, "ffdhe6144"), (260, "ffdhe8192"),
    (512, "MLKEM512"), (513, "MLKEM768"), (514, "MLKEM1024"),
    (0x11eb, "SecP256r1MLKEM768"), (0x11ec, "X25519MLKEM768"), (0x11ed, "SecP384r1MLKEM1024"),
    (0x6399, "X25519Kyber768Draft00"), (0x639a, "SecP256r1Kyber768Draft00"),
    (0xff01, "arbitrary_explicit_prime_curves"), (0xff02, "arbitrary_explicit_char2_curves"),
];

#[rustfmt::skip]
static SCHEMES: &[(u16, &str)] = &[
    (0x0403, "ecdsa_secp256r1_sha256"), (0x0503, "ecdsa_secp384r1_sha384"), (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0804, "rsa_pss_rsae_sha256"), (0x0805, "rsa_pss_rsae_sha384"), (0x0806, "rsa_pss_rsae_sha512"),
    (0x0807, "ed25519"), (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"), (0x080a, "rsa_pss_pss_sha384"), (0x080b, "rsa_pss_pss_sha512"),
    (0x081a, "ecdsa_brainpoolP256r1tls13_sha256"), (0x081b, "ecdsa_brainpoolP384r1tls13_sha384"),
    (0x081c, "ecdsa_brainpoolP512r1tls13_sha512"),
    (0x0904, "mldsa44"), (0x0905, "mldsa65"), (0x0906, "mldsa87"),
];

#[rustfmt::skip]
static ALERTS: &[(u8, &str)] = &[
    (0, "close_notify"), (10, "unexpected_message"), (20, "bad_record_mac"), (21, "decryption_failed"),
    (22, "record_overflow"), (30, "decompression_failure"), (40, "handshake_failure"), (41, "no_certificate"),
    (42, "bad_certificate"), (43, "unsupported_certificate"), (44, "certificate_revoked"),
    (45, "certificate_expired"), (46, "certificate_unknown"), (47, "illegal_parameter"), (48, "unknown_ca"),
    (49, "access_denied"), (50, "decode_error"), (51, "decrypt_error"), (52, "too_many_cids_requested"),
    (60, "export_restriction"), (70, "protocol_version"), (71, "insufficient_security"), (80, "internal_error"),
    (86, "inappropriate_fallback"), (90, "user_canceled"), (100, "no_renegotiation"), (109, "missing_extension"),
    (110, "unsupported_extension"), (111, "certificate_unobtainable"), (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"), (114, "bad_certificate_hash_value"), (115, "unknown_psk_identity"),
    (116, "certificate_required"), (120, "no_application_protocol"), (121, "ech_required"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_so_that_they_can_be_searched() {
        assert!(GROUPS.is_sorted_by_key(|(number, _)| *number));
        assert!(SCHEMES.is_sorted_by_key(|(number, _)| *number));
        assert!(ALERTS.is_sorted_by_key(|(number, _)| *number));
    }

    #[test]
    fn numbers_have_their_names_and_unknown_ones_stay_numbers() {
        let versions = [0x0002, 0x0300, 0x0301, 0x0303, 0x7f1c, 0x1234].map(version_name);
        assert_eq!(versions, ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.2", "TLSv1.3-draft28", "0x1234"]);
        assert_eq!(group_name(0x11ec), "X25519MLKEM768");
        assert_eq!(group_name(0x9999), "0x9999");
        assert_eq!(scheme_name(0x0201), "rsa_pkcs1_sha1");
        assert_eq!(scheme_name(0x0403), "ecdsa_secp256r1_sha256");
        assert_eq!(alert_name(48), "unknown_ca");
        assert_eq!(alert_name(200), "alert-200");
    }

    #[test]
    fn only_md5_and_sha1_are_weak() {
        let weak: Vec<u16> = [0x0101, 0x0201, 0x0203, 0x0401, 0x0403, 0x0804, 0x0807, 0x0904]
            .into_iter()
            .filter(|scheme| scheme_is_weak(*scheme))
            .collect();
        assert_eq!(weak, [0x0101, 0x0201, 0x0203]);
    }

    #[test]
    fn grease_is_exactly_the_sixteen_reserved_values() {
        let all: Vec<u16> = (0..=u16::MAX).filter(|n| is_grease(*n)).collect();
        assert_eq!(all.len(), 16);
        assert!(all.contains(&0x0a0a) && all.contains(&0xfafa) && !all.contains(&0x1a2a));
    }

    #[test]
    fn drafts_are_tls_13_and_say_their_number() {
        assert_eq!(version_name(0x7f17), "TLSv1.3-draft23");
        assert!(is_tls13(0x7f17) && !is_tls13(0x0303));
    }
}
