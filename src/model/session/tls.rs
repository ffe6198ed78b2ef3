//! What a TLS handshake showed.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ecow::EcoVec;
use smallvec::SmallVec;

use super::Inference;
use crate::model::{Der, Direction, Handle, Moment, PerDirection, Seen};

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
    /// The stapled OCSP response. One that is longer than is looked at is hidden by that bound.
    pub ocsp_staple: Seen<Arc<[u8]>>,
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
    /// What stands for the last ticket given out in clear.
    pub ticket_handle: Option<Handle>,
    /// What stands for the name of the key that this ticket was made with, where it has the form that RFC 5077 section 4
    /// recommends: its first 16 bytes. Random where a server forms tickets otherwise.
    pub ticket_key: Option<Handle>,
    /// Whether the handshake completed, as far as an observer can tell.
    pub established: Seen<bool>,
    /// First ChangeCipherSpec, per direction.
    pub change_cipher: PerDirection<Option<Moment>>,
    /// First record of application data that the client sent ahead of the ServerHello.
    pub early_data: Option<Moment>,
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
    /// How many records were kept, of both directions, when bytes of a direction first turned out to be missing.
    pub records_gap: PerDirection<Option<u16>>,
    /// What these records tell of a TLS 1.3 handshake.
    pub inferred: Option<Inference>,
    /// The handshake as letters, upper case for the client: C/s hello, j retry, x certificate, r request, k key
    /// exchange, v verify, t ticket, i cipher change, f finished, d data, l alert; at most 32.
    pub history: String,
    /// The connection was joined after its handshake.
    pub midstream: bool,
    /// What was read with keys that were given.
    pub decryption: Decryption,
}

/// What keys that were given showed of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Decryption {
    /// Whether there were keys, and whether they fit.
    pub keys: Keys,
    /// Messages that decide the verdict were encrypted and were read.
    pub decided: bool,
    /// EncryptedExtensions of TLS 1.3 was read: what it does not say is not there.
    pub extensions: bool,
    /// The server accepted early data.
    pub early_data_accepted: bool,
    /// The protocol inside, by a name of the table of protocols.
    pub inside: Option<&'static str>,
    /// There was more than is decrypted of one connection.
    pub cut: bool,
}

/// Whether keys were given for a connection, and what came of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Keys {
    /// None were given.
    #[default]
    None,
    /// They open its records.
    Fit,
    /// They do not open its records.
    DoNotFit,
    /// Its cipher suite is not one that wirelint can open.
    Unsupported,
}

impl Keys {
    /// The word in outputs; nothing when none were given.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Fit => Some("fit"),
            Self::DoNotFit => Some("do-not-fit"),
            Self::Unsupported => Some("unsupported"),
        }
    }
}

/// A ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2, SSLv2 framing included). What it offers reads like
/// fields of its own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientHello {
    /// Where it ends.
    pub at: Moment,
    /// The legacy session id.
    pub session_id: SmallVec<[u8; 32]>,
    /// What stands for the session ticket that was offered.
    pub ticket_handle: Option<Handle>,
    /// What stands for the first identity of pre_shared_key, where it is as long as a ticket.
    pub psk_handle: Option<Handle>,
    /// All else that it says, which hellos that say the same share.
    pub offer: Arc<ClientOffer>,
}

impl Deref for ClientHello {
    type Target = ClientOffer;

    fn deref(&self) -> &ClientOffer {
        &self.offer
    }
}

impl From<ClientOffer> for ClientHello {
    fn from(offer: ClientOffer) -> Self {
        Self { offer: Arc::new(offer), ..Self::default() }
    }
}

