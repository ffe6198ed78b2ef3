//! Link layers.

use super::bytes::{IPV4_TCP, ethernet, ipv6, tag, tcp, udp};
use super::{Decoder, Fault, Kind, fault, kind, segment, whole};
use crate::capture::{Frame, LinkType};
use crate::model::limits;

fn v4() -> Vec<u8> {
    IPV4_TCP.with(&tcp(b"hello"))
}

fn v6() -> Vec<u8> {
    ipv6(6, &tcp(b"hello"))
}

fn after(head: &[u8], packet: Vec<u8>) -> Vec<u8> {
    [head, &packet].concat()
}

fn cooked(protocol: u16) -> Vec<u8> {
    [
        &[0, 0][..],               // packet type: to us
        &[0, 1],                   // device type: Ethernet
        &[0, 6],                   // address length
        &[2, 0, 0, 0, 0, 1, 0, 0], // address, padded
        &protocol.to_be_bytes(),
    ]
    .concat()
}

fn cooked_2(protocol: u16) -> Vec<u8> {
    [
        &protocol.to_be_bytes()[..],
        &[0, 0],                   // reserved
        &[0, 0, 0, 3],             // interface
        &[0, 1],                   // device type: Ethernet
        &[4, 6],                   // packet type: from us; address length
        &[2, 0, 0, 0, 0, 1, 0, 0], // address, padded
    ]
    .concat()
}

fn all_lead_to_the_same_segment(frames: &[(LinkType, Vec<u8>)]) {
    for (link, data) in frames {
        let mut decoder = Decoder::new();
        let frame = whole(*link, data);
        let segment = segment(&mut decoder, &frame);
        assert_eq!((segment.payload, segment.vlan, segment.missing), (&b"hello"[..], None, 0));
        assert_eq!((segment.from.port, segment.to.port), (40_000, 443), "{link}");
        assert_eq!(decoder.counts().kinds(), [("tcp", 1)]);
    }
}

#[test]
fn link_types_that_carry_an_ether_type_lead_to_the_segment() {
    let snap = [0, 45, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]; // length, LLC, SNAP
    let metadata = [1, 1, 0, 1, 0, 5, 8, 0]; // version, length, option, group, EtherType
    all_lead_to_the_same_segment(&[
        (LinkType::ETHERNET, ethernet(0x0800, &v4())),
        (LinkType::ETHERNET, ethernet(0x86dd, &v6())),
        (LinkType::ETHERNET, [&ethernet(0, b"")[..12], &snap, &v4()].concat()),
        (LinkType::ETHERNET, ethernet(0x88e7, &after(&[0, 0, 0, 5], ethernet(0x0800, &v4())))),
        (LinkType::ETHERNET, ethernet(0x8909, &after(&metadata, v4()))),
        (LinkType::LINUX_SLL, after(&cooked(0x0800), v4())),
        (LinkType::LINUX_SLL, after(&cooked(0x86dd), v6())),
        (LinkType::LINUX_SLL2, after(&cooked_2(0x0800), v4())),
        (LinkType::LINUX_SLL2, after(&cooked_2(0x86dd), v6())),
        (LinkType::C_HDLC, after(&[0x0f, 0, 8, 0], v4())),
    ]);
}

#[test]
fn link_types_that_carry_little_else_than_ip_lead_to_the_segment() {
    let log = [
        &[2, 0, 0, 9][..],             // family, version, group
        &[8, 0, 1, 0, 8, 0, 1, 0],     // attribute 1: packet header
        &[6, 0, 10, 0, b'i', 0, 0, 0], // attribute 10: prefix, padded
        &[49, 0, 9, 0],                // attribute 9: the packet
    ];
    all_lead_to_the_same_segment(&[
        (LinkType::RAW, v4()),
        (LinkType::RAW, v6()),
        (LinkType::DLT_RAW, v4()),
        (LinkType::DLT_RAW_OPENBSD, v6()),
        (LinkType::IPV4, v4()),
        (LinkType::IPV6, v6()),
        (LinkType::NULL, after(&[2, 0, 0, 0], v4())),
        (LinkType::NULL, after(&[0, 0, 0, 2], v4())),
        (LinkType::NULL, after(&[10, 0, 0, 0], v6())),
        (LinkType::NULL, after(&[0, 0, 0, 24], v6())),
        (LinkType::NULL, after(&[28, 0, 0, 0], v6())),
        (LinkType::NULL, after(&[30, 0, 0, 0], v6())),
        (LinkType::LOOP, after(&[0, 0, 0, 2], v4())),
        (LinkType::PPP, after(&[0xff, 3, 0, 0x21], v4())),
        (LinkType::PPP, after(&[0, 0x57], v6())),
        (LinkType::PPP, after(&[0x21], v4())),
        (LinkType::PPP_HDLC, after(&[0xff, 3, 0, 0x21], v4())),
        (LinkType::NFLOG, after(&log.concat(), v4())),
    ]);
}

