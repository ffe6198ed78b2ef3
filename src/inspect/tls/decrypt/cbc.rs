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

#[cfg(test)]
mod tests {
    use cbc::cipher::BlockModeEncrypt;

    use super::*;

    const SEALED: Sealed = Sealed { kind: 23, minor: 3, length: 0 };

    /// A TLS 1.2 record of 3DES with HMAC-SHA-1 under the encryption.
    fn sealed(text: &[u8], padding: usize) -> Vec<u8> {
        let header = pseudo_header(0, &SEALED, text.len()).unwrap();
        let mac = Hash::Sha1.mac(&[2; 20], &[&header, text]);
        let mut body =
            [text, mac.bytes(), &vec![u8::try_from(padding).unwrap(); padding + 1]].concat();
        let length = body.len();
        let iv = [7; 8];
        cbc::Encryptor::<TdesEde3>::new_from_slices(&[3; 24], &iv)
            .unwrap()
            .encrypt_padded::<NoPadding>(&mut body, length)
            .unwrap();
        [&iv[..], &body].concat()
    }

    fn opened(body: &[u8]) -> Option<Vec<u8>> {
        let keys = Keys12 { mac: &[2; 20], key: &[3; 24], iv: &[] };
        let mut content = Vec::new();
        let mut cbc = Cbc::new(&keys, Hash::Sha1, 0x0303, false).unwrap();
        cbc.open(0, &SEALED, body, &mut content).map(|()| content)
    }

    #[test]
    fn triple_des_is_opened_whatever_the_padding() {
        assert_eq!(opened(&sealed(b"hello world!", 7)).unwrap(), b"hello world!");
        assert_eq!(opened(&sealed(b"hello world!", 255)).unwrap(), b"hello world!");
        assert_eq!(opened(&sealed(b"", 3)).unwrap(), b"");
    }

    #[test]
    fn what_was_changed_or_is_too_short_is_not_opened() {
        let good = sealed(b"hello world!", 7);
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert_eq!(opened(&bad), None, "{place}");
            assert_eq!(opened(&good[..place]), None);
        }
    }
}
