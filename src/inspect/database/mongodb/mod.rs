//! MongoDB's wire protocol (<https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>).
//!
//! Takes both byte streams; gives commands by name and database, whether they succeeded, logins, and what drivers say
//! of themselves. Documents are not looked at beyond the names of their first elements.

mod bson;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use self::bson::Value;
use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes, Said};
use super::super::reader::Reader;
use super::super::sasl::Sasl;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Field, Moment};

/// MongoDB and what speaks its protocol: DocumentDB, Cosmos DB, FerretDB.
pub(in crate::inspect) struct Mongodb;

impl Protocol for Mongodb {
    fn name(&self) -> ProtocolId {
        "mongodb"
    }

    fn class(&self) -> Class {
        Class::Datastore
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match header(head.bytes) {
            Begins::Unsure => Probe::Unsure,
            Begins::No => Probe::No,
            Begins::Request => head.sent_by(Direction::ToServer),
            Begins::Reply => head.sent_by(Direction::ToClient),
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

const REPLY: u32 = 1;
const UPDATE: u32 = 2001;
const QUERY: u32 = 2004;
const DELETE: u32 = 2006;
const COMPRESSED: u32 = 2012;
const MESSAGE: u32 = 2013;

/// Bytes of a message that servers accept.
const LONGEST: u32 = 48_000_000;

/// What begins here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Request,
    Reply,
    Unsure,
    No,
}

/// A header, and of what is behind it as much as makes sure.
fn header(bytes: &[u8]) -> Begins {
    let fits = |(place, byte): (usize, &u8)| match place {
        3 => *byte <= 2,
        12 => matches!(byte, 0xd4 | 0xdc | 0xdd | 1),
        13 => matches!(byte, 7 | 0),
        14 | 15 => *byte == 0,
        _ => true,
    };
    if !bytes.iter().take(16).enumerate().all(fits) {
        return Begins::No;
    }
    let mut rest = Reader(bytes);
    let (Some(length), Some(_), Some(answers), Some(kind), Some(flags)) =
        (rest.u32_le(), rest.u32_le(), rest.u32_le(), rest.u32_le(), rest.u32_le())
    else {
        return Begins::Unsure;
    };
    if !(21..=LONGEST).contains(&length) {
        return Begins::No;
    }
    // Some old drivers fill in -1, where a request answers nothing.
    let unasked = answers == 0 || kind == QUERY && answers == u32::MAX;
    let sure = match (kind, rest.u8()) {
        (_, None) => return Begins::Unsure,
        // Sections of kind 0 or 1, behind flags of which three are defined.
        (MESSAGE, Some(section)) => flags & !0x1_0003 == 0 && section <= 1,
        // A namespace, behind flags.
        (QUERY, Some(name)) => flags & !0xff == 0 && name.is_ascii_graphic() && unasked,
        (COMPRESSED, Some(_)) => matches!(flags, REPLY | UPDATE..=DELETE | MESSAGE),
        (REPLY, Some(_)) => flags & !0xf == 0 && answers != 0 && length >= 36,
        _ => false,
    };
    match (sure, unasked) {
        (true, true) => Begins::Request,
        (true, false) => Begins::Reply,
        (false, _) => Begins::No,
    }
}

/// Commands that every client may send before it authenticates.
const OPEN: [&[u8]; 12] = [
    b"hello",
    b"ismaster",
    b"isMaster",
    b"buildInfo",
    b"buildinfo",
    b"ping",
    b"saslStart",
    b"saslContinue",
    b"authenticate",
    b"getnonce",
    b"connectionStatus",
    b"endSessions",
];

/// Commands whose answers are awaited to see whether a server serves everybody.
const GUARDED: usize = 32;

#[derive(Clone, Default)]
struct Conversation {
    sasl: Sasl,
    authenticated: bool,
    missing: bool,
    /// Numbers of commands that need an authenticated client, sent by one that is not.
    guarded: VecDeque<u32>,
    /// Numbers of what authenticates.
    logins: VecDeque<u32>,
}

impl Grammar for Conversation {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        let mut rest = Reader(bytes);
        let length = rest.u32_le();
        let kind = rest.skip(8).and_then(|()| rest.u32_le());
        match (length, kind) {
            (Some(length @ 16..=LONGEST), Some(REPLY | UPDATE..=2011 | COMPRESSED | MESSAGE)) => {
                Frame::Message(length.into())
            }
            (Some(_), Some(_)) => Frame::Foreign,
            _ => Frame::Need,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let _told = self.take(message, notes);
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        match header(bytes) {
            Begins::Request => direction == Direction::ToServer,
            Begins::Reply => direction == Direction::ToClient,
            Begins::Unsure | Begins::No => false,
        }
    }

    fn lost(&mut self, _: Direction) {
        self.missing = true;
        self.sasl.end();
    }
}

impl Conversation {
    fn take(&mut self, message: &Message<'_>, notes: &mut Notes) -> Option<()> {
        let mut rest = Reader(message.bytes);
        rest.skip(4)?;
        let (number, answers, mut kind) = (rest.u32_le()?, rest.u32_le()?, rest.u32_le()?);
        if kind == COMPRESSED {
            kind = rest.u32_le()?;
            rest.skip(4)?;
            if rest.u8()? != 0 {
                match message.direction {
                    Direction::ToServer => {
                        notes.asked(number.into(), CallName::Unknown, message.at)
                    }
                    Direction::ToClient => {
                        notes.answered(answers.into(), Said::Nothing, message.at);
                    }
                }
                return Some(());
            }
        }
        match (message.direction, kind) {
            (Direction::ToServer, MESSAGE) => {
                let (no_answer, document) = body(rest)?;
                let number = (!no_answer).then_some(number);
                self.command(number, bson::text(document, b"$db"), document, (notes, message.at))
            }
            (Direction::ToServer, QUERY) => {
                rest.skip(4)?;
                let namespace = rest.until(0)?;
                rest.skip(8)?;
                match namespace.strip_suffix(b".$cmd") {
                    Some(database) => {
                        self.command(Some(number), database, rest.0, (notes, message.at))
                    }
                    None => legacy(number, namespace, b"find", notes, message.at),
                }
            }
            (Direction::ToServer, UPDATE..=DELETE) => {
                rest.skip(4)?;
                let method: &[u8] = match kind {
                    UPDATE => b"update",
                    2002 => b"insert",
                    DELETE => b"delete",
                    _ => b"getMore",
                };
                let namespace = rest.until(0)?;
                let name = CallName::Rpc { service: database(namespace), method };
                notes.request(name, message.at).map(|_| ())
            }
            (Direction::ToClient, MESSAGE) => {
                let (_, document) = body(rest)?;
                self.reply(answers, document, notes, message.at);
                Some(())
            }
            (Direction::ToClient, REPLY) => {
                rest.skip(20)?;
                self.reply(answers, rest.0, notes, message.at);
                Some(())
            }
            _ => None,
        }
    }

    fn command(
        &mut self,
        number: Option<u32>,
        database: &[u8],
        document: &[u8],
        (notes, at): (&mut Notes, Moment),
    ) -> Option<()> {
        let (mut method, first) = bson::elements(document).next()?;
        let mut document = document;
        if let (b"$query" | b"query", Value::Document(inner)) = (method, first) {
            document = inner;
            method = bson::elements(document).next()?.0;
        }
        if !method.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let name = CallName::Rpc { service: database, method };
        match number {
            Some(number) => notes.asked(number.into(), name, at),
            None => drop(notes.request(name, at)),
        }
        self.logins(number, method, document, (&mut *notes, at));
        if let Some(Value::Document(client)) = bson::get(document, b"client") {
            introduction(client, notes, at);
        }
        if let (Some(number), false) = (number, self.authenticated || OPEN.contains(&method)) {
            bounded_push(&mut self.guarded, number);
        }
        Some(())
    }

    fn logins(
        &mut self,
        number: Option<u32>,
        method: &[u8],
        document: &[u8],
        (notes, at): (&mut Notes, Moment),
    ) {
        let start = match bson::get(document, b"speculativeAuthenticate") {
            Some(Value::Document(inner)) => inner,
            _ => document,
        };
        let payload = |document| match bson::get(document, b"payload") {
            Some(Value::Binary(payload) | Value::Text(payload)) => payload,
            _ => b"",
        };
        if bson::get(start, b"saslStart").is_some() {
            self.sasl.begin(bson::text(start, b"mechanism"));
            self.sasl.response(payload(start), "saslStart", notes, at);
        } else if method == b"saslContinue" {
            self.sasl.response(payload(document), "saslContinue", notes, at);
        } else if method == b"authenticate" {
            let (user, key) = (bson::text(document, b"user"), bson::text(document, b"key"));
            notes.login(Login::password("mongodb-cr", "authenticate", user, key).crackable(), at);
            self.authenticated = true;
        } else {
            return;
        }
        self.authenticated = true;
        if let Some(number) = number {
            bounded_push(&mut self.logins, number);
        }
    }

    fn reply(&mut self, answers: u32, document: &[u8], notes: &mut Notes, at: Moment) {
        let said = match (bson::truth(document, b"ok"), bson::elements(document).next()) {
            (Some(true), _) | (None, Some((b"cursor", _))) => Said::Success,
            (Some(false), _) => Said::Failure,
            (None, _) => Said::Nothing,
        };
        notes.answered(answers.into(), said, at);
        if let Some(place) = self.guarded.iter().position(|number| *number == answers) {
            self.guarded.remove(place);
            if said == Said::Success && !self.missing {
                notes.unauthenticated(at);
            }
        }
        if let Some(place) = self.logins.iter().position(|number| *number == answers) {
            self.logins.remove(place);
            match (said, bson::truth(document, b"done")) {
                (Said::Success, Some(true)) => notes.credential_judged(true),
                (Said::Failure, _) => notes.credential_judged(false),
                _ => {}
            }
        }
        if bson::get(document, b"gitVersion").is_some() {
            notes.program(b"mongodb", bson::text(document, b"version"), Direction::ToClient);
        }
    }
}

/// The first document of a message, and whether it gets no answer.
fn body(mut rest: Reader<'_>) -> Option<(bool, &[u8])> {
    const MORE_TO_COME: u32 = 2;
    let flags = rest.u32_le()?;
    loop {
        match rest.u8()? {
            0 => return Some((flags & MORE_TO_COME != 0, rest.0)),
            1 => {
                let length = usize::try_from(rest.u32_le()?).ok()?;
                rest.skip(length.checked_sub(4)?)?;
            }
            _ => return None,
        }
    }
}

fn legacy(
    number: u32,
    namespace: &[u8],
    method: &[u8],
    notes: &mut Notes,
    at: Moment,
) -> Option<()> {
    notes.asked(number.into(), CallName::Rpc { service: database(namespace), method }, at);
    Some(())
}

fn database(namespace: &[u8]) -> &[u8] {
    namespace.split(|byte| *byte == b'.').next().unwrap_or_default()
}

/// What a driver says of itself: `{driver: {name, version}, application: {name}}`.
fn introduction(client: &[u8], notes: &mut Notes, at: Moment) {
    if let Some(Value::Document(driver)) = bson::get(client, b"driver") {
        let (name, version) = (bson::text(driver, b"name"), bson::text(driver, b"version"));
        notes.program(name, version, Direction::ToServer);
    }
    if let Some(Value::Document(application)) = bson::get(client, b"application") {
        notes.caller(bson::text(application, b"name"), "mongodb application name", at);
    }
}

fn bounded_push(queue: &mut VecDeque<u32>, number: u32) {
    if queue.len() >= GUARDED {
        queue.pop_front();
    }
    queue.push_back(number);
}
