//! Packets as the protocol has them, alone, with a length before them, and as datagrams of a whole conversation.

use super::super::super::Dialogue;
use super::super::super::feeder::{Event, client, inspect, server};
use super::packet::AUTHENTICATION;
use super::*;
use crate::decode::Datagram;
use crate::flow::{Conversations, Ended, Hail, Table};
use crate::model::{
    EndState, Endpoint, FrameNo, Roles, Seen, Session, Timestamp, TlsFacts, Transport,
};

const MINE: [u8; 8] = [7; 8];
const YOURS: [u8; 8] = [8; 8];

/// A packet of the control channel: kind, session, HMAC with its count and time, acknowledgements, the rest.
fn packet(
    kind: u8,
    session: [u8; 8],
    authentication: usize,
    acknowledges: &[u32],
    rest: &[u8],
) -> Vec<u8> {
    let mut packet = vec![kind << 3];
    packet.extend(session);
    if authentication > 0 {
        packet.extend(vec![0xaa; authentication - 8]);
        packet.extend([0, 0, 0, 1, 0x60, 0, 0, 0]);
    }
    packet.push(u8::try_from(acknowledges.len()).unwrap());
    packet.extend(acknowledges.iter().flat_map(|number| number.to_be_bytes()));
    if !acknowledges.is_empty() {
        packet.extend(if session == YOURS { MINE } else { YOURS });
    }
    packet.extend(rest);
    packet
}

fn framed(packet: &[u8]) -> Vec<u8> {
    [&u16::try_from(packet.len()).unwrap().to_be_bytes()[..], packet].concat()
}

fn numbered(number: u32, payload: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], payload].concat()
}

fn question(authentication: usize) -> Vec<u8> {
    packet(CLIENT_RESET, MINE, authentication, &[], &numbered(0, &[]))
}

fn answer(authentication: usize) -> Vec<u8> {
    packet(SERVER_RESET, YOURS, authentication, &[0], &numbered(0, &[]))
}

fn control(session: [u8; 8], number: u32, payload: &[u8]) -> Vec<u8> {
    packet(CONTROL, session, 0, &[], &numbered(number, payload))
}

/// A ClientHello of TLS 1.2 with one suite, or a ServerHello that chooses it.
fn hello(kind: u8) -> Vec<u8> {
    let suites: &[u8] = if kind == 1 { &[0, 0, 2, 0xc0, 0x2f, 1, 0] } else { &[0, 0xc0, 0x2f, 0] };
    let body = [&[3, 3][..], &[1; 32], suites].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[0x16, 3, 3, 0, length + 4, kind, 0, 0, length][..], &body].concat()
}

/// Encrypted data under the first keys.
fn data(bytes: usize) -> Vec<u8> {
    [vec![9 << 3, 0, 0, 0], vec![0x5a; bytes]].concat()
}

#[test]
fn the_handshake_inside_is_read_with_and_without_authentication() {
    for authentication in AUTHENTICATION {
        let hello = hello(1);
        let (first, second) = hello.split_at(20);
        let control = |number, payload| {
            framed(&packet(CONTROL, MINE, authentication, &[1], &numbered(number, payload)))
        };
        let events = [
            client(framed(&question(authentication))),
            server(framed(&answer(authentication))),
            client(
                [
                    framed(&packet(ACKNOWLEDGEMENT, MINE, authentication, &[0], &[])),
                    control(1, first),
                    control(2, second),
                    control(2, second),
                ]
                .concat(),
            ),
        ];
        for cut in [1, 7, 1000] {
            let (facts, _) = inspect("openvpn", &events, cut);
            let hello = facts.tls.unwrap().client_hello;
            assert!(matches!(hello, Seen::Value(_)), "{authentication}");
        }
    }
}

