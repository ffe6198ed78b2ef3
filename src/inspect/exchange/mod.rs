//! The skeleton of a protocol whose two directions are sequences of messages.
//!
//! A protocol says where a message ends and what it means ([`Grammar`]); this reads the byte streams for it, skips what
//! is too long to keep, and gives up what lies behind a hole unless the protocol can tell where a message begins. What
//! the messages say is gathered in [`Notes`], which turns it into facts within their bounds.

mod login;
mod notes;
#[cfg(test)]
mod tests;

pub(super) use login::Login;
pub(super) use notes::{Notes, Said, merge_readable};

use super::begins::{Begins, client_hello, tls_alert};
use super::{Context, Inspector, Next};
use crate::model::{Direction, Facts, Moment, PerDirection, limits};

/// What a protocol must say of its messages.
pub(super) trait Grammar: Default + Clone + Send + 'static {
    /// Where the message ends that begins with these bytes. Asked again with more of them after [`Frame::Need`].
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame;

    /// Takes what a message says.
    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next;

    /// Whether a message certainly begins with these bytes. Asked behind a hole, and where the capture joined late, at
    /// the beginning of each segment; a protocol that cannot be sure says no.
    fn resumes(&self, _direction: Direction, _bytes: &[u8]) -> bool {
        false
    }

    /// Whether TLS may begin where the client's next message would: nothing more is to come from the server before it, or
    /// it may be missing.
    fn upgrading(&self) -> bool {
        false
    }

    /// Something of this direction is missing, from here on or from the beginning: what depends on it is not known.
    fn lost(&mut self, _direction: Direction) {}
}

/// Where a message ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Frame {
    /// More bytes are needed to say.
    Need,
    /// It has this many bytes, its header included.
    Message(u64),
    /// No message of this protocol begins here.
    Foreign,
}

/// A message of one direction.
pub(super) struct Message<'a> {
    /// Who said it.
    pub(super) direction: Direction,
    /// Its bytes, header included; of a long one the first [`limits::MESSAGE_BYTES`].
    pub(super) bytes: &'a [u8],
    /// It has more bytes than these.
    #[allow(dead_code, reason = "for protocols whose messages say something at their end")]
    pub(super) cut: bool,
    /// Where its last kept byte is.
    pub(super) at: Moment,
}

/// An inspector for a protocol that is described by its grammar.
#[derive(Clone)]
pub(super) struct Exchange<G> {
    grammar: G,
    sides: PerDirection<Side>,
    notes: Notes,
    client_spoke: bool,
}

/// One direction.
#[derive(Clone, Default)]
struct Side {
    place: Place,
    read: bool,
}

/// Where in a direction the next byte is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Where a message begins.
    #[default]
    Start,
    /// In the part of a message that is not kept: this many bytes of it are left.
    Skip(u64),
    /// Behind a hole.
    Lost,
    /// Behind something that is not this protocol.
    Dead,
}

impl<G: Grammar> Exchange<G> {
    /// A reader for one connection.
    pub(super) fn new(context: &Context) -> Self {
        let place = if context.from_start { Place::Start } else { Place::Lost };
        let side = || Side { place, read: false };
        let mut notes = Notes::default();
        let mut grammar = G::default();
        if !context.from_start {
            notes.lose_order();
            Direction::BOTH.into_iter().for_each(|direction| grammar.lost(direction));
        }
        Self {
            grammar,
            sides: PerDirection { to_server: side(), to_client: side() },
            notes,
            client_spoke: false,
        }
    }

    fn step(&mut self, direction: Direction, rest: &[u8], at: Moment) -> Step {
        let side = &mut self.sides[direction];
        match side.place {
            _ if rest.is_empty() => Step::Wait,
            Place::Start | Place::Lost
                if direction == Direction::ToServer && self.grammar.upgrading() =>
            {
                match client_hello(rest) {
                    Begins::Yes => {
                        self.notes.upgrade_answered(true, at);
                        Step::Then(0, Next::Switch("tls"))
                    }
                    Begins::Perhaps => Step::Wait,
                    Begins::No => self.read_on(direction, rest, at),
                }
            }
            _ => self.read_on(direction, rest, at),
        }
    }

    fn read_on(&mut self, direction: Direction, rest: &[u8], at: Moment) -> Step {
        let side = &mut self.sides[direction];
        match side.place {
            Place::Start => self.start(direction, rest, at),
            Place::Skip(left) => {
                let here = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left.saturating_sub(here as u64);
                side.place = if left == 0 { Place::Start } else { Place::Skip(left) };
                Step::Used(here)
            }
            Place::Lost if self.grammar.resumes(direction, rest) => {
                side.place = Place::Start;
                Step::Used(0)
            }
            Place::Lost | Place::Dead => Step::Used(rest.len()),
        }
    }

    fn start(&mut self, direction: Direction, rest: &[u8], at: Moment) -> Step {
        if direction == Direction::ToClient && self.client_spoke && !self.sides[direction].read {
            match tls_alert(rest) {
                Begins::Yes => {
                    self.notes.mismatch(at);
                    return Step::Then(rest.len(), Next::Done);
                }
                Begins::Perhaps => return Step::Wait,
                Begins::No => {}
            }
        }
        let length = match self.grammar.frame(direction, rest) {
            Frame::Need if rest.len() < limits::MESSAGE_BYTES => return Step::Wait,
            Frame::Message(length) if length > 0 => length,
            Frame::Need | Frame::Message(_) | Frame::Foreign => {
                self.sides[direction].place = Place::Dead;
                self.grammar.lost(direction);
                self.notes.lose_order();
                return Step::Used(rest.len());
            }
        };
        let kept = usize::try_from(length).unwrap_or(usize::MAX).min(limits::MESSAGE_BYTES);
        let Some(bytes) = rest.get(..kept) else { return Step::Wait };
        let left = length.saturating_sub(kept as u64);
        self.sides[direction].read = true;
        self.sides[direction].place = if left == 0 { Place::Start } else { Place::Skip(left) };
        self.client_spoke |= direction == Direction::ToServer;
        let message = Message { direction, bytes, cut: left > 0, at };
        let next = self.grammar.message(&message, &mut self.notes);
        self.notes.spoken(at);
        match next {
            Next::More => Step::Used(kept),
            next => Step::Then(kept, next),
        }
    }
}

/// What one step of reading came to.
#[derive(Clone)]
enum Step {
    Used(usize),
    Wait,
    Then(usize, Next),
}

impl<G: Grammar> Inspector for Exchange<G> {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Next) {
        let mut used: usize = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            match self.step(direction, rest, at) {
                Step::Used(n) => used = used.saturating_add(n),
                Step::Wait => return (used, Next::More),
                Step::Then(n, next) => return (used.saturating_add(n), next),
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, _at: Moment) -> Next {
        let side = &mut self.sides[direction];
        match side.place {
            Place::Skip(left) if left > missing => side.place = Place::Skip(left - missing),
            Place::Dead => {}
            _ => {
                side.place = Place::Lost;
                self.grammar.lost(direction);
                self.notes.lose_order();
            }
        }
        Next::More
    }

    fn copy(&self) -> Option<Box<dyn Inspector>> {
        Some(Box::new(self.clone()))
    }

    fn finish(self: Box<Self>) -> Facts {
        self.notes.into_facts()
    }
}
