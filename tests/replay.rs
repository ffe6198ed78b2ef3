//! Every sample is told as its truth file says it is.
//!
//! `samples/lab/README.md` documents the keys. A new sample is tested as soon as both of its files are there.

#![cfg(test)]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "other tests need no options")]
mod program;
#[path = "support/secrets.rs"]
mod secrets;
#[path = "support/truth.rs"]
mod truth;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;
use toml::{Table, Value as Toml};

use program::{captures, check_with, name_of, of_type, wirelint};
use truth::{Claims, Miss, text};

/// What wirelint gets wrong today: sorted lines of `sample subject: reason`. The list only shrinks.
const KNOWN_MISSES: &str = "tests/replay_known_misses.txt";

/// Set to 1, it makes the list anew, but for the reasons that were written by hand.
const UPDATE: &str = "WIRELINT_UPDATE_MISSES";

/// How a reason that was written by hand begins.
const BY_HAND: &str = "because ";

#[test]
fn every_sample_is_told_as_it_is_but_for_the_known_misses() {
    let rules = wirelint(["rules", "list"]).out;
    let captures = captures();
    let found = captures.iter().flat_map(|capture| misses(capture));
    let found = found.map(|miss| (miss.key(), why(&miss, &rules)));
    let found: BTreeMap<String, String> = found.collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(KNOWN_MISSES);
    let known = known_misses(&std::fs::read_to_string(&path).unwrap_or_default());
    if std::env::var_os(UPDATE).is_some() {
        let line = |(key, how): (&String, &String)| {
            let kept = known.get(key).filter(|reason| reason.starts_with(BY_HAND));
            format!("{key}: {}\n", kept.unwrap_or(how))
        };
        std::fs::write(&path, found.iter().map(line).collect::<String>()).unwrap();
        return;
    }
    let surprises = found.iter().filter(|(key, _)| !known.contains_key(*key));
    let surprises: Vec<String> = surprises.map(|(key, how)| format!("{key}: {how}")).collect();
    assert!(surprises.is_empty(), "\n{}\n", surprises.join("\n"));
    let there: BTreeSet<String> = captures.iter().map(|capture| name_of(capture)).collect();
    let replayed = |key: &str| key.split(' ').next().is_some_and(|name| there.contains(name));
    let gone = known.keys().filter(|key| !found.contains_key(*key) && replayed(key));
    let gone: Vec<&String> = gone.collect();
    assert!(gone.is_empty(), "no longer misses, run with {UPDATE}=1 to drop them: {gone:#?}");
}

/// The reason for a miss as far as a program can tell: else what was found, and what was wanted.
fn why(miss: &Miss, rules: &str) -> String {
    let about = |words: &[&str]| words.iter().any(|word| miss.reason.contains(word));
    let reason = match () {
        () if miss.reason == "not reported" && !rules.contains(&miss.subject) => {
            "there is no such rule yet"
        }
        () if miss.reason == "not reported"
            && ["WL4001", "WL4002", "WL8001"].contains(&&*miss.subject) =>
        {
            "what TLS 1.3 hides is not inferred yet"
        }
        () if miss.subject.ends_with(": credential") => "credentials in clear are not told yet",
        () if about(&["\"unknown\"), not String(\"plaintext\")"]) => "the protocol is not read yet",
        () if miss.subject == "WL9004" && miss.reason == "reported" => {
            "the protocol is not read yet"
        }
        () if miss.subject.ends_with(": protocol") && about(&["Null, not"]) => {
            "the protocol is not read yet"
        }
        () => &miss.reason,
    };
    reason.to_owned()
}

