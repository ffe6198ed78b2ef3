//! `wirelint db`: questions to a database of results.

use std::io::{self, BufWriter, Write as _};
use std::time::Duration;

use super::args::Db;
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{Code, OK, STORAGE};
use crate::model::Diagnostic;
use crate::report::{Question, ROW_FORMATS, RowFormat, Show, write_query};
use crate::store::{QueryLimits, StoreError};

/// Runs the command.
pub(super) fn run(command: Db, terminal: &Terminal) -> Code {
    let Db::Query { sql, db, format, timeout } = command;
    let limits = QueryLimits { time: Duration::from_secs(timeout), ..QueryLimits::default() };
    let question = Question { path: &db, sql: &sql, limits };
    let format = ROW_FORMATS.iter().find(|(name, ..)| *name == format);
    let format = format.map_or(RowFormat::Table, |(_, _, format)| *format);
    let mut out = BufWriter::new(io::stdout());
    let style = terminal.style(Show::All);
    let answered = write_query(&question, format, &style, &mut out);
    let answered = answered.and_then(|end| Ok((end, out.flush()?)));
    match answered {
        Ok((end, ())) => {
            if end.cut {
                let shown = format!("only the first {} rows are shown", end.rows);
                terminal
                    .say(&Diagnostic::warning("rows-cut", shown).help("use --format csv for all"));
            }
            OK
        }
        Err(StoreError::Output(error)) => match ignore_closed(Err(error)) {
            Ok(()) => OK,
            Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
        },
        Err(error) => terminal.refuse(&[error.diagnostic()], error.exit_code()),
    }
}
