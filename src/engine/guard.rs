//! Keeps a bug in one inspector from ending the run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use std::sync::Arc;

use crate::flow::{Ended, StreamReader, Table, Want};
use crate::inspect::tls::KeyLog;
use crate::inspect::{Dialogue, conclude};
use crate::model::{Direction, Moment, Session, limits};

/// Readers that failed, over the life of the process. A run takes the difference.
static FAILED: AtomicU64 = AtomicU64::new(0);

/// How many readers have failed so far.
pub(super) fn failed() -> u64 {
    FAILED.load(Ordering::Relaxed)
}

/// A dialogue that gives up on its connection where it would panic.
pub(super) struct Guarded {
    dialogue: Option<Dialogue>,
    began: bool,
    keys: Arc<KeyLog>,
}

/// The table of one shard, whose readers decrypt with these keys.
pub(super) fn table(keys: &Arc<KeyLog>) -> Table<Guarded> {
    let keys = Arc::clone(keys);
    let make = move || Guarded { dialogue: None, began: false, keys: Arc::clone(&keys) };
    Table::new(limits::FLOWS / limits::SHARDS, Box::new(make))
}

/// The same for a live audit: it follows at most so many connections, and gives out those that go on.
pub(super) fn live_table(keys: &Arc<KeyLog>, capacity: usize) -> Table<Guarded> {
    let keys = Arc::clone(keys);
    let make = move || Guarded { dialogue: None, began: false, keys: Arc::clone(&keys) };
    Table::new(capacity, Box::new(make)).giving_out_open()
}

impl Guarded {
    fn attempt(&mut self, work: impl FnOnce(&mut Dialogue) -> (usize, Want)) -> (usize, Want) {
        if !self.began {
            self.began = true;
            self.dialogue = Some(Dialogue::with_keys(Arc::clone(&self.keys)));
        }
        let Some(dialogue) = &mut self.dialogue else { return (usize::MAX, Want::Nothing) };
        // The dialogue is dropped when it fails, so nobody sees it half changed.
        if let Ok(answer) = catch_unwind(AssertUnwindSafe(|| work(dialogue))) {
            return answer;
        }
        self.dialogue = None;
        FAILED.fetch_add(1, Ordering::Relaxed);
        (usize::MAX, Want::Nothing)
    }
}

impl StreamReader for Guarded {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Want) {
        self.attempt(|dialogue| dialogue.read(direction, bytes, at))
    }

    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) -> Want {
        self.attempt(|dialogue| (0, dialogue.gap(direction, missing, at))).1
    }

    fn held(&self) -> usize {
        self.dialogue.as_ref().map_or(0, StreamReader::held)
    }

    fn copy(&self) -> Option<Self> {
        let keys = Arc::clone(&self.keys);
        let Some(dialogue) = &self.dialogue else {
            return self.began.then_some(Self { dialogue: None, began: true, keys });
        };
        let copied = catch_unwind(AssertUnwindSafe(|| dialogue.copy())).ok()??;
        Some(Self { dialogue: Some(copied), began: true, keys })
    }

    fn joined_midstream(&mut self) {
        self.attempt(|dialogue| {
            dialogue.joined_midstream();
            (0, Want::More)
        });
    }
}

/// Gives the finished sessions of the connections that ended, in their order. Mostly there is none.
#[inline]
pub(super) fn take_ended(table: &mut Table<Guarded>, give: impl FnMut(Session)) {
    if table.has_ended() {
        table.drain_ended().map(finished).for_each(give);
    }
}

/// The finished session of a connection that ended.
fn finished(mut ended: Box<Ended<Guarded>>) -> Session {
    let Ended { session, reader } = &mut *ended;
    if let Some(dialogue) = &mut reader.dialogue {
        match catch_unwind(AssertUnwindSafe(|| dialogue.take_learned())) {
            Ok((protocol, facts)) => {
                session.protocol = protocol;
                session.facts = facts;
                conclude(session);
            }
            Err(_) => {
                FAILED.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    ended.session
}
