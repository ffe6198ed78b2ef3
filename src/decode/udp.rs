//! UDP headers (RFC 768).

use super::Datagram;
use super::ip::{self, Datagram as Payload};
use crate::model::{Endpoint, Moment};

const HEADER_BYTES: usize = 8;

/// The UDP datagram that an IP packet carries, if it carries one and its header is whole.
pub(super) fn datagram<'a>(at: Moment, carried: &Payload<'a>) -> Option<Datagram<'a>> {
    if carried.protocol != ip::UDP {
        return None;
    }
    let (header, rest) = carried.payload.split_first_chunk::<HEADER_BYTES>()?;
    let [s0, s1, d0, d1, l0, l1, _, _] = *header;
    // 0 is left by segmentation offload.
    let payload = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => rest,
        length => rest.get(..length.checked_sub(HEADER_BYTES)?).unwrap_or(rest),
    };
    Some(Datagram {
        at,
        from: Endpoint::new(carried.addresses.from(), u16::from_be_bytes([s0, s1])),
        to: Endpoint::new(carried.addresses.to(), u16::from_be_bytes([d0, d1])),
        payload,
    })
}
