//! Verifying RSA signatures (RFC 8017) of any age: with the key sizes and hashes that a library made for today refuses.
//!
//! Only public values pass through here, so nothing needs to take constant time. A modulus or exponent above its bound
//! is not used: the peer chooses them, and the work grows with their size.

use x509_parser::num_bigint::BigUint;

use super::hash::Hash;
use super::key::{bits, rsa_parts};
use crate::model::{Seen, Why, limits};

/// The parameters of RSASSA-PSS.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pss {
    pub(super) hash: Hash,
    /// The hash of the mask generation function MGF1.
    pub(super) mask_hash: Hash,
    pub(super) salt_length: usize,
}

/// The two ways to sign with RSA.
#[derive(Clone, Copy, Debug)]
pub(super) enum RsaScheme {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1(Hash),
    /// RSASSA-PSS.
    Pss(Pss),
}

impl RsaScheme {
    /// Whether the library has it: with keys that are usual, its no then means that the signature is wrong.
    pub(super) fn is_usual(self) -> bool {
        match self {
            Self::Pkcs1(hash) => !matches!(hash, Hash::Md5 | Hash::Sha224),
            Self::Pss(Pss { hash, mask_hash, salt_length }) => {
                let strong = !matches!(hash, Hash::Md5 | Hash::Sha1 | Hash::Sha224);
                strong && mask_hash == hash && salt_length == hash.length()
            }
        }
    }
}

/// Whether the library takes a key like this: 2048 to 8192 bits, an odd exponent of 3 to 33 bits, written as DER says.
pub(super) fn is_usual_key(key: &[u8]) -> bool {
    let Some((modulus, exponent)) = rsa_parts(key) else {
        return false;
    };
    let as_der_says = |number: &[u8]| number.len() as u64 == bits(number) / 8 + 1;
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    [modulus, exponent].into_iter().all(|number| as_der_says(number) && is_odd(number))
        && (2048..=8192).contains(&bits(modulus))
        && (2..=33).contains(&bits(exponent))
}

/// Whether `key` made the `signature` of `message`.
pub(super) fn verify(
    key: &[u8],
    scheme: RsaScheme,
    message: &[u8],
    signature: &[u8],
) -> Seen<bool> {
    open(key, signature).map(|opened| match scheme {
        RsaScheme::Pkcs1(hash) => {
            pkcs1_block(hash, message, opened.block.len()).as_ref() == Some(&opened.block)
        }
        RsaScheme::Pss(pss) => pss_matches(opened, pss, message).unwrap_or(false),
    })
}

/// What a signature says once the public key was applied to it.
struct Opened {
    /// As many bytes as the modulus has.
    block: Vec<u8>,
    modulus_bits: u64,
}

/// Applies the public key. Gives `Absent` never: a signature that cannot be this key's opens to an empty block, which
/// matches nothing.
fn open(key: &[u8], signature: &[u8]) -> Seen<Opened> {
    let nothing = Seen::Value(Opened { block: Vec::new(), modulus_bits: 0 });
    let Some((modulus, exponent)) = rsa_parts(key) else {
        return nothing;
    };
    let modulus_bits = bits(modulus);
    if modulus_bits > limits::RSA_MODULUS_BITS || bits(exponent) > limits::RSA_EXPONENT_BITS {
        return Seen::Hidden(Why::Bound);
    }
    let (modulus, exponent) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
    let length = usize::try_from(modulus_bits.div_ceil(8)).unwrap_or(usize::MAX);
    let number = BigUint::from_bytes_be(signature);
    if modulus_bits == 0 || signature.len() != length || number >= modulus {
        return nothing;
    }
    let digits = number.modpow(&exponent, &modulus).to_bytes_be();
    let mut block = vec![0; length.saturating_sub(digits.len())];
    block.extend(digits);
    Seen::Value(Opened { block, modulus_bits })
}

/// The block that a signature of `message` must open to: `00 01 ff..ff 00` and the digest with its algorithm's name
/// (RFC 8017 section 9.2). Made anew and compared whole: reading it instead is how forgeries passed (CVE-2006-4339).
fn pkcs1_block(hash: Hash, message: &[u8], length: usize) -> Option<Vec<u8>> {
    const SHORTEST_PADDING: usize = 8;
    let digest = hash.digest(&[message]);
    let algorithm = der(0x30, &[&der(0x06, &[hash.oid()])?, &[0x05, 0x00]])?;
    let info = der(0x30, &[&algorithm, &der(0x04, &[&digest])?])?;
    let padding = length.checked_sub(info.len() + 3).filter(|n| *n >= SHORTEST_PADDING)?;
    let mut block = vec![0x00, 0x01];
    block.resize(2 + padding, 0xff);
    block.push(0x00);
    block.extend(info);
    Some(block)
}

