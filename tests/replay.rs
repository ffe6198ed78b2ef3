//! Every sample is told as its truth file says it is.
//!
//! `samples/lab/README.md` documents the keys. A new sample is tested as soon as both of its files are there.

#![cfg(test)]

#[path = "support/program.rs"]
mod program;
#[path = "support/truth.rs"]
mod truth;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;
use toml::{Table, Value as Toml};

use program::{captures, check, events, name_of, of_type};
use truth::{Claims, text};

/// What wirelint gets wrong today, as `sample: what`. This list only shrinks.
const KNOWN_MISSES: &[&str] = &[
    // The answer to the request that asked for the upgrade comes on stream 1 of HTTP/2, whose inspector does not know it.
    r#"h2c-upgrade: connection 1: calls: {("", "GET /missing", 1, 404), ("", "GET /orders", 1, -1)}, not {("", "GET /missing", 1, 404), ("", "GET /orders", 1, 200)}"#,
];

#[test]
fn every_sample_is_told_as_it_is() {
    let wrong: Vec<String> = captures().iter().flat_map(|capture| misses(capture)).collect();
    let surprises = wrong.iter().filter(|miss| !KNOWN_MISSES.contains(&miss.as_str()));
    let surprises: Vec<&str> = surprises.map(String::as_str).collect();
    assert!(surprises.is_empty(), "\n{}\n", surprises.join("\n"));
    for miss in KNOWN_MISSES {
        assert!(wrong.iter().any(|one| one == miss), "no longer a miss, remove it: {miss}");
    }
}

#[test]
fn every_capture_has_its_truth_and_every_truth_its_capture() {
    let captures: BTreeSet<String> = captures().iter().map(|capture| name_of(capture)).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let truths = names.filter(|name| name.extension().is_some_and(|e| e == "toml"));
    assert_eq!(captures, truths.map(|path| name_of(&path)).collect());
}

#[test]
fn no_output_shows_what_must_not_be_shown() {
    for capture in captures() {
        let truth = truth::read(&capture);
        let Some(output) = truth.get("output") else { continue };
        for never in output["never-shown"].as_array().unwrap() {
            for format in ["text", "concise", "json", "ndjson"] {
                let run = check(format, &capture);
                let shown = [run.out, run.err].iter().any(|out| out.contains(text(never)));
                assert!(!shown, "{}: {format} shows {never}", capture.display());
            }
        }
    }
}

/// Where the program and the truth of a sample differ.
fn misses(capture: &Path) -> Vec<String> {
    let truth = truth::read(capture);
    let events = events(capture);
    let mut claims = Claims::new(name_of(capture));
    connections(&mut claims, &truth, &of_type(&events, "session"));
    certificates(&mut claims, &truth, &of_type(&events, "certificate"));
    coverage(&mut claims, &truth, &of_type(&events, "stats"));
    findings(&mut claims, &truth, &of_type(&events, "finding"));
    claims.misses
}

fn connections(claims: &mut Claims, truth: &Table, sessions: &[&Json]) {
    let mut groups: BTreeMap<(String, String), Vec<&Json>> = BTreeMap::new();
    for session in sessions {
        groups.entry(ends(session)).or_default().push(session);
    }
    for group in groups.values_mut() {
        group.sort_by_key(|session| session["pcap_cnt"].as_u64());
        group.reverse();
    }
    for (place, wanted) in truth::tables(truth, "connection").enumerate() {
        let client = text(&wanted["client"]).trim_end_matches(":*").to_owned();
        let group = groups.entry((client, text(&wanted["server"]).to_owned())).or_default();
        for _ in 0..wanted["count"].as_integer().unwrap() {
            let about = format!("connection {}", place + 1);
            match group.pop() {
                Some(session) => connection(claims, &about, wanted, session),
                None => claims.miss(&about, "not found"),
            }
        }
    }
    for (ends, group) in groups {
        claims.same(&format!("connections more than wanted of {ends:?}"), group.len(), 0);
    }
}

