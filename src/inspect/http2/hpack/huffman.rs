//! The Huffman code of RFC 7541 Appendix B.
//!
//! The code is canonical: codes of one length are consecutive numbers in the order of their symbols, so its lengths say
//! all of it, and the tables below are computed from them when the program is compiled.

use super::{Buffer, Malformed};

/// Bits of the longest code.
const LONGEST: usize = 30;

/// No code is shorter than this.
const SHORTEST: u32 = 5;

/// Bits that are looked up at once: enough for two of the codes that are common in header fields.
const FAST_BITS: u32 = 12;

/// The symbol that ends a string, and must not be sent.
const END: u16 = 256;

/// Length in bits of the code of every byte and of [`END`].
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Bits of the code of a string, without its padding.
pub(super) fn bits(text: &[u8]) -> usize {
    let of = |byte: &u8| LENGTHS.get(usize::from(*byte)).copied().map_or(0, usize::from);
    text.iter().map(of).sum()
}

/// Appends the string that a code stands for, or about its first `limit` bytes.
///
/// # Errors
/// The part that was looked at has the end symbol in it, or does not end in fewer than eight bits of one (section 5.2).
pub(super) fn decode(code: &[u8], limit: usize, out: &mut Buffer) -> Result<(), Malformed> {
    const CHUNK: usize = 64;
    let mut bits = Bits { rest: code, window: 0, count: 0 };
    let mut chunk = [0; CHUNK + 1];
    let (mut end, mut flushed) = (0_usize, 0_usize);
    while flushed.saturating_add(end) < limit {
        let Some((symbols, count)) = bits.symbols()? else { break };
        let slots = chunk.get_mut(end..).and_then(<[u8]>::first_chunk_mut::<2>).ok_or(Malformed)?;
        *slots = symbols;
        end = end.saturating_add(count);
        if end >= CHUNK {
            out.extend_from_slice(chunk.get(..end).unwrap_or_default());
            flushed = flushed.saturating_add(end);
            end = 0;
        }
    }
    out.extend_from_slice(chunk.get(..end).unwrap_or_default());
    Ok(())
}

/// How long the string is that a code stands for.
///
/// # Errors
/// Those of [`decode`].
pub(super) fn length(code: &[u8]) -> Result<usize, Malformed> {
    let mut bits = Bits { rest: code, window: 0, count: 0 };
    let mut length = 0_usize;
    loop {
        bits.refill();
        // Where as many bits are there as are looked up at once, whatever is found is whole.
        while bits.count >= FAST_BITS {
            let fast = FAST.get(bits.top()).copied().unwrap_or_default();
            if fast.first == 0 {
                break;
            }
            bits.consume(u32::from(fast.length));
            length = length.saturating_add(1 + usize::from(fast.length > fast.first));
        }
        let Some((_, count)) = bits.symbols()? else { return Ok(length) };
        length = length.saturating_add(count);
    }
}

/// Bits not yet decoded: `count` of them at the top of `window`, zeros below, then the rest.
struct Bits<'a> {
    rest: &'a [u8],
    window: u64,
    count: u32,
}

