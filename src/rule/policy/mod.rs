//! The policy: who may talk to whom, and how.
//!
//! Takes the user's `policy.toml`; gives the entry that speaks of an edge. Knows names, ports and demands, never packets.
//! `docs/policy.md` is the user's page of it.

mod diff;
mod pattern;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use diff::{diff, diff_seen};
pub use pattern::{exactly, glob_matches, identity_fits};
pub use write::{Draft, policy_text};

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::inspect::tls::version_name;
use crate::model::{Diagnostic, EntryStanding, Place, PolicyStanding, Severity, Timestamp};
use pattern::{Closeness, is_exact};

use super::source::{nearest, suggestion};

/// How private and authenticated an edge must be, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Require {
    /// It may be readable.
    Any,
    /// TLS, with or without a client certificate.
    Tls,
    /// TLS with certificates of both ends.
    Mtls,
}

impl Require {
    /// All of them, least first.
    pub const ALL: [Self; 3] = [Self::Any, Self::Tls, Self::Mtls];

    /// The word in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Tls => "tls",
            Self::Mtls => "mtls",
        }
    }
}

/// What an edge must be when its entry does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Demand {
    /// How private and authenticated.
    pub require: Require,
    /// The lowest TLS version, by its number on the wire; 0 for any.
    pub tls_min: u16,
}

impl Default for Demand {
    fn default() -> Self {
        Self { require: Require::Mtls, tls_min: 0x0303 }
    }
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Patterns of callers' names.
    pub from: Vec<String>,
    /// Patterns of the names of those who are called.
    pub to: Vec<String>,
    /// Ports, sorted; empty for all.
    pub ports: Vec<u16>,
    /// The edge must not be.
    pub deny: bool,
    /// What it must be.
    pub demand: Demand,
    /// Patterns of identities of the client; empty when it does not matter.
    pub clients: Vec<String>,
    /// Patterns of identities of the server; empty when it does not matter.
    pub servers: Vec<String>,
    /// Patterns of methods; empty when it does not matter.
    pub methods: Vec<String>,
    /// Why it may be weaker than the defaults.
    pub reason: String,
    /// The first moment at which it no longer may.
    pub until: Option<Timestamp>,
}

impl Terms {
    /// Who calls whom, in words: `orders -> payments:8443`.
    #[must_use]
    pub fn edge(&self) -> String {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        let ports = if ports.is_empty() { "*".to_owned() } else { ports.join(",") };
        format!("{} -> {}:{ports}", self.from.join(","), self.to.join(","))
    }

    /// What the edge must be, in words.
    #[must_use]
    pub(crate) fn demanded(&self) -> String {
        if self.deny {
            return "must not be".to_owned();
        }
        let version = match (self.demand.require, self.demand.tls_min) {
            (Require::Any, _) | (_, 0) => None,
            (_, version) => Some(format!("TLS {} or later", version_word(version))),
        };
        let listed = |what: &str, all: &[String]| {
            (!all.is_empty()).then(|| format!("{what} {}", all.join(" or ")))
        };
        let parts = [
            Some(self.demand.require.name().to_owned()),
            version,
            listed("client", &self.clients),
            listed("server", &self.servers),
            listed("methods", &self.methods),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// An entry with its places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyEdge {
    /// What it says.
    pub terms: Terms,
    /// Whether it demands less than the defaults.
    pub weaker: bool,
    /// Where it begins.
    pub place: Place,
    /// Where it says what the edge must be, when it does.
    pub require_place: Option<Place>,
    /// Where it says the lowest version, when it does.
    pub tls_min_place: Option<Place>,
    /// Where it says who the client is.
    pub clients_place: Option<Place>,
    /// Where it says who the server is.
    pub servers_place: Option<Place>,
    /// Where it says what may be called.
    pub methods_place: Option<Place>,
    /// Every name in `from` and `to`, with its place.
    pub names: Vec<(String, Place)>,
}

impl PolicyEdge {
    /// What it demands at a moment: once a weaker permission has ended, what the defaults demand.
    #[must_use]
    pub fn demand_at(&self, at: Timestamp, defaults: Demand) -> Demand {
        match self.terms.until {
            Some(end) if end <= at => defaults,
            _ => self.terms.demand,
        }
    }
}

/// A policy that was read and found sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// The file as the user named it. Escaped.
    pub file: String,
    /// SHA-256 of its text, hexadecimal.
    pub digest: String,
    /// How bad an edge without an entry is; `None` for not at all.
    pub unknown_edges: Option<Severity>,
    /// Where that is said.
    pub unknown_place: Place,
    /// What entries demand that do not say.
    pub defaults: Demand,
    /// The entries, in the order of the file.
    pub edges: Vec<PolicyEdge>,
    /// Entries of one name for each end, neither a pattern, by these names: a policy that was learned has no others.
    pairs: HashMap<(String, String), Vec<usize>>,
    /// All other entries.
    open: Vec<usize>,
}

/// The entry that speaks of an edge.
#[derive(Clone, Copy, Debug)]
pub struct Found<'p> {
    /// Its place among [`Policy::edges`].
    pub number: usize,
    /// The entry.
    pub edge: &'p PolicyEdge,
    /// It names the server by `*` alone, which every server is.
    pub any_server: bool,
}

