//! What crossed an edge, as far as a policy can speak of it, and what a policy says of it.

use std::sync::Arc;

use super::{Party, Posture};
use crate::model::{
    Certificate, Endpoint, Moment, Place, SanName, Seen, Severity, Timestamp, limits,
};

/// Where something was seen: the frame, the client's end, the server's end.
pub type Sighting = (Moment, Endpoint, Endpoint);

/// Something that sessions of an edge used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Used<T> {
    /// What.
    pub what: T,
    /// In how many sessions.
    pub sessions: u64,
    /// The earliest.
    pub first: Sighting,
    /// The latest.
    pub last: Sighting,
}

/// What the sessions of an edge used. Lists are bounded and in the order of first use.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EdgeUse {
    /// Postures.
    pub postures: Vec<Used<Posture>>,
    /// Negotiated TLS versions.
    pub versions: Vec<Used<u16>>,
    /// Who called, where the caller proved or said it.
    pub callers: Vec<Used<EndIdentity>>,
    /// Who answered, by certificate.
    pub servers: Vec<Used<EndIdentity>>,
    /// What was called.
    pub methods: Vec<Used<Method>>,
    /// Sessions of which something could not be seen.
    pub unseen: Unseen,
    /// Sessions whose handshake failed: nothing crossed.
    pub failed: u64,
    /// Some list did not have room for all.
    pub cut: bool,
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

/// Who one end says it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndIdentity {
    /// The holder of a certificate.
    Certificate(Arc<Certificate>),
    /// The subject of a token that it showed. Escaped.
    Token(String),
    /// Nobody: it called readable and proved nothing.
    Nobody,
}

/// By what a caller is told, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ToldBy {
    /// A URI in its certificate: a SPIFFE id.
    Uri,
    /// A host name in its certificate.
    Dns,
    /// A certificate without either: an address, the common name, the digest.
    Certificate,
    /// The subject of its token.
    Token,
    /// The address that it calls from.
    Address,
    /// Text that it sends.
    Text,
}

impl ToldBy {
    /// The words in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uri => "URI in its certificate",
            Self::Dns => "host name in its certificate",
            Self::Certificate => "certificate",
            Self::Token => "token subject",
            Self::Address => "address",
            Self::Text => "text header",
        }
    }
}

/// One distinct call of an edge. Escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Method {
    /// `shop.Payments/Charge`, or HTTP method and path.
    pub name: String,
    /// Whether it is a method of a service, not a plain HTTP request.
    pub rpc: bool,
    /// Answers that say success.
    pub succeeded: u64,
    /// Answers that say anything else.
    pub failed: u64,
}

impl EndIdentity {
    /// All names, best first: URIs, host names, addresses; else the common name, else the digest.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Certificate(certificate) => certificate_names(certificate),
            Self::Token(subject) => vec![format!("sub:{subject}")],
            Self::Nobody => Vec::new(),
        }
    }

    /// By what its best name is told.
    #[must_use]
    pub fn told_by(&self) -> ToldBy {
        match self {
            Self::Certificate(certificate) => {
                let names = certificate.details.as_ref().map(|details| details.names.as_slice());
                let names = names.unwrap_or_default();
                let any = |wanted: fn(&SanName) -> bool| names.iter().any(wanted);
                match () {
                    () if any(|name| matches!(name, SanName::Uri(_))) => ToldBy::Uri,
                    () if any(|name| matches!(name, SanName::Dns(_))) => ToldBy::Dns,
                    () => ToldBy::Certificate,
                }
            }
            Self::Token(_) => ToldBy::Token,
            Self::Nobody => ToldBy::Address,
        }
    }

    /// Whether the two are the same party: a certificate and the one that took its place are.
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Certificate(a), Self::Certificate(b)) => {
                a.sha256 == b.sha256 || self.names() == other.names()
            }
            _ => self == other,
        }
    }
}

fn certificate_names(certificate: &Certificate) -> Vec<String> {
    let digest = || vec![format!("sha256:{}", certificate.sha256)];
    let Some(details) = &certificate.details else { return digest() };
    let of = |wanted: fn(&SanName) -> Option<String>| details.names.iter().filter_map(wanted);
    let uris = of(|name| if let SanName::Uri(uri) = name { Some(uri.clone()) } else { None });
    let hosts = of(|name| if let SanName::Dns(host) = name { Some(host.clone()) } else { None });
    let addresses =
        of(|name| if let SanName::Ip(addr) = name { Some(format!("ip:{addr}")) } else { None });
    let names: Vec<String> = uris.chain(hosts).chain(addresses).collect();
    match (&details.common_name, names.is_empty()) {
        (_, false) => names,
        (Some(name), true) => vec![format!("cn:{name}")],
        (None, true) => digest(),
    }
}

impl<T> Used<T> {
    /// One use in one session.
    #[must_use]
    pub fn once(what: T, at: Sighting) -> Self {
        Self { what, sessions: 1, first: at, last: at }
    }

