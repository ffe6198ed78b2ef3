//! Who every party of a run is, once the run is over.
//!
//! The user's file decides, the most specific entry first. Only a party that it does not name gets a name from the wire.
//! Which one is a fixed rule:
//!
//! 1. The best source that says anything decides: URI name of a certificate, host name of a certificate, registry, SNI,
//!    HTTP authority, DNS answer, multicast.
//! 2. When it says several names, weaker sources choose among them, and may not add to them. When several are left, and
//!    they are not one name written shorter and longer (`payments`, `payments.shop`), the party keeps its address.
//! 3. A name of the user's file, or one that a certificate proved for another host, is never given on a weaker word.
//! 4. A host that asks others for a name passes requests on: it does not have that name because it is asked for it.
//! 5. A name that is said of addresses within and of addresses in the internet is that of the ones in the internet.
//!
//! A client has the name of its certificate; else that of the endpoints which its address serves, when all have one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hashbrown::HashMap;

use super::directory::{Directory, unmapped};
use super::evidence::{Evidence, Known, Source, names_somebody};
use super::services::{AUTHORITY, Match, SAN, SNI, SPIFFE};
use crate::model::{Endpoint, Party, is_internal};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// The parties of a run.
#[derive(Clone, Debug, Default)]
pub struct Names {
    directory: Directory,
    servers: Map<Endpoint, Party>,
    clients: Map<Endpoint, Party>,
}

/// A name that was learned.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Learned {
    name: String,
    source: Source,
}

impl Names {
    /// Settles who is who.
    #[must_use]
    pub fn settle(directory: Directory, evidence: &Evidence) -> Self {
        let mut names = Self { directory, ..Self::default() };
        names.by_file(evidence);
        let learned = Learning::of(&names, evidence);
        names.learned(learned);
        names
    }

    /// Who the client at this endpoint is.
    #[must_use]
    pub fn client(&self, at: Endpoint) -> Party {
        let known = self.clients.get(&at.host());
        known.cloned().unwrap_or_else(|| self.directory.client(at))
    }

    /// Who the server at this endpoint is.
    #[must_use]
    pub fn server(&self, at: Endpoint) -> Party {
        self.servers.get(&at).cloned().unwrap_or_else(|| self.directory.server(at))
    }

    /// Names by what certificates and server names say in the user's file, where no exact address does.
    fn by_file(&mut self, evidence: &Evidence) {
        let services = self.directory.services();
        if services.is_empty() {
            return;
        }
        let mut by_host: BTreeMap<Endpoint, Vec<Match>> = BTreeMap::new();
        let mut servers = Map::default();
        for (at, known) in &evidence.servers {
            let said = self.directory.exact(*at).is_none().then(|| self.said(known)).flatten();
            if let Some(found) = said {
                servers.insert(*at, services.party(found, *at));
                if names_somebody(at.addr) {
                    by_host.entry(at.host()).or_default().push(found);
                }
            }
        }
        let mut clients = Map::default();
        for (host, found) in by_host {
            let agreed =
                found.iter().all(|one| found.first().is_some_and(|f| services.same(*one, *f)));
            // The strongest word, so that the order of endpoints does not matter.
            let first = found.into_iter().min_by_key(|one| strength(one.how)).filter(|_| agreed);
            if let Some(found) = first.filter(|_| self.directory.exact(host).is_none()) {
                clients.insert(host, services.party(found, host));
            }
        }
        for (host, known) in &evidence.hosts {
            let said = self.directory.exact(*host).is_none().then(|| self.said(known)).flatten();
            if let Some(found) = said {
                clients.insert(*host, services.party(found, *host));
            }
        }
        (self.servers, self.clients) = (servers, clients);
    }

    /// The entry that what was seen at a place leads to. Where several are named, none is.
    fn said(&self, known: &Known) -> Option<Match> {
        let services = self.directory.services();
        let ways: [(&'static str, &'static str, &[Source]); 4] = [
            (SPIFFE, SPIFFE, &[Source::CertificateUri]),
            (SAN, SAN, &[Source::CertificateUri, Source::CertificateDns]),
            (SNI, SNI, &[Source::Sni]),
            (SNI, AUTHORITY, &[Source::Authority]),
        ];
        for (kind, how, sources) in ways {
            let names = sources.iter().flat_map(|source| known.of(*source));
            let found: Vec<Match> = names.filter_map(|name| services.by_name(kind, name)).collect();
            let crowded = sources.iter().any(|source| known.is_crowded(*source));
            if let Some(first) = found.first() {
                let agreed = !crowded && found.iter().all(|one| services.same(*one, *first));
                return agreed.then(|| first.known_by(how));
            }
        }
        None
    }

    fn is_named(&self, party: &Party) -> bool {
        party.how != Party::UNMAPPED
    }

    fn learned(&mut self, learning: Learning) {
        for (at, learned) in learning.servers {
            self.servers.insert(at, party(at, learned));
        }
        for (at, learned) in learning.clients {
            self.clients.insert(at, party(at, learned));
        }
    }
}

fn party(at: Endpoint, learned: Learned) -> Party {
    Party { service: learned.name.into(), how: learned.source.how(), ..unmapped(at) }
}

/// How much a word of the user's file for a name is worth, the least number the most.
fn strength(how: &str) -> usize {
    [SPIFFE, SAN, SNI, AUTHORITY].iter().position(|known| *known == how).unwrap_or(usize::MAX)
}

