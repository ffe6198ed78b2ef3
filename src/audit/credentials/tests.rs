use super::*;
use crate::model::{Posture, ReadableFacts, fixture};

fn credential(secret: &str, principal: Option<&str>) -> Credential {
    Credential {
        kind: CredentialKind::Token,
        mechanism: "http bearer",
        place: "header authorization".into(),
        principal: principal.map(str::to_owned),
        secret: Secret::of(secret.as_bytes()),
        exposure: Exposure::Readable,
        default: false,
        direction: Direction::ToServer,
        first: fixture::moment(7),
        count: 2,
        accepted: Some(true),
    }
}

fn session(client: &str, server: &str, credential: Credential) -> AuditedSession {
    let mut audited = fixture::session(1, Posture::Plaintext);
    audited.session.client.addr = client.parse().unwrap();
    audited.session.server.addr = server.parse().unwrap();
    audited.server = fixture::party(server, server);
    let readable = ReadableFacts { credentials: vec![credential], ..ReadableFacts::default() };
    audited.session.facts.readable = Some(Box::new(readable));
    audited
}

fn rows(sessions: &[AuditedSession]) -> Vec<CredentialRow> {
    let mut credentials = Credentials::default();
    sessions.iter().for_each(|session| credentials.add(session));
    credentials.told().rows
}

#[test]
fn equal_secrets_have_equal_numbers_and_are_counted_once_per_server() {
    let rows = rows(&[
        session("10.0.0.1", "10.0.0.8", credential("one", None)),
        session("10.0.0.1", "10.0.0.9", credential("two", None)),
        session("10.0.0.1", "10.0.0.9", credential("one", None)),
        session("10.0.0.2", "10.0.0.9", credential("one", None)),
    ]);
    let told: Vec<_> =
        rows.iter().map(|r| (r.at.server.service.as_str(), r.at.ordinal, r.at.count)).collect();
    assert_eq!(rows.len(), 3);
    assert!(told.contains(&("10.0.0.8", 1, 2)) && told.contains(&("10.0.0.9", 2, 2)), "{told:?}");
    let shared = rows.iter().find(|r| r.at.sessions == 2).unwrap();
    assert_eq!((shared.at.ordinal, shared.at.count, shared.at.sources), (1, 4, 2));
    assert_eq!((shared.at.servers, shared.at.independent_sources), (2, 2));
    assert_eq!(shared.clients.len(), 2);
}

#[test]
fn a_gateway_that_passes_a_token_on_is_no_second_holder() {
    let rows = rows(&[
        session("10.0.0.1", "10.0.0.5", credential("t", None)),
        session("10.0.0.5", "10.0.0.9", credential("t", None)),
    ]);
    assert!(rows.iter().all(|row| row.at.independent_sources == 1));
}

#[test]
fn secrets_of_one_principal_are_counted_when_they_were_let_in() {
    let refused = Credential { accepted: Some(false), ..credential("c", Some("orders")) };
    let rows = rows(&[
        session("10.0.0.1", "10.0.0.9", credential("a", Some("orders"))),
        session("10.0.0.1", "10.0.0.9", credential("b", Some("orders"))),
        session("10.0.0.1", "10.0.0.9", refused),
        session("10.0.0.1", "10.0.0.9", credential("d", Some("billing"))),
    ]);
    let of = |name: &str| {
        let of = |r: &&CredentialRow| r.at.credential.principal.as_deref() == Some(name);
        rows.iter().find(of).unwrap().at.secrets_of_principal
    };
    assert_eq!((of("orders"), of("billing")), (2, 1));
}

#[test]
fn one_side_alone_does_not_say_whether_it_was_let_in() {
    let silent = Credential { accepted: None, ..credential("a", None) };
    let mut half = session("10.0.0.1", "10.0.0.9", silent.clone());
    half.session.traffic.to_client.packets = 0;
    assert_eq!(rows(&[half])[0].at.accepted, Seen::Hidden(Why::OneSided));
    assert_eq!(rows(&[session("10.0.0.1", "10.0.0.9", silent)])[0].at.accepted, Seen::Absent);
}

#[test]
fn the_number_of_credentials_is_bounded() {
    let mut credentials = Credentials::default();
    for n in 0..limits::CREDENTIAL_PLACES + 3 {
        credentials.add(&session("10.0.0.1", "10.0.0.9", credential(&n.to_string(), None)));
    }
    let told = credentials.told();
    assert_eq!((told.rows.len(), told.overflow), (limits::CREDENTIAL_PLACES, 3));
}