#[test]
fn what_only_begins_alike_is_not_taken() {
    let reset = framed(&question(28));
    let probe = |bytes: &[u8]| {
        OpenVpn.probe(&Head { direction: Direction::ToServer, bytes, from_start: true })
    };
    assert_eq!(probe(&reset), Probe::Yes);
    for cut in 0..reset.len() {
        assert_eq!(probe(&reset[..cut]), Probe::Unsure, "{cut}");
    }
    let mut encrypted = reset.clone();
    *encrypted.last_mut().unwrap() = 9;
    assert_eq!(probe(&encrypted), Probe::No);
    assert_eq!(probe(b"\0\x0e\x40"), Probe::No);
    assert_eq!(probe(b"\0\x0f"), Probe::No);
    assert_eq!(probe(b"GET / HTTP/1.1\r\n"), Probe::No);
}

/// A client's hello in three packets: what is read of it when they come so.
fn hello_in(order: &[u32]) -> TlsFacts {
    let hello = hello(1);
    let pieces = [&[][..], &hello[..10], &hello[10..30], &hello[30..]];
    let mut events: Vec<Event> = vec![client(framed(&question(0))), server(framed(&answer(0)))];
    events.extend(order.iter().map(|number| {
        client(framed(&control(
            MINE,
            *number,
            pieces.get(*number as usize).unwrap_or(&&[0; 4][..]),
        )))
    }));
    let (facts, _) = inspect("openvpn", &events, usize::MAX);
    facts.tls.map(|tls| *tls).unwrap_or_default()
}

#[test]
fn packets_are_put_in_order_and_read_once() {
    for order in [
        &[1, 2, 3][..],
        &[3, 2, 1],
        &[2, 3, 1],
        &[1, 1, 2, 1, 3, 3],
        &[3, 3, 2, 2, 1],
        &[99, 1, 3, 2],
    ] {
        assert!(matches!(hello_in(order).client_hello, Seen::Value(_)), "{order:?}");
    }
}

#[test]
fn a_packet_that_never_comes_is_a_gap_and_no_hello() {
    let endless: Vec<u32> = [1].into_iter().chain(3..40).collect();
    for order in [&[1, 2][..], &[1, 3], &[2, 3], &[3], &endless] {
        assert!(!matches!(hello_in(order).client_hello, Seen::Value(_)), "{order:?}");
    }
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut inspector = OpenVpn.inspector(&Context::default());
    let at = Moment::default();
    inspector.read(Direction::ToServer, &framed(&question(0)), at);
    for number in 2..10_000 {
        inspector.read(Direction::ToServer, &framed(&control(MINE, number, &[0; 1200])), at);
        assert!(inspector.held() <= limits::PENDING_BYTES, "{number}: {}", inspector.held());
    }
}

#[test]
fn a_later_handshake_and_data_that_somebody_made_up_leave_the_first_alone() {
    let hello = hello(1);
    let mut later = control(MINE, 1, &[0xff; 30]);
    later[0] |= 1;
    let events = [
        client(framed(&question(0))),
        server(framed(&answer(0))),
        client(framed(&data(40))),
        server(framed(&data(40))),
        client(framed(&later)),
        client(framed(&control(MINE, 1, &hello))),
    ];
    let (facts, next) = inspect("openvpn", &events, 5);
    assert!(matches!(facts.tls.unwrap().client_hello, Seen::Value(_)));
    assert_eq!(next, Next::More);
}

