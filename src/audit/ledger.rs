//! Findings as they gather: counted, not repeated.

mod join;
mod known;

use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use super::inventory::EdgeNumber;
use crate::identity::Names;
use crate::model::{
    Confidence, Endpoint, Evidence, Finding, FindingBody, FindingId, Moment, NamedFacts,
    NotObservable, Party, Severity, Text, Undecided, UndecidedAt, limits,
};
use crate::rule::{FindingParts, Hit, Rule, RuleSet, Verdict};

pub(super) use join::Naming;
use join::{Merged, Told};
use known::Known;

/// All findings of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    slots: Slots,
    entries: Vec<Entry>,
    /// How often each of them was seen. Whoever counts needs nothing else of it.
    counts: Vec<Count>,
    not_observable: Vec<u64>,
    /// How many findings fewer than the most there is room for.
    taken: usize,
    undecided: Slots,
    unsettled: Vec<Unsettled>,
    undecided_cut: bool,
    known: Known,
    /// What was judged for an earlier publication, as far as it was not taken up again.
    before: Option<Before>,
    /// Findings that were put together of several for the last publication.
    merged: Merged,
    /// Hits that were not kept because there were too many findings.
    pub(super) overflow: u64,
}

/// The ends of a session, whose names are only known at the end; nothing where the names are final.
type Ends = Option<(Endpoint, Endpoint)>;

/// Where a rule could not decide, between these ends.
#[derive(Debug)]
struct Unsettled {
    count: u64,
    at: UndecidedAt,
    ends: Ends,
}

type Slots = HashMap<Box<[u8]>, usize, foldhash::quality::RandomState>;

/// Findings of an earlier publication.
#[derive(Debug)]
struct Before {
    slots: Slots,
    entries: Vec<Option<Entry>>,
}

/// A finding that is not named yet.
#[derive(Debug)]
struct Entry {
    /// What was counted of it until now is not in it, but in [`Ledger::counts`].
    finding: Finding,
    key: Vec<(&'static str, String)>,
    /// The ends of the session that it began with.
    ends: Ends,
    /// How it was published last, with what was counted until then.
    told: Option<Box<Told>>,
    /// What was read of the subject that it began with, where that is remembered.
    print: Box<[u8]>,
    /// The facts of that subject.
    facts: NamedFacts,
    /// The evidence of one that was taken up again.
    again: Option<Vec<Evidence>>,
}

/// How often a finding was seen.
#[derive(Clone, Copy, Debug)]
struct Count {
    seen: Occurrence,
    /// Pieces of evidence.
    pieces: usize,
}

impl Count {
    fn of(seen: Occurrence) -> Self {
        Self { seen, pieces: 0 }
    }

    fn has_room(&self) -> bool {
        self.pieces < limits::EVIDENCE
    }

    /// Whether a finding says just this.
    fn is_that_of(&self, finding: &FindingBody) -> bool {
        self.seen == Occurrence::of(finding) && self.pieces == finding.evidence.len()
    }
}

/// One time that a rule was true, or several.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Occurrence {
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) weight: u64,
}

impl Occurrence {
    fn add(&mut self, other: &Self) {
        self.weight += other.weight;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.severity = self.severity.max(other.severity);
        self.confidence = self.confidence.max(other.confidence);
    }

    fn of(finding: &FindingBody) -> Self {
        let FindingBody { first, last, severity, confidence, count, .. } = *finding;
        Self { first, last, severity, confidence, weight: count }
    }

    fn put(self, finding: &mut FindingBody) {
        let Self { first, last, severity, confidence, weight } = self;
        (finding.first, finding.last, finding.count) = (first, last, weight);
        (finding.severity, finding.confidence) = (severity, confidence);
    }
}

impl Entry {
    fn evidence(&mut self) -> &mut Vec<Evidence> {
        self.again.as_mut().unwrap_or_else(|| &mut self.finding.evidence)
    }
}

