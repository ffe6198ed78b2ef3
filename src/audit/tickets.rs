//! Session tickets of a run: who has them, and how long their keys are in use.
//!
//! Remembers within bounds; the oldest is forgotten first.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::model::{Endpoint, Handle, Recalled, Seen, Session, Timestamp, TlsFacts, limits};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// What is remembered of the tickets so far.
#[derive(Default)]
pub(super) struct Tickets {
    holders: Map<Handle, Endpoint>,
    held: VecDeque<Handle>,
    keys: Map<(Endpoint, Handle), Key>,
    named: VecDeque<(Endpoint, Handle)>,
}

/// A key that a server names in its tickets.
struct Key {
    since: Timestamp,
    /// The first ticket of it: a server may give out the same one again.
    first: Option<Handle>,
}

const DAY: i64 = 86_400 * 1_000_000;

impl Tickets {
    /// What earlier sessions say of the tickets of this one, which are then remembered too.
    pub(super) fn recall(&mut self, session: &Session, recalled: &mut Recalled) {
        let Some(tls) = session.facts.tls.as_deref() else { return };
        let client = session.client.host();
        for handle in used(session, tls).into_iter().flatten() {
            let before = self.hold(handle, client);
            recalled.ticket_from_elsewhere |= before.is_some_and(|before| before != client);
        }
        if tls.established != Seen::Value(false) {
            for handle in issued(session, tls).into_iter().flatten() {
                self.hold(handle, client);
            }
        }
        recalled.ticket_key_days = self.key_days(session, tls);
    }

    /// Notes who has a ticket now, and says who had it before.
    fn hold(&mut self, handle: Handle, client: Endpoint) -> Option<Endpoint> {
        let before = self.holders.insert(handle, client);
        if before.is_none() {
            self.held.push_back(handle);
            if self.held.len() > limits::REMEMBERED_TICKETS
                && let Some(oldest) = self.held.pop_front()
            {
                self.holders.remove(&oldest);
            }
        }
        before
    }

    fn key_days(&mut self, session: &Session, tls: &TlsFacts) -> Option<u64> {
        let place = (session.server, tls.ticket_key?);
        let now = session.first.time;
        if let Some(key) = self.keys.get_mut(&place) {
            // Sessions come when they end: one that began earlier may come later.
            key.since = key.since.min(now);
            let age = now.micros().saturating_sub(key.since.micros());
            let other = key.first != tls.ticket_handle;
            return u64::try_from(age / DAY).ok().filter(|_| other);
        }
        self.keys.insert(place, Key { since: now, first: tls.ticket_handle });
        self.named.push_back(place);
        if self.named.len() > limits::REMEMBERED_TICKETS
            && let Some(oldest) = self.named.pop_front()
        {
            self.keys.remove(&oldest);
        }
        None
    }
}

/// The tickets by which a session resumes: none where the server did not take them.
fn used(session: &Session, tls: &TlsFacts) -> [Option<Handle>; 2] {
    let (Some(client), Some(server)) = (tls.client_hello.value(), tls.server_hello.value()) else {
        return [None; 2];
    };
    if server.psk {
        return [client.psk_handle, None];
    }
    if tls.resumed != Seen::Value(true) || tls.established == Seen::Value(false) {
        return [None; 2];
    }
    // With a ticket, the session id only says that it was taken (RFC 5077 section 3.4).
    match client.ticket_handle {
        Some(ticket) => [Some(ticket), None],
        None => [None, id(session, &server.session_id)],
    }
}

/// The tickets that a session gives its client.
fn issued(session: &Session, tls: &TlsFacts) -> [Option<Handle>; 2] {
    let full = tls.resumed == Seen::Value(false);
    let id = tls.server_hello.value().filter(|_| full && tls.ticket_handle.is_none());
    [tls.ticket_handle, id.and_then(|hello| id_of(session, hello))]
}

fn id_of(session: &Session, hello: &crate::model::ServerHello) -> Option<Handle> {
    // TLS 1.3 gives back the id that the client made up.
    (hello.version < 0x0304).then(|| id(session, &hello.session_id)).flatten()
}

