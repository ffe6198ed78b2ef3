use proptest::prelude::*;

use super::*;
use crate::inspect::feeder::{self, Event, client, facts, inspect, seeded, server};
use crate::model::{Call, CallFacts, FrameNo};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn calls(events: &[Event]) -> CallFacts {
    *facts("http/1.1", events).calls.unwrap()
}

/// `GET /path count succeeded failed`, one for each call.
fn listed(facts: &CallFacts) -> Vec<String> {
    let show =
        |call: &Call| format!("{} {} {} {}", call.method, call.count, call.succeeded, call.failed);
    facts.calls.iter().map(show).collect()
}

fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    Http1.probe(&Head { direction, bytes, from_start: true })
}

#[test]
fn a_request_and_its_response_make_a_call() {
    let request = "POST /orders/17?key=s3cr3t HTTP/1.1\r\nHost: orders:8080\r\nUser-Agent: shop/1.2\r\n\
                   Authorization: Bearer eyJhbGciOi\r\nContent-Length: 5\r\n\r\nhello";
    let response = "HTTP/1.1 201 Created\r\nServer: nginx/1.26\r\nContent-Length: 0\r\n\r\n";
    let found = facts("http/1.1", &[client(request), server(response)]);
    assert!(!format!("{found:?}").contains("s3cr3t"));
    assert!(!format!("{found:?}").contains("eyJ"));
    assert_eq!(found.plaintext.map(|at| at.frame), Some(FrameNo(1)));
    let calls = found.calls.unwrap();
    assert_eq!(listed(&calls), ["POST /orders/* 1 1 0"]);
    assert_eq!(calls.calls[0].last_status, Some(201));
    assert_eq!(calls.authorities, ["orders:8080"]);
    assert_eq!(calls.user_agents, ["shop/1.2"]);
    assert_eq!(calls.auth_schemes, ["bearer"]);
    assert_eq!((calls.authenticated, calls.first_auth.map(|at| at.frame)), (1, Some(FrameNo(1))));
    assert_eq!(calls.server_products, ["nginx/1.26"]);
    assert_eq!((calls.requests, calls.responses, calls.unnamed, calls.cut), (1, 1, 0, false));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let requests = "GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\n\r\nGET /c HTTP/1.1\r\n\r\n";
    let responses = "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc\
                     HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\
                     HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
    let found = calls(&[client(requests), server(responses)]);
    assert_eq!(listed(&found), ["GET /a 1 0 1", "HEAD /b 1 1 0", "GET /c 1 0 1"]);
}

#[test]
fn chunked_bodies_end_behind_their_trailers() {
    let chunked = "Transfer-Encoding: gzip, chunked\r\n\r\n5;ext=\"x\"\r\nGET /\r\n000A\r\n0123456789\r\n0\r\n\
                   Checksum: 1\r\nServer: no\r\n\r\n";
    let request = format!("PUT /a HTTP/1.1\r\n{chunked}GET /b HTTP/1.1\r\n\r\n");
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n{chunked}{OK}");
    let found = calls(&[client(request), server(response)]);
    assert_eq!(listed(&found), ["PUT /a 1 1 0", "GET /b 1 1 0"]);
}

#[test]
fn a_chunk_size_that_is_none_ends_the_reading_of_that_direction() {
    for size in ["", "xyz", "11111111111111111", "-1", "5g"] {
        let request = format!(
            "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nGET /b HTTP/1.1\r\n\r\n"
        );
        assert_eq!(listed(&calls(&[client(request)])), ["PUT /a 1 0 0"], "{size}");
    }
}

#[test]
fn interim_responses_do_not_answer() {
    let request = "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let found = calls(&[client(request), server(interim), client("x"), server(OK)]);
    assert_eq!(listed(&found), ["PUT /a 1 1 0"]);
    assert_eq!(found.responses, 1);
}

