//! Every protocol of this folder. `captured` in a comment: the bytes are of a real service; `specified`: they were put
//! together from the protocol's specification, because no capture is at hand.

mod openings;

use super::super::feeder::{client, facts, server};
use crate::model::{CallFacts, CredentialKind, Exposure, Facts, ReadableFacts};

/// Service, method, requests, successes, failures.
fn told(facts: &Facts) -> Vec<(&str, &str, u64, u64, u64)> {
    let calls = facts.calls.as_deref().map_or(&[][..], |calls: &CallFacts| &calls.calls);
    calls
        .iter()
        .map(|call| (&*call.service, &*call.method, call.count, call.succeeded, call.failed))
        .collect()
}

fn readable(facts: &Facts) -> &ReadableFacts {
    facts.readable.as_deref().unwrap()
}

fn callers(facts: &Facts) -> Vec<(&str, &str)> {
    readable(facts).callers.iter().map(|claim| (&*claim.name, claim.by)).collect()
}

/// Kind, place, principal, length.
fn credentials(facts: &Facts) -> Vec<(CredentialKind, &str, Option<&str>, u32)> {
    readable(facts)
        .credentials
        .iter()
        .map(|one| (one.kind, &*one.place, one.principal.as_deref(), one.secret.length()))
        .collect()
}

fn be32(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_be_bytes()
}

/// A text behind its length in four bytes.
fn text32(text: &[u8]) -> Vec<u8> {
    [&be32(text.len()), text].concat()
}

/// A text behind its length in two bytes.
fn text16(text: &[u8]) -> Vec<u8> {
    [&be32(text.len())[2..], text].concat()
}

/// A text behind its length in one byte.
fn text8(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text].concat()
}

fn dubbo(flags: u8, status: u8, id: u8, body: &[u8]) -> Vec<u8> {
    let head = [0xda, 0xbb, flags, status, 0, 0, 0, 0, 0, 0, 0, id];
    [&head[..], &be32(body.len()), body].concat()
}

fn dubbo_request(id: u8) -> Vec<u8> {
    let mut body = Vec::new();
    for text in [&b"2.0.2"[..], b"org.demo.OrderService", b"0.0.0", b"find", b"I"] {
        body.extend(text8(text));
    }
    body.push(0x97); // the argument, 7
    body.push(b'H');
    for (key, value) in [
        (&b"path"[..], &b"org.demo.OrderService"[..]),
        (b"remote.application", b"checkout"),
        (b"token", b"s3cr3t-token"),
    ] {
        body.extend([text8(key), text8(value)].concat());
    }
    body.push(b'Z');
    dubbo(0xc2, 0, id, &body)
}

/// Specified.
#[test]
fn dubbo_calls_callers_and_tokens_are_told() {
    let facts = facts(
        "dubbo",
        &[
            client(dubbo(0xe2, 0, 1, b"N")), // a heartbeat
            client([dubbo_request(2), dubbo_request(3), dubbo_request(4)].concat()),
            server(dubbo(0x22, 20, 1, b"N")),
            server(dubbo(0x02, 20, 3, b"\x94\x97HZ")),
            server(dubbo(0x02, 20, 2, b"\x93\x97HZ")), // an exception
            server(dubbo(0x02, 80, 4, b"\x05wrong")),
        ],
    );
    assert_eq!(told(&facts), [("org.demo.OrderService", "find", 3, 1, 2)]);
    assert_eq!(callers(&facts), [("checkout", "dubbo remote.application")]);
    let token = (CredentialKind::Token, "attachment token", Some("checkout"), 12);
    assert_eq!(credentials(&facts), [token]);
    assert_eq!(readable(&facts).credentials[0].count, 3);
    assert_eq!(readable(&facts).programs[0].version, "2.0.2");
}

/// Captured, cut off in the arguments.
#[test]
fn dubbo_in_other_serialisations_is_told_as_far_as_it_can_be_read() {
    let kryo = b"2.8.\xb4com.zznode.itms.api.OFOPServe\xf21.0.\xb0sendOfopMs\xe7\0\0\0\x02";
    let json = b"\"2.0.2\"\n\"a.B\"\n\"1.0\"\n\"c\"\n\"I\"\n7\n{\"application\":\"shop\"}\n";
    let facts = facts(
        "dubbo",
        &[
            client(dubbo(0xc8, 0, 1, kryo)),
            server(dubbo(0x08, 20, 1, &[2])),
            client(dubbo(0xc6, 0, 2, json)),
            client(dubbo(0xc3, 0, 3, b"\xac\xed\0\x05w\x0e")),
        ],
    );
    let service = "com.zznode.itms.api.OFOPServer";
    assert_eq!(told(&facts), [(service, "sendOfopMsg", 1, 1, 0), ("a.B", "c", 1, 0, 0)]);
    assert_eq!(callers(&facts)[0].0, "shop");
    assert_eq!(facts.calls.as_ref().unwrap().unnamed, 1);
    let programs = &readable(&facts).programs;
    assert!(programs.iter().any(|program| program.name == "java-serialization"));
}

