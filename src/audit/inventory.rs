//! What sessions add up to: edges, endpoints, and certificates where they were shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use super::edge_use::{note_particulars, note_use};
use super::history::{Weaker, amend_descent, note_descent, note_reception};
use crate::model::{
    AcrossRun, AuditedSession, CertificateAt, ChainFaults, Descent, Digest, Direction, EdgeAccess,
    EdgeFacts, Endpoint, EndpointAccess, EndpointFacts, Moment, Particulars, Posture, Postures,
    Refusals, Seen, Timestamp, limits, room_for_one,
};

pub(super) type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// Everything that was seen, by where.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// By the client's host and the server.
    edges: Map<(Endpoint, Endpoint), Box<Edge>>,
    endpoints: Map<Endpoint, Box<EndpointFacts>>,
    certificates: Map<CertificateKey, Box<CertificateAt>>,
    samples: usize,
    kept: Map<Endpoint, Postures>,
    /// Things that were not followed because there were too many.
    pub(super) overflow: u64,
}

/// An edge by the order in which edges came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct EdgeNumber(pub(super) usize);

#[derive(Debug)]
struct Edge {
    number: EdgeNumber,
    facts: EdgeFacts,
    kept: Postures,
    protocol: Option<&'static str>, // of the last session
    weaker: Weaker,
}

impl Edge {
    /// The edge of this session, which is not counted yet.
    fn new(number: EdgeNumber, audited: &AuditedSession) -> Self {
        let session = &audited.session;
        let facts = EdgeFacts {
            client: audited.client.clone(),
            server: audited.server.clone(),
            port: session.server.port,
            postures: Postures::default(),
            protocols: Vec::new(),
            first: session.first,
            last: session.last,
            bytes: 0,
            descent: Descent::default(),
            hours: Vec::new(),
            access: EdgeAccess::default(),
            used: Arc::default(),
        };
        let (kept, weaker) = (Postures::default(), Weaker::default());
        Self { number, facts, kept, protocol: None, weaker }
    }
}

/// A certificate in one place: its digest, who showed it in which role, and its position in the chain. Clients have
/// many ports.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct CertificateKey {
    digest: Digest,
    role: Direction,
    position: usize,
    /// A server's endpoint, a client's host.
    holder: Endpoint,
}

const HOUR: i64 = 3_600_000_000;

impl Inventory {
    /// Takes in a session, and says which edge it is of, if that is followed, and whether it is to be kept as a sample of
    /// its edge and posture.
    pub(super) fn add(&mut self, audited: &AuditedSession) -> (Option<EdgeNumber>, bool) {
        self.add_endpoint(audited);
        self.add_certificates(audited, Direction::ToClient);
        self.add_certificates(audited, Direction::ToServer);
        self.add_edge(audited)
    }

    /// Takes in what a session that was counted `before` is known to be now.
    pub(super) fn amend(&mut self, before: &AuditedSession, now: &AuditedSession) {
        for (role, chain) in [
            (Direction::ToClient, &before.server_chain),
            (Direction::ToServer, &before.client_chain),
        ] {
            if chain.is_empty() {
                self.add_certificates(now, role);
            }
        }
        let session = &now.session;
        let bytes = |of: &AuditedSession| {
            of.session.traffic.to_server.bytes + of.session.traffic.to_client.bytes
        };
        let more = bytes(now).saturating_sub(bytes(before));
        if let Some(edge) = self.edges.get_mut(&(session.client.host(), session.server)) {
            let facts = &mut edge.facts;
            facts.last = facts.last.max(session.last);
            facts.bytes += more;
            note_protocol(&mut facts.protocols, session.protocol);
            let hour = hour_of(session.first.time);
            let moved = before.posture != now.posture;
            if moved {
                facts.postures.remove(before.posture);
                facts.postures.add(now.posture);
                amend_descent(&mut facts.descent, &mut edge.weaker, [before, now]);
                take_hour(&mut facts.hours, hour, before.posture, bytes(before));
            }
            let (sessions, bytes) = if moved { (1, bytes(now)) } else { (0, more) };
            note_hour(&mut facts.hours, (hour, now.posture), sessions, bytes);
        }
        if let Some(endpoint) = self.endpoints.get_mut(&session.server) {
            endpoint.last = endpoint.last.max(session.last);
            note_protocol(&mut endpoint.protocols, session.protocol);
            endpoint.incomplete |=
                session.stream.gap_bytes.to_server + session.stream.gap_bytes.to_client > 0;
            if before.posture != now.posture {
                endpoint.postures.remove(before.posture);
                endpoint.postures.add(now.posture);
            }
        }
    }

