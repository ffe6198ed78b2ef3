//! What the shape of an encrypted handshake tells without any key.

use crate::model::Confidence;

/// What the lengths, directions and order of the encrypted records of a TLS 1.3 connection tell of client
/// authentication. Nothing of it was read: all of it is an inference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inference {
    /// What the client did.
    pub client: ClientStep,
    /// How sure that is. `Low` with [`ClientStep::Unknown`].
    pub confidence: Confidence,
    /// Why, in a few words.
    pub why: &'static str,
    /// How the server took it.
    pub server: ServerStep,
    /// How sure that is. `Low` with [`ServerStep::Unknown`].
    pub server_confidence: Confidence,
}

/// What the client did after the server's part of the handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientStep {
    /// It finished at once: it was not asked for a certificate.
    NotRequested,
    /// It was asked and sent an empty list.
    Declined,
    /// It sent a certificate.
    Presented,
    /// The connection continues an earlier one, or uses a pre-shared key: no certificates travel.
    Resumed,
    /// It gave up instead of finishing.
    Refused,
    /// It cannot be told.
    Unknown,
}

/// How the server took what the client did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerStep {
    /// It went on.
    WentOn,
    /// It ended the connection although it had asked for a certificate and got an answer.
    Refused,
    /// It ended the connection.
    Closed,
    /// It cannot be told.
    Unknown,
}

impl Inference {
    /// Nothing can be told, for this reason.
    #[must_use]
    pub fn unknown(why: &'static str) -> Self {
        Self {
            client: ClientStep::Unknown,
            confidence: Confidence::Low,
            why,
            server: ServerStep::Unknown,
            server_confidence: Confidence::Low,
        }
    }

    /// Whether the server refused what the client answered to its request.
    #[must_use]
    pub fn server_refused(&self) -> bool {
        self.server == ServerStep::Refused
    }

    /// The verdict in one word, for outputs.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match self.client {
            ClientStep::Unknown => "unknown",
            ClientStep::Declined | ClientStep::Presented if self.server_refused() => {
                "server-refused-client"
            }
            ClientStep::Refused => "client-refused-server",
            ClientStep::NotRequested => "not-requested",
            ClientStep::Declined => "declined",
            ClientStep::Presented => "presented",
            ClientStep::Resumed => "resumed",
        }
    }

    /// How sure the verdict is: no surer than its least sure part.
    #[must_use]
    pub fn verdict_confidence(&self) -> Confidence {
        match self.client {
            ClientStep::Declined | ClientStep::Presented if self.server_refused() => {
                self.confidence.min(self.server_confidence)
            }
            _ => self.confidence,
        }
    }
}

impl ClientStep {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotRequested => "not-requested",
            Self::Declined => "declined",
            Self::Presented => "presented",
            Self::Resumed => "resumed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl ServerStep {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WentOn => "went-on",
            Self::Refused => "refused",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
        }
    }
}