/// Client address and server endpoint, as a truth file writes them.
fn ends(session: &Json) -> (String, String) {
    let server = format!("{}:{}", bracketed(&session["dest_ip"]), session["dest_port"]);
    (bracketed(&session["src_ip"]), server)
}

fn bracketed(ip: &Json) -> String {
    match ip.as_str().unwrap() {
        v6 if v6.contains(':') => format!("[{v6}]"),
        v4 => v4.to_owned(),
    }
}

fn connection(claims: &mut Claims, about: &str, wanted: &Table, session: &Json) {
    for (key, wanted) in wanted {
        let about = format!("{about}: {key}");
        match key.as_str() {
            "client" | "server" | "count" => {}
            "true-posture" | "true-client-auth" | "true-established" => {}
            "client-auth" if text(wanted) == "hidden" => {
                claims.same(&about, session["client_auth"].clone(), Json::Null);
            }
            "mismatch" => {
                claims.same(&about, Some(!session["mismatch"].is_null()), wanted.as_bool());
            }
            "calls" => claims.same(&about, calls(session), wanted_calls(wanted)),
            "alerts" => claims.same(&about, alerts(session), truth::texts(wanted)),
            "auth-schemes" => {
                claims.same(&about, strings(&session["calls"]["auth_schemes"]), truth::set(wanted));
            }
            _ => {
                let pointer = pointer(key).unwrap_or_else(|| panic!("{about}: unknown key"));
                let found = session.pointer(pointer).unwrap_or(&Json::Null);
                claims.same(&about, found.clone(), truth::json(wanted));
            }
        }
    }
}

/// Where an event has what a key of the truth file asserts.
fn pointer(key: &str) -> Option<&'static str> {
    Some(match key {
        "posture" => "/posture",
        "evidence" => "/posture_evidence",
        "client-auth" => "/client_auth",
        "protocol" => "/app_proto",
        "version" => "/tls/version",
        "cipher" => "/tls/cipher",
        "group" => "/tls/group",
        "sni" => "/tls/sni",
        "alpn" => "/tls/alpn",
        "resumed" => "/tls/session_resumed",
        "hello-retry" => "/tls/hello_retry",
        "established" => "/tls/established",
        "start-seen" => "/flow/start_seen",
        _ => return None,
    })
}

type Call = (String, String, i64, i64);

fn calls(session: &Json) -> BTreeSet<Call> {
    let calls = session["calls"]["calls"].as_array().into_iter().flatten();
    calls
        .map(|call| {
            let word = |key: &str| call[key].as_str().unwrap().to_owned();
            let number = |key: &str| call[key].as_i64().unwrap_or(-1);
            (word("service"), word("method"), number("count"), number("status"))
        })
        .collect()
}

fn wanted_calls(wanted: &Toml) -> BTreeSet<Call> {
    let calls = wanted.as_array().unwrap().iter().map(|call| call.as_table().unwrap());
    calls
        .map(|call| {
            // A protocol whose answers have no number has no status.
            let number =
                |key: &str| call.get(key).map_or(-1, |number| number.as_integer().unwrap());
            let word = |key: &str| text(&call[key]).to_owned();
            (word("service"), word("method"), number("count"), number("status"))
        })
        .collect()
}

fn alerts(session: &Json) -> Vec<String> {
    let alerts = session["tls"]["alerts"].as_array().into_iter().flatten();
    alerts.map(|alert| format!("{}: {}", alert["from"].as_str().unwrap(), alert["code"])).collect()
}

