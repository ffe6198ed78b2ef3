//! HTTP/2 in the clear (RFC 9113), with prior knowledge or after `Upgrade: h2c`, and gRPC within it.
//!
//! Takes both byte streams; gives the calls that were made. Bodies are skipped, never kept. A connection joined late or
//! with holes is read from the next place where frames can be told; what its header tables said before is unknown, and
//! so are the names of the calls that rely on it.

mod blocks;
mod frames;
mod hpack;
mod message;
mod prints;
mod streams;
#[cfg(test)]
mod tests;

use self::blocks::{Block, BlockHead};
use self::frames::{Frame, HEADER_BYTES};
use self::message::{Message, NamedCall, Note};
use self::prints::Prints;
use self::streams::{Stream, Streams};
use super::begins::{Begins, tls_alert};
use super::calls::printing::says_that_it_changes;
use super::calls::{CallId, CallName, Calls, Status, Used, registries};
use super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use crate::model::{Direction, Evident, Facts, Moment, PerDirection, limits};

/// Blanks the literal values of a whole header block (RFC 7541) where they stand; the block keeps its length and stays
/// readable. `kept` is told a field's name, empty when only the dynamic table has it, and its value, and says how many
/// bytes of the value may stay. Gives `false`, and leaves a part as it was, when the block cannot be read to its end.
pub fn blank_header_block(block: &mut [u8], kept: &dyn Fn(&[u8], &[u8]) -> usize) -> bool {
    hpack::blank(block, kept).is_ok()
}

/// HTTP/2 without TLS.
pub(super) struct Http2;

impl Protocol for Http2 {
    fn name(&self) -> ProtocolId {
        "h2"
    }

    fn class(&self) -> Class {
        Class::Rpc
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match frames::preface(head.bytes) {
            Begins::Yes => return head.sent_by(Direction::ToServer),
            Begins::Perhaps => return Probe::Unsure,
            Begins::No => {}
        }
        if head.from_start {
            return match Frame::read(head.bytes) {
                Some(frame) if frame.is_settings(false) => head.sent_by(Direction::ToClient),
                // A server begins with SETTINGS and nothing else (RFC 9113 section 3.4).
                None if head.bytes.get(3).is_none_or(|kind| *kind == frames::SETTINGS)
                    && frames::chain(head.bytes) == Begins::Perhaps =>
                {
                    Probe::Unsure
                }
                _ => Probe::No,
            };
        }
        match frames::chain(head.bytes) {
            Begins::Yes => {
                frames::sender(head.bytes).map_or(Probe::Yes, |sender| head.sent_by(sender))
            }
            Begins::Perhaps if head.bytes.len() < limits::PROBE_BYTES => Probe::Unsure,
            _ => Probe::No,
        }
    }

    fn inspector(&self, _: &Context) -> Box<dyn Inspector> {
        Box::new(Connection::default())
    }
}

/// One connection.
#[derive(Clone, Default)]
struct Connection {
    sides: PerDirection<Side>,
    /// The client's preface was read: nothing said before it is missing.
    begun: bool,
    /// Bytes from the client are missing.
    lossy: bool,
    streams: Streams,
    /// The call of [`UPGRADED`], which the client made before the connection became HTTP/2.
    earlier: Stream,
    calls: Calls,
    prints: Prints,
    /// A stream was opened whose data is to be read.
    registry: bool,
    grpc: bool,
    plaintext: Option<Moment>,
    mismatch: Option<Evident<&'static str>>,
}

/// One direction of it.
#[derive(Clone, Default)]
struct Side {
    place: Place,
    /// Payload bytes still to come that nobody wants.
    skip: usize,
    /// A header block that is not whole yet.
    block: Option<Block>,
    hpack: hpack::Decoder<Note>,
}

/// Where in a direction the next byte is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// At its first byte.
    #[default]
    Start,
    /// At a frame header, once `skip` is over.
    Frames,
    /// Nobody knows.
    Lost,
}

