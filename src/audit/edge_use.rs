//! What one session adds to what its edge uses: versions, identities at both ends, calls.

use std::sync::Arc;

use crate::model::{
    AuditedSession, Call, ClientAuth, Direction, EdgeUse, EndIdentity, Method, Moment, Seen,
    Sighting, TlsFacts, Used,
};

/// Takes in a session of the edge. A handshake that failed says nothing of what the edge is used for.
pub(super) fn note_use(used: &mut EdgeUse, audited: &AuditedSession) {
    let session = &audited.session;
    let at = |moment: Option<Moment>| -> Sighting {
        (moment.unwrap_or(session.first), session.client, session.server)
    };
    let shown = session.facts.plaintext.or(tls(audited).and_then(|tls| tls.first_record));
    used.add_posture(Used::once(audited.posture, at(shown)));
    if tls(audited).is_some_and(|tls| tls.established == Seen::Value(false)) {
        used.failed += 1;
        return;
    }
    if let Some(tls) = tls(audited) {
        note_tls(used, audited, tls, &at);
    }
    note_caller(used, audited, &at);
    note_calls(used, audited, &at);
}

fn tls(audited: &AuditedSession) -> Option<&TlsFacts> {
    audited.session.facts.tls.as_deref()
}

fn note_tls(
    used: &mut EdgeUse,
    audited: &AuditedSession,
    tls: &TlsFacts,
    at: &dyn Fn(Option<Moment>) -> Sighting,
) {
    match &tls.server_hello {
        Seen::Value(hello) => used.add_version(Used::once(hello.version, at(Some(hello.at)))),
        _ => used.unseen.versions += 1,
    }
    match audited.leaf(Direction::ToClient) {
        Some(leaf) => {
            let identity = EndIdentity::Certificate(Arc::clone(leaf));
            used.add_server(Used::once(identity, at(tls.server_chain_at)));
        }
        None => used.unseen.servers += 1,
    }
}

fn note_caller(
    used: &mut EdgeUse,
    audited: &AuditedSession,
    at: &dyn Fn(Option<Moment>) -> Sighting,
) {
    let facts = &audited.session.facts;
    let tls = tls(audited);
    if let Some(leaf) = audited.leaf(Direction::ToServer) {
        let place = at(tls.and_then(|tls| tls.client_chain_at));
        return used.add_caller(Used::once(EndIdentity::Certificate(Arc::clone(leaf)), place));
    }
    let none = Seen::Value(ClientAuth::NotRequested) == audited.client_auth
        || Seen::Value(ClientAuth::Declined) == audited.client_auth;
    if tls.is_some() && !none {
        used.unseen.callers += 1;
        return;
    }
    let readable = facts.readable.as_deref();
    let subjects = readable.into_iter().flat_map(|readable| &readable.tokens);
    let mut told = false;
    for subject in subjects.filter_map(|token| token.subject.as_ref()) {
        used.add_caller(Used::once(EndIdentity::Token(subject.clone()), at(None)));
        told = true;
    }
    match &facts.calls {
        Some(calls) if !told && calls.requests > 0 => {
            used.add_caller(Used::once(EndIdentity::Nobody, at(calls.first_request)));
        }
        None if tls.is_some() => used.unseen.tokens += 1,
        _ => {}
    }
}

fn note_calls(
    used: &mut EdgeUse,
    audited: &AuditedSession,
    at: &dyn Fn(Option<Moment>) -> Sighting,
) {
    let facts = &audited.session.facts;
    let Some(calls) = &facts.calls else {
        used.unseen.methods += u64::from(facts.tls.is_some());
        return;
    };
    used.unseen.methods += u64::from(calls.cut || calls.unnamed > 0);
    for call in &calls.calls {
        used.add_method(Used::once(method(call), at(Some(call.first))));
    }
}

fn method(call: &Call) -> Method {
    let rpc = !call.service.is_empty();
    let name = if rpc { format!("{}/{}", call.service, call.method) } else { call.method.clone() };
    Method { name, rpc, succeeded: call.succeeded, failed: call.failed }
}
