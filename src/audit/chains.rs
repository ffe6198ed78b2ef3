//! Chains of a run: each judged at the time of its packets, and what clients made of those that should not have passed.
//!
//! Takes sessions in a fixed order; gives an outcome for each chain, and at the end what only all of them together
//! tell: an intermediate that one server leaves out and another sends, and which client relied on what. Decides no
//! trust itself: that is what `pki` does.

mod inferred;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use inferred::Refused;

use crate::model::{
    AuditedSession, Certificate, CertificateAt, ChainFault, ChainFaults, ChainOutcome, Der, Digest,
    Direction, Endpoint, Incomplete, Moment, RelianceFacts, Revocation, Seen, SeenChain, Session,
    Timestamp, TlsFacts, limits, no_chain,
};
use crate::pki::{Authorities, ChainJudge, Shown};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// Everything about chains that outlives a session.
#[derive(Debug, Default)]
pub(super) struct Chains {
    judge: ChainJudge,
    reliances: Map<RelianceKey, RelianceFacts>,
    /// Certificates that peers sent above their leaves, by subject.
    above: BTreeMap<(String, Digest), (Der, Arc<Certificate>)>,
    /// Chains that lead to no trusted authority, by role and leaf.
    dangling: BTreeMap<(Direction, Digest), Dangling>,
    /// Refusals that were not read but inferred.
    refused: Refused,
    /// Sessions for which a revocation list was out of date, by its number.
    stale: BTreeMap<usize, u64>,
    /// Things that were not followed because there were too many.
    pub(super) overflow: u64,
}

/// One client, one server endpoint, one leaf.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct RelianceKey {
    server: Endpoint,
    client: Endpoint,
    leaf: Digest,
}

#[derive(Debug)]
struct Dangling {
    chain: Vec<Der>,
    certificates: Vec<Arc<Certificate>>,
    at: Timestamp,
}

impl Chains {
    pub(super) fn new(authorities: Authorities) -> Self {
        Self { judge: ChainJudge::new(authorities), ..Self::default() }
    }

    /// Revocation lists whose issuer issued nothing that was seen, in words.
    pub(super) fn unused_crls(&self) -> Vec<String> {
        let crls = &self.judge.authorities().crls;
        self.judge.unused_crls().map(|number| crls.describe(number)).collect()
    }

    /// Begins another run, judged against the same.
    pub(super) fn begin_run(&mut self) {
        let judge = std::mem::take(&mut self.judge);
        *self = Self { judge, ..Self::default() };
    }

    /// How many chains were asked for, and how many of them had to be judged.
    pub(super) fn work(&self) -> (u64, u64) {
        self.judge.work()
    }

    /// Judges both chains of a session: the server's and the client's.
    pub(super) fn outcomes(
        &mut self,
        session: &mut Session,
        server: &[Arc<Certificate>],
        client: &[Arc<Certificate>],
    ) -> (SeenChain, SeenChain) {
        let first = session.first;
        let Some(tls) = session.facts.tls.as_deref_mut() else {
            return (Seen::Absent, Seen::Absent);
        };
        let of_server = self.outcome(tls, server, Direction::ToClient, first);
        let of_client = self.outcome(tls, client, Direction::ToServer, first);
        // Its bytes have told what they can: a kept session needs only know that there was one.
        if let Some(staple) = tls.ocsp_staple.value_mut() {
            *staple = Arc::from([]);
        }
        (of_server, of_client)
    }

