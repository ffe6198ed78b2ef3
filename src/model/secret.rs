//! A secret that crossed the wire, without the secret.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// What is kept of a secret: a digest to recognise it by, and its length. The bytes themselves are forgotten at once.
///
/// The digest is not a fingerprint to show: a short password could be looked up by it. So nothing here prints it; what
/// outputs show is made of it with a key that never leaves the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret {
    digest: [u8; 32],
    length: u32,
}

impl Secret {
    /// Takes note of a secret.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self { digest: Sha256::digest(bytes).into(), length }
    }

    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u32 {
        self.length
    }

    /// The digest, for a keyed fingerprint to be made of and for nothing else.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_its_length_and_nothing_else() {
        let secret = Secret::of(b"hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(7 bytes)");
        assert_eq!(secret, Secret::of(b"hunter2"));
        assert_ne!(secret, Secret::of(b"hunter3"));
    }
}
