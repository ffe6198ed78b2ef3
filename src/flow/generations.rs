//! What is remembered for a while, in bounded memory.
//!
//! Two generations instead of a list in order of age: when the younger is full or old enough, the older is dropped whole
//! and the younger takes its place. A look-up asks both. What is kept therefore lives at least as long as half the room or
//! half the time allows, and costs no more than its place in a hash table.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashMap;

use crate::model::Timestamp;

/// How much of the room a thing takes.
pub(super) trait Weigh {
    /// Its part of what a generation may have.
    fn weight(&self) -> usize {
        1
    }
}

/// Things by their keys.
pub(super) struct Generations<K, V, S = foldhash::quality::RandomState> {
    young: HashMap<K, V, S>,
    old: HashMap<K, V, S>,
    /// What the younger weighs.
    weight: usize,
    most: usize,
    micros: i64,
    since: Timestamp,
}

impl<K: Eq + Hash + Copy, V: Weigh, S: BuildHasher + Default> Generations<K, V, S> {
    /// Each generation weighs no more than `most` and is the younger for `micros` of packet time at most.
    pub(super) fn new(most: usize, micros: i64) -> Self {
        let (young, old) = (HashMap::default(), HashMap::default());
        Self { young, old, weight: 0, most, micros, since: Timestamp::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.young.len().saturating_add(self.old.len())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Not to make it weigh more or less.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.young.get_mut(key).or_else(|| self.old.get_mut(key))
    }

    /// The same, which is young again.
    pub(super) fn renew(&mut self, key: &K, now: Timestamp) -> Option<&mut V> {
        if !self.young.contains_key(key)
            && let Some(value) = self.old.remove(key)
        {
            self.insert(*key, value, now);
        }
        self.young.get_mut(key)
    }

    /// Takes out the younger of what is kept under a key.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.remove(key) {
            self.weight = self.weight.saturating_sub(value.weight());
            return Some(value);
        }
        self.old.remove(key)
    }

    /// Keeps a thing; says how many others are forgotten for it.
    pub(super) fn insert(&mut self, key: K, value: V, now: Timestamp) -> u64 {
        let weight = value.weight();
        let full = self.weight.saturating_add(weight) > self.most;
        let forgotten = if full { self.rotate(now) } else { 0 };
        let before = self.young.insert(key, value).map_or(0, |before| before.weight());
        self.weight = self.weight.saturating_add(weight).saturating_sub(before);
        forgotten
    }

    /// Forgets the older ones when it is time, and all where it has passed twice, as nothing came for so long; says how
    /// many.
    pub(super) fn tick(&mut self, now: Timestamp) -> u64 {
        let age = now.micros_since(self.since);
        if age >= self.micros.saturating_mul(2) {
            self.since = now;
            return self.clear();
        }
        if age >= self.micros { self.rotate(now) } else { 0 }
    }

    /// Forgets everything; says how much that was.
    pub(super) fn clear(&mut self) -> u64 {
        let all = self.len() as u64;
        self.young.clear();
        self.old.clear();
        self.weight = 0;
        all
    }

    /// The same, and gives the memory back.
    pub(super) fn release(&mut self) -> u64 {
        let all = self.clear();
        (self.young, self.old) = (HashMap::default(), HashMap::default());
        all
    }

    fn rotate(&mut self, now: Timestamp) -> u64 {
        let forgotten = self.old.len() as u64;
        self.old.clear();
        std::mem::swap(&mut self.young, &mut self.old);
        self.weight = 0;
        self.since = now;
        forgotten
    }
}
