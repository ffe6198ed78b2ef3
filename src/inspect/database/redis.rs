//! Redis and what speaks its protocol, RESP2 and RESP3 (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).
//!
//! Takes both byte streams; gives the commands by name, whether they succeeded, and the passwords of `AUTH` and `HELLO`.
//! Keys and values are not looked at.

use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{
    Credential, CredentialKind, Direction, Exposure, Field, Moment, PerDirection, Secret,
    escape_bytes, limits,
};

/// Redis, Valkey, KeyDB and their like.
pub(in crate::inspect) struct Redis;

impl Protocol for Redis {
    fn name(&self) -> ProtocolId {
        "redis"
    }

    fn class(&self) -> Class {
        Class::Datastore
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match head.of_sides(Probe::No, Probe::begins(head.bytes, &REFUSALS)) {
            Probe::No => {}
            said => return said,
        }
        // Behind a hole, a line may be the rest of any other one.
        if !head.from_start && head.bytes.first().is_some_and(|byte| *byte != b'*') {
            return Probe::No;
        }
        match (command(head.bytes, is_inline_command), head.direction) {
            (Command::Words { first, .. }, Direction::ToServer) if is_command(first) => Probe::Yes,
            // An array in the middle of a connection may be a reply.
            (Command::Words { first, .. }, Direction::ToClient)
                if head.from_start && is_command(first) =>
            {
                Probe::Reversed
            }
            (Command::Words { .. } | Command::None, _) => Probe::No,
            (Command::Unfinished, _) => Probe::Unsure,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Resp>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// What only Redis says: mostly to clients whose own bytes nobody knows.
const REFUSALS: [&[u8]; 9] = [
    b"+PONG\r\n",
    b"-ERR unknown command '",
    b"-ERR unknown command `",
    b"-ERR Protocol error: ",
    b"-NOAUTH Authentication required",
    b"-WRONGPASS invalid username-password",
    b"-WRONGTYPE Operation against",
    b"-READONLY You can't write",
    b"-DENIED Redis is running in protected mode",
];

/// The grammar of RESP.
#[derive(Clone, Default)]
struct Resp {
    /// A reply says nothing of the command any longer: the connection gets messages it did not ask for.
    pushed: bool,
    /// Values still to come of an aggregate too long to keep, whose beginning was a message.
    left: PerDirection<u64>,
    /// The same, behind the frame that is being read.
    left_behind: PerDirection<u64>,
}

impl Grammar for Resp {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        // What is decided must not depend on how much more happens to be there.
        let bytes = bytes.get(..limits::MESSAGE_BYTES).unwrap_or(bytes);
        let left = self.left[direction];
        self.left_behind[direction] = 0;
        if left == 0 && direction == Direction::ToServer && bytes.first() != Some(&b'*') {
            return match line_end(bytes) {
                End::At(end) => Frame::Message(end),
                End::Later => Frame::Need,
                End::Never => Frame::Foreign,
            };
        }
        let (end, so_far) = values_end(bytes, left.max(1));
        match end {
            End::At(end) => Frame::Message(end),
            End::Later if bytes.len() < limits::MESSAGE_BYTES => Frame::Need,
            // Its beginning is a message, and what it still holds comes in parts.
            End::Later if so_far.end > 0 => {
                self.left_behind[direction] = so_far.left;
                Frame::Message(so_far.end)
            }
            End::Later | End::Never => Frame::Foreign,
        }
    }

    fn lost(&mut self, direction: Direction) {
        self.left[direction] = 0;
        self.left_behind[direction] = 0;
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let direction = message.direction;
        let goes_on = self.left[direction] > 0;
        self.left[direction] = std::mem::take(&mut self.left_behind[direction]);
        if goes_on {
            return Next::More;
        }
        match direction {
            Direction::ToServer => self.command(message, notes),
            Direction::ToClient => self.reply(message, notes),
        }
        Next::More
    }
}

impl Resp {
    fn command(&mut self, message: &Message<'_>, notes: &mut Notes) {
        let Command::Words { first, rest } = command(message.bytes, is_command) else { return };
        let name = first.to_ascii_uppercase();
        if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)) {
            return;
        }
        self.pushed |= matches!(&*name, b"SUBSCRIBE" | b"PSUBSCRIBE" | b"SSUBSCRIBE" | b"MONITOR");
        notes.asked_in_turn(CallName::Rpc { service: b"", method: &name }, message.at);
        match &*name {
            b"AUTH" => credential(&words(rest), message.at, notes),
            b"HELLO" => {
                let words = words(rest);
                let auth = words.iter().position(|word| word.eq_ignore_ascii_case(b"AUTH"));
                let after = auth.and_then(|at| words.get(at.saturating_add(1)..));
                if let Some([user, password, ..]) = after {
                    credential(&[user, password], message.at, notes);
                }
            }
            _ => {}
        }
    }

