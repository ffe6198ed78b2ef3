//! Sessions that rustls speaks with itself: every suite it has, with and without a client's certificate.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, RootCertStore, ServerConfig,
    ServerConnection, SupportedCipherSuite,
};

use crate::conversation::{Conversation, Event, overhear_with};
use crate::{
    Keyed, assert_cuts_do_not_matter, assert_opened, assert_wrong_keys_change_nothing, tls,
};
use wirelint::model::{Direction, Keys, Posture, Seen, Why};

/// A key log that rustls writes to.
#[derive(Debug, Default)]
struct Log(Mutex<String>);

impl rustls::KeyLog for Log {
    fn log(&self, label: &str, random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            })
        };
        writeln!(self.0.lock().unwrap(), "{label} {} {}", hex(random), hex(secret)).unwrap();
    }
}

/// Who speaks, and what happened so far.
struct Pair {
    client: ClientConnection,
    server: ServerConnection,
    events: Vec<Event>,
    log: Arc<Log>,
}

/// A name's own certificate and key.
struct Identity(CertificateDer<'static>, PrivateKeyDer<'static>);

fn identity(name: &str) -> Identity {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    Identity(made.cert.der().clone(), key)
}

/// Who the client is to the server.
#[derive(Clone, Copy, PartialEq)]
enum Client {
    NotAsked,
    Known,
    Stranger,
}

/// Client and server configurations, which keep sessions to resume.
struct Setup {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    log: Arc<Log>,
}

impl Setup {
    fn new(suite: SupportedCipherSuite, mutual: bool) -> Self {
        Self::of(suite, if mutual { Client::Known } else { Client::NotAsked })
    }

    fn of(suite: SupportedCipherSuite, who: Client) -> Self {
        let (server, client) = (identity("ledger.internal"), identity("caller.internal"));
        let known =
            if who == Client::Stranger { identity("another.internal").0 } else { client.0.clone() };
        let mutual = who != Client::NotAsked;
        let roots = |one: &CertificateDer<'static>| {
            let mut roots = RootCertStore::empty();
            roots.add(one.clone()).unwrap();
            Arc::new(roots)
        };
        let mut provider = ring::default_provider();
        provider.cipher_suites = vec![suite];
        let provider = Arc::new(provider);
        let version = [suite.version()];
        let log = Arc::new(Log::default());
        let asks = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&version)
            .unwrap();
        let asks = if mutual {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(roots(&known), Arc::clone(&provider));
            asks.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            asks.with_no_client_auth()
        };
        let mut receives =
            asks.with_single_cert(vec![server.0.clone()], server.1.clone_key()).unwrap();
        receives.alpn_protocols = vec![b"http/1.1".to_vec()];
        let calls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&version)
            .unwrap()
            .with_root_certificates(roots(&server.0));
        let mut calls = if mutual {
            calls.with_client_auth_cert(vec![client.0.clone()], client.1.clone_key()).unwrap()
        } else {
            calls.with_no_client_auth()
        };
        calls.alpn_protocols = vec![b"http/1.1".to_vec()];
        calls.key_log = Arc::clone(&log) as Arc<dyn rustls::KeyLog>;
        Self { client: Arc::new(calls), server: Arc::new(receives), log }
    }

    fn connect(&self) -> Pair {
        self.log.0.lock().unwrap().clear();
        let name = ServerName::try_from("ledger.internal").unwrap();
        Pair {
            client: ClientConnection::new(Arc::clone(&self.client), name).unwrap(),
            server: ServerConnection::new(Arc::clone(&self.server)).unwrap(),
            events: Vec::new(),
            log: Arc::clone(&self.log),
        }
    }
}

impl Pair {
    /// Lets both ends say what they have to say.
    fn settle(&mut self) {
        loop {
            let before = self.events.len();
            pass(&mut self.client, &mut self.server, Direction::ToServer, &mut self.events);
            pass(&mut self.server, &mut self.client, Direction::ToClient, &mut self.events);
            if self.events.len() == before {
                return;
            }
        }
    }

    fn ask(&mut self) {
        self.client.writer().write_all(b"GET /ledger HTTP/1.1\r\nhost: ledger\r\n\r\n").unwrap();
        self.settle();
        let mut asked = [0; 256];
        assert!(self.server.reader().read(&mut asked).unwrap() > 0);
    }

    fn answer(&mut self) {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        self.server.writer().write_all(answer).unwrap();
        self.settle();
    }

    fn close(mut self, name: &str) -> Keyed {
        self.client.send_close_notify();
        self.server.send_close_notify();
        self.settle();
        let conversation = Conversation { name: name.to_owned(), events: self.events };
        let log = self.log.0.lock().unwrap().clone();
        Keyed { conversation, log }
    }
}

