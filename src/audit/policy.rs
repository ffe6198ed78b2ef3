//! What the edges of a run are, compared with what the policy says of them.
//!
//! Takes edges and the user's policy; gives one subject for each thing that the policy speaks of and each thing that was
//! seen against it. Judges nothing: the rules about policies do.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::{
    Aspect, EdgeFacts, EdgeUse, EndIdentity, EntryStanding, FindingBody, IdentityRank, Moment,
    Party, Place, PolicyFacts, PolicyStanding, Posture, Seen, Sighting, Timestamp, Used, Why,
    counted, is_internal, limits,
};
use crate::rule::{Demand, Found, Policy, PolicyEdge, Require, glob_matches, identity_fits};

/// Compares edges with a policy, by the names of their ends, and tells what became of its entries.
#[must_use]
pub(super) fn compare(policy: &Policy, edges: &[EdgeFacts]) -> (Vec<PolicyFacts>, PolicyStanding) {
    let mut named: BTreeMap<(&str, &str, u16), Named<'_>> = BTreeMap::new();
    for edge in edges {
        let key = (edge.client.service.as_str(), edge.server.service.as_str(), edge.port);
        named.entry(key).and_modify(|known| known.add(edge)).or_insert_with(|| Named::new(edge));
    }
    let mut standing = policy.standing();
    let mut all = Vec::new();
    for edge in named.values() {
        let found = edge.entry(policy);
        let facts = edge.compare(policy, found);
        match found.and_then(|found| standing.entries.get_mut(found.number)) {
            Some(entry) => note(entry, edge.sessions, &facts),
            None => standing.unexpected.push((edge.words(), edge.sessions)),
        }
        all.extend(facts);
    }
    (all, standing)
}

/// Adds to an entry what was seen of an edge that it speaks of.
fn note(entry: &mut EntryStanding, sessions: u64, facts: &[PolicyFacts]) {
    entry.edges += 1;
    entry.sessions = entry.sessions.saturating_add(sessions);
    for fact in facts {
        match &fact.violation {
            Seen::Value(what) => {
                entry.violations += 1;
                if entry.against.len() < limits::POLICY_AGAINST {
                    entry.against.push(against(fact, what));
                }
            }
            Seen::Hidden(_) => entry.undecided += 1,
            _ => {}
        }
    }
}

fn against(fact: &PolicyFacts, what: &str) -> String {
    let times = match fact.sessions {
        1 => "1 session".to_owned(),
        count => format!("{count} sessions"),
    };
    match fact.aspect {
        Aspect::Edge => format!("{what} is forbidden ({times})"),
        aspect => {
            let ends = format!("{} -> {}:{}", fact.client.service, fact.server.service, fact.port);
            format!("{ends}: {} is {what} ({times})", aspect.name())
        }
    }
}

/// Points a finding about an edge at the entry that speaks of it: who declares the edge can act on it.
pub(super) fn declare(policy: &Policy, finding: &mut FindingBody) {
    if finding.declared != finding.mapped {
        return;
    }
    if let (Some(client), Some(server), Some(port)) =
        (&finding.client, &finding.server, finding.server_port)
        && let Some(found) = policy.find(&client.service, &server.service, port)
    {
        finding.declared = Some(Box::new(found.edge.place.clone()));
    }
}

/// All edges with the same names and port.
struct Named<'e> {
    client: &'e Party,
    server: &'e Party,
    port: u16,
    sessions: u64,
    first: Moment,
    last: Moment,
    used: EdgeUse,
    /// Sessions by the hour they began in, and posture.
    hours: Vec<(Timestamp, Posture, u64)>,
    egress: bool,
}

impl<'e> Named<'e> {
    fn new(edge: &'e EdgeFacts) -> Self {
        Self {
            client: &edge.client,
            server: &edge.server,
            port: edge.port,
            sessions: edge.postures.total(),
            first: edge.first,
            last: edge.last,
            used: EdgeUse::clone(&edge.used),
            hours: hours(edge).collect(),
            egress: is_egress(edge),
        }
    }