    fn reply(&mut self, message: &Message<'_>, notes: &mut Notes) {
        if self.pushed || message.bytes.first() == Some(&b'>') {
            return;
        }
        let said = match message.bytes.first() {
            Some(b'-' | b'!') => Said::Failure,
            _ => Said::Success,
        };
        if message.bytes.starts_with(b"-WRONGPASS")
            || message.bytes.starts_with(b"-ERR invalid pass")
        {
            notes.credential_judged(false);
        }
        notes.answered_in_turn(said, message.at);
    }
}

fn credential(words: &[&[u8]], at: Moment, notes: &mut Notes) {
    let (user, password): (&[u8], &[u8]) = match words {
        [password] => (b"default", password),
        [user, password, ..] => (user, password),
        [] => return,
    };
    notes.credential(Credential {
        kind: CredentialKind::Password,
        mechanism: "redis auth",
        place: "AUTH".to_owned(),
        principal: Some(escape_bytes(user.get(..limits::TEXT_BYTES).unwrap_or(user))),
        secret: Secret::of(password),
        exposure: Exposure::Readable,
        default: password == b"foobared",
        direction: Direction::ToServer,
        first: at,
        count: 1,
        accepted: None,
    });
}

/// A command: its first word, and what is behind it as it stands.
enum Command<'a> {
    Words { first: &'a [u8], rest: &'a [u8] },
    Unfinished,
    None,
}

/// The command that begins here: an array of bulk strings, or a line whose first word is one of `known`.
fn command(bytes: &[u8], known: fn(&[u8]) -> bool) -> Command<'_> {
    let Some(first) = bytes.first() else { return Command::Unfinished };
    if *first != b'*' {
        return inline(bytes, known);
    }
    let words = match number_line(bytes) {
        Line::Number(1..=1_048_576, behind) => bytes.get(behind..).unwrap_or_default(),
        Line::Later => return Command::Unfinished,
        _ => return Command::None,
    };
    match bulk(words) {
        Bulk::Text(first, behind) => {
            Command::Words { first, rest: words.get(behind..).unwrap_or_default() }
        }
        Bulk::Later => Command::Unfinished,
        Bulk::None => Command::None,
    }
}

/// A command on a line of its own, as people type it and health checks send it.
fn inline(bytes: &[u8], known: fn(&[u8]) -> bool) -> Command<'_> {
    let word = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if word == bytes.len() {
        return if begins_inline_command(bytes) { Command::Unfinished } else { Command::None };
    }
    let Some((first, rest)) = bytes.split_at_checked(word) else { return Command::None };
    // Other protocols' lines have brackets and braces: NATS greets with `INFO {`.
    let plain =
        |byte: &u8| byte.is_ascii_graphic() && !b"{}<>()".contains(byte) || b" \r\n".contains(byte);
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !line.iter().all(plain) {
        return Command::None;
    }
    match (known(first), memchr::memmem::find(rest, b"\r\n")) {
        (true, Some(end)) => Command::Words { first, rest: rest.get(..end).unwrap_or_default() },
        (true, None) if rest.len() < limits::TEXT_BYTES => Command::Unfinished,
        _ => Command::None,
    }
}

/// Commands that are told from other protocols' lines. `QUIT`, `GET` and `AUTH` are many protocols'.
const INLINE: [&[u8]; 3] = [b"PING", b"INFO", b"CONFIG"];

