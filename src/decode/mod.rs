//! From a frame to a TCP segment.
//!
//! Takes a link type and the captured bytes of a frame; gives a [`Segment`] that borrows from them, or says what the
//! frame was instead. Knows nothing of connections.

use crate::model::{Endpoint, Moment};

/// A TCP segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// When and in which frame; for a reassembled datagram, the frame of its last fragment.
    pub at: Moment,
    /// Sender.
    pub from: Endpoint,
    /// Receiver.
    pub to: Endpoint,
    /// Sequence number of the first payload byte, or of the SYN.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// The TCP flags.
    pub flags: TcpFlags,
    /// Outermost 802.1Q tag of the frame.
    pub vlan: Option<u16>,
    /// Captured payload.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire behind `payload` and were cut off by the snapshot length.
    pub missing: u32,
}

/// The TCP flags that matter here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// The bit of FIN.
    pub const FIN: u8 = 0x01;
    /// The bit of SYN.
    pub const SYN: u8 = 0x02;
    /// The bit of RST.
    pub const RST: u8 = 0x04;
    /// The bit of ACK.
    pub const ACK: u8 = 0x10;

    /// Whether FIN is set.
    #[must_use]
    pub fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }

    /// Whether SYN is set.
    #[must_use]
    pub fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }

    /// Whether RST is set.
    #[must_use]
    pub fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }

    /// Whether ACK is set.
    #[must_use]
    pub fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }
}
