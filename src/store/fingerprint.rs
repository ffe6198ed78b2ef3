//! Fingerprints of secrets, with a key that each database has of its own.
//!
//! A digest of a short password can be looked up in a table; one that is made with a key cannot, and two databases do
//! not tell that they saw the same secret. The key is made when the file is, and no query can read it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::{Connection, OptionalExtension as _};
use sha2::Sha256;

use crate::model::{Secret, hex};

/// The table with the key, which no query may read.
pub(super) const TABLE: &str = "fingerprint_key";

/// Bytes of a key, and of a fingerprint that are kept: enough that no two secrets of an estate share one.
const KEY_BYTES: usize = 32;
const KEPT_BYTES: usize = 16;

/// Makes the key of a file that has none.
pub(super) fn make_key(connection: &Connection) -> rusqlite::Result<()> {
    let known = connection.query_row("SELECT 1 FROM fingerprint_key", [], |_| Ok(())).optional()?;
    if known.is_some() {
        return Ok(());
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    // Another process may have been faster; then its key stays.
    connection.execute("INSERT OR IGNORE INTO fingerprint_key (id, key) VALUES (1, ?1)", [key])?;
    Ok(())
}

/// The key of a file.
pub(super) fn read_key(connection: &Connection) -> rusqlite::Result<Key> {
    connection.query_row("SELECT key FROM fingerprint_key", [], |row| row.get(0)).map(Key)
}

/// A key. Has no `Debug`, so that it cannot get into a message.
pub(super) struct Key(Vec<u8>);

impl Key {
    /// HMAC-SHA-256 over the secret's digest, in hexadecimal; nothing if the key cannot be one.
    pub(super) fn fingerprint(&self, secret: &Secret) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(secret.digest());
        let code = mac.finalize().into_bytes();
        code.get(..KEPT_BYTES).map(hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_have_equal_fingerprints_under_one_key_only() {
        let (one, other) = (Key(vec![1; 32]), Key(vec![2; 32]));
        let secret = Secret::of(b"hunter2");
        assert_eq!(one.fingerprint(&secret), one.fingerprint(&Secret::of(b"hunter2")));
        assert_ne!(one.fingerprint(&secret), one.fingerprint(&Secret::of(b"hunter3")));
        assert_ne!(one.fingerprint(&secret), other.fingerprint(&secret));
        assert_eq!(one.fingerprint(&secret).unwrap().len(), 32);
    }
}
