//! From a frame to its network layer: link types, EtherTypes, tags.

use etherparse::{Ethernet2Slice, SingleVlanSlice};

use super::ip::Network;
use super::path::Path;
use super::tunnel::{Inner, Tunnel, TunnelKind};
use super::{Fault, Kind, mpls};
use crate::capture::{Frame, LinkType};
use crate::model::{Diagnostic, limits};

/// Whether frames of a link type can be read.
#[must_use]
pub fn supported(link: LinkType) -> bool {
    READ.contains(&link)
}

/// The message that a source has only frames of a link type that cannot be read. `source` is escaped already.
#[must_use]
pub fn unsupported(source: &str, link: LinkType) -> Diagnostic {
    let name = link.name().map(|name| format!(" ({name})")).unwrap_or_default();
    let read: Vec<String> = READ.iter().map(|link| format!("{link}({})", link.0)).collect();
    Diagnostic::error(
        "unsupported-linktype",
        format!(
            "{source} has link type {}{name}, which carries no IP that wirelint can read",
            link.0
        ),
    )
    .help(format!("supported: {}", read.join(", ")))
}

/// What [`network`] reads; a test holds the two together.
const READ: [LinkType; 14] = [
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::DLT_RAW,
    LinkType::DLT_RAW_OPENBSD,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::PPP,
    LinkType::PPP_HDLC,
    LinkType::C_HDLC,
    LinkType::NFLOG,
];

/// The network layer of an Ethernet frame without tags; `None` when it is anything else.
#[inline(always)]
pub(super) fn plain<'a>(frame: &Frame<'a>) -> Option<Network<'a>> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let ethernet = Ethernet2Slice::from_slice_without_fcs(frame.data).ok()?;
    let version = match ethernet.ether_type().0 {
        IPV4 => 4,
        IPV6 => 6,
        _ => return None,
    };
    Some(Network { cut: cut(frame), ..Network::new(version, ethernet.payload_slice()) })
}

/// Finds the network layer of a frame.
pub(super) fn network<'a>(frame: &Frame<'a>, path: &mut Path) -> Result<Network<'a>, Kind> {
    let data = frame.data;
    let network = match frame.link {
        LinkType::ETHERNET => by_ether_type(ethernet(data)?, path),
        other => other_link(other, data, path),
    };
    network.map(|network| Network { cut: cut(frame), ..network })
}

/// Finds the network layer of what is inside a tunnel.
pub(super) fn inner<'a>(inner: &Inner<'a>, path: &mut Path) -> Result<Network<'a>, Kind> {
    let data = inner.payload.bytes;
    path.bounded = false;
    let carried = match inner.ether_type {
        BRIDGING => {
            path.vlan = 0;
            ethernet(data)?
        }
        ether_type => (ether_type, data),
    };
    let network = by_ether_type(carried, path);
    network.map(|network| Network { cut: inner.payload.missing, ..network })
}

/// Whether bytes look like an Ethernet frame: whether they have its length and carry what is often carried.
pub(super) fn is_frame(data: &[u8]) -> bool {
    matches!(word(data, 12), Ok(IPV4 | IPV6 | ARP | CUSTOMER_TAG | SERVICE_TAG))
}

/// Bytes that the snapshot length cut off.
#[inline]
fn cut(frame: &Frame<'_>) -> u32 {
    frame.wire_length.saturating_sub(u32::try_from(frame.data.len()).unwrap_or(u32::MAX))
}

fn other_link<'a>(link: LinkType, data: &'a [u8], path: &mut Path) -> Result<Network<'a>, Kind> {
    match link {
        LinkType::LINUX_SLL => by_ether_type((cooked(data, 14, 2)?, rest(data, 16)?), path),
        LinkType::LINUX_SLL2 => by_ether_type((cooked(data, 0, 8)?, rest(data, 20)?), path),
        LinkType::RAW | LinkType::DLT_RAW | LinkType::DLT_RAW_OPENBSD => by_version(data),
        LinkType::IPV4 => Ok(Network::new(4, data)),
        LinkType::IPV6 => Ok(Network::new(6, data)),
        LinkType::NULL | LinkType::LOOP => loopback(data),
        LinkType::PPP | LinkType::PPP_HDLC => by_ether_type(ppp(data)?, path),
        LinkType::C_HDLC => by_ether_type((word(data, 2)?, rest(data, 4)?), path),
        LinkType::NFLOG => netfilter_log(data),
        _ => Err(Kind::UnsupportedLink),
    }
}

