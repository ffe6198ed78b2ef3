//! What a policy says of an edge, and what was seen against it.

use super::{IdentityRank, Party, Sighting};
use crate::model::{Moment, Place, Seen, Severity, Timestamp};

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
    pub told_by: IdentityRank,
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
