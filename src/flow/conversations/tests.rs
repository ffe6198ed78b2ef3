//! Datagrams of two ends by what they say: names are small numbers, payloads are text.

use super::*;
use crate::model::{FrameNo, Transport};

const CLIENT: (u8, u16) = (1, 40_000);
const SERVER: (u8, u16) = (2, 1194);

struct Wire {
    conversations: Conversations,
    frame: u64,
    seconds: i64,
}

impl Wire {
    fn new() -> Self {
        Self { conversations: Conversations::default(), frame: 0, seconds: 1_000 }
    }

    /// What is followed of a datagram: the number of the frame that asked before it, the conversation, the direction.
    fn send(
        &mut self,
        (from, to): ((u8, u16), (u8, u16)),
        hail: Hail,
    ) -> Option<(Option<u64>, u64, Direction)> {
        self.frame += 1;
        let end = |(host, port)| Endpoint::new([10, 0, 0, host].into(), port).over(Transport::Udp);
        let time = Timestamp::from_seconds(self.seconds);
        let datagram = Datagram {
            at: Moment { time, frame: FrameNo(self.frame) },
            from: end(from),
            to: end(to),
            vlan: None,
            hops: 64,
            network: None,
            payload: b"payload",
            missing: 0,
        };
        let heard = self.conversations.take(&datagram, hail)?;
        let asked = heard.ask.map(|ask| {
            assert!(ask.turn().begins && ask.turn().read == b"payload");
            ask.turn().at.frame.0
        });
        let read = if hail == Hail::Load { &b"p"[..] } else { b"payload" };
        assert_eq!((heard.turn.read, heard.turn.bytes), (read, 7));
        Some((asked, heard.turn.name, heard.turn.direction))
    }

    fn wait(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.seconds += 1;
            self.conversations.tick(Timestamp::from_seconds(self.seconds));
        }
    }
}

const THERE: ((u8, u16), (u8, u16)) = (CLIENT, SERVER);
const BACK: ((u8, u16), (u8, u16)) = (SERVER, CLIENT);

fn ask(name: u64) -> Hail {
    Hail::Ask { name, sealed: false }
}

fn answer(name: u64, asked: u64) -> Hail {
    Hail::Answer { name, asked: Some(asked) }
}

#[test]
fn a_conversation_is_a_question_with_its_answer_and_what_follows() {
    use Direction::{ToClient, ToServer};
    let mut wire = Wire::new();
    assert_eq!(wire.send(THERE, Hail::More(7)), None);
    assert_eq!(wire.send(THERE, ask(7)), None);
    assert_eq!(wire.send(THERE, ask(7)), None);
    assert_eq!(wire.send(BACK, answer(9, 7)), Some((Some(2), 7, ToClient)));
    assert_eq!(wire.send(THERE, Hail::More(7)), Some((None, 7, ToServer)));
    assert_eq!(wire.send(BACK, Hail::More(9)), Some((None, 7, ToClient)));
    assert_eq!(wire.send(BACK, answer(9, 7)), Some((None, 7, ToClient)));
    assert_eq!(wire.send(BACK, Hail::Load), Some((None, 7, ToClient)));
    assert_eq!((wire.conversations.heard(), wire.conversations.unanswered()), (6, (0, 0)));
}

#[test]
fn an_answer_to_nothing_begins_nothing() {
    let mut wire = Wire::new();
    assert_eq!(wire.send(BACK, answer(9, 7)), None);
    wire.send(THERE, ask(7));
    // To another question, from the one who asked, from another port.
    assert_eq!(wire.send(BACK, answer(9, 8)), None);
    assert_eq!(wire.send(THERE, answer(9, 7)), None);
    assert_eq!(wire.send(((2, 53), CLIENT), answer(9, 7)), None);
    assert_eq!(wire.send(THERE, Hail::Load), None);
    wire.conversations.finish();
    assert_eq!(wire.conversations.unanswered(), (1, 0));
}