/// Servers choose session ids for themselves alone.
fn id(session: &Session, id: &[u8]) -> Option<Handle> {
    (!id.is_empty()).then(|| Handle::of(2, (session.server, id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Answer, ClientHello, Posture, ServerHello, fixture};

    fn resumed(client: &str, ticket: u64) -> Session {
        let mut session = fixture::session(1, Posture::Tls).session;
        session.client.addr = client.parse().unwrap();
        let handle = Some(Handle::of(1, ticket));
        session.facts.tls = Some(Box::new(TlsFacts {
            client_hello: Seen::Value(Box::new(ClientHello {
                ticket_handle: handle,
                ..ClientHello::default()
            })),
            server_hello: Seen::Value(Box::new(ServerHello {
                session_id: [7].as_slice().into(),
                ..Answer { version: 0x0303, ..Answer::default() }.into()
            })),
            resumed: Seen::Value(true),
            established: Seen::Value(true),
            ..TlsFacts::default()
        }));
        session
    }

    fn issuing(client: &str, ticket: u64, key: u64, day: i64) -> Session {
        let mut session = resumed(client, 0);
        session.first.time = Timestamp::from_micros(session.first.time.micros() + day * DAY);
        let tls = session.facts.tls.as_mut().unwrap();
        tls.resumed = Seen::Value(false);
        tls.client_hello = Seen::Value(Box::default());
        tls.ticket_handle = Some(Handle::of(1, ticket));
        tls.ticket_key = Some(Handle::of(5, key));
        session
    }

    fn recall(tickets: &mut Tickets, session: &Session) -> (bool, Option<u64>) {
        let mut recalled = Recalled::default();
        tickets.recall(session, &mut recalled);
        (recalled.ticket_from_elsewhere, recalled.ticket_key_days)
    }

    #[test]
    fn a_ticket_that_another_address_was_given_or_used_is_told() {
        let mut tickets = Tickets::default();
        assert!(!recall(&mut tickets, &issuing("10.0.0.1", 5, 1, 0)).0);
        assert!(!recall(&mut tickets, &resumed("10.0.0.1", 5)).0);
        assert!(recall(&mut tickets, &resumed("10.0.0.9", 5)).0);
        assert!(!recall(&mut tickets, &resumed("10.0.0.9", 6)).0, "seen for the first time");
        let mut refused = resumed("10.0.0.1", 6);
        refused.facts.tls.as_mut().unwrap().resumed = Seen::Value(false);
        assert!(!recall(&mut tickets, &refused).0, "the server did not take it");
    }

    #[test]
    fn an_identity_of_tls_13_counts_once_the_server_took_it() {
        let mut tickets = Tickets::default();
        let offered = |client: &str, psk: bool| {
            let mut session = resumed(client, 1);
            let tls = session.facts.tls.as_mut().unwrap();
            let handle = Some(Handle::of(4, 77_u64));
            tls.client_hello =
                Seen::Value(Box::new(ClientHello { psk_handle: handle, ..ClientHello::default() }));
            let answer = Answer { version: 0x0304, psk, ..Answer::default() };
            tls.server_hello = Seen::Value(Box::new(answer.into()));
            tls.resumed = Seen::Value(psk);
            session
        };
        assert!(!recall(&mut tickets, &offered("10.0.0.1", true)).0);
        assert!(!recall(&mut tickets, &offered("10.0.0.9", false)).0);
        assert!(recall(&mut tickets, &offered("10.0.0.9", true)).0);
    }

    #[test]
    fn the_age_of_a_key_counts_from_its_first_ticket_and_names_that_change_have_none() {
        let mut tickets = Tickets::default();
        let days = |tickets: &mut Tickets, ticket, key, day| {
            recall(tickets, &issuing("10.0.0.1", ticket, key, day)).1
        };
        assert_eq!(days(&mut tickets, 1, 1, 0), None);
        assert_eq!(days(&mut tickets, 1, 1, 3), None, "the same ticket again");
        assert_eq!(days(&mut tickets, 2, 1, 3), Some(3));
        assert_eq!(days(&mut tickets, 3, 2, 9), None, "a new key");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut tickets = Tickets::default();
        for ticket in 0..=limits::REMEMBERED_TICKETS as u64 {
            recall(&mut tickets, &issuing("10.0.0.1", ticket, ticket, 0));
        }
        assert_eq!(tickets.holders.len(), limits::REMEMBERED_TICKETS);
        assert_eq!(tickets.keys.len(), limits::REMEMBERED_TICKETS);
    }
}
