//! Which of the server's answers belongs to which statement: PostgreSQL answers in order, and skips to the next Sync
//! after an error.

use std::collections::VecDeque;

use crate::inspect::calls::CallName;
use crate::inspect::database::sql;
use crate::inspect::exchange::{Notes, Said};
use crate::inspect::reader::Reader;
use crate::model::{Moment, limits};

/// Prepared statements whose verbs are remembered.
const STATEMENTS: usize = 64;

#[derive(Clone, Default)]
pub(super) struct Pairing {
    database: Vec<u8>,
    statements: VecDeque<(Vec<u8>, &'static [u8])>,
    /// The verb of the statement that was bound last; empty when it is not known.
    bound: &'static [u8],
    awaited: VecDeque<Unit>,
    lost: bool,
}

/// Something that gets an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Answered by any number of results, and then readiness.
    Query,
    /// Answered by one result.
    Execute,
    /// Answered by readiness.
    Sync,
}

impl Pairing {
    pub(super) fn database(&mut self, name: &[u8]) {
        self.database = name.get(..limits::TEXT_BYTES).unwrap_or(name).to_vec();
    }

    /// Who names no database gets the one with the user's name.
    pub(super) fn database_or(&mut self, user: &[u8]) {
        if self.database.is_empty() {
            self.database(user);
        }
    }

    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.awaited.clear();
    }

    /// What was prepared and bound is not known any longer.
    pub(super) fn forget(&mut self) {
        self.statements.clear();
        self.bound = b"";
    }

    pub(super) fn query(&mut self, verb: &[u8], notes: &mut Notes, at: Moment) {
        self.asked(verb, Unit::Query, notes, at);
    }

    pub(super) fn parse(&mut self, message: &[u8]) {
        let mut rest = Reader(message);
        let Some(name) = rest.until(0) else { return };
        let verb = sql::verb(rest.0);
        self.statements.retain(|(known, _)| known != name);
        if self.statements.len() >= STATEMENTS {
            self.statements.pop_front();
        }
        let name = name.get(..limits::TEXT_BYTES).unwrap_or(name);
        self.statements.push_back((name.to_vec(), verb));
    }

    pub(super) fn bind(&mut self, message: &[u8]) {
        let mut rest = Reader(message);
        let (Some(_portal), Some(name)) = (rest.until(0), rest.until(0)) else { return };
        let known = self.statements.iter().find(|(known, _)| known == name);
        let unknown: &[u8] = if self.lost { b"" } else { b"EXECUTE" };
        self.bound = known.map_or(unknown, |(_, verb)| verb);
    }

    pub(super) fn execute(&mut self, notes: &mut Notes, at: Moment) {
        self.asked(self.bound, Unit::Execute, notes, at);
    }

    pub(super) fn sync(&mut self) {
        self.expect(Unit::Sync);
    }

    fn asked(&mut self, verb: &[u8], unit: Unit, notes: &mut Notes, at: Moment) {
        let name = match self.database.is_empty() || verb.is_empty() {
            true => CallName::Unknown,
            false => CallName::Rpc { service: &self.database, method: verb },
        };
        notes.asked_in_turn(name, at);
        self.expect(unit);
    }

    fn expect(&mut self, unit: Unit) {
        if self.awaited.len() >= limits::AWAITED_ANSWERS {
            self.lose();
        }
        if !self.lost {
            self.awaited.push_back(unit);
        }
    }

    /// A result came.
    pub(super) fn completed(&mut self, notes: &mut Notes, at: Moment) {
        match self.awaited.front() {
            Some(Unit::Execute) => {
                self.awaited.pop_front();
                notes.answered_in_turn(Said::Success, at);
            }
            Some(Unit::Query) => {}
            // The request was captured later, or not at all.
            Some(Unit::Sync) | None => self.lose(),
        }
    }

    /// An error came: it is the answer to what is awaited, and the server skips what follows until the next Sync.
    pub(super) fn failed(&mut self, notes: &mut Notes, at: Moment) {
        match self.awaited.front() {
            Some(Unit::Query) => {
                notes.answered_in_turn(Said::Failure, at);
                // Its readiness is still to come.
                if let Some(front) = self.awaited.front_mut() {
                    *front = Unit::Sync;
                }
            }
            Some(Unit::Execute) => {
                self.awaited.pop_front();
                notes.answered_in_turn(Said::Failure, at);
                while self.awaited.front() == Some(&Unit::Execute) {
                    self.awaited.pop_front();
                    notes.answered_in_turn(Said::Nothing, at);
                }
            }
            Some(Unit::Sync) => {}
            None => self.lose(),
        }
    }

    /// The server is ready for the next statement.
    pub(super) fn ready(&mut self, notes: &mut Notes, at: Moment) {
        match self.awaited.front() {
            Some(Unit::Query) => {
                self.awaited.pop_front();
                notes.answered_in_turn(Said::Success, at);
            }
            Some(Unit::Sync) => {
                self.awaited.pop_front();
            }
            Some(Unit::Execute) => self.lose(),
            // The one that ends the startup.
            None => {}
        }
    }
}
