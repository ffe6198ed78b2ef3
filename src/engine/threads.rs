//! Shards spread over worker threads.
//!
//! ```text
//!  caller: reads, decodes --batches--> worker 0..N-1 (their shards, nothing shared)
//!                                          |  one answer per round, even when empty
//!                                          v
//!                                      collector: puts the answers of a round in order, gives them to the sink
//! ```
//!
//! Channels are bounded: a slow sink slows the workers, slow workers slow the reader, and nothing is lost.

use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::guard::{Guarded, table, take_ended};
use super::source::Front;
use super::{Shards, Sink, add_counts};
use crate::capture::CaptureError;
use crate::decode::Segment;
use crate::flow::{Table, TableCounts, Turn, shard_of};
use crate::model::{FlowKey, Moment, RunInfo, Session, limits};

/// Rounds that may be under way at once.
const ROUNDS: usize = 4;

/// What the reader hands to one worker for one round.
#[derive(Default)]
pub(super) struct Batch {
    items: Vec<(u64, Item)>,
    bytes: Vec<u8>,
    segments: u64,
}

impl Batch {
    /// Adds a segment of a shard.
    pub(super) fn push(
        &mut self,
        event: u64,
        shard: usize,
        (key, swapped): (FlowKey, bool),
        segment: &Segment<'_>,
    ) {
        self.bytes.extend_from_slice(segment.payload);
        self.segments += 1;
        let length = segment.payload.len();
        let segment = Segment { payload: &[], ..*segment };
        self.items.push((event, Item::Segment { shard, key, swapped, segment, length }));
    }

    /// Adds a datagram of a conversation of a shard.
    pub(super) fn push_turn(&mut self, event: u64, shard: usize, key: FlowKey, turn: &Turn<'_>) {
        self.bytes.extend_from_slice(turn.read);
        self.segments += 1;
        let length = turn.read.len();
        let turn = Turn { read: &[], ..*turn };
        self.items.push((event, Item::Datagram { shard, key, turn, length }));
    }

    /// Adds something for all shards.
    pub(super) fn note(&mut self, event: u64, item: Item) {
        self.items.push((event, item));
    }

    /// How many segments there are.
    pub(super) fn segments(&self) -> u64 {
        self.segments
    }

    /// Payload bytes of the segments.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Empties it.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.bytes.clear();
        self.segments = 0;
    }
}

/// The shard of a connection, and the batch of the worker that has it.
pub(super) fn batch_of<'a>(
    batches: &'a mut [Batch],
    key: &FlowKey,
) -> Option<(usize, &'a mut Batch)> {
    let shard = shard_of(key);
    let worker = shard % batches.len().max(1);
    batches.get_mut(worker).map(|batch| (shard, batch))
}

/// One event. The payload of a segment or a datagram lies in the batch, behind that of the one before it.
pub(super) enum Item {
    Segment {
        shard: usize,
        key: FlowKey,
        swapped: bool,
        segment: Segment<'static>,
        length: usize,
    },
    Datagram {
        shard: usize,
        key: FlowKey,
        turn: Turn<'static>,
        length: usize,
    },
    Tick(Moment),
    /// Ends the connections that were quiet longest until this part of the shard's room is left, in percent.
    Shed(u8),
    Flush,
}

/// What a worker answers: ended sessions with their event and shard.
pub(super) type Answer = Vec<(u64, usize, Session)>;

/// Runs `front` with `workers` threads.
pub(super) fn run(
    front: &mut Front<'_>,
    workers: usize,
    sink: &mut Sink<'_>,
) -> Result<TableCounts, CaptureError> {
    let workers = workers.min(limits::SHARDS);
    let keys = Arc::clone(front.keys());
    thread::scope(|scope| {
        let (round_in, round_out) = bounded::<Arc<RunInfo>>(ROUNDS);
        let (mut inputs, mut answers, mut handles) = (Vec::new(), Vec::new(), Vec::new());
        let (spare_in, spare_out) = bounded::<Batch>(ROUNDS * workers);
        for worker in 0..workers {
            let (batch_in, batch_out) = bounded::<Batch>(ROUNDS);
            let (answer_in, answer_out) = bounded::<Answer>(ROUNDS);
            let (spare, keys) = (spare_in.clone(), Arc::clone(&keys));
            inputs.push(batch_in);
            answers.push(answer_out);
            handles.push(scope.spawn(move || {
                Worker::new(worker, workers, || table(&keys)).work(
                    &batch_out,
                    &answer_in,
                    &spare,
                    &|_| {},
                )
            }));
        }
        let collector = scope.spawn(move || collect(&round_out, &answers, sink));
        let mut spread = Spread::new(inputs, round_in, spare_out);
        let result = front.run(&mut spread);
        drop(spread);
        let counts = join(handles);
        if let Err(panic) = collector.join() {
            std::panic::resume_unwind(panic);
        }
        result.map(|()| counts)
    })
}

