use proptest::prelude::*;

use super::*;
use crate::inspect::feeder::{Event, client, facts, inspect, seeded, server};
use crate::model::{Call, CallFacts, FrameNo};

mod missed;
mod noted;

type Lines<'a> = &'a [(&'a str, &'a str)];

const GRPC: Lines<'_> = &[
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/helloworld.Greeter/SayHello"),
    (":authority", "greeter:50051"),
    ("content-type", "application/grpc+proto"),
    ("user-agent", "grpc-go/1.70.0"),
    ("te", "trailers"),
    ("authorization", "Bearer eyJhbGciOi"),
];
const GRPC_HEAD: Lines<'_> = &[(":status", "200"), ("content-type", "application/grpc")];
const GRPC_OK: Lines<'_> = &[("grpc-status", "0"), ("grpc-message", "")];

const END: u8 = frames::END_STREAM;
const WHOLE: u8 = frames::END_HEADERS;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let stream = stream.to_be_bytes();
    [&length[1..], &[kind, flags], &stream[..], payload].concat()
}

/// One side of a connection. Puts every field into the dynamic table, as the encoders of gRPC do.
struct Peer(Vec<(String, String)>);

const STATIC: &[(&str, &str, u8)] = &[
    (":method", "GET", 0x82),
    (":method", "POST", 0x83),
    (":scheme", "http", 0x86),
    (":status", "200", 0x88),
    (":status", "204", 0x89),
    (":status", "500", 0x8e),
];

impl Peer {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn block(&mut self, lines: Lines<'_>) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in lines {
            let known = self.0.iter().rev().position(|(n, v)| n == name && v == value);
            if let Some((_, _, index)) = STATIC.iter().find(|(n, v, _)| n == name && v == value) {
                block.push(*index);
            } else if let Some(age) = known {
                block.push(0x80 | u8::try_from(62 + age).unwrap());
            } else {
                self.0.push((name.to_string(), value.to_string()));
                block.push(0x40);
                for text in [name, value] {
                    block.push(u8::try_from(text.len()).unwrap());
                    block.extend(text.as_bytes());
                }
            }
        }
        block
    }

    fn headers(&mut self, flags: u8, stream: u32, lines: Lines<'_>) -> Vec<u8> {
        let block = self.block(lines);
        frame(frames::HEADERS, WHOLE | flags, stream, &block)
    }
}

fn preface() -> Vec<u8> {
    [&frames::PREFACE[..], &frame(4, 0, 0, &[])].concat()
}

fn data(flags: u8, stream: u32, length: usize) -> Vec<u8> {
    frame(frames::DATA, flags, stream, &vec![0xda; length])
}

fn calls(events: &[Event]) -> CallFacts {
    *facts("h2", events).calls.unwrap()
}

/// `service/method count succeeded failed`, one for each call.
fn listed(facts: &CallFacts) -> Vec<String> {
    let show = |call: &Call| {
        let name = [&*call.service, &*call.method].join("/");
        format!("{name} {} {} {}", call.count, call.succeeded, call.failed)
    };
    facts.calls.iter().map(show).collect()
}

/// A whole connection with this many gRPC calls, one after the other, in the order of events.
fn conversation(count: u32) -> Vec<Event> {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    let mut events = vec![client(preface()), server(frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]))];
    for stream in (1..).step_by(2).take(count as usize) {
        events.push(client([to_server.headers(0, stream, GRPC), data(END, stream, 20)].concat()));
        events.push(server(
            [
                to_client.headers(0, stream, GRPC_HEAD),
                data(0, stream, 30),
                to_client.headers(END, stream, GRPC_OK),
            ]
            .concat(),
        ));
    }
    events
}

#[test]
fn grpc_calls_are_named_and_judged_by_their_own_status() {
    let found = facts("h2", &conversation(3));
    assert_eq!(found.protocol, Some("grpc"));
    assert_eq!(found.plaintext.map(|at| at.frame), Some(FrameNo(1)));
    assert!(!format!("{found:?}").contains("eyJ"));
    let calls = found.calls.unwrap();
    assert_eq!(listed(&calls), ["helloworld.Greeter/SayHello 3 3 0"]);
    assert_eq!((calls.requests, calls.responses, calls.unnamed, calls.cut), (3, 3, 0, false));
    assert_eq!((calls.authenticated, calls.calls[0].last_status), (3, Some(0)));
    assert_eq!(calls.authorities, ["greeter:50051"]);
    assert_eq!(calls.user_agents, ["grpc-go/1.70.0"]);
    assert_eq!(calls.auth_schemes, ["bearer"]);
    assert_eq!(calls.first_request.map(|at| at.frame), Some(FrameNo(3)));
}

