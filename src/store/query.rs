//! Questions of people: any SELECT, nothing else.
//!
//! The connection is opened for reading, told to refuse writes, and asked about every operation of the statement before
//! it is compiled: three fences, because the text of a query may come from a script that took it from somewhere else.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::StoreError;
use super::fingerprint;
use super::open::{BUSY, connect};
use super::schema::{Identity, MIGRATIONS, latest};
use crate::model::limits;

/// How much a query may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueryLimits {
    /// Rows given; further ones are not, and [`QueryEnd::cut`] says so.
    pub rows: u64,
    /// Time.
    pub time: Duration,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { rows: u64::MAX, time: Duration::from_secs(60) }
    }
}

/// One value of a row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// Text, not necessarily safe to print: a query can make any text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Takes the rows of a query.
pub trait RowSink {
    /// Takes the names of the columns, once, first.
    ///
    /// # Errors
    /// What writing them says.
    fn columns(&mut self, names: &[&str]) -> std::io::Result<()>;

    /// Takes one row.
    ///
    /// # Errors
    /// What writing it says.
    fn row(&mut self, cells: &[Cell<'_>]) -> std::io::Result<()>;
}

/// How a query ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueryEnd {
    /// Rows given.
    pub rows: u64,
    /// Whether there were more.
    pub cut: bool,
}

/// Asks the database at `path`, which is never changed and may be being written to.
///
/// # Errors
/// [`StoreError::Query`] for what is not one SELECT over the database, [`StoreError::QueryTime`] when it takes too
/// long, others for a file that cannot be read or is not wirelint's.
pub fn query(
    path: &Path,
    sql: &str,
    limits: &QueryLimits,
    sink: &mut dyn RowSink,
) -> Result<QueryEnd, StoreError> {
    let mut connection = open(path)?;
    fence(&mut connection, limits.time).map_err(|source| StoreError::of(path, source))?;
    run(&connection, sql, limits.rows, sink).map_err(|error| match error {
        Failed::Sql(source) => explain(path, source, limits),
        Failed::Output(source) => StoreError::Output(source),
    })
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        let why = "no such file".to_owned();
        return Err(StoreError::Open { path: path.to_path_buf(), why });
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let failed = |source| StoreError::of(path, source);
    connection.busy_timeout(BUSY).map_err(failed)?;
    let identity = Identity::read(&connection).map_err(failed)?;
    identity.check(&connection, path, latest(MIGRATIONS))?;
    if identity.version < latest(MIGRATIONS) {
        let (found, known) = (identity.version, latest(MIGRATIONS));
        return Err(StoreError::Older { path: path.to_path_buf(), found, known });
    }
    Ok(connection)
}

/// Virtual machine steps between two looks at the clock: some tenths of a millisecond.
const STEPS: i32 = 10_000;

fn fence(connection: &mut Connection, time: Duration) -> rusqlite::Result<()> {
    connection.pragma_update(None, "query_only", true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, limits::QUERY_VALUE_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, limits::QUERY_SQL_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.authorizer(Some(authorize))?;
    let started = Instant::now();
    connection.progress_handler(STEPS, Some(move || started.elapsed() >= time))
}

/// Reading and computing, but for the key of fingerprints; nothing that writes, attaches, loads or configures.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Read { table_name, .. }
            if table_name.eq_ignore_ascii_case(fingerprint::TABLE) =>
        {
            Authorization::Deny
        }
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Function { function_name }
            if !function_name.eq_ignore_ascii_case("load_extension") =>
        {
            Authorization::Allow
        }
        AuthAction::Pragma { pragma_name, .. } if is_describing(pragma_name) => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

/// Pragmas that describe the schema and take the name of what to describe.
fn is_describing(pragma: &str) -> bool {
    const DESCRIBING: [&str; 6] =
        ["table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"];
    DESCRIBING.iter().any(|name| name.eq_ignore_ascii_case(pragma))
}

enum Failed {
    Sql(rusqlite::Error),
    Output(std::io::Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

fn run(
    connection: &Connection,
    sql: &str,
    most: u64,
    sink: &mut dyn RowSink,
) -> Result<QueryEnd, Failed> {
    let mut statement = connection.prepare(sql)?;
    if statement.column_count() == 0 {
        return Err(Failed::Sql(rusqlite::Error::InvalidQuery));
    }
    sink.columns(&statement.column_names().collect::<Vec<_>>())?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut given = 0;
    while let Some(row) = rows.next()? {
        if given == most {
            return Ok(QueryEnd { rows: given, cut: true });
        }
        let mut cells = Vec::with_capacity(columns);
        for column in 0..columns {
            cells.push(cell(row.get_ref(column)?)?);
        }
        sink.row(&cells)?;
        given += 1;
    }
    Ok(QueryEnd { rows: given, cut: false })
}

fn cell(value: ValueRef<'_>) -> rusqlite::Result<Cell<'_>> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Blob(bytes) => Cell::Blob(bytes),
        // Text made by a cast need not be UTF-8.
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Cell::Text(text),
            Err(_) => Cell::Blob(bytes),
        },
    })
}

fn explain(path: &Path, source: rusqlite::Error, limits: &QueryLimits) -> StoreError {
    match (&source, source.sqlite_error_code()) {
        (_, Some(ErrorCode::OperationInterrupted)) => {
            StoreError::QueryTime { seconds: limits.time.as_secs() }
        }
        (_, Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly)) => {
            let why = "only SELECT over this database is allowed".to_owned();
            StoreError::Query { why }
        }
        (_, Some(ErrorCode::TooBig)) => {
            StoreError::Query { why: "it builds a value that is too big".to_owned() }
        }
        (rusqlite::Error::InvalidQuery, _) => {
            StoreError::Query { why: "it is not a SELECT".to_owned() }
        }
        (rusqlite::Error::MultipleStatement, _) => {
            StoreError::Query { why: "one statement at a time".to_owned() }
        }
        (rusqlite::Error::SqlInputError { msg, sql, offset, .. }, _) => {
            StoreError::Query { why: syntax(msg, sql, *offset) }
        }
        (rusqlite::Error::SqliteFailure(_, Some(message)), Some(ErrorCode::Unknown)) => {
            StoreError::Query { why: message.clone() }
        }
        _ => StoreError::of(path, source),
    }
}

fn syntax(message: &str, sql: &str, offset: i32) -> String {
    let at = usize::try_from(offset).ok().and_then(|at| sql.get(at..));
    match at.map(|rest| rest.chars().take(30).collect::<String>()) {
        Some(rest) if !rest.is_empty() => format!("{message} at \"{rest}\""),
        _ => message.to_owned(),
    }
}