#[test]
fn what_datagrams_say_is_told_by_their_shape() {
    let (mine, yours) = (u64::from_be_bytes(MINE), u64::from_be_bytes(YOURS));
    for authentication in AUTHENTICATION {
        let ask = Hail::Ask { name: mine, sealed: false };
        assert_eq!(hail(&question(authentication)), Some(ask));
        let agree = Hail::Answer { name: yours, asked: Some(mine) };
        assert_eq!(hail(&answer(authentication)), Some(agree));
    }
    // Encrypted as a whole: count and time, HMAC, encrypted bytes; with the client's key behind it.
    let sealed = |kind: u8, count: [u8; 4], encrypted: usize| {
        let head = [&[kind << 3][..], &MINE, &count, &[0x60, 0, 0, 0], &[0xaa; 32]].concat();
        [head, vec![0x77; encrypted]].concat()
    };
    let ask = Some(Hail::Ask { name: mine, sealed: true });
    assert_eq!(hail(&sealed(7, [0, 0, 0, 1], 5)), ask);
    let with_key = [sealed(10, [0x0f, 0, 0, 1], 5), vec![0x33; 298], vec![1, 44]].concat();
    assert_eq!(hail(&with_key), ask);
    for (count, encrypted) in [([0, 0, 0, 1], 17), ([0x0f, 0, 0, 1], 23)] {
        let agree = Some(Hail::Answer { name: mine, asked: None });
        assert_eq!(hail(&sealed(8, count, encrypted)), agree);
    }
    assert_eq!(hail(&data(9)), Some(Hail::Load));
    assert_eq!(hail(&control(MINE, 3, b"more")), Some(Hail::More(mine)));
    assert_eq!(hail(&sealed(7, [1, 0, 0, 1], 5)), Some(Hail::More(mine)));
    assert_eq!(hail(&with_key[..with_key.len() - 1]), Some(Hail::More(mine)));
    assert_eq!((hail(b""), hail(b"8"), hail(&[0; 40])), (None, None, None));
}

/// Two ends and who looks on.
struct Wire {
    conversations: Conversations,
    table: Table<Dialogue>,
    frame: u64,
}

impl Wire {
    fn new() -> Self {
        Self { conversations: Conversations::default(), table: Table::default(), frame: 0 }
    }

    fn send(&mut self, direction: Direction, payload: &[u8], missing: u32) {
        self.frame += 1;
        let end = |last, port| Endpoint::new([10, 0, 0, last].into(), port).over(Transport::Udp);
        let (from, to) = match direction {
            Direction::ToServer => (end(1, 40_000), end(2, 1194)),
            Direction::ToClient => (end(2, 1194), end(1, 40_000)),
        };
        let time = Timestamp::from_seconds(self.frame.cast_signed());
        let at = Moment { time, frame: FrameNo(self.frame) };
        let datagram =
            Datagram { at, from, to, vlan: Some(5), hops: 64, network: None, payload, missing };
        let Some(heard) = hail(payload).and_then(|hail| self.conversations.take(&datagram, hail))
        else {
            return;
        };
        if let Some(ask) = &heard.ask {
            self.table.datagram(heard.key, &ask.turn());
        }
        self.table.datagram(heard.key, &heard.turn);
    }

    fn play(datagrams: &[(Direction, Vec<u8>)]) -> Vec<Session> {
        let mut wire = Self::new();
        datagrams.iter().for_each(|(direction, bytes)| wire.send(*direction, bytes, 0));
        wire.end()
    }

    fn end(mut self) -> Vec<Session> {
        self.table.finish();
        assert_eq!((self.table.active(), self.table.held()), (0, 0));
        let finish = |ended: Box<Ended<Dialogue>>| {
            let (protocol, facts) = ended.reader.finish();
            Session { protocol, facts, ..ended.session }
        };
        self.table.drain_ended().map(finish).collect()
    }
}

use Direction::{ToClient, ToServer};

/// Both hellos, each in two packets.
fn conversation() -> Vec<(Direction, Vec<u8>)> {
    let (asks, agrees) = (hello(1), hello(2));
    vec![
        (ToServer, question(0)),
        (ToClient, answer(0)),
        (ToServer, packet(ACKNOWLEDGEMENT, MINE, 0, &[0], &[])),
        (ToServer, control(MINE, 1, &asks[..30])),
        (ToServer, control(MINE, 2, &asks[30..])),
        (ToClient, control(YOURS, 1, &agrees[..9])),
        (ToClient, control(YOURS, 2, &agrees[9..])),
    ]
}

