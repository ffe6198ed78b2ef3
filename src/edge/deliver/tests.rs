//! Receivers that are away, refuse, hang, or take half: nothing is lost, nothing comes in another order, nobody waits.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver as Inbox, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;
use crate::model::limits;
use crate::store::{Spool, Spooled};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a receiver may take in a test.
const QUICK: Duration = Duration::from_millis(400);

fn event(number: u64) -> Spooled {
    let line = format!("{{\"number\":{number}}}");
    Spooled { kind: "finding".to_owned(), severity: "high".to_owned(), line, ..Spooled::default() }
}

fn tell(courier: &mut Courier, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| courier.take(event(number)));
    courier.hand_on();
}

fn webhook(address: SocketAddr) -> Receiver {
    let address = WebhookAddress::parse(&format!("http://{address}/in")).unwrap();
    let headers = Headers::authorization("Bearer x").unwrap();
    let webhook = Webhook::new(address, None, headers, QUICK).unwrap().of("5eed", "sensor");
    Receiver { name: "webhook", transport: Box::new(webhook) }
}

fn syslog(url: &str, tls: Option<TlsClient>) -> Receiver {
    let authority = SyslogAddress::parse(url).unwrap().authority;
    let stream = SyslogStream::new(authority, tls, Origin::new("sensor"), QUICK * 5).unwrap();
    Receiver { name: "syslog", transport: Box::new(stream) }
}

fn started(receiver: Receiver) -> (Delivery, Courier) {
    let spool = Spool::in_memory(&[receiver.name], 1 << 20).unwrap();
    Delivery::start(spool, vec![receiver]).unwrap()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Reads one request: the lines of its head, and its body.
fn request(stream: &TcpStream) -> (Vec<String>, Value) {
    let mut reader = BufReader::new(stream);
    let lines = reader.by_ref().lines().map(Result::unwrap);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let length = head.iter().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

fn numbers(body: &Value) -> Vec<u64> {
    let events = body["events"].as_array().unwrap();
    events.iter().map(|event| event["number"].as_u64().unwrap()).collect()
}

/// A webhook that answers by a script, the last answer for ever. Gives the bodies that it was sent, with its answers.
fn hook(listener: TcpListener, answers: &'static [&'static str]) -> Inbox<(Value, &'static str)> {
    let (tell, inbox) = channel();
    thread::spawn(move || {
        for (place, stream) in listener.incoming().enumerate() {
            let answer = answers[place.min(answers.len() - 1)];
            let mut stream = stream.unwrap();
            let (_, body) = request(&stream);
            let _gone = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
            if tell.send((body, answer)).is_err() {
                return;
            }
        }
    });
    inbox
}

/// Numbers that were taken, until there are so many, without those that came again.
fn taken(inbox: &Inbox<(Value, &'static str)>, count: usize) -> Vec<u64> {
    let mut all = Vec::new();
    while all.len() < count {
        let (body, answer) = inbox.recv_timeout(PATIENCE).unwrap();
        if answer.starts_with("20") {
            all.extend(numbers(&body));
        }
    }
    all
}

fn port_that_nobody_has() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_receiver_that_was_away_gets_everything_in_order() {
    let address = port_that_nobody_has();
    let (delivery, mut courier) = started(webhook(address));
    for round in 0..10 {
        tell(&mut courier, round * 10..(round + 1) * 10);
        wait_until("the spool takes it", || {
            delivery.report().receivers[0].waiting == (round + 1) * 10
        });
    }
    wait_until("it fails", || delivery.report().receivers[0].failures > 0);
    assert!(delivery.report().receivers[0].trouble.is_some());
    let inbox = hook(TcpListener::bind(address).unwrap(), &["200 OK"]);
    assert_eq!(taken(&inbox, 100), (0..100).collect::<Vec<_>>());
    wait_until("it is noted", || delivery.report().receivers[0].waiting == 0);
    let report = delivery.report();
    assert_eq!((report.receivers[0].sent, report.receivers[0].dropped), (100, 0));
    assert_eq!((&report.receivers[0].trouble, report.spool_bytes), (&None, 0));
}

#[test]
fn what_a_receiver_refuses_it_gets_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (delivery, mut courier) = started(webhook(listener.local_addr().unwrap()));
    let answers = &["500 Oops", "429 Slow", "302 Elsewhere", "401 Who", "204 Fine"];
    let inbox = hook(listener, answers);
    tell(&mut courier, 0..3);
    for expected in answers {
        let (body, answer) = inbox.recv_timeout(PATIENCE).unwrap();
        assert_eq!((numbers(&body), &answer), (vec![0, 1, 2], expected));
        assert_eq!((body["first"].as_u64(), body["spool"].as_str()), (Some(1), Some("5eed")));
    }
    wait_until("it is noted", || delivery.report().receivers[0].sent == 3);
    assert_eq!(delivery.report().receivers[0].failures, 4);
}

#[test]
fn a_request_is_one_that_receivers_understand_and_its_header_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_delivery, mut courier) = started(webhook(listener.local_addr().unwrap()));
    tell(&mut courier, 0..1);
    let (stream, _) = listener.accept().unwrap();
    let (head, body) = request(&stream);
    assert_eq!(head[0], "POST /in HTTP/1.1");
    for line in [
        format!("Host: {}", listener.local_addr().unwrap()),
        "Authorization: Bearer x".to_owned(),
        "Idempotency-Key: \"5eed-1-1\"".to_owned(),
        "Content-Type: application/json".to_owned(),
    ] {
        assert!(head.contains(&line), "{line} in {head:?}");
    }
    assert_eq!(
        (body["schema"].as_str(), body["sensor"].as_str()),
        (Some("wirelint.batch/1"), Some("sensor"))
    );
}

