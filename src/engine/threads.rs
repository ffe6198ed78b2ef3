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

use super::guard::{Guarded, finished, table};
use super::source::Front;
use super::{Shards, Sink, add_counts};
use crate::capture::CaptureError;
use crate::decode::Segment;
use crate::flow::{Table, TableCounts, shard_of};
use crate::inspect::tls::KeyLog;
use crate::model::{FlowKey, Moment, RunInfo, Session, limits};

/// Rounds that may be under way at once.
const ROUNDS: usize = 4;

/// What the reader hands to one worker for one round.
#[derive(Default)]
struct Batch {
    items: Vec<(u64, Item)>,
    bytes: Vec<u8>,
}

/// One event. A segment's payload lies in the batch, behind that of the segment before it.
enum Item {
    Segment { shard: usize, key: FlowKey, swapped: bool, segment: Segment<'static>, length: usize },
    Tick(Moment),
    Flush,
}

/// What a worker answers: ended sessions with their event and shard.
type Answer = Vec<(u64, usize, Session)>;

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
                Worker::new(worker, workers, &keys).work(&batch_out, &answer_in, &spare)
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
        self.batches.iter_mut().for_each(|batch| batch.items.push((event, item())));
    }
}

impl Shards for Spread {
    fn segment(&mut self, event: u64, key: FlowKey, swapped: bool, segment: &Segment<'_>) {
        let shard = shard_of(&key);
        let worker = shard % self.batches.len().max(1);
        let Some(batch) = self.batches.get_mut(worker) else { return };
        batch.bytes.extend_from_slice(segment.payload);
        let length = segment.payload.len();
        let segment = Segment { payload: &[], ..*segment };
        batch.items.push((event, Item::Segment { shard, key, swapped, segment, length }));
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

/// One worker and its shards.
struct Worker {
    first: usize,
    step: usize,
    tables: Vec<Table<Guarded>>,
    answer: Answer,
}

impl Worker {
    fn new(first: usize, step: usize, keys: &Arc<KeyLog>) -> Self {
        let tables = (first..limits::SHARDS).step_by(step).map(|_| table(keys)).collect();
        Self { first, step, tables, answer: Answer::new() }
    }

    fn work(
        mut self,
        batches: &Receiver<Batch>,
        answers: &Sender<Answer>,
        spare: &Sender<Batch>,
    ) -> TableCounts {
        for mut batch in batches {
            self.batch(&batch);
            batch.items.clear();
            batch.bytes.clear();
            let _full = spare.try_send(batch);
            if answers.send(std::mem::take(&mut self.answer)).is_err() {
                break;
            }
        }
        let mut all = TableCounts::default();
        self.tables.iter().for_each(|table| add_counts(&mut all, table.counts()));
        all
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
                Item::Tick(now) => self.on_each(*event, |table| table.tick(*now)),
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
    if table.has_ended() {
        answer.extend(table.drain_ended().map(|ended| (event, shard, finished(ended))));
    }
}
