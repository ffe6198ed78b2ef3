use std::path::PathBuf;

use super::*;
use crate::model::fixture;
use crate::model::{Outcome, Timestamp};
use crate::store::{Annotation, Decision, RunEnd, RunStart, Store, annotate};

const START: RunStart<'_> = RunStart { command: "check", started: Timestamp::from_seconds(10) };
const END: RunEnd = RunEnd { ended: Timestamp::from_seconds(12), exit_code: 1 };

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn recorded(outcomes: &[Outcome]) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    let mut store = Store::open(&path).unwrap();
    for outcome in outcomes {
        store.record(outcome, &START, &END).unwrap();
    }
    Place { _folder: folder, path }
}

fn request(name: ListName, filter: &str, anchor: Anchor) -> PageRequest {
    let list = list(name);
    let filter = Filter::parse(filter, list).unwrap();
    let order = list.column(list.order).unwrap();
    PageRequest { list: name, filter, order, descending: list.descending, anchor }
}

const ALL: [ListName; 5] = [
    ListName::Findings,
    ListName::Services,
    ListName::Edges,
    ListName::Certificates,
    ListName::Sessions,
];

#[test]
fn every_list_can_be_sorted_by_every_column_both_ways_from_either_end() {
    let place = recorded(&[fixture::outcome(), fixture::outcome()]);
    let mut reader = Reader::open(&place.path).unwrap();
    for name in ALL {
        for order in 0..list(name).columns.len() {
            for descending in [false, true] {
                let from = |anchor| PageRequest { order, descending, ..request(name, "", anchor) };
                let first = reader.page(&from(Anchor::First)).unwrap();
                let last = reader.page(&from(Anchor::Last)).unwrap();
                let what = list(name).columns[order].name;
                assert!(first.total > 0, "{name:?}");
                assert_eq!(first.rows, last.rows, "{name:?} by {what}");
                assert_eq!((first.before, last.before), (0, 0));
                assert_eq!(last.at + 1, first.rows.len());
                let middle = first.rows[first.rows.len() / 2].clone();
                let around = Anchor::At(middle.key.clone(), middle.id.clone());
                let around = reader.page(&from(around)).unwrap();
                assert_eq!(around.rows, first.rows, "{name:?} by {what}");
                assert_eq!(around.rows[around.at].id, middle.id, "{name:?} by {what}");
            }
        }
    }
}

#[test]
fn pages_by_key_are_windows_of_the_one_order() {
    let place = recorded(&[fixture::many_findings(2000)]);
    let mut reader = Reader::open(&place.path).unwrap();
    let mut anchor = Anchor::First;
    let mut seen: Vec<Datum> = Vec::new();
    loop {
        let page = reader.page(&request(ListName::Findings, "", anchor)).unwrap();
        assert_eq!(page.total, 2000);
        let new: Vec<_> = page.rows.iter().filter(|row| !seen.contains(&row.id)).collect();
        let known = page.rows.len() - new.len();
        assert_eq!(page.before as usize + known, seen.len());
        if new.is_empty() {
            break;
        }
        seen.extend(new.into_iter().map(|row| row.id.clone()));
        let last = page.rows.last().unwrap();
        anchor = Anchor::At(last.key.clone(), last.id.clone());
    }
    assert_eq!(seen.len(), 2000);
    let last = reader.page(&request(ListName::Findings, "", Anchor::Last)).unwrap();
    assert_eq!(last.rows.last().map(|row| &row.id), seen.last());
    assert_eq!(last.before as usize + last.rows.len(), 2000);
}

#[test]
fn a_row_that_is_gone_leaves_its_place() {
    let place = recorded(&[fixture::many_findings(100)]);
    let mut reader = Reader::open(&place.path).unwrap();
    let page = reader.page(&request(ListName::Findings, "", Anchor::First)).unwrap();
    let row = &page.rows[40];
    let anchor = Anchor::At(row.key.clone(), row.id.clone());
    let Datum::Int(finding) = row.id else { panic!("a number") };
    let gone = Annotation {
        finding,
        decision: Decision::Ignored,
        reason: "known".into(),
        author: "kim".into(),
        made: Timestamp::from_seconds(20),
    };
    annotate(&place.path, &gone).unwrap();
    let now = reader.page(&request(ListName::Findings, "state == open", anchor)).unwrap();
    assert_eq!((now.total, now.all, now.at), (99, 100, 40));
    assert_eq!(now.rows[40].id, page.rows[41].id);
}

fn count(place: &Place, name: ListName, filter: &str) -> u64 {
    let mut reader = Reader::open(&place.path).unwrap();
    reader.page(&request(name, filter, Anchor::First)).unwrap().total
}