fn thrift(kind: u8, name: &[u8], sequence: u8, body: &[u8]) -> Vec<u8> {
    [&[0x80, 1, 0, kind][..], &text32(name), &[0, 0, 0, sequence], body].concat()
}

const FINAGLE: &[u8] = b"__can__finagle__trace__v3__";

/// Captured: the first call and its answer.
#[test]
fn thrift_without_frames_is_told() {
    let exception = b"\x0b\0\x01\0\0\0\x32Invalid method name: '__can__finagle__trace__v3__'\x08\0\x02\0\0\0\x01\0";
    let facts = facts(
        "thrift",
        &[
            client(thrift(1, FINAGLE, 0, &[0])),
            server(thrift(3, FINAGLE, 0, exception)),
            client(thrift(1, b"Users:find", 0, b"\x08\0\x01\0\0\0\x07\0")),
            server(thrift(2, b"Users:find", 0, b"\x0b\0\0\0\0\0\x02hi\0")),
            client(thrift(1, b"Users:find", 0, b"\x08\0\x01\0\0\0\x07\0")),
            server(thrift(2, b"Users:find", 0, b"\x0c\0\x01\x0b\0\x01\0\0\0\x01x\0\0")),
            client(thrift(4, b"log", 0, &[0])),
        ],
    );
    let finagle = std::str::from_utf8(FINAGLE).unwrap();
    let calls = [("", finagle, 1, 0, 1), ("Users", "find", 2, 1, 1), ("", "log", 1, 0, 0)];
    assert_eq!(told(&facts), calls);
}

/// Specified.
#[test]
fn thrift_in_frames_and_in_other_protocols_is_told() {
    let compact = |kind: u8, body: &[u8]| {
        [&[0x82, kind << 5 | 1, 0x07][..], &text8(b"getUser"), body].concat()
    };
    for (call, reply) in [
        (
            text32(&thrift(1, b"getUser", 7, &[0])),
            text32(&thrift(2, b"getUser", 7, b"\x0c\0\0\0\0")),
        ),
        (compact(1, b"\x15\x02\x00"), compact(2, b"\x0c\x00\x00\x00")),
        (text32(&compact(1, b"\x15\x02\x00")), text32(&compact(2, b"\x00"))),
        (
            b"[1,\"getUser\",1,7,{\"1\":{\"i32\":1}}]".to_vec(),
            b"[1,\"getUser\",2,7,{\"0\":{\"rec\":{}}}]".to_vec(),
        ),
    ] {
        let facts = facts("thrift", &[client(call), server(reply)]);
        assert_eq!(told(&facts), [("", "getUser", 1, 1, 0)]);
    }
}

/// Specified.
#[test]
fn the_header_transport_of_thrift_names_its_caller() {
    let mut header = vec![0, 0, 1, 2];
    for text in [&b"identity"[..], b"billing", b"token", b"t0ps3cret"] {
        header.extend(text8(text));
    }
    header.resize(header.len().next_multiple_of(4), 0);
    let words = u8::try_from(header.len() / 4).unwrap();
    let inner =
        [&[0x0f, 0xff, 0, 0, 0, 0, 0, 7, 0, words][..], &header, &thrift(1, b"getUser", 7, &[0])];
    let facts = facts("thrift", &[client(text32(&inner.concat()))]);
    assert_eq!(told(&facts), [("", "getUser", 1, 0, 0)]);
    assert_eq!(callers(&facts), [("billing", "thrift header identity")]);
    assert_eq!(credentials(&facts), [(CredentialKind::Token, "header token", None, 9)]);
}

fn ttheader(sequence: u8, blocks: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut header = [&[0, 0][..], blocks].concat();
    header.resize(header.len().next_multiple_of(4), 0);
    let words = u8::try_from(header.len() / 4).unwrap();
    let inner = [&[0x10, 0, 0, 0, 0, 0, 0, sequence, 0, words][..], &header, payload].concat();
    text32(&inner)
}

