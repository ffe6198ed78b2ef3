//! What the file may say, what is refused, and what writing leaves alone.

use super::*;
use crate::model::{Diagnostic, Severity, fixture};

fn refused(text: &str) -> Diagnostic {
    let mut errors = Baseline::read("b.toml", text).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.remove(0)
}

const IGNORE: &str = "[[ignore]]\nrule = \"plaintext-rpc\"\nreason = \"known\"\n";

#[test]
fn an_entry_says_where_it_stands_and_until_when_it_holds() {
    let text = format!("# mine\n{IGNORE}port = 9042\nexpires = 2026-09-30\n");
    let baseline = Baseline::read("b.toml", &text).unwrap();
    let ignore = &baseline.ignores[0];
    assert_eq!((ignore.grant.place.line, ignore.port), (2, Some(9042)));
    let at = |text: &str| Timestamp::parse(text).unwrap();
    assert!(!ignore.grant.expired(at("2026-09-30T23:59:59.999999Z")), "the day is inclusive");
    assert!(ignore.grant.expired(at("2026-10-01")));
    assert_eq!(ignore.grant.last_day().as_deref(), Some("2026-09-30"));
}

#[test]
fn a_reason_is_required() {
    for text in ["", "reason = \"\"\n", "reason = \"  \"\n"] {
        let error = refused(&format!("[[ignore]]\nrule = \"x\"\n{text}"));
        assert_eq!(error.code, "baseline-reason");
        assert_eq!(error.message, "an ignore needs a reason");
    }
}

#[test]
fn what_is_not_a_day_is_refused() {
    for wrong in ["\"soon\"", "20260930", "2026-09-30T10:00:00Z", "\"2026-02-30\""] {
        let error = refused(&format!("{IGNORE}expires = {wrong}\n"));
        assert_eq!(error.code, "baseline-date", "{wrong}");
    }
    assert_eq!(refused(&format!("{IGNORE}expires = 2026-02-30\n")).code, "baseline-syntax");
}

#[test]
fn unknown_keys_ports_fingerprints_and_versions_are_refused() {
    let error = refused(&format!("{IGNORE}expire = 2026-09-30\n"));
    assert_eq!(
        (error.code, error.place.unwrap().label.as_str()),
        ("baseline-key", "did you mean \"expires\"?")
    );
    assert_eq!(refused(&format!("{IGNORE}port = 70000\n")).code, "baseline-value");
    assert_eq!(
        refused("[[finding]]\nfingerprint = \"wlf1:12\"\nreason = \"r\"\n").code,
        "baseline-value"
    );
    assert_eq!(refused("baseline-version = 2\n").code, "baseline-value");
    assert_eq!(refused("ignore = 3\n").code, "baseline-value");
    assert_eq!(refused("[[ignore\n").code, "baseline-syntax");
}

#[test]
fn one_finding_has_one_entry() {
    let entry =
        "[[finding]]\nfingerprint = \"wlf1:5f0c1f5f2b9d4c1a9e0b7a6d3c2f1e00\"\nreason = \"r\"\n";
    let error = refused(&format!("{entry}{entry}"));
    assert_eq!(
        (error.code, error.notes),
        ("baseline-duplicate", vec!["first in line 1".to_owned()])
    );
}

#[test]
fn an_ignore_matches_what_all_its_keys_say() {
    let finding = fixture::finding("WL1001", "plaintext-rpc", Severity::High, 3);
    let of = |more: &str| Baseline::read("", &format!("{IGNORE}{more}")).unwrap().ignores.remove(0);
    for yes in ["", "from = \"orders\"", "to = \"10.0.2.9\"", "port = 50051", "subject = \"grpc\""]
    {
        assert!(of(yes).matches(&finding), "{yes}");
    }
    for no in ["from = \"payments\"", "to = \"orders\"", "port = 1", "subject = \"http/1\""] {
        assert!(!of(no).matches(&finding), "{no}");
    }
    assert_eq!(of("from = \"a\"\nport = 1").words(), "plaintext-rpc a -> any:1");
}

#[test]
fn what_people_wrote_stays_and_what_the_program_wrote_is_sorted() {
    let finding = |code: &str| fixture::finding(code, "name", Severity::Low, 1);
    let day = Timestamp::parse("2026-01-15").unwrap();
    let entries: Vec<Entry> = ["WL2003", "WL1001"]
        .map(|code| Entry::of(&finding(code), "at \"adoption\"\n", day, Some(end_of_day(day))))
        .to_vec();
    let mine = "# team words\nbaseline-version = 1\n\n# why this\n[[ignore]] # here\nrule = 'plaintext-rpc'\n\
                reason = 'known' # so it is\n";
    let old = format!(
        "{mine}\n[[finding]]\nfingerprint = \"wlf1:5f0c1f5f2b9d4c1a9e0b7a6d3c2f1e00\"\nreason = \"r\"\n"
    );
    let new = edited(&Edit { text: Some(&old), entries: &entries, drop_ignores: &[] }).unwrap();
    assert!(new.starts_with(mine), "{new}");
    let read = Baseline::read("", &new).unwrap();
    let codes: Vec<&str> = read.entries.iter().map(|entry| entry.rule.as_str()).collect();
    assert_eq!(codes, ["WL1001", "WL2003"], "by fingerprint, which ends in the code here");
    assert_eq!(read.entries[0].grant.reason, "at \"adoption\"\n");
    assert_eq!(read.entries[0].grant.last_day().as_deref(), Some("2026-01-15"));
    let again = Edit { text: Some(&new), entries: &read.entries, drop_ignores: &[] };
    assert_eq!(edited(&again).as_deref(), Some(new.as_str()), "writing it again changes nothing");
    let dropped = edited(&Edit { drop_ignores: &[0], ..again }).unwrap();
    assert!(!dropped.contains("why this") && dropped.starts_with("# team words\n"), "{dropped}");
    let fresh = edited(&Edit { text: None, entries: &entries, drop_ignores: &[] }).unwrap();
    assert!(fresh.starts_with("# Accepted findings."), "{fresh}");
}

#[test]
fn the_example_of_the_page_is_read() {
    let page = include_str!("../../../docs/baseline.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let baseline = Baseline::read("docs/baseline.md", example).unwrap();
    assert_eq!((baseline.ignores.len(), baseline.entries.len()), (1, 1));
    assert_eq!(baseline.ignores[0].words(), "plaintext-rpc legacy-importer -> warehouse:9042 cql");
}
