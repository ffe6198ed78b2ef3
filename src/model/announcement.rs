//! What datagrams say of services: names that were announced or looked up.

use super::{Endpoint, Moment, Registration};

/// A service that a datagram names: announced by multicast or gossip, or found in an answer of a name server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announcement {
    /// What it says. `write` where the sender speaks for itself, not where it answers for others.
    pub registration: Registration,
    /// Who sent it first.
    pub from: Endpoint,
    /// To whom.
    pub to: Endpoint,
    /// How often it was sent from that address.
    pub count: u64,
    /// Last time.
    pub last: Moment,
}

/// What the datagrams of a run said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DatagramFacts {
    /// Distinct announcements in the order of their first frame.
    pub announcements: Vec<Announcement>,
    /// Datagrams that begin QUIC connections: encrypted traffic that this audit does not read.
    pub quic: u64,
    /// Further announcements that had no room.
    pub overflow: u64,
}
