//! Connections that ended a short while ago: what still arrives for them is late, and begins nothing new.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use hashbrown::HashSet;

use crate::model::{FlowKey, Moment, limits};

/// Seconds of packet time for which an ended connection is remembered, at least: hosts repeat a lost FIN for longer than
/// a minute.
const SECONDS: i64 = 60;

/// What stands for connections. Its seed is drawn anew for every table, so that nobody can make another connection look
/// like one of them; that two do by chance is not to be expected within the life of a program.
type Generation = HashSet<u64, foldhash::fast::RandomState>;

/// Two generations, the older of which is forgotten when the younger is full or old enough.
#[derive(Default)]
pub(super) struct RecentlyEnded {
    seed: RandomState,
    young: Generation,
    old: Generation,
    young_since: Moment,
}

impl RecentlyEnded {
    pub(super) fn insert(&mut self, key: FlowKey, at: Moment) {
        if self.young.len() >= limits::RECENTLY_ENDED / 2 {
            self.rotate(at);
        }
        self.young.insert(self.seed.hash_one(key));
    }

    pub(super) fn contains(&self, key: &FlowKey) -> bool {
        let key = self.seed.hash_one(key);
        self.young.contains(&key) || self.old.contains(&key)
    }

    /// The connection's ports are used again.
    pub(super) fn forget(&mut self, key: &FlowKey) {
        if !self.young.is_empty() || !self.old.is_empty() {
            let key = self.seed.hash_one(key);
            self.young.remove(&key);
            self.old.remove(&key);
        }
    }

    pub(super) fn tick(&mut self, now: Moment) {
        if now.time.micros_since(self.young_since.time) >= SECONDS * 1_000_000 {
            self.rotate(now);
        }
    }

    fn rotate(&mut self, now: Moment) {
        self.old.clear();
        std::mem::swap(&mut self.young, &mut self.old);
        self.young_since = now;
    }
}
