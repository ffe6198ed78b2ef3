//! The table of connections: begins them, feeds them, ends them by FIN, RST, packet time or want of room.

mod datagrams;

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::{HashMap, HashTable};

use super::connection::Flow;
use super::half_open::{HalfOpen, Syn};
use super::recent::RecentlyEnded;
use super::slots::Slots;
use super::{Maker, StreamReader};
use crate::decode::Segment;
use crate::model::{Direction, EndState, FlowKey, Moment, Session, Timestamp, limits};

/// Microseconds of packet time for which an ended connection is kept for what arrives late, by `Patience`: what was under
/// way when a reset came, or what the two cards of a mirror give in the wrong order. Bytes that are missing may be sent
/// again, which takes a second where nothing is known of the way (RFC 6298), and twice that the next time.
///
/// What is kept is in nobody's cache any more when it is given out: keeping every connection for 300 ms took a fifth of the
/// audit of short ones. The shortest wait is worth as much as the beats of whoever calls [`Table::tick`] are near.
const LINGER: [i64; 3] = [10_000, 300_000, 2_000_000];

/// Microseconds of packet time between two looks at what is kept for seconds: where packets are rare, each has a tick.
const LOOK: i64 = 100_000;

/// Seconds of packet time after which a connection that goes on is given out, and between then and the next times; the
/// last one for ever after.
const OPEN_AFTER: [i64; 4] = [1, 4, 55, 300];

/// A connection that ended: what TCP showed of it, and its reader.
#[derive(Debug)]
pub struct Ended<R> {
    /// What TCP showed. `protocol` and `facts` are for the reader to fill in.
    pub session: Session,
    /// The reader, which has seen everything.
    pub reader: R,
}

/// What a table counted besides the connections it gave out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TableCounts {
    /// Connection attempts without an answer or data.
    pub half_open: u64,
    /// Of these, forgotten for want of room.
    pub half_open_evicted: u64,
    /// Connections ended for want of room.
    pub evicted: u64,
    /// Segments that belong to no connection: without payload, or late.
    pub strays: u64,
}

/// The shard that a connection belongs to.
///
/// A fixed function of the key: which connections share a bound must not differ between two runs.
#[must_use]
#[inline]
pub fn shard_of(key: &FlowKey) -> usize {
    let mix = key
        .0
        .iter()
        .fold(0u64, |mix, word| (mix ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29));
    usize::try_from(mix >> 40).unwrap_or(0) % limits::SHARDS
}

/// All connections of one shard.
pub struct Table<R> {
    /// Where connections are, by their keys, which they have themselves: with them it would be twelve times as large, and
    /// no cache would hold it.
    index: HashTable<u32>,
    hasher: foldhash::quality::RandomState,
    /// Conversations over UDP, by the name of the client too: there may be several between the same ends.
    spoken: HashMap<(FlowKey, u64), u32, foldhash::quality::RandomState>,
    slots: Slots<Flow<R>>,
    /// The last segment's connection and where it is: the next segment is often of the same.
    last: Option<(FlowKey, u32)>,
    half_open: HalfOpen,
    recent: RecentlyEnded,
    idle: VecDeque<Deadline>,
    /// When what is kept for seconds was last looked at.
    looked: Timestamp,
    /// When ended connections are given out, by how long they are kept.
    lingering: [VecDeque<Deadline>; LINGER.len()],
    begun: u32,
    held: usize,
    ended: Vec<Box<Ended<R>>>,
    counts: TableCounts,
    capacity: usize,
    make: Maker<R>,
    /// When connections that go on are given out, by how often they were; nothing when they are not.
    open: Option<[VecDeque<Deadline>; OPEN_AFTER.len()]>,
}

#[derive(Clone, Copy)]
struct Deadline {
    at: Timestamp,
    slot: u32,
    serial: u32,
}

impl<R: StreamReader + Default + 'static> Default for Table<R> {
    fn default() -> Self {
        Self::with_capacity(limits::FLOWS / limits::SHARDS)
    }
}

impl<R: StreamReader + Default + 'static> Table<R> {
    /// A table that follows at most `capacity` connections at once, with readers that know nothing.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::new(capacity, Box::new(R::default))
    }
}

