//! What earlier sessions of a run say of a later one: TLS that failed a moment ago, requests that were made before, tickets
//! that others have.
//!
//! Remembers within bounds; the oldest is forgotten first, so that what is told depends on the order of sessions alone.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::tickets::Tickets;
use crate::model::{
    AuditedSession, Endpoint, Posture, Recalled, RequestPrint, Seen, Timestamp, limits,
};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// What is remembered of the sessions so far.
#[derive(Default)]
pub(super) struct Memory {
    failures: Map<(Endpoint, Endpoint), Timestamp>,
    failed: VecDeque<(Endpoint, Endpoint)>,
    requests: Map<(Endpoint, u64), (Endpoint, Timestamp)>,
    made: VecDeque<(Endpoint, u64)>,
    tickets: Tickets,
}

const SECOND: i64 = 1_000_000;

impl Memory {
    /// What earlier sessions say of this one, which is then remembered too.
    pub(super) fn recall(&mut self, audited: &AuditedSession) -> Recalled {
        let mut recalled = Recalled::default();
        let session = &audited.session;
        let pair = (session.client.host(), session.server);
        if failed(audited) {
            self.remember_failure(pair, session.last.time);
        } else if audited.posture == Posture::Plaintext && !self.failures.is_empty() {
            let before = self.failures.get(&pair);
            let since = before.map(|before| session.first.time.micros() - before.micros());
            // Connections overlap: the failed one may be closed after its successor was opened.
            let since = since.map(|micros| (micros / SECOND).max(0));
            recalled.since_tls_failure = since
                .filter(|seconds| *seconds <= limits::RETREAT_SECONDS)
                .and_then(|seconds| u64::try_from(seconds).ok());
        }
        self.tickets.recall(session, &mut recalled);
        if let Some(readable) = session.facts.readable.as_deref() {
            for print in &readable.requests {
                self.recall_request(pair, print, &mut recalled);
            }
            for print in &readable.requests {
                self.remember_request(pair, print);
            }
        }
        recalled
    }

    fn recall_request(
        &self,
        (client, server): (Endpoint, Endpoint),
        print: &RequestPrint,
        recalled: &mut Recalled,
    ) {
        if print.repeatable {
            return;
        }
        match self.requests.get(&(server, print.hash)) {
            Some((before, at)) if *before == client => {
                if print.at.time.micros() - at.micros() < limits::RETRY_SECONDS * SECOND {
                    return;
                }
                recalled.repeated += 1;
            }
            Some(_) => recalled.repeated_elsewhere += 1,
            None => return,
        }
        recalled.repeated_at.get_or_insert(print.at);
    }

    fn remember_request(&mut self, (client, server): (Endpoint, Endpoint), print: &RequestPrint) {
        let key = (server, print.hash);
        if self.requests.contains_key(&key) {
            return;
        }
        if self.made.len() >= limits::REMEMBERED_REQUESTS
            && let Some(oldest) = self.made.pop_front()
        {
            self.requests.remove(&oldest);
        }
        self.requests.insert(key, (client, print.at.time));
        self.made.push_back(key);
    }

    fn remember_failure(&mut self, pair: (Endpoint, Endpoint), at: Timestamp) {
        if self.failures.insert(pair, at).is_some() {
            return;
        }
        self.failed.push_back(pair);
        if self.failed.len() > limits::TLS_FAILURES
            && let Some(oldest) = self.failed.pop_front()
        {
            self.failures.remove(&oldest);
        }
    }
}

/// Whether the client wanted TLS and did not get it.
fn failed(audited: &AuditedSession) -> bool {
    let facts = &audited.session.facts;
    facts
        .tls
        .as_ref()
        .is_some_and(|tls| tls.established == Seen::Value(false) || facts.mismatch.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ReadableFacts, TlsFacts, fixture};

    const LATER: u64 = 40_000;

    fn with_request(client: &str, hash: u64, repeatable: bool) -> AuditedSession {
        with_request_at(client, hash, repeatable, 7)
    }

    fn with_request_at(client: &str, hash: u64, repeatable: bool, frame: u64) -> AuditedSession {
        let mut audited = fixture::session(1, Posture::Plaintext);
        audited.session.client.addr = client.parse().unwrap();
        let requests = vec![RequestPrint { hash, repeatable, at: fixture::moment(frame) }];
        let readable = ReadableFacts { requests, ..ReadableFacts::default() };
        audited.session.facts.readable = Some(Box::new(readable));
        audited
    }

    #[test]
    fn a_request_is_recognised_when_it_comes_again_from_there_or_from_elsewhere() {
        let mut memory = Memory::default();
        assert_eq!(memory.recall(&with_request("10.0.0.1", 5, false)), Recalled::default());
        assert_eq!(memory.recall(&with_request("10.0.0.1", 6, false)), Recalled::default());
        let retry = memory.recall(&with_request("10.0.0.1", 5, false));
        assert_eq!(retry, Recalled::default(), "at once is a retry");
        let again = memory.recall(&with_request_at("10.0.0.1", 5, false, LATER));
        assert_eq!((again.repeated, again.repeated_elsewhere), (1, 0));
        let stolen = memory.recall(&with_request("10.0.0.9", 5, false));
        assert_eq!((stolen.repeated, stolen.repeated_elsewhere), (0, 1));
        assert_eq!(stolen.repeated_at, Some(fixture::moment(7)));
        assert_eq!(memory.recall(&with_request("10.0.0.9", 5, true)), Recalled::default());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut memory = Memory::default();
        for hash in 0..=limits::REMEMBERED_REQUESTS as u64 {
            memory.recall(&with_request("10.0.0.1", hash, false));
        }
        assert_eq!(memory.requests.len(), limits::REMEMBERED_REQUESTS);
        assert_eq!(memory.recall(&with_request("10.0.0.1", 0, false)).repeated, 0, "forgotten");
    }

    #[test]
    fn plaintext_soon_after_a_failed_handshake_is_told() {
        let mut memory = Memory::default();
        let mut failed = fixture::session(1, Posture::Unknown);
        let tls = TlsFacts { established: Seen::Value(false), ..TlsFacts::default() };
        failed.session.facts.tls = Some(Box::new(tls));
        memory.recall(&failed);
        let mut then = fixture::session(2, Posture::Plaintext);
        let at = failed.session.last.time.micros() + 5 * SECOND;
        then.session.first.time = Timestamp::from_micros(at);
        assert_eq!(memory.recall(&then).since_tls_failure, Some(5));
        then.session.first.time = Timestamp::from_micros(at + 61 * SECOND);
        assert_eq!(memory.recall(&then).since_tls_failure, None);
        then.session.server.port += 1;
        assert_eq!(memory.recall(&then), Recalled::default());
    }
}
