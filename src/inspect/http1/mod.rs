//! HTTP/1 in the clear (RFC 9112).
//!
//! Takes both byte streams; gives the requests that were made and how they were answered. Bodies are skipped, never
//! kept. Where a connection becomes another protocol (`Upgrade: h2c`, CONNECT) it says so and ends. After a hole it is
//! silent until a message begins at the start of a segment.

mod body;
mod head;
mod note;
mod pairing;
mod shape;
#[cfg(test)]
mod tests;

use self::body::{Body, Progress};
use self::head::{Framing, ResponseHead};
use self::note::{note_registry, note_request};
use self::pairing::{Asked, Pairing};
use super::begins::{Begins, client_hello, server_record, tls_alert};
use super::calls::printing::Printing;
use super::calls::registries;
use super::calls::{self, CallName, Calls, HeaderName, Status};
use super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Evident, Facts, Field, Moment, PerDirection, limits};

/// HTTP/1.0 and HTTP/1.1 without TLS.
pub(super) struct Http1;

impl Protocol for Http1 {
    fn name(&self) -> ProtocolId {
        "http/1.1"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let request = match head.from_start {
            true => shape::request(head.bytes),
            false => shape::request_behind_a_hole(head.bytes),
        };
        match (request, shape::response(head.bytes)) {
            (Begins::Yes, _) => head.sent_by(Direction::ToServer),
            (_, Begins::Yes) => head.sent_by(Direction::ToClient),
            (Begins::No, Begins::No) => Probe::No,
            _ => Probe::Unsure,
        }
    }

    fn inspector(&self, _: &Context) -> Box<dyn Inspector> {
        Box::new(Connection::default())
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// One connection.
#[derive(Clone, Default)]
struct Connection {
    sides: PerDirection<Side>,
    pairing: Pairing,
    calls: Calls,
    /// What the body is that the client begins next.
    asks: Option<registries::Body>,
    /// The request at hand, when it is to be known when it comes again.
    printing: Option<Printing>,
    /// Responses that a request must have been asked for.
    answers: u64,
    client_spoke: bool,
    plaintext: Option<Moment>,
    mismatch: Option<Evident<&'static str>>,
    /// The beginning of the body of a first answer that refuses, to see whether the server expected TLS.
    refusal: Option<Vec<u8>>,
}

/// One direction of it.
#[derive(Clone, Default)]
struct Side {
    place: Place,
    /// Bytes of an unfinished head in which its end was looked for already.
    scanned: usize,
    /// A head was read.
    synced: bool,
    /// Bytes are missing.
    holed: bool,
}

/// Where in a direction the next byte is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Where a head begins.
    #[default]
    Head,
    /// Before a body of this length, the beginning of which is to be read.
    Wanted(u64),
    /// In a body.
    Body(Body),
    /// Nobody knows. A head may begin with the next segment.
    Lost,
    /// Behind something that is not HTTP/1, or that is too large.
    Dead,
}

/// What one step of reading came to.
#[derive(Clone)]
enum Step {
    /// This many bytes were used.
    Used(usize),
    /// More bytes are needed.
    Wait,
    /// This many bytes were used, and something else follows.
    Then(usize, Next),
}

impl Inspector for Connection {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Next) {
        if !bytes.is_empty() {
            self.plaintext.get_or_insert(at);
            self.client_spoke |= direction == Direction::ToServer;
        }
        let mut rest = bytes;
        loop {
            match self.step(direction, rest, at) {
                Step::Used(used) => rest = rest.get(used..).unwrap_or_default(),
                Step::Wait => return (bytes.len().saturating_sub(rest.len()), Next::More),
                Step::Then(used, next) => {
                    return (bytes.len().saturating_sub(rest.len()).saturating_add(used), next);
                }
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, _at: Moment) -> Next {
        let side = &mut self.sides[direction];
        side.holed = true;
        match direction {
            Direction::ToServer => self.printing = None,
            Direction::ToClient => self.refusal = None,
        }
        let read_on = match &mut side.place {
            Place::Wanted(length) => {
                let mut body = Body::Length(*length);
                let read_on = body.skip(missing);
                side.place = Place::Body(body);
                read_on
            }
            Place::Body(body) => body.skip(missing),
            Place::Dead => true,
            Place::Head | Place::Lost => false,
        };
        if !read_on {
            side.place = Place::Lost;
            side.scanned = 0;
            self.pairing.lose();
        }
        Next::More
    }

    fn copy(&self) -> Option<Box<dyn Inspector>> {
        Some(Box::new(self.clone()))
    }

    fn finish(mut self: Box<Self>) -> Facts {
        self.calls.unnamed(self.answers.saturating_sub(self.calls.requests()));
        Facts {
            readable: self.calls.take_readable(),
            calls: self.calls.into_facts(),
            plaintext: self.plaintext,
            mismatch: self.mismatch,
            ..Facts::default()
        }
    }
}

impl Connection {
    fn step(&mut self, direction: Direction, rest: &[u8], at: Moment) -> Step {
        if rest.is_empty() {
            return Step::Wait;
        }
        if let Some(step) = self.tunnel(direction, rest) {
            return step;
        }
        let side = &mut self.sides[direction];
        match &mut side.place {
            Place::Head => self.head(direction, rest, at),
            Place::Wanted(length) => {
                let length = *length;
                self.wanted(length, rest, at)
            }
            Place::Body(body) => match body.read(rest) {
                Progress::Used(used) => {
                    self.print(direction, rest.get(..used), at);
                    Step::Used(used)
                }
                Progress::Wait => Step::Wait,
                Progress::End(used) => {
                    side.place = Place::Head;
                    self.print(direction, rest.get(..used), at);
                    self.printed(direction);
                    Step::Used(used)
                }
                Progress::Broken => {
                    self.lose(direction);
                    Step::Used(rest.len())
                }
            },
            Place::Lost => match shape_behind_a_hole(direction, rest) {
                Begins::Yes => {
                    side.place = Place::Head;
                    Step::Used(0)
                }
                Begins::Perhaps => Step::Wait,
                Begins::No => Step::Used(rest.len()),
            },
            Place::Dead => Step::Used(rest.len()),
        }
    }

