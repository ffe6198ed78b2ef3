//! One certificate where another one was known: what the sessions of a run tell of a name or an endpoint over time.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use super::Party;
use crate::model::{Certificate, Endpoint, Moment, Text, Timestamp};

/// A server shows a certificate to clients that ask for a name, where another one was known.
#[derive(Clone, Debug)]
pub struct ChangeFacts {
    /// Who shows the later one.
    pub server: Party,
    /// On which port.
    pub port: u16,
    /// The name that clients asked for; `None` for those that named nobody.
    pub name: Option<String>,
    /// What was known.
    pub before: Showing,
    /// What came.
    pub after: Showing,
    /// How often the endpoint went back to the earlier one.
    pub returns: u64,
    /// Server endpoints of the run that show a certificate of the later one's issuer.
    pub issuer_places: u64,
    /// Evidence: the earlier one, the later one.
    pub samples: Vec<(Moment, Endpoint, Endpoint)>,
}

impl ChangeFacts {
    /// Whether the two were shown at different places, to clients that asked for the same name.
    #[must_use]
    pub fn elsewhere(&self) -> bool {
        self.before.place != self.after.place
    }
}

/// A leaf certificate at one server, over all sessions in which clients asked for one name.
#[derive(Clone, Debug)]
pub struct Showing {
    /// Where.
    pub place: Endpoint,
    /// The leaf.
    pub leaf: Arc<Certificate>,
    /// The last certificate of its chain; the leaf when it came alone.
    pub top: Arc<Certificate>,
    /// When it was first shown.
    pub first: Moment,
    /// When it was last shown.
    pub last: Moment,
    /// Sessions that showed it.
    pub sessions: u64,
    /// What else was seen of the end that showed it.
    pub end: EndTraits,
}

/// What a server is known by besides its certificate: how far away it is, and how its TLS library answers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EndTraits {
    /// Time to live or hop limit of its first segment; 0 when unknown.
    pub hops: u8,
    /// Digests of a client's hello, as far as the client's program decides it, and of the answer; bounded.
    pub answers: SmallVec<[(u64, u64); 2]>,
}

impl EndTraits {
    /// Whether the same hello got the same answer at both; `None` when no hello came to both.
    #[must_use]
    pub fn answers_as(&self, other: &Self) -> Option<bool> {
        let same = |hello| other.answers.iter().find(move |(theirs, _)| *theirs == hello);
        let pairs =
            || self.answers.iter().filter_map(|(hello, ours)| Some((*ours, same(*hello)?.1)));
        pairs().next()?;
        Some(pairs().all(|(ours, theirs)| ours == theirs))
    }
}

/// What other places make of a certificate in one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AcrossRun {
    /// Places that show a leaf with the same public key.
    pub key_places: u64,
    /// Identities that leaves with the same public key carry.
    pub key_identities: u64,
    /// Whether a server shows the same leaf.
    pub also_server: bool,
    /// Other certificates of the same issuer with the same serial number.
    pub serial_twins: u64,
    /// Other servers that had left its issuer for another one before it was last shown.
    pub issuer_left_by: u64,
}

/// How the other ends of handshakes took a certificate, as far as alerts in clear tell, and what is inferred.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Refusals {
    /// Handshakes that the other end gave up over it.
    pub sessions: u64,
    /// Addresses of those ends; bounded.
    pub by: BTreeSet<IpAddr>,
    /// Handshakes of TLS 1.3 that the other end gave up by the shape of the records, where this is the only leaf that was
    /// seen in this place. Neither the certificate nor the alert was read.
    pub inferred: u64,
    /// Addresses of those ends; bounded.
    pub by_inference: BTreeSet<IpAddr>,
}

/// How an edge was protected in runs before this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Earlier {
    /// Mutual TLS sessions.
    pub mtls: u64,
    /// TLS sessions of any kind.
    pub tls: u64,
    /// The end of the latest run of packets with mutual TLS in it.
    pub last_mtls: Option<Timestamp>,
    /// The same, with TLS of any kind.
    pub last_tls: Option<Timestamp>,
}

/// An edge of earlier runs, by the names and addresses of its ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EarlierEdge {
    /// Who called.
    pub client: Text,
    /// Who was called.
    pub server: Text,
    /// On which port.
    pub port: u16,
    /// From where.
    pub client_addr: IpAddr,
    /// Where to.
    pub server_addr: IpAddr,
    /// How it was protected.
    pub seen: Earlier,
}

impl Earlier {
    /// Adds what was seen elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.mtls = self.mtls.saturating_add(other.mtls);
        self.tls = self.tls.saturating_add(other.tls);
        self.last_mtls = self.last_mtls.max(other.last_mtls);
        self.last_tls = self.last_tls.max(other.last_tls);
    }
}

/// How the strongest postures of an edge ended. Sessions count by when they began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Descent {
    /// The latest mutual TLS session; of earlier runs where this one has none.
    pub last_mtls: Option<Moment>,
    /// The latest TLS session of any kind; of earlier runs where this one has none.
    pub last_tls: Option<Moment>,
    /// Mutual TLS sessions of earlier runs, where this one has none.
    pub earlier_mtls: u64,
    /// TLS sessions of any kind of earlier runs, where this one has none.
    pub earlier_tls: u64,
    /// Sessions without a client certificate since the latest mutual one; 0 when there is none.
    pub without_certificate: u64,
    /// Readable sessions since the latest TLS one; 0 when there is none.
    pub readable: u64,
    /// Evidence: the latest session of the strongest posture, and the first weaker one since.
    pub samples: [Option<(Moment, Endpoint, Endpoint)>; 2],
}