#[test]
fn the_outermost_tag_is_the_vlan_and_a_priority_tag_is_none() {
    for (frame, expected) in [
        (ethernet(0x8100, &tag(7, 0x0800, &v4())), Some(7)),
        (ethernet(0x8100, &tag(0xe007, 0x0800, &v4())), Some(7)),
        (ethernet(0x88a8, &tag(100, 0x8100, &tag(200, 0x86dd, &v6()))), Some(100)),
        (ethernet(0x9100, &tag(5, 0x9200, &tag(6, 0x8100, &tag(7, 0x0800, &v4())))), Some(5)),
        (ethernet(0x8100, &tag(0xe000, 0x0800, &v4())), None),
        (ethernet(0x8100, &tag(0, 0x8100, &tag(9, 0x0800, &v4()))), Some(9)),
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(segment(&mut decoder, &whole(LinkType::ETHERNET, &frame)).vlan, expected);
    }
}

#[test]
fn tags_without_end_are_refused() {
    let nested = |depth: usize| {
        let inner = tag(1, 0x0800, &v4());
        (1..depth).fold(inner, |inner, _| tag(1, 0x8100, &inner))
    };
    let deep = ethernet(0x8100, &nested(limits::HEADER_DEPTH + 1));
    assert_eq!(fault(LinkType::ETHERNET, &deep), Fault::Depth);
    let allowed = ethernet(0x8100, &nested(limits::HEADER_DEPTH));
    segment(&mut Decoder::new(), &whole(LinkType::ETHERNET, &allowed));
}

#[test]
fn what_is_no_ip_is_named() {
    assert_eq!(kind(LinkType::ETHERNET, &ethernet(0x0806, &[0; 28])), Kind::Arp);
    assert_eq!(kind(LinkType::ETHERNET, &ethernet(0x88cc, &[0; 28])), Kind::OtherEthernet);
    assert_eq!(kind(LinkType::ETHERNET, &ethernet(38, &[0x42, 0x42, 3])), Kind::OtherEthernet);
    assert_eq!(kind(LinkType::PPP, &[0xc0, 0x21, 1, 1]), Kind::OtherEthernet);
    assert_eq!(kind(LinkType::RAW, &[0x15, 0]), Kind::OtherEthernet);
    assert_eq!(kind(LinkType(147), &v4()), Kind::UnsupportedLink);
}

#[test]
fn a_frame_that_ends_inside_its_link_header_is_malformed() {
    for (link, header) in
        [(0, 4), (1, 14), (9, 2), (50, 2), (104, 4), (108, 4), (113, 16), (239, 4), (276, 20)]
    {
        for length in 0..header {
            assert_eq!(fault(LinkType(link), &vec![0; length]), Fault::Link, "{link} {length}");
        }
    }
}

#[test]
fn counts_name_what_was_met() {
    let mut decoder = Decoder::new();
    let mut give = |data: &[u8], wire_length: u32| {
        let link = LinkType::ETHERNET;
        decoder.decode(&Frame { wire_length, ..whole(link, data) });
    };
    let over_ip = |protocol: u8, payload: &[u8]| {
        ethernet(0x0800, &super::bytes::Ipv4 { protocol, ..IPV4_TCP }.with(payload))
    };
    give(&ethernet(0x0800, &v4()), 59);
    give(&over_ip(17, &udp(4789)), 1_000);
    give(&over_ip(17, &udp(6081)), 0);
    give(&over_ip(17, &udp(53)), 0);
    give(&over_ip(17, &[]), 0);
    give(&over_ip(1, &[8, 0]), 0);
    give(&over_ip(47, &[0; 8]), 0);
    give(&over_ip(6, &[0; 8]), 0);
    give(&ethernet(0x0806, &[]), 0);
    give(&ethernet(0x1234, &[]), 0);
    let expected = [
        ("arp", 1),
        ("icmp", 1),
        ("malformed", 1),
        ("other-ethernet", 1),
        ("other-ip", 1),
        ("tcp", 1),
        ("udp", 4),
    ];
    assert_eq!(decoder.counts().kinds(), expected);
    assert_eq!(decoder.counts().faults(), [("TCP header", 1)]);
    assert_eq!(decoder.counts().tunnel_ports(), [(4789, 1), (6081, 1)]);
    assert_eq!(decoder.counts().cut_frames(), 1);
}
