//! Every layout of a file gives the frames that are in it.

use std::io::Write as _;

use super::bytes::{BIG, LITTLE, plain_pcap, plain_pcapng};
use super::{drain, frame, open, read};
use crate::capture::FrameSource as _;
use crate::model::limits;

#[test]
fn classic_files_of_both_byte_orders_and_units_give_the_same_frames() {
    for order in [LITTLE, BIG] {
        for (magic, fraction) in [(0xa1b2_c3d4, 7), (0xa1b2_3c4d, 7_999)] {
            let file = [
                order.pcap_header(magic, 65_535, 113),
                order.pcap_record(1, fraction, b"one"),
                order.pcap_record(u32::MAX, 0, b"two"),
            ];
            let expected = vec![
                frame(1, 1_000_007, 113, b"one", 3),
                frame(2, 4_294_967_295_000_000, 113, b"two", 3),
            ];
            assert_eq!(read(&file.concat()), (expected, None), "{magic:x}");
        }
    }
}

#[test]
fn the_modified_format_has_eight_more_bytes_before_each_packet() {
    let record = [
        LITTLE.u32(1), // seconds
        LITTLE.u32(2), // microseconds
        LITTLE.u32(3), // captured
        LITTLE.u32(9), // on the wire
        LITTLE.u32(2), // interface
        LITTLE.u16(8), // protocol
        vec![0, 0],    // packet type, padding
        b"abc".to_vec(),
    ];
    let file = [LITTLE.pcap_header(0xa1b2_cd34, 0, 1), record.concat(), record.concat()];
    let (frames, damage) = read(&file.concat());
    assert_eq!(frames, [frame(1, 1_000_002, 1, b"abc", 9), frame(2, 1_000_002, 1, b"abc", 9)]);
    assert_eq!(damage, None);
}

#[test]
fn the_upper_half_of_the_link_type_field_is_no_link_type() {
    let header = LITTLE.pcap_header(0xa1b2_c3d4, 65_535, 0x1400_0001);
    let (frames, _) = read(&[header, LITTLE.pcap_record(0, 0, b"x")].concat());
    assert_eq!(frames, [frame(1, 0, 1, b"x", 1)]);
}

#[test]
fn pcapng_gives_packets_of_all_interfaces_with_their_own_clocks() {
    let mut file = open(&plain_pcapng()).unwrap();
    let expected = [
        frame(1, 1_000_010, 1, b"first", 5),
        frame(2, 2_000_020, 101, b"", 0),
        frame(3, 3_000_030, 1, b"the third packet", 16),
    ];
    assert_eq!(drain(&mut file), expected);
    assert_eq!(file.damage(), None);
    assert_eq!(file.info().link_types, ["EN10MB", "RAW"]);
    assert_eq!((file.info().frames, file.info().bytes), (3, 21));
}

#[test]
fn sections_may_differ_in_byte_order_and_each_has_its_own_interfaces() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.enhanced(0, 1, b"a", &[]),
        BIG.section(),
        BIG.interface(0, 0, &[]),
        BIG.enhanced(0, 2, b"b", &[]),
        LITTLE.section(),
        LITTLE.enhanced(0, 3, b"an interface of an earlier section", &[]),
    ];
    let (frames, damage) = read(&file.concat());
    assert_eq!(frames, [frame(1, 1, 1, b"a", 1), frame(2, 2, 0, b"b", 1)]);
    let message = damage.unwrap().message();
    assert_eq!(
        message,
        "x.pcap: after packet 2 comes a packet of an interface that is not described"
    );
}

#[test]
fn time_options_hold_in_both_byte_orders() {
    for order in [LITTLE, BIG] {
        let options = |resolution: u8, offset: u64| {
            [order.option(9, &[resolution]), order.option(14, &order.u64(offset))].concat()
        };
        let file = [
            order.section(),
            order.interface(1, 0, &options(3, 100)),
            order.interface(1, 0, &options(0x80 | 10, 0)),
            order.interface(1, 0, &options(9, u64::MAX)), // minus one second
            order.enhanced(0, 1_500, b"a", &[]),
            order.enhanced(1, 1_536, b"b", &[]),
            order.enhanced(2, 2_500_000_000, b"c", &[]),
        ];
        let times: Vec<i64> = read(&file.concat()).0.iter().map(|kept| kept.1.micros()).collect();
        assert_eq!(times, [101_500_000, 1_500_000, 1_500_000]);
    }
}