    fn outcome(
        &mut self,
        tls: &TlsFacts,
        certificates: &[Arc<Certificate>],
        role: Direction,
        first: Moment,
    ) -> SeenChain {
        let (chain, at) = match role {
            Direction::ToClient => (&tls.server_chain, tls.server_chain_at),
            Direction::ToServer => (&tls.client_chain, tls.client_chain_at),
        };
        let Some(ders) = chain.value().filter(|ders| !ders.is_empty()) else {
            return if chain.is_value() { Seen::Absent } else { no_chain(chain) };
        };
        let hello = tls.client_hello.value().filter(|_| role == Direction::ToClient);
        let name = hello.and_then(|hello| hello.sni.as_deref());
        let shown = Shown {
            chain: ders,
            certificates,
            role,
            names: name.as_slice(),
            staple: match role {
                Direction::ToClient => tls.ocsp_staple.map(|bytes| &**bytes),
                Direction::ToServer => Seen::NotReached,
            },
            staple_wanted: hello.is_some_and(|hello| hello.wants_staple),
        };
        let at = at.unwrap_or(first).time;
        let outcome = self.judge.judge(&shown, at);
        self.remember(&shown, &outcome, at);
        Seen::Value(outcome)
    }

    fn remember(&mut self, shown: &Shown<'_>, outcome: &ChainOutcome, at: Timestamp) {
        if let Some(number) = outcome.stale_crl {
            *self.stale.entry(number).or_default() += 1;
        }
        if self.judge.authorities().trust.is_empty() {
            return;
        }
        for (der, certificate) in shown.chain.iter().zip(shown.certificates).skip(1) {
            let Some(details) = &certificate.details else { continue };
            let room = self.above.len() < limits::SEEN_AUTHORITIES;
            if room && details.is_ca == Some(true) && !details.self_issued {
                let key = (details.subject.clone(), certificate.sha256);
                self.above.entry(key).or_insert_with(|| (der.clone(), Arc::clone(certificate)));
            }
        }
        let Some(leaf) = shown.certificates.first() else { return };
        if outcome.faults.contains(ChainFault::UnknownIssuer)
            && self.dangling.len() < limits::SEEN_AUTHORITIES
        {
            self.dangling.entry((shown.role, leaf.sha256)).or_insert_with(|| Dangling {
                chain: shown.chain.to_vec(),
                certificates: shown.certificates.to_vec(),
                at,
            });
        }
    }

    /// The same for a session that was noted before, while its client had not decided.
    pub(super) fn note_again(&mut self, before: &AuditedSession, now: &AuditedSession) {
        let decided = |audited: &AuditedSession| {
            let tls = audited.session.facts.tls.as_deref();
            tls.is_some_and(|tls| {
                went_on(tls) || refused_certificate(tls) || inferred::is_refused(tls)
            })
        };
        if !decided(before) {
            self.note(now);
        }
    }

    /// Takes in what the client of a session made of the server's certificate.
    pub(super) fn note(&mut self, audited: &AuditedSession) {
        let Some(tls) = &audited.session.facts.tls else { return };
        self.overflow += self.refused.note(&audited.session, tls);
        let (Some(outcome), Some(leaf)) =
            (audited.server_outcome.value(), audited.server_chain.first())
        else {
            return;
        };
        let faults = outcome.faults.common(ChainFaults::REFUSABLE);
        let accepted = went_on(tls) && !faults.is_empty();
        if !accepted && !refused_certificate(tls) {
            return;
        }
        let session = &audited.session;
        let key = RelianceKey {
            server: session.server,
            client: session.client.host(),
            leaf: leaf.sha256,
        };
        if self.reliances.len() >= limits::RELIANCES && !self.reliances.contains_key(&key) {
            self.overflow += 1;
            return;
        }
        let known = self.reliances.entry(key).or_insert_with(|| reliance(audited, leaf));
        known.first = known.first.min(session.first);
        known.last = known.last.max(session.last);
        if !accepted {
            known.refused += 1;
            known.refused_faults = known.refused_faults.union(faults);
            return;
        }
        known.accepted += 1;
        known.faults = known.faults.union(faults);
        let name = tls.client_hello.value().and_then(|hello| hello.sni.as_ref());
        if let Some(name) = name
            && let Err(slot) = known.requested_names.binary_search(name)
            && known.requested_names.len() < limits::REQUESTED_NAMES
        {
            known.requested_names.insert(slot, name.clone());
        }
        if known.samples.len() < limits::EVIDENCE {
            let at = tls.server_chain_at.unwrap_or(session.first);
            known.samples.push((at, session.client, session.server));
        }
    }