    fn add(&mut self, edge: &'e EdgeFacts) {
        self.sessions += edge.postures.total();
        self.first = self.first.min(edge.first);
        self.last = self.last.max(edge.last);
        self.used.merge(&edge.used);
        self.hours.extend(hours(edge));
        self.egress |= is_egress(edge);
    }

    /// The entry that speaks of it.
    fn entry<'p>(&self, policy: &'p Policy) -> Option<Found<'p>> {
        let found = policy.find(&self.client.service, &self.server.service, self.port);
        // Whoever may call anything was not thereby allowed out.
        found.filter(|found| !(self.egress && found.any_server && !found.edge.terms.deny))
    }

    fn compare(&self, policy: &Policy, found: Option<Found<'_>>) -> Vec<PolicyFacts> {
        let Some(Found { edge, .. }) = found else {
            return vec![self.unexpected(policy)];
        };
        if edge.terms.deny {
            let facts = self.facts(policy, Aspect::Edge, edge.place.clone());
            let samples = self.samples();
            return vec![PolicyFacts { denied: true, samples, violation: self.spelt(), ..facts }];
        }
        let mut all = self.postures(policy, edge);
        all.extend(self.versions(policy, edge));
        all.extend(self.callers(policy, edge));
        all.extend(self.servers(policy, edge));
        all.extend(self.methods(policy, edge));
        all
    }

    fn unexpected(&self, policy: &Policy) -> PolicyFacts {
        let facts = self.facts(policy, Aspect::Edge, policy.unknown_place.clone());
        let samples = self.samples();
        PolicyFacts { known: false, samples, violation: self.spelt(), ..facts }
    }

    fn spelt(&self) -> Seen<String> {
        Seen::Value(self.words())
    }

    fn words(&self) -> String {
        format!("{} -> {}:{}", self.client.service, self.server.service, self.port)
    }

    fn samples(&self) -> Vec<Sighting> {
        self.used.postures.iter().map(|used| used.first).collect()
    }

    /// What is the same for everything about this edge.
    fn facts(&self, policy: &Policy, aspect: Aspect, place: Place) -> PolicyFacts {
        let (caller, told_by) = self.caller();
        PolicyFacts {
            client: self.client.clone(),
            server: self.server.clone(),
            port: self.port,
            aspect,
            known: true,
            denied: false,
            egress: self.egress,
            unknown_edges: policy.unknown_edges,
            expected: Vec::new(),
            violation: Seen::Absent,
            served: None,
            caller,
            told_by,
            expired: None,
            sessions: self.sessions,
            first: self.first,
            last: self.last,
            place,
            samples: Vec::new(),
        }
    }

    /// The caller by the best name that there is.
    fn caller(&self) -> (String, IdentityRank) {
        let callers = counted(&self.used.callers).map(|used| &used.what.identity);
        let told = callers.filter(|identity| **identity != EndIdentity::Nobody);
        let best = told.min_by_key(|identity| (Reverse(identity.rank()), identity.names()));
        let name = best.and_then(|best| Some((best.names().into_iter().next()?, best.rank())));
        name.unwrap_or_else(|| self.unproven())
    }

    fn postures(&self, policy: &Policy, edge: &PolicyEdge) -> Vec<PolicyFacts> {
        let mut aspect = self.aspect(policy, Aspect::Posture, &edge.require_place, edge);
        aspect.facts.expected = vec![edge.terms.demand.require.name().to_owned()];
        let mut undecided = 0_u64;
        for used in &self.used.postures {
            let demand = edge.demand_at(used.last.0.time, policy.defaults);
            match meets(used.what, demand.require) {
                Some(true) => {}
                Some(false) => {
                    aspect.against(used, used.what.name(), demand, edge);
                    aspect.count(|end| self.since(used.what, end));
                }
                None => undecided = undecided.saturating_add(used.sessions),
            }
        }
        let failed = if edge.terms.demand.require == Require::Any { 0 } else { self.used.failed };
        aspect.settle(undecided.saturating_sub(failed))
    }

    /// How many sessions of a posture began after a weaker permission had ended.
    fn since(&self, posture: Posture, end: Timestamp) -> u64 {
        let after = self.hours.iter().filter(|hour| hour.1 == posture && hour.0 >= end);
        after.map(|hour| hour.2).sum::<u64>().max(1)
    }

    fn versions(&self, policy: &Policy, edge: &PolicyEdge) -> Vec<PolicyFacts> {
        let mut aspect = self.aspect(policy, Aspect::Version, &edge.tls_min_place, edge);
        let least = crate::inspect::tls::version_name(edge.terms.demand.tls_min);
        aspect.facts.expected = vec![format!("{least} or later")];
        for used in counted(&self.used.particulars.versions) {
            let demand = edge.demand_at(used.last.0.time, policy.defaults);
            if comparable(used.what.number) < demand.tls_min {
                let name = crate::inspect::tls::version_name(used.what.number);
                aspect.against(used, &name, demand, edge);
            }
        }
        aspect.settle(self.used.unseen.versions)
    }

    fn callers(&self, policy: &Policy, edge: &PolicyEdge) -> Vec<PolicyFacts> {
        let allowed = &edge.terms.clients;
        if allowed.is_empty() {
            return Vec::new();
        }
        let mut aspect = self.aspect(policy, Aspect::Caller, &edge.clients_place, edge);
        aspect.facts.expected.clone_from(allowed);
        // Without a certificate a caller can only be one that is allowed by its token. That it should have had a
        // certificate is said of the posture.
        let by_token = allowed.iter().any(|pattern| pattern.starts_with("sub:"));
        for used in counted(&self.used.callers) {
            let identity = &used.what.identity;
            let certified = matches!(identity, EndIdentity::Certificate(_));
            if fits(allowed, identity) || !(certified || by_token) {
                continue;
            }
            let (name, told_by) = match identity.names().into_iter().next() {
                Some(name) => (name, identity.rank()),
                None => self.unproven(),
            };
            aspect.against(used, &name, edge.terms.demand, edge);
            aspect.name_caller(&name, told_by);
        }
        let tokens = if by_token { self.used.unseen.tokens } else { 0 };
        aspect.settle(self.used.unseen.callers.saturating_add(tokens))
    }

    /// Who a caller is that proved nothing: by its address where somebody named that, else by what it says.
    fn unproven(&self) -> (String, IdentityRank) {
        match self.used.claims.first() {
            Some(claim) if self.client.how == Party::UNMAPPED => {
                (claim.clone(), IdentityRank::Header)
            }
            _ => (self.client.service.to_string(), IdentityRank::Address),
        }
    }

    fn servers(&self, policy: &Policy, edge: &PolicyEdge) -> Vec<PolicyFacts> {
        let allowed = &edge.terms.servers;
        if allowed.is_empty() {
            return Vec::new();
        }
        let mut aspect = self.aspect(policy, Aspect::Server, &edge.servers_place, edge);
        aspect.facts.expected.clone_from(allowed);
        let servers = counted(&self.used.servers);
        for used in servers.filter(|used| !fits(allowed, &used.what.identity)) {
            let name = used.what.identity.names().into_iter().next().unwrap_or_default();
            aspect.against(used, &name, edge.terms.demand, edge);
        }
        aspect.settle(self.used.unseen.servers)
    }

    fn methods(&self, policy: &Policy, edge: &PolicyEdge) -> Vec<PolicyFacts> {
        let allowed = &edge.terms.methods;
        if allowed.is_empty() {
            return Vec::new();
        }
        let mut aspect = self.aspect(policy, Aspect::Method, &edge.methods_place, edge);
        aspect.facts.expected.clone_from(allowed);
        for used in counted(&self.used.methods) {
            if allowed.iter().any(|pattern| glob_matches(pattern, &used.what.name)) {
                continue;
            }
            aspect.against(used, &used.what.name, edge.terms.demand, edge);
            let answers = (used.what.succeeded, used.what.failed);
            aspect.answered(match answers {
                (0, 0) => None,
                (succeeded, _) => Some(succeeded > 0),
            });
        }
        aspect.settle(self.used.unseen.methods)
    }

    fn aspect(
        &self,
        policy: &Policy,
        aspect: Aspect,
        place: &Option<Place>,
        edge: &PolicyEdge,
    ) -> Compared {
        let place = place.as_ref().unwrap_or(&edge.place).clone();
        Compared { facts: self.facts(policy, aspect, place), against: Vec::new() }
    }
}

