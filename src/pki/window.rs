//! From when to when an outcome that depends on time stays the same.

use crate::model::Timestamp;

/// A moment, and the stretch of time around it in which every question asked so far has the same answer.
///
/// Whoever compares the moment with a date does it here, so that an outcome can be used again for every moment of the
/// stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Window {
    at: Timestamp,
    /// First moment.
    from: Timestamp,
    /// First moment that is behind it.
    until: Timestamp,
}

impl Window {
    pub(super) fn around(at: Timestamp) -> Self {
        let ends = [i64::MIN, i64::MAX].map(Timestamp::from_micros);
        Self { at, from: ends[0], until: ends[1] }
    }

    /// Whether the moment is at this date or later.
    pub(super) fn reached(&mut self, date: Timestamp) -> bool {
        let reached = self.at >= date;
        match reached {
            true => self.from = self.from.max(date),
            false => self.until = self.until.min(date),
        }
        reached
    }

    /// Whether the moment is later than this date.
    pub(super) fn passed(&mut self, date: Timestamp) -> bool {
        self.reached(Timestamp::from_micros(date.micros().saturating_add(1)))
    }

    /// Whether the answers hold for this moment as well.
    pub(super) fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && (at < self.until || self.until.micros() == i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    #[test]
    fn the_answers_hold_between_the_dates_that_were_asked() {
        let mut window = Window::around(at(50));
        assert!(window.covers(at(0)) && window.covers(Timestamp::from_micros(i64::MAX)));
        assert!(window.reached(at(10)) && window.reached(at(50)) && window.reached(at(5)));
        assert!(!window.reached(at(90)) && !window.passed(at(70)));
        assert!(!window.covers(at(49)) && window.covers(at(50)) && window.covers(at(70)));
        assert!(!window.covers(at(71)) && !window.passed(at(50)));
        assert!(!window.covers(at(51)));
    }
}
