//! What earlier runs say of edges.

use std::net::IpAddr;

use rusqlite::Error::FromSqlConversionFailure;
use rusqlite::OptionalExtension as _;
use rusqlite::types::Type;

use super::{Store, StoreError};
use crate::model::{Earlier, EarlierEdge, Timestamp, limits};

impl Store {
    /// Edges that were protected in any run of this database, by the names and addresses of their ends, at most [`limits::EDGES`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn protected_edges(&self) -> Result<Vec<EarlierEdge>, StoreError> {
        self.read_protected().map_err(|source| StoreError::of(&self.path, source))
    }

    fn read_protected(&self) -> rusqlite::Result<Vec<EarlierEdge>> {
        let any = self.connection.query_row("SELECT 1 FROM run LIMIT 1", [], |_| Ok(()));
        if any.optional()?.is_none() {
            return Ok(Vec::new());
        }
        let mut select = self.connection.prepare(PROTECTED)?;
        let rows = select.query_map([i64::try_from(limits::EDGES).unwrap_or(i64::MAX)], |row| {
            let count = |number: i64| u64::try_from(number).unwrap_or(0);
            let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
            Ok(EarlierEdge {
                client: row.get::<_, String>(0)?.into(),
                server: row.get::<_, String>(1)?.into(),
                port: row.get(2)?,
                client_addr: address(row, 7)?,
                server_addr: address(row, 8)?,
                seen: Earlier {
                    mtls: count(row.get(3)?),
                    last_mtls: time(row.get(4)?),
                    tls: count(row.get(5)?),
                    last_tls: time(row.get(6)?),
                },
            })
        })?;
        rows.collect()
    }
}

fn address(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<IpAddr> {
    let text: String = row.get(column)?;
    let wrong = |error| FromSqlConversionFailure(column, Type::Text, Box::new(error));
    text.parse().map_err(wrong)
}

const PROTECTED: &str = "
    SELECT c.name, d.name, e.server_port, sum(e.mtls), max(CASE WHEN e.mtls > 0 THEN e.last_us END),
           sum(e.mtls + e.tls + e.tls_opaque), max(e.last_us), e.client_ip, e.server_ip
    FROM edge e
    JOIN service c ON c.service_id = e.client_service_id
    JOIN service d ON d.service_id = e.server_service_id
    WHERE e.mtls + e.tls + e.tls_opaque > 0
    GROUP BY 1, 2, 3, 8, 9 ORDER BY 1, 2, 3, 8, 9 LIMIT ?1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Postures, fixture};
    use crate::store::{RunEnd, RunStart};

    #[test]
    fn protection_is_added_up_over_runs_and_addresses_of_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("w.db")).unwrap();
        assert_eq!(store.protected_edges().unwrap(), []);
        let start = RunStart { command: "check", started: Timestamp::from_seconds(1) };
        let end = RunEnd { ended: Timestamp::from_seconds(2), exit_code: 0 };
        let mut outcome = fixture::outcome();
        outcome.edges.truncate(1);
        outcome.edges[0].postures = Postures { mtls: 3, tls: 1, ..Postures::default() };
        store.record(&outcome, &start, &end).unwrap();
        outcome.edges[0].postures = Postures { plaintext: 9, ..Postures::default() };
        store.record(&outcome, &start, &end).unwrap();
        let known = store.protected_edges().unwrap();
        let [one] = known.as_slice() else { panic!("{known:?}") };
        let edge = &outcome.edges[0];
        assert_eq!((&one.client, one.port), (&edge.client.service, edge.server_port));
        assert_eq!((one.seen.mtls, one.seen.tls), (3, 4));
        assert_eq!((one.seen.last_mtls, one.seen.last_tls), (Some(edge.last), Some(edge.last)));
    }
}
