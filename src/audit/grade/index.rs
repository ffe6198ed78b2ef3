//! Who findings and certificates are about: gathered once, and asked for every service and edge.

use std::net::IpAddr;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::About;
use crate::model::{
    CertificateRow, ChainFaults, Confidence, Coverage, EdgeRow, Finding, Outcome, ServiceRow,
    Severity, SubjectKind,
};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// A service, by name and port.
type Key<'a> = (&'a str, Option<u16>);

/// Findings by rule, in the order of rules.
pub(super) type Groups<'a> = SmallVec<[Group<'a>; 16]>;

/// Findings of one rule.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    /// The place of their rule in the order of rules.
    rule: usize,
    pub(super) first: &'a Finding,
    /// The worst, and of these the surest, and of these the last.
    pub(super) worst: &'a Finding,
    pub(super) count: usize,
    /// Whether the user accepts them all.
    pub(super) accepted: bool,
}

impl<'a> Group<'a> {
    fn of((rule, finding): (usize, &'a Finding)) -> Self {
        let accepted = !finding.is_open();
        Self { rule, first: finding, worst: finding, count: 1, accepted }
    }

    fn join(&mut self, next: &Self) {
        let badness = |finding: &Finding| -> (Severity, Confidence) {
            (finding.severity, finding.confidence)
        };
        if badness(next.worst) >= badness(self.worst) {
            self.worst = next.worst;
        }
        self.count += next.count;
        self.accepted &= next.accepted;
    }
}

/// Groups of findings that come in the order of rules.
#[derive(Default)]
struct Gathered<'a>(Vec<Group<'a>>);

impl<'a> Gathered<'a> {
    fn push(&mut self, next: Group<'a>) {
        match self.0.last_mut().filter(|last| last.rule == next.rule) {
            Some(last) => last.join(&next),
            None => self.0.push(next),
        }
    }
}

/// Findings and certificates by whom they are about.
pub(super) struct Index<'a> {
    /// By server.
    of_server: Map<Key<'a>, Gathered<'a>>,
    /// By server, for those that name a client too.
    of_pair: Map<(Key<'a>, &'a str), Gathered<'a>>,
    /// By server, for those about certificates that name no client.
    of_certificates: Map<Key<'a>, Gathered<'a>>,
    /// By server and by the client whose connections prove them, for others that name no client.
    of_proof: Map<(Key<'a>, IpAddr), Gathered<'a>>,
    /// By client, for those that name no server.
    of_client_alone: Map<&'a str, Gathered<'a>>,
    server_faults: Map<Key<'a>, ChainFaults>,
    client_faults: Map<&'a str, ChainFaults>,
    coverage: &'a Coverage,
}

impl<'a> Index<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        let mut index = Self {
            of_server: Map::default(),
            of_pair: Map::default(),
            of_certificates: Map::default(),
            of_proof: Map::default(),
            of_client_alone: Map::default(),
            server_faults: Map::default(),
            client_faults: Map::default(),
            coverage: &outcome.coverage,
        };
        let certificate = |on| matches!(on, SubjectKind::Certificate | SubjectKind::Change);
        let rules = outcome.rules.iter().filter(|rule| certificate(rule.on));
        let of_certificates: Vec<&str> = rules.map(|rule| rule.code.as_str()).collect();
        let mut by_rule: Vec<&Finding> = outcome.findings.iter().collect();
        by_rule.sort_by(|one, other| one.rule.cmp(&other.rule));
        let rules = by_rule.chunk_by(|one, other| one.rule == other.rule);
        for (rule, findings) in rules.enumerate() {
            let code = findings.first().map(|finding| finding.rule.as_str());
            let of_certificate = code.is_some_and(|code| of_certificates.contains(&code));
            findings.iter().for_each(|finding| index.add_finding((rule, finding), of_certificate));
        }
        outcome.certificates.iter().for_each(|row| index.add_certificate(row));
        index
    }

    fn add_finding(&mut self, (rule, finding): (usize, &'a Finding), of_certificate: bool) {
        let client = finding.client.as_ref().map(|party| party.service.as_str());
        let server = finding.server.as_ref().map(|party| party.service.as_str());
        let group = Group::of((rule, finding));
        let Some(server) = server else {
            if let Some(client) = client {
                self.of_client_alone.entry(client).or_default().push(group);
            }
            return;
        };
        let key = (server, finding.server_port);
        self.of_server.entry(key).or_default().push(group);
        if let Some(client) = client {
            self.of_pair.entry((key, client)).or_default().push(group);
        } else if of_certificate {
            self.of_certificates.entry(key).or_default().push(group);
        } else {
            let clients = finding.evidence.iter().map(|sample| sample.client.addr);
            let mut clients: SmallVec<[IpAddr; 8]> = clients.collect();
            clients.sort_unstable();
            clients.dedup();
            for client in clients {
                self.of_proof.entry((key, client)).or_default().push(group);
            }
        }
    }

    fn add_certificate(&mut self, row: &'a CertificateRow) {
        if row.position != 0 {
            return;
        }
        let name = row.party.service.as_str();
        let known = match row.role {
            "server" => self.server_faults.entry((name, row.port)).or_default(),
            _ => self.client_faults.entry(name).or_default(),
        };
        *known = known.union(row.faults);
    }

    pub(super) fn about_service(&self, row: &'a ServiceRow) -> About<'a> {
        let key = (row.service.service.as_str(), row.port());
        About {
            postures: &row.postures,
            particulars: &row.particulars,
            local: row.service.addr.is_loopback(),
            broken: self.server_faults.get(&key).copied().unwrap_or_default(),
            groups: together([self.of_server.get(&key)]),
            coverage: self.coverage,
        }
    }

    /// What names both ends; of what names the server alone, what is about certificates where the edge uses TLS, and
    /// what this client's connections prove; what is said of the client itself.
    pub(super) fn about_edge(&self, row: &'a EdgeRow) -> About<'a> {
        let key = (row.server.service.as_str(), Some(row.server_port));
        let client = row.client.service.as_str();
        let pair = self.of_pair.get(&(key, client));
        let proof = self.of_proof.get(&(key, row.client.addr));
        let tls = row.postures.mtls + row.postures.tls + row.postures.tls_opaque > 0;
        let (mut certificates, mut alone, mut broken) = (None, None, ChainFaults::default());
        if tls {
            certificates = self.of_certificates.get(&key);
            alone = self.of_client_alone.get(client);
            let server = self.server_faults.get(&key).copied().unwrap_or_default();
            let client = self.client_faults.get(client).copied().unwrap_or_default();
            broken = server.union(client);
        }
        About {
            postures: &row.postures,
            particulars: &row.used.particulars,
            local: row.server.addr.is_loopback(),
            broken,
            groups: together([pair, certificates, proof, alone]),
            coverage: self.coverage,
        }
    }
}

/// Groups of the same rule become one, in the order given.
fn together<'a, const N: usize>(all: [Option<&Gathered<'a>>; N]) -> Groups<'a> {
    let mut groups: Groups<'a> =
        all.into_iter().flatten().flat_map(|some| some.0.iter().copied()).collect();
    groups.sort_by_key(|group| group.rule);
    groups.dedup_by(|next, first| {
        let same = next.rule == first.rule;
        if same {
            first.join(next);
        }
        same
    });
    groups
}