    fn join(&mut self, other: &Self) {
        self.sessions = self.sessions.saturating_add(other.sessions);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

impl EdgeUse {
    /// Counts a posture.
    pub fn add_posture(&mut self, used: Used<Posture>) {
        add(&mut self.postures, used, limits::USED_IDENTITIES, |a, b| a == b);
    }

    /// Counts a version.
    pub fn add_version(&mut self, used: Used<u16>) {
        self.cut |= !add(&mut self.versions, used, limits::USED_IDENTITIES, |a, b| a == b);
    }

    /// Counts a caller.
    pub fn add_caller(&mut self, used: Used<EndIdentity>) {
        if !add(&mut self.callers, used, limits::USED_IDENTITIES, |a, b| a.same(b)) {
            self.unseen.callers += 1;
            self.cut = true;
        }
    }

    /// Counts a server's identity.
    pub fn add_server(&mut self, used: Used<EndIdentity>) {
        if !add(&mut self.servers, used, limits::USED_IDENTITIES, |a, b| a.same(b)) {
            self.unseen.servers += 1;
            self.cut = true;
        }
    }

    /// Counts a call.
    pub fn add_method(&mut self, used: Used<Method>) {
        let known = self.methods.iter_mut().find(|known| known.what.name == used.what.name);
        if let Some(known) = known {
            known.what.succeeded = known.what.succeeded.saturating_add(used.what.succeeded);
            known.what.failed = known.what.failed.saturating_add(used.what.failed);
            known.join(&used);
        } else if self.methods.len() < limits::USED_METHODS {
            self.methods.push(used);
        } else {
            self.unseen.methods += 1;
            self.cut = true;
        }
    }

    /// Adds what the sessions of another edge used.
    pub fn merge(&mut self, other: &Self) {
        other.postures.iter().for_each(|used| self.add_posture(used.clone()));
        other.versions.iter().for_each(|used| self.add_version(used.clone()));
        other.callers.iter().for_each(|used| self.add_caller(used.clone()));
        other.servers.iter().for_each(|used| self.add_server(used.clone()));
        other.methods.iter().for_each(|used| self.add_method(used.clone()));
        self.unseen.versions += other.unseen.versions;
        self.unseen.callers += other.unseen.callers;
        self.unseen.tokens += other.unseen.tokens;
        self.unseen.servers += other.unseen.servers;
        self.unseen.methods += other.unseen.methods;
        self.failed += other.failed;
        self.cut |= other.cut;
    }
}

/// Counts a use; says whether there was room for it.
fn add<T>(
    list: &mut Vec<Used<T>>,
    used: Used<T>,
    most: usize,
    same: impl Fn(&T, &T) -> bool,
) -> bool {
    if let Some(known) = list.iter_mut().find(|known| same(&known.what, &used.what)) {
        known.join(&used);
        return true;
    }
    let room = list.len() < most;
    if room {
        list.push(used);
    }
    room
}

/// One thing that the policy says of one client, server and port, and one thing that was seen against it, if any was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyFacts {
    /// Who calls.
    pub client: Party,
    /// Who is called.
    pub server: Party,
    /// On which port.
    pub port: u16,
    /// What of the edge this is about.
    pub aspect: Aspect,
    /// Whether the policy has an entry for the edge.
    pub known: bool,
    /// Whether that entry forbids it.
    pub denied: bool,
    /// Whether it leads from an internal address to a public one.
    pub egress: bool,
    /// How bad the policy takes an edge that it has no entry for; `None` for not at all.
    pub unknown_edges: Option<Severity>,
    /// What the policy allows here, in words.
    pub expected: Vec<String>,
    /// What was seen that it does not allow: absent when all that was seen is allowed, hidden when only part was seen.
    pub violation: Seen<String>,
    /// Whether the server served it, where that is known: for calls.
    pub served: Option<bool>,
    /// The caller by its best name.
    pub caller: String,
    /// By what that is told.
    pub told_by: ToldBy,
    /// When the weaker permission of the entry ended, if it has.
    pub expired: Option<Timestamp>,
    /// In how many sessions.
    pub sessions: u64,
    /// First time.
    pub first: Moment,
    /// Last time.
    pub last: Moment,
    /// The line of the policy.
    pub place: Place,
    /// Evidence samples.
    pub samples: Vec<Sighting>,
}

/// What of an edge a policy can speak of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Aspect {
    /// That it is there.
    Edge,
    /// How private and authenticated it is.
    Posture,
    /// The TLS version.
    Version,
    /// Who calls.
    Caller,
    /// Who answers.
    Server,
    /// What is called.
    Method,
}

impl Aspect {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Posture => "posture",
            Self::Version => "version",
            Self::Caller => "caller",
            Self::Server => "server",
            Self::Method => "method",
        }
    }
}
