//! Handshakes written byte by byte. Each is read whole and in pieces of several lengths, with the same result.

mod bytes;
mod hellos;
mod holes;
mod hostile;

use bytes::*;

use super::TlsInspector;
use crate::inspect::feeder::inspect;
use crate::inspect::{Inspector, Next};
use crate::model::{Alert, Der, Direction, FrameNo, Moment, Seen, TlsFacts, Why, limits};

fn chain(seen: &Seen<Vec<Der>>) -> Vec<&[u8]> {
    seen.value().unwrap().iter().map(|der| &*der.0).collect()
}

fn alerts(tls: &TlsFacts) -> Vec<(Direction, u8, u8)> {
    let short = |alert: &Alert| (alert.direction, alert.level, alert.description);
    tls.alerts.iter().map(short).collect()
}

#[test]
fn a_handshake_without_client_certificate_says_that_none_was_asked_for() {
    let found = tls(&one_way());
    assert_eq!(chain(&found.server_chain), [&b"leaf"[..], b"root"]);
    assert_eq!((&found.certificate_request, &found.client_chain), (&Seen::Absent, &Seen::Absent));
    assert_eq!((&found.established, &found.resumed), (&Seen::Value(true), &Seen::Value(false)));
    let exchange = found.key_exchange.value().unwrap();
    assert_eq!((exchange.group, exchange.signature_scheme), (Some(29), Some(0x0401)));
    assert_eq!(found.history, "CsxkIFifDd");
    assert_eq!(found.application_data.to_client.map(|at| at.frame), Some(FrameNo(6)));
    assert!(!found.midstream);
}

#[test]
fn several_messages_may_share_a_record() {
    let messages = [
        message(2, server_body([9; 32], ECDHE_RSA, &[])),
        message(11, of_u24(of_u24(b"leaf"))),
        message(13, [of_u8([1]), of_u16(numbers(&[0x0403])), of_u16([])].concat()),
        message(14, []),
    ];
    let found =
        tls(&[client(client_hello(&[ECDHE_RSA], &[])), server(record(22, messages.concat()))]);
    assert_eq!(chain(&found.server_chain), [b"leaf"]);
    assert_eq!(found.certificate_request.value().unwrap().signature_schemes, [0x0403]);
    assert_eq!(found.history, "Csxr");
}

#[test]
fn a_message_may_be_split_over_records_of_any_length() {
    let hello = message(1, client_body(&[ECDHE_RSA], &[server_name("api.test")]));
    for length in [1, 2, 3, 4, 5, 50, hello.len() - 1] {
        let records: Vec<u8> = hello.chunks(length).flat_map(|piece| record(22, piece)).collect();
        let found = tls(&[client(&records)]);
        let sni = found.client_hello.value().and_then(|hello| hello.sni.as_deref());
        assert_eq!(sni, Some("api.test"), "records of {length}");
    }
}

#[test]
fn the_end_of_one_message_and_the_beginning_of_the_next_may_share_a_record() {
    let certificate = message(11, of_u24(of_u24([5; 900])));
    let flight = [certificate, message(14, [])].concat();
    let (first, second) = flight.split_at(902);
    let found = tls(&[
        client(client_hello(&[ECDHE_RSA], &[])),
        server([server_hello(ECDHE_RSA, &[]), record(22, first), record(22, second)].concat()),
    ]);
    assert_eq!(chain(&found.server_chain), [[5; 900]]);
    assert_eq!(found.certificate_request, Seen::Absent);
}

#[test]
fn a_client_that_is_asked_may_present_or_decline() {
    let with_answer = |client_chain: &[&[u8]]| {
        let flight = [server_hello(ECDHE_RSA, &[]), certificates(&[b"leaf"]), request(), done()];
        let proof = if client_chain.is_empty() {
            vec![]
        } else {
            handshake(15, [&[4, 3][..], &of_u16([1; 64])].concat())
        };
        let exchange = handshake(16, of_u8([4; 32]));
        let answer =
            [certificates(client_chain), exchange, proof, change_cipher(), sealed(22, 40)].concat();
        tls(&[
            client(client_hello(&[ECDHE_RSA], &[])),
            server(flight.concat()),
            client(answer),
            server(server_end()),
        ])
    };
    let declined = with_answer(&[]);
    assert_eq!(chain(&declined.client_chain).len(), 0);
    assert_eq!(declined.certificate_request.value().unwrap().types, [1, 64]);
    let presented = with_answer(&[b"me"]);
    assert_eq!(chain(&presented.client_chain), [b"me"]);
    assert_eq!(presented.client_verify, Seen::Value(0x0403));
    assert_eq!(presented.established, Seen::Value(true));
}