#[test]
fn simple_packets_are_cut_at_the_snapshot_length_of_the_first_interface() {
    let file = [
        BIG.section(),
        BIG.interface(1, 5, &[]),
        BIG.simple(9, b"12345"),
        BIG.simple(2, b"12"),
        BIG.simple(400, b"12345678"),
    ];
    let (frames, damage) = read(&file.concat());
    let expected =
        [frame(1, 0, 1, b"12345", 9), frame(2, 0, 1, b"12", 2), frame(3, 0, 1, b"12345", 400)];
    assert_eq!((frames.as_slice(), damage), (&expected[..], None));
}

#[test]
fn obsolete_packet_blocks_count_interfaces_in_sixteen_bits() {
    for order in [LITTLE, BIG] {
        let file = [
            order.section(),
            order.interface(1, 0, &[]),
            order.interface(228, 0, &[]),
            order.obsolete(1, (1 << 32) + 5, b"old"),
        ];
        assert_eq!(read(&file.concat()), (vec![frame(1, 4_294_967_301, 228, b"old", 3)], None));
    }
}

#[test]
fn secrets_are_kept_and_other_kinds_of_secrets_are_not() {
    let file = [
        LITTLE.section(),
        LITTLE.secrets(0x5747_4b4c, b"not for TLS"),
        LITTLE.secrets(0x544c_534b, b"CLIENT_RANDOM 00 11"),
        LITTLE.secrets(0x544c_534b, b"CLIENT_RANDOM 22 33\n"),
    ];
    let mut file = open(&file.concat()).unwrap();
    assert!(drain(&mut file).is_empty());
    assert_eq!(file.secrets().key_log(), b"CLIENT_RANDOM 00 11\nCLIENT_RANDOM 22 33\n");
}

#[test]
fn losses_are_those_of_the_last_statistics_of_each_interface() {
    let statistics = |interface: u32, by_interface: u64, by_system: u64| {
        let body = [
            BIG.u32(interface),
            BIG.u64(0), // time
            BIG.option(5, &BIG.u64(by_interface)),
            BIG.option(7, &BIG.u64(by_system)),
        ];
        BIG.block(5, &body.concat())
    };
    let file = [
        BIG.section(),
        BIG.interface(1, 0, &[]),
        BIG.interface(1, 0, &[]),
        statistics(0, 1, 2),
        statistics(0, 10, 2),
        statistics(1, 0, 5),
        BIG.section(),
        BIG.interface(1, 0, &[]),
        statistics(0, 100, 0),
    ];
    let mut file = open(&file.concat()).unwrap();
    assert!(file.next().unwrap().is_none());
    assert_eq!(file.lost(), 117);
}

#[test]
fn a_block_larger_than_the_window_is_skipped_without_being_held() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.block(0xbad, &vec![0; limits::READ_WINDOW * 3]),
        LITTLE.enhanced(0, 1, &vec![7; limits::FRAME_BYTES], &[]),
    ];
    let (frames, damage) = read(&file.concat());
    assert_eq!((frames.len(), damage), (1, None));
    assert_eq!(frames[0].3.len(), limits::FRAME_BYTES);
}

#[test]
fn frames_straddling_the_window_are_whole() {
    let mut file = LITTLE.pcap_header(0xa1b2_c3d4, 0, 1);
    let mut expected = Vec::new();
    for number in 1..=4_000_u32 {
        let data = vec![u8::try_from(number % 251).unwrap(); (number as usize * 37) % 1_500];
        file.extend(LITTLE.pcap_record(number, 0, &data));
        let wire = u32::try_from(data.len()).unwrap();
        expected.push(frame(number.into(), i64::from(number) * 1_000_000, 1, &data, wire));
    }
    assert!(file.len() > 4 * limits::READ_WINDOW);
    assert_eq!(read(&file), (expected, None));
}

#[test]
fn compressed_files_give_the_same_frames() {
    for plain in [plain_pcap(), plain_pcapng()] {
        let expected = read(&plain);
        let (head, tail) = plain.split_at(plain.len() / 2);
        assert_eq!(read(&gzip(&plain)), expected);
        assert_eq!(read(&[gzip(head), gzip(tail)].concat()), expected, "several members");
        assert_eq!(read(&zstd::encode_all(&plain[..], 1).unwrap()), expected);
        let frames = [zstd::encode_all(head, 1).unwrap(), zstd::encode_all(tail, 1).unwrap()];
        assert_eq!(read(&frames.concat()), expected, "several frames");
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &frames.concat()];
        assert_eq!(read(&skippable.concat()), expected, "a skippable frame first");
    }
}

pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
