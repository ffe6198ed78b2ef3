//! Findings by their final names, each once, in order.
//!
//! Of a run that goes on they are put together again and again: what did not change since the last time is shared with that
//! time, and not made anew.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::net::IpAddr;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Slot;

use super::{Count, Ends, Entry, Ledger, Occurrence, identity};
use crate::audit::naming::{Revealing, has_mark};
use crate::audit::policy;
use crate::identity::Names;
use crate::model::{Evidence, Finding, FindingBody, FindingId, Party, Severity, limits};
use crate::rule::Policy;

/// What findings are named and declared by.
pub(in crate::audit) struct Naming<'a> {
    pub(in crate::audit) names: &'a Names,
    pub(in crate::audit) policy: Option<&'a Policy>,
}

/// A finding as it was published.
#[derive(Clone, Debug)]
pub(super) struct Told {
    finding: Finding,
    /// Who the ends of its session were then.
    parties: Option<(Party, Party)>,
    /// Its place among all.
    rank: usize,
}

/// Findings that were put together of several, with what they were put together of.
pub(super) type Merged =
    HashMap<FindingId, (Vec<Finding>, Finding), foldhash::quality::RandomState>;

/// A finding on its way to its place.
pub(super) struct Item {
    pub(super) finding: Finding,
    /// Its place the last time.
    rank: usize,
    /// Where it is from: in the other ledger, at this slot.
    from: Option<(bool, usize)>,
}

impl Item {
    pub(super) fn new(finding: Finding) -> Self {
        Self { finding, rank: usize::MAX, from: None }
    }
}

impl Ledger {
    /// The findings of both by their final names, in order, as [`Self::finish`] would give them. One that both have is
    /// told as the other counted it.
    pub(in crate::audit) fn published(
        &mut self,
        other: &mut Self,
        how: &Naming<'_>,
    ) -> Vec<Finding> {
        let mut again: Vec<usize> = Vec::new();
        // Only what is about sessions can be in both.
        if self.entries.iter().any(|entry| entry.ends.is_some()) {
            let known = |key: &[u8]| other.slots.contains_key(key);
            again =
                self.slots.iter().filter(|(key, _)| known(key)).map(|(_, slot)| *slot).collect();
            again.sort_unstable();
        }
        let mut merged = std::mem::take(&mut self.merged);
        let here = self.entries.iter_mut().zip(&self.counts).enumerate();
        let here = here.filter(|(slot, _)| again.binary_search(slot).is_err());
        let here = here.map(|(slot, (entry, count))| entry.item(count, how, (false, slot)));
        let there = other.entries.iter_mut().zip(&other.counts).enumerate();
        let there = there.map(|(slot, (entry, count))| entry.item(count, how, (true, slot)));
        let mut items = one_of_each(here.chain(there), &mut merged);
        // Most are in order as they were the last time, and are soon found to be.
        items.sort_unstable_by_key(|item| item.rank);
        items.sort_by(|one, other| in_order(&one.finding, &other.finding));
        for (rank, (there, slot)) in items
            .iter()
            .map(|item| item.from)
            .enumerate()
            .filter_map(|(rank, from)| from.map(|from| (rank, from)))
        {
            let entries = if there { &mut other.entries } else { &mut self.entries };
            if let Some(told) = entries.get_mut(slot).and_then(|entry| entry.told.as_mut()) {
                told.rank = rank;
            }
        }
        self.merged = merged;
        self.before = None;
        items.into_iter().map(|item| item.finding).collect()
    }

    /// Gives the findings by their final names: worst first, then by rule, confidence and identity. Findings that are
    /// the same by these names become one.
    pub(in crate::audit) fn finish(self, how: &Naming<'_>) -> Vec<Finding> {
        let entries = self.entries.into_iter().zip(&self.counts);
        let named = entries.map(|(entry, count)| Item::new(entry.named(count, how)));
        let mut items = one_of_each(named, &mut Merged::default());
        items.sort_by(|one, other| in_order(&one.finding, &other.finding));
        items.into_iter().map(|item| item.finding).collect()
    }
}

