//! Bytes by somebody who means harm.

use proptest::prelude::*;

use super::super::TlsInspector;
use super::bytes::*;
use crate::inspect::Inspector;
use crate::inspect::feeder::{inspect, seeded};
use crate::model::{Direction, Moment, Seen, Why, limits};

#[test]
fn a_message_of_16_mib_is_neither_kept_nor_believed() {
    let begin = [&[11, 0xff, 0xff, 0xff][..], &[5; 16_000]].concat();
    let mut events = one_way();
    events.truncate(1);
    let filler = record(22, [5; 16_000]).repeat(40);
    events.push(server([server_hello(ECDHE_RSA, &[]), record(22, begin), filler].concat()));
    let found = tls(&events);
    assert_eq!(found.server_chain, Seen::Hidden(Why::Bound));
    assert!(!found.certificate_request.is_observed());
}

#[test]
fn what_follows_a_message_that_is_too_long_is_read() {
    let long = limits::HANDSHAKE_MESSAGE + 1;
    let body = of_u24(vec![5; long - 3]);
    let records: Vec<u8> =
        message(11, body).chunks(16_000).flat_map(|piece| record(22, piece)).collect();
    let mut events = one_way();
    events[1] = server([server_hello(ECDHE_RSA, &[]), records, request(), done()].concat());
    let (found, _) = inspect("tls", &events, 1400);
    let found = found.tls.unwrap();
    assert_eq!(found.server_chain, Seen::Hidden(Why::Bound));
    assert!(found.certificate_request.is_value());
    assert_eq!(found.established, Seen::Value(true));
}

#[test]
fn a_handshake_message_that_looks_like_application_data_is_none() {
    // A record that is passed over comes before: whoever reads on in haste takes the message for another.
    let like_data = [&[23, 3, 3, 0, 16][..], &[5; 900]].concat();
    let [before, after] = [sealed(23, 40), [record(22, &like_data), sealed(23, 50)].concat()];
    let hellos = [client(client_hello(&[ECDHE_RSA], &[])), server(server_hello(ECDHE_RSA, &[]))];
    let retry = handshake(2, server_body([9; 32], ECDHE_RSA, &is_13(24)[..1]));
    for server_says in [Vec::new(), retry] {
        let mut events = hellos.to_vec();
        events.push(server([&before[..], &server_says, &after].concat()));
        events.push(client([&before[..], &after].concat()));
        let found = tls(&events);
        let lengths: Vec<u16> = found.records.iter().map(|record| record.length).collect();
        assert_eq!(lengths.iter().filter(|length| **length == 16).count(), 0, "{lengths:?}");
        assert!(lengths.contains(&40), "{lengths:?}");
    }
}

#[test]
fn what_is_held_of_a_connection_is_bounded() {
    let mut inspector = TlsInspector::default();
    for kind in [1, 2, 11, 13] {
        let begin = [&[kind, 0x03, 0xff, 0xff][..], &[5; 16_000]].concat();
        for direction in Direction::BOTH {
            inspector.read(direction, &record(22, &begin), Moment::default());
            for _ in 0..40 {
                inspector.read(direction, &record(22, [kind; 16_000]), Moment::default());
                assert!(inspector.held() <= 4 * limits::HANDSHAKE_MESSAGE, "{}", inspector.held());
            }
        }
    }
}

#[test]
fn certificates_beyond_the_longest_chain_are_dropped() {
    let many = vec![&b"der"[..]; limits::CHAIN_CERTIFICATES + 5];
    let mut events = one_way();
    events[1] = server([server_hello(ECDHE_RSA, &[]), certificates(&many), done()].concat());
    let found = tls(&events);
    assert_eq!(found.server_chain.value().unwrap().len(), limits::CHAIN_CERTIFICATES);
}

#[test]
fn alerts_without_end_are_bounded() {
    let found =
        tls(&[client(client_hello(&[AES_13], &[])), server(record(21, [1, 0]).repeat(500))]);
    assert_eq!(found.alerts.len(), limits::ALERTS);
    assert!(found.history.len() <= 32);
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn any_bytes_are_read_without_panic(
        events in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..400)), 1..8)
    ) {
        let mut inspector = TlsInspector::default();
        for (from_client, bytes) in events {
            let direction = if from_client { Direction::ToServer } else { Direction::ToClient };
            let (used, _) = inspector.read(direction, &bytes, Moment::default());
            prop_assert!(used <= bytes.len());
        }
        let _anything = Box::new(inspector).finish();
    }

    #[test]
    fn any_messages_are_read_the_same_however_they_are_cut(
        messages in prop::collection::vec(
            (any::<bool>(), 0_u8..26, prop::collection::vec(any::<u8>(), 0..120)), 1..8
        )
    ) {
        let mut events = one_way();
        events.truncate(2);
        events.extend(messages.into_iter().map(|(from_client, kind, body)| {
            let record = handshake(kind, body);
            if from_client { client(record) } else { server(record) }
        }));
        tls(&events);
    }

    #[test]
    fn spoilt_hellos_are_read_the_same_however_they_are_cut(place in 0_usize..200, byte in any::<u8>()) {
        let mut hello = client_hello(
            &[AES_13, ECDHE_RSA],
            &[server_name("api.test"), extension(ALPN, of_u16(of_u8("h2"))), extension(GROUPS, of_u16([0, 29]))],
        );
        let end = hello.len();
        hello[place % end] = byte;
        let events = [client(&hello), server(server_hello(AES_13, &is_13(29)))];
        let (whole, next) = inspect("tls", &events, usize::MAX);
        for cut in [1, 5] {
            prop_assert_eq!(inspect("tls", &events, cut), (whole.clone(), next));
        }
    }
}
