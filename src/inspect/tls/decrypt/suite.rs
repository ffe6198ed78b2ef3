//! How a cipher suite protects records, told from its registered name.

use super::schedule::Hash;

/// The protection of records by a suite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Protection {
    /// The hash of the key schedule (TLS 1.2 and later).
    pub(super) hash: Hash,
    pub(super) cipher: Cipher,
    /// Bytes of the key.
    pub(super) key: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cipher {
    Gcm,
    Ccm,
    /// CCM with a tag of 8 bytes.
    CcmShort,
    ChaCha,
    /// AES in CBC mode with an HMAC.
    AesCbc(Hash),
    TripleDesCbc(Hash),
}

impl Protection {
    /// That of this suite; `None` for one that cannot be opened here.
    pub(super) fn of(suite: u16) -> Option<Self> {
        let name = crate::inspect::tls::suite(suite)?.name;
        let cipher = name
            .split_once("_WITH_")
            .map_or_else(|| name.strip_prefix("TLS_").unwrap_or(name), |(_, cipher)| cipher);
        let (key, mode) = match cipher.split_at_checked(8)? {
            ("AES_128_", mode) => (16, mode),
            ("AES_256_", mode) => (32, mode),
            ("CHACHA20", mode) => (32, mode),
            ("3DES_EDE", "_CBC_SHA") => (24, "3DES"),
            _ => return None,
        };
        let cipher = match mode {
            "GCM_SHA256" | "GCM_SHA384" => Cipher::Gcm,
            "CCM" | "CCM_SHA256" => Cipher::Ccm,
            "CCM_8" | "CCM_8_SHA256" => Cipher::CcmShort,
            "_POLY1305_SHA256" => Cipher::ChaCha,
            "CBC_SHA" => Cipher::AesCbc(Hash::Sha1),
            "CBC_SHA256" => Cipher::AesCbc(Hash::Sha256),
            "CBC_SHA384" => Cipher::AesCbc(Hash::Sha384),
            "3DES" => Cipher::TripleDesCbc(Hash::Sha1),
            _ => return None,
        };
        let hash = if name.ends_with("SHA384") { Hash::Sha384 } else { Hash::Sha256 };
        Some(Self { hash, cipher, key })
    }

    /// Bytes of the key of the MAC.
    pub(super) fn mac_key(&self) -> usize {
        match self.cipher {
            Cipher::AesCbc(hash) | Cipher::TripleDesCbc(hash) => hash.length(),
            _ => 0,
        }
    }

    /// Bytes of the initialisation vector that keys are made with before TLS 1.3.
    pub(super) fn fixed_iv(&self, version: u16) -> usize {
        match self.cipher {
            Cipher::Gcm | Cipher::Ccm | Cipher::CcmShort => 4,
            Cipher::ChaCha => 12,
            Cipher::AesCbc(_) if version <= 0x0301 => 16,
            Cipher::TripleDesCbc(_) if version <= 0x0301 => 8,
            Cipher::AesCbc(_) | Cipher::TripleDesCbc(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_suite_is_told_by_its_name() {
        for (suite, cipher, key, hash) in [
            (0x1301, Cipher::Gcm, 16, Hash::Sha256),
            (0x1302, Cipher::Gcm, 32, Hash::Sha384),
            (0x1303, Cipher::ChaCha, 32, Hash::Sha256),
            (0x1304, Cipher::Ccm, 16, Hash::Sha256),
            (0x1305, Cipher::CcmShort, 16, Hash::Sha256),
            (0xc030, Cipher::Gcm, 32, Hash::Sha384),
            (0xcca8, Cipher::ChaCha, 32, Hash::Sha256),
            (0xc09c, Cipher::Ccm, 16, Hash::Sha256),
            (0xc0af, Cipher::CcmShort, 32, Hash::Sha256),
            (0xc013, Cipher::AesCbc(Hash::Sha1), 16, Hash::Sha256),
            (0xc027, Cipher::AesCbc(Hash::Sha256), 16, Hash::Sha256),
            (0xc028, Cipher::AesCbc(Hash::Sha384), 32, Hash::Sha384),
            (0x000a, Cipher::TripleDesCbc(Hash::Sha1), 24, Hash::Sha256),
        ] {
            assert_eq!(
                Protection::of(suite),
                Some(Protection { hash, cipher, key }),
                "{suite:04x}"
            );
        }
        for suite in [0x0005, 0x0002, 0x0041, 0xc06e, 0xfefe] {
            assert_eq!(Protection::of(suite), None, "{suite:04x}");
        }
    }
}
