//! A page of a list: the rows around a key.

use std::collections::HashMap;

use rusqlite::Connection;

use super::filter::Filter;
use super::lists::{List, ListName, list};
use super::{Datum, Reader};
use crate::model::limits;
use crate::store::StoreError;

/// Where in a list.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Anchor {
    /// At its begin.
    #[default]
    First,
    /// At its end.
    Last,
    /// Around the row with this key, whether it is still there or not: what it is sorted by, and what tells it apart.
    At(Datum, Datum),
}

/// Which rows of which list.
#[derive(Clone, PartialEq, Debug)]
pub struct PageRequest {
    /// The list.
    pub list: ListName,
    /// Which rows of it.
    pub filter: Filter,
    /// The column that it is in the order of, by its place.
    pub order: usize,
    /// From the largest down.
    pub descending: bool,
    /// Where.
    pub anchor: Anchor,
}

/// A row.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Of which list.
    pub list: ListName,
    /// What tells it apart.
    pub id: Datum,
    /// What it is sorted by.
    pub key: Datum,
    /// Its values, one per column.
    pub cells: Vec<Datum>,
}

impl Line {
    /// The value of a column; nothing when there is no such column.
    #[must_use]
    pub fn datum(&self, name: &str) -> &Datum {
        let at = list(self.list).column(name);
        at.and_then(|at| self.cells.get(at)).unwrap_or(&Datum::None)
    }

    /// A text; empty when it is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.datum(name) {
            Datum::Text(text) => text,
            _ => "",
        }
    }

    /// A number, where there is one.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.datum(name) {
            Datum::Int(number) => Some(*number),
            _ => None,
        }
    }
}

/// Rows around a place in a list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Page {
    /// The rows, in order.
    pub rows: Vec<Line>,
    /// How many stand before them.
    pub before: u64,
    /// How many there are.
    pub total: u64,
    /// How many there are without the filter.
    pub all: u64,
    /// The place in `rows` of the row that was asked for, or of what stands there now.
    pub at: usize,
}

/// Counts that stay true until somebody writes.
#[derive(Debug, Default)]
pub(super) struct Totals {
    version: i64,
    counts: HashMap<(ListName, Filter), u64>,
}

impl Reader {
    /// The rows that `request` asks for.
    ///
    /// # Errors
    /// The file is gone or broken, or the question was given up.
    pub fn page(&mut self, request: &PageRequest) -> Result<Page, StoreError> {
        let version = self.version()?;
        if self.totals.version != version || self.totals.counts.len() > limits::VIEW_COUNTS {
            self.totals = Totals { version, counts: HashMap::new() };
        }
        let page = read(&self.connection, request, &mut self.totals);
        page.map_err(|source| self.failure(source))
    }
}

fn read(db: &Connection, request: &PageRequest, totals: &mut Totals) -> rusqlite::Result<Page> {
    // One transaction, so that rows and counts are of the same moment.
    let transaction = db.unchecked_transaction()?;
    let ask = Ask { db: &transaction, list: list(request.list), request };
    let total = ask.total(&request.filter, totals)?;
    let all = ask.total(&Filter::default(), totals)?;
    let side = limits::VIEW_ROWS;
    let (mut behind, ahead, passed) = match &request.anchor {
        Anchor::First => (Vec::new(), ask.keys(None, Way::Ahead, side * 2)?, 0),
        Anchor::Last => (ask.keys(None, Way::Back, side * 2)?, Vec::new(), total),
        Anchor::At(key, id) => {
            let key = (key.clone(), id.clone());
            let behind = ask.keys(Some(&key), Way::Back, side)?;
            let ahead = ask.keys(Some(&key), Way::Ahead, side)?;
            (behind, ahead, ask.passed(&key)?)
        }
    };
    behind.reverse();
    let before = passed.saturating_sub(behind.len() as u64);
    let count = behind.len() + ahead.len();
    let at = match request.anchor {
        Anchor::First => 0,
        Anchor::Last => count.saturating_sub(1),
        Anchor::At(..) => behind.len().min(count.saturating_sub(1)),
    };
    behind.extend(ahead);
    let rows = ask.lines(behind)?;
    Ok(Page { rows, before, total, all, at })
}

/// Which rows of a key's two sides. Ahead has the row itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Ahead,
    Back,
}

type Key = (Datum, Datum);

