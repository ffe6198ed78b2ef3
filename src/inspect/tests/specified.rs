//! Protocols and mechanisms that no sample speaks yet, byte by byte after their specifications: that they are
//! recognised, what their calls are named, and which credential is told.

use base64::Engine as _;

use super::whole;
use crate::inspect::feeder::{Event, client, server};
use crate::model::{Credential, CredentialKind, Exposure, Facts, Seen, UpgradeState};

fn credential(facts: Facts) -> Credential {
    let mut all = facts.readable.expect("something was said").credentials;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn calls(facts: &Facts) -> Vec<(&str, &str, u64, u64)> {
    let calls = &facts.calls.as_ref().expect("something was asked").calls;
    let told = calls.iter().map(|c| (&*c.service, &*c.method, c.succeeded, c.failed));
    told.collect()
}

/// A field of protobuf with bytes in it.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
}

/// By PulsarApi.proto: the sizes of frame and command, then a `BaseCommand`.
fn pulsar(kind: u8, body: &[u8]) -> Vec<u8> {
    let key: Vec<u8> = match kind {
        0..=15 => field(kind, body),
        // The key of a field above 15 has two bytes.
        _ => [&[(kind << 3 | 2) & 0x7f | 0x80, kind >> 4, u8::try_from(body.len()).unwrap()], body]
            .concat(),
    };
    let command = [&[8, kind], key.as_slice()].concat();
    let size = u32::try_from(command.len()).unwrap();
    [&(size + 4).to_be_bytes(), size.to_be_bytes().as_slice(), &command].concat()
}

#[test]
fn pulsar_after_its_specification() {
    let connect = |method: &[u8], data: &[u8]| {
        pulsar(2, &[field(1, b"3.1.0"), field(3, data), vec![0x20, 21], field(5, method)].concat())
    };
    let connected = pulsar(3, &[field(1, b"Pulsar Server3.1.0"), vec![0x10, 21]].concat());
    let topic = field(1, b"persistent://acme/shop/orders");
    let (protocol, facts) = whole(&[
        client(connect(b"token", b"s3cr3t-t0ken")),
        server(&connected),
        client(pulsar(5, &[topic.clone(), vec![0x10, 1, 0x18, 7]].concat())),
        server(pulsar(17, &[vec![8, 7], field(2, b"p")].concat())),
        client(pulsar(4, &[topic, field(2, b"s"), vec![0x18, 0, 0x20, 1, 0x28, 8]].concat())),
        server(pulsar(14, &[vec![8, 8, 0x10, 2], field(3, b"no")].concat())),
    ]);
    assert_eq!(protocol, "pulsar");
    let orders = "persistent://acme/shop/orders";
    assert_eq!(calls(&facts), [(orders, "PRODUCER", 1, 0), (orders, "SUBSCRIBE", 0, 1)]);
    let told = credential(facts);
    assert_eq!((told.mechanism, told.kind), ("pulsar token", CredentialKind::Token));
    assert_eq!((told.exposure, told.accepted), (Exposure::Readable, Some(true)));

    let (_, facts) = whole(&[client(connect(b"basic", b"app:s3cret")), server(connected)]);
    let told = credential(facts);
    assert_eq!((told.mechanism, told.principal.as_deref()), ("pulsar basic", Some("app")));
    assert_eq!(told.secret.length(), 6);
}

/// By yamux's specification: version, type, flags, stream, length.
fn yamux(kind: u8, flags: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap();
    [&[0, kind, 0, flags, 0, 0, 0, 1], length.to_be_bytes().as_slice(), data].concat()
}

