//! CompressedCertificate (RFC 8879): zlib, Brotli and zstd.

use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::read::ZlibDecoder;

use crate::model::limits;

const ZLIB: u16 = 1;
const BROTLI: u16 = 2;
const ZSTD: u16 = 3;

/// Bytes that the decompressor takes at once.
const BUFFER: usize = 4096;

/// The Certificate message inside; `None` when it was packed another way, or is longer than a message may be.
pub(in crate::inspect::tls) fn decompress(body: &[u8]) -> Option<Vec<u8>> {
    let (&[high, low, a, b, c, _, _, _], packed) = body.split_first_chunk()?;
    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    if length > limits::HANDSHAKE_MESSAGE {
        return None;
    }
    match u16::from_be_bytes([high, low]) {
        ZLIB => unpack(ZlibDecoder::new(packed), length),
        BROTLI => unpack(Decompressor::new(packed, BUFFER), length),
        ZSTD => unpack(zstd::stream::read::Decoder::new(packed).ok()?, length),
        _ => None,
    }
}

fn unpack(from: impl Read, length: usize) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    from.take(length as u64 + 1).read_to_end(&mut message).ok()?;
    (message.len() == length).then_some(message)
}