impl<R: StreamReader> Table<R> {
    /// A table that follows at most `capacity` connections at once.
    #[must_use]
    pub fn new(capacity: usize, make: Maker<R>) -> Self {
        Self {
            make,
            index: HashTable::new(),
            hasher: foldhash::quality::RandomState::default(),
            spoken: HashMap::default(),
            slots: Slots::default(),
            last: None,
            half_open: HalfOpen::default(),
            recent: RecentlyEnded::default(),
            idle: VecDeque::new(),
            looked: Timestamp::MIN,
            lingering: Default::default(),
            begun: 0,
            held: 0,
            ended: Vec::new(),
            counts: TableCounts::default(),
            capacity: capacity.max(1),
            open: None,
        }
    }

    /// The same, which also gives out connections that go on, now and then, as far as they can be told.
    #[must_use]
    pub fn giving_out_open(self) -> Self {
        Self { open: Some(Default::default()), ..self }
    }

    /// Takes the next segment of the shard. `key` and `swapped` are [`FlowKey::of`] its sender and receiver.
    pub fn segment(&mut self, key: FlowKey, swapped: bool, segment: &Segment<'_>) {
        if let Some(slot) = self.find(&key) {
            let Some(flow) = self.slots.get(slot) else { return };
            let direction = flow.direction(swapped);
            match flow.ended_before(direction, segment) {
                None => return self.feed(slot, direction, segment),
                Some(end) => self.end(slot, end),
            }
        }
        self.begin(key, swapped, segment);
    }

    /// The slot of the connection with this key.
    #[inline]
    fn find(&mut self, key: &FlowKey) -> Option<u32> {
        if let Some((last, slot)) = self.last
            && last == *key
        {
            return Some(slot);
        }
        let is = |slot: &u32| self.slots.get(*slot).is_some_and(|flow| flow.key == *key);
        let slot = *self.index.find(self.hasher.hash_one(key), is)?;
        self.last = Some((*key, slot));
        Some(slot)
    }

    /// Ends what is over at this packet time. To be called from time to time, at moments that depend on packets only.
    pub fn tick(&mut self, now: Moment) {
        while let Some(due) = self.lingered(now) {
            if let Some(end) = self.current(due).and_then(|flow| flow.finishing) {
                self.end(due.slot, end);
            }
        }
        if now.time.micros_since(self.looked) < LOOK {
            return;
        }
        self.looked = now.time;
        self.half_open.tick(now);
        self.recent.tick(now);
        self.tell_open(now);
        while let Some(due) = self.idle.pop_front_if(|due| due.at <= now.time) {
            let Some(flow) = self.current(due) else { continue };
            let at = flow.out.session.last.time.plus_seconds(limits::IDLE_SECONDS);
            if at <= now.time {
                self.end(due.slot, EndState::Timeout);
            } else {
                self.idle.push_back(Deadline { at, ..due });
            }
        }
    }

    /// The next connection that was kept long enough.
    fn lingered(&mut self, now: Moment) -> Option<Deadline> {
        self.lingering.iter_mut().find_map(|queue| queue.pop_front_if(|due| due.at <= now.time))
    }

    /// Ends everything: the capture is over.
    pub fn finish(&mut self) {
        let mut open: Vec<(Moment, u32)> =
            self.slots.iter().map(|(slot, flow)| (flow.out.session.first, slot)).collect();
        open.sort_unstable();
        for (_, slot) in open {
            let finishing = self.slots.get(slot).and_then(|flow| flow.finishing);
            self.end(slot, finishing.unwrap_or(EndState::Open));
        }
        self.half_open.finish();
    }

