//! What hellos say.

use super::bytes::*;
use crate::model::{ClientHello, FrameNo, Moment, Seen, ServerHello, TlsFacts, Why};
use std::sync::Arc;

/// Ones that RFC 8701 reserves.
const GREASE: u16 = 0x3a3a;

const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

fn hello_of_client(extensions: &[Vec<u8>]) -> ClientHello {
    let found = tls(&[client(client_hello(&[AES_13, ECDHE_RSA], extensions))]);
    (**found.client_hello.value().unwrap()).clone()
}

fn hello_of_server(events: &[Event]) -> ServerHello {
    (**tls(events).server_hello.value().unwrap()).clone()
}

fn answered(answer: Vec<u8>) -> TlsFacts {
    tls(&[client(client_hello(&[AES_13], &[])), server(answer)])
}

#[test]
fn grease_is_left_out_everywhere_and_noted() {
    let share = [numbers(&[GREASE]), of_u16([0]), numbers(&[29]), of_u16([4; 32])].concat();
    let extensions = [
        extension(GREASE, []),
        extension(VERSIONS, of_u8(numbers(&[GREASE, 0x0304, 0x0303]))),
        extension(GROUPS, of_u16(numbers(&[GREASE, 29]))),
        extension(SCHEMES, of_u16(numbers(&[GREASE, 0x0403]))),
        extension(ALPN, of_u16([of_u8([0x3a, 0x3a]), of_u8("h2")].concat())),
        extension(KEY_SHARE, of_u16(share)),
        extension(0x5a5a, [0]),
    ];
    let found = tls(&[client(client_hello(&[GREASE, AES_13], &extensions))]);
    let hello = found.client_hello.value().unwrap();
    assert!(hello.grease && !hello.malformed);
    assert_eq!((&hello.suites, &hello.versions), (&vec![AES_13], &vec![0x0304, 0x0303]));
    assert_eq!((&hello.groups, &hello.key_shares), (&vec![29], &vec![29]));
    assert_eq!((&hello.signature_schemes, &hello.alpn), (&vec![0x0403], &vec!["h2".to_owned()]));
    assert_eq!(hello.extensions, [VERSIONS, GROUPS, SCHEMES, ALPN, KEY_SHARE]);
    assert!(!hello_of_client(&[]).grease);
}

#[test]
fn a_bad_extension_does_not_hide_the_others() {
    let hello = hello_of_client(&[
        extension(GROUPS, [0, 9, 0]),
        server_name("api.test"),
        extension(KEY_SHARE, [0xff]),
        extension(ALPN, of_u16(of_u8("h2"))),
    ]);
    assert!(hello.malformed);
    assert_eq!((hello.sni.as_deref(), &*hello.alpn), (Some("api.test"), &["h2".to_owned()][..]));
}

#[test]
fn an_extension_that_runs_over_the_end_leaves_what_came_before_it() {
    let mut body = client_body(&[AES_13], &[server_name("api.test"), extension(GROUPS, [0; 4])]);
    let end = body.len();
    body[end - 5] = 0xff;
    let found = tls(&[client(handshake(1, body))]);
    let hello = found.client_hello.value().unwrap();
    assert!(hello.malformed && hello.sni.as_deref() == Some("api.test"));
}

#[test]
fn early_data_and_an_encrypted_inner_hello_are_noted() {
    let hello = hello_of_client(&[extension(EARLY_DATA, []), extension(0xfe0d, [0, 0, 1, 0, 1])]);
    assert!(hello.early_data && hello.ech);
    assert!(!hello_of_client(&[extension(0xfe0d, [1])]).ech, "the inner kind");
}

#[test]
fn a_session_id_may_be_longer_than_it_should() {
    let mut body = client_body(&[AES_13], &[server_name("api.test")]);
    body.splice(34..35, of_u8([5; 200]));
    let found = tls(&[client(handshake(1, body))]);
    let hello = found.client_hello.value().unwrap();
    assert_eq!((hello.session_id.len(), hello.sni.as_deref()), (200, Some("api.test")));
}

#[test]
fn a_hello_that_ends_too_early_is_malformed_and_not_absent() {
    for end in [0, 1, 20, 34, 36, 40] {
        let body = client_body(&[AES_13], &[])[..end].to_vec();
        let found = tls(&[client(handshake(1, body))]);
        assert_eq!(found.client_hello, Seen::Hidden(Why::Malformed), "{end} bytes");
    }
}

#[test]
fn names_are_shown_without_control_characters() {
    let hello = hello_of_client(&[server_name("a\u{1b}]0;x\u{7}.test")]);
    assert!(!hello.sni.as_deref().unwrap().contains(['\u{1b}', '\u{7}']));
}

