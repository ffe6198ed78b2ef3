//! Findings as they gather: counted, not repeated.

use std::cmp::{Ordering, Reverse};
use std::net::IpAddr;

use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use super::naming::revealed;
use crate::identity::Names;
use crate::model::{
    Confidence, Endpoint, Evidence, Finding, FindingId, Moment, NotObservable, Party, Severity,
    Text, Undecided, UndecidedAt, limits,
};
use crate::rule::{FindingParts, Rule, RuleSet};

/// All findings of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    slots: HashMap<Box<[u8]>, usize, foldhash::quality::RandomState>,
    entries: Vec<Entry>,
    not_observable: Vec<u64>,
    /// How many findings fewer than the most there is room for.
    taken: usize,
    undecided: HashMap<Box<[u8]>, Unsettled, foldhash::quality::RandomState>,
    undecided_cut: bool,
    /// Hits that were not kept because there were too many findings.
    pub(super) overflow: u64,
}

/// The ends of a session, whose names are only known at the end; nothing where the names are final.
type Ends = Option<(Endpoint, Endpoint)>;

/// Where a rule could not decide, between these ends.
type Unsettled = (UndecidedAt, Ends);

/// A finding that is not named yet.
#[derive(Clone, Debug)]
struct Entry {
    /// Large, and need not move as the list grows and is put in order.
    finding: Box<Finding>,
    key: Vec<(&'static str, String)>,
    /// The ends of the session that it began with.
    ends: Ends,
}

/// One time that a rule was true.
pub(super) struct Occurrence {
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) weight: u64,
}

impl Ledger {
    /// One with room for so many findings.
    pub(super) fn with_room(room: usize) -> Self {
        Self { taken: limits::FINDINGS.saturating_sub(room), ..Self::default() }
    }

    /// Counts a hit on a finding that is known under `key`, and says which it is and whether it may use another piece of
    /// evidence; `None` when it is not known.
    pub(super) fn again(&mut self, key: &[u8], hit: &Occurrence) -> Option<(usize, bool)> {
        let slot = *self.slots.get(key)?;
        let finding = &mut self.entries.get_mut(slot)?.finding;
        finding.count += hit.weight;
        finding.first = finding.first.min(hit.first);
        finding.last = finding.last.max(hit.last);
        finding.severity = finding.severity.max(hit.severity);
        finding.confidence = finding.confidence.max(hit.confidence);
        Some((slot, finding.evidence.len() < limits::EVIDENCE))
    }

