//! What bytes are missing leaves unknown, and nothing else.

use super::bytes::*;
use super::{alerts, chain};
use crate::inspect::feeder::inspect;
use crate::model::{Direction, Seen, TlsFacts, Why};

/// A flight of the server of which some bytes are missing, in a handshake that is whole otherwise.
fn holed(flight: &[u8], from: usize, missing: usize) -> TlsFacts {
    let mut events = one_way();
    let behind = flight.get(from + missing..).unwrap_or_default();
    events.splice(
        1..2,
        [server(&flight[..from]), Event::Gap(Direction::ToClient, missing as u64), server(behind)],
    );
    tls(&events)
}

fn flight() -> [Vec<u8>; 5] {
    let leaf = vec![5; 900];
    [server_hello(ECDHE_RSA, &[]), certificates(&[&leaf, b"root"]), ecdhe(29), request(), done()]
}

#[test]
fn a_certificate_with_a_hole_is_hidden_and_what_follows_is_read() {
    let parts = flight();
    let start = parts[0].len();
    for (from, missing) in
        [(start + 20, 1), (start + 20, 500), (start + 9, 100), (start + 500, 300)]
    {
        let found = holed(&parts.concat(), from, missing);
        assert_eq!(found.server_chain, Seen::Hidden(Why::Gap), "{missing} missing at {from}");
        assert_eq!(found.key_exchange.value().unwrap().group, Some(29));
        assert!(found.certificate_request.is_value());
        assert_eq!(found.established, Seen::Value(true));
    }
}

#[test]
fn what_may_have_been_in_a_hole_is_not_absent() {
    let parts = flight();
    let without_request = [&parts[0][..], &parts[1], &parts[4]].concat();
    for missing in [1, 10, parts[1].len()] {
        let found = holed(&without_request, parts[0].len(), missing);
        assert_eq!(found.certificate_request, Seen::Hidden(Why::Gap), "{missing} missing");
        assert_eq!(found.client_chain, Seen::Hidden(Why::Gap));
    }
}

#[test]
fn the_way_is_found_again_at_the_next_record() {
    let parts = flight();
    let request_at = parts[..3].iter().map(Vec::len).sum::<usize>();
    let start = parts[0].len() + 30;
    let found = holed(&parts.concat(), start, request_at - start - 20);
    assert!(found.certificate_request.is_value(), "{found:?}");
    assert_eq!(found.key_exchange, Seen::Hidden(Why::Gap));
}

#[test]
fn a_certificate_whose_end_never_comes_is_not_absent() {
    let parts = flight();
    let whole = parts.concat();
    let events = [client(client_hello(&[ECDHE_RSA], &[])), server(&whole[..parts[0].len() + 300])];
    let found = tls(&events);
    assert!(!found.server_chain.is_observed());
    assert!(!found.certificate_request.is_observed());
}

#[test]
fn a_record_that_begins_within_a_message_is_not_read_as_messages() {
    // The Certificate message fills two records; the hole has its beginning.
    let body = [&[13, 0, 0, 4, 1, 1, 0, 0][..], &[0; 200]].concat();
    let certificate = message(11, of_u24(of_u24([&[5; 900][..], &body].concat())));
    let (first, second) = certificate.split_at(certificate.len() - body.len());
    let records = [server_hello(ECDHE_RSA, &[]), record(22, first), record(22, second), done()];
    let hole = records[0].len();
    let found = holed(&records.concat(), hole, records[1].len());
    assert_eq!(found.certificate_request, Seen::Hidden(Why::Gap));
}

#[test]
fn ciphertext_is_not_read_when_the_cipher_change_is_in_the_hole() {
    let mut events = one_way();
    let end = [client_end(), record(21, [2; 26]), record(22, [13; 40])].concat();
    let hole = end.len() - 26 - 40 - 10 - 45 - 6;
    events[2] = client(&end[..hole]);
    events.insert(3, Event::Gap(Direction::ToServer, 6));
    events.insert(4, client(&end[hole + 6..]));
    let found = tls(&events);
    assert_eq!(alerts(&found), []);
    assert_eq!(chain(&found.server_chain).len(), 2);
    assert!(!found.certificate_request.is_value());
}

#[test]
fn a_hole_within_ciphertext_loses_nothing() {
    let mut events = one_way();
    events.push(server(&sealed(23, 1000)[..100]));
    events.push(Event::Gap(Direction::ToClient, 905));
    events.push(server(sealed(21, 26)));
    let found = tls(&events);
    assert_eq!(found.encrypted_alerts.to_client, 1);
    assert_eq!(found.certificate_request, Seen::Absent);
}

#[test]
fn a_lost_server_hello_leaves_the_rest_without_meaning() {
    let parts = flight();
    let found = holed(&parts.concat(), 0, parts[0].len());
    assert_eq!(found.server_hello, Seen::Hidden(Why::Gap));
    assert_eq!(found.key_exchange, Seen::Hidden(Why::Gap));
    assert_eq!(chain(&found.server_chain).len(), 2);
    let encrypted_handshakes_of_both = Seen::Value(true);
    assert_eq!(found.established, encrypted_handshakes_of_both);
}

#[test]
fn cipher_changes_of_tls_13_complete_nothing_when_its_hello_is_lost() {
    let found = tls(&[
        client(client_hello(&[AES_13], &[])),
        Event::Gap(Direction::ToClient, 127),
        server([change_cipher(), sealed(23, 900)].concat()),
        client([change_cipher(), sealed(23, 19)].concat()),
    ]);
    assert_eq!(found.established, Seen::Hidden(Why::Gap));
}

#[test]
fn the_server_alone_shows_what_it_asked_for_and_not_what_was_offered() {
    let events = [server(flight().concat()), server(server_end())];
    let found = *inspect("tls", &events, usize::MAX).0.tls.unwrap();
    assert_eq!(found.client_hello, Seen::Hidden(Why::OneSided));
    assert!(found.certificate_request.is_value());
    assert!(!found.client_chain.is_observed(), "{:?}", found.client_chain);
}
