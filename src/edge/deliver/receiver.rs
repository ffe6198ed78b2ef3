//! A receiver, and the thread that gives it what it is to have.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::courier::Shared;
use crate::model::limits;
use crate::store::Spooled;

/// How long a thread sleeps when nothing waits, before it looks again.
const LOOK: Duration = Duration::from_secs(1);

/// How often a receiver that fails is tried again when the watch ends.
const LAST_TRIES: u32 = 2;

/// How long to wait before that.
const LAST_WAIT: Duration = Duration::from_millis(200);

/// How events get to a receiver.
pub trait Transport: Send {
    /// Gives it these events, in this order; there is at least one. When this is well, the receiver has them all.
    ///
    /// # Errors
    /// Whether it has any is not known. It gets them again.
    fn deliver(&mut self, batch: &[Spooled]) -> Result<(), Failure>;

    /// The port that it connects to.
    fn port(&self) -> u16;
}

/// Why a receiver has not taken events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// In words, without secrets.
    pub why: String,
    /// It asks to be left alone for so long.
    pub wait: Option<Duration>,
    /// It takes no batch as large as this.
    pub too_large: bool,
}

impl Failure {
    /// A failure that has these words.
    #[must_use]
    pub fn of(why: impl Into<String>) -> Self {
        Self { why: why.into(), wait: None, too_large: false }
    }
}

/// A receiver that events are to be delivered to.
pub struct Receiver {
    /// What it is called in numbers and words: `webhook`, `syslog`.
    pub name: &'static str,
    /// How events get there.
    pub transport: Box<dyn Transport>,
}

/// Delivers until the end.
pub(super) fn work(mut receiver: Receiver, place: usize, shared: &Shared) {
    let name = receiver.name;
    let mut backoff = Backoff::new(shared.seed(place));
    let (mut most, mut last_tries) = (limits::DELIVERED_EVENTS, LAST_TRIES);
    while let Some(batch) = next(shared, name, most) {
        let Some((first, last)) = batch.first().zip(batch.last()) else { continue };
        let failure = match receiver.transport.deliver(&batch) {
            Ok(()) => {
                note_taken(shared, place, (name, last.seq), batch.len());
                backoff.reset();
                most = most.saturating_mul(2).min(limits::DELIVERED_EVENTS);
                continue;
            }
            Err(failure) => failure,
        };
        if failure.too_large && batch.len() > 1 {
            most = batch.len() / 2;
            continue;
        }
        if failure.too_large {
            let stays = shared.spool().give_up(name, first.seq).is_err();
            shared.with(place, |state| state.trouble = Some(failure.why));
            if stays {
                wait(shared, LOOK);
            }
            continue;
        }
        shared.with(place, |state| {
            state.failures = state.failures.saturating_add(1);
            state.in_a_row = state.in_a_row.saturating_add(1);
            state.trouble = Some(failure.why);
        });
        if !shared.ending.load(Ordering::Acquire) {
            wait(shared, backoff.next(failure.wait));
        } else if last_tries > 0 {
            last_tries -= 1;
            thread::sleep(LAST_WAIT);
        } else {
            break;
        }
    }
    shared.with(place, |state| state.done = true);
}

/// Notes what a receiver has, and does not go on before that is noted: it would be delivered again.
fn note_taken(shared: &Shared, place: usize, (name, last): (&str, u64), events: usize) {
    loop {
        let trouble = shared.spool().taken(name, last).err();
        let failed = trouble.is_some();
        shared.with(place, |state| {
            state.trouble = trouble.map(|error| error.diagnostic().message);
        });
        if !failed || shared.ending.load(Ordering::Acquire) {
            break;
        }
        wait(shared, LOOK);
    }
    shared.with(place, |state| {
        state.sent = state.sent.saturating_add(events as u64);
        state.in_a_row = 0;
    });
}

