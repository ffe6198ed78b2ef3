//! IP and TCP headers.

use proptest::prelude::*;

use super::bytes::{IPV4_TCP, Ipv4, ethernet, ipv6, ipv6_fragment, tcp, tcp_with_options};
use super::{Decoder, Fault, Kind, fault, kind, segment, whole};
use crate::capture::{Frame, LinkType};
use crate::decode::TcpFlags;
use crate::model::limits;

#[test]
fn all_fields_of_a_segment_are_read() {
    let data = ethernet(0x0800, &IPV4_TCP.with(&tcp(b"payload")));
    let mut decoder = Decoder::new();
    let frame = whole(LinkType::ETHERNET, &data);
    let segment = segment(&mut decoder, &frame);
    assert_eq!(segment.from.to_string(), "10.0.0.1:40000");
    assert_eq!(segment.to.to_string(), "10.0.0.2:443");
    assert_eq!((segment.sequence, segment.acknowledgement), (0x0102_0304, 0x0506_0708));
    assert_eq!(segment.flags, TcpFlags(0x18));
    assert_eq!((segment.payload, segment.missing), (&b"payload"[..], 0));
}

#[test]
fn options_of_ip_and_tcp_are_no_payload() {
    let options = Ipv4 { options: vec![1; 12], ..IPV4_TCP };
    let data = options.with(&tcp_with_options(&[1; 40], b"payload"));
    let mut decoder = Decoder::new();
    assert_eq!(segment(&mut decoder, &whole(LinkType::RAW, &data)).payload, b"payload");
}

#[test]
fn padding_behind_the_packet_is_no_payload() {
    for packet in [IPV4_TCP.with(&tcp(b"")), ipv6(6, &tcp(b""))] {
        let padded = [packet, vec![0xee; 6]].concat();
        let mut decoder = Decoder::new();
        assert_eq!(segment(&mut decoder, &whole(LinkType::RAW, &padded)).payload, b"");
    }
}

#[test]
fn a_length_of_zero_means_to_the_end_of_the_frame_beyond_64_kib_too() {
    let large = vec![7; 200_000];
    for packet in [IPV4_TCP.with(&tcp(&large)), ipv6(6, &tcp(&large))] {
        let mut decoder = Decoder::new();
        let frame = whole(LinkType::RAW, &packet);
        let read = segment(&mut decoder, &frame);
        assert_eq!((read.payload, read.missing), (&large[..], 0));
    }
    let hop_by_hop = [6, 0, 0xc2, 4, 0, 3, 0x0d, 0x5c]; // next, length, jumbo payload option
    let jumbogram = ipv6(0, &[&hop_by_hop[..], &tcp(&large)].concat());
    let mut decoder = Decoder::new();
    assert_eq!(segment(&mut decoder, &whole(LinkType::IPV6, &jumbogram)).payload, large);
}

#[test]
fn a_cut_frame_is_used_as_far_as_it_goes() {
    let tcp = tcp_with_options(&[1; 12], b"payload");
    for (packet, header) in [(IPV4_TCP.with(&tcp), 20), (ipv6(6, &tcp), 40)] {
        let wire_length = u32::try_from(packet.len()).unwrap();
        for length in 0..packet.len() {
            let data = &packet[..length];
            let frame = Frame { wire_length, ..whole(LinkType::RAW, data) };
            let mut decoder = Decoder::new();
            if length < header + 20 {
                assert_eq!(decoder.decode(&frame), super::Decoded::Other(kind(frame.link, data)));
                assert_eq!(decoder.counts().malformed(), 1, "{length}");
            } else {
                let read = segment(&mut decoder, &frame);
                assert_eq!((read.from.port, read.to.port), (40_000, 443));
                assert_eq!(read.payload.len() + read.missing as usize, 7, "{length}");
            }
        }
    }
}

#[test]
fn a_cut_frame_without_a_length_lacks_what_the_frame_lacks() {
    let packet = IPV4_TCP.with(&tcp(&vec![7; 100_000]));
    let wire_length = u32::try_from(packet.len()).unwrap();
    let frame = Frame { wire_length, ..whole(LinkType::RAW, &packet[..140]) };
    let mut decoder = Decoder::new();
    let read = segment(&mut decoder, &frame);
    assert_eq!((read.payload.len(), read.missing), (100, 99_900));
}

