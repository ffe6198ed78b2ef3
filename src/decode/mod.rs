//! From a frame to a TCP segment.
//!
//! Takes a link type and the captured bytes of a frame; gives a [`Segment`] that borrows from them, or says what the
//! frame was instead. Knows nothing of connections.
//!
//! A frame passes three steps: `link` finds the network layer, `ip` reads its header and puts fragments together, and
//! [`Decoder`] hands the datagram's payload on by protocol. Tunnels will hook in at this last step: by protocol number,
//! or by port behind UDP.

mod counts;
mod fragments;
mod ip;
mod link;
mod tcp;
#[cfg(test)]
mod tests;

pub use counts::Counts;
pub use link::{supported, unsupported};

use self::fragments::Fragments;
use self::ip::{Datagram, Network};
use crate::capture::Frame;
use crate::model::{Endpoint, Moment};

/// Finds TCP segments in frames. Holds unfinished IP fragments and counts what it meets.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
    counts: Counts,
}

/// What a frame carried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decoded<'a> {
    /// A TCP segment.
    Segment(Segment<'a>),
    /// Something else.
    Other(Kind),
}

/// What a frame carried instead of a TCP segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// UDP.
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
    /// More tags or extension headers than [`limits::HEADER_DEPTH`](crate::model::limits::HEADER_DEPTH).
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

impl Decoder {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what a frame carried. What it gives borrows from the frame, or from the decoder when the frame was the last
    /// fragment of a datagram.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Decoded<'a> {
        self.counts.count_length(frame);
        // Nearly every frame is Ethernet, IP and TCP with nothing between them. Read in one piece they stay in
        // registers; handed on from step to step they cost three times as much.
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
        let Self { fragments, counts } = self;
        let decoded = match link::network(frame) {
            Ok(network) => network_layer(fragments, frame.at, &network),
            Err(kind) => Decoded::Other(kind),
        };
        counts.count(&decoded);
        decoded
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

#[inline]
fn plain<'a>(frame: &Frame<'a>) -> Option<Segment<'a>> {
    let network = link::plain(frame)?;
    let datagram = ip::plain(&network)?;
    tcp::plain(frame.at, &datagram)
}

fn network_layer<'a>(
    fragments: &'a mut Fragments,
    at: Moment,
    network: &Network<'a>,
) -> Decoded<'a> {
    let datagram = match ip::read(network) {
        Ok(datagram) => datagram,
        Err(fault) => return Decoded::Other(Kind::Malformed(fault)),
    };
    let Some(fragment) = datagram.fragment else { return payload(at, &datagram) };
    match fragments.insert(at, &datagram, fragment) {
        Ok(Some((protocol, bytes))) => {
            let whole = Datagram { protocol, payload: bytes, fragment: None, ..datagram };
            match ip::without_extensions(whole) {
                Ok(datagram) => payload(at, &datagram),
                Err(fault) => Decoded::Other(Kind::Malformed(fault)),
            }
        }
        Ok(None) => Decoded::Other(Kind::Fragment),
        Err(fault) => Decoded::Other(Kind::Malformed(fault)),
    }
}

/// Hands a whole datagram on by its protocol.
fn payload<'a>(at: Moment, datagram: &Datagram<'a>) -> Decoded<'a> {
    match datagram.protocol {
        ip::TCP => tcp::segment(at, datagram),
        ip::UDP => {
            let port = datagram.payload.get(2..).and_then(|rest| rest.first_chunk());
            Decoded::Other(Kind::Udp { port: port.map_or(0, |port| u16::from_be_bytes(*port)) })
        }
        ip::ICMP | ip::ICMPV6 => Decoded::Other(Kind::Icmp),
        other => Decoded::Other(Kind::OtherIp(other)),
    }
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