/// The outcome of one gRPC call that was answered like this.
fn answered(blocks: &[(u8, Lines<'_>)]) -> (u64, u64, Option<u16>) {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    let request = [preface(), to_server.headers(END, 1, GRPC)].concat();
    let blocks = blocks.iter().map(|(flags, lines)| to_client.headers(*flags, 1, lines));
    let response = [frame(4, 0, 0, &[]), blocks.collect::<Vec<_>>().concat()].concat();
    let found = calls(&[client(request), server(response)]);
    let call = &found.calls[0];
    (call.succeeded, call.failed, call.last_status)
}

#[test]
fn a_grpc_call_succeeds_by_grpc_status_alone() {
    let trailers_only: Lines<'_> =
        &[(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "16")];
    assert_eq!(answered(&[(0, GRPC_HEAD), (END, GRPC_OK)]), (1, 0, Some(0)));
    assert_eq!(answered(&[(END, trailers_only)]), (0, 1, Some(16)));
    assert_eq!(answered(&[(END, GRPC_HEAD)]), (0, 0, None), "no status came");
    assert_eq!(answered(&[(END, &[(":status", "503")])]), (0, 1, Some(503)), "a proxy answered");
    let early = &[(":status", "103")];
    assert_eq!(answered(&[(0, early), (0, GRPC_HEAD), (END, GRPC_OK)]), (1, 0, Some(0)));
}

#[test]
fn other_requests_are_named_by_method_and_path() {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    let get: Lines<'_> = &[(":method", "GET"), (":path", "/health?key=s3cr3t"), ("host", "a:1")];
    let found = facts(
        "h2",
        &[
            client([preface(), to_server.headers(END, 1, get)].concat()),
            server(frame(4, 0, 0, &[])),
            server(to_client.headers(END, 1, &[(":status", "204"), ("server", "envoy")])),
            client(to_server.headers(END, 3, get)),
            server(to_client.headers(END, 3, &[(":status", "500")])),
        ],
    );
    assert!(!format!("{found:?}").contains("s3cr3t"));
    assert_eq!(found.protocol, None);
    let calls = found.calls.unwrap();
    assert_eq!(listed(&calls), ["/GET /health 2 1 1"]);
    assert_eq!(
        (&calls.authorities[0], &calls.server_products[0]),
        (&"a:1".into(), &"envoy".into())
    );
}

#[test]
fn sixty_four_streams_at_once_are_kept_apart() {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    let streams: Vec<u32> = (1..).step_by(2).take(64).collect();
    let paths: Vec<String> = streams.iter().map(|n| format!("/s.S/M{}", n % 4)).collect();
    let mut events = vec![client(preface()), server(frame(4, 0, 0, &[]))];
    for (stream, path) in streams.iter().zip(&paths) {
        let mut lines = GRPC.to_vec();
        lines[2].1 = path;
        events.push(client(to_server.headers(0, *stream, &lines)));
    }
    for stream in &streams {
        events.push(client(data(END, *stream, 5)));
        events.push(server(to_client.headers(0, *stream, GRPC_HEAD)));
    }
    for stream in streams.iter().rev() {
        let status = if stream % 4 == 3 { "2" } else { "0" };
        events.push(server(to_client.headers(END, *stream, &[("grpc-status", status)])));
    }
    assert_eq!(listed(&calls(&events)), ["s.S/M1 32 32 0", "s.S/M3 32 0 32"]);
}

#[test]
fn header_blocks_are_found_behind_padding_priority_and_in_continuations() {
    let mut peer = Peer::new();
    let block = peer.block(GRPC);
    let padded = [&[3, 0, 0, 0, 0, 16][..], &block, &[0; 3]].concat();
    let flags = WHOLE | frames::PADDED | frames::HAS_PRIORITY;
    let block = peer.block(GRPC);
    let (first, rest) = block.split_at(1);
    let (second, third) = rest.split_at(2);
    let bytes = [
        preface(),
        frame(frames::HEADERS, flags, 1, &padded),
        frame(frames::HEADERS, END, 3, first),
        frame(frames::CONTINUATION, 0, 3, second),
        frame(frames::CONTINUATION, WHOLE, 3, third),
    ]
    .concat();
    assert_eq!(listed(&calls(&[client(bytes)])), ["helloworld.Greeter/SayHello 2 0 0"]);
}

#[test]
fn padding_longer_than_its_frame_is_survived() {
    let mut peer = Peer::new();
    let bad = frame(frames::HEADERS, WHOLE | frames::PADDED, 1, &[200, 0x82]);
    let bytes = [preface(), bad, peer.headers(END, 3, GRPC)].concat();
    assert_eq!(calls(&[client(bytes)]).requests, 1);
}

#[test]
fn a_flood_of_continuations_is_bounded_and_what_follows_is_read() {
    let mut bytes = preface();
    bytes.extend(frame(frames::HEADERS, 0, 1, &[0x82]));
    for _ in 0..100 {
        bytes.extend(frame(frames::CONTINUATION, 0, 1, &[0x82; 16_000]));
    }
    bytes.extend(frame(frames::CONTINUATION, WHOLE, 1, &[]));
    bytes.extend(Peer::new().headers(END, 3, GRPC));
    let (found, _) = inspect("h2", &[client(bytes)], 16_000);
    let found = found.calls.unwrap();
    assert_eq!((found.requests, found.unnamed, found.cut), (2, 1, true));
    assert_eq!(listed(&found), ["helloworld.Greeter/SayHello 1 0 0"]);
}

#[test]
fn a_header_frame_over_the_bound_is_passed_over() {
    let large = vec![0x82; limits::HTTP2_HEADER_BLOCK + 1000];
    let bytes =
        [preface(), frame(frames::HEADERS, WHOLE, 1, &large), Peer::new().headers(END, 3, GRPC)]
            .concat();
    let (found, _) = inspect("h2", &[client(bytes)], 1000);
    let found = found.calls.unwrap();
    assert_eq!((found.requests, found.unnamed, found.cut), (2, 1, true));
}

#[test]
fn a_secret_that_comes_again_in_huffman_code_is_counted_each_time() {
    // RFC 7541 C.4.3: "custom-value"; the last block has another one.
    let first = [0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf];
    let other = [0x25, 0xa8, 0x49, 0xe9, 0x5a, 0x72, 0x8e, 0x42, 0xd9];
    let mut client_side = Peer::new();
    let mut events = vec![client(preface()), server(frame(4, 0, 0, &[]))];
    for (stream, code) in (1..).step_by(2).zip([&first, &first, &first, &other]) {
        let mut block = client_side.block(&GRPC[..7]);
        block.extend([0x10, 13]);
        block.extend(b"authorization");
        block.push(0x80 | 9);
        block.extend(code);
        events.push(client(frame(frames::HEADERS, WHOLE | END, stream, &block)));
    }
    let facts = facts("h2", &events);
    let counts: Vec<u64> =
        facts.readable.unwrap().credentials.iter().map(|one| one.count).collect();
    assert_eq!(counts, [3, 1]);
    assert_eq!(facts.calls.unwrap().authenticated, 4);
}

#[test]
fn trailers_of_a_request_are_no_request() {
    let mut peer = Peer::new();
    let bytes = [
        preface(),
        peer.headers(0, 1, GRPC),
        data(0, 1, 5),
        peer.headers(END, 1, &[("checksum", "1")]),
    ];
    assert_eq!(calls(&[client(bytes.concat())]).requests, 1);
}

#[test]
fn a_pushed_response_and_a_reset_stream_confuse_nothing() {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    let mut promise = vec![0, 0, 0, 2];
    promise.extend(to_client.block(&[(":method", "GET"), (":path", "/pushed"), ("x", "y")]));
    let found = calls(&[
        client([preface(), to_server.headers(END, 1, GRPC)].concat()),
        server(frame(4, 0, 0, &[])),
        server(frame(frames::PUSH_PROMISE, WHOLE, 1, &promise)),
        client(frame(frames::RST_STREAM, 0, 1, &[0, 0, 0, 8])),
        client(to_server.headers(END, 3, GRPC)),
        server(to_client.headers(0, 3, GRPC_HEAD)),
        server(to_client.headers(END, 3, GRPC_OK)),
    ]);
    assert_eq!(listed(&found), ["helloworld.Greeter/SayHello 2 1 0"]);
}

#[test]
fn a_malformed_block_leaves_its_request_unnamed_and_reading_goes_on() {
    let mut peer = Peer::new();
    let bad = frame(frames::HEADERS, WHOLE | END, 1, &[0x83, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let found = calls(&[client([preface(), bad, peer.headers(END, 3, GRPC)].concat())]);
    assert_eq!((found.requests, found.unnamed), (2, 1));
    assert_eq!(listed(&found), ["helloworld.Greeter/SayHello 1 0 0"]);
}

#[test]
fn streams_that_never_end_are_bounded() {
    let mut peer = Peer::new();
    let mut bytes = preface();
    for stream in (1..).step_by(2).take(limits::HTTP2_STREAMS * 2) {
        bytes.extend(peer.headers(END, stream, GRPC));
    }
    let (found, _) = inspect("h2", &[client(bytes)], usize::MAX);
    let found = found.calls.unwrap();
    assert_eq!((found.requests, found.cut), (2 * limits::HTTP2_STREAMS as u64, true));
}

#[test]
fn a_tls_alert_in_answer_is_a_mismatch() {
    let found = facts("h2", &[client(preface()), server([21, 3, 3, 0, 2, 2, 22])]);
    let at = Moment { frame: FrameNo(2), ..Moment::default() };
    assert_eq!(found.mismatch, Some(Evident { value: "plaintext-to-tls", at }));
}

#[test]
fn behind_an_upgrade_the_first_answer_is_to_a_request_that_was_named_before() {
    let (mut to_server, mut to_client) = (Peer::new(), Peer::new());
    let found = calls(&[
        server(frame(4, 0, 0, &[])),
        client(preface()),
        server(to_client.headers(END, 1, &[(":status", "200")])),
        client(to_server.headers(END, 3, &[(":method", "GET"), (":path", "/b")])),
        server(to_client.headers(END, 3, &[(":status", "200")])),
    ]);
    assert_eq!((found.responses, found.unnamed), (2, 0));
    assert_eq!(listed(&found), ["/GET /b 1 1 0"]);
}

fn probe(direction: Direction, bytes: &[u8], from_start: bool) -> Probe {
    Http2.probe(&Head { direction, bytes, from_start })
}

#[test]
fn probes_know_the_preface_and_the_servers_first_settings() {
    use Direction::{ToClient, ToServer};
    assert_eq!(probe(ToServer, &preface(), true), Probe::Yes);
    assert_eq!(probe(ToClient, &preface(), true), Probe::Reversed);
    assert_eq!(probe(ToServer, b"PRI * HTTP/2.0\r\n", true), Probe::Unsure);
    assert_eq!(probe(ToServer, b"PRI * HTTP/1.1\r\n", true), Probe::No);
    let settings = frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]);
    assert_eq!(probe(ToClient, &settings, true), Probe::Yes);
    assert_eq!(probe(ToServer, &settings, true), Probe::Reversed);
    assert_eq!(probe(ToClient, &settings[..6], true), Probe::Unsure);
    assert_eq!(probe(ToClient, b"HTTP/1.1 200 OK", true), Probe::No);
}

#[test]
fn probes_know_a_chain_of_frames_where_the_beginning_was_missed() {
    use Direction::{ToClient, ToServer};
    let mut peer = Peer::new();
    let request = [peer.headers(0, 9, GRPC), data(END, 9, 5)].concat();
    let response = [peer.headers(0, 9, GRPC_HEAD), data(0, 9, 5)].concat();
    assert_eq!(probe(ToServer, &request, false), Probe::Yes);
    assert_eq!(probe(ToClient, &request, false), Probe::Reversed);
    assert_eq!(probe(ToClient, &response, false), Probe::Yes);
    assert_eq!(probe(ToServer, &response, false), Probe::Reversed);
    assert_eq!(probe(ToServer, &request[..20], false), Probe::Unsure);
    assert_eq!(probe(ToServer, &request, true), Probe::No, "a connection begins with the preface");
    assert_eq!(probe(ToServer, &[0; 64], false), Probe::No);
    assert_eq!(probe(ToServer, &[22, 3, 3, 0, 5], false), Probe::No);
    let large = &data(0, 1, 16_000)[..limits::PROBE_BYTES];
    assert_eq!(probe(ToServer, large, false), Probe::No);
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn any_bytes_are_survived(
        pieces in proptest::collection::vec(
            (any::<bool>(), 0_u8..11, any::<u8>(), 0_u32..5, proptest::collection::vec(any::<u8>(), 0..30)),
            0..12,
        ),
        begun in any::<bool>(),
        gap in any::<bool>(),
    ) {
        let mut events = vec![];
        if begun {
            events.push(client(preface()));
        }
        for (to_server, kind, flags, stream, payload) in pieces {
            let direction = if to_server { Direction::ToServer } else { Direction::ToClient };
            let frame = if kind == 10 { payload } else { frame(kind, flags, stream, &payload) };
            events.push(Event::Bytes(direction, frame));
            if gap && flags > 200 {
                events.push(Event::Gap(direction, u64::from(flags)));
            }
        }
        facts("h2", &events);
    }
}
