//! Files that break off or lie, and what is said about them.

use proptest::prelude::*;

use super::bytes::{BIG, LITTLE, plain_pcap, plain_pcapng};
use super::formats::gzip;
use super::{drain, open, read};
use crate::capture::{CaptureError, DamageKind};

#[test]
fn every_prefix_of_a_file_gives_the_frames_before_the_cut() {
    for whole in [plain_pcap(), plain_pcapng()] {
        let (all, _) = read(&whole);
        let mut ends = 0;
        for length in 4..whole.len() {
            let (frames, damage) = read(&whole[..length]);
            assert_eq!(frames, all[..frames.len()], "{length}");
            match damage {
                Some(damage) => {
                    assert_eq!(damage.packets_before(), frames.len() as u64);
                    let DamageKind::Truncated { end, expected, .. } = damage.kind else {
                        panic!("{damage:?}");
                    };
                    assert_eq!(end, length as u64);
                    assert!(expected > end && expected <= whole.len() as u64, "{damage:?}");
                }
                None => ends += 1,
            }
        }
        assert!(ends >= all.len(), "cuts between records are no damage");
    }
}

#[test]
fn every_prefix_of_a_compressed_file_is_damaged_and_gives_frames_in_order() {
    for (whole, all) in [plain_pcap(), plain_pcapng()].map(|plain| (gzip(&plain), read(&plain).0)) {
        for length in 2..whole.len() {
            let (frames, damage) = read(&whole[..length]);
            assert_eq!(frames, all[..frames.len()]);
            assert_eq!(damage.unwrap().code(), "truncated-capture", "{length}");
        }
    }
}

#[test]
fn damage_inside_compressed_data_is_told_from_its_end() {
    let mut file = gzip(&plain_pcap());
    let checksum = file.len() - 8;
    file[checksum] ^= 1;
    let damage = read(&file).1.unwrap();
    assert_eq!(damage.code(), "corrupt-record");
    assert_eq!(damage.message(), "x.pcap: the compressed data is damaged after packet 3");
}

#[test]
fn a_truncated_file_says_where_it_ends_and_where_it_should() {
    let file = plain_pcap();
    let damage = read(&file[..file.len() - 10]).1.unwrap();
    assert_eq!(damage.code(), "truncated-capture");
    assert_eq!(damage.message(), "x.pcap ends inside packet 3 (byte 83 of an expected 93)");
    let shown = damage.diagnostic();
    assert_eq!(shown.notes, ["2 packets were read"]);
    assert_eq!(shown.helps[1], "recut it with: editcap x.pcap fixed.pcapng");
    assert_eq!(
        read(&file[..20]).1.unwrap().message(),
        "x.pcap ends inside its header (byte 20 of an expected 24)"
    );
}

#[test]
fn a_record_that_claims_too_much_ends_the_file_without_memory_being_taken() {
    let mut file = plain_pcap();
    file.extend(LITTLE.u32(4));
    file.extend(LITTLE.u32(40));
    file.extend(LITTLE.u32(0x7fff_ffff));
    file.extend(LITTLE.u32(0x7fff_ffff));
    let (frames, damage) = read(&file);
    assert_eq!(frames.len(), 3);
    let damage = damage.unwrap();
    assert_eq!(
        damage.message(),
        "x.pcap: packet 4 claims 2,147,483,647 bytes, the file allows 262,144"
    );
    assert_eq!(damage.code(), "corrupt-record");
    assert_eq!(
        damage.diagnostic().helps,
        ["the file is damaged from byte 93 on; make a new capture"]
    );
}

#[test]
fn a_record_within_the_window_but_above_the_bound_is_refused_too() {
    let record = LITTLE.pcap_record(0, 0, &vec![0; 300_000]);
    let (frames, damage) =
        read(&[LITTLE.pcap_header(0xa1b2_c3d4, 1_000, 1), record.clone()].concat());
    assert_eq!((frames.len(), damage.unwrap().code()), (0, "corrupt-record"));
    let (frames, damage) = read(&[LITTLE.pcap_header(0xa1b2_c3d4, 300_000, 1), record].concat());
    assert_eq!((frames.len(), damage), (1, None));
}

#[test]
fn blocks_that_cannot_be_end_the_file() {
    let good = [BIG.section(), BIG.interface(1, 0, &[]), BIG.enhanced(0, 1, b"a", &[])].concat();
    let mut lengths_differ = BIG.enhanced(0, 1, b"abcd", &[]);
    *lengths_differ.last_mut().unwrap() ^= 4;
    let mut longer_than_its_block = BIG.enhanced(0, 1, b"abcd", &[]);
    longer_than_its_block[23] = 5;
    let mut future = BIG.section();
    future[13] = 2;
    let mut order = BIG.section();
    order[8] = 0;
    for (bad, expected) in [
        (lengths_differ, "x.pcap: after packet 1 comes a block whose two lengths differ"),
        (longer_than_its_block, "x.pcap: packet 2 claims 5 bytes, the file allows 4"),
        (future, "x.pcap: after packet 1 comes a section of an unknown version"),
        (order, "x.pcap: after packet 1 comes a section of unknown byte order"),
        (
            [BIG.u32(6), BIG.u32(13)].concat(),
            "x.pcap: after packet 1 comes a block of an impossible length",
        ),
        (
            [BIG.u32(6), BIG.u32(8)].concat(),
            "x.pcap: after packet 1 comes a block of an impossible length",
        ),
        (
            BIG.block(6, b"tiny"),
            "x.pcap: after packet 1 comes a packet block without room for its header",
        ),
        (
            [BIG.u32(6), BIG.u32(0x7fff_fffc)].concat(),
            "x.pcap: packet 2 claims 2,147,483,644 bytes, the file allows 2,097,152",
        ),
    ] {
        let (frames, damage) = read(&[good.clone(), bad].concat());
        assert_eq!((frames.len(), damage.unwrap().message().as_str()), (1, expected));
    }
}

#[test]
fn what_is_no_capture_shows_its_first_bytes() {
    let Err(error) = open(b"# notes\nmore") else { panic!("must be refused") };
    let shown = error.diagnostic();
    assert_eq!(shown.code, "not-a-capture");
    assert_eq!(shown.message, "x.pcap is not a pcap or pcapng file");
    assert_eq!(shown.notes, ["first bytes are 23 20 6e 6f 74 65 73 0a (\"# notes\\n\")"]);
    assert_eq!(shown.helps.len(), 2);
}

#[test]
fn nothing_at_all_is_an_error_of_its_own_also_when_compressed() {
    for file in [Vec::new(), gzip(&[])] {
        let Err(error) = open(&file) else { panic!("must be refused") };
        assert!(matches!(error, CaptureError::Empty { .. }));
        assert_eq!(error.diagnostic().message, "x.pcap has no bytes");
    }
}

proptest! {
    #[test]
    fn random_bytes_behind_a_header_never_panic(
        tail in proptest::collection::vec(any::<u8>(), 0..400),
        ng in any::<bool>(),
        big in any::<bool>(),
    ) {
        let order = if big { BIG } else { LITTLE };
        let head = if ng {
            [order.section(), order.interface(1, 0, &[])].concat()
        } else {
            order.pcap_header(0xa1b2_c3d4, 0, 1)
        };
        if let Ok(mut file) = open(&[head, tail].concat()) {
            drain(&mut file);
        }
    }

    #[test]
    fn a_good_file_with_changed_bytes_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ng in any::<bool>(),
    ) {
        let mut bytes = if ng { plain_pcapng() } else { plain_pcap() };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(mut file) = open(&bytes) {
            drain(&mut file);
        }
    }
}
