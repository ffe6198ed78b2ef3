//! Tunnels over UDP: the port says which, the header whether.

use super::{Captured, Inner, TunnelKind, gre};
use crate::decode::link::{BRIDGING, IPV4, IPV6};
use crate::decode::path::Path;

/// The destination ports of tunnels, in order.
pub(in crate::decode) const PORTS: [u16; 7] =
    [GTP_PORT, TEREDO_PORT, GRE_PORT, VXLAN_PORT, VXLAN_GPE_PORT, GENEVE_PORT, OLD_VXLAN_PORT];

/// The destination port of a UDP datagram; 0 when it was cut off.
pub(in crate::decode) fn destination(datagram: &[u8]) -> u16 {
    let port = datagram.get(2..).and_then(|rest| rest.first_chunk());
    port.map_or(0, |port| u16::from_be_bytes(*port))
}

/// Opens a UDP datagram that goes to the port of a tunnel.
pub(super) fn open<'a>(mut data: Captured<'a>, path: &mut Path) -> Option<Inner<'a>> {
    let [s0, s1, d0, d1, l0, l1, _, _] = data.take::<8>()?;
    // 0 is left by segmentation offload.
    match u16::from_be_bytes([l0, l1]) {
        0 => {}
        length => data.truncate(usize::from(length).checked_sub(8)?),
    }
    match u16::from_be_bytes([d0, d1]) {
        VXLAN_PORT | OLD_VXLAN_PORT => vxlan(data),
        VXLAN_GPE_PORT => vxlan_gpe(data),
        GENEVE_PORT => geneve(data),
        GTP_PORT => gtp(data, path),
        GRE_PORT => gre::open(data),
        TEREDO_PORT => teredo(data),
        _ if u16::from_be_bytes([s0, s1]) == TEREDO_PORT => teredo(data),
        _ => None,
    }
}

/// RFC 7348. Linux may put a group into the reserved bytes, and says so with a flag.
fn vxlan(mut data: Captured<'_>) -> Option<Inner<'_>> {
    let [flags, reserved @ ..] = data.take::<4>()?;
    let [v0, v1, v2, last] = data.take::<4>()?;
    let sound = match flags {
        HAS_NETWORK => reserved == [0; 3] && last == 0,
        HAS_NETWORK_AND_GROUP => last == 0,
        _ => false,
    };
    sound.then(|| data.inner(TunnelKind::Vxlan, u32::from_be_bytes([0, v0, v1, v2]), BRIDGING))
}

/// VXLAN with a protocol number (draft-ietf-nvo3-vxlan-gpe).
fn vxlan_gpe(mut data: Captured<'_>) -> Option<Inner<'_>> {
    let [HAS_NETWORK_AND_PROTOCOL, 0, 0, protocol] = data.take::<4>()? else { return None };
    let [v0, v1, v2, 0] = data.take::<4>()? else { return None };
    let ether_type = match protocol {
        1 => IPV4,
        2 => IPV6,
        3 => BRIDGING,
        _ => return None,
    };
    Some(data.inner(TunnelKind::Vxlan, u32::from_be_bytes([0, v0, v1, v2]), ether_type))
}

/// RFC 8926. What is marked as control is for the tunnel's end and no traffic.
fn geneve(mut data: Captured<'_>) -> Option<Inner<'_>> {
    let [version_and_length, flags, protocol @ ..] = data.take::<4>()?;
    let [v0, v1, v2, reserved] = data.take::<4>()?;
    if version_and_length >> 6 != 0 || flags & !CRITICAL_OPTIONS != 0 || reserved != 0 {
        return None;
    }
    data.skip(usize::from(version_and_length) * 4)?;
    let ether_type = u16::from_be_bytes(protocol);
    matches!(ether_type, IPV4 | IPV6 | BRIDGING)
        .then(|| data.inner(TunnelKind::Geneve, u32::from_be_bytes([0, v0, v1, v2]), ether_type))
}

/// 3GPP TS 29.281: only the messages that carry a packet.
fn gtp<'a>(mut data: Captured<'a>, path: &mut Path) -> Option<Inner<'a>> {
    let [flags, message, l0, l1] = data.take::<4>()?;
    let endpoint = u32::from_be_bytes(data.take()?);
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if flags & FIXED_FLAGS != VERSION_1 || message != T_PDU || length > data.wire_length() {
        return None;
    }
    data.truncate(length);
    if flags & !FIXED_FLAGS != 0 {
        // Sequence number, N-PDU number, type of the first extension header.
        let [_, _, _, mut next] = data.take::<4>()?;
        while flags & HAS_EXTENSIONS != 0 && next != 0 {
            path.step().ok()?;
            let [words] = data.take::<1>()?;
            data.skip((usize::from(words) * 4).checked_sub(2)?)?;
            [next] = data.take::<1>()?;
        }
    }
    let ether_type = gre::ip_version(data.bytes)?;
    Some(data.inner(TunnelKind::Gtp, endpoint, ether_type))
}

/// RFC 4380: an IPv6 packet behind an authentication, an origin, both or neither.
fn teredo(mut data: Captured<'_>) -> Option<Inner<'_>> {
    if data.bytes.starts_with(&AUTHENTICATION) {
        let [_, _, client, value] = data.take::<4>()?;
        data.skip(usize::from(client) + usize::from(value))?;
        data.skip(9)?; // nonce, confirmation
    }
    if data.bytes.starts_with(&ORIGIN) {
        data.skip(8)?;
    }
    let [version, _, _, _, l0, l1] = data.bytes.first_chunk()?;
    let length = 40 + usize::from(u16::from_be_bytes([*l0, *l1]));
    let sound = version >> 4 == 6 && length <= data.wire_length();
    sound.then(|| data.inner(TunnelKind::Teredo, 0, IPV6))
}

const GTP_PORT: u16 = 2152;
const TEREDO_PORT: u16 = 3544;
const GRE_PORT: u16 = 4754;
const VXLAN_PORT: u16 = 4789;
const VXLAN_GPE_PORT: u16 = 4790;
const GENEVE_PORT: u16 = 6081;
/// What Linux took before there was a number, and flannel and Cilium still do.
const OLD_VXLAN_PORT: u16 = 8472;

const HAS_NETWORK: u8 = 0x08;
const HAS_NETWORK_AND_PROTOCOL: u8 = 0x0c;
const HAS_NETWORK_AND_GROUP: u8 = 0x88;

const CRITICAL_OPTIONS: u8 = 0x40;

/// Version, protocol type and a spare bit; below them whether there are extensions, a sequence number, an N-PDU number.
const FIXED_FLAGS: u8 = 0xf8;
const VERSION_1: u8 = 0x30;
const HAS_EXTENSIONS: u8 = 0x04;
const T_PDU: u8 = 255;

const AUTHENTICATION: [u8; 2] = [0, 1];
const ORIGIN: [u8; 2] = [0, 0];
