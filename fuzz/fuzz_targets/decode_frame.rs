//! Any frames of any link type: what is called a payload lies within what was captured, and fragments of different
//! frames never make more than one datagram can hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint::capture::{Frame, LinkType};
use wirelint::decode::{Decoded, Decoder};
use wirelint::inspect::Datagrams;
use wirelint::model::limits;
use wirelint_fuzz::{Script, moment};

const LINKS: [LinkType; 14] = [
    LinkType::ETHERNET,
    LinkType::RAW,
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
    LinkType::DLT_RAW,
    LinkType::DLT_RAW_OPENBSD,
];

fuzz_target!(|data: &[u8]| {
    let mut script = Script(data);
    let mut decoder = Decoder::new();
    let mut datagrams = Datagrams::default();
    let mut index = 0;
    let mut frames = 0_u64;
    while !script.is_over() {
        let kind = script.byte();
        let link = LINKS.get(usize::from(kind & 0x1f)).copied().unwrap_or(LinkType(kind.into()));
        let cut = if kind & 0x20 != 0 { script.short().into() } else { 0 };
        let length = script.short();
        let data = script.bytes(length.into());
        index += if kind & 0x40 != 0 { 60_000 } else { 1 };
        let wire_length = u32::try_from(data.len()).unwrap_or(u32::MAX).saturating_add(cut);
        frames += 1;
        match decoder.decode(&Frame { at: moment(index), link, data, wire_length }) {
            Decoded::Segment(segment) => {
                assert!(segment.payload.len() <= data.len().max(limits::DATAGRAM_BYTES));
                assert_eq!(segment.at, moment(index));
            }
            Decoded::Datagram(datagram) => datagrams.read(&datagram),
            Decoded::Other(_) => {}
        }
    }
    let counted: u64 = decoder.counts().kinds().iter().map(|(_, count)| *count).sum();
    assert_eq!(counted, frames, "every frame is counted once");
});