fn ttheader_request() -> Vec<u8> {
    let mut blocks = vec![0x10, 0, 3];
    for (key, value) in [(3, &b"shop.front"[..]), (6, b"shop.order"), (9, b"Create")] {
        blocks.extend([&[0, key][..], &text16(value)].concat());
    }
    blocks.extend([&[0x11][..], &text16(b"acl-s3cret")].concat());
    ttheader(9, &blocks, &thrift(1, b"Create", 9, &[0]))
}

/// Specified.
#[test]
fn ttheader_names_both_ends_and_its_token_is_found() {
    let facts = facts(
        "ttheader",
        &[
            client(ttheader_request()),
            server(ttheader(9, &[], &thrift(2, b"Create", 9, b"\x0c\0\0\0\0"))),
            client(ttheader_request()),
            server(ttheader(
                9,
                b"\x01\0\x01\0\x0abiz-status\0\x03404",
                &thrift(2, b"Create", 9, &[0]),
            )),
        ],
    );
    assert_eq!(told(&facts), [("shop.order", "Create", 2, 1, 1)]);
    assert_eq!(callers(&facts), [("shop.front", "ttheader from-service")]);
    let token = (CredentialKind::Token, "header gdpr-token", Some("shop.front"), 10);
    assert_eq!(credentials(&facts), [token]);
}

/// Specified.
#[test]
fn kitex_is_read_without_ttheader_and_behind_a_mesh_header() {
    let protobuf = |kind: u8| {
        text32(&[&[0x90, 1, 0, kind][..], &text32(b"Echo"), &[0, 0, 0, 1, 0x0a, 0]].concat())
    };
    let told_of_protobuf = facts("ttheader", &[client(protobuf(1)), server(protobuf(3))]);
    assert_eq!(told(&told_of_protobuf), [("", "Echo", 1, 0, 1)]);
    let pairs = [&[0, 1][..], &text16(b"isn"), &text16(b"shop")].concat();
    let mesh = [&[0xff, 0xaf][..], &text16(&pairs)].concat();
    let call = text32(&thrift(1, b"Echo", 1, &[0]));
    let reply = text32(&thrift(2, b"Echo", 1, &[0]));
    let facts = facts("ttheader", &[client([mesh, call].concat()), server(reply)]);
    assert_eq!(told(&facts), [("", "Echo", 1, 1, 0)]);
}

/// A field of Protocol Buffers with text.
fn field(number: u8, text: &[u8]) -> Vec<u8> {
    assert!(number < 16);
    [&[number << 3 | 2][..], &text8(text)].concat()
}

fn trpc(head: &[u8], body: &[u8]) -> Vec<u8> {
    let size = be32(head.len());
    [&[9, 0x30, 0, 0][..], &be32(16 + head.len() + body.len()), &size[2..], &[0; 6], head, body]
        .concat()
}

fn trpc_request() -> Vec<u8> {
    let head = [
        &[0x18, 5][..], // request 5
        &field(5, b"trpc.shop.front"),
        &field(6, b"trpc.shop.order.Order"),
        &field(7, b"/trpc.shop.order.Order/Create"),
        &field(9, &[field(1, b"token"), field(2, b"abcdef")].concat()),
    ];
    trpc(&head.concat(), b"body")
}

/// Specified.
#[test]
fn trpc_names_caller_and_function() {
    let facts = facts(
        "trpc",
        &[
            client(trpc_request()),
            server(trpc(&[0x18, 5], b"body")),
            client(trpc_request()),
            server(trpc(&[0x18, 5, 0x20, 0x65], b"")),
        ],
    );
    assert_eq!(told(&facts), [("trpc.shop.order.Order", "Create", 2, 1, 1)]);
    assert_eq!(callers(&facts), [("trpc.shop.front", "trpc caller")]);
    let token = (CredentialKind::Token, "metadata token", Some("trpc.shop.front"), 6);
    assert_eq!(credentials(&facts), [token]);
}

fn rpcx(flags: u8, number: u8, metadata: &[u8], payload: &[u8]) -> Vec<u8> {
    let texts = [&b"Arith"[..], b"Mul", metadata, payload].map(text32).concat();
    [&[8, 0, flags, 0x10, 0, 0, 0, 0, 0, 0, 0, number][..], &text32(&texts)].concat()
}

