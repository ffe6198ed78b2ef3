//! One credential at one server over a run, and who is let in without any.

use super::{Credential, Party, Token};
use crate::model::{Endpoint, Moment, Seen};

/// One credential that was shown to one server address and port, over all sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialAt {
    /// The credential as it was first seen there.
    pub credential: Credential,
    /// What it says of itself, when it is a JSON Web Token.
    pub token: Option<Token>,
    /// The number of its secret within the run, from 1 in the order of first sight: equal secrets have equal numbers.
    pub ordinal: u64,
    /// Whom it was shown to.
    pub server: Party,
    /// On which port.
    pub port: u16,
    /// What carried it, by the name of the protocol.
    pub protocol: Option<&'static str>,
    /// Sessions in which it was shown.
    pub sessions: u64,
    /// Of them, sessions in which it crossed readable.
    pub in_clear: u64,
    /// Of them, sessions that never left a machine.
    pub loopback: u64,
    /// How often it was sent.
    pub count: u64,
    /// Whether the server let it in, where it said so.
    pub accepted: Seen<bool>,
    /// Addresses that showed it to this server.
    pub sources: u64,
    /// Addresses that showed it to any server and were not shown it themselves, as a gateway that passes it on is.
    pub independent_sources: u64,
    /// Servers that were shown it.
    pub servers: u64,
    /// Distinct secrets that this server let this principal in with.
    pub secrets_of_principal: u64,
    /// First use.
    pub first: Moment,
    /// Last session's last packet.
    pub last: Moment,
    /// Evidence samples.
    pub samples: Vec<(Moment, Endpoint, Endpoint)>,
}

/// Who is let in at a server endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EndpointAccess {
    /// Methods that were served both to callers with a credential and to callers without, sorted.
    pub open_methods: Vec<String>,
    /// Names under which registries were told or told of this address and port, sorted.
    pub registered_as: Vec<String>,
    /// Of them, those that no certificate it presented supports; nothing when it presented none.
    pub unproven_names: Vec<String>,
}

/// How callers of an edge say who they are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EdgeAccess {
    /// Readable calls that were served.
    pub served: u64,
    /// Readable calls that carried a credential.
    pub authenticated: u64,
    /// A session of the edge authenticated as a whole: a login, a client certificate.
    pub authenticated_session: bool,
    /// Names that this address gave itself anywhere in the run.
    pub names_of_client: u64,
    /// Some traffic of the edge is missing.
    pub incomplete: bool,
    /// It never leaves a machine.
    pub loopback: bool,
}
