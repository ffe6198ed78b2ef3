//! Batches of several sources in the order of time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::FrameBatch;
use crate::capture::Frame;

/// How long a frame waits for earlier ones of other sources. Interfaces hand over what they have ten times a second.
const WAIT: Duration = Duration::from_millis(250);

/// Puts the frames of several sources in the order of time.
///
/// A frame is given once every source has one that is not earlier, or when its batch has waited for a quarter of a
/// second: a quiet source does not hold up the others, and a source whose clock is wrong cannot either.
#[derive(Debug)]
pub struct Merge {
    queues: Vec<VecDeque<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    batch: FrameBatch,
    next: usize,
    came: Instant,
}

impl Merge {
    /// For this many sources.
    #[must_use]
    pub fn new(sources: usize) -> Self {
        Self { queues: (0..sources.max(1)).map(|_| VecDeque::new()).collect() }
    }

    /// Takes a batch that came at this moment of the machine's clock. One of a source that is not known is left out.
    pub fn add(&mut self, batch: FrameBatch, came: Instant) {
        if let Some(queue) = self.queues.get_mut(batch.source).filter(|_| !batch.is_empty()) {
            queue.push_back(Waiting { batch, next: 0, came });
        }
    }

    /// Shows the next frame that need not wait any longer to `take`; `false` when there is none. A batch that is done
    /// with is handed to `done`.
    pub fn next(
        &mut self,
        now: Instant,
        take: &mut dyn FnMut(&Frame<'_>),
        done: &mut dyn FnMut(FrameBatch),
    ) -> bool {
        let waits = self.queues.len() > 1
            && self.queues.iter().any(VecDeque::is_empty)
            && !self.queues.iter().flatten().any(|one| now.duration_since(one.came) >= WAIT);
        if waits {
            return false;
        }
        let head = |(index, queue): (usize, &VecDeque<Waiting>)| {
            let one = queue.front()?;
            Some((one.batch.nanos(one.next)?, index))
        };
        let Some((_, index)) = self.queues.iter().enumerate().filter_map(head).min() else {
            return false;
        };
        let Some(queue) = self.queues.get_mut(index) else { return false };
        let Some(one) = queue.front_mut() else { return false };
        if let Some(frame) = one.batch.frame(one.next) {
            take(&frame);
        }
        one.next += 1;
        if one.next >= one.batch.len()
            && let Some(one) = queue.pop_front()
        {
            done(one.batch);
        }
        true
    }

    /// Whether frames wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// Lets all frames go without waiting for others: nothing more will come.
    pub fn end(&mut self) {
        self.queues.retain(|queue| !queue.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;

    fn batch(source: usize, times: &[i64]) -> FrameBatch {
        let mut batch = FrameBatch::of(source);
        for time in times {
            batch.push(time * 1000, LinkType::ETHERNET, &[0; 4], 4);
        }
        batch
    }

    fn drain(merge: &mut Merge, now: Instant) -> Vec<i64> {
        let mut times = Vec::new();
        while merge.next(now, &mut |frame| times.push(frame.at.time.micros()), &mut |_| {}) {}
        times
    }

    #[test]
    fn one_source_never_waits() {
        let now = Instant::now();
        let mut merge = Merge::new(1);
        merge.add(batch(0, &[5, 3, 9]), now);
        assert_eq!(drain(&mut merge, now), [5, 3, 9], "in the order in which it gave them");
    }

    #[test]
    fn two_sources_are_merged_by_time() {
        let now = Instant::now();
        let mut merge = Merge::new(2);
        merge.add(batch(0, &[1, 4, 6]), now);
        assert!(drain(&mut merge, now).is_empty(), "the other may have an earlier one");
        merge.add(batch(1, &[2, 3]), now);
        assert_eq!(drain(&mut merge, now), [1, 2, 3]);
        merge.add(batch(1, &[5, 7]), now);
        assert_eq!(drain(&mut merge, now), [4, 5, 6]);
        merge.end();
        assert_eq!(drain(&mut merge, now), [7]);
        assert!(merge.is_empty());
    }

    #[test]
    fn a_quiet_source_holds_the_others_up_for_a_moment_only() {
        let now = Instant::now();
        let mut merge = Merge::new(2);
        merge.add(batch(0, &[1, 4]), now);
        assert!(drain(&mut merge, now + WAIT / 2).is_empty());
        assert_eq!(drain(&mut merge, now + WAIT), [1, 4]);
    }

    #[test]
    fn done_batches_are_given_back_and_strangers_left_out() {
        let now = Instant::now();
        let mut merge = Merge::new(1);
        merge.add(batch(7, &[1]), now);
        assert!(merge.is_empty());
        merge.add(batch(0, &[1]), now);
        let mut done = 0;
        merge.next(now, &mut |_| {}, &mut |batch| done += batch.len());
        assert_eq!(done, 1);
    }
}
