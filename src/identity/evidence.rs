//! Names that the wire tells of endpoints and hosts, as they gather.
//!
//! Takes sessions and announcements; keeps, within bounds, by what names each place goes and on whose word. Decides
//! nothing: [`Names`](super::Names) does, when the run is over. What a caller says of itself in text names nobody.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::proven::proven_leaf;
use crate::model::{
    Announcement, AuditedSession, Digest, Direction, Endpoint, SanName, Seen, limits,
};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// On whose word a name is known, from the most to the least that it is worth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Source {
    /// A URI name in a certificate whose key its holder has.
    CertificateUri,
    /// A host name in such a certificate.
    CertificateDns,
    /// An entry of a registry: etcd, Consul, Eureka and the like.
    Registry,
    /// What clients asked for in the ClientHello, and the server went on.
    Sni,
    /// What clients asked for in HTTP, and the server answered.
    Authority,
    /// An answer of a name server.
    Dns,
    /// An announcement by multicast or gossip.
    Mdns,
}

impl Source {
    pub(super) const ALL: [Self; 7] = [
        Self::CertificateUri,
        Self::CertificateDns,
        Self::Registry,
        Self::Sni,
        Self::Authority,
        Self::Dns,
        Self::Mdns,
    ];

    /// Whether the name was proved, not only said.
    pub(super) fn proves(self) -> bool {
        matches!(self, Self::CertificateUri | Self::CertificateDns)
    }

    /// The word for how a party was named.
    pub(super) fn how(self) -> &'static str {
        match self {
            Self::CertificateUri => "learned-spiffe",
            Self::CertificateDns => "learned-san",
            Self::Registry => "learned-registry",
            Self::Sni => "learned-sni",
            Self::Authority => "learned-authority",
            Self::Dns => "learned-dns",
            Self::Mdns => "learned-mdns",
        }
    }
}

/// The names of one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    names: BTreeSet<(Source, String)>,
    /// Sources with more names than are kept.
    crowded: BTreeSet<Source>,
    /// What it was asked for first in a ClientHello: as it was said, and as a name. Most places are never asked for another.
    requested: Option<(Box<str>, Box<str>)>,
    /// Certificates that were read last: what they name is known.
    leaves: SmallVec<[Digest; SHOWN_LEAVES]>,
}

/// Certificates that one place shows in turn.
const SHOWN_LEAVES: usize = 4;

impl Known {
    fn add(&mut self, source: Source, name: &str) {
        if self.crowded.contains(&source) || self.of(source).any(|known| known == name) {
            return;
        }
        if self.of(source).count() >= limits::NAMES_OF_PLACE {
            self.crowded.insert(source);
            return;
        }
        self.names.insert((source, name.to_owned()));
    }

    #[cfg(test)]
    pub(super) fn add_for_test(&mut self, source: Source, name: &str) {
        self.add(source, name);
    }

    /// The names from one source, in order; none when there were more than are kept.
    pub(super) fn of(&self, source: Source) -> impl Iterator<Item = &str> {
        let from = (source, String::new());
        let all = self.names.range(from..).take_while(move |(known, _)| *known == source);
        all.map(|(_, name)| name.as_str())
    }

    pub(super) fn is_crowded(&self, source: Source) -> bool {
        self.crowded.contains(&source)
    }
}

/// Whether a name may stand in a certificate: several labels of letters, digits and hyphens. The keys of registries and
/// names with underscores, as those of SRV records, do not.
pub(crate) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.contains('.') && name.split('.').all(label) && name.parse::<std::net::IpAddr>().is_err()
}

/// Names by place.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Of server endpoints.
    pub(super) servers: Map<Endpoint, Known>,
    /// Of hosts: as clients, and by name servers.
    pub(super) hosts: Map<Endpoint, Known>,
    /// What hosts ask others for: whoever passes requests on does not have the names that it is asked for.
    pub(super) asked: Map<Endpoint, BTreeSet<String>>,
    /// Places that had no room.
    pub(super) overflow: u64,
    usable: Usable,
}

/// Nothing that is longer is a name with a port.
const LONGEST_SAID: usize = 512;

/// What texts are as names, as far as it was found out lately: clients ask for the same names, and certificates bear them.
#[derive(Clone, Debug, Default)]
struct Usable(Map<String, Option<String>>);

impl Usable {
    /// See [`usable`].
    fn of(&mut self, said: &str) -> Option<&str> {
        if said.len() > LONGEST_SAID {
            return None;
        }
        if self.0.len() >= limits::USABLE_NAMES && !self.0.contains_key(said) {
            self.0.clear();
        }
        self.0.entry_ref(said).or_insert_with(|| usable(said)).as_deref()
    }
}

