//! The user's services file: who is who, as people say it.
//!
//! Takes the text of one or more files; gives the entry that names an address, the most specific first: the exact
//! address, SPIFFE id, name of a certificate, name that clients ask for, network (the longest prefix), group. Asks
//! nobody. Two entries that claim the same and are equally specific are an error, never a matter of their order.

mod file;
mod network;
mod reader;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::model::{
    Diagnostic, Endpoint, Party, Place, Profile, Realm, Timestamp, escape_text, limits,
};
use network::{Claim, Network};

pub use reader::address;

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// How an entry of the file names a party: by its exact address.
pub(super) const ADDRESS: &str = "address";
/// By a SPIFFE id in a certificate that it presented.
pub(super) const SPIFFE: &str = "spiffe";
/// By another name in a certificate that it presented.
pub(super) const SAN: &str = "san";
/// By a name that clients asked for at its address, in TLS.
pub(super) const SNI: &str = "sni";
/// By such a name, asked for in HTTP.
pub(super) const AUTHORITY: &str = "authority";
/// By a network that its address is in.
pub(super) const CIDR: &str = "cidr";
/// By a group of networks, the last resort.
pub(super) const GROUP: &str = "group";

/// Who is who, as the user's files say.
#[derive(Clone, Debug, Default)]
pub struct Services {
    files: Vec<(String, String)>,
    entries: Vec<Entry>,
    claims: Vec<Claim>,
    names: Vec<Name>,
    exact: Map<Network, Vec<usize>>,
    networks: Map<Network, Vec<usize>>,
    /// Lengths of prefixes that occur, longest first: IPv4, IPv6.
    lengths: [Vec<u8>; 2],
    by_name: Map<(&'static str, String), usize>,
    /// Some claims hold for some time only.
    is_limited: bool,
}

/// One `[[service]]` or `[[group]]`.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    group: bool,
    profile: Arc<Profile>,
}

/// A name by which an entry is known: `SPIFFE`, `SAN` or `SNI`.
#[derive(Clone, Debug)]
struct Name {
    kind: &'static str,
    text: String,
    entry: usize,
    file: usize,
    at: Range<usize>,
}

/// The entry that names a party, and by what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Match {
    entry: usize,
    /// One of the words of this module.
    pub how: &'static str,
    /// Where its deciding claim is written: file and byte, for an explanation.
    claim: Option<usize>,
}

impl Match {
    /// The same entry, known by something else.
    pub(super) fn known_by(self, how: &'static str) -> Self {
        Self { how, ..self }
    }
}

impl Services {
    /// Reads files: the path as the user named it, and the text.
    ///
    /// # Errors
    /// Everything that is wrong with them, at most [`limits::SERVICES_ERRORS`]: `mapping-unreadable`, `mapping-key`,
    /// `mapping-value`, `mapping-overlap`.
    pub fn read(files: Vec<(String, String)>) -> Result<Self, Vec<Diagnostic>> {
        let mut services = Self::default();
        let mut errors = Vec::new();
        for (number, (path, text)) in files.iter().enumerate() {
            match file::read(path, text, [number, services.entries.len()]) {
                Ok(contents) => {
                    services.entries.extend(contents.entries);
                    services.claims.extend(contents.claims);
                    services.names.extend(contents.names);
                }
                Err(found) => errors.extend(found),
            }
        }
        services.files = files;
        if services.entries.len() > limits::SERVICES {
            let message = format!("more than {} services and groups", limits::SERVICES);
            errors.push(Diagnostic::error("mapping-unreadable", message));
        }
        if errors.is_empty() {
            services.index(&mut errors);
        }
        errors.truncate(limits::SERVICES_ERRORS);
        if errors.is_empty() { Ok(services) } else { Err(errors) }
    }