/// The lines of the list of known misses, by what they are about.
fn known_misses(list: &str) -> BTreeMap<String, String> {
    let split = |line: &str| {
        let (key, reason) = line.split_once(": ").unwrap_or_else(|| panic!("no reason: {line}"));
        (key.to_owned(), reason.to_owned())
    };
    let known: BTreeMap<String, String> = list.lines().map(split).collect();
    assert!(
        list.lines().is_sorted() && known.len() == list.lines().count(),
        "not sorted, or twice"
    );
    known
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
    let folder = tempfile::tempdir().unwrap();
    for capture in captures() {
        let truth = truth::read(&capture);
        let secrets = truth::never_shown(&truth);
        if secrets.is_empty() {
            continue;
        }
        let database = folder.path().join(name_of(&capture));
        let options =
            [truth::options(&truth), vec![format!("--db={}", database.display())]].concat();
        for format in ["text", "concise", "json", "ndjson"] {
            let run = check_with(format, &capture, &options);
            for never in &secrets {
                let shown = [&run.out, &run.err].iter().any(|out| out.contains(never.as_str()));
                assert!(!shown, "{}: {format} shows {never:?}", capture.display());
                assert_nowhere(never, &[run.out.as_bytes(), run.err.as_bytes()], &capture);
            }
        }
        let ends =
            ["", "-wal", "-shm", "-journal"].map(|end| format!("{}{end}", database.display()));
        let kept: Vec<Vec<u8>> = ends.iter().filter_map(|path| std::fs::read(path).ok()).collect();
        let kept: Vec<&[u8]> = kept.iter().map(Vec::as_slice).collect();
        secrets.iter().for_each(|never| assert_nowhere(never, &kept, &capture));
    }
}

/// Claims that a secret is in none of these, in no form that can be turned back into it.
#[track_caller]
fn assert_nowhere(secret: &str, artefacts: &[&[u8]], capture: &Path) {
    for (name, form) in secrets::forms(secret) {
        let found = artefacts.iter().any(|all| memchr::memmem::find(all, &form).is_some());
        assert!(!found, "{}: {secret:?} is there as {name}", capture.display());
    }
}

/// Where the program and the truth of a sample differ.
fn misses(capture: &Path) -> Vec<Miss> {
    let truth = truth::read(capture);
    let run = check_with("ndjson", capture, &truth::options(&truth));
    assert!(matches!(run.code, 0 | 1 | 4), "{}: {} {}", capture.display(), run.code, run.err);
    let events: Vec<Json> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
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
    let left: Vec<_> =
        groups.iter().filter(|(_, group)| !group.is_empty()).map(|(ends, _)| ends).collect();
    claims.same("connections more than wanted", left, Vec::new());
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
            "true-established" => {}
            "true-posture" => never_wrong(claims, &about, wanted, &session["posture"]),
            "true-client-auth" => never_wrong(claims, &about, wanted, &session["client_auth"]),
            "credential" => claims.same(&about, credentials(session), wanted_credentials(wanted)),
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

/// What cannot be read may be left open, or told by other means; but told wrongly it must not be.
fn never_wrong(claims: &mut Claims, about: &str, wanted: &Toml, found: &Json) {
    let open = matches!(found.as_str(), None | Some("tls-opaque" | "unknown"));
    if !open {
        claims.same(about, found.as_str(), wanted.as_str());
    }
}

/// Kind and principal; where a secret stands in its protocol is told in words, for people.
fn credentials(session: &Json) -> BTreeSet<(String, String)> {
    let credentials = session["readable"]["credentials"].as_array().into_iter().flatten();
    let word = |one: &Json, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let sent = credentials.filter(|one| one["sender"] == "client");
    sent.map(|one| (kind(&word(one, "kind"), &word(one, "mechanism")), word(one, "principal")))
        .collect()
}

/// The word of truth files for a kind and a mechanism.
fn kind(kind: &str, mechanism: &str) -> String {
    let known = match kind {
        "jwt" => "bearer-jwt",
        "password" if mechanism == "sasl plain" => "sasl-plain",
        "challenge-response" if mechanism.contains("scram") => "scram",
        "challenge-response" if mechanism.contains("native") => "native-password",
        "challenge-response" if mechanism.contains("md5") => "md5-hash",
        other => other,
    };
    known.to_owned()
}

fn wanted_credentials(wanted: &Toml) -> BTreeSet<(String, String)> {
    let credentials = wanted.as_array().unwrap().iter();
    credentials
        .map(|one| (text(&one["kind"]).to_owned(), text(&one["principal"]).to_owned()))
        .collect()
}

/// Where an event has what a key of the truth file asserts.
fn pointer(key: &str) -> Option<&'static str> {
    Some(match key {
        "posture" => "/posture",
        "evidence" => "/posture_evidence",
        "client-auth" => "/client_auth",
        "protocol" => "/app_proto",
        "inside" => "/tls/inside",
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
