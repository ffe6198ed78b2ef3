use std::sync::Arc;

use super::super::{Auditor, CaptureFacts, KeepSessions};
use super::*;
use crate::identity::Directory;
use crate::model::{
    Alert, ClientOffer, ClientStep, Confidence, Finding, FrameNo, Inference, Outcome, Posture,
    RunInfo, Severity, Why, fixture,
};
use crate::pki::workshop::{self, Authority, PLAIN, noon, revoked, root, self_signed};
use crate::rule::RuleSet;
use rcgen::date_time_ymd;

/// A connection in which a server showed this chain and the client asked for `api.internal`.
fn shown(number: u64, ends: [&str; 2], chain: &[&Der], at: Timestamp) -> Session {
    let mut session = fixture::session(number, Posture::Tls).session;
    let moment = Moment { time: at, frame: FrameNo(number) };
    (session.client.addr, session.server.addr) =
        (ends[0].parse().unwrap(), ends[1].parse().unwrap());
    (session.first, session.last) = (moment, moment);
    let hello = ClientOffer {
        sni: Some("api.internal".to_owned()),
        wants_staple: true,
        ..ClientOffer::default()
    };
    let mut tls = TlsFacts {
        client_hello: Seen::Value(Box::new(hello.into())),
        server_chain: Seen::Value(chain.iter().map(|der| (*der).clone()).collect()),
        server_chain_at: Some(moment),
        client_chain: Seen::Absent,
        ocsp_staple: Seen::Absent,
        established: Seen::Value(true),
        ..TlsFacts::default()
    };
    tls.application_data.to_server = Some(moment);
    session.facts.tls = Some(Box::new(tls));
    session
}

/// The same, when the client refused.
fn refused(number: u64, ends: [&str; 2], chain: &[&Der], at: Timestamp) -> Session {
    let mut session = shown(number, ends, chain, at);
    let tls = session.facts.tls.as_mut().unwrap();
    tls.established = Seen::Value(false);
    tls.application_data.to_server = None;
    let direction = Direction::ToServer;
    tls.alerts.push(Alert { direction, level: 2, description: 48, at: session.first });
    session
}

fn audit(authorities: Authorities, sessions: Vec<Session>) -> Outcome {
    let rules = Arc::new(RuleSet::built_in().unwrap());
    let auditor = Auditor::new(rules, Directory::new(), KeepSessions::All);
    let mut auditor = auditor.with_authorities(authorities);
    for session in sessions {
        auditor.session(session, &mut |_| {});
    }
    auditor.finish(RunInfo::default(), CaptureFacts::default())
}

fn trusting(authorities: &[&Authority]) -> Authorities {
    let mut out = Authorities::default();
    for authority in authorities {
        out.trust.add("own", "test.pem", &authority.der.0).unwrap();
    }
    out
}

fn found<'o>(outcome: &'o Outcome, code: &str) -> Vec<&'o Finding> {
    outcome.findings.iter().filter(|finding| finding.rule == code).collect()
}

const API: &str = "10.0.2.9";
const FIRST: [&str; 2] = ["10.0.1.1", API];
const SECOND: [&str; 2] = ["10.0.1.2", API];

#[test]
fn the_client_that_went_on_is_found_and_the_one_that_refused_is_not() {
    let root = root("root");
    let leaf = root.leaf(&|params| params.not_after = date_time_ymd(2026, 2, 1));
    let sessions = vec![shown(1, FIRST, &[&leaf], noon()), refused(2, SECOND, &[&leaf], noon())];
    let outcome = audit(trusting(&[&root]), sessions);
    let [finding] = found(&outcome, "WL4003")[..] else { panic!("{:#?}", outcome.findings) };
    assert_eq!(finding.client.as_ref().unwrap().service, "10.0.1.1");
    assert_eq!(finding.severity, Severity::Critical);
    assert!(
        finding
            .message
            .contains("1 accepted, 0 refused; other clients: 0 accepted, 1 refused, 0 gave up")
    );
    assert_eq!(finding.evidence.len(), 1);
}