    /// TLS begins where a head would: the CONNECT before it, or the answer to that, was captured later or not at all.
    fn tunnel(&self, direction: Direction, rest: &[u8]) -> Option<Step> {
        let began = match direction {
            Direction::ToServer => client_hello(rest),
            Direction::ToClient => server_record(rest),
        };
        let open = matches!(self.sides[direction].place, Place::Head | Place::Lost);
        let spoken = self.client_spoke || self.sides[direction].holed;
        match began {
            Begins::No => None,
            _ if !open || !spoken => None,
            // Its answer is yet to come.
            Begins::Yes if direction == Direction::ToServer && self.pairing.awaits_tunnel() => {
                Some(Step::Wait)
            }
            Begins::Yes => Some(Step::Then(0, Next::Switch("tls"))),
            Begins::Perhaps => Some(Step::Wait),
        }
    }

    /// Takes bytes of a request's body into its print, and those of a refusal's into what is searched.
    fn print(&mut self, direction: Direction, body: Option<&[u8]>, at: Moment) {
        let body = body.unwrap_or_default();
        match direction {
            Direction::ToServer => {
                if !self.printing.as_mut().is_none_or(|printing| printing.add(body)) {
                    self.printing = None;
                }
            }
            Direction::ToClient => self.refused(body, at),
        }
    }

    /// A server that expected TLS may say so in readable words: then nothing was served.
    fn refused(&mut self, body: &[u8], at: Moment) {
        let Some(kept) = &mut self.refusal else { return };
        let room = limits::REFUSAL_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(body.get(..room).unwrap_or(body));
        if WANTED_TLS.iter().any(|words| memchr::memmem::find(kept, words).is_some()) {
            self.mismatch.get_or_insert(Evident { value: "plaintext-to-tls", at });
            self.refusal = None;
        } else if kept.len() >= limits::REFUSAL_BYTES {
            self.refusal = None;
        }
    }

    /// Takes note of the print of a request that is whole.
    fn printed(&mut self, direction: Direction) {
        if direction == Direction::ToServer
            && let Some(printing) = self.printing.take()
        {
            printing.end(&mut self.calls);
        }
    }