/// Names from the wire for what the user's file does not name.
#[derive(Default)]
struct Learning {
    servers: BTreeMap<Endpoint, Learned>,
    clients: BTreeMap<Endpoint, Learned>,
}

impl Learning {
    fn of(names: &Names, evidence: &Evidence) -> Self {
        let taken: BTreeSet<String> = names
            .directory
            .services()
            .names()
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        let mut learning = Self::default();
        for (at, known) in &evidence.servers {
            let host = evidence.hosts.get(&at.host());
            let relays = evidence.asked.get(&at.host());
            if names_somebody(at.addr)
                && !names.is_named(&names.server(*at))
                && let Some(learned) = choose(known, host, relays)
            {
                learning.servers.insert(*at, learned);
            }
        }
        for (at, known) in &evidence.hosts {
            if names_somebody(at.addr)
                && !names.is_named(&names.client(*at))
                && let Some(learned) = choose(known, None, evidence.asked.get(at))
            {
                learning.clients.insert(*at, learned);
            }
        }
        learning.serve_as_clients(names, evidence);
        learning.refuse(&taken);
        learning
    }

    /// Gives clients the names of what their addresses serve, where all endpoints have the same.
    fn serve_as_clients(&mut self, names: &Names, evidence: &Evidence) {
        let mut by_host: BTreeMap<Endpoint, Vec<Option<&Learned>>> = BTreeMap::new();
        for at in evidence.servers.keys() {
            by_host.entry(at.host()).or_default().push(self.servers.get(at));
        }
        let mut more = Vec::new();
        for (host, served) in by_host {
            let Some(all) = served.into_iter().collect::<Option<Vec<_>>>() else { continue };
            let best = all.iter().min_by_key(|learned| learned.source);
            let agreed =
                all.iter().all(|learned| best.is_some_and(|best| best.name == learned.name));
            let own = self.clients.get(&host).is_some_and(|own| own.source.proves());
            if let Some(best) = best.filter(|_| agreed && !own)
                && !names.is_named(&names.client(host))
            {
                more.push((host, (*best).clone()));
            }
        }
        self.clients.extend(more);
    }

    /// Takes back names that belong to others.
    fn refuse(&mut self, taken: &BTreeSet<String>) {
        let mut proven: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
        let mut outside: BTreeSet<String> = BTreeSet::new();
        for (at, learned) in self.servers.iter().chain(&self.clients) {
            if learned.source.proves() {
                proven.entry(learned.name.clone()).or_default().insert(at.addr);
            }
            if !is_internal(at.addr) {
                outside.insert(learned.name.clone());
            }
        }
        let keep = |at: &Endpoint, learned: &mut Learned| {
            let name = &learned.name;
            let stolen = proven.get(name).is_some_and(|hosts| !hosts.contains(&at.addr));
            let passed_on = is_internal(at.addr) && outside.contains(name);
            let weak = !learned.source.proves();
            !taken.contains(name) && !(weak && (stolen || passed_on))
        };
        self.servers.retain(keep);
        self.clients.retain(keep);
    }
}

/// The one name of a place, if what is said of it comes to one.
fn choose(
    known: &Known,
    host: Option<&Known>,
    relays: Option<&BTreeSet<String>>,
) -> Option<Learned> {
    let mut allowed: Option<(BTreeSet<&str>, Source)> = None;
    for source in Source::ALL {
        let of_host = host.filter(|_| !source.proves());
        if known.is_crowded(source) || of_host.is_some_and(|host| host.is_crowded(source)) {
            // Too many to be one service, unless something stronger says which.
            allowed.as_ref()?;
            continue;
        }
        let said = known.of(source).chain(of_host.into_iter().flat_map(|host| host.of(source)));
        let passes_on = |name: &str| {
            !source.proves()
                && relays.is_some_and(|asked| {
                    asked.contains(name) || asked.len() > crate::model::limits::NAMES_OF_PLACE
                })
        };
        let wanted = |name: &&str| !passes_on(name) && names_a_service(source, name);
        let mut names: BTreeSet<&str> = said.filter(wanted).collect();
        if let Some((stronger, _)) = &allowed {
            names.retain(|name| stronger.iter().any(|one| covers(one, name)));
        }
        if names.is_empty() {
            continue;
        }
        let only = names.iter().next().filter(|name| names.len() == 1 && !name.starts_with("*."));
        if let Some(name) = only {
            return Some(Learned { name: (*name).to_owned(), source });
        }
        allowed = Some((names, source));
    }
    let (names, source) = allowed?;
    let name = one_family(names.into_iter().collect())?;
    Some(Learned { name: name.to_owned(), source })
}

/// Of the URIs in certificates, only SPIFFE ids are made to name services.
fn names_a_service(source: Source, name: &str) -> bool {
    source != Source::CertificateUri || name.starts_with("spiffe://")
}

/// Whether a name is the one of a certificate, or one that its wildcard stands for.
fn covers(stronger: &str, name: &str) -> bool {
    let under = |parent: &str| name.split_once('.').is_some_and(|(_, rest)| rest == parent);
    stronger == name || stronger.strip_prefix("*.").is_some_and(under)
}

/// The longest of names that are all one, written with more and less of its domain.
fn one_family(mut names: Vec<&str>) -> Option<&str> {
    names.sort_by_key(|name| name.len());
    let follows = |short: &str, long: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'))
            && !short.starts_with("*.")
    };
    let all = names.iter().zip(names.iter().skip(1)).all(|(short, long)| follows(short, long));
    names.last().copied().filter(|name| all && !name.starts_with("*."))
}

#[cfg(test)]
mod tests;