/// Specified.
#[test]
fn rpcx_calls_and_tokens_are_told() {
    let metadata = [text32(b"__AUTH"), text32(b"bearer tGzv3JOkF0XG5Qx2TlKWIA")].concat();
    let facts = facts(
        "rpcx",
        &[
            client(rpcx(0, 1, &metadata, b"{\"A\":1}")),
            server(rpcx(0x80, 1, b"", b"{\"C\":1}")),
            client(rpcx(0, 2, &metadata, b"{\"A\":1}")),
            server(rpcx(0x81, 2, b"", b"")),
        ],
    );
    assert_eq!(told(&facts), [("Arith", "Mul", 2, 1, 1)]);
    assert_eq!(credentials(&facts), [(CredentialKind::Token, "metadata __auth", None, 22)]);
    assert_eq!(readable(&facts).credentials[0].exposure, Exposure::Readable);
}

const BRPC_REQUEST: &[u8] =
    b"PRPC\0\0\0\x34\0\0\0\x27\x0a\x1d\x0a\x13example.EchoService\x12\x04Echo\x18\0\x18\0 \
    \x82\x80\x80\x80\x10\x0a\x0bhello world";
const BRPC_RESPONSE: &[u8] =
    b"PRPC\0\0\0\x19\0\0\0\x0c\x12\x02\x08\0\x18\0\x20\x82\x80\x80\x80\x10\x0a\x0bhello world";

/// Captured.
#[test]
fn brpc_is_told() {
    let facts = facts("brpc", &[client(BRPC_REQUEST), server(BRPC_RESPONSE)]);
    assert_eq!(told(&facts), [("example.EchoService", "Echo", 1, 1, 0)]);
}

/// Specified.
#[test]
fn what_else_a_brpc_port_speaks_is_told() {
    let meta = [field(1, &[field(1, b"S"), field(2, b"m")].concat()), field(7, b"auth!")].concat();
    let standard = [&b"PRPC"[..], &be32(meta.len()), &be32(meta.len()), &meta].concat();
    let with_secret = facts("brpc", &[client(standard)]);
    let token = (CredentialKind::Token, "meta authentication_data", None, 5);
    assert_eq!(credentials(&with_secret), [token]);

    let little = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let hulu =
        |meta: &[u8]| [&b"HULU"[..], &little(meta.len()), &little(meta.len()), meta].concat();
    let request =
        [&field(1, b"EchoService")[..], &[0x10, 0, 0x20, 3], &field(14, b"Echo")].concat();
    let hulu = facts("brpc", &[client(hulu(&request)), server(hulu(&[0x08, 5, 0x18, 6]))]);
    assert_eq!(told(&hulu), [("EchoService", "Echo", 1, 0, 1)]);

    let nshead = |provider: &[u8; 16], body: &[u8]| {
        [&[0; 8][..], provider, b"\x94\x93\x70\xfb\0\0\0\0", &little(body.len()), body].concat()
    };
    let asked = client(nshead(b"front\0\0\0\0\0\0\0\0\0\0\0", b"hello"));
    let facts = facts("brpc", &[asked, server(nshead(&[0; 16], b""))]);
    assert_eq!(callers(&facts), [("front", "nshead provider")]);
    assert_eq!((facts.calls.as_ref().unwrap().requests, facts.calls.unwrap().responses), (1, 1));
}

const GOB_REQUEST: &[u8] = b"\x2f\xff\x81\x03\x01\x01\x07Request\x01\xff\x82\0\x01\x02\x01\x0dServiceMethod\x01\x0c\0\x01\x03Seq\x01\x06\0\0\0";
const GOB_RESPONSE: &[u8] = b"\x3a\xff\x81\x03\x01\x01\x08Response\x01\xff\x82\0\x01\x03\x01\x0dServiceMethod\x01\x0c\0\x01\x03Seq\x01\x06\0\x01\x05Error\x01\x0c\0\0\0";

fn gob(fields: &[u8]) -> Vec<u8> {
    text8(&[b"\xff\x82", fields, b"\0"].concat())
}

/// Specified: the descriptions of types are those of Go's standard library.
#[test]
fn gob_heads_are_told_from_arguments_and_results() {
    let argument = b"\x03\x04\0\x02"; // an int
    let facts = facts(
        "gob-rpc",
        &[
            client([GOB_REQUEST, &gob(b"\x01\x0eArith.Multiply"), argument].concat()),
            client([&gob(b"\x01\x0eArith.Multiply\x01\x01")[..], argument].concat()),
            server([GOB_RESPONSE, &gob(b"\x01\x0eArith.Multiply"), argument].concat()),
            server([&gob(b"\x01\x0eArith.Multiply\x01\x01\x01\x03bad")[..], argument].concat()),
        ],
    );
    assert_eq!(told(&facts), [("Arith", "Multiply", 2, 1, 1)]);
}

