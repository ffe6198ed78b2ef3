use super::*;

fn blanked(bytes: &[u8]) -> String {
    let mut bytes = bytes.to_vec();
    stream(&mut bytes, &BTreeSet::new(), &Keep { is_secret: &|_| false });
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_request_keeps_its_skeleton() {
    let request = b"POST /shop.Payments/Charge?token=s3cret HTTP/1.1\r\nHost: payments\r\nAuthorization: Bearer s3cret\r\nCookie: sid=s3cret; a=b\r\nX-Api-Key: s3cret\r\nContent-Length: 9\r\n\r\npw=s3cretHTTP/1.1 401 s3cret\r\n\r\n";
    let shown = blanked(request);
    assert_eq!(shown.len(), request.len());
    assert!(!shown.contains("s3cret"), "{shown}");
    for kept in [
        "POST /shop.Payments/Charge",
        " HTTP/1.1\r\nHost: payments\r\n",
        "Authorization: Bearer xxxxxx\r\n",
        "Cookie: sid=xxxxxx",
        "X-Api-Key: xxxxxx\r\n",
        "HTTP/1.1 401 ",
    ] {
        assert!(shown.contains(kept), "{kept:?} in {shown}");
    }
}

#[test]
fn a_command_of_another_protocol_is_no_request() {
    let nats = b"CONNECT {\"user\": \"a\", \"pass\": \"s3cret pass\"}\r\nPING\r\n";
    let shown = blanked(nats);
    assert!(shown.starts_with("CONNECT {") && shown.ends_with("PING\r\n"), "{shown}");
    assert!(!shown.contains("s3cret") && !shown.contains("\"pass\": \"pass"), "{shown}");
}

#[test]
fn of_a_path_names_stay() {
    let kept = |path: &str| path[..kept_of_path(path.as_bytes())].to_owned();
    assert_eq!(kept("/v1/orders"), "/v1/orders");
    assert_eq!(kept("/v1/orders?key=abc"), "/v1/orders");
    assert_eq!(kept("/bot/1234567890abcdefghij/send"), "/bot/");
    assert_eq!(kept("/shop.Payments/Charge"), "/shop.Payments/Charge");
}

#[test]
fn of_tls_the_handshake_stays_and_data_does_not() {
    let mut bytes = vec![22, 3, 3, 0, 4, 1, 0, 0, 0];
    bytes.extend([23, 3, 3, 0, 3, b'a', b'b', b'c']);
    bytes.extend(b"rubbish");
    let mut clean = bytes.clone();
    stream(&mut clean, &BTreeSet::new(), &Keep { is_secret: &|_| false });
    assert_eq!(clean[..14], bytes[..14]);
    assert!(clean[14..].iter().all(|byte| *byte == b'x'));
}

#[test]
fn tls_that_begins_within_a_stream_is_found_where_a_segment_begins() {
    let mut bytes = b"\0\0\0\x08secret!!".to_vec();
    let at = bytes.len();
    bytes.extend([22, 3, 1, 0, 4, 1, 0, 0, 0]);
    stream(&mut bytes, &BTreeSet::from([0, at]), &Keep { is_secret: &|_| false });
    assert_eq!(bytes[4..at], *b"xxxxxxxx");
    assert_eq!(bytes[at..], [22, 3, 1, 0, 4, 1, 0, 0, 0]);
}

#[test]
fn no_bytes_make_it_panic_or_change_a_length() {
    let mut seed = 0x9e37_79b9_u32;
    let heads: [&[u8]; 5] =
        [b"", b"GET /", b"HTTP/1.1 ", &[22, 3, 3, 0, 9], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];
    for round in 0..500 {
        let mut bytes = heads[round % heads.len()].to_vec();
        for _ in 0..round {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push((seed >> 24) as u8 % if round % 2 == 0 { 16 } else { 255 });
        }
        let length = bytes.len();
        stream(&mut bytes, &BTreeSet::from([0, length / 2]), &Keep { is_secret: &|_| false });
        assert_eq!(bytes.len(), length);
    }
}