/// What is to be delivered next; waits for it. Nothing when the end has come and all is delivered.
fn next(shared: &Shared, name: &str, most: usize) -> Option<Vec<Spooled>> {
    let mut spool = shared.spool();
    loop {
        // What cannot be read now is tried again later, as what is not there.
        let batch = spool.next(name, (most, limits::DELIVERED_BYTES)).unwrap_or_default();
        if !batch.is_empty() {
            return Some(batch);
        }
        if shared.drained.load(Ordering::Acquire) {
            return None;
        }
        spool = shared.wait(spool, LOOK);
    }
}

/// Waits so long, or until the end comes.
fn wait(shared: &Shared, time: Duration) {
    let until = Instant::now() + time;
    let mut spool = shared.spool();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || shared.ending.load(Ordering::Acquire) {
            return;
        }
        spool = shared.wait(spool, left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Spool;

    const HOUR: Duration = Duration::from_secs(3600);

    fn events(second: u64) -> Vec<Spooled> {
        let line = |number| format!("{{\"second\":{second},\"number\":{number}}}");
        (0..5).map(|number| Spooled { line: line(number), ..Spooled::default() }).collect()
    }

    /// An hour in which five events a second come and nobody takes any: the attempts, by the clock of the schedule.
    fn an_hour_away(spool: &mut Spool) -> usize {
        let (mut backoff, mut attempts, mut due) = (Backoff::new(7), 0, Duration::ZERO);
        for second in 0..HOUR.as_secs() {
            spool.add(&events(second)).unwrap();
            while due < Duration::from_secs(second) {
                let batch = spool.next("webhook", (limits::DELIVERED_EVENTS, usize::MAX)).unwrap();
                assert!(!batch.is_empty(), "the same again");
                attempts += 1;
                due += backoff.next(None);
            }
        }
        attempts
    }

    /// Everything that waits, taken in batches.
    fn taken(spool: &mut Spool) -> Vec<Spooled> {
        let mut all = Vec::new();
        loop {
            let batch = (limits::DELIVERED_EVENTS, limits::DELIVERED_BYTES);
            let batch = spool.next("webhook", batch).unwrap();
            let Some(last) = batch.last() else { return all };
            spool.taken("webhook", last.seq).unwrap();
            all.extend(batch);
        }
    }

    #[test]
    fn a_receiver_that_is_away_for_an_hour_gets_every_event_in_order() {
        let mut spool = Spool::in_memory(&["webhook"], 1 << 20).unwrap();
        let attempts = an_hour_away(&mut spool);
        assert!((60..140).contains(&attempts), "{attempts} attempts: neither a flood nor asleep");
        let waiting = spool.waiting("webhook").unwrap();
        assert_eq!((waiting.events, waiting.dropped), (18_000, 0));
        let all = taken(&mut spool);
        assert!(
            all.iter().zip(1..).all(|(event, seq)| event.seq == seq),
            "with no number left out"
        );
        let lines: Vec<String> = (0..HOUR.as_secs()).flat_map(events).map(|e| e.line).collect();
        assert_eq!(all.into_iter().map(|event| event.line).collect::<Vec<_>>(), lines);
        assert_eq!((spool.bytes(), spool.waiting("webhook").unwrap().events), (0, 0));
    }

    #[test]
    fn a_spool_that_is_too_small_for_an_hour_keeps_the_newest_and_counts_the_rest() {
        let most = 64 << 10;
        let mut spool = Spool::in_memory(&["webhook"], most).unwrap();
        an_hour_away(&mut spool);
        assert!(spool.bytes() <= most, "{} bytes", spool.bytes());
        let waiting = spool.waiting("webhook").unwrap();
        assert_eq!(waiting.events + waiting.dropped, 18_000, "none is forgotten");
        let all = taken(&mut spool);
        assert_eq!(all.len() as u64, waiting.events);
        assert_eq!(all.first().map(|event| event.seq), Some(waiting.dropped + 1));
        assert_eq!(all.last().map(|event| event.seq), Some(18_000));
    }
}
