//! Records of the classic pcap format, in its three layouts.

use std::io;

use pcap_parser::nom::{self, Needed};
use pcap_parser::{
    PcapHeader, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
};

use super::clock::classic;
use super::file::{Record, Step};
use super::window::Window;
use super::{DamageKind, LinkType, Part};
use crate::model::limits;

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;

/// Bytes of a record's header, but for the modified layout's.
const RECORD_HEADER: usize = 16;

/// A classic pcap file behind its header.
pub(super) struct PcapReader {
    layout: Layout,
    nanoseconds: bool,
    link: LinkType,
    allowed: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Little,
    Big,
    /// Alexey Kuznetsov's, with eight more bytes before the packet.
    Modified,
}

impl PcapReader {
    /// Reads the header; `None` when it is another file's.
    pub(super) fn new(header: &[u8]) -> Option<Self> {
        let (_, header) = parse_pcap_header(header).ok()?;
        let layout = match (header.is_modified_format(), header.is_bigendian()) {
            (true, _) => Layout::Modified,
            (false, true) => Layout::Big,
            (false, false) => Layout::Little,
        };
        Some(Self {
            layout,
            nanoseconds: header.is_nanosecond_precision(),
            link: link_of(&header),
            allowed: allowed_by(header.snaplen),
        })
    }

    /// The next record, where it is there whole and no longer than it may be. Every packet comes this way, so that its
    /// four words are taken as they are; what is wrong with any other record is the parser's to say.
    #[inline]
    pub(super) fn plain(&self, window: &mut Window) -> Option<Record> {
        let big = match self.layout {
            Layout::Little => false,
            Layout::Big => true,
            Layout::Modified => return None,
        };
        let word = |bytes| if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let (words, data) = window.bytes().split_first_chunk::<RECORD_HEADER>()?;
        let &[seconds, fraction, claimed, wire] = words.as_chunks().0.first_chunk()?;
        let (claimed, wire) = (word(claimed), word(wire));
        let captured = usize::try_from(claimed).ok()?;
        if captured > self.allowed.min(data.len()) {
            return None;
        }
        let time = classic(word(seconds), word(fraction), self.nanoseconds);
        let whole = window.take(RECORD_HEADER + captured);
        let data = whole.start + RECORD_HEADER..whole.end;
        Some(Record { time, link: self.link, wire_length: wire.max(claimed), data })
    }

    /// The next record, whatever it is like.
    pub(super) fn next(&self, window: &mut Window) -> io::Result<Step> {
        loop {
            let bytes = window.bytes();
            let parsed = match self.layout {
                Layout::Little => parse_pcap_frame(bytes),
                Layout::Big => parse_pcap_frame_be(bytes),
                Layout::Modified => parse_pcap_frame_modified(bytes),
            };
            let needed = match parsed {
                Ok((_, record)) => {
                    let (claimed, wire) = (record.caplen, record.origlen);
                    let time = classic(record.ts_sec, record.ts_usec, self.nanoseconds);
                    let captured = record.data.len();
                    if captured > self.allowed {
                        return Ok(self.too_large(u64::from(claimed)));
                    }
                    window.take(self.record_header());
                    let data = window.take(captured);
                    let wire_length = wire.max(claimed);
                    return Ok(Step::Record(Record { time, link: self.link, wire_length, data }));
                }
                Err(nom::Err::Incomplete(Needed::Size(needed))) => needed.get(),
                Err(_) => return Ok(Step::Damaged(DamageKind::Malformed("an unreadable record"))),
            };
            if let Some(end) = self.read_more(window, needed)? {
                return Ok(end);
            }
        }
    }

    /// Whether the next record is there whole.
    pub(super) fn is_at_hand(&self, window: &Window) -> bool {
        let bytes = window.bytes();
        match self.layout {
            Layout::Little => parse_pcap_frame(bytes).is_ok(),
            Layout::Big => parse_pcap_frame_be(bytes).is_ok(),
            Layout::Modified => parse_pcap_frame_modified(bytes).is_ok(),
        }
    }

    /// Reads on until a record that lacks `needed` bytes is whole, or says why it will not be.
    #[cold]
    fn read_more(&self, window: &mut Window, needed: usize) -> io::Result<Option<Step>> {
        let total = window.len().saturating_add(needed);
        let claimed = total.saturating_sub(self.record_header());
        if claimed > self.allowed {
            return Ok(Some(self.too_large(claimed as u64)));
        }
        if window.ensure(total)? {
            return Ok(None);
        }
        Ok(Some(if window.len() == 0 {
            Step::End
        } else {
            let expected = window.offset().saturating_add(total as u64);
            let end = window.end_offset();
            Step::Damaged(DamageKind::Truncated { part: Part::Packet, end, expected })
        }))
    }

    fn too_large(&self, claimed: u64) -> Step {
        Step::Damaged(DamageKind::TooLarge { claimed, allowed: self.allowed as u64 })
    }

    fn record_header(&self) -> usize {
        match self.layout {
            Layout::Little | Layout::Big => RECORD_HEADER,
            Layout::Modified => 24,
        }
    }
}

/// The longest record of a file with this snapshot length. Some writers exceed their own, so the bound is not tight.
pub(super) fn allowed_by(snaplen: u32) -> usize {
    usize::try_from(snaplen)
        .unwrap_or(usize::MAX)
        .clamp(limits::COMMON_SNAPLEN, limits::FRAME_BYTES)
}

/// The upper half of the field tells about frame check sequences.
fn link_of(header: &PcapHeader) -> LinkType {
    LinkType(u16::try_from(header.network.0 & 0xffff).unwrap_or(u16::MAX))
}
