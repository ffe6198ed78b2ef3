//! Adds what crossed readable besides calls to the facts of a connection, once each and within bounds.

use crate::model::{
    Claim, Credential, Direction, Moment, Program, ReadableFacts, Registration, escape_bytes,
    limits,
};

/// A credential. The same one again is counted.
pub(super) fn credential(facts: &mut ReadableFacts, new: Credential) {
    let same = |old: &&mut Credential| {
        old.kind == new.kind && old.secret == new.secret && old.principal == new.principal
    };
    if let Some(old) = facts.credentials.iter_mut().find(same) {
        old.count = old.count.saturating_add(new.count);
    } else if facts.credentials.len() < limits::CREDENTIALS {
        facts.credentials.push(new);
    } else {
        facts.cut = true;
    }
}

/// What the server made of the last credential that it has not judged yet.
pub(super) fn credential_judged(facts: &mut ReadableFacts, accepted: bool) {
    let waiting = facts.credentials.iter_mut().rev();
    if let Some(last) = waiting.into_iter().find(|one| one.accepted.is_none()) {
        last.accepted = Some(accepted);
    }
}

/// A name that a caller gave itself.
pub(super) fn caller(facts: &mut ReadableFacts, name: &[u8], by: &'static str, at: Moment) {
    let name = text(name);
    if name.is_empty() || facts.callers.iter().any(|old| old.name == name && old.by == by) {
        return;
    }
    if facts.callers.len() < limits::NAMES {
        facts.callers.push(Claim { name, by, at });
    } else {
        facts.cut = true;
    }
}

/// A program that named itself.
pub(super) fn program(facts: &mut ReadableFacts, name: &[u8], version: &[u8], side: Direction) {
    let new = Program { name: text(name), version: text(version), side };
    if new.name.is_empty() || facts.programs.contains(&new) {
        return;
    }
    if facts.programs.len() < limits::NAMES {
        facts.programs.push(new);
    } else {
        facts.cut = true;
    }
}

/// A service that was registered, looked up or announced.
pub(super) fn registration(facts: &mut ReadableFacts, new: Registration) {
    let same = |old: &Registration| {
        old.service == new.service && old.address == new.address && old.write == new.write
    };
    if facts.registrations.iter().any(same) {
        return;
    }
    if facts.registrations.len() < limits::REGISTRATIONS {
        facts.registrations.push(new);
    } else {
        facts.cut = true;
    }
}

fn text(bytes: &[u8]) -> String {
    escape_bytes(bytes.get(..limits::TEXT_BYTES).unwrap_or(bytes))
}