impl Evidence {
    /// Host names by which clients find this endpoint: what registries, name servers and announcements say of it or of
    /// its host. None where one of them says more names than are kept.
    #[must_use]
    pub fn called(&self, at: Endpoint) -> Vec<String> {
        const FOUND_BY: [Source; 3] = [Source::Registry, Source::Dns, Source::Mdns];
        let places = [self.servers.get(&at), self.hosts.get(&at.host())];
        let places: Vec<&Known> = places.into_iter().flatten().collect();
        let crowded = |known: &&Known| FOUND_BY.iter().any(|source| known.is_crowded(*source));
        if places.iter().any(crowded) {
            return Vec::new();
        }
        let names =
            places.iter().flat_map(|known| FOUND_BY.iter().flat_map(|source| known.of(*source)));
        let hosts: BTreeSet<&str> = names.filter(|name| is_host_name(name)).collect();
        hosts.into_iter().map(str::to_owned).collect()
    }

    /// Takes in a session.
    pub fn add(&mut self, audited: &AuditedSession) {
        let session = &audited.session;
        let facts = &session.facts;
        if facts.tls.is_some() {
            self.add_leaf(audited, Direction::ToClient);
            self.add_leaf(audited, Direction::ToServer);
        }
        if let Some(said) = requested_name(audited) {
            self.requested(session.client, session.server, said);
        }
        if let Some(calls) = facts.calls.as_ref().filter(|calls| calls.responses > 0) {
            for name in calls.authorities.iter().filter_map(|name| usable(name)) {
                self.server(session.server, Source::Authority, &name);
                note_asked(&mut self.asked, session.client, session.server, &name);
            }
        }
        for one in facts.readable.iter().flat_map(|readable| &readable.registrations) {
            self.registered(Source::Registry, &one.service, &one.address);
        }
    }

    /// Takes in what datagrams announce.
    pub fn announced(&mut self, all: &[Announcement]) {
        for one in all {
            let source = match one.registration.registry {
                "dns" => Source::Dns,
                "mdns" | "memberlist" => Source::Mdns,
                _ => Source::Registry,
            };
            self.registered(source, &one.registration.service, &one.registration.address);
        }
    }

