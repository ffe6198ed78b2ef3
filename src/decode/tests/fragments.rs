//! Fragments in every order and shape.

use super::bytes::{IPV4_TCP, Ipv4, ipv6, ipv6_fragment, tcp};
use super::{Decoded, Decoder, Fault, Kind, at_second, segment, whole};
use crate::capture::LinkType;
use crate::model::limits;

/// A datagram of 44 bytes: TCP header and 24 bytes of payload.
fn datagram() -> Vec<u8> {
    tcp(b"abcdefghijklmnopqrstuvwx")
}

fn piece(bytes: &[u8], offset: usize, more: bool) -> Vec<u8> {
    Ipv4 { more, offset: u16::try_from(offset / 8).unwrap(), ..IPV4_TCP }.with(bytes)
}

/// Gives pieces in order; the payload of each segment that comes out.
fn give(decoder: &mut Decoder, pieces: &[Vec<u8>]) -> Vec<String> {
    let mut out = Vec::new();
    for data in pieces {
        match decoder.decode(&whole(LinkType::RAW, data)) {
            Decoded::Segment(segment) => out.push(String::from_utf8_lossy(segment.payload).into()),
            Decoded::Other(Kind::Fragment) => {}
            other => panic!("{other:?}"),
        }
    }
    out
}

#[test]
fn pieces_in_any_order_make_the_datagram() {
    let whole = datagram();
    let pieces = [
        piece(&whole[..16], 0, true),
        piece(&whole[16..32], 16, true),
        piece(&whole[32..], 32, false),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut decoder = Decoder::new();
        let given = order.map(|i| pieces[i].clone());
        assert_eq!(give(&mut decoder, &given), ["abcdefghijklmnopqrstuvwx"], "{order:?}");
        assert_eq!(decoder.counts().kinds(), [("fragment", 2), ("tcp", 1)]);
        assert_eq!((decoder.overlapping_fragments(), decoder.unfinished_datagrams()), (0, 0));
    }
}

#[test]
fn a_copy_of_a_piece_is_no_overlap() {
    let whole = datagram();
    let first = piece(&whole[..16], 0, true);
    let mut decoder = Decoder::new();
    let given = [first.clone(), first, piece(&whole[16..], 16, false)];
    assert_eq!(give(&mut decoder, &given), ["abcdefghijklmnopqrstuvwx"]);
    assert_eq!(decoder.overlapping_fragments(), 0);
}

#[test]
fn of_bytes_that_come_twice_the_first_win_and_it_is_counted() {
    let whole = datagram();
    let mut forged = whole.clone();
    forged[20..].fill(b'!');
    for (given, expected) in [
        // The same place, other bytes.
        (
            vec![
                piece(&whole[..24], 0, true),
                piece(&forged[..24], 0, true),
                piece(&whole[24..], 24, false),
            ],
            "abcdefghijklmnopqrstuvwx",
        ),
        // Behind and over the hole.
        (
            vec![
                piece(&whole[..24], 0, true),
                piece(&forged[16..32], 16, true),
                piece(&whole[32..], 32, false),
            ],
            "abcd!!!!!!!!mnopqrstuvwx",
        ),
        // Over everything, before and behind what is there.
        (
            vec![
                piece(&whole[24..32], 24, true),
                piece(&forged[..40], 0, true),
                piece(&forged[40..], 40, false),
            ],
            "!!!!efghijkl!!!!!!!!!!!!",
        ),
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(give(&mut decoder, &given), [expected]);
        assert_eq!(decoder.overlapping_fragments(), 1);
    }
}

#[test]
fn datagrams_are_told_apart_by_all_that_names_them() {
    let whole = datagram();
    let first = Ipv4 { more: true, ..IPV4_TCP }.with(&whole[..16]);
    let last = Ipv4 { offset: 2, ..IPV4_TCP };
    for other in [Ipv4 { identification: 2, ..IPV4_TCP }, Ipv4 { protocol: 17, ..IPV4_TCP }] {
        let other = Ipv4 { offset: 2, ..other }.with(&whole[16..]);
        let mut decoder = Decoder::new();
        assert!(give(&mut decoder, &[first.clone(), other]).is_empty());
        assert_eq!(give(&mut decoder, &[last.with(&whole[16..])]).len(), 1);
    }
}

