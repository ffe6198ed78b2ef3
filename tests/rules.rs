//! The rules that are shipped, through the program.

#![cfg(test)]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "support/truth.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod truth;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use program::{captures, wirelint};

#[test]
fn the_tests_embedded_in_rules_pass() {
    let run = wirelint(["rules", "test"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let summary = format!("{} rules, ", rules().len());
    let last = run.out.lines().last().unwrap();
    assert!(last.starts_with(&summary) && last.ends_with(" 0 failed"), "{last}");
}

#[test]
fn every_rule_file_is_sound() {
    let run = wirelint(["rules", "check", "rules"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

#[test]
fn every_rule_file_is_listed_by_its_code_and_name() {
    let run = wirelint(["rules", "list"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let listed = run.out.lines().filter(|line| line.starts_with("WL"));
    let listed: BTreeSet<(String, String)> = listed
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            (words.next().unwrap(), words.next().unwrap())
        })
        .collect();
    assert_eq!(listed, rules());
}

#[test]
fn every_rule_is_explained_by_code_and_by_name() {
    for (code, name) in rules() {
        let by_code = wirelint(["explain", &code]);
        assert_eq!(by_code.code, 0, "{code}: {}", by_code.err);
        let begin = format!("{code} {name}: ");
        assert!(by_code.out.starts_with(&begin), "{}", by_code.out);
        for part in ["What it means", "Why it matters", "How to fix it"] {
            assert!(by_code.out.contains(part), "{code}: {part}");
        }
        assert_eq!(wirelint(["explain", &name]).out, by_code.out, "{name}");
        let lower = code.to_lowercase();
        assert_eq!(wirelint(["explain", &lower]).out, by_code.out, "{lower}");
    }
}

#[test]
fn a_rule_that_is_not_there_is_refused_with_a_near_one() {
    let run = wirelint(["explain", "weak-siute"]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.out.is_empty() && run.err.contains("weak-suite"), "{}", run.err);
}

/// Every rule is seen to fire on real traffic, and to stay quiet on other.
#[test]
fn rules_have_a_sample_that_fires_and_one_that_does_not() {
    let mut seen = [BTreeSet::new(), BTreeSet::new()];
    for capture in captures() {
        let truth = truth::read(&capture);
        for (codes, list) in seen.iter_mut().zip(["present", "absent"]) {
            let told = truth["findings"].as_table().and_then(|findings| findings.get(list));
            codes.extend(told.into_iter().flat_map(truth::set));
        }
    }
    // What hygiene asks of hellos and heads (6xxx) differs from sample to sample, and is told by the tests of its rules.
    let recorded = |code: &String| !code.starts_with("WL6") || code == "WL6008";
    for (code, name) in rules().into_iter().filter(|(code, _)| recorded(code)) {
        let file = format!("rules/{code}-{name}.toml");
        let rule = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        let said = |words: &str| rule.contains(words);
        assert!(said("expect = true") && said("expect = false"), "{file}: both kinds of tests");
        assert!(said("impact = ") && said("[remediation]\n"), "{file}: why, and how to mend it");
        let [fires, quiet] = seen.each_ref().map(|codes| codes.contains(&code));
        assert!(fires && quiet, "{code}: fires on a sample {fires}, is quiet on one {quiet}");
    }
}

/// Code and name of every file in the folder of rules, by the names of the files.
fn rules() -> BTreeSet<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let stems = names.filter_map(|name| name.strip_suffix(".toml").map(str::to_owned));
    let rules: BTreeSet<_> = stems
        .map(|stem| {
            let (code, name) = stem.split_once('-').unwrap();
            (code.to_owned(), name.to_owned())
        })
        .collect();
    assert!(rules.len() > 20, "{rules:?}");
    rules
}