#[test]
fn a_receiver_that_hangs_holds_nobody_up_and_gets_it_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (delivery, mut courier) = started(webhook(listener.local_addr().unwrap()));
    tell(&mut courier, 0..5);
    // It takes everything and says nothing; then a byte now and then.
    let (silent, _) = listener.accept().unwrap();
    request(&silent);
    let (mut slow, _) = listener.accept().unwrap();
    let drip = thread::spawn(move || {
        while slow.write_all(b"H").is_ok() {
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    let begun = Instant::now();
    tell(&mut courier, 5..10);
    assert!(begun.elapsed() < QUICK / 2, "the audit waits for nobody");
    wait_until("it fails", || delivery.report().receivers[0].failures >= 2);
    drip.join().unwrap();
    drop(silent);
    let inbox = hook(listener, &["200 OK"]);
    assert_eq!(taken(&inbox, 10), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_batch_that_is_too_large_is_halved_and_one_event_that_is_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (delivery, mut courier) = started(webhook(listener.local_addr().unwrap()));
    let large = "413 Content Too Large";
    let inbox = hook(listener, &["413 x", "413 x", "413 x", "200 OK"]);
    tell(&mut courier, 0..4);
    for (expected, answer) in [(4, large), (2, large), (1, large)] {
        let (body, _) = inbox.recv_timeout(PATIENCE).unwrap();
        assert_eq!(numbers(&body).len(), expected, "{answer}");
    }
    assert_eq!(taken(&inbox, 3), [1, 2, 3]);
    wait_until("it is noted", || delivery.report().receivers[0].sent == 3);
    assert_eq!(delivery.report().receivers[0].dropped, 1);
}

#[test]
fn when_the_spool_is_full_the_oldest_goes_and_is_counted() {
    let address = port_that_nobody_has();
    let spool = Spool::in_memory(&["webhook"], 1200).unwrap();
    let (delivery, mut courier) = Delivery::start(spool, vec![webhook(address)]).unwrap();
    for number in 1000..1200 {
        tell(&mut courier, number..number + 1);
        wait_until("it is taken up", || {
            let report = delivery.report();
            report.receivers[0].waiting + report.receivers[0].dropped == number - 999
        });
    }
    let dropped = delivery.report().receivers[0].dropped;
    assert!(dropped > 100 && delivery.report().spool_bytes <= 1200, "{dropped}");
    let inbox = hook(TcpListener::bind(address).unwrap(), &["200 OK"]);
    let all = taken(&inbox, usize::try_from(200 - dropped).unwrap());
    assert_eq!(all, (1000 + dropped..1200).collect::<Vec<_>>());
}

#[test]
fn what_there_is_no_room_for_is_given_up_and_counted() {
    let (delivery, mut courier) = started(webhook(port_that_nobody_has()));
    courier.take(Spooled { line: "x".repeat(limits::UNSPOOLED_BYTES + 1), ..event(0) });
    wait_until("it is counted", || delivery.report().unspooled == 1);
}

#[test]
fn many_events_are_put_into_the_spool_without_being_asked_for() {
    let (delivery, mut courier) = started(webhook(port_that_nobody_has()));
    let spaces = " ".repeat(limits::SPOOLED_BYTES / 4);
    for number in 0..4 {
        courier.take(Spooled { line: format!("{spaces}{number}"), ..event(0) });
    }
    wait_until("they are there", || {
        let report = &delivery.report().receivers[0];
        report.waiting + report.dropped == 4
    });
}

#[test]
fn the_end_does_not_wait_for_a_receiver_that_is_away() {
    let (delivery, mut courier) = started(webhook(port_that_nobody_has()));
    tell(&mut courier, 0..3);
    wait_until("it fails", || delivery.report().receivers[0].failures > 0);
    drop(courier);
    let begun = Instant::now();
    assert_eq!(delivery.end().receivers[0].waiting, 3);
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn what_was_told_last_is_delivered_before_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (delivery, mut courier) = started(webhook(listener.local_addr().unwrap()));
    let inbox = hook(listener, &["200 OK"]);
    courier.take(event(0));
    drop(courier);
    assert_eq!(delivery.end().receivers[0].waiting, 0);
    assert_eq!(taken(&inbox, 1), [0]);
}

/// Splits messages by the lengths before them, and gives the numbers in them.
fn counted(mut bytes: &[u8]) -> Vec<u64> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let message = std::str::from_utf8(&bytes[space + 1..=space + length]).unwrap();
        assert!(message.starts_with("<131>1 ") && !message.contains('\n'), "{message}");
        let (_, json) = message.split_once("] ").unwrap();
        all.push(serde_json::from_str::<Value>(json).unwrap()["number"].as_u64().unwrap());
        bytes = &bytes[space + 1 + length..];
    }
    all
}

fn read_all(mut stream: impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn syslog_over_tcp_is_taken_when_the_receiver_closes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let (delivery, mut courier) = started(syslog(&url, None));
    tell(&mut courier, 0..3);
    // It dies with everything unread: the connection is reset.
    let (stream, _) = listener.accept().unwrap();
    wait_until("something came", || stream.peek(&mut [0]).is_ok_and(|bytes| bytes > 0));
    drop(stream);
    // It hangs: reads everything and does not close.
    let (mut hung, _) = listener.accept().unwrap();
    assert_eq!(counted(&read_all(&mut hung)), [0, 1, 2]);
    let (stream, _) = listener.accept().unwrap();
    drop(hung);
    assert_eq!(counted(&read_all(&stream)), [0, 1, 2]);
    drop(stream);
    wait_until("it is noted", || delivery.report().receivers[0].sent == 3);
    assert_eq!(delivery.report().receivers[0].failures, 2);
}

#[test]
fn syslog_within_tls_goes_to_whom_is_trusted_and_says_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let made = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let (server, client, other) = (made("localhost"), made("sensor"), made("localhost"));
    let (trusted, stranger) =
        (file("ca.pem", &server.cert.pem()), file("other.pem", &other.cert.pem()));
    let certificate = file("client.pem", &client.cert.pem());
    let key = file("client.key", &client.signing_key.serialize_pem());
    let config = server_config(&server, &client);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tls://localhost:{}", listener.local_addr().unwrap().port());
    let accept = move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(config.clone()).unwrap();
        rustls::StreamOwned::new(connection, stream)
    };
    let files = |authorities| TlsFiles {
        authorities: Some(authorities),
        certificate: Some(&certificate),
        key: Some(&key),
    };
    let server = thread::spawn(move || {
        let mut refused = 0;
        loop {
            let mut bytes = Vec::new();
            match accept().read_to_end(&mut bytes) {
                Ok(_) => return (refused, counted(&bytes)),
                Err(_) => refused += 1,
            }
        }
    });
    let (delivery, mut courier) = started(syslog(&url, Some(files(&stranger).client().unwrap())));
    tell(&mut courier, 0..3);
    wait_until("it is refused", || delivery.report().receivers[0].trouble.is_some());
    let why = delivery.report().receivers[0].trouble.clone().unwrap();
    assert!(why.contains("certificate"), "{why}");
    drop(courier);
    let _waiting = delivery.end();
    let (delivery, mut courier) = started(syslog(&url, Some(files(&trusted).client().unwrap())));
    tell(&mut courier, 0..3);
    let (refused, numbers) = server.join().unwrap();
    assert!(refused > 0 && numbers == [0, 1, 2], "{refused} {numbers:?}");
    wait_until("it is noted", || delivery.report().receivers[0].sent == 3);
}

