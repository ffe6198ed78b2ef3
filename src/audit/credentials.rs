//! What sessions add up to for credentials: where each secret was shown, by whom, and whether it was let in.
//!
//! Takes sessions in order; gives one row per credential and server at the end. Knows secrets by their digest only, and
//! numbers them in the order of first sight, so that people can tell two apart without a fingerprint.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::ongoing::is_same;
use crate::model::{
    AuditedSession, Credential, CredentialAt, CredentialKind, CredentialRow, Direction, Endpoint,
    Exposure, Moment, Secret, Seen, Why, limits,
};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// All credentials of a run.
#[derive(Default)]
pub(super) struct Credentials {
    places: Map<Key, usize>,
    rows: Vec<Entry>,
    secrets: Map<Secret, Spread>,
    /// Credentials that were not followed because there were too many.
    overflow: u64,
}

/// What [`Credentials`] comes to.
pub(super) struct Told {
    pub(super) rows: Vec<CredentialRow>,
    pub(super) overflow: u64,
}

/// A credential at a server. One that is made anew for each request is the same whatever it says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    server: Endpoint,
    kind: CredentialKind,
    mechanism: &'static str,
    place: String,
    principal: Option<String>,
    secret: Option<Secret>,
}

struct Entry {
    key: Key,
    at: CredentialAt,
    sources: BTreeSet<IpAddr>,
    /// In the session at hand only one direction was captured.
    one_sided: bool,
}

/// Where one secret was shown.
struct Spread {
    ordinal: u64,
    sources: BTreeSet<IpAddr>,
    servers: BTreeSet<Endpoint>,
}

impl Credentials {
    /// Takes in a session.
    pub(super) fn add(&mut self, audited: &AuditedSession) {
        let Some(readable) = audited.session.facts.readable.as_deref() else { return };
        for credential in &readable.credentials {
            if credential.direction == Direction::ToServer {
                self.add_one(audited, credential);
            }
        }
        if let Some(at) = readable.unauthenticated {
            self.add_one(audited, &nothing(at));
        }
    }

    /// Takes in what a session that was counted before used again.
    pub(super) fn go_on(&mut self, before: &AuditedSession, now: &AuditedSession) {
        let (Some(old), Some(new)) =
            (before.session.facts.readable.as_deref(), now.session.facts.readable.as_deref())
        else {
            return;
        };
        for known in old.credentials.iter().filter(|one| one.direction == Direction::ToServer) {
            let again = new.credentials.iter().find(|one| is_same(known, one));
            let (Some(again), key) = (again, Key::of(known, now.session.server)) else { continue };
            let place = self.places.get(&key).copied();
            let Some(entry) = place.and_then(|place| self.rows.get_mut(place)) else { continue };
            entry.at.accepted = entry.accepted(again);
            let more = again.count.saturating_sub(known.count);
            entry.at.count = entry.at.count.saturating_add(more);
            entry.at.last = entry.at.last.max(now.session.last);
        }
    }

    fn add_one(&mut self, audited: &AuditedSession, credential: &Credential) {
        let session = &audited.session;
        let ordinal = self.spread(credential.secret, session.client.addr, session.server);
        let key = Key::of(credential, session.server);
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.rows.len() >= limits::CREDENTIAL_PLACES => {
                self.overflow += 1;
                return;
            }
            None => {
                let place = self.rows.len();
                self.rows.push(Entry::new(key.clone(), audited, credential, ordinal));
                self.places.insert(key, place);
                place
            }
        };
        if let Some(entry) = self.rows.get_mut(place) {
            entry.count(audited, credential);
        }
    }

    fn spread(&mut self, secret: Secret, source: IpAddr, server: Endpoint) -> u64 {
        let next = self.secrets.len() as u64 + 1;
        if self.secrets.len() >= limits::CREDENTIAL_PLACES && !self.secrets.contains_key(&secret) {
            return 0;
        }
        let spread = self.secrets.entry(secret).or_insert_with(|| Spread {
            ordinal: next,
            sources: BTreeSet::new(),
            servers: BTreeSet::new(),
        });
        insert(&mut spread.sources, source);
        insert(&mut spread.servers, server);
        spread.ordinal
    }

    /// The rows in the order of their servers, with what is known across servers.
    pub(super) fn told(&self) -> Told {
        let mut principals: Map<(Endpoint, &'static str, String), BTreeSet<Secret>> =
            Map::default();
        for entry in &self.rows {
            let accepted = entry.at.accepted == Seen::Value(true) && entry.key.secret.is_some();
            if let Some(principal) = entry.key.principal.clone().filter(|_| accepted) {
                let key = (entry.key.server, entry.key.mechanism, principal);
                insert(principals.entry(key).or_default(), entry.at.credential.secret);
            }
        }
        let mut rows: Vec<&Entry> = self.rows.iter().collect();
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        let row = |entry: &Entry| {
            let mut at = entry.at.clone();
            at.sources = entry.sources.len() as u64;
            if let Some(spread) = self.secrets.get(&at.credential.secret) {
                at.servers = spread.servers.len() as u64;
                at.independent_sources = spread.independent() as u64;
            }
            let principal = entry.key.principal.clone();
            let known = principal.and_then(|principal| {
                principals.get(&(entry.key.server, entry.key.mechanism, principal))
            });
            at.secrets_of_principal = known.map_or(0, BTreeSet::len) as u64;
            CredentialRow { at, clients: entry.sources.iter().copied().collect() }
        };
        Told { rows: rows.into_iter().map(row).collect(), overflow: self.overflow }
    }
}