/// What one step of reading came to.
#[derive(Clone)]
enum Step {
    /// This many bytes were used.
    Used(usize),
    /// More bytes are needed.
    Wait,
    /// There is nothing more to learn.
    Done,
}

impl Inspector for Connection {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Next) {
        if !bytes.is_empty() {
            self.plaintext.get_or_insert(at);
        }
        let mut rest = bytes;
        loop {
            match self.step(direction, rest, at) {
                Step::Used(used) => {
                    rest = rest.get(used..).unwrap_or_default();
                    if rest.is_empty() {
                        return (bytes.len(), Next::More);
                    }
                }
                Step::Wait => return (bytes.len().saturating_sub(rest.len()), Next::More),
                Step::Done => return (bytes.len(), Next::Done),
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, _at: Moment) -> Next {
        if direction == Direction::ToServer {
            self.prints.gap();
        }
        let side = &mut self.sides[direction];
        let within = usize::try_from(missing).ok().and_then(|n| side.skip.checked_sub(n));
        match (side.place, within) {
            (Place::Frames, Some(left)) => side.skip = left,
            _ => {
                side.lose();
                self.lossy |= direction == Direction::ToServer;
            }
        }
        Next::More
    }

    fn copy(&self) -> Option<Box<dyn Inspector>> {
        Some(Box::new(self.clone()))
    }

    fn finish(mut self: Box<Self>) -> Facts {
        Facts {
            readable: self.calls.take_readable(),
            calls: self.calls.into_facts(),
            plaintext: self.plaintext,
            mismatch: self.mismatch,
            protocol: self.grpc.then_some("grpc"),
            ..Facts::default()
        }
    }
}

impl Side {
    /// Takes note that frames were lost, and with them what the header table says.
    fn lose(&mut self) {
        self.place = Place::Lost;
        self.skip = 0;
        self.block = None;
        self.hpack.forget();
    }
}

impl Connection {
    fn step(&mut self, direction: Direction, rest: &[u8], at: Moment) -> Step {
        let side = &self.sides[direction];
        if side.skip > 0 {
            let used = self.pass(direction, rest);
            return if used == 0 { Step::Wait } else { Step::Used(used) };
        }
        match side.place {
            Place::Frames => self.frame(direction, rest, at),
            Place::Lost => self.resync(direction, rest),
            Place::Start if rest.is_empty() => Step::Wait,
            Place::Start if direction == Direction::ToServer => self.client_start(rest),
            Place::Start => self.server_start(rest, at),
        }
    }

    /// Passes over what is there of a payload that nobody wants, and says how many bytes that are.
    #[inline]
    fn pass(&mut self, direction: Direction, rest: &[u8]) -> usize {
        let side = &mut self.sides[direction];
        let used = side.skip.min(rest.len());
        side.skip = side.skip.saturating_sub(used);
        if direction == Direction::ToServer && used > 0 {
            let whole = side.skip == 0;
            self.prints.data(rest.get(..used).unwrap_or_default(), whole, &mut self.calls);
        }
        used
    }

    fn client_start(&mut self, rest: &[u8]) -> Step {
        let side = &mut self.sides.to_server;
        match frames::preface(rest) {
            Begins::Yes => {
                self.begun = true;
                side.place = Place::Frames;
                side.hpack.begin();
                // Before it read the preface, the server sent settings at most, or its answer to an upgrade.
                let server = &mut self.sides.to_client;
                if server.place != Place::Lost && server.hpack.is_untouched() {
                    server.hpack.begin();
                }
                Step::Used(frames::PREFACE.len())
            }
            Begins::Perhaps => Step::Wait,
            Begins::No => {
                side.place = Place::Lost;
                Step::Used(0)
            }
        }
    }

