//! IP fragments put together again, within bounds.
//!
//! Of bytes that come twice the first ones win. When there is no room the oldest unfinished datagram goes, so what is
//! given up depends on nothing but the frames.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::Fault;
use super::ip::{Addresses, Datagram, Fragment};
use super::tunnel::Tunnel;
use crate::model::{Moment, Timestamp, limits};

/// Datagrams of which fragments are still to come.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    serials: HashMap<Key, u64, foldhash::quality::RandomState>,
    unfinished: BTreeMap<u64, Unfinished>,
    next_serial: u64,
    bytes: usize,
    overlaps: u64,
    given_up: u64,
}

/// What makes fragments belong together: RFC 791 counts the protocol in, RFC 8200 does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    from: IpAddr,
    to: IpAddr,
    identification: u32,
    protocol: Option<u8>,
    vlan: u16,
    /// Networks inside tunnels may use the same addresses.
    tunnel: Option<Tunnel>,
}

#[derive(Debug)]
struct Unfinished {
    key: Key,
    since: Timestamp,
    /// Of the fragment with offset 0.
    protocol: Option<u8>,
    total: Option<usize>,
    fragments: usize,
    /// Ranges of `data` that are filled: in order, not touching.
    filled: Vec<(usize, usize)>,
    data: Vec<u8>,
}

impl Fragments {
    /// Adds a fragment; gives the protocol of the datagram that it completes, and puts its payload into `whole`.
    #[cold]
    pub(super) fn insert(
        &mut self,
        at: Moment,
        datagram: &Datagram<'_>,
        fragment: Fragment,
        whole: &mut Vec<u8>,
    ) -> Result<Option<u8>, Fault> {
        let payload = datagram.payload;
        let end = fragment.offset.saturating_add(payload.len());
        // What is left of a fragment that the snapshot length cut says nothing about where the datagram ends.
        let last = !fragment.more && datagram.missing == 0;
        let uneven = fragment.more && datagram.missing == 0 && !payload.len().is_multiple_of(8);
        if payload.is_empty() || uneven || end > limits::DATAGRAM_BYTES {
            return Err(Fault::Fragment);
        }
        self.expire(at.time);
        let serial = self.serial(at.time, datagram, fragment);
        let Some(unfinished) = self.unfinished.get_mut(&serial) else { return Ok(None) };
        let before = unfinished.data.len();
        let overlap = unfinished.add(fragment.offset, payload, last);
        if fragment.offset == 0 {
            unfinished.protocol.get_or_insert(datagram.protocol);
        }
        self.bytes = self.bytes.saturating_add(unfinished.data.len() - before);
        self.overlaps += u64::from(overlap);
        let protocol = unfinished.protocol_when_whole();
        if protocol.is_none() && unfinished.fragments >= limits::FRAGMENTS_PER_DATAGRAM {
            self.give_up(serial);
            return Ok(None);
        }
        match protocol {
            Some(_) => self.complete(serial, whole),
            None => self.make_room(serial),
        }
        Ok(protocol)
    }

    /// Fragments that contradicted or partly covered earlier ones.
    pub(super) fn overlaps(&self) -> u64 {
        self.overlaps
    }

    /// Datagrams that were never completed.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// The number of the fragment's datagram, which begins with it if it is the first.
    fn serial(&mut self, now: Timestamp, datagram: &Datagram<'_>, fragment: Fragment) -> u64 {
        let key = Key {
            from: datagram.addresses.from(),
            to: datagram.addresses.to(),
            identification: fragment.identification,
            protocol: matches!(datagram.addresses, Addresses::V4(_)).then_some(datagram.protocol),
            vlan: datagram.vlan,
            tunnel: datagram.tunnel,
        };
        if let Some(serial) = self.serials.get(&key) {
            return *serial;
        }
        if self.unfinished.len() >= limits::FRAGMENTED_DATAGRAMS {
            self.give_up_oldest();
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        self.serials.insert(key, serial);
        self.unfinished.insert(serial, Unfinished::new(key, now));
        serial
    }

    fn complete(&mut self, serial: u64, whole: &mut Vec<u8>) {
        if let Some(done) = self.unfinished.remove(&serial) {
            self.serials.remove(&done.key);
            self.bytes = self.bytes.saturating_sub(done.data.len());
            *whole = done.data;
            whole.truncate(done.total.unwrap_or_default());
        }
    }

    fn give_up(&mut self, serial: u64) {
        if let Some(lost) = self.unfinished.remove(&serial) {
            self.serials.remove(&lost.key);
            self.bytes = self.bytes.saturating_sub(lost.data.len());
            self.given_up += 1;
        }
    }

    fn give_up_oldest(&mut self) {
        if let Some(oldest) = self.unfinished.first_key_value().map(|(serial, _)| *serial) {
            self.give_up(oldest);
        }
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((serial, oldest)) = self.unfinished.first_key_value() {
            if now <= oldest.since.plus_seconds(limits::FRAGMENT_SECONDS) {
                return;
            }
            self.give_up(*serial);
        }
    }

    /// Gives up the oldest datagrams, but not the one that was just added to.
    fn make_room(&mut self, keep: u64) {
        while self.bytes > limits::FRAGMENTED_BYTES {
            let Some(oldest) = self.unfinished.keys().copied().find(|serial| *serial != keep)
            else {
                return;
            };
            self.give_up(oldest);
        }
    }
}

impl Unfinished {
    fn new(key: Key, since: Timestamp) -> Self {
        Self {
            key,
            since,
            protocol: None,
            total: None,
            fragments: 0,
            filled: Vec::new(),
            data: Vec::new(),
        }
    }

    /// Fills what is not filled yet; says whether the fragment overlaps an earlier one otherwise than as its copy.
    fn add(&mut self, offset: usize, payload: &[u8], last: bool) -> bool {
        self.fragments += 1;
        let end = offset + payload.len();
        if last {
            self.total.get_or_insert(end);
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        let holes = self.holes(offset, end);
        let overlaps = match holes.as_slice() {
            [] => self.data.get(offset..end) != Some(payload),
            holes => holes != [(offset, end)],
        };
        for (from, to) in holes {
            let target = self.data.get_mut(from..to);
            let source = payload.get(from - offset..to - offset);
            if let (Some(target), Some(source)) = (target, source) {
                target.copy_from_slice(source);
            }
        }
        self.fill(offset, end);
        overlaps
    }

    /// The parts of a range that are not filled.
    fn holes(&self, offset: usize, end: usize) -> Vec<(usize, usize)> {
        let mut holes = Vec::new();
        let mut at = offset;
        for &(from, to) in self.filled.iter().filter(|(from, to)| *from < end && *to > offset) {
            if at < from {
                holes.push((at, from));
            }
            at = at.max(to);
        }
        if at < end {
            holes.push((at, end));
        }
        holes
    }

    fn fill(&mut self, offset: usize, end: usize) {
        let touching = |&(from, to): &(usize, usize)| from <= end && to >= offset;
        let merged = self
            .filled
            .iter()
            .copied()
            .filter(touching)
            .fold((offset, end), |sum, one| (sum.0.min(one.0), sum.1.max(one.1)));
        self.filled.retain(|range| !touching(range));
        let at = self.filled.partition_point(|range| range.0 < merged.0);
        self.filled.insert(at, merged);
    }

    /// The protocol, once everything up to the known end is there.
    fn protocol_when_whole(&self) -> Option<u8> {
        match (self.filled.first(), self.total) {
            (Some((0, end)), Some(total)) if *end >= total => self.protocol,
            _ => None,
        }
    }
}
