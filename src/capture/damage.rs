//! Where and how a capture broke off.

use super::suggest::grouped;
use crate::model::{Diagnostic, Incomplete};

/// The end of a source that is not a proper end. What came before it counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// The source, escaped.
    pub source: String,
    /// The packet in which reading stopped, from 1 within the source.
    pub packet: u64,
    /// How far the source was good, in bytes; of the decompressed ones if it is compressed.
    pub offset: u64,
    /// What is wrong there.
    pub kind: DamageKind,
}

/// What is wrong with a damaged source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DamageKind {
    /// The bytes end before what they announce.
    Truncated {
        /// What they end in.
        part: Part,
        /// Where the bytes end.
        end: u64,
        /// The offset up to which they would have to go.
        expected: u64,
    },
    /// A record is longer than any can be.
    TooLarge {
        /// Bytes it claims.
        claimed: u64,
        /// Bytes it may have.
        allowed: u64,
    },
    /// A record or block says something that cannot be.
    Malformed(&'static str),
    /// The compressed data ends before its own end.
    CompressionCut,
    /// The compressed data cannot be decompressed from here on.
    CompressionBroken,
}

/// The part of a capture file that its end cut through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The header of the file or of a section.
    Header,
    /// A packet.
    Packet,
    /// A block that is no packet, or whose kind is not yet known.
    Block,
}

impl Damage {
    /// The stable word for this damage.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            DamageKind::Truncated { .. } | DamageKind::CompressionCut => "truncated-capture",
            DamageKind::TooLarge { .. }
            | DamageKind::Malformed(_)
            | DamageKind::CompressionBroken => "corrupt-record",
        }
    }

    /// Packets that were read before it.
    #[must_use]
    pub fn packets_before(&self) -> u64 {
        self.packet.saturating_sub(1)
    }

    /// What is wrong, in one sentence without a full stop.
    #[must_use]
    pub fn message(&self) -> String {
        let Self { source, kind, .. } = self;
        let packet = grouped(self.packet);
        let read = grouped(self.packets_before());
        match *kind {
            DamageKind::Truncated { part, end, expected } => {
                let part = match part {
                    Part::Header => "its header".to_owned(),
                    Part::Packet => format!("packet {packet}"),
                    Part::Block => format!("a block after packet {read}"),
                };
                let (end, expected) = (grouped(end), grouped(expected));
                format!("{source} ends inside {part} (byte {end} of an expected {expected})")
            }
            DamageKind::TooLarge { claimed, allowed } => {
                let (claimed, allowed) = (grouped(claimed), grouped(allowed));
                format!(
                    "{source}: packet {packet} claims {claimed} bytes, the file allows {allowed}"
                )
            }
            DamageKind::Malformed(what) => {
                format!("{source}: after packet {read} comes {what}")
            }
            DamageKind::CompressionCut => {
                format!("{source} ends inside its compressed data, after packet {read}")
            }
            DamageKind::CompressionBroken => {
                format!("{source}: the compressed data is damaged after packet {read}")
            }
        }
    }

    /// As a message with what to do about it.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let error = Diagnostic::error(self.code(), self.message());
        let read = match self.packets_before() {
            1 => "1 packet was read".to_owned(),
            n => format!("{} packets were read", grouped(n)),
        };
        match self.kind {
            DamageKind::Truncated { .. } | DamageKind::CompressionCut => error
                .note(read)
                .help("if the rest is really gone, accept it with --on-incomplete=warn")
                .help(format!("recut it with: editcap {0} fixed.pcapng", self.source)),
            _ => error.note(format!("reading stopped there; {read}")).help(format!(
                "the file is damaged from byte {} on; make a new capture",
                grouped(self.offset)
            )),
        }
    }
}

impl From<&Damage> for Incomplete {
    fn from(damage: &Damage) -> Self {
        Self { code: damage.code(), message: damage.message() }
    }
}
