//! memcached: text, meta commands and the binary protocol (<https://docs.memcached.org/protocols/>).
//!
//! Takes both byte streams; gives commands by name, whether they succeeded, and logins with SASL or by text. Keys and
//! values are not looked at.

use super::super::calls::CallName;
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes, Said};
use super::super::reader::Reader;
use super::super::sasl::Sasl;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Moment};

/// memcached and its proxies.
pub(in crate::inspect) struct Memcached;

impl Protocol for Memcached {
    fn name(&self) -> ProtocolId {
        "memcached"
    }

    fn class(&self) -> Class {
        Class::Datastore
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match (binary(head.bytes).or(text(head.bytes)), head.direction) {
            (Some(true), Direction::ToServer) => Probe::Yes,
            (Some(true), Direction::ToClient) if head.from_start => Probe::Reversed,
            (Some(_), _) => Probe::No,
            (None, _) => Probe::Unsure,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }
}

const REQUEST: u8 = 0x80;
const RESPONSE: u8 = 0x81;
const HEADER: usize = 24;

/// Whether a request of the binary protocol begins here; not said where text may.
fn binary(bytes: &[u8]) -> Option<bool> {
    const LAST: u8 = 0x27;
    let fits = |(place, byte): (usize, &u8)| match place {
        0 => *byte == REQUEST,
        1 => *byte <= LAST,
        2 => *byte == 0,
        4 => *byte <= 20,
        5..=8 | 16..=23 => *byte == 0,
        _ => true,
    };
    match (bytes.first(), bytes.iter().take(HEADER).enumerate().all(fits)) {
        (Some(&REQUEST), true) if bytes.len() >= HEADER => Some(true),
        (Some(&REQUEST), false) => Some(false),
        _ => None,
    }
}

/// Commands of the text protocol, with the fewest and most words behind them, and whether data follows.
const COMMANDS: [(&[u8], usize, usize, bool); 27] = [
    (b"get", 1, 100, false),
    (b"gets", 1, 100, false),
    (b"gat", 2, 100, false),
    (b"gats", 2, 100, false),
    (b"set", 4, 5, true),
    (b"add", 4, 5, true),
    (b"replace", 4, 5, true),
    (b"append", 4, 5, true),
    (b"prepend", 4, 5, true),
    (b"cas", 5, 6, true),
    (b"delete", 1, 3, false),
    (b"incr", 2, 3, false),
    (b"decr", 2, 3, false),
    (b"touch", 2, 3, false),
    (b"stats", 0, 3, false),
    (b"version", 0, 0, false),
    (b"verbosity", 1, 2, false),
    (b"flush_all", 0, 2, false),
    (b"quit", 0, 0, false),
    (b"mg", 1, 20, false),
    (b"ms", 2, 20, true),
    (b"md", 1, 20, false),
    (b"ma", 1, 20, false),
    (b"me", 1, 20, false),
    (b"mn", 0, 0, false),
    (b"shutdown", 0, 1, false),
    (b"lru_crawler", 1, 3, false),
];

/// Whether a command in text begins here, by the whole of its line: `quit` and short words alone are many protocols'.
fn text(bytes: &[u8]) -> Option<bool> {
    const LONGEST_LINE: usize = 1024;
    if bytes.first() == Some(&REQUEST) {
        return None;
    }
    let letters =
        bytes.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count();
    let (word, rest) = bytes.split_at_checked(letters)?;
    if rest.is_empty() {
        let may_be = COMMANDS.iter().any(|(name, ..)| name.starts_with(word));
        return if may_be { None } else { Some(false) };
    }
    let known = COMMANDS.iter().find(|(name, ..)| *name == word && *name != b"quit");
    let Some(known) = known.filter(|_| matches!(rest.first(), Some(b' ' | b'\r'))) else {
        return Some(false);
    };
    let end = memchr::memchr(b'\n', rest);
    let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    if !line.iter().all(|byte| byte.is_ascii_graphic() || b" \r".contains(byte)) {
        return Some(false);
    }
    match end {
        None if line.len() > LONGEST_LINE || line.first() == Some(&b'\r') && line.len() > 1 => {
            Some(false)
        }
        None => None,
        Some(_) => Some(line.ends_with(b"\r") && is_command(known, line.trim_ascii_end())),
    }
}

fn is_command(known: &(&[u8], usize, usize, bool), line: &[u8]) -> bool {
    let (name, least, most, _) = known;
    let words: Vec<&[u8]> = words(line).collect();
    let numbers = match *name {
        b"set" | b"add" | b"replace" | b"append" | b"prepend" | b"cas" => words.get(1..4),
        b"incr" | b"decr" | b"ms" | b"touch" => words.get(1..2),
        _ => Some([].as_slice()),
    };
    let all_digits = |word: &&[u8]| word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
    let short = name.len() == 2;
    // Two letters are few: their key has to look like one.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:.-/".contains(byte);
    let named = words.first().is_none_or(|key| key.len() >= 4 && key.iter().all(plain));
    if short && !named {
        return false;
    }
    // Meta commands' words behind the key are flags, each of a letter or of one with a number.
    let flags = |word: &&[u8]| word.first().is_some_and(u8::is_ascii_alphabetic) && word.len() < 34;
    (*least..=*most).contains(&words.len())
        && numbers.is_some_and(|numbers| numbers.iter().all(all_digits))
        && (!short || words.iter().skip(if *name == b"ms" { 2 } else { 1 }).all(flags))
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
}

#[derive(Clone, Default)]
struct Conversation {
    sasl: Sasl,
    missing: bool,
    spoken: bool,
    logged_in: bool,
    /// The server said that it wants a login.
    wanted: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        if matches!(bytes.first(), Some(&REQUEST | &RESPONSE)) {
            let length = bytes.get(8..12).and_then(|length| Reader(length).u32());
            return length
                .map_or(Frame::Need, |length| Frame::Message(u64::from(length) + HEADER as u64));
        }
        let Some(end) = memchr::memchr(b'\n', bytes) else { return Frame::Need };
        let line = bytes.get(..end).unwrap_or_default().trim_ascii_end();
        let header = end as u64 + 1;
        let mut words = words(line);
        let command = words.next().unwrap_or_default();
        let place =
            match (direction, command) {
                (Direction::ToServer, b"ms") | (Direction::ToClient, b"VALUE") => {
                    if command == b"ms" { 1 } else { 2 }
                }
                (Direction::ToClient, b"VA") => 0,
                (Direction::ToServer, command) => {
                    match COMMANDS.iter().find(|(name, ..)| *name == command) {
                        Some((.., true)) => 3,
                        Some(_) => return Frame::Message(header),
                        None => return Frame::Foreign,
                    }
                }
                _ => return Frame::Message(header),
            };
        let length =
            words.nth(place).and_then(|word| std::str::from_utf8(word).ok()?.parse::<u32>().ok());
        length
            .map_or(Frame::Message(header), |length| Frame::Message(header + u64::from(length) + 2))
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        if matches!(message.bytes.first(), Some(&REQUEST | &RESPONSE)) {
            let _told = self.binary(message, notes);
            return Next::More;
        }
        let end = memchr::memchr(b'\n', message.bytes).unwrap_or(message.bytes.len());
        let (line, data) = message.bytes.split_at_checked(end).unwrap_or_default();
        match message.direction {
            Direction::ToServer => self.command(line.trim_ascii_end(), data, notes, message.at),
            Direction::ToClient => self.answer(line.trim_ascii_end(), notes, message.at),
        }
        Next::More
    }