    /// Adds a piece of evidence to a finding.
    pub(super) fn add_evidence(&mut self, slot: usize, evidence: Evidence) {
        let known = self.entries.get_mut(slot).map(|entry| &mut entry.finding.evidence);
        if let Some(known) = known.filter(|known| known.len() < limits::EVIDENCE) {
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

    /// Begins a finding that is not known, if there is room, and says which it is. One about a session comes with its
    /// ends, whose names are not final.
    pub(super) fn begin(
        &mut self,
        key: &[u8],
        rule: &Rule,
        (parts, ends): (FindingParts, Ends),
        hit: &Occurrence,
    ) -> Option<usize> {
        if self.entries.len() + self.taken >= limits::FINDINGS {
            self.overflow += 1;
            return None;
        }
        let slot = self.entries.len();
        self.slots.insert(key.into(), slot);
        let finding = Finding {
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
        self.entries.push(Entry { finding: Box::new(finding), key: parts.key, ends });
        Some(slot)
    }

    /// Counts a case that a rule could not decide. `key` is what [`Rule::write_parties`] wrote.
    pub(super) fn not_observable(
        &mut self,
        rule: usize,
        key: &[u8],
        at: impl FnOnce() -> Unsettled,
    ) {
        let full = self.undecided.len() >= limits::UNDECIDED_PLACES;
        match self.undecided.get_mut(key) {
            Some((known, _)) => known.count += 1,
            None if full => self.undecided_cut = true,
            None => {
                self.undecided.insert(key.into(), at());
            }
        }
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

    /// The findings of both by their final names, in order. One that both have is told as the other counted it.
    pub(super) fn joined(mut self, other: &Self, names: &Names) -> Vec<Finding> {
        let known = |key: &[u8]| other.slots.contains_key(key);
        let mut again: Vec<usize> =
            self.slots.iter().filter(|(key, _)| known(key)).map(|(_, slot)| *slot).collect();
        again.sort_unstable();
        let mut place = 0;
        self.entries.retain(|_| {
            place += 1;
            again.binary_search(&(place - 1)).is_err()
        });
        self.entries.extend(other.entries.iter().cloned());
        self.finish(names)
    }

    /// The places of both where rules could not decide.
    pub(super) fn undecided_in_both(&mut self, other: &Self, names: &Names) -> Undecided {
        for (key, place) in &other.undecided {
            self.undecided.entry(key.clone()).or_insert_with(|| place.clone());
        }
        self.undecided_cut |= other.undecided_cut;
        self.undecided_places(names)
    }

    /// Where rules could not decide, by final names, in a fixed order.
    pub(super) fn undecided_places(&mut self, names: &Names) -> Undecided {
        let named = |(mut at, ends): Unsettled| {
            if let Some((client, server)) = ends {
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
        let mut places: Vec<_> =
            std::mem::take(&mut self.undecided).into_values().map(named).collect();
        places.sort_unstable();
        places.dedup_by(|next, first| {
            let same = (&next.rule, &next.client, &next.server, next.port)
                == (&first.rule, &first.client, &first.server, first.port);
            if same {
                first.count = first.count.saturating_add(next.count);
            }
            same
        });
        Undecided { places, cut: self.undecided_cut }
    }

    /// Gives the findings by their final names: worst first, then by rule, confidence and identity. Findings that are
    /// the same by these names become one.
    pub(super) fn finish(self, names: &Names) -> Vec<Finding> {
        let mut findings = one_of_each(self.entries.into_iter().map(|entry| entry.named(names)));
        findings.sort_by(|one, other| in_order(one, other));
        findings.into_iter().map(|finding| *finding).collect()
    }
}

impl Entry {
    fn named(self, names: &Names) -> Box<Finding> {
        let Self { mut finding, mut key, ends } = self;
        if let Some(ends) = ends {
            let (client, server) = (names.client(ends.0), names.server(ends.1));
            let both = [client.service.as_str(), server.service.as_str()];
            let reveal = |text: &mut String| {
                if let Some(named) = revealed(text, ends, both) {
                    *text = named;
                }
            };
            for evidence in &mut finding.evidence {
                // They are shared with other findings, unless they tell a name.
                if evidence.facts.iter().any(|(_, value)| revealed(value, ends, both).is_some()) {
                    evidence.facts.make_mut().iter_mut().for_each(|(_, value)| reveal(value));
                }
            }
            key.iter_mut().for_each(|(_, value)| reveal(value));
            finding.subject.as_mut().map(reveal);
            if let Some(named) = revealed(&finding.message, ends, both) {
                finding.message = named.into();
            }
            finding.client = finding.client.is_some().then_some(client);
            finding.server = finding.server.is_some().then_some(server);
        }
        let parties = finding.server.iter().chain(&finding.client);
        let profile = parties.filter_map(|party| party.profile.as_ref()).next();
        finding.mapped = profile.map(|profile| profile.place.clone());
        if finding.declared.is_none() {
            finding.declared.clone_from(&finding.mapped);
        }
        finding.id = identity(&finding, &key);
        finding
    }
}

/// The worst first, then by rule, confidence, where it is, and what.
fn in_order(one: &Finding, other: &Finding) -> Ordering {
    fn worst(finding: &Finding) -> (Reverse<Severity>, &str) {
        (Reverse(finding.severity), &finding.rule)
    }
    fn server(finding: &Finding) -> Option<(&str, Option<u16>)> {
        finding.server.as_ref().map(|party| (party.service.as_str(), finding.server_port))
    }
    fn client(finding: &Finding) -> Option<&str> {
        finding.client.as_ref().map(|party| party.service.as_str())
    }
    fn place(finding: &Finding) -> impl Ord {
        (Reverse(finding.confidence), server(finding), client(finding))
    }
    worst(one)
        .cmp(&worst(other))
        .then_with(|| place(one).cmp(&place(other)))
        .then_with(|| (&one.subject, one.id).cmp(&(&other.subject, other.id)))
}

/// Puts findings with the same identity together; the one that was seen first speaks for all.
#[expect(clippy::vec_box, reason = "they are put in order next, and are large")]
fn one_of_each(all: impl Iterator<Item = Box<Finding>>) -> Vec<Box<Finding>> {
    let mut places: HashMap<FindingId, usize, foldhash::quality::RandomState> = HashMap::default();
    let mut findings: Vec<Box<Finding>> = Vec::with_capacity(all.size_hint().0);
    for mut finding in all {
        finding.seen_at = addresses(&finding);
        let place = *places.entry(finding.id).or_insert(findings.len());
        match findings.get_mut(place) {
            Some(known) => merge(known, *finding),
            None => findings.push(finding),
        }
    }
    findings
}

/// Where the server of a finding was when it was seen.
fn addresses(finding: &Finding) -> Vec<IpAddr> {
    let Some(server) = &finding.server else { return Vec::new() };
    let sampled = finding.evidence.iter().map(|evidence| evidence.server.addr);
    let mut all: Vec<IpAddr> = sampled.chain([server.addr]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn merge(known: &mut Finding, other: Finding) {
    let (mut first, mut second) = (std::mem::replace(known, other.clone()), other);
    if second.first < first.first {
        std::mem::swap(&mut first, &mut second);
    }
    first.count = first.count.saturating_add(second.count);
    first.last = first.last.max(second.last);
    first.severity = first.severity.max(second.severity);
    first.confidence = first.confidence.max(second.confidence);
    first.seen_at.append(&mut second.seen_at);
    first.seen_at.sort_unstable();
    first.seen_at.dedup();
    first.seen_at.truncate(limits::FINDING_ADDRESSES);
    first.evidence.append(&mut second.evidence);
    first.evidence.sort_by_key(|evidence| evidence.frames.first().map(|moment| moment.frame));
    first.evidence.truncate(limits::EVIDENCE);
    *known = first;
}

/// The identity of a finding: what the rule and its key say, length-prefixed so that no two keys run together.
fn identity(finding: &Finding, key: &[(&'static str, String)]) -> FindingId {
    let Finding { rule, client, server, server_port, .. } = finding;
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
mod tests {
    use super::*;
    use crate::model::{ServiceRow, fixture};

    /// A finding with the identity that its own parts give it.
    fn finding(rule: &Rule, client: &str, server: &str, values: &[&str]) -> Finding {
        let mut finding = fixture::finding(&rule.code, &rule.name, Severity::High, 1);
        finding.client = Some(fixture::party(client, "10.0.1.5"));
        finding.server = Some(fixture::party(server, "10.0.2.9"));
        finding.subject = (!values.is_empty()).then(|| values.join(", "));
        let key = rule.key.iter().copied().zip(values.iter().copied());
        let names = [Some(client), Some(server)];
        finding.id = identity_of(&rule.code, names, finding.server_port, key);
        finding
    }

    #[test]
    fn a_finding_is_counted_at_the_addresses_where_it_was_seen() {
        let rules = RuleSet::built_in().unwrap();
        let rule = rules.find("plaintext-rpc").unwrap();
        let (mut both, other) =
            (finding(rule, "a", "payments", &[]), finding(rule, "b", "payments", &[]));
        let mut second = both.clone();
        second.server = Some(fixture::party("payments", "10.0.2.10"));
        both.evidence.clear();
        second.evidence.clear();
        let findings = one_of_each([both, second, other].map(Box::new).into_iter());
        let findings: Vec<Finding> = findings.into_iter().map(|finding| *finding).collect();
        let at = |addr: &str| ServiceRow {
            service: fixture::party("payments", addr),
            endpoint: format!("{addr}:50051"),
            ..fixture::outcome().services[1].clone()
        };
        let mut rows = ["10.0.2.9", "10.0.2.10", "10.0.2.11"].map(at);
        crate::audit::count_findings(&mut rows, &findings);
        assert_eq!(
            rows.map(|row| (row.findings, row.worst.is_some())),
            [(2, true), (1, true), (0, false)]
        );
    }

    #[test]
    fn a_renamed_service_is_found_by_what_it_was_called() {
        let rules = RuleSet::built_in().unwrap();
        let values = ["a, b", "payments", "c", "d"];
        let mut seen = 0;
        for rule in rules.rules().iter().filter(|rule| rule.key.len() <= values.len()) {
            let now = finding(rule, "orders", "payments", &values[..rule.key.len()]);
            let was: Vec<&str> =
                values.iter().map(|v| if *v == "payments" { "pay" } else { v }).collect();
            let old = finding(rule, "orders", "pay", &was[..rule.key.len()]);
            assert_eq!(renamed(rule, &now, "pay", "payments"), Some(old.id), "{}", rule.code);
            assert_eq!(renamed(rule, &now, "pay", "nobody"), None);
            let others = Finding { id: old.id, ..now };
            assert_eq!(renamed(rule, &others, "pay", "payments"), None, "not its identity");
            seen = seen.max(rule.key.len());
        }
        assert!(seen > 1, "rules with several values in their key are among them");
    }
}