    fn add_edge(&mut self, audited: &AuditedSession) -> (Option<EdgeNumber>, bool) {
        let session = &audited.session;
        let key = (session.client.host(), session.server);
        if self.edges.len() >= limits::EDGES && !self.edges.contains_key(&key) {
            self.overflow += 1;
            return (None, false);
        }
        let number = EdgeNumber(self.edges.len());
        let edge = self.edges.entry(key).or_insert_with(|| Box::new(Edge::new(number, audited)));
        let facts = &mut edge.facts;
        let bytes = session.traffic.to_server.bytes + session.traffic.to_client.bytes;
        facts.postures.add(audited.posture);
        facts.first = facts.first.min(session.first);
        facts.last = facts.last.max(session.last);
        facts.bytes += bytes;
        note_descent(&mut facts.descent, &mut edge.weaker, audited);
        note_use(Arc::make_mut(&mut facts.used), audited);
        if std::mem::replace(&mut edge.protocol, session.protocol) != session.protocol {
            note_protocol(&mut facts.protocols, session.protocol);
        }
        let hour = hour_of(session.first.time);
        note_hour(&mut facts.hours, (hour, audited.posture), 1, bytes);
        let endpoint = self.kept.entry(session.server).or_default();
        let wanted = edge.kept.of(audited.posture) < limits::SESSIONS_PER_EDGE
            && endpoint.of(audited.posture) < limits::SESSIONS_PER_ENDPOINT
            && self.samples < limits::SESSION_SAMPLES;
        if wanted {
            edge.kept.add(audited.posture);
            endpoint.add(audited.posture);
            self.samples += 1;
        }
        (Some(edge.number), wanted)
    }

    fn add_endpoint(&mut self, audited: &AuditedSession) {
        let session = &audited.session;
        let key = session.server;
        if self.endpoints.len() >= limits::ENDPOINTS && !self.endpoints.contains_key(&key) {
            self.overflow += 1;
            return;
        }
        let endpoint = self.endpoints.entry(key).or_insert_with(|| {
            Box::new(EndpointFacts {
                server: audited.server.clone(),
                port: key.port,
                postures: Postures::default(),
                protocols: Vec::new(),
                clients: 0,
                samples: Vec::new(),
                first: session.first,
                last: session.last,
                incomplete: false,
                access: EndpointAccess::default(),
                particulars: Particulars::default(),
            })
        });
        let new = endpoint.postures.of(audited.posture) == 0;
        endpoint.postures.add(audited.posture);
        endpoint.first = endpoint.first.min(session.first);
        endpoint.last = endpoint.last.max(session.last);
        endpoint.incomplete |= session.one_sided()
            || session.stream.gap_bytes.to_server + session.stream.gap_bytes.to_client > 0;
        note_protocol(&mut endpoint.protocols, session.protocol);
        note_particulars(&mut endpoint.particulars, audited);
        if new && endpoint.samples.len() < limits::EVIDENCE {
            let at = session.facts.plaintext.unwrap_or(session.first);
            endpoint.samples.push((at, session.client, session.server));
        }
    }