    fn lost(&mut self, _: Direction) {
        self.missing = true;
        self.spoken = true;
        self.sasl.end();
    }
}

impl Conversation {
    fn command(&mut self, line: &[u8], data: &[u8], notes: &mut Notes, at: Moment) {
        let mut rest = words(line);
        let Some(command) = rest.next() else { return };
        let first = !std::mem::replace(&mut self.spoken, true);
        let key = rest.next().unwrap_or_default();
        if command == b"set" && (self.wanted || first && key.starts_with(b"auth")) {
            self.login(data, notes, at);
        }
        let quiet = match command {
            b"quit" => return,
            [b'm', _] => rest.any(|word| word == b"q"),
            _ => rest.next_back_is_noreply(),
        };
        let name = CallName::Rpc { service: b"", method: command };
        if quiet {
            notes.request(name, at);
        } else {
            notes.asked_in_turn(name, at);
        }
    }

    /// Where a server asks for a login by text, a value that is set first is the name and the password.
    fn login(&mut self, data: &[u8], notes: &mut Notes, at: Moment) {
        let data = data.trim_ascii();
        let Some(space) = memchr::memchr(b' ', data) else { return };
        let (user, password) = data.split_at_checked(space).unwrap_or_default();
        let password = password.get(1..).unwrap_or_default();
        self.logged_in = true;
        self.wanted = false;
        notes.login(Login::password("memcached ascii", "set auth", user, password), at);
    }