    fn server_start(&mut self, rest: &[u8], at: Moment) -> Step {
        match tls_alert(rest) {
            Begins::Yes => {
                self.mismatch = Some(Evident { value: "plaintext-to-tls", at });
                return Step::Done;
            }
            Begins::Perhaps => return Step::Wait,
            Begins::No => {}
        }
        let side = &mut self.sides.to_client;
        match Frame::read(rest) {
            Some(frame) if frame.is_settings(false) => side.place = Place::Frames,
            None if frames::chain(rest) == Begins::Perhaps => return Step::Wait,
            _ => side.place = Place::Lost,
        }
        Step::Used(0)
    }

    /// Looks for the next place where frames begin. What it decides of one place depends on the bytes behind it alone,
    /// so it does not matter how they were cut.
    fn resync(&mut self, direction: Direction, rest: &[u8]) -> Step {
        let mut passed = 0_usize;
        loop {
            let tail = rest.get(passed..).unwrap_or_default();
            match frames::chain(tail) {
                Begins::Yes => {
                    self.sides[direction].place = Place::Frames;
                    return Step::Used(passed);
                }
                Begins::Perhaps if passed == 0 => return Step::Wait,
                Begins::Perhaps => return Step::Used(passed),
                Begins::No => passed = passed.saturating_add(1),
            }
        }
    }

    fn frame(&mut self, direction: Direction, rest: &[u8], at: Moment) -> Step {
        let Some(frame) = Frame::read(rest) else { return Step::Wait };
        if !frame.is_well_formed() {
            self.sides[direction].lose();
            self.lossy |= direction == Direction::ToServer;
            return Step::Used(0);
        }
        match frame.kind {
            frames::HEADERS | frames::PUSH_PROMISE | frames::CONTINUATION => {
                return self.headers(direction, frame, rest, at);
            }
            frames::RST_STREAM => self.streams.end(frame.stream),
            frames::DATA if direction == Direction::ToClient && frame.has(frames::END_STREAM) => {
                self.streams.end(frame.stream);
            }
            frames::DATA
                if self.registry
                    && direction == Direction::ToServer
                    && !self.registry_data(frame, rest, at) =>
            {
                return Step::Wait;
            }
            _ => {}
        }
        if direction == Direction::ToServer {
            self.prints.frame(frame, &mut self.calls);
        }
        self.sides[direction].skip = frame.length;
        let payload = rest.get(HEADER_BYTES..).unwrap_or_default();
        Step::Used(HEADER_BYTES.saturating_add(self.pass(direction, payload)))
    }

    /// Reads the beginning of a frame's data where its stream is a registry's. Says whether there was enough of it.
    fn registry_data(&mut self, frame: Frame, rest: &[u8], at: Moment) -> bool {
        let Some(stream) = self.streams.find(frame.stream) else { return true };
        let Some(wanted) = stream.wanted else { return true };
        let needed = frame.length.min(limits::REGISTRY_BYTES);
        let Some(data) = rest.get(HEADER_BYTES..HEADER_BYTES.saturating_add(needed)) else {
            return false;
        };
        if !frame.has(frames::PADDED) {
            for found in registries::data(wanted, data, at) {
                self.calls.asked_of_registry(found);
            }
        }
        if !wanted.comes_again() && !wanted.is_login() {
            stream.wanted = None;
        }
        true
    }

    /// Reads a header block. No bytes: it was too large.
    fn block(&mut self, direction: Direction, block: BlockHead, bytes: Option<&[u8]>, at: Moment) {
        let hpack = &mut self.sides[direction].hpack;
        let mut message = Message::default();
        match bytes {
            Some(bytes) => {
                let mut sink = message.sink(&mut self.calls, direction, at);
                if hpack.decode(bytes, &mut sink).is_err() {
                    message.unknown = true;
                }
            }
            None => {
                hpack.forget();
                self.calls.cut();
                message.unknown = true;
            }
        }
        match (block.kind, direction) {
            (frames::HEADERS, Direction::ToServer) => self.request(block, &mut message, at),
            (frames::HEADERS, Direction::ToClient) => {
                self.response(block, &message, at);
            }
            _ => {}
        }
    }

