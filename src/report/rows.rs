//! The rows of a query, for people and for programs.
//!
//! A query can make any text (`SELECT char(27)`), and what the database holds came from the wire: all text is made safe
//! here, whatever it was before.

use std::io;
use std::path::Path;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Style;
use super::layout::table;
use crate::model::{escape_text, hex, limits};
use crate::store::{Cell, QueryEnd, QueryLimits, RowSink, StoreError, query};

/// How rows are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowFormat {
    /// Aligned columns for people.
    Table,
    /// Comma-separated values (RFC 4180), safe to open in a spreadsheet.
    Csv,
    /// One array of objects.
    Json,
    /// One object per line.
    Ndjson,
}

/// The formats: name, what it is for, and which it is.
pub const ROW_FORMATS: &[(&str, &str, RowFormat)] = &[
    ("table", "aligned columns, for people", RowFormat::Table),
    (
        "csv",
        "comma-separated values; a text that a spreadsheet would run gets a quote",
        RowFormat::Csv,
    ),
    ("json", "one array of objects", RowFormat::Json),
    ("ndjson", "one object per line", RowFormat::Ndjson),
];

/// What is asked, and of which database.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The database.
    pub path: &'a Path,
    /// One SELECT.
    pub sql: &'a str,
    /// What it may cost.
    pub limits: QueryLimits,
}

/// Asks and writes the rows.
///
/// A table holds at most [`limits::QUERY_TABLE_ROWS`] rows; the result says when there were more.
///
/// # Errors
/// As [`query`], and [`StoreError::Output`] when writing fails.
pub fn write_query(
    question: &Question<'_>,
    format: RowFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> Result<QueryEnd, StoreError> {
    let ask = |limits: &QueryLimits, sink: &mut dyn RowSink| {
        query(question.path, question.sql, limits, sink)
    };
    let limits = &question.limits;
    match format {
        RowFormat::Table => {
            let most = u64::try_from(limits::QUERY_TABLE_ROWS).unwrap_or(u64::MAX);
            let mut sink = TableSink::default();
            let end = ask(&QueryLimits { rows: limits.rows.min(most), ..*limits }, &mut sink)?;
            let names: Vec<&str> = sink.names.iter().map(String::as_str).collect();
            out.write_all(table(style, &names, sink.rows, false).as_bytes())?;
            Ok(end)
        }
        RowFormat::Csv => ask(limits, &mut CsvSink { out }),
        RowFormat::Ndjson => ask(limits, &mut NdjsonSink { out, names: Vec::new() }),
        RowFormat::Json => {
            let mut sink = JsonSink { out, names: Vec::new(), any: false };
            let end = ask(limits, &mut sink)?;
            sink.out.write_all(if sink.any { b"\n]\n" } else { b"]\n" })?;
            Ok(end)
        }
    }
}

/// The text with everything escaped that the model's escaping would escape, but for backslashes: what was escaped
/// before stays as it is.
fn safe(text: &str) -> String {
    text.split('\\').map(escape_text).collect::<Vec<_>>().join("\\")
}

/// A value in words; nothing for NULL.
fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Int(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => safe(text),
        Cell::Blob(bytes) => hex(bytes),
    }
}

#[derive(Default)]
struct TableSink {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl RowSink for TableSink {
    fn columns(&mut self, names: &[&str]) -> io::Result<()> {
        self.names = names.iter().map(|name| safe(name)).collect();
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.rows.push(cells.iter().map(shown).collect());
        Ok(())
    }
}

struct CsvSink<'a> {
    out: &'a mut dyn io::Write,
}

impl RowSink for CsvSink<'_> {
    fn columns(&mut self, names: &[&str]) -> io::Result<()> {
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        write!(self.out, "{}\r\n", names.join(","))
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let fields: Vec<String> = cells
            .iter()
            .map(|cell| match cell {
                Cell::Text(text) => quoted(text),
                other => shown(other),
            })
            .collect();
        write!(self.out, "{}\r\n", fields.join(","))
    }
}

/// A text field that no spreadsheet takes for a formula (OWASP ASVS 1.2.10), quoted where RFC 4180 says.
fn quoted(text: &str) -> String {
    // A tab or a line end in front is escaped, and would be no formula any longer; the quote says that it was one.
    let formula = text.starts_with(['\t', '\r', '\0']);
    let text = format!("{}{}", if formula { "'" } else { "" }, safe(text));
    super::csv::field(&text, false)
}

struct NdjsonSink<'a> {
    out: &'a mut dyn io::Write,
    names: Vec<String>,
}

impl RowSink for NdjsonSink<'_> {
    fn columns(&mut self, names: &[&str]) -> io::Result<()> {
        self.names = keys(names);
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, &Row { names: &self.names, cells })?;
        self.out.write_all(b"\n")
    }
}

struct JsonSink<'a> {
    out: &'a mut dyn io::Write,
    names: Vec<String>,
    any: bool,
}

impl RowSink for JsonSink<'_> {
    fn columns(&mut self, names: &[&str]) -> io::Result<()> {
        self.names = keys(names);
        self.out.write_all(b"[")
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.out.write_all(if self.any { b",\n  " } else { b"\n  " })?;
        self.any = true;
        serde_json::to_writer(&mut *self.out, &Row { names: &self.names, cells })?;
        Ok(())
    }
}

/// Names of columns as keys: safe, and no two the same.
fn keys(names: &[&str]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let name = safe(name);
        let mut key = name.clone();
        let mut number = 2_usize;
        while keys.contains(&key) {
            key = format!("{name}_{number}");
            number += 1;
        }
        keys.push(key);
    }
    keys
}

/// One row as an object, its keys in the order of the columns.
struct Row<'a> {
    names: &'a [String],
    cells: &'a [Cell<'a>],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.names.len()))?;
        for (name, cell) in self.names.iter().zip(self.cells) {
            match cell {
                Cell::Null => map.serialize_entry(name, &())?,
                Cell::Int(number) => map.serialize_entry(name, number)?,
                Cell::Real(number) => map.serialize_entry(name, number)?,
                text => map.serialize_entry(name, &shown(text))?,
            }
        }
        map.end()
    }
}
