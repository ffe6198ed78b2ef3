//! Connections that ended a short while ago: what still arrives for them is late, and begins nothing new.

use hashbrown::HashSet;

use crate::model::{FlowKey, Moment, limits};

/// Seconds of packet time for which an ended connection is remembered, at least: hosts repeat a lost FIN for longer than
/// a minute.
const SECONDS: i64 = 60;

type Generation = HashSet<FlowKey, foldhash::quality::RandomState>;

/// Two generations, the older of which is forgotten when the younger is full or old enough.
#[derive(Default)]
pub(super) struct RecentlyEnded {
    young: Generation,
    old: Generation,
    young_since: Moment,
}

impl RecentlyEnded {
    pub(super) fn insert(&mut self, key: FlowKey, at: Moment) {
        if self.young.len() >= limits::RECENTLY_ENDED / 2 {
            self.rotate(at);
        }
        self.young.insert(key);
    }

    pub(super) fn contains(&self, key: &FlowKey) -> bool {
        self.young.contains(key) || self.old.contains(key)
    }

    /// The connection's ports are used again.
    pub(super) fn forget(&mut self, key: &FlowKey) {
        if !self.young.is_empty() || !self.old.is_empty() {
            self.young.remove(key);
            self.old.remove(key);
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
