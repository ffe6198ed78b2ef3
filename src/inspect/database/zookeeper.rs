//! ZooKeeper's client protocol and its words of four letters (<https://zookeeper.apache.org/doc/current/>).
//!
//! Takes both byte streams; gives operations with the first segments of their paths, logins, and what services register.
//! Data of nodes is not looked at.

use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes, Said};
use super::super::reader::Reader;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment, Registration, escape_bytes, limits};

/// ZooKeeper, ClickHouse Keeper.
pub(in crate::inspect) struct Zookeeper;

impl Protocol for Zookeeper {
    fn name(&self) -> ProtocolId {
        "zookeeper"
    }

    fn class(&self) -> Class {
        Class::Registry
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let own = match head.bytes {
            bytes if begins(bytes, &[44, 45, 49], 28) == Some(true) => Direction::ToServer,
            bytes if begins(bytes, &[36, 37, 41], 20) == Some(true) => Direction::ToClient,
            bytes if answers_a_word(bytes) == Some(true) => Direction::ToClient,
            bytes => {
                let unsure = begins(bytes, &[44, 45, 49], 28).is_none()
                    || begins(bytes, &[36, 37, 41], 20).is_none()
                    || answers_a_word(bytes).is_none()
                    || is_word(bytes);
                return if unsure { Probe::Unsure } else { Probe::No };
            }
        };
        head.sent_by(own)
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

/// Whether a request for a session, or its answer, begins here: a length, version 0, and 16 bytes of password at `place`.
fn begins(bytes: &[u8], lengths: &[u8], place: usize) -> Option<bool> {
    let fits = |(at, byte): (usize, &u8)| match at {
        0..=2 | 4..=7 => *byte == 0,
        3 => lengths.contains(byte),
        // A time-out below some hours.
        _ if at == place - 12 => *byte == 0,
        _ if (place..place + 3).contains(&at) => *byte == 0,
        _ if at == place + 3 => *byte == 16,
        _ => true,
    };
    let judged = place + 4;
    let all = bytes.iter().take(judged).enumerate().all(fits);
    if all && bytes.len() < judged { None } else { Some(all) }
}

/// Words of four letters, which a client says instead of anything else.
const WORDS: [&[u8]; 14] = [
    b"ruok", b"stat", b"mntr", b"envi", b"srvr", b"conf", b"cons", b"dump", b"wchs", b"isro",
    b"crst", b"srst", b"wchc", b"wchp",
];

/// Whether these may be one of the words, with or without the end of a line. What the server answers makes sure.
fn is_word(bytes: &[u8]) -> bool {
    let word = bytes.trim_ascii_end();
    bytes.len() <= 6 && !bytes.is_empty() && WORDS.iter().any(|known| known.starts_with(word))
}

/// Whether a server's answer to one of the words begins here.
fn answers_a_word(bytes: &[u8]) -> Option<bool> {
    const ANSWERS: [&[u8]; 8] = [
        b"imok",
        b"Zookeeper version: ",
        b"Environment:\n",
        b"zk_version\t",
        b"clientPort=",
        b"SessionTracker dump:\n",
        b"This ZooKeeper instance is not currently serving",
        b"ruok is not executed because",
    ];
    if ANSWERS.iter().any(|known| bytes.starts_with(known)) {
        return Some(bytes != b"imok" || bytes.len() == 4);
    }
    if ANSWERS.iter().any(|known| known.starts_with(bytes)) { None } else { Some(false) }
}

const PING: i32 = -2;
const AUTH: i32 = -4;

#[derive(Clone, Default)]
struct Conversation {
    /// The client said one of the words: what follows is text.
    words: bool,
    connected: bool,
    greeted: bool,
    logged_in: bool,
    missing: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        let text = bytes.first().is_some_and(u8::is_ascii_alphabetic);
        if self.words || text {
            return match (direction, memchr::memchr(b'\n', bytes)) {
                (Direction::ToServer, _) if !self.words && bytes.len() >= 4 => Frame::Message(4),
                (_, Some(end)) => Frame::Message(end as u64 + 1),
                (Direction::ToClient, None) if bytes.starts_with(b"imok") => Frame::Message(4),
                _ => Frame::Need,
            };
        }
        let least = if direction == Direction::ToServer { 8 } else { 16 };
        match Reader(bytes).u32() {
            None => Frame::Need,
            Some(length) if (least..=64 << 20).contains(&length) => {
                Frame::Message(u64::from(length) + 4)
            }
            Some(_) => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if self.words || message.bytes.first().is_some_and(u8::is_ascii_alphabetic) {
            self.text(message, notes);
            return Next::More;
        }
        let mut rest = Reader(message.bytes);
        let _length = rest.u32();
        let _told = match message.direction {
            Direction::ToServer if !std::mem::replace(&mut self.connected, true) => None,
            Direction::ToClient if !std::mem::replace(&mut self.greeted, true) => None,
            Direction::ToServer => self.request(rest, notes, message.at),
            Direction::ToClient => self.reply(rest, notes, message.at),
        };
        Next::More
    }

    fn lost(&mut self, direction: Direction) {
        self.missing = true;
        match direction {
            Direction::ToServer => self.connected = true,
            Direction::ToClient => self.greeted = true,
        }
    }
}

impl Conversation {
    fn text(&mut self, message: &Message<'_>, notes: &mut Notes) {
        match (message.direction, message.bytes.get(..4)) {
            (Direction::ToServer, Some(word)) if !self.words && WORDS.contains(&word) => {
                self.words = true;
                notes.request(CallName::Rpc { service: b"", method: word }, message.at);
            }
            (Direction::ToClient, _) => {
                let version = message.bytes.strip_prefix(b"Zookeeper version: ");
                let version = version.or(message.bytes.strip_prefix(b"zk_version\t"));
                let end = |byte: &u8| b"-, \n".contains(byte);
                if let Some(version) = version.and_then(|version| version.split(end).next()) {
                    notes.program(b"zookeeper", version, Direction::ToClient);
                }
            }
            _ => {}
        }
    }

    fn request(&mut self, mut rest: Reader<'_>, notes: &mut Notes, at: Moment) -> Option<()> {
        let (number, code) = (rest.u32()?.cast_signed(), rest.u32()?.cast_signed());
        if number == AUTH {
            rest.skip(4)?;
            let (scheme, secret) = (rest.vec32()?, rest.vec32()?);
            self.logged_in = true;
            if scheme == b"digest" {
                let colon = memchr::memchr(b':', secret)?;
                let (user, password) = secret.split_at_checked(colon)?;
                let login =
                    Login::password("zookeeper digest", "auth digest", user, password.get(1..)?);
                notes.login(login.shipped_as(b"super", b"admin"), at);
            }
            return Some(());
        }
        let method = operation(code)?;
        if number == PING {
            return None;
        }
        let path = if matches!(code, 1..=13 | 15 | 16 | 18..=21) { rest.vec32()? } else { b"" };
        let service = shown(path);
        notes.asked(
            u64::from(number.cast_unsigned()),
            CallName::Rpc { service: &service, method },
            at,
        );
        registered(path, matches!(code, 1 | 15 | 19 | 21), notes, at);
        Some(())
    }

    fn reply(&mut self, mut rest: Reader<'_>, notes: &mut Notes, at: Moment) -> Option<()> {
        let number = rest.u32()?.cast_signed();
        rest.skip(8)?;
        let error = rest.u32()?.cast_signed();
        match number {
            AUTH => notes.credential_judged(error == 0),
            0.. => {
                let said = if error == 0 { Said::Success } else { Said::Failure };
                if error == 0 && !self.logged_in && !self.missing {
                    notes.unauthenticated(at);
                }
                notes.answered(u64::from(number.cast_unsigned()), said, at);
            }
            _ => {}
        }
        Some(())
    }
}

/// The name of an operation.
fn operation(code: i32) -> Option<&'static [u8]> {
    Some(match code {
        1 => b"create",
        2 => b"delete",
        3 => b"exists",
        4 => b"getData",
        5 => b"setData",
        6 => b"getACL",
        7 => b"setACL",
        8 => b"getChildren",
        9 => b"sync",
        12 => b"getChildren2",
        13 => b"check",
        14 => b"multi",
        15 => b"create2",
        16 => b"reconfig",
        18 => b"removeWatches",
        19 => b"createContainer",
        21 => b"createTTL",
        22 => b"multiRead",
        101 => b"setWatches",
        102 => b"sasl",
        103 => b"getEphemerals",
        105 => b"setWatches2",
        106 => b"addWatch",
        -11 => b"closeSession",
        _ => return None,
    })
}

/// The first segments of a path: what is deeper may be anything.
fn shown(path: &[u8]) -> Vec<u8> {
    const SEGMENTS: usize = 2;
    let mut out = Vec::new();
    for segment in path.split(|byte| *byte == b'/').skip(1).take(SEGMENTS) {
        out.push(b'/');
        out.extend_from_slice(segment.get(..64).unwrap_or(segment));
    }
    super::super::calls::named_parts(&out, b'/')
}

/// What Dubbo and others register: `/dubbo/SERVICE/providers/URL`, `/services/SERVICE/...`.
fn registered(path: &[u8], write: bool, notes: &mut Notes, at: Moment) {
    let mut parts = path.split(|byte| *byte == b'/').skip(1);
    let (Some(b"dubbo" | b"services"), Some(service)) = (parts.next(), parts.next()) else {
        return;
    };
    let url = match parts.next() {
        Some(b"providers") => parts.next().unwrap_or_default(),
        Some(_) if !path.starts_with(b"/services") => return,
        other => other.unwrap_or_default(),
    };
    if write && url.is_empty() {
        return;
    }
    let holds = |word: &[u8]| memchr::memmem::find(url, word).is_some();
    let bounded = |text: &[u8]| escape_bytes(text.get(..limits::TEXT_BYTES).unwrap_or(text));
    notes.registration(Registration {
        registry: "zookeeper",
        write,
        service: bounded(service),
        address: bounded(&host(url)),
        at,
        holds_credential: holds(b"password%3D") || holds(b"token%3D"),
    });
}

/// The host and port of an URL whose special characters are written in percent: `dubbo%3A%2F%2F10.0.0.9%3A20880%2F`.
fn host(url: &[u8]) -> Vec<u8> {
    let start = memchr::memmem::find(url, b"%3A%2F%2F").map(|at| at.saturating_add(9));
    let Some(rest) = start.and_then(|start| url.get(start..)) else { return Vec::new() };
    let end = memchr::memmem::find(rest, b"%2F").or(memchr::memmem::find(rest, b"%3F"));
    let authority = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let colon = memchr::memmem::find(authority, b"%3A").unwrap_or(authority.len());
    let (host, port) = authority.split_at_checked(colon).unwrap_or_default();
    match port.get(3..) {
        Some(port) => [host, b":", port].concat(),
        None => host.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, server};
    use super::*;
    use crate::inspect::protocol;

    fn framed(body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
    }

    fn connect() -> Vec<u8> {
        framed(
            &[[0; 12].as_slice(), &[0, 0, 0x75, 0x30], &[0; 8], &[0, 0, 0, 16], &[0; 17]].concat(),
        )
    }

    fn request(number: i32, code: i32, body: &[u8]) -> Vec<u8> {
        framed(&[&number.to_be_bytes(), code.to_be_bytes().as_slice(), body].concat())
    }

    fn reply(number: i32, error: i32) -> Vec<u8> {
        framed(&[&number.to_be_bytes(), [0; 8].as_slice(), &error.to_be_bytes()].concat())
    }

    #[test]
    fn logins_paths_and_registrations_are_told() {
        let path = b"/dubbo/com.acme.Pay/providers/dubbo%3A%2F%2F10.0.0.9%3A20880%2Fx%3Ftoken%3Dt";
        let greeting = framed(
            &[[0; 4].as_slice(), &[0, 0, 0x75, 0x30], &[1; 8], &[0, 0, 0, 16], &[0; 17]].concat(),
        );
        let facts = facts(
            "zookeeper",
            &[
                client(connect()),
                server(greeting),
                client(request(-4, 100, b"\0\0\0\0\0\0\0\x06digest\0\0\0\x0abob:secret")),
                server(reply(-4, 0)),
                client(request(1, 1, &[framed(path).as_slice(), &[0; 12]].concat())),
                server(reply(1, 0)),
                client(request(2, 4, &[framed(b"/locks/a/b/c").as_slice(), &[0]].concat())),
                server(reply(2, -101)),
            ],
        );
        let readable = facts.readable.unwrap();
        let credential = &readable.credentials[0];
        assert_eq!(
            (credential.principal.as_deref(), credential.accepted),
            (Some("bob"), Some(true))
        );
        assert_eq!(credential.secret.length(), 6);
        let registration = &readable.registrations[0];
        assert_eq!(
            (&*registration.service, &*registration.address),
            ("com.acme.Pay", "10.0.0.9:20880")
        );
        assert!(registration.write && registration.holds_credential);
        let calls = facts.calls.unwrap().calls;
        let told: Vec<_> =
            calls.iter().map(|c| (&*c.service, &*c.method, c.succeeded, c.failed)).collect();
        assert_eq!(told, [("/dubbo/com.acme.Pay", "create", 1, 0), ("/locks/a", "getData", 0, 1)]);
    }

    #[test]
    fn words_of_four_letters_are_sure_by_their_answer() {
        let probe = |bytes: &[u8], direction| {
            protocol("zookeeper").unwrap().probe(&Head { direction, bytes, from_start: true })
        };
        assert_eq!(probe(b"ruok", Direction::ToServer), Probe::Unsure);
        assert_eq!(probe(b"imok", Direction::ToClient), Probe::Yes);
        assert_eq!(probe(&connect(), Direction::ToServer), Probe::Yes);
        let facts = facts("zookeeper", &[client("ruok"), server("imok")]);
        assert_eq!(facts.calls.unwrap().calls[0].method, "ruok");
    }
}