fn server_config(
    server: &rcgen::CertifiedKey<rcgen::KeyPair>,
    client: &rcgen::CertifiedKey<rcgen::KeyPair>,
) -> std::sync::Arc<rustls::ServerConfig> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(client.cert.der().clone()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        std::sync::Arc::new(roots),
        std::sync::Arc::clone(&provider),
    );
    let key = rustls::pki_types::PrivateKeyDer::try_from(server.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![server.cert.der().clone()], key.unwrap());
    std::sync::Arc::new(config.unwrap())
}

#[test]
fn files_that_make_no_client_are_said_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pem");
    let files = TlsFiles { authorities: Some(&path), ..TlsFiles::default() };
    let missing = files.client().unwrap_err().to_string();
    assert!(missing.contains("x.pem cannot be read"), "{missing}");
    std::fs::write(&path, "nothing").unwrap();
    let empty = files.client().unwrap_err().to_string();
    assert!(empty.contains("x.pem holds no certificate"), "{empty}");
}

#[test]
fn syslog_in_datagrams_is_one_message_each() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("udp://{}", socket.local_addr().unwrap());
    let authority = SyslogAddress::parse(&url).unwrap().authority;
    let transport = SyslogDatagrams::new(authority, Origin::new("sensor")).unwrap();
    let (delivery, mut courier) =
        started(Receiver { name: "syslog", transport: Box::new(transport) });
    tell(&mut courier, 0..3);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    for number in 0..3 {
        let mut bytes = [0; 2048];
        let length = socket.recv(&mut bytes).unwrap();
        let counted = [format!("{length} ").as_bytes(), &bytes[..length]].concat();
        assert_eq!(super::tests::counted(&counted), [number]);
    }
    wait_until("it is noted", || delivery.report().receivers[0].sent == 3);
}
