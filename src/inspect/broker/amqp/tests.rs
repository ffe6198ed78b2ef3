//! Frames by the specifications of both versions.

use crate::inspect::Next;
use crate::inspect::feeder::{client, facts, inspect, server};
use crate::model::UpgradeState;

fn method(channel: u16, class: u16, method: u16, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 4).unwrap();
    let head = [&[1], channel.to_be_bytes().as_slice(), &size.to_be_bytes()].concat();
    [&head, class.to_be_bytes().as_slice(), &method.to_be_bytes(), body, &[0xce]].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn property(name: &str, value: &str) -> Vec<u8> {
    [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), b"S", &long(value.as_bytes())].concat()
}

#[test]
fn the_shipped_login_and_what_is_published_are_told() {
    let properties = [property("product", "RabbitMQ"), property("version", "3.12.1")].concat();
    let start = [&[0, 9], long(&properties).as_slice(), &long(b"PLAIN"), &long(b"en_US")].concat();
    let own = [property("product", "pika"), property("connection_name", "checkout")].concat();
    let start_ok =
        [long(&own).as_slice(), b"\x05PLAIN", &long(b"\0guest\0guest"), b"\x05en_US"].concat();
    let facts = facts(
        "amqp",
        &[
            client(b"AMQP\0\0\x09\x01"),
            server(method(0, 10, 10, &start)),
            client(method(0, 10, 11, &start_ok)),
            server(method(0, 10, 30, &[0; 8])),
            client(method(0, 10, 40, b"\x01/\0\0")),
            server(method(0, 10, 41, b"\0")),
            client(method(1, 50, 10, b"\0\0\x06orders\0\0\0\0\0")),
            server(method(1, 20, 40, b"\x01\x94\x02no\0\x32\0\x0a")),
            client(method(1, 60, 40, b"\0\0\0\x06orders\0")),
        ],
    );
    let readable = facts.readable.unwrap();
    let credential = &readable.credentials[0];
    assert!(credential.default);
    assert_eq!((credential.principal.as_deref(), credential.accepted), (Some("guest"), Some(true)));
    assert_eq!(
        (&*readable.programs[0].name, &*readable.programs[0].version),
        ("rabbitmq", "3.12.1")
    );
    let calls = facts.calls.unwrap().calls;
    let told: Vec<_> =
        calls.iter().map(|c| (&*c.service, &*c.method, c.succeeded, c.failed)).collect();
    let wanted = [
        ("/", "Connection.Open", 1, 0),
        ("orders", "Queue.Declare", 0, 1),
        ("orders", "Basic.Publish", 0, 0),
    ];
    assert_eq!(told, wanted);
}

#[test]
fn the_sasl_layer_of_version_1_carries_a_password() {
    let init = b"\0\0\0\x1f\x02\x01\0\0\0\x53\x41\xc0\x12\x02\xa3\x05PLAIN\xa0\x08\0app\0pw1";
    let init = [&[0, 0, 0, u8::try_from(init.len()).unwrap()], &init[4..]].concat();
    let outcome = b"\0\0\0\x10\x02\x01\0\0\0\x53\x44\xc0\x03\x01\x50\0";
    let events = [
        client(b"AMQP\x03\x01\0\0"),
        server(b"AMQP\x03\x01\0\0"),
        client(init),
        server(outcome),
        client(b"AMQP\0\x01\0\0"),
    ];
    let credential = facts("amqp", &events).readable.unwrap().credentials.remove(0);
    assert_eq!((credential.principal.as_deref(), credential.accepted), (Some("app"), Some(true)));
}

#[test]
fn the_tls_layer_of_version_1_hands_over() {
    let header = b"AMQP\x02\x01\0\0";
    let (facts, next) = inspect("amqp", &[client(header), server(header)], 3);
    assert_eq!((next, facts.plaintext), (Next::Switch("tls"), None));
    assert_eq!(facts.readable.unwrap().upgrade.unwrap().state, UpgradeState::Accepted);
    let refused = [client(header), server(b"AMQP\0\x01\0\0"), client(b"AMQP\0\x01\0\0")];
    let upgrade = inspect("amqp", &refused, 5).0.readable.unwrap().upgrade.unwrap();
    assert_eq!((upgrade.state, upgrade.clear_after.is_some()), (UpgradeState::Refused, true));
}
