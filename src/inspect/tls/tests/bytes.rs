//! Records, messages and extensions, byte by byte.

use crate::inspect::feeder;
use crate::model::TlsFacts;

pub(super) use crate::inspect::feeder::{Event, client, server};

pub(super) const SNI: u16 = 0;
pub(super) const GROUPS: u16 = 10;
pub(super) const SCHEMES: u16 = 13;
pub(super) const ALPN: u16 = 16;
pub(super) const EARLY_DATA: u16 = 42;
pub(super) const VERSIONS: u16 = 43;
pub(super) const KEY_SHARE: u16 = 51;

pub(super) const ECDHE_RSA: u16 = 0xc02f;
pub(super) const DHE_RSA: u16 = 0x009e;
pub(super) const AES_13: u16 = 0x1301;

/// What the inspector makes of it, however the bytes are cut.
pub(super) fn tls(events: &[Event]) -> TlsFacts {
    *feeder::facts("tls", events).tls.unwrap()
}

pub(super) fn of_u8(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [&[u8::try_from(body.len()).unwrap()], body].concat()
}

pub(super) fn of_u16(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

pub(super) fn of_u24(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[1..], body].concat()
}

pub(super) fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|number| number.to_be_bytes()).collect()
}

pub(super) fn record(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    [&[kind, 3, 3][..], &of_u16(body)].concat()
}

pub(super) fn message(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    [&[kind][..], &of_u24(body)].concat()
}

/// One message in a record of its own.
pub(super) fn handshake(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    record(22, message(kind, body))
}

pub(super) fn change_cipher() -> Vec<u8> {
    record(20, [1])
}

/// An encrypted record.
pub(super) fn sealed(kind: u8, length: usize) -> Vec<u8> {
    record(kind, vec![0xe7; length])
}

pub(super) fn extension(kind: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &of_u16(body)].concat()
}

pub(super) fn server_name(name: &str) -> Vec<u8> {
    extension(SNI, of_u16([&[0][..], &of_u16(name)].concat()))
}

/// The body of a ClientHello of TLS 1.2.
pub(super) fn client_body(suites: &[u16], extensions: &[Vec<u8>]) -> Vec<u8> {
    [
        &[3, 3][..],
        &[7; 32],
        &of_u8([]),
        &of_u16(numbers(suites)),
        &of_u8([0]),
        &of_u16(extensions.concat()),
    ]
    .concat()
}

pub(super) fn client_hello(suites: &[u16], extensions: &[Vec<u8>]) -> Vec<u8> {
    handshake(1, client_body(suites, extensions))
}

/// The body of a ServerHello with this random.
pub(super) fn server_body(random: [u8; 32], suite: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    [&[3, 3][..], &random, &of_u8([]), &suite.to_be_bytes(), &[0], &of_u16(extensions.concat())]
        .concat()
}

pub(super) fn server_hello(suite: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    handshake(2, server_body([9; 32], suite, extensions))
}

/// The extensions that make a ServerHello one of TLS 1.3.
pub(super) fn is_13(group: u16) -> [Vec<u8>; 2] {
    let share = [&group.to_be_bytes()[..], &of_u16([5; 32])].concat();
    [extension(VERSIONS, [3, 4]), extension(KEY_SHARE, share)]
}

pub(super) fn certificates(chain: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = chain.iter().flat_map(of_u24).collect();
    handshake(11, of_u24(list))
}

/// ServerKeyExchange with a named group, signed as in TLS 1.2.
pub(super) fn ecdhe(group: u16) -> Vec<u8> {
    let body = [&[3][..], &group.to_be_bytes(), &of_u8([4; 32]), &[4, 1], &of_u16([6; 64])];
    handshake(12, body.concat())
}

/// A CertificateRequest of TLS 1.2.
pub(super) fn request() -> Vec<u8> {
    let body = [of_u8([1, 64]), of_u16(numbers(&[0x0403, 0x0804])), of_u16([])];
    handshake(13, body.concat())
}

pub(super) fn done() -> Vec<u8> {
    handshake(14, [])
}

/// What a client sends once the server is done, without certificate.
pub(super) fn client_end() -> Vec<u8> {
    [handshake(16, of_u8([4; 32])), change_cipher(), sealed(22, 40)].concat()
}

pub(super) fn server_end() -> Vec<u8> {
    [change_cipher(), sealed(22, 40)].concat()
}

/// A handshake of TLS 1.2 in which nobody asks for a client certificate.
pub(super) fn one_way() -> Vec<Event> {
    let flight =
        [server_hello(ECDHE_RSA, &[]), certificates(&[b"leaf", b"root"]), ecdhe(29), done()];
    vec![
        client(client_hello(&[ECDHE_RSA], &[server_name("api.test")])),
        server(flight.concat()),
        client(client_end()),
        server(server_end()),
        client(sealed(23, 80)),
        server(sealed(23, 90)),
    ]
}