impl Ledger {
    /// One with room for so many findings, which takes up again what did not change since an earlier one.
    pub(super) fn after(before: Option<Self>, room: usize) -> Self {
        let taken = limits::FINDINGS.saturating_sub(room);
        let Some(Self { slots, entries, merged, .. }) = before else {
            return Self { taken, ..Self::default() };
        };
        let new = Slots::with_capacity_and_hasher(slots.len(), Default::default());
        let (room, counts) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        let before = Before { slots, entries: entries.into_iter().map(Some).collect() };
        let before = Some(before);
        Self { slots: new, entries: room, counts, taken, before, merged, ..Self::default() }
    }

    /// Counts a hit on a finding that is known under `key`, and says which it is and whether it may use another piece of
    /// evidence; `None` when it is not known.
    pub(super) fn again(&mut self, key: &[u8], hit: &Occurrence) -> Option<(usize, bool)> {
        let slot = *self.slots.get(key)?;
        let count = self.counts.get_mut(slot)?;
        count.seen.add(hit);
        Some((slot, count.has_room()))
    }

    /// Counts what a rule says of another session of an edge, if it said so before and nothing is to be added but the
    /// count.
    pub(super) fn again_on(
        &mut self,
        edge: EdgeNumber,
        hit: &Hit,
        occurrence: impl FnOnce() -> Occurrence,
    ) -> bool {
        let Some(place) = self.known.place(edge, hit) else { return false };
        match hit.verdict {
            Verdict::Hit => {
                let count = self.counts.get_mut(place).filter(|count| !count.has_room());
                let counted = count.map(|count| count.seen.add(&occurrence()));
                counted.is_some()
            }
            Verdict::NotObservable => self.could_not_decide_again(hit.rule, place),
        }
    }

    /// Remembers where what a rule says of an edge is counted.
    pub(super) fn know(&mut self, edge: EdgeNumber, hit: &Hit, place: usize) {
        self.known.put(edge, hit, place);
    }

    /// Forgets it: edges have other names from here on.
    pub(super) fn forget_edges(&mut self) {
        self.known = Known::default();
    }

    /// Adds a piece of evidence to a finding.
    pub(super) fn add_evidence(&mut self, slot: usize, evidence: Evidence) {
        let count = self.counts.get_mut(slot).filter(|count| count.has_room());
        if let (Some(count), Some(entry)) = (count, self.entries.get_mut(slot)) {
            count.pieces += 1;
            let known = entry.evidence();
            match known.len() {
                // Most findings have one piece or as many as they may.
                0 => known.reserve_exact(1),
                some => known.reserve_exact(limits::EVIDENCE - some),
            }
            known.push(evidence);
        }
    }

