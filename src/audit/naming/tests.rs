use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::audit::{Auditor, CaptureFacts, KeepSessions};
use crate::identity::Services;
use crate::model::{
    Answer, CallFacts, ClientHello, ClientOffer, FrameNo, Moment, Outcome, Posture, RunInfo, Seen,
    ServerHello, Session, TlsFacts, escape_bytes, escape_text, fixture, limits,
};
use crate::rule::RuleSet;

const FILE: &str = "mapping-version = 1
[[service]]
name = 'payments'
addr = ['10.0.2.1', '10.0.2.2', '10.0.2.3', '10.0.2.4']
[[service]]
name = 'orders'
cidr = '10.0.1.0/24'
";

/// A plaintext call from one of the orders to one of the payments.
fn call(frame: u64, [client, server]: [u8; 2], client_port: u16) -> Session {
    let mut session = fixture::session(frame, Posture::Plaintext).session;
    session.client = Endpoint::new([10, 0, 1, client].into(), client_port);
    session.server = Endpoint::new([10, 0, 2, server].into(), 50051);
    let at = Moment { frame: FrameNo(frame), ..session.first };
    (session.first, session.last, session.facts.plaintext) = (at, at, Some(at));
    session.protocol = Some("grpc");
    let calls = CallFacts { requests: 1, responses: 1, ..CallFacts::default() };
    session.facts.calls = Some(Box::new(calls));
    session
}

fn audit(file: &str, sessions: Vec<Session>) -> Outcome {
    let services = Services::read(vec![("services.toml".to_owned(), file.to_owned())]).unwrap();
    let rules = Arc::new(RuleSet::built_in().unwrap());
    let directory = Directory::of(Arc::new(services));
    let mut auditor = Auditor::new(rules, directory, KeepSessions::All);
    for session in sessions {
        auditor.session(session, &mut |_| {});
    }
    auditor.finish(RunInfo::default(), CaptureFacts::default())
}

/// What findings are, and how often.
fn findings(outcome: &Outcome) -> BTreeSet<(String, u64)> {
    outcome.findings.iter().map(|finding| (finding.id.to_string(), finding.count)).collect()
}

#[test]
fn no_text_from_the_wire_can_be_a_mark() {
    let forged = mark(CLIENT, Endpoint::new([10, 0, 0, 1].into(), 0));
    assert!(!escape_text(&forged).contains(OPEN));
    assert!(!escape_bytes(forged.as_bytes()).contains(OPEN));
}

#[test]
fn names_come_back_where_the_marks_were() {
    let mut audited = fixture::session(1, Posture::Plaintext);
    (audited.client.how, audited.server.how) = (Party::UNMAPPED, Party::UNMAPPED);
    let before = audited.clone();
    let names = hide(&mut audited);
    let said = format!("{} calls {}", audited.client.service, audited.server.service);
    restore(&mut audited, names);
    assert_eq!(audited, before);
    let ends = (audited.session.client, audited.session.server);
    assert_eq!(Revealing::new(ends, ["a", "b"]).revealed(&said).as_deref(), Some("a calls b"));
    assert_eq!(Revealing::new(ends, ["a", "b"]).revealed("nobody calls"), None);
    let (twice, other) =
        (format!("{said}, {said}."), mark(CLIENT, Endpoint::new([9; 4].into(), 0)));
    let revealed = |text: &str| Revealing::new(ends, ["a", "b"]).revealed(text);
    assert_eq!(revealed(&twice).as_deref(), Some("a calls b, a calls b."));
    assert_eq!(revealed(&other).as_deref(), Some(other.as_str()), "it is of another end");
}

#[test]
fn findings_about_one_service_are_one_wherever_it_is() {
    let sessions =
        (1..=20).map(|n| call(n, [n as u8, 1 + n as u8 % 4], 41_000 + n as u16)).collect();
    let outcome = audit(FILE, sessions);
    let plaintext: Vec<_> = outcome.findings.iter().filter(|f| f.rule == "WL1001").collect();
    assert_eq!(plaintext.len(), 1, "{plaintext:#?}");
    let finding = plaintext[0];
    assert_eq!((finding.count, finding.evidence.len()), (20, limits::EVIDENCE));
    assert!(
        finding.message.starts_with("orders speaks grpc to payments:50051"),
        "{}",
        finding.message
    );
    let frames: Vec<u64> = finding.evidence.iter().map(|one| one.frames[0].frame.0).collect();
    assert!(frames.is_sorted(), "{frames:?}");
    let texts = format!("{outcome:?}");
    assert!(!texts.contains(OPEN) && !texts.contains("\\u{e000}"));
}

