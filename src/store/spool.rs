//! Events that wait for those who are to have them: a SQLite file of its own, so that nobody who reads or prunes the
//! database waits for it, nor it for them.
//!
//! Takes lines in their order and gives them, to each receiver by its own place in that order, until that receiver has
//! taken them. What everybody has taken is gone. When more waits than may, the oldest goes, and is counted for each receiver
//! that had not taken it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::StoreError;
use super::open::{connect, create};

/// `WLSP`: the spool is no database of results.
const APPLICATION_ID: i64 = 0x574C_5350;

/// The version of the schema below.
const VERSION: i64 = 1;

/// How long to wait for another process, which there should not be.
const BUSY: Duration = Duration::from_secs(2);

/// Pages given back to the system at once.
const PAGES: u32 = 4096;

const SCHEMA: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('name', lower(hex(randomblob(8))));
CREATE TABLE event (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  at_us    INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  severity TEXT    NOT NULL,
  summary  TEXT    NOT NULL,
  line     TEXT    NOT NULL
) STRICT;
CREATE TABLE receiver (
  name    TEXT PRIMARY KEY,
  taken   INTEGER NOT NULL,
  dropped INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;";

/// One event that is to be delivered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spooled {
    /// Its number, which no other event of this spool has or had. Given by the spool.
    pub seq: u64,
    /// When it was told, by the clock of the machine, in microseconds.
    pub at: i64,
    /// What kind of event it is: `finding`.
    pub kind: String,
    /// How bad it is, in the words of findings; empty for events that are not bad.
    pub severity: String,
    /// What it says, in one sentence for people. Escaped.
    pub summary: String,
    /// The event, one object of JSON in one line, without its end.
    pub line: String,
}

/// What waits for one receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waiting {
    /// Events.
    pub events: u64,
    /// Events that were given up before this receiver had them, ever.
    pub dropped: u64,
}

/// A spool that is open.
#[derive(Debug)]
pub struct Spool {
    connection: Connection,
    path: PathBuf,
    name: String,
    receivers: Vec<String>,
    /// Bytes of the lines that are in it.
    bytes: u64,
    most: u64,
}

impl Spool {
    /// Opens the spool at `path` for these receivers, or makes one, of at most so many bytes of events. What waits in it for
    /// receivers that are not named any more does not wait any longer.
    ///
    /// # Errors
    /// The file is another program's, or cannot be opened or written.
    pub fn open(path: &Path, receivers: &[&str], most: u64) -> Result<Self, StoreError> {
        create(path)?;
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let identity = super::schema::Identity::read(&connection);
        let identity = identity.map_err(|source| StoreError::of(path, source))?;
        if !identity.empty && identity.application_id != APPLICATION_ID {
            let application_id = identity.application_id as u32;
            return Err(StoreError::Foreign { path: path.to_path_buf(), application_id });
        }
        if identity.version > VERSION {
            let path = path.to_path_buf();
            let (found, known) = (identity.version, VERSION);
            return Err(StoreError::Newer { path, found, known, writer: None });
        }
        Self::begin(connection, path, receivers, most)
    }

