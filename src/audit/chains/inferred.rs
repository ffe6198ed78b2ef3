//! Refusals that TLS 1.3 hides: who gave up over which certificate, as far as the shape of the records tells.
//!
//! The certificate is hidden in such a session, and so is the alert. Where the endpoint showed exactly one leaf in other
//! sessions of the run, that one is taken for what was refused. All of it is inference, and kept apart from what was read.

use std::collections::{BTreeMap, BTreeSet};

use super::{Map, RelianceKey};
use crate::model::{
    CertificateAt, ClientStep, Confidence, Digest, Direction, Endpoint, RelianceFacts, Session,
    TlsFacts, limits,
};

/// Refusals by who refused, and whom.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// By server and client: sessions in which the client refused the server.
    servers: Map<(Endpoint, Endpoint), u64>,
    /// By client and server: sessions in which the server refused the client's certificate.
    clients: Map<(Endpoint, Endpoint), u64>,
}

impl Refused {
    /// Takes in what was inferred of a session. Says how many refusals had no room.
    pub(super) fn note(&mut self, session: &Session, tls: &TlsFacts) -> u64 {
        let Some(inferred) = tls.inferred.filter(|_| is_refused(tls)) else { return 0 };
        let (server, client) = (session.server, session.client.host());
        let (counts, key) = match inferred.client {
            ClientStep::Refused => (&mut self.servers, (server, client)),
            _ => (&mut self.clients, (client, server)),
        };
        if counts.len() < limits::RELIANCES || counts.contains_key(&key) {
            let count = counts.entry(key).or_default();
            *count = count.saturating_add(1);
            return 0;
        }
        1
    }

    /// Tells the places of leaves how often they were refused, and the reliances who else refused the same leaf.
    pub(super) fn tell(
        &self,
        places: &mut [CertificateAt],
        reliances: &mut [(RelianceKey, RelianceFacts)],
    ) {
        let (of_servers, of_clients) =
            (only_leaves(places, Direction::ToClient), only_leaves(places, Direction::ToServer));
        let mut refusers: BTreeMap<Digest, BTreeMap<Endpoint, u64>> = BTreeMap::new();
        for (counts, leaves) in [(&self.servers, &of_servers), (&self.clients, &of_clients)] {
            let mut sorted: Vec<_> = counts.iter().collect();
            sorted.sort_unstable();
            for ((holder, other), count) in sorted {
                let Some(Some(place)) = leaves.get(holder) else { continue };
                let Some(place) = places.get_mut(*place) else { continue };
                place.refused.inferred = place.refused.inferred.saturating_add(*count);
                if place.refused.by_inference.len() < limits::REFUSERS {
                    place.refused.by_inference.insert(other.addr);
                }
                if place.role == Direction::ToClient {
                    let of_leaf = refusers.entry(place.certificate.sha256).or_default();
                    let known = of_leaf.entry(*other).or_default();
                    *known = known.saturating_add(*count);
                }
            }
        }
        let read: BTreeSet<(Digest, Endpoint)> =
            reliances.iter().map(|(key, _)| (key.leaf, key.client)).collect();
        for (key, reliance) in reliances {
            let Some(all) = refusers.get(&key.leaf) else { continue };
            reliance.refused_inferred = all.get(&key.client).copied().unwrap_or(0);
            let others = all.keys().filter(|client| !read.contains(&(key.leaf, **client)));
            reliance.others_refused_inferred = others.count() as u64;
        }
    }
}

/// Whether one end refused the other's certificate, at medium confidence or more.
pub(super) fn is_refused(tls: &TlsFacts) -> bool {
    tls.inferred.is_some_and(|inferred| {
        let refused = match inferred.client {
            ClientStep::Refused => true,
            ClientStep::Presented => inferred.server_refused(),
            _ => false,
        };
        refused && inferred.verdict_confidence() >= Confidence::Medium
    })
}

/// The place of the leaf of each holder; nothing for one with several.
fn only_leaves(places: &[CertificateAt], role: Direction) -> BTreeMap<Endpoint, Option<usize>> {
    let mut leaves = BTreeMap::new();
    for (number, place) in places.iter().enumerate() {
        if place.position == 0 && place.role == role {
            let holder = match role {
                Direction::ToClient => place.party.at(place.port),
                Direction::ToServer => place.party.at(0),
            };
            let several = leaves.contains_key(&holder);
            leaves.insert(holder, (!several).then_some(number));
        }
    }
    leaves
}
