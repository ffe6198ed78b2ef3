//! The loop of a live audit: frames as they come, to sessions as their verdicts are known.
//!
//! ```text
//!  feed's threads --batches--> caller: merges, decodes --batches by flow--> worker 0..N-1
//!                                                                               |  one answer per batch
//!                                                                               v
//!                                                             collector: gives sessions to the audience
//! ```
//!
//! As in a replay, with three differences. Nobody waits for anybody: a batch that its worker has no room for is dropped
//! whole, and counted. (A pipe is waited for: who writes it waits in turn.) Time goes on without packets: a quiet wire still ends what is over. And the collector beats by the
//! clock of the machine, so that what is known is published while it becomes known.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::guard::{self, live_table};
use super::intake::Intake;
use super::threads::{Answer, Batch, Item, Load, Worker, batch_of};
use super::{Shards, add_counts};
use crate::capture::{Arrival, Feed, Filter, Frame, Merge, SourceReport};
use crate::decode::{Decoder, Segment};
use crate::flow::Turn;
use crate::inspect::tls::KeyLog;
use crate::model::{Coverage, DatagramFacts, FlowKey, FrameNo, Moment, Session, Timestamp, limits};

/// Batches that may wait for one worker.
const WAITING: usize = 8;

/// Rounds that may wait for the collector, which publishes meanwhile: ten seconds of them.
const ROUNDS: usize = 256;

/// Segments of a batch from which on it waits for nobody: its worker takes it, or it is dropped.
const FULL_SEGMENTS: u64 = 4096;

/// Payload bytes of such a batch.
const FULL_BYTES: usize = 4 << 20;

/// How long a feed that waits is left waiting before there may be room.
const MOMENT: Duration = Duration::from_millis(1);

/// Microseconds of packet time between two beats of the capture's clock.
const BEAT: i64 = 200_000;

/// How long the loop waits for frames before it looks after time, and how often batches are handed over.
const ROUND: Duration = Duration::from_millis(50);

/// How often the collector is told of the capture, and beats when no session comes.
const PULSE: Duration = Duration::from_millis(200);

/// How long nothing must come before packet time goes on by the clock of the machine.
const QUIET: Duration = Duration::from_millis(500);

/// The longest that a round of the loop may have waited for frames; what is beyond that was not waiting.
const LONGEST_ROUND: Duration = Duration::from_millis(200);

/// Seconds by which the capture's clock may go back before it is taken for set anew.
const STEP_SECONDS: i64 = 5;

/// What a live audit reads, and how it is told to end.
pub struct LiveInput<'a> {
    /// The frames.
    pub feed: Box<dyn Feed>,
    /// Which of them count, where the kernel does not filter.
    pub filter: Option<Filter>,
    /// Becomes true when the audit is to end.
    pub stop: &'a AtomicBool,
    /// Asked now and then: whether, and down to which part in percent, connections are to be ended for want of memory.
    pub shed: &'a (dyn Fn() -> Option<u8> + Sync),
    /// Virtual networks in which equal addresses are told apart.
    pub networks: Vec<u32>,
    /// Keys to decrypt with.
    pub keys: Arc<KeyLog>,
    /// Threads that follow connections.
    pub workers: usize,
    /// Connections followed at once, over all shards.
    pub flows: usize,
}

/// What is known of the capture at one moment. Counts are those since the beginning.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    /// The capture's part of the coverage, losses of all kinds included.
    pub coverage: Coverage,
    /// What datagrams said of services, when that is more than was told before.
    pub datagrams: Option<DatagramFacts>,
    /// The sources.
    pub sources: Vec<SourceReport>,
    /// Frames up to now.
    pub frames: u64,
    /// Connections that are followed.
    pub flows: u64,
    /// Bytes held back for them.
    pub held: u64,
    /// Segments dropped because a worker had no room, by worker.
    pub dropped_by_worker: Vec<u64>,
    /// How often the clock of the capture was set back.
    pub clock_steps: u64,
    /// Connections whose reader failed: a bug of ours.
    pub failed_readers: u64,
}

impl Pulse {
    /// Frames and segments that were lost, wherever.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let here: u64 = self.dropped_by_worker.iter().sum();
        self.sources.iter().fold(here, |sum, source| sum.saturating_add(source.dropped()))
    }
}

