use super::*;
use crate::audit::{Auditor, CaptureFacts, KeepSessions};
use crate::identity::Directory;
use crate::model::{Posture, RunInfo, ServiceRow, fixture};

fn with_addresses(mut finding: Finding) -> Finding {
    finding.seen_at = join::addresses(&finding);
    finding
}

/// A finding with the identity that its own parts give it.
fn finding(rule: &Rule, client: &str, server: &str, values: &[&str]) -> Finding {
    let mut finding = fixture::finding(&rule.code, &rule.name, Severity::High, 1);
    finding.client = Some(fixture::party(client, "10.0.1.5"));
    finding.server = Some(fixture::party(server, "10.0.2.9"));
    finding.subject = (!values.is_empty()).then(|| values.join(", "));
    let key = rule.key.iter().copied().zip(values.iter().copied());
    let names = [Some(client), Some(server)];
    finding.id = identity_of(&rule.code, names, finding.server_port, key);
    finding
}

#[test]
fn a_finding_is_counted_at_the_addresses_where_it_was_seen() {
    let rules = RuleSet::built_in().unwrap();
    let rule = rules.find("plaintext-rpc").unwrap();
    let (mut both, other) =
        (finding(rule, "a", "payments", &[]), finding(rule, "b", "payments", &[]));
    let mut second = both.clone();
    second.server = Some(fixture::party("payments", "10.0.2.10"));
    both.evidence.clear();
    second.evidence.clear();
    let items = [both, second, other].map(|finding| join::Item::new(with_addresses(finding)));
    let items = join::one_of_each(items.into_iter(), &mut join::Merged::default());
    let findings: Vec<Finding> = items.into_iter().map(|item| item.finding).collect();
    let at = |addr: &str| ServiceRow {
        service: fixture::party("payments", addr),
        endpoint: format!("{addr}:50051"),
        ..fixture::outcome().services[1].clone()
    };
    let mut rows = ["10.0.2.9", "10.0.2.10", "10.0.2.11"].map(at);
    crate::audit::count_findings(&mut rows, &findings);
    assert_eq!(
        rows.map(|row| (row.findings, row.worst.is_some())),
        [(2, true), (1, true), (0, false)]
    );
}

#[test]
fn a_renamed_service_is_found_by_what_it_was_called() {
    let rules = RuleSet::built_in().unwrap();
    let values = ["a, b", "payments", "c", "d"];
    let mut seen = 0;
    for rule in rules.rules().iter().filter(|rule| rule.key.len() <= values.len()) {
        let now = finding(rule, "orders", "payments", &values[..rule.key.len()]);
        let was: Vec<&str> =
            values.iter().map(|v| if *v == "payments" { "pay" } else { v }).collect();
        let old = finding(rule, "orders", "pay", &was[..rule.key.len()]);
        assert_eq!(renamed(rule, &now, "pay", "payments"), Some(old.id), "{}", rule.code);
        assert_eq!(renamed(rule, &now, "pay", "nobody"), None);
        let mut others = now;
        others.id = old.id;
        assert_eq!(renamed(rule, &others, "pay", "payments"), None, "not its identity");
        seen = seen.max(rule.key.len());
    }
    assert!(seen > 1, "rules with several values in their key are among them");
}

#[test]
fn what_is_known_of_an_edge_spares_work_and_changes_nothing() {
    let audit = |forgets: bool| {
        let rules = std::sync::Arc::new(RuleSet::built_in().unwrap());
        let mut auditor = Auditor::new(rules, Directory::new(), KeepSessions::Samples);
        for number in 0..240_u16 {
            let mut session = fixture::session(number.into(), Posture::Unknown).session;
            if number % 5 < 3 {
                session.protocol = Some("http1");
                session.facts.plaintext = Some(session.first);
            } else {
                session.protocol = Some("tls");
                session.facts.tls = Some(Box::default());
            }
            session.client = Endpoint::new([10, 0, 1, (number % 3) as u8].into(), 40_000 + number);
            session.server.port = 443 + number % 2;
            auditor.session(session, &mut |_| {});
            if forgets {
                auditor.ledger.forget_edges();
            }
        }
        auditor.finish(RunInfo::default(), CaptureFacts::default())
    };
    let (outcome, long) = (audit(false), audit(true));
    assert!(outcome.findings.iter().any(|finding| finding.count > limits::EVIDENCE as u64));
    assert!(outcome.undecided.places.iter().any(|place| place.count > 1));
    assert_eq!(format!("{outcome:?}"), format!("{long:?}"));
}