fn join(handles: Vec<ScopedJoinHandle<'_, TableCounts>>) -> TableCounts {
    let mut all = TableCounts::default();
    for handle in handles {
        match handle.join() {
            Ok(counts) => add_counts(&mut all, counts),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    all
}

/// Waits for every worker's answer to a round, and gives the sessions of the round in order.
fn collect(rounds: &Receiver<Arc<RunInfo>>, answers: &[Receiver<Answer>], sink: &mut Sink<'_>) {
    let mut all = Answer::new();
    for run in rounds {
        for answer in answers {
            all.extend(answer.recv().into_iter().flatten());
        }
        // Within one event and shard the order is the shard's own, which a stable sort keeps.
        all.sort_by_key(|(event, shard, _)| (*event, *shard));
        for (_, _, session) in all.drain(..) {
            sink(&run, session);
        }
    }
}

/// The reader's side: copies segments into batches.
struct Spread {
    inputs: Vec<Sender<Batch>>,
    batches: Vec<Batch>,
    rounds: Sender<Arc<RunInfo>>,
    spare: Receiver<Batch>,
    run: Arc<RunInfo>,
}

impl Spread {
    fn new(
        inputs: Vec<Sender<Batch>>,
        rounds: Sender<Arc<RunInfo>>,
        spare: Receiver<Batch>,
    ) -> Self {
        let batches = inputs.iter().map(|_| Batch::default()).collect();
        Self { inputs, batches, rounds, spare, run: Arc::default() }
    }

    fn every(&mut self, event: u64, item: impl Fn() -> Item) {
        self.batches.iter_mut().for_each(|batch| batch.note(event, item()));
    }
}

impl Shards for Spread {
    fn segment(&mut self, event: u64, key: FlowKey, swapped: bool, segment: &Segment<'_>) {
        if let Some((shard, batch)) = batch_of(&mut self.batches, &key) {
            batch.push(event, shard, (key, swapped), segment);
        }
    }

    fn datagram(&mut self, event: u64, key: FlowKey, turn: &Turn<'_>) {
        if let Some((shard, batch)) = batch_of(&mut self.batches, &key) {
            batch.push_turn(event, shard, key, turn);
        }
    }

    fn tick(&mut self, event: u64, now: Moment) {
        self.every(event, || Item::Tick(now));
    }

    fn flush(&mut self, event: u64) {
        self.every(event, || Item::Flush);
    }

    fn end_round(&mut self, run: &RunInfo) {
        if self.run.sources != run.sources {
            self.run = Arc::new(run.clone());
        }
        // A worker that is gone has panicked; joining it says so.
        for (input, batch) in self.inputs.iter().zip(&mut self.batches) {
            let empty = self.spare.try_recv().unwrap_or_default();
            let _gone = input.send(std::mem::replace(batch, empty));
        }
        let _gone = self.rounds.send(Arc::clone(&self.run));
    }
}

/// What a worker's tables hold, and counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Load {
    pub(super) counts: TableCounts,
    /// Connections that are followed.
    pub(super) active: u64,
    /// Bytes held back for them.
    pub(super) held: u64,
    /// Sessions that were given out.
    pub(super) answered: u64,
}

/// One worker and its shards.
pub(super) struct Worker {
    first: usize,
    step: usize,
    tables: Vec<Table<Guarded>>,
    answer: Answer,
    answered: u64,
}

impl Worker {
    /// The worker that follows every `step`th shard from `first` on, in tables that `make` makes.
    pub(super) fn new(first: usize, step: usize, make: impl Fn() -> Table<Guarded>) -> Self {
        let tables = (first..limits::SHARDS).step_by(step).map(|_| make()).collect();
        Self { first, step, tables, answer: Answer::new(), answered: 0 }
    }

    /// Follows connections until no batch comes any more.
    pub(super) fn work(
        mut self,
        batches: &Receiver<Batch>,
        answers: &Sender<Answer>,
        spare: &Sender<Batch>,
        told: &dyn Fn(&Load),
    ) -> TableCounts {
        for mut batch in batches {
            self.batch(&batch);
            batch.clear();
            let _full = spare.try_send(batch);
            self.answered += self.answer.len() as u64;
            if answers.send(std::mem::take(&mut self.answer)).is_err() {
                break;
            }
            told(&self.load());
        }
        self.load().counts
    }

    /// What its tables hold and counted.
    fn load(&self) -> Load {
        let mut load = Load { answered: self.answered, ..Load::default() };
        for table in &self.tables {
            add_counts(&mut load.counts, table.counts());
            load.active += table.active() as u64;
            load.held += table.held() as u64;
        }
        load
    }

    fn batch(&mut self, batch: &Batch) {
        let mut bytes = batch.bytes.as_slice();
        for (event, item) in &batch.items {
            match item {
                Item::Segment { shard, key, swapped, segment, length } => {
                    let (payload, rest) = bytes.split_at_checked(*length).unwrap_or((bytes, &[]));
                    bytes = rest;
                    let Some(table) = self.tables.get_mut(*shard / self.step) else { continue };
                    table.segment(*key, *swapped, &Segment { payload, ..*segment });
                    take(table, &mut self.answer, *event, *shard);
                }
                Item::Datagram { shard, key, turn, length } => {
                    let (read, rest) = bytes.split_at_checked(*length).unwrap_or((bytes, &[]));
                    bytes = rest;
                    let Some(table) = self.tables.get_mut(*shard / self.step) else { continue };
                    table.datagram(*key, &Turn { read, ..*turn });
                    take(table, &mut self.answer, *event, *shard);
                }
                Item::Tick(now) => self.on_each(*event, |table| table.tick(*now)),
                Item::Shed(percent) => self.on_each(*event, |table| table.shed(*percent)),
                Item::Flush => self.on_each(*event, Table::finish),
            }
        }
    }

    fn on_each(&mut self, event: u64, work: impl Fn(&mut Table<Guarded>)) {
        for (table, at) in self.tables.iter_mut().zip(0..) {
            work(table);
            take(table, &mut self.answer, event, self.first + at * self.step);
        }
    }
}

fn take(table: &mut Table<Guarded>, answer: &mut Answer, event: u64, shard: usize) {
    take_ended(table, |session| answer.push((event, shard, session)));
}
