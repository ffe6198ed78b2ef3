//! What crossed an edge: postures, versions, who was at its ends, what was called. One gathering for the policy, for
//! grades and for what outputs say of edges.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{EndIdentity, Identity, IdentityRank, Party, Posture};
use crate::model::{Endpoint, Moment, limits};

/// Where something was seen: the frame, the client's end, the server's end.
pub type Sighting = (Moment, Endpoint, Endpoint);

/// Something that sessions of an edge used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Used<T> {
    /// What.
    pub what: T,
    /// In how many sessions, as far as these count: nothing counts whose handshake failed, and of what tells who an end
    /// is the best of a session only.
    pub sessions: u64,
    /// The earliest of them.
    pub first: Sighting,
    /// The latest.
    pub last: Sighting,
}

/// What the sessions of an edge used, within bounds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EdgeUse {
    /// Postures, in the order of first use.
    pub postures: Vec<Used<Posture>>,
    /// Versions, and how postures are known.
    pub particulars: Particulars,
    /// Who called, where the caller proved or said it.
    pub callers: Vec<Used<EndUse>>,
    /// Who answered, by certificate.
    pub servers: Vec<Used<EndUse>>,
    /// Names that the caller gave itself in text, sorted.
    pub claims: Vec<String>,
    /// What was called, by name.
    pub methods: Vec<Used<Method>>,
    /// Sessions of which something could not be seen.
    pub unseen: Unseen,
    /// Sessions whose handshake failed: nothing crossed.
    pub failed: u64,
    /// Some list did not have room for all.
    pub cut: bool,
}

/// What counts of postures leave out: of an edge, or of a server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Particulars {
    /// Negotiated versions of TLS, sorted, each once.
    pub versions: Vec<Used<Version>>,
    /// Sessions whose posture was inferred from the lengths of encrypted records.
    pub inferred: u64,
    /// Readable sessions that were only answered by a refusal.
    pub refused: u64,
}

/// One negotiated version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    /// As the wire has it (`0x0303`).
    pub number: u16,
    /// A session of it was TLS to the end: its posture says so.
    pub carried: bool,
}

/// Sessions of an edge of which something could not be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unseen {
    /// The TLS version.
    pub versions: u64,
    /// Whether the client presented a certificate, or which.
    pub callers: u64,
    /// What the caller said of itself inside of TLS, where it has no certificate.
    pub tokens: u64,
    /// The server's certificate.
    pub servers: u64,
    /// What was called.
    pub methods: u64,
}

/// Who was at one end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndUse<T = String> {
    /// Who it says it is.
    pub identity: EndIdentity<T>,
    /// It proved that: it has the key of a certificate that is no stranger's, the server let in the bearer of the token.
    pub proven: bool,
}

/// One distinct call of an edge. Its name is given in parts until it has to be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Method<N = String> {
    /// `shop.Payments/Charge`, or HTTP method and path. Escaped.
    pub name: N,
    /// Whether it is a method of a service, not a plain HTTP request.
    pub rpc: bool,
    /// Requests.
    pub count: u64,
    /// Answers that say success.
    pub succeeded: u64,
    /// Answers that say anything else.
    pub failed: u64,
}

impl<T> Used<T> {
    /// One use in one session.
    #[must_use]
    pub fn once(what: T, at: Sighting) -> Self {
        Self { what, sessions: 1, first: at, last: at }
    }