    fn answer(&mut self, line: &[u8], notes: &mut Notes, at: Moment) {
        let mut rest = words(line);
        let said = match rest.next() {
            Some(b"VALUE" | b"STAT" | b"ITEM") | None => return,
            Some(b"ERROR" | b"CLIENT_ERROR" | b"SERVER_ERROR") => Said::Failure,
            Some(b"VERSION") => {
                notes.program(b"memcached", rest.next().unwrap_or_default(), Direction::ToClient);
                Said::Success
            }
            Some(_) => Said::Success,
        };
        if said == Said::Failure && line.ends_with(b"unauthenticated") {
            self.wanted = true;
        } else if said == Said::Failure && memchr::memmem::find(line, b"authentication").is_some() {
            notes.credential_judged(false);
        } else if said == Said::Success && self.logged_in {
            notes.credential_judged(true);
        } else if said == Said::Success && !self.missing {
            notes.unauthenticated(at);
        }
        notes.answered_in_turn(said, at);
    }

    fn binary(&mut self, message: &Message<'_>, notes: &mut Notes) -> Option<()> {
        let mut rest = Reader(message.bytes);
        rest.skip(1)?;
        let code = rest.u8()?;
        let key = usize::from(rest.u16()?);
        let extras = usize::from(rest.u8()?);
        rest.skip(1)?;
        let status = rest.u16()?;
        rest.skip(4)?;
        let number = u64::from(rest.u32()?);
        rest.skip(8)?;
        rest.skip(extras)?;
        let key = rest.take(key)?;
        match message.direction {
            Direction::ToServer => {
                let method = operation(code);
                let name = CallName::Rpc { service: b"", method };
                notes.asked(number << 8 | u64::from(code), name, message.at);
                if matches!(code, 0x21 | 0x22) {
                    if code == 0x21 {
                        self.sasl.begin(key);
                    }
                    self.logged_in = true;
                    self.sasl.response(rest.0, "SASL", notes, message.at);
                }
            }
            Direction::ToClient => {
                let said = if status == 0 { Said::Success } else { Said::Failure };
                match (code, status) {
                    (0x21 | 0x22, 0) => notes.credential_judged(true),
                    (0x21 | 0x22, 0x20) => notes.credential_judged(false),
                    (0x0b, 0) => notes.program(b"memcached", rest.0, Direction::ToClient),
                    (0x20, _) => {}
                    (_, 0) if !self.logged_in && !self.missing => notes.unauthenticated(message.at),
                    _ => {}
                }
                notes.answered(number << 8 | u64::from(code), said, message.at);
            }
        }
        Some(())
    }
}