#[test]
fn what_may_be_known_by_other_means_is_a_suspicion_until_another_client_refuses() {
    let (alone, other) = (self_signed(PLAIN), root("other"));
    let severity = |authorities: Authorities, more: Vec<Session>| {
        let mut sessions = vec![shown(1, FIRST, &[&alone], noon())];
        sessions.extend(more);
        found(&audit(authorities, sessions), "WL4003").first().map(|finding| finding.severity)
    };
    assert_eq!(severity(Authorities::default(), vec![]), Some(Severity::Medium));
    let more = vec![refused(2, SECOND, &[&alone], noon())];
    assert_eq!(severity(Authorities::default(), more), Some(Severity::Critical));
    let mut pinned = trusting(&[&other]);
    pinned.trust.add("pins", "pin.pem", &alone.0).unwrap();
    assert_eq!(severity(pinned, vec![]), None, "trusted explicitly");
}

/// A connection under TLS 1.3 that the client gave up, by the shape of its records.
fn given_up(number: u64, ends: [&str; 2], confidence: Confidence) -> Session {
    let mut session = refused(number, ends, &[], noon());
    let tls = session.facts.tls.as_mut().unwrap();
    tls.alerts.clear();
    tls.server_chain = Seen::Hidden(Why::Encrypted);
    tls.certificate_request = Seen::Hidden(Why::Encrypted);
    tls.established = Seen::NotReached;
    let client = ClientStep::Refused;
    tls.inferred = Some(Inference { client, confidence, ..Inference::unknown("") });
    session
}

#[test]
fn refusals_that_are_inferred_count_apart_where_the_server_shows_one_leaf_alone() {
    let alone = self_signed(PLAIN);
    let accepted = || shown(1, FIRST, &[&alone], noon());
    let told = |more: Vec<Session>| {
        let sessions = [vec![accepted()], more].concat();
        let outcome = audit(Authorities::default(), sessions);
        let sure = |code| found(&outcome, code).first().map(|finding| finding.confidence);
        (sure("WL4003"), sure("WL8002"))
    };
    let third = ["10.0.1.3", API];
    let (medium, low) = (Confidence::Medium, Confidence::Low);
    assert_eq!(told(vec![]), (Some(low), None));
    assert_eq!(told(vec![given_up(2, SECOND, low)]), (Some(low), None));
    assert_eq!(told(vec![given_up(2, SECOND, medium)]), (Some(medium), None));
    let two = vec![given_up(2, SECOND, medium), given_up(3, third, medium)];
    assert_eq!(told(two.clone()), (Some(medium), Some(medium)));
    let mut several = two;
    several.push(shown(4, FIRST, &[&self_signed(PLAIN)], noon()));
    assert_eq!(told(several), (Some(low), None), "which of the two was refused is not known");
}

#[test]
fn a_private_authority_is_unknown_only_beside_a_bundle() {
    let (own, other) = (root("root"), root("other"));
    let leaf = own.leaf(PLAIN);
    let findings = |authorities| {
        let outcome = audit(authorities, vec![shown(1, FIRST, &[&leaf], noon())]);
        let severity = |code| found(&outcome, code).first().map(|finding| finding.severity);
        (severity("WL3002"), severity("WL4003"))
    };
    assert_eq!(findings(Authorities::default()), (None, None));
    assert_eq!(findings(trusting(&[&own])), (None, None));
    assert_eq!(findings(trusting(&[&other])), (Some(Severity::High), Some(Severity::Medium)));
}

#[test]
fn a_client_that_sent_nothing_relied_on_nothing() {
    let root = root("root");
    let leaf = root.leaf(&|params| params.not_after = date_time_ymd(2026, 2, 1));
    let mut silent = shown(1, FIRST, &[&leaf], noon());
    silent.facts.tls.as_mut().unwrap().application_data.to_server = None;
    let mut unfinished = shown(2, SECOND, &[&leaf], noon());
    unfinished.facts.tls.as_mut().unwrap().established = Seen::NotReached;
    let outcome = audit(Authorities::default(), vec![silent, unfinished]);
    assert!(found(&outcome, "WL4003").is_empty() && found(&outcome, "WL3003").len() == 1);
}

