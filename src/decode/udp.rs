//! UDP headers (RFC 768).

use super::Datagram;
use super::ip::{self, Datagram as Payload};
use crate::model::{Endpoint, Moment, Transport};

const HEADER_BYTES: usize = 8;

/// The UDP datagram that an IP packet carries, if it carries one and its header is whole.
pub(super) fn datagram<'a>(at: Moment, carried: &Payload<'a>) -> Option<Datagram<'a>> {
    if carried.protocol != ip::UDP {
        return None;
    }
    let (header, rest) = carried.payload.split_first_chunk::<HEADER_BYTES>()?;
    let [s0, s1, d0, d1, l0, l1, _, _] = *header;
    // 0 is left by segmentation offload.
    let (payload, missing) = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => (rest, carried.missing),
        length => {
            let length = length.checked_sub(HEADER_BYTES)?;
            let payload = rest.get(..length).unwrap_or(rest);
            let lacking = u32::try_from(length.saturating_sub(payload.len())).unwrap_or(u32::MAX);
            (payload, lacking.min(carried.missing))
        }
    };
    let end = |addr, port| Endpoint::new(addr, port).over(Transport::Udp);
    Some(Datagram {
        at,
        from: end(carried.addresses.from(), u16::from_be_bytes([s0, s1])),
        to: end(carried.addresses.to(), u16::from_be_bytes([d0, d1])),
        vlan: (carried.vlan != 0).then_some(carried.vlan),
        hops: carried.hops,
        network: None,
        payload,
        missing,
    })
}