#[test]
fn ipv6_pieces_may_hide_extension_headers() {
    let inner = [&[6, 0, 0, 0, 0, 0, 0, 0][..], &datagram()].concat();
    let pieces = [
        ipv6(44, &ipv6_fragment(60, 0, true, &inner[..24])),
        ipv6(44, &ipv6_fragment(60, 3, false, &inner[24..])),
    ];
    let mut decoder = Decoder::new();
    assert_eq!(give(&mut decoder, &pieces), ["abcdefghijklmnopqrstuvwx"]);
}

#[test]
fn the_segment_is_that_of_the_last_fragment() {
    let whole_bytes = datagram();
    let mut decoder = Decoder::new();
    let first = piece(&whole_bytes[..16], 0, true);
    let last = piece(&whole_bytes[16..], 16, false);
    decoder.decode(&at_second(1, whole(LinkType::RAW, &first)));
    let frame = at_second(2, whole(LinkType::RAW, &last));
    let read = segment(&mut decoder, &frame);
    assert_eq!((read.at.time.micros(), read.missing), (2_000_000, 0));
}

#[test]
fn fragments_that_fit_no_datagram_are_malformed() {
    for data in [
        piece(&[1; 12], 0, true),       // not a multiple of eight, and more to come
        piece(&[], 8, true),            // empty
        piece(&[1; 16], 65_528, false), // beyond the largest datagram
    ] {
        let decoded = Decoder::new().decode(&whole(LinkType::RAW, &data))
            == Decoded::Other(Kind::Malformed(Fault::Fragment));
        assert!(decoded);
    }
}

#[test]
fn a_datagram_that_stays_unfinished_is_given_up_in_time() {
    let whole_bytes = datagram();
    let mut decoder = Decoder::new();
    let first = piece(&whole_bytes[..16], 0, true);
    let last = piece(&whole_bytes[16..], 16, false);
    decoder.decode(&at_second(0, whole(LinkType::RAW, &first)));
    let late = at_second(limits::FRAGMENT_SECONDS + 1, whole(LinkType::RAW, &last));
    assert_eq!(decoder.decode(&late), Decoded::Other(Kind::Fragment));
    assert_eq!(decoder.unfinished_datagrams(), 1);
}

#[test]
fn a_flood_of_first_fragments_is_bounded_and_the_oldest_go_first() {
    let whole_bytes = datagram();
    let mut decoder = Decoder::new();
    let flood = limits::FRAGMENTED_DATAGRAMS + 10;
    for identification in 0..u16::try_from(flood).unwrap() {
        let first = Ipv4 { more: true, identification, ..IPV4_TCP }.with(&whole_bytes[..16]);
        decoder.decode(&whole(LinkType::RAW, &first));
    }
    assert_eq!(decoder.unfinished_datagrams(), 10);
    let last =
        |identification| Ipv4 { offset: 2, identification, ..IPV4_TCP }.with(&whole_bytes[16..]);
    assert_eq!(give(&mut decoder, &[last(10)]).len(), 1, "the oldest that is left");
    assert!(give(&mut decoder, &[last(9)]).is_empty());
}

#[test]
fn a_flood_of_last_fragments_is_bounded_in_bytes() {
    let mut decoder = Decoder::new();
    for identification in 0..500 {
        let last = Ipv4 { offset: 8_000, identification, ..IPV4_TCP }.with(&[0; 8]);
        decoder.decode(&whole(LinkType::RAW, &last));
    }
    let kept = 500 - usize::try_from(decoder.unfinished_datagrams()).unwrap();
    assert!(kept * 64_008 <= limits::FRAGMENTED_BYTES && kept > 200, "{kept}");
}

#[test]
fn a_datagram_in_too_many_pieces_is_given_up() {
    let mut decoder = Decoder::new();
    for i in 0..limits::FRAGMENTS_PER_DATAGRAM {
        decoder.decode(&whole(LinkType::RAW, &piece(&[0; 8], 8 + i * 16, true)));
    }
    assert_eq!(decoder.unfinished_datagrams(), 1);
}

#[test]
fn a_fragment_that_the_snapshot_length_cut_never_ends_a_datagram() {
    let whole_bytes = datagram();
    let last = piece(&whole_bytes[16..], 16, false);
    let mut decoder = Decoder::new();
    decoder.decode(&whole(LinkType::RAW, &last[..last.len() - 4]));
    assert!(give(&mut decoder, &[piece(&whole_bytes[..16], 0, true)]).is_empty());
    assert_eq!(give(&mut decoder, &[last]).len(), 1);
}
