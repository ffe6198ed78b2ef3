//! What is known of one connection, and what the audit builds from many.

use std::fmt;
use std::sync::Arc;

use super::{
    Certificate, CommunityId, Der, Direction, Endpoint, Moment, PerDirection, Postures, Seen,
    Timestamp,
};

/// One TCP connection, after its last packet.
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
    /// Whether the capture has the connection's beginning.
    pub start_seen: bool,
    /// How it ended.
    pub end: EndState,
    /// What reassembly met.
    pub stream: StreamFacts,
    /// What carried the bytes (`tls`, `http/1.1`, `h2`, `grpc`), by a name of the table of protocols.
    pub protocol: Option<&'static str>,
    /// What the inspectors learned.
    pub facts: Facts,
}

impl Session {
    /// The connection's Community ID.
    #[must_use]
    pub fn community_id(&self) -> CommunityId {
        CommunityId::tcp(self.client, self.server)
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
    /// TCP segments.
    pub packets: u64,
    /// Payload bytes as captured, retransmissions included.
    pub bytes: u64,
}

/// How client and server were told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Roles {
    /// By the SYN.
    Syn,
    /// By what they said: a ClientHello, a request.
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
}

impl EndState {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Timeout => "timeout",
            Self::Open => "open",
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

/// A TLS connection as its handshake shows it (RFC 8446, RFC 5246 and before).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TlsFacts {
    /// The first TLS record of either side.
    pub first_record: Option<Moment>,
    /// The first ClientHello.
    pub client_hello: Seen<Box<ClientHello>>,
    /// The ServerHello (never the HelloRetryRequest).
    pub server_hello: Seen<Box<ServerHello>>,
    /// A HelloRetryRequest came first.
    pub hello_retry: Option<Moment>,
    /// The server's certificates, leaf first.
    pub server_chain: Seen<Vec<Der>>,
    /// Where the server's certificates are.
    pub server_chain_at: Option<Moment>,
    /// The client's certificates, leaf first; an empty list when it sent a Certificate message without any.
    pub client_chain: Seen<Vec<Der>>,
    /// Where the client's Certificate message is.
    pub client_chain_at: Option<Moment>,
    /// The server's request for a client certificate.
    pub certificate_request: Seen<CertificateRequest>,
    /// Length of the stapled OCSP response.
    pub ocsp_staple: Seen<usize>,
    /// What ServerKeyExchange says (TLS 1.2 and before), or the group of key_share (TLS 1.3).
    pub key_exchange: Seen<KeyExchange>,
    /// Signature scheme of the client's CertificateVerify (0 before TLS 1.2, which has none).
    pub client_verify: Seen<u16>,
    /// Whether the session resumed an earlier one.
    pub resumed: Seen<bool>,
    /// NewSessionTicket messages in clear, and the last lifetime hint in seconds.
    pub tickets: u32,
    /// Lifetime hint of the last ticket in seconds.
    pub ticket_lifetime: Option<u32>,
    /// Whether the handshake completed, as far as an observer can tell.
    pub established: Seen<bool>,
    /// First ChangeCipherSpec, per direction.
    pub change_cipher: PerDirection<Option<Moment>>,
    /// First application data, per direction.
    pub application_data: PerDirection<Option<Moment>>,
    /// Alerts in clear, in order.
    pub alerts: Vec<Alert>,
    /// Encrypted alert records after the handshake, per direction.
    pub encrypted_alerts: PerDirection<u32>,
    /// Handshakes begun on the established connection.
    pub renegotiations: u32,
    /// Records after ServerHello that are encrypted, in order, both directions: what inference works on.
    pub records: Vec<RecordFact>,
    /// Some records after the last kept one were not kept.
    pub records_cut: bool,
    /// The handshake as letters, upper case for the client: C/s hello, j retry, x certificate, r request, k key
    /// exchange, v verify, t ticket, i cipher change, f finished, d data, l alert; at most 32.
    pub history: String,
    /// The connection was joined after its handshake.
    pub midstream: bool,
}

