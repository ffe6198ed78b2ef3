//! Everything that one run prints and keeps says the same.

#![cfg(test)]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "support/truth.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod truth;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use program::{captures, check_with, name_of, of_type, wirelint};

/// Findings by severity; severities without findings are left out.
type Counts = BTreeMap<String, u64>;

/// One run in every format and with a database.
struct Everything {
    code: i32,
    text: String,
    concise: String,
    json: Json,
    events: Vec<Json>,
    others: BTreeMap<&'static str, String>,
    database: PathBuf,
    _folder: tempfile::TempDir,
}

fn run(captures: &[PathBuf]) -> Everything {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("results.db");
    let file = |format: &str| folder.path().join(format);
    let output = |format: &str| format!("--output={format}={}", file(format).display());
    let options = [
        "check".to_owned(),
        "--all".to_owned(),
        "--keep-sessions=all".to_owned(),
        output("concise"),
        output("json"),
        output("ndjson"),
        output("sarif"),
        output("junit"),
        output("gitlab"),
        output("markdown"),
        output("csv-findings"),
        format!("--db={}", database.display()),
    ];
    let options = options.iter().map(OsStr::new);
    let run = wirelint(options.chain(captures.iter().map(|path| path.as_os_str())));
    assert!(matches!(run.code, 0 | 1 | 4), "{captures:?}: {} {}", run.code, run.err);
    let read = |format: &str| fs::read_to_string(file(format)).unwrap();
    Everything {
        code: run.code,
        text: run.out,
        concise: read("concise"),
        json: serde_json::from_str(&read("json")).unwrap(),
        events: read("ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        others: OTHERS.into_iter().map(|name| (name, read(name))).collect(),
        database,
        _folder: folder,
    }
}

const OTHERS: [&str; 5] = ["sarif", "junit", "gitlab", "markdown", "csv-findings"];

fn query(database: &Path, sql: &str) -> Vec<Json> {
    let database = database.to_str().unwrap();
    let run = wirelint(["db", "query", "--db", database, "--format", "ndjson", sql]);
    assert_eq!(run.code, 0, "{sql}: {}", run.err);
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn count<'a>(severities: impl IntoIterator<Item = &'a str>) -> Counts {
    let mut counts = Counts::new();
    severities.into_iter().for_each(|one| *counts.entry(one.to_owned()).or_default() += 1);
    counts
}

fn string(value: &Json) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

fn verdict(body: &Json) -> Counts {
    let counts = body["findings"].as_object().unwrap().iter();
    let counts = counts.map(|(severity, n)| (severity.clone(), n.as_u64().unwrap()));
    counts.filter(|(_, n)| *n > 0).collect()
}

impl Everything {
    fn in_json(&self) -> &[Json] {
        self.json["findings"].as_array().unwrap()
    }

    fn in_events(&self) -> Vec<&Json> {
        of_type(&self.events, "finding").into_iter().map(|event| &event["finding"]).collect()
    }

    /// `3 findings: 1 high, 2 medium`, the line of the text report.
    fn in_text(&self) -> Counts {
        let is_sum = |line: &&str| {
            let second = line.split([' ', ':']).nth(1);
            line.starts_with(|first: char| first.is_ascii_digit())
                && matches!(second, Some("finding" | "findings"))
        };
        let line = self.text.lines().find(is_sum).expect("a line that sums up");
        let parts = line.split_once(": ").map_or("", |(_, parts)| parts).split(", ");
        let parts = parts.filter_map(|part| part.split_once(' '));
        parts.map(|(n, severity)| (severity.to_owned(), n.parse().unwrap())).collect()
    }

    /// `file:frame: severity RULE name: message`.
    fn in_concise(&self) -> Counts {
        count(self.concise.lines().filter(|line| !line.starts_with("wirelint: ")).map(|line| {
            let words = line.split(": ").nth(1).unwrap_or_else(|| panic!("{line}"));
            words.split(' ').next().unwrap()
        }))
    }
}

/// Findings by severity as the formats for other tools have them.
fn assert_others(all: &Everything, findings: &Counts, name: &str) {
    let sarif: Json = serde_json::from_str(&all.others["sarif"]).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let told = count(results.iter().map(|one| string(&one["properties"]["severity"])));
    assert_eq!(&told, findings, "{name}: sarif");
    assert_eq!(sarif["runs"][0]["invocations"][0]["exitCode"], all.code, "{name}: sarif");
    let junit = &all.others["junit"];
    let of = |mark: String| junit.matches(&mark).count() as u64;
    let told = findings.keys().map(|severity| {
        let failed = of(format!("<failure type=\"{severity}\""));
        (severity.clone(), failed + of(format!("<system-out>{severity}, does not fail")))
    });
    assert_eq!(&told.collect::<Counts>(), findings, "{name}: junit");
    let markdown = &all.others["markdown"];
    let told = findings.keys().map(|severity| {
        let heads = markdown.lines().filter(|line| line.starts_with(&format!("### {severity} ")));
        (severity.clone(), heads.count() as u64)
    });
    assert_eq!(&told.collect::<Counts>(), findings, "{name}: markdown");
    let gitlab: Vec<Json> = serde_json::from_str(&all.others["gitlab"]).unwrap();
    assert_eq!(gitlab.len(), all.in_json().len(), "{name}: gitlab");
    let rows = all.others["csv-findings"].lines().skip(1);
    let told = rows.map(|row| row.split(',').nth(3).unwrap());
    assert_eq!(&count(told), findings, "{name}: csv");
}

fn ids<'a>(findings: impl IntoIterator<Item = &'a Json>) -> BTreeSet<&'a str> {
    findings.into_iter().map(|finding| string(&finding["id"])).collect()
}

