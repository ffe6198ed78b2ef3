//! Blocks of the pcapng format (draft-ietf-opsawg-pcapng).
//!
//! Packet blocks are read here: the parser crate would allocate a list for every packet that carries an option, and
//! calls a packet that is longer than its block incomplete. Everything rarer is parsed by it.

use std::io;

use pcap_parser::{
    Block, InterfaceDescriptionBlock, OptionCode, PcapNGOption, SecretsType, parse_block_be,
    parse_block_le,
};

use super::clock::Clock;
use super::file::{Record, Step};
use super::window::Window;
use super::{DamageKind, LinkType, Part, Secrets};
use crate::model::limits;

/// The first four bytes of a pcapng file, the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;

/// A pcapng file.
pub(super) struct PcapNgReader {
    big_endian: bool,
    interfaces: Vec<Interface>,
    lost_before: u64,
}

#[derive(Clone, Copy)]
struct Interface {
    link: LinkType,
    snaplen: u32,
    clock: Clock,
    lost: u64,
}

/// Type and total length of a block.
#[derive(Clone, Copy)]
struct Head {
    kind: u32,
    length: u32,
}

/// Whether the next block is there whole, whatever the byte order of its section: a length in the other order is far
/// larger than any block.
pub(super) fn is_at_hand(bytes: &[u8]) -> bool {
    let Some([_, _, _, _, length @ ..]) = bytes.first_chunk::<8>() else { return false };
    let length = u32::from_le_bytes(*length).min(u32::from_be_bytes(*length));
    usize::try_from(length).is_ok_and(|length| length <= bytes.len())
}

impl PcapNgReader {
    /// Starts before the first section header.
    pub(super) fn new() -> Self {
        Self { big_endian: false, interfaces: Vec::new(), lost_before: 0 }
    }

    /// Packets that the capture says it lost.
    pub(super) fn lost(&self) -> u64 {
        self.interfaces.iter().fold(self.lost_before, |sum, one| sum.saturating_add(one.lost))
    }

    /// The next packet. Secrets on the way to it are added to `secrets`.
    #[inline]
    pub(super) fn next(&mut self, window: &mut Window, secrets: &mut Secrets) -> io::Result<Step> {
        loop {
            let head = match self.head(window)? {
                Ok(head) => head,
                Err(end) => return Ok(end),
            };
            let step = match head.kind {
                ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET => {
                    return self.packet(window, head);
                }
                SECTION_HEADER | INTERFACE | STATISTICS | SECRETS => {
                    self.described(window, head, secrets)?
                }
                _ => skip(window, head)?,
            };
            if let Some(end) = step {
                return Ok(end);
            }
        }
    }

    /// Type and length of the next block, or the end of the file.
    #[inline]
    fn head(&mut self, window: &mut Window) -> io::Result<Result<Head, Step>> {
        if !window.ensure(BLOCK_HEAD)? {
            let end = window.end_offset();
            let expected = window.offset().saturating_add(SMALLEST_BLOCK.into());
            return Ok(Err(if window.len() == 0 {
                Step::End
            } else {
                Step::Damaged(DamageKind::Truncated { part: Part::Block, end, expected })
            }));
        }
        let kind = self.word(window.bytes(), 0);
        if kind == SECTION_HEADER {
            if !window.ensure(BLOCK_HEAD + 4)? {
                return Ok(Err(truncated(window, Part::Header, SMALLEST_SECTION)));
            }
            match window.bytes().get(8..12) {
                Some([0x4d, 0x3c, 0x2b, 0x1a]) => self.big_endian = false,
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => self.big_endian = true,
                _ => return Ok(Err(malformed("a section of unknown byte order"))),
            }
        }
        let length = self.word(window.bytes(), 4);
        if length < SMALLEST_BLOCK || !length.is_multiple_of(4) {
            return Ok(Err(malformed("a block of an impossible length")));
        }
        Ok(Ok(Head { kind, length }))
    }

    #[inline]
    fn packet(&self, window: &mut Window, head: Head) -> io::Result<Step> {
        if head.length > LARGEST_BLOCK {
            let (claimed, allowed) = (u64::from(head.length), u64::from(LARGEST_BLOCK));
            return Ok(Step::Damaged(DamageKind::TooLarge { claimed, allowed }));
        }
        let length = head.length as usize;
        if !window.ensure(length)? {
            return Ok(truncated(window, Part::Packet, head.length));
        }
        let block = window.bytes().get(..length).unwrap_or_default();
        if self.word(block, length - 4) != head.length {
            return Ok(malformed(LENGTHS_DIFFER));
        }
        let packet = match head.kind {
            SIMPLE_PACKET => self.simple(block),
            _ => self.enhanced(block, head.kind),
        };
        let (mut record, from) = match packet {
            Ok(packet) => packet,
            Err(damage) => return Ok(Step::Damaged(damage)),
        };
        let at = window.take(length).start + from;
        record.data = at..at + record.data.len();
        Ok(Step::Record(record))
    }

    /// An enhanced packet, or an obsolete one, which differs in the width of the interface's number only. Also gives
    /// where in the block the packet begins.
    #[inline]
    fn enhanced(&self, block: &[u8], kind: u32) -> Result<(Record, usize), DamageKind> {
        const DATA: usize = 28;
        if block.len() < DATA + 4 {
            return Err(DamageKind::Malformed("a packet block without room for its header"));
        }
        let first = self.word(block, 8);
        let interface = match (kind, self.big_endian) {
            (ENHANCED_PACKET, _) => first,
            (_, true) => first >> 16,
            (_, false) => first & 0xffff,
        };
        let interface = self.interface(interface)?;
        let ticks = (u64::from(self.word(block, 12)) << 32) | u64::from(self.word(block, 16));
        let (captured, wire) = (self.word(block, 20), self.word(block, 24));
        let allowed = (block.len() - DATA - 4).min(limits::FRAME_BYTES);
        let length = captured as usize;
        if length > allowed {
            return Err(DamageKind::TooLarge { claimed: captured.into(), allowed: allowed as u64 });
        }
        let time = interface.clock.at(ticks);
        let wire_length = wire.max(captured);
        Ok((Record { time, link: interface.link, wire_length, data: 0..length }, DATA))
    }

