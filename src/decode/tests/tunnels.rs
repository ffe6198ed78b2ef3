//! Tunnels: every kind, one in another, damaged, without end.

use proptest::prelude::*;

use super::bytes::{
    CLIENT, IPV4_TCP, Ipv4, ethernet, ipv6, ipv6_fragment, tag, tcp, tcp_with_options, udp_with,
};
use super::{Decoded, Decoder, Fault, Kind, fault, kind, segment, whole};
use crate::capture::{Frame, LinkType};
use crate::model::limits;

/// The segment's packet, whose addresses are none of those around it.
fn v4() -> Vec<u8> {
    let mut packet = IPV4_TCP.with(&tcp_with_options(&[1; 4], b"hello"));
    packet[12] = 192;
    packet
}

fn v6() -> Vec<u8> {
    ipv6(6, &tcp_with_options(&[1; 4], b"hello"))
}

fn frame() -> Vec<u8> {
    ethernet(0x0800, &v4())
}

fn over(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &Ipv4 { protocol, ..IPV4_TCP }.with(payload))
}

fn over_udp(port: u16, parts: &[&[u8]]) -> Vec<u8> {
    over(17, &udp_with(port, &parts.concat()))
}

fn gre(parts: &[&[u8]]) -> Vec<u8> {
    over(47, &parts.concat())
}

const VXLAN: &[u8] = &[
    0x08, 0, 0, 0, // flags: has a network; reserved
    0, 0, 7, // network
    0, // reserved
];

const GENEVE: &[u8] = &[
    0x02, 0x40, // version, two words of options; critical ones among them
    0x65, 0x58, // Ethernet
    0, 0, 7, // network
    0, // reserved
    1, 2, 0x80, 1, 0, 0, 0, 0, // an option: class, type, length, data
];

const GTP: &[u8] = &[
    0x30, 255, // version, protocol type; T-PDU
    0, 49, // length
    0, 0, 0, 9, // endpoint
];

const GTP_EXTENDED: &[u8] = &[
    0x34, 255, // version, protocol type, extensions; T-PDU
    0, 65, // length
    0, 0, 0, 9, // endpoint
    0, 0, 0, 0x85, // sequence, N-PDU number, first extension: PDU session
    1, 0, 1, 0x20, // one word; content; next: UDP port
    2, 8, 104, 0, 0, 0, 0, 0, // two words; content; no next
];

const TEREDO: &[u8] = &[
    0, 1, 2, 1, // authentication: lengths of client and value
    b'i', b'd', 3, // client, value
    1, 2, 3, 4, 5, 6, 7, 8, 0, // nonce, confirmation
    0, 0, 0x12, 0x34, 1, 2, 3, 4, // origin: port, address
];

const ERSPAN_2: &[u8] = &[
    0x10, 0, 0x88, 0xbe, // flags: sequence number; ERSPAN
    0, 0, 0, 1, // sequence number
    0x10, 5, 0x08, 0x64, // version 1, VLAN; class, flags, session
    0, 0, 0, 3, // reserved, port
];

const ERSPAN_3: &[u8] = &[
    0x10, 0, 0x22, 0xeb, // flags: sequence number; ERSPAN III
    0, 0, 0, 1, // sequence number
    0x20, 5, 0x08, 0x64, // version 2, VLAN; class, flags, session
    1, 2, 3, 4, // timestamp
    0, 9, // security group
    0x80, 0x01, // a frame, of type Ethernet; a subheader follows
    0, 0, 0, 0, 0, 0, 0, 0, // subheader
];

fn pppoe(protocol: u8, packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(2 + packet.len()).unwrap();
    [
        &[0x11, 0][..], // version and type; session data
        &[0, 5],        // session
        &length.to_be_bytes(),
        &[0, protocol],
        packet,
    ]
    .concat()
}