    /// How many findings there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn is_full(&self) -> bool {
        self.entries.len() + self.taken >= limits::FINDINGS
    }

    /// Takes up again what is known of an earlier publication under `key`, if its subject was read as `print` then too, and
    /// says which finding it is and what its facts are.
    pub(super) fn take_up(
        &mut self,
        key: &[u8],
        print: &[u8],
        hit: &Occurrence,
    ) -> Option<(usize, NamedFacts)> {
        let Before { slots, entries } = self.before.as_mut()?;
        let (key, slot) = slots.remove_entry(key)?;
        let entry = entries.get_mut(slot)?.take()?;
        if self.is_full() || entry.ends.is_some() || print.is_empty() || *entry.print != *print {
            return None;
        }
        let slot = self.entries.len();
        self.slots.insert(key, slot);
        let facts = entry.facts.clone();
        self.entries.push(Entry { again: Some(Vec::new()), ..entry });
        self.counts.push(Count::of(*hit));
        Some((slot, facts))
    }

    /// Remembers how the subject was read that a finding began with, so that it can be taken up again.
    pub(super) fn remember(&mut self, slot: usize, print: &[u8], facts: &NamedFacts) {
        if let Some(entry) = self.entries.get_mut(slot).filter(|_| !print.is_empty()) {
            entry.print = print.into();
            entry.facts = facts.clone();
        }
    }

    /// Begins a finding that is not known, if there is room, and says which it is. One about a session comes with its
    /// ends, whose names are not final.
    pub(super) fn begin(
        &mut self,
        key: &[u8],
        rule: &Rule,
        (parts, ends): (FindingParts, Ends),
        hit: &Occurrence,
    ) -> Option<usize> {
        if self.is_full() {
            self.overflow += 1;
            return None;
        }
        let slot = self.entries.len();
        self.slots.insert(key.into(), slot);
        let finding = FindingBody {
            id: FindingId([0; 16]),
            rule: rule.code.clone(),
            rule_name: rule.name.clone(),
            severity: hit.severity,
            confidence: hit.confidence,
            title: rule.title.clone(),
            message: parts.message.into(),
            client: parts.client,
            server: parts.server,
            server_port: parts.server_port,
            subject: parts.subject,
            first: hit.first,
            last: hit.last,
            count: hit.weight,
            evidence: Vec::new(),
            fix: rule.fix.clone(),
            tags: rule.tags.clone(),
            declared: parts.declared,
            mapped: None,
            seen_at: Vec::new(),
            accepted: None,
        };
        self.entries.push(Entry {
            finding: finding.into(),
            key: parts.key,
            ends,
            told: None,
            print: Box::default(),
            facts: NamedFacts::new(),
            again: None,
        });
        self.counts.push(Count::of(*hit));
        Some(slot)
    }

    /// Counts a case that a rule could not decide, and says which place that is. `key` is what [`Rule::write_parties`]
    /// wrote.
    pub(super) fn not_observable(
        &mut self,
        rule: usize,
        key: &[u8],
        at: impl FnOnce() -> (UndecidedAt, Ends),
    ) -> Option<usize> {
        if let Some(place) = self.undecided.get(key).copied() {
            self.could_not_decide_again(rule, place);
            return Some(place);
        }
        self.could_not_decide(rule);
        if self.undecided.len() >= limits::UNDECIDED_PLACES {
            self.undecided_cut = true;
            return None;
        }
        let (place, (at, ends)) = (self.unsettled.len(), at());
        self.undecided.insert(key.into(), place);
        self.unsettled.push(Unsettled { count: 1, at, ends });
        Some(place)
    }

    /// Counts another case at a place, if there is such a place.
    fn could_not_decide_again(&mut self, rule: usize, place: usize) -> bool {
        let Some(known) = self.unsettled.get_mut(place) else { return false };
        known.count += 1;
        self.could_not_decide(rule);
        true
    }

    fn could_not_decide(&mut self, rule: usize) {
        if self.not_observable.len() <= rule {
            self.not_observable.resize(rule + 1, 0);
        }
        if let Some(count) = self.not_observable.get_mut(rule) {
            *count += 1;
        }
    }

    /// A case that a rule could not decide can be decided now.
    pub(super) fn decided(&mut self, rule: usize) {
        if let Some(count) = self.not_observable.get_mut(rule) {
            *count = count.saturating_sub(1);
        }
    }

    /// Cases that rules could not decide, here and in another ledger, by code.
    pub(super) fn undecided(&self, rules: &RuleSet, other: Option<&Self>) -> Vec<NotObservable> {
        let of = |ledger: &Self, rule| ledger.not_observable.get(rule).copied().unwrap_or(0);
        let count = |rule| of(self, rule) + other.map_or(0, |other| of(other, rule));
        let counted = rules.rules().iter().enumerate().map(|(at, rule)| (rule, count(at)));
        counted
            .filter(|(_, count)| *count > 0)
            .map(|(rule, count)| NotObservable {
                rule: rule.code.to_string(),
                rule_name: rule.name.to_string(),
                count,
            })
            .collect()
    }

    /// Where rules could not decide, by final names, in a fixed order; here, and in another ledger.
    pub(super) fn undecided_places(&self, other: Option<&Self>, names: &Names) -> Undecided {
        let named = |unsettled: &Unsettled| {
            let mut at = UndecidedAt { count: unsettled.count, ..unsettled.at.clone() };
            if let Some((client, server)) = unsettled.ends {
                let named = |name: &mut Text, party: Party| {
                    if !name.is_empty() {
                        *name = party.service;
                    }
                };
                named(&mut at.client, names.client(client));
                named(&mut at.server, names.server(server));
            }
            at
        };
        let more = other.into_iter().flat_map(|other| {
            let unknown =
                other.undecided.iter().filter(|(key, _)| !self.undecided.contains_key(*key));
            unknown.filter_map(|(_, place)| other.unsettled.get(*place))
        });
        let mut places: Vec<_> = self.unsettled.iter().chain(more).map(named).collect();
        places.sort_unstable();
        places.dedup_by(|next, first| {
            let same = (&next.rule, &next.client, &next.server, next.port)
                == (&first.rule, &first.client, &first.server, first.port);
            if same {
                first.count = first.count.saturating_add(next.count);
            }
            same
        });
        let cut = self.undecided_cut || other.is_some_and(|other| other.undecided_cut);
        Undecided { places, cut }
    }
}