    /// How many places had no room.
    #[must_use]
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    fn add_leaf(&mut self, audited: &AuditedSession, end: Direction) {
        let Some(leaf) = proven_leaf(audited, end) else { return };
        let (map, at) = match end {
            Direction::ToClient => (&mut self.servers, audited.session.server),
            Direction::ToServer => (&mut self.hosts, audited.session.client.host()),
        };
        let Some(known) = place(map, at, &mut self.overflow) else { return };
        if known.leaves.contains(&leaf.sha256) {
            return;
        }
        if known.leaves.len() >= SHOWN_LEAVES {
            known.leaves.remove(0);
        }
        known.leaves.push(leaf.sha256);
        for name in leaf.details.iter().flat_map(|details| &details.names) {
            match name {
                SanName::Uri(name) if !name.contains('\\') => {
                    known.add(Source::CertificateUri, name);
                }
                // A wildcard names nobody, and limits what others may say.
                SanName::Dns(name) if name.starts_with("*.") => {
                    known.add(Source::CertificateDns, &name.to_ascii_lowercase());
                }
                SanName::Dns(name) => {
                    if let Some(name) = self.usable.of(name) {
                        known.add(Source::CertificateDns, name);
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes in what a client asked a server for.
    fn requested(&mut self, client: Endpoint, server: Endpoint, said: &str) {
        let known = self.servers.get(&server).and_then(|known| known.requested.as_ref());
        if let Some((_, name)) = known.filter(|(first, _)| **first == *said) {
            return note_asked(&mut self.asked, client, server, name);
        }
        let Some(name) = self.usable.of(said) else { return };
        if let Some(known) = place(&mut self.servers, server, &mut self.overflow) {
            known.add(Source::Sni, name);
            known.requested.get_or_insert_with(|| (said.into(), name.into()));
        }
        note_asked(&mut self.asked, client, server, name);
    }

    fn server(&mut self, at: Endpoint, source: Source, name: &str) {
        if let Some(known) = place(&mut self.servers, at, &mut self.overflow) {
            known.add(source, name);
        }
    }

    /// Takes in that a service is said to be at an address, with a port or without.
    fn registered(&mut self, source: Source, service: &str, address: &str) {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let rest = rest.split(['/', '?']).next().unwrap_or_default();
        let Some((addr, port)) = super::services::address(rest) else { return };
        let Some(name) = usable(without_instance(service)) else { return };
        if !names_somebody(addr) {
            return;
        }
        match port {
            Some(port) => self.server(Endpoint::new(addr, port), source, &name),
            None => {
                let host = Endpoint::new(addr, 0);
                if let Some(known) = place(&mut self.hosts, host, &mut self.overflow) {
                    known.add(source, &name);
                }
            }
        }
    }
}

fn note_asked(
    asked: &mut Map<Endpoint, BTreeSet<String>>,
    client: Endpoint,
    server: Endpoint,
    name: &str,
) {
    if client.host() == server.host() {
        return;
    }
    let room = asked.len() < limits::NAMED_PLACES;
    if !room && !asked.contains_key(&client.host()) {
        return;
    }
    let names = asked.entry(client.host()).or_default();
    if names.len() <= limits::NAMES_OF_PLACE && !names.contains(name) {
        names.insert(name.to_owned());
    }
}

fn place<'a>(
    map: &'a mut Map<Endpoint, Known>,
    at: Endpoint,
    overflow: &mut u64,
) -> Option<&'a mut Known> {
    if map.len() >= limits::NAMED_PLACES && !map.contains_key(&at) {
        *overflow = overflow.saturating_add(1);
        return None;
    }
    Some(map.entry(at).or_default())
}

/// What the client asked for, when the server did not refuse.
fn requested_name(audited: &AuditedSession) -> Option<&str> {
    let tls = audited.session.facts.tls.as_deref()?;
    if tls.established == Seen::Value(false) || !tls.server_hello.is_value() {
        return None;
    }
    tls.client_hello.value()?.sni.as_deref()
}

/// Addresses that are the same on every host, or of many hosts at once, say nothing of one.
pub(super) fn names_somebody(addr: IpAddr) -> bool {
    let addr = addr.to_canonical();
    !addr.is_loopback() && !addr.is_multicast() && !addr.is_unspecified()
}

/// A host name or a service's name in lower case, without port and last dot; nothing when it could not tell a service
/// from others: an address, `localhost`, a text with anything else than letters, digits, dots, hyphens and underscores.
pub(super) fn usable(name: &str) -> Option<String> {
    const LONGEST: usize = 253;
    let bare = match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => name,
    };
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let fits = !bare.is_empty() && bare.len() <= LONGEST && bare.bytes().all(plain);
    if !fits
        || !bare.bytes().any(|byte| byte.is_ascii_alphabetic())
        || bare.parse::<IpAddr>().is_ok()
    {
        return None;
    }
    let name = bare.to_ascii_lowercase();
    let first = name.split('.').next()?;
    let last = name.rsplit('.').next()?;
    let nobody = ["localhost", "localdomain"];
    (!nobody.contains(&first) && !nobody.contains(&last)).then_some(name)
}

/// The service's part of a registry's key: `orders` of `/services/orders/7587870460982` and of `orders/10.0.0.9:80`.
fn without_instance(key: &str) -> &str {
    let service =
        |part: &&str| usable(part).is_some() && part.bytes().any(|b| b.is_ascii_alphabetic());
    let mut parts = key.rsplit('/').filter(|part| !part.is_empty());
    let last = parts.next().unwrap_or_default();
    let instance = !service(&last)
        || last.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
            && last.bytes().any(|byte| byte.is_ascii_digit());
    if instance { parts.next().unwrap_or(last) } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_that_could_name_a_service_are_names() {
        let expected = [
            ("Payments.Internal.", "payments.internal"),
            ("payments:8443", "payments"),
            ("a_b-c", "a_b-c"),
        ];
        for (said, name) in expected {
            assert_eq!(usable(said).as_deref(), Some(name));
        }
        let long = "a".repeat(300);
        for nobody in [
            "",
            ".",
            "10.0.0.1",
            "10.0.0.1:80",
            "[::1]:80",
            "::1",
            "localhost",
            "localhost:80",
            "x.localhost",
            "localhost.localdomain",
            "a b",
            "a\\u{1b}",
            "*.a",
            "123",
            &long,
        ] {
            assert_eq!(usable(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn an_endpoint_is_called_what_clients_can_find_it_by() {
        let mut evidence = Evidence::default();
        evidence.registered(Source::Dns, "api.shop.internal", "10.0.0.9");
        evidence.registered(Source::Dns, "_grpc.tcp.shop", "10.0.0.9:443");
        evidence.registered(Source::Registry, "orders", "10.0.0.9:443");
        evidence.registered(Source::Registry, "orders.shop.internal", "10.0.0.9:443");
        evidence.registered(Source::Registry, "other.shop.internal", "10.0.0.9:444");
        let at = Endpoint::new([10, 0, 0, 9].into(), 443);
        assert_eq!(evidence.called(at), ["api.shop.internal", "orders.shop.internal"]);
        for number in 0..limits::NAMES_OF_PLACE {
            evidence.registered(Source::Dns, &format!("n{number}.shop.internal"), "10.0.0.9");
        }
        assert_eq!(evidence.called(at), [""; 0], "too many to know");
    }

    #[test]
    fn an_instance_is_no_part_of_a_services_name() {
        for key in [
            "orders",
            "/services/orders",
            "orders/7587870460982",
            "orders/10.0.0.9:80",
            "/a/orders/4f3a-11",
        ] {
            assert_eq!(without_instance(key), "orders", "{key}");
        }
    }
}
