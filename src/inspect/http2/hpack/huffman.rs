//! The Huffman code of RFC 7541 Appendix B.
//!
//! The code is canonical: codes of one length are consecutive numbers in the order of their symbols, so its lengths say
//! all of it, and the tables below are computed from them when the program is compiled.

use super::Malformed;

/// Bits of the longest code.
const LONGEST: usize = 30;

/// No code is shorter than this.
const SHORTEST: u32 = 5;

/// Codes of up to this many bits are found in one look: those of everything that is common in header fields.
const FAST_BITS: u32 = 8;

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

/// Appends the string that a code stands for.
///
/// # Errors
/// The code has the end symbol in it, or does not end in fewer than eight bits of one (section 5.2).
pub(super) fn decode(code: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    out.reserve(code.len().saturating_mul(8) / 5);
    let mut bits = Bits { rest: code, window: 0, count: 0 };
    loop {
        bits.refill();
        let fast = FAST.get(usize::from(bits.top_byte())).copied().unwrap_or_default();
        if fast.length != 0 && fast.length <= bits.count {
            out.push(fast.symbol);
            bits.consume(fast.length);
            continue;
        }
        if bits.count < FAST_BITS {
            return if bits.are_padding() { Ok(()) } else { Err(Malformed) };
        }
        let (symbol, length) = long(&bits).ok_or(Malformed)?;
        out.push(u8::try_from(symbol).map_err(|_| Malformed)?);
        bits.consume(length);
    }
}

/// Bits not yet decoded: `count` of them at the top of `window`, zeros below, then the rest.
struct Bits<'a> {
    rest: &'a [u8],
    window: u64,
    count: u32,
}

impl Bits<'_> {
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

    #[inline]
    fn top_byte(&self) -> u8 {
        self.window.to_be_bytes()[0]
    }

    #[inline]
    fn consume(&mut self, length: u32) {
        self.window = self.window.wrapping_shl(length);
        self.count = self.count.wrapping_sub(length);
    }

    /// Whether what is left, fewer than eight bits, begins the code of [`END`], which is all ones.
    fn are_padding(&self) -> bool {
        self.window.leading_ones() >= self.count
    }
}

/// Finds a code longer than [`FAST_BITS`], and its length.
#[cold]
fn long(bits: &Bits<'_>) -> Option<(u16, u32)> {
    for (length, first) in (0_u32..).zip(FIRST) {
        if length <= FAST_BITS || length > bits.count {
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

#[derive(Clone, Copy, Default)]
struct Fast {
    symbol: u8,
    /// 0 where the code is longer than [`FAST_BITS`].
    length: u32,
}

/// What begins with each byte.
static FAST: [Fast; 256] = fast_table();

/// The codes of one length.
#[derive(Clone, Copy)]
struct First {
    code: u64,
    codes: u64,
    symbols_before: usize,
}

/// By length, from 0.
static FIRST: [First; LONGEST + 1] = first_codes();

/// Symbols in the order of their codes.
static SORTED: [u16; 257] = sorted_symbols();

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
const fn fast_table() -> [Fast; 256] {
    let first = first_codes();
    let sorted = sorted_symbols();
    let mut table = [Fast { symbol: 0, length: 0 }; 256];
    let mut length = SHORTEST;
    while length <= FAST_BITS {
        let of_length = first[length as usize];
        let mut place = 0;
        while place < of_length.codes {
            let symbol = sorted[of_length.symbols_before + place as usize] as u8;
            let spare = FAST_BITS - length;
            let start = ((of_length.code + place) << spare) as usize;
            let mut n = 0;
            while n < 1 << spare {
                table[start + n] = Fast { symbol, length };
                n += 1;
            }
            place += 1;
        }
        length += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(code: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut out = Vec::new();
        decode(code, &mut out).map(|()| out)
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
    fn the_end_symbol_is_refused() {
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff]), Err(Malformed));
        assert_eq!(decoded(&[0xff; 64]), Err(Malformed));
    }
}