/// The identity of a finding: what the rule and its key say, length-prefixed so that no two keys run together.
fn identity(finding: &FindingBody, key: &[(&'static str, String)]) -> FindingId {
    let FindingBody { rule, client, server, server_port, .. } = finding;
    let names = [client, server].map(|party| party.as_ref().map(|p| &*p.service));
    identity_of(rule, names, *server_port, key.iter().map(|(path, value)| (*path, value.as_str())))
}

fn identity_of<'k>(
    code: &str,
    [client, server]: [Option<&str>; 2],
    port: Option<u16>,
    key: impl Iterator<Item = (&'k str, &'k str)>,
) -> FindingId {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    add("wlf1");
    add(code);
    add(client.unwrap_or_default());
    add(server.unwrap_or_default());
    add(&port.map_or_else(String::new, |port| port.to_string()));
    for (path, value) in key {
        add(path);
        add(value);
    }
    let digest: [u8; 32] = hash.finalize().into();
    FindingId(digest.first_chunk().copied().unwrap_or_default())
}

/// The identity that a finding had while the service `new` was called `old`; `None` when the name is not in it, or when
/// the finding is not this rule's.
///
/// A finding keeps the values of its key in one line only. Where they could be cut in several ways, the right one is that
/// which gives the finding's own identity.
#[must_use]
pub fn renamed(rule: &Rule, finding: &Finding, old: &str, new: &str) -> Option<FindingId> {
    let names = [&finding.client, &finding.server].map(|party| party.as_ref().map(|p| &*p.service));
    let subject = finding.subject.as_deref();
    let cuts = cuts(subject, rule.key.len());
    let of = |names, values: &[&str]| {
        let key = rule.key.iter().copied().zip(values.iter().copied());
        identity_of(&rule.code, names, finding.server_port, key)
    };
    let values = cuts.into_iter().find(|values| of(names, values) == finding.id)?;
    let was = |name: &str| if name == new { old.to_owned() } else { name.to_owned() };
    let old_values: Vec<String> = values.iter().map(|value| was(value)).collect();
    let old_values: Vec<&str> = old_values.iter().map(String::as_str).collect();
    let old_names = names.map(|name| name.map(was));
    let id = of(old_names.each_ref().map(Option::as_deref), &old_values);
    (id != finding.id).then_some(id)
}

/// Every way to cut a line into so many values where they were joined.
fn cuts(line: Option<&str>, values: usize) -> Vec<Vec<&str>> {
    const JOINT: &str = ", ";
    const WAYS: usize = 64;
    let (Some(line), 1..) = (line, values) else { return vec![Vec::new()] };
    let mut found = Vec::new();
    let mut open: Vec<(Vec<&str>, &str)> = vec![(Vec::new(), line)];
    while let Some((head, rest)) = open.pop().filter(|_| found.len() < WAYS) {
        if head.len() + 1 == values {
            found.push(head.into_iter().chain([rest]).collect());
            continue;
        }
        for (at, _) in rest.match_indices(JOINT).take(WAYS) {
            let (Some(value), Some(behind)) = (rest.get(..at), rest.get(at + JOINT.len()..)) else {
                continue;
            };
            open.push((head.iter().copied().chain([value]).collect(), behind));
        }
    }
    found
}

#[cfg(test)]
mod tests;
