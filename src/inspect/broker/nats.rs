//! NATS (<https://docs.nats.io/reference/reference-protocols/nats-protocol>).
//!
//! Takes both byte streams; gives the server's version, whether it offers or demands TLS and whether the client cares,
//! the login, the client's name for itself, and subjects. Payloads are not looked at.

use super::super::calls::{CallName, named_parts};
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes};
use super::super::json;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{CredentialKind, Direction, Moment, UpgradeState, limits};

/// NATS servers.
pub(in crate::inspect) struct Nats;

impl Protocol for Nats {
    fn name(&self) -> ProtocolId {
        "nats"
    }

    fn class(&self) -> Class {
        Class::Broker
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        const INFO: &[u8] = b"INFO {\"";
        const CONNECT: &[u8] = b"CONNECT {";
        let begins = |text| Probe::begins(head.bytes, &[text]);
        match head.of_sides(begins(CONNECT), begins(INFO)) {
            Probe::No if !head.from_start => {
                sender(head.bytes).map_or(Probe::No, |sender| head.sent_by(sender))
            }
            said => said,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

#[derive(Clone, Default)]
struct Conversation {
    /// The server said that it can TLS, and the client has said nothing so far.
    tls: bool,
    /// The server said that everybody may come in.
    open: bool,
    logged_in: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        // The ClientHello that this answers is captured later.
        if self.tls && bytes.first() == Some(&0x16) {
            return Frame::Need;
        }
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            let verb = word(bytes);
            let may_be = if verb.len() < bytes.len() {
                known(direction, verb)
            } else {
                begins_verb(direction, verb)
            };
            return if may_be { Frame::Need } else { Frame::Foreign };
        };
        let line = bytes.get(..end).unwrap_or_default();
        let verb = word(line);
        if !known(direction, verb) {
            return Frame::Foreign;
        }
        let header = end as u64 + 1;
        if !PAYLOAD.iter().any(|known| known.eq_ignore_ascii_case(verb)) {
            return Frame::Message(header);
        }
        let count = line.trim_ascii_end().rsplit(|byte| byte.is_ascii_whitespace()).next();
        let count = count.and_then(|count| std::str::from_utf8(count).ok()?.parse::<u32>().ok());
        match count {
            Some(count) => Frame::Message(header + u64::from(count) + 2),
            None => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let end = memchr::memchr(b'\n', message.bytes).unwrap_or(message.bytes.len());
        let line = message.bytes.get(..end).unwrap_or_default();
        match message.direction {
            Direction::ToServer => self.client(line, notes, message.at),
            Direction::ToClient => self.server(line, notes, message.at),
        }
        Next::More
    }

    fn upgrading(&self) -> bool {
        self.tls
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        let begins = match direction {
            Direction::ToServer => bytes.starts_with(b"CONNECT {"),
            Direction::ToClient => bytes.starts_with(b"INFO {\"server_id\""),
        };
        begins || sender(bytes) == Some(direction)
    }

    fn lost(&mut self, _: Direction) {
        self.open = false;
    }
}

const CLIENT: [&[u8]; 9] =
    [b"CONNECT", b"PUB", b"HPUB", b"SUB", b"UNSUB", b"PING", b"PONG", b"INFO", b"+OK"];
const SERVER: [&[u8]; 7] = [b"INFO", b"MSG", b"HMSG", b"PING", b"PONG", b"+OK", b"-ERR"];
/// Messages whose line ends with the length of what follows it.
const PAYLOAD: [&[u8]; 4] = [b"PUB", b"HPUB", b"MSG", b"HMSG"];

/// Who sends the line that begins here, if it names a subject and ends with a number, as no other protocol's lines do.
fn sender(bytes: &[u8]) -> Option<Direction> {
    let bytes = bytes.get(..limits::PROBE_BYTES).unwrap_or(bytes);
    let line = bytes.get(..memchr::memchr(b'\n', bytes)?)?.strip_suffix(b"\r")?;
    let mut words = line.split(|byte| *byte == b' ');
    let (side, least) = match words.next()? {
        b"PUB" | b"HPUB" | b"SUB" => (Direction::ToServer, 2),
        b"MSG" | b"HMSG" => (Direction::ToClient, 3),
        _ => return None,
    };
    let (mut count, mut last): (usize, &[u8]) = (0, b"");
    for word in words.filter(|word| !word.is_empty()) {
        if !word.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        (count, last) = (count.saturating_add(1), word);
    }
    let number = !last.is_empty() && last.iter().all(u8::is_ascii_digit);
    (number && (least..=5).contains(&count)).then_some(side)
}

fn word(line: &[u8]) -> &[u8] {
    line.split(u8::is_ascii_whitespace).next().unwrap_or_default()
}

fn verbs(direction: Direction) -> &'static [&'static [u8]] {
    match direction {
        Direction::ToServer => &CLIENT,
        Direction::ToClient => &SERVER,
    }
}

fn known(direction: Direction, verb: &[u8]) -> bool {
    verbs(direction).iter().any(|known| known.eq_ignore_ascii_case(verb))
}

fn begins_verb(direction: Direction, begin: &[u8]) -> bool {
    let begins = |known: &&[u8]| {
        known.get(..begin.len()).is_some_and(|known| known.eq_ignore_ascii_case(begin))
    };
    verbs(direction).iter().any(begins)
}

impl Conversation {
    fn client(&mut self, line: &[u8], notes: &mut Notes, at: Moment) {
        if std::mem::take(&mut self.tls) {
            notes.went_on_in_clear(at);
        }
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        match &*verb {
            b"CONNECT" => self.connect(line.get(verb.len()..).unwrap_or_default(), notes, at),
            b"PUB" | b"HPUB" | b"SUB" => {
                let subject = words.next().unwrap_or_default();
                let service = match subject.strip_prefix(b"_INBOX.") {
                    Some(_) => b"_INBOX.*".to_vec(),
                    None => named_parts(subject, b'.'),
                };
                let method = if verb == b"SUB" { b"SUB" } else { b"PUB" };
                notes.request(CallName::Rpc { service: &service, method }, at);
                if self.open && !self.logged_in {
                    notes.unauthenticated(at);
                }
            }
            _ => {}
        }
    }