impl Bits<'_> {
    /// The next symbol or two, and how many; nothing at the end.
    #[inline]
    fn symbols(&mut self) -> Result<Option<([u8; 2], usize)>, Malformed> {
        self.refill();
        let fast = FAST.get(self.top()).copied().unwrap_or_default();
        let (first, length) = (u32::from(fast.first), u32::from(fast.length));
        let (symbols, count, length) = if first != 0 && length <= self.count {
            (fast.symbols, if length > first { 2 } else { 1 }, length)
        } else if first != 0 && first <= self.count {
            (fast.symbols, 1, first)
        } else if self.are_padding() {
            return Ok(None);
        } else {
            let (symbol, length) = long(self).ok_or(Malformed)?;
            ([u8::try_from(symbol).map_err(|_| Malformed)?, 0], 1, length)
        };
        self.consume(length);
        Ok(Some((symbols, count)))
    }

    /// Fills the window as far as whole bytes go, when a code might not be whole in it.
    #[inline]
    fn refill(&mut self) {
        const ENOUGH: u32 = 32;
        if self.count >= ENOUGH {
            return;
        }
        if let Some((word, rest)) = self.rest.split_first_chunk::<4>() {
            let word = u64::from(u32::from_be_bytes(*word));
            self.window |= word.wrapping_shl(ENOUGH.wrapping_sub(self.count));
            self.count = self.count.wrapping_add(ENOUGH);
            self.rest = rest;
            return;
        }
        while let Some((byte, rest)) = self.rest.split_first() {
            self.window |= u64::from(*byte).wrapping_shl(56_u32.wrapping_sub(self.count));
            self.count = self.count.wrapping_add(8);
            self.rest = rest;
        }
    }

    /// The next [`FAST_BITS`] bits.
    #[inline]
    fn top(&self) -> usize {
        usize::try_from(self.window >> (64 - FAST_BITS)).unwrap_or(usize::MAX)
    }

    #[inline]
    fn consume(&mut self, length: u32) {
        self.window = self.window.wrapping_shl(length);
        self.count = self.count.wrapping_sub(length);
    }

    /// Whether fewer than eight bits are left and they begin the code of [`END`], which is all ones.
    fn are_padding(&self) -> bool {
        self.count < 8 && self.window.leading_ones() >= self.count
    }
}

/// Finds a code of any length, and its length.
#[cold]
fn long(bits: &Bits<'_>) -> Option<(u16, u32)> {
    for (length, first) in (0_u32..).zip(FIRST).skip(SHORTEST as usize) {
        if length > bits.count {
            continue;
        }
        let code = bits.window.checked_shr(64_u32.saturating_sub(length))?;
        let place = code.checked_sub(first.code)?;
        if place < first.codes {
            let place = usize::try_from(place).ok()?.checked_add(first.symbols_before)?;
            return SORTED.get(place).copied().map(|symbol| (symbol, length));
        }
    }
    None
}

/// What some bits begin with.
#[derive(Clone, Copy, Default)]
struct Fast {
    /// One symbol, or two.
    symbols: [u8; 2],
    /// Bits of the first one's code; 0 where that is longer than [`FAST_BITS`].
    first: u8,
    /// Bits of all.
    length: u8,
}

/// By the next [`FAST_BITS`] bits.
static FAST: [Fast; 1 << FAST_BITS] = fast_table();

/// The codes of one length.
#[derive(Clone, Copy)]
struct First {
    code: u64,
    codes: u64,
    symbols_before: usize,
}

/// By length, from 0.
const FIRST: [First; LONGEST + 1] = first_codes();

