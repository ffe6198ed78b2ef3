//! Whose certificate can be believed.
//!
//! A name in a certificate counts only where its holder proved to have the key: the handshake completed, and the
//! certificate was not found to be from a stranger.

use std::sync::Arc;

use crate::model::{
    AuditedSession, Certificate, ChainTrust, ClientAuth, Direction, Seen, SeenChain,
};

/// The certificate of one end, when its holder proved to have the key and nothing says that it is a stranger's.
#[must_use]
pub fn proven_leaf(audited: &AuditedSession, end: Direction) -> Option<&Arc<Certificate>> {
    let tls = audited.session.facts.tls.as_deref()?;
    let (outcome, shown): (&SeenChain, bool) = match end {
        Direction::ToServer => {
            (&audited.client_outcome, audited.client_auth == Seen::Value(ClientAuth::Presented))
        }
        Direction::ToClient => (&audited.server_outcome, true),
    };
    let stranger = outcome.value().is_some_and(|chain| chain.trust == ChainTrust::Unanchored);
    let proven = shown && tls.established == Seen::Value(true) && !stranger;
    proven.then(|| audited.leaf(end)).flatten()
}
