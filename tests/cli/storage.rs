//! Databases and output files that cannot be, and those that can.

use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

use crate::program::{BAD, GOOD, Lab, run};

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng").file("notes.md", "# notes, and not a database at all");
    let other = Connection::open(lab.path("other.db")).unwrap();
    other.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    drop(other);
    let before = fs::read(lab.path("other.db")).unwrap();
    let help = "  = help: name a new file; wirelint never writes into other databases";
    lab.run(&["check", "x.pcapng", "--db", "other.db"]).refuses(
        6,
        &[
            "error[db-foreign]: other.db is a SQLite file of another program (application id 0x00000000)",
            help,
        ],
    );
    lab.run(&["check", "x.pcapng", "--db", "notes.md"])
        .refuses(6, &["error[db-foreign]: notes.md is not a SQLite file", help]);
    assert_eq!(fs::read(lab.path("other.db")).unwrap(), before);
    assert_eq!(lab.names(), ["notes.md", "other.db", "x.pcapng"]);
}

#[test]
fn a_newer_database_is_left_alone() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 0);
    Connection::open(lab.path("w.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let run = lab.run(&["check", "x.pcapng", "--db", "w.db"]);
    run.refuses(6, &[]);
    assert!(
        run.err.starts_with("error[db-newer]: w.db has schema 99, this wirelint ("),
        "{run:#?}"
    );
    assert!(run.err.contains("  = note: it was last written by wirelint "), "{run:#?}");
    assert_eq!(lab.run(&["db", "query", "SELECT 1", "--db", "w.db"]).code, 6);
}

#[test]
fn a_database_that_another_writes_to_is_not_waited_for_without_end() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 0);
    let other = Connection::open(lab.path("w.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let read =
        lab.run(&["db", "query", "SELECT count(*) FROM v_runs", "--db", "w.db", "--format", "csv"]);
    assert_eq!((read.code, read.out.lines().last()), (0, Some("1")), "reading goes on: {read:#?}");
    let run = lab.run(&["check", "x.pcapng", "--db", "w.db"]);
    run.says(6, &["  = help: to write elsewhere: --db other.db"]);
    let said = run.err.lines().next().unwrap();
    assert!(
        said.starts_with("error[db-locked]: w.db is being written by another process"),
        "{run:#?}"
    );
    if cfg!(target_os = "linux") {
        assert!(said.contains(&format!(" (pid {}, \"", std::process::id())), "{run:#?}");
    }
}

#[test]
fn running_twice_adds_a_run_and_no_findings() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let count = |view: &str| {
        let sql = format!("SELECT count(*) FROM {view}");
        lab.run(&["db", "query", &sql, "--db", "w.db", "--format", "csv"]).out
    };
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 1);
    let findings = count("v_findings");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 1);
    assert_eq!(count("v_findings"), findings);
    assert_eq!(count("v_runs").lines().last(), Some("2"));
    #[cfg(unix)]
    assert_eq!(mode(&lab.path("w.db")), 0o600);
}

#[test]
fn a_folder_that_is_not_there_is_known_before_any_work() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    let database = lab.run(&["check", "x.pcapng", "--db", "nowhere/w.db"]);
    database.refuses(6, &[]);
    assert!(
        database.err.starts_with("error[db-open]: cannot open nowhere/w.db: "),
        "{database:#?}"
    );
    let output = lab.run(&["check", "x.pcapng", "-o", "text=t", "-o", "json=nowhere/x.json"]);
    output.refuses(6, &["  = help: name a file in a folder that exists and that you may write to"]);
    let message = "error[output-unwritable]: nowhere/x.json cannot be written: No such file";
    assert!(output.err.starts_with(message), "{output:#?}");
    assert_eq!(lab.names(), ["x.pcapng"], "nothing is left behind");
}

#[test]
fn an_output_file_is_what_standard_output_would_be_and_its_owners_alone() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").file("json", "of an earlier run of wirelint");
    let formats = ["text", "concise", "json", "ndjson"];
    let mut arguments = vec!["check".to_owned(), "x.pcapng".to_owned()];
    for format in formats {
        arguments.extend(["-o".to_owned(), format!("{format}={format}")]);
    }
    assert_eq!(lab.run(&arguments).code, 1);
    for format in formats {
        let expected = lab.run(&["check", "x.pcapng", "--format", format]).out;
        assert_eq!(fs::read_to_string(lab.path(format)).unwrap(), expected, "{format}");
        #[cfg(unix)]
        assert_eq!(mode(&lab.path(format)), 0o600, "{format}");
    }
    assert_eq!(lab.names(), ["concise", "json", "ndjson", "text", "x.pcapng"]);
}