    /// Judges what only all sessions tell: judges the chains that lead nowhere with what other peers sent, corrects `places` by it, and gives
    /// what every client made of the certificates that should not have passed, in the order of their places.
    pub(super) fn finish(&self, places: &mut [CertificateAt]) -> Vec<RelianceFacts> {
        let completed = self.complete();
        for place in places.iter_mut().filter(|place| place.position == 0) {
            if let Some(outcome) = completed.get(&(place.role, place.certificate.sha256)) {
                correct(place, outcome);
            }
        }
        let one = |(key, facts): (&RelianceKey, &RelianceFacts)| (key.clone(), facts.clone());
        let mut all: Vec<_> = self.reliances.iter().map(one).collect();
        all.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for (key, reliance) in &mut all {
            if completed.contains_key(&(Direction::ToClient, key.leaf)) {
                reliance.faults.remove(ChainFault::UnknownIssuer);
                reliance.refused_faults.remove(ChainFault::UnknownIssuer);
            }
        }
        count_others(&mut all);
        self.refused.tell(places, &mut all);
        all.into_iter().map(|(_, reliance)| reliance).collect()
    }

    /// Revocation lists that were needed and out of date.
    pub(super) fn lost(&self) -> Vec<Incomplete> {
        let crls = &self.judge.authorities().crls;
        let said = |(number, sessions): (&usize, &u64)| {
            let ended = crls.next_update(*number).map(Timestamp::to_seconds_text);
            let ended = ended.unwrap_or_default();
            let list = crls.describe(*number);
            let sessions = match sessions {
                1 => "1 session".to_owned(),
                n => format!("{n} sessions"),
            };
            let message = format!(
                "the revocation list {list} ended {ended}: whether the certificates of {sessions} were revoked is not known"
            );
            Incomplete { code: "crl-expired", message }
        };
        self.stale.iter().map(said).collect()
    }

    /// Chains that lead to a trusted authority by certificates that other peers sent.
    fn complete(&self) -> BTreeMap<(Direction, Digest), ChainOutcome> {
        let judged = self.dangling.iter().filter_map(|(key, dangling)| {
            let elsewhere = self.upwards(dangling);
            if elsewhere.is_empty() {
                return None;
            }
            let shown = Shown {
                chain: &dangling.chain,
                certificates: &dangling.certificates,
                role: key.0,
                names: &[],
                staple: Seen::NotReached,
                staple_wanted: false,
            };
            let outcome = self.judge.judge_with(&shown, &elsewhere, dangling.at);
            let missing = outcome.faults.contains(ChainFault::MissingIntermediate);
            missing.then_some((*key, outcome))
        });
        judged.collect()
    }

    /// Certificates that other peers sent and that carry the names of the chain's issuers, and of theirs.
    fn upwards(&self, dangling: &Dangling) -> Vec<(Der, Arc<Certificate>)> {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        let mut found: BTreeMap<Digest, (Der, Arc<Certificate>)> = BTreeMap::new();
        let issuer = |one: &'_ Arc<Certificate>| Some(one.details.as_ref()?.issuer.clone());
        let mut names: Vec<String> = dangling.certificates.iter().filter_map(issuer).collect();
        let mut next = Vec::new();
        while !names.is_empty() && found.len() < limits::CHAIN_CERTIFICATES {
            for name in &names {
                let from = (name.clone(), Digest([0; 32]));
                let named =
                    self.above.range(from..).take_while(|((subject, _), _)| subject == name);
                for ((subject, digest), one) in named {
                    if found.len() < limits::CHAIN_CERTIFICATES && !found.contains_key(digest) {
                        wanted.insert(subject);
                        next.extend(issuer(&one.1));
                        found.insert(*digest, one.clone());
                    }
                }
            }
            names = std::mem::take(&mut next);
            names.retain(|name| !wanted.contains(name.as_str()));
        }
        found.into_values().collect()
    }
}