/// Symbols in the order of their codes.
const SORTED: [u16; 257] = sorted_symbols();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn first_codes() -> [First; LONGEST + 1] {
    let mut table = [First { code: 0, codes: 0, symbols_before: 0 }; LONGEST + 1];
    let mut symbol = 0;
    while symbol < LENGTHS.len() {
        table[LENGTHS[symbol] as usize].codes += 1;
        symbol += 1;
    }
    let mut length = 1;
    while length <= LONGEST {
        let shorter = table[length - 1];
        table[length].code = (shorter.code + shorter.codes) << 1;
        table[length].symbols_before = shorter.symbols_before + shorter.codes as usize;
        length += 1;
    }
    table
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn sorted_symbols() -> [u16; 257] {
    let mut sorted = [END; 257];
    let mut place = 0;
    let mut length = SHORTEST as u8;
    while length as usize <= LONGEST {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] == length {
                sorted[place] = symbol as u16;
                place += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    sorted
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn fast_table() -> [Fast; 1 << FAST_BITS] {
    let mut table = [Fast { symbols: [0; 2], first: 0, length: 0 }; 1 << FAST_BITS];
    let mut bits = 0;
    while bits < table.len() {
        let (one, first) = first_symbol(bits as u64, FAST_BITS);
        let (two, second) = first_symbol(bits as u64, FAST_BITS - first);
        if first != 0 {
            let (first, length) = (first as u8, (first + second) as u8);
            table[bits] = Fast { symbols: [one, two], first, length };
        }
        bits += 1;
    }
    table
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
/// The symbol whose code the lowest `count` bits begin with, and the bits of that code; 0 bits where it is longer.
const fn first_symbol(bits: u64, count: u32) -> (u8, u32) {
    let bits = bits & ((1 << count) - 1);
    let mut length = SHORTEST;
    while length <= count {
        let of_length = FIRST[length as usize];
        let code = bits >> (count - length);
        if code >= of_length.code && code - of_length.code < of_length.codes {
            let place = of_length.symbols_before + (code - of_length.code) as usize;
            return (SORTED[place] as u8, length);
        }
        length += 1;
    }
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(code: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut out = Buffer::new();
        decode(code, usize::MAX, &mut out).map(|()| out.to_vec())
    }

    /// The code of a string, written bit by bit from the table of codes.
    fn encoded(text: &[u8]) -> Vec<u8> {
        let mut bits = Vec::new();
        for byte in text {
            let length = usize::from(LENGTHS[usize::from(*byte)]);
            let place = SORTED.iter().position(|s| *s == u16::from(*byte)).unwrap();
            let first = FIRST[length];
            let code = first.code + (place - first.symbols_before) as u64;
            bits.extend((0..length).rev().map(|n| (code >> n) & 1 == 1));
        }
        while bits.len() % 8 != 0 {
            bits.push(true);
        }
        bits.chunks(8).map(|byte| byte.iter().fold(0, |n, bit| n << 1 | u8::from(*bit))).collect()
    }

    #[test]
    fn the_lengths_make_a_complete_code() {
        let sum: u64 = LENGTHS.iter().map(|length| 1 << (LONGEST - usize::from(*length))).sum();
        assert_eq!(sum, 1 << LONGEST);
        assert_eq!(FIRST[30].code + 3, 0x3fff_ffff, "END is thirty ones");
        assert_eq!(SORTED[256], END);
    }

    #[test]
    fn every_byte_is_read_back_alone_and_among_others() {
        for byte in 0..=255_u8 {
            for text in [vec![byte], vec![b'a', byte, b'0', byte, byte, b'z']] {
                assert_eq!(decoded(&encoded(&text)), Ok(text));
            }
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decoded(&encoded(&all)), Ok(all));
    }

    #[test]
    fn padding_is_fewer_than_eight_ones() {
        assert_eq!(decoded(&[]), Ok(vec![]));
        assert_eq!(decoded(&[0b0000_0111]), Ok(b"0".to_vec()));
        assert_eq!(decoded(&[0b0000_0110]), Err(Malformed), "a zero in the padding");
        assert_eq!(decoded(&[0b0000_0111, 0xff]), Err(Malformed), "eleven bits of padding");
        assert_eq!(decoded(&[0xff]), Err(Malformed), "eight bits of padding");
    }

    #[test]
    fn a_limit_gives_the_beginning() {
        let text = b"Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 \x00\xff~";
        for limit in 0..text.len() + 3 {
            let mut out = Buffer::from_slice(b"before");
            decode(&encoded(text), limit, &mut out).unwrap();
            let beginning = out.strip_prefix(b"before").unwrap();
            assert!(text.starts_with(beginning));
            assert!(beginning.len() >= limit.min(text.len()) && beginning.len() <= limit + 1);
        }
    }

    #[test]
    fn the_length_is_that_of_what_is_decoded() {
        let text: Vec<u8> = (0..=255).chain(*b"1999932u, 20S, 00000000 ~~~~").collect();
        for from in 0..text.len() {
            let code = encoded(&text[from..]);
            assert_eq!(length(&code), Ok(text.len() - from));
            for cut in 1..code.len() {
                let code = &code[..cut];
                assert_eq!(length(code), decoded(code).map(|text| text.len()), "{from} {cut}");
            }
        }
    }

    #[test]
    fn the_end_symbol_is_refused() {
        assert_eq!(length(&[0xff; 64]), Err(Malformed));
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff]), Err(Malformed));
        assert_eq!(decoded(&[0xff; 64]), Err(Malformed));
    }
}