struct Ask<'a> {
    db: &'a Connection,
    list: &'static List,
    request: &'a PageRequest,
}

impl Ask<'_> {
    fn total(&self, filter: &Filter, totals: &mut Totals) -> rusqlite::Result<u64> {
        let place = (self.request.list, filter.clone());
        if let Some(known) = totals.counts.get(&place) {
            return Ok(*known);
        }
        let rows = if filter.is_empty() { self.list.all } else { self.list.rows };
        let sql = format!("SELECT count(*) FROM {rows} WHERE {}", filter.sql());
        let mut statement = self.db.prepare_cached(&sql)?;
        let count: i64 =
            statement.query_row(rusqlite::params_from_iter(filter.values()), |row| row.get(0))?;
        let count = u64::try_from(count).unwrap_or(0);
        totals.counts.insert(place, count);
        Ok(count)
    }

    fn sort(&self) -> &'static str {
        self.list.columns.get(self.request.order).map_or(self.list.id, |column| column.sort)
    }

    /// Compares a row's key with the two bound last.
    fn beyond(&self, way: Way) -> String {
        let ahead = way == Way::Ahead;
        let sign = match (ahead, self.request.descending) {
            (true, true) => "<=",
            (true, false) => ">=",
            (false, true) => ">",
            (false, false) => "<",
        };
        let at = self.request.filter.values().len();
        format!("({}, {}) {sign} (?{}, ?{})", self.sort(), self.list.id, at + 1, at + 2)
    }

    /// The keys of up to `most` rows from `from` on, in that direction.
    fn keys(&self, from: Option<&Key>, way: Way, most: usize) -> rusqlite::Result<Vec<Key>> {
        let falling = self.request.descending == (way == Way::Ahead);
        let direction = if falling { "DESC" } else { "ASC" };
        let (sort, id) = (self.sort(), self.list.id);
        let beyond = from.map_or_else(|| "1".to_owned(), |_| self.beyond(way));
        let sql = format!(
            "SELECT {sort}, {id} FROM {} WHERE {} AND {beyond}
             ORDER BY {sort} {direction}, {id} {direction} LIMIT {most}",
            self.list.rows,
            self.request.filter.sql(),
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(self.values(from)), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect()
    }

    /// How many rows stand before `key`.
    fn passed(&self, key: &Key) -> rusqlite::Result<u64> {
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {} AND {}",
            self.list.rows,
            self.request.filter.sql(),
            self.beyond(Way::Back),
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let values = self.values(Some(key));
        let count: i64 =
            statement.query_row(rusqlite::params_from_iter(values), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn values<'v>(&'v self, key: Option<&'v Key>) -> impl Iterator<Item = &'v Datum> {
        let key = key.into_iter().flat_map(|(sort, id)| [sort, id]);
        self.request.filter.values().iter().chain(key)
    }

    /// The rows with these keys, in their order.
    fn lines(&self, keys: Vec<Key>) -> rusqlite::Result<Vec<Line>> {
        let columns: Vec<&str> = self.list.columns.iter().map(|column| column.sql).collect();
        // SQLite's own JSON, so that one statement does for any number of rows.
        let wanted: Vec<serde_json::Value> = keys.iter().map(|(_, id)| json(id)).collect();
        let sql = format!(
            "SELECT {id}, {} FROM {} WHERE {id} IN (SELECT value FROM json_each(?1))",
            columns.join(", "),
            self.list.rows,
            id = self.list.id,
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut found = HashMap::new();
        let mut rows = statement.query([serde_json::Value::from(wanted).to_string()])?;
        while let Some(row) = rows.next()? {
            let id: Datum = row.get(0)?;
            let cells = (1..=columns.len()).map(|at| row.get(at));
            let cells: Vec<Datum> = cells.collect::<rusqlite::Result<_>>()?;
            found.insert(json(&id).to_string(), cells);
        }
        let list = self.request.list;
        let lines = keys.into_iter().filter_map(|(key, id)| {
            let cells = found.remove(&json(&id).to_string())?;
            Some(Line { list, id, key, cells })
        });
        Ok(lines.collect())
    }
}

fn json(datum: &Datum) -> serde_json::Value {
    match datum {
        Datum::None => serde_json::Value::Null,
        Datum::Int(number) => (*number).into(),
        Datum::Text(text) => text.clone().into(),
    }
}
