//! What sessions add up to: who is believed, and what is counted.

use super::note_use;
use crate::model::{
    Call, CallFacts, EdgeUse, EndIdentity, EndUse, Identity, Posture, Used, fixture, limits,
};

fn named(all: &[Identity]) -> Vec<(&str, &str)> {
    all.iter().map(|one| (one.rank.name(), one.name.as_str())).collect()
}

#[test]
fn what_can_be_believed_more_stands_first_and_is_not_crowded_out() {
    let session = fixture::session(1, Posture::Mtls).session;
    let at = (session.first, session.client, session.server);
    let mut used = EdgeUse::default();
    for number in 0..limits::USED_IDENTITIES + 5 {
        let subject = format!("subject-{number:02}");
        let end = EndUse { identity: EndIdentity::Token(subject.as_str()), proven: true };
        used.add_caller(Used::once(end, at));
        used.add_claim(&format!("claim-{number:02}"));
    }
    assert_eq!((used.unseen.callers, used.cut), (5, true));
    let identity = EndIdentity::Certificate(fixture::certificate(1, "orders.internal"));
    for _ in 0..2 {
        let end: EndUse = EndUse { identity: identity.clone(), proven: true };
        used.add_caller(Used::once(end, at));
    }
    assert_eq!(used.callers.len(), limits::USED_IDENTITIES);
    assert_eq!(used.unseen.callers, 6, "whose place it took is not known any more");
    let all = used.client_identities(&fixture::party("orders", "10.0.1.7"));
    assert_eq!(all.len(), limits::EDGE_IDENTITIES);
    assert_eq!(named(&all)[0], ("certificate-uri", "spiffe://prod/orders.internal"));
}

#[test]
fn claims_come_last_and_an_address_without_a_name_tells_nobody() {
    let mut used = EdgeUse::default();
    used.add_claim("billing");
    let known = used.client_identities(&fixture::party("orders", "10.0.1.7"));
    assert_eq!(named(&known), [("address", "orders"), ("header", "billing")]);
    let unknown = used.client_identities(&fixture::party("10.0.1.7", "10.0.1.7"));
    assert_eq!(named(&unknown), [("header", "billing")]);
}

#[test]
fn the_holders_of_certificates_are_believed_when_the_handshake_completed() {
    let mut used = EdgeUse::default();
    let mut audited = fixture::mutual(1);
    audited.session.facts.tls.as_mut().unwrap().established = crate::model::Seen::Absent;
    note_use(&mut used, &audited);
    assert!(used.client_identities(&audited.client).iter().all(|one| one.name == "orders"));
    assert_eq!(used.callers.len(), 1, "the policy hears of it");
    note_use(&mut used, &fixture::mutual(2));
    let ranks = used.client_identities(&audited.client);
    assert!(ranks.iter().any(|one| one.rank.name() == "certificate-dns"));
    assert_eq!((used.callers.len(), used.callers[0].sessions), (1, 2));
}

#[test]
fn calls_of_many_sessions_are_counted_by_method() {
    let mut audited = fixture::session(1, Posture::Plaintext);
    let call = |service: &str, method: &str| Call {
        service: service.into(),
        method: method.into(),
        count: 2,
        succeeded: 1,
        succeeded_authenticated: 0,
        failed: 1,
        last_status: Some(0),
        first: fixture::moment(1),
    };
    let calls = vec![call("shop.Pay", "Charge"), call("", "GET /health")];
    audited.session.facts.calls = Some(Box::new(CallFacts { calls, ..CallFacts::default() }));
    let mut used = EdgeUse::default();
    note_use(&mut used, &audited);
    note_use(&mut used, &audited);
    let mut twice = EdgeUse::default();
    twice.merge(&used);
    assert_eq!(twice, used);
    let methods = used.methods.iter().map(|used| (&used.what, used.sessions));
    let told: Vec<_> = methods
        .map(|(what, sessions)| (what.name.as_str(), what.count, what.succeeded, sessions))
        .collect();
    assert_eq!(told, [("GET /health", 4, 2, 2), ("shop.Pay/Charge", 4, 2, 2)]);
}