    fn add_certificates(&mut self, audited: &AuditedSession, role: Direction) {
        let session = &audited.session;
        let Some(tls) = &session.facts.tls else { return };
        let (chain, party, holder, at) = match role {
            Direction::ToClient => {
                (&audited.server_chain, &audited.server, session.server, tls.server_chain_at)
            }
            Direction::ToServer => {
                (&audited.client_chain, &audited.client, session.client.host(), tls.client_chain_at)
            }
        };
        let at = at.unwrap_or(session.first);
        for (position, certificate) in chain.iter().enumerate() {
            let digest = certificate.sha256;
            let key = CertificateKey { digest, role, position, holder };
            if self.certificates.len() >= limits::CERTIFICATE_USES
                && !self.certificates.contains_key(&key)
            {
                self.overflow += 1;
                continue;
            }
            let place = self.certificates.entry(key).or_insert_with(|| {
                Box::new(CertificateAt {
                    certificate: Arc::clone(certificate),
                    role,
                    position,
                    chain_length: chain.len(),
                    party: party.clone(),
                    port: session.server.port,
                    requested_names: Vec::new(),
                    asked_without_name: false,
                    called: Vec::new(),
                    holders: 0,
                    holder_names: 0,
                    both_roles: false,
                    across: AcrossRun::default(),
                    refused: Refusals::default(),
                    same_as_server: 0,
                    first: at,
                    last: at,
                    sessions: 0,
                    established: 0,
                    outcome: Seen::Absent,
                    faults: ChainFaults::default(),
                    samples: Vec::new(),
                })
            });
            note_showing(place, audited, at);
        }
    }

    /// Certificates in the order of their digests and places, with what is known across places.
    pub(super) fn certificates(&self) -> Vec<CertificateAt> {
        let mut holders: Map<Digest, Holders> = Map::default();
        for (key, place) in self.certificates.iter().filter(|(key, _)| key.position == 0) {
            let known = holders.entry(key.digest).or_default();
            known.places.insert((key.role, key.holder));
            known.names.extend(place.requested_names.iter().cloned());
        }
        let holders: Map<Digest, Spread> =
            holders.into_iter().map(|(digest, known)| (digest, known.spread())).collect();
        let mut all: Vec<_> = self.certificates.iter().collect();
        all.sort_by_key(|(key, _)| (key.digest, key.role, key.position, key.holder));
        let told = all.into_iter().map(|(key, place)| {
            let mut place = CertificateAt::clone(place);
            if let Some(known) = holders.get(&key.digest) {
                place.holders = match key.role {
                    Direction::ToServer => known.clients,
                    Direction::ToClient => known.servers,
                };
                place.holder_names = known.names;
                place.both_roles = known.both_roles;
            }
            place
        });
        told.collect()
    }

    /// Endpoints in the order of their addresses, with their numbers of clients.
    pub(super) fn endpoints(&self) -> Vec<EndpointFacts> {
        let mut clients: Map<Endpoint, u64> = Map::default();
        for (_, server) in self.edges.keys() {
            *clients.entry(*server).or_default() += 1;
        }
        let mut all: Vec<_> = self.endpoints.iter().collect();
        all.sort_by_key(|(key, _)| **key);
        let counted = all.into_iter().map(|(key, endpoint)| {
            let clients = clients.get(key).copied().unwrap_or(0);
            EndpointFacts { clients, ..EndpointFacts::clone(endpoint) }
        });
        counted.collect()
    }

    /// Edges in the order of their addresses.
    pub(super) fn edges(&self) -> Vec<EdgeFacts> {
        let mut all: Vec<_> = self.edges.iter().collect();
        all.sort_by_key(|(key, _)| (key.1, key.0));
        all.into_iter().map(|(_, edge)| edge.facts.clone()).collect()
    }

    /// The same, when the run is over and nothing is to be kept.
    pub(super) fn take_edges(&mut self) -> Vec<EdgeFacts> {
        let mut all: Vec<_> = std::mem::take(&mut self.edges).into_iter().collect();
        all.sort_unstable_by_key(|(key, _)| (key.1, key.0));
        all.into_iter().map(|(_, edge)| edge.facts).collect()
    }
}

