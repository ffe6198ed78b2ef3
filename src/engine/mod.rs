//! Threads, channels and the way to the end of a run.
//!
//! Takes a replay; gives its sessions in an order that depends on the frames alone, whatever the number of workers and
//! however the frames are batched. Every frame, tick and flush is an *event* with a number; a session that ends carries
//! the number of the event that ended it and its shard, and sessions are given in the order of these two.

mod backlog;
mod board;
mod clock;
mod desk;
mod guard;
mod inline;
mod intake;
mod keeper;
mod live;
mod losses;
mod memory;
#[cfg(test)]
mod publish_tests;
mod source;
mod tally;
mod threads;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::capture::{CaptureError, Filter, Progress, Replay};
use crate::decode::Segment;
use crate::flow::{TableCounts, Turn};
use crate::inspect::tls::{KeyLines, KeyLog};
use crate::model::{Coverage, DatagramFacts, FlowKey, Moment, RunInfo, Session};

pub use backlog::Unstored;
pub use board::{Board, Snapshot};
pub use clock::now;
pub use desk::{Desk, Judges, Orders, Outlet};
pub use keeper::{Keeper, KeeperState, WriteTimes};
pub use live::{Audience, LiveInput, Pulse, live};
pub use memory::{Memory, Relief};
pub use source::unsupported_links;
pub use tally::{ByRule, Standing, Tally};

/// What is read, and how a run is told to end early.
pub struct Input<'a> {
    /// The frames.
    pub replay: Replay,
    /// Which of them count.
    pub filter: Option<Filter>,
    /// Becomes true when the run is to end as if the capture ended here.
    pub stop: &'a AtomicBool,
    /// What is known of the run before it begins: how it is judged.
    pub run: RunInfo,
    /// Keys to decrypt with. Those that captures carry are added as they are met.
    pub keys: Arc<KeyLog>,
    /// Virtual networks in which equal addresses are told apart.
    pub networks: Vec<u32>,
    /// Called from time to time.
    pub progress: &'a dyn Fn(&Progress),
}

/// How the work is spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Threads that follow connections; with one, everything happens in the calling thread.
    pub workers: usize,
    /// Frames between two hand-overs of ended sessions.
    pub round: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { workers: 1, round: 4096 }
    }
}

/// What a run came to besides its sessions.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// The capture's part of the coverage.
    pub coverage: Coverage,
    /// The sources.
    pub run: RunInfo,
    /// The run was told to stop.
    pub stopped: bool,
    /// What the key logs that captures carry came to.
    pub carried_keys: KeyLines,
    /// Connections whose reader failed: a bug of ours.
    pub failed_readers: u64,
    /// The replay, for what it says of its sources.
    pub sources: Vec<crate::capture::Source>,
    /// UDP datagrams to the ports of tunnels that could not be opened, by port.
    pub tunnels: Vec<(u16, u64)>,
    /// What datagrams said of services.
    pub datagrams: DatagramFacts,
}

/// Takes the sessions of a run, one by one.
pub type Sink<'a> = dyn FnMut(&RunInfo, Session) + Send + 'a;

/// Reads everything and gives every session to `sink`.
///
/// # Errors
/// What kept a source from being read at all, or a filter from being applied.
pub fn replay(
    input: Input<'_>,
    options: Options,
    sink: &mut Sink<'_>,
) -> Result<End, CaptureError> {
    let mut front = source::Front::new(input, options.round.max(1));
    let counts = if options.workers <= 1 {
        let mut shards = inline::Inline::new(sink, front.keys());
        front.run(&mut shards)?;
        shards.counts()
    } else {
        threads::run(&mut front, options.workers, sink)?
    };
    Ok(front.end(counts))
}

/// Follows connections. Told of events in order, with their numbers.
trait Shards {
    fn segment(&mut self, event: u64, key: FlowKey, swapped: bool, segment: &Segment<'_>);
    fn datagram(&mut self, event: u64, key: FlowKey, turn: &Turn<'_>);
    fn tick(&mut self, event: u64, now: Moment);
    fn flush(&mut self, event: u64);
    /// Hands over what ended. `run` names the sources so far.
    fn end_round(&mut self, run: &RunInfo);
}

fn add_counts(all: &mut TableCounts, one: TableCounts) {
    all.half_open += one.half_open;
    all.half_open_evicted += one.half_open_evicted;
    all.evicted += one.evicted;
    all.strays += one.strays;
}
