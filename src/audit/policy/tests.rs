//! A policy that was learned is kept by what it was learned from, and each single change is told as what it is.

use std::sync::Arc;

use super::compare;
use crate::audit::inventory::Inventory;
use crate::audit::rows::edge_rows;
use crate::audit::{Learn, learn};
use crate::model::{
    AuditedSession, Call, CallFacts, ClientAuth, EdgeFacts, IdentityRank, Place, Posture,
    ReadableFacts, SanName, Seen, Subject, Token, Why, fixture,
};
use crate::rule::{Evaluator, Policy, RuleSet, Verdict, policy_text};

const HOW: Learn = Learn { min_sessions: 1, group_clients: false };

fn edges(sessions: &[AuditedSession]) -> Vec<EdgeFacts> {
    let mut inventory = Inventory::default();
    sessions.iter().for_each(|session| {
        inventory.add(session);
    });
    inventory.edges()
}

fn learned(sessions: &[AuditedSession], how: Learn) -> String {
    let text = policy_text(&learn(&edge_rows(edges(sessions)), how).drafts, &[]);
    text.replace("reason = \"\"", "reason = \"a test\"")
}

fn read(text: &str) -> Policy {
    Policy::read("policy.toml", text).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"))
}

/// The rules that are true, and those that cannot tell, each as often as it is said.
fn judged(policy: &Policy, sessions: &[AuditedSession]) -> (Vec<String>, Vec<String>) {
    let mut evaluator = Evaluator::new(Arc::new(RuleSet::built_in().unwrap()));
    let (mut hits, mut hidden) = (Vec::new(), Vec::new());
    for facts in compare(policy, &edges(sessions)).0 {
        let said = evaluator.evaluate(&Subject::Policy(&facts));
        for hit in said.iter() {
            let code = evaluator.rules().rules()[hit.rule].code.to_string();
            let list = if hit.verdict == Verdict::Hit { &mut hits } else { &mut hidden };
            list.push(code);
        }
    }
    hits.sort();
    hidden.sort();
    (hits, hidden)
}

/// Traffic of every kind: mutual TLS, one-way TLS, readable calls.
fn traffic() -> Vec<AuditedSession> {
    vec![mutual(1), mutual(2), one_way(3), readable(4), readable(5)]
}

fn mutual(number: u64) -> AuditedSession {
    fixture::mutual(number)
}

fn one_way(number: u64) -> AuditedSession {
    to("search", "10.0.2.10", without_certificate(mutual(number)))
}

fn readable(number: u64) -> AuditedSession {
    let mut audited = to("catalog", "10.0.2.11", fixture::session(number, Posture::Plaintext));
    audited.client_auth = Seen::Absent;
    audited.session.protocol = Some("grpc");
    audited.session.facts.plaintext = Some(fixture::moment(118));
    audited.session.facts.calls = Some(Box::new(calls("List")));
    audited
}

fn calls(method: &str) -> CallFacts {
    let call = Call {
        service: "shop.Catalog".into(),
        method: method.into(),
        count: 1,
        succeeded: 1,
        succeeded_authenticated: 0,
        failed: 0,
        last_status: Some(0),
        first: fixture::moment(118),
    };
    CallFacts { calls: vec![call], requests: 1, responses: 1, ..CallFacts::default() }
}

fn to(service: &str, addr: &str, mut audited: AuditedSession) -> AuditedSession {
    audited.server = fixture::party(service, addr);
    audited.session.server.addr = addr.parse().unwrap();
    audited
}

fn from(service: &str, addr: &str, mut audited: AuditedSession) -> AuditedSession {
    audited.client = fixture::party(service, addr);
    audited.session.client.addr = addr.parse().unwrap();
    audited
}

fn without_certificate(mut audited: AuditedSession) -> AuditedSession {
    audited.posture = Posture::Tls;
    audited.client_auth = Seen::Value(ClientAuth::NotRequested);
    audited.client_chain = Vec::new();
    let tls = audited.session.facts.tls.as_mut().unwrap();
    tls.client_chain = Seen::Absent;
    tls.certificate_request = Seen::Absent;
    audited
}

