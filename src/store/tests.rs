use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::schema::{self, Identity, Migration};
use super::*;
use crate::model::{Outcome, Posture, Timestamp, fixture};

const START: RunStart<'_> = RunStart { command: "check", started: Timestamp::from_seconds(10) };
const END: RunEnd = RunEnd { ended: Timestamp::from_seconds(12), exit_code: 1 };

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("w.db")
    }
}

#[derive(Default)]
struct Rows(Vec<String>);

impl RowSink for Rows {
    fn columns(&mut self, _: &[&str]) -> std::io::Result<()> {
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> std::io::Result<()> {
        let show = |cell: &Cell<'_>| match cell {
            Cell::Null => "NULL".to_owned(),
            Cell::Int(number) => number.to_string(),
            Cell::Real(number) => number.to_string(),
            Cell::Text(text) => (*text).to_owned(),
            Cell::Blob(bytes) => format!("{bytes:?}"),
        };
        self.0.push(cells.iter().map(show).collect::<Vec<_>>().join("|"));
        Ok(())
    }
}

fn ask(path: &Path, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut rows = Rows::default();
    query(path, sql, &QueryLimits::default(), &mut rows)?;
    Ok(rows.0)
}

fn recorded(outcomes: &[&Outcome]) -> (Folder, PathBuf) {
    let folder = Folder::new();
    let path = folder.file();
    let mut store = Store::open(&path).unwrap();
    for outcome in outcomes {
        store.record(outcome, &START, &END).unwrap();
    }
    (folder, path)
}

/// Everything the views say that should not depend on how often the same was read.
fn picture(path: &Path) -> Vec<Vec<String>> {
    [
        "SELECT fingerprint, rule, severity, client, server, port, count, first_seen, last_seen FROM v_findings",
        "SELECT client, server, port, sessions, mtls, plaintext, bytes FROM v_edges",
        "SELECT * FROM v_service_posture",
        "SELECT sha256, role, service, port, sessions, first_seen, chain_trust, chain_faults FROM v_certificates",
        "SELECT DISTINCT finding_id, ts_us, community_id, frames, facts FROM v_evidence",
        "SELECT name, how FROM service",
    ]
    .iter()
    .map(|sql| {
        let mut rows = ask(path, sql).unwrap();
        rows.sort();
        rows
    })
    .collect()
}