impl Entry {
    /// Itself by the names that are known now, made anew where something changed.
    fn item(&mut self, count: &Count, how: &Naming<'_>, from: (bool, usize)) -> Item {
        let parties = parties(self.ends, how);
        let again = self.again.take();
        let is_told = |told: &&mut Box<Told>| {
            told.parties == parties && (again.is_some() || count.is_that_of(&told.finding))
        };
        if let Some(told) = self.told.as_mut().filter(is_told) {
            if let Some(evidence) = again {
                count.put(evidence, &mut told.finding);
            }
            let (finding, rank) = (told.finding.clone(), told.rank);
            if self.ends.is_none() {
                self.finding = finding.clone();
            }
            return Item { finding, rank, from: Some(from) };
        }
        let mut finding = self.finding.clone();
        match again {
            Some(evidence) => count.put(evidence, &mut finding),
            None => count.seen.put(&mut finding),
        }
        name(&mut finding, &self.key, (self.ends, parties.as_ref()), how);
        let told = Told { finding: finding.clone(), parties, rank: usize::MAX };
        self.told = Some(Box::new(told));
        Item { finding, rank: usize::MAX, from: Some(from) }
    }

    fn named(self, count: &Count, how: &Naming<'_>) -> Finding {
        let parties = parties(self.ends, how);
        if let Some(told) = self.told
            && told.parties == parties
            && count.is_that_of(&told.finding)
        {
            return told.finding;
        }
        let mut finding = self.finding;
        count.seen.put(&mut finding);
        name(&mut finding, &self.key, (self.ends, parties.as_ref()), how);
        finding
    }
}

impl Count {
    /// Puts what was counted into a finding, with this evidence, unless it is in it.
    fn put(&self, evidence: Vec<Evidence>, finding: &mut Finding) {
        if Occurrence::of(finding) != self.seen {
            self.seen.put(finding);
        }
        if finding.evidence != evidence {
            finding.evidence = evidence;
            finding.seen_at = addresses(finding);
        }
    }
}

fn parties(ends: Ends, how: &Naming<'_>) -> Option<(Party, Party)> {
    ends.map(|(client, server)| (how.names.client(client), how.names.server(server)))
}

