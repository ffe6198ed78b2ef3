//! JSON-RPC 1.0 and 2.0 over TCP (<https://www.jsonrpc.org/specification>): objects one behind the other.
//!
//! Takes both byte streams; gives method and outcome of calls, and a token that stands beside the method. Parameters and
//! results are not looked at. JSON-RPC over HTTP is HTTP.

use std::hash::BuildHasher as _;

use super::super::calls;
use super::super::exchange::{Exchange, Frame, Grammar, Message, Notes, Said};
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::{is_name, secrets, split_name};
use crate::inspect::json::{self, Members};
use crate::model::{Direction, Field, limits};

/// JSON-RPC over TCP.
pub(in crate::inspect) struct JsonRpc;

impl Protocol for JsonRpc {
    fn name(&self) -> ProtocolId {
        "json-rpc"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if !head.from_start {
            return Probe::No; // It may be the body of a request over HTTP.
        }
        let bytes = head.bytes.trim_ascii_start();
        let bytes = bytes.strip_prefix(b"[").unwrap_or(bytes).trim_ascii_start();
        if !matches!(bytes.first(), None | Some(b'{')) || bytes.is_empty() && head.bytes.len() > 2 {
            return Probe::No;
        }
        let inner = bytes.get(1..).unwrap_or_default().trim_ascii_start();
        if inner.first().is_some_and(|byte| *byte != b'"') {
            return Probe::No;
        }
        let unit = Unit::of(bytes);
        match (unit.sender(), json::end(bytes)) {
            (Some(side), _) => head.sent_by(side),
            (None, json::End::Later) if head.bytes.len() < limits::PROBE_BYTES => Probe::Unsure,
            (None, _) => Probe::No,
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Objects>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// What an object says at its top. Values stand as they are sent.
#[derive(Default)]
struct Unit<'a> {
    version: bool,
    method: Option<&'a [u8]>,
    params: bool,
    id: Option<&'a [u8]>,
    result: Option<&'a [u8]>,
    error: Option<&'a [u8]>,
    token: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Unit<'a> {
    fn of(object: &'a [u8]) -> Self {
        let mut unit = Unit::default();
        for (key, value) in Members::of(object) {
            match key {
                b"jsonrpc" => unit.version = matches!(json::text(value), Some(b"2.0" | b"1.0")),
                b"method" => unit.method = json::text(value).filter(|name| is_name(name)),
                b"params" => unit.params = true,
                b"id" => unit.id = Some(value),
                b"result" => unit.result = Some(value),
                b"error" => unit.error = Some(value),
                key if secrets::is_secret_key(key) => {
                    unit.token = json::text(value).map(|value| (key, value));
                }
                _ => {}
            }
        }
        unit
    }

    /// Who says this, once enough of it is there to know that it is JSON-RPC: other protocols speak JSON as well.
    fn sender(&self) -> Option<Direction> {
        let first = self.params && self.id.is_some();
        let answer = self.result.is_some() || self.error.is_some();
        match self.method {
            Some(_) if self.version || first => Some(Direction::ToServer),
            None if answer && self.id.is_some() && (self.version || self.both()) => {
                Some(Direction::ToClient)
            }
            _ => None,
        }
    }

    /// Version 1.0 sends result and error, one of them `null`.
    fn both(&self) -> bool {
        self.result.is_some() && self.error.is_some()
    }

    fn number(&self) -> Option<u64> {
        const HASH: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0);
        self.id.filter(|id| *id != b"null").map(|id| HASH.hash_one(id))
    }
}

/// The grammar of objects one behind the other.
#[derive(Clone, Default)]
struct Objects;

impl Grammar for Objects {
    fn frame(&mut self, _: Direction, bytes: &[u8]) -> Frame {
        let blanks =
            bytes.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0).count();
        if blanks > 0 {
            return Frame::Message(blanks as u64);
        }
        match (bytes.first(), json::end(bytes)) {
            (Some(b'{' | b'['), json::End::At(end)) => Frame::Message(end as u64),
            (Some(b'{' | b'['), json::End::Later) => Frame::Need,
            _ => Frame::Foreign,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        match message.bytes.strip_prefix(b"[") {
            None => note(message.bytes, message, notes),
            Some(mut batch) => {
                while let Some(start) = memchr::memchr(b'{', batch) {
                    let object = batch.get(start..).unwrap_or_default();
                    let json::End::At(end) = json::end(object) else { break };
                    note(object, message, notes);
                    batch = object.get(end..).unwrap_or_default();
                }
            }
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        bytes.starts_with(b"{") && Unit::of(bytes).sender() == Some(direction)
    }
}

fn note(object: &[u8], message: &Message<'_>, notes: &mut Notes) {
    let unit = Unit::of(object);
    match (message.direction, unit.method) {
        (Direction::ToServer, Some(method)) => {
            let name = split_name(method, b'.');
            match unit.number() {
                Some(number) => notes.asked(number, name, message.at),
                None => drop(notes.request(name, message.at)),
            }
            if let Some((key, token)) = unit.token {
                let place = secrets::Place {
                    mechanism: "json-rpc token",
                    place: &secrets::place("member", key),
                    direction: message.direction,
                    at: message.at,
                };
                secrets::token(notes, &place, None, token);
            }
        }
        (Direction::ToClient, None) => {
            let Some(number) = unit.number() else { return };
            let failed = unit.error.is_some_and(|error| error != b"null");
            notes.answered(number, if failed { Said::Failure } else { Said::Success }, message.at);
        }
        _ => {}
    }
}