fn opaque(mut audited: AuditedSession) -> AuditedSession {
    audited.posture = Posture::TlsOpaque;
    audited.client_auth = Seen::Hidden(Why::Encrypted);
    audited.client_chain = Vec::new();
    audited.server_chain = Vec::new();
    audited
}

fn version(number: u16, mut audited: AuditedSession) -> AuditedSession {
    let tls = audited.session.facts.tls.as_mut().unwrap();
    tls.server_hello.value_mut().unwrap().version = number;
    audited
}

fn port(port: u16, mut audited: AuditedSession) -> AuditedSession {
    audited.session.server.port = port;
    audited
}

fn token(subject: &str, mut audited: AuditedSession) -> AuditedSession {
    let token = Token {
        secret: crate::model::Secret::of(subject.as_bytes()),
        algorithm: "RS256".into(),
        media_type: None,
        unsigned: false,
        key_id: None,
        key_url: None,
        issuer: None,
        subject: Some(subject.into()),
        audience: Vec::new(),
        has_id: false,
        issued: None,
        not_before: None,
        expires: None,
        grants: Vec::new(),
        last_accepted: None,
    };
    let readable = ReadableFacts { tokens: vec![token], ..ReadableFacts::default() };
    audited.session.facts.readable = Some(Box::new(readable));
    audited
}

#[test]
fn what_a_policy_was_learned_from_keeps_to_it() {
    let policy = read(&learned(&traffic(), HOW));
    assert_eq!(judged(&policy, &traffic()).0, Vec::<String>::new());
    let grouped = read(&learned(&traffic(), Learn { group_clients: true, ..HOW }));
    assert_eq!(judged(&grouped, &traffic()).0, Vec::<String>::new());
    let other = from("billing", "10.0.1.9", mutual(1));
    assert_eq!(judged(&grouped, &[other]).0, Vec::<String>::new(), "every caller is meant");
}

