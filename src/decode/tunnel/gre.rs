//! GRE (RFC 2784, RFC 2890), and ERSPAN in it.

use super::{Captured, Inner, TunnelKind};
use crate::decode::link::{BRIDGING, IPV4, IPV6, MPLS, MPLS_UPSTREAM};

/// Opens GRE version 0. Source routes (RFC 1701) and the enhanced GRE of PPTP (RFC 2637) stay closed.
pub(super) fn open(mut data: Captured<'_>) -> Option<Inner<'_>> {
    let [flags, version, protocol @ ..] = data.take::<4>()?;
    if flags & ROUTED != 0 || version & VERSION != 0 {
        return None;
    }
    if flags & CHECKSUM != 0 {
        data.skip(4)?;
    }
    let key = if flags & KEY != 0 { u32::from_be_bytes(data.take()?) } else { 0 };
    let numbered = flags & SEQUENCE != 0;
    if numbered {
        data.skip(4)?;
    }
    match u16::from_be_bytes(protocol) {
        // Type I has no header of its own, and what is in front of it has no sequence number.
        ERSPAN if !numbered => Some(data.inner(TunnelKind::Erspan, 0, BRIDGING)),
        ERSPAN | ERSPAN_3 => erspan(data),
        carried @ (IPV4 | IPV6 | BRIDGING | MPLS | MPLS_UPSTREAM) => {
            Some(data.inner(TunnelKind::Gre, key, carried))
        }
        _ => None,
    }
}

/// Types II and III: version and VLAN, then class of service, flags and session.
fn erspan(mut data: Captured<'_>) -> Option<Inner<'_>> {
    let [version, _, session @ ..] = data.take::<4>()?;
    let session = u32::from(u16::from_be_bytes(session) & 0x03ff);
    let ether_type = match version >> 4 {
        1 => {
            data.skip(4)?; // reserved, port
            BRIDGING
        }
        2 => {
            let [.., flags_0, flags_1] = data.take::<8>()?; // timestamp, security group, flags
            if flags_1 & PLATFORM_SUBHEADER != 0 {
                data.skip(8)?;
            }
            match (flags_0 >> 2) & 0x1f {
                0 => BRIDGING,
                // An IP packet without a frame.
                2 => ip_version(data.bytes)?,
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(data.inner(TunnelKind::Erspan, session, ether_type))
}

/// The EtherType of an IP packet, by its version.
pub(super) fn ip_version(packet: &[u8]) -> Option<u16> {
    match packet.first()? >> 4 {
        4 => Some(IPV4),
        6 => Some(IPV6),
        _ => None,
    }
}

const CHECKSUM: u8 = 0x80;
/// Routing present, or strict source route.
const ROUTED: u8 = 0x48;
const KEY: u8 = 0x20;
const SEQUENCE: u8 = 0x10;
const VERSION: u8 = 0x07;

const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const PLATFORM_SUBHEADER: u8 = 0x01;