/// One aspect of an edge under comparison.
struct Compared {
    facts: PolicyFacts,
    against: Vec<PolicyFacts>,
}

impl Compared {
    /// Takes note of something that is not allowed.
    fn against<T>(&mut self, used: &Used<T>, what: &str, demand: Demand, edge: &PolicyEdge) {
        let mut samples = vec![used.first];
        if used.last != used.first {
            samples.push(used.last);
        }
        let expired = (demand != edge.terms.demand).then_some(edge.terms.until).flatten();
        // What was allowed once proves nothing.
        let still = |sample: &Sighting| expired.is_none_or(|end: Timestamp| sample.0.time >= end);
        samples.retain(still);
        let mut facts = PolicyFacts {
            violation: Seen::Value(what.to_owned()),
            sessions: used.sessions,
            first: samples.first().map_or(used.first.0, |sample| sample.0),
            last: used.last.0,
            expired,
            samples,
            ..self.facts.clone()
        };
        match (expired, facts.aspect) {
            (Some(_), Aspect::Posture) => {
                facts.expected = vec![demand.require.name().to_owned()];
            }
            (Some(_), Aspect::Version) => {
                let least = crate::inspect::tls::version_name(demand.tls_min);
                facts.expected = vec![format!("{least} or later")];
            }
            _ => {}
        }
        self.against.push(facts);
    }