/// Takes what a live audit comes to, in one thread.
pub trait Audience: Send {
    /// A session that ended, or that goes on and can be judged.
    fn session(&mut self, session: Session);

    /// What is known of the capture now.
    fn pulse(&mut self, pulse: Pulse);

    /// Time went on. Called several times a second.
    fn beat(&mut self);
}

/// Reads until the feed ends or `stop` is true.
pub fn live(mut input: LiveInput<'_>, audience: &mut dyn Audience) {
    let workers = input.workers.clamp(1, limits::SHARDS);
    let per_table = (input.flows / limits::SHARDS).max(1);
    let loads: Vec<Mutex<Load>> = (0..workers).map(|_| Mutex::default()).collect();
    let keys = Arc::clone(&input.keys);
    let taken = &AtomicU64::new(0);
    thread::scope(|scope| {
        let (round_in, round_out) = bounded::<Round>(ROUNDS);

        let (spare_in, spare_out) = bounded::<Batch>(WAITING * workers);
        let (mut inputs, mut answers, mut handles) = (Vec::new(), Vec::new(), Vec::new());
        for (worker, load) in loads.iter().enumerate() {
            let (batch_in, batch_out) = bounded::<Batch>(WAITING);
            let (answer_in, answer_out) = bounded::<Answer>(ROUNDS);
            let (spare, keys) = (spare_in.clone(), Arc::clone(&keys));
            inputs.push(batch_in);
            answers.push(answer_out);
            let told = |now: &Load| *load.lock().unwrap_or_else(PoisonError::into_inner) = *now;
            handles.push(scope.spawn(move || {
                let tables = || live_table(&keys, per_table);
                Worker::new(worker, workers, tables).work(&batch_out, &answer_in, &spare, &told)
            }));
        }
        let collector = scope.spawn(move || collect(&round_out, &answers, (audience, taken)));
        let spread = Spread::new(inputs, round_in, spare_out);
        let mut reader = Reader::new(spread, (&loads, taken), &input);
        reader.run(&mut input);
        let workers = handles.into_iter().filter_map(|handle| handle.join().err());
        let mut panics: Vec<_> = workers.collect();
        // Now that the workers are done, what they counted is all that there is.
        reader.say_last(&input);
        panics.extend(collector.join().err());
        if let Some(panic) = panics.into_iter().next() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// What the reader tells the collector: which workers were given a batch, each of which will answer.
struct Round {
    workers: u32,
    pulse: Option<Box<Pulse>>,
}

/// Gives what comes to the audience, and counts the sessions that were taken.
fn collect(
    rounds: &Receiver<Round>,
    answers: &[Receiver<Answer>],
    (audience, taken): (&mut dyn Audience, &AtomicU64),
) {
    let mut all = Answer::new();
    loop {
        match rounds.recv_timeout(PULSE) {
            Ok(round) => {
                let given = answers.iter().zip(0u32..);
                for (answer, _) in given.filter(|(_, worker)| round.workers >> worker & 1 == 1) {
                    all.extend(answer.recv().into_iter().flatten());
                }
                all.sort_by_key(|(event, shard, _)| (*event, *shard));
                taken.fetch_add(all.len() as u64, Ordering::Relaxed);
                all.drain(..).for_each(|(_, _, session)| audience.session(session));
                if let Some(pulse) = round.pulse {
                    audience.pulse(*pulse);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        audience.beat();
    }
}

/// The reader's side: copies segments into batches, and drops those that there is no room for.
struct Spread {
    inputs: Vec<Sender<Batch>>,
    batches: Vec<Batch>,
    rounds: Sender<Round>,
    spare: Receiver<Batch>,
    /// Batches are kept until there is room for them.
    waits: bool,
    dropped: Vec<u64>,
}

impl Spread {
    fn new(inputs: Vec<Sender<Batch>>, rounds: Sender<Round>, spare: Receiver<Batch>) -> Self {
        let batches = inputs.iter().map(|_| Batch::default()).collect();
        let dropped = vec![0; inputs.len()];
        Self { inputs, batches, rounds, spare, waits: false, dropped }
    }

    fn every(&mut self, event: u64, item: impl Fn() -> Item) {
        self.batches.iter_mut().for_each(|batch| batch.note(event, item()));
    }

    /// Whether a batch has grown so far that it must go now.
    fn is_full(&self) -> bool {
        self.batches.iter().any(is_full)
    }

    /// Hands over what there is room for. A full batch that there is no room for is dropped; another one waits.
    fn hand_over(&mut self, mut pulse: Option<Box<Pulse>>, unjudged: u64) -> bool {
        let room = !self.rounds.is_full() && unjudged < limits::UNJUDGED_SESSIONS;
        let mut workers = 0;
        for (place, (input, batch)) in self.inputs.iter().zip(&mut self.batches).enumerate() {
            if batch.is_empty() {
                continue;
            }
            if room && !input.is_full() {
                let empty = self.spare.try_recv().unwrap_or_default();
                if input.send(std::mem::replace(batch, empty)).is_ok() {
                    workers |= 1 << place;
                }
            } else if !self.waits && is_full(batch) {
                if let Some(dropped) = self.dropped.get_mut(place) {
                    *dropped += batch.segments();
                }
                batch.clear();
            }
        }
        if room && (workers != 0 || pulse.is_some()) {
            let _gone = self.rounds.send(Round { workers, pulse: pulse.take() });
        }
        pulse.is_none()
    }

    /// Hands over everything, and waits for room: the audit ends, and so do the workers.
    fn hand_over_all(&mut self) {
        let mut workers = 0;
        for (place, (input, batch)) in self.inputs.drain(..).zip(&mut self.batches).enumerate() {
            if input.send(std::mem::take(batch)).is_ok() {
                workers |= 1 << place;
            }
        }
        let _gone = self.rounds.send(Round { workers, pulse: None });
    }
}

fn is_full(batch: &Batch) -> bool {
    batch.segments() >= FULL_SEGMENTS || batch.bytes() >= FULL_BYTES
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

    fn end_round(&mut self, _: &crate::model::RunInfo) {}
}

/// How long no frame came. A process that was stopped, or a machine that slept, did not look: what came meanwhile is only
/// about to be read, and time must not have gone on without it.
#[derive(Clone, Copy, Debug)]
struct Quiet {
    time: Duration,
    /// When the last round ended.
    round: Instant,
}

impl Quiet {
    fn round(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.round);
        self.round = now;
        self.time = self.time.saturating_add(passed.min(LONGEST_ROUND));
    }
}

/// Takes frames, and looks after time.
struct Reader<'a> {
    spread: Spread,
    loads: &'a [Mutex<Load>],
    /// Sessions that the collector took.
    taken: &'a AtomicU64,
    intake: Intake,
    merge: Merge,
    event: u64,
    frames: u64,
    /// The time of the last frame, and how long none has come since.
    last: Timestamp,
    quiet: Quiet,
    handed_over: Instant,
    pulsed: Instant,
    announced: usize,
    clock_steps: u64,
    failed_before: u64,
}

impl<'a> Reader<'a> {
    fn new(
        spread: Spread,
        (loads, taken): (&'a [Mutex<Load>], &'a AtomicU64),
        input: &LiveInput<'_>,
    ) -> Self {
        let now = Instant::now();
        Self {
            spread,
            loads,
            taken,
            intake: Intake::new(Decoder::new().telling_apart(input.networks.clone()), BEAT),
            merge: Merge::new(input.feed.sources().len()),
            event: 0,
            frames: 0,
            last: Timestamp::from_micros(i64::MIN),
            quiet: Quiet { time: Duration::ZERO, round: now },
            handed_over: now,
            pulsed: now,
            announced: 0,
            clock_steps: 0,
            failed_before: guard::failed(),
        }
    }

    fn run(&mut self, input: &mut LiveInput<'_>) {
        let mut over = false;
        while !over && !input.stop.load(Ordering::Relaxed) {
            match input.feed.next(ROUND) {
                Arrival::Frames(batch) => self.merge.add(batch, Instant::now()),
                Arrival::Quiet => {}
                Arrival::Over => {
                    over = true;
                    self.merge.end();
                }
            }
            self.take_frames(input);
            self.look_after_time(input);
        }
        self.merge.end();
        self.take_frames(input);
        self.event += 1;
        self.intake.flush();
        self.spread.flush(self.event);
        self.spread.hand_over_all();
    }

    /// Tells the collector what there was, and that nothing more comes.
    fn say_last(mut self, input: &LiveInput<'_>) {
        let pulse = Some(Box::new(self.pulse(input.feed.as_ref())));
        let _gone = self.spread.rounds.send(Round { workers: 0, pulse });
    }

    fn take_frames(&mut self, input: &mut LiveInput<'_>) {
        let now = Instant::now();
        let mut merge = std::mem::replace(&mut self.merge, Merge::new(0));
        let LiveInput { feed, filter, stop, .. } = input;
        self.spread.waits = feed.waits();
        let mut done = |batch| feed.give_back(batch);
        while merge.next(now, &mut |frame| self.frame(frame, filter), &mut done) {
            if self.spread.is_full() {
                self.spread.hand_over(None, self.unjudged());
            }
            while self.spread.waits && self.spread.is_full() && !stop.load(Ordering::Relaxed) {
                thread::sleep(MOMENT);
                self.spread.hand_over(None, self.unjudged());
            }
        }
        self.merge = merge;
    }

    fn frame(&mut self, frame: &Frame<'_>, filter: &mut Option<Filter>) {
        self.frames += 1;
        // A link type that the filter cannot answer for passes nothing.
        if filter.as_mut().is_some_and(|filter| !filter.matches(frame).unwrap_or(false)) {
            return;
        }
        self.event += 1;
        let at = Moment { time: frame.at.time, frame: FrameNo(self.frames) };
        self.follow_clock(at.time);
        self.quiet.time = Duration::ZERO;
        self.last = at.time;
        self.intake.frame(self.event, &Frame { at, ..*frame }, &mut self.spread);
    }

    /// Where the clock of the capture was set back, time goes on from there: or nothing would end until it is as late
    /// again as it was.
    fn follow_clock(&mut self, at: Timestamp) {
        let clock = self.intake.clock();
        if at.plus_seconds(STEP_SECONDS) < clock {
            self.clock_steps += 1;
            self.intake.set_clock(at);
        }
    }

    fn look_after_time(&mut self, input: &LiveInput<'_>) {
        self.quiet.round(Instant::now());
        let quiet = self.quiet.time;
        if self.frames > 0 && quiet >= QUIET && self.handed_over.elapsed() >= ROUND {
            let later = i64::try_from(quiet.as_micros()).unwrap_or(i64::MAX);
            let time = Timestamp::from_micros(self.last.micros().saturating_add(later));
            if time.micros_since(self.intake.clock()) >= BEAT {
                self.event += 1;
                self.intake.set_clock(time);
                let frame = FrameNo(self.frames);
                self.spread.tick(self.event, Moment { time, frame });
            }
        }
        if let Some(percent) = (input.shed)() {
            self.event += 1;
            self.spread.every(self.event, || Item::Shed(percent));
        }
        if self.handed_over.elapsed() >= ROUND {
            self.handed_over = Instant::now();
            let due = self.pulsed.elapsed() >= PULSE;
            let pulse = due.then(|| Box::new(self.pulse(input.feed.as_ref())));
            let unjudged = self.unjudged();
            if self.spread.hand_over(pulse, unjudged) && due {
                self.pulsed = Instant::now();
            }
        }
    }

    /// Sessions that workers gave out and that wait for the collector.
    fn unjudged(&self) -> u64 {
        let answered = |load: &Mutex<Load>| load.lock().map_or(0, |load| load.answered);
        let all: u64 = self.loads.iter().map(answered).sum();
        all.saturating_sub(self.taken.load(Ordering::Relaxed))
    }

    fn pulse(&mut self, feed: &dyn Feed) -> Pulse {
        let mut all = Load::default();
        for load in self.loads {
            let load = *load.lock().unwrap_or_else(PoisonError::into_inner);
            add_counts(&mut all.counts, load.counts);
            all.active += load.active;
            all.held += load.held;
        }
        let mut pulse = Pulse {
            coverage: self.intake.coverage(all.counts),
            datagrams: None,
            sources: feed.sources(),
            frames: self.frames,
            flows: all.active,
            held: all.held,
            dropped_by_worker: self.spread.dropped.clone(),
            clock_steps: self.clock_steps,
            failed_readers: guard::failed().saturating_sub(self.failed_before),
        };
        pulse.coverage.dropped = pulse.dropped();
        let announced = self.intake.datagrams().announcements.len();
        if announced > self.announced {
            self.announced = announced;
            pulse.datagrams = Some(self.intake.datagrams().clone());
        }
        pulse
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