#[derive(Default)]
struct Holders {
    places: BTreeSet<(Direction, Endpoint)>,
    names: BTreeSet<String>,
}

/// How far one leaf is spread over the run.
#[derive(Clone, Copy)]
struct Spread {
    clients: u64,
    servers: u64,
    names: u64,
    /// Shown by a server and by a client that are not the same address.
    both_roles: bool,
}

impl Holders {
    fn spread(&self) -> Spread {
        let of = |role| self.places.iter().filter(move |at| at.0 == role);
        let servers: BTreeSet<_> = of(Direction::ToClient).map(|at| at.1.host()).collect();
        let elsewhere = |client: Endpoint| {
            servers.first().is_some_and(|one| *one != client)
                || servers.last().is_some_and(|one| *one != client)
        };
        Spread {
            clients: of(Direction::ToServer).count() as u64,
            servers: of(Direction::ToClient).count() as u64,
            names: self.names.len() as u64,
            both_roles: of(Direction::ToServer).any(|at| elsewhere(at.1)),
        }
    }
}

fn note_showing(place: &mut CertificateAt, audited: &AuditedSession, at: Moment) {
    let session = &audited.session;
    place.sessions += 1;
    place.first = place.first.min(at);
    place.last = place.last.max(at);
    if place.samples.len() < limits::EVIDENCE {
        room_for_one(&mut place.samples);
        place.samples.push((at, session.client, session.server));
    }
    if place.position == 0 {
        let outcome = match place.role {
            Direction::ToClient => &audited.server_outcome,
            Direction::ToServer => &audited.client_outcome,
        };
        place.outcome.clone_from(outcome);
        place.faults = outcome.value().map_or(place.faults, |o| place.faults.union(o.faults));
    }
    let Some(tls) = &session.facts.tls else { return };
    place.established += u64::from(tls.established == Seen::Value(true));
    if place.position == 0 {
        note_reception(place, audited, tls);
    }
    if let (Direction::ToClient, Seen::Value(hello)) = (place.role, &tls.client_hello) {
        match &hello.sni {
            Some(name) => {
                if let Err(slot) = place.requested_names.binary_search(name)
                    && place.requested_names.len() < limits::REQUESTED_NAMES
                {
                    place.requested_names.insert(slot, name.clone());
                }
            }
            None => place.asked_without_name = true,
        }
    }
}

fn note_protocol(protocols: &mut Vec<String>, protocol: Option<&'static str>) {
    if let Some(name) = protocol
        && let Err(slot) = protocols.binary_search_by(|known| known.as_str().cmp(name))
    {
        protocols.insert(slot, name.to_owned());
    }
}

fn note_hour(
    hours: &mut Vec<(Timestamp, Posture, u64, u64)>,
    (at, posture): (Timestamp, Posture),
    sessions: u64,
    bytes: u64,
) {
    let place = hours.binary_search_by_key(&(at, posture), |hour| (hour.0, hour.1));
    match place {
        Ok(slot) => {
            if let Some(hour) = hours.get_mut(slot) {
                hour.2 += sessions;
                hour.3 += bytes;
            }
        }
        Err(slot) => {
            room_for_one(hours);
            hours.insert(slot, (at, posture, sessions, bytes));
        }
    }
}

/// Takes back one session of an hour.
fn take_hour(
    hours: &mut Vec<(Timestamp, Posture, u64, u64)>,
    at: Timestamp,
    posture: Posture,
    bytes: u64,
) {
    if let Some(hour) = hours.iter_mut().find(|hour| (hour.0, hour.1) == (at, posture)) {
        hour.2 = hour.2.saturating_sub(1);
        hour.3 = hour.3.saturating_sub(bytes);
    }
    hours.retain(|hour| hour.2 > 0);
}

/// The first moment of the hour.
fn hour_of(at: Timestamp) -> Timestamp {
    let micros = at.micros();
    Timestamp::from_micros(micros - micros.rem_euclid(HOUR))
}
