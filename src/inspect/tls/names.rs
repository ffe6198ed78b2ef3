//! Names for the numbers of TLS, from the IANA TLS registries.

/// The name of a protocol version, as `TLSv1.2`. Drafts of TLS 1.3 are named by their number.
#[must_use]
pub fn version_name(version: u16) -> String {
    match version {
        0x0002 => "SSLv2".to_owned(),
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLSv1.0".to_owned(),
        0x0302 => "TLSv1.1".to_owned(),
        0x0303 => "TLSv1.2".to_owned(),
        0x0304 => "TLSv1.3".to_owned(),
        0x7f00..=0x7fff => format!("TLSv1.3-draft{}", version & 0xff),
        0xfb17 | 0xfb1a => format!("TLSv1.3-fb{}", version & 0xff),
        _ => format!("0x{version:04x}"),
    }
}

/// Whether a version hides its handshake after ServerHello.
#[must_use]
pub fn is_tls13(version: u16) -> bool {
    matches!(version, 0x0304 | 0x7f00..=0x7fff | 0xfb17 | 0xfb1a)
}

/// The name of an alert description.
#[must_use]
pub fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "unassigned",
    }
}

/// The name of a named group (`supported_groups` registry), or its number.
#[must_use]
pub fn group_name(group: u16) -> String {
    let name = match group {
        1 => "sect163k1",
        3 => "sect163r2",
        6 => "sect233k1",
        9 => "sect283k1",
        10 => "sect283r1",
        13 => "sect571k1",
        14 => "sect571r1",
        16 => "secp160r1",
        18 => "secp192k1",
        19 => "secp192r1",
        20 => "secp224k1",
        21 => "secp224r1",
        22 => "secp256k1",
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        512 => "MLKEM512",
        513 => "MLKEM768",
        514 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x6399 => "X25519Kyber768Draft00",
        _ => return format!("0x{group:04x}"),
    };
    name.to_owned()
}

/// Security strength of a named group as the bits of its order or its classical part; `None` when not known.
#[must_use]
pub fn group_bits(group: u16) -> Option<u32> {
    Some(match group {
        1 | 3 => 163,
        6 => 233,
        9 | 10 => 283,
        13 | 14 => 571,
        16 => 160,
        18 | 19 => 192,
        20 | 21 => 224,
        22 | 23 | 26 | 29 => 256,
        24 | 27 => 384,
        25 => 521,
        28 => 512,
        30 => 448,
        256 => 2048,
        257 => 3072,
        258 => 4096,
        259 => 6144,
        260 => 8192,
        _ => return None,
    })
}

/// The name of a signature scheme (RFC 8446 section 4.2.3), or of the pair of hash and signature before it.
#[must_use]
pub fn scheme_name(scheme: u16) -> String {
    let name = match scheme {
        0x0401 => "rsa_pkcs1_sha256",
        0x0501 => "rsa_pkcs1_sha384",
        0x0601 => "rsa_pkcs1_sha512",
        0x0403 => "ecdsa_secp256r1_sha256",
        0x0503 => "ecdsa_secp384r1_sha384",
        0x0603 => "ecdsa_secp521r1_sha512",
        0x0804 => "rsa_pss_rsae_sha256",
        0x0805 => "rsa_pss_rsae_sha384",
        0x0806 => "rsa_pss_rsae_sha512",
        0x0807 => "ed25519",
        0x0808 => "ed448",
        0x0809 => "rsa_pss_pss_sha256",
        0x080a => "rsa_pss_pss_sha384",
        0x080b => "rsa_pss_pss_sha512",
        0x0904 => "mldsa44",
        0x0905 => "mldsa65",
        0x0906 => "mldsa87",
        0x0101 => "rsa_pkcs1_md5",
        0x0201 => "rsa_pkcs1_sha1",
        0x0301 => "rsa_pkcs1_sha224",
        0x0102 => "dsa_md5",
        0x0202 => "dsa_sha1",
        0x0302 => "dsa_sha224",
        0x0402 => "dsa_sha256",
        0x0203 => "ecdsa_sha1",
        0x0303 => "ecdsa_sha224",
        _ => return format!("0x{scheme:04x}"),
    };
    name.to_owned()
}

/// Whether a number is one of the values that RFC 8701 reserves to keep peers tolerant.
#[must_use]
pub fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

#[cfg(test)]
mod tests {
    use super::*;

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