#[test]
fn a_new_file_belongs_to_its_owner_only_and_names_its_program() {
    let (folder, path) = recorded(&[]);
    let _open = Store::open(&path).unwrap();
    for entry in std::fs::read_dir(folder.0.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
    let plain = Connection::open(&path).unwrap();
    let pragma = |name: &str| -> String {
        plain
            .query_row(&format!("SELECT CAST(\"{name}\" AS TEXT) FROM pragma_{name}"), [], |r| {
                r.get(0)
            })
            .unwrap()
    };
    assert_eq!(pragma("application_id"), 0x574C_4E4C.to_string());
    assert_eq!((pragma("user_version").as_str(), pragma("auto_vacuum").as_str()), ("3", "2"));
    assert_eq!(pragma("journal_mode"), "wal");
}

#[test]
fn several_may_create_the_same_file_at_once() {
    let folder = Folder::new();
    let path = folder.file();
    std::thread::scope(|scope| {
        let open =
            || Store::open(&path).unwrap().record(&fixture::outcome(), &START, &END).unwrap();
        for _ in 0..4 {
            scope.spawn(open);
        }
    });
    assert_eq!(ask(&path, "SELECT count(*) FROM v_runs").unwrap(), ["4"]);
}

#[test]
fn reading_the_same_twice_adds_a_run_and_doubles_nothing() {
    let outcome = fixture::outcome();
    let (_once_folder, once) = recorded(&[&outcome]);
    let (_twice_folder, twice) = recorded(&[&outcome, &outcome]);
    assert_eq!(picture(&once), picture(&twice));
    assert_eq!(ask(&twice, "SELECT count(*) FROM v_runs").unwrap(), ["2"]);
    assert_eq!(
        ask(&twice, "SELECT count, runs FROM v_findings WHERE rule = 'WL1001'").unwrap(),
        ["37|2"]
    );
}

#[test]
fn a_run_in_steps_is_the_run_in_one_go() {
    let outcome = fixture::outcome();
    let (_folder, whole) = recorded(&[&outcome]);
    let folder = Folder::new();
    let path = folder.file();
    let mut store = Store::open(&path).unwrap();
    let run = store.begin_run(&START, &outcome.run).unwrap();
    let mut part = outcome.clone();
    part.sessions.truncate(2);
    part.findings.iter_mut().for_each(|finding| finding.count = 1);
    part.edges.truncate(1);
    part.run.sources.truncate(1);
    store.update_run(run, &part).unwrap();
    store.update_run(run, &outcome).unwrap();
    store.update_run(run, &outcome).unwrap();
    store.finish_run(run, &END).unwrap();
    drop(store);
    assert_eq!(picture(&path), picture(&whole));
    for sql in [
        "SELECT * FROM v_sessions",
        "SELECT * FROM call",
        "SELECT * FROM v_runs",
        "SELECT * FROM v_edge_hours",
    ] {
        assert_eq!(ask(&path, sql).unwrap(), ask(&whole, sql).unwrap(), "{sql}");
    }
}

#[test]
fn the_count_is_that_of_the_latest_run_and_the_times_are_of_all() {
    let first = fixture::outcome();
    let mut second = first.clone();
    second.findings.truncate(2);
    second.findings[1].count = 5;
    second.findings[1].first = fixture::moment(100_000);
    second.findings[1].last = fixture::moment(200_000);
    let (_folder, path) = recorded(&[&first, &second]);
    let rows = ask(
        &path,
        "SELECT rule, count, runs, last_run, first_seen, last_seen FROM v_findings ORDER BY 1 LIMIT 2",
    );
    assert_eq!(
        rows.unwrap(),
        [
            "WL1001|5|2|2|2026-01-21T09:14:01Z|2026-01-21T09:17:21Z",
            "WL2004|3|1|1|2026-01-21T09:14:01Z|2026-01-21T09:14:01Z"
        ]
    );
}

#[test]
fn evidence_is_bounded_in_each_run() {
    let mut late = fixture::outcome();
    late.findings.truncate(1);
    let sample = late.findings[0].evidence[0].clone();
    let at = |frame: u64| {
        let mut evidence = sample.clone();
        evidence.frames = vec![fixture::moment(frame)];
        evidence
    };
    late.findings[0].evidence = (200..209).map(at).collect();
    let mut early = late.clone();
    early.findings[0].evidence = (100..103).map(at).collect();
    let (_folder, path) = recorded(&[&late, &early]);
    assert_eq!(
        ask(&path, "SELECT group_concat(frame) FROM (SELECT frame FROM v_evidence ORDER BY ts_us)")
            .unwrap(),
        ["100,101,102,200,201,202,203,204"]
    );
}

#[test]
fn a_session_keeps_its_handshake_and_its_calls() {
    let (_folder, path) = recorded(&[&fixture::outcome()]);
    let rows = ask(
        &path,
        "SELECT number, posture, version, sni IS NOT NULL, resumed, client_certificate_requested, client_certificate
         FROM session LEFT JOIN tls USING (session_id) ORDER BY number",
    );
    assert_eq!(
        rows.unwrap(),
        [
            "1|plaintext|NULL|0|NULL|NULL|NULL",
            "2|mtls|TLSv1.2|1|0|1|presented",
            "3|tls-opaque|TLSv1.3|1|0|NULL|NULL",
            "4|unknown|NULL|0|NULL|NULL|NULL"
        ]
    );
    assert_eq!(
        ask(&path, "SELECT service, method, count, failed, last_status FROM call").unwrap(),
        ["shop.Payments|Charge|3|1|14"]
    );
    assert_eq!(
        ask(&path, "SELECT source, frame FROM v_sessions WHERE posture = 'plaintext'").unwrap(),
        ["captures/staging.pcapng|111"]
    );
}

#[test]
fn a_damaged_run_leaves_nothing_behind() {
    let folder = Folder::new();
    let path = folder.file();
    let mut store = Store::open(&path).unwrap();
    let mut outcome = fixture::outcome();
    outcome.certificates[0].role = "neither";
    assert!(matches!(store.record(&outcome, &START, &END), Err(StoreError::Sqlite { .. })));
    store.record(&fixture::outcome(), &START, &END).unwrap();
    assert_eq!(ask(&path, "SELECT count(*) FROM v_runs").unwrap(), ["1"]);
}

#[test]
fn files_of_others_are_refused_and_left_alone() {
    let folder = Folder::new();
    let notes = folder.0.path().join("notes.db");
    Connection::open(&notes).unwrap().execute_batch("CREATE TABLE note (text)").unwrap();
    let text = folder.0.path().join("notes.md");
    std::fs::write(
        &text,
        "# notes, long enough to have the header of a database in it\n".repeat(20),
    )
    .unwrap();
    for path in [&notes, &text] {
        let before = std::fs::read(path).unwrap();
        let error = Store::open(path).unwrap_err();
        assert_eq!((error.diagnostic().code, error.exit_code()), ("db-foreign", 6), "{error}");
        assert_eq!(ask(path, "SELECT 1").unwrap_err().diagnostic().code, "db-foreign");
        assert_eq!(std::fs::read(path).unwrap(), before);
    }
    assert!(
        Store::open(&notes)
            .unwrap_err()
            .diagnostic()
            .message
            .ends_with("(application id 0x00000000)")
    );
}

#[test]
fn a_later_schema_is_refused_and_names_its_writer() {
    let (_folder, path) = recorded(&[&fixture::outcome()]);
    let plain = Connection::open(&path).unwrap();
    plain.execute_batch("PRAGMA user_version = 4; UPDATE meta SET value = '0.6.2'").unwrap();
    drop(plain);
    let shown = Store::open(&path).unwrap_err().diagnostic();
    assert_eq!(shown.code, "db-newer");
    assert!(shown.message.contains("has schema 4, this wirelint"), "{}", shown.message);
    assert_eq!(shown.notes, ["it was last written by wirelint 0.6.2"]);
}

#[test]
fn another_writer_is_waited_for_and_then_named() {
    let (_folder, path) = recorded(&[]);
    let mut store = Store::open(&path).unwrap();
    store.connection.busy_timeout(Duration::ZERO).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.record(&fixture::outcome(), &START, &END).unwrap_err();
    assert_eq!(error.diagnostic().code, "db-locked");
    assert_eq!(
        ask(&path, "SELECT count(*) FROM v_runs").unwrap(),
        ["0"],
        "reading works meanwhile"
    );
}

#[test]
fn a_full_disk_is_told_and_what_was_there_stays() {
    let (_folder, path) = recorded(&[&fixture::outcome()]);
    let mut store = Store::open(&path).unwrap();
    let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store
        .connection
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .unwrap();
    let mut large = fixture::outcome();
    large.sessions = (1..500).map(|number| fixture::session(number, Posture::Unknown)).collect();
    let error = store.record(&large, &START, &END).unwrap_err();
    assert_eq!((error.diagnostic().code, error.exit_code()), ("disk-full", 6));
    assert_eq!(ask(&path, "SELECT count(*) FROM v_runs").unwrap(), ["1"]);
}

#[test]
fn a_folder_that_is_not_there_is_said_plainly() {
    let folder = Folder::new();
    let error = Store::open(&folder.0.path().join("no/w.db")).unwrap_err();
    assert_eq!(error.diagnostic().code, "db-open");
    assert_eq!(ask(&folder.file(), "SELECT 1").unwrap_err().diagnostic().code, "db-open");
    assert!(!folder.file().exists(), "asking creates nothing");
}

const STEPS: &[Migration] = &[
    Migration { to: 1, sql: "CREATE TABLE meta (key, value); CREATE TABLE old (n)" },
    Migration { to: 2, sql: "CREATE TABLE new AS SELECT n * 10 AS n FROM old; DROP TABLE old" },
    Migration { to: 3, sql: "ALTER TABLE new ADD COLUMN m DEFAULT 7" },
];

fn at_version_one(folder: &Folder) -> (Connection, PathBuf) {
    let path = folder.file();
    let mut connection = Connection::open(&path).unwrap();
    schema::migrate(&mut connection, &path, &STEPS[..1]).unwrap();
    connection.execute_batch("INSERT INTO old VALUES (1), (2)").unwrap();
    (connection, path)
}

#[test]
fn an_earlier_schema_is_brought_forward_and_a_copy_kept() {
    let folder = Folder::new();
    let (mut connection, path) = at_version_one(&folder);
    schema::migrate(&mut connection, &path, STEPS).unwrap();
    let sum: i64 =
        connection.query_row("SELECT sum(n + m) FROM new", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 44);
    assert_eq!(Identity::read(&connection).unwrap().version, 3);
    let copy = folder.0.path().join("w.db.v1.bak");
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let old = Connection::open(copy).unwrap();
    let sum: i64 = old.query_row("SELECT sum(n) FROM old", [], |row| row.get(0)).unwrap();
    assert_eq!((sum, Identity::read(&old).unwrap().version), (3, 1));
}

#[test]
fn a_step_that_fails_leaves_the_earlier_schema() {
    let folder = Folder::new();
    let (mut connection, path) = at_version_one(&folder);
    let steps = [
        Migration { to: 1, sql: "" },
        Migration { to: 2, sql: "DROP TABLE old; CREATE TABLE new (n)" },
        Migration { to: 3, sql: "SELECT nonsense" },
    ];
    for copies in 1..=2 {
        schema::migrate(&mut connection, &path, &steps).unwrap_err();
        assert_eq!(Identity::read(&connection).unwrap().version, 1);
        let found = std::fs::read_dir(folder.0.path()).unwrap();
        let found = found
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "bak"));
        assert_eq!(found.count(), copies, "an earlier copy is never written over");
    }
    let sum: i64 = connection.query_row("SELECT sum(n) FROM old", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 3);
}