/// What a client offers in its ClientHello: all but what every connection has of its own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientOffer {
    /// In SSLv2 framing.
    pub sslv2: bool,
    /// The version field of the message.
    pub legacy_version: u16,
    /// Versions of the supported_versions extension, GREASE left out.
    pub versions: Vec<u16>,
    /// Cipher suites in the client's order, GREASE and signals left out.
    pub suites: Vec<u16>,
    /// Signals that stand among the cipher suites (RFC 5746, RFC 7507): before which place of `suites`, and which.
    pub suite_signals: SmallVec<[(u16, u16); 2]>,
    /// Compression methods.
    pub compressions: SmallVec<[u8; 4]>,
    /// Extension types in order, GREASE left out.
    pub extensions: Vec<u16>,
    /// supported_groups, GREASE left out.
    pub groups: Vec<u16>,
    /// ec_point_formats.
    pub point_formats: SmallVec<[u8; 4]>,
    /// Groups that key_share has keys for, GREASE left out.
    pub key_shares: Vec<u16>,
    /// signature_algorithms, GREASE left out.
    pub signature_schemes: Vec<u16>,
    /// server_name, escaped.
    pub sni: Option<String>,
    /// ALPN protocols, escaped, GREASE left out.
    pub alpn: Vec<String>,
    /// First and last byte of the first ALPN protocol that is no GREASE, as they crossed the wire.
    pub alpn_ends: Option<(u8, u8)>,
    /// A session ticket was offered (not just the empty extension).
    pub ticket: bool,
    /// A pre_shared_key was offered.
    pub psk: bool,
    /// psk_key_exchange_modes.
    pub psk_modes: SmallVec<[u8; 4]>,
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
    /// A list did not fit a bound, and its end was not kept.
    pub cut: bool,
}

impl ClientOffer {
    /// The versions that it offers. Before TLS 1.3 only the highest is said.
    #[must_use]
    pub fn offered(&self) -> &[u16] {
        if self.versions.is_empty() {
            std::slice::from_ref(&self.legacy_version)
        } else {
            &self.versions
        }
    }

    /// What it says of versions.
    #[must_use]
    pub fn offered_versions(&self) -> OfferedVersions {
        let all = || self.offered().iter().copied();
        OfferedVersions {
            low: all().min().unwrap_or_default(),
            high: all().max().unwrap_or_default(),
            fallback: self.fallback,
        }
    }
}

/// Which versions a client offers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfferedVersions {
    /// The lowest.
    pub low: u16,
    /// The highest.
    pub high: u16,
    /// TLS_FALLBACK_SCSV was sent (RFC 7507).
    pub fallback: bool,
}

/// A ServerHello (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3). What it agrees to reads like fields of its own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServerHello {
    /// Where it ends.
    pub at: Moment,
    /// The version field of the message.
    pub legacy_version: u16,
    /// Extension types in order.
    pub extensions: SmallVec<[u16; 8]>,
    /// The chosen ALPN protocol, escaped.
    pub alpn: Option<String>,
    /// The session id or its echo.
    pub session_id: SmallVec<[u8; 32]>,
    /// An extension could not be read.
    pub malformed: bool,
    /// How the connection is to be protected.
    pub answer: Answer,
}

impl Deref for ServerHello {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.answer
    }
}

impl DerefMut for ServerHello {
    fn deref_mut(&mut self) -> &mut Answer {
        &mut self.answer
    }
}

impl From<Answer> for ServerHello {
    fn from(answer: Answer) -> Self {
        Self { answer, ..Self::default() }
    }
}

/// What a server agrees to in its ServerHello: a few words, of which most of its connections have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The negotiated version: supported_versions if there, else the version field.
    pub version: u16,
    /// The cipher suite.
    pub suite: u16,
    /// The compression method.
    pub compression: u8,
    /// The group of key_share.
    pub group: Option<u16>,
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
}

/// A CertificateRequest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CertificateRequest {
    /// Where it ends.
    pub at: Moment,
    /// Certificate types.
    pub types: EcoVec<u8>,
    /// Signature schemes.
    pub signature_schemes: EcoVec<u16>,
    /// Distinguished names of accepted authorities, escaped.
    pub authorities: EcoVec<String>,
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
