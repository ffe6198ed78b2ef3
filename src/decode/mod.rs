//! From a frame to a TCP segment.
//!
//! Takes a link type and the captured bytes of a frame; gives a [`Segment`] that borrows from them, or says what the
//! frame was instead. Knows nothing of connections.
//!
//! A frame passes three steps: `link` finds the network layer, `ip` reads its header and puts fragments together, and
//! `opening` hands the datagram's payload on by protocol. When that is a tunnel's, what is inside goes through the same
//! steps, so that the segment is the innermost one.

mod counts;
mod fragments;
mod ip;
mod link;
mod mpls;
mod opening;
mod path;
mod tcp;
#[cfg(test)]
mod tests;
mod tunnel;
mod udp;

pub use counts::Counts;
pub use link::{supported, unsupported};
pub use tunnel::{Tunnel, TunnelKind};

use std::sync::Arc;

use self::fragments::Fragments;
use self::opening::Opening;
use crate::capture::Frame;
use crate::model::{Endpoint, Moment, Realm, limits};

/// Finds TCP segments in frames. Holds unfinished IP fragments and counts what it meets.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
    /// The datagrams that the frame at hand completed, the outermost first.
    wholes: [Vec<u8>; limits::HEADER_DEPTH],
    counts: Counts,
    /// Virtual networks that are told apart, sorted.
    networks: Arc<[u32]>,
}

/// What a frame carried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decoded<'a> {
    /// A TCP segment.
    Segment(Segment<'a>),
    /// A UDP datagram that is no tunnel's.
    Datagram(Datagram<'a>),
    /// Something else.
    Other(Kind),
}

/// What a frame carried instead of a TCP segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// UDP that is not handed on: its header was cut off, or it seemed a tunnel's and is none that can be read.
    Udp {
        /// Destination port; 0 when the header was cut off.
        port: u16,
    },
    /// ICMP or ICMPv6.
    Icmp,
    /// Another protocol over IP.
    OtherIp(u8),
    /// ARP or RARP.
    Arp,
    /// Another protocol over the link layer.
    OtherEthernet,
    /// An IP fragment that completes no datagram yet.
    Fragment,
    /// Bytes that contradict what they claim to be.
    Malformed(Fault),
    /// A link type that is not read, see [`supported`].
    UnsupportedLink,
}

/// What is wrong with a malformed frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// The frame ends inside its link layer header.
    Link,
    /// More tags, extension headers and tunnels than [`limits::HEADER_DEPTH`].
    Depth,
    /// The IPv4 header.
    Ipv4,
    /// The IPv6 header.
    Ipv6,
    /// An IPv6 extension header or an authentication header.
    Extension,
    /// A fragment that fits into no datagram (RFC 791, RFC 8200).
    Fragment,
    /// The TCP header.
    Tcp,
}

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
    /// Outermost 802.1Q tag of the frame; of the one inside, when a tunnel carries Ethernet.
    pub vlan: Option<u16>,
    /// Time to live or hop limit of the innermost packet; of its last fragment, when it came in several.
    pub hops: u8,
    /// Captured payload.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire behind `payload` and were cut off by the snapshot length.
    pub missing: u32,
}

/// A UDP datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'a> {
    /// When and in which frame; for a reassembled datagram, the frame of its last fragment.
    pub at: Moment,
    /// Sender.
    pub from: Endpoint,
    /// Receiver.
    pub to: Endpoint,
    /// Outermost 802.1Q tag of the frame; of the one inside, when a tunnel carries Ethernet.
    pub vlan: Option<u16>,
    /// Time to live or hop limit of the innermost packet; of its last fragment, when it came in several.
    pub hops: u8,
    /// The virtual network, where it is one of those that are told apart. The ends do not say it.
    pub network: Option<u32>,
    /// Captured payload.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire behind `payload` and were cut off by the snapshot length.
    pub missing: u32,
}

/// The TCP flags that matter here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TcpFlags(pub u8);

impl Decoder {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, telling apart what is in these virtual networks (VXLAN, GENEVE, NVGRE), by their numbers, from what has
    /// the same addresses elsewhere.
    #[must_use]
    pub fn telling_apart(mut self, mut networks: Vec<u32>) -> Self {
        networks.sort_unstable();
        self.networks = networks.into();
        self
    }

    /// Says what a frame carried. What it gives borrows from the frame, or from the decoder when the frame was the last
    /// fragment of a datagram.
    #[inline(always)]
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Decoded<'a> {
        self.counts.count_length(frame);
        // Nearly every frame is Ethernet, IP and TCP with nothing between them. Read in one piece they stay in
        // registers; handed on from step to step they cost three times as much, so it is not left to chance whether they are.
        match plain(frame) {
            Some(segment) => {
                self.counts.count_segment();
                Decoded::Segment(segment)
            }
            None => self.decode_any(frame),
        }
    }

    #[inline(never)]
    fn decode_any<'a>(&'a mut self, frame: &Frame<'a>) -> Decoded<'a> {
        let Self { fragments, wholes, counts, networks } = self;
        let mut opening = Opening::new(fragments, wholes, frame.at);
        let decoded = opening.frame(frame);
        counts.count(&decoded, opening.tunnels());
        let number = opening.network().filter(|number| networks.binary_search(number).is_ok());
        match (decoded, number) {
            (Decoded::Segment(segment), Some(number)) => {
                let realm = Realm::of_network(number);
                let (from, to) = (segment.from.within(realm), segment.to.within(realm));
                Decoded::Segment(Segment { from, to, ..segment })
            }
            (Decoded::Datagram(datagram), network) => {
                Decoded::Datagram(Datagram { network, ..datagram })
            }
            (decoded, _) => decoded,
        }
    }

    /// What was met so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Fragments whose bytes contradicted or partly covered those of fragments before them. The first ones won.
    #[must_use]
    pub fn overlapping_fragments(&self) -> u64 {
        self.fragments.overlaps()
    }

    /// Datagrams given up because fragments stayed away or the bounds were reached.
    #[must_use]
    pub fn unfinished_datagrams(&self) -> u64 {
        self.fragments.given_up()
    }
}

#[inline(always)]
fn plain<'a>(frame: &Frame<'a>) -> Option<Segment<'a>> {
    let network = link::plain(frame)?;
    let datagram = ip::plain(&network)?;
    tcp::plain(frame.at, &datagram)
}

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