fn all_kinds() -> Vec<(&'static str, Vec<u8>)> {
    let mut erspan_3_packet = ERSPAN_3.to_vec();
    erspan_3_packet[18..20].copy_from_slice(&[0x88, 0]); // a frame, of type IP
    erspan_3_packet.truncate(20);
    let mut group = VXLAN.to_vec();
    group[..4].copy_from_slice(&[0x88, 0, 0, 3]); // has network and group; group
    let options = [
        0xb0, 0, 0x65, 0x58, // flags: checksum, key, sequence number; Ethernet
        0, 0, 0, 0, // checksum, reserved
        0, 0, 7, 1, // key
        0, 0, 0, 1, // sequence number
    ];
    vec![
        ("erspan", gre(&[&[0, 0, 0x88, 0xbe], &frame()])),
        ("erspan", gre(&[ERSPAN_2, &frame()])),
        ("erspan", gre(&[ERSPAN_3, &frame()])),
        ("erspan", gre(&[&erspan_3_packet, &v4()])),
        ("geneve", over_udp(6081, &[GENEVE, &frame()])),
        ("geneve", over_udp(6081, &[&[0, 0, 0x86, 0xdd, 0, 0, 7, 0], &v6()])),
        ("gre", gre(&[&[0, 0, 8, 0], &v4()])),
        ("gre", gre(&[&[0, 0, 0x86, 0xdd], &v6()])),
        ("gre", gre(&[&[0x20, 0, 0x65, 0x58, 0, 0, 7, 1], &frame()])), // NVGRE
        ("gre", gre(&[&options, &frame()])),
        ("gre", over_udp(4754, &[&[0, 0, 8, 0], &v4()])),
        ("gtp", over_udp(2152, &[GTP, &v4()])),
        ("gtp", over_udp(2152, &[GTP_EXTENDED, &v4()])),
        ("ip-in-ip", over(4, &v4())),
        ("ip-in-ip", over(41, &v6())),
        ("ip-in-ip", ethernet(0x86dd, &ipv6(4, &v4()))),
        ("ip-in-ip", ethernet(0x86dd, &ipv6(41, &v6()))),
        ("mpls", ethernet(0x8847, &[&[0, 1, 0, 64, 0, 2, 1, 64][..], &v4()].concat())),
        ("mpls", ethernet(0x8848, &[&[0, 2, 1, 64][..], &v6()].concat())),
        ("mpls", ethernet(0x8847, &[&[0, 2, 1, 64, 0, 0, 0, 9][..], &frame()].concat())),
        ("mpls", ethernet(0x8847, &[&[0, 2, 1, 64][..], &frame()].concat())),
        ("pppoe", ethernet(0x8864, &pppoe(0x21, &v4()))),
        ("pppoe", ethernet(0x8864, &pppoe(0x57, &v6()))),
        ("teredo", over_udp(3544, &[&v6()])),
        ("teredo", over_udp(3544, &[TEREDO, &v6()])),
        ("teredo", over_udp(3544, &[&TEREDO[16..], &v6()])),
        ("vxlan", over_udp(4789, &[VXLAN, &frame()])),
        ("vxlan", over_udp(4790, &[&[0x0c, 0, 0, 3, 0, 0, 7, 0], &frame()])),
        ("vxlan", over_udp(4790, &[&[0x0c, 0, 0, 1, 0, 0, 7, 0], &v4()])),
        ("vxlan", over_udp(8472, &[&group, &frame()])),
    ]
}

#[test]
fn every_kind_leads_to_the_segment_inside() {
    for (kind, data) in all_kinds() {
        let mut decoder = Decoder::new();
        let frame = whole(LinkType::ETHERNET, &data);
        let segment = segment(&mut decoder, &frame);
        assert_eq!((segment.payload, segment.missing), (&b"hello"[..], 0), "{kind}");
        let from = segment.from.to_string();
        assert!(from == "192.0.0.1:40000" || from == "[2001:db8::1]:40000", "{kind} {from}");
        assert_eq!(decoder.counts().kinds(), [("tcp", 1)]);
        assert_eq!(decoder.counts().tunnels(), [(kind, 1)]);
        assert_eq!(decoder.counts().tunnel_ports(), []);
    }
}

