//! What go-micro announces by multicast: a text record below `micro.` whose strings, one behind the other, are the
//! hexadecimal form of a zlib stream of JSON.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use crate::inspect::calls::registries::holds_credential;
use crate::inspect::json;
use crate::model::limits;

/// What one node says of itself.
pub(super) struct Announced {
    /// The name of its service.
    pub(super) service: Vec<u8>,
    /// There is what looks like a credential in its metadata.
    pub(super) holds_credential: bool,
}

/// What this text record says, if it is one of go-micro's.
pub(super) fn announced(name: &[u8], data: &[u8]) -> Option<Announced> {
    if !name.ends_with(b".micro") {
        return None;
    }
    let text = inflated(&joined(data)?)?;
    let service = json::member(&text, b"Service").and_then(json::text)?;
    Some(Announced { service: service.to_vec(), holds_credential: holds_credential(&text) })
}

/// The strings of a text record one behind the other, out of hexadecimal digits.
fn joined(data: &[u8]) -> Option<Vec<u8>> {
    let mut digits = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((length, behind)) = rest.split_first() {
        let (text, behind) = behind.split_at_checked(usize::from(*length))?;
        digits.extend_from_slice(text);
        rest = behind;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

/// What a zlib stream holds, if that is not more than anybody would announce.
fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let bound = limits::ANNOUNCEMENT_BYTES as u64;
    ZlibDecoder::new(bytes).take(bound).read_to_end(&mut text).ok()?;
    Some(text)
}
