use super::*;
use crate::model::fixture::{certificate, moment, session};
use crate::model::{
    Answer, CertificateAt, ClientOffer, Coverage, Direction, Endpoint, Party, Posture, SanName,
    Seen, TlsFacts, Why,
};

/// A session in which the server at `port` showed a leaf, at this moment, to a client that asked for this name.
fn showing(leaf: &Arc<Certificate>, port: u16, at: u64, sni: Option<&str>) -> AuditedSession {
    let mut audited = session(at, Posture::Tls);
    audited.session.server.port = port;
    audited.session.first = moment(at);
    audited.server_chain = vec![Arc::clone(leaf)];
    let hello = ClientOffer { sni: sni.map(str::to_owned), ..ClientOffer::default() };
    audited.session.facts.tls = Some(Box::new(TlsFacts {
        client_hello: Seen::Value(Box::new(hello.into())),
        server_chain_at: Some(moment(at)),
        ..TlsFacts::default()
    }));
    audited
}

/// A leaf of its own key and serial number.
fn leaf(seed: u8, name: &str, issuer: &str) -> Arc<Certificate> {
    let mut leaf = Certificate::clone(&certificate(seed, name));
    let details = leaf.details.as_mut().unwrap();
    details.issuer = issuer.to_owned();
    details.names = vec![SanName::Dns(name.to_owned())];
    details.serial = format!("{seed:x}");
    Arc::new(leaf)
}

fn history(sessions: &[AuditedSession]) -> (Vec<ChangeFacts>, u64) {
    let mut history = History::default();
    sessions.iter().for_each(|session| history.add(session));
    let (changes, untold) = history.changes();
    (changes, history.overflow + untold)
}

const NAME: Option<&str> = Some("api.test");

#[test]
fn a_server_that_always_shows_the_same_changes_nothing() {
    let api = leaf(1, "api.test", "CN=CA");
    let sessions: Vec<_> = (1..5).map(|at| showing(&api, 443, at, NAME)).collect();
    assert!(history(&sessions).0.is_empty());
}

#[test]
fn a_renewal_is_one_change_with_both_certificates_and_their_times() {
    let (old, new) = (leaf(1, "api.test", "CN=CA"), leaf(2, "api.test", "CN=CA"));
    let (changes, _) = history(&[
        showing(&old, 443, 1, NAME),
        showing(&old, 443, 2, NAME),
        showing(&new, 443, 3, NAME),
    ]);
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((change.before.leaf.sha256, change.after.leaf.sha256), (old.sha256, new.sha256));
    assert_eq!((change.before.last, change.after.first), (moment(2), moment(3)));
    assert_eq!((change.before.sessions, change.after.sessions, change.returns), (2, 1, 0));
    assert_eq!(change.name.as_deref(), NAME);
    assert!(!change.elsewhere());
}

#[test]
fn certificates_for_different_names_at_one_server_are_no_change() {
    let (api, shop) = (leaf(1, "api.test", "CN=CA"), leaf(2, "shop.test", "CN=CA"));
    let sessions = [
        showing(&api, 443, 1, NAME),
        showing(&shop, 443, 2, Some("shop.test")),
        showing(&leaf(3, "default.test", "CN=CA"), 443, 3, None),
    ];
    assert!(history(&sessions).0.is_empty());
}

#[test]
fn going_back_is_counted_and_a_long_session_that_ends_late_is_not_going_back() {
    let (a, b) = (leaf(1, "a.test", "CN=CA"), leaf(2, "b.test", "CN=CA"));
    let turns = |order: &[(&Arc<Certificate>, u64)]| {
        let sessions: Vec<_> =
            order.iter().map(|(leaf, at)| showing(leaf, 443, *at, NAME)).collect();
        history(&sessions).0.first().map(|change| change.returns)
    };
    assert_eq!(turns(&[(&a, 1), (&b, 2), (&a, 3), (&b, 4), (&a, 5)]), Some(2));
    assert_eq!(turns(&[(&a, 1), (&b, 3), (&a, 2)]), Some(0));
}

#[test]
fn what_was_not_seen_neither_confirms_nor_ends_anything() {
    let (old, new) = (leaf(1, "api.test", "CN=CA"), leaf(2, "api.test", "CN=CA"));
    let mut hidden = showing(&old, 443, 2, NAME);
    hidden.server_chain.clear();
    let mut unnamed = showing(&new, 443, 3, NAME);
    unnamed.session.facts.tls.as_mut().unwrap().client_hello = Seen::Hidden(Why::OneSided);
    assert!(history(&[showing(&old, 443, 1, NAME), hidden, unnamed]).0.is_empty());
}