impl Key {
    fn of(credential: &Credential, server: Endpoint) -> Self {
        let changes = credential.kind == CredentialKind::Response
            || credential.mechanism == "aws signature v4";
        Self {
            server,
            kind: credential.kind,
            mechanism: credential.mechanism,
            place: credential.place.clone(),
            principal: credential.principal.clone(),
            secret: (!changes).then_some(credential.secret),
        }
    }
}

impl Spread {
    /// Sources that were not shown the secret themselves: what a gateway passes on was shown to it.
    fn independent(&self) -> usize {
        let relays: BTreeSet<IpAddr> = self.servers.iter().map(|server| server.addr).collect();
        self.sources.difference(&relays).count()
    }
}

impl Entry {
    fn new(key: Key, audited: &AuditedSession, credential: &Credential, ordinal: u64) -> Self {
        let session = &audited.session;
        let at = CredentialAt {
            credential: Credential { count: 0, ..credential.clone() },
            token: None,
            ordinal,
            server: audited.server.clone(),
            port: session.server.port,
            protocol: session.protocol,
            sessions: 0,
            in_clear: 0,
            loopback: 0,
            count: 0,
            accepted: Seen::NotReached,
            sources: 0,
            independent_sources: 0,
            servers: 0,
            secrets_of_principal: 0,
            first: credential.first,
            last: session.last,
            samples: Vec::new(),
        };
        Self { key, at, sources: BTreeSet::new(), one_sided: false }
    }

    fn count(&mut self, audited: &AuditedSession, credential: &Credential) {
        let session = &audited.session;
        self.one_sided = session.one_sided();
        let accepted = self.accepted(credential);
        let at = &mut self.at;
        at.accepted = accepted;
        at.sessions += 1;
        at.count = at.count.saturating_add(credential.count);
        at.in_clear += u64::from(crossed_in_clear(audited, credential.first));
        let ends = [session.client.addr, session.server.addr];
        at.loopback += u64::from(ends.iter().all(|addr| addr.to_canonical().is_loopback()));
        at.first = at.first.min(credential.first);
        at.last = at.last.max(session.last);
        at.credential.default |= credential.default;
        if at.samples.len() < limits::EVIDENCE {
            at.samples.push((credential.first, session.client, session.server));
        }
        let token = session.facts.readable.as_deref().and_then(|all| all.token_of(credential));
        match (&mut at.token, token) {
            (Some(known), Some(token)) => {
                known.last_accepted = known.last_accepted.max(token.last_accepted);
            }
            (none, Some(token)) => *none = Some(token.clone()),
            _ => {}
        }
        insert(&mut self.sources, session.client.addr);
    }

    /// Whether it was let in, after one more session: once let in stays let in.
    fn accepted(&self, credential: &Credential) -> Seen<bool> {
        match (&self.at.accepted, credential.accepted) {
            (Seen::Value(true), _) | (_, Some(true)) => Seen::Value(true),
            (_, Some(false)) | (Seen::Value(false), _) => Seen::Value(false),
            _ if self.one_sided => Seen::Hidden(Why::OneSided),
            _ => Seen::Absent,
        }
    }
}

/// Whether it crossed readable: without TLS, or before TLS began on the same connection.
fn crossed_in_clear(audited: &AuditedSession, at: Moment) -> bool {
    match &audited.session.facts.tls {
        None => true,
        Some(tls) => tls.first_record.is_some_and(|record| at.frame < record.frame),
    }
}

/// What a client shows that is served without showing anything.
fn nothing(at: Moment) -> Credential {
    Credential {
        kind: CredentialKind::None,
        mechanism: "none",
        place: String::new(),
        principal: None,
        secret: Secret::of(b""),
        exposure: Exposure::Safe,
        default: true,
        direction: Direction::ToServer,
        first: at,
        count: 0,
        accepted: Some(true),
    }
}

fn insert<T: Ord>(set: &mut BTreeSet<T>, value: T) {
    if set.len() < limits::CREDENTIAL_HOLDERS {
        set.insert(value);
    }
}

#[cfg(test)]
mod tests;
