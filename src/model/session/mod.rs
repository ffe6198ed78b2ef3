//! What is known of one connection, and what the audit builds from many.

mod audited;
mod calls;
mod change;
mod credential_at;
mod edge_use;
mod end_identity;
mod inference;
mod inherited;
mod policy_facts;
mod readable;
mod tls;
mod token;

pub(crate) use audited::address_text;
pub use audited::{
    AuditedSession, CertificateAt, ClientAuth, EdgeFacts, EndpointFacts, Party, Posture, Profile,
    Recalled, RelianceFacts,
};
pub use calls::{Call, CallFacts};
pub use change::{
    AcrossRun, ChangeFacts, Descent, Earlier, EarlierEdge, EndTraits, Refusals, Showing,
};
pub use credential_at::{CredentialAt, EdgeAccess, EndpointAccess};
pub(crate) use edge_use::room_for_one;
pub use edge_use::{
    EdgeUse, EndUse, Method, Particulars, Sighting, Unseen, Used, Version, counted,
};
pub use end_identity::{EndIdentity, Identity, IdentityRank};
pub use inference::{ClientStep, Inference, ServerStep};
pub use inherited::{Inherited, Link, Shown};
pub use policy_facts::{Aspect, PolicyFacts};
pub use readable::{
    Claim, Credential, CredentialKind, Exposure, NameMove, Program, ReadableFacts, Registration,
    SensitiveData, SensitiveKind, Upgrade, UpgradeState,
};
pub use tls::{
    Alert, Answer, CertificateRequest, ClientHello, ClientOffer, Decryption, KeyExchange, Keys,
    OfferedVersions, RecordFact, ServerHello, TlsFacts,
};
pub use token::{RequestPrint, SetCookie, Token};

use super::{CommunityId, Endpoint, Moment, PerDirection, Transport};

/// One connection, after its last packet: of TCP, or a conversation over UDP that a protocol makes one of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Who called.
    pub client: Endpoint,
    /// Who was called.
    pub server: Endpoint,
    /// How client and server were told apart.
    pub roles: Roles,
    /// First packet.
    pub first: Moment,
    /// Last packet.
    pub last: Moment,
    /// Packets and payload bytes.
    pub traffic: PerDirection<Traffic>,
    /// 802.1Q tag of the first frame.
    pub vlan: Option<u16>,
    /// Time to live or hop limit of the first segment with payload; 0 before there is one.
    pub hops: PerDirection<u8>,
    /// Whether the capture has the connection's beginning.
    pub start_seen: bool,
    /// How it ended.
    pub end: EndState,
    /// The first FIN or reset of either side.
    pub closed: PerDirection<Option<Moment>>,
    /// What reassembly met.
    pub stream: StreamFacts,
    /// What carried the bytes (`tls`, `http/1.1`, `h2`, `grpc`), by a name of the table of protocols.
    pub protocol: Option<&'static str>,
    /// What the inspectors learned.
    pub facts: Facts,
}

impl Session {
    /// A connection of which no more is known than that it began at this moment.
    #[must_use]
    pub fn begun(client: Endpoint, server: Endpoint, roles: Roles, at: Moment) -> Self {
        Self {
            client,
            server,
            roles,
            first: at,
            last: at,
            traffic: PerDirection { to_server: Traffic::default(), to_client: Traffic::default() },
            vlan: None,
            hops: PerDirection::default(),
            start_seen: true,
            end: EndState::Open,
            closed: PerDirection::default(),
            stream: StreamFacts::default(),
            protocol: None,
            facts: Facts::default(),
        }
    }

    /// The connection's Community ID.
    #[must_use]
    pub fn community_id(&self) -> CommunityId {
        CommunityId::of(self.client, self.server)
    }

    /// What carried it.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.server.transport
    }

    /// Whether payload was captured in one direction only although the other side must have spoken.
    #[must_use]
    pub fn one_sided(&self) -> bool {
        (self.traffic.to_server.packets == 0) != (self.traffic.to_client.packets == 0)
    }
}

/// Packets and payload of one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Segments of TCP, or datagrams.
    pub packets: u64,
    /// Payload bytes as captured, retransmissions included.
    pub bytes: u64,
}

/// How client and server were told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Roles {
    /// By the SYN.
    Syn,
    /// By what they said: a ClientHello, a request, who asked for a conversation over UDP.
    Content,
    /// A guess: the lower port is the server's, else who spoke second.
    Guess,
}

impl Roles {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::Content => "content",
            Self::Guess => "guess",
        }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndState {
    /// Both sides said FIN.
    Fin,
    /// One side reset it.
    Rst,
    /// It fell silent.
    Timeout,
    /// The capture ended first, or the flow table was full.
    Open,
    /// It had not ended when this was told of it; it is told of again.
    Going,
}

impl EndState {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Timeout => "timeout",
            Self::Open | Self::Going => "open",
        }
    }
}

/// What reassembly met in one connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StreamFacts {
    /// Bytes that the capture does not have, per direction.
    pub gap_bytes: PerDirection<u64>,
    /// Payload bytes that had been seen before.
    pub retransmitted: u64,
    /// Overlapping segments that said something else than the ones before them; the first one counts.
    pub conflicting_overlaps: u32,
    /// Segments cut off by the capture's snapshot length.
    pub cut_segments: u32,
    /// Whether a bound of reassembly was reached.
    pub bound_reached: bool,
}

/// What inspectors learned of one connection. A connection that changes its protocol (an upgrade) fills several.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// TLS, when a TLS record was seen.
    pub tls: Option<Box<TlsFacts>>,
    /// Calls that crossed readable.
    pub calls: Option<Box<CallFacts>>,
    /// What crossed readable besides: credentials, claims, upgrades, registrations.
    pub readable: Option<Box<ReadableFacts>>,
    /// The first readable application bytes, when there were any: proof of plaintext.
    pub plaintext: Option<Moment>,
    /// What the first bytes of an unrecognised protocol look like.
    pub first_bytes: Option<FirstBytes>,
    /// A client that spoke plaintext was answered with a TLS alert, or a ClientHello with something else than TLS.
    pub mismatch: Option<Evident<&'static str>>,
    /// What the bytes turned out to be, where that says more than the protocol that was recognised (`grpc` within `h2`).
    pub protocol: Option<&'static str>,
}

/// Something with the moment that proves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evident<T> {
    /// What.
    pub value: T,
    /// Where.
    pub at: Moment,
}

/// What unrecognised first bytes look like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FirstBytes {
    /// Printable.
    Text,
    /// Not printable, with structure.
    Binary,
    /// As random as encrypted or compressed bytes are.
    HighEntropy,
}

impl FirstBytes {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
            Self::HighEntropy => "high-entropy",
        }
    }
}
