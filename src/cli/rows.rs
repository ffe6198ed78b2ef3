//! Rows of a database, for commands that say something of them.

use std::io;
use std::path::Path;

use crate::store::{Cell, QueryLimits, RowSink, StoreError, query};

/// The rows that a query gives, each cell as text; `None` for NULL. The statement is the program's own.
pub(super) fn rows(path: &Path, sql: &str) -> Result<Vec<Vec<Option<String>>>, StoreError> {
    let mut all = Rows(Vec::new());
    query(path, sql, &QueryLimits::default(), &mut all)?;
    Ok(all.0)
}

struct Rows(Vec<Vec<Option<String>>>);

impl RowSink for Rows {
    fn columns(&mut self, _: &[&str]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let text = |cell: &Cell<'_>| match cell {
            Cell::Null | Cell::Blob(_) => None,
            Cell::Int(number) => Some(number.to_string()),
            Cell::Real(number) => Some(number.to_string()),
            Cell::Text(text) => Some((*text).to_owned()),
        };
        self.0.push(cells.iter().map(text).collect());
        Ok(())
    }
}

/// Text as a literal of SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