#[test]
fn a_second_server_is_told_against_the_one_that_was_known_by_the_name_first() {
    let (api, forged) = (leaf(1, "api.test", "CN=CA"), leaf(2, "api.test", "CN=me"));
    let (changes, _) = history(&[showing(&api, 443, 1, NAME), showing(&forged, 8443, 2, NAME)]);
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert!(change.elsewhere());
    assert_eq!((change.before.place.port, change.after.place.port, change.port), (443, 8443, 8443));
    assert_eq!(change.before.leaf.sha256, api.sha256);
}

#[test]
fn a_replica_with_the_same_certificate_or_nobodys_name_is_no_change() {
    let api = leaf(1, "api.test", "CN=CA");
    let other = leaf(2, "other.test", "CN=CA");
    let same = [showing(&api, 443, 1, NAME), showing(&api, 8443, 2, NAME)];
    assert!(history(&same).0.is_empty());
    let nameless = [showing(&api, 443, 1, None), showing(&other, 8443, 2, None)];
    assert!(history(&nameless).0.is_empty());
}

#[test]
fn a_replica_is_told_against_the_certificate_of_its_own_issuer() {
    let (old, new) = (leaf(1, "api.test", "CN=CA"), leaf(2, "api.test", "CN=CA 2"));
    let replica = leaf(3, "api.test", "CN=CA 2");
    let (changes, _) = history(&[
        showing(&old, 443, 1, NAME),
        showing(&new, 443, 2, NAME),
        showing(&replica, 8443, 3, NAME),
    ]);
    let elsewhere: Vec<_> = changes.iter().filter(|change| change.elsewhere()).collect();
    assert_eq!(elsewhere.len(), 1);
    assert_eq!(elsewhere[0].before.leaf.sha256, new.sha256);
}

#[test]
fn a_server_that_makes_one_for_every_connection_is_bounded() {
    let count = limits::CERTIFICATES_PER_SERIES as u64 + 10;
    let sessions: Vec<_> = (0..count)
        .map(|at| {
            let mut fresh = Certificate::clone(&leaf(1, "api.test", "CN=CA"));
            fresh.sha256.0[..8].copy_from_slice(&at.to_be_bytes());
            showing(&Arc::new(fresh), 443, at + 1, NAME)
        })
        .collect();
    let (changes, overflow) = history(&sessions);
    assert_eq!(changes.len(), limits::CERTIFICATES_PER_SERIES - 1);
    assert_eq!(overflow, 10);
}

#[test]
fn the_order_of_changes_depends_on_the_sessions_alone() {
    let sessions: Vec<_> = (0..200_u16)
        .flat_map(|number| {
            let name = format!("s{number}.test");
            let (old, new) = (leaf(1, &name, "CN=CA"), leaf(2, &name, "CN=CA"));
            let at = u64::from(number) * 2 + 1;
            let show = |leaf, at| showing(leaf, 1000 + number % 7, at, Some(&name));
            [show(&old, at), show(&new, at + 1)]
        })
        .collect();
    let told = || {
        let (changes, _) = history(&sessions);
        changes.into_iter().map(|change| (change.after.place, change.name)).collect::<Vec<_>>()
    };
    assert_eq!(told(), told());
    assert!(told().is_sorted() && told().len() >= 200);
}

fn place(leaf: &Arc<Certificate>, role: Direction, addr: &str, port: u16) -> CertificateAt {
    let addr: std::net::IpAddr = addr.parse().unwrap();
    CertificateAt {
        certificate: Arc::clone(leaf),
        role,
        position: 0,
        chain_length: 1,
        party: Party::unmapped(Endpoint::new(addr, 0)),
        port,
        requested_names: Vec::new(),
        asked_without_name: false,
        called: Vec::new(),
        holders: 1,
        holder_names: 1,
        both_roles: false,
        across: crate::model::AcrossRun::default(),
        refused: crate::model::Refusals::default(),
        same_as_server: 0,
        outcome: crate::model::Seen::NotReached,
        faults: crate::model::ChainFaults::default(),
        first: moment(1),
        last: moment(90),
        sessions: 1,
        established: 1,
        samples: Vec::new(),
    }
}

#[test]
fn one_key_in_certificates_of_two_identities_is_told_at_both() {
    let api = leaf(1, "api.test", "CN=CA");
    let mut other = Certificate::clone(&leaf(2, "billing.test", "CN=CA"));
    other.details.as_mut().unwrap().spki_sha256 = api.details.as_ref().unwrap().spki_sha256;
    let mut places = [
        place(&api, Direction::ToClient, "10.0.0.1", 443),
        place(&Arc::new(other), Direction::ToClient, "10.0.0.2", 443),
        place(&leaf(3, "shop.test", "CN=CA"), Direction::ToClient, "10.0.0.3", 443),
    ];
    relate(&mut places, &mut []);
    let told = places.map(|place| (place.across.key_places, place.across.key_identities));
    assert_eq!(told, [(2, 2), (2, 2), (1, 1)]);
}