/// A ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2, SSLv2 framing included).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientHello {
    /// Where it ends.
    pub at: Moment,
    /// In SSLv2 framing.
    pub sslv2: bool,
    /// The version field of the message.
    pub legacy_version: u16,
    /// Versions of the supported_versions extension, GREASE left out.
    pub versions: Vec<u16>,
    /// Cipher suites in the client's order, GREASE left out.
    pub suites: Vec<u16>,
    /// Compression methods.
    pub compressions: Vec<u8>,
    /// Extension types in order, GREASE left out.
    pub extensions: Vec<u16>,
    /// supported_groups, GREASE left out.
    pub groups: Vec<u16>,
    /// Groups that key_share has keys for, GREASE left out.
    pub key_shares: Vec<u16>,
    /// signature_algorithms, GREASE left out.
    pub signature_schemes: Vec<u16>,
    /// server_name, escaped.
    pub sni: Option<String>,
    /// ALPN protocols, escaped, GREASE left out.
    pub alpn: Vec<String>,
    /// The legacy session id.
    pub session_id: Vec<u8>,
    /// A session ticket was offered (not just the empty extension).
    pub ticket: bool,
    /// A pre_shared_key was offered.
    pub psk: bool,
    /// psk_key_exchange_modes.
    pub psk_modes: Vec<u8>,
    /// Early data was announced.
    pub early_data: bool,
    /// An encrypted_client_hello extension of the outer kind.
    pub ech: bool,
    /// GREASE values were used (RFC 8701).
    pub grease: bool,
    /// extended_master_secret was offered.
    pub extended_master_secret: bool,
    /// encrypt_then_mac was offered.
    pub encrypt_then_mac: bool,
    /// Secure renegotiation was signalled, by extension or by suite.
    pub secure_renegotiation: bool,
    /// TLS_FALLBACK_SCSV was sent (RFC 7507).
    pub fallback: bool,
    /// post_handshake_auth was offered.
    pub post_handshake_auth: bool,
    /// A stapled OCSP response was asked for.
    pub wants_staple: bool,
    /// An extension could not be read.
    pub malformed: bool,
}

/// A ServerHello.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServerHello {
    /// Where it ends.
    pub at: Moment,
    /// The negotiated version: supported_versions if there, else the version field.
    pub version: u16,
    /// The cipher suite.
    pub suite: u16,
    /// The compression method.
    pub compression: u8,
    /// Extension types in order.
    pub extensions: Vec<u16>,
    /// The chosen ALPN protocol, escaped.
    pub alpn: Option<String>,
    /// The group of key_share.
    pub group: Option<u16>,
    /// The session id or its echo.
    pub session_id: Vec<u8>,
    /// A pre_shared_key was chosen.
    pub psk: bool,
    /// extended_master_secret was agreed.
    pub extended_master_secret: bool,
    /// encrypt_then_mac was agreed.
    pub encrypt_then_mac: bool,
    /// renegotiation_info was sent.
    pub secure_renegotiation: bool,
    /// A new ticket was announced.
    pub ticket: bool,
    /// The random ends in the downgrade sentinel of RFC 8446 section 4.1.3: 1 for TLS 1.2, 0 for TLS 1.1 and before.
    pub downgrade_sentinel: Option<u8>,
    /// An extension could not be read.
    pub malformed: bool,
}

/// A CertificateRequest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CertificateRequest {
    /// Where it ends.
    pub at: Moment,
    /// Certificate types.
    pub types: Vec<u8>,
    /// Signature schemes.
    pub signature_schemes: Vec<u16>,
    /// Distinguished names of accepted authorities, escaped.
    pub authorities: Vec<String>,
}

/// How the key was agreed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeyExchange {
    /// Where it ends.
    pub at: Moment,
    /// The named group, for elliptic curves, hybrids and TLS 1.3.
    pub group: Option<u16>,
    /// Bits of the prime, for finite-field Diffie-Hellman before TLS 1.3.
    pub dh_bits: Option<u32>,
    /// Signature scheme the server signed with (TLS 1.2).
    pub signature_scheme: Option<u16>,
}

