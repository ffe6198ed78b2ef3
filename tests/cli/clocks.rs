//! Packet times that cannot be, and packets that are not there.

use crate::program::{GOOD, Lab, sample_bytes};

/// A capture of frames that carry nothing, at these seconds.
fn at(seconds: &[u32]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.extend(word.to_le_bytes());
    }
    for second in seconds {
        for word in [*second, 0, 60, 60] {
            file.extend(word.to_le_bytes());
        }
        file.extend([0; 60]);
    }
    file
}

/// The sample with what its interface lost, as pcapng says it.
fn losing(packets: u64) -> Vec<u8> {
    let mut file = sample_bytes(GOOD);
    for word in [5_u32, 40, 0, 0, 0, 0x0008_0005] {
        file.extend(word.to_le_bytes());
    }
    file.extend(packets.to_le_bytes());
    for word in [0_u32, 40] {
        file.extend(word.to_le_bytes());
    }
    file
}

const DAY: u32 = 1_770_000_000;

#[test]
fn times_that_go_back_are_told_with_the_packet() {
    let lab = Lab::new();
    lab.file("x.pcap", at(&[DAY, DAY + 12_000, DAY + 480, DAY + 500]));
    lab.run(&["check", "x.pcap", "--allow-empty"]).says(
        0,
        &[
            "warning[clock-skew]: packet times go back by 3 h 12 min at packet 3 of x.pcap",
            "  = help: sort by time first: reordercap in.pcapng out.pcapng",
        ],
    );
    lab.file("x.pcap", at(&[DAY, DAY + 30, DAY, DAY + 59]));
    lab.run(&["check", "x.pcap", "--allow-empty"]).says(0, &[]).is_silent_on_stderr();
}

#[test]
fn files_in_the_wrong_order_are_told_with_what_to_do() {
    let lab = Lab::new();
    lab.file("a.pcap", at(&[DAY + 600])).file("b.pcap", at(&[DAY, DAY + 1]));
    let run = lab.run(&["check", "a.pcap", "b.pcap", "--allow-empty"]);
    run.says(
        0,
        &[
            "warning[clock-skew]: packet times go back by 10 min at packet 1 of b.pcap",
            "  = help: merge by time first: mergecap -w all.pcapng FILE...",
        ],
    );
    let run = lab.run(&["check", "b.pcap", "a.pcap", "--allow-empty"]);
    run.says(0, &[]).is_silent_on_stderr();
}

#[test]
fn packets_far_ahead_of_the_day_are_told() {
    let lab = Lab::new();
    lab.file("x.pcap", at(&[DAY]));
    let on = |day: &str| lab.run(&["check", "x.pcap", "--allow-empty", "--now", day]);
    on("2024-12-16").says(
        0,
        &[
            "warning[clock-future]: packets are 413 days ahead of this machine",
            "  = note: certificate dates are judged by packet time, not by the clock here",
        ],
    );
    on("2026-02-01").says(0, &[]).is_silent_on_stderr();
}

#[test]
fn what_a_capture_lost_makes_its_evidence_incomplete() {
    let lab = Lab::new();
    lab.file("x.pcapng", losing(500));
    let whole = lab.run(&["check", "x.pcapng"]);
    whole.says(0, &[]);
    assert!(whole.out.contains("500 lost by the capture"), "{whole:#?}");
    let run = lab.run(&["check", "x.pcapng", "--max-drop-percent", "0.1"]);
    run.says(4, &["  = note: a handshake can be lost this way: \"no finding\" is no proof"]);
    let said = run.err.lines().next().unwrap();
    assert!(said.starts_with("error[drops]: the capture lost 500 of "), "{run:#?}");
    assert!(said.ends_with("more than max-drop-percent = 0.1"), "{run:#?}");
    let taken = ["check", "x.pcapng", "--max-drop-percent", "0.1", "--on-incomplete", "warn"];
    assert_eq!(lab.run(&taken).code, 0);
    assert_eq!(lab.run(&["check", "x.pcapng", "--max-drop-percent", "99.9"]).code, 0);
}
