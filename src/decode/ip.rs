//! IPv4 and IPv6 headers, with what lies between them and the payload.

use std::net::IpAddr;

use etherparse::{
    IpAuthHeaderSlice, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice,
};

use super::Fault;
use super::path::Path;
use super::tunnel::Tunnel;

/// A network layer packet as the link layer hands it on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network<'a> {
    /// 4 or 6.
    pub(super) version: u8,
    /// Number of the outermost tag of the Ethernet frame; 0, which marks a priority and no network (IEEE 802.1Q 9.6), when there is none.
    pub(super) vlan: u16,
    /// The innermost tunnel around the packet.
    pub(super) tunnel: Option<Tunnel>,
    /// From the first byte of the IP header to the end of the frame, padding included.
    pub(super) data: &'a [u8],
    /// Bytes of the frame that the snapshot length cut off.
    pub(super) cut: u32,
    /// Whether a header around the packet says that it ends where `data` ends.
    pub(super) bounded: bool,
}

/// The payload of an IP packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub(super) addresses: Addresses<'a>,
    /// As in [`Network`].
    pub(super) vlan: u16,
    /// As in [`Network`].
    pub(super) tunnel: Option<Tunnel>,
    /// Time to live (RFC 791) or hop limit (RFC 8200) as it crossed the capture.
    pub(super) hops: u8,
    /// Of `payload`; extension headers are behind us.
    pub(super) protocol: u8,
    pub(super) payload: &'a [u8],
    /// Bytes behind `payload` that were on the wire.
    pub(super) missing: u32,
    /// Set when `payload` is a part of something larger.
    pub(super) fragment: Option<Fragment>,
}

/// Source and destination as they stand in the header. They are made addresses once, where they are kept: copying
/// what was just written byte by byte costs three times as much as reading it all.
#[derive(Clone, Copy, Debug)]
pub(super) enum Addresses<'a> {
    V4(&'a [u8; 8]),
    V6(&'a [u8; 32]),
}

/// Which part of which datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fragment {
    pub(super) identification: u32,
    /// In bytes.
    pub(super) offset: usize,
    /// Whether this is not the last one.
    pub(super) more: bool,
}

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;
const EXTENSIONS: [u8; 8] =
    [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION, MOBILITY, HOST_IDENTITY, SHIM6];

impl<'a> Network<'a> {
    /// An untagged, whole packet.
    #[inline]
    pub(super) fn new(version: u8, data: &'a [u8]) -> Self {
        Self { version, vlan: 0, tunnel: None, data, cut: 0, bounded: false }
    }

    /// A whole packet with what is around it.
    pub(super) fn inside(path: &Path, version: u8, data: &'a [u8]) -> Self {
        let Path { vlan, tunnel, bounded, .. } = *path;
        Self { vlan, tunnel, bounded, ..Self::new(version, data) }
    }
}

impl Addresses<'_> {
    /// The sender.
    #[inline]
    pub(super) fn from(self) -> IpAddr {
        match self {
            Self::V4([a, b, c, d, ..]) => IpAddr::from([*a, *b, *c, *d]),
            Self::V6(both) => {
                both.first_chunk::<16>().map_or(IpAddr::from([0; 16]), |one| IpAddr::from(*one))
            }
        }
    }

    /// The receiver.
    #[inline]
    pub(super) fn to(self) -> IpAddr {
        match self {
            Self::V4([.., a, b, c, d]) => IpAddr::from([*a, *b, *c, *d]),
            Self::V6(both) => {
                both.last_chunk::<16>().map_or(IpAddr::from([0; 16]), |one| IpAddr::from(*one))
            }
        }
    }
}

/// A whole packet in which TCP follows the IP header at once; `None` when it is anything else.
#[inline(always)]
pub(super) fn plain<'a>(network: &Network<'a>) -> Option<Datagram<'a>> {
    let datagram = if network.version == 4 {
        let header = Ipv4HeaderSlice::from_slice(network.data).ok()?;
        let plain = header.protocol().0 == TCP && !header.is_fragmenting_payload();
        plain.then(|| v4(network, &header))
    } else {
        let header = Ipv6HeaderSlice::from_slice(network.data).ok()?;
        (header.next_header().0 == TCP).then(|| v6(network, &header))
    };
    datagram?.ok()
}

