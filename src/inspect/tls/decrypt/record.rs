//! One direction under one key: the nonces, what is authenticated besides, and the sequence number.

use aes::{Aes128, Aes256};
use aes_gcm::aead::array::typenum::Unsigned as _;
use aes_gcm::aead::consts::{U8, U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ccm::Ccm;
use chacha20poly1305::ChaCha20Poly1305;
use zeroize::Zeroizing;

use super::cbc::Cbc;
use super::schedule::expand_label;
use super::secret::Secret;
use super::suite::{Cipher, Protection};
use super::{Opened, Sealed};

const NONCE: usize = 12;

/// Opens the records of one direction, one after the other.
pub(super) struct Opener {
    layer: Layer,
    sequence: u64,
}

enum Layer {
    /// TLS 1.3 (RFC 8446 section 5.2).
    Hidden {
        aead: Box<dyn Aead>,
        iv: [u8; NONCE],
        secret: Secret,
        protection: Protection,
    },
    /// AEAD before TLS 1.3 (RFC 5246 section 6.2.3.3): the nonce is a fixed part and an explicit one (RFC 5288), or the
    /// sequence number added to a fixed one (RFC 7905).
    Aead {
        aead: Box<dyn Aead>,
        iv: Fixed,
    },
    Cbc(Box<Cbc>),
}

enum Fixed {
    Salt([u8; 4]),
    Whole([u8; NONCE]),
}

/// What one direction's keys are made of before TLS 1.3.
pub(super) struct Keys12<'k> {
    pub(super) mac: &'k [u8],
    pub(super) key: &'k [u8],
    pub(super) iv: &'k [u8],
}

impl Opener {
    /// Under a traffic secret of TLS 1.3; `None` when secret and suite do not go together.
    pub(super) fn under(secret: Secret, protection: Protection) -> Option<Self> {
        if secret.bytes().len() != protection.hash.length() {
            return None;
        }
        let key = expand_label(protection.hash, &secret, "key", protection.key);
        let iv = expand_label(protection.hash, &secret, "iv", NONCE);
        let aead = aead(protection, key.bytes())?;
        let iv = iv.bytes().try_into().ok()?;
        Some(Self { layer: Layer::Hidden { aead, iv, secret, protection }, sequence: 0 })
    }

    /// Under a part of a key block of TLS 1.2 and before.
    pub(super) fn with(
        keys: &Keys12<'_>,
        protection: Protection,
        version: u16,
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let layer = match protection.cipher {
            Cipher::AesCbc(hash) | Cipher::TripleDesCbc(hash) => {
                Layer::Cbc(Box::new(Cbc::new(keys, hash, version, encrypt_then_mac)?))
            }
            _ if version < 0x0303 => return None,
            Cipher::ChaCha => Layer::Aead {
                aead: aead(protection, keys.key)?,
                iv: Fixed::Whole(keys.iv.try_into().ok()?),
            },
            _ => Layer::Aead {
                aead: aead(protection, keys.key)?,
                iv: Fixed::Salt(keys.iv.try_into().ok()?),
            },
        };
        Some(Self { layer, sequence: 0 })
    }

    /// Opens the next record; `None` when it is not the next one under these keys, and then nothing has changed.
    pub(super) fn open(&mut self, sealed: &Sealed, body: &[u8]) -> Option<Opened> {
        let mut content = Zeroizing::new(Vec::new());
        let sequence = self.sequence;
        let kind = match &mut self.layer {
            Layer::Hidden { aead, iv, .. } => {
                let length = u16::try_from(body.len()).ok()?.to_be_bytes();
                let header = [sealed.kind, 3, sealed.minor, length[0], length[1]];
                aead.open(&added(iv, sequence), &header, body, &mut content)?;
                unpad(&mut content)?
            }
            Layer::Aead { aead, iv } => {
                let (nonce, body) = match iv {
                    Fixed::Whole(iv) => (added(iv, sequence), body),
                    Fixed::Salt(salt) => {
                        let (explicit, body) = body.split_at_checked(NONCE - salt.len())?;
                        let mut nonce = [0; NONCE];
                        let parts = salt.iter().chain(explicit);
                        nonce.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
                        (nonce, body)
                    }
                };
                let plain = body.len().checked_sub(aead.tag())?;
                let also = pseudo_header(sequence, sealed, plain)?;
                aead.open(&nonce, &also, body, &mut content)?;
                sealed.kind
            }
            Layer::Cbc(cbc) => {
                cbc.open(sequence, sealed, body, &mut content)?;
                sealed.kind
            }
        };
        self.sequence = self.sequence.wrapping_add(1);
        Some(Opened { kind, content })
    }

