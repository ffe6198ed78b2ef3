//! What a run counts by place, for inventories: cipher suites, and what rules could not decide.

use super::{Party, Text, Timestamp};

/// One protocol version and cipher suite that a server endpoint agreed on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SuiteRow {
    /// The server.
    pub server: Party,
    /// Its port.
    pub port: u16,
    /// Version on the wire, as in `supported_versions` (RFC 8446 section 4.2.1).
    pub version: u16,
    /// Number of the suite in the registry of TLS.
    pub suite: u16,
    /// Number of the key exchange's group, where one was seen.
    pub group: Option<u16>,
    /// In how many sessions.
    pub sessions: u64,
    /// First packet of the first of them.
    pub first: Timestamp,
    /// Last packet of the last of them.
    pub last: Timestamp,
}

/// How often a rule could not decide between one client and one server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct UndecidedAt {
    /// The rule's code.
    pub rule: Text,
    /// The client's name; empty where the rule is about no client.
    pub client: Text,
    /// The server's name; empty where the rule is about no server.
    pub server: Text,
    /// The server's port; 0 where the rule is about no server.
    pub port: u16,
    /// How many sessions (certificates, endpoints) it could not decide.
    pub count: u64,
}

/// Every place at which rules could not decide.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Undecided {
    /// By rule, client, server and port.
    pub places: Vec<UndecidedAt>,
    /// Whether there were more than are kept: then nothing may be called decided for not being listed.
    pub cut: bool,
}