/// An alert in clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alert {
    /// Who sent it.
    pub direction: Direction,
    /// 1 warning, 2 fatal.
    pub level: u8,
    /// AlertDescription.
    pub description: u8,
    /// Where.
    pub at: Moment,
}

/// An encrypted record after ServerHello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordFact {
    /// Who sent it.
    pub direction: Direction,
    /// Record content type: 20 to 23.
    pub content_type: u8,
    /// Length of the fragment in bytes, tag and padding included.
    pub length: u16,
    /// Where its header is.
    pub at: Moment,
}

/// Calls that crossed readable: HTTP requests, RPC methods.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallFacts {
    /// Distinct calls, in the order of their first request.
    pub calls: Vec<Call>,
    /// Requests seen.
    pub requests: u64,
    /// Responses seen.
    pub responses: u64,
    /// Requests whose service and method could not be told, because the capture joined mid-stream or a bound was hit.
    pub unnamed: u64,
    /// First request.
    pub first_request: Option<Moment>,
    /// First response.
    pub first_response: Option<Moment>,
    /// Distinct authorities (`Host`, `:authority`), escaped.
    pub authorities: Vec<String>,
    /// Distinct user agents, escaped.
    pub user_agents: Vec<String>,
    /// Distinct authentication schemes of requests, lower case (`bearer`, `basic`); never what follows them.
    pub auth_schemes: Vec<String>,
    /// First request that carried one.
    pub first_auth: Option<Moment>,
    /// Requests with an authentication scheme or another known credential field.
    pub authenticated: u64,
    /// Distinct server products (`Server`), escaped.
    pub server_products: Vec<String>,
    /// Something did not fit a bound.
    pub cut: bool,
}

/// One distinct call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The service (`helloworld.Greeter`), escaped; empty for plain HTTP.
    pub service: String,
    /// The method (`SayHello`), or HTTP method and path without query (`GET /health`), escaped.
    pub method: String,
    /// Requests.
    pub count: u64,
    /// Responses that say success: HTTP 2xx and gRPC status 0.
    pub succeeded: u64,
    /// Responses that say anything else.
    pub failed: u64,
    /// The last status: gRPC status if there, else HTTP's.
    pub last_status: Option<u16>,
    /// First request.
    pub first: Moment,
}

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
    /// Its number within the run, from 1, in the order sessions ended.
    pub number: u64,
    /// The session.
    pub session: Session,
    /// Who called.
    pub client: Party,
    /// Who was called.
    pub server: Party,
    /// The verdict.
    pub posture: Posture,
    /// How it is known: `observed`, and later `decrypted`, `inherited`, `inferred`.
    pub evidence: &'static str,
    /// Why, in a few words.
    pub posture_why: &'static str,
    /// What the client did to authenticate itself.
    pub client_auth: Seen<ClientAuth>,
    /// The server's chain, parsed.
    pub server_chain: Vec<Arc<Certificate>>,
    /// The client's chain, parsed.
    pub client_chain: Vec<Arc<Certificate>>,
}

/// Who one end of an edge is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Party {
    /// The service's name; its address when nothing better is known. Escaped.
    pub service: String,
    /// Its address.
    pub addr: std::net::IpAddr,
    /// How it got its name: `unmapped` for an address.
    pub how: &'static str,
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
    /// Distinct endpoints (servers) or addresses (clients) that showed the same leaf, over the run.
    pub holders: u64,
    /// Distinct names that clients asked those holders for.
    pub holder_names: u64,
    /// Whether the same leaf was shown by a server and by a client at a different address.
    pub both_roles: bool,
    /// First and last session that showed it here.
    pub first: Moment,
    /// Last session that showed it here.
    pub last: Moment,
    /// How many sessions showed it here.
    pub sessions: u64,
    /// In how many of them the handshake completed.
    pub established: u64,
    /// Evidence samples: where it was shown, and the connection.
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
    /// Sessions whose plaintext part was only answered by a refusal (a TLS alert, HTTP 400).
    pub refused_plaintext: u64,
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
    /// Sessions and bytes by hour and posture.
    pub hours: Vec<(Timestamp, Posture, u64, u64)>,
}
