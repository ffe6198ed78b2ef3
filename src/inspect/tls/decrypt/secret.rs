//! What a key log gives: secrets, which are overwritten when they are dropped and cannot be printed.

use zeroize::Zeroize;

/// What a secret is for, as far as it is used here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Label {
    /// The master secret of TLS 1.2 and before.
    Master,
    ClientEarly,
    ClientHandshake,
    ServerHandshake,
    ClientTraffic,
    ServerTraffic,
}

impl Label {
    /// The one that this word of a key log stands for.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"CLIENT_RANDOM" => Self::Master,
            b"CLIENT_EARLY_TRAFFIC_SECRET" => Self::ClientEarly,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Self::ClientHandshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Self::ServerHandshake,
            b"CLIENT_TRAFFIC_SECRET_0" => Self::ClientTraffic,
            b"SERVER_TRAFFIC_SECRET_0" => Self::ServerTraffic,
            _ => return None,
        })
    }

    /// Whether a secret for this can have so many bytes.
    pub(super) fn allows(self, length: usize) -> bool {
        match self {
            Self::Master => length == LONGEST,
            _ => matches!(length, 32 | LONGEST),
        }
    }
}

/// Bytes of the longest secret: a master secret, or one of SHA-384.
pub(super) const LONGEST: usize = 48;

/// A secret.
#[derive(Clone)]
pub(super) struct Secret {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Secret {
    /// Takes these bytes, of which there may be at most [`LONGEST`].
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self { bytes: [0; LONGEST], length: bytes.len() };
        secret.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(secret)
    }

    /// No secret at all.
    pub(super) fn nothing() -> Self {
        Self { bytes: [0; LONGEST], length: 0 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
