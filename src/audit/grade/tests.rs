use std::sync::Arc;

use super::*;
use crate::model::{
    CEILINGS, Ceiling, ChainOutcome, Finding, Incomplete, RuleText, Seen, Severity, SubjectKind,
    fixture,
};

fn postures(mtls: u64, tls: u64, opaque: u64, plaintext: u64, unknown: u64) -> Postures {
    Postures { mtls, tls, tls_opaque: opaque, plaintext, unknown }
}

/// The fixture's second service and edge, with these postures and findings, everything else sound.
fn run(postures: Postures, findings: Vec<Finding>) -> Outcome {
    let mut outcome = fixture::outcome();
    outcome.coverage = Coverage::default();
    outcome.certificates.clear();
    outcome.findings = findings;
    outcome.services.remove(0);
    outcome.edges.remove(0);
    outcome.services[0].particulars = fixture::particulars(&[0x0304], 0);
    Arc::make_mut(&mut outcome.edges[0].used).particulars = fixture::particulars(&[0x0304], 0);
    outcome.services[0].postures = postures;
    outcome.edges[0].postures = postures;
    outcome
}

fn service(outcome: &mut Outcome) -> Graded {
    grade(outcome);
    outcome.services[0].grade.clone()
}

fn edge(outcome: &mut Outcome) -> Graded {
    grade(outcome);
    outcome.edges[0].grade.clone()
}

fn found(rule: &str, severity: Severity) -> Finding {
    fixture::finding(rule, "a-rule", severity, 1)
}

#[test]
fn only_mutual_tls_without_a_finding_is_an_a() {
    let graded = service(&mut run(postures(9, 0, 0, 0, 0), Vec::new()));
    assert_eq!((graded.grade, graded.certainty), (Some(Grade::A), Confidence::High));
    assert!(graded.reasons.is_empty() && graded.lifts().is_empty() && graded.doubts.is_empty());
    let info = service(&mut run(postures(9, 0, 0, 0, 0), vec![found("WL9001", Severity::Info)]));
    assert_eq!(info.grade, Some(Grade::A));
}

#[test]
fn what_is_unknown_lowers_certainty_and_never_raises_a_grade() {
    let all: [(Postures, Option<Grade>, Confidence); 6] = [
        (postures(0, 0, 0, 0, 8), None, Confidence::Low),
        (postures(0, 0, 8, 0, 0), Some(Grade::B), Confidence::Low),
        (postures(7, 0, 1, 0, 0), Some(Grade::B), Confidence::Medium),
        (postures(7, 0, 0, 0, 1), Some(Grade::B), Confidence::Medium),
        (postures(1, 0, 0, 0, 7), Some(Grade::B), Confidence::Low),
        (postures(0, 7, 0, 1, 2), Some(Grade::E), Confidence::Medium),
    ];
    for (postures, grade, certainty) in all {
        let graded = service(&mut run(postures, Vec::new()));
        assert_eq!((graded.grade, graded.certainty), (grade, certainty), "{postures:?}");
        assert!(!graded.doubts.is_empty());
    }
    for known in [postures(5, 0, 0, 0, 0), postures(1, 4, 0, 0, 0), postures(1, 1, 1, 2, 0)] {
        let without = service(&mut run(known, Vec::new()));
        let with = service(&mut run(Postures { unknown: 3, ..known }, Vec::new()));
        assert!(with.grade >= without.grade && with.certainty <= without.certainty, "{known:?}");
    }
}

#[test]
fn readable_sessions_are_an_e_then_an_f_and_an_f_that_was_read_is_sure() {
    let some = service(&mut run(postures(9, 0, 0, 1, 0), Vec::new()));
    assert_eq!(some.grade, Some(Grade::E));
    let half = service(&mut run(postures(3, 0, 0, 5, 2), Vec::new()));
    assert_eq!((half.grade, half.certainty), (Some(Grade::F), Confidence::High));
    let mut refused = run(postures(9, 0, 0, 1, 0), Vec::new());
    refused.services[0].particulars.refused = 1;
    assert_eq!(service(&mut refused).grade, Some(Grade::A));
    let mut local = run(postures(0, 0, 0, 5, 0), Vec::new());
    local.services[0].service.addr = "127.0.0.1".parse().unwrap();
    assert_eq!(service(&mut local).grade, Some(Grade::C));
}

#[test]
fn every_severity_has_its_grade_and_the_worst_decides() {
    let wanted = [
        (Severity::Info, Grade::A),
        (Severity::Low, Grade::B),
        (Severity::Medium, Grade::C),
        (Severity::High, Grade::D),
        (Severity::Critical, Grade::F),
    ];
    for (severity, grade) in wanted {
        let graded = service(&mut run(postures(9, 0, 0, 0, 0), vec![found("WL2003", severity)]));
        assert_eq!(graded.grade, Some(grade));
    }
    let findings = vec![found("WL2003", Severity::Low), found("WL2001", Severity::High)];
    let graded = service(&mut run(postures(9, 0, 0, 0, 0), findings));
    assert_eq!(graded.grade, Some(Grade::D));
    assert_eq!(graded.reasons[0].rule.as_deref(), Some("WL2001"));
}

#[test]
fn a_grade_is_no_surer_than_the_finding_that_decides_it() {
    let mut hint = found("WL4003", Severity::High);
    hint.confidence = Confidence::Low;
    let graded = service(&mut run(postures(9, 0, 0, 0, 0), vec![hint]));
    assert_eq!((graded.grade, graded.certainty), (Some(Grade::D), Confidence::Low));
}

