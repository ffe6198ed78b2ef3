//! Subjects, judged by the rules, and what becomes of the verdicts.

use std::sync::Arc;

use super::inventory::EdgeNumber;
use super::ledger::Occurrence;
use super::{Auditor, ends, policy};
use crate::model::{
    AuditedSession, CertificateAt, ChangeFacts, Confidence, Coverage, CredentialAt, EdgeFacts,
    Endpoint, EndpointFacts, Evidence, Moment, PolicyStanding, RelianceFacts, Sighting, Subject,
    counted, limits,
};
use crate::rule::{Hit, Rule, Verdict as RuleVerdict};

/// Where an edge shows what it is: how it became weaker, else the first of what was called, else its first sessions.
fn samples_of(edge: &EdgeFacts) -> Vec<Sighting> {
    let descent: Vec<Sighting> = edge.descent.samples.into_iter().flatten().collect();
    let called = counted(&edge.used.methods).map(|used| used.first);
    let spoken = edge.used.postures.iter().map(|used| used.first);
    let mut samples = descent;
    if samples.is_empty() {
        samples = called.take(limits::EVIDENCE).collect();
    }
    if samples.is_empty() {
        samples = spoken.take(limits::EVIDENCE).collect();
    }
    samples.sort_by_key(|(at, ..)| *at);
    samples
}

/// What became of a hit.
pub(super) struct Counted {
    /// Where it is counted in the ledger, if there is room.
    pub(super) place: Option<usize>,
    /// It began a finding, whose first piece of evidence its subject then is.
    pub(super) begins: bool,
}

impl Auditor {
    pub(super) fn apply_credential(&mut self, at: &CredentialAt) {
        self.apply(&Subject::Credential(at), [at.first, at.last], at.sessions, &at.samples);
    }

    pub(super) fn apply_edge(&mut self, edge: &EdgeFacts) {
        let weight = edge.postures.total();
        let samples = samples_of(edge);
        self.apply(&Subject::Edge(edge), [edge.first, edge.last], weight, &samples);
    }

    pub(super) fn apply_policy(&mut self, edges: &[EdgeFacts]) -> Option<PolicyStanding> {
        let policy = self.policy.take()?;
        let (said, standing) = policy::compare(&policy, edges);
        for said in said {
            let times = [said.first, said.last];
            self.apply(&Subject::Policy(&said), times, said.sessions, &said.samples);
        }
        // A run that goes on is judged by it again.
        self.policy = Some(policy);
        Some(standing)
    }

    pub(super) fn apply_reliance(&mut self, reliance: &RelianceFacts) {
        let weight = reliance.accepted + reliance.refused;
        let times = [reliance.first, reliance.last];
        self.apply(&Subject::Reliance(reliance), times, weight, &reliance.samples);
    }

    pub(super) fn apply_certificate(&mut self, place: &CertificateAt) {
        let samples: Vec<_> = place.samples.clone();
        let times = [place.first, place.last];
        self.apply(&Subject::Certificate(place), times, place.sessions, &samples);
    }

    pub(super) fn apply_change(&mut self, change: &ChangeFacts) {
        let times = [change.after.first, change.after.last];
        let weight = change.after.sessions;
        self.apply(&Subject::Change(change), times, weight, &change.samples);
    }

    pub(super) fn apply_run(&mut self, coverage: &Coverage) {
        let times =
            [coverage.first, coverage.last].map(|time| Moment { time, ..Moment::default() });
        self.apply(&Subject::Run(coverage), times, 1, &[]);
    }

    pub(super) fn apply_endpoint(&mut self, endpoint: &EndpointFacts) {
        let times = [endpoint.first, endpoint.last];
        let weight = endpoint.postures.total();
        self.apply(&Subject::Endpoint(endpoint), times, weight, &endpoint.samples);
    }

    pub(super) fn apply(
        &mut self,
        subject: &Subject<'_>,
        times: [Moment; 2],
        weight: u64,
        samples: &[(Moment, Endpoint, Endpoint)],
    ) {
        let hits = self.evaluator.evaluate(subject);
        let rules = Arc::clone(self.evaluator.rules());
        for hit in hits.iter() {
            let Some(rule) = rules.rules().get(hit.rule) else { continue };
            let told = || samples.iter().map(|one| (vec![one.0], one.1, one.2)).collect();
            self.count(rule, hit, subject, times, weight, &told);
        }
    }

    /// Counts a hit on another session of an edge, if that is all there is to do.
    pub(super) fn count_again(
        &mut self,
        hit: &Hit,
        audited: &AuditedSession,
        edge: EdgeNumber,
    ) -> bool {
        if self.standing.is_some() {
            return false;
        }
        let Some(rule) = self.evaluator.rules().rules().get(hit.rule) else { return false };
        let times = [audited.session.first, audited.session.last];
        let seen = || occurrence(rule, hit, &Subject::Session(audited), times, 1);
        self.ledger.again_on(edge, hit, seen)
    }

    /// Counts one hit, and says where.
    #[expect(
        clippy::too_many_arguments,
        reason = "one hit is this much: rule, verdict, subject, times, weight, proof"
    )]
    pub(super) fn count(
        &mut self,
        rule: &Rule,
        hit: &Hit,
        subject: &Subject<'_>,
        times: [Moment; 2],
        weight: u64,
        samples: &dyn Fn() -> Vec<(Vec<Moment>, Endpoint, Endpoint)>,
    ) -> Counted {
        let of_a_run_that_goes_on = self.standing.is_some();
        let ledger = self.standing.as_mut().unwrap_or(&mut self.ledger);
        if hit.verdict == RuleVerdict::NotObservable {
            self.key.clear();
            rule.write_parties(subject, &mut self.key);
            let at = || (rule.undecided_at(subject), ends(subject));
            let place = ledger.not_observable(hit.rule, &self.key, at);
            return Counted { place, begins: false };
        }
        self.key.clear();
        rule.write_identity(subject, &mut self.key);
        let occurrence = occurrence(rule, hit, subject, times, weight);
        let known = ledger.again(&self.key, &occurrence);
        let (slot, facts) = match known {
            Some((slot, false)) => return Counted { place: Some(slot), begins: false },
            Some((slot, true)) => (Some(slot), None),
            None => {
                self.print.clear();
                if of_a_run_that_goes_on {
                    rule.write_print(subject, &mut self.print);
                }
                match ledger.take_up(&self.key, &self.print, &occurrence) {
                    Some((slot, facts)) => (Some(slot), Some(facts)),
                    None => {
                        let parts = (rule.finding_parts(subject), ends(subject));
                        (ledger.begin(&self.key, rule, parts, &occurrence), None)
                    }
                }
            }
        };
        if let Some(slot) = slot {
            let begins = known.is_none() && facts.is_none();
            let facts = facts.or_else(|| hit.facts.clone());
            let facts = facts.unwrap_or_else(|| rule.facts(subject));
            if begins {
                ledger.remember(slot, &self.print, &facts);
            }
            for (frames, client, server) in samples() {
                ledger
                    .add_evidence(slot, Evidence { frames, client, server, facts: facts.clone() });
            }
        }
        Counted { place: slot, begins: known.is_none() }
    }
}

/// What a hit is counted as.
fn occurrence(
    rule: &Rule,
    hit: &Hit,
    subject: &Subject<'_>,
    [first, last]: [Moment; 2],
    weight: u64,
) -> Occurrence {
    let surest = match subject {
        Subject::Session(session) => rule.surest(session),
        _ => Confidence::High,
    };
    let (severity, confidence) = (hit.severity, hit.confidence.min(surest));
    Occurrence { first, last, severity, confidence, weight }
}
