//! What the messages of a connection said, gathered within bounds.

use std::collections::VecDeque;

use crate::inspect::calls::{CallId, CallName, Calls, Status};
use crate::inspect::gather;
use crate::model::{
    Credential, Direction, Evident, Facts, Moment, ReadableFacts, Registration, Upgrade,
    UpgradeState, limits,
};

/// What the messages of a connection said.
#[derive(Clone, Default)]
pub(in crate::inspect) struct Notes {
    calls: Calls,
    readable: ReadableFacts,
    spoken: Option<Moment>,
    /// The message at hand only negotiates TLS.
    negotiation: bool,
    mismatch: Option<Evident<&'static str>>,
    protocol: Option<&'static str>,
    /// Requests that were not answered yet, by the protocol's own number for them.
    awaited: VecDeque<(u64, Option<CallId>)>,
    /// Requests and answers cannot be counted off against each other any longer: some are missing.
    disordered: bool,
}

/// Whether a call went well, as the answer says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::inspect) enum Said {
    /// It did.
    Success,
    /// It did not.
    Failure,
    /// The answer does not say.
    Nothing,
}

impl Notes {
    /// Takes note that a message was said readable.
    pub(super) fn spoken(&mut self, at: Moment) {
        if !std::mem::take(&mut self.negotiation) {
            self.spoken.get_or_insert(at);
        }
    }

    /// The message at hand is part of how TLS is agreed upon, greetings included: it gives nothing of the service away.
    pub(in crate::inspect) fn negotiation(&mut self) {
        self.negotiation = true;
    }

    /// Takes note that the client's plaintext was answered with a TLS alert.
    pub(super) fn mismatch(&mut self, at: Moment) {
        self.mismatch = Some(Evident { value: "plaintext-to-tls", at });
    }

    /// Requests and answers that follow each other by order alone can no longer be paired.
    pub(super) fn lose_order(&mut self) {
        self.disordered = true;
        self.awaited.clear();
    }

    /// The name of the protocol, where it is a special case of the one in the table.
    #[allow(dead_code, reason = "for protocols that carry others")]
    pub(in crate::inspect) fn protocol(&mut self, name: &'static str) {
        self.protocol = Some(name);
    }

    /// Counts a request that gets no answer.
    pub(in crate::inspect) fn request(&mut self, name: CallName<'_>, at: Moment) -> Option<CallId> {
        self.calls.request(name, at)
    }

    /// Counts a request that will be answered under the same number.
    pub(in crate::inspect) fn asked(&mut self, number: u64, name: CallName<'_>, at: Moment) {
        let call = self.calls.request(name, at);
        self.await_answer(number, call);
    }

    /// Counts a request that will be answered in its turn.
    pub(in crate::inspect) fn asked_in_turn(&mut self, name: CallName<'_>, at: Moment) {
        let call = self.calls.request(name, at);
        if !self.disordered {
            self.await_answer(0, call);
        }
    }

    /// Counts the answer to the request with this number.
    pub(in crate::inspect) fn answered(&mut self, number: u64, said: Said, at: Moment) {
        self.calls.response(at);
        let place = self.awaited.iter().position(|(awaited, _)| *awaited == number);
        if let Some((_, call)) = place.and_then(|place| self.awaited.remove(place)) {
            self.outcome(call, said);
        }
    }

    /// Counts the answer to the oldest request that was not answered yet.
    pub(in crate::inspect) fn answered_in_turn(&mut self, said: Said, at: Moment) {
        self.calls.response(at);
        match self.awaited.pop_front() {
            Some((_, call)) => self.outcome(call, said),
            // Its request was captured later, or not at all: who knows what the next one answers.
            None => self.disordered = true,
        }
    }

    /// Takes note of a credential. The same one again is counted.
    pub(in crate::inspect) fn credential(&mut self, new: Credential) {
        if new.direction == Direction::ToServer {
            self.calls.authenticated(new.first);
        }
        gather::credential(&mut self.readable, new);
    }

    /// Takes note of what the server made of the last credential that it has not judged yet.
    pub(in crate::inspect) fn credential_judged(&mut self, accepted: bool) {
        gather::credential_judged(&mut self.readable, accepted);
    }