fn both_hellos(session: &Session) -> bool {
    let tls = session.facts.tls.as_deref();
    tls.is_some_and(|tls| {
        matches!((&tls.client_hello, &tls.server_hello), (Seen::Value(_), Seen::Value(_)))
    })
}

#[test]
fn a_conversation_over_udp_is_a_session() {
    let [session] = &Wire::play(&conversation())[..] else { panic!("one session") };
    assert!(both_hellos(session));
    assert_eq!((session.protocol, session.roles), (Some("openvpn"), Roles::Content));
    assert_eq!((session.transport(), session.end), (Transport::Udp, EndState::Open));
    assert_eq!((session.first.frame, session.last.frame), (FrameNo(1), FrameNo(7)));
    assert_eq!((session.client.port, session.server.port, session.vlan), (40_000, 1194, Some(5)));
    let sent: usize =
        conversation().iter().filter(|one| one.0 == ToServer).map(|one| one.1.len()).sum();
    assert_eq!((session.traffic.to_server.packets, session.traffic.to_client.packets), (4, 3));
    assert_eq!(session.traffic.to_server.bytes, sent as u64);
    assert_eq!((session.start_seen, session.stream.gap_bytes.to_server), (true, 0));
}

#[test]
fn datagrams_that_come_twice_or_in_another_order_change_nothing() {
    let plain = conversation();
    let mut twice: Vec<_> = plain.iter().flat_map(|one| [one.clone(), one.clone()]).collect();
    twice.extend(plain.clone());
    let mut turned = plain.clone();
    turned[2..].reverse();
    let said = |all: &[(Direction, Vec<u8>)]| {
        let tls = Wire::play(all)[0].facts.tls.clone().unwrap();
        let (asks, agrees) = (tls.client_hello.value().unwrap(), tls.server_hello.value().unwrap());
        (asks.offer.clone(), agrees.suite, agrees.version)
    };
    for other in [&twice, &turned] {
        assert_eq!(said(other), said(&plain));
    }
}

#[test]
fn a_datagram_that_was_lost_or_cut_invents_nothing() {
    for lost in 2..7 {
        let mut all = conversation();
        all.remove(lost);
        let sessions = Wire::play(&all);
        assert_eq!((sessions.len(), both_hellos(&sessions[0])), (1, lost == 2), "{lost}");
    }
    let mut wire = Wire::new();
    for (number, (direction, bytes)) in conversation().iter().enumerate() {
        let kept = if number == 3 { &bytes[..20] } else { &bytes[..] };
        wire.send(*direction, kept, u32::try_from(bytes.len() - kept.len()).unwrap());
    }
    let session = &wire.end()[0];
    let whole = conversation()[3].1.len() as u64;
    assert!(!both_hellos(session));
    assert_eq!((session.stream.cut_segments, session.stream.gap_bytes.to_server), (1, whole));
}

#[test]
fn without_both_beginnings_there_is_no_conversation() {
    for missing in 0..2 {
        let mut all = conversation();
        all.remove(missing);
        assert_eq!(Wire::play(&all), [], "{missing}");
    }
}

#[test]
fn data_counts_and_is_not_kept() {
    let mut all = conversation();
    all.extend((0..50).flat_map(|_| [(ToServer, data(1300)), (ToClient, data(1300))]));
    let mut wire = Wire::new();
    for (direction, bytes) in &all {
        wire.send(*direction, bytes, 0);
        assert!(wire.table.held() < 4096, "{}", wire.table.held());
    }
    let session = &wire.end()[0];
    assert!(both_hellos(session));
    assert_eq!((session.traffic.to_server.packets, session.traffic.to_client.packets), (54, 53));
    assert!(session.traffic.to_client.bytes > 50 * 1300);
}