/// Passes on what one end has to say.
fn pass<A, B>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
    direction: Direction,
    events: &mut Vec<Event>,
) {
    let mut said = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut said).unwrap();
    }
    if said.is_empty() {
        return;
    }
    let mut rest = said.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        // A refusal is said to the other end as an alert.
        let _refused = to.process_new_packets();
    }
    events.push(Event::Bytes(direction, said));
}

fn session(suite: SupportedCipherSuite, mutual: bool) -> Keyed {
    let mut pair = Setup::new(suite, mutual).connect();
    pair.settle();
    pair.ask();
    pair.answer();
    pair.close(&format!("{:?} mutual={mutual}", suite.suite()))
}

fn tls13() -> SupportedCipherSuite {
    ring::cipher_suite::TLS13_AES_128_GCM_SHA256
}

#[test]
fn every_suite_is_opened_with_and_without_a_client_certificate() {
    for suite in ring::ALL_CIPHER_SUITES {
        // The certificates are of elliptic curves.
        if format!("{:?}", suite.suite()).contains("_RSA_") {
            continue;
        }
        for mutual in [false, true] {
            let keyed = session(*suite, mutual);
            assert_opened(&keyed, mutual);
            assert_wrong_keys_change_nothing(&keyed);
            assert_cuts_do_not_matter(&keyed);
        }
    }
}

#[test]
fn under_tls_1_3_keys_show_what_was_hidden() {
    let keyed = session(tls13(), true);
    let facts = overhear_with(&keyed.keys(), &keyed.conversation);
    let tls = tls(&facts);
    assert!(tls.decryption.decided && tls.decryption.extensions && !tls.decryption.cut);
    assert_eq!(tls.server_hello.value().unwrap().alpn.as_deref(), Some("http/1.1"));
    assert!(tls.certificate_request.is_value());
    assert!(tls.client_verify.is_value());
    assert_eq!(tls.ocsp_staple, Seen::Absent);
    assert_eq!(tls.established, Seen::Value(true));
    assert!(tls.tickets > 0);
}

#[test]
fn keys_that_change_during_a_session_are_followed() {
    let mut pair = Setup::new(tls13(), false).connect();
    pair.settle();
    pair.client.refresh_traffic_keys().unwrap();
    pair.ask();
    pair.server.refresh_traffic_keys().unwrap();
    pair.server.refresh_traffic_keys().unwrap();
    pair.answer();
    let keyed = pair.close("key updates");
    assert_opened(&keyed, false);
    let facts = overhear_with(&keyed.keys(), &keyed.conversation);
    assert_eq!(facts.facts.calls.unwrap().responses, 1);
}

#[test]
fn a_resumed_session_is_read_and_not_taken_for_one_without_certificates() {
    let setup = Setup::new(tls13(), true);
    let mut first = setup.connect();
    first.settle();
    first.ask();
    first.answer();
    let mut second = setup.connect();
    second.settle();
    second.ask();
    let keyed = second.close("resumed");
    let facts = overhear_with(&keyed.keys(), &keyed.conversation);
    assert_eq!(tls(&facts).decryption.keys, Keys::Fit);
    assert_eq!(tls(&facts).resumed, Seen::Value(true));
    assert_eq!(tls(&facts).certificate_request, Seen::Hidden(Why::Resumed));
    assert_eq!(facts.verdict.posture, Posture::TlsOpaque);
    assert_eq!(facts.facts.calls.unwrap().requests, 1);
}

#[test]
fn a_server_that_refuses_the_client_is_read_as_one() {
    let mut pair = Setup::of(tls13(), Client::Stranger).connect();
    pair.settle();
    let keyed = pair.close("refused");
    let facts = overhear_with(&keyed.keys(), &keyed.conversation);
    assert!(tls(&facts).client_chain.is_value());
    assert_eq!(tls(&facts).established, Seen::Value(false));
    assert_eq!(facts.verdict.posture, Posture::Unknown);
}

#[test]
fn a_bulk_transfer_is_decrypted_up_to_a_bound() {
    let mut pair = Setup::new(tls13(), false).connect();
    pair.settle();
    pair.ask();
    pair.server.set_buffer_limit(None);
    pair.client.set_buffer_limit(None);
    let piece = vec![b'x'; 12 << 10];
    pair.server.writer().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 18874368\r\n\r\n").unwrap();
    for _ in 0..1536 {
        pair.server.writer().write_all(&piece).unwrap();
        pair.settle();
        let mut got = [0; 1 << 14];
        while pair.client.reader().read(&mut got).is_ok_and(|n| n > 0) {}
    }
    let keyed = pair.close("bulk");
    let facts = overhear_with(&keyed.keys(), &keyed.conversation);
    assert!(tls(&facts).decryption.cut);
    assert_eq!(tls(&facts).decryption.keys, Keys::Fit);
    assert_eq!(facts.verdict.posture, Posture::Tls);
    assert_eq!(facts.facts.calls.unwrap().requests, 1);
}