    /// Takes note of a name that a caller gave itself.
    pub(in crate::inspect) fn caller(&mut self, name: &[u8], by: &'static str, at: Moment) {
        gather::caller(&mut self.readable, name, by, at);
    }

    /// Takes note of a program that named itself.
    pub(in crate::inspect) fn program(&mut self, name: &[u8], version: &[u8], side: Direction) {
        gather::program(&mut self.readable, name, version, side);
    }

    /// Takes note of a service that was registered, looked up or announced.
    pub(in crate::inspect) fn registration(&mut self, new: Registration) {
        gather::registration(&mut self.readable, new);
    }

    /// Takes note that TLS was offered, demanded or asked for.
    pub(in crate::inspect) fn upgrade(&mut self, state: UpgradeState, at: Moment) {
        match &mut self.readable.upgrade {
            Some(upgrade) => upgrade.state = state,
            none => {
                *none = Some(Upgrade { asked: at, answered: None, state, clear_after: None });
            }
        }
    }

    /// Takes note of the answer to a request for TLS.
    pub(in crate::inspect) fn upgrade_answered(&mut self, accepted: bool, at: Moment) {
        let state = if accepted { UpgradeState::Accepted } else { UpgradeState::Refused };
        self.upgrade(state, at);
        if let Some(upgrade) = &mut self.readable.upgrade {
            upgrade.answered.get_or_insert(at);
        }
    }

    /// Takes note that the client goes on in clear although TLS was refused, offered or demanded.
    pub(in crate::inspect) fn went_on_in_clear(&mut self, at: Moment) {
        if let Some(upgrade) = &mut self.readable.upgrade {
            upgrade.clear_after.get_or_insert(at);
        }
    }

    /// Takes note that the server served a call although the client had not authenticated.
    pub(in crate::inspect) fn unauthenticated(&mut self, at: Moment) {
        self.readable.unauthenticated.get_or_insert(at);
    }

    pub(in crate::inspect) fn into_facts(self) -> Facts {
        let any = self.readable != ReadableFacts::default();
        Facts {
            calls: self.calls.into_facts(),
            readable: any.then(|| Box::new(self.readable)),
            plaintext: self.spoken,
            mismatch: self.mismatch,
            protocol: self.protocol,
            ..Facts::default()
        }
    }

    fn await_answer(&mut self, number: u64, call: Option<CallId>) {
        if self.awaited.len() >= limits::AWAITED_ANSWERS {
            self.awaited.pop_front();
            self.disordered = true;
            self.calls.cut();
        }
        self.awaited.push_back((number, call));
    }

    fn outcome(&mut self, call: Option<CallId>, said: Said) {
        match said {
            Said::Success => self.calls.outcome(call, Status::Told(true)),
            Said::Failure => self.calls.outcome(call, Status::Told(false)),
            Said::Nothing => {}
        }
    }
}

/// Adds what a connection said after a change of protocol to what it said before.
pub(in crate::inspect) fn merge_readable(first: &mut ReadableFacts, then: ReadableFacts) {
    first.cut |= then.cut;
    first.cut |= !extend(&mut first.credentials, then.credentials, limits::CREDENTIALS);
    first.cut |= !extend(&mut first.tokens, then.tokens, limits::CREDENTIALS);
    first.cut |= !extend(&mut first.cookies, then.cookies, limits::NAMES);
    first.cut |= !extend(&mut first.requests, then.requests, limits::REQUEST_PRINTS);
    first.cut |= !extend(&mut first.callers, then.callers, limits::NAMES);
    first.cut |= !extend(&mut first.programs, then.programs, limits::NAMES);
    first.cut |= !extend(&mut first.registrations, then.registrations, limits::REGISTRATIONS);
    first.cut |= !extend(&mut first.sensitive, then.sensitive, limits::NAMES);
    first.upgrade = first.upgrade.or(then.upgrade);
    first.unauthenticated = first.unauthenticated.or(then.unauthenticated);
}

fn extend<T: PartialEq>(first: &mut Vec<T>, then: Vec<T>, bound: usize) -> bool {
    for new in then {
        if first.contains(&new) {
            continue;
        }
        if first.len() >= bound {
            return false;
        }
        first.push(new);
    }
    true
}
