//! Registries over HTTP/1 and HTTP/2. The messages are put together from the products' documentation.

use crate::inspect::feeder::{client, facts, server};
use crate::model::{Facts, ReadableFacts};

fn told(facts: &Facts) -> Vec<(&str, bool, &str, &str)> {
    let readable: &ReadableFacts = facts.readable.as_deref().unwrap();
    let all = readable.registrations.iter();
    all.map(|one| (one.registry, one.write, &*one.service, &*one.address)).collect()
}

fn request(line: &str, body: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: r\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn consul_is_told() {
    let service = r#"{"ID":"web-1","Name":"web","Address":"10.0.0.9","Port":8080,"Meta":{"db_password":"x"}}"#;
    let node = r#"{"Node":"n","Address":"10.0.0.7","Service":{"Service":"redis","Port":6379}}"#;
    let facts = facts(
        "http/1.1",
        &[
            client(request("PUT /v1/agent/service/register?replace-existing-checks=1", service)),
            client(request("PUT /v1/catalog/register", node)),
            client(request("GET /v1/health/service/pay%6dents?passing=1", "")),
            client(request("PUT /v1/kv/config/orders", "x".repeat(5000).as_str())),
            client(request("GET /v1/status/leader", "")),
            server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ],
    );
    let expected = [
        ("consul", true, "web", "10.0.0.9:8080"),
        ("consul", true, "redis", "10.0.0.7:6379"),
        ("consul", false, "payments", ""),
        ("consul", true, "kv/config/orders", ""),
    ];
    assert_eq!(told(&facts), expected);
    let marks = facts.readable.unwrap().registrations;
    assert!(marks[0].holds_credential && !marks[1].holds_credential);
    assert_eq!(facts.calls.unwrap().requests, 5, "what follows a body that was read is read");
}

#[test]
fn nacos_and_eureka_are_told() {
    let login = "username=nacos&password=nacos";
    let form = "serviceName=DEFAULT_GROUP%40%40orders&ip=10.0.0.9&port=8080&metadata=%7B%7D";
    let instance = r#"{"instance":{"hostName":"h","app":"ORDERS","ipAddr":"10.0.0.9","port":{"$":8080,"@enabled":"true"}}}"#;
    let facts = facts(
        "http/1.1",
        &[
            client(request("POST /nacos/v1/auth/users/login", login)),
            client(request("POST /nacos/v1/ns/instance", form)),
            client(request(
                "GET /nacos/v1/ns/instance/list?serviceName=stock&healthyOnly=true",
                "",
            )),
            client(request("GET /nacos/v1/cs/configs?dataId=orders.yaml&group=G", "")),
            client(request("POST /eureka/apps/ORDERS", instance)),
            client(request("PUT /eureka/v2/apps/ORDERS/h:orders:8080?status=UP", "")),
            client(request("GET /eureka/apps/delta", "")),
        ],
    );
    let expected = [
        ("nacos", true, "DEFAULT_GROUP@@orders", "10.0.0.9:8080"),
        ("nacos", false, "stock", ""),
        ("nacos", false, "orders.yaml", ""),
        ("eureka", true, "ORDERS", "10.0.0.9:8080"),
        ("eureka", true, "ORDERS", ""),
        ("eureka", false, "*", ""),
    ];
    assert_eq!(told(&facts), expected);
    let credential = &facts.readable.as_ref().unwrap().credentials[0];
    assert_eq!((credential.principal.as_deref(), credential.default), (Some("nacos"), true));
    assert_eq!(facts.calls.unwrap().authenticated, 1);
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// The head of a gRPC request, its fields written out.
fn head(stream: u8, path: &str) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    for (name, value) in [(":path", path), ("content-type", "application/grpc")] {
        block.push(0x00);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    frame(1, 4, stream, &block)
}

fn message(stream: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut payload = vec![0, 0, 0, 0, 0];
    for (number, value) in fields {
        payload.extend([number << 3 | 2, u8::try_from(value.len()).unwrap()]);
        payload.extend(*value);
    }
    frame(0, 0, stream, &payload)
}

fn trailers(stream: u8, status: &str) -> Vec<u8> {
    let name = b"grpc-status";
    let block = [&[0x88, 0x00, 11][..], name, &[1], status.as_bytes()].concat();
    frame(1, 5, stream, &block)
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[test]
fn etcd_is_told_with_its_passwords() {
    let json = br#"{"name":"orders","nodes":[{"address":"10.0.0.9:8080"}]}"#;
    let facts = facts(
        "h2",
        &[
            client([PREFACE, &frame(4, 0, 0, b"")].concat()),
            client(head(1, "/etcdserverpb.Auth/Authenticate")),
            client(message(1, &[(1, b"root"), (2, b"rootpw")])),
            server(frame(4, 0, 0, b"")),
            server(trailers(1, "3")),
            client(head(3, "/etcdserverpb.KV/Put")),
            client(message(3, &[(1, b"user.rpc/7587870"), (2, b"10.0.0.9:8080")])),
            client(head(5, "/etcdserverpb.KV/Put")),
            client(message(5, &[(1, b"/micro/registry/orders"), (2, json)])),
            client(head(7, "/etcdserverpb.Watch/Watch")),
            client(message(7, &[(1, b"\x0a\x05user/")])),
            client(message(7, &[(1, b"\x0a\x06stock/")])),
            client(head(9, "/etcdserverpb.KV/Txn")),
            client(message(9, &[(2, b"\x12\x0e\x0a\x05a/b:1\x12\x05c:123")])),
        ],
    );
    let expected = [
        ("etcd", true, "user.rpc", "10.0.0.9:8080"),
        ("etcd", true, "/micro/registry/orders", "10.0.0.9:8080"),
        ("etcd", false, "user/", ""),
        ("etcd", false, "stock/", ""),
        ("etcd", true, "a", "c:123"),
    ];
    assert_eq!(told(&facts), expected);
    let credential = &facts.readable.as_ref().unwrap().credentials[0];
    assert_eq!(credential.principal.as_deref(), Some("root"));
    assert_eq!((credential.secret.length(), credential.accepted), (6, Some(false)));
}

#[test]
fn nacos_over_grpc_is_told() {
    let body = br#"{"namespace":"public","serviceName":"orders","instance":{"ip":"10.0.0.9","port":8080}}"#;
    let any = [&[0x12, u8::try_from(body.len()).unwrap()][..], body].concat();
    let facts = facts(
        "h2",
        &[
            client([PREFACE, &frame(4, 0, 0, b"")].concat()),
            client(head(1, "/Request/request")),
            client(message(1, &[(2, b"\x1a\x0fInstanceRequest"), (3, &any)])),
        ],
    );
    assert_eq!(told(&facts), [("nacos", true, "orders", "10.0.0.9:8080")]);
}

#[test]
fn the_account_that_micro_comes_with_is_known() {
    let facts = facts(
        "h2",
        &[
            client([PREFACE, &frame(4, 0, 0, b"")].concat()),
            client(head(1, "/auth.Auth/Token")),
            client(message(1, &[(1, b"admin"), (2, b"micro"), (5, b"\x0a\x05micro")])),
            client(head(3, "/auth.Auth/Token")),
            client(message(3, &[(3, b"17e1294d-00b3"), (5, b"\x0a\x05micro")])),
            client(head(5, "/auth.Auth/Token")),
            client(message(5, &[(1, b"another"), (2, b"schema")])),
        ],
    );
    let told = facts.readable.unwrap().credentials;
    let told: Vec<_> = told.iter().map(|one| (one.mechanism, one.default)).collect();
    assert_eq!(told, [("micro login", true), ("micro token", false)]);
}