#[test]
fn padding_and_offloaded_lengths_do_no_harm() {
    let padded = |data: &[u8]| [data, &[0xee; 9]].concat();
    let mut no_lengths = over_udp(4789, &[VXLAN, &frame()]);
    no_lengths[16..18].fill(0); // of the IPv4 packet
    no_lengths[38..40].fill(0); // of the UDP datagram
    for data in all_kinds().iter().map(|(_, data)| padded(data)).chain([no_lengths]) {
        let mut decoder = Decoder::new();
        assert_eq!(segment(&mut decoder, &whole(LinkType::ETHERNET, &data)).payload, b"hello");
    }
}

#[test]
fn a_packet_does_not_reach_beyond_the_session_header_around_it() {
    let mut packet = IPV4_TCP.with(&tcp(b""));
    packet[3] += 6; // total length, as of the padded packet
    let data = [&ethernet(0x8864, &pppoe(0x21, &packet))[..], &[0; 6]].concat();
    let mut decoder = Decoder::new();
    let frame = whole(LinkType::ETHERNET, &data);
    let read = segment(&mut decoder, &frame);
    assert_eq!((read.payload, read.missing), (&b""[..], 0));
}

#[test]
fn tunnels_in_tunnels_are_opened_to_the_innermost_segment() {
    let label = [0, 2, 1, 64];
    let inner = over_udp(4789, &[VXLAN, &ethernet(0x8847, &[&label[..], &v4()].concat())]);
    let data = ethernet(0x8100, &tag(5, 0x8864, &pppoe(0x21, &gre(&[ERSPAN_2, &inner])[14..])));
    let mut decoder = Decoder::new();
    assert_eq!(segment(&mut decoder, &whole(LinkType::ETHERNET, &data)).payload, b"hello");
    let expected = [("erspan", 1), ("mpls", 1), ("pppoe", 1), ("vxlan", 1)];
    assert_eq!(decoder.counts().tunnels(), expected);
    assert_eq!(decoder.counts().kinds(), [("tcp", 1)]);
}

#[test]
fn the_vlan_is_that_of_the_innermost_frame() {
    let tagged = |id: u16, frame: &[u8]| ethernet(0x8100, &tag(id, 0x0800, &frame[14..]));
    for (data, expected) in [
        (tagged(5, &gre(&[ERSPAN_2, &tagged(11, &frame())])), Some(11)),
        (tagged(5, &gre(&[ERSPAN_2, &frame()])), None),
        (tagged(5, &over(4, &v4())), Some(5)),
        (ethernet(0x88a8, &tag(5, 0x8100, &tag(6, 0x8864, &pppoe(0x21, &v4())))), Some(5)),
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(segment(&mut decoder, &whole(LinkType::ETHERNET, &data)).vlan, expected);
    }
}

#[test]
fn fragments_outside_and_inside_are_put_together() {
    let inner = v4();
    let (head, body) = inner.split_at(20);
    let piece = |offset: u16, more: bool, bytes: &[u8]| {
        let [a, b, c, d] = [head[12], head[13], head[14], head[15]];
        let mut piece = Ipv4 { offset, more, ..IPV4_TCP }.with(bytes);
        piece[12..16].copy_from_slice(&[a, b, c, d]);
        piece
    };
    let pieces = [piece(0, true, &body[..16]), piece(2, false, &body[16..])];
    let outer = pieces.map(|piece| [&[0, 0, 8, 0][..], &piece].concat());
    let mut decoder = Decoder::new();
    let (last, before) = outer
        .iter()
        .zip([8, 9]) // identifications of the outer datagrams
        .flat_map(|(gre, identification)| {
            [(0, true, &gre[..24]), (3, false, &gre[24..])].map(|(offset, more, bytes)| {
                let identification = identification + u16::from(CLIENT[0]);
                let ipv4 = Ipv4 { protocol: 47, identification, more, offset, options: Vec::new() };
                ipv4.with(bytes)
            })
        })
        .collect::<Vec<_>>()
        .split_last()
        .map(|(last, before)| (last.clone(), before.to_vec()))
        .unwrap();
    for data in before {
        let decoded = decoder.decode(&whole(LinkType::RAW, &data));
        assert_eq!(decoded, Decoded::Other(Kind::Fragment));
    }
    let from = segment(&mut decoder, &whole(LinkType::RAW, &last)).from.to_string();
    assert_eq!(from, "192.0.0.1:40000");
    assert_eq!(decoder.counts().kinds(), [("fragment", 3), ("tcp", 1)]);
    assert_eq!(decoder.counts().tunnels(), [("gre", 2)]);
}