#[test]
fn extension_headers_lead_to_the_segment() {
    let tcp = tcp(b"x");
    let raw =
        |next: u8, length: u8| [vec![next, length], vec![0; 6 + usize::from(length) * 8]].concat();
    let authentication = |next: u8| [vec![next, 4], vec![0; 22]].concat();
    let all = [raw(43, 0), raw(60, 2), raw(51, 0), authentication(135), raw(6, 1), tcp.clone()];
    let atomic = ipv6_fragment(6, 0, false, &tcp);
    for packet in [
        ipv6(0, &all.concat()),
        ipv6(44, &atomic),
        ipv6(51, &[authentication(6), tcp.clone()].concat()),
        Ipv4 { protocol: 51, ..IPV4_TCP }.with(&[authentication(6), tcp].concat()),
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(segment(&mut decoder, &whole(LinkType::RAW, &packet)).payload, b"x");
    }
}

#[test]
fn extension_headers_without_end_are_refused() {
    let chain = [60, 0, 0, 0, 0, 0, 0, 0].repeat(limits::HEADER_DEPTH);
    assert_eq!(fault(LinkType::RAW, &ipv6(60, &chain)), Fault::Depth);
    assert_eq!(fault(LinkType::RAW, &ipv6(60, &[6, 200, 0, 0])), Fault::Extension);
}

#[test]
fn other_protocols_are_named() {
    assert_eq!(kind(LinkType::RAW, &ipv6(58, &[128, 0])), Kind::Icmp);
    assert_eq!(kind(LinkType::RAW, &ipv6(50, &[0; 40])), Kind::OtherIp(50));
    assert_eq!(kind(LinkType::RAW, &ipv6(59, &[])), Kind::OtherIp(59));
    assert_eq!(
        kind(LinkType::RAW, &Ipv4 { protocol: 132, ..IPV4_TCP }.with(&[])),
        Kind::OtherIp(132)
    );
}

#[test]
fn headers_that_contradict_themselves_are_malformed() {
    let good = IPV4_TCP.with(&tcp(b"x"));
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    assert_eq!(fault(LinkType::IPV4, &changed(0, 0x65)), Fault::Ipv4, "version");
    assert_eq!(fault(LinkType::IPV4, &changed(0, 0x44)), Fault::Ipv4, "header length");
    assert_eq!(fault(LinkType::IPV4, &changed(3, 19)), Fault::Ipv4, "total length");
    assert_eq!(fault(LinkType::IPV4, &changed(32, 0x40)), Fault::Tcp, "TCP header length");
    assert_eq!(fault(LinkType::IPV4, &changed(32, 0xf0)), Fault::Tcp, "TCP header length");
    assert_eq!(fault(LinkType::IPV6, &good), Fault::Ipv6);
}

proptest! {
    #[test]
    fn random_frames_never_panic(
        link in prop::sample::select(vec![0_u16, 1, 9, 12, 50, 101, 104, 108, 113, 228, 229, 239, 276]),
        data in proptest::collection::vec(any::<u8>(), 0..200),
        lost in 0_u32..2_000,
    ) {
        let mut decoder = Decoder::new();
        let wire_length = u32::try_from(data.len()).unwrap() + lost;
        decoder.decode(&Frame { wire_length, ..whole(LinkType(link), &data) });
    }

    #[test]
    fn good_packets_with_changed_bytes_never_panic_and_never_exceed_the_frame(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        six in any::<bool>(),
        length in any::<prop::sample::Index>(),
    ) {
        let tcp = tcp_with_options(&[1; 8], b"some payload");
        let mut packet = if six { ipv6(0, &[&[6, 0, 0, 0, 0, 0, 0, 0], &tcp[..]].concat()) } else { IPV4_TCP.with(&tcp) };
        for (at, value) in changes {
            let at = at.index(packet.len());
            packet[at] = value;
        }
        let captured = length.index(packet.len() + 1);
        let wire_length = u32::try_from(packet.len()).unwrap();
        let frame = Frame { wire_length, ..whole(LinkType::RAW, &packet[..captured]) };
        if let super::Decoded::Segment(segment) = Decoder::new().decode(&frame) {
            prop_assert!(segment.payload.len() <= captured);
        }
    }
}
