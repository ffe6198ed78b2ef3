//! All shards in the calling thread: frames are read where they lie, nothing is copied.

use std::sync::Arc;

use super::guard::{Guarded, table, take_ended};
use super::{Shards, Sink, add_counts};
use crate::decode::Segment;
use crate::flow::{Table, TableCounts, Turn, shard_of};
use crate::inspect::tls::KeyLog;
use crate::model::{FlowKey, Moment, RunInfo, Session, limits};

pub(super) struct Inline<'a, 'b> {
    tables: Vec<Table<Guarded>>,
    ended: Vec<Session>,
    sink: &'a mut Sink<'b>,
}

impl<'a, 'b> Inline<'a, 'b> {
    pub(super) fn new(sink: &'a mut Sink<'b>, keys: &Arc<KeyLog>) -> Self {
        let tables = (0..limits::SHARDS).map(|_| table(keys)).collect();
        Self { tables, ended: Vec::new(), sink }
    }

    pub(super) fn counts(&self) -> TableCounts {
        let mut all = TableCounts::default();
        self.tables.iter().for_each(|table| add_counts(&mut all, table.counts()));
        all
    }

    fn on_each(&mut self, work: impl Fn(&mut Table<Guarded>)) {
        for table in &mut self.tables {
            work(table);
            take_ended(table, |session| self.ended.push(session));
        }
    }
}

impl Shards for Inline<'_, '_> {
    #[inline]
    fn segment(&mut self, _: u64, key: FlowKey, swapped: bool, segment: &Segment<'_>) {
        let Some(table) = self.tables.get_mut(shard_of(&key)) else { return };
        table.segment(key, swapped, segment);
        take_ended(table, |session| self.ended.push(session));
    }

    fn datagram(&mut self, _: u64, key: FlowKey, turn: &Turn<'_>) {
        let Some(table) = self.tables.get_mut(shard_of(&key)) else { return };
        table.datagram(key, turn);
        take_ended(table, |session| self.ended.push(session));
    }

    fn tick(&mut self, _: u64, now: Moment) {
        self.on_each(|table| table.tick(now));
    }

    fn flush(&mut self, _: u64) {
        self.on_each(Table::finish);
    }

    fn end_round(&mut self, run: &RunInfo) {
        for session in self.ended.drain(..) {
            (self.sink)(run, session);
        }
    }
}