#[test]
fn consul_rpc_after_its_specification() {
    // By agent/pool: a byte for a multiplexed session; then net/rpc's head and body in MessagePack.
    let open = [vec![4], yamux(1, 1, b"")].concat();
    let head = b"\x82\xa3Seq\x01\xadServiceMethod\xb0Catalog.Register";
    let body = b"\x83\xaaDatacenter\xa3dc1\xa4Node\xa2n1\xa5Token\xda\0\x248a4b8f60-0000-4000-8000-00000000abcd";
    let (protocol, facts) = whole(&[
        client(open),
        client([yamux(0, 0, head), yamux(0, 0, body)].concat()),
        server(yamux(
            0,
            0,
            b"\x83\xa3Seq\x01\xadServiceMethod\xb0Catalog.Register\xa5Error\xa0\xc0",
        )),
    ]);
    assert_eq!(protocol, "consul-rpc");
    assert_eq!(calls(&facts), [("Catalog", "Register", 0, 0)]);
    assert!(facts.plaintext.is_some());
    let told = credential(facts);
    assert_eq!((told.mechanism, told.kind), ("consul token", CredentialKind::Token));
    assert_eq!((told.secret.length(), told.exposure), (36, Exposure::Readable));

    let hello = [&[3][..], &hello(b"")].concat();
    let (protocol, facts) = whole(&[client(hello)]);
    assert_eq!((protocol, facts.plaintext), ("tls", None));
    assert_eq!(facts.readable.unwrap().upgrade.unwrap().state, UpgradeState::Accepted);
}

#[test]
fn linkerd_transport_after_its_specification() {
    // By transport-header.proto: port, name, session protocol; what it carries follows at once.
    let header = [vec![8, 0xd7, 8], field(2, b"pay.shop.svc.cluster.local:8080")].concat();
    let size = u32::try_from(header.len()).unwrap().to_be_bytes();
    let preface = [b"transport.l5d.io/v1\r\n\r\n".as_slice(), &size, &header].concat();
    let inside = b"GET /pay HTTP/1.1\r\nHost: pay\r\nAuthorization: Bearer abcdefgh\r\n\r\n";
    let (protocol, facts) = whole(&[
        client([preface.as_slice(), inside].concat()),
        server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ]);
    assert_eq!(protocol, "http/1.1", "what it carries is read as well");
    let told = calls(&facts);
    assert_eq!(told[0].0, "pay.shop.svc.cluster.local:8080");
    assert!(told.iter().any(|call| (call.1, call.2) == ("GET /pay", 1)), "{told:?}");
    assert_eq!(credential(facts).mechanism, "http bearer");
}

/// A ClientHello of TLS 1.2 with one suite, and an application protocol if there is a name of one.
fn hello(alpn: &[u8]) -> Vec<u8> {
    let name = [&[u8::try_from(alpn.len()).unwrap()], alpn].concat();
    let list = [&u16::try_from(name.len()).unwrap().to_be_bytes()[..], &name].concat();
    let size = u16::try_from(list.len()).unwrap().to_be_bytes();
    let extension = [&[0, 16][..], &size, &list].concat();
    let extensions = if alpn.is_empty() { Vec::new() } else { extension };
    let size = u16::try_from(extensions.len()).unwrap().to_be_bytes();
    let body = [&[3, 3][..], &[1; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0], &size, &extensions].concat();
    let size = u16::try_from(body.len()).unwrap();
    let handshake = [&[1, 0][..], &size.to_be_bytes(), &body].concat();
    [&[0x16, 3, 1][..], &(size + 4).to_be_bytes(), &handshake].concat()
}

#[test]
fn postgresql_by_direct_tls_after_its_specification() {
    // PostgreSQL 17, "SSL Session Encryption": no SSLRequest, and `postgresql` in ALPN is a must.
    let (protocol, facts) = whole(&[client(hello(b"postgresql"))]);
    assert_eq!((protocol, facts.plaintext), ("tls", None));
    let Seen::Value(hello) = facts.tls.unwrap().client_hello else { panic!("it is readable") };
    assert!(format!("{:?}", hello.alpn).contains("postgresql"));
}

#[test]
fn mysql_that_has_no_tls_and_a_client_that_ignores_it_after_its_specification() {
    let packet = |sequence: u8, body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        [&length[..3], &[sequence], body].concat()
    };
    let greeting = |low: u16| {
        let parts: [&[u8]; 9] = [
            b"\x0a8.0.36\0",
            &[9, 0, 0, 0],
            b"saltsalt\0",
            &low.to_le_bytes(),
            &[0xff, 2, 0, 0xff, 0, 21],
            &[0; 10],
            b"saltsaltsalt\0",
            b"mysql_native_password",
            &[0],
        ];
        packet(0, &parts.concat())
    };
    let answer =
        [b"\x85\xa2\x0b\0\0\0\0\x01\x2d".as_slice(), &[0; 23], b"app\0\x14", &[7; 20]].concat();
    let login = packet(1, &[&answer, b"mysql_native_password\0".as_slice()].concat());
    let offered = whole(&[server(greeting(0xffff)), client(&login)]).1.readable.unwrap();
    let upgrade = offered.upgrade.unwrap();
    assert_eq!(upgrade.state, UpgradeState::Offered);
    assert!(upgrade.clear_after.is_some(), "the client went on in clear");
    // A server that has no TLS does not say so in another way than by not offering it.
    let (protocol, facts) = whole(&[server(greeting(0xf7ff)), client(login)]);
    assert_eq!((protocol, facts.readable.unwrap().upgrade), ("mysql", None));
}