fn begins_inline_command(begin: &[u8]) -> bool {
    let same = |known: &[u8]| known.eq_ignore_ascii_case(begin);
    INLINE.iter().any(|known| known.get(..begin.len()).is_some_and(same))
}

fn is_inline_command(word: &[u8]) -> bool {
    INLINE.iter().any(|known| known.eq_ignore_ascii_case(word))
}

const LONGEST_COMMAND: usize = 24;

fn is_command(word: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphabetic() || b"._-".contains(byte);
    (2..=LONGEST_COMMAND).contains(&word.len()) && word.iter().all(fits)
}

/// The words behind a command's first one: bulk strings, or what stands between blanks on a line.
fn words(mut rest: &[u8]) -> Vec<&[u8]> {
    const ENOUGH: usize = 8;
    let mut words = Vec::new();
    if rest.first() != Some(&b'$') {
        let all = rest.split(u8::is_ascii_whitespace);
        return all.filter(|word| !word.is_empty()).take(ENOUGH).collect();
    }
    while let Bulk::Text(word, behind) = bulk(rest) {
        words.push(word);
        rest = rest.get(behind..).unwrap_or_default();
        if words.len() >= ENOUGH {
            break;
        }
    }
    words
}

enum Bulk<'a> {
    Text(&'a [u8], usize),
    Later,
    None,
}

fn bulk(bytes: &[u8]) -> Bulk<'_> {
    match bytes.first() {
        None => return Bulk::Later,
        Some(b'$') => {}
        Some(_) => return Bulk::None,
    }
    match number_line(bytes) {
        Line::Number(length, start) => {
            let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
            let Some(end) = end else { return Bulk::None };
            match bytes.get(start..end) {
                Some(text) => Bulk::Text(text, end.saturating_add(2)),
                None => Bulk::Later,
            }
        }
        Line::Later => Bulk::Later,
        Line::None => Bulk::None,
    }
}

/// A line of a type byte and a number.
#[derive(Clone)]
enum Line {
    /// The number, and where the line ends.
    Number(i64, usize),
    Later,
    None,
}

fn number_line(bytes: &[u8]) -> Line {
    const LONGEST: usize = 24;
    let line = bytes.get(..LONGEST).unwrap_or(bytes);
    let Some(end) = memchr::memchr(b'\n', line) else {
        let digits = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'\r');
        let may_be = line.iter().skip(1).all(digits) && line.len() < LONGEST;
        return if may_be { Line::Later } else { Line::None };
    };
    let number = line.get(1..end).and_then(|text| text.strip_suffix(b"\r"));
    let number = number.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    number.map_or(Line::None, |number| Line::Number(number, end.saturating_add(1)))
}

/// Where something ends.
#[derive(Clone)]
enum End {
    At(u64),
    Later,
    Never,
}

/// How far values were read, and how many are still to come.
struct SoFar {
    end: u64,
    left: u64,
}

fn line_end(bytes: &[u8]) -> End {
    match memchr::memchr(b'\n', bytes) {
        Some(end) => End::At(end as u64 + 1),
        None if bytes.len() < limits::MESSAGE_BYTES => End::Later,
        None => End::Never,
    }
}

/// Where so many values of RESP end, aggregates with all they hold; or how far that many bytes go. The last string of a
/// value need not be there.
fn values_end(bytes: &[u8], values: u64) -> (End, SoFar) {
    let mut so_far = SoFar { end: 0, left: values };
    while so_far.left > 0 {
        let rest = usize::try_from(so_far.end).ok().and_then(|place| bytes.get(place..));
        let Some(rest @ [kind, ..]) = rest else { return (End::Later, so_far) };
        let mut holds = 0;
        let length = match kind {
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => match line_end(rest) {
                End::At(length) => length,
                other => return (other, so_far),
            },
            b'$' | b'!' | b'=' | b'*' | b'~' | b'>' | b'%' | b'|' => match number_line(rest) {
                Line::Number(number, behind) => {
                    let number = u64::try_from(number).ok();
                    let string = match kind {
                        b'$' | b'!' | b'=' => number.map_or(0, |length| length.saturating_add(2)),
                        _ => 0,
                    };
                    holds = match kind {
                        b'$' | b'!' | b'=' => 0,
                        b'%' | b'|' => number.unwrap_or(0).saturating_mul(2),
                        _ => number.unwrap_or(0),
                    };
                    (behind as u64).saturating_add(string)
                }
                Line::Later => return (End::Later, so_far),
                Line::None => return (End::Never, so_far),
            },
            _ => return (End::Never, so_far),
        };
        so_far.end = so_far.end.saturating_add(length);
        so_far.left = so_far.left.saturating_sub(1).saturating_add(holds);
    }
    (End::At(so_far.end), so_far)
}

