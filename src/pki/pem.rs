//! PEM (RFC 7468): base64 between marks, with any text around it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One block of a PEM file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Block {
    /// What is written in its marks: `CERTIFICATE`, `X509 CRL`.
    pub(super) label: String,
    /// The line of its first mark, from 1.
    pub(super) line: usize,
    /// The bytes; nothing when what is between the marks is no base64, or the last mark is missing.
    pub(super) bytes: Option<Vec<u8>>,
}

/// Whether this is PEM at all, and not DER.
pub(super) fn is_pem(file: &[u8]) -> bool {
    file.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
}

/// The blocks of a file. What is outside of marks is for people and skipped.
pub(super) fn blocks(file: &[u8]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(Block, String)> = None;
    for (number, line) in file.split(|byte| *byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if let Some(label) = mark(line, BEGIN) {
            blocks.extend(open.take().map(|(block, _)| block));
            let label = label.to_owned();
            open = Some((Block { label, line: number + 1, bytes: None }, String::new()));
        } else if mark(line, END).is_some() {
            if let Some((block, text)) = open.take() {
                let bytes = STANDARD.decode(text).ok();
                blocks.push(Block { bytes, ..block });
            }
        } else if let Some((_, text)) = &mut open {
            text.extend(line.chars().filter(|c| !c.is_whitespace()));
        }
    }
    blocks.extend(open.map(|(block, _)| block));
    blocks
}

fn mark<'l>(line: &'l str, begin: &str) -> Option<&'l str> {
    line.strip_prefix(begin)?.strip_suffix("-----")
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

#[cfg(test)]
mod tests {
    use super::*;

    fn block(label: &str, line: usize, bytes: Option<&[u8]>) -> Block {
        Block { label: label.to_owned(), line, bytes: bytes.map(<[u8]>::to_vec) }
    }

    #[test]
    fn blocks_are_found_between_other_text() {
        let file = b"subject=CN=a\n-----BEGIN CERTIFICATE-----\r\nAAEC\r\n Aw==\r\n-----END CERTIFICATE-----\r\n\
                     # next\n-----BEGIN X509 CRL-----\nBAU=\n-----END X509 CRL-----";
        let expected =
            [block("CERTIFICATE", 2, Some(&[0, 1, 2, 3])), block("X509 CRL", 7, Some(&[4, 5]))];
        assert_eq!(blocks(file), expected);
        assert!(is_pem(file) && !is_pem(b"\x30\x03\x02\x01\x01"));
    }

    #[test]
    fn what_is_damaged_keeps_its_place_and_hides_no_other() {
        let file = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n-----BEGIN A-----\n\
                     -----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n-----BEGIN B-----\nAAEC";
        let expected = [
            block("CERTIFICATE", 1, None),
            block("A", 4, None),
            block("CERTIFICATE", 5, Some(&[0, 1, 2])),
            block("B", 8, None),
        ];
        assert_eq!(blocks(file), expected);
        assert_eq!(blocks(b""), []);
        assert_eq!(blocks(b"-----END X-----"), []);
    }
}
