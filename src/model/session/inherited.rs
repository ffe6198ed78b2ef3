//! What a resumed session takes over from the full handshake that it continues.

use std::sync::Arc;

use crate::model::{AuditedSession, Certificate, ClientAuth, Confidence, Moment, Posture};

/// Where a resumed session's verdict comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inherited {
    /// The number of the session with the full handshake.
    pub from: u64,
    /// Its ServerHello; of several like it, the last one's.
    pub at: Moment,
    /// What ties the two together.
    pub link: Link,
    /// What the full handshake showed.
    pub shown: Arc<Shown>,
}

/// What ties a resumed session to a full handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// The session id that the server gave out (RFC 5246 section 7.3).
    SessionId,
    /// The ticket that the server gave out in clear (RFC 5077).
    Ticket,
    /// Under TLS 1.3, tickets are encrypted when they are given out: the same client address, server endpoint and server
    /// name, and full handshakes before that all showed the same.
    PresharedKey,
}

/// What a full handshake showed of its ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The posture.
    pub posture: Posture,
    /// What the client did to authenticate itself.
    pub client_auth: ClientAuth,
    /// How that is known.
    pub evidence: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// The server's chain.
    pub server_chain: Vec<Arc<Certificate>>,
    /// The client's chain.
    pub client_chain: Vec<Arc<Certificate>>,
}

impl Link {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionId => "session-id",
            Self::Ticket => "ticket",
            Self::PresharedKey => "ends",
        }
    }

    /// How sure the link is.
    #[must_use]
    pub fn confidence(self) -> Confidence {
        match self {
            Self::SessionId | Self::Ticket => Confidence::High,
            Self::PresharedKey => Confidence::Medium,
        }
    }

    /// Why a posture is what it is that came by this link, in a few words.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::SessionId => {
                "inherited: a resumed session, tied to its full handshake by the session id"
            }
            Self::Ticket => {
                "inherited: a resumed session, tied to its full handshake by the ticket"
            }
            Self::PresharedKey => {
                "inherited: a resumed session; full handshakes between the same ends before it all showed this"
            }
        }
    }
}

impl Shown {
    /// Whether two full handshakes showed the same.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.posture == other.posture
            && self.client_auth == other.client_auth
            && are_same(&self.server_chain, &other.server_chain)
            && are_same(&self.client_chain, &other.client_chain)
    }

    /// Whether this is what a session showed.
    #[must_use]
    pub fn is_of(&self, audited: &AuditedSession, client_auth: ClientAuth) -> bool {
        self.posture == audited.posture
            && self.client_auth == client_auth
            && self.evidence == audited.evidence
            && self.confidence == audited.confidence
            && are_same(&self.server_chain, &audited.server_chain)
            && are_same(&self.client_chain, &audited.client_chain)
    }
}

/// Whether two chains have the same certificates. Most are shared and need no look at their bytes.
fn are_same(one: &[Arc<Certificate>], other: &[Arc<Certificate>]) -> bool {
    let same =
        |(a, b): (&Arc<Certificate>, &Arc<Certificate>)| Arc::ptr_eq(a, b) || a.sha256 == b.sha256;
    one.len() == other.len() && one.iter().zip(other).all(same)
}
