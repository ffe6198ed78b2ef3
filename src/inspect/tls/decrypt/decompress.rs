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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn message(algorithm: u8, length: usize, packed: &[u8]) -> Vec<u8> {
        let length = u32::try_from(length).unwrap().to_be_bytes();
        [&[0, algorithm], &length[1..], &[0, 0, 0], packed].concat()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut packed =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn each_way_of_packing_is_undone() {
        let text = b"certificate ".repeat(40);
        assert_eq!(decompress(&message(1, 480, &zlib(&text))).unwrap(), text);
        let packed = zstd::encode_all(text.as_slice(), 3).unwrap();
        assert_eq!(decompress(&message(3, 480, &packed)).unwrap(), text);
        // Brotli of "abc", not compressed: a last meta-block follows.
        let brotli = [0x0b, 0x01, 0x80, b'a', b'b', b'c', 0x03];
        assert_eq!(decompress(&message(2, 3, &brotli)).unwrap(), b"abc");
    }

    #[test]
    fn a_message_that_says_another_length_is_not_believed() {
        let bomb = zlib(&vec![0; 4 << 20]);
        assert_eq!(decompress(&message(1, 1000, &bomb)), None);
        assert_eq!(decompress(&message(1, limits::HANDSHAKE_MESSAGE + 1, &bomb)), None);
        assert_eq!(decompress(&message(1, 481, &zlib(&[1; 480]))), None);
        assert_eq!(decompress(&message(9, 3, b"abc")), None);
        assert_eq!(decompress(&[0, 1, 0]), None);
        for length in 0..40 {
            assert_eq!(decompress(&message(2, 480, &vec![0xa5; length])), None);
        }
    }
}
