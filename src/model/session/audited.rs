//! What the audit makes of sessions: a verdict on each, and what many of them say of a certificate, an endpoint, an edge.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ecow::EcoString;

use super::{
    AcrossRun, Descent, EdgeAccess, EdgeUse, EndpointAccess, Inherited, Refusals, Session,
};
use crate::model::net::V4Text;
use crate::model::{
    Certificate, ChainFaults, Confidence, Direction, Endpoint, Moment, Particulars, Place,
    Postures, Realm, Seen, SeenChain, Text, Timestamp, Value,
};

/// How private and authenticated a session is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Posture {
    /// TLS, both ends presented certificates, and the handshake completed.
    Mtls,
    /// TLS, and the client did not authenticate with a certificate.
    Tls,
    /// TLS, and whether the client authenticated could not be told.
    TlsOpaque,
    /// Application bytes crossed readable.
    Plaintext,
    /// Not enough of the session was seen, or the protocol is not recognised.
    Unknown,
}

impl Posture {
    /// All of them, best first.
    pub const ALL: [Self; 5] =
        [Self::Mtls, Self::Tls, Self::TlsOpaque, Self::Plaintext, Self::Unknown];

    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mtls => "mtls",
            Self::Tls => "tls",
            Self::TlsOpaque => "tls-opaque",
            Self::Plaintext => "plaintext",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Posture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the client did to authenticate itself in TLS.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ClientAuth {
    /// The server did not ask for a certificate.
    NotRequested,
    /// The server asked, and the client sent an empty list.
    Declined,
    /// The client sent a certificate.
    Presented,
}

impl ClientAuth {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotRequested => "not-requested",
            Self::Declined => "declined",
            Self::Presented => "presented",
        }
    }
}

/// A session with its verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditedSession {
    /// Its number within the run, from 1, in the order sessions ended; a resumed one counts behind its origin.
    pub number: u64,
    /// The session.
    pub session: Session,
    /// Who called.
    pub client: Party,
    /// Who was called.
    pub server: Party,
    /// The verdict.
    pub posture: Posture,
    /// How it is known: `observed`, `inferred`, `inherited`, and later `decrypted`.
    pub evidence: &'static str,
    /// How sure it is; what was read is sure.
    pub confidence: Confidence,
    /// Why, in a few words.
    pub posture_why: &'static str,
    /// What the client did to authenticate itself.
    pub client_auth: Seen<ClientAuth>,
    /// For a resumed session, where its verdict comes from.
    pub inherited: Option<Box<Inherited>>,
    /// The server's chain, parsed.
    pub server_chain: Vec<Arc<Certificate>>,
    /// The client's chain, parsed.
    pub client_chain: Vec<Arc<Certificate>>,
    /// What is right and wrong with the server's chain.
    pub server_outcome: SeenChain,
    /// What is right and wrong with the client's chain.
    pub client_outcome: SeenChain,
    /// What earlier sessions of the run say of this one.
    pub recalled: Recalled,
}

/// What earlier sessions of the run say of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recalled {
    /// Seconds since TLS between the same client and server endpoint failed, when this session is readable.
    pub since_tls_failure: Option<u64>,
    /// Its requests that an earlier session from the same address had made, byte for byte.
    pub repeated: u64,
    /// Its requests that an earlier session from another address had made, byte for byte.
    pub repeated_elsewhere: u64,
    /// It resumes by a ticket or session id that was given to, or last used by, another address.
    pub ticket_from_elsewhere: bool,
    /// Whole days for which its server has named the same ticket key; `None` where it gave out no ticket in clear, or the
    /// key's name is new.
    pub ticket_key_days: Option<u64>,
    /// The first of these requests.
    pub repeated_at: Option<Moment>,
}

impl AuditedSession {
    /// The certificate of one end: shown in this session, or in the one that it resumes.
    #[must_use]
    pub fn leaf(&self, end: Direction) -> Option<&Arc<Certificate>> {
        let inherited = self.inherited.as_deref().map(|inherited| &inherited.shown);
        let (own, earlier) = match end {
            Direction::ToClient => (&self.server_chain, inherited.map(|shown| &shown.server_chain)),
            Direction::ToServer => (&self.client_chain, inherited.map(|shown| &shown.client_chain)),
        };
        own.first().or_else(|| earlier.and_then(|chain| chain.first()))
    }
}