#[test]
fn queries_only_read() {
    let (folder, path) = recorded(&[&fixture::outcome()]);
    let before = picture(&path);
    let other = folder.0.path().join("x.db");
    for sql in [
        "DELETE FROM finding",
        "UPDATE run SET command = 'x'",
        "INSERT INTO meta VALUES ('a', 'b')",
        "CREATE TEMP TABLE t (n)",
        "DROP VIEW v_edges",
        "PRAGMA query_only = 0",
        "PRAGMA user_version = 9",
        "PRAGMA journal_mode = DELETE",
        "VACUUM",
        "BEGIN",
        "SELECT load_extension('x')",
        "SELECT 1; DELETE FROM finding",
        "SELECT nonsense FROM v_edges",
        "",
        &format!("ATTACH '{}' AS x", other.display()),
        &format!("VACUUM INTO '{}'", other.display()),
    ] {
        let error = ask(&path, sql).unwrap_err();
        assert_eq!((error.diagnostic().code, error.exit_code()), ("db-query", 2), "{sql}: {error}");
    }
    assert!(!other.exists());
    assert_eq!(picture(&path), before);
    assert!(!ask(&path, "PRAGMA table_info(run)").unwrap().is_empty());
    assert!(!ask(&path, "EXPLAIN QUERY PLAN SELECT * FROM v_sessions").unwrap().is_empty());
}

