//! Conversations by the message formats of the protocol's documentation.

use crate::inspect::feeder::{client, facts, inspect, server};
use crate::inspect::{Head, Next, Probe, protocol};
use crate::model::{Direction, Exposure, UpgradeState};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];

fn startup() -> Vec<u8> {
    let parameters = b"user\0app\0database\0orders\0application_name\0checkout\0\0";
    let length = u32::try_from(parameters.len() + 8).unwrap();
    [&length.to_be_bytes(), [0, 3, 0, 0].as_slice(), parameters].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

#[test]
fn a_refused_request_for_tls_and_the_password_that_follows_are_told() {
    let facts = facts(
        "postgresql",
        &[
            client(SSL_REQUEST),
            server("N"),
            client(startup()),
            server(message(b'R', &[0, 0, 0, 3])),
            client(message(b'p', b"s3cret\0")),
            server([message(b'R', &[0; 4]), message(b'S', b"server_version\x0016.2\0")].concat()),
            server(message(b'Z', b"I")),
            client(message(b'Q', b"SELECT secret FROM t\0")),
            server([message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat()),
            client(message(b'Q', b"drop table t\0")),
            server([message(b'E', b"SERROR\0\0"), message(b'Z', b"I")].concat()),
        ],
    );
    let readable = facts.readable.unwrap();
    let upgrade = readable.upgrade.unwrap();
    assert_eq!(upgrade.state, UpgradeState::Refused);
    assert!(upgrade.clear_after.is_some());
    let credential = &readable.credentials[0];
    assert_eq!((credential.mechanism, credential.accepted), ("cleartext", Some(true)));
    assert_eq!((credential.principal.as_deref(), credential.secret.length()), (Some("app"), 6));
    assert_eq!(readable.programs[0].version, "16.2");
    assert_eq!(readable.callers[0].name, "checkout");
    let calls = facts.calls.unwrap().calls;
    let told: Vec<_> =
        calls.iter().map(|c| (&*c.service, &*c.method, c.succeeded, c.failed)).collect();
    assert_eq!(told, [("orders", "SELECT", 1, 0), ("orders", "DROP", 0, 1)]);
}

#[test]
fn an_accepted_request_hands_over_to_tls_and_nothing_was_readable() {
    let (facts, next) = inspect("postgresql", &[client(SSL_REQUEST), server("S")], 1);
    assert_eq!(next, Next::Switch("tls"));
    assert_eq!((facts.plaintext, facts.calls), (None, None));
    assert_eq!(facts.readable.unwrap().upgrade.unwrap().state, UpgradeState::Accepted);
}

#[test]
fn md5_can_be_guessed_against_and_scram_cannot() {
    let md5 = [
        client(startup()),
        server(message(b'R', &[0, 0, 0, 5, 1, 2, 3, 4])),
        client(message(b'p', b"md53175bce1d3201d16594cebf9d7eb3f9d\0")),
        server(message(b'E', b"SFATAL\0\0")),
    ];
    let credential = facts("postgresql", &md5).readable.unwrap().credentials.remove(0);
    assert_eq!((credential.exposure, credential.accepted), (Exposure::Crackable, Some(false)));
    let first = b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=rOprNGfwEbeRWgbNEkqOabcd";
    let scram = [
        client(startup()),
        server(message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")),
        client(message(b'p', first)),
        server(message(b'R', b"\0\0\0\x0br=x,s=y,i=4096")),
        client(message(b'p', b"c=biws,r=x,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")),
        server(message(b'R', b"\0\0\0\x0cv=z")),
        server(message(b'R', &[0; 4])),
    ];
    let credential = facts("postgresql", &scram).readable.unwrap().credentials.remove(0);
    assert_eq!((credential.mechanism, credential.exposure), ("scram-sha-256", Exposure::Safe));
    assert_eq!((credential.principal.as_deref(), credential.accepted), (Some("app"), Some(true)));
}

#[test]
fn prepared_statements_are_named_by_their_verb_and_skipped_ones_have_no_outcome() {
    let batch = [
        message(b'P', b"s1\0UPDATE t SET a = $1\0\0\0"),
        message(b'B', b"\0s1\0\0\0\0\0\0\0"),
        message(b'E', b"\0\0\0\0\0"),
        message(b'B', b"\0s1\0\0\0\0\0\0\0"),
        message(b'E', b"\0\0\0\0\0"),
        message(b'S', b""),
    ];
    let facts = facts(
        "postgresql",
        &[
            client(startup()),
            server([message(b'R', &[0; 4]), message(b'Z', b"I")].concat()),
            client(batch.concat()),
            server([message(b'1', b""), message(b'2', b""), message(b'E', b"\0")].concat()),
            server(message(b'Z', b"I")),
            client(message(b'Q', b"COMMIT\0")),
            server([message(b'C', b"COMMIT\0"), message(b'Z', b"I")].concat()),
        ],
    );
    assert!(facts.readable.unwrap().unauthenticated.is_some(), "nobody asked for a password");
    let calls = facts.calls.unwrap().calls;
    let told: Vec<_> = calls.iter().map(|c| (&*c.method, c.count, c.succeeded, c.failed)).collect();
    assert_eq!(told, [("UPDATE", 2, 0, 1), ("COMMIT", 1, 1, 0)]);
}

#[test]
fn the_beginning_tells_it_from_other_protocols() {
    let probe = |bytes: &[u8], direction| {
        protocol("postgresql").unwrap().probe(&Head { direction, bytes, from_start: true })
    };
    assert_eq!(probe(&SSL_REQUEST, Direction::ToServer), Probe::Yes);
    assert_eq!(probe(&startup(), Direction::ToClient), Probe::Reversed);
    assert_eq!(probe(&startup()[..7], Direction::ToServer), Probe::Unsure);
    assert_eq!(probe(b"R\0\0\0\x08\0\0\0\x03", Direction::ToClient), Probe::Yes);
    assert_eq!(probe(&[0, 0, 0, 45, 0, 0, 0, 0], Direction::ToServer), Probe::No);
}
