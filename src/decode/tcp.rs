//! TCP headers (RFC 9293).

use etherparse::TcpSlice;

use super::ip::Datagram;
use super::{Fault, Segment, TcpFlags};
use crate::model::{Endpoint, Moment};

/// Reads the segment in a whole datagram whose header is whole and right.
#[inline(always)]
pub(super) fn plain<'a>(at: Moment, datagram: &Datagram<'a>) -> Option<Segment<'a>> {
    let tcp = TcpSlice::from_slice(datagram.payload).ok()?;
    Some(assemble(at, datagram, &tcp, tcp.payload(), datagram.missing))
}

/// Reads the segment in a whole datagram.
pub(super) fn segment<'a>(at: Moment, datagram: &Datagram<'a>) -> Result<Segment<'a>, Fault> {
    plain(at, datagram).map_or_else(|| cut_header(at, datagram), Ok)
}

/// Reads a header whose options the snapshot length cut off.
#[cold]
fn cut_header<'a>(at: Moment, datagram: &Datagram<'a>) -> Result<Segment<'a>, Fault> {
    let captured = datagram.payload.len();
    if datagram.missing == 0 || captured < FIXED_HEADER {
        return Err(Fault::Tcp);
    }
    let mut padded = [0; LARGEST_HEADER];
    padded.get_mut(..captured).ok_or(Fault::Tcp)?.copy_from_slice(datagram.payload);
    let tcp = TcpSlice::from_slice(&padded).map_err(|_| Fault::Tcp)?;
    let lacking = u32::try_from(tcp.header_len().saturating_sub(captured)).unwrap_or(u32::MAX);
    let missing = datagram.missing.checked_sub(lacking).ok_or(Fault::Tcp)?;
    Ok(assemble(at, datagram, &tcp, &[], missing))
}

const FIXED_HEADER: usize = 20;
const LARGEST_HEADER: usize = 60;

#[inline(always)]
fn assemble<'a>(
    at: Moment,
    datagram: &Datagram<'a>,
    tcp: &TcpSlice<'_>,
    payload: &'a [u8],
    missing: u32,
) -> Segment<'a> {
    Segment {
        at,
        from: Endpoint::new(datagram.addresses.from(), tcp.source_port()),
        to: Endpoint::new(datagram.addresses.to(), tcp.destination_port()),
        sequence: tcp.sequence_number(),
        acknowledgement: tcp.acknowledgment_number(),
        flags: TcpFlags(tcp.header_slice().get(13).copied().unwrap_or_default()),
        vlan: (datagram.vlan != 0).then_some(datagram.vlan),
        hops: datagram.hops,
        payload,
        missing,
    }
}
