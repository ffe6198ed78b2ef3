//! MPLS: from a label stack to what is below it.

use super::Kind;
use super::link::{self, BRIDGING, IPV4, IPV6};
use super::path::Path;
use super::tunnel::{Tunnel, TunnelKind};

/// Goes below a label stack (RFC 3032). Nothing in it says what follows: as routers do (RFC 4928), the first four bits
/// are looked at, and what may be Ethernet must look like it.
pub(super) fn open<'a>(data: &'a [u8], path: &mut Path) -> Result<(u16, &'a [u8]), Kind> {
    let mut below = data;
    let bottom = loop {
        let (entry, rest) = below.split_first_chunk().ok_or(link::CUT)?;
        below = rest;
        let entry = u32::from_be_bytes(*entry);
        if entry & BOTTOM_OF_STACK != 0 {
            break entry;
        }
        path.step().map_err(Kind::Malformed)?;
    };
    let inner = match below {
        [] => return Err(link::CUT),
        [0x40..=0x4f, ..] => (IPV4, below),
        [0x60..=0x6f, ..] => (IPV6, below),
        // The control word of RFC 4448: reserved bits, then a sequence number.
        [0, 0, _, _, frame @ ..] if link::is_frame(frame) => (BRIDGING, frame),
        frame if link::is_frame(frame) => (BRIDGING, frame),
        _ => return Err(Kind::OtherEthernet),
    };
    path.enter(Tunnel { kind: TunnelKind::Mpls, id: bottom >> 12 });
    Ok(inner)
}

const BOTTOM_OF_STACK: u32 = 0x100;
