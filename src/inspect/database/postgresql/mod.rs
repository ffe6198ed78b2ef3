//! PostgreSQL's protocol, version 3 (<https://www.postgresql.org/docs/current/protocol.html>).
//!
//! Takes both byte streams; gives user and database, whether TLS was asked for and what came of it, passwords and their
//! mechanisms, the verbs of statements and whether they succeeded. Statements, parameters and rows are not looked at.

mod pairing;
#[cfg(test)]
mod tests;

use self::pairing::Pairing;
use super::super::begins::Begins;
use super::super::calls;
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes};
use super::super::reader::Reader;
use super::super::sasl::Sasl;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::sql;
use crate::model::{Direction, Field, Moment, UpgradeState, limits};

/// PostgreSQL and what speaks its protocol: CockroachDB, Redshift, poolers.
pub(in crate::inspect) struct Postgresql;

impl Protocol for Postgresql {
    fn name(&self) -> ProtocolId {
        "postgresql"
    }

    fn class(&self) -> Class {
        Class::Datastore
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let (client, server) = (opening(head.bytes), authentication(head.bytes));
        match head.from_start {
            true => head.of_sides(client, server),
            false => {
                head.of_sides(client.or(statement(head.bytes)), server.or(failure(head.bytes)))
            }
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// Whether a statement begins here, to be executed or prepared: how conversations are known that were joined late.
fn statement(bytes: &[u8]) -> Probe {
    const LONGEST_NAME: usize = 64;
    let fits = |(place, byte): (usize, &u8)| match place {
        0 => matches!(byte, b'Q' | b'P'),
        _ => *byte == 0,
    };
    if !bytes.iter().take(2).enumerate().all(fits) {
        return Probe::No;
    }
    let Some(text) = bytes.get(5..) else { return Probe::Unsure };
    if bytes.first() == Some(&b'Q') {
        return sql::begins(text);
    }
    match memchr::memchr(0, text.get(..LONGEST_NAME).unwrap_or(text)) {
        Some(end) => text.get(end + 1..).map_or(Probe::No, sql::begins),
        None if text.len() < LONGEST_NAME => Probe::Unsure,
        None => Probe::No,
    }
}

/// Whether a server says here that something failed.
fn failure(bytes: &[u8]) -> Probe {
    const SEVERITIES: [&[u8]; 3] = [b"SERROR\0", b"SFATAL\0", b"SPANIC\0"];
    let fits = |(place, byte): (usize, &u8)| *byte == if place == 0 { b'E' } else { 0 };
    if !bytes.iter().take(3).enumerate().all(fits) {
        return Probe::No;
    }
    Probe::begins(bytes.get(5..).unwrap_or_default(), &SEVERITIES)
}

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// Bytes of a startup message that servers accept.
const STARTUP_BYTES: u32 = 10_000;

/// Whether a startup message or a request that stands in its place begins here.
fn opening(bytes: &[u8]) -> Probe {
    let fits = |(place, byte): (usize, &u8)| match place {
        0 | 1 | 6 => *byte == 0 || place == 6 && *byte == 0x16,
        4 => matches!(byte, 0 | 4),
        5 => matches!(byte, 3 | 0xd2),
        _ => true,
    };
    let Some(([a, b, c, d], rest)) = bytes.split_first_chunk::<4>() else {
        return if bytes.iter().enumerate().all(fits) { Probe::Unsure } else { Probe::No };
    };
    if !bytes.iter().take(8).enumerate().all(fits) {
        return Probe::No;
    }
    let length = u32::from_be_bytes([*a, *b, *c, *d]);
    let Some((code, parameters)) = rest.split_first_chunk::<4>() else { return Probe::Unsure };
    match (length, u32::from_be_bytes(*code)) {
        (8, SSL_REQUEST | GSS_REQUEST) | (12..=280, CANCEL_REQUEST) => Probe::Yes,
        (12..=STARTUP_BYTES, 0x3_0000..=0x3_0002) => first_parameter(parameters),
        _ => Probe::No,
    }
}

/// Clients name the user first or soon; every name is one of a few.
fn first_parameter(bytes: &[u8]) -> Probe {
    const KNOWN: [&[u8]; 11] = [
        b"user\0",
        b"database\0",
        b"options\0",
        b"replication\0",
        b"application_name\0",
        b"client_encoding\0",
        b"DateStyle\0",
        b"TimeZone\0",
        b"extra_float_digits\0",
        b"datestyle\0",
        b"_pq_.",
    ];
    Probe::begins(bytes, &KNOWN)
}

/// Whether a server's first answer to a startup message begins here: a request for authentication.
fn authentication(bytes: &[u8]) -> Probe {
    let begins = Begins::judge(bytes, 9, |place, byte| match place {
        0 => byte == b'R',
        1..=3 | 5..=7 => byte == 0,
        4 => byte >= 8,
        _ => byte <= 12,
    });
    begins.into()
}

/// What the client asked for before the startup message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Tls,
    Gss,
}

/// How the server wants the client to authenticate.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Method {
    #[default]
    Unknown,
    ClearText,
    Md5,
    Sasl,
    Other,
}

#[derive(Clone, Default)]
struct Conversation {
    asked: Option<Asked>,
    /// TLS was refused: what the client says next, it says in clear nevertheless.
    refused: bool,
    started: bool,
    method: Method,
    sasl: Sasl,
    sent_secret: bool,
    ready: bool,
    missing: bool,
    user: Vec<u8>,
    pairing: Pairing,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        match direction {
            Direction::ToServer if self.asked.is_some() => Frame::Need,
            Direction::ToServer if !self.started => match Reader(bytes).u32() {
                None => Frame::Need,
                Some(length @ 8..=STARTUP_BYTES) => Frame::Message(length.into()),
                Some(_) => Frame::Foreign,
            },
            Direction::ToServer => typed(bytes, b"pQPBEDCHSFXdcf"),
            Direction::ToClient => match (bytes.first(), self.asked) {
                (Some(b'S' | b'N'), Some(_)) | (Some(b'G'), Some(Asked::Gss)) => Frame::Message(1),
                (Some(b'E'), _) | (Some(b'R'), None) => typed(bytes, b"ER"),
                // The answer was captured before what it answers.
                (Some(_), None) if !self.started => Frame::Need,
                (Some(_), None) => typed(bytes, b"RSKZTDCEN123tnsIAGHWVcdv"),
                (Some(_), Some(_)) => Frame::Foreign,
                (None, _) => Frame::Need,
            },
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        match message.direction {
            Direction::ToServer if !self.started => self.opening(message, notes),
            Direction::ToServer => self.request(message, notes),
            Direction::ToClient if self.asked.is_some() && message.bytes.len() == 1 => {
                return self.consent(message, notes);
            }
            Direction::ToClient => self.answer(message, notes),
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        let begins = match direction {
            Direction::ToServer => statement(bytes),
            Direction::ToClient => failure(bytes),
        };
        self.asked.is_none() && begins == Probe::Yes
    }

    fn upgrading(&self) -> bool {
        self.missing && self.asked == Some(Asked::Tls)
    }

    fn lost(&mut self, direction: Direction) {
        self.missing = true;
        self.pairing.lose();
        match direction {
            Direction::ToServer => {
                self.started = true;
                self.pairing.forget();
            }
            Direction::ToClient => {
                self.method = Method::Unknown;
                self.sasl.end();
            }
        }
    }
}

/// A message with a type and a length.
fn typed(bytes: &[u8], types: &[u8]) -> Frame {
    let Some(kind) = bytes.first() else { return Frame::Need };
    if !types.contains(kind) {
        return Frame::Foreign;
    }
    match bytes.get(1..).and_then(|rest| Reader(rest).u32()) {
        None => Frame::Need,
        Some(length @ 4..=0x4000_0000) => Frame::Message(u64::from(length) + 1),
        Some(_) => Frame::Foreign,
    }
}

impl Conversation {
    fn opening(&mut self, message: &Message<'_>, notes: &mut Notes) {
        let mut rest = Reader(message.bytes);
        let code = rest.skip(4).and_then(|()| rest.u32());
        match code {
            Some(SSL_REQUEST) => {
                self.asked = Some(Asked::Tls);
                notes.upgrade(UpgradeState::Asked, message.at);
                notes.negotiation();
            }
            Some(GSS_REQUEST) => {
                self.asked = Some(Asked::Gss);
                notes.negotiation();
            }
            Some(CANCEL_REQUEST) => {
                self.in_clear(notes, message.at);
                notes.request(calls::CallName::Rpc { service: b"", method: b"CANCEL" }, message.at);
            }
            _ => {
                self.started = true;
                self.in_clear(notes, message.at);
                self.startup(rest, notes, message.at);
            }
        }
    }

