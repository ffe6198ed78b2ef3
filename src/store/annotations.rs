//! What people decide about findings: that they know of it, or that it is to be left alone, each with a reason.

use std::path::Path;

use rusqlite::{TransactionBehavior, params};

use super::{Store, StoreError};
use crate::model::{Timestamp, escape_text, limits};

/// What a person decided about a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// It is to be acted on again.
    Open,
    /// It is known and being worked on.
    Acknowledged,
    /// It is to be left alone.
    Ignored,
}

impl Decision {
    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Ignored => "ignored",
        }
    }
}

/// A decision with its reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Annotation {
    /// The row of the finding.
    pub finding: i64,
    /// What was decided.
    pub decision: Decision,
    /// Why, as it was typed. Stored escaped.
    pub reason: String,
    /// Who decided. Stored escaped.
    pub author: String,
    /// By the clock of the machine.
    pub made: Timestamp,
}

impl Store {
    /// Writes a decision: a row of its own, and the state of the finding.
    ///
    /// # Errors
    /// [`StoreError`] when the database is locked or the disk does not take it; it is then as it was.
    pub fn annotate(&mut self, annotation: &Annotation) -> Result<(), StoreError> {
        let path = self.path.clone();
        write(self, annotation).map_err(|source| StoreError::of(&path, source))
    }
}

/// Writes a decision into the database at `path`, which must exist.
///
/// # Errors
/// As [`Store::annotate`], and for a file that is no database of wirelint.
pub fn annotate(path: &Path, annotation: &Annotation) -> Result<(), StoreError> {
    if !path.exists() {
        let why = "no such file".to_owned();
        return Err(StoreError::Open { path: path.to_path_buf(), why });
    }
    Store::open(path)?.annotate(annotation)
}

fn write(store: &mut Store, annotation: &Annotation) -> rusqlite::Result<()> {
    let Annotation { finding, decision, made, .. } = annotation;
    let reason = bounded(&annotation.reason);
    let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO annotation (fingerprint, state, reason, author, made_us)
         SELECT fingerprint, ?2, ?3, ?4, ?5 FROM finding WHERE finding_id = ?1",
        params![finding, decision.name(), reason, bounded(&annotation.author), made.micros()],
    )?;
    transaction.execute(
        "UPDATE finding SET state = ?2, state_reason = nullif(?3, '') WHERE finding_id = ?1",
        params![finding, decision.name(), reason],
    )?;
    transaction.commit()
}

fn bounded(text: &str) -> String {
    let cut: String = text.chars().take(limits::REASON_CHARS).collect();
    escape_text(cut.trim())
}
