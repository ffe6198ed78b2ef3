//! What can go wrong with a database file, and what to tell the person.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::model::{Diagnostic, escape_text};

/// Why a database could not be opened, written or asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process held the write lock for longer than the patience of [`super::Store`].
    #[error("{} is locked", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// A later wirelint wrote it.
    #[error("{} has schema {found}, known up to {known}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The latest schema version known here.
        known: i64,
        /// The version of wirelint that wrote last, if it says so.
        writer: Option<String>,
    },
    /// An earlier wirelint wrote it, and it was opened for reading only.
    #[error("{} has schema {found}, and needs {known}", path.display())]
    Older {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The schema version needed.
        known: i64,
    },
    /// A SQLite file of another program.
    #[error("{} is a database of another program (application id {application_id:#010x})", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its application id.
        application_id: u32,
    },
    /// Not a SQLite file at all.
    #[error("{} is not a SQLite file", path.display())]
    NotDatabase {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full, or writing to it failed.
    #[error("cannot write to {}", path.display())]
    DiskFull {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It does not exist, or must not be opened or created.
    #[error("cannot open {}: {why}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// A query is wrong or asks for what is not allowed.
    #[error("query: {why}")]
    Query {
        /// In words.
        why: String,
    },
    /// A query took longer than allowed.
    #[error("the query took longer than {seconds} s")]
    QueryTime {
        /// The limit in seconds.
        seconds: u64,
    },
    /// Rows could not be written to where they were wanted.
    #[error("cannot write the rows")]
    Output(#[from] std::io::Error),
    /// Anything else that SQLite says.
    #[error("{}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// The message for people.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Locked { path } => locked(path),
            Self::Newer { path, found, known, writer } => {
                newer(path, *found, *known, writer.as_deref())
            }
            Self::Older { path, found, known } => older(path, *found, *known),
            Self::Foreign { path, application_id } => foreign(format!(
                "{} is a SQLite file of another program (application id {application_id:#010x})",
                shown(path)
            )),
            Self::NotDatabase { path } => foreign(format!("{} is not a SQLite file", shown(path))),
            Self::DiskFull { path, source } => disk_full(path, source),
            Self::Open { path, why } => {
                Diagnostic::error("db-open", format!("cannot open {}: {why}", shown(path)))
                    .help("name another file with --db, or one that exists")
            }
            Self::Query { why } => Diagnostic::error("db-query", escape_text(why)).help(QUERY_HELP),
            Self::QueryTime { seconds } => Diagnostic::error(
                "db-query-time",
                format!("the query took longer than {seconds} s"),
            )
            .help("ask for less: a WHERE on an indexed column (community_id, last_us), a LIMIT"),
            Self::Output(source) => {
                Diagnostic::error("output", format!("cannot write the rows: {source}"))
            }
            Self::Sqlite { path, source } => Diagnostic::error(
                "db-failed",
                format!("{}: {}", shown(path), escape_text(&source.to_string())),
            )
            .help("check the file: sqlite3 FILE 'PRAGMA integrity_check'"),
        }
    }

    /// The exit code of a program that ends because of it: 2 for a wrong query, 6 for storage.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Query { .. } | Self::QueryTime { .. } => 2,
            _ => 6,
        }
    }

    /// What an error of SQLite means for the file at `path`.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::NotADatabase) => Self::NotDatabase { path },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path, source },
            Some(ErrorCode::SystemIoFailure) if is_write_failure(&source) => {
                Self::DiskFull { path, source }
            }
            Some(ErrorCode::CannotOpen) => {
                Self::Open { path, why: "no such file, or no permission".to_owned() }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::Open { path, why: "it must not be written to".to_owned() }
            }
            _ => Self::Sqlite { path, source },
        }
    }
}

const QUERY_HELP: &str =
    "views: v_findings, v_edges, v_service_posture, v_certificates, v_sessions, v_runs";

fn is_write_failure(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi;
    let code = error.sqlite_error().map(|error| error.extended_code);
    code.is_some_and(|code| {
        matches!(
            code,
            ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_TRUNCATE
                | ffi::SQLITE_IOERR_SHMSIZE
        )
    })
}

fn shown(path: &Path) -> String {
    escape_text(&path.to_string_lossy())
}

fn locked(path: &Path) -> Diagnostic {
    let name = shown(path);
    let by = match super::holder::holder(path) {
        Some((pid, command)) if command.is_empty() => format!("process {pid}"),
        Some((pid, command)) => format!("another process (pid {pid}, \"{command}\")"),
        None => "another process".to_owned(),
    };
    Diagnostic::error("db-locked", format!("{name} is being written by {by}"))
        .note(format!("waited {} s for the lock", super::open::BUSY.as_secs()))
        .help(format!(
            "to look at it: wirelint db query --db {name} (reading works while it is written)"
        ))
        .help("to write elsewhere: --db other.db")
}

fn newer(path: &Path, found: i64, known: i64, writer: Option<&str>) -> Diagnostic {
    let ours = env!("CARGO_PKG_VERSION");
    let message =
        format!("{} has schema {found}, this wirelint ({ours}) knows up to {known}", shown(path));
    let diagnostic = Diagnostic::error("db-newer", message);
    match writer.map(escape_text) {
        Some(writer) => diagnostic
            .note(format!("it was last written by wirelint {writer}"))
            .help(format!("use wirelint {writer} or newer, or name another file with --db")),
        None => diagnostic.help("use the wirelint that wrote it, or name another file with --db"),
    }
}

fn older(path: &Path, found: i64, known: i64) -> Diagnostic {
    let message = format!("{} has schema {found}, this wirelint reads {known}", shown(path));
    Diagnostic::error("db-older", message).help(
        "the next `wirelint check --db` that writes to it brings it up to date, and keeps a copy",
    )
}

fn foreign(message: String) -> Diagnostic {
    Diagnostic::error("db-foreign", message)
        .help("name a new file; wirelint never writes into other databases")
}

fn disk_full(path: &Path, source: &rusqlite::Error) -> Diagnostic {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let full = source.sqlite_error_code() == Some(ErrorCode::DiskFull);
    let what = if full { "the disk is full" } else { "writing to the disk failed" };
    Diagnostic::error("disk-full", format!("{what}: {}", shown(folder)))
        .note(format!("SQLite says: {}", escape_text(&source.to_string())))
        .note(format!("{} is as the last complete run left it", shown(path)))
        .help("free space, or write elsewhere with --db")
}
