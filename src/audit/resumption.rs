//! Resumed sessions and the full handshakes that they continue.
//!
//! Takes sessions in the order in which they are judged; gives a resumed one the verdict of its origin. A connection is
//! known here when it has ended, so a resumed one may come before its origin: it then waits, within a bound, and is
//! judged right behind it. An origin that never comes leaves the resumed session opaque.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::posture::Verdict;
use crate::inspect::tls::is_tls13;
use crate::model::{
    AuditedSession, Endpoint, Handle, Inherited, Link, Moment, Posture, Seen, Session, Shown,
    TlsFacts, limits,
};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// What full handshakes left behind for later sessions, and the sessions that wait for one.
#[derive(Debug, Default)]
pub(super) struct Resumption {
    origins: Map<Handle, Origin>,
    /// Handles in the order in which they came, oldest first.
    order: VecDeque<Handle>,
    /// What was last shown at a server: most of its handshakes show the same.
    shown: Map<Endpoint, Arc<Shown>>,
    waiting: BTreeMap<u64, Session>,
    awaited: Map<Handle, Vec<u64>>,
    /// Waiting sessions whose origin has come.
    ready: VecDeque<u64>,
    arrivals: u64,
    /// Seconds for which a session waits, where that is less than it may.
    pub(super) patience: Option<i64>,
    /// Origins that were forgotten to make room.
    pub(super) forgotten: u64,
}

/// The full handshakes that one handle stands for: one, for a ticket or an id; for a pre-shared key, all between the
/// same ends.
#[derive(Clone, Debug)]
struct Origin {
    first: (u64, Moment),
    last: (u64, Moment),
    /// What they all showed; nothing when they differ.
    shown: Option<Arc<Shown>>,
}

/// Seconds for which a ticket of TLS 1.3 may be used (RFC 8446 section 4.6.1).
const TICKET_SECONDS: i64 = 604_800;

impl Resumption {
    /// Whether a resumed session continues one that has not come.
    pub(super) fn lacks_origin(&self, session: &Session) -> bool {
        let wanted = wanted(session);
        !wanted.is_empty() && self.find(session, &wanted).is_none()
    }

    /// Keeps back a resumed session whose origin has not come yet; gives back any other, which is to be judged now.
    pub(super) fn hold(&mut self, session: Session) -> Option<Session> {
        let wanted = wanted(&session);
        if wanted.is_empty() || self.find(&session, &wanted).is_some() {
            return Some(session);
        }
        self.arrivals += 1;
        for (handle, _) in &wanted {
            self.awaited.entry(*handle).or_default().push(self.arrivals);
        }
        self.waiting.insert(self.arrivals, session);
        None
    }

    /// A session that need not wait any longer at this moment: its origin has come, or it waited long enough.
    pub(super) fn release(&mut self, now: Moment) -> Option<Session> {
        while let Some(arrival) = self.ready.pop_front() {
            if let Some(session) = self.waiting.remove(&arrival) {
                self.forget_waiting(arrival, &session);
                return Some(session);
            }
        }
        let (_, oldest) = self.waiting.first_key_value()?;
        let waited = now.time.micros_since(oldest.last.time);
        let over = waited > self.patience.unwrap_or(limits::AWAITING_ORIGIN_SECONDS) * 1_000_000;
        if over || self.waiting.len() > limits::AWAITING_ORIGIN {
            return self.release_oldest();
        }
        None
    }

    /// The session that waited longest, at the end of the run.
    pub(super) fn release_oldest(&mut self) -> Option<Session> {
        let (arrival, session) = self.waiting.pop_first()?;
        self.forget_waiting(arrival, &session);
        Some(session)
    }

    fn forget_waiting(&mut self, arrival: u64, session: &Session) {
        for (handle, _) in wanted(session) {
            if let Some(others) = self.awaited.get_mut(&handle) {
                others.retain(|other| *other != arrival);
                if others.is_empty() {
                    self.awaited.remove(&handle);
                }
            }
        }
    }

    /// Gives a resumed session the verdict of its origin, where that is known.
    pub(super) fn inherit(
        &self,
        session: &Session,
        verdict: &mut Verdict,
    ) -> Option<Box<Inherited>> {
        if verdict.posture != Posture::TlsOpaque {
            return None;
        }
        let wanted = wanted(session);
        let (origin, link) = self.find(session, &wanted)?;
        let Some(shown) = &origin.shown else {
            verdict.why = "a resumed session; earlier handshakes between these ends differ";
            return None;
        };
        let (from, at) = if is_before(origin.last.1, session) { origin.last } else { origin.first };
        *verdict = Verdict {
            posture: shown.posture,
            evidence: "inherited",
            confidence: shown.confidence.min(link.confidence()),
            why: link.why(),
            client_auth: Seen::Value(shown.client_auth),
        };
        Some(Box::new(Inherited { from, at, link, shown: Arc::clone(shown) }))
    }

    fn find(&self, session: &Session, wanted: &Wanted) -> Option<(&Origin, Link)> {
        wanted.iter().find_map(|(handle, link)| {
            let origin = self.origins.get(handle)?;
            let age = session.first.time.micros_since(origin.last.1.time);
            let in_time = *link != Link::PresharedKey || age <= TICKET_SECONDS * 1_000_000;
            (in_time && is_before(origin.first.1, session)).then_some((origin, *link))
        })
    }