    /// Gives out the connections that ended since the last call, in the order in which they did.
    pub fn drain_ended(&mut self) -> std::vec::Drain<'_, Box<Ended<R>>> {
        self.ended.drain(..)
    }

    /// Whether [`Self::drain_ended`] would give anything.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> TableCounts {
        TableCounts {
            half_open: self.half_open.abandoned,
            half_open_evicted: self.half_open.evicted,
            ..self.counts
        }
    }

    /// How many connections are followed.
    #[must_use]
    pub fn active(&self) -> usize {
        self.slots.len()
    }

    /// Bytes held back for them.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    /// Ends the connections that were quiet longest until at most this part of the present ones is left, in percent, and
    /// forgets the lone SYNs: memory is short.
    pub fn shed(&mut self, percent: u8) {
        let keep = self.active().saturating_mul(usize::from(percent.min(100))) / 100;
        self.half_open.shed();
        while self.active() > keep {
            let before = self.active();
            self.evict();
            if self.active() == before {
                return;
            }
        }
        let hash = |slot: &u32| hash_of(&self.hasher, &self.slots, *slot);
        self.index.shrink_to_fit(hash);
        self.spoken.shrink_to_fit();
    }

    fn current(&self, due: Deadline) -> Option<&Flow<R>> {
        self.slots.get(due.slot).filter(|flow| flow.serial == due.serial)
    }

    /// A segment of no known connection.
    fn begin(&mut self, key: FlowKey, swapped: bool, segment: &Segment<'_>) {
        let flags = segment.flags;
        let silent = segment.payload.is_empty() && segment.missing == 0;
        let (from, to) = (segment.from, segment.to);
        let ends = if swapped { [to, from] } else { [from, to] };
        if flags.syn() && !flags.ack() && !flags.rst() && silent {
            let syn = Syn {
                client: from,
                server: to,
                sequence: segment.sequence,
                vlan: segment.vlan,
                at: segment.at,
                inferred: false,
            };
            return self.half_open.insert(key, swapped, &syn);
        }
        let syn = self.half_open.take(&key, ends);
        if syn.is_none() && !flags.syn() && self.recent.contains(&key) {
            self.counts.strays += 1;
            return;
        }
        if silent && syn.is_none() {
            self.counts.strays += 1;
            if flags.syn() && flags.ack() {
                self.answer_without_question(key, swapped, segment);
            }
            return;
        }
        if silent && flags.rst() {
            self.half_open.abandoned += 1;
            return;
        }
        let (slot, direction) = self.create(key, swapped, segment, syn);
        self.feed(slot, direction, segment);
    }

    /// A SYN-ACK whose SYN the capture does not have is kept as the SYN that it answers.
    fn answer_without_question(&mut self, key: FlowKey, swapped: bool, segment: &Segment<'_>) {
        let syn = Syn {
            client: segment.to,
            server: segment.from,
            sequence: segment.acknowledgement.wrapping_sub(1),
            vlan: segment.vlan,
            at: segment.at,
            inferred: true,
        };
        self.half_open.insert(key, !swapped, &syn);
    }

    /// Begins to follow a connection, and says where it is and which way its first segment goes.
    fn create(
        &mut self,
        key: FlowKey,
        swapped: bool,
        segment: &Segment<'_>,
        syn: Option<Syn>,
    ) -> (u32, Direction) {
        let serial = self.make_room();
        let flow = Flow::new(key, serial, segment, syn, (self.make)());
        let direction = flow.direction(swapped);
        let slot = self.settle(flow, segment.at);
        let hash = |slot: &u32| hash_of(&self.hasher, &self.slots, *slot);
        self.index.insert_unique(hash(&slot), slot, hash);
        self.forget_deadlines();
        (slot, direction)
    }

    /// Makes room for one more connection, and gives its serial number.
    fn make_room(&mut self) -> u32 {
        if self.active() >= self.capacity {
            self.evict();
        }
        self.begun = self.begun.wrapping_add(1);
        self.begun
    }

    /// Gives a connection its place.
    fn settle(&mut self, flow: Flow<R>, now: Moment) -> u32 {
        let serial = flow.serial;
        let at = flow.out.session.last.time.plus_seconds(limits::IDLE_SECONDS);
        let slot = self.slots.insert(flow);
        self.idle.push_back(Deadline { at, slot, serial });
        if let Some([first, ..]) = &mut self.open {
            let [wait, ..] = OPEN_AFTER;
            let at = now.time.plus_seconds(wait);
            first.push_back(Deadline { at, slot, serial });
        }
        slot
    }

    /// Gives out connections that go on and whose time has come.
    fn tell_open(&mut self, now: Moment) {
        let Some(mut queues) = self.open.take() else { return };
        for times in 0..OPEN_AFTER.len() {
            while let Some(due) =
                queues.get_mut(times).and_then(|queue| queue.pop_front_if(|due| due.at <= now.time))
            {
                let flow = self.slots.get_mut(due.slot);
                let Some(flow) = flow.filter(|flow| flow.serial == due.serial) else { continue };
                if let Some((session, reader)) = flow.so_far() {
                    self.ended.push(Box::new(Ended { session, reader }));
                }
                let next = (times + 1).min(OPEN_AFTER.len() - 1);
                let wait = OPEN_AFTER.get(next).copied().unwrap_or_default();
                let at = now.time.plus_seconds(wait);
                if let Some(queue) = queues.get_mut(next) {
                    queue.push_back(Deadline { at, ..due });
                }
            }
        }
        self.open = Some(queues);
    }

    /// Drops the deadlines of connections that ended before them. Within an hour there may be many times as many of
    /// these as of connections.
    fn forget_deadlines(&mut self) {
        const FEW: usize = 1024;
        if self.idle.len() < FEW.max(self.active().saturating_mul(4)) {
            return;
        }
        let mut idle = std::mem::take(&mut self.idle);
        idle.retain(|due| self.current(*due).is_some());
        self.idle = idle;
        if let Some(mut queues) = self.open.take() {
            let current = |due: &Deadline| self.current(*due).is_some();
            queues.iter_mut().for_each(|queue| queue.retain(current));
            self.open = Some(queues);
        }
    }

    /// Makes room: ends the connection that was quiet longest, roughly, as a clock hand finds it.
    fn evict(&mut self) {
        for _ in 0..=self.idle.len() {
            let Some(due) = self.idle.pop_front() else { return };
            let Some(flow) = self.current(due) else { continue };
            let at = flow.out.session.last.time.plus_seconds(limits::IDLE_SECONDS);
            if at > due.at && flow.finishing.is_none() {
                self.idle.push_back(Deadline { at, ..due });
                continue;
            }
            let finishing = flow.finishing;
            self.counts.evicted += u64::from(finishing.is_none());
            return self.end(due.slot, finishing.unwrap_or(EndState::Open));
        }
    }

    fn feed(&mut self, slot: u32, direction: Direction, segment: &Segment<'_>) {
        let Some(flow) = self.slots.get_mut(slot) else { return };
        flow.take(direction, segment);
        // A bare acknowledgement brings nothing to hold.
        if !segment.payload.is_empty() || segment.missing > 0 || segment.flags.syn() {
            count_held(&mut self.held, flow);
        }
        if flow.finishing.is_none()
            && let Some(end) = flow.verdict(direction, segment)
        {
            flow.finishing = Some(end);
            let serial = flow.serial;
            let kept = flow.patience(direction, segment) as usize;
            if let (Some(queue), Some(wait)) = (self.lingering.get_mut(kept), LINGER.get(kept)) {
                queue.push_back(Deadline { at: segment.at.time.plus_micros(*wait), slot, serial });
            }
        }
        if let Some(EndState::Fin) = flow.finishing
            && flow.is_over()
        {
            self.end(slot, EndState::Fin);
        }
    }

    fn end(&mut self, slot: u32, end: EndState) {
        self.last = self.last.filter(|(_, last)| *last != slot);
        let Some(flow) = self.slots.get_mut(slot) else { return };
        self.held = self.held.saturating_sub(flow.counted);
        flow.flush();
        flow.note_streams();
        flow.out.session.end = end;
        match flow.spoken {
            Some(name) => self.spoken.remove(&(flow.key, name)),
            None => {
                let entry = self.index.find_entry(self.hasher.hash_one(flow.key), |at| *at == slot);
                entry.ok().map(|entry| entry.remove().0)
            }
        };
        // While it was followed nobody asked of an earlier one with its key.
        if matches!(end, EndState::Fin | EndState::Rst) {
            self.recent.insert(flow.key, flow.out.session.last);
        } else {
            self.recent.forget(&flow.key);
        }
        self.ended.extend(self.slots.remove(slot).map(|flow| flow.out));
    }
}

/// The hash of the key of the connection in this slot.
fn hash_of<R>(hasher: &impl BuildHasher, slots: &Slots<Flow<R>>, slot: u32) -> u64 {
    slots.get(slot).map_or(0, |flow| hasher.hash_one(flow.key))
}

/// Counts what a connection holds; one that holds more than there is room for is read no longer.
fn count_held<R: StreamReader>(held: &mut usize, flow: &mut Flow<R>) {
    let now = flow.held();
    *held = (*held + now).saturating_sub(flow.counted);
    flow.counted = now;
    if now > 0 && *held > limits::PENDING_TOTAL / limits::SHARDS {
        flow.out.session.stream.bound_reached = true;
        flow.stop_reading();
        *held = held.saturating_sub(now);
        flow.counted = 0;
    }
}

#[cfg(test)]
mod tests;
