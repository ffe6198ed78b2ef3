//! What is read, and what cannot be.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::bytes::{packet, pcap, pcap_header, udp, without_end};
use crate::program::{BAD, GOOD, Lab, sample_bytes};

#[test]
fn a_missing_file_is_named_with_the_one_that_was_meant() {
    let lab = Lab::new();
    lab.sample(GOOD, "captures/staging.pcapng");
    lab.run(&["check", "captures/stagin.pcapng"]).refuses(
        2,
        &[
            "error[input-missing]: no such file: captures/stagin.pcapng",
            "  = help: did you mean captures/staging.pcapng?",
        ],
    );
    let far = lab.run(&["check", "captures/quite-different"]);
    far.refuses(2, &["error[input-missing]: no such file: captures/quite-different"]);
    assert!(!far.err.contains("did you mean"));
}

#[test]
fn no_path_at_all_says_what_to_write() {
    let run = Lab::new().run(&["check"]);
    run.refuses(2, &["error[input-missing]: no capture file was named"]);
    assert!(run.err.contains("wirelint check FILE.pcapng"));
}

#[test]
fn a_pattern_without_a_match_says_what_is_there() {
    let lab = Lab::new();
    lab.sample(GOOD, "captures/staging.pcapng").file("captures/notes.md", "# notes");
    lab.run(&["check", "captures/*.pcap"]).refuses(
        2,
        &[
            "error[input-glob-empty]: no file matches \"captures/*.pcap\"",
            "  = note: captures/ holds 2 files: notes.md, staging.pcapng",
            "  = help: quote the pattern or pass the directory: wirelint check captures/",
        ],
    );
}

#[test]
fn what_is_no_capture_is_shown_by_its_first_bytes() {
    let lab = Lab::new();
    lab.file("notes.md", "# notes\nmore");
    lab.run(&["check", "notes.md"]).refuses(
        2,
        &[
            "error[not-a-capture]: notes.md is not a pcap or pcapng file",
            "  = note: first bytes are 23 20 6e 6f 74 65 73 0a (\"# notes\\n\")",
            "  = help: accepted: pcap (usec, nsec, swapped), pcapng; also .gz and .zst of these",
        ],
    );
    let binary = lab.file("b", b"\x1b]0;x\x07\x9b").run(&["check", "b"]);
    binary.refuses(2, &["error[not-a-capture]: b is not a pcap or pcapng file"]);
    assert!(!binary.err.contains('\u{1b}') && !binary.err.contains('\u{9b}'));
}

#[test]
fn an_empty_file_never_passes() {
    let lab = Lab::new();
    let run = lab.file("empty.pcap", "").run(&["check", "empty.pcap"]);
    run.refuses(2, &["error[empty-file]: empty.pcap has no bytes"]);
    assert!(run.err.contains("run it with -U"));
    lab.pipe(&["check", "-"], b"").refuses(2, &["error[empty-file]: - has no bytes"]);
}

#[test]
fn a_capture_without_packets_never_passes() {
    let lab = Lab::new();
    lab.file("none.pcap", pcap_header(1));
    lab.run(&["check", "none.pcap"]).says(
        3,
        &[
            "error[no-packets]: none.pcap holds 0 packets",
            "  = help: check the capture filter and the interface: tcpdump -c1 -i eth1 tcp",
        ],
    );
    assert_eq!(lab.run(&["check", "none.pcap", "--allow-empty"]).code, 0);
}

#[test]
fn a_truncated_file_gives_what_it_has_and_says_so() {
    let lab = Lab::new();
    let pcapng = without_end(GOOD, 7);
    lab.file("cut.pcapng", &pcapng).sample("tls12-truncated-file.pcap", "cut.pcap");
    for (name, packets) in [("cut.pcapng", 48), ("cut.pcap", 48)] {
        let run = lab.run(&["check", name]);
        run.says(
            4,
            &[
                &format!("  = note: {packets} packets were read"),
                "  = help: if the rest is really gone, accept it with --on-incomplete=warn",
                &format!("  = help: recut it with: editcap {name} fixed.pcapng"),
            ],
        );
        let begin = format!("error[truncated-capture]: {name} ends inside ");
        assert!(run.err.starts_with(&begin), "{run:#?}");
        assert!(run.out.contains("2 sessions, "), "{run:#?}");
        assert!(run.out.contains("incomplete[truncated-capture]: "), "{run:#?}");
        assert!(run.out.contains("\nINCOMPLETE: "), "{run:#?}");
    }
}

#[test]
fn findings_win_over_incomplete_evidence() {
    let lab = Lab::new();
    lab.file("cut.pcapng", without_end(BAD, 7));
    let run = lab.run(&["check", "cut.pcapng"]);
    run.says(1, &[]);
    assert!(run.err.starts_with("error[truncated-capture]: "), "{run:#?}");
    assert!(run.out.contains("\nFAILED: "), "{run:#?}");
}