    /// Whether it names nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many services and groups it has.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        let groups = self.entries.iter().filter(|entry| entry.group).count();
        (self.entries.len() - groups, groups)
    }

    /// Names of services and groups, each once, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Numbers of virtual networks that it tells apart, sorted.
    #[must_use]
    pub fn virtual_networks(&self) -> Vec<u32> {
        let mut all: Vec<u32> =
            self.claims.iter().flat_map(|claim| claim.networks.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Who is at an endpoint, told by its address alone; of a client, whose port says nothing, the port is 0.
    #[must_use]
    pub fn by_exact_address(&self, at: Endpoint) -> Option<Match> {
        let network = Network::of(at.addr.to_canonical(), u8::MAX);
        self.best(self.exact.get(&network)?, at, ADDRESS)
    }

    /// Who is at an endpoint, told by the networks that its address is in.
    #[must_use]
    pub fn by_network(&self, at: Endpoint) -> Option<Match> {
        let addr = at.addr.to_canonical();
        let lengths = self.lengths.get(usize::from(addr.is_ipv6()))?;
        let claims =
            || lengths.iter().filter_map(|length| self.networks.get(&Network::of(addr, *length)));
        let of = |group: bool, how| {
            claims().find_map(|all| {
                let wanted = |claim: &&usize| self.is_group(**claim) == group;
                let all: Vec<usize> = all.iter().filter(wanted).copied().collect();
                self.best(&all, at, how)
            })
        };
        of(false, CIDR).or_else(|| of(true, GROUP))
    }

    /// Who is known by a name that a certificate has (a SPIFFE id, a SAN) or that a client asks for (SNI).
    #[must_use]
    pub fn by_name(&self, kind: &'static str, name: &str) -> Option<Match> {
        let exact = self.by_name.get(&(kind, name.to_owned()));
        let wild = || self.by_name.get(&(kind, format!("*.{}", name.split_once('.')?.1)));
        let entry = *exact.or_else(|| if kind == SPIFFE { None } else { wild() })?;
        Some(Match { entry, how: kind, claim: None })
    }

    /// The party that a match says an address is.
    #[must_use]
    pub fn party(&self, found: Match, at: Endpoint) -> Party {
        let unmapped = Party::unmapped(at.host());
        match self.entries.get(found.entry) {
            Some(entry) => Party {
                service: entry.name.clone().into(),
                how: found.how,
                profile: Some(Arc::clone(&entry.profile)),
                ..unmapped
            },
            None => unmapped,
        }
    }

    /// Where the claim that decided is written; else where the entry is.
    #[must_use]
    pub fn place(&self, found: Match) -> Option<Place> {
        let claim = found.claim.and_then(|claim| self.claims.get(claim));
        match claim {
            Some(claim) => Some(self.place_of(claim.file, claim.at.clone())),
            None => self.entries.get(found.entry).map(|entry| entry.profile.place.clone()),
        }
    }

    /// Whether two matches name the same service.
    #[must_use]
    pub fn same(&self, one: Match, other: Match) -> bool {
        let name = |found: Match| self.entries.get(found.entry).map(|entry| entry.name.as_str());
        name(one) == name(other)
    }

    /// The realm of an address at a time: a host that got an address which another one had is not that one.
    #[must_use]
    pub fn realm(&self, at: Endpoint, time: Timestamp) -> Realm {
        if !self.is_limited {
            return at.realm;
        }
        let boundaries = self.boundaries(at);
        let period = boundaries.partition_point(|boundary| *boundary <= time);
        let holding = |period: usize| {
            let time = start(&boundaries, period);
            self.limited_at(at).filter(move |claim| claim.holds(at.host(), time)).map(|c| c.entry)
        };
        // The same entries before and after others held mean the same host.
        let same = (0..period).find(|earlier| holding(*earlier).eq(holding(period)));
        at.realm.in_period(u32::try_from(same.unwrap_or(period)).unwrap_or(u32::MAX))
    }

    fn limited_at(&self, at: Endpoint) -> impl Iterator<Item = &Claim> {
        let addr = at.addr.to_canonical();
        let lengths = self.lengths.get(usize::from(addr.is_ipv6())).filter(|_| self.is_limited);
        let networks = lengths.into_iter().flatten();
        let networks =
            networks.filter_map(move |length| self.networks.get(&Network::of(addr, *length)));
        let exact = self.exact.get(&Network::of(addr, u8::MAX));
        let numbers = exact.into_iter().chain(networks).flatten();
        let claims = numbers.filter_map(|number| self.claims.get(*number));
        claims.filter(|claim| claim.from.is_some() || claim.to.is_some())
    }

    /// Moments at which what holds for an address changes, in order.
    fn boundaries(&self, at: Endpoint) -> Vec<Timestamp> {
        let mut all: Vec<Timestamp> =
            self.limited_at(at).flat_map(|claim| [claim.from, claim.to]).flatten().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The most specific of these claims that holds, unless equally specific ones name different services, as they may
    /// for a client, of which no port is known.
    fn best(&self, claims: &[usize], at: Endpoint, how: &'static str) -> Option<Match> {
        let time = start(&self.boundaries(at), usize::try_from(at.realm.period()).unwrap_or(0));
        let holding = claims.iter().filter_map(|number| {
            let claim = self.claims.get(*number)?;
            claim.holds(at, time).then_some((*number, claim))
        });
        let rank = |claim: &Claim| {
            let (ports, networks, timed) = claim.specificity();
            // A port that is not known tells nothing: who has the whole host has it also as a client.
            (if at.port == 0 { !ports } else { ports }, networks, timed)
        };
        let all: Vec<(usize, &Claim)> = holding.collect();
        let most = all.iter().map(|(_, claim)| rank(claim)).max()?;
        let mut top = all.into_iter().filter(|(_, claim)| rank(claim) == most);
        let (number, first) = top.next()?;
        let name = |claim: &Claim| self.entries.get(claim.entry).map(|entry| entry.name.as_str());
        let agreed = top.all(|(_, claim)| name(claim) == name(first));
        agreed.then_some(Match { entry: first.entry, how, claim: Some(number) })
    }

    fn is_group(&self, claim: usize) -> bool {
        let entry = self.claims.get(claim).and_then(|claim| self.entries.get(claim.entry));
        entry.is_some_and(|entry| entry.group)
    }

    fn place_of(&self, file: usize, at: Range<usize>) -> Place {
        let (path, text) = self.files.get(file).map_or(("", ""), |(p, t)| (p.as_str(), t.as_str()));
        Place::of(&escape_text(path), text, at, "")
    }

    fn index(&mut self, errors: &mut Vec<Diagnostic>) {
        for (number, claim) in self.claims.iter().enumerate() {
            let index = if claim.exact { &mut self.exact } else { &mut self.networks };
            index.entry(claim.network).or_default().push(number);
            self.is_limited |= claim.from.is_some() || claim.to.is_some();
            let lengths = self.lengths.get_mut(usize::from(claim.network.is_v6()));
            if let Some(lengths) =
                lengths.filter(|known| !claim.exact && !known.contains(&claim.network.length))
            {
                lengths.push(claim.network.length);
            }
        }
        for lengths in &mut self.lengths {
            lengths.sort_unstable_by(|one, other| other.cmp(one));
        }
        self.check_addresses(errors);
        self.index_names(errors);
    }

    /// Complains of entries that claim the same address, neither more specifically than the other.
    fn check_addresses(&self, errors: &mut Vec<Diagnostic>) {
        let mut claimed: Vec<&Vec<usize>> =
            self.exact.values().chain(self.networks.values()).collect();
        claimed.retain(|numbers| numbers.len() > 1);
        claimed.sort_unstable();
        for numbers in claimed {
            let claims: Vec<&Claim> = numbers.iter().filter_map(|n| self.claims.get(*n)).collect();
            let pair = claims.iter().enumerate().find_map(|(at, one)| {
                let later = claims.get(at.saturating_add(1)..).unwrap_or_default();
                let other =
                    later.iter().find(|other| one.contradicts(other) && self.differ(one, other));
                other.map(|other| (*one, *other))
            });
            if let Some((one, other)) = pair {
                errors.push(self.overlap_of_claims(one, other));
            }
            if errors.len() > limits::SERVICES_ERRORS {
                return;
            }
        }
    }

    /// Two entries of the same name are one service; a group beside a service is its last resort.
    fn differ(&self, one: &Claim, other: &Claim) -> bool {
        let entry = |claim: &Claim| self.entries.get(claim.entry);
        match (entry(one), entry(other)) {
            (Some(one), Some(other)) => one.name != other.name && one.group == other.group,
            _ => false,
        }
    }

    fn overlap_of_claims(&self, one: &Claim, other: &Claim) -> Diagnostic {
        let what = if one.exact {
            one.network.to_string().split('/').next().unwrap_or_default().to_owned()
        } else {
            one.network.to_string()
        };
        let help = if one.exact {
            "give each its ports (addr = \"10.0.0.9:8443\"), or use vni = ... / valid-from to tell them apart"
        } else {
            "use addr = [...] for single hosts, or vni = ... / valid-from to tell them apart"
        };
        let places = [(one.file, &one.at, one.entry), (other.file, &other.at, other.entry)];
        self.overlap(&what, places, help)
    }

    fn index_names(&mut self, errors: &mut Vec<Diagnostic>) {
        let mut first: Map<(&'static str, String), usize> = Map::default();
        for (number, name) in self.names.iter().enumerate() {
            let known = *first.entry((name.kind, name.text.clone())).or_insert(number);
            let Some(known) = self.names.get(known) else { continue };
            let title = |name: &Name| self.entries.get(name.entry).map(|entry| &entry.name);
            if title(known) != title(name) {
                let places =
                    [(known.file, &known.at, known.entry), (name.file, &name.at, name.entry)];
                let help = "a name belongs to one service";
                errors.push(self.overlap(&name.text, places, help));
            }
        }
        let entry = |number: usize| self.names.get(number).map_or(0, |name| name.entry);
        self.by_name = first.into_iter().map(|(key, number)| (key, entry(number))).collect();
    }

    fn overlap(
        &self,
        what: &str,
        [one, other]: [(usize, &Range<usize>, usize); 2],
        help: &str,
    ) -> Diagnostic {
        let name = |entry: usize| self.entries.get(entry).map_or("", |entry| entry.name.as_str());
        let message =
            format!("{what} belongs to both \"{}\" and \"{}\"", name(one.2), name(other.2));
        let first = self.place_of(one.0, one.1.clone());
        let second = self.place_of(other.0, other.1.clone());
        // Two places and no text to point at.
        let path = format!("{}:{}:{} and {}", first.path, first.line, first.column, second.path);
        let both = Place { path, text: String::new(), ..second };
        Diagnostic::error("mapping-overlap", message).at(both).help(help)
    }
}

/// The first moment of a period.
fn start(boundaries: &[Timestamp], period: usize) -> Timestamp {
    let first = Timestamp::from_micros(i64::MIN);
    period.checked_sub(1).and_then(|before| boundaries.get(before).copied()).unwrap_or(first)
}