    fn in_clear(&self, notes: &mut Notes, at: Moment) {
        if self.refused {
            notes.went_on_in_clear(at);
        }
    }

    fn startup(&mut self, mut rest: Reader<'_>, notes: &mut Notes, at: Moment) {
        while let (Some(name), Some(value)) = (rest.until(0), rest.until(0)) {
            match name {
                b"user" => self.user = value.get(..limits::TEXT_BYTES).unwrap_or(value).to_vec(),
                b"database" => self.pairing.database(value),
                b"application_name" => notes.caller(value, "postgresql application_name", at),
                _ => {}
            }
        }
        let user = self.user.clone();
        self.pairing.database_or(&user);
    }

    /// The one letter that answers a request for encryption.
    fn consent(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let accepted = message.bytes != b"N";
        notes.negotiation();
        match self.asked.take() {
            Some(Asked::Tls) => {
                notes.upgrade_answered(accepted, message.at);
                self.refused = !accepted;
                if accepted { Next::Switch("tls") } else { Next::More }
            }
            // What follows is encrypted with a Kerberos session's key.
            Some(Asked::Gss) if accepted => Next::Done,
            _ => Next::More,
        }
    }

    fn request(&mut self, message: &Message<'_>, notes: &mut Notes) {
        let Some((kind, rest)) = message.bytes.split_first() else { return };
        let rest = rest.get(4..).unwrap_or_default();
        match kind {
            b'p' => self.password(rest, message.at, notes),
            b'Q' => self.pairing.query(sql::verb(rest), notes, message.at),
            b'P' => self.pairing.parse(rest),
            b'B' => self.pairing.bind(rest),
            b'E' => self.pairing.execute(notes, message.at),
            b'F' => self.pairing.query(b"FUNCTION", notes, message.at),
            b'S' => self.pairing.sync(),
            _ => {}
        }
    }