    /// The same, not to be counted.
    #[must_use]
    pub fn uncounted(self) -> Self {
        Self { sessions: 0, ..self }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Used<U> {
        let Self { what, sessions, first, last } = self;
        Used { what: change(what), sessions, first, last }
    }

    fn join<U>(&mut self, other: &Used<U>) {
        match (self.sessions, other.sessions) {
            (_, 0) => {}
            (0, _) => (self.first, self.last) = (other.first, other.last),
            _ => {
                self.first = self.first.min(other.first);
                self.last = self.last.max(other.last);
            }
        }
        self.sessions = self.sessions.saturating_add(other.sessions);
    }
}

/// Makes room for one more element, and while there are few for no other: of most there are one or two, on tens of
/// thousands of edges.
pub(crate) fn room_for_one<T>(list: &mut Vec<T>) {
    const FEW: usize = 4;
    if list.len() < FEW {
        list.reserve_exact(1);
    }
}

/// Those uses that count.
pub fn counted<T>(all: &[Used<T>]) -> impl Iterator<Item = &Used<T>> {
    all.iter().filter(|used| used.sessions > 0)
}

impl Particulars {
    /// Counts a version; says whether there was room for it.
    pub fn add_version(&mut self, used: &Used<Version>) -> bool {
        let place = self.versions.binary_search_by_key(&used.what.number, |one| one.what.number);
        match place {
            Ok(slot) => {
                if let Some(known) = self.versions.get_mut(slot) {
                    known.what.carried |= used.what.carried;
                    known.join(used);
                }
                true
            }
            Err(_) if self.versions.len() >= limits::VERSIONS => false,
            Err(slot) => {
                room_for_one(&mut self.versions);
                self.versions.insert(slot, used.clone());
                true
            }
        }
    }

    /// Versions of sessions that were TLS to the end, as the wire has them, the lowest first.
    pub fn carried(&self) -> impl Iterator<Item = u16> {
        self.versions.iter().filter(|used| used.what.carried).map(|used| used.what.number)
    }

    fn merge(&mut self, other: &Self) -> bool {
        self.inferred += other.inferred;
        self.refused += other.refused;
        let mut room = true;
        for used in &other.versions {
            room &= self.add_version(used);
        }
        room
    }
}

impl<T: AsRef<str>> EndUse<T> {
    /// How much it takes for something else to be believed before it.
    fn weight(&self) -> (bool, IdentityRank) {
        (self.proven, self.identity.rank())
    }

    fn owned(self) -> EndUse {
        EndUse { identity: self.identity.owned(), proven: self.proven }
    }
}

impl EdgeUse {
    /// Counts a posture.
    pub fn add_posture(&mut self, used: Used<Posture>) {
        match self.postures.iter_mut().find(|known| known.what == used.what) {
            Some(known) => known.join(&used),
            None => {
                room_for_one(&mut self.postures);
                self.postures.push(used);
            }
        }
    }

    /// Counts a caller.
    pub fn add_caller<T: AsRef<str>>(&mut self, used: Used<EndUse<T>>) {
        if let Some(lost) = add_end(&mut self.callers, used) {
            self.unseen.callers = self.unseen.callers.saturating_add(lost);
            self.cut = true;
        }
    }

    /// Counts a server's identity.
    pub fn add_server<T: AsRef<str>>(&mut self, used: Used<EndUse<T>>) {
        if let Some(lost) = add_end(&mut self.servers, used) {
            self.unseen.servers = self.unseen.servers.saturating_add(lost);
            self.cut = true;
        }
    }

    /// Takes note of a name that the caller gave itself.
    pub fn add_claim(&mut self, name: &str) {
        if let Err(slot) = self.claims.binary_search_by(|known| known.as_str().cmp(name))
            && self.claims.len() < limits::ACCESS_NAMES
        {
            self.claims.insert(slot, name.to_owned());
        }
    }

    /// Counts a call.
    pub fn add_method(&mut self, used: Used<Method<[&str; 3]>>) {
        let name = used.what.name;
        let spelt = || name.iter().flat_map(|part| part.bytes());
        match self.methods.binary_search_by(|known| known.what.name.bytes().cmp(spelt())) {
            Ok(slot) => {
                let Some(known) = self.methods.get_mut(slot) else { return };
                let (counts, more) = (&mut known.what, &used.what);
                counts.count = counts.count.saturating_add(more.count);
                counts.succeeded = counts.succeeded.saturating_add(more.succeeded);
                counts.failed = counts.failed.saturating_add(more.failed);
                known.join(&used);
            }
            Err(_) if self.methods.len() >= limits::USED_METHODS => {
                self.unseen.methods = self.unseen.methods.saturating_add(used.sessions);
                self.cut = true;
            }
            Err(slot) => {
                let kept = used.map(|method| method.named(name.concat()));
                room_for_one(&mut self.methods);
                self.methods.insert(slot, kept);
            }
        }
    }

