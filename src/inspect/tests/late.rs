//! Joined after the beginning, a conversation is known by messages that are unmistakable, and only by these.

use super::overhear;
use crate::inspect::feeder::{Event, client, server};
use crate::model::Direction;

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&length[..3], &[sequence], body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

fn frame(class: u8, method: u8, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 4).unwrap();
    let head = [&[1, 0, 1], size.to_be_bytes().as_slice()].concat();
    [&head, [0, class, 0, method].as_slice(), body, &[0xce]].concat()
}

/// A message of each protocol, who sends it, and what the message is.
fn unmistakable() -> Vec<(&'static str, Direction, Vec<u8>)> {
    use Direction::{ToClient, ToServer};
    let list_offsets = b"\0\0\0\x17\0\x02\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\0\0\0\x01\0\x03top";
    let sync_group = b"\0\0\0\x22\0\x0e\0\x05\0\0\0x\0\x11consumer-zzzz12-1\0\x07zzzz12\0";
    let get_nonce =
        b"\x29\0\0\0\x87\x91\0\0\xff\xff\xff\xff\xd4\x07\0\0\0\0\0\0identity.$cmd\0\0\0\0\0";
    let bind_result = b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\0\x04\0\x04\0";
    vec![
        ("mysql", ToServer, packet(0, b"\x03SELECT * FROM t")),
        ("mysql", ToServer, packet(0, b"\x16update t set a = ?")),
        ("postgresql", ToServer, message(b'Q', b"delete from test;\0")),
        ("postgresql", ToServer, message(b'P', b"S1\0delete from t where id=$1\0\0\0")),
        ("postgresql", ToClient, message(b'E', b"SERROR\0VERROR\0C42601\0Msyntax\0\0")),
        ("amqp", ToClient, frame(60, 60, b"\x03tag\0\0\0\0\0\0\0\x01\0\0\x04logs")),
        ("amqp", ToServer, frame(60, 40, b"\0\0\0\x06orders\0")),
        ("amqp", ToClient, frame(50, 11, b"\x06orders\0\0\0\0\0\0\0\0")),
        ("mqtt", ToServer, b"\x82\x12\0\x01\0\x0dhello/+/world\0".to_vec()),
        ("mqtt", ToServer, b"\x82\x0a\0\x01\0\0\x04a/b/\x01".to_vec()),
        ("mqtt", ToServer, b"\xa2\x08\0\x02\0\x04a/b/".to_vec()),
        ("mqtt", ToServer, b"\x33\x11\0\x0dhello/0/world\0\x02".to_vec()),
        ("mqtt", ToClient, b"\x30\x0a\0\x06a/b/cdxx".to_vec()),
        ("mqtt", ToServer, b"\xc0\0\xc0\0\x82\x12\0\x01\0\x0dhello/+/world\0".to_vec()),
        ("nats", ToServer, b"PUB shop.orders _INBOX.x 5\r\nhello\r\n".to_vec()),
        ("nats", ToServer, b"SUB shop.* 7\r\n".to_vec()),
        ("nats", ToClient, b"MSG shop.orders 7 5\r\nhello\r\n".to_vec()),
        ("kafka", ToServer, list_offsets.to_vec()),
        ("kafka", ToServer, sync_group.to_vec()),
        ("mongodb", ToServer, get_nonce.to_vec()),
        ("ldap", ToServer, b"\x30\x05\x02\x01\x03\x42\0".to_vec()),
        ("ldap", ToClient, bind_result.to_vec()),
        ("redis", ToClient, b"-WRONGTYPE Operation against a key\r\n".to_vec()),
        ("redis", ToServer, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".to_vec()),
    ]
}

fn said(direction: Direction, bytes: &[u8]) -> Event {
    match direction {
        Direction::ToServer => client(bytes),
        Direction::ToClient => server(bytes),
    }
}

#[test]
fn a_message_that_is_unmistakable_is_enough() {
    for (name, direction, bytes) in unmistakable() {
        let (protocol, facts, reversed) = overhear(&[said(direction, &bytes)], 4096, true);
        assert_eq!((protocol, reversed), (Some(name), false), "{bytes:02x?}");
        assert!(facts.first_bytes.is_none());
    }
}

#[test]
fn it_tells_who_is_the_server_too_where_only_one_side_says_it() {
    for (name, direction, bytes) in unmistakable() {
        let either = name == "mqtt" && bytes[0] >> 4 == 3;
        // What begins with a star is said by both sides of Redis.
        let unsaid = name == "redis" && bytes[0] == b'*'
            || name == "ldap" && direction == Direction::ToServer;
        let (protocol, _, reversed) = overhear(&[said(direction.reversed(), &bytes)], 4096, true);
        match (either, unsaid) {
            (true, _) => assert_eq!((protocol, reversed), (Some(name), false), "{bytes:02x?}"),
            (_, true) => assert_eq!((protocol, reversed), (None, false), "{bytes:02x?}"),
            _ => assert!(reversed, "{name} {bytes:02x?}"),
        }
    }
}

#[test]
fn nothing_of_it_is_taken_that_was_cut_off_or_is_nearly_so() {
    for (name, direction, bytes) in unmistakable() {
        for end in 0..bytes.len().min(5) {
            let (protocol, ..) = overhear(&[said(direction, &bytes[..end])], 4096, true);
            assert_eq!(protocol, None, "{name} {end}");
        }
    }
    for nearly in [
        packet(1, b"\x03SELECT 1"),
        packet(0, b"\x03selection 1"),
        packet(0, b"\x04SELECT 1"),
        message(b'Q', b"nothing;\0"),
        message(b'D', b"SELECT 1\0"),
        frame(60, 41, b"\0\0\0\x06orders\0"),
        b"\x82\x12\0\0\0\x0dhello/+/world\0".to_vec(),
        b"\x82\x12\0\x01\0\x0dhello/+/world\x03".to_vec(),
        b"\x30\x0a\0\x06a/b\x01cdxx".to_vec(),
        b"\x37\x11\0\x0dhello/0/world\0\x02".to_vec(),
        b"\x30\x0c\x02\x01\x02\x64\x07\x0a\x01\0\x04\0\x04\0".to_vec(),
        b"\x30\x05\x02\x01\x03\x43\0".to_vec(),
        b"PUB shop.orders five\r\n".to_vec(),
        b"SUB \r\n".to_vec(),
        b"MSG 7\r\n".to_vec(),
    ] {
        for direction in Direction::BOTH {
            let (protocol, _, reversed) = overhear(&[said(direction, &nearly)], 4096, true);
            assert_eq!((protocol, reversed), (None, false), "{nearly:02x?}");
        }
    }
}

#[test]
fn where_the_beginning_is_missing_no_database_and_no_topic_is_made_up() {
    let calls = |events: &[Event]| overhear(events, 4096, true).1.calls.unwrap();
    let mysql = calls(&[
        client(packet(0, b"\x03SELECT 1")),
        server(packet(1, &[1])),
        client(packet(0, b"\x02orders")),
        client(packet(0, b"\x03DELETE FROM t")),
    ]);
    assert_eq!((mysql.requests, mysql.responses), (3, 0));
    let told: Vec<_> = mysql.calls.iter().map(|c| (&*c.service, &*c.method)).collect();
    assert_eq!(told, [("orders", "USE"), ("orders", "DELETE")]);
    let postgresql = calls(&[client(message(b'Q', b"delete from test;\0"))]);
    assert_eq!((postgresql.requests, postgresql.calls.len()), (1, 0));
    let mqtt =
        calls(&[client(b"\x82\x12\0\x01\0\x0dhello/+/world\0"), client(b"\x30\x0a\0\x06a/b/cdxx")]);
    assert_eq!((mqtt.requests, &*mqtt.calls[0].service), (2, "a/b/cd"));
}

#[test]
fn a_server_that_turns_its_client_away_is_known_by_how_it_does() {
    let sorry = packet(0, b"\xff\x6a\x04Host 'x' is not allowed to connect to this MySQL server");
    let (protocol, facts, _) = overhear(&[server(&sorry)], 4096, false);
    assert_eq!((protocol, facts.plaintext), (Some("mysql"), None), "nothing was served");
    let redis = b"-ERR unknown command '$0'\r\n";
    let (protocol, ..) = overhear(&[client(b"$0\r\n\r\n"), server(redis)], 4096, false);
    assert_eq!(protocol, Some("redis"));
    let (protocol, ..) = overhear(&[server(b"-ERR no such mailbox\r\n")], 4096, false);
    assert_ne!(protocol, Some("redis"));
}