#[cfg(test)]
mod tests {
    use super::super::super::feeder::{client, facts, server};
    use super::*;

    #[test]
    fn commands_passwords_and_outcomes_are_told() {
        let facts = facts(
            "redis",
            &[
                client("*2\r\n$4\r\nAUTH\r\n$6\r\ns3cret\r\n"),
                server("+OK\r\n"),
                client("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n"),
                client([b"x".repeat(20_000).as_slice(), b"\r\nPING\r\n"].concat()),
                server("+OK\r\n-ERR no\r\n"),
            ],
        );
        let calls = facts.calls.unwrap();
        let told = calls.calls.iter().map(|c| (&*c.method, c.succeeded, c.failed));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [("AUTH", 1, 0), ("SET", 1, 0), ("PING", 0, 1)]);
        let credential = &facts.readable.unwrap().credentials[0];
        assert_eq!(credential.principal.as_deref(), Some("default"));
        assert_eq!(credential.secret.length(), 6);
    }

    #[test]
    fn a_line_that_mail_servers_know_too_is_redis_only_after_one_that_they_do_not() {
        let head = |bytes| Head { direction: Direction::ToServer, bytes, from_start: true };
        assert_eq!(Redis.probe(&head(b"AUTH PLAIN\r\n")), Probe::No);
        let facts = facts("redis", &[client("PING\r\nAUTH s3cret\r\n")]);
        assert_eq!(facts.readable.unwrap().credentials[0].secret.length(), 6);
    }

    #[test]
    fn a_user_and_a_password_within_hello_are_found() {
        let hello = "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$2\r\npw\r\n";
        let credential = facts("redis", &[client(hello)]).readable.unwrap().credentials.remove(0);
        assert_eq!(credential.principal.as_deref(), Some("app"));
        assert_eq!(credential.secret.length(), 2);
    }

    /// Byte-exact after the specification of RESP. No sample was recorded yet.
    #[test]
    fn long_aggregates_are_read_in_parts_and_what_follows_is_paired() {
        let long = |first: &str, values: usize| {
            let values_text = "$40\r\n0123456789012345678901234567890123456789\r\n".repeat(values);
            format!("*{}\r\n{first}*2\r\n:1\r\n:2\r\n{values_text}", values + 2).into_bytes()
        };
        let told = |pieces: usize| {
            let asked = [long("$4\r\nMSET\r\n", 2000), b"*1\r\n$4\r\nPING\r\n".to_vec()].concat();
            let said = [long("+a\r\n", 3000), b"-ERR no\r\n".to_vec()].concat();
            let mut events: Vec<_> = asked.chunks(pieces).map(client).collect();
            events.extend(said.chunks(pieces).map(server));
            let calls = facts("redis", &events).calls.unwrap();
            let told = calls.calls.iter().map(|c| (c.method.clone(), c.succeeded, c.failed));
            told.collect::<Vec<_>>()
        };
        let expected = [("MSET".to_owned(), 1, 0), ("PING".to_owned(), 0, 1)];
        for pieces in [1 << 20, 16_384, 1448, 333] {
            assert_eq!(told(pieces), expected, "{pieces}");
        }
    }

    #[test]
    fn replies_are_not_paired_once_messages_are_pushed() {
        let facts = facts(
            "redis",
            &[
                client("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"),
                server("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
                server("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n"),
            ],
        );
        let calls = facts.calls.unwrap();
        assert_eq!((calls.calls.len(), calls.responses), (1, 0));
    }
}
