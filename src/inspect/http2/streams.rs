//! Calls whose response is awaited.

use crate::inspect::calls::registries::Wanted;
use crate::inspect::calls::{CallId, Used};
use crate::model::limits;

/// What is remembered of a request until its response ends.
#[derive(Clone, Copy, Default)]
pub(super) struct Stream {
    /// What is to be read of the data that the client sends.
    pub(super) wanted: Option<Wanted>,
    /// The call, if it was named.
    pub(super) call: Option<CallId>,
    /// The credentials that it carried.
    pub(super) used: Used,
    /// It is gRPC: its status comes behind the body.
    pub(super) grpc: bool,
    /// The head of the response was seen.
    pub(super) answered: bool,
    /// How the call ended was seen.
    pub(super) judged: bool,
}

/// The streams of one connection. A few are open at a time, so they are in a list, which is searched from its end: most
/// that are asked for were opened last.
#[derive(Clone, Default)]
pub(super) struct Streams {
    open: Vec<(u32, Stream)>,
    highest: u32,
    lowest: Option<u32>,
}

impl Streams {
    /// Whether a header block from the client on this stream opens it. Otherwise it ends a request that was opened
    /// before: clients number streams upwards (RFC 9113 section 5.1.1).
    pub(super) fn opens(&self, id: u32) -> bool {
        id > self.highest
    }

    /// Whether the client opened a stream of this number or a lower one.
    pub(super) fn was_opened(&self, id: u32) -> bool {
        self.lowest.is_some_and(|lowest| lowest <= id)
    }

    /// Adds a stream. Says whether there was room; if not, the oldest is forgotten.
    pub(super) fn open(&mut self, id: u32, stream: Stream) -> bool {
        self.highest = self.highest.max(id);
        self.lowest.get_or_insert(id);
        let room = self.open.len() < limits::HTTP2_STREAMS;
        if !room {
            let oldest = (0..).zip(&self.open).min_by_key(|(_, (id, _))| *id);
            if let Some((place, _)) = oldest {
                self.open.swap_remove(place);
            }
        }
        self.open.push((id, stream));
        room
    }

    /// The open stream of this number.
    pub(super) fn find(&mut self, id: u32) -> Option<&mut Stream> {
        self.open.iter_mut().rev().find(|(open, _)| *open == id).map(|(_, stream)| stream)
    }

    /// Forgets a stream that ended.
    pub(super) fn end(&mut self, id: u32) {
        if let Some(place) = self.open.iter().rposition(|(open, _)| *open == id) {
            self.open.swap_remove(place);
        }
    }
}