#[test]
fn incomplete_evidence_that_is_accepted_is_still_told() {
    let lab = Lab::new();
    lab.file("cut.pcapng", without_end(GOOD, 7)).file("bad.pcapng", without_end(BAD, 7));
    let run = lab.run(&["check", "cut.pcapng", "--on-incomplete=warn"]);
    run.says(0, &[]);
    assert!(run.err.starts_with("warning[truncated-capture]: cut.pcapng ends inside "), "{run:#?}");
    assert!(!run.err.contains("--on-incomplete"), "advice that was followed: {run:#?}");
    assert!(run.out.contains("incomplete[truncated-capture]: "), "{run:#?}");
    assert!(run.out.ends_with("; incomplete evidence was accepted\n"), "{run:#?}");
    assert_eq!(lab.run(&["check", "bad.pcapng", "--on-incomplete=warn"]).code, 1);
}

#[test]
fn a_corrupt_record_ends_the_reading_and_is_no_pass() {
    let lab = Lab::new();
    let bytes = [pcap(1, &[&udp(53)]), packet(0x7fff_ffff, b"abcd")].concat();
    lab.file("bad.pcap", bytes).run(&["check", "bad.pcap"]).says(
        4,
        &[
            "error[corrupt-record]: bad.pcap: packet 2 claims 2,147,483,647 bytes, the file allows 262,144",
            "  = note: reading stopped there; 1 packet was read",
        ],
    );
}

#[test]
fn a_link_type_without_ip_is_refused_with_the_list_of_others() {
    let lab = Lab::new();
    lab.file("serial.pcap", pcap(250, &[b"abcd"]));
    let run = lab.run(&["check", "serial.pcap"]);
    let what =
        "serial.pcap has link type 250 (RTAC_SERIAL), which carries no IP that wirelint can read";
    run.refuses(2, &[&format!("error[unsupported-linktype]: {what}")]);
    assert!(run.err.contains("= help: supported: EN10MB(1), RAW(101), "), "{run:#?}");
}

#[test]
fn a_file_that_cannot_be_read_beside_others_is_missing_evidence_and_no_refusal() {
    let lab = Lab::new();
    lab.file("captures/serial.pcap", pcap(250, &[b"abcd"])).sample(GOOD, "captures/good.pcapng");
    let what = "captures/serial.pcap has link type 250 (RTAC_SERIAL), which carries no IP that wirelint can read";
    lab.run(&["check", "captures"]).says(4, &[&format!("error[unsupported-linktype]: {what}")]);
    let accepted = lab.run(&["check", "captures", "--on-incomplete", "warn"]);
    assert!(accepted.out.contains("passed: "), "{accepted:#?}");
}

#[test]
fn cut_packets_are_told_with_the_way_to_capture_them_whole() {
    let lab = Lab::new();
    lab.sample("tls12-snaplen-96.pcapng", "s.pcapng");
    lab.run(&["check", "s.pcapng", "--format", "json"]).says(
        4,
        &[
            "error[snaplen-too-small]: 28 of 49 frames were cut by the snapshot length",
            "  = help: capture again with: tcpdump -s 0 ...",
        ],
    );
}

#[test]
fn an_unreadable_path_is_named() {
    let lab = Lab::new();
    // Opening a file below a file fails for everybody, root too.
    lab.file("plain", "x");
    let run = lab.run(&["check", "plain/x.pcap"]);
    run.refuses(2, &[]);
    assert!(run.err.starts_with("error[input-unreadable]: cannot read plain/x.pcap: "), "{run:#?}");
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_says_what_is_missing() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    fs::set_permissions(lab.path("x.pcapng"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(lab.path("x.pcapng")).is_ok() {
        return; // Root reads everything; there is nothing to see here.
    }
    let run = lab.run(&["check", "x.pcapng"]);
    run.refuses(2, &["  = help: read permission is all it needs"]);
}

#[test]
fn only_udp_is_nothing_audited_and_can_be_accepted() {
    let lab = Lab::new();
    lab.file("udp.pcap", pcap(1, &[&udp(53)]));
    let run = lab.run(&["check", "udp.pcap"]);
    run.says(
        3,
        &[
            "error[nothing-audited]: its only packet could not be audited",
            "  = note: by what they carry: udp 1",
            "  = help: if an empty result is fine here, use --allow-empty",
        ],
    );
    assert!(run.out.ends_with("NOTHING AUDITED: no TCP session with data to judge\n"), "{run:#?}");
    let run = lab.run(&["check", "udp.pcap", "--allow-empty"]);
    run.says(0, &[]).is_silent_on_stderr();
    assert!(!run.out.contains("NOTHING AUDITED"), "{run:#?}");
}

#[test]
fn a_tunnel_that_hides_everything_is_named() {
    let lab = Lab::new();
    lab.file("mirror.pcap", pcap(1, &[&udp(4789), &udp(4789), &udp(53)]));
    let note = "  = note: 2 of them are UDP port 4789: this looks like VXLAN traffic";
    lab.run(&["check", "mirror.pcap"]).says(3, &[note]);
}

#[test]
fn filters_choose_frames_and_wrong_ones_are_explained() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "-f", "tcp port 8443"]).code, 0);
    lab.run(&["check", "x.pcapng", "-f", "tcp.port == 443"]).refuses(
        2,
        &[
            "error[filter-syntax]: libpcap cannot parse the filter: syntax error",
            "  = note: this is Wireshark display-filter syntax; -f takes a BPF filter (man pcap-filter)",
            "  = help: try: -f \"tcp port 443\"",
        ],
    );
    lab.run(&["check", "x.pcapng", "-f", "host payments.prod.internal"]).refuses(
        2,
        &[
            "error[filter-needs-dns]: the filter names a host: \"payments.prod.internal\"",
            "  = note: libpcap would ask DNS for it, and wirelint sends no packets",
        ],
    );
    lab.run(&["check", "x.pcapng", "-f", "udp"])
        .says(3, &["error[no-packets]: the filter lets none of 49 packets through"]);
}