    fn password(&mut self, rest: &[u8], at: Moment, notes: &mut Notes) {
        const PLACE: &str = "PasswordMessage";
        let text = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        let login = |mechanism| Login::password(mechanism, PLACE, &self.user, text);
        self.sent_secret = true;
        match self.method {
            Method::ClearText => {
                notes.login(login("cleartext").shipped_as(b"postgres", b"postgres"), at);
            }
            Method::Md5 => notes.login(login("md5").crackable(), at),
            Method::Unknown if text.len() == 35 && text.starts_with(b"md5") => {
                notes.login(login("md5").crackable(), at);
            }
            Method::Sasl if !self.sasl.is_open() => {
                let mut rest = Reader(rest);
                let Some(mechanism) = rest.until(0) else { return };
                self.sasl.begin(mechanism);
                if let Some(response) = rest.vec32() {
                    let named = with_user(response, &self.user);
                    self.sasl.response(named.as_deref().unwrap_or(response), PLACE, notes, at);
                }
            }
            Method::Sasl => self.sasl.response(rest, PLACE, notes, at),
            Method::Unknown | Method::Other => {}
        }
    }

    fn answer(&mut self, message: &Message<'_>, notes: &mut Notes) {
        let Some((kind, rest)) = message.bytes.split_first() else { return };
        let rest = rest.get(4..).unwrap_or_default();
        if self.asked.take().is_some() {
            notes.upgrade_answered(false, message.at);
            self.refused = true;
        }
        match kind {
            b'R' => self.authentication(rest, notes, message.at),
            b'E' if !self.ready && self.sent_secret => notes.credential_judged(false),
            b'E' => self.pairing.failed(notes, message.at),
            b'S' => {
                let mut rest = Reader(rest);
                if let (Some(b"server_version"), Some(version)) = (rest.until(0), rest.until(0)) {
                    notes.program(b"postgresql", version, Direction::ToClient);
                }
            }
            b'C' | b'I' | b's' => self.pairing.completed(notes, message.at),
            b'Z' => {
                self.ready = true;
                self.pairing.ready(notes, message.at);
            }
            _ => {}
        }
    }

    fn authentication(&mut self, rest: &[u8], notes: &mut Notes, at: Moment) {
        self.method = match Reader(rest).u32() {
            Some(0) => {
                if self.sent_secret {
                    notes.credential_judged(true);
                } else if !self.missing && self.started {
                    notes.unauthenticated(at);
                }
                self.ready = true;
                Method::Other
            }
            Some(3) => Method::ClearText,
            Some(5) => Method::Md5,
            Some(10..=12) => Method::Sasl,
            _ => Method::Other,
        };
    }
}

/// SCRAM's first message names no user here: the startup message did.
fn with_user(response: &[u8], user: &[u8]) -> Option<Vec<u8>> {
    let at = memchr::memmem::find(response, b"n=,")?;
    let (before, behind) = response.split_at_checked(at.checked_add(2)?)?;
    Some([before, user, behind].concat())
}
