//! The writer: a run in one go, or in as many steps as a live audit wants.

use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::json;

use super::open::Known;
use super::{Store, StoreError, fingerprint};
use crate::model::{AuditedSession, Coverage, Outcome, RunInfo, Timestamp};

/// The number of a run within its database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RunId(pub i64);

/// What is known when a run begins.
#[derive(Clone, Copy, Debug)]
pub struct RunStart<'a> {
    /// The command: `check`, `watch`.
    pub command: &'a str,
    /// By the clock of the machine.
    pub started: Timestamp,
}

/// What is known when a run ends.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd {
    /// By the clock of the machine.
    pub ended: Timestamp,
    /// The exit code of the command.
    pub exit_code: u8,
}

impl Store {
    /// Writes a finished run, all or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when it is locked or the disk does not take it; the file is then as it was.
    pub fn record(
        &mut self,
        outcome: &Outcome,
        start: &RunStart<'_>,
        end: &RunEnd,
    ) -> Result<RunId, StoreError> {
        let run = self.change(|writer| {
            writer.begin(start, &outcome.run)?;
            writer.update(outcome)?;
            writer.finish(end)?;
            Ok(writer.run)
        })?;
        // Only now for a new file. Where another process is in the way, whoever opens it next does it.
        let _best_effort = self.write_ahead();
        Ok(run)
    }

    /// Begins a run that is written in steps.
    ///
    /// # Errors
    /// As [`Store::record`].
    pub fn begin_run(&mut self, start: &RunStart<'_>, info: &RunInfo) -> Result<RunId, StoreError> {
        self.write_ahead().map_err(|source| StoreError::of(&self.path, source))?;
        self.change(|writer| {
            writer.begin(start, info)?;
            Ok(writer.run)
        })
    }

    /// Writes what is known of a run so far, in one transaction.
    ///
    /// Counts in `outcome` are those of the whole run up to now and replace what was written before, so that writing
    /// the same twice changes nothing. `outcome.sessions` may hold all sessions or only those that ended since.
    ///
    /// # Errors
    /// As [`Store::record`]; what was written before stays.
    pub fn update_run(&mut self, run: RunId, outcome: &Outcome) -> Result<(), StoreError> {
        self.change(|writer| {
            writer.run = run;
            writer.update(outcome)
        })
    }

    /// Writes sessions of a run that goes on, before what they come to is written.
    ///
    /// # Errors
    /// As [`Store::record`]; what was written before stays.
    pub fn add_sessions(
        &mut self,
        run: RunId,
        info: &RunInfo,
        sessions: &[AuditedSession],
    ) -> Result<(), StoreError> {
        self.change(|writer| {
            writer.run = run;
            writer.write_sources(info)?;
            sessions.iter().try_for_each(|session| writer.write_session(info, session))
        })
    }

    /// Ends a run that was written in steps.
    ///
    /// # Errors
    /// As [`Store::record`].
    pub fn finish_run(&mut self, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
        self.change(|writer| {
            writer.run = run;
            writer.finish(end)
        })
    }