/// Gives a finding its final names, and what follows from them.
fn name(
    finding: &mut FindingBody,
    key: &[(&'static str, String)],
    (ends, parties): (Ends, Option<&(Party, Party)>),
    how: &Naming<'_>,
) {
    let mut key = Cow::Borrowed(key);
    if let (Some(ends), Some((client, server))) = (ends, parties) {
        let both = Revealing::new(ends, [client.service.as_str(), server.service.as_str()]);
        let reveal = |text: &mut String| {
            if let Some(named) = both.revealed(text) {
                *text = named;
            }
        };
        for evidence in &mut finding.evidence {
            // They are shared with other findings, unless they tell a name.
            if evidence.facts.iter().any(|(_, value)| has_mark(value)) {
                evidence.facts.make_mut().iter_mut().for_each(|(_, value)| reveal(value));
            }
        }
        if key.iter().any(|(_, value)| has_mark(value)) {
            key.to_mut().iter_mut().for_each(|(_, value)| reveal(value));
        }
        finding.subject.as_mut().map(reveal);
        if let Some(named) = both.revealed(&finding.message) {
            finding.message = named.into();
        }
        finding.client = finding.client.is_some().then(|| client.clone());
        finding.server = finding.server.is_some().then(|| server.clone());
    }
    let parties = finding.server.iter().chain(&finding.client);
    let profile = parties.filter_map(|party| party.profile.as_ref()).next();
    finding.mapped = profile.map(|profile| Box::new(profile.place.clone()));
    if finding.declared.is_none() {
        finding.declared.clone_from(&finding.mapped);
    }
    if let Some(policy) = how.policy {
        policy::declare(policy, finding);
    }
    finding.id = identity(finding, &key);
    finding.seen_at = addresses(finding);
}

/// The worst first, then by rule, confidence, where it is, and what.
fn in_order(one: &FindingBody, other: &FindingBody) -> Ordering {
    fn worst(finding: &FindingBody) -> (Reverse<Severity>, &str) {
        (Reverse(finding.severity), &finding.rule)
    }
    fn server(finding: &FindingBody) -> Option<(&str, Option<u16>)> {
        finding.server.as_ref().map(|party| (party.service.as_str(), finding.server_port))
    }
    fn client(finding: &FindingBody) -> Option<&str> {
        finding.client.as_ref().map(|party| party.service.as_str())
    }
    fn place(finding: &FindingBody) -> impl Ord {
        (Reverse(finding.confidence), server(finding), client(finding))
    }
    worst(one)
        .cmp(&worst(other))
        .then_with(|| place(one).cmp(&place(other)))
        .then_with(|| (&one.subject, one.id).cmp(&(&other.subject, other.id)))
}

/// Puts findings with the same identity together; the one that was seen first speaks for all.
pub(super) fn one_of_each(all: impl Iterator<Item = Item>, merged: &mut Merged) -> Vec<Item> {
    let room = all.size_hint().0;
    let mut places: HashMap<FindingId, usize, foldhash::quality::RandomState> =
        HashMap::with_capacity_and_hasher(room, Default::default());
    let mut items: Vec<Item> = Vec::with_capacity(room);
    let mut several: HashMap<usize, Vec<Finding>, foldhash::quality::RandomState> =
        HashMap::default();
    for item in all {
        match places.entry(item.finding.id) {
            Slot::Vacant(slot) => {
                slot.insert(items.len());
                items.push(item);
            }
            Slot::Occupied(slot) => {
                let Some(known) = items.get(*slot.get()) else { continue };
                let parts = several.entry(*slot.get());
                parts.or_insert_with(|| vec![known.finding.clone()]).push(item.finding);
            }
        }
    }
    let mut before = std::mem::take(merged);
    for (place, parts) in several {
        let Some(item) = items.get_mut(place) else { continue };
        let id = item.finding.id;
        item.finding = match before.remove(&id).filter(|known| is_same(&known.0, &parts)) {
            Some((_, known)) => known,
            None => parts.iter().cloned().reduce(merge).unwrap_or_else(|| item.finding.clone()),
        };
        merged.insert(id, (parts, item.finding.clone()));
    }
    items
}

fn is_same(some: &[Finding], others: &[Finding]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| one.is_same(other))
}

/// Where the server of a finding was when it was seen.
pub(super) fn addresses(finding: &FindingBody) -> Vec<IpAddr> {
    let Some(server) = &finding.server else { return Vec::new() };
    let sampled = finding.evidence.iter().map(|evidence| evidence.server.addr);
    let mut all: Vec<IpAddr> = sampled.chain([server.addr]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn merge(known: Finding, other: Finding) -> Finding {
    let (mut first, mut second) = (known, other);
    if second.first < first.first {
        std::mem::swap(&mut first, &mut second);
    }
    let merged: &mut FindingBody = &mut first;
    merged.count = merged.count.saturating_add(second.count);
    merged.last = merged.last.max(second.last);
    merged.severity = merged.severity.max(second.severity);
    merged.confidence = merged.confidence.max(second.confidence);
    merged.seen_at.extend_from_slice(&second.seen_at);
    merged.seen_at.sort_unstable();
    merged.seen_at.dedup();
    merged.seen_at.truncate(limits::FINDING_ADDRESSES);
    merged.evidence.extend_from_slice(&second.evidence);
    merged.evidence.sort_by_key(|evidence| evidence.frames.first().map(|moment| moment.frame));
    merged.evidence.truncate(limits::EVIDENCE);
    first
}