#[test]
fn amqplain_after_its_specification() {
    // RabbitMQ's own mechanism: a table with LOGIN and PASSWORD, without its length.
    let long = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let response =
        [b"\x05LOGINS".as_slice(), &long(b"guest"), b"\x08PASSWORDS", &long(b"guest")].concat();
    let start_ok = [long(b"").as_slice(), b"\x08AMQPLAIN", &long(&response), b"\x05en_US"].concat();
    let frame = |method: u8, body: &[u8]| {
        let size = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[1, 0, 0][..], &size, &[0, 10, 0, method], body, &[0xce]].concat()
    };
    let (protocol, facts) = whole(&[
        client(b"AMQP\0\0\x09\x01"),
        server(frame(10, &[&[0, 9][..], &long(b""), &long(b"AMQPLAIN"), &long(b"en_US")].concat())),
        client(frame(11, &start_ok)),
        server(frame(30, &[0; 8])),
    ]);
    assert_eq!(protocol, "amqp");
    let told = credential(facts);
    assert_eq!((told.mechanism, told.principal.as_deref()), ("amqplain", Some("guest")));
    assert!(told.default && told.accepted == Some(true));
}

#[test]
fn nats_by_key_and_by_token_after_its_specification() {
    let info = "INFO {\"server_id\":\"N\",\"version\":\"2.10.7\",\"auth_required\":true,\"nonce\":\"abc\"}\r\n";
    let said = |connect: &str| {
        let (protocol, facts) = whole(&[server(info), client(connect), server("PONG\r\n")]);
        assert_eq!(protocol, "nats");
        facts.readable.unwrap().credentials
    };
    // By key: the nonce is signed, and who hears it can do nothing with that.
    let key = said("CONNECT {\"nkey\":\"UDXU4RCS\",\"sig\":\"c2lnbmF0dXJl\"}\r\nPING\r\n");
    let [key] = &key[..] else { panic!("{key:?}") };
    assert_eq!((key.kind, key.exposure), (CredentialKind::Signature, Exposure::Safe));
    assert_eq!(key.principal.as_deref(), Some("UDXU4RCS"));
    // By a token of an account, which is public, and the same signature.
    let token =
        said("CONNECT {\"jwt\":\"eyJ0eXAi.eyJqdGki.c2ln\",\"sig\":\"c2lnbmF0dXJl\"}\r\nPING\r\n");
    let kinds: Vec<_> = token.iter().map(|one| (one.kind, one.exposure)).collect();
    let safe = Exposure::Safe;
    assert_eq!(kinds, [(CredentialKind::Jwt, safe), (CredentialKind::Signature, safe)]);
}