/// A DER element of less than 128 bytes.
fn der(tag: u8, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let content = parts.concat();
    let length = u8::try_from(content.len()).ok().filter(|length| *length < 0x80)?;
    Some([&[tag, length], content.as_slice()].concat())
}

/// EMSA-PSS-VERIFY (RFC 8017 section 9.1.2); `None` where the block has not the shape it must have.
fn pss_matches(opened: &Opened, pss: Pss, message: &[u8]) -> Option<bool> {
    const TRAILER: u8 = 0xbc;
    let encoded_bits = opened.modulus_bits.checked_sub(1)?;
    let length = usize::try_from(encoded_bits.div_ceil(8)).ok()?;
    let above = opened.block.len().checked_sub(length)?;
    let (unused, encoded) = opened.block.split_at_checked(above)?;
    let (trailer, encoded) = encoded.split_last()?;
    let (masked, digest) =
        encoded.split_at_checked(encoded.len().checked_sub(pss.hash.length())?)?;
    let mut data = masked.to_vec();
    for (byte, mask) in data.iter_mut().zip(mask(pss.mask_hash, digest, masked.len())) {
        *byte ^= mask;
    }
    let top_mask = 0xff_u8 >> (length as u64 * 8 - encoded_bits);
    let top_is_clear = masked.first()? & !top_mask == 0 && unused.iter().all(|byte| *byte == 0);
    *data.first_mut()? &= top_mask;
    let (padding, salt) = data.split_at_checked(data.len().checked_sub(pss.salt_length)?)?;
    let (one, zeros) = padding.split_last()?;
    let shaped = *trailer == TRAILER && *one == 0x01 && zeros.iter().all(|byte| *byte == 0);
    let expected = pss.hash.digest(&[&[0; 8], &pss.hash.digest(&[message]), salt]);
    Some(top_is_clear && shaped && expected == digest)
}

/// MGF1 (RFC 8017 appendix B.2.1).
fn mask(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0_u32..).map(|counter| hash.digest(&[seed, &counter.to_be_bytes()]));
    blocks.flatten().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::certificate::X509Certificate;
    use x509_parser::prelude::FromDer as _;

    /// The library's verdict and ours on a certificate's own signature.
    fn verdicts(der: &[u8], scheme: RsaScheme) -> (bool, Seen<bool>) {
        let (_, certificate) = X509Certificate::from_der(der).unwrap();
        let signed = &certificate.tbs_certificate;
        let key = &signed.subject_pki.subject_public_key.data;
        assert!(is_usual_key(key) && scheme.is_usual());
        let ours = verify(key, scheme, signed.as_ref(), &certificate.signature_value.data);
        (certificate.verify_signature(None).is_ok(), ours)
    }

    #[test]
    fn the_library_agrees_where_it_has_a_say() {
        let pss = Pss { hash: Hash::Sha256, mask_hash: Hash::Sha256, salt_length: 32 };
        let cases = [
            (&include_bytes!("testdata/pss-sha256.der")[..], RsaScheme::Pss(pss)),
            (include_bytes!("testdata/rsa2048-sha512.der"), RsaScheme::Pkcs1(Hash::Sha512)),
        ];
        for (der, scheme) in cases {
            assert_eq!(verdicts(der, scheme), (true, Seen::Value(true)));
            for bit in 0..64 {
                let mut damaged = der.to_vec();
                let at = damaged.len() - 1 - bit * 4;
                damaged[at] ^= 1 << (bit % 8);
                assert_eq!(verdicts(&damaged, scheme), (false, Seen::Value(false)));
            }
        }
    }

    #[test]
    fn keys_that_the_library_refuses_are_told() {
        let der = |modulus: &[u8], exponent: &[u8]| {
            let length = |n: usize| u8::try_from(n).unwrap();
            let mut long = vec![0x02, 0x82];
            long.extend(u16::try_from(modulus.len()).unwrap().to_be_bytes());
            let parts = [&long, modulus, &[0x02, length(exponent.len())], exponent].concat();
            let size = u16::try_from(parts.len()).unwrap().to_be_bytes();
            [&[0x30, 0x82], &size[..], &parts].concat()
        };
        let modulus = |bytes: usize| [vec![0], vec![0xff; bytes]].concat();
        assert!(is_usual_key(&der(&modulus(256), &[3])));
        assert!(is_usual_key(&der(&modulus(1024), &[1, 0, 1])));
        assert!(!is_usual_key(&der(&modulus(255), &[1, 0, 1])));
        assert!(!is_usual_key(&der(&modulus(1025), &[1, 0, 1])));
        assert!(!is_usual_key(&der(&modulus(256), &[2])));
        assert!(!is_usual_key(&der(&modulus(256), &[1])));
        assert!(!is_usual_key(&der(&modulus(256)[1..], &[3])));
        assert!(!is_usual_key(&[]));
    }
}
