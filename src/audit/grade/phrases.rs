//! What grades say in words. Many services and edges say the same, and share it.

use hashbrown::HashMap;

use crate::model::{ChainFaults, Text};

type Map<K> = HashMap<K, Text, foldhash::quality::RandomState>;

/// Phrases as they were made first.
#[derive(Default)]
pub(super) struct Phrases {
    shares: Map<(&'static str, u64, u64)>,
    faults: Map<ChainFaults>,
    several: Map<(Text, usize)>,
}

impl Phrases {
    /// How many of all sessions are what `words` say; nothing where none is.
    pub(super) fn shares(&mut self, count: u64, total: u64, words: &'static str) -> Option<Text> {
        let make = || match (count, total) {
            (1, 1) => format!("the only session is {words}"),
            (2, 2) => format!("both sessions are {words}"),
            (all, total) if all == total => format!("all {total} sessions are {words}"),
            (1, total) => format!("1 of {total} sessions is {words}"),
            (count, total) => format!("{count} of {total} sessions are {words}"),
        };
        let known = |shares: &mut Map<_>| {
            shares.entry((words, count, total)).or_insert_with(|| make().into()).clone()
        };
        (count > 0).then(|| known(&mut self.shares))
    }

    /// What is wrong with a certificate; nothing where nothing is.
    pub(super) fn faults(&mut self, faults: ChainFaults) -> Option<Text> {
        let names = || faults.names().collect::<Vec<_>>().join(", ");
        let make = || format!("certificate: {}", names()).into();
        let is_sound = faults == ChainFaults::default();
        (!is_sound).then(|| self.faults.entry(faults).or_insert_with(make).clone())
    }

    /// What several findings of one rule have in common.
    pub(super) fn several(&mut self, title: &Text, count: usize) -> Text {
        let make = || format!("{title} ({count} findings)").into();
        self.several.entry((title.clone(), count)).or_insert_with(make).clone()
    }
}
