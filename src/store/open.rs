//! Opening and creating the file.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::fingerprint;
use super::flat::Fingerprints;
use super::schema::{self, Identity, MIGRATIONS};
use crate::model::{Digest, limits};

/// How long to wait for another writer.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// How long to wait before trying again where SQLite does not wait by itself.
const PAUSE: Duration = Duration::from_millis(20);

/// Size of the pages of a new file.
const PAGE_BYTES: u32 = 8192;

/// Distinct statements of the writer, with room.
const STATEMENTS: usize = 64;

/// A database open for writing.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// Rows that were written before, by what makes them one. Valid while nobody deletes services or certificates.
    pub(super) known: Known,
}

/// Keys of rows that many other rows refer to.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) rules: HashMap<String, i64>,
    pub(super) services: HashMap<String, i64>,
    pub(super) certificates: HashMap<Digest, i64>,
    pub(super) fingerprints: Fingerprints,
}

impl Store {
    /// Opens the database at `path`, creating it when there is none and bringing an earlier one up to date.
    ///
    /// A new file is readable by its owner only, from its first moment. A file that another program owns is never
    /// written to. Before an earlier schema is changed, a copy is left beside it (`NAME.v1.bak`).
    ///
    /// # Errors
    /// [`StoreError`] says whose file it is, that it is locked, newer, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let started = Instant::now();
        loop {
            match Self::open_once(path) {
                // Changing the journal mode meets another process doing the same, and SQLite does not wait there.
                Err(StoreError::Locked { .. }) if started.elapsed() < BUSY => {
                    std::thread::sleep(PAUSE);
                }
                done => return done,
            }
        }
    }

    fn open_once(path: &Path) -> Result<Self, StoreError> {
        create(path)?;
        let failed = |source| StoreError::of(path, source);
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        let identity = Identity::read(&connection).map_err(failed)?;
        if identity.is_fresh() {
            // Has an effect only while the file has no page yet, so it comes before everything else.
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
            // A finding with its evidence fits into a page; with 4 KiB it spills over into pages of its own.
            connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(failed)?;
        } else {
            identity.check(&connection, path, schema::latest(MIGRATIONS))?;
        }
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        // A run is one transaction over a dozen indexes: with SQLite's 2 MiB their pages go out and come back all the time.
        connection.pragma_update(None, "cache_size", -limits::STORE_CACHE_KIB).map_err(failed)?;
        // What a large transaction needs on the way stays in memory: whoever confined itself to the folder of the database
        // may make no file elsewhere.
        connection.pragma_update(None, "temp_store", "MEMORY").map_err(failed)?;
        schema::migrate(&mut connection, path, MIGRATIONS)?;
        fingerprint::make_key(&connection).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let mut store = Self { connection, path: path.to_path_buf(), known: Known::default() };
        if !identity.is_fresh() {
            store.write_ahead().map_err(failed)?;
        }
        Ok(store)
    }

    /// Lets readers read while a run is written.
    ///
    /// A new file does without until its first run is in it: nobody can be reading it yet, and written ahead its pages
    /// would be written twice.
    pub(super) fn write_ahead(&mut self) -> rusqlite::Result<()> {
        self.connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
    }

    /// The same where nothing can be written.
    #[cfg(test)]
    pub(crate) fn unwritable(self) -> Self {
        self.connection.pragma_update(None, "query_only", true).unwrap();
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A connection to a file that must exist.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|source| StoreError::of(path, source))
}

/// Creates an empty file of mode 0600 when there is none. SQLite gives its journals the mode of the database.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::StorageFull => Err(StoreError::DiskFull {
            path: path.to_path_buf(),
            source: rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
                None,
            ),
        }),
        Err(error) => Err(StoreError::Open { path: path.to_path_buf(), why: error.to_string() }),
    }
}