    /// The same in memory: what is not delivered when the process ends is lost.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn in_memory(receivers: &[&str], most: u64) -> Result<Self, StoreError> {
        let path = Path::new(":memory:");
        let connection =
            Connection::open_in_memory().map_err(|source| StoreError::of(path, source))?;
        Self::begin(connection, path, receivers, most)
    }

    fn begin(
        mut connection: Connection,
        path: &Path,
        receivers: &[&str],
        most: u64,
    ) -> Result<Self, StoreError> {
        let prepared = prepare(&mut connection, receivers);
        let (name, bytes) = prepared.map_err(|source| StoreError::of(path, source))?;
        let receivers = receivers.iter().map(|name| (*name).to_owned()).collect();
        let path = path.to_path_buf();
        let mut spool = Self { connection, path, name, receivers, bytes, most };
        spool.trim().map_err(|source| StoreError::of(&spool.path, source))?;
        Ok(spool)
    }

    /// The name of this spool, by which its numbers are told from those of another.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds events, all or none of them. Gives how many of them or of earlier ones were given up for want of room.
    ///
    /// # Errors
    /// They could not be written; nothing was added.
    pub fn add(&mut self, events: &[Spooled]) -> Result<u64, StoreError> {
        let added = self.insert(events).and_then(|added| {
            self.bytes = self.bytes.saturating_add(added);
            self.trim()
        });
        added.map_err(|source| StoreError::of(&self.path, source))
    }

    fn insert(&mut self, events: &[Spooled]) -> rusqlite::Result<u64> {
        const SQL: &str =
            "INSERT INTO event (at_us, kind, severity, summary, line) VALUES (?1, ?2, ?3, ?4, ?5)";
        let change = self.connection.transaction()?;
        let mut bytes = 0_u64;
        {
            let mut statement = change.prepare_cached(SQL)?;
            for Spooled { at, kind, severity, summary, line, .. } in events {
                statement.execute(params![at, kind, severity, summary, line])?;
                bytes = bytes.saturating_add(line.len() as u64);
            }
        }
        change.commit()?;
        Ok(bytes)
    }

    /// The next events of a receiver, in order: at most so many, and so many bytes, but one at least.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn next(
        &self,
        receiver: &str,
        (events, bytes): (usize, usize),
    ) -> Result<Vec<Spooled>, StoreError> {
        let read = || -> rusqlite::Result<Vec<Spooled>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT seq, at_us, kind, severity, summary, line FROM event
                 WHERE seq > (SELECT taken FROM receiver WHERE name = ?1) ORDER BY seq LIMIT ?2",
            )?;
            let limit = i64::try_from(events).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![receiver, limit])?;
            let (mut batch, mut size) = (Vec::new(), 0_usize);
            while let Some(row) = rows.next()? {
                let event = Spooled {
                    seq: row.get::<_, i64>(0)?.try_into().unwrap_or(0),
                    at: row.get(1)?,
                    kind: row.get(2)?,
                    severity: row.get(3)?,
                    summary: row.get(4)?,
                    line: row.get(5)?,
                };
                size = size.saturating_add(event.line.len());
                if size > bytes && !batch.is_empty() {
                    break;
                }
                batch.push(event);
            }
            Ok(batch)
        };
        read().map_err(|source| StoreError::of(&self.path, source))
    }

    /// Notes that a receiver has taken everything up to this number.
    ///
    /// # Errors
    /// What SQLite says; the receiver will be given it again.
    pub fn taken(&mut self, receiver: &str, seq: u64) -> Result<(), StoreError> {
        let number = i64::try_from(seq).unwrap_or(i64::MAX);
        let mut write = || -> rusqlite::Result<u64> {
            let change = self.connection.transaction()?;
            change
                .prepare_cached("UPDATE receiver SET taken = max(taken, ?2) WHERE name = ?1")?
                .execute(params![receiver, number])?;
            let gone = remove(&change, "SELECT coalesce(min(taken), 0) FROM receiver")?;
            change.commit()?;
            Ok(gone)
        };
        let gone = write().map_err(|source| StoreError::of(&self.path, source))?;
        self.bytes = self.bytes.saturating_sub(gone);
        if self.bytes == 0 && gone > 0 {
            // The disk gets back what a receiver that was away needed; that it fails is no harm.
            let _later =
                self.connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"));
        }
        Ok(())
    }

    /// Gives up the first event of a receiver, which it will never take.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn give_up(&mut self, receiver: &str, seq: u64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE receiver SET dropped = dropped + 1 WHERE name = ?1")
            .and_then(|mut statement| statement.execute([receiver]))
            .map_err(|source| StoreError::of(&self.path, source))?;
        self.taken(receiver, seq)
    }

    /// What waits for a receiver.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn waiting(&self, receiver: &str) -> Result<Waiting, StoreError> {
        // Numbers follow one another, and only the first of them go: what waits need not be counted. The first and the last
        // are asked for apart: together they would be looked for in all rows.
        let sql = "SELECT coalesce((SELECT max(seq) FROM event)
                       - max(r.taken, (SELECT min(seq) FROM event) - 1), 0), r.dropped
                   FROM receiver r WHERE r.name = ?1";
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        let read = || {
            self.connection.prepare_cached(sql)?.query_row([receiver], |row| {
                Ok(Waiting { events: number(row.get(0)?), dropped: number(row.get(1)?) })
            })
        };
        read().map_err(|source| StoreError::of(&self.path, source))
    }

    /// Bytes of the events that are in it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives up the oldest events while there are more bytes than may be.
    fn trim(&mut self) -> rusqlite::Result<u64> {
        if self.bytes <= self.most {
            return Ok(0);
        }
        // An eighth more than must go, so that a full spool does not do this with every event.
        let enough = (self.bytes - self.most).saturating_add(self.most / 8);
        let change = self.connection.transaction()?;
        let last: Option<i64> = change
            .query_row(
                "SELECT seq FROM (SELECT seq, sum(octet_length(line)) OVER (ORDER BY seq) AS so_far FROM event)
                 WHERE so_far >= ?1 ORDER BY seq LIMIT 1",
                [i64::try_from(enough).unwrap_or(i64::MAX)],
                |row| row.get(0),
            )
            .optional()?;
        let last = last.unwrap_or(i64::MAX);
        let count: i64 =
            change.query_row("SELECT count(*) FROM event WHERE seq <= ?1", [last], |row| {
                row.get(0)
            })?;
        for receiver in &self.receivers {
            change.execute(
                "UPDATE receiver SET dropped = dropped +
                   (SELECT count(*) FROM event WHERE seq <= ?2 AND seq > receiver.taken)
                 WHERE name = ?1",
                params![receiver, last],
            )?;
        }
        let gone = remove(&change, &last.to_string())?;
        change.commit()?;
        self.connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        self.bytes = self.bytes.saturating_sub(gone);
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// Takes out what is not behind a number, which is an expression of ours. Gives its bytes.
fn remove(connection: &Connection, number: &str) -> rusqlite::Result<u64> {
    let sum =
        format!("SELECT coalesce(sum(octet_length(line)), 0) FROM event WHERE seq <= ({number})");
    let bytes: i64 = connection.prepare_cached(&sum)?.query_row([], |row| row.get(0))?;
    connection.prepare_cached(&format!("DELETE FROM event WHERE seq <= ({number})"))?.execute([])?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Makes the tables where there are none, and gives the name of the spool and how many bytes are in it.
fn prepare(connection: &mut Connection, receivers: &[&str]) -> rusqlite::Result<(String, u64)> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let change = connection.transaction()?;
    let version: i64 = change.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        change.execute_batch(SCHEMA)?;
        change.pragma_update(None, "application_id", APPLICATION_ID)?;
        change.pragma_update(None, "user_version", VERSION)?;
    }
    // A receiver that is new gets what comes from here on.
    for receiver in receivers {
        change.execute(
            "INSERT INTO receiver (name, taken)
             VALUES (?1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0))
             ON CONFLICT DO NOTHING",
            [receiver],
        )?;
    }
    let known: Vec<String> = change
        .prepare("SELECT name FROM receiver")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for gone in known.iter().filter(|name| !receivers.contains(&name.as_str())) {
        change.execute("DELETE FROM receiver WHERE name = ?1", [gone])?;
    }
    remove(&change, "SELECT coalesce(min(taken), 0) FROM receiver")?;
    let name =
        change.query_row("SELECT value FROM meta WHERE key = 'name'", [], |row| row.get(0))?;
    let sum = "SELECT coalesce(sum(octet_length(line)), 0) FROM event";
    let bytes: i64 = change.query_row(sum, [], |row| row.get(0))?;
    change.commit()?;
    Ok((name, u64::try_from(bytes).unwrap_or(0)))
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;
