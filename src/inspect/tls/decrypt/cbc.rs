//! Block ciphers in CBC mode with an HMAC: under the MAC (RFC 5246 section 6.2.3.2), or the MAC over what is encrypted
//! (RFC 7366).

use aes::{Aes128, Aes256};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use des::TdesEde3;

use super::Sealed;
use super::record::{Keys12, pseudo_header};
use super::schedule::Hash;
use super::secret::Secret;

/// One direction's keys.
pub(super) struct Cbc {
    key: Secret,
    mac_key: Secret,
    mac: Hash,
    encrypt_then_mac: bool,
    /// TLS 1.0: the last block of the record before is the vector of the next.
    chained: Option<Vec<u8>>,
}

impl Cbc {
    pub(super) fn new(
        keys: &Keys12<'_>,
        mac: Hash,
        version: u16,
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        Some(Self {
            key: Secret::of(keys.key)?,
            mac_key: Secret::of(keys.mac)?,
            mac,
            encrypt_then_mac,
            chained: (version <= 0x0301).then(|| keys.iv.to_vec()),
        })
    }

    /// Whether a record may be left out.
    pub(super) fn can_skip(&self) -> bool {
        self.chained.is_none()
    }

    /// Decrypts and authenticates a record into `content`.
    pub(super) fn open(
        &mut self,
        sequence: u64,
        sealed: &Sealed,
        body: &[u8],
        content: &mut Vec<u8>,
    ) -> Option<()> {
        let mac_length = self.mac.length();
        let mut body = body;
        if self.encrypt_then_mac {
            let (encrypted, mac) = body.split_at_checked(body.len().checked_sub(mac_length)?)?;
            self.verify(sequence, sealed, encrypted, mac)?;
            body = encrypted;
        }
        let (iv, encrypted) = match &self.chained {
            Some(iv) => (iv.as_slice(), body),
            None => body.split_at_checked(self.block())?,
        };
        content.extend_from_slice(encrypted);
        self.decrypt(iv, content)?;
        let padding = usize::from(*content.last()?) + 1;
        let end = content.len().checked_sub(padding)?;
        if content.get(end..)?.iter().any(|byte| usize::from(*byte) + 1 != padding) {
            return None;
        }
        content.truncate(end);
        if !self.encrypt_then_mac {
            let end = content.len().checked_sub(mac_length)?;
            let (text, mac) = content.split_at_checked(end)?;
            self.verify(sequence, sealed, text, mac)?;
            content.truncate(end);
        }
        if let Some(iv) = &mut self.chained {
            let last = encrypted.get(encrypted.len().checked_sub(iv.len())?..)?;
            *iv = last.to_vec();
        }
        Some(())
    }

    fn verify(&self, sequence: u64, sealed: &Sealed, text: &[u8], mac: &[u8]) -> Option<()> {
        let header = pseudo_header(sequence, sealed, text.len())?;
        let made = self.mac.mac(self.mac_key.bytes(), &[&header, text]);
        // Nobody can watch how long this takes and try again: the record was sent long ago.
        (made.bytes() == mac).then_some(())
    }

    fn block(&self) -> usize {
        if self.key.bytes().len() == TRIPLE_DES_KEY { 8 } else { 16 }
    }

    fn decrypt(&self, iv: &[u8], content: &mut [u8]) -> Option<()> {
        match self.key.bytes().len() {
            16 => decrypt::<cbc::Decryptor<Aes128>>(self.key.bytes(), iv, content),
            TRIPLE_DES_KEY => decrypt::<cbc::Decryptor<TdesEde3>>(self.key.bytes(), iv, content),
            _ => decrypt::<cbc::Decryptor<Aes256>>(self.key.bytes(), iv, content),
        }
    }
}

const TRIPLE_DES_KEY: usize = 24;

fn decrypt<C: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    content: &mut [u8],
) -> Option<()> {
    let cipher = C::new_from_slices(key, iv).ok()?;
    cipher.decrypt_padded::<NoPadding>(content).ok()?;
    Some(())
}