impl Policy {
    /// The entry that speaks of an edge: the one with more ends named without a wildcard; else the one that has ports;
    /// else the one with more characters that are not wildcards; else the one that comes first.
    #[must_use]
    pub fn find(&self, client: &str, server: &str, port: u16) -> Option<Found<'_>> {
        let pair = self.pairs.get(&(exactly(client), exactly(server)));
        let candidates = pair.into_iter().flatten().chain(&self.open).copied();
        let speaks = |number: usize| {
            let terms = &self.edges.get(number)?.terms;
            Some((Closeness::of(terms, client, server, port)?, Reverse(number)))
        };
        let (closeness, Reverse(number)) = candidates.filter_map(speaks).max()?;
        let edge = self.edges.get(number)?;
        Some(Found { number, edge, any_server: closeness.any_server })
    }

    fn new(
        (unknown_edges, unknown_place): (Option<Severity>, Place),
        defaults: Demand,
        edges: Vec<PolicyEdge>,
    ) -> Self {
        let mut pairs: HashMap<(String, String), Vec<usize>> = HashMap::new();
        let mut open = Vec::new();
        for (number, edge) in edges.iter().enumerate() {
            match (edge.terms.from.as_slice(), edge.terms.to.as_slice()) {
                ([from], [to]) if is_exact(from) && is_exact(to) => {
                    pairs.entry((from.clone(), to.clone())).or_default().push(number);
                }
                _ => open.push(number),
            }
        }
        let (file, digest) = Default::default();
        Self { file, digest, unknown_edges, unknown_place, defaults, edges, pairs, open }
    }

    /// Its entries before anything was seen.
    #[must_use]
    pub(crate) fn standing(&self) -> PolicyStanding {
        let entry = |edge: &PolicyEdge| EntryStanding {
            edge: edge.terms.edge(),
            demand: edge.terms.demanded(),
            line: edge.place.line,
            reason: edge.terms.reason.clone(),
            until: edge.terms.until,
            deny: edge.terms.deny,
            ..EntryStanding::default()
        };
        PolicyStanding {
            file: self.file.clone(),
            digest: self.digest.clone(),
            entries: self.edges.iter().map(entry).collect(),
            unexpected: Vec::new(),
        }
    }

    /// Names of entries that are neither patterns nor addresses and that nobody has.
    #[must_use]
    pub fn unknown_names(&self, known: &[&str]) -> Vec<Diagnostic> {
        let mut unknown = Vec::new();
        for (name, place) in self.edges.iter().flat_map(|edge| &edge.names) {
            let open = !is_exact(name) || name.parse::<std::net::IpAddr>().is_ok();
            if open || known.contains(&name.as_str()) {
                continue;
            }
            let mut place = place.clone();
            place.label = suggestion(nearest(name, known.iter().copied()));
            let message = "the policy names a service that services.toml does not define";
            unknown.push(Diagnostic::error("policy-service", message).at(place));
        }
        unknown
    }

    /// What to say of weaker permissions that had ended at a moment.
    #[must_use]
    pub fn expired(&self, at: Timestamp) -> Vec<Diagnostic> {
        let ended = |edge: &PolicyEdge| {
            let end = edge.terms.until.filter(|end| *end <= at)?;
            let message = format!(
                "the permission of {} ended on {}: the defaults hold for it again",
                edge.terms.edge(),
                last_day(end)
            );
            let place = Place { text: String::new(), label: String::new(), ..edge.place.clone() };
            let said = Diagnostic::warning("policy-expired", message).at(place);
            let said = said.note(format!("reason was \"{}\"", edge.terms.reason));
            Some(said.help("fix it, or set a new date with a new reason"))
        };
        self.edges.iter().filter_map(ended).collect()
    }
}

/// The last day before a moment, as policies write it.
#[must_use]
pub(crate) fn last_day(end: Timestamp) -> String {
    let text = end.plus_seconds(-1).to_string();
    text.split_once('T').map_or_else(|| text.clone(), |(day, _)| day.to_owned())
}

/// A TLS version as policies write it: `1.2`.
#[must_use]
pub(crate) fn version_word(version: u16) -> String {
    if version == 0 {
        return "any".to_owned();
    }
    let name = version_name(version);
    name.strip_prefix("TLSv").unwrap_or(&name).to_owned()
}
