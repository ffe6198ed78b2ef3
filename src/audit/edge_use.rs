//! What one session adds to what its edge uses: versions, identities at both ends, calls.
//!
//! It runs for every session, so what is known already costs no memory. A token counts as proof where the server let its
//! bearer in; what a caller writes into a header field is a claim, and the last thing to believe.

use std::sync::Arc;

use crate::identity::proven_leaf;
use crate::model::{
    AuditedSession, Call, Certificate, ClientAuth, Credential, Direction, EdgeUse, EndIdentity,
    EndUse, Method, Moment, Particulars, Posture, ReadableFacts, Seen, Sighting, TlsFacts, Used,
    Version,
};

/// Takes in a session of the edge. A handshake that failed says nothing of what the edge is used for.
pub(super) fn note_use(used: &mut EdgeUse, audited: &AuditedSession) {
    let from = Noted { audited, tls: audited.session.facts.tls.as_deref() };
    let shown = audited.session.facts.plaintext.or(from.tls.and_then(|tls| tls.first_record));
    used.add_posture(Used::once(audited.posture, from.at(shown)));
    used.cut |= !note_particulars(&mut used.particulars, audited);
    used.failed += u64::from(from.failed());
    if let Some(tls) = from.tls.filter(|_| !from.failed()) {
        from.note_server(used, tls);
    }
    from.note_caller(used);
    from.note_calls(used);
}

/// Counts what postures leave out; says whether there was room for it.
pub(super) fn note_particulars(particulars: &mut Particulars, audited: &AuditedSession) -> bool {
    let facts = &audited.session.facts;
    particulars.inferred += u64::from(audited.evidence == "inferred");
    let refused = facts.mismatch.is_some() && audited.posture == Posture::Plaintext;
    particulars.refused += u64::from(refused);
    let from = Noted { audited, tls: facts.tls.as_deref() };
    let hello = from.tls.and_then(|tls| tls.server_hello.value());
    let Some(hello) = hello else { return true };
    let carried = matches!(audited.posture, Posture::Mtls | Posture::Tls | Posture::TlsOpaque);
    if from.failed() && !carried {
        return true;
    }
    let version = Version { number: hello.version, carried };
    particulars.add_version(&from.used(version, Some(hello.at)))
}

/// A session that is taken note of.
struct Noted<'a> {
    audited: &'a AuditedSession,
    tls: Option<&'a TlsFacts>,
}

impl Noted<'_> {
    fn failed(&self) -> bool {
        self.tls.is_some_and(|tls| tls.established == Seen::Value(false))
    }

    fn at(&self, moment: Option<Moment>) -> Sighting {
        let session = &self.audited.session;
        (moment.unwrap_or(session.first), session.client, session.server)
    }

    /// A use that counts, unless the handshake failed.
    fn used<T>(&self, what: T, moment: Option<Moment>) -> Used<T> {
        let used = Used::once(what, self.at(moment));
        if self.failed() { used.uncounted() } else { used }
    }

    fn note_server(&self, used: &mut EdgeUse, tls: &TlsFacts) {
        used.unseen.versions += u64::from(tls.server_hello.value().is_none());
        match self.audited.leaf(Direction::ToClient) {
            Some(leaf) => {
                let end = self.holder(leaf, Direction::ToClient);
                used.add_server(self.used(end, tls.server_chain_at));
            }
            None => used.unseen.servers += 1,
        }
    }

    fn holder(&self, leaf: &Arc<Certificate>, end: Direction) -> EndUse {
        let identity = EndIdentity::Certificate(Arc::clone(leaf));
        EndUse { identity, proven: proven_leaf(self.audited, end).is_some() }
    }

    /// Counts the caller by the best that tells of it; the rest is noted where it was proven.
    fn note_caller(&self, used: &mut EdgeUse) {
        let facts = &self.audited.session.facts;
        let leaf = self.audited.leaf(Direction::ToServer).filter(|_| !self.failed());
        if let Some(leaf) = leaf {
            let end = self.holder(leaf, Direction::ToServer);
            used.add_caller(self.used(end, self.tls.and_then(|tls| tls.client_chain_at)));
        }
        let auth = &self.audited.client_auth;
        let none = matches!(auth, Seen::Value(ClientAuth::NotRequested | ClientAuth::Declined));
        let hidden = leaf.is_none() && self.tls.is_some() && !none;
        let counts = leaf.is_none() && !hidden && !self.failed();
        used.unseen.callers += u64::from(hidden && !self.failed());
        let readable = facts.readable.as_deref();
        let told = readable.is_some_and(|readable| self.note_readable(used, readable, counts));
        match &facts.calls {
            _ if told || !counts => {}
            Some(calls) if calls.requests > 0 => {
                let end = EndUse { identity: EndIdentity::<&str>::Nobody, proven: false };
                used.add_caller(self.used(end, calls.first_request));
            }
            None if self.tls.is_some() => used.unseen.tokens += 1,
            _ => {}
        }
    }

    /// Takes note of tokens, logins and claims; says whether a token tells who calls.
    fn note_readable(&self, used: &mut EdgeUse, readable: &ReadableFacts, counts: bool) -> bool {
        let mut told = false;
        for token in &readable.tokens {
            let Some(subject) = token.subject.as_deref() else { continue };
            let proven = accepted(readable).any(|one| one.secret == token.secret);
            told = true;
            if counts || proven {
                let end = EndUse { identity: EndIdentity::Token(subject), proven };
                let token = Used::once(end, self.at(None));
                used.add_caller(if counts { token } else { token.uncounted() });
            }
        }
        for credential in accepted(readable) {
            let token = readable.token_of(credential);
            let subject = token.and_then(|token| token.subject.as_deref());
            if let (None, Some(name)) = (subject, credential.principal.as_deref()) {
                let end = EndUse { identity: EndIdentity::Login(name), proven: true };
                used.add_caller(Used::once(end, self.at(None)).uncounted());
            }
        }
        readable.callers.iter().for_each(|claim| used.add_claim(&claim.name));
        told
    }

    fn note_calls(&self, used: &mut EdgeUse) {
        let Some(calls) = &self.audited.session.facts.calls else {
            used.unseen.methods += u64::from(self.tls.is_some() && !self.failed());
            return;
        };
        used.unseen.methods += u64::from((calls.cut || calls.unnamed > 0) && !self.failed());
        for call in &calls.calls {
            used.add_method(self.used(method(call), Some(call.first)));
        }
    }
}

/// Credentials whose bearer the server let in.
fn accepted(readable: &ReadableFacts) -> impl Iterator<Item = &Credential> {
    let credentials = readable.credentials.iter();
    credentials.filter(|one| one.direction == Direction::ToServer && one.accepted == Some(true))
}

fn method(call: &Call) -> Method<[&str; 3]> {
    let rpc = !call.service.is_empty();
    let between = if rpc { "/" } else { "" };
    let Call { count, succeeded, failed, .. } = *call;
    Method { name: [&call.service, between, &call.method], rpc, count, succeeded, failed }
}

#[cfg(test)]
mod tests;