/// Who one end of an edge is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Party {
    /// The service's name; its address when nothing better is known. Escaped.
    pub service: Text,
    /// Its address.
    pub addr: std::net::IpAddr,
    /// What tells it from another one at the same address.
    pub realm: Realm,
    /// How it got its name: `unmapped` for an address.
    pub how: &'static str,
    /// What the user's services file says of it.
    pub profile: Option<Arc<Profile>>,
}

/// What the user's services file says of a service. All text is escaped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Profile {
    /// Who answers for it.
    pub owner: Option<String>,
    /// How much depends on it: a word of the user's.
    pub tier: Option<String>,
    /// What it is for: a word of the user's, `discovery` for a registry.
    pub kind: Option<String>,
    /// The entry.
    pub place: Place,
}

impl Party {
    /// A party of which only the address is known.
    #[must_use]
    pub fn unmapped(host: Endpoint) -> Self {
        let Endpoint { addr, realm, .. } = host;
        Self { service: address_text(addr), addr, realm, how: Self::UNMAPPED, profile: None }
    }

    /// How a party is named that has no name.
    pub const UNMAPPED: &'static str = "unmapped";

    /// Its endpoint with this port.
    #[must_use]
    pub fn at(&self, port: u16) -> Endpoint {
        Endpoint::new(self.addr, port).within(self.realm)
    }

    /// Whether the user's services file names it.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.how != Self::UNMAPPED && !self.how.starts_with("learned-")
    }

    /// By what it is known, for people; nothing where the user's file says it by address, and where it has no name.
    #[must_use]
    pub fn known_by(&self) -> Option<&'static str> {
        Some(match self.how {
            "spiffe" | "learned-spiffe" => "by SPIFFE id",
            "san" | "learned-san" => "by certificate",
            "sni" | "learned-sni" => "by SNI",
            "authority" | "learned-authority" => "by HTTP authority",
            "learned-registry" => "by registry",
            "learned-dns" => "by DNS",
            "learned-mdns" => "by multicast",
            _ => return None,
        })
    }

    /// What of its profile the user's services file says.
    #[must_use]
    pub fn told(&self, of: impl FnOnce(&Profile) -> Option<&str>) -> Seen<Value<'_>> {
        self.profile.as_deref().and_then(of).map(Value::text).into()
    }

    /// Who answers for it, as the user's services file says.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.profile.as_deref()?.owner.as_deref()
    }
}

/// An address as it is written.
pub(crate) fn address_text(addr: IpAddr) -> EcoString {
    match addr {
        IpAddr::V4(addr) => V4Text::of(addr).as_str().into(),
        IpAddr::V6(addr) => ecow::eco_format!("{addr}"),
    }
}

/// One certificate at one place, over all sessions that showed it there.
#[derive(Clone, Debug)]
pub struct CertificateAt {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// Who presented it: a server or a client.
    pub role: Direction,
    /// Its place in the chain, 0 for the leaf.
    pub position: usize,
    /// How many certificates the chain had.
    pub chain_length: usize,
    /// Who presented it.
    pub party: Party,
    /// The server's port; for a client's certificate, of the server it was shown to.
    pub port: u16,
    /// Names that clients asked this endpoint for while it showed the certificate; bounded, sorted.
    pub requested_names: Vec<String>,
    /// Whether a client connected without naming a server.
    pub asked_without_name: bool,
    /// Host names by which this endpoint is found, where a client named none: answers of name servers, registries,
    /// announcements, and the user's services file; bounded, sorted. Known at the end of the run.
    pub called: Vec<String>,
    /// Distinct endpoints (servers) or addresses (clients) that showed the same leaf, over the run.
    pub holders: u64,
    /// Distinct names that clients asked those holders for.
    pub holder_names: u64,
    /// Whether the same leaf was shown by a server and by a client at a different address.
    pub both_roles: bool,
    /// What other places make of it; known at the end of the run.
    pub across: AcrossRun,
    /// How the other ends took it.
    pub refused: Refusals,
    /// For a client's certificate: sessions in which the server showed the same one.
    pub same_as_server: u64,
    /// First and last session that showed it here.
    pub first: Moment,
    /// Last session that showed it here.
    pub last: Moment,
    /// How many sessions showed it here.
    pub sessions: u64,
    /// In how many of them the handshake completed.
    pub established: u64,
    /// What is right and wrong with the chain of this leaf, when it was last shown here; absent for other certificates.
    pub outcome: SeenChain,
    /// What was wrong with it in any session here.
    pub faults: ChainFaults,
    /// Evidence samples: where it was shown, and the connection.
    pub samples: Vec<(Moment, Endpoint, Endpoint)>,
}