#[test]
fn fragments_of_different_networks_do_not_meet() {
    let body = tcp(b"some payload");
    let first = ethernet(0x0800, &Ipv4 { more: true, ..IPV4_TCP }.with(&body[..16]));
    let last = ethernet(0x0800, &Ipv4 { offset: 2, ..IPV4_TCP }.with(&body[16..]));
    let mut other = VXLAN.to_vec();
    other[6] = 8; // network
    let mut decoder = Decoder::new();
    let mut give = |network: &[u8], piece: &[u8]| {
        let data = over_udp(4789, &[network, piece]);
        matches!(decoder.decode(&whole(LinkType::ETHERNET, &data)), Decoded::Segment(_))
    };
    assert!(!give(VXLAN, &first));
    assert!(!give(&other, &last));
    assert!(give(VXLAN, &last));
}

#[test]
fn a_port_alone_makes_no_tunnel() {
    let changed = |header: &[u8], at: usize, value: u8| {
        let mut bytes = header.to_vec();
        bytes[at] = value;
        bytes
    };
    for (port, payload) in [
        (4789, [&changed(VXLAN, 0, 0)[..], &frame()].concat()), // no network
        (4789, [&changed(VXLAN, 0, 0x48)[..], &frame()].concat()), // unknown flag
        (4789, [&changed(VXLAN, 2, 1)[..], &frame()].concat()), // reserved
        (4789, [&changed(VXLAN, 7, 1)[..], &frame()].concat()), // reserved
        (4789, [VXLAN, &ethernet(0x0800, &[0; 40])].concat()),  // no packet inside
        (4790, [&[0x0c, 0, 0, 4, 0, 0, 7, 0][..], &frame()].concat()), // service header
        (4789, VXLAN.to_vec()),                                 // nothing inside
        (6081, [&changed(GENEVE, 0, 0x42)[..], &frame()].concat()), // version
        (6081, [&changed(GENEVE, 1, 0x80)[..], &frame()].concat()), // control
        (6081, [&changed(GENEVE, 2, 0)[..], &frame()].concat()), // protocol
        (6081, [&changed(GENEVE, 0, 0x3f)[..], &frame()].concat()), // options beyond the end
        (2152, [&changed(GTP, 0, 0x50)[..], &v4()].concat()),   // version
        (2152, [&changed(GTP, 1, 1)[..], &v4()].concat()),      // echo
        (2152, [&changed(GTP, 3, 200)[..], &v4()].concat()),    // length
        (2152, [&changed(GTP_EXTENDED, 12, 0)[..], &v4()].concat()), // extension without a length
        (3544, v4()),
        (3544, [TEREDO, &changed(&v6(), 4, 9)[..]].concat()), // length
        (4754, [&[0x40, 0, 8, 0][..], &v4()].concat()),       // routing
    ] {
        let mut decoder = Decoder::new();
        let data = over_udp(port, &[&payload]);
        let decoded = decoder.decode(&whole(LinkType::ETHERNET, &data));
        match decoded {
            Decoded::Datagram(datagram) => {
                assert_eq!((datagram.to.port, datagram.payload), (port, &*payload));
            }
            other => assert_eq!(other, Decoded::Other(Kind::Udp { port }), "{payload:x?}"),
        }
        assert_eq!(decoder.counts().tunnel_ports(), [(port, 1)]);
        assert_eq!(decoder.counts().tunnels(), []);
    }
}

