//! How keys are made of secrets: HKDF-Expand-Label (RFC 8446 section 7.1) and the PRF (RFC 5246 section 5, RFC 2246
//! section 5).

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

use super::secret::{LONGEST, Secret};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Bytes of its result.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The HMAC of these parts, one behind the other.
    pub(super) fn mac(self, key: &[u8], parts: &[&[u8]]) -> Secret {
        let made = match self {
            Self::Md5 => mac::<Hmac<Md5>>(key, parts),
            Self::Sha1 => mac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => mac::<Hmac<Sha384>>(key, parts),
        };
        made.unwrap_or_else(Secret::nothing)
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<Secret> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Secret::of(&mac.finalize().into_bytes())
}

/// HKDF-Expand-Label without context, for at most as many bytes as the hash has.
pub(super) fn expand_label(hash: Hash, secret: &Secret, label: &str, length: usize) -> Secret {
    let wanted = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let label_length = u8::try_from(PREFIX.len() + label.len()).unwrap_or(u8::MAX);
    let parts: [&[u8]; 5] =
        [&wanted, &[label_length], PREFIX.as_bytes(), label.as_bytes(), &[0, 1]];
    let block = hash.mac(secret.bytes(), &parts);
    block.bytes().get(..length.min(LONGEST)).and_then(Secret::of).unwrap_or_else(Secret::nothing)
}

const PREFIX: &str = "tls13 ";

/// The PRF of this version, for keys.
pub(super) fn prf(
    version: u16,
    hash: Hash,
    master: &Secret,
    seed: &[&[u8]; 3],
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(vec![0; length]);
    if version >= 0x0303 {
        expand(hash, master.bytes(), seed, &mut out);
        return out;
    }
    // The two halves of the secret, which share a byte when its length is odd; a master secret's is not.
    let (first, second) = master.bytes().split_at(master.bytes().len() / 2);
    expand(Hash::Md5, first, seed, &mut out);
    expand(Hash::Sha1, second, seed, &mut out);
    out
}

/// P_hash, added to what is there by exclusive or.
fn expand(hash: Hash, secret: &[u8], seed: &[&[u8]; 3], out: &mut [u8]) {
    let [label, first, second] = *seed;
    let mut chain = hash.mac(secret, &[label, first, second]);
    for piece in out.chunks_mut(hash.length()) {
        let block = hash.mac(secret, &[chain.bytes(), label, first, second]);
        piece.iter_mut().zip(block.bytes()).for_each(|(byte, made)| *byte ^= made);
        chain = hash.mac(secret, &[chain.bytes()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_published_trace() {
        // RFC 8448 section 3: the server's handshake traffic secret, and the key and vector made of it.
        let secret = Secret::of(&[
            0xb6, 0x7b, 0x7d, 0x69, 0x0c, 0xc1, 0x6c, 0x4e, 0x75, 0xe5, 0x42, 0x13, 0xcb, 0x2d,
            0x37, 0xb4, 0xe9, 0xc9, 0x12, 0xbc, 0xde, 0xd9, 0x10, 0x5d, 0x42, 0xbe, 0xfd, 0x59,
            0xd3, 0x91, 0xad, 0x38,
        ])
        .unwrap();
        let key = expand_label(Hash::Sha256, &secret, "key", 16);
        let iv = expand_label(Hash::Sha256, &secret, "iv", 12);
        assert_eq!(
            key.bytes(),
            [
                0x3f, 0xce, 0x51, 0x60, 0x09, 0xc2, 0x17, 0x27, 0xd0, 0xf2, 0xe4, 0xe8, 0x6e, 0xe4,
                0x03, 0xbc
            ]
        );
        assert_eq!(
            iv.bytes(),
            [0x5d, 0x31, 0x3e, 0xb2, 0x67, 0x12, 0x76, 0xee, 0x13, 0x00, 0x0b, 0x30]
        );
    }
}
