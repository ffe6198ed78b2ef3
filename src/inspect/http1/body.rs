//! Where a body ends (RFC 9112 sections 6 and 7).

use crate::model::limits;

/// What is left of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Body {
    /// This many bytes.
    Length(u64),
    /// Everything until the connection ends.
    UntilClose,
    /// A line with the size of a chunk, and everything behind it.
    ChunkSize,
    /// This many bytes of a chunk, and everything behind it.
    Chunk(u64),
    /// The line end behind a chunk, and everything behind it.
    ChunkEnd,
    /// Trailer fields, of which this many bytes are tolerated.
    Trailers(usize),
}

/// What reading a part of a body came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// This many bytes were used.
    Used(usize),
    /// This many bytes were used, and with them the body ended.
    End(usize),
    /// A whole line is needed.
    Wait,
    /// This is no body of this kind.
    Broken,
}

impl Body {
    /// A body in chunks.
    pub(super) fn start_of_chunks() -> Self {
        Self::ChunkSize
    }

    /// Reads on.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Progress {
        match *self {
            Self::Length(left) => {
                let (used, left) = pass(left, bytes);
                *self = Self::Length(left);
                if left == 0 { Progress::End(used) } else { Progress::Used(used) }
            }
            Self::UntilClose => Progress::Used(bytes.len()),
            Self::Chunk(left) => {
                let (used, left) = pass(left, bytes);
                *self = if left == 0 { Self::ChunkEnd } else { Self::Chunk(left) };
                Progress::Used(used)
            }
            Self::ChunkEnd => match bytes {
                [b'\r', b'\n', ..] => self.become_used(Self::ChunkSize, 2),
                [b'\n', ..] => self.become_used(Self::ChunkSize, 1),
                [b'\r'] | [] => Progress::Wait,
                _ => Progress::Broken,
            },
            Self::ChunkSize => self.chunk_size(bytes),
            Self::Trailers(left) => self.trailer(bytes, left),
        }
    }

    /// Passes over bytes that nobody saw. Says whether the body is known to go on behind them, or to end there.
    pub(super) fn skip(&mut self, missing: u64) -> bool {
        match self {
            Self::UntilClose => true,
            Self::Length(left) | Self::Chunk(left) => match left.checked_sub(missing) {
                Some(rest) => {
                    *left = rest;
                    true
                }
                None => false,
            },
            Self::ChunkSize | Self::ChunkEnd | Self::Trailers(_) => false,
        }
    }

    fn become_used(&mut self, next: Self, used: usize) -> Progress {
        *self = next;
        Progress::Used(used)
    }

    fn chunk_size(&mut self, bytes: &[u8]) -> Progress {
        let Some(line) = line(bytes) else { return unfinished(bytes) };
        let Some(size) = hexadecimal(line) else { return Progress::Broken };
        let next = if size == 0 { Self::Trailers(limits::HTTP1_HEAD) } else { Self::Chunk(size) };
        self.become_used(next, line.len())
    }

    fn trailer(&mut self, bytes: &[u8], left: usize) -> Progress {
        let Some(line) = line(bytes) else { return unfinished(bytes) };
        if line == b"\r\n" || line == b"\n" {
            return Progress::End(line.len());
        }
        match left.checked_sub(line.len()) {
            Some(left) => self.become_used(Self::Trailers(left), line.len()),
            None => Progress::Broken,
        }
    }
}

fn pass(left: u64, bytes: &[u8]) -> (usize, u64) {
    let used = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (used, left.saturating_sub(used as u64))
}

/// The first line with its end, if it is whole and not too long.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.get(..limits::HTTP1_LINE).unwrap_or(bytes);
    bytes.get(..memchr::memchr(b'\n', bytes)?.checked_add(1)?)
}

fn unfinished(bytes: &[u8]) -> Progress {
    if bytes.len() < limits::HTTP1_LINE { Progress::Wait } else { Progress::Broken }
}

/// The size that a chunk's line begins with; extensions behind it are ignored.
fn hexadecimal(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if !matches!(line.get(digits), Some(b'\r' | b'\n' | b';' | b' ' | b'\t')) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(line.get(..digits)?).ok()?, 16).ok()
}