/// What one client made of one server's certificate over the run: whether it went on, and whether it should have.
#[derive(Clone, Debug)]
pub struct RelianceFacts {
    /// Who relies on the certificate, or refuses to.
    pub client: Party,
    /// Who showed it.
    pub server: Party,
    /// The server's port.
    pub port: u16,
    /// The leaf.
    pub certificate: Arc<Certificate>,
    /// What was wrong with its chain in sessions in which the client went on, as far as a client that verifies does not
    /// accept it.
    pub faults: ChainFaults,
    /// What was wrong with its chain in sessions in which the client refused.
    pub refused_faults: ChainFaults,
    /// Names that the client asked for when it went on; bounded, sorted.
    pub requested_names: Vec<String>,
    /// Sessions in which it went on and sent application data.
    pub accepted: u64,
    /// Sessions in which it refused the certificate.
    pub refused: u64,
    /// Other clients that went on after the same leaf.
    pub others_accepted: u64,
    /// Other clients that refused the same leaf and never went on after it.
    pub others_refused: u64,
    /// Sessions in which it gave up as clients do that refuse, under TLS 1.3, where neither certificate nor alert was
    /// read and the endpoint shows this leaf alone.
    pub refused_inferred: u64,
    /// Other clients of which only that is known.
    pub others_refused_inferred: u64,
    /// First session.
    pub first: Moment,
    /// Last session.
    pub last: Moment,
    /// Evidence samples: where it went on, and the connection.
    pub samples: Vec<(Moment, Endpoint, Endpoint)>,
}

/// One server address and port over the run.
#[derive(Clone, Debug)]
pub struct EndpointFacts {
    /// Who it is.
    pub server: Party,
    /// Its port.
    pub port: u16,
    /// Sessions by posture.
    pub postures: Postures,
    /// Protocols seen, by name.
    pub protocols: Vec<String>,
    /// Distinct clients.
    pub clients: u64,
    /// First sample of a plaintext session and of a TLS session, for evidence.
    pub samples: Vec<(Moment, Endpoint, Endpoint)>,
    /// First and last packet.
    pub first: Moment,
    /// Last packet.
    pub last: Moment,
    /// Whether any session with it was captured in one direction only or has holes.
    pub incomplete: bool,
    /// Who is let in.
    pub access: EndpointAccess,
    /// Versions, and how postures are known.
    pub particulars: Particulars,
}

/// One client address talking to one server address and port over the run.
#[derive(Clone, Debug)]
pub struct EdgeFacts {
    /// Who calls.
    pub client: Party,
    /// Who is called.
    pub server: Party,
    /// On which port.
    pub port: u16,
    /// Sessions by posture.
    pub postures: Postures,
    /// Protocols seen, by name.
    pub protocols: Vec<String>,
    /// First and last packet.
    pub first: Moment,
    /// Last packet.
    pub last: Moment,
    /// Bytes in both directions.
    pub bytes: u64,
    /// How the strongest postures ended.
    pub descent: Descent,
    /// Sessions and bytes by hour and posture.
    pub hours: Vec<(Timestamp, Posture, u64, u64)>,
    /// How the caller says who it is.
    pub access: EdgeAccess,
    /// What its sessions used: versions, who the ends are, what is called. Shared with what was published of it.
    pub used: Arc<EdgeUse>,
}
