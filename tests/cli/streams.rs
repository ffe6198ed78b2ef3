//! Readers that go away, and signals.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use crate::program::{BAD, Lab, run, sample_bytes};

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "wirelint.db"]).code, 1);
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT i FROM n";
    for (arguments, code) in [
        (&["check", "x.pcapng"][..], 1),
        (&["check", "x.pcapng", "--format", "concise"], 1),
        (&["check", "x.pcapng", "--format", "json"], 1),
        (&["check", "x.pcapng", "--format", "ndjson"], 1),
        (&["rules", "list"], 0),
        (&["explain", "WL1001"], 0),
        (&["--help"], 0),
        (&["db", "query", many, "--format", "csv"], 0),
    ] {
        let mut command = lab.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run = run(child.wait_with_output().unwrap());
        assert_eq!(run.code, code, "{arguments:?}: {run:#?}");
        let told = run.err.to_lowercase();
        assert!(!told.contains("pipe") && !told.contains("error["), "{arguments:?}: {run:#?}");
    }
}

/// Bytes that are more than a pipe holds and more than the program reads ahead.
const FAR: usize = 4 << 20;

/// The program, which is known to be reading its standard input: it has taken more than a pipe can hold.
fn reading(lab: &Lab, extra: &[&str]) -> Child {
    let mut arguments = vec!["check", "-"];
    arguments.extend(extra);
    let mut command = lab.command(&arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let capture = sample_bytes(BAD);
    let stdin = child.stdin.as_mut().unwrap();
    for _ in 0..FAR / capture.len() {
        stdin.write_all(&capture).unwrap();
    }
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_input_and_keeps_what_was_found() {
    for name in ["-INT", "-TERM"] {
        let lab = Lab::new();
        let mut child = reading(&lab, &["--format", "json", "-o", "text=t", "--db", "w.db"]);
        signal(&child, name);
        // More of the capture comes until nobody reads it any longer.
        let mut stdin = child.stdin.take().unwrap();
        let capture = sample_bytes(BAD);
        while stdin.write_all(&capture).is_ok() {}
        let ended = run(child.wait_with_output().unwrap());
        assert_eq!(ended.code, 130, "{}", ended.err);
        assert!(ended.err.contains("error[interrupted]: stopped after "), "{}", ended.err);
        assert!(ended.out.contains("\"code\": \"interrupted\""), "{}", ended.out);
        assert!(ended.out.contains("\"rule\": \"WL1001\""), "{}", ended.out);
        let text = std::fs::read_to_string(lab.path("t")).unwrap();
        assert!(text.contains("\nincomplete[interrupted]: stopped after "), "{text}");
        let sql = "SELECT exit_code FROM v_runs";
        let stored = lab.run(&["db", "query", sql, "--db", "w.db", "--format", "csv"]);
        assert_eq!(stored.out, "exit_code\r\n130\r\n");
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_does_not_wait() {
    let lab = Lab::new();
    let mut child = reading(&lab, &[]);
    signal(&child, "-INT");
    // Signals of one kind that come too fast become one, so they are sent until the program has ended. Its input stays
    // open all the while.
    let open = child.stdin.take();
    while child.try_wait().unwrap().is_none() {
        let _gone = Command::new("kill").args(["-INT", &child.id().to_string()]).output();
    }
    drop(open);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// A classic capture file with other packet times: of each record the number, and its second, give the second.
fn with_times(pcap: &[u8], second: impl Fn(usize, u32) -> u32) -> Vec<u8> {
    let mut bytes = pcap.to_vec();
    let (mut at, mut number) = (24, 0);
    while at + 16 <= bytes.len() {
        let word =
            |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let length = word(&bytes, at + 8) as usize;
        let other = second(number, word(&bytes, at)).to_le_bytes();
        bytes[at..at + 4].copy_from_slice(&other);
        (at, number) = (at + 16 + length, number + 1);
    }
    bytes
}

#[test]
fn a_watch_whose_packet_times_step_back_and_forth_comes_to_the_same_verdicts() {
    let lab = Lab::new();
    let capture = sample_bytes("tls12-truncated-file.pcap");
    let watch = |pcap: &[u8]| {
        let run =
            lab.pipe(&["watch", "-r", "-", "--format", "ndjson", "--stats-interval", "0s"], pcap);
        assert_eq!(run.code, 0, "{run:#?}");
        let events =
            run.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut verdicts: Vec<String> = events
            .filter(|event| event["event_type"] == "session")
            .map(|event| {
                format!("{} {} {}", event["src_port"], event["posture"], event["client_auth"])
            })
            .collect();
        verdicts.sort();
        verdicts.dedup();
        (verdicts, run.err)
    };
    let (steady, said) = watch(&capture);
    assert!(!steady.is_empty() && !said.contains("clock-step"), "{said}");
    // A minute back with every third packet, an hour on with every tenth, and to the ends of what a file can say.
    let stepping = with_times(&capture, |number, second| match number {
        20 => 0,
        31 => u32::MAX,
        number if number % 10 == 9 => second + 3600,
        number if number % 3 == 2 => second - 60,
        _ => second,
    });
    let (verdicts, said) = watch(&stepping);
    assert!(said.contains("warning[clock-step]"), "{said}");
    // What falls apart is not told, which is no pass and no violation.
    let invented =
        |verdict: &&String| ["\"tls\"", "\"plaintext\""].iter().any(|one| verdict.contains(one));
    assert_eq!(verdicts.iter().find(invented), None, "{verdicts:?}");
    assert!(verdicts.iter().any(|verdict| steady.contains(verdict)), "{verdicts:?}");
}