    /// Gives up what comes next in a direction: until the next segment where that may help, else for good.
    fn lose(&mut self, direction: Direction) {
        let side = &mut self.sides[direction];
        side.place = if side.holed || !side.synced { Place::Lost } else { Place::Dead };
        side.scanned = 0;
        self.pairing.lose();
    }

    fn head(&mut self, direction: Direction, rest: &[u8], at: Moment) -> Step {
        match rest {
            [b'\r', b'\n', ..] => return Step::Used(2),
            [b'\n', ..] => return Step::Used(1),
            [b'\r'] => return Step::Wait,
            _ => {}
        }
        if direction == Direction::ToClient && self.client_spoke {
            match tls_alert(rest) {
                Begins::Yes => {
                    self.mismatch = Some(Evident { value: "plaintext-to-tls", at });
                    return Step::Then(rest.len(), Next::Done);
                }
                Begins::Perhaps => return Step::Wait,
                Begins::No => {}
            }
        }
        let judged = self.sides[direction].scanned >= shape::JUDGED;
        if !judged && shape_of(direction, rest) == Begins::No {
            self.lose(direction);
            return Step::Used(rest.len());
        }
        let side = &mut self.sides[direction];
        match head::end(rest, side.scanned) {
            Some(end) if end <= limits::HTTP1_HEAD => {
                side.scanned = 0;
                side.synced = true;
                let head = rest.get(..end).unwrap_or_default();
                match direction {
                    Direction::ToServer => self.request(head, at),
                    Direction::ToClient => self.response(head, at),
                }
            }
            None if rest.len() <= limits::HTTP1_HEAD => {
                side.scanned = rest.len().saturating_sub(head::END_BYTES);
                Step::Wait
            }
            _ => {
                side.synced = true;
                self.too_large(direction, rest, at)
            }
        }
    }

    /// A head that is too large: its first line may still be read, what follows may not.
    fn too_large(&mut self, direction: Direction, rest: &[u8], at: Moment) -> Step {
        self.calls.cut();
        let start = rest.get(..limits::HTTP1_HEAD).unwrap_or(rest);
        if direction == Direction::ToServer {
            let named = head::request(start, |head, fields| {
                self.calls.request(head.name(fields), at);
            });
            if !named {
                self.calls.request(CallName::Unknown, at);
            }
        }
        self.lose(direction);
        Step::Used(rest.len())
    }

    fn request(&mut self, bytes: &[u8], at: Moment) -> Step {
        let used = bytes.len();
        let (mut place, mut printing) = (None, None);
        let (calls, pairing, asks) = (&mut self.calls, &mut self.pairing, &mut self.asks);
        let named = head::request(bytes, |head, fields| {
            let call = calls.request(head.name(fields), at);
            let used_by = note_request(calls, head, fields, at);
            *asks = note_registry(calls, head, at);
            let (is_head, connect) = (head.method == b"HEAD", head.method == b"CONNECT");
            let asked = Asked { call, used: used_by, head: is_head, connect };
            if !pairing.asked(asked) {
                calls.cut();
            }
            if !head.whole {
                calls.cut();
                return;
            }
            let short = match head.framing {
                Framing::Nothing => true,
                Framing::Length(length) => length <= limits::PRINTED_BODY as u64,
                Framing::Chunked | Framing::Close | Framing::Contradictory => false,
            };
            if short {
                let repeatable = fields.known().any(|(name, _)| name == HeaderName::Repeatable);
                printing = Printing::begin(head.method, head.target, used_by, repeatable, at);
            }
            place = match head.framing {
                Framing::Length(0) | Framing::Nothing => Some(Place::Head),
                Framing::Length(length) if asks.is_some() => Some(Place::Wanted(length)),
                Framing::Length(length) => Some(Place::Body(Body::Length(length))),
                Framing::Chunked => Some(Place::Body(Body::start_of_chunks())),
                Framing::Close | Framing::Contradictory => None,
            };
        });
        if !named {
            self.calls.request(CallName::Unknown, at);
        }
        self.printing = printing;
        if place == Some(Place::Head) {
            self.printed(Direction::ToServer);
        }
        self.go_on(Direction::ToServer, used, place)
    }

