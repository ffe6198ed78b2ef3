//! Bytes of a file or of standard input, decompressed when their first bytes say that they are compressed.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A stream of plain bytes that tells damage in its compression apart from an error of the system.
pub(super) struct Stream {
    reader: Box<dyn Read + Send>,
    compressed: bool,
    fault: Option<Fault>,
}

/// Why a compressed stream ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// It stops before its own end.
    Cut,
    /// What follows cannot be decompressed.
    Broken,
}

impl Stream {
    /// Starts to read; `consumed` counts the bytes as they are before decompression.
    pub(super) fn new(
        raw: impl Read + Send + 'static,
        consumed: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let mut raw = Counted { inner: raw, consumed };
        let head = peek(&mut raw)?;
        let compression = Compression::of(&head);
        let whole = Cursor::new(head).chain(raw);
        let reader: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(whole),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(whole))),
            Compression::Zstandard => Box::new(zstd::Decoder::with_buffer(buffered(whole))?),
        };
        Ok(Self { reader, compressed: compression != Compression::None, fault: None })
    }

    /// Reads into a buffer that is not empty; 0 at the end, be it a proper one or not.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Ok(0);
        }
        loop {
            match self.reader.read(buffer) {
                Ok(n) => return Ok(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if !self.compressed || e.raw_os_error().is_some() => return Err(e),
                Err(e) => {
                    let cut = e.kind() == io::ErrorKind::UnexpectedEof;
                    self.fault = Some(if cut { Fault::Cut } else { Fault::Broken });
                    return Ok(0);
                }
            }
        }
    }

    /// What is wrong with the compression, once the stream ended because of it.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstandard,
}

impl Compression {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or a skippable frame, which parallel compressors put first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstandard,
            _ => Self::None,
        }
    }
}

/// Bytes that tell how a stream is compressed.
const MAGIC_BYTES: usize = 4;

/// Compressed bytes read at once.
const COMPRESSED_READ: usize = 128 * 1024;

fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(COMPRESSED_READ, reader)
}

fn peek(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(MAGIC_BYTES);
    reader.take(MAGIC_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

struct Counted<R> {
    inner: R,
    consumed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.consumed.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