#[test]
fn a_run_that_decides_nothing_writes_nothing() {
    let lab = Lab::new();
    lab.file("x.pcap", crate::bytes::pcap(250, &[b"abcd"])).file("json", "of an earlier run");
    assert_eq!(lab.run(&["check", "x.pcap", "-o", "json=json", "-o", "ndjson=events"]).code, 2);
    assert_eq!(fs::read_to_string(lab.path("json")).unwrap(), "of an earlier run");
    assert_eq!(lab.names(), ["json", "x.pcap"]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_a_pipe_a_pipe() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng").file("real/report", "of an earlier run of wirelint");
    std::os::unix::fs::symlink("real/report", lab.path("link")).unwrap();
    assert_eq!(lab.run(&["check", "x.pcapng", "-o", "text=link"]).code, 0);
    assert!(fs::symlink_metadata(lab.path("link")).unwrap().is_symlink());
    let text = fs::read_to_string(lab.path("real/report")).unwrap();
    assert!(text.ends_with("passed: no finding at or above high\n"), "{text}");

    let made = Command::new("mkfifo").arg(lab.path("pipe")).status().unwrap();
    assert!(made.success());
    let pipe = lab.path("pipe");
    let reader = std::thread::spawn(move || fs::read_to_string(pipe).unwrap());
    let child = lab.command(&["check", "x.pcapng", "-o", "text=pipe"]).output().unwrap();
    assert_eq!(run(child).code, 0);
    assert_eq!(reader.join().unwrap(), text);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_wherever_it_is_met() {
    use std::os::unix::fs::FileTypeExt as _;
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let is_device =
        || fs::metadata("/dev/full").is_ok_and(|known| known.file_type().is_char_device());
    if !is_device() {
        return; // A container without it.
    }
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let said = "error[disk-full]: the disk is full: /dev/full was not written";
    let output = lab.run(&["check", "x.pcapng", "-o", "json=/dev/full", "-o", "text=whole"]);
    output.says(6, &[said]);
    assert!(output.out.contains("FAILED: "), "the verdict is printed all the same: {output:#?}");
    assert!(lab.path("whole").is_file(), "the other file is written all the same");
    assert!(is_device(), "/dev/full is still a device");
    lab.run(&["check", "x.pcapng", "-o", "ndjson=/dev/full"]).says(6, &[said]);

    let said = "error[disk-full]: the disk is full: standard output was not written";
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 1);
    for arguments in [
        &["check", "x.pcapng"][..],
        &["check", "x.pcapng", "--format", "json"],
        &["check", "x.pcapng", "--format", "ndjson"],
        &["rules", "list"],
        &["explain", "WL1001"],
        &["db", "query", "SELECT 1", "--db", "w.db"],
    ] {
        let child = lab.command(arguments).stdout(full()).output().unwrap();
        run(child).says(6, &[said]);
    }
    assert_eq!(run(lab.command(&["--help"]).stdout(full()).output().unwrap()).code, 6);
}

#[test]
fn questions_are_answered_in_every_format() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "wirelint.db"]).code, 1);
    let ask = |sql: &str, format: &str| lab.run(&["db", "query", sql, "--format", format]);
    let sql = "SELECT rule, severity FROM v_findings WHERE rule = 'WL1001'";
    for (format, expected) in [
        ("csv", "rule,severity\r\nWL1001,high\r\n"),
        ("json", "[\n  {\"rule\":\"WL1001\",\"severity\":\"high\"}\n]\n"),
        ("ndjson", "{\"rule\":\"WL1001\",\"severity\":\"high\"}\n"),
    ] {
        let run = ask(sql, format);
        assert_eq!((run.code, run.out.as_str()), (0, expected), "{run:#?}");
    }
    assert!(ask(sql, "table").out.contains("WL1001"));
    let formulas = ask("SELECT '=1+1' AS a, '@x' AS b, -2 AS c", "csv");
    assert_eq!(formulas.out, "a,b,c\r\n'=1+1,'@x,-2\r\n", "no cell is a formula");
}

#[test]
fn a_question_cannot_change_anything() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "wirelint.db"]).code, 1);
    let before = fs::read(lab.path("wirelint.db")).unwrap();
    for sql in [
        "DELETE FROM finding",
        "INSERT INTO run DEFAULT VALUES",
        "DROP VIEW v_runs",
        "ATTACH 'other.db' AS other",
        "PRAGMA user_version = 7",
        "VACUUM INTO 'copy.db'",
        "SELECT 1; DELETE FROM finding",
        "SELEC 1",
        "",
    ] {
        let run = lab.run(&["db", "query", sql]);
        run.refuses(2, &[]);
        assert!(run.err.starts_with("error[db-query]: "), "{sql}: {run:#?}");
    }
    assert_eq!(fs::read(lab.path("wirelint.db")).unwrap(), before);
    assert!(!lab.path("other.db").exists() && !lab.path("copy.db").exists());
    let missing = lab.run(&["db", "query", "SELECT 1", "--db", "none.db"]);
    missing.refuses(6, &["error[db-open]: cannot open none.db: no such file"]);
}

#[test]
fn a_question_without_end_is_given_up() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "wirelint.db"]).code, 0);
    let sql =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let run = lab.run(&["db", "query", sql, "--timeout", "1"]);
    run.refuses(2, &["error[db-query-time]: the query took longer than 1 s"]);
}

#[test]
fn an_edge_that_an_earlier_run_saw_protected_better_is_told_in_whatever_order_captures_are_read() {
    let lab = Lab::new();
    lab.sample("tls12-mutual-no-more.pcapng", "x.pcapng");
    // The sample has mutual sessions, then one-way ones; the filters make two captures of it.
    let read = |db: &str, filter: &str| {
        let run = lab.run(&["check", "x.pcapng", "-f", filter, "--db", db, "--format", "concise"]);
        run.out.lines().filter(|line| line.contains("WL4011")).count()
    };
    let told = lab.run(&["check", "x.pcapng", "--format", "ndjson", "--exit-zero"]).out;
    let ports = |wanted: bool| {
        let sessions = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let sessions = sessions.filter(|event| event["event_type"] == "session");
        let of_posture = sessions.filter(|event| (event["posture"] == "mtls") == wanted);
        let ports: Vec<String> =
            of_posture.map(|event| format!("port {}", event["src_port"])).collect();
        assert!(!ports.is_empty(), "{told}");
        ports.join(" or ")
    };
    let (mutual, one_way) = (&*ports(true), &*ports(false));
    assert_eq!([read("w.db", mutual), read("w.db", one_way)], [0, 1]);
    assert_eq!(read("w.db", one_way), 1, "as long as it is so");
    assert_eq!([read("other.db", one_way), read("other.db", mutual)], [0, 0]);
}