    /// Adds what the sessions of another edge used.
    pub fn merge(&mut self, other: &Self) {
        other.postures.iter().for_each(|used| self.add_posture(used.clone()));
        self.cut |= !self.particulars.merge(&other.particulars) || other.cut;
        other.callers.iter().for_each(|used| self.add_caller(borrowed(used)));
        other.servers.iter().for_each(|used| self.add_server(borrowed(used)));
        other.claims.iter().for_each(|name| self.add_claim(name));
        for used in &other.methods {
            let name = [used.what.name.as_str(), "", ""];
            let (sessions, first, last) = (used.sessions, used.first, used.last);
            let what = used.what.named(name);
            self.add_method(Used { what, sessions, first, last });
        }
        self.unseen.versions += other.unseen.versions;
        self.unseen.callers += other.unseen.callers;
        self.unseen.tokens += other.unseen.tokens;
        self.unseen.servers += other.unseen.servers;
        self.unseen.methods += other.unseen.methods;
        self.failed += other.failed;
    }

    /// Who the client is, by every proof and claim, the strongest first. `client` is what its address is known as.
    #[must_use]
    pub fn client_identities(&self, client: &Party) -> Vec<Identity> {
        identities(&self.callers, &self.claims, client)
    }

    /// Who the server is, the strongest proof first.
    #[must_use]
    pub fn server_identities(&self, server: &Party) -> Vec<Identity> {
        identities(&self.servers, &[], server)
    }
}

impl<N> Method<N> {
    fn named<M>(&self, name: M) -> Method<M> {
        let Self { rpc, count, succeeded, failed, .. } = *self;
        Method { name, rpc, count, succeeded, failed }
    }
}

fn borrowed(used: &Used<EndUse>) -> Used<EndUse<&str>> {
    let EndUse { identity, proven } = &used.what;
    let what = EndUse { identity: identity.borrowed(), proven: *proven };
    Used { what, sessions: used.sessions, first: used.first, last: used.last }
}

/// Counts who was at an end. Where there is no room, what can be believed more takes the place of what can be believed
/// less; gives the sessions that are thereby of nobody known.
fn add_end<T: AsRef<str>>(list: &mut Vec<Used<EndUse>>, used: Used<EndUse<T>>) -> Option<u64> {
    if let Some(known) = list.iter_mut().find(|known| known.what.identity.same(&used.what.identity))
    {
        known.what.proven |= used.what.proven;
        known.join(&used);
        return None;
    }
    if list.len() < limits::USED_IDENTITIES {
        room_for_one(list);
        list.push(used.map(EndUse::owned));
        return None;
    }
    let weakest = list.iter_mut().min_by_key(|known| known.what.weight());
    match weakest.filter(|weakest| weakest.what.weight() < used.what.weight()) {
        Some(weakest) => {
            let lost = weakest.sessions;
            *weakest = used.map(EndUse::owned);
            Some(lost)
        }
        None => Some(used.sessions),
    }
}

fn identities(ends: &[Used<EndUse>], claims: &[String], party: &Party) -> Vec<Identity> {
    let mut all: BTreeSet<(Reverse<IdentityRank>, &str)> = BTreeSet::new();
    for used in ends.iter().filter(|used| used.what.proven) {
        used.what.identity.each(&mut |rank, name| {
            all.insert((Reverse(rank), name));
        });
    }
    if party.how != Party::UNMAPPED {
        all.insert((Reverse(IdentityRank::Address), &party.service));
    }
    all.extend(claims.iter().map(|claim| (Reverse(IdentityRank::Header), claim.as_str())));
    let strongest = all.into_iter().take(limits::EDGE_IDENTITIES);
    strongest.map(|(Reverse(rank), name)| Identity { rank, name: name.to_owned() }).collect()
}