#[test]
fn a_response_without_a_length_lasts_until_the_end() {
    let request = "GET /a HTTP/1.0\r\n\r\n";
    let found = calls(&[client(request), server("HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 500 No\r\n\r\n")]);
    assert_eq!(listed(&found), ["GET /a 1 1 0"]);
    assert_eq!(found.responses, 1);
}

#[test]
fn statuses_without_a_body_have_none() {
    let requests = "GET /a HTTP/1.1\r\n\r\n".repeat(3);
    let responses = format!(
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n{OK}"
    );
    assert_eq!(listed(&calls(&[client(requests), server(responses)])), ["GET /a 3 2 1"]);
}

#[test]
fn lengths_that_contradict_each_other_end_the_reading_of_that_direction() {
    for fields in
        ["Content-Length: 3\r\nContent-Length: 4", "Content-Length: x", "Content-Length: +1"]
    {
        let requests = format!("POST /a HTTP/1.1\r\n{fields}\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n");
        assert_eq!(listed(&calls(&[client(requests), server(OK)])), ["POST /a 1 0 0"], "{fields}");
    }
    let same = "POST /a HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n";
    assert_eq!(calls(&[client(same)]).requests, 2);
}

#[test]
fn an_upgrade_to_h2c_goes_on_as_h2() {
    let request = "GET /a HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";
    let accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for cut in [usize::MAX, 1, 5] {
        let (found, next) = inspect("http/1.1", &[client(request), server(accepted)], cut);
        assert_eq!(next, Next::Switch("h2"));
        assert_eq!(listed(&found.calls.unwrap()), ["GET /a 1 0 0"]);
    }
    let (_, refused) = inspect("http/1.1", &[client(request), server(OK)], usize::MAX);
    assert_eq!(refused, Next::More);
}

#[test]
fn a_switch_uses_the_head_and_nothing_behind_it() {
    let mut inspector = Http1.inspector(&Context::default());
    let request = b"GET /a HTTP/1.1\r\nUpgrade: h2c\r\n\r\n";
    inspector.read(Direction::ToServer, request, Moment::default());
    let head = b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\n\r\n";
    let read =
        inspector.read(Direction::ToClient, &[&head[..], b"rest"].concat(), Moment::default());
    assert_eq!(read, (head.len(), Next::Switch("h2")));
}

#[test]
fn another_upgrade_ends_the_reading_and_an_upgrade_to_tls_asks_again() {
    let upgraded = |to: &str| {
        let request = format!("GET /a HTTP/1.1\r\nUpgrade: {to}\r\n\r\n");
        let accepted = format!("HTTP/1.1 101 Switching\r\nUpgrade: {to}\r\n\r\n");
        inspect("http/1.1", &[client(request), server(accepted)], usize::MAX).1
    };
    assert_eq!(upgraded("websocket"), Next::Done);
    assert_eq!(upgraded("TLS/1.2"), Next::Reprobe);
}

#[test]
fn an_accepted_connect_asks_again_what_it_carries() {
    let request = "CONNECT db.internal:5432 HTTP/1.1\r\nProxy-Authorization: Basic YTpi\r\n\r\n";
    let accepted = "HTTP/1.1 200 Connection established\r\n\r\n";
    let (found, next) = inspect("http/1.1", &[client(request), server(accepted)], 1);
    assert_eq!(next, Next::Reprobe);
    let found = found.calls.unwrap();
    assert_eq!(listed(&found), ["CONNECT db.internal:5432 1 1 0"]);
    assert_eq!(found.auth_schemes, ["basic"]);
    let refused = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(inspect("http/1.1", &[client(request), server(refused)], 1).1, Next::More);
}

#[test]
fn go_net_rpc_is_an_accepted_connect_with_bare_line_feeds() {
    let request = "CONNECT /_goRPC_ HTTP/1.0\n\n";
    let accepted = "HTTP/1.0 200 Connected to Go RPC\n\n";
    let (found, next) = inspect("http/1.1", &[client(request), server(accepted)], 3);
    assert_eq!(next, Next::Reprobe);
    assert_eq!(listed(&found.calls.unwrap()), ["CONNECT /_goRPC_ 1 1 0"]);
}