/// A TLS session that only its server name tells apart.
fn asked(frame: u64, server: u8, name: &str) -> Session {
    let mut session = call(frame, [9, server], 40_000);
    session.facts = crate::model::Facts::default();
    session.protocol = Some("tls");
    let at = session.first;
    let offer = ClientOffer { sni: Some(name.to_owned()), ..ClientOffer::default() };
    let hello = ClientHello { at, ..offer.into() };
    session.facts.tls = Some(Box::new(TlsFacts {
        client_hello: Seen::Value(Box::new(hello)),
        server_hello: Seen::Value(Box::new(ServerHello {
            at,
            ..Answer { version: 0x0301, ..Answer::default() }.into()
        })),
        established: Seen::Value(true),
        ..TlsFacts::default()
    }));
    session
}

#[test]
fn a_name_learned_late_is_the_name_of_all_that_came_before() {
    let nobody = "mapping-version = 1\n[[service]]\nname = 'x'\naddr = '192.0.2.1'";
    let mut sessions: Vec<Session> = (1..4).map(|n| call(n, [1, 7], 41_000 + n as u16)).collect();
    sessions.push(call(4, [1, 8], 42_000));
    let mut tls = asked(5, 7, "payments.internal");
    tls.server.port = 50051;
    sessions.push(tls);
    let outcome = audit(nobody, sessions);
    let messages: Vec<&str> = outcome.findings.iter().map(|f| f.message.as_str()).collect();
    assert!(
        messages.iter().any(|m| m.contains("to payments.internal:50051 without TLS")),
        "{messages:#?}"
    );
    assert!(messages.iter().any(|m| m.contains("to 10.0.2.8:50051 without TLS")), "{messages:#?}");
    assert!(!messages.iter().any(|m| m.contains("10.0.2.7")), "{messages:#?}");
    let served = outcome.sessions.iter().filter(|s| s.server.addr == IpAddr::from([10, 0, 2, 7]));
    assert!(served.into_iter().all(|s| s.server.how == "learned-sni"));
    assert!(outcome.edges.iter().any(|edge| edge.server.service == "payments.internal"));
}

#[test]
fn the_same_address_in_two_networks_or_at_two_times_is_two_parties() {
    let file = "mapping-version = 1
        [[service]]\nname = 'red'\ncidr = '10.0.2.0/24'\nvni = 1
        [[service]]\nname = 'blue'\ncidr = '10.0.2.0/24'\nvni = 2
        [[service]]\nname = 'old'\naddr = '10.0.1.1'\nvalid-to = 2026-01-21T09:14:02Z
        [[service]]\nname = 'new'\naddr = '10.0.1.1'\nvalid-from = 2026-01-21T09:14:02Z";
    let mut sessions: Vec<Session> = (1..=4).map(|n| call(n, [1, 1], 41_000 + n as u16)).collect();
    for (session, number) in sessions.iter_mut().zip([1, 2, 1, 2]) {
        let realm = Realm::of_network(number);
        (session.client, session.server) =
            (session.client.within(realm), session.server.within(realm));
    }
    for session in &mut sessions[2..] {
        let later = session.first.time.plus_seconds(10);
        (session.first.time, session.last.time) = (later, later);
    }
    let outcome = audit(file, sessions);
    let edges: BTreeSet<_> = outcome
        .edges
        .iter()
        .map(|e| (e.client.service.as_str(), e.server.service.as_str()))
        .collect();
    let all = [("new", "blue"), ("new", "red"), ("old", "blue"), ("old", "red")];
    assert_eq!(edges, BTreeSet::from(all));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(66),
        ..ProptestConfig::with_cases(24)
    })]

    #[test]
    fn findings_do_not_depend_on_client_ports_addresses_of_a_service_or_the_order_of_connections(
        moves in proptest::collection::vec((1u8..200, 1u8..5, 1024u16..60_000), 12),
        turn in 0usize..12,
    ) {
        let before = (1..=12).map(|n| call(n, [n as u8, 1 + n as u8 % 4], 41_000 + n as u16)).collect();
        let mut after: Vec<Session> = (1..).zip(&moves).map(|(n, m)| call(n, [m.0, m.1], m.2)).collect();
        after.rotate_left(turn);
        let (before, after) = (audit(FILE, before), audit(FILE, after));
        let ids = |outcome: &Outcome| -> BTreeSet<String> {
            outcome.findings.iter().map(|finding| finding.id.to_string()).collect()
        };
        prop_assert!(!ids(&before).is_empty());
        prop_assert_eq!(ids(&before), ids(&after));
    }

    #[test]
    fn the_order_of_connections_changes_no_count(turn in 0usize..12, seed in 0u8..5) {
        let all: Vec<Session> =
            (1..=12).map(|n| call(n, [n as u8 % 3, 1 + (n as u8 + seed) % 4], 41_000 + n as u16)).collect();
        let mut turned = all.clone();
        turned.rotate_left(turn);
        prop_assert_eq!(findings(&audit(FILE, all)), findings(&audit(FILE, turned)));
    }
}
