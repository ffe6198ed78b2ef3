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
