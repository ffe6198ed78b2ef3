//! The page is what the format says, whatever it is made from; the endpoint answers and holds its bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use super::*;
use crate::capture::SourceReport;
use crate::edge::deliver::{ReceiverReport, Report};
use crate::engine::{Pulse, Snapshot, WriteTimes};
use crate::model::{Severity, Timestamp, limits};

/// A reading in which everything is said, with a hostile name where a name can stand.
fn reading() -> Reading {
    let mut snapshot = Snapshot::default();
    let name = "eth\"0\\\n} 7".to_owned();
    let source = SourceReport { name, frames: 9, dropped_by_kernel: 2, ..SourceReport::default() };
    snapshot.pulse = Pulse { sources: vec![source], frames: 9, ..Pulse::default() };
    snapshot.pulse.coverage.last = Timestamp::from_micros(1_768_986_849_900_000);
    snapshot.run.ruleset = "3f9a1c2e55".to_owned();
    let rule = ("WL2001".to_owned(), Severity::High);
    snapshot.standing.findings.insert(rule.clone(), 4);
    snapshot.tally.hits.insert(rule, 81);
    snapshot.tally.handshakes.insert(("TLSv1.3", "established"), 98);
    let leaf = ("payments".to_owned(), "server");
    snapshot.standing.leaves.insert(leaf, Timestamp::from_seconds(1_772_020_800));
    Reading {
        snapshot: Arc::new(snapshot),
        writes: Some(WriteTimes { counts: [40, 12, 0, 0, 0, 1], micros: 410_000 }),
        database_bytes: Some(86_708_224),
        resident: 1 << 20,
        delivery: Some(Report {
            receivers: vec![ReceiverReport { name: "webhook", waiting: 5, ..Default::default() }],
            ..Report::default()
        }),
        ..Reading::default()
    }
}

/// Reads the format strictly: every sample belongs to the family announced last, which is announced once; labels are
/// escaped; no series comes twice. Gives series with their values.
fn parsed(text: &str) -> BTreeMap<String, f64> {
    let (mut series, mut families, mut family) = (BTreeMap::new(), BTreeSet::new(), String::new());
    let mut kind = "";
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} comes twice");
            continue;
        }
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, what) = typed.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(["gauge", "counter", "histogram"].contains(&what));
            kind = what;
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let bare = name.split('{').next().unwrap();
        assert!(bare.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
        let ending = bare.strip_prefix(&family).unwrap_or_else(|| panic!("{line} in {family}"));
        let endings: &[&str] =
            if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(endings.contains(&ending), "{line}");
        if kind == "counter" {
            assert!(bare.ends_with("_total"), "{line}");
        }
        labels(&name[bare.len()..]);
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(series.insert(name.to_owned(), value).is_none(), "{name} comes twice");
    }
    series
}

fn labels(text: &str) {
    let Some(inner) = text.strip_prefix('{') else { return assert_eq!(text, "") };
    let mut rest = inner.strip_suffix('}').unwrap();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap();
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "{text}");
        let mut characters = value.char_indices();
        let end = loop {
            match characters.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => {
                    let (_, escaped) = characters.next().unwrap();
                    assert!("\\\"n".contains(escaped), "{text}");
                }
                _ => {}
            }
        };
        rest = &value[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

#[test]
fn the_page_is_what_the_format_says_whatever_names_say() {
    let series = parsed(&page(&reading()));
    assert_eq!(series["wirelint_packets_total{source=\"eth\\\"0\\\\\\n} 7\"}"], 9.0);
    assert_eq!(series["wirelint_findings{rule=\"WL2001\",severity=\"high\"}"], 4.0);
    assert_eq!(series["wirelint_last_packet_timestamp_seconds"], 1_768_986_849.9);
    assert_eq!(series["wirelint_build_info{version=\"0.1.0\",ruleset=\"3f9a1c2e\"}"], 1.0);
    let name = "wirelint_certificate_not_after_timestamp_seconds";
    let leaf = format!("{name}{{service=\"payments\",role=\"server\"}}");
    assert_eq!(series[&leaf], 1_772_020_800.0);
}

#[test]
fn buckets_add_up() {
    let series = parsed(&page(&reading()));
    let bucket =
        |le: &str| series[&format!("wirelint_db_write_duration_seconds_bucket{{le=\"{le}\"}}")];
    let all = ["0.01", "0.1", "0.5", "1", "5", "+Inf"].map(bucket);
    assert_eq!(all, [40.0, 52.0, 52.0, 52.0, 52.0, 53.0]);
    assert_eq!(series["wirelint_db_write_duration_seconds_sum"], 0.41);
    assert_eq!(series["wirelint_db_write_duration_seconds_count"], 53.0);
}

#[test]
fn a_watch_that_has_seen_nothing_has_a_page() {
    assert!(parsed(&page(&Reading::default())).contains_key("wirelint_flows_active"));
}

fn endpoint(unready: Option<&str>, stuck: Option<&str>) -> SocketAddr {
    let server = MetricsServer::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = server.address();
    let (unready, stuck) = (unready.map(str::to_owned), stuck.map(str::to_owned));
    let source: Source =
        Arc::new(move || Reading { unready: unready.clone(), stuck: stuck.clone(), ..reading() });
    server.start(source).unwrap();
    address
}

fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    let _reset = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn the_endpoint_answers_what_is_asked() {
    let get = |address, path: &str| {
        ask(address, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
    };
    let well = endpoint(None, None);
    let (head, body) = get(well, "/metrics")
        .split_once("\r\n\r\n")
        .map(|(h, b)| (h.to_owned(), b.to_owned()))
        .unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("version=0.0.4"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    assert_eq!(parsed(&body), parsed(&page(&reading())));
    assert!(get(well, "/ready").contains(" 200 "));
    assert!(get(well, "/other").contains(" 404 "));
    let away = endpoint(Some("eth0 is away"), None);
    assert!(get(away, "/ready").contains(" 503 "));
    assert!(get(away, "/ready").ends_with("\r\n\r\neth0 is away\n"));
    assert!(get(away, "/healthz").contains(" 200 "), "alive all the same");
    assert!(get(endpoint(None, Some("stuck")), "/healthz").contains(" 503 "));
}

#[test]
fn a_request_without_end_is_refused() {
    let endless = vec![b'a'; limits::METRIC_REQUEST_BYTES + 1];
    let request = [b"GET /metrics HTTP/1.1\r\nx: ".as_slice(), &endless].concat();
    assert!(ask(endpoint(None, None), &request).contains(" 431 "));
}

#[test]
fn more_connections_than_are_answered_are_closed_at_once() {
    let address = endpoint(None, None);
    let mut idle: Vec<TcpStream> =
        (0..limits::METRIC_CONNECTIONS).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut one_more = TcpStream::connect(address).unwrap();
    assert_eq!(one_more.read(&mut [0]).unwrap_or(0), 0);
    // A request on a connection that waits is answered all the same.
    let first = &mut idle[0];
    first.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 200 "), "{answer}");
}