#[test]
fn every_output_counts_the_same_findings_and_sessions() {
    for capture in captures() {
        assert_agreement(&[capture]);
    }
    assert_agreement(&captures());
}

fn assert_agreement(captures: &[PathBuf]) {
    let all = run(captures);
    let name = format!("{captures:?}");
    let findings = count(all.in_json().iter().map(|one| string(&one["severity"])));
    let in_events = count(all.in_events().into_iter().map(|one| string(&one["severity"])));
    let stats = &of_type(&all.events, "stats")[0]["stats"];
    assert_eq!(in_events, findings, "{name}: ndjson");
    assert_eq!(verdict(&all.json["verdict"]), findings, "{name}: verdict of json");
    assert_eq!(verdict(&stats["verdict"]), findings, "{name}: verdict of ndjson");
    assert_eq!(all.in_text(), findings, "{name}: text");
    assert_eq!(all.in_concise(), findings, "{name}: concise");
    assert_others(&all, &findings, &name);
    let rows = query(&all.database, "SELECT severity, fingerprint FROM v_findings");
    assert_eq!(count(rows.iter().map(|row| string(&row["severity"]))), findings, "{name}: db");
    assert_eq!(ids(all.in_events()), ids(all.in_json()), "{name}");
    let fingerprints = rows.iter().map(|row| string(&row["fingerprint"])).collect();
    assert_eq!(ids(all.in_json()), fingerprints, "{name}: db");
    assert_same_run(&all, stats, &name);
}

