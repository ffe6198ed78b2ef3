//! Connections that ended a short while ago: what still arrives for them is late, and begins nothing new.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;

use super::generations::{Generations, Weigh};
use crate::model::{FlowKey, Moment, limits};

/// Seconds of packet time for which an ended connection is remembered, at least: hosts repeat a lost FIN for longer than
/// a minute.
const SECONDS: i64 = 60;

/// That a connection ended is all there is to remember of it.
struct Over;

impl Weigh for Over {}

/// Connections by what stands for them. The seed of that is drawn anew for every table, so that nobody can make another
/// connection look like one of them; that two do by chance is not to be expected within the life of a program.
pub(super) struct RecentlyEnded {
    seed: RandomState,
    ended: Generations<u64, Over, foldhash::fast::RandomState>,
}

impl Default for RecentlyEnded {
    fn default() -> Self {
        let ended = Generations::new(limits::RECENTLY_ENDED / 2, SECONDS * 1_000_000);
        Self { seed: RandomState::default(), ended }
    }
}

impl RecentlyEnded {
    pub(super) fn insert(&mut self, key: FlowKey, at: Moment) {
        self.ended.insert(self.seed.hash_one(key), Over, at.time);
    }

    pub(super) fn contains(&self, key: &FlowKey) -> bool {
        self.ended.contains(&self.seed.hash_one(key))
    }

    /// The connection's ports are used again.
    pub(super) fn forget(&mut self, key: &FlowKey) {
        if !self.ended.is_empty() {
            let key = self.seed.hash_one(key);
            // It may have ended in either generation, and in both.
            while self.ended.remove(&key).is_some() {}
        }
    }

    pub(super) fn tick(&mut self, now: Moment) {
        self.ended.tick(now.time);
    }
}