    fn connect(&mut self, object: &[u8], notes: &mut Notes, at: Moment) {
        let member = |key: &[u8]| json::member(object, key).map(json::unquoted).unwrap_or_default();
        let (user, key) = (member(b"user"), member(b"nkey"));
        let password =
            |principal, secret| Login::password("nats connect", "CONNECT", principal, secret);
        let token = member(b"auth_token");
        let signature = member(b"sig");
        self.logged_in = !(user.is_empty() && token.is_empty() && signature.is_empty());
        notes.login(password(user, member(b"pass")), at);
        notes.login(password(b"", token).token(CredentialKind::Token), at);
        // The token is public; its owner signs a challenge.
        notes.login(password(key, member(b"jwt")).safe(CredentialKind::Jwt), at);
        notes.login(password(key, signature).safe(CredentialKind::Signature), at);
        notes.caller(member(b"name"), "nats client name", at);
        let language = member(b"lang");
        if !language.is_empty() {
            let library = [b"nats-", language].concat();
            notes.program(&library, member(b"version"), Direction::ToServer);
        }
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes, at: Moment) {
        match word(line).to_ascii_uppercase().as_slice() {
            b"INFO" => {
                let object = line.get(4..).unwrap_or_default();
                let member = |key: &[u8]| json::member(object, key).map(json::unquoted);
                let said = |key: &[u8]| member(key) == Some(b"true");
                let version = member(b"version").unwrap_or_default();
                notes.program(b"nats-server", version, Direction::ToClient);
                notes.negotiation();
                if self.logged_in {
                    return;
                }
                self.open = member(b"server_id").is_some() && !said(b"auth_required");
                self.tls = true;
                match (said(b"tls_required"), said(b"tls_available")) {
                    (true, _) => notes.upgrade(UpgradeState::Demanded, at),
                    (false, true) => notes.upgrade(UpgradeState::Offered, at),
                    (false, false) => self.tls = false,
                }
            }
            b"+OK" | b"PONG" => notes.credential_judged(true),
            b"-ERR" => {
                let text = line.get(..limits::TEXT_BYTES.min(line.len())).unwrap_or_default();
                let text = text.to_ascii_lowercase();
                if memchr::memmem::find(&text, b"authorization violation").is_some()
                    || memchr::memmem::find(&text, b"authentication").is_some()
                {
                    notes.credential_judged(false);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, inspect, server};
    use super::*;

    const INFO: &str = "INFO {\"server_id\":\"NDX\",\"version\":\"2.10.7\",\"auth_required\":true,\"tls_required\":true,\"max_payload\":1048576}\r\n";

    #[test]
    fn a_client_that_ignores_the_demand_for_tls_is_told_with_its_password_and_subjects() {
        let connect = "CONNECT {\"verbose\":false,\"user\":\"app\",\"pass\":\"s3cret\",\"name\":\"checkout\",\"lang\":\"go\",\"version\":\"1.31.0\"}\r\nPING\r\n";
        let facts = facts(
            "nats",
            &[
                server(INFO),
                client(connect),
                server("PONG\r\n"),
                client("PUB orders.17.new _INBOX.abc 5\r\nhello\r\nSUB _INBOX.nuid.* 1\r\n"),
                server("MSG orders.new 1 2\r\nhi\r\n"),
            ],
        );
        let readable = facts.readable.unwrap();
        let credential = &readable.credentials[0];
        assert_eq!(
            (credential.principal.as_deref(), credential.accepted),
            (Some("app"), Some(true))
        );
        let upgrade = readable.upgrade.unwrap();
        assert_eq!(upgrade.state, UpgradeState::Demanded);
        assert!(upgrade.clear_after.is_some());
        let programs: Vec<_> = readable.programs.iter().map(|p| (&*p.name, &*p.version)).collect();
        assert_eq!(programs, [("nats-server", "2.10.7"), ("nats-go", "1.31.0")]);
        let calls = facts.calls.unwrap().calls;
        let told: Vec<_> = calls.iter().map(|c| (&*c.service, &*c.method)).collect();
        assert_eq!(told, [("orders.*.new", "PUB"), ("_INBOX.*", "SUB")]);
    }

    #[test]
    fn a_client_that_heeds_it_is_handed_to_tls_and_nothing_was_readable() {
        let events = [server(INFO), client([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc])];
        let (facts, next) = inspect("nats", &events, 2);
        assert_eq!((next, facts.plaintext), (Next::Switch("tls"), None));
        assert_eq!(facts.readable.unwrap().upgrade.unwrap().state, UpgradeState::Accepted);
    }

    #[test]
    fn a_token_is_told_apart_from_a_password() {
        let info = "INFO {\"server_id\":\"N\",\"version\":\"2.9.0\"}\r\n";
        let connect = "CONNECT {\"auth_token\":\"t0ken\"}\r\n";
        let facts = facts(
            "nats",
            &[server(info), client(connect), server("-ERR 'Authorization Violation'\r\n")],
        );
        let credential = facts.readable.unwrap().credentials.remove(0);
        assert_eq!((credential.kind, credential.accepted), (CredentialKind::Token, Some(false)));
    }
}