#[test]
fn what_cannot_be_opened_is_what_it_is_outside() {
    let link = LinkType::ETHERNET;
    for unread in [
        &[0x40, 0, 8, 0, 0, 0, 0, 0][..],                  // routing
        &[0x20, 1, 0x88, 0x0b, 0, 0, 0, 0],                // version 1
        &[0, 0, 0x12, 0x34],                               // unknown protocol
        &[0, 0],                                           // too short
        &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x70, 0, 0, 0], // unknown version of ERSPAN
    ] {
        assert_eq!(kind(link, &gre(&[unread])), Kind::OtherIp(47), "{unread:x?}");
    }
    let control_protocol = [0x11, 0, 0, 5, 0, 4, 0xc0, 0x21, 1, 1];
    assert_eq!(kind(link, &ethernet(0x8864, &control_protocol)), Kind::OtherEthernet);
    assert_eq!(kind(link, &ethernet(0x8863, &control_protocol)), Kind::OtherEthernet);
    assert_eq!(kind(link, &ethernet(0x8847, &[0, 2, 1, 64, 0x10, 0, 0, 7])), Kind::OtherEthernet);
    assert_eq!(fault(link, &ethernet(0x8847, &[0, 2, 0, 64, 0, 2])), Fault::Link);
    assert_eq!(fault(link, &over(4, &[0x60; 40])), Fault::Ipv4);
    assert_eq!(kind(link, &gre(&[ERSPAN_2, &ethernet(0x88cc, &[])])), Kind::OtherEthernet);
    assert_eq!(kind(link, &over(4, &over(1, &[8, 0])[14..])), Kind::Icmp);
}

#[test]
fn headers_of_all_layers_draw_on_one_bound() {
    let ip_in_ip = |depth: usize| {
        (0..depth).fold(v4(), |inner, _| Ipv4 { protocol: 4, ..IPV4_TCP }.with(&inner))
    };
    let link = LinkType::RAW;
    segment(&mut Decoder::new(), &whole(link, &ip_in_ip(limits::HEADER_DEPTH)));
    assert_eq!(fault(link, &ip_in_ip(limits::HEADER_DEPTH + 1)), Fault::Depth);

    let tagged = |frame: &[u8]| [&frame[..12], &[0x81, 0, 0, 5], &frame[12..]].concat();
    let mirrored = |depth: usize| {
        (0..depth).fold(frame(), |inner, _| gre(&[ERSPAN_2, &tagged(&tagged(&inner))]))
    };
    segment(&mut Decoder::new(), &whole(LinkType::ETHERNET, &mirrored(5)));
    assert_eq!(fault(LinkType::ETHERNET, &mirrored(6)), Fault::Depth);

    let labels = [0, 1, 0, 64].repeat(2_000);
    assert_eq!(fault(LinkType::ETHERNET, &ethernet(0x8847, &labels)), Fault::Depth);

    // Behind a port it is a presumption that fails.
    let deep =
        (0..=limits::HEADER_DEPTH).fold(frame(), |inner, _| over_udp(4789, &[VXLAN, &inner]));
    assert_eq!(kind(LinkType::ETHERNET, &deep), Kind::Udp { port: 4789 });
    let extensions = [1, 0, 0, 0x85].repeat(300);
    let endless = over_udp(2152, &[&[0x34, 255, 4, 0], &[0; 7], &[0x85], &extensions]);
    assert_eq!(kind(LinkType::ETHERNET, &endless), Kind::Udp { port: 2152 });
}

