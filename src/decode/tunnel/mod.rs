//! Tunnels over IP: what a datagram holds when it holds another packet or frame.
//!
//! Takes a whole datagram; gives what is inside as an EtherType and bytes, or nothing when it is no tunnel or its
//! header is not sound. What UDP carries is told by its port, which any program may use, so there every fixed bit is
//! looked at. PPPoE and MPLS, which stand where an EtherType says so, are read by the link layer.

mod gre;
mod udp;

pub(super) use udp::{PORTS, destination};

use super::ip::{self, Datagram};
use super::link::{IPV4, IPV6};
use super::path::Path;

/// What carried a packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tunnel {
    /// The encapsulation.
    pub kind: TunnelKind,
    /// What tells it from others of its kind: VXLAN's and GENEVE's network, GRE's key, GTP's endpoint, ERSPAN's and
    /// PPPoE's session, the last MPLS label; 0 where there is none.
    pub id: u32,
}

/// An encapsulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TunnelKind {
    /// A mirror's copies: Cisco's ERSPAN in GRE, types I to III.
    Erspan,
    /// RFC 8926.
    Geneve,
    /// RFC 2784 with RFC 2890, NVGRE (RFC 7637), and GRE in UDP (RFC 8086).
    Gre,
    /// The user plane of mobile networks, 3GPP TS 29.281.
    Gtp,
    /// IPv4 or IPv6 in IPv4 or IPv6 (RFC 2003, RFC 2473, RFC 4213).
    IpInIp,
    /// RFC 3032, and Ethernet over it (RFC 4448).
    Mpls,
    /// A PPPoE session (RFC 2516).
    Pppoe,
    /// RFC 4380.
    Teredo,
    /// RFC 7348.
    Vxlan,
}

/// What a tunnel's header is in front of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inner<'a> {
    pub(super) tunnel: Tunnel,
    pub(super) ether_type: u16,
    pub(super) payload: Captured<'a>,
}

/// Captured bytes, and how many bytes of the wire behind them the snapshot length cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Captured<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) missing: u32,
}

/// Opens a datagram if it is a tunnel's.
pub(super) fn open<'a>(datagram: &Datagram<'a>, path: &mut Path) -> Option<Inner<'a>> {
    let payload = Captured { bytes: datagram.payload, missing: datagram.missing };
    let inner = match datagram.protocol {
        IPV4_IN_IP => payload.inner(TunnelKind::IpInIp, 0, IPV4),
        IPV6_IN_IP => payload.inner(TunnelKind::IpInIp, 0, IPV6),
        GRE => gre::open(payload)?,
        ip::UDP => udp::open(payload, path)?,
        _ => return None,
    };
    path.enter(inner.tunnel);
    Some(inner)
}

const IPV4_IN_IP: u8 = 4;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;

impl TunnelKind {
    /// All kinds, in order of their names.
    pub(super) const ALL: [Self; 9] = [
        Self::Erspan,
        Self::Geneve,
        Self::Gre,
        Self::Gtp,
        Self::IpInIp,
        Self::Mpls,
        Self::Pppoe,
        Self::Teredo,
        Self::Vxlan,
    ];

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Erspan => "erspan",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Gtp => "gtp",
            Self::IpInIp => "ip-in-ip",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
            Self::Teredo => "teredo",
            Self::Vxlan => "vxlan",
        }
    }
}

impl<'a> Captured<'a> {
    /// Takes bytes off the front; none if there are fewer.
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*head)
    }

    /// Takes bytes off the front that nobody looks at.
    fn skip(&mut self, length: usize) -> Option<()> {
        self.bytes = self.bytes.get(length..)?;
        Some(())
    }

    /// Bytes on the wire.
    fn wire_length(&self) -> usize {
        self.bytes.len().saturating_add(usize::try_from(self.missing).unwrap_or(usize::MAX))
    }

    /// Leaves off what follows `length` bytes.
    fn truncate(&mut self, length: usize) {
        match self.bytes.get(..length) {
            Some(bytes) => *self = Self { bytes, missing: 0 },
            None => {
                let lacking = u32::try_from(length - self.bytes.len()).unwrap_or(u32::MAX);
                self.missing = self.missing.min(lacking);
            }
        }
    }

    fn inner(self, kind: TunnelKind, id: u32, ether_type: u16) -> Inner<'a> {
        Inner { tunnel: Tunnel { kind, id }, ether_type, payload: self }
    }
}
