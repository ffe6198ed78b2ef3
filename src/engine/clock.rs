//! The clock of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::Timestamp;

/// When something is done: a run, an entry in a database, an event that is told. What traffic is judged by is the time
/// of its packets, never this.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