#[test]
fn a_tls_alert_in_answer_is_a_mismatch() {
    let alert = [21, 3, 1, 0, 2, 2, 70];
    let found = facts("http/1.1", &[client("GET / HTTP/1.1\r\n\r\n"), server(alert)]);
    assert_eq!(found.mismatch, Some(Evident { value: "plaintext-to-tls", at: frame(2) }));
    assert_eq!(found.plaintext, Some(frame(1)));
}

/// The words are byte for byte those of Go's net/http and of nginx. No sample was recorded yet.
#[test]
fn a_refusal_in_words_of_a_server_that_expected_tls_is_a_mismatch() {
    let request = client("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let nginx = "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 100\r\n\r\n<html>\r\n\
                 <head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n";
    for refusal in [go, nginx] {
        let found = facts("http/1.1", &[request.clone(), server(refusal)]);
        assert_eq!(found.mismatch.map(|one| one.value), Some("plaintext-to-tls"), "{refusal}");
    }
    let other = "HTTP/1.1 400 Bad Request\r\nContent-Length: 7\r\n\r\nbad id\n";
    assert_eq!(facts("http/1.1", &[request.clone(), server(other)]).mismatch, None);
    // A server that served before does not expect TLS, whatever it says.
    let after = facts("http/1.1", &[request.clone(), server(OK), request.clone(), server(go)]);
    assert_eq!(after.mismatch, None);
    let served = go.replace("400 Bad Request", "200 OK");
    assert_eq!(facts("http/1.1", &[request, server(served)]).mismatch, None);
}

fn frame(number: u64) -> Moment {
    Moment { frame: FrameNo(number), ..Moment::default() }
}

#[test]
fn a_head_over_its_bound_is_named_by_its_first_line_and_ends_the_reading() {
    let long = format!("GET /long HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(limits::HTTP1_HEAD));
    let found = calls(&[client(&long), client("GET /b HTTP/1.1\r\n\r\n")]);
    assert_eq!(listed(&found), ["GET /long 1 0 0"]);
    assert!(found.cut);
    let many = format!("GET /many HTTP/1.1\r\n{}\r\n", "X: 1\r\n".repeat(limits::HTTP_FIELDS + 1));
    let found = calls(&[client(many), client("GET /b HTTP/1.1\r\n\r\n")]);
    assert_eq!(listed(&found), ["GET /many 1 0 0"]);
    assert!(found.cut);
    let target = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(limits::HTTP1_HEAD));
    let found = calls(&[client(target)]);
    assert_eq!((found.requests, found.unnamed, found.cut), (1, 1, true));
}

#[test]
fn a_hole_within_a_body_loses_nothing() {
    let request = "PUT /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\n0123456789";
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n0123456789abcdef";
    let found = calls(&[
        client(request),
        Event::Gap(Direction::ToServer, 980),
        client("0123456789GET /b HTTP/1.1\r\n\r\n"),
        server(response),
        Event::Gap(Direction::ToClient, 0xe0),
        server(format!("0123456789abcdef\r\n0\r\n\r\n{OK}")),
    ]);
    assert_eq!(listed(&found), ["PUT /a 1 1 0", "GET /b 1 1 0"]);
}

#[test]
fn behind_a_hole_reading_goes_on_with_a_head_at_the_start_of_a_segment() {
    let found = feeder::inspect(
        "http/1.1",
        &[
            client("GET /a HTTP/1.1\r\nHo"),
            Event::Gap(Direction::ToServer, 100),
            client("X-Rest: of something\r\n\r\n"),
            client("GET /b HTTP/1.1\r\n\r\n"),
            server(OK),
            client("GET /c HTTP/1.1\r\n\r\n"),
            server("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
        ],
        usize::MAX,
    );
    let found = found.0.calls.unwrap();
    assert_eq!(listed(&found), ["GET /b 1 0 0", "GET /c 1 0 1"], "/b may not be what was answered");
}

#[test]
fn a_lost_response_never_answers_another_request() {
    let found = calls(&[
        client("GET /a HTTP/1.1\r\n\r\n"),
        client("GET /b HTTP/1.1\r\n\r\n"),
        Event::Gap(Direction::ToClient, 50),
        server("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
    ]);
    assert_eq!(listed(&found), ["GET /a 1 0 0", "GET /b 1 0 0"]);
}

#[test]
fn answers_to_requests_that_nobody_saw_are_unnamed_requests() {
    let found = calls(&[server(OK), server(OK), server("HTTP/1.1 408 Late\r\n\r\n")]);
    assert_eq!((found.requests, found.responses, found.unnamed), (0, 3, 2));
}

#[test]
fn requests_without_answers_are_bounded() {
    let found = calls(&[client("GET /a HTTP/1.1\r\n\r\n".repeat(1000)), server(OK)]);
    assert_eq!((found.requests, found.calls[0].succeeded, found.cut), (1000, 0, true));
}

#[test]
fn probes_tell_who_sent_what() {
    let request = b"GET /a HTTP/1.1\r\n";
    let response = b"HTTP/1.1 200 OK\r\n";
    assert_eq!(probe(Direction::ToServer, request), Probe::Yes);
    assert_eq!(probe(Direction::ToClient, request), Probe::Reversed);
    assert_eq!(probe(Direction::ToClient, response), Probe::Yes);
    assert_eq!(probe(Direction::ToServer, response), Probe::Reversed);
    assert_eq!(probe(Direction::ToServer, b"PRI * HTTP/2.0\r\n\r\n"), Probe::No);
    assert_eq!(probe(Direction::ToServer, b"PRI * HT"), Probe::Unsure);
    assert_eq!(probe(Direction::ToServer, b"HT"), Probe::Unsure);
    assert_eq!(probe(Direction::ToServer, b"\x16\x03\x01"), Probe::No);
    let endless = [&b"GET /"[..], &[b'x'; limits::PROBE_BYTES]].concat();
    assert_eq!(probe(Direction::ToServer, &endless), Probe::Yes);
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn any_bytes_are_survived(
        pieces in proptest::collection::vec((any::<bool>(), ".{0,40}|[ -~\r\n]{0,40}", any::<bool>()), 0..12),
    ) {
        let mut events = vec![client("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), server("HTTP/1.1 2")];
        for (to_server, bytes, gap) in pieces {
            let direction = if to_server { Direction::ToServer } else { Direction::ToClient };
            events.push(Event::Bytes(direction, bytes.into_bytes()));
            if gap {
                events.push(Event::Gap(direction, 7));
            }
        }
        inspect("http/1.1", &events, usize::MAX);
        inspect("http/1.1", &events, 1);
    }
}

#[test]
fn tls_where_a_head_would_begin_is_a_tunnel_that_was_opened_out_of_sight() {
    let hello = b"\x16\x03\x01\0\x80\x01\0\0\x7c\x03\x03";
    let asked = b"CONNECT db.internal:443 HTTP/1.1\r\n\r\n".as_slice();
    let opened = b"HTTP/1.1 200 Connection established\r\n\r\n".as_slice();
    let said = |events: [(Direction, &[u8]); 3]| {
        let mut connection = Connection::default();
        let last =
            events.map(|(direction, bytes)| connection.read(direction, bytes, Moment::default()));
        (last[1], last[2])
    };
    let (to_server, to_client) = (Direction::ToServer, Direction::ToClient);
    let early = said([(to_client, opened), (to_server, asked), (to_server, hello)]);
    assert_eq!(early.1, (0, Next::Switch("tls")));
    let late = said([(to_server, asked), (to_server, hello), (to_client, opened)]);
    assert_eq!(late, ((0, Next::More), (opened.len(), Next::Reprobe)));
}
