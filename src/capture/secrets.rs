//! Key material that capture files carry.

use std::fmt;

use crate::model::limits;

/// TLS key log lines found in the decryption secrets blocks of pcapng files.
///
/// What is in it is never printed, not even by `Debug`.
#[derive(Default)]
pub struct Secrets {
    key_log: Vec<u8>,
    dropped: u64,
}

impl Secrets {
    /// The key log so far, in the format of SSLKEYLOGFILE. It only grows.
    #[must_use]
    pub fn key_log(&self) -> &[u8] {
        &self.key_log
    }

    /// Bytes of key log that were not kept because [`limits::SECRET_BYTES`] was reached.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes another block's lines, all or none of them.
    pub(super) fn push(&mut self, lines: &[u8]) {
        if self.key_log.len().saturating_add(lines.len()) >= limits::SECRET_BYTES {
            self.dropped = self.dropped.saturating_add(lines.len() as u64);
            return;
        }
        self.key_log.extend_from_slice(lines);
        if !lines.ends_with(b"\n") {
            self.key_log.push(b'\n');
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} bytes)", self.key_log.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_what_is_in_it() {
        let mut secrets = Secrets::default();
        secrets.push(b"CLIENT_RANDOM 00 11");
        assert_eq!(format!("{secrets:?}"), "Secrets(20 bytes)");
        assert_eq!(secrets.key_log(), b"CLIENT_RANDOM 00 11\n");
    }

    #[test]
    fn a_key_log_without_end_is_bounded() {
        let mut secrets = Secrets::default();
        let block = vec![b'a'; 1 << 20];
        (0..40).for_each(|_| secrets.push(&block));
        assert!(secrets.key_log().len() <= limits::SECRET_BYTES);
        assert!(secrets.dropped() > 0);
    }
}
