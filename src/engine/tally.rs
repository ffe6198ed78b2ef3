//! What a watch counted since it began, over all its runs, and what stands open now: numbers for those who follow them.
//!
//! Counts here only ever grow. Those of a run do not: a session that goes on is judged again, and another run begins anew.

use std::collections::BTreeMap;

use crate::model::{
    AuditedSession, EndState, Finding, Outcome, Postures, Seen, Severity, Timestamp, limits,
};

/// How often each rule is meant, by code and severity.
pub type ByRule = BTreeMap<(String, Severity), u64>;

/// What only grows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Sessions that have ended, by posture.
    pub ended: Postures,
    /// Bytes of their streams that were never seen.
    pub gap_bytes: u64,
    /// Their TLS handshakes, by negotiated version and what came of them.
    pub handshakes: BTreeMap<(&'static str, &'static str), u64>,
    /// How often a rule was true, by code and severity.
    pub hits: ByRule,
    /// The same, of the runs before this one.
    hits_before: ByRule,
}

/// What stands now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Edges of the run by their worst posture.
    pub edges: Postures,
    /// Open findings by rule.
    pub findings: ByRule,
    /// Leaves that services of the user's file showed last, by service and role; bounded.
    pub leaves: BTreeMap<(String, &'static str), Timestamp>,
}

impl Tally {
    /// Counts a session that was judged, once it has ended.
    pub(super) fn session(&mut self, audited: &AuditedSession) {
        let session = &audited.session;
        if session.end == EndState::Going {
            return;
        }
        self.ended.add(audited.posture);
        let gaps = &session.stream.gap_bytes;
        let gap = gaps.to_server.saturating_add(gaps.to_client);
        self.gap_bytes = self.gap_bytes.saturating_add(gap);
        let Some(tls) = &session.facts.tls else { return };
        let version = tls.server_hello.value().map_or("none", |hello| version(hello.version));
        let came_of_it = match &tls.established {
            Seen::Value(true) => "established",
            _ if !tls.alerts.is_empty() => "alert",
            Seen::Value(false) => "failed",
            _ => "unknown",
        };
        *self.handshakes.entry((version, came_of_it)).or_default() += 1;
    }

    /// Notes what a run has come to so far.
    pub(super) fn run(&mut self, outcome: &Outcome) {
        self.hits.clone_from(&self.hits_before);
        let counts = outcome.findings.iter().map(|finding| (finding, finding.count));
        add(&mut self.hits, counts);
    }

    /// Another run begins.
    pub(super) fn begin_run(&mut self) {
        self.hits_before.clone_from(&self.hits);
    }
}

impl Standing {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let mut standing = Self::default();
        outcome.edges.iter().for_each(|edge| standing.edges.add(edge.postures.worst()));
        let open = outcome.findings.iter().filter(|finding| finding.is_open());
        add(&mut standing.findings, open.map(|finding| (finding, 1)));
        let mut last: BTreeMap<(&str, &'static str), _> = BTreeMap::new();
        for row in outcome.certificates.iter().filter(|row| row.position == 0) {
            // A name that a peer told could be another one with every connection.
            let (Some(details), true) = (&row.certificate.details, row.party.profile.is_some())
            else {
                continue;
            };
            let (place, shown) =
                ((row.party.service.as_str(), row.role), (row.last, details.not_after));
            if last.len() < limits::METRIC_SERVICES || last.contains_key(&place) {
                let known = last.entry(place).or_insert(shown);
                *known = shown.max(*known);
            }
        }
        let leaf = |((service, role), (_, end)): ((&str, _), (_, Timestamp))| {
            ((service.to_owned(), role), end)
        };
        standing.leaves = last.into_iter().map(leaf).collect();
        standing
    }
}

/// Adds counts by rule. There are many findings of few rules.
fn add<'a>(all: &mut ByRule, counts: impl Iterator<Item = (&'a Finding, u64)>) {
    let mut few: BTreeMap<(&str, Severity), u64> = BTreeMap::new();
    for (finding, count) in counts {
        let sum = few.entry((finding.rule.as_str(), finding.severity)).or_default();
        *sum = sum.saturating_add(count);
    }
    for ((rule, severity), count) in few {
        let sum = all.entry((rule.to_owned(), severity)).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// A version by a name out of a fixed few: what peers negotiate is theirs to choose.
fn version(version: u16) -> &'static str {
    match version {
        0x0304 => "TLSv1.3",
        0x0303 => "TLSv1.2",
        0x0302 => "TLSv1.1",
        0x0301 => "TLSv1.0",
        0x0300 => "SSLv3",
        0x0002 => "SSLv2",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Posture, fixture};

    #[test]
    fn a_session_counts_when_it_has_ended_and_not_before() {
        let mut tally = Tally::default();
        let mut audited = fixture::session(1, Posture::Plaintext);
        audited.session.end = EndState::Going;
        tally.session(&audited);
        assert_eq!(tally, Tally::default());
        audited.session.end = EndState::Fin;
        tally.session(&audited);
        assert_eq!(tally.ended.plaintext, 1);
    }

    #[test]
    fn hits_do_not_go_back_when_another_run_begins() {
        let outcome = fixture::outcome();
        let sum = |tally: &Tally| tally.hits.values().sum::<u64>();
        let mut tally = Tally::default();
        tally.run(&outcome);
        tally.run(&outcome);
        let once = sum(&tally);
        assert!(once > 0);
        tally.begin_run();
        tally.run(&Outcome::default());
        assert_eq!(sum(&tally), once);
        tally.run(&outcome);
        assert_eq!(sum(&tally), 2 * once);
    }

    #[test]
    fn only_services_of_the_users_file_are_named() {
        let mut outcome = fixture::outcome();
        assert!(outcome.certificates.iter().any(|row| row.position == 0));
        for row in &mut outcome.certificates {
            row.party.profile = None;
        }
        assert!(Standing::of(&outcome).leaves.is_empty());
        for row in &mut outcome.certificates {
            row.party.profile = Some(Arc::default());
        }
        let standing = Standing::of(&outcome);
        assert!(!standing.leaves.is_empty());
        assert_eq!(standing.edges.total(), outcome.edges.len() as u64);
    }
}
