//! What a screen shows of a database: the lists, a page at a time, and the totals above them.
//!
//! Takes a list, a filter, an order and a place in it; gives the rows around that place, found by key, so that a million
//! rows cost as much as a hundred where an index has their order. Reads only, and may read while another process writes.
//! Refuses to know how rows are drawn.

mod detail;
mod filter;
mod lists;
mod page;
mod tokens;
mod totals;

pub use detail::{CertificateDetail, EvidenceLine, FindingDetail, Hour, SessionDetail};
pub use filter::{Filter, FilterError};
pub use lists::{Column, Kind, List, ListName, list};
pub use page::{Anchor, Line, Page, PageRequest};
pub use totals::{Overview, RunSummary};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::open::{BUSY, connect};
use super::schema::{Identity, MIGRATIONS, latest};

/// Virtual machine steps between two looks at whether somebody still wants the answer.
const STEPS: i32 = 20_000;

/// Distinct statements of a reader, with room.
const STATEMENTS: usize = 64;

/// A value of a row.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum Datum {
    /// Nothing, or nothing that could be seen.
    #[default]
    None,
    /// A number: a count, microseconds, a row.
    Int(i64),
    /// A text, as the database has it.
    Text(String),
}

impl ToSql for Datum {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::None => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl FromSql for Datum {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(match value {
            ValueRef::Null => Self::None,
            ValueRef::Integer(number) => Self::Int(number),
            // Columns are STRICT, and nothing here computes fractions but averages nobody needs exactly.
            ValueRef::Real(number) => Self::Int(number as i64),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                Self::Text(String::from_utf8_lossy(bytes).into_owned())
            }
        })
    }
}

/// A database open for looking at.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    cancelled: Arc<AtomicBool>,
    totals: page::Totals,
}

impl Reader {
    /// Opens the database at `path`, which must exist and may be being written to.
    ///
    /// # Errors
    /// [`StoreError`] for a file that cannot be read, is not wirelint's, or has another schema.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            let why = "no such file".to_owned();
            return Err(StoreError::Open { path: path.to_path_buf(), why });
        }
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let failed = |source| StoreError::of(path, source);
        connection.busy_timeout(BUSY).map_err(failed)?;
        let identity = Identity::read(&connection).map_err(failed)?;
        identity.check(&connection, path, latest(MIGRATIONS))?;
        if identity.version < latest(MIGRATIONS) {
            let (found, known) = (identity.version, latest(MIGRATIONS));
            return Err(StoreError::Older { path: path.to_path_buf(), found, known });
        }
        connection.pragma_update(None, "query_only", true).map_err(failed)?;
        // A dashboard that captures may make no file outside the folder of its database.
        connection.pragma_update(None, "temp_store", "MEMORY").map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let cancelled = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&cancelled);
        connection
            .progress_handler(STEPS, Some(move || asked.load(Ordering::Relaxed)))
            .map_err(failed)?;
        let path = path.to_path_buf();
        Ok(Self { connection, path, cancelled, totals: page::Totals::default() })
    }

    /// Set it to have the question that is being answered given up with [`StoreError::QueryTime`]; clear it before the
    /// next one.
    #[must_use]
    pub fn canceller(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// A number that changes when another process has written.
    ///
    /// # Errors
    /// As all that reads: the file is gone, or broken.
    pub fn version(&self) -> Result<i64, StoreError> {
        self.answer(|db| db.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }

    fn answer<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        ask(&self.connection).map_err(|source| self.failure(source))
    }

    fn failure(&self, source: rusqlite::Error) -> StoreError {
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => StoreError::QueryTime { seconds: 0 },
            _ => StoreError::of(&self.path, source),
        }
    }
}

#[cfg(test)]
mod tests;
