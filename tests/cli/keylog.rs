//! `--keylog`, and captures that carry keys.

use std::path::Path;

use serde_json::Value;

use crate::bytes::pcap;
use crate::program::{GOOD, Lab};

/// A recorded session: its key log, and who sent what.
fn recorded() -> (String, Vec<(bool, Vec<u8>)>) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/tls13-aes128-gcm-mutual.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut log, mut said) = (String::new(), Vec::new());
    for line in text.lines() {
        match line.split_once(' ').unwrap() {
            (mark @ (">" | "<"), digits) => {
                let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                said.push((mark == ">", (0..digits.len()).step_by(2).map(byte).collect()));
            }
            _ => log += &format!("{line}\n"),
        }
    }
    (log, said)
}

/// An IPv4 packet with a TCP segment.
fn segment(from_client: bool, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
    let ends = [[10, 0, 0, 1], [10, 0, 0, 2]];
    let ports = [[0x9c, 0x40], [0x20, 0xfb]];
    let (from, to) = if from_client { (0, 1) } else { (1, 0) };
    let ip =
        [&[0x45, 0][..], &length, &[0, 1, 0x40, 0, 64, 6, 0, 0], &ends[from], &ends[to]].concat();
    let tcp = [
        &ports[from][..],
        &ports[to],
        &sequence.to_be_bytes(),
        &[0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0],
    ];
    [ip, tcp.concat(), payload.to_vec()].concat()
}

fn packets() -> Vec<Vec<u8>> {
    let mut next = [1_u32, 1];
    let mut all = vec![segment(true, 0, 2, &[]), segment(false, 0, 0x12, &[])];
    for (from_client, bytes) in recorded().1 {
        let place = &mut next[usize::from(!from_client)];
        all.push(segment(from_client, *place, 0x10, &bytes));
        *place += u32::try_from(bytes.len()).unwrap();
    }
    all
}

/// The session as a capture of raw IP.
fn capture() -> Vec<u8> {
    let packets = packets();
    pcap(101, &packets.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// The same as pcapng, with a decryption secrets block before this packet.
fn carrying(log: &str, before: usize) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let mut padded = body.to_vec();
        padded.resize(body.len().next_multiple_of(4), 0);
        let length = u32::try_from(12 + padded.len()).unwrap().to_le_bytes();
        [&kind.to_le_bytes()[..], &length, &padded, &length].concat()
    };
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let section = [words(&[0x1a2b_3c4d, 1]), vec![0xff; 8]].concat();
    let mut file = [block(0x0a0d_0d0a, &section), block(1, &words(&[101, 0]))].concat();
    for (index, packet) in packets().iter().enumerate() {
        let length = u32::try_from(packet.len()).unwrap();
        if index == before {
            let secrets = [words(&[0x544c_534b, u32::try_from(log.len()).unwrap()]), log.into()];
            file.extend(block(10, &secrets.concat()));
        }
        file.extend(block(
            6,
            &[words(&[0, 0, 1_000_000, length, length]), packet.clone()].concat(),
        ));
    }
    file
}

fn session(out: &str) -> Value {
    let events = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.into_iter().find(|event| event["event_type"] == "session").unwrap()
}

const JSON: [&str; 5] = ["check", "--format", "ndjson", "-q", "--exit-zero"];