#[test]
fn what_another_sends_in_the_name_of_an_end_is_none_of_the_conversation() {
    let mut wire = Wire::new();
    wire.send(THERE, ask(66));
    wire.send(THERE, ask(7));
    assert!(wire.send(BACK, answer(96, 66)).is_some());
    assert!(wire.send(BACK, answer(9, 7)).is_some());
    wire.send(THERE, ask(67));
    assert!(wire.send(BACK, answer(97, 67)).is_some());
    for (way, named, client) in [(THERE, 7, 7), (BACK, 9, 7), (BACK, 96, 66), (THERE, 67, 67)] {
        assert_eq!(wire.send(way, Hail::More(named)).unwrap().1, client);
    }
    assert_eq!(wire.send(THERE, Hail::More(9)), None);
    assert_eq!(wire.send(BACK, Hail::More(12)), None);
}

#[test]
fn a_question_whose_answer_cannot_be_read_is_answered_by_whatever_comes_back() {
    let mut wire = Wire::new();
    wire.send(THERE, Hail::Ask { name: 7, sealed: true });
    let heard = wire.send(BACK, Hail::Answer { name: 9, asked: None }).unwrap();
    assert_eq!((heard.0, heard.1), (Some(1), 7));
    assert!(wire.send(THERE, Hail::More(7)).is_some());
}

#[test]
fn a_question_is_forgotten_and_a_conversation_that_goes_on_is_not() {
    let mut wire = Wire::new();
    wire.send(THERE, ask(7));
    wire.wait(2 * limits::HALF_OPEN_SECONDS);
    assert_eq!(wire.send(BACK, answer(9, 7)), None);
    wire.send(THERE, ask(8));
    assert!(wire.send(BACK, answer(9, 8)).is_some());
    for _ in 0..4 {
        wire.wait(limits::IDLE_SECONDS - 1);
        assert!(wire.send(THERE, Hail::Load).is_some());
    }
    wire.wait(3 * limits::IDLE_SECONDS);
    assert_eq!(wire.send(THERE, Hail::Load), None);
    assert_eq!(wire.conversations.unanswered(), (1, 0));
}

#[test]
fn a_question_is_forgotten_where_nothing_comes_for_long() {
    let mut wire = Wire::new();
    wire.wait(1);
    wire.send(THERE, ask(7));
    wire.seconds += 2 * limits::IDLE_SECONDS;
    wire.wait(1);
    assert_eq!(wire.send(BACK, answer(9, 7)), None);
    assert_eq!(wire.conversations.unanswered(), (1, 0));
}

#[test]
fn a_flood_of_questions_stays_bounded_and_is_counted() {
    let mut wire = Wire::new();
    let all = 100_000;
    for name in 0..all {
        wire.send(((3, u16::try_from(name % 60_000).unwrap()), SERVER), ask(name));
    }
    let (unanswered, evicted) = wire.conversations.unanswered();
    assert!(evicted > all - 20_000 && unanswered == evicted, "{evicted}");
    wire.conversations.finish();
    assert_eq!(wire.conversations.unanswered().0, all);
}

#[test]
fn one_pair_of_ends_has_a_few_conversations() {
    let mut wire = Wire::new();
    for name in 1..20 {
        wire.send(THERE, ask(name));
        assert!(wire.send(BACK, answer(100 + name, name)).is_some());
    }
    assert_eq!(wire.send(THERE, Hail::More(1)), None);
    assert_eq!(wire.send(THERE, Hail::Load).unwrap().1, 19);
    assert_eq!(wire.send(THERE, Hail::More(18)).unwrap().1, 18);
    assert_eq!(wire.send(THERE, Hail::Load).unwrap().1, 18);
}

#[test]
fn answers_to_made_up_questions_do_not_push_out_who_goes_on() {
    let mut wire = Wire::new();
    for name in [7].into_iter().chain(20..60) {
        wire.send(THERE, ask(name));
        assert!(wire.send(BACK, answer(100 + name, name)).is_some());
        assert_eq!(wire.send(THERE, Hail::More(7)).unwrap().1, 7);
        assert_eq!(wire.send(BACK, Hail::Load).unwrap().1, 7);
    }
}