/// Captured: the second call. The others are as the specification has them.
#[test]
fn json_rpc_of_both_versions_is_told() {
    let facts = facts(
        "json-rpc",
        &[
            client("{\"method\":\"Arith.Multiply\",\"params\":[{\"A\":7}],\"id\":0}\n"),
            server("{\"id\":0,\"result\":56,\"error\":null}\n"),
            client(
                "{\"jsonrpc\": \"2.0\", \"method\": \"echo\", \"params\": [\"Testing!\"], \"id\": \"ca08\"}",
            ),
            server("{\"jsonrpc\": \"2.0\", \"error\": {\"code\": -32601}, \"id\": \"ca08\"}"),
            client(
                "[{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1},{\"jsonrpc\":\"2.0\",\"method\":\"b\"}]",
            ),
            client(
                "{\"jsonrpc\":\"2.0\",\"method\":\"host.get\",\"params\":{},\"auth\":\"0424bd59\",\"id\":2}",
            ),
        ],
    );
    let calls = [
        ("Arith", "Multiply", 1, 1, 0),
        ("", "echo", 1, 0, 1),
        ("", "a", 1, 0, 0),
        ("", "b", 1, 0, 0),
        ("host", "get", 1, 0, 0),
    ];
    assert_eq!(told(&facts), calls);
    assert_eq!(credentials(&facts), [(CredentialKind::Token, "member auth", None, 8)]);
}

/// Specified.
#[test]
fn msgpack_rpc_is_told() {
    let facts = facts(
        "msgpack-rpc",
        &[
            client(b"\x94\x00\x01\xa3sum\x92\x01\x02"),
            server(b"\x94\x01\x01\xc0\x03"),
            client(b"\x94\x00\x02\xa3sum\x90\x93\x02\xa4ping\x90"),
            server(b"\x94\x01\x02\xa5wrong\xc0"),
        ],
    );
    assert_eq!(told(&facts), [("", "sum", 2, 1, 1), ("", "ping", 1, 0, 0)]);
}

/// Specified.
#[test]
fn nestjs_is_told_and_its_lengths_count_characters() {
    let message = |json: &str| format!("{}#{json}", json.encode_utf16().count());
    let facts = facts(
        "nestjs",
        &[
            client(message("{\"pattern\":{\"cmd\":\"sum\"},\"data\":[\"é😀\"],\"id\":\"a1\"}")),
            server(message("{\"response\":3,\"id\":\"a1\"}")),
            server(message("{\"response\":3,\"isDisposed\":true,\"id\":\"a1\"}")),
            client(
                message("{\"pattern\":\"created\",\"data\":{}}")
                    + &message("{\"pattern\":\"find\",\"id\":\"b\"}"),
            ),
            server(message("{\"err\":{\"status\":\"error\"},\"isDisposed\":true,\"id\":\"b\"}")),
        ],
    );
    let calls = [("", "sum", 1, 1, 0), ("", "created", 1, 0, 0), ("", "find", 1, 0, 1)];
    assert_eq!(told(&facts), calls);
}

const CAPNPROTO_BOOTSTRAP: &[u8] = b"\0\0\0\0\x05\0\0\0\0\0\0\0\x01\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Specified.
#[test]
fn capnproto_calls_are_told_by_number() {
    let words = |words: &[u64]| {
        let head = (words.len() as u64) << 32;
        [head].iter().chain(words).flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
    };
    let root = 1 << 32 | 1 << 48;
    let call = words(&[root, 2, 3 << 32 | 3 << 48, 4 | 5 << 32, 0xa93f_c509_624c_72d9, 0, 0, 0, 0]);
    let answer = words(&[root, 3, 2 << 32 | 1 << 48, 4, 0, 0]);
    let failure = words(&[root, 3, 2 << 32 | 1 << 48, 1 << 48, 0, 0]);
    let facts = facts(
        "capnproto",
        &[client(CAPNPROTO_BOOTSTRAP), client(call), server(answer), server(failure)],
    );
    let calls = [("", "bootstrap", 1, 0, 1), ("@0xa93fc509624c72d9", "@5", 1, 1, 0)];
    assert_eq!(told(&facts), calls);
}
