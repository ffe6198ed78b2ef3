//! The schema and the way from any earlier version of it to this one.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;
use crate::model::limits;

/// `WLNL`, by which `file` and others can tell a database of wirelint.
pub(super) const APPLICATION_ID: i64 = 0x574C_4E4C;

/// A step from the schema version before to `to`.
pub(super) struct Migration {
    /// The version that it leads to.
    pub(super) to: i64,
    /// The statements.
    pub(super) sql: &'static str,
}

/// All steps from an empty file, in order. A released step never changes; a new version is a new line.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { to: 1, sql: include_str!("schema.sql") },
    Migration { to: 2, sql: include_str!("annotations.sql") },
    Migration { to: 3, sql: include_str!("transport.sql") },
];

/// The latest version of `steps`.
pub(super) fn latest(steps: &[Migration]) -> i64 {
    steps.last().map_or(0, |step| step.to)
}

/// What a file says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    /// Who owns it.
    pub(super) application_id: i64,
    /// Its schema version.
    pub(super) version: i64,
    /// Whether it has no table, view or index at all.
    pub(super) empty: bool,
}

impl Identity {
    /// Reads it in one statement, so that another process that is creating the file is seen before or after, never in
    /// between.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)
                   FROM pragma_application_id a, pragma_user_version v";
        connection.query_row(sql, [], |row| {
            Ok(Self {
                application_id: row.get(0)?,
                version: row.get(1)?,
                empty: row.get::<_, i64>(2)? == 0,
            })
        })
    }

    /// Whether nobody has written to the file yet.
    pub(super) fn is_fresh(self) -> bool {
        self.empty && self.version == 0 && matches!(self.application_id, 0 | APPLICATION_ID)
    }

    /// Refuses files of others and of later versions.
    pub(super) fn check(
        self,
        connection: &Connection,
        path: &Path,
        known: i64,
    ) -> Result<(), StoreError> {
        if self.application_id != APPLICATION_ID {
            // SQLite stores 32 bits and gives them signed.
            let application_id = self.application_id as u32;
            return Err(StoreError::Foreign { path: path.to_path_buf(), application_id });
        }
        if self.version > known {
            let writer = connection
                .query_row("SELECT value FROM meta WHERE key = 'written_by'", [], |row| row.get(0))
                .ok();
            let path = path.to_path_buf();
            return Err(StoreError::Newer { path, found: self.version, known, writer });
        }
        Ok(())
    }
}

/// Brings the file to the latest of `steps`: all in one transaction, after a copy when there is something to lose.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    steps: &[Migration],
) -> Result<(), StoreError> {
    let failed = |source| StoreError::of(path, source);
    let before = Identity::read(connection).map_err(failed)?;
    if !before.is_fresh() {
        before.check(connection, path, latest(steps))?;
        if before.version == latest(steps) {
            return Ok(());
        }
        back_up(connection, path, before.version)?;
    }
    let change =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have been faster while this one waited for the lock.
    let now = Identity::read(&change).map_err(failed)?;
    if !now.is_fresh() {
        now.check(&change, path, latest(steps))?;
    }
    for step in steps.iter().filter(|step| step.to > now.version) {
        change.execute_batch(step.sql).map_err(failed)?;
    }
    change.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    change.pragma_update(None, "user_version", latest(steps)).map_err(failed)?;
    change.commit().map_err(failed)
}

/// Writes a copy of the database beside it and says where.
fn back_up(connection: &Connection, path: &Path, version: i64) -> Result<PathBuf, StoreError> {
    let copy = create_backup(path, version)?;
    let target = copy.to_string_lossy();
    match connection.execute("VACUUM INTO ?1", [target.as_ref()]) {
        Ok(_) => Ok(copy),
        Err(source) => {
            // Half a copy is worse than none; the next attempt makes its own.
            let _best_effort = std::fs::remove_file(&copy);
            Err(StoreError::of(path, source))
        }
    }
}

/// An empty file of mode 0600 with a free name: `NAME.v1.bak`, then `NAME.v1.2.bak`.
fn create_backup(path: &Path, version: i64) -> Result<PathBuf, StoreError> {
    for attempt in 1..=limits::MIGRATION_BACKUPS {
        let number = if attempt == 1 { String::new() } else { format!(".{attempt}") };
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".v{version}{number}.bak"));
        let copy = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy) {
            Ok(_) => return Ok(copy),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::Open { path: copy, why: error.to_string() }),
        }
    }
    let why = "there are too many copies of it from earlier attempts to bring it up to date";
    Err(StoreError::Open { path: path.to_path_buf(), why: why.to_owned() })
}