fn strings(list: &Json) -> BTreeSet<String> {
    let strings = list.as_array().into_iter().flatten();
    strings.map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// `(role, holder, position, digest)` says which certificate this is; the rest is about it.
fn certificates(claims: &mut Claims, truth: &Table, found: &[&Json]) {
    let mut found: BTreeMap<_, &Json> =
        found.iter().map(|one| (certificate_key(one), *one)).collect();
    let mut any = false;
    for wanted in truth::tables(truth, "certificate") {
        any = true;
        let word = |key: &str| text(&wanted[key]).to_owned();
        let position = wanted["position"].as_integer().unwrap();
        let key = (word("role"), word("holder"), position, word("sha256"));
        let about = format!("certificate {} {} {position}", key.0, key.1);
        let seen = found.remove(&key);
        let visible = wanted["visible"].as_bool().unwrap();
        claims.same(&format!("{about}: visible"), seen.is_some(), visible);
        if let Some(seen) = seen {
            certificate(claims, &about, wanted, seen);
        }
    }
    for key in found.keys().filter(|_| any) {
        claims.miss(&format!("certificate {key:?}"), "nobody sent it");
    }
}

fn certificate_key(event: &Json) -> (String, String, i64, String) {
    let certificate = &event["certificate"];
    let word = |value: &Json| value.as_str().unwrap().to_owned();
    let address = bracketed(&certificate["party"]["ip"]);
    let port = certificate["port"].as_u64().map(|port| format!(":{port}"));
    let holder = format!("{address}{}", port.unwrap_or_default());
    let position = certificate["position"].as_i64().unwrap();
    (word(&certificate["role"]), holder, position, word(&certificate["sha256"]))
}

fn certificate(claims: &mut Claims, about: &str, wanted: &Table, event: &Json) {
    let seen = &event["certificate"];
    let text_of = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let key = format!("{} {}", text_of(&seen["key"]["kind"]), seen["key"]["bits"]);
    let day = text_of(&event["timestamp"]);
    let validity = match () {
        () if day < text_of(&seen["not_before"]) => "not-yet-valid",
        () if day > text_of(&seen["not_after"]) => "expired",
        () => "valid",
    };
    for (name, found) in [
        ("subject", text_of(&seen["subject"])),
        ("issuer", text_of(&seen["issuer"])),
        ("key", key),
        ("signature", text_of(&seen["signature"])),
        ("validity", validity.to_owned()),
    ] {
        claims.same(&format!("{about}: {name}"), found.as_str(), text(&wanted[name]));
    }
    claims.same(&format!("{about}: names"), strings(&seen["sans"]), truth::set(&wanted["names"]));
    let self_signed = wanted["self-signed"].as_bool();
    claims.same(&format!("{about}: self-signed"), seen["self_signed"].as_bool(), self_signed);
}

fn coverage(claims: &mut Claims, truth: &Table, stats: &[&Json]) {
    claims.same("stats events", stats.len(), 1);
    let coverage = &stats[0]["stats"]["coverage"];
    let codes = coverage["incomplete"].as_array().unwrap().iter();
    let codes: Vec<_> = codes.map(|one| one["code"].as_str().unwrap().to_owned()).collect();
    // The last frame of a file that was cut off is incomplete, and is no frame.
    let broken = i64::from(codes.iter().any(|code| code == "truncated-capture"));
    let packets = truth["sample"]["packets"].as_integer().unwrap() - broken;
    claims.same("frames", coverage["frames"].as_i64(), Some(packets));
    for (key, wanted) in truth.get("coverage").and_then(Toml::as_table).into_iter().flatten() {
        if key == "incomplete" {
            claims.same("incomplete", codes.clone(), truth::texts(wanted));
        } else {
            let found = &coverage[key.replace('-', "_").as_str()];
            claims.same(key, found.clone(), truth::json(wanted));
        }
    }
}

fn findings(claims: &mut Claims, truth: &Table, findings: &[&Json]) {
    let found = findings.iter().map(|event| event["finding"]["rule"].as_str().unwrap());
    let found: BTreeSet<&str> = found.collect();
    let listed = |key: &str| truth::set(&truth["findings"][key]);
    for rule in listed("present").iter().filter(|rule| !found.contains(rule.as_str())) {
        claims.miss(rule, "not reported");
    }
    for rule in listed("absent").iter().filter(|rule| found.contains(rule.as_str())) {
        claims.miss(rule, "reported");
    }
}
