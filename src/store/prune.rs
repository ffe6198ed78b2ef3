//! What is taken out of a database that is written for weeks.

use rusqlite::params;

use super::open::Known;
use super::{RunId, Store, StoreError};
use crate::model::Timestamp;

/// Rows deleted at once: a transaction must not hold up the writer for long.
const CHUNK: i64 = 5_000;

/// Chunks of one pruning.
const CHUNKS: usize = 40;

/// Pages given back to the file system at once.
const PAGES: i64 = 2_000;

/// What may stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// Seconds for which a session is kept after its last packet.
    pub session_seconds: Option<i64>,
    /// Bytes of the file.
    pub bytes: Option<u64>,
}

/// What was taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// Sessions.
    pub sessions: u64,
    /// Whole runs, with what they counted.
    pub runs: u64,
}

impl Store {
    /// Takes out what may not stay at this moment: sessions that are too old; then, while the file is too large, the
    /// oldest sessions, and when none is left the oldest runs, but never `current`. Bounded work: what is left over goes the
    /// next time.
    ///
    /// # Errors
    /// As [`Store::record`].
    pub fn prune(
        &mut self,
        retention: &Retention,
        current: RunId,
        now: Timestamp,
    ) -> Result<Pruned, StoreError> {
        let done = self.prune_rows(retention, current, now);
        self.known = Known::default();
        done.map_err(|source| StoreError::of(&self.path, source))
    }

    fn prune_rows(
        &mut self,
        retention: &Retention,
        current: RunId,
        now: Timestamp,
    ) -> rusqlite::Result<Pruned> {
        let mut pruned = Pruned::default();
        if let Some(seconds) = retention.session_seconds {
            let before = now.plus_seconds(-seconds).micros();
            for _ in 0..CHUNKS {
                let gone = self.connection.prepare_cached(OLD)?.execute(params![before, CHUNK])?;
                pruned.sessions += gone as u64;
                if gone == 0 {
                    break;
                }
            }
        }
        if let Some(most) = retention.bytes {
            for _ in 0..CHUNKS {
                if self.bytes_in_use()? <= most {
                    break;
                }
                let gone = self.connection.prepare_cached(OLDEST)?.execute([CHUNK])?;
                pruned.sessions += gone as u64;
                if gone == 0 {
                    let runs = self.connection.prepare_cached(RUN)?.execute([current.0])?;
                    pruned.runs += runs as u64;
                    if runs == 0 {
                        break;
                    }
                }
            }
        }
        if pruned != Pruned::default() {
            self.connection.prepare_cached(LONELY)?.execute([])?;
        }
        self.connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        Ok(pruned)
    }

    /// Bytes of the pages that hold something.
    ///
    /// # Errors
    /// What SQLite says.
    fn bytes_in_use(&self) -> rusqlite::Result<u64> {
        let sql = "SELECT (p.page_count - f.freelist_count) * s.page_size
                   FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s";
        let bytes: i64 = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }
}

const OLD: &str = "DELETE FROM session WHERE session_id IN
    (SELECT session_id FROM session WHERE last_us < ?1 ORDER BY last_us LIMIT ?2)";

const OLDEST: &str = "DELETE FROM session WHERE session_id IN
    (SELECT session_id FROM session ORDER BY last_us LIMIT ?1)";

const RUN: &str = "DELETE FROM run WHERE run_id =
    (SELECT run_id FROM run WHERE run_id <> ?1 ORDER BY run_id LIMIT 1)";

/// Findings that no run has any more and that nobody wrote anything to.
const LONELY: &str = "DELETE FROM finding WHERE state = 'open'
    AND NOT EXISTS (SELECT 1 FROM finding_run r WHERE r.finding_id = finding.finding_id)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture;
    use crate::store::{RunEnd, RunStart};

    fn filled() -> (tempfile::TempDir, Store, Vec<RunId>) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("w.db")).unwrap();
        let start = RunStart { command: "watch", started: Timestamp::from_seconds(1) };
        let end = RunEnd { ended: Timestamp::from_seconds(2), exit_code: 0 };
        let runs =
            (0..3).map(|_| store.record(&fixture::outcome(), &start, &end).unwrap()).collect();
        (folder, store, runs)
    }

    fn count(store: &Store, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        store.connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn sessions_go_when_they_are_old_and_what_they_proved_stays() {
        let (_folder, mut store, runs) = filled();
        let (sessions, findings) = (count(&store, "session"), count(&store, "finding"));
        assert!(sessions > 0 && findings > 0);
        let retention = Retention { session_seconds: Some(3600), bytes: None };
        let last: i64 = store
            .connection
            .query_row("SELECT max(last_us) FROM session", [], |row| row.get(0))
            .unwrap();
        let soon = Timestamp::from_micros(last).plus_seconds(60);
        store.prune(&retention, runs[2], soon.plus_seconds(86_400 * 365)).unwrap();
        assert_eq!((count(&store, "session"), count(&store, "tls")), (0, 0));
        assert_eq!((count(&store, "finding"), count(&store, "run")), (findings, 3));
    }

    #[test]
    fn a_file_that_is_too_large_loses_sessions_and_then_runs_but_never_the_one_at_hand() {
        let (_folder, mut store, runs) = filled();
        let retention = Retention { session_seconds: None, bytes: Some(1) };
        let pruned = store.prune(&retention, runs[2], Timestamp::from_seconds(0)).unwrap();
        assert!(pruned.sessions > 0);
        assert_eq!((pruned.runs, count(&store, "run")), (2, 1));
        assert!(count(&store, "finding_run") > 0, "those of the run at hand");
        assert_eq!(count(&store, "finding"), count(&store, "finding_run"));
    }
}