#[test]
fn an_attacker_who_does_not_see_the_conversation_cannot_disturb_it() {
    let theirs = [6; 8];
    let mut forged_answer = answer(0);
    forged_answer[1..9].copy_from_slice(&theirs);
    forged_answer[14..22].copy_from_slice(&theirs);
    let forged = [
        (ToServer, packet(CLIENT_RESET, theirs, 0, &[], &numbered(0, &[]))),
        (ToClient, forged_answer),
        (ToServer, control(theirs, 1, &[0xff; 40])),
        (ToClient, control(theirs, 1, &[0xff; 40])),
        (ToServer, data(20)),
        (ToClient, data(20)),
        (ToServer, packet(ACKNOWLEDGEMENT, theirs, 0, &[1], &[])),
    ];
    // Before each datagram of the conversation, all that an attacker can make up.
    for place in 0..conversation().len() {
        let mut all = conversation();
        all.splice(place..place, forged.clone());
        let sessions = Wire::play(&all);
        assert_eq!(sessions.iter().filter(|session| both_hellos(session)).count(), 1, "{place}");
        assert!(sessions.len() <= 2);
    }
}

#[test]
fn a_client_that_begins_anew_at_the_same_port_is_another_session() {
    let again: Vec<_> = conversation()
        .into_iter()
        .map(|(direction, mut bytes)| {
            let mut swap = |from: [u8; 8], to: [u8; 8]| {
                while let Some(at) = bytes.windows(8).position(|window| window == from) {
                    bytes[at..at + 8].copy_from_slice(&to);
                }
            };
            swap(MINE, [0x17; 8]);
            swap(YOURS, [0x18; 8]);
            (direction, bytes)
        })
        .collect();
    let sessions = Wire::play(&[conversation(), again].concat());
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(both_hellos));
}

#[test]
fn a_channel_that_is_encrypted_as_a_whole_is_a_session_of_which_nothing_is_read() {
    let sealed = |kind: u8, session: [u8; 8], count: u8, encrypted: usize| {
        let head =
            [&[kind << 3][..], &session, &[0, 0, 0, count, 0x60, 0, 0, 0], &[0xaa; 32]].concat();
        [head, vec![0x77; encrypted]].concat()
    };
    let sessions = Wire::play(&[
        (ToServer, sealed(7, MINE, 1, 5)),
        (ToClient, sealed(8, YOURS, 1, 17)),
        (ToServer, sealed(4, MINE, 2, 300)),
        (ToClient, sealed(4, YOURS, 2, 900)),
        (ToServer, data(100)),
    ]);
    let [session] = &sessions[..] else { panic!("{sessions:?}") };
    assert_eq!((session.protocol, &session.facts.tls), (Some("openvpn"), &None));
    assert_eq!(session.traffic.to_server.packets, 3);
}

#[test]
fn silence_ends_a_conversation_by_packet_time() {
    let mut wire = Wire::new();
    conversation().iter().for_each(|(direction, bytes)| wire.send(*direction, bytes, 0));
    let time = Timestamp::from_seconds(8 + limits::IDLE_SECONDS);
    wire.table.tick(Moment { time, frame: FrameNo(7) });
    assert_eq!(wire.table.active(), 0);
    wire.send(ToServer, &data(30), 0);
    let sessions = wire.end();
    assert_eq!((sessions.len(), sessions[0].end), (1, EndState::Timeout));
}

#[test]
fn any_change_of_any_datagrams_is_survived() {
    let mut state = 7541_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..2000 {
        let mut wire = Wire::new();
        for (mut direction, mut bytes) in conversation() {
            for _ in 0..random(4) {
                match random(6) {
                    0 => bytes.truncate(random(bytes.len() + 1)),
                    1 => bytes.extend(vec![0xff; random(80)]),
                    2 => direction = direction.reversed(),
                    3 => wire.send(direction, &bytes, 0),
                    _ => {
                        let place = random(bytes.len().max(1));
                        if let Some(byte) = bytes.get_mut(place) {
                            *byte ^= 1 << random(8);
                        }
                    }
                }
            }
            wire.send(direction, &bytes, u32::try_from(random(40) / 35).unwrap());
        }
        assert!(wire.end().len() <= conversation().len());
    }
}