#[test]
fn the_framing_of_sslv2_holds_a_client_hello() {
    let suites = [0x01, 0x00, 0x80, 0x00, 0xc0, 0x2f, 0x00, 0x00, 0xff];
    let body = [&[1, 3, 1, 0, 9, 0, 0, 0, 16][..], &suites, &[6; 16]].concat();
    let bytes = [&[0x80, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let found = tls(&[client(bytes), server(server_hello(ECDHE_RSA, &[]))]);
    let hello = found.client_hello.value().unwrap();
    assert!(hello.sslv2 && hello.secure_renegotiation);
    assert_eq!((hello.legacy_version, &hello.suites), (0x0301, &vec![0xc02f]));
    assert!(found.server_hello.is_value());
}

#[test]
fn the_version_of_tls_13_is_in_an_extension() {
    let found = answered(server_hello(AES_13, &is_13(29)));
    let hello = found.server_hello.value().unwrap();
    assert_eq!((hello.version, hello.group), (0x0304, Some(29)));
    assert_eq!(found.key_exchange.value().unwrap().group, Some(29));
    let encrypted = Seen::Hidden(Why::Encrypted);
    assert_eq!((found.client_chain, found.resumed), (encrypted, Seen::Value(false)));
}

#[test]
fn a_hybrid_group_is_a_number_like_any_other() {
    let found = answered(server_hello(AES_13, &is_13(0x11ec)));
    assert_eq!(found.key_exchange.value().unwrap().group, Some(0x11ec));
}

#[test]
fn the_downgrade_sentinel_says_from_what() {
    let sentinel = |end: &[u8]| {
        let mut random = [9; 32];
        random[24..].copy_from_slice(end);
        let hello = handshake(2, server_body(random, ECDHE_RSA, &[]));
        hello_of_server(&[client(client_hello(&[ECDHE_RSA], &[])), server(hello)])
            .downgrade_sentinel
    };
    assert_eq!(sentinel(b"DOWNGRD\x01"), Some(1));
    assert_eq!(sentinel(b"DOWNGRD\x00"), Some(0));
    assert_eq!(sentinel(b"DOWNGRD\x02"), None);
}

/// HelloRetryRequest, and what both sides say after it.
fn retried(between_client: Vec<u8>, between_server: Vec<u8>) -> TlsFacts {
    let retry = handshake(2, server_body(RETRY_RANDOM, AES_13, &is_13(24)[..1]));
    let hello = client_hello(&[AES_13], &[server_name("api.test")]);
    tls(&[
        client(&hello),
        server([retry, between_server].concat()),
        client([between_client, hello].concat()),
        server([server_hello(AES_13, &is_13(24)), sealed(23, 900)].concat()),
        client([change_cipher(), sealed(23, 69)].concat()),
    ])
}

#[test]
fn a_retry_is_no_server_hello_and_its_cipher_change_says_nothing() {
    for (from_client, from_server) in [
        (vec![], vec![]),
        (vec![], change_cipher()),
        (change_cipher(), change_cipher()),
        (change_cipher(), vec![]),
    ] {
        let found = retried(from_client, from_server);
        assert_eq!(found.hello_retry.map(|at| at.frame), Some(FrameNo(2)));
        let hello = found.server_hello.value().unwrap();
        assert_eq!((hello.at.frame, hello.version, hello.group), (FrameNo(4), 0x0304, Some(24)));
        assert_eq!(found.client_hello.value().unwrap().at.frame, FrameNo(1));
        assert_eq!((found.established, found.history.as_str()), (Seen::Value(true), "CjCs"));
    }
}

#[test]
fn the_second_hello_is_read_behind_early_data() {
    let hello = client_hello(&[AES_13], &[extension(EARLY_DATA, [])]);
    let retry = handshake(2, server_body(RETRY_RANDOM, AES_13, &is_13(24)[..1]));
    let found = tls(&[
        client([hello.clone(), change_cipher(), sealed(23, 300)].concat()),
        server([retry, change_cipher()].concat()),
        client(&hello),
        server([server_hello(AES_13, &is_13(24)), sealed(23, 900)].concat()),
    ]);
    assert_eq!(found.server_hello.value().unwrap().group, Some(24));
    assert_eq!(found.history.matches('C').count(), 2, "{}", found.history);
}

#[test]
fn an_alert_in_clear_is_read_after_a_hello_of_tls_13() {
    let found = tls(&[
        client(client_hello(&[AES_13], &[])),
        server([server_hello(AES_13, &is_13(29)), change_cipher(), sealed(23, 900)].concat()),
        client(record(21, [2, 48])),
    ]);
    assert_eq!(found.alerts.iter().map(|alert| alert.description).collect::<Vec<_>>(), [48]);
    assert_eq!(found.established, Seen::Value(false));
}

#[test]
fn a_client_that_finishes_completes_tls_13_and_one_that_alerts_does_not() {
    let ended_by = |length| {
        tls(&[
            client(client_hello(&[AES_13], &[])),
            server([server_hello(AES_13, &is_13(29)), change_cipher(), sealed(23, 900)].concat()),
            client([change_cipher(), sealed(23, length)].concat()),
        ])
        .established
    };
    assert_eq!(ended_by(69), Seen::Value(true));
    assert_eq!(ended_by(19), Seen::Value(false));
}

#[test]
fn a_finished_that_is_captured_before_the_server_hello_counts() {
    let server_flight = [server_hello(AES_13, &is_13(29)), change_cipher(), sealed(23, 900)];
    let found = tls(&[
        client(client_hello(&[AES_13], &[])),
        client([change_cipher(), sealed(23, 69)].concat()),
        server(server_flight.concat()),
    ]);
    assert_eq!(found.established, Seen::Value(true));
    let early = tls(&[
        client(client_hello(&[AES_13], &[extension(EARLY_DATA, [])])),
        client([change_cipher(), sealed(23, 300)].concat()),
        server(server_flight.concat()),
    ]);
    assert_eq!(early.established, Seen::Value(false), "early data, and then nothing");
}

#[test]
fn hellos_that_offer_the_same_share_it_and_keep_what_is_their_own() {
    let body = |grease: u16, random: u8, ticket: &[u8], name: &str| {
        let share = [numbers(&[grease]), of_u16([random]), numbers(&[29]), of_u16([random; 32])];
        let extensions = [
            extension(grease, []),
            server_name(name),
            extension(GROUPS, of_u16(numbers(&[grease, 29]))),
            extension(35, ticket),
            extension(KEY_SHARE, of_u16(share.concat())),
        ];
        let mut body = client_body(&[grease, AES_13], &extensions);
        body[2..34].fill(random);
        body.splice(34..35, of_u8([random; 32]));
        body
    };
    let read = |body: &[u8]| *super::super::hello::client_hello(body, Moment::default()).unwrap();
    let first = read(&body(0x1a1a, 1, &[7; 40], "a.test"));
    let second = read(&body(0x2a2a, 2, &[8; 40], "a.test"));
    assert!(Arc::ptr_eq(&first.offer, &second.offer));
    assert_eq!((&first.session_id[..], &second.session_id[..]), (&[1; 32][..], &[2; 32][..]));
    assert!(first.ticket_handle.is_some() && first.ticket_handle != second.ticket_handle);
    let without = read(&body(0x1a1a, 1, &[], "a.test"));
    assert_eq!((without.ticket, without.ticket_handle), (false, None));
    let other = read(&body(0x1a1a, 1, &[7; 40], "b.test"));
    assert_eq!((other.sni.as_deref(), first.sni.as_deref()), (Some("b.test"), Some("a.test")));
    let mut cut = body(0x1a1a, 1, &[7; 40], "a.test");
    cut.truncate(cut.len() - 1);
    assert!(read(&cut).malformed || read(&cut) != first);
}

/// What is remembered goes by an outline of the hello. Whatever byte is another one: if that makes another offer, it makes
/// another outline, too.
#[test]
fn no_hello_is_taken_for_another_one_that_was_read_before() {
    let shares = [numbers(&[GREASE]), of_u16([7]), numbers(&[29]), of_u16([7; 32])].concat();
    let identity = [of_u16([9; 40]), vec![0; 4]].concat();
    let extensions = [
        extension(GREASE, []),
        server_name("api.test"),
        extension(5, [1, 0, 0, 0, 0]),
        extension(GROUPS, of_u16(numbers(&[GREASE, 29, 23]))),
        extension(11, of_u8([0, 1])),
        extension(13, of_u16(numbers(&[0x0403, 0x0804]))),
        extension(ALPN, of_u16([of_u8("h2"), of_u8("http/1.1")].concat())),
        extension(22, []),
        extension(23, []),
        extension(35, [5; 40]),
        extension(42, []),
        extension(43, of_u8(numbers(&[GREASE, 0x0304, 0x0303]))),
        extension(45, of_u8([1, 0])),
        extension(49, []),
        extension(KEY_SHARE, of_u16(shares)),
        extension(0xfe0d, [0, 1, 2, 3]),
        extension(0xff01, [0]),
        extension(41, [of_u16(identity), of_u16(of_u8([3; 32]))].concat()),
    ];
    let body = client_body(&[GREASE, AES_13, 0xc02b, 0x5600], &extensions);
    let offer = |body: &[u8]| {
        let hello = super::super::hello::client_hello(body, Moment::default());
        hello.map(|hello| (*hello.offer).clone())
    };
    for place in 0..body.len() {
        for other in 0..=u8::MAX {
            let mut changed = body.clone();
            changed[place] = other;
            offer(&body);
            let read = super::super::hello::read_offer(&changed);
            assert_eq!(offer(&changed), read, "byte {place} is {other}");
        }
    }
}