#[test]
fn filters_mean_what_they_say() {
    let place = recorded(&[fixture::outcome()]);
    let cases = [
        (ListName::Findings, "", 5),
        (ListName::Findings, "severity >= high", 2),
        (ListName::Findings, "sev>=high", 2),
        (ListName::Findings, "sev<h", 3),
        (ListName::Findings, "severity == \"critical\" || severity == low", 2),
        (ListName::Findings, "severity in [\"critical\", \"low\"]", 2),
        (ListName::Findings, "severity = critical|low", 2),
        (ListName::Findings, "!(severity >= high)", 3),
        (ListName::Findings, "not severity >= high and rule == WL2004", 1),
        (ListName::Findings, "rule == WL1*", 1),
        (ListName::Findings, "rule != WL1*", 4),
        (ListName::Findings, "rule.startsWith(\"WL\") && rule.name.contains(\"token\")", 1),
        (ListName::Findings, "rule.name:token", 1),
        (ListName::Findings, "token", 1),
        (ListName::Findings, "TOKEN sev=critical", 1),
        (ListName::Findings, "server.service == payments server.port == 50051", 5),
        (ListName::Findings, "server.service == pay*", 5),
        (ListName::Findings, "server.service != payments", 0),
        (ListName::Findings, "server.service == \"x' OR 1=1 --\"", 0),
        (ListName::Findings, "server.service:%", 0),
        (ListName::Findings, "last >= 2026-01-21", 5),
        (ListName::Findings, "last < 2026-01-21", 0),
        (ListName::Sessions, "session.posture == plaintext", 1),
        (ListName::Sessions, "posture >= tls", 2),
        (ListName::Sessions, "client = orders server:payments", 4),
        (ListName::Sessions, "tls.version != \"\"", 2),
        (ListName::Edges, "edge.mutual == none", 1),
        (ListName::Edges, "edge.mutual == some", 1),
        (ListName::Services, "endpoint.mtls > 0", 1),
        (ListName::Certificates, "cert.role == client", 1),
    ];
    for (name, filter, expected) in cases {
        assert_eq!(count(&place, name, filter), expected, "{name:?}: {filter}");
    }
}

#[test]
fn what_is_wrong_with_a_filter_is_said_with_its_place() {
    let wrong = |text: &str| Filter::parse(text, list(ListName::Findings)).unwrap_err();
    let error = wrong("severty >= high");
    assert_eq!((error.at, error.help.as_deref()), (0, Some("did you mean severity?")));
    let error = wrong("sev>=hihg");
    assert_eq!(error.at, 5);
    assert_eq!(error.message, "severity has no \"hihg\"");
    assert_eq!(error.help.as_deref(), Some("one of info, low, medium, high, critical"));
    assert_eq!(wrong("(sev>=high").at, 10);
    assert_eq!(wrong("message == \"x").at, 11);
    assert_eq!(wrong("port == http").message, "server.port is a number");
    assert_eq!(wrong("last > yesterday").at, 7);
    assert_eq!(wrong("sev ==").message, "a value is missing here");
    assert_eq!(wrong("&& a").at, 0);
    assert_eq!(wrong("a )").at, 2);
    assert_eq!(wrong(&"(".repeat(40)).message, "this is nested too deeply");
    assert!(Filter::parse(&"x".repeat(5000), list(ListName::Findings)).is_err());
}

