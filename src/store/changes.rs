//! What of an outcome is not in the database yet.

use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;

use hashbrown::HashMap;

use crate::model::{CredentialRow, Digest, FindingId, Outcome};

type Map<K> = HashMap<K, u64, foldhash::quality::RandomState>;

const HASH: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(7);

/// What was handed over to be written of a run, by a hash of what can change in it.
#[derive(Debug, Default)]
pub struct Written {
    edges: Map<(IpAddr, IpAddr, u16)>,
    certificates: Map<(Digest, &'static str, usize, IpAddr, Option<u16>)>,
    credentials: Map<u64>,
    findings: Map<FindingId>,
}

impl Written {
    /// The rows of an outcome that differ from those of the last time, which it then remembers; without sessions, which
    /// are told of once anyway. Only what differs is copied: of a large run that is little.
    #[must_use]
    pub fn changes(&mut self, outcome: &Outcome) -> Outcome {
        let mut edges = Vec::new();
        for row in &outcome.edges {
            let key = (row.client.addr, row.server.addr, row.server_port);
            let names = (&row.client.service, &row.server.service);
            let counts = (row.postures.total(), row.postures.mtls, row.postures.plaintext);
            let state = (counts, row.bytes, row.last, names, row.protocols.len());
            if is_new(&mut self.edges, key, &state) {
                edges.push(row.clone());
            }
        }
        let mut certificates = Vec::new();
        for row in &outcome.certificates {
            let key = (row.certificate.sha256, row.role, row.position, row.party.addr, row.port);
            let faults: Vec<_> = row.faults.names().collect();
            let trust =
                row.outcome.value().map(|chain| (chain.trust.name(), chain.revocation.name()));
            if is_new(&mut self.certificates, key, &(row.sessions, row.last, faults, trust)) {
                certificates.push(row.clone());
            }
        }
        let mut credentials = Vec::new();
        for row in &outcome.credentials {
            let at = &row.at;
            let state = (at.sessions, at.count, at.last, at.accepted.value().copied(), at.sources);
            if is_new(&mut self.credentials, credential(row), &state) {
                credentials.push(row.clone());
            }
        }
        let mut findings = Vec::new();
        for row in &outcome.findings {
            let state =
                (row.count, row.last, row.severity.name(), row.evidence.len(), &row.message);
            if is_new(&mut self.findings, row.id, &state) {
                findings.push(row.clone());
            }
        }
        Outcome {
            edges,
            certificates,
            credentials,
            findings,
            sessions: Vec::new(),
            services: outcome.services.clone(),
            announcements: outcome.announcements.clone(),
            coverage: outcome.coverage.clone(),
            suites: outcome.suites.clone(),
            rules: outcome.rules.clone(),
            undecided: outcome.undecided.clone(),
            policy: outcome.policy.clone(),
            run: outcome.run.clone(),
        }
    }
}

fn credential(row: &CredentialRow) -> u64 {
    let (at, one) = (&row.at, &row.at.credential);
    let place = (at.server.addr, at.port, at.ordinal);
    HASH.hash_one((place, one.kind.name(), one.mechanism, &one.place, &one.principal))
}

fn is_new<K: Eq + Hash>(known: &mut Map<K>, key: K, state: &impl Hash) -> bool {
    let hash = HASH.hash_one(state);
    known.insert(key, hash) != Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture;

    #[test]
    fn what_did_not_change_is_not_written_again() {
        let whole = fixture::outcome();
        let mut written = Written::default();
        let first = written.changes(&whole);
        assert_eq!(first.findings.len(), whole.findings.len());
        assert_eq!(first.edges.len(), whole.edges.len());
        let mut again = whole.clone();
        if let Some(edge) = again.edges.first_mut() {
            edge.bytes += 1;
        }
        if let Some(finding) = again.findings.first_mut() {
            finding.count += 1;
        }
        let second = written.changes(&again);
        assert_eq!((second.edges.len(), second.findings.len()), (1, 1));
        assert!(second.certificates.is_empty() && second.credentials.is_empty());
    }
}