    /// Runs `work` in one transaction.
    fn change<T>(
        &mut self,
        work: impl FnOnce(&mut Writer<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let done = transact(&mut self.connection, &mut self.known, work);
        done.map_err(|source| {
            // Rows of the abandoned transaction are gone, and their numbers with them.
            self.known = Known::default();
            StoreError::of(&self.path, source)
        })
    }
}

fn transact<T>(
    connection: &mut Connection,
    known: &mut Known,
    work: impl FnOnce(&mut Writer<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut writer =
        Writer { db: &transaction, known, run: RunId(0), begun: false, sources: Vec::new() };
    let done = work(&mut writer)?;
    transaction.commit()?;
    Ok(done)
}

/// One transaction on one run.
pub(super) struct Writer<'a> {
    pub(super) db: &'a Connection,
    pub(super) known: &'a mut Known,
    pub(super) run: RunId,
    /// The run begins here, so that nothing of it is written yet.
    pub(super) begun: bool,
    /// Row numbers of the run's sources, in order.
    pub(super) sources: Vec<i64>,
}

impl Writer<'_> {
    fn begin(&mut self, start: &RunStart<'_>, info: &RunInfo) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES ('written_by', ?1)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute([&info.version])?;
        self.db
            .prepare_cached(
                "INSERT INTO run (command, version, ruleset, rules, filter, fail_on, started_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                start.command,
                info.version,
                info.ruleset,
                i64::try_from(info.rules).unwrap_or(i64::MAX),
                info.filter,
                info.fail_on.map(|severity| severity.name()),
                start.started.micros(),
            ])?;
        self.run = RunId(self.db.last_insert_rowid());
        self.begun = true;
        Ok(())
    }

    fn update(&mut self, outcome: &Outcome) -> rusqlite::Result<()> {
        self.write_sources(&outcome.run)?;
        self.write_coverage(&outcome.coverage)?;
        for row in &outcome.certificates {
            self.write_certificate_use(row)?;
        }
        if !outcome.credentials.is_empty() {
            let key = fingerprint::read_key(self.db)?;
            for row in &outcome.credentials {
                self.write_credential(row, &key)?;
            }
        }
        self.write_edges(&outcome.edges)?;
        for row in &outcome.services {
            self.write_grade(row)?;
        }
        for session in &outcome.sessions {
            self.write_session(&outcome.run, session)?;
        }
        self.write_findings(&outcome.run, &outcome.findings)
    }

    fn finish(&self, end: &RunEnd) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("UPDATE run SET ended_us = ?2, exit_code = ?3 WHERE run_id = ?1")?
            .execute(params![self.run.0, end.ended.micros(), end.exit_code])?;
        Ok(())
    }

    fn write_sources(&mut self, info: &RunInfo) -> rusqlite::Result<()> {
        let mut insert = self.db.prepare_cached(
            "INSERT INTO source (run_id, position, name, first_frame, frames, bytes, link_types)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (run_id, position) DO UPDATE SET
               frames = excluded.frames, bytes = excluded.bytes, link_types = excluded.link_types
             RETURNING source_id",
        )?;
        self.sources.clear();
        for (position, source) in info.sources.iter().enumerate() {
            let values = params![
                self.run.0,
                i64::try_from(position).unwrap_or(i64::MAX),
                source.name,
                int(source.first_frame.0),
                int(source.frames),
                int(source.bytes),
                texts(&source.link_types),
            ];
            self.sources.push(insert.query_row(values, |row| row.get(0))?);
        }
        Ok(())
    }

    fn write_coverage(&self, coverage: &Coverage) -> rusqlite::Result<()> {
        let postures = &coverage.postures;
        let any = coverage.frames > 0;
        self.db
            .prepare_cached(
                "UPDATE run SET frames = ?2, bytes = ?3, first_us = ?4, last_us = ?5, sessions = ?6,
                   mtls = ?7, tls = ?8, tls_opaque = ?9, plaintext = ?10, unknown = ?11,
                   half_open = ?12, dropped = ?13, gap_bytes = ?14, coverage = ?15, incomplete = ?16
                 WHERE run_id = ?1",
            )?
            .execute(params![
                self.run.0,
                int(coverage.frames),
                int(coverage.bytes),
                any.then(|| coverage.first.micros()),
                any.then(|| coverage.last.micros()),
                int(coverage.sessions),
                int(postures.mtls),
                int(postures.tls),
                int(postures.tls_opaque),
                int(postures.plaintext),
                int(postures.unknown),
                int(coverage.half_open),
                int(coverage.dropped),
                int(coverage.gap_bytes),
                coverage_json(coverage),
                incomplete_json(coverage),
            ])?;
        Ok(())
    }
}

fn coverage_json(coverage: &Coverage) -> String {
    let kinds: serde_json::Map<_, _> = coverage
        .frame_kinds
        .iter()
        .map(|(kind, count)| ((*kind).to_owned(), json!(count)))
        .collect();
    let undecided: serde_json::Map<_, _> =
        coverage.not_observable.iter().map(|rule| (rule.rule.clone(), json!(rule.count))).collect();
    let looks: serde_json::Map<_, _> =
        coverage.looks.all().into_iter().map(|(look, n)| (look.to_owned(), json!(n))).collect();
    json!({
        "frame_kinds": kinds,
        "cut_frames": coverage.cut_frames,
        "midstream": coverage.midstream,
        "one_sided": coverage.one_sided,
        "gap_sessions": coverage.gap_sessions,
        "conflicting_sessions": coverage.conflicting_sessions,
        "certificates_hidden": coverage.certificates_hidden,
        "inferred": coverage.inferred,
        "inherited": coverage.inherited,
        "origins_forgotten": coverage.origins_forgotten,
        "tls_sessions": coverage.tls_sessions,
        "unrecognised": coverage.unrecognised,
        "unrecognised_by_look": looks,
        "evicted": coverage.evicted,
        "half_open_evicted": coverage.half_open_evicted,
        "not_observable": undecided,
    })
    .to_string()
}

fn incomplete_json(coverage: &Coverage) -> String {
    let list = coverage.incomplete.iter();
    serde_json::Value::from_iter(
        list.map(|what| json!({ "code": what.code, "message": what.message })),
    )
    .to_string()
}

/// A count as SQLite keeps it; what does not fit becomes the largest value that does.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A list of texts as a JSON array.
pub(super) fn texts<T: AsRef<str>>(list: &[T]) -> String {
    json(&list.iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

/// Something as JSON. What is written here has no map keys but texts, so that it cannot fail.
pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
