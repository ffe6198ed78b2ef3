//! A pcapng file from frames (draft-ietf-opsawg-pcapng), in little-endian byte order.
//!
//! Writes section header, interfaces as link types come, and enhanced packets with comments. Never decryption secrets.

use std::io;

use super::LinkType;
use crate::model::Timestamp;

/// A frame to be written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Packet time.
    pub time: Timestamp,
    /// What the first byte of `data` belongs to.
    pub link: LinkType,
    /// The bytes.
    pub data: &'a [u8],
    /// Bytes on the wire; never fewer than `data` has.
    pub wire_length: u32,
    /// What Wireshark shows as the packet's comment; empty for none.
    pub comment: &'a str,
}

/// Writes one file.
#[derive(Debug)]
pub struct PcapNgWriter<W> {
    out: W,
    links: Vec<LinkType>,
}

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

const OPT_END: u16 = 0;
const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;

impl<W: io::Write> PcapNgWriter<W> {
    /// Begins a file with a comment.
    ///
    /// # Errors
    /// What writing says.
    pub fn new(mut out: W, comment: &str) -> io::Result<Self> {
        let mut body = Vec::new();
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend([1, 0, 0, 0]);
        // The length of the section is not told.
        body.extend([0xff; 8]);
        option(&mut body, OPT_COMMENT, comment);
        option(&mut body, SHB_USERAPPL, "wirelint");
        option(&mut body, OPT_END, "");
        block(&mut out, SECTION, &body)?;
        Ok(Self { out, links: Vec::new() })
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// What writing says.
    pub fn frame(&mut self, frame: &Written<'_>) -> io::Result<()> {
        let interface = match self.links.iter().position(|link| *link == frame.link) {
            Some(known) => known,
            None => self.interface(frame.link)?,
        };
        let micros = u64::try_from(frame.time.micros()).unwrap_or(0);
        let length = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
        let mut body = Vec::with_capacity(frame.data.len().saturating_add(64));
        body.extend(u32::try_from(interface).unwrap_or(0).to_le_bytes());
        body.extend(((micros >> 32) as u32).to_le_bytes());
        body.extend((micros as u32).to_le_bytes());
        body.extend(length.to_le_bytes());
        body.extend(frame.wire_length.max(length).to_le_bytes());
        body.extend(frame.data);
        pad(&mut body);
        if !frame.comment.is_empty() {
            option(&mut body, OPT_COMMENT, frame.comment);
            option(&mut body, OPT_END, "");
        }
        block(&mut self.out, ENHANCED_PACKET, &body)
    }

    /// Gives back what it wrote to.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Microseconds and no snapshot length are what stands without options.
    fn interface(&mut self, link: LinkType) -> io::Result<usize> {
        let mut body = Vec::new();
        body.extend(link.0.to_le_bytes());
        body.extend([0; 6]);
        block(&mut self.out, INTERFACE, &body)?;
        self.links.push(link);
        Ok(self.links.len().saturating_sub(1))
    }
}

fn option(body: &mut Vec<u8>, code: u16, text: &str) {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..usize::from(u16::MAX)).unwrap_or(bytes);
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
    body.extend(bytes);
    pad(body);
}

/// Fields are aligned to four bytes, and so is everything before them.
fn pad(body: &mut Vec<u8>) {
    while !body.len().is_multiple_of(4) {
        body.push(0);
    }
}

fn block(out: &mut impl io::Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len().saturating_add(12)).unwrap_or(u32::MAX);
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(body)?;
    out.write_all(&length.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{CaptureFile, FrameSource as _};

    #[test]
    fn what_is_written_is_read_again() {
        let mut writer = PcapNgWriter::new(Vec::new(), "why").unwrap();
        let time = Timestamp::from_micros(1_768_986_841_000_002);
        let frames = [
            (LinkType::ETHERNET, &b"abcde"[..], 5_u32, ""),
            (LinkType::RAW, &b"0123"[..], 1500, "the proof"),
            (LinkType::ETHERNET, &b""[..], 0, "nothing"),
        ];
        for (link, data, wire_length, comment) in frames {
            writer.frame(&Written { time, link, data, wire_length, comment }).unwrap();
        }
        let bytes = writer.into_inner();
        assert!(bytes.windows(9).any(|window| window == b"the proof"));
        let mut file = CaptureFile::new("x", io::Cursor::new(bytes)).unwrap();
        for (link, data, wire_length, _) in frames {
            let frame = file.next().unwrap().unwrap();
            assert_eq!((frame.at.time, frame.link, frame.data), (time, link, data));
            assert_eq!(frame.wire_length, wire_length);
        }
        assert!(file.next().unwrap().is_none());
        assert!(file.damage().is_none());
    }
}