#[test]
fn ldap_by_other_mechanisms_after_their_specifications() {
    let value =
        |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let bind = |number: u8, mechanism: &[u8], response: &[u8]| {
        let sasl = value(0xa3, &[value(4, mechanism), value(4, response)].concat());
        let bind = value(0x60, &[b"\x02\x01\x03\x04\0".as_slice(), &sasl].concat());
        value(0x30, &[&[2, 1, number], bind.as_slice()].concat())
    };
    let answer = |number: u8, code: u8| {
        value(0x30, &[&[2, 1, number, 0x61, 7, 0x0a, 1, code], b"\x04\0\x04\0".as_slice()].concat())
    };
    let said = |events: &[Event]| {
        let (protocol, facts) = whole(events);
        assert_eq!((protocol, calls(&facts)[0].1), ("ldap", "bind"));
        credential(facts)
    };
    let plain = said(&[client(bind(1, b"PLAIN", b"\0app\0s3cret")), server(answer(1, 0))]);
    assert_eq!((plain.principal.as_deref(), plain.exposure), (Some("app"), Exposure::Readable));
    let digest = b"username=\"app\",realm=\"x\",nonce=\"n\",response=0123456789abcdef";
    let digest = said(&[
        client(bind(1, b"DIGEST-MD5", b"")),
        server(answer(1, 14)),
        client(bind(2, b"DIGEST-MD5", digest)),
        server(answer(2, 0)),
    ]);
    assert_eq!((digest.mechanism, digest.exposure), ("digest-md5", Exposure::Crackable));
    let cram = said(&[
        client(bind(1, b"CRAM-MD5", b"")),
        server(answer(1, 14)),
        client(bind(2, b"CRAM-MD5", b"app 0123456789abcdef0123456789abcdef")),
        server(answer(2, 49)),
    ]);
    assert_eq!((cram.mechanism, cram.accepted), ("cram-md5", Some(false)));
    // MS-NLMP: where the user's name is, behind the signature, the kind and two answers.
    let ntlm = [
        b"NTLMSSP\0\x03\0\0\0".as_slice(),
        &[0; 24],
        &[6, 0, 6, 0, 64, 0, 0, 0],
        &[0; 20],
        b"a\0p\0p\0",
    ]
    .concat();
    let ntlm = said(&[client(bind(1, b"GSS-SPNEGO", &ntlm)), server(answer(1, 0))]);
    assert_eq!((ntlm.mechanism, ntlm.principal.as_deref()), ("ntlm", Some("app")));
    assert_eq!(ntlm.exposure, Exposure::Crackable);
}

#[test]
fn other_schemes_of_http_after_their_specifications() {
    let said = |authorization: &str| {
        let request =
            format!("GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\n\r\n");
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let (protocol, facts) = whole(&[client(request), server(answer)]);
        assert_eq!(protocol, "http/1.1");
        credential(facts)
    };
    // RFC 7616, section 3.9.1.
    let digest = said(
        "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"8ca523f5e9506fed4657c9700eebdbec\"",
    );
    assert_eq!((digest.mechanism, digest.exposure), ("http digest md5", Exposure::Crackable));
    assert_eq!((digest.principal.as_deref(), digest.accepted), (Some("Mufasa"), Some(true)));
    let aws = said(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    );
    assert_eq!((aws.kind, aws.exposure), (CredentialKind::Signature, Exposure::Safe));
    assert_eq!(aws.principal.as_deref(), Some("AKIDEXAMPLE"));
    let ntlm =
        [b"NTLMSSP\0\x03\0\0\0".as_slice(), &[0; 24], &[3, 0, 3, 0, 64, 0, 0, 0], &[0; 20], b"app"]
            .concat();
    let ntlm = base64::engine::general_purpose::STANDARD.encode(ntlm);
    let told = said(&format!("NTLM {ntlm}"));
    assert_eq!((told.exposure, told.principal.as_deref()), (Exposure::Crackable, Some("app")));
}

#[test]
fn tokens_in_cookies_and_queries_are_read_like_those_in_headers() {
    let encode = |text: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let token =
        |claims: &str| format!("{}.{}.", encode(br#"{"alg":"none"}"#), encode(claims.as_bytes()));
    for (line, place) in [
        (
            format!(
                "GET /a HTTP/1.1\r\nCookie: lang=en; session={}\r\n\r\n",
                token(r#"{"sub":"orders"}"#)
            ),
            "cookie session",
        ),
        (
            format!("GET /a?access_token={} HTTP/1.1\r\n\r\n", token(r#"{"sub":"orders"}"#)),
            "query access_token",
        ),
        (
            format!(
                "GET /a?x=1 HTTP/1.1\r\nReferer: http://h/b?token={}\r\n\r\n",
                token(r#"{"sub":"orders"}"#)
            ),
            "referer token",
        ),
    ] {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let readable = whole(&[client(line), server(answer)]).1.readable.unwrap();
        let told = &readable.credentials[0];
        assert_eq!((told.kind, told.principal.as_deref()), (CredentialKind::Jwt, Some("orders")));
        assert_eq!(told.place, place);
        assert_eq!(readable.tokens.len(), 1, "it is judged: {place}");
        assert!(readable.tokens[0].expires.is_none());
    }
}