#[test]
fn each_single_change_of_the_traffic_is_told_as_what_it_is() {
    let policy = read(&learned(&traffic(), HOW));
    let other_client = {
        let mut audited = mutual(9);
        audited.client_chain = vec![fixture::certificate(7, "billing.internal")];
        audited
    };
    let other_server = {
        let mut audited = mutual(9);
        audited.server_chain = vec![fixture::certificate(7, "billing.internal")];
        audited
    };
    let new_method = {
        let mut audited = readable(9);
        audited.session.facts.calls = Some(Box::new(calls("Delete")));
        audited
    };
    let in_clear = {
        let mut audited = to("search", "10.0.2.10", readable(9));
        audited.session.facts.calls = None;
        audited
    };
    let changes: [(&str, AuditedSession, &[&str]); 12] = [
        ("nothing", mutual(9), &[]),
        ("no client certificate", without_certificate(mutual(9)), &["WL6011"]),
        ("readable where it was TLS", in_clear, &["WL6011"]),
        ("an older version", version(0x0301, mutual(9)), &["WL6012"]),
        ("an older version without certificate", version(0x0302, one_way(9)), &["WL6012"]),
        ("a newer version", version(0x0304, mutual(9)), &[]),
        ("a new caller", from("billing", "10.0.1.9", mutual(9)), &["WL6004"]),
        ("a new server", to("ledger", "10.0.2.19", mutual(9)), &["WL6004"]),
        ("a public server", to("93.184.216.34", "93.184.216.34", mutual(9)), &["WL6010"]),
        ("a new port", port(8443, mutual(9)), &["WL6004"]),
        ("another client at the same address", other_client, &["WL6001"]),
        ("another server at the same address", other_server, &["WL6013"]),
    ];
    for (what, change, expected) in changes {
        let sessions: Vec<_> = traffic().into_iter().chain([change]).collect();
        assert_eq!(judged(&policy, &sessions), (owned(expected), Vec::new()), "{what}");
    }
    let sessions: Vec<_> = traffic().into_iter().chain([new_method]).collect();
    assert_eq!(judged(&policy, &sessions), (owned(&["WL6001"]), Vec::new()), "a new method");
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_cannot_be_seen_is_neither_kept_nor_broken() {
    let policy = read(&learned(&traffic(), HOW));
    let sessions: Vec<_> = traffic().into_iter().chain([opaque(mutual(9))]).collect();
    let hidden = owned(&["WL6001", "WL6011", "WL6013"]);
    assert_eq!(judged(&policy, &sessions), (Vec::new(), hidden));
    let mut failed = opaque(mutual(9));
    failed.posture = Posture::Unknown;
    failed.session.facts.tls.as_mut().unwrap().established = Seen::Value(false);
    let sessions: Vec<_> = traffic().into_iter().chain([failed]).collect();
    let nothing = (Vec::new(), Vec::new());
    assert_eq!(judged(&policy, &sessions), nothing, "nothing crossed when it failed");
}

#[test]
fn a_certificate_that_was_renewed_is_the_same_party() {
    let policy = read(&learned(&traffic(), HOW));
    let mut renewed = mutual(9);
    let mut certificate = (*fixture::certificate(2, "orders.internal")).clone();
    certificate.sha256.0 = [99; 32];
    renewed.client_chain = vec![Arc::new(certificate)];
    assert_eq!(judged(&policy, &[renewed]).0, Vec::<String>::new());
}

const BASE: &str = "policy-version = 1\nunknown-edges = \"off\"\n";

#[test]
fn a_forbidden_edge_is_told_and_a_closer_entry_allows_it() {
    let deny = format!("{BASE}[[edge]]\nfrom = \"*\"\nto = \"pay*\"\ndeny = true\n");
    assert_eq!(judged(&read(&deny), &[mutual(1)]).0, ["WL6009"]);
    let except = format!("{deny}[[edge]]\nfrom = \"orders\"\nto = \"payments\"\n");
    assert_eq!(judged(&read(&except), &[mutual(1)]).0, Vec::<String>::new());
}

#[test]
fn whoever_may_call_anything_may_not_call_out() {
    let all = BASE.replace("off", "low") + "[[edge]]\nfrom = \"*\"\nto = \"*\"\n";
    let out = to("93.184.216.34", "93.184.216.34", mutual(1));
    assert_eq!(judged(&read(&all), &[mutual(1)]).0, Vec::<String>::new());
    assert_eq!(judged(&read(&all), std::slice::from_ref(&out)).0, ["WL6010"]);
    let named = format!("{all}[[edge]]\nfrom = \"*\"\nto = \"93.*\"\n");
    assert_eq!(judged(&read(&named), &[out]).0, Vec::<String>::new());
}

#[test]
fn a_weaker_permission_holds_until_its_last_day_is_over() {
    let until = |day: &str| {
        let edge =
            "[[edge]]\nfrom = \"orders\"\nto = \"*\"\nrequire = \"any\"\nreason = \"legacy\"\n";
        read(&format!("{BASE}{edge}until = {day}\n"))
    };
    // The sessions of the fixture are of 2026-01-21.
    assert_eq!(judged(&until("2026-01-21"), &[readable(1)]).0, Vec::<String>::new());
    assert_eq!(judged(&until("2026-01-20"), &[readable(1)]).0, ["WL6011"]);
    let ended = until("2026-01-20");
    let mut earlier = readable(2);
    for at in [&mut earlier.session.first, &mut earlier.session.last] {
        at.time = at.time.plus_seconds(-3 * 86_400);
    }
    earlier.session.facts.plaintext = Some(earlier.session.first);
    let facts = compare(&ended, &edges(&[earlier.clone(), readable(1)])).0;
    assert_eq!(judged(&ended, &[earlier]).0, Vec::<String>::new(), "it held then");
    assert_eq!((facts.len(), facts[0].sessions, facts[0].samples.len()), (1, 1, 1));
    assert!(facts[0].expired.is_some() && facts[0].expected == ["mtls"]);
    assert_eq!(ended.expired(fixture::moment(1).time).len(), 1);
    assert_eq!(until("2026-01-21").expired(fixture::moment(1).time).len(), 0);
}

#[test]
fn callers_are_told_by_the_best_that_they_show() {
    let edge = "[[edge]]\nfrom = \"orders\"\nto = \"catalog\"\nrequire = \"any\"\nreason = \"r\"\n";
    let policy = read(&format!("{BASE}{edge}identity.client = \"sub:orders\"\n"));
    let told = |audited: AuditedSession| {
        let facts = compare(&policy, &edges(&[audited])).0;
        facts.into_iter().map(|facts| (facts.caller, facts.told_by)).next()
    };
    assert_eq!(told(token("orders", readable(1))), None, "the token proves it");
    let other = Some(("sub:billing".to_owned(), IdentityRank::Token));
    assert_eq!(told(token("billing", readable(1))), other);
    assert_eq!(told(readable(1)), Some(("orders".to_owned(), IdentityRank::Address)));
    let mut certified = to("catalog", "10.0.2.11", mutual(1));
    let uri = "spiffe://prod/orders.internal".to_owned();
    assert_eq!(told(certified.clone()), Some((uri, IdentityRank::CertificateUri)));
    let mut certificate = (*fixture::certificate(3, "orders.internal")).clone();
    certificate.details.as_mut().unwrap().names = vec![SanName::Dns("orders.internal".into())];
    certified.client_chain = vec![Arc::new(certificate)];
    assert_eq!(told(certified), Some(("orders.internal".to_owned(), IdentityRank::CertificateDns)));
}

#[test]
fn a_finding_points_at_the_line_that_says_so() {
    let text = format!(
        "{BASE}[[edge]]\nfrom = \"orders\"\nto = \"payments\"\nidentity = {{ server = \"x\" }}\n"
    );
    let policy = read(&text.replace("off", "high"));
    let lines = |sessions: &[AuditedSession]| {
        let facts = compare(&policy, &edges(sessions)).0;
        facts
            .into_iter()
            .map(|facts| facts.place)
            .map(|Place { line, .. }| line)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&[without_certificate(mutual(1))]), [3, 6]);
    assert_eq!(lines(&[one_way(1)]), [2]);
}

