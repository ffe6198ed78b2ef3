//! How long to wait before a receiver that failed is tried again: longer each time, to a bound, and never all at once.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(500);

/// The longest.
const LONGEST: Duration = Duration::from_secs(60);

/// Waits between attempts. The same seed gives the same waits.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    state: u64,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed, failures: 0 }
    }

    /// It worked: the next failure is a first one.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now; `asked` is what the receiver asked for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // Half of it is certain; the rest is up to chance, so that many sensors do not come back in step.
        let half = whole / 2;
        let chance = u32::try_from(self.random() >> 40).unwrap_or(0);
        let wait = half + half.mul_f64(f64::from(chance) / f64::from(1_u32 << 24));
        asked.map_or(wait, |asked| wait.max(asked.min(LONGEST)))
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_differ_by_seed() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..40).map(|_| backoff.next(None)).collect::<Vec<_>>()
        };
        for (failures, wait) in waits(1).into_iter().enumerate() {
            let whole = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
            assert!(wait >= whole / 2 && wait <= whole, "{failures}: {wait:?}");
        }
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }

    #[test]
    fn a_receiver_may_ask_for_longer_but_not_for_ever() {
        let mut backoff = Backoff::new(1);
        assert_eq!(backoff.next(Some(Duration::from_secs(30))), Duration::from_secs(30));
        assert_eq!(backoff.next(Some(Duration::from_secs(86_400))), LONGEST);
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }
}