#[test]
fn a_request_has_signature_schemes_since_tls_12_only() {
    let name = [&[0x30, 13, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 3, 12, 2][..], b"ca"].concat();
    let names = of_u16(of_u16(name));
    let asked = |version: [u8; 2], body: Vec<u8>| {
        let mut hello = server_body([9; 32], ECDHE_RSA, &[]);
        hello[..2].copy_from_slice(&version);
        let flight = [handshake(2, hello), handshake(13, body), done()].concat();
        let found = tls(&[client(client_hello(&[ECDHE_RSA], &[])), server(flight)]);
        let request = found.certificate_request.value().unwrap().clone();
        (request.types.to_vec(), request.signature_schemes.to_vec(), request.authorities.len())
    };
    let before = [of_u8([1, 2]), names.clone()].concat();
    assert_eq!(asked([3, 1], before.clone()), (vec![1, 2], vec![], 1));
    assert_eq!(asked([3, 2], before), (vec![1, 2], vec![], 1));
    let since = [of_u8([64]), of_u16(numbers(&[0x0804])), names].concat();
    assert_eq!(asked([3, 3], since), (vec![64], vec![0x0804], 1));
}

#[test]
fn bits_of_a_prime_are_counted_without_leading_zeros() {
    let bits_of = |prime: &[u8]| {
        let body = [of_u16(prime), of_u16([2]), of_u16([3; 64]), vec![4, 1], of_u16([1; 64])];
        let flight = [server_hello(DHE_RSA, &[]), handshake(12, body.concat()), done()].concat();
        let found = tls(&[client(client_hello(&[DHE_RSA], &[])), server(flight)]);
        found.key_exchange.value().unwrap().dh_bits
    };
    assert_eq!(bits_of(&[0xff; 128]), Some(1024));
    assert_eq!(bits_of(&[&[0, 0][..], &[0xff; 128]].concat()), Some(1024));
    assert_eq!(bits_of(&[&[0x01][..], &[0; 64]].concat()), Some(513));
    assert_eq!(bits_of(&[]), Some(0));
}

#[test]
fn a_ticket_in_clear_is_counted_with_its_lifetime() {
    let mut events = one_way();
    let ticket = handshake(4, [&[0, 0, 0x1c, 0x20][..], &of_u16([8; 100])].concat());
    events[3] = server([ticket, server_end()].concat());
    let found = tls(&events);
    assert_eq!((found.tickets, found.ticket_lifetime), (1, Some(7200)));
    assert_eq!(found.history, "CsxkIFtifDd");
}

#[test]
fn a_server_that_changes_ciphers_first_resumes() {
    let found = tls(&[
        client(client_hello(&[ECDHE_RSA], &[])),
        server([server_hello(ECDHE_RSA, &[]), server_end()].concat()),
        client([change_cipher(), sealed(22, 40)].concat()),
    ]);
    assert_eq!((&found.resumed, &found.established), (&Seen::Value(true), &Seen::Value(true)));
    let hidden = Seen::Hidden(Why::Resumed);
    assert_eq!(
        (&found.certificate_request, found.client_chain),
        (&Seen::Hidden(Why::Resumed), hidden)
    );
}

#[test]
fn a_second_change_of_cipher_is_a_renegotiation() {
    let mut events = one_way();
    events
        .push(client([sealed(22, 200), sealed(22, 60), change_cipher(), sealed(22, 40)].concat()));
    events.push(server([sealed(22, 900), change_cipher(), sealed(22, 40)].concat()));
    assert_eq!(tls(&events).renegotiations, 1);
}

#[test]
fn alerts_in_clear_are_read_one_or_two_to_a_record() {
    let hello = client_hello(&[ECDHE_RSA], &[]);
    let one = tls(&[client(&hello), server(record(21, [2, 40]))]);
    assert_eq!(alerts(&one), [(Direction::ToClient, 2, 40)]);
    assert_eq!(one.established, Seen::Value(false));
    let two = tls(&[client(&hello), server(record(21, [1, 112, 2, 40]))]);
    assert_eq!(alerts(&two), [(Direction::ToClient, 1, 112), (Direction::ToClient, 2, 40)]);
    let sealed = tls(&[client(&hello), server(record(21, [2; 26]))]);
    assert_eq!(alerts(&sealed), []);
}

#[test]
fn an_alert_after_the_ciphers_changed_is_not_read() {
    let mut events = one_way();
    events.push(client(sealed(21, 26)));
    let found = tls(&events);
    assert_eq!((alerts(&found), found.encrypted_alerts.to_server), (vec![], 1));
}

#[test]
fn a_connection_that_goes_on_is_left_alone_after_a_while() {
    let mut events = one_way();
    events.push(server(sealed(23, 1000).repeat(limits::RECORD_FACTS)));
    let (found, next) = inspect("tls", &events, usize::MAX);
    let found = found.tls.unwrap();
    assert_eq!((next, found.records_cut), (Next::Done, true));
    assert_eq!(found.records.len(), limits::RECORD_FACTS);
}

#[test]
fn bodies_of_encrypted_records_are_neither_held_nor_left() {
    let mut inspector = TlsInspector::default();
    let at = Moment::default();
    for event in one_way() {
        let Event::Bytes(direction, bytes) = event else { unreachable!() };
        inspector.read(direction, &bytes, at);
    }
    let start = &sealed(23, 16_000)[..900];
    let (used, _) = inspector.read(Direction::ToClient, start, at);
    assert_eq!((used, inspector.sides.to_client.skip), (900, 16_005 - 900));
    assert_eq!(inspector.sides.to_client.partial.len(), 0);
}
