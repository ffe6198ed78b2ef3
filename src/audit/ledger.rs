//! Findings as they gather: counted, not repeated.

use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use crate::model::{
    CommunityId, Confidence, Endpoint, Evidence, Finding, FindingId, Moment, NotObservable,
    Severity, limits,
};
use crate::rule::{FindingParts, Rule, RuleSet};

/// All findings of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    slots: HashMap<Box<[u8]>, usize, foldhash::quality::RandomState>,
    entries: Vec<Finding>,
    not_observable: Vec<u64>,
    /// How many findings fewer than the most there is room for.
    taken: usize,
    /// Hits that were not kept because there were too many findings.
    pub(super) overflow: u64,
}

/// One time that a rule was true.
pub(super) struct Occurrence {
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) severity: Severity,
    pub(super) weight: u64,
}

impl Ledger {
    /// One with room for so many findings.
    pub(super) fn with_room(room: usize) -> Self {
        Self { taken: limits::FINDINGS.saturating_sub(room), ..Self::default() }
    }

    /// Counts a hit on a finding that is known under `key`, and says whether it may use another piece of evidence;
    /// `None` when it is not known.
    pub(super) fn again(&mut self, key: &[u8], hit: &Occurrence) -> Option<bool> {
        let slot = *self.slots.get(key)?;
        let finding = self.entries.get_mut(slot)?;
        finding.count += hit.weight;
        finding.first = finding.first.min(hit.first);
        finding.last = finding.last.max(hit.last);
        finding.severity = finding.severity.max(hit.severity);
        Some(finding.evidence.len() < limits::EVIDENCE)
    }

    /// Adds a piece of evidence to a known finding.
    pub(super) fn add_evidence(&mut self, key: &[u8], evidence: Evidence) {
        let finding = self.slots.get(key).and_then(|slot| self.entries.get_mut(*slot));
        if let Some(finding) = finding.filter(|finding| finding.evidence.len() < limits::EVIDENCE) {
            finding.evidence.push(evidence);
        }
    }

    /// How many findings there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Begins a finding, if it is not known.
    pub(super) fn begin(&mut self, key: &[u8], rule: &Rule, parts: FindingParts, hit: &Occurrence) {
        if self.slots.contains_key(key) {
            return;
        }
        if self.entries.len() + self.taken >= limits::FINDINGS {
            self.overflow += 1;
            return;
        }
        self.slots.insert(key.into(), self.entries.len());
        self.entries.push(Finding {
            id: identity(rule, &parts),
            rule: rule.code.clone(),
            rule_name: rule.name.clone(),
            severity: hit.severity,
            confidence: rule.confidence,
            title: rule.title.clone(),
            message: parts.message,
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
            declared: None,
            accepted: None,
        });
    }

    /// Counts a case that a rule could not decide.
    pub(super) fn not_observable(&mut self, rule: usize) {
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
                rule: rule.code.clone(),
                rule_name: rule.name.clone(),
                count,
            })
            .collect()
    }

    /// The findings of both, in order. One that both have is told as the other counted it.
    pub(super) fn joined(mut self, other: &Self) -> Vec<Finding> {
        let known = |key: &[u8]| other.slots.contains_key(key);
        let again: Vec<usize> =
            self.slots.iter().filter(|(key, _)| known(key)).map(|(_, slot)| *slot).collect();
        let mut place = 0;
        self.entries.retain(|_| {
            place += 1;
            !again.contains(&(place - 1))
        });
        self.entries.extend(other.entries.iter().cloned());
        self.finish()
    }

    /// Gives the findings: worst first, then by rule, confidence and identity.
    pub(super) fn finish(self) -> Vec<Finding> {
        let mut findings = self.entries;
        let order = |finding: &Finding| {
            let sure: Confidence = finding.confidence;
            (
                std::cmp::Reverse(finding.severity),
                finding.rule.clone(),
                std::cmp::Reverse(sure),
                finding.server.as_ref().map(|party| (party.service.clone(), finding.server_port)),
                finding.client.as_ref().map(|party| party.service.clone()),
                finding.subject.clone(),
                finding.id,
            )
        };
        findings.sort_by_cached_key(order);
        findings
    }
}

/// The identity of a finding: what the rule and its key say, length-prefixed so that no two keys run together.
fn identity(rule: &Rule, parts: &FindingParts) -> FindingId {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    add("wlf1");
    add(&rule.code);
    add(parts.client.as_ref().map_or("", |party| &party.service));
    add(parts.server.as_ref().map_or("", |party| &party.service));
    add(&parts.server_port.map_or_else(String::new, |port| port.to_string()));
    for (path, value) in &parts.key {
        add(path);
        add(value);
    }
    let digest: [u8; 32] = hash.finalize().into();
    FindingId(digest.first_chunk().copied().unwrap_or_default())
}

/// A piece of evidence: frames, the connection, and the facts that the rule asked for.
pub(super) fn evidence(
    frames: Vec<Moment>,
    client: Endpoint,
    server: Endpoint,
    facts: Vec<(String, String)>,
) -> Evidence {
    Evidence {
        frames,
        community_id: CommunityId::tcp(client, server).to_string(),
        connection: format!("{client} -> {server}"),
        facts,
    }
}
