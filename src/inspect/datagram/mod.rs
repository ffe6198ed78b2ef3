//! What single datagrams say: names in answers of DNS, services announced by multicast DNS and by gossip, and that a
//! connection is QUIC.
//!
//! Takes UDP payloads one by one in the order of frames; gives announcements within bounds. Recognises by content; a
//! datagram that is none of these costs a look at its first bytes. Keeps no state besides what it found.

mod dns;
mod go_micro;
mod memberlist;
mod quic;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use crate::decode::Datagram;
use crate::model::{Announcement, DatagramFacts, Registration, limits};

/// Gathers what the datagrams of a run say.
#[derive(Default)]
pub struct Datagrams {
    facts: DatagramFacts,
    /// Places in the list, by what is announced and by whom.
    known: HashTable<usize>,
}

const HASH: foldhash::quality::FixedState = foldhash::quality::FixedState::with_seed(0);

impl Datagrams {
    /// Takes the next datagram.
    #[inline]
    pub fn read(&mut self, datagram: &Datagram<'_>) {
        let bytes = datagram.payload;
        if quic::begins(bytes) {
            self.facts.quic += 1;
        } else if dns::may_be_an_answer(bytes) {
            dns::answers(bytes, datagram.at, &mut |one| self.add(one, datagram));
        } else if memberlist::may_be(bytes) {
            memberlist::read(bytes, datagram.at, &mut |one| self.add(one, datagram));
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn facts(&self) -> &DatagramFacts {
        &self.facts
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> DatagramFacts {
        self.facts
    }

    fn add(&mut self, registration: Registration, datagram: &Datagram<'_>) {
        let all = &mut self.facts.announcements;
        let key = |one: &Registration, from| {
            HASH.hash_one((one.registry, &one.service, &one.address, one.write, from))
        };
        let hash = key(&registration, datagram.from.addr);
        let same = |place: &usize| {
            all.get(*place).is_some_and(|one: &Announcement| {
                let old = &one.registration;
                one.from.addr == datagram.from.addr
                    && (old.registry, &old.service, &old.address, old.write)
                        == (
                            registration.registry,
                            &registration.service,
                            &registration.address,
                            registration.write,
                        )
            })
        };
        if let Some(place) = self.known.find(hash, same).copied() {
            if let Some(old) = all.get_mut(place) {
                old.count = old.count.saturating_add(1);
                old.last = datagram.at;
            }
        } else if all.len() < limits::ANNOUNCEMENTS {
            let rehash = |place: &usize| {
                all.get(*place).map_or(0, |one| key(&one.registration, one.from.addr))
            };
            self.known.insert_unique(hash, all.len(), rehash);
            let (from, to, last) = (datagram.from, datagram.to, datagram.at);
            all.push(Announcement { registration, from, to, count: 1, last });
        } else {
            self.facts.overflow = self.facts.overflow.saturating_add(1);
        }
    }
}