    /// Counts those sessions only that came after a weaker permission had ended.
    fn count(&mut self, since: impl FnOnce(Timestamp) -> u64) {
        if let Some(last) = self.against.last_mut()
            && let Some(end) = last.expired
        {
            last.sessions = since(end);
        }
    }

    fn name_caller(&mut self, name: &str, told_by: IdentityRank) {
        if let Some(last) = self.against.last_mut() {
            name.clone_into(&mut last.caller);
            last.told_by = told_by;
        }
    }

    fn answered(&mut self, served: Option<bool>) {
        if let Some(last) = self.against.last_mut() {
            last.served = served;
        }
    }

    /// What was seen against the policy; and that not all could be seen, when not all could.
    fn settle(mut self, unseen: u64) -> Vec<PolicyFacts> {
        if unseen > 0 {
            let hidden = Seen::Hidden(Why::Encrypted);
            self.against.push(PolicyFacts { violation: hidden, sessions: unseen, ..self.facts });
        }
        self.against
    }
}

/// Whether a posture is what is required; nothing when it could be either.
fn meets(posture: Posture, require: Require) -> Option<bool> {
    match (require, posture) {
        (Require::Any, _)
        | (Require::Tls, Posture::Tls | Posture::TlsOpaque | Posture::Mtls)
        | (Require::Mtls, Posture::Mtls) => Some(true),
        (Require::Tls | Require::Mtls, Posture::Plaintext) | (Require::Mtls, Posture::Tls) => {
            Some(false)
        }
        (Require::Mtls, Posture::TlsOpaque) | (_, Posture::Unknown) => None,
    }
}

/// A version as a number that grows with it: drafts of TLS 1.3 count as TLS 1.3.
fn comparable(version: u16) -> u16 {
    if crate::inspect::tls::is_tls13(version) { 0x0304 } else { version }
}

fn fits(patterns: &[String], identity: &EndIdentity) -> bool {
    let names = identity.names();
    patterns.iter().any(|pattern| names.iter().any(|name| identity_fits(pattern, name)))
}

fn hours(edge: &EdgeFacts) -> impl Iterator<Item = (Timestamp, Posture, u64)> {
    edge.hours.iter().map(|(hour, posture, sessions, _)| (*hour, *posture, *sessions))
}

fn is_egress(edge: &EdgeFacts) -> bool {
    is_internal(edge.client.addr) && !is_internal(edge.server.addr)
}

#[cfg(test)]
mod tests;
