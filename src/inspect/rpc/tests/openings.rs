//! What clients say first, and what can be read behind a hole.

use super::*;
use crate::inspect::feeder::{Event, inspect};
use crate::inspect::{Head, PROTOCOLS, Probe};
use crate::model::Direction;

/// What a client of each protocol says first.
fn openings() -> Vec<(&'static str, Vec<u8>)> {
    let trpc = trpc_request();
    vec![
        ("dubbo", dubbo_request(1)),
        ("thrift", thrift(1, FINAGLE, 0, &[0])),
        ("thrift", text32(&thrift(1, b"getUser", 7, &[0]))),
        ("thrift", [&[0x82, 0x21, 0x07][..], &text8(b"getUser"), &[0]].concat()),
        ("thrift", b"[1,\"getUser\",1,7,{\"1\":{\"i32\":1}}]".to_vec()),
        ("ttheader", ttheader_request()),
        ("trpc", trpc),
        ("rpcx", rpcx(0, 1, b"", b"{}")),
        ("brpc", BRPC_REQUEST.to_vec()),
        ("gob-rpc", GOB_REQUEST.to_vec()),
        ("json-rpc", b"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1}".to_vec()),
        ("msgpack-rpc", b"\x94\x00\x01\xa3sum\x92\x01\x02".to_vec()),
        ("nestjs", b"31#{\"pattern\":\"created\",\"data\":{}}".to_vec()),
        ("capnproto", CAPNPROTO_BOOTSTRAP.to_vec()),
    ]
}

#[test]
fn what_a_client_says_first_is_recognised_by_its_own_probe_alone() {
    for (own, bytes) in openings() {
        for protocol in PROTOCOLS {
            let mut before = Probe::Unsure;
            for end in 0..=bytes.len() {
                let ask = |direction| {
                    protocol.probe(&Head { direction, bytes: &bytes[..end], from_start: true })
                };
                let said = ask(Direction::ToServer);
                let name = protocol.name();
                assert!(before == Probe::Unsure || said == before, "{own}: {name} at {end}");
                before = said;
                if said == Probe::Yes {
                    assert_eq!(ask(Direction::ToClient), Probe::Reversed, "{own}: {name} at {end}");
                }
            }
            let expected = if protocol.name() == own { Probe::Yes } else { Probe::No };
            assert_eq!(before, expected, "{own}: {}", protocol.name());
        }
    }
}

#[test]
fn a_hole_ends_what_can_be_read_or_is_passed() {
    let (request, long) = (dubbo_request(2), dubbo(0xc2, 0, 1, &[b'N'; 400]));
    let facts = inspect(
        "dubbo",
        &[
            client(&long[..100]),
            Event::Gap(Direction::ToServer, (long.len() - 100) as u64),
            client(&request),
            server(dubbo(0x02, 20, 2, b"\x92")),
        ],
        usize::MAX,
    );
    assert_eq!(told(&facts.0), [("org.demo.OrderService", "find", 1, 1, 0)]);
}