/// EtherType and payload of a frame.
fn ethernet(data: &[u8]) -> Result<(u16, &[u8]), Kind> {
    let frame = Ethernet2Slice::from_slice_without_fcs(data).map_err(|_| CUT)?;
    Ok((frame.ether_type().0, frame.payload_slice()))
}

/// Follows headers from an EtherType and what it stands before until the network layer.
fn by_ether_type<'a>(
    (mut ether_type, mut data): (u16, &'a [u8]),
    path: &mut Path,
) -> Result<Network<'a>, Kind> {
    loop {
        (ether_type, data) = match ether_type {
            IPV4 => return Ok(Network::inside(path, 4, data)),
            IPV6 => return Ok(Network::inside(path, 6, data)),
            CUSTOMER_TAG | SERVICE_TAG | OLD_SERVICE_TAG | OLDER_SERVICE_TAG => {
                let tag = SingleVlanSlice::from_slice(data).map_err(|_| CUT)?;
                if path.vlan == 0 {
                    path.vlan = tag.vlan_identifier().value();
                }
                (tag.ether_type().0, tag.payload_slice())
            }
            BRIDGING => {
                path.vlan = 0;
                ethernet(data)?
            }
            MPLS | MPLS_UPSTREAM => mpls::open(data, path)?,
            PPPOE_SESSION => pppoe(data, path)?,
            BACKBONE_TAG => (BRIDGING, rest(data, 4)?),
            CISCO_METADATA => (word(data, 6)?, rest(data, 8)?),
            ARP | REVERSE_ARP => return Err(Kind::Arp),
            0..=LARGEST_LENGTH => {
                let Some(after) = data.strip_prefix(&SNAP) else { return Err(Kind::OtherEthernet) };
                (word(after, 0)?, rest(after, 2)?)
            }
            _ => return Err(Kind::OtherEthernet),
        };
        path.step().map_err(Kind::Malformed)?;
    }
}

/// The EtherType of a Linux cooked capture, from where it is and where the device's ARPHRD number is.
fn cooked(data: &[u8], protocol: usize, device: usize) -> Result<u16, Kind> {
    match (word(data, device)?, word(data, protocol)?) {
        // Here the field is a netlink family.
        (ARPHRD_NETLINK, _) => Err(Kind::OtherEthernet),
        (_, ether_type) => Ok(ether_type),
    }
}

fn by_version(data: &[u8]) -> Result<Network<'_>, Kind> {
    match data.first().map(|first| first >> 4) {
        Some(version @ (4 | 6)) => Ok(Network::new(version, data)),
        Some(_) => Err(Kind::OtherEthernet),
        None => Err(CUT),
    }
}

/// An address family in four bytes, of either byte order.
fn loopback(data: &[u8]) -> Result<Network<'_>, Kind> {
    let family = data.first_chunk::<4>().ok_or(CUT)?;
    let payload = rest(data, 4)?;
    let little = u32::from_le_bytes(*family);
    match little.min(little.swap_bytes()) {
        2 => Ok(Network::new(4, payload)),
        // Linux, NetBSD and OpenBSD, FreeBSD, macOS.
        10 | 24 | 28 | 30 => Ok(Network::new(6, payload)),
        _ => Err(Kind::OtherEthernet),
    }
}

/// PPP (RFC 1661, 1662): address and control may be there, the protocol may be one byte long. Gives the EtherType that
/// means the same.
fn ppp(data: &[u8]) -> Result<(u16, &[u8]), Kind> {
    let data = data.strip_prefix(&[0xff, 0x03]).unwrap_or(data);
    let (protocol, payload) = match data {
        [short, payload @ ..] if short & 1 == 1 => (u16::from(*short), payload),
        _ => (word(data, 0)?, rest(data, 2)?),
    };
    match protocol {
        0x0021 => Ok((IPV4, payload)),
        0x0057 => Ok((IPV6, payload)),
        0x0281 => Ok((MPLS, payload)),
        _ => Err(Kind::OtherEthernet),
    }
}