    /// Goes on behind a record that was not captured; `false` when that cannot be.
    pub(super) fn skip(&mut self) -> bool {
        self.sequence = self.sequence.wrapping_add(1);
        match &mut self.layer {
            Layer::Cbc(cbc) => cbc.can_skip(),
            _ => true,
        }
    }

    /// The keys after a KeyUpdate (RFC 8446 section 7.2).
    pub(super) fn updated(&self) -> Option<Self> {
        let Layer::Hidden { secret, protection, .. } = &self.layer else { return None };
        let hash = protection.hash;
        Self::under(expand_label(hash, secret, "traffic upd", hash.length()), *protection)
    }
}

/// What is authenticated before TLS 1.3: sequence number, type, version and length.
pub(super) fn pseudo_header(sequence: u64, sealed: &Sealed, length: usize) -> Option<[u8; 13]> {
    let [high, low] = u16::try_from(length).ok()?.to_be_bytes();
    let mut header = [0, 0, 0, 0, 0, 0, 0, 0, sealed.kind, 3, sealed.minor, high, low];
    header.iter_mut().zip(sequence.to_be_bytes()).for_each(|(to, from)| *to = from);
    Some(header)
}

/// The sequence number added to the end of a fixed nonce by exclusive or.
fn added(iv: &[u8; NONCE], sequence: u64) -> [u8; NONCE] {
    let mut nonce = *iv;
    nonce.iter_mut().rev().zip(sequence.to_le_bytes()).for_each(|(to, from)| *to ^= from);
    nonce
}

/// Takes padding and content type off the end of an inner plaintext.
fn unpad(content: &mut Vec<u8>) -> Option<u8> {
    let end = content.iter().rposition(|byte| *byte != 0)?;
    let kind = *content.get(end)?;
    content.truncate(end);
    Some(kind)
}

trait Aead: Send {
    /// Decrypts and authenticates `body`, which ends in the tag, into `content`.
    fn open(
        &self,
        nonce: &[u8; NONCE],
        also: &[u8],
        body: &[u8],
        content: &mut Vec<u8>,
    ) -> Option<()>;

    /// Bytes of the tag.
    fn tag(&self) -> usize;
}

impl<A: AeadInOut + Send> Aead for A {
    fn open(
        &self,
        nonce: &[u8; NONCE],
        also: &[u8],
        body: &[u8],
        content: &mut Vec<u8>,
    ) -> Option<()> {
        let (text, tag) = body.split_at_checked(body.len().checked_sub(self.tag())?)?;
        content.extend_from_slice(text);
        let nonce = Nonce::<A>::try_from(nonce.as_slice()).ok()?;
        let tag = Tag::<A>::try_from(tag).ok()?;
        self.decrypt_inout_detached(&nonce, also, content.as_mut_slice().into(), &tag).ok()
    }

    fn tag(&self) -> usize {
        A::TagSize::USIZE
    }
}

fn aead(protection: Protection, key: &[u8]) -> Option<Box<dyn Aead>> {
    Some(match (protection.cipher, protection.key) {
        (Cipher::Gcm, 16) => boxed::<Aes128Gcm>(key)?,
        (Cipher::Gcm, _) => boxed::<Aes256Gcm>(key)?,
        (Cipher::Ccm, 16) => boxed::<Ccm<Aes128, U16, U12>>(key)?,
        (Cipher::Ccm, _) => boxed::<Ccm<Aes256, U16, U12>>(key)?,
        (Cipher::CcmShort, 16) => boxed::<Ccm<Aes128, U8, U12>>(key)?,
        (Cipher::CcmShort, _) => boxed::<Ccm<Aes256, U8, U12>>(key)?,
        (Cipher::ChaCha, _) => boxed::<ChaCha20Poly1305>(key)?,
        (Cipher::AesCbc(_) | Cipher::TripleDesCbc(_), _) => return None,
    })
}

fn boxed<A: AeadInOut + KeyInit + Send + 'static>(key: &[u8]) -> Option<Box<dyn Aead>> {
    Some(Box::new(A::new_from_slice(key).ok()?))
}