/// Whether the client went on after the server's certificate: the handshake completed and it sent application data.
fn went_on(tls: &TlsFacts) -> bool {
    tls.established == Seen::Value(true) && tls.application_data.to_server.is_some()
}

/// Whether the client said that it refuses the server's certificate (RFC 8446 section 6.2, RFC 5246 section 7.2.2).
fn refused_certificate(tls: &TlsFacts) -> bool {
    const CERTIFICATE_ALERTS: [u8; 7] = [42, 43, 44, 45, 46, 48, 113];
    let refuses = |alert: &crate::model::Alert| {
        alert.direction == Direction::ToServer && CERTIFICATE_ALERTS.contains(&alert.description)
    };
    tls.established != Seen::Value(true) && tls.alerts.iter().any(refuses)
}

fn reliance(audited: &AuditedSession, leaf: &Arc<Certificate>) -> RelianceFacts {
    let session = &audited.session;
    RelianceFacts {
        client: audited.client.clone(),
        server: audited.server.clone(),
        port: session.server.port,
        certificate: Arc::clone(leaf),
        faults: ChainFaults::default(),
        refused_faults: ChainFaults::default(),
        requested_names: Vec::new(),
        accepted: 0,
        refused: 0,
        others_accepted: 0,
        others_refused: 0,
        refused_inferred: 0,
        others_refused_inferred: 0,
        first: session.first,
        last: session.last,
        samples: Vec::new(),
    }
}

/// Counts, for each, the other clients that went on after the same leaf and those that refused it.
fn count_others(all: &mut [(RelianceKey, RelianceFacts)]) {
    let mut by_leaf: Map<Digest, BTreeMap<Endpoint, bool>> = Map::default();
    for (key, reliance) in all.iter() {
        let went_on = by_leaf.entry(key.leaf).or_default().entry(key.client).or_default();
        *went_on |= reliance.accepted > 0;
    }
    let totals: Map<Digest, (u64, u64)> = by_leaf
        .iter()
        .map(|(leaf, clients)| {
            let accepted = clients.values().filter(|went_on| **went_on).count() as u64;
            (*leaf, (accepted, clients.len() as u64 - accepted))
        })
        .collect();
    for (key, reliance) in all {
        let (accepted, refused) = totals.get(&key.leaf).copied().unwrap_or_default();
        let own =
            by_leaf.get(&key.leaf).and_then(|clients| clients.get(&key.client)) == Some(&true);
        reliance.others_accepted = accepted - u64::from(own);
        reliance.others_refused = refused - u64::from(!own);
    }
}

/// A chain that lead nowhere leads to an authority after all: what was sent lacks a part.
fn correct(place: &mut CertificateAt, completed: &ChainOutcome) {
    let Some(outcome) = place.outcome.value() else { return };
    let mut better = ChainOutcome::clone(outcome);
    for faults in [&mut better.faults, &mut place.faults] {
        if faults.contains(ChainFault::UnknownIssuer) {
            faults.remove(ChainFault::UnknownIssuer);
            faults.insert(ChainFault::MissingIntermediate);
            let more = completed.faults.common(BY_ISSUER);
            *faults = faults.union(more);
        }
    }
    better.trust = completed.trust.clone();
    better.path_length = completed.path_length;
    if better.revocation == Revocation::Unasked
        || matches!(better.revocation, Revocation::Unknown(_))
    {
        better.revocation = completed.revocation;
    }
    place.outcome = Seen::Value(Arc::new(better));
}

/// What only shows once the issuer is known.
const BY_ISSUER: ChainFaults = ChainFaults::of(&[
    ChainFault::Revoked,
    ChainFault::IssuerRevoked,
    ChainFault::IssuerNotAuthority,
    ChainFault::PathLength,
    ChainFault::NameConstraint,
]);

#[cfg(test)]
mod tests;
