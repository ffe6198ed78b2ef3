//! Protocol versions and cipher suites by server endpoint, for the inventory.

use hashbrown::HashMap;

use crate::identity::Names;
use crate::model::{AuditedSession, Endpoint, SuiteRow, limits};

/// What servers agreed on.
#[derive(Debug, Default)]
pub(super) struct Suites {
    rows: HashMap<(Endpoint, u16, u16, Option<u16>), SuiteRow, foldhash::quality::RandomState>,
    /// What was not followed because there was too much.
    pub(super) overflow: u64,
}

impl Suites {
    /// Takes in a session.
    pub(super) fn add(&mut self, audited: &AuditedSession) {
        let session = &audited.session;
        let Some(tls) = session.facts.tls.as_deref() else { return };
        let Some(hello) = tls.server_hello.value() else { return };
        let exchanged = tls.key_exchange.value().and_then(|exchange| exchange.group);
        let key = (session.server, hello.version, hello.suite, exchanged.or(hello.group));
        let full = self.rows.len() >= limits::SUITES;
        let (first, last) = (session.first.time, session.last.time);
        match self.rows.get_mut(&key) {
            Some(row) => {
                row.sessions += 1;
                row.first = row.first.min(first);
                row.last = row.last.max(last);
            }
            None if full => self.overflow += 1,
            None => {
                let (_, version, suite, group) = key;
                let (server, port) = (audited.server.clone(), session.server.port);
                let row =
                    SuiteRow { server, port, version, suite, group, sessions: 1, first, last };
                self.rows.insert(key, row);
            }
        }
    }

    /// The rows by server, port, version and suite.
    pub(super) fn told(&self, names: &Names) -> Vec<SuiteRow> {
        let named = |(key, row): (&(Endpoint, u16, u16, Option<u16>), &SuiteRow)| SuiteRow {
            server: names.server(key.0),
            ..row.clone()
        };
        let mut rows: Vec<SuiteRow> = self.rows.iter().map(named).collect();
        let place = |row: &SuiteRow| (row.server.service.clone(), row.server.addr, row.port);
        rows.sort_by_cached_key(|row| (place(row), row.version, row.suite, row.group));
        rows
    }
}