#[test]
fn certificates_of_one_issuer_with_one_number_are_twins_unless_they_signed_themselves() {
    let twin = |seed: u8, own: bool| {
        let mut leaf = Certificate::clone(&leaf(seed, "api.test", "CN=CA"));
        let details = leaf.details.as_mut().unwrap();
        details.serial = "4711".into();
        details.self_issued = own;
        Arc::new(leaf)
    };
    let twins = |own: bool| {
        let of = |seed| place(&twin(seed, own), Direction::ToClient, "10.0.0.1", 443);
        let mut places = [of(1), of(2), of(2)];
        relate(&mut places, &mut []);
        places.map(|place| place.across.serial_twins)
    };
    assert_eq!(twins(false), [1, 1, 1]);
    assert_eq!(twins(true), [0, 0, 0]);
}

#[test]
fn who_stays_with_an_issuer_that_others_left_is_told_and_who_left_is_not() {
    let sessions: Vec<_> = [443_u16, 8443]
        .into_iter()
        .flat_map(|port| {
            let old = leaf(port.to_be_bytes()[1], "api.test", "CN=old");
            let new = leaf(port.to_be_bytes()[1] + 1, "api.test", "CN=new");
            [showing(&old, port, 1, NAME), showing(&new, port, 2, NAME)]
        })
        .collect();
    let (mut changes, _) = history(&sessions);
    let straggler = leaf(9, "shop.test", "CN=old");
    let mut places = [
        place(&straggler, Direction::ToClient, "10.0.0.77", 443),
        place(&straggler, Direction::ToClient, "10.0.2.9", 443),
        place(&leaf(10, "x.test", "CN=new"), Direction::ToClient, "10.0.0.78", 443),
    ];
    places[0].last = moment(50);
    relate(&mut places, &mut changes);
    assert_eq!(places.map(|place| place.across.issuer_left_by), [2, 0, 0]);
}

#[test]
fn the_inventory_counts_leaves_once_and_finds_the_first_end_in_force() {
    let api = leaf(1, "api.test", "CN=CA");
    let mut ended = Certificate::clone(&leaf(2, "old.test", "CN=CA"));
    ended.details.as_mut().unwrap().not_after = crate::model::Timestamp::from_seconds(1);
    let places = [
        place(&api, Direction::ToClient, "10.0.0.1", 443),
        place(&api, Direction::ToClient, "10.0.0.2", 443),
        place(&Arc::new(ended), Direction::ToServer, "10.0.0.3", 0),
    ];
    let mut coverage = Coverage::default();
    count_leaves(&places, &mut coverage);
    assert_eq!((coverage.leaves, coverage.leaf_places), (2, 3));
    assert_eq!(coverage.next_expiry, api.details.as_ref().map(|details| details.not_after));
}

/// The same showing, by a server that is this far away and answers with this suite.
fn answering(mut audited: AuditedSession, hops: u8, suite: u16) -> AuditedSession {
    audited.session.hops.to_client = hops;
    let tls = audited.session.facts.tls.as_mut().unwrap();
    tls.server_hello = Seen::Value(Box::new(Answer { suite, ..Answer::default() }.into()));
    audited
}

#[test]
fn a_change_tells_whether_the_same_hello_was_answered_by_the_same_stack_from_as_far_away() {
    let (old, new) = (leaf(1, "api.test", "CN=CA"), leaf(2, "api.test", "CN=CA"));
    let after = |hops, suite| {
        let (changes, _) = history(&[
            answering(showing(&old, 443, 1, NAME), 64, 0xc02b),
            answering(showing(&new, 443, 2, NAME), hops, suite),
        ]);
        let [change] = changes.as_slice() else { panic!("{changes:?}") };
        let ends = (&change.before.end, &change.after.end);
        (ends.0.hops, ends.1.hops, ends.0.answers_as(ends.1))
    };
    assert_eq!(after(64, 0xc02b), (64, 64, Some(true)));
    assert_eq!(after(63, 0xc02f), (64, 63, Some(false)));
}

#[test]
fn clients_of_different_programs_tell_nothing_of_the_stack() {
    let (old, new) = (leaf(1, "api.test", "CN=CA"), leaf(2, "api.test", "CN=CA"));
    let mut other = answering(showing(&new, 443, 2, NAME), 64, 0xc02f);
    let tls = other.session.facts.tls.as_mut().unwrap();
    let hello = ClientOffer { suites: vec![0xc02f], ..ClientOffer::default() };
    let hello = ClientOffer { sni: NAME.map(str::to_owned), ..hello };
    tls.client_hello = Seen::Value(Box::new(hello.into()));
    let (changes, _) = history(&[answering(showing(&old, 443, 1, NAME), 64, 0xc02b), other]);
    assert_eq!(changes[0].before.end.answers_as(&changes[0].after.end), None);
}