    /// Keeps what later sessions may inherit from this one.
    pub(super) fn remember(&mut self, audited: &AuditedSession) {
        let Some(tls) = audited.session.facts.tls.as_deref() else { return };
        let issued = issued(&audited.session, tls);
        if issued.is_empty() {
            return;
        }
        let shown = self.shown(audited);
        let Some(hello) = tls.server_hello.value() else { return };
        // A ticket given out in a resumed session leads back to the full handshake.
        let earlier = audited.inherited.as_deref().map(|inherited| (inherited.from, inherited.at));
        let place = earlier.unwrap_or((audited.number, hello.at));
        for (handle, link) in issued {
            match (&shown, link) {
                (None, Link::PresharedKey) | (Some(_), _) => {
                    self.add(handle, place, shown.clone());
                }
                (None, _) => {}
            }
        }
    }

    fn add(&mut self, handle: Handle, place: (u64, Moment), shown: Option<Arc<Shown>>) {
        let mut fresh = false;
        let origin = self.origins.entry(handle).or_insert_with(|| {
            fresh = true;
            Origin { first: place, last: place, shown: shown.clone() }
        });
        if !fresh {
            let same = matches!((&origin.shown, &shown), (Some(a), Some(b)) if a.is_like(b));
            if !same {
                origin.shown = None;
            }
            origin.first = origin.first.min_by_frame(place);
            origin.last = place;
        }
        let may_inherit = origin.shown.is_some();
        let first = origin.first.1;
        if fresh {
            self.make_room(handle);
        }
        if may_inherit && !self.awaited.is_empty() {
            self.wake(handle, first);
        }
    }

    fn make_room(&mut self, newest: Handle) {
        self.order.push_back(newest);
        if self.order.len() > limits::ORIGINS
            && let Some(oldest) = self.order.pop_front()
        {
            self.origins.remove(&oldest);
            self.forgotten += 1;
        }
    }

    fn wake(&mut self, handle: Handle, origin: Moment) {
        let Some(arrivals) = self.awaited.get(&handle) else { return };
        for arrival in arrivals {
            if self.waiting.get(arrival).is_some_and(|session| is_before(origin, session)) {
                self.ready.push_back(*arrival);
            }
        }
    }

    /// What a session showed, shared with the others of its server that showed the same.
    fn shown(&mut self, audited: &AuditedSession) -> Option<Arc<Shown>> {
        let Seen::Value(client_auth) = audited.client_auth else { return None };
        if !matches!(audited.posture, Posture::Mtls | Posture::Tls) {
            return None;
        }
        if let Some(inherited) = &audited.inherited {
            return Some(Arc::clone(&inherited.shown));
        }
        let server = audited.session.server;
        if let Some(last) = self.shown.get(&server)
            && last.is_of(audited, client_auth)
        {
            return Some(Arc::clone(last));
        }
        let shown = Arc::new(Shown {
            posture: audited.posture,
            client_auth,
            evidence: audited.evidence,
            confidence: audited.confidence,
            server_chain: audited.server_chain.clone(),
            client_chain: audited.client_chain.clone(),
        });
        if self.shown.len() < limits::ENDPOINTS || self.shown.contains_key(&server) {
            self.shown.insert(server, Arc::clone(&shown));
        }
        Some(shown)
    }
}

type Wanted = SmallVec<[(Handle, Link); 2]>;

/// The handles by which a resumed session may find its origin, surest first; none for any other session.
fn wanted(session: &Session) -> Wanted {
    let mut wanted = Wanted::new();
    let Some(tls) = session.facts.tls.as_deref() else { return wanted };
    if tls.resumed != Seen::Value(true) || tls.established == Seen::Value(false) {
        return wanted;
    }
    let (Some(client), Some(server)) = (tls.client_hello.value(), tls.server_hello.value()) else {
        return wanted;
    };
    if is_tls13(server.version) {
        wanted.push((ends(session, tls), Link::PresharedKey));
        return wanted;
    }
    wanted.extend(client.ticket_handle.map(|ticket| (ticket, Link::Ticket)));
    if !server.session_id.is_empty() {
        wanted.push((id(session, &server.session_id), Link::SessionId));
    }
    wanted
}

/// The handles by which a later session may find this one.
fn issued(session: &Session, tls: &TlsFacts) -> Wanted {
    let mut issued = Wanted::new();
    let Some(server) = tls.server_hello.value() else { return issued };
    if tls.established == Seen::Value(false) {
        return issued;
    }
    let full = tls.resumed == Seen::Value(false);
    if is_tls13(server.version) {
        if full {
            issued.push((ends(session, tls), Link::PresharedKey));
        }
        return issued;
    }
    issued.extend(tls.ticket_handle.map(|ticket| (ticket, Link::Ticket)));
    // A server that gave out a ticket keeps no session.
    if full && issued.is_empty() && !server.session_id.is_empty() {
        issued.push((id(session, &server.session_id), Link::SessionId));
    }
    issued
}

/// Servers choose session ids for themselves alone.
fn id(session: &Session, id: &[u8]) -> Handle {
    Handle::of(2, (session.server, id))
}

/// A ticket of TLS 1.3 is encrypted when it is issued, and so nothing but the ends ties a session to its origin.
fn ends(session: &Session, tls: &TlsFacts) -> Handle {
    let name = tls.client_hello.value().and_then(|hello| hello.sni.as_deref());
    Handle::of(3, (session.client.host(), session.server, name))
}

/// Whether a handshake at this moment came before the session was begun.
fn is_before(origin: Moment, session: &Session) -> bool {
    let tls = session.facts.tls.as_deref();
    let hello = tls.and_then(|tls| tls.client_hello.value());
    hello.is_some_and(|hello| origin.frame < hello.at.frame)
}

trait MinByFrame {
    fn min_by_frame(self, other: Self) -> Self;
}

impl MinByFrame for (u64, Moment) {
    fn min_by_frame(self, other: Self) -> Self {
        if other.1.frame < self.1.frame { other } else { self }
    }
}

#[cfg(test)]
mod tests;
