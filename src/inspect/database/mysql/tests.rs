//! Conversations by the message formats of the documentation.

use super::*;
use crate::inspect::feeder::{client, facts, inspect, server};
use crate::model::Exposure;

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&length[..3], &[sequence], body].concat()
}

/// Protocol::HandshakeV10 of the documentation, with and without CLIENT_SSL.
fn greeting(tls: bool, plugin: &[u8]) -> Vec<u8> {
    let low: u16 = if tls { 0xffff } else { 0xf7df };
    let parts: [&[u8]; 10] = [
        b"\x0a8.0.36\0",
        &[9, 0, 0, 0],
        b"saltsalt\0",
        &low.to_le_bytes(),
        &[0xff, 2, 0],
        &0x00ff_u16.to_le_bytes(),
        &[21],
        &[0; 10],
        b"saltsaltsalt\0",
        plugin,
    ];
    packet(0, &[parts.concat().as_slice(), &[0]].concat())
}

/// Protocol::HandshakeResponse41.
fn login(response: &[u8], plugin: &[u8]) -> Vec<u8> {
    let capabilities = 0x0008_8000 | CONNECT_WITH_DB | PLUGIN_AUTH | 0x0200 | 0x80;
    let length = [u8::try_from(response.len()).unwrap()];
    let parts: [&[u8]; 9] = [
        &u32::to_le_bytes(capabilities),
        &[0, 0, 0, 1, 45],
        &[0; 23],
        b"app\0",
        &length,
        response,
        b"orders\0",
        plugin,
        &[0],
    ];
    packet(1, &parts.concat())
}

#[test]
fn a_login_in_clear_is_told_with_its_mechanism_and_calls_with_their_outcome() {
    let facts = facts(
        "mysql",
        &[
            server(greeting(true, b"mysql_native_password")),
            client(login(&[7; 20], b"mysql_native_password")),
            server(packet(2, &[0, 0, 0, 2, 0, 0, 0])),
            client(packet(0, b"\x03SELECT secret")),
            server([packet(1, &[1]), packet(2, b"def"), packet(3, &[0xfe, 0, 0, 2, 0])].concat()),
            client(packet(0, b"\x03INSERT INTO t")),
            server(packet(1, b"\xff\x48\x04#42S02")),
            client(packet(0, &[1])),
        ],
    );
    let readable = facts.readable.unwrap();
    let credential = &readable.credentials[0];
    assert_eq!((credential.mechanism, credential.accepted), ("mysql_native_password", Some(true)));
    assert_eq!(credential.exposure, Exposure::Crackable);
    assert_eq!(credential.principal.as_deref(), Some("app"));
    assert_eq!(readable.programs[0].version, "8.0.36");
    assert!(readable.upgrade.unwrap().clear_after.is_some(), "TLS was offered");
    let calls = facts.calls.unwrap().calls;
    let told: Vec<_> =
        calls.iter().map(|c| (&*c.service, &*c.method, c.succeeded, c.failed)).collect();
    assert_eq!(told, [("orders", "SELECT", 1, 0), ("orders", "INSERT", 0, 1)]);
}

#[test]
fn a_server_may_ask_for_the_password_in_clear() {
    let facts = facts(
        "mysql",
        &[
            server(greeting(false, b"mysql_native_password")),
            client(login(&[7; 20], b"mysql_native_password")),
            server(packet(2, b"\xfemysql_clear_password\0")),
            client(packet(3, b"s3cret\0")),
            server(packet(4, b"\xff\x15\x04#28000denied")),
        ],
    );
    let readable = facts.readable.unwrap();
    let clear = &readable.credentials[1];
    assert_eq!((clear.mechanism, clear.secret.length()), ("mysql_clear_password", 6));
    assert_eq!((clear.exposure, clear.accepted), (Exposure::Readable, Some(false)));
    assert!(readable.upgrade.is_none(), "TLS was not offered");
}

#[test]
fn a_request_for_tls_hands_over_at_once() {
    let request = packet(1, &[[0x85, 0xae, 0x1f, 0].as_slice(), &[0; 28]].concat());
    let events = [server(greeting(true, b"caching_sha2_password")), client(request)];
    let (facts, next) = inspect("mysql", &events, 3);
    assert_eq!((next, facts.plaintext), (Next::Switch("tls"), None));
    assert_eq!(facts.readable.unwrap().upgrade.unwrap().state, UpgradeState::Accepted);
}