#[test]
fn what_is_accepted_counts_and_says_that_it_is_accepted() {
    let mut accepted = found("WL2001", Severity::High);
    accepted.accepted = Some(Box::new(fixture::acceptance()));
    let graded = service(&mut run(postures(9, 0, 0, 0, 0), vec![accepted]));
    assert_eq!(graded.grade, Some(Grade::D));
    assert!(graded.reasons[0].accepted);
}

#[test]
fn versions_and_certificates_count_without_a_rule() {
    let mut old = run(postures(9, 0, 0, 0, 0), Vec::new());
    old.services[0].particulars = fixture::particulars(&[0x0301, 0x0304], 0);
    assert_eq!(service(&mut old).grade, Some(Grade::D));
    let mut broken = run(postures(9, 0, 0, 0, 0), Vec::new());
    broken.certificates = fixture::outcome().certificates;
    broken.certificates.truncate(1);
    broken.certificates[0].port = Some(50051);
    let faults = ChainFaults::of(&[ChainFault::Expired, ChainFault::ExcessCertificate]);
    broken.certificates[0].faults = faults;
    broken.certificates[0].outcome = Seen::Value(ChainOutcome::default().into());
    for graded in [service(&mut broken), edge(&mut broken)] {
        assert_eq!(graded.grade, Some(Grade::D));
        assert_eq!(graded.reasons[0].what, "certificate: expired");
    }
}

#[test]
fn an_edge_answers_for_itself_and_not_for_other_clients() {
    let mut outcome = run(postures(9, 0, 0, 0, 0), vec![found("WL1001", Severity::High)]);
    let mut other = outcome.edges[0].clone();
    other.client = fixture::party("search", "10.0.1.99");
    outcome.edges.push(other);
    let mut of_server = found("WL1003", Severity::Critical);
    of_server.client = None;
    outcome.findings.push(of_server);
    grade(&mut outcome);
    assert_eq!(outcome.services[0].grade.grade, Some(Grade::F));
    assert_eq!(outcome.edges[0].grade.grade, Some(Grade::F), "its connection is the evidence");
    assert_eq!(outcome.edges[1].grade.grade, Some(Grade::A));
    // What is wrong with the server's certificate is wrong for everyone who relies on it.
    outcome.rules = vec![rule("WL1003", SubjectKind::Certificate)];
    grade(&mut outcome);
    assert_eq!(outcome.edges[1].grade.grade, Some(Grade::F));
}

fn rule(code: &str, on: SubjectKind) -> RuleText {
    RuleText {
        code: code.into(),
        name: "a-rule".into(),
        title: String::new().into(),
        severity: Severity::High,
        confidence: Confidence::High,
        on,
        tags: Vec::new().into(),
        why: String::new(),
        impact: String::new(),
        fix: String::new().into(),
        remediation: String::new(),
        false_positives: String::new(),
        references: Vec::new(),
    }
}

#[test]
fn steps_come_in_the_order_of_effect_and_say_what_is_left() {
    let mut findings = vec![found("WL1001", Severity::High), found("WL2003", Severity::Medium)];
    findings[0].fix = "Turn TLS on".into();
    findings[1].fix = "Take the suite away".into();
    let graded = service(&mut run(postures(1, 1, 0, 8, 0), findings));
    let steps: Vec<_> = graded.lifts().iter().map(|lift| (lift.step, lift.to)).collect();
    let of = |cause: Cause| cause.ceiling().unwrap().step;
    assert_eq!(
        steps,
        [
            (of(Cause::PlaintextMost), Grade::D),
            ("Turn TLS on", Grade::C),
            ("Take the suite away", Grade::B),
            (of(Cause::ClientUnproven), Grade::A),
        ]
    );
}

#[test]
fn an_incomplete_run_makes_no_grade_certain() {
    let mut outcome = run(postures(9, 0, 0, 0, 0), Vec::new());
    let message = String::new();
    outcome.coverage.incomplete.push(Incomplete { code: "truncated-capture", message });
    let graded = service(&mut outcome);
    assert_eq!((graded.grade, graded.certainty), (Some(Grade::A), Confidence::Medium));
    assert_eq!(graded.mark(), "A?");
}

#[test]
fn the_table_is_in_order_and_on_its_page() {
    let grades: Vec<Grade> = CEILINGS.iter().map(|ceiling| ceiling.grade).collect();
    assert!(grades.windows(2).all(|pair| pair[0] >= pair[1]), "{grades:?}");
    let page = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/grades.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (head, rest) = text.split_once("<!-- grades -->\n").unwrap();
    let (list, tail) = rest.split_once("<!-- end of grades -->").unwrap();
    let row = |c: &Ceiling| format!("| `{}` | {} | {} | {} |\n", c.code, c.grade, c.when, c.step);
    let rows: String = CEILINGS.iter().map(row).collect();
    let current = format!("| reason | at best | when | what lifts it |\n|---|---|---|---|\n{rows}");
    if list != current && std::env::var_os("WIRELINT_UPDATE_DOCS").is_some() {
        let text = format!("{head}<!-- grades -->\n{current}<!-- end of grades -->{tail}");
        std::fs::write(&page, text).unwrap();
        return;
    }
    assert!(list == current, "run the tests with WIRELINT_UPDATE_DOCS=1 and commit docs/grades.md");
}
