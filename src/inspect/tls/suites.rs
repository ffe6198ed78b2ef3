//! Cipher suites: their names, and how much they protect.
//!
//! Names come from the table of the `tls-parser` crate. What a suite is worth is told from its name rather than from
//! that table's columns: export suites are not marked there, one line mixes up key exchange and authentication, and
//! the sizes of some ciphers are wrong.

use std::borrow::Cow;
use std::sync::LazyLock;

use hashbrown::HashMap;
use tls_parser::{CIPHERS, TlsCipherSuite};

/// What a cipher suite is worth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suite {
    /// Its name in the registry of IANA.
    pub name: &'static str,
    /// Its worst property: `null`, `anon`, `export`, `des`, `rc2`, `rc4`, `3des`, `static-rsa`, `cbc-md5`, `cbc-sha1`,
    /// `cbc`, `ccm8`, or `aead` when there is none.
    pub class: &'static str,
    /// All such properties, and `psk` for a pre-shared key.
    pub flags: Vec<&'static str>,
    /// Whether its key exchange keeps old sessions secret when a long-term key leaks. TLS 1.3 suites say nothing of
    /// key exchange and have `true` here.
    pub forward_secrecy: bool,
}

/// From worst to best; the first one that a suite has is its class.
const CLASSES: &[&str] = &[
    "null",
    "anon",
    "export",
    "des",
    "rc2",
    "rc4",
    "3des",
    "static-rsa",
    "cbc-md5",
    "cbc-sha1",
    "cbc",
    "ccm8",
];

/// A few look-ups for each handshake: the hash need not withstand anybody, as the keys are the registry's.
static SUITES: LazyLock<HashMap<u16, Suite, foldhash::fast::FixedState>> = LazyLock::new(|| {
    let known = |suite: &TlsCipherSuite| (suite.id.0, classify(suite.name));
    CIPHERS.values().map(known).collect()
});

/// The name of a cipher suite in the registry of IANA, or its number.
#[must_use]
pub fn suite_name(suite: u16) -> Cow<'static, str> {
    self::suite(suite)
        .map_or_else(|| Cow::Owned(format!("0x{suite:04x}")), |known| Cow::Borrowed(known.name))
}

/// What a cipher suite is worth; `None` for one that is not known.
#[must_use]
pub fn suite(suite: u16) -> Option<&'static Suite> {
    SUITES.get(&suite)
}

fn classify(name: &'static str) -> Suite {
    let flags = flags(name);
    let class = CLASSES.iter().find(|class| flags.contains(class)).copied().unwrap_or("aead");
    Suite { name, class, flags, forward_secrecy: forward_secrecy(name) }
}

fn flags(name: &'static str) -> Vec<&'static str> {
    let (exchange, cipher) = parts(name);
    let has = |part: &str| cipher.split('_').any(|word| word == part);
    // TLS_SHA256_SHA256 and its sibling (RFC 9150) are TLS 1.3 without encryption.
    let integrity_only = exchange.is_empty() && cipher.starts_with("SHA");
    let cbc = has("CBC");
    let tests = [
        ("null", has("NULL") || integrity_only),
        ("anon", exchange.contains("anon") || exchange == "NULL"),
        ("export", exchange.contains("EXPORT")),
        ("des", has("DES") || has("DES40")),
        ("rc2", has("RC2")),
        ("rc4", has("RC4")),
        ("3des", has("3DES")),
        ("static-rsa", exchange == "RSA" || exchange.starts_with("RSA_EXPORT")),
        ("cbc-md5", cbc && cipher.ends_with("_MD5")),
        ("cbc-sha1", cbc && cipher.ends_with("_SHA")),
        ("cbc", cbc && !cipher.ends_with("_MD5") && !cipher.ends_with("_SHA")),
        ("ccm8", cipher.contains("CCM_8")),
        ("psk", exchange.contains("PSK")),
    ];
    tests.into_iter().filter(|(_, is)| *is).map(|(flag, _)| flag).collect()
}

/// Key exchange and cipher: `ECDHE_RSA` and `AES_128_GCM_SHA256`. TLS 1.3 suites have no key exchange.
fn parts(name: &'static str) -> (&'static str, &'static str) {
    let bare = name.strip_prefix("TLS_").unwrap_or(name);
    bare.split_once("_WITH_").unwrap_or(("", bare))
}

fn forward_secrecy(name: &'static str) -> bool {
    let (exchange, _) = parts(name);
    let fresh = ["DHE", "ECCPWD", "anon", "SRP"];
    exchange.is_empty() || fresh.iter().any(|kind| exchange.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(id: u16) -> &'static str {
        suite(id).unwrap().class
    }

    #[test]
    fn every_known_class_is_told_from_a_real_suite() {
        assert_eq!(class(0x0002), "null");
        assert_eq!(class(0xc0b4), "null");
        assert_eq!(class(0x0034), "anon");
        assert_eq!(class(0x0003), "export");
        assert_eq!(class(0x0015), "des");
        assert_eq!(class(0x0005), "rc4");
        assert_eq!(class(0xc012), "3des");
        assert_eq!(class(0x009c), "static-rsa");
        assert_eq!(class(0xc013), "cbc-sha1");
        assert_eq!(class(0xc027), "cbc");
        assert_eq!(class(0xc0ae), "ccm8");
        assert_eq!(class(0x1305), "ccm8");
        for modern in [0x1301, 0x1302, 0x1303, 0x1304, 0xc02f, 0xcca8, 0x009e] {
            assert_eq!(class(modern), "aead", "{modern:04x}");
        }
    }

    #[test]
    fn forward_secrecy_needs_a_fresh_key_exchange() {
        for (id, fresh) in [
            (0x009c, false), // RSA
            (0x00a8, false), // PSK
            (0xc02d, false), // ECDH_ECDSA, static
            (0x003f, false), // DH_RSA, static
            (0x009e, true),
            (0xc02f, true),
            (0xc0aa, true), // PSK_DHE, whose columns in the crate's table are swapped
            (0x1301, true),
        ] {
            assert_eq!(suite(id).unwrap().forward_secrecy, fresh, "{id:04x}");
        }
    }

    #[test]
    fn unknown_suites_stay_numbers() {
        assert_eq!(suite_name(0xfefe), "0xfefe");
        assert_eq!(suite_name(0x1301), "TLS_AES_128_GCM_SHA256");
        assert!(suite(0xfefe).is_none());
    }
}
