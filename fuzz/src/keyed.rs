//! A recorded TLS 1.3 session whose records are sealed anew around any contents.

use std::collections::HashMap;
use std::sync::Arc;

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use wirelint::inspect::tls::KeyLog;
use wirelint::inspect::{Context, Inspector, protocol};
use wirelint::model::{Direction, Facts, FrameNo, Keys, PerDirection};

use crate::{Event, Script, read_with};

const RECORDED: &str = include_str!("../../tests/vectors/tls13-aes128-gcm-mutual.txt");

/// Reads a key log twice and uses it.
pub fn log_twice(lines: &[u8]) {
    let [first, second] = [(); 2].map(|()| {
        let log = KeyLog::default();
        let whole = log.add(lines, FrameNo(1));
        assert_eq!(whole.secrets, log.add(lines, FrameNo(1)).secrets, "the same lines again");
        whole
    });
    assert_eq!(first, second);
    assert!(first.rubbish == 0 || first.first_rubbish.is_some_and(|line| line <= first.lines + 1));
}

/// Seals what the script says, and reads it.
///
/// An event is a byte of flags (1 the server's, 2 under the keys of application data, 4 anything but a sealed record),
/// a content type and two bytes of length before the contents.
pub fn sealed(script: &[u8]) {
    let mut script = Script(script);
    let cut = usize::from(script.byte()).max(1);
    let mut session = Session::new();
    let (mut whole, mut gaps) = (session.hellos(), false);
    while !script.is_over() {
        let flags = script.byte();
        let direction = if flags & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let kind = script.byte();
        let length = usize::from(script.short());
        whole.push(if flags & 4 == 0 {
            let content = script.bytes(length.min(1 << 14));
            Event::Bytes(direction, session.seal(direction, flags & 2 != 0, kind, content))
        } else if kind & 1 == 0 {
            gaps = true;
            Event::Gap(direction, length as u64 + 1)
        } else {
            Event::Bytes(direction, script.bytes(length).to_vec())
        });
    }
    let log = Arc::new(KeyLog::default());
    let keys: String = RECORDED
        .lines()
        .filter(|line| line.starts_with(['C', 'S']))
        .flat_map(|line| [line, "\n"])
        .collect();
    log.add(keys.as_bytes(), FrameNo(0));
    let facts = |cut| read(&log, &whole, cut);
    let first = facts(usize::MAX);
    if !gaps {
        assert_eq!(facts(cut), first, "cut into {cut}");
    }
    let tls = first.tls.expect("TLS");
    assert!(!gaps || tls.decryption.keys != Keys::Unsupported);
}

fn read(log: &Arc<KeyLog>, events: &[Event], cut: usize) -> Facts {
    let context = Context { keys: Some(Arc::clone(log)), ..Context::default() };
    let inspector: Box<dyn Inspector> = protocol("tls").expect("in the table").inspector(&context);
    read_with(inspector, events, cut).0
}

/// The sealing side of the recorded session.
struct Session {
    secrets: HashMap<&'static str, Vec<u8>>,
    lanes: PerDirection<(bool, u64)>,
}

impl Session {
    fn new() -> Self {
        let words = |line: &'static str| {
            let mut words = line.split(' ');
            let label = words.next().filter(|label| label.len() > 1)?;
            Some((label, hex(words.nth(1)?)))
        };
        let secrets = RECORDED.lines().filter_map(words).collect();
        Self { secrets, lanes: PerDirection::default() }
    }

    /// The two readable records.
    fn hellos(&self) -> Vec<Event> {
        let first = |mark: &str| {
            let bytes = RECORDED
                .lines()
                .find_map(|line| line.strip_prefix(mark))
                .map(hex)
                .expect("a hello");
            let length = 5 + usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
            bytes[..length].to_vec()
        };
        vec![
            Event::Bytes(Direction::ToServer, first("> ")),
            Event::Bytes(Direction::ToClient, first("< ")),
        ]
    }

    fn seal(
        &mut self,
        direction: Direction,
        application: bool,
        kind: u8,
        content: &[u8],
    ) -> Vec<u8> {
        let lane = &mut self.lanes[direction];
        if lane.0 != application {
            *lane = (application, 0);
        }
        let sequence = lane.1;
        lane.1 += 1;
        let label = match (direction, application) {
            (Direction::ToServer, false) => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            (Direction::ToServer, true) => "CLIENT_TRAFFIC_SECRET_0",
            (Direction::ToClient, false) => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            (Direction::ToClient, true) => "SERVER_TRAFFIC_SECRET_0",
        };
        let secret = &self.secrets[label];
        let cipher = Aes128Gcm::new_from_slice(&expand(secret, "key", 16)).expect("a key");
        let mut nonce: [u8; 12] = expand(secret, "iv", 12).try_into().expect("12 bytes");
        nonce.iter_mut().rev().zip(sequence.to_le_bytes()).for_each(|(to, from)| *to ^= from);
        let text = [content, &[kind]].concat();
        let length = u16::try_from(text.len() + 16).expect("a record");
        let header = [&[23, 3, 3][..], &length.to_be_bytes()].concat();
        let body =
            cipher.encrypt(&nonce.into(), Payload { msg: &text, aad: &header }).expect("sealed");
        [header, body].concat()
    }
}

fn expand(secret: &[u8], label: &str, length: u8) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret).expect("any length");
    let label = format!("tls13 {label}");
    mac.update(&[0, length, u8::try_from(label.len()).expect("short")]);
    mac.update(label.as_bytes());
    mac.update(&[0, 1]);
    mac.finalize().into_bytes()[..usize::from(length)].to_vec()
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Conversations to begin with: whole handshakes, and what may be said behind them.
pub fn seeds() -> Vec<Vec<u8>> {
    let event = |flags: u8, kind: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        [&[flags, kind][..], &length, content].concat()
    };
    let message = |kind: u8, body: &[u8]| {
        [&[kind, 0, 0, u8::try_from(body.len()).expect("short")], body].concat()
    };
    let certificate = [&[0, 0, 0, 9, 0, 0, 4][..], b"leaf", &[0, 0]].concat();
    let server = [
        message(8, &[0, 5, 0, 16, 0, 1, 0]),
        message(13, &[0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]),
        message(11, &certificate),
        message(15, &[4, 3, 0, 0]),
        message(20, &[7; 32]),
    ]
    .concat();
    let client =
        [message(11, &certificate), message(15, &[4, 3, 0, 0]), message(20, &[7; 32])].concat();
    let handshake = [event(1, 22, &server), event(0, 22, &client)].concat();
    let begin = |rest: &[Vec<u8>]| [&[1, 5][..], &handshake, &rest.concat()].concat();
    let request = b"GET /a HTTP/1.1\r\nhost: b\r\n\r\n";
    vec![
        begin(&[event(3, 22, &message(4, &[0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0]))]),
        begin(&[
            event(2, 23, request),
            event(3, 23, b"HTTP/1.1 204 OK\r\n\r\n"),
            event(2, 21, &[1, 0]),
        ]),
        begin(&[event(2, 23, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")]),
        begin(&[event(2, 22, &message(24, &[0])), event(3, 21, &[2, 48])]),
        begin(&[event(6, 2, &[]), event(2, 23, request)]),
        [&[0][..], RECORDED.as_bytes()].concat(),
        b"\0# a comment\nCLIENT_RANDOM 00 11\nEXPORTER_SECRET 00 00\n".to_vec(),
    ]
}
