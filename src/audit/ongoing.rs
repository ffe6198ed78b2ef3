//! Connections that were judged while they went on: a connection may stay open for weeks, and its verdict is known after
//! its first second.
//!
//! Takes what is known of a connection now and what was known of it before; tells what is new. Whoever adds up sessions
//! adds the new part only, so that nothing is counted twice.

use hashbrown::HashMap;

use crate::model::{
    AuditedSession, Call, CallFacts, Credential, EndState, FlowKey, FrameNo, Posture,
    ReadableFacts, Seen, Session, limits,
};

/// Seconds of packet time after which a connection is judged by what there is, although more would tell more.
const PATIENCE: i64 = 30;

/// What makes a connection one: its ends and its first frame.
pub(super) type Connection = (FlowKey, FrameNo);

/// Connections that were judged and go on.
#[derive(Default)]
pub(super) struct Ongoing {
    judged: HashMap<Connection, Judged, foldhash::quality::RandomState>,
    /// Connections that were not judged before they ended, because too many others were.
    pub(super) overflow: u64,
}

/// A connection as it was judged.
pub(super) struct Judged {
    pub(super) audited: Box<AuditedSession>,
    /// It is among the sessions that are kept.
    pub(super) kept: bool,
    /// The run at hand has counted it.
    pub(super) counted: bool,
}

/// Which connection a session is told of.
pub(super) fn connection(session: &Session) -> Connection {
    (FlowKey::of(session.client, session.server).0, session.first.frame)
}

/// Whether a connection that goes on can be judged by what is known of it.
pub(super) fn can_be_judged(session: &Session, posture: Posture) -> bool {
    let age = session.last.time.micros_since(session.first.time);
    let known = match &session.facts.tls {
        Some(tls) => matches!(tls.established, Seen::Value(_)),
        None => posture != Posture::Unknown,
    };
    known || age >= PATIENCE * 1_000_000
}

impl Ongoing {
    /// Takes out what was known of a connection.
    pub(super) fn take(&mut self, connection: &Connection) -> Option<Judged> {
        if self.judged.is_empty() { None } else { self.judged.remove(connection) }
    }

    /// Whether another one can be kept. The answer no is counted.
    pub(super) fn has_room(&mut self) -> bool {
        let room = self.judged.len() < limits::ONGOING;
        self.overflow += u64::from(!room);
        room
    }

    /// Keeps what is known of a connection that goes on.
    pub(super) fn put(&mut self, connection: Connection, judged: Judged) {
        if judged.audited.session.end == EndState::Going {
            self.judged.insert(connection, judged);
        }
    }

    /// Another run begins, which has counted none of them.
    pub(super) fn begin_run(&mut self) {
        self.judged.values_mut().for_each(|judged| {
            judged.counted = false;
            judged.kept = false;
        });
    }
}

/// A session with nothing in it of what was known `before`, but for what describes the whole connection.
pub(super) fn news(before: &AuditedSession, now: &AuditedSession) -> AuditedSession {
    let mut news = now.clone();
    let (old, new) = (&before.session.facts, &mut news.session.facts);
    if let (Some(old), Some(new)) = (&old.calls, &mut new.calls) {
        subtract_calls(new, old);
    }
    if let (Some(old), Some(new)) = (&old.readable, &mut new.readable) {
        subtract_readable(new, old);
    }
    news
}

fn subtract_calls(new: &mut CallFacts, old: &CallFacts) {
    new.requests = new.requests.saturating_sub(old.requests);
    new.responses = new.responses.saturating_sub(old.responses);
    new.unnamed = new.unnamed.saturating_sub(old.unnamed);
    new.authenticated = new.authenticated.saturating_sub(old.authenticated);
    for call in &mut new.calls {
        let same = |known: &&Call| known.service == call.service && known.method == call.method;
        if let Some(known) = old.calls.iter().find(same) {
            call.count = call.count.saturating_sub(known.count);
            call.succeeded = call.succeeded.saturating_sub(known.succeeded);
            call.failed = call.failed.saturating_sub(known.failed);
            call.succeeded_authenticated =
                call.succeeded_authenticated.saturating_sub(known.succeeded_authenticated);
        }
    }
}

fn subtract_readable(new: &mut ReadableFacts, old: &ReadableFacts) {
    let seen = old.requests.iter().map(|print| print.at.frame).max();
    new.requests.retain(|print| seen.is_none_or(|seen| print.at.frame > seen));
    new.credentials.retain(|one| !old.credentials.iter().any(|known| is_same(known, one)));
    if old.unauthenticated.is_some() {
        new.unauthenticated = None;
    }
}

/// Whether two are the same credential, told of twice.
pub(super) fn is_same(one: &Credential, other: &Credential) -> bool {
    (one.kind, one.mechanism, one.first, one.secret, one.direction)
        == (other.kind, other.mechanism, other.first, other.secret, other.direction)
        && one.place == other.place
        && one.principal == other.principal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RequestPrint, fixture};

    #[test]
    fn what_was_told_before_is_no_news() {
        let mut before = fixture::session(1, Posture::Plaintext);
        let call = |count| Call {
            service: "shop.Orders".to_owned(),
            method: "Place".to_owned(),
            count,
            succeeded: count,
            succeeded_authenticated: 0,
            failed: 0,
            last_status: Some(0),
            first: fixture::moment(1),
        };
        let calls =
            |count| CallFacts { calls: vec![call(count)], requests: count, ..CallFacts::default() };
        let print =
            |frame| RequestPrint { hash: frame, repeatable: false, at: fixture::moment(frame) };
        let readable = |frames: &[u64]| ReadableFacts {
            requests: frames.iter().map(|frame| print(*frame)).collect(),
            ..ReadableFacts::default()
        };
        before.session.facts.calls = Some(Box::new(calls(2)));
        before.session.facts.readable = Some(Box::new(readable(&[4])));
        let mut now = before.clone();
        now.session.facts.calls = Some(Box::new(calls(5)));
        now.session.facts.readable = Some(Box::new(readable(&[4, 9])));
        let news = news(&before, &now);
        let told = news.session.facts.calls.unwrap();
        assert_eq!((told.requests, told.calls[0].count, told.calls[0].succeeded), (3, 3, 3));
        let told = news.session.facts.readable.unwrap().requests;
        assert_eq!(told.iter().map(|print| print.hash).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn a_handshake_that_is_under_way_is_not_judged_yet() {
        let mut session = fixture::session(1, Posture::TlsOpaque).session;
        session.facts.tls = Some(Box::default());
        session.last = session.first;
        assert!(!can_be_judged(&session, Posture::TlsOpaque));
        session.last.time = session.first.time.plus_seconds(PATIENCE);
        assert!(can_be_judged(&session, Posture::TlsOpaque));
    }
}
