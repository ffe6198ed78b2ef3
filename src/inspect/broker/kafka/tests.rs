//! Requests by the message formats of the protocol's documentation.

use crate::inspect::feeder::{client, facts, server};
use crate::inspect::{Head, Probe, protocol};
use crate::model::Direction;

fn request(key: u16, version: u16, correlation: u32, body: &[u8]) -> Vec<u8> {
    let head = [key.to_be_bytes(), version.to_be_bytes()].concat();
    framed(&[&head, correlation.to_be_bytes().as_slice(), b"\0\x08checkout", body].concat())
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

#[test]
fn a_plain_login_and_topics_are_told() {
    let produce = b"\xff\xff\0\x01\0\0\x05\xdc\0\0\0\x01\0\x06orders\0\0\0\x01";
    let facts = facts(
        "kafka",
        &[
            client(request(18, 3, 0, b"\0\x12apache-kafka-java\x063.7.0\0")),
            server(framed(&[0, 0, 0, 0, 0, 0, 1, 0])),
            client(request(17, 1, 1, b"\0\x05PLAIN")),
            server(framed(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
            client(request(36, 0, 2, b"\0\0\0\x0b\0app\0s3cret")),
            server(framed(&[0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0])),
            client(request(0, 7, 3, produce)),
            server(framed(&[0, 0, 0, 3, 0, 0, 0, 0])),
        ],
    );
    let readable = facts.readable.unwrap();
    let credential = &readable.credentials[0];
    assert_eq!((credential.principal.as_deref(), credential.accepted), (Some("app"), Some(true)));
    assert_eq!(readable.callers[0].name, "checkout");
    assert_eq!(readable.programs[0].name, "apache-kafka-java");
    let calls = facts.calls.unwrap().calls;
    let last = calls.last().unwrap();
    assert_eq!((&*last.service, &*last.method), ("orders", "Produce"));
}

#[test]
fn a_login_of_the_first_version_has_no_header() {
    let facts = facts(
        "kafka",
        &[
            client(request(17, 0, 1, b"\0\x05PLAIN")),
            server(framed(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
            client(framed(b"\0app\0s3cret")),
            server(framed(b"")),
            client(request(3, 1, 2, &[0; 4])),
        ],
    );
    let readable = facts.readable.unwrap();
    assert_eq!((readable.credentials[0].accepted, readable.unauthenticated), (Some(true), None));
    assert_eq!(facts.calls.unwrap().calls[1].method, "Metadata");
}

#[test]
fn other_protocols_with_a_length_in_front_are_not_taken_for_it() {
    let probe = |bytes: &[u8]| {
        let head = Head { direction: Direction::ToServer, bytes, from_start: true };
        protocol("kafka").unwrap().probe(&head)
    };
    assert_eq!(probe(&request(3, 1, 7, &[0; 4])), Probe::Yes);
    assert_eq!(probe(&request(3, 1, 7, &[0; 4])[..12]), Probe::Unsure);
    assert_eq!(
        probe(b"\0\0\0\x26\0\x03\0\0user\0app\0database\0orders\0\0"),
        Probe::No,
        "PostgreSQL"
    );
    let zookeeper =
        [&[0, 0, 0, 44], [0; 12].as_slice(), &[0, 0, 0x75, 0x30], &[0; 12], &[0, 0, 0, 16]];
    assert_eq!(probe(&zookeeper.concat()), Probe::No, "ZooKeeper");
}
