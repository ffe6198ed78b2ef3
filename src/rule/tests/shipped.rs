//! The rules we ship, the fields there are, and the page about both.

use std::path::PathBuf;

use super::super::*;
use super::{built_in, session};
use crate::model::{CallFacts, Facts, Seen, Subject};

#[test]
fn every_rule_we_ship_loads_and_passes_its_own_tests() {
    let report = run_tests(&built_in());
    assert_eq!(report.failures, []);
    assert_eq!(report.untested, [] as [&str; 0]);
    assert!(report.rules >= 29, "{}", report.rules);
}

#[test]
fn every_rule_we_ship_has_all_its_parts() {
    for rule in built_in().rules() {
        let code = &rule.code;
        assert_eq!(
            rule.origin,
            format!("rules/{code}-{}.toml", rule.name),
            "the file is named after the rule"
        );
        assert!(code.len() == 6 && code.starts_with("WL"), "{code}");
        for (part, text) in [
            ("since", rule.since.as_str()),
            ("description", &rule.description),
            ("impact", &rule.impact),
            ("fix", rule.fix.as_str()),
            ("false-positives", &rule.false_positives),
        ] {
            assert!(!text.is_empty(), "{code} has no {part}");
        }
        assert!(
            !rule.fix.ends_with('.') && !rule.fix.contains('\n'),
            "{code}: the fix is one line"
        );
        assert!(
            rule.remediation_for("any").is_some(),
            "{code} has no remediation for any framework"
        );
        assert!(rule.references.len() >= 2, "{code} has too few references");
        assert!(!rule.tags.is_empty(), "{code} has no tags");
        assert!(rule.trials.len() >= 3, "{code} has fewer than three tests");
        for wanted in [Expectation::Hit, Expectation::Quiet] {
            assert!(rule.trials.iter().any(|trial| trial.expect == wanted), "{code}: {wanted:?}");
        }
        let hidden = rule.trials.iter().any(|trial| trial.expect == Expectation::NotObservable);
        assert!(hidden || code.starts_with("WL900"), "{code} has no test with a hidden fact");
        assert!(rule.options.iter().all(|option| !option.doc.is_empty()), "{code}");
    }
}

#[test]
fn every_field_can_be_asked_of_its_subject_and_is_documented() {
    let mut bare = session(0x0303);
    let full = {
        let mut full = session(0x0303);
        full.session.facts.calls = Some(Box::new(CallFacts::default()));
        full
    };
    bare.session.facts = Facts::default();
    for row in field_rows("") {
        assert!(!row.doc.is_empty() && !row.example.is_empty(), "{}", row.path);
        assert!(!row.doc.contains('|') && row.path.contains('.'), "{}", row.path);
    }
    for subject in [Subject::Session(&bare), Subject::Session(&full)] {
        let table = fields_of(subject.kind());
        for (number, field) in table.fields.iter().enumerate() {
            if let Seen::Value(value) = table.read(number, &subject) {
                assert_eq!(fields::kind_of(&value), field.kind, "{}", field.path);
            }
        }
    }
}

#[test]
fn the_page_about_rules_lists_the_fields_and_functions_there_are() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (head, rest) = text.split_once("<!-- fields -->\n").unwrap();
    let (list, tail) = rest.split_once("<!-- end of fields -->").unwrap();
    let current = fields_markdown();
    if list != current && std::env::var_os("WIRELINT_UPDATE_DOCS").is_some() {
        let page_text = format!("{head}<!-- fields -->\n{current}<!-- end of fields -->{tail}");
        std::fs::write(&page, page_text).unwrap();
        return;
    }
    assert!(list == current, "run the tests with WIRELINT_UPDATE_DOCS=1 and commit docs/rules.md");
    for point in POINTS {
        assert!(head.contains(&format!("`{}`", point.name)), "{} is not on the page", point.name);
    }
}

#[test]
fn an_explanation_has_every_section() {
    let set = built_in();
    let text = explain(set.find("no-mtls").unwrap());
    for title in
        ["What it means", "How to fix it", "go-zero:", "Where it cannot decide", "Options", "Since"]
    {
        assert!(text.contains(title), "{title}\n{text}");
    }
    assert!(text.contains("session.client_auth"), "{text}");
    assert_eq!(rule_rows(&set).len(), set.rules().len());
}
