//! Messages by the wire protocol's and BSON's specifications.

use crate::inspect::feeder::{client, facts, server};
use crate::model::Exposure;

fn document(elements: &[Vec<u8>]) -> Vec<u8> {
    let body = elements.concat();
    let length = u32::try_from(body.len() + 5).unwrap();
    [&length.to_le_bytes(), body.as_slice(), &[0]].concat()
}

fn named(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[kind], name.as_bytes(), &[0], value].concat()
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let length = u32::try_from(value.len() + 1).unwrap().to_le_bytes();
    named(2, name, &[&length, value.as_bytes(), &[0]].concat())
}

fn int(name: &str, value: u32) -> Vec<u8> {
    named(16, name, &value.to_le_bytes())
}

fn ok(value: f64) -> Vec<u8> {
    named(1, "ok", &value.to_bits().to_le_bytes())
}

fn message(number: u32, answers: u32, document: &[u8]) -> Vec<u8> {
    let length = u32::try_from(document.len() + 21).unwrap();
    let header = [length, number, answers, 2013, 0].map(u32::to_le_bytes).concat();
    [header.as_slice(), &[0], document].concat()
}

#[test]
fn commands_are_named_with_their_database_and_paired_by_number() {
    let driver = document(&[text("name", "PyMongo"), text("version", "4.6.1")]);
    let hello = document(&[
        int("hello", 1),
        named(3, "client", &document(&[named(3, "driver", &driver)])),
        text("$db", "admin"),
    ]);
    let find = document(&[text("find", "orders"), text("$db", "shop")]);
    let facts = facts(
        "mongodb",
        &[
            client(message(1, 0, &hello)),
            server(message(9, 1, &document(&[ok(1.0)]))),
            client(message(2, 0, &find)),
            client(message(3, 0, &document(&[text("drop", "orders"), text("$db", "shop")]))),
            server(message(10, 3, &document(&[ok(0.0), text("errmsg", "no")]))),
            server(message(11, 2, &document(&[ok(1.0)]))),
        ],
    );
    let calls = facts.calls.unwrap().calls;
    let told: Vec<_> =
        calls.iter().map(|c| (&*c.service, &*c.method, c.succeeded, c.failed)).collect();
    assert_eq!(told, [("admin", "hello", 1, 0), ("shop", "find", 1, 0), ("shop", "drop", 0, 1)]);
    let readable = facts.readable.unwrap();
    assert_eq!(readable.programs[0].name, "PyMongo");
    assert!(readable.unauthenticated.is_some());
}

#[test]
fn a_plain_login_is_a_password() {
    let payload = b"\0app\0s3cret";
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    let start = document(&[
        int("saslStart", 1),
        text("mechanism", "PLAIN"),
        named(5, "payload", &[&length, [0].as_slice(), payload].concat()),
        text("$db", "$external"),
    ]);
    let done = document(&[named(8, "done", &[1]), ok(1.0)]);
    let facts = facts("mongodb", &[client(message(1, 0, &start)), server(message(2, 1, &done))]);
    let credential = facts.readable.unwrap().credentials.remove(0);
    assert_eq!((credential.principal.as_deref(), credential.secret.length()), (Some("app"), 6));
    assert_eq!((credential.exposure, credential.accepted), (Exposure::Readable, Some(true)));
}

/// Byte by byte after the specification of MongoDB's authentication: `SCRAM-SHA-1`, as servers before 4.0 want it. No
/// sample speaks it.
#[test]
fn a_login_by_scram_is_told_with_its_mechanism() {
    let payload = |text: &[u8]| {
        let length = u32::try_from(text.len()).unwrap().to_le_bytes();
        named(5, "payload", &[&length, [0].as_slice(), text].concat())
    };
    let start = document(&[
        int("saslStart", 1),
        text("mechanism", "SCRAM-SHA-1"),
        payload(b"n,,n=app,r=fyko+d2lbbFgONRv9qkxdawL"),
        text("$db", "admin"),
    ]);
    let proof =
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=MC2T8BvbmWRckDw8oWl5IVghwCY=";
    let go_on = document(&[int("saslContinue", 1), payload(proof), text("$db", "admin")]);
    let said = document(&[payload(b"r=x,s=y,i=10000"), named(8, "done", &[0]), ok(1.0)]);
    let done = document(&[payload(b"v=z"), named(8, "done", &[1]), ok(1.0)]);
    let facts = facts(
        "mongodb",
        &[
            client(message(1, 0, &start)),
            server(message(8, 1, &said)),
            client(message(2, 0, &go_on)),
            server(message(9, 2, &done)),
        ],
    );
    let credential = facts.readable.unwrap().credentials.remove(0);
    assert_eq!((credential.mechanism, credential.accepted), ("scram-sha-1", Some(true)));
    assert_eq!(
        (credential.principal.as_deref(), credential.exposure),
        (Some("app"), Exposure::Crackable)
    );
}