    /// A simple packet: no time, first interface, cut at that interface's snapshot length.
    fn simple(&self, block: &[u8]) -> Result<(Record, usize), DamageKind> {
        const DATA: usize = 12;
        let room = block
            .len()
            .checked_sub(DATA + 4)
            .ok_or(DamageKind::Malformed("a packet block without room for its header"))?;
        let interface = self.interface(0)?;
        let wire_length = self.word(block, 8);
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let length = wire_length.min(snaplen) as usize;
        let length = length.min(room).min(limits::FRAME_BYTES);
        let time = interface.clock.at(0);
        Ok((Record { time, link: interface.link, wire_length, data: 0..length }, DATA))
    }

    fn interface(&self, number: u32) -> Result<Interface, DamageKind> {
        self.interfaces
            .get(number as usize)
            .copied()
            .ok_or(DamageKind::Malformed("a packet of an interface that is not described"))
    }

    /// A block that says something about what follows.
    #[cold]
    fn described(
        &mut self,
        window: &mut Window,
        head: Head,
        secrets: &mut Secrets,
    ) -> io::Result<Option<Step>> {
        let part = if head.kind == SECTION_HEADER { Part::Header } else { Part::Block };
        if head.length as usize > limits::BLOCK_BYTES {
            return skip(window, head);
        }
        if !window.ensure(head.length as usize)? {
            return Ok(Some(truncated(window, part, head.length)));
        }
        let taken = window.take(head.length as usize);
        let block = window.slice(taken);
        let parsed = if self.big_endian { parse_block_be(block) } else { parse_block_le(block) };
        let Ok((_, parsed)) = parsed else {
            return Ok(Some(malformed("a block that cannot be read")));
        };
        match parsed {
            Block::SectionHeader(section) if section.major_version != 1 => {
                return Ok(Some(malformed("a section of an unknown version")));
            }
            Block::SectionHeader(_) => {
                self.lost_before = self.lost();
                self.interfaces.clear();
            }
            Block::InterfaceDescription(described) => self.add_interface(&described),
            Block::InterfaceStatistics(statistics) => {
                self.set_lost(statistics.if_id, &statistics.options);
            }
            Block::DecryptionSecrets(block) if block.secrets_type == SecretsType::TlsKeyLog => {
                let length = block.secrets_len as usize;
                secrets.push(block.data.get(..length).unwrap_or(block.data));
            }
            _ => {}
        }
        Ok(None)
    }

    fn add_interface(&mut self, described: &InterfaceDescriptionBlock<'_>) {
        if self.interfaces.len() >= limits::INTERFACES {
            return;
        }
        // The crate reads this option as little-endian in every section.
        let offset = self.option(&described.options, OptionCode::IfTsoffset).unwrap_or(0);
        self.interfaces.push(Interface {
            link: LinkType(u16::try_from(described.linktype.0).unwrap_or(u16::MAX)),
            snaplen: described.snaplen,
            clock: Clock::new(described.if_tsresol, offset.cast_signed()),
            lost: 0,
        });
    }

    /// Statistics count from the start of the capture, so the last ones hold.
    fn set_lost(&mut self, interface: u32, options: &[PcapNGOption<'_>]) {
        let by_interface = self.option(options, OptionCode::IsbIfDrop).unwrap_or(0);
        let by_system = self.option(options, OptionCode::IsbOsDrop).unwrap_or(0);
        if let Some(interface) = self.interfaces.get_mut(interface as usize) {
            interface.lost = by_interface.saturating_add(by_system);
        }
    }

    fn option(&self, options: &[PcapNGOption<'_>], code: OptionCode) -> Option<u64> {
        let value = options.iter().find(|option| option.code == code)?.value.first_chunk::<8>()?;
        Some(if self.big_endian { u64::from_be_bytes(*value) } else { u64::from_le_bytes(*value) })
    }

    #[inline]
    fn word(&self, bytes: &[u8], at: usize) -> u32 {
        let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
        let word = u32::from_le_bytes(*word.unwrap_or(&[0; 4]));
        if self.big_endian { word.swap_bytes() } else { word }
    }
}

const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const SECRETS: u32 = 10;

/// Type and length.
const BLOCK_HEAD: usize = 8;
/// Type, length, and the length again.
const SMALLEST_BLOCK: u32 = 12;
const SMALLEST_SECTION: u32 = 28;
/// A frame with room for its header and options.
const LARGEST_BLOCK: u32 = 2 << 20;

const LENGTHS_DIFFER: &str = "a block whose two lengths differ";

fn skip(window: &mut Window, head: Head) -> io::Result<Option<Step>> {
    let expected = window.offset().saturating_add(head.length.into());
    if window.skip(head.length.into())? {
        return Ok(None);
    }
    let end = window.end_offset();
    Ok(Some(Step::Damaged(DamageKind::Truncated { part: Part::Block, end, expected })))
}

fn truncated(window: &Window, part: Part, length: u32) -> Step {
    let expected = window.offset().saturating_add(length.into());
    Step::Damaged(DamageKind::Truncated { part, end: window.end_offset(), expected })
}

fn malformed(what: &'static str) -> Step {
    Step::Damaged(DamageKind::Malformed(what))
}