/// A PPPoE session (RFC 2516): version and type, code, session, length, then PPP.
fn pppoe<'a>(data: &'a [u8], path: &mut Path) -> Result<(u16, &'a [u8]), Kind> {
    let (header, payload) = data.split_first_chunk::<6>().ok_or(CUT)?;
    let [0x11, 0, s0, s1, l0, l1] = *header else { return Err(Kind::OtherEthernet) };
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let whole = payload.get(..length);
    path.bounded = whole.is_some();
    let inner = ppp(whole.unwrap_or(payload))?;
    let id = u32::from(u16::from_be_bytes([s0, s1]));
    path.enter(Tunnel { kind: TunnelKind::Pppoe, id });
    Ok(inner)
}

/// A netfilter log message: family, version, group, then attributes padded to four bytes, in the byte order of the
/// machine that captured, one of which is the packet.
fn netfilter_log(data: &[u8]) -> Result<Network<'_>, Kind> {
    let family = data.first().copied().ok_or(CUT)?;
    let mut attributes = rest(data, 4)?;
    for _ in 0..limits::HEADER_DEPTH {
        let head = attributes.first_chunk::<4>().ok_or(CUT)?;
        let [l0, l1, t0, t1] = *head;
        let (length, kind) = match u16::from_le_bytes([t0, t1]) {
            kind if kind < 256 => (u16::from_le_bytes([l0, l1]), kind),
            _ => (u16::from_be_bytes([l0, l1]), u16::from_be_bytes([t0, t1])),
        };
        if kind == NFLOG_PAYLOAD {
            let payload = rest(attributes, 4)?;
            let payload = payload.get(..usize::from(length).saturating_sub(4)).unwrap_or(payload);
            return match family {
                2 => Ok(Network::new(4, payload)),
                10 => Ok(Network::new(6, payload)),
                _ => Err(Kind::OtherEthernet),
            };
        }
        attributes = rest(attributes, usize::from(length).next_multiple_of(4).max(4))?;
    }
    Err(Kind::OtherEthernet)
}

pub(super) const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const REVERSE_ARP: u16 = 0x8035;
/// IEEE 802.1Q.
const CUSTOMER_TAG: u16 = 0x8100;
/// An Ethernet frame within something else (RFC 1701), which every Ethernet frame in a capture is as well.
pub(super) const BRIDGING: u16 = 0x6558;
pub(super) const IPV6: u16 = 0x86dd;
pub(super) const MPLS: u16 = 0x8847;
/// MPLS with labels that the sender chose (RFC 5332); before, MPLS multicast.
pub(super) const MPLS_UPSTREAM: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.1ad.
const SERVICE_TAG: u16 = 0x88a8;
/// IEEE 802.1ah: the number of a service, then the customer's frame.
const BACKBONE_TAG: u16 = 0x88e7;
/// Cisco TrustSec: version, length, option, security group, then the EtherType.
const CISCO_METADATA: u16 = 0x8909;
/// Service tags of the time before IEEE 802.1ad.
const OLD_SERVICE_TAG: u16 = 0x9100;
const OLDER_SERVICE_TAG: u16 = 0x9200;
/// Up to here the field is the length of an IEEE 802.3 frame.
const LARGEST_LENGTH: u16 = 1500;
/// IEEE 802.2 header of an EtherType within IEEE 802.3 (RFC 1042).
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
const ARPHRD_NETLINK: u16 = 824;
const NFLOG_PAYLOAD: u16 = 9;

/// The frame ends inside its header.
pub(super) const CUT: Kind = Kind::Malformed(Fault::Link);

fn word(data: &[u8], at: usize) -> Result<u16, Kind> {
    rest(data, at)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)).ok_or(CUT)
}

fn rest(data: &[u8], from: usize) -> Result<&[u8], Kind> {
    data.get(from..).ok_or(CUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_link_types_names_exactly_those_that_are_read() {
        for number in 0..=u16::MAX {
            let link = LinkType(number);
            let frame = Frame { at: Default::default(), link, data: &[0; 64], wire_length: 64 };
            let read = network(&frame, &mut Path::new()).err() != Some(Kind::UnsupportedLink);
            assert_eq!(supported(link), read, "{number}");
        }
    }

    #[test]
    fn an_unsupported_link_type_is_named_with_those_that_work() {
        let shown = unsupported("serial.pcap", LinkType(250));
        assert_eq!(
            shown.message,
            "serial.pcap has link type 250 (RTAC_SERIAL), which carries no IP that wirelint can read"
        );
        assert!(shown.helps[0].starts_with("supported: EN10MB(1), RAW(101), "), "{shown:?}");
    }
}