#[test]
fn a_query_without_end_is_ended() {
    let (_folder, path) = recorded(&[]);
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let limits = QueryLimits { time: Duration::ZERO, ..QueryLimits::default() };
    let error = query(&path, endless, &limits, &mut Rows::default()).unwrap_err();
    assert_eq!(error.diagnostic().code, "db-query-time");
    let rows = QueryLimits { rows: 3, ..QueryLimits::default() };
    let rowwise = endless.replace("max(i)", "i");
    let end = query(&path, &rowwise, &rows, &mut Rows::default()).unwrap();
    assert_eq!(end, QueryEnd { rows: 3, cut: true });
    assert_eq!(
        ask(&path, "SELECT zeroblob(1000000000)").unwrap_err().diagnostic().code,
        "db-query"
    );
}

#[test]
fn what_the_wire_said_is_stored_as_it_was_escaped() {
    let (_folder, path) = recorded(&[&fixture::hostile()]);
    let rows = ask(
        &path,
        "SELECT message, subject FROM v_findings UNION SELECT sni, name FROM tls, service",
    )
    .unwrap();
    assert!(rows.iter().any(|row| row.contains("\\u{1b}]0;pwned")));
    assert!(rows.iter().all(|row| row.chars().all(|c| !c.is_control())));
}

#[test]
fn every_view_answers() {
    let (_folder, path) = recorded(&[&fixture::outcome(), &fixture::empty()]);
    for view in [
        "v_runs",
        "v_sessions",
        "v_edges",
        "v_edge_hours",
        "v_findings",
        "v_evidence",
        "v_certificates",
        "v_service_posture",
    ] {
        assert!(!ask(&path, &format!("SELECT * FROM {view}")).unwrap().is_empty(), "{view}");
    }
    assert_eq!(
        ask(&path, "SELECT sources, findings, first_packet FROM v_runs ORDER BY run_id").unwrap(),
        [
            "captures/staging.pcapng, captures/night.pcap|5|2026-01-21T09:14:01.001Z",
            "captures/staging.pcapng, captures/night.pcap|0|NULL"
        ]
    );
}

#[test]
#[ignore = "a measurement, to be run with --release --nocapture"]
fn a_hundred_thousand_sessions_take_seconds() {
    let folder = Folder::new();
    let mut outcome = fixture::outcome();
    outcome.sessions = (1..=100_000).map(fixture::mutual).collect();
    let mut store = Store::open(&folder.file()).unwrap();
    let started = std::time::Instant::now();
    store.record(&outcome, &START, &END).unwrap();
    eprintln!(
        "{:?}, {} MB",
        started.elapsed(),
        folder.file().metadata().unwrap().len() / 1_000_000
    );
}
