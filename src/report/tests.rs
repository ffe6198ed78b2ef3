use std::collections::BTreeMap;

use serde_json::Value;

use super::schema_check::problems;
use super::*;
use crate::model::{Incomplete, Severity, Timestamp, fixture};
use crate::store::{QueryLimits, RunEnd, RunStart, Store};

fn shown(format_name: &str, outcome: &Outcome, style: &Style) -> String {
    let mut out = Vec::new();
    format(format_name).unwrap()(outcome, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(format_name: &str, outcome: &Outcome) -> String {
    shown(format_name, outcome, &Style::default())
}

fn terminal() -> Style {
    Style { width: 80, ..Style::default() }
}

fn events(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_text_report_says_first_what_matters() {
    insta::assert_snapshot!("text", shown("text", &fixture::outcome(), &terminal()));
}

#[test]
fn the_text_report_of_nothing_says_so() {
    insta::assert_snapshot!("text_empty", shown("text", &fixture::empty(), &terminal()));
}

#[test]
fn the_text_report_of_many_findings_stays_readable() {
    let text = shown("text", &fixture::many_findings(500), &terminal());
    assert!(text.lines().count() < 100, "{} lines", text.lines().count());
    assert!(text.contains("492 more findings are not shown here"), "{text}");
    let all = Style { show: Show::All, ..terminal() };
    let text = shown("text", &fixture::many_findings(500), &all);
    assert!(text.contains("client-499 speaks"));
}

#[test]
fn the_concise_report_is_one_line_a_finding() {
    insta::assert_snapshot!("concise", plain("concise", &fixture::outcome()));
}

#[test]
fn the_json_report_is_stable() {
    insta::assert_snapshot!("json", plain("json", &fixture::outcome()));
}

#[test]
fn colours_come_only_when_asked_for() {
    let color = Style { color: true, ..terminal() };
    for name in ["text", "concise"] {
        assert!(shown(name, &fixture::outcome(), &color).contains("\u{1b}[1;31m"));
        assert!(!plain(name, &fixture::hostile()).contains('\u{1b}'));
    }
    let stripped = shown("text", &fixture::outcome(), &color);
    let codes = ["1;31", "1;33", "1;36", "1;32", "1", "0"].map(|code| format!("\u{1b}[{code}m"));
    let stripped = codes.iter().fold(stripped, |text, code| text.replace(code, ""));
    assert_eq!(stripped, shown("text", &fixture::outcome(), &terminal()));
}

#[test]
fn ascii_means_ascii() {
    let style = Style { ascii: true, ..terminal() };
    assert!(shown("text", &fixture::outcome(), &style).is_ascii());
}

#[test]
fn no_line_begins_with_what_a_peer_said() {
    let ours = [
        "error[",
        "warning[",
        "note",
        "  --> ",
        "   |",
        "   = ",
        "│",
        "|",
        "  frames: ",
        "  judged: ",
        "  not read: ",
        "  not seen: ",
        "  not decided: ",
        "  read: ",
        "  filter: ",
        "incomplete[",
        "222 sessions",
        "5 findings",
        "FAILED",
        "./",
        "wirelint: ",
    ];
    for width in [10, 40, 80, 100, Style::NO_WIDTH] {
        for (name, ascii) in [("text", true), ("text", false), ("concise", true)] {
            let style = Style { width, ascii, ..Style::default() };
            for line in shown(name, &fixture::hostile(), &style).lines().filter(|l| !l.is_empty()) {
                assert!(
                    ours.iter().any(|start| line.starts_with(start)),
                    "{name} {width}: {line:?}"
                );
                assert!(!line.trim_start().starts_with("::"), "{line:?}");
                assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
            }
        }
    }
}

#[test]
fn programs_get_no_control_characters_even_decoded() {
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(list) => list.iter().flat_map(texts).collect(),
            Value::Object(map) => map
                .iter()
                .flat_map(|(key, value)| texts(value).into_iter().chain([key.as_str()]))
                .collect(),
            _ => Vec::new(),
        }
    }
    for event in events(&plain("ndjson", &fixture::hostile())) {
        for text in texts(&event) {
            assert!(text.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{text:?}");
        }
    }
}

#[test]
fn every_event_is_as_its_schema_says() {
    let schema = include_str!("../../docs/event.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    for outcome in [fixture::outcome(), fixture::hostile(), fixture::empty()] {
        let events = events(&plain("ndjson", &outcome));
        assert!(events.len() >= 2);
        for event in events {
            assert_eq!(problems(&schema, &event), [""; 0], "{event:#}");
        }
    }
}

#[test]
fn sessions_written_one_by_one_give_the_same_bytes() {
    let outcome = fixture::outcome();
    let mut streamed = Vec::new();
    let mut writer = SessionWriter::new(&mut streamed);
    let mut early = outcome.run.clone();
    early.sources.truncate(1);
    early.sources[0].frames = 0;
    for session in &outcome.sessions {
        writer.session(&early, session).unwrap();
    }
    writer.finish(&outcome).unwrap();
    assert_eq!(String::from_utf8(streamed).unwrap(), plain("ndjson", &outcome));
}

#[test]
fn a_session_event_has_what_a_scorer_needs() {
    let events = events(&plain("ndjson", &fixture::outcome()));
    let session = |number: u64| events.iter().find(|event| event["flow_id"] == number).unwrap();
    let mutual = &session(2)["tls"];
    assert_eq!((&mutual["version"], &mutual["cipher_hex"]), (&"TLSv1.2".into(), &"c02f".into()));
    assert_eq!(mutual["client_certificate"], "presented");
    assert_eq!(mutual["server_certificates"][0]["not_after"], "2026-01-27T07:46:40.000000Z");
    assert_eq!(mutual["alerts"][0]["name"], "close_notify");
    let opaque = &session(3)["tls"];
    for hidden in
        ["server_certificates", "client_certificate", "client_certificate_requested", "alpn"]
    {
        assert!(opaque[hidden].is_null());
        let list = opaque["not_observable"].as_array().unwrap();
        assert!(
            list.iter().any(|entry| entry["field"] == hidden && entry["why"] == "encrypted"),
            "{hidden}"
        );
    }
    assert_eq!(session(1)["calls"]["calls"][0]["method"], "Charge");
    assert_eq!(session(4)["first_bytes"], "high-entropy");
}

/// Findings by severity.
type Counts = BTreeMap<&'static str, usize>;

fn counts(of: impl Fn(&str) -> usize) -> Counts {
    Severity::ALL.map(|severity| (severity.name(), of(severity.name()))).into_iter().collect()
}

fn stored(outcome: &Outcome) -> Counts {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    let start = RunStart { command: "check", started: Timestamp::default() };
    let end = RunEnd { ended: Timestamp::default(), exit_code: 0 };
    Store::open(&path).unwrap().record(outcome, &start, &end).unwrap();
    let mut out = Vec::new();
    let sql = "SELECT severity FROM v_findings";
    let question = Question { path: &path, sql, limits: QueryLimits::default() };
    write_query(&question, RowFormat::Ndjson, &Style::default(), &mut out).unwrap();
    let rows = events(std::str::from_utf8(&out).unwrap());
    counts(|severity| rows.iter().filter(|row| row["severity"] == severity).count())
}

#[test]
fn all_outputs_of_one_run_agree() {
    for outcome in [fixture::outcome(), fixture::many_findings(30), fixture::empty()] {
        let wanted =
            counts(|name| outcome.findings.iter().filter(|f| f.severity.name() == name).count());

        let all = Style { show: Show::All, ..Style::default() };
        let text = shown("text", &outcome, &all);
        let marks = counts(|severity| {
            let mark = format!(" ({severity})");
            text.lines().filter(|l| l.starts_with("  --> ") && l.ends_with(&mark)).count()
        });
        assert_eq!(marks, wanted, "text");

        let concise = plain("concise", &outcome);
        let lines = counts(|severity| concise.matches(&format!(": {severity} WL")).count());
        assert_eq!(lines, wanted, "concise");
        assert_eq!(concise.lines().count(), outcome.findings.len() + 1);

        let json: Value = serde_json::from_str(&plain("json", &outcome)).unwrap();
        let listed = json["findings"].as_array().unwrap();
        assert_eq!(
            counts(|s| listed.iter().filter(|f| f["severity"] == s).count()),
            wanted,
            "json"
        );
        assert_eq!(json["verdict"]["findings"], serde_json::to_value(&wanted).unwrap());

        let events = events(&plain("ndjson", &outcome));
        let in_events = counts(|s| events.iter().filter(|e| e["finding"]["severity"] == s).count());
        assert_eq!(in_events, wanted, "ndjson");
        let stats = events.last().unwrap();
        assert_eq!(stats["stats"]["verdict"], json["verdict"]);
        assert_eq!(stats["stats"]["coverage"], json["coverage"]);

        assert_eq!(stored(&outcome), wanted, "store");
        let line = Verdict::of(&outcome).line(&outcome);
        assert!(text.ends_with(&format!("{line}\n")) && concise.ends_with(&format!("{line}\n")));
    }
}

#[test]
fn the_stronger_reason_makes_the_verdict() {
    let mut outcome = fixture::outcome();
    assert_eq!(Verdict::of(&outcome), Verdict::Failed { findings: 2, level: Severity::High });
    outcome.run.fail_on = None;
    assert_eq!(Verdict::of(&outcome), Verdict::Incomplete);
    outcome.run.accept.incomplete = true;
    assert_eq!(Verdict::of(&outcome), Verdict::Passed);
    let interrupted = Incomplete { code: "interrupted", message: String::new() };
    outcome.coverage.incomplete.push(interrupted);
    assert_eq!(Verdict::of(&outcome), Verdict::Incomplete);
    outcome.coverage.incomplete.clear();
    assert_eq!(Verdict::of(&outcome), Verdict::Passed);
    outcome.coverage.sessions = 0;
    assert_eq!(Verdict::of(&outcome), Verdict::NothingAudited);
    outcome.run.accept.empty = true;
    assert_eq!(Verdict::of(&outcome), Verdict::Passed);
}

#[test]
fn rows_of_a_query_are_safe_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    drop(Store::open(&path).unwrap());
    let sql = "SELECT 1 AS n, -2.5 AS n, '=cmd|''/C calc''!A0' AS f, 'a\\nb' AS kept,
               char(27) || ']0;x' || char(10, 8238) AS \"x\ny\", NULL AS none, x'00ff' AS bytes, 'a,\"b' AS q";
    let ask = |format| {
        let mut out = Vec::new();
        let style = Style { ascii: true, ..Style::default() };
        let question = Question { path: &path, sql, limits: QueryLimits::default() };
        write_query(&question, format, &style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let shown = |(name, _, format): &(&str, &str, RowFormat)| {
        format!("{name}:\n{}", ask(*format).replace("\r\n", "<CRLF>\n"))
    };
    let all: String = ROW_FORMATS.iter().map(shown).collect();
    insta::assert_snapshot!("rows", all);
}