fn assert_same_run(all: &Everything, stats: &Json, name: &str) {
    let sessions = all.json["sessions"].as_array().unwrap();
    let coverage = &all.json["coverage"];
    assert_eq!(coverage, &stats["coverage"], "{name}");
    assert_eq!(all.json["sources"], stats["sources"], "{name}");
    assert_eq!(all.json["run"], of_type(&all.events, "run")[0]["run"], "{name}");
    assert_eq!(coverage["sessions"], sessions.len(), "{name}");
    assert_eq!(of_type(&all.events, "session").len(), sessions.len(), "{name}");
    let certificates = all.json["certificates"].as_array().unwrap().len();
    assert_eq!(of_type(&all.events, "certificate").len(), certificates, "{name}");
    assert_eq!(all.json["verdict"]["exit_code"], all.code, "{name}");
    let runs = query(&all.database, "SELECT exit_code, sessions, findings, frames FROM v_runs");
    assert_eq!(runs[0]["exit_code"], all.code, "{name}");
    assert_eq!(runs[0]["sessions"], coverage["sessions"], "{name}");
    assert_eq!(runs[0]["frames"], coverage["frames"], "{name}");
    assert_eq!(runs[0]["findings"], all.in_json().len(), "{name}");
    let kept = query(&all.database, "SELECT posture, count(*) AS n FROM v_sessions GROUP BY 1");
    for row in kept {
        let posture = string(&row["posture"]).replace('-', "_");
        let told = &coverage["postures"];
        let told = told.get(string(&row["posture"])).or_else(|| told.get(&posture));
        assert_eq!(Some(&row["n"]), told, "{name}: {row}");
    }
}

#[test]
fn a_second_run_into_the_same_database_adds_a_run_and_doubles_no_finding() {
    let all = run(&captures());
    let findings = "SELECT fingerprint, count, severity, state FROM v_findings ORDER BY 1";
    let before = query(&all.database, findings);
    assert!(before.len() > 50, "{}", before.len());
    let option = format!("--db={}", all.database.display());
    let options = ["check", "--format=json", "--keep-sessions=all", &option].map(OsStr::new);
    let second = captures();
    let again = wirelint(options.into_iter().chain(second.iter().map(|path| path.as_os_str())));
    assert_eq!(again.code, all.code, "{}", again.err);
    assert_eq!(query(&all.database, findings), before);
    let runs = query(&all.database, "SELECT count(*) AS n FROM v_runs");
    assert_eq!(runs[0]["n"], 2);
    let seen_twice = query(&all.database, "SELECT count(*) AS n FROM v_findings WHERE runs = 2");
    assert_eq!(seen_twice[0]["n"], before.len());
}

#[test]
fn every_shipped_rule_fires_on_a_sample_and_is_quiet_on_another() {
    let listed = wirelint(["rules", "list"]).out;
    let mut fires: BTreeMap<String, Vec<String>> = listed
        .lines()
        .filter(|line| line.starts_with("WL"))
        // Rules about a policy say nothing without one: tests/policy.rs has theirs.
        .filter(|line| line.split_whitespace().nth(3) != Some("policy"))
        .map(|line| (line.split(' ').next().unwrap().to_owned(), Vec::new()))
        .collect();
    let captures = captures();
    for capture in &captures {
        let run = check_with("ndjson", capture, &truth::options(&truth::read(capture)));
        let lines = run.out.lines();
        let events: Vec<Json> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        let rules = of_type(&events, "finding").into_iter().map(|one| &one["finding"]["rule"]);
        let rules: BTreeSet<&str> = rules.map(string).collect();
        for rule in rules {
            fires.get_mut(rule).expect("a rule that is listed").push(name_of(capture));
        }
    }
    let table: Vec<String> = fires
        .iter()
        .map(|(rule, samples)| format!("{rule} {:2} {}", samples.len(), samples.join(" ")))
        .collect();
    // Shown when the test fails, or with --nocapture.
    eprintln!("{}", table.join("\n"));
    let without = fires.iter().filter(|(_, samples)| samples.is_empty());
    let without: Vec<&str> = without.map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(without, WAITING_FOR_A_SAMPLE, "\n{}\n", table.join("\n"));
    let loud = fires.values().any(|samples| samples.len() == captures.len());
    assert!(!loud, "\n{}\n", table.join("\n"));
}

/// Rules that no sample makes fire yet, by code; their embedded tests are all there is. The list only shrinks.
const WAITING_FOR_A_SAMPLE: &[&str] = &[];