    fn request(&mut self, block: BlockHead, message: &mut Message, at: Moment) {
        let stream = block.stream;
        if !self.streams.opens(stream) || !(message.request || message.unknown) {
            return;
        }
        if let Some(known) = message.call_by_path() {
            let printed = known.changes && message.used.any();
            if message.grpc && !printed {
                return self.known_request(stream, known.id, message.used, at);
            }
            message.spell(self.calls.name(known.id));
        }
        let grpc = message.grpc || message.may_be_grpc();
        let name = match (message.path(), message.method()) {
            (Some(path), _) if grpc || message.call => CallName::Grpc(path),
            (Some(target), Some(method)) => CallName::Http { method, target },
            (None, Some(method)) if method == b"CONNECT" => CallName::Http { method, target: b"" },
            _ => CallName::Unknown,
        };
        self.grpc |= message.grpc;
        let wanted = message.path().filter(|_| grpc).and_then(registries::grpc);
        self.registry |= wanted.is_some();
        let call = self.calls.request(name, at);
        let used = message.used;
        self.calls.authenticated_by(used, at);
        if wanted.is_none() {
            self.prints.begin((stream, block.end_stream), message, &mut self.calls, at);
        }
        if let (Some(id), Some(entry), Some(path)) = (call, message.path_entry(), message.path())
            && message.grpc
            && wanted.is_none()
        {
            let note = Note::Call(NamedCall { id, changes: says_that_it_changes(path) });
            self.sides.to_server.hpack.note(entry, note);
        }
        if !self.streams.open(stream, Stream { wanted, call, used, grpc, ..Stream::default() }) {
            self.calls.cut();
        }
    }

    /// A request whose path was the name of this call when it came before.
    fn known_request(&mut self, stream: u32, call: CallId, used: Used, at: Moment) {
        self.grpc = true;
        self.calls.request_again(call, at);
        self.calls.authenticated_by(used, at);
        let open = Stream { call: Some(call), used, grpc: true, ..Stream::default() };
        if !self.streams.open(stream, open) {
            self.calls.cut();
        }
    }

    fn response(&mut self, block: BlockHead, message: &Message, at: Moment) {
        let id = block.stream;
        let informational = message.status.is_some_and(|status| status < 200);
        let Some(stream) = self.streams.find(id) else {
            if id == UPGRADED && !self.streams.was_opened(id) && !informational {
                let status = outcome(&mut self.earlier, message);
                status.into_iter().for_each(|status| self.calls.earlier_ended(status));
            }
            if message.status.is_some() && !informational {
                self.calls.response(at);
                self.grpc |= message.grpc;
                if !self.begun || self.lossy {
                    self.calls.unnamed(1);
                }
            }
            return;
        };
        if !informational {
            // What has no status and ends the stream are trailers, whose head was missed or was read before the request.
            let head = message.status.is_some() || (message.unknown && !block.end_stream);
            if head && !stream.answered {
                stream.answered = true;
                self.calls.response(at);
            }
            stream.grpc |= message.grpc || message.grpc_status.is_some();
            self.grpc |= stream.grpc;
            if let Some(status) = outcome(stream, message) {
                if stream.wanted.is_some_and(registries::Wanted::is_login) {
                    self.calls.login_judged(status == Status::Grpc(0));
                }
                self.calls.outcome_with(stream.call, stream.used, status, at);
            }
        }
        if block.end_stream {
            self.streams.end(id);
        }
    }
}

/// The stream on which a request is answered that asked for the upgrade (RFC 7540 section 3.2).
const UPGRADED: u32 = 1;

/// What a response says of how its call ended, the first time it says so.
fn outcome(stream: &mut Stream, message: &Message) -> Option<Status> {
    let success = |status: u16| (200..300).contains(&status);
    let status = match (message.grpc_status, message.status) {
        (Some(status), _) => Status::Grpc(status),
        (None, Some(status)) if !stream.grpc || !success(status) => Status::Http(status),
        _ => return None,
    };
    if std::mem::replace(&mut stream.judged, true) {
        return None;
    }
    Some(status)
}