#[test]
fn a_tunnel_cut_at_any_byte_is_used_as_far_as_it_goes() {
    for (name, data) in all_kinds() {
        let wire_length = u32::try_from(data.len()).unwrap();
        for length in 0..data.len() {
            let cut = whole(LinkType::ETHERNET, &data[..length]);
            for frame in [cut, Frame { wire_length, ..cut }] {
                let mut decoder = Decoder::new();
                if let Decoded::Segment(read) = decoder.decode(&frame) {
                    // Of the payload, and of the options whose place the header tells.
                    let short = u32::try_from(data.len() - length).unwrap();
                    assert_eq!(read.missing, short.min(5), "{name} {length}");
                    assert_eq!(read.payload.len() as u32 + read.missing, 5, "{name} {length}");
                }
                let frames: u64 = decoder.counts().kinds().iter().map(|(_, count)| count).sum();
                assert_eq!(frames, 1);
            }
        }
    }
}

#[test]
fn ipv6_extension_headers_around_and_inside_a_tunnel_are_taken_off() {
    let options = |next: u8, payload: &[u8]| [&[next, 0, 1, 4, 0, 0, 0, 0], payload].concat();
    let atomic = ipv6_fragment(6, 0, false, &tcp(b"hello"));
    let inner = ipv6(60, &options(44, &atomic));
    let data = ipv6(0, &options(41, &inner));
    let mut decoder = Decoder::new();
    assert_eq!(segment(&mut decoder, &whole(LinkType::RAW, &data)).payload, b"hello");
}

#[test]
fn a_virtual_network_is_told_apart_where_that_is_wanted() {
    let frame_of = |bytes: &[u8], decoder: &mut Decoder| {
        let bytes = over_udp(4789, &[VXLAN, bytes]);
        let frame = whole(LinkType::ETHERNET, &bytes);
        match decoder.decode(&frame) {
            Decoded::Segment(segment) => (segment.from.realm.network(), segment.to.realm.network()),
            other => panic!("{other:?}"),
        }
    };
    let inner = frame();
    assert_eq!(frame_of(&inner, &mut Decoder::new()), (None, None));
    let mut other = Decoder::new().telling_apart(vec![8, 1]);
    assert_eq!(frame_of(&inner, &mut other), (None, None));
    let mut wanted = Decoder::new().telling_apart(vec![9, 7]);
    assert_eq!(frame_of(&inner, &mut wanted), (Some(7), Some(7)));
}

proptest! {
    #[test]
    fn tunnels_with_changed_bytes_never_panic_and_never_exceed_the_frame(
        which in any::<prop::sample::Index>(),
        around in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        length in any::<prop::sample::Index>(),
        lost in 0_u32..100,
    ) {
        let kinds = all_kinds();
        let inner = &which.get(&kinds).1;
        let mut data = match around.index(4) {
            0 => inner.clone(),
            1 => over_udp(4789, &[VXLAN, inner]),
            2 => gre(&[ERSPAN_3, inner]),
            _ => ethernet(0x8847, &[&[0, 2, 1, 64][..], inner].concat()),
        };
        for (at, value) in changes {
            let at = at.index(data.len());
            data[at] = value;
        }
        let captured = length.index(data.len() + 1);
        let wire_length = u32::try_from(captured).unwrap() + lost;
        let frame = Frame { wire_length, ..whole(LinkType::ETHERNET, &data[..captured]) };
        let mut decoder = Decoder::new();
        if let Decoded::Segment(segment) = decoder.decode(&frame) {
            prop_assert!(segment.payload.len() <= captured);
        }
    }

    #[test]
    fn random_bytes_behind_a_tunnel_s_port_never_panic(
        port in prop::sample::select(vec![2152_u16, 3544, 4754, 4789, 6081, 8472]),
        head in prop::sample::select(vec![VXLAN, GENEVE, GTP, GTP_EXTENDED, TEREDO, ERSPAN_2, ERSPAN_3]),
        data in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let data = over_udp(port, &[head, &data]);
        Decoder::new().decode(&whole(LinkType::ETHERNET, &data));
    }
}
