//! The skeleton with a protocol made up for the purpose: a length, then that many bytes.

use super::*;
use crate::inspect::calls::CallName;

#[derive(Clone, Default)]
struct Counted;

impl Grammar for Counted {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        let Some(head) = bytes.first_chunk::<4>() else { return Frame::Need };
        Frame::Message(u64::from(u32::from_be_bytes(*head)) + 4)
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let method = message.bytes.get(4..8).unwrap_or_default();
        match message.direction {
            Direction::ToServer => {
                notes.asked_in_turn(CallName::Rpc { service: b"s", method }, message.at);
            }
            Direction::ToClient => notes.answered_in_turn(Said::Success, message.at),
        }
        Next::More
    }
}

fn message(method: &[u8], padding: usize) -> Vec<u8> {
    let length = u32::try_from(method.len() + padding).unwrap();
    [&length.to_be_bytes(), method, &vec![0; padding]].concat()
}

fn reader(from_start: bool) -> Exchange<Counted> {
    Exchange::new(&Context { from_start, ..Context::default() })
}

fn give(reader: &mut Exchange<Counted>, direction: Direction, bytes: &[u8]) {
    let mut left = Vec::new();
    for piece in bytes.chunks(1000) {
        left.extend_from_slice(piece);
        let (used, next) = reader.read(direction, &left, Moment::default());
        assert_eq!(next, Next::More);
        left.drain(..used);
    }
    assert!(left.len() <= limits::MESSAGE_BYTES, "{}", left.len());
}

fn told(reader: Exchange<Counted>) -> Vec<(String, u64, u64)> {
    let calls = Box::new(reader).finish().calls.map_or_else(Vec::new, |calls| calls.calls);
    calls.into_iter().map(|call| (call.method, call.count, call.succeeded)).collect()
}

#[test]
fn long_messages_are_skipped_and_what_follows_is_read() {
    let mut reader = reader(true);
    let said = [message(b"long", 100_000), message(b"next", 0)].concat();
    give(&mut reader, Direction::ToServer, &said);
    give(&mut reader, Direction::ToClient, &message(b"fine", 0));
    assert_eq!(told(reader), [("long".into(), 1, 1), ("next".into(), 1, 0)]);
}

#[test]
fn a_hole_within_what_is_skipped_loses_nothing() {
    let mut reader = reader(true);
    let said = [message(b"long", 100_000), message(b"next", 0)].concat();
    give(&mut reader, Direction::ToServer, &said[..50_000]);
    reader.gap(Direction::ToServer, 10_000, Moment::default());
    give(&mut reader, Direction::ToServer, &said[60_000..]);
    assert_eq!(told(reader), [("long".into(), 1, 0), ("next".into(), 1, 0)]);
}

#[test]
fn answers_are_not_counted_off_against_requests_when_some_are_missing() {
    let mut reader = reader(true);
    give(&mut reader, Direction::ToServer, &message(b"one!", 0));
    reader.gap(Direction::ToServer, 8, Moment::default());
    give(&mut reader, Direction::ToClient, &message(b"fine", 0));
    assert_eq!(told(reader), [("one!".into(), 1, 0)]);
}

#[test]
fn a_connection_that_was_joined_late_is_read_only_where_a_message_certainly_begins() {
    let mut reader = reader(false);
    give(&mut reader, Direction::ToServer, &message(b"some", 0));
    assert!(told(reader).is_empty());
}

#[test]
fn a_client_that_is_answered_with_an_alert_spoke_to_a_tls_server() {
    let mut reader = reader(true);
    give(&mut reader, Direction::ToServer, &message(b"one!", 0));
    let (_, next) = reader.read(Direction::ToClient, &[21, 3, 3, 0, 2, 2, 70], Moment::default());
    assert_eq!(next, Next::Done);
    assert_eq!(Box::new(reader).finish().mismatch.unwrap().value, "plaintext-to-tls");
}