#[test]
fn an_intermediate_that_another_server_sends_is_missing_and_not_unknown() {
    let root = root("root");
    let zone = root.below("zone", PLAIN);
    let (leaf, other) = (zone.leaf(PLAIN), zone.leaf(PLAIN));
    let alone = shown(1, FIRST, &[&leaf], noon());
    let whole = shown(2, ["10.0.1.2", "10.0.2.8"], &[&other, &zone.der], noon());
    let outcome = audit(trusting(&[&root]), vec![alone.clone(), whole]);
    let [finding] = found(&outcome, "WL3015")[..] else { panic!("{:#?}", outcome.findings) };
    assert_eq!(finding.severity, Severity::Medium);
    assert!(finding.message.contains("missing-intermediate"), "{}", finding.message);
    assert!(found(&outcome, "WL3002").is_empty() && found(&outcome, "WL4003").is_empty());
    let unseen = audit(trusting(&[&root]), vec![alone]);
    assert!(found(&unseen, "WL3015").is_empty() && found(&unseen, "WL3002").len() == 1);
}

#[test]
fn a_revoked_certificate_is_found_by_list_and_by_staple() {
    let root = root("root");
    let leaf = root.leaf(PLAIN);
    let mut listed = trusting(&[&root]);
    listed.crls.add("own.crl", &root.crl(&[(&[0x4d, 0x02], 2)])).unwrap();
    let outcome = audit(listed, vec![shown(1, FIRST, &[&leaf], noon())]);
    assert_eq!((found(&outcome, "WL3007").len(), found(&outcome, "WL4003").len()), (1, 1));
    let mut stapled = shown(1, FIRST, &[&leaf, &root.der], noon());
    let response = root.staple(&leaf, &revoked(), workshop::SPRING);
    stapled.facts.tls.as_mut().unwrap().ocsp_staple = Seen::Value(response.into());
    let outcome = audit(Authorities::default(), vec![stapled]);
    let [finding] = found(&outcome, "WL3007")[..] else { panic!("{:#?}", outcome.findings) };
    assert!(finding.message.contains("by ocsp since 2026-02-10"), "{}", finding.message);
    let kept = outcome.sessions[0].session.facts.tls.as_ref().unwrap();
    assert_eq!(kept.ocsp_staple, Seen::Value(Arc::from([])), "only that it was there");
}

#[test]
fn a_revocation_list_that_ended_is_missing_evidence_and_one_of_others_is_named() {
    let (root, stranger) = (root("root"), root("stranger"));
    let leaf = root.leaf(PLAIN);
    let mut authorities = trusting(&[&root]);
    authorities.crls.add("old.crl", &root.crl_between(&[], (1, 2))).unwrap();
    authorities.crls.add("other.crl", &stranger.crl(&[])).unwrap();
    let mut chains = Chains::new(authorities);
    let mut session = shown(1, FIRST, &[&leaf], noon());
    let certificates = workshop::read_all(&[leaf]);
    let (server, client) = chains.outcomes(&mut session, &certificates, &[]);
    assert_eq!(server.value().unwrap().stale_crl, Some(0));
    assert_eq!(client, Seen::Absent);
    let lost = chains.lost();
    assert_eq!((lost.len(), lost[0].code), (1, "crl-expired"));
    let message = "the revocation list old.crl of CN=root ended 2026-02-01T00:00:00Z: \
                   whether the certificates of 1 session were revoked is not known";
    assert_eq!(lost[0].message, message);
    assert_eq!(chains.unused_crls(), ["other.crl of CN=stranger"]);
}

#[test]
fn many_handshakes_with_one_chain_are_one_verification() {
    let root = root("root");
    let leaf = root.leaf(PLAIN);
    let mut chains = Chains::new(trusting(&[&root]));
    let certificates = workshop::read_all(std::slice::from_ref(&leaf));
    for number in 0..100 {
        let at = noon().plus_seconds(i64::try_from(number).unwrap());
        let mut session = shown(number, FIRST, &[&leaf], at);
        chains.outcomes(&mut session, &certificates, &[]);
    }
    assert_eq!(chains.work(), (100, 1));
}