#[test]
fn no_text_breaks_the_parser_or_the_query() {
    let place = recorded(&[fixture::outcome()]);
    let mut reader = Reader::open(&place.path).unwrap();
    let pieces = [
        "severity",
        "==",
        "\"x\"",
        "(",
        ")",
        "!",
        "&&",
        "||",
        "|",
        "[",
        "]",
        ",",
        ":",
        "a:b",
        "fe80::1",
        "*",
        "%",
        "'",
        "in",
        "not",
        "rule.contains(",
        "\u{202e}",
        "é",
        "\\",
        ";--",
        " ",
    ];
    // A fixed walk over all triples.
    let count = pieces.len();
    for number in 0..count * count * count {
        let of = |at: usize| pieces[at % count];
        let (a, b, c) = (of(number), of(number / count), of(number / count / count));
        let text = format!("{a}{b} {c}");
        if let Ok(filter) = Filter::parse(&text, list(ListName::Findings)) {
            let asked = PageRequest { filter, ..request(ListName::Findings, "", Anchor::First) };
            reader.page(&asked).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}

#[test]
fn a_decision_is_kept_with_its_reason_and_survives_the_next_run() {
    let place = recorded(&[fixture::outcome()]);
    let mut reader = Reader::open(&place.path).unwrap();
    let page = reader.page(&request(ListName::Findings, "", Anchor::First)).unwrap();
    let Datum::Int(finding) = page.rows[0].id else { panic!("a number") };
    let decided = Annotation {
        finding,
        decision: Decision::Acknowledged,
        reason: " ticket 7\u{1b}[31m ".into(),
        author: "kim".into(),
        made: Timestamp::from_seconds(20),
    };
    let before = reader.version().unwrap();
    annotate(&place.path, &decided).unwrap();
    assert_ne!(reader.version().unwrap(), before);
    let mut store = Store::open(&place.path).unwrap();
    store.record(&fixture::outcome(), &START, &END).unwrap();
    let detail = reader.finding(finding).unwrap().unwrap();
    assert_eq!(detail.state, "acknowledged");
    assert_eq!(detail.reason.as_deref(), Some("ticket 7\\u{1b}[31m"));
    assert_eq!((detail.runs, detail.evidence.len()), (2, 2));
    let json = reader.finding_json(finding).unwrap().unwrap();
    assert!(json.contains("\"state\": \"acknowledged\""), "{json}");
    let overview = reader.overview().unwrap();
    assert_eq!(overview.open.iter().sum::<u64>(), 4);
    assert_eq!(overview.settled, [("acknowledged".to_owned(), 1)]);
}

#[test]
fn what_a_person_ignored_is_opened_by_a_person_only() {
    let place = recorded(&[fixture::outcome()]);
    let mut reader = Reader::open(&place.path).unwrap();
    let page = reader.page(&request(ListName::Findings, "", Anchor::First)).unwrap();
    let Datum::Int(finding) = page.rows[0].id else { panic!("a number") };
    let decide = |decision| {
        let (reason, author) = ("seen".to_owned(), "kim".to_owned());
        let made = Timestamp::from_seconds(20);
        annotate(&place.path, &Annotation { finding, decision, reason, author, made }).unwrap();
    };
    let plain = Connection::open(&place.path).unwrap();
    let by_a_run = "UPDATE finding SET state = 'open', state_reason = NULL";
    let now = || {
        let found = Reader::open(&place.path).unwrap().finding(finding).unwrap().unwrap();
        (found.state, found.reason.unwrap_or_default())
    };
    decide(Decision::Ignored);
    plain.execute(by_a_run, []).unwrap();
    assert_eq!(now(), ("ignored".to_owned(), "seen".to_owned()));
    decide(Decision::Open);
    assert_eq!(now().0, "open");
    plain.execute("UPDATE finding SET state = 'ignored'", []).unwrap();
    plain.execute(by_a_run, []).unwrap();
    assert_eq!(now().0, "open", "it was a file's word, which is gone");
}

#[test]
fn the_overview_counts_what_the_lists_show() {
    let place = recorded(&[fixture::outcome(), fixture::outcome()]);
    let overview = Reader::open(&place.path).unwrap().overview().unwrap();
    assert_eq!(overview.postures.total(), 222);
    assert_eq!(overview.open, [1, 1, 1, 1, 1]);
    assert_eq!(overview.new, [0; 5]);
    assert_eq!(overview.mutual, [0, 1, 1, 0]);
    assert_eq!(overview.run_count, 2);
    assert_eq!(overview.runs[0].count("midstream"), 9);
    assert_eq!(overview.runs[0].undecided, [("WL2001".to_owned(), 48)]);
    assert_eq!(overview.runs[0].incomplete, ["captures/night.pcap ends inside packet 201"]);
    assert_eq!(overview.expiry.iter().flatten().sum::<u64>(), 2);
}

#[test]
fn a_reader_sees_what_another_writes_and_a_cancelled_question_says_so() {
    let place = recorded(&[fixture::outcome()]);
    let mut reader = Reader::open(&place.path).unwrap();
    let mut store = Store::open(&place.path).unwrap();
    let run = store.begin_run(&START, &fixture::outcome().run).unwrap();
    store.update_run(run, &fixture::many_findings(30_000)).unwrap();
    let asked = request(ListName::Findings, "message:client-29999", Anchor::First);
    assert_eq!(reader.page(&asked).unwrap().total, 1);
    reader.canceller().store(true, std::sync::atomic::Ordering::Relaxed);
    let asked = request(ListName::Findings, "message:client-2999", Anchor::First);
    assert!(matches!(reader.page(&asked), Err(crate::store::StoreError::QueryTime { .. })));
    reader.canceller().store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(reader.page(&asked).unwrap().total, 11);
}