#[test]
fn every_entry_is_told_what_became_of_it() {
    let text = format!(
        "{BASE}[[edge]]\nfrom = \"orders\"\nto = \"payments\"\n\
         [[edge]]\nfrom = \"search\"\nto = \"payments\"\n\
         [[edge]]\nfrom = \"search\"\nto = \"catalog\"\ndeny = true\n"
    );
    let policy = read(&text);
    let standing = |sessions: &[AuditedSession]| compare(&policy, &edges(sessions)).1;
    let words = |sessions: &[AuditedSession]| {
        standing(sessions).entries.iter().map(super::EntryStanding::word).collect::<Vec<_>>()
    };
    assert_eq!(words(&[]), ["not seen", "not seen", "kept"]);
    assert_eq!(words(&[mutual(1)]), ["kept", "not seen", "kept"]);
    let told = standing(&[without_certificate(mutual(1)), mutual(2), one_way(3)]);
    let first = &told.entries[0];
    assert_eq!((first.word(), first.edges, first.sessions), ("violated", 1, 2));
    assert_eq!(first.against, ["orders -> payments:50051: posture is tls (1 session)"]);
    assert_eq!(told.unexpected.len(), 1, "{told:#?}");
    let forbidden = to("catalog", "10.0.2.11", from("search", "10.0.1.9", mutual(1)));
    let told = standing(&[forbidden]);
    assert_eq!(told.entries[2].word(), "violated");
    assert!(told.entries[2].against[0].contains("is forbidden"), "{told:#?}");
}

#[test]
fn names_from_the_wire_become_no_patterns() {
    let hostile = from("*", "10.0.1.66", to("pay*\"\n[x", "10.0.2.66", mutual(1)));
    let policy = learned(std::slice::from_ref(&hostile), HOW);
    let escaped = policy.replace("\\u000A", "");
    let policy = Policy::read("policy.toml", &escaped).unwrap();
    assert_eq!(judged(&policy, &[mutual(1)]).0, ["WL6004"], "it allows nobody else");
}

#[test]
fn without_a_policy_nothing_is_said() {
    let rules = RuleSet::built_in().unwrap();
    let of_policies =
        |code: &str| rules.find(code).unwrap().on == crate::model::SubjectKind::Policy;
    for code in ["WL6001", "WL6004", "WL6009", "WL6010", "WL6011", "WL6012", "WL6013"] {
        assert!(of_policies(code), "{code} could be not observable without a policy");
    }
}