    fn response(&mut self, bytes: &[u8], at: Moment) -> Step {
        let used = bytes.len();
        let mut taken = None;
        let calls = &mut self.calls;
        head::response(bytes, |head, fields| {
            for (name, value) in fields.known() {
                match name {
                    HeaderName::Server => calls.server_product(value),
                    HeaderName::Framework(field) => {
                        calls.framework(field, value, Direction::ToClient, at);
                    }
                    HeaderName::SetCookie => calls.set_cookie(value, at),
                    _ => {}
                }
            }
            if !head.whole {
                calls.cut();
            }
            taken = Some(head.owned());
        });
        let Some(head) = taken else { return self.go_on(Direction::ToClient, used, None) };
        if head.is_interim() {
            return self.go_on(Direction::ToClient, used, head.whole.then_some(Place::Head));
        }
        let asked = self.pairing.answered();
        self.calls.response(at);
        if !head.is_unasked() {
            self.answers = self.answers.saturating_add(1);
        }
        // A server with TLS answers nothing else before: an earlier answer means that it serves readable requests.
        self.refusal = (head.status == 400 && self.answers == 1).then(Vec::new);
        if head.status == ResponseHead::SWITCHING {
            if head.upgrade == Next::Switch("h2") {
                self.calls.upgraded(asked.and_then(|asked| asked.call));
            }
            return Step::Then(used, head.upgrade);
        }
        let (call, with) = asked.map(|asked| (asked.call, asked.used)).unwrap_or_default();
        self.calls.outcome_with(call, with, Status::Http(head.status), at);
        if head.is_success() && asked.is_some_and(|asked| asked.connect) {
            return Step::Then(used, Next::Reprobe);
        }
        let place = if !head.whole {
            None
        } else if head.has_no_body() || asked.is_some_and(|asked| asked.head) {
            Some(Place::Head)
        } else {
            match head.framing {
                Framing::Length(0) => Some(Place::Head),
                Framing::Length(length) => Some(Place::Body(Body::Length(length))),
                Framing::Chunked => Some(Place::Body(Body::start_of_chunks())),
                Framing::Nothing | Framing::Close => Some(Place::Body(Body::UntilClose)),
                Framing::Contradictory => None,
            }
        };
        self.go_on(Direction::ToClient, used, place)
    }

    /// Reads the beginning of a body, which is then passed over like any other.
    fn wanted(&mut self, length: u64, rest: &[u8], at: Moment) -> Step {
        let needed = usize::try_from(length).unwrap_or(usize::MAX).min(limits::REGISTRY_BYTES);
        let Some(bytes) = rest.get(..needed) else { return Step::Wait };
        let asks = self.asks.take();
        if let Some(found) = asks.and_then(|asks| registries::body(&asks, bytes, at)) {
            self.calls.asked_of_registry(found);
        }
        self.sides.to_server.place = Place::Body(Body::Length(length));
        Step::Used(0)
    }

    /// Goes on behind a head; where nobody can say what is there, gives up.
    fn go_on(&mut self, direction: Direction, used: usize, place: Option<Place>) -> Step {
        match place {
            Some(place) => self.sides[direction].place = place,
            None => self.lose(direction),
        }
        Step::Used(used)
    }
}

/// How servers with TLS tell a client that it speaks plain HTTP: Go, nginx, Apache, Tomcat.
const WANTED_TLS: [&[u8]; 4] = [
    b"Client sent an HTTP request to an HTTPS server",
    b"The plain HTTP request was sent to HTTPS port",
    b"speaking plain HTTP to an SSL-enabled server port",
    b"This combination of host and port requires TLS",
];

fn shape_of(direction: Direction, bytes: &[u8]) -> Begins {
    match direction {
        Direction::ToServer => shape::request(bytes),
        Direction::ToClient => shape::response(bytes),
    }
}

fn shape_behind_a_hole(direction: Direction, bytes: &[u8]) -> Begins {
    match direction {
        Direction::ToServer => shape::request_behind_a_hole(bytes),
        Direction::ToClient => shape::response(bytes),
    }
}