/// The name of an operation of the binary protocol.
fn operation(code: u8) -> &'static [u8] {
    match code {
        0x00 | 0x09 | 0x0c | 0x0d => b"get",
        0x01 | 0x11 => b"set",
        0x02 | 0x12 => b"add",
        0x03 | 0x13 => b"replace",
        0x04 | 0x14 => b"delete",
        0x05 | 0x15 => b"incr",
        0x06 | 0x16 => b"decr",
        0x07 | 0x17 => b"quit",
        0x08 | 0x18 => b"flush_all",
        0x0a => b"noop",
        0x0b => b"version",
        0x0e | 0x19 => b"append",
        0x0f | 0x1a => b"prepend",
        0x10 => b"stats",
        0x1c => b"touch",
        0x1d | 0x1e => b"gat",
        0x20 => b"sasl list",
        0x21 => b"sasl auth",
        0x22 => b"sasl step",
        _ => b"other",
    }
}

/// Words of a command's line.
trait Words {
    /// Whether the last of them says that no answer is wanted.
    fn next_back_is_noreply(self) -> bool;
}

impl<'a, I: Iterator<Item = &'a [u8]>> Words for I {
    fn next_back_is_noreply(self) -> bool {
        self.last() == Some(b"noreply")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, server};
    use super::*;
    use crate::inspect::protocol;

    fn probe(bytes: &[u8]) -> Probe {
        let head = Head { direction: Direction::ToServer, bytes, from_start: true };
        protocol("memcached").unwrap().probe(&head)
    }

    #[test]
    fn commands_their_outcome_and_the_version_are_told() {
        let facts = facts(
            "memcached",
            &[
                client("set k 0 60 5\r\nhe\r\nl\r\nget k x\r\n"),
                server("STORED\r\nVALUE k 0 5\r\nEND\r\n\r\nEND\r\n"),
                client("delete k noreply\r\nversion\r\nmg k v\r\n"),
                server("VERSION 1.6.18\r\nVA 2\r\nhi\r\n"),
                client("incr k 1\r\n"),
                server("CLIENT_ERROR cannot increment\r\n"),
            ],
        );
        let calls = facts.calls.unwrap().calls;
        let told: Vec<_> = calls.iter().map(|c| (&*c.method, c.succeeded, c.failed)).collect();
        let wanted = [
            ("set", 1, 0),
            ("get", 1, 0),
            ("delete", 0, 0),
            ("version", 1, 0),
            ("mg", 1, 0),
            ("incr", 0, 1),
        ];
        assert_eq!(told, wanted);
        assert_eq!(facts.readable.unwrap().programs[0].version, "1.6.18");
    }

    #[test]
    fn logins_by_text_and_with_sasl_are_told() {
        let by_text = [client("set auth 0 0 10\r\napp s3cret\r\n"), server("STORED\r\n")];
        let credential = facts("memcached", &by_text).readable.unwrap().credentials.remove(0);
        assert_eq!(
            (credential.principal.as_deref(), credential.accepted),
            (Some("app"), Some(true))
        );
        let value = b"PLAIN\0app\0s3cret";
        let mut request = vec![0x80, 0x21, 0, 5, 0, 0, 0, 0, 0, 0, 0, 16];
        request.extend_from_slice(&[0; 12]);
        request.extend_from_slice(value);
        let mut refusal = vec![0x81, 0x21, 0, 0, 0, 0, 0, 0x20];
        refusal.extend_from_slice(&[0; 16]);
        assert_eq!(probe(&request), Probe::Yes);
        let sasl = [client(request), server(refusal)];
        let credential = facts("memcached", &sasl).readable.unwrap().credentials.remove(0);
        assert_eq!((credential.mechanism, credential.accepted), ("sasl plain", Some(false)));
    }

    #[test]
    fn a_command_is_recognised_by_its_whole_line() {
        assert_eq!(probe(b"get a b\r\n"), Probe::Yes);
        assert_eq!(probe(b"stat"), Probe::Unsure);
        assert_eq!(probe(b"set k 0 0 x\r\n"), Probe::No);
        assert_eq!(probe(b"get /index.html\n"), Probe::No);
        assert_eq!(probe(b"quit\r\n"), Probe::No);
    }
}
