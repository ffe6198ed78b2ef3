//! Who the ends of a session are, by how much it can be believed.
//!
//! Takes a judged session; gives identities with their rank. A name in a certificate counts only where its holder proved
//! to have the key: the handshake completed, and the certificate was not found to be from a stranger. A token counts
//! where the server let its bearer in. What a caller writes into a header field is a claim, and the last thing to believe.

use std::sync::Arc;

use crate::model::{
    AuditedSession, Call, Certificate, ChainTrust, ClientAuth, Dealings, Direction, EdgeCall,
    Identity, IdentityRank, Party, SanName, Seen, SeenChain, limits,
};

/// Identities of the caller of a session, the strongest first.
///
/// The order of trust: URI name of its certificate, host name of its certificate, whom its token or login authenticates,
/// its address, text that it sent. The name of its address is last known when the run is over.
#[must_use]
pub fn caller(audited: &AuditedSession) -> Vec<Identity> {
    let mut all = Vec::new();
    identities(audited, Direction::ToServer, &mut |rank, name| {
        note(&mut all, rank, name);
    });
    note_address(&mut all, &audited.client);
    all
}

/// Takes note of who the ends of a session are and what is called in it.
pub fn note_dealings(dealings: &mut Dealings, audited: &AuditedSession) {
    let mut cut = false;
    for (end, all) in [
        (Direction::ToServer, &mut dealings.client_identities),
        (Direction::ToClient, &mut dealings.server_identities),
    ] {
        identities(audited, end, &mut |rank, name| cut |= !note(all, rank, name));
    }
    let facts = &audited.session.facts;
    if let Some(calls) = &facts.calls {
        cut |= calls.cut || calls.unnamed > 0;
        for call in &calls.calls {
            cut |= !note_call(&mut dealings.calls, call);
        }
    }
    dealings.cut |= cut || facts.readable.as_deref().is_some_and(|readable| readable.cut);
}

/// Puts the name of an address to the other identities of an end, when it has one.
pub fn note_address(all: &mut Vec<Identity>, party: &Party) {
    if party.how != Party::UNMAPPED {
        note(all, IdentityRank::Address, &party.service);
    }
}

/// The certificate identities of one end, with what a caller says of itself.
fn identities(audited: &AuditedSession, end: Direction, give: &mut dyn FnMut(IdentityRank, &str)) {
    if let Some(leaf) = proven_leaf(audited, end) {
        let names = leaf.details.iter().flat_map(|details| &details.names);
        for name in names {
            match name {
                SanName::Uri(name) => give(IdentityRank::CertificateUri, name),
                SanName::Dns(name) => give(IdentityRank::CertificateDns, name),
                SanName::Ip(_) | SanName::Email(_) | SanName::Other(_) => {}
            }
        }
    }
    let Some(readable) = audited.session.facts.readable.as_deref() else { return };
    if end == Direction::ToClient {
        return;
    }
    let accepted = readable
        .credentials
        .iter()
        .filter(|one| one.direction == Direction::ToServer && one.accepted == Some(true));
    for credential in accepted {
        let token = readable.token_of(credential);
        let subject = token.and_then(|token| token.subject.as_deref());
        if let Some(name) = subject.or(credential.principal.as_deref()) {
            give(IdentityRank::Token, name);
        }
    }
    readable.callers.iter().for_each(|claim| give(IdentityRank::Header, &claim.name));
}

/// The certificate of one end, when its holder proved to have the key and nothing says that it is a stranger's.
pub(super) fn proven_leaf(audited: &AuditedSession, end: Direction) -> Option<&Arc<Certificate>> {
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

/// Adds an identity, if there is room; says no when there is none.
fn note(all: &mut Vec<Identity>, rank: IdentityRank, name: &str) -> bool {
    let key = (std::cmp::Reverse(rank), name);
    let place = all
        .binary_search_by(|known| (std::cmp::Reverse(known.rank), known.name.as_str()).cmp(&key));
    let Err(slot) = place else { return true };
    if all.len() >= limits::EDGE_IDENTITIES {
        // What can be believed more takes the place of what can be believed less.
        let weaker = all.last().is_some_and(|last| last.rank < rank);
        if !weaker {
            return false;
        }
        all.pop();
        all.insert(slot.min(all.len()), Identity { rank, name: name.to_owned() });
        return false;
    }
    all.insert(slot, Identity { rank, name: name.to_owned() });
    true
}

fn note_call(calls: &mut Vec<EdgeCall>, call: &Call) -> bool {
    let order = |known: &EdgeCall| {
        if call.service.is_empty() {
            return known.method.as_str().cmp(&call.method);
        }
        let parts = [call.service.as_str(), "/", call.method.as_str()];
        known.method.bytes().cmp(parts.iter().flat_map(|part| part.bytes()))
    };
    match calls.binary_search_by(order) {
        Ok(slot) => {
            if let Some(known) = calls.get_mut(slot) {
                known.count = known.count.saturating_add(call.count);
                known.succeeded = known.succeeded.saturating_add(call.succeeded);
            }
            true
        }
        Err(_) if calls.len() >= limits::EDGE_CALLS => false,
        Err(slot) => {
            let method = if call.service.is_empty() {
                call.method.clone()
            } else {
                format!("{}/{}", call.service, call.method)
            };
            calls.insert(slot, EdgeCall { method, count: call.count, succeeded: call.succeeded });
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallFacts, Posture, fixture};

    fn named(all: &[Identity]) -> Vec<(&str, &str)> {
        all.iter().map(|one| (one.rank.name(), one.name.as_str())).collect()
    }

    #[test]
    fn what_can_be_believed_more_stands_first_and_is_not_crowded_out() {
        let mut all = Vec::new();
        for number in 0..limits::EDGE_IDENTITIES + 5 {
            note(&mut all, IdentityRank::Header, &format!("claim-{number:02}"));
        }
        assert!(!note(&mut all, IdentityRank::CertificateUri, "spiffe://a/b"));
        assert!(note(&mut all, IdentityRank::CertificateUri, "spiffe://a/b"));
        assert_eq!(all.len(), limits::EDGE_IDENTITIES);
        assert_eq!(named(&all)[0], ("certificate-uri", "spiffe://a/b"));
    }

    #[test]
    fn calls_of_many_sessions_are_counted_by_method() {
        let mut audited = fixture::session(1, Posture::Plaintext);
        let call = |service: &str, method: &str| Call {
            service: service.into(),
            method: method.into(),
            count: 2,
            succeeded: 1,
            succeeded_authenticated: 0,
            failed: 1,
            last_status: Some(0),
            first: fixture::moment(1),
        };
        let calls = vec![call("shop.Pay", "Charge"), call("", "GET /health")];
        audited.session.facts.calls = Some(Box::new(CallFacts { calls, ..CallFacts::default() }));
        let mut dealings = Dealings::default();
        note_dealings(&mut dealings, &audited);
        note_dealings(&mut dealings, &audited);
        let told: Vec<_> =
            dealings.calls.iter().map(|c| (c.method.as_str(), c.count, c.succeeded)).collect();
        assert_eq!(told, [("GET /health", 4, 2), ("shop.Pay/Charge", 4, 2)]);
    }
}