/// Reads an IPv4 packet (RFC 791), or an IPv6 packet (RFC 8200) up to what is no extension header or up to a fragment
/// header.
pub(super) fn read<'a>(network: &Network<'a>, path: &mut Path) -> Result<Datagram<'a>, Fault> {
    let datagram = if network.version == 4 {
        let header = Ipv4HeaderSlice::from_slice(network.data).map_err(|_| Fault::Ipv4)?;
        let fragment = header.is_fragmenting_payload().then(|| Fragment {
            identification: u32::from(header.identification()),
            offset: usize::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
        });
        Datagram { fragment, ..v4(network, &header)? }
    } else {
        let header = Ipv6HeaderSlice::from_slice(network.data).map_err(|_| Fault::Ipv6)?;
        v6(network, &header)?
    };
    if datagram.fragment.is_some() { Ok(datagram) } else { without_extensions(datagram, path) }
}

#[inline]
fn v4<'a>(network: &Network<'a>, header: &Ipv4HeaderSlice<'a>) -> Result<Datagram<'a>, Fault> {
    let length = header.slice().len();
    let addresses = header.slice().get(12..).and_then(|rest| rest.first_chunk());
    // A length of 0 is left by segmentation offload; it, and BIG TCP's, mean all that there is.
    let declared = match usize::from(header.total_len()) {
        0 => None,
        total => Some(total.checked_sub(length).ok_or(Fault::Ipv4)?),
    };
    let (payload, missing) = trim(network, length, declared);
    Ok(Datagram {
        addresses: Addresses::V4(addresses.ok_or(Fault::Ipv4)?),
        vlan: network.vlan,
        tunnel: network.tunnel,
        hops: header.ttl(),
        protocol: header.protocol().0,
        payload,
        missing,
        fragment: None,
    })
}

#[inline]
fn v6<'a>(network: &Network<'a>, header: &Ipv6HeaderSlice<'a>) -> Result<Datagram<'a>, Fault> {
    let addresses = header.slice().last_chunk();
    // 0 stands in jumbograms (RFC 2675) and is left by segmentation offload.
    let declared = match usize::from(header.payload_length()) {
        0 => None,
        length => Some(length),
    };
    let (payload, missing) = trim(network, header.slice().len(), declared);
    Ok(Datagram {
        addresses: Addresses::V6(addresses.ok_or(Fault::Ipv6)?),
        vlan: network.vlan,
        tunnel: network.tunnel,
        hops: header.hop_limit(),
        protocol: header.next_header().0,
        payload,
        missing,
        fragment: None,
    })
}

/// What follows an IP header: without padding behind it, and how much of it was cut off.
#[inline]
fn trim<'a>(network: &Network<'a>, header: usize, declared: Option<usize>) -> (&'a [u8], u32) {
    let rest = network.data.get(header..).unwrap_or_default();
    match declared {
        None => (rest, network.cut),
        Some(length) => match rest.get(..length) {
            Some(payload) => (payload, 0),
            // Some routers count the padding of a short frame in.
            None if network.bounded => (rest, 0),
            None => (rest, u32::try_from(length - rest.len()).unwrap_or(u32::MAX)),
        },
    }
}

/// Takes extension headers off, up to a fragment header that means a fragment.
pub(super) fn without_extensions<'a>(
    mut datagram: Datagram<'a>,
    path: &mut Path,
) -> Result<Datagram<'a>, Fault> {
    while EXTENSIONS.contains(&datagram.protocol) {
        path.step()?;
        let (next, length) = match datagram.protocol {
            AUTHENTICATION => {
                let header = IpAuthHeaderSlice::from_slice(datagram.payload)
                    .map_err(|_| Fault::Extension)?;
                (header.next_header().0, header.slice().len())
            }
            FRAGMENT => {
                let header = Ipv6FragmentHeaderSlice::from_slice(datagram.payload)
                    .map_err(|_| Fault::Extension)?;
                // Offset 0 and nothing to follow is an atomic fragment: whole already (RFC 6946).
                datagram.fragment = header.is_fragmenting_payload().then(|| Fragment {
                    identification: header.identification(),
                    offset: usize::from(header.fragment_offset().value()) * 8,
                    more: header.more_fragments(),
                });
                (header.next_header().0, header.slice().len())
            }
            _ => {
                let header = Ipv6RawExtHeaderSlice::from_slice(datagram.payload)
                    .map_err(|_| Fault::Extension)?;
                (header.next_header().0, header.slice().len())
            }
        };
        datagram.protocol = next;
        datagram.payload = datagram.payload.get(length..).unwrap_or_default();
        if datagram.fragment.is_some() {
            break;
        }
    }
    Ok(datagram)
}