#[test]
fn a_key_log_shows_what_was_hidden() {
    let lab = Lab::new();
    lab.file("run.pcap", capture()).file("keys.log", recorded().0);
    let hidden = session(&lab.run(&[&JSON[..], &["run.pcap"]].concat()).out);
    assert_eq!(
        (hidden["posture_evidence"] == "decrypted", &hidden["tls"]["keys"]),
        (false, &Value::Null)
    );
    for workers in ["1", "3"] {
        let run = lab.run(
            &[&JSON[..], &["run.pcap", "--keylog", "keys.log", "--workers", workers]].concat(),
        );
        let opened = session(&run.out);
        assert_eq!(opened["posture"], "mtls");
        assert_eq!(opened["posture_evidence"], "decrypted");
        assert_eq!(
            (&opened["tls"]["keys"], &opened["tls"]["inside"]),
            (&"fit".into(), &"http/1.1".into())
        );
        assert_eq!(opened["calls"]["calls"][0]["method"], "GET /ledger");
        assert_eq!(opened["plaintext"], Value::Null);
        assert_eq!(opened["tls"]["client_certificates"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn keys_that_a_capture_carries_apply_to_what_follows_them() {
    let lab = Lab::new();
    let log = recorded().0;
    lab.file("first.pcapng", carrying(&log, 0));
    lab.file("between-hellos.pcapng", carrying(&log, 3)).file("late.pcapng", carrying(&log, 6));
    for (file, evidence, keys) in [
        ("first.pcapng", "decrypted", "fit".into()),
        ("between-hellos.pcapng", "decrypted", "fit".into()),
        ("late.pcapng", "", Value::Null),
    ] {
        for workers in ["1", "4"] {
            let run = lab.run(&[&JSON[..], &[file, "--batch", "1", "--workers", workers]].concat());
            let one = session(&run.out);
            assert_eq!(one["tls"]["keys"], keys, "{file}");
            assert_eq!(one["posture_evidence"] == "decrypted", evidence == "decrypted", "{file}");
        }
    }
}

#[test]
fn no_key_and_nothing_that_was_encrypted_is_written_anywhere() {
    let lab = Lab::new();
    lab.file("run.pcap", capture()).file("keys.log", recorded().0);
    let run = lab.run(&[
        "check",
        "run.pcap",
        "--keylog",
        "keys.log",
        "--db",
        "a.db",
        "-o",
        "json=a.json",
        "--keep-sessions",
        "all",
        "--all",
        "--exit-zero",
    ]);
    let mut written = [run.out.as_bytes(), run.err.as_bytes()].concat();
    for name in ["a.db", "a.json"] {
        written.extend(std::fs::read(lab.path(name)).unwrap());
    }
    for line in recorded().0.lines() {
        let secret = line.rsplit(' ').next().unwrap();
        let bytes: Vec<u8> = (0..secret.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&secret[at..at + 2], 16).unwrap())
            .collect();
        for shape in [secret.as_bytes(), &secret.as_bytes()[..32], &bytes[..16]] {
            assert!(!written.windows(shape.len()).any(|window| window == shape), "{line}");
        }
    }
}

#[test]
fn rubbish_in_a_key_log_is_named_once_and_the_rest_is_used() {
    let lab = Lab::new();
    let log = "# made by hand\nnot a key\n".to_owned() + &recorded().0 + "CLIENT_RANDOM 00 11\n";
    lab.file("run.pcap", capture()).file("keys.log", log);
    let run = lab.run(&["check", "run.pcap", "--keylog", "keys.log", "--exit-zero"]);
    run.says(
        0,
        &[
            "warning[keylog-lines]: keys.log: 2 lines are not of a key log",
            "  = note: the first is line 2; 4 secrets were read",
        ],
    );
    assert_eq!(run.err.matches("warning[").count(), 1, "{run:#?}");
    assert!(!run.err.contains("not a key\n"), "what is in a key log is not printed");
    assert!(run.out.contains("mTLS") || run.out.contains("mtls"));
}

#[test]
fn keys_that_do_not_fit_are_a_warning_and_the_audit_goes_on() {
    let lab = Lab::new();
    let wrong: String = recorded()
        .0
        .lines()
        .map(|line| {
            let (front, secret) = line.rsplit_once(' ').unwrap();
            format!("{front} {}\n", secret.chars().rev().collect::<String>())
        })
        .collect();
    lab.file("run.pcap", capture()).file("keys.log", wrong);
    let run = lab.run(&["check", "run.pcap", "--keylog", "keys.log", "--exit-zero"]);
    run.says(
        0,
        &[
            "warning[keys-do-not-fit]: the keys given for 1 session do not open what was captured",
            "  = note: these sessions were judged as if there were no keys",
        ],
    );
    assert_eq!(run.err.matches("warning[").count(), 1, "{run:#?}");
    assert!(run.out.contains("that the keys given for them do not open"), "{}", run.out);
}

#[test]
fn a_key_log_of_another_capture_is_a_warning() {
    let lab = Lab::new();
    lab.sample(GOOD, "run.pcapng").file("keys.log", recorded().0);
    lab.run(&["check", "run.pcapng", "--keylog", "keys.log"]).says(
        0,
        &["warning[keylog-unused]: no session of this capture has its keys in the key log"],
    );
}

#[test]
fn a_key_log_that_is_not_there_is_refused() {
    let lab = Lab::new();
    lab.sample(GOOD, "run.pcapng").file("keys.log", "");
    lab.run(&["check", "run.pcapng", "--keylog", "key.log"]).refuses(
        2,
        &["error[input-missing]: no such file: key.log", "  = help: did you mean keys.log?"],
    );
    lab.run(&["check", "run.pcapng", "--keylog", "."]).refuses(2, &[]);
}

#[test]
fn a_key_log_that_grows_while_a_pipe_is_read_is_read_on() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;

    let lab = Lab::new();
    lab.file("keys.log", "# nothing yet\n");
    let mut command =
        lab.command(&["watch", "-r", "-", "--format", "ndjson", "--keylog", "keys.log"]);
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("watching"), "{first}");
    // The log was read to its end by now, and the program waits for a capture.
    lab.file("keys.log", format!("# nothing yet\n{}", recorded().0));
    child.stdin.take().unwrap().write_all(&capture()).unwrap();
    let output = child.wait_with_output().unwrap();
    let opened = session(&String::from_utf8(output.stdout).unwrap());
    assert_eq!((&opened["posture"], &opened["tls"]["keys"]), (&"mtls".into(), &"fit".into()));
}