#[test]
fn a_pipe_and_compression_change_nothing_but_the_name() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let expected = lab.run(&["check", "x.pcapng", "--format", "json"]);
    let renamed = |text: &str, name: &str| text.replace(name, "x.pcapng");
    let piped = lab.pipe(&["check", "-", "--format", "json"], &sample_bytes(BAD));
    assert_eq!(piped.code, expected.code);
    assert_eq!(piped.out.replace("\"-\"", "\"x.pcapng\""), expected.out);
    for (tool, name) in [("gzip", "x.pcapng.gz"), ("zstd", "x.pcapng.zst")] {
        let Some(bytes) = compressed(tool, &lab) else { continue };
        let run = lab.file(name, &bytes).run(&["check", name, "--format", "json"]);
        assert_eq!((run.code, renamed(&run.out, name)), (expected.code, expected.out.clone()));
        let cut =
            lab.file("cut", &bytes[..bytes.len() / 2]).run(&["check", "cut", "--fail-on=never"]);
        assert_eq!(cut.code, 4, "{cut:#?}");
        assert!(cut.err.contains("ends inside its compressed data"), "{cut:#?}");
    }
}

/// What a compressor makes of `x.pcapng`; `None` where it is not installed.
fn compressed(tool: &str, lab: &Lab) -> Option<Vec<u8>> {
    let mut command = Command::new(tool);
    command.arg("-c").arg(lab.path("x.pcapng")).stderr(Stdio::null());
    let output = command.output().ok()?;
    output.status.success().then_some(output.stdout)
}

#[test]
fn a_folder_is_its_captures_by_name() {
    let lab = Lab::new();
    lab.sample(GOOD, "d/b.pcapng").sample(BAD, "d/a.pcapng").file("d/notes.md", "no capture");
    let folder = lab.run(&["check", "d"]);
    assert_eq!(folder, lab.run(&["check", "d/a.pcapng", "d/b.pcapng"]));
    assert_eq!(folder, lab.run(&["check", "-r", "d/a.pcapng", "--read", "d/b.pcapng"]));
    assert_eq!(folder, lab.run(&["check", "d/?.pcapng"]));
    let (first, second) = ("  read: d/a.pcapng: 78 frames", "  read: d/b.pcapng: 49 frames");
    assert!(folder.out.contains(&format!("{first}\n{second}\n")), "{folder:#?}");

    lab.sample(GOOD, "deep/er/b.pcapng");
    lab.run(&["check", "deep"]).refuses(
        2,
        &[
            "error[input-glob-empty]: no capture file in deep",
            "  = help: --recursive looks into its folders",
        ],
    );
    assert_eq!(lab.run(&["check", "deep", "--recursive"]).code, 0);
}

#[test]
fn one_wrong_file_among_several_decides_nothing() {
    let lab = Lab::new();
    lab.sample(GOOD, "a.pcapng").file("b.md", "text");
    lab.run(&["check", "a.pcapng", "b.md"])
        .refuses(2, &["error[not-a-capture]: b.md is not a pcap or pcapng file"]);
}

#[test]
fn a_terminal_is_not_waited_for() {
    // `script` gives its child a terminal; where it is missing, there is nothing to try this with.
    let program = env!("CARGO_BIN_EXE_wirelint");
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{program} check -"), "/dev/null"]);
    let streams = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = streams.spawn() else { return };
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{said}");
    assert!(said.contains("[stdin-terminal]"), "{said}");
}
