//! What is kept: one SQLite file.
//!
//! Takes the finished result of a run (or what is known of a run so far) and writes it; answers queries of people and
//! programs. Refuses to know how the result came about. Text from the wire arrives escaped and stays so.
//!
//! **What the counts mean.** Every count is kept per run and replaced, never added to, when the run is written again.
//! Reading the same capture twice therefore adds a run and changes no count: the views show a finding, an edge or a
//! certificate's use as the latest run that saw it counted it, and first and last seen over all runs.

mod annotations;
mod changes;
mod credential_rows;
mod earlier;
mod error;
mod finding_rows;
mod fingerprint;
pub(crate) mod flat;
mod holder;
mod inventory_rows;
mod open;
mod prune;
mod query;
mod schema;
mod session_rows;
mod spool;
pub mod view;
mod write;

pub use annotations::{Annotation, Decision, annotate};
pub use changes::Written;
pub use error::StoreError;
pub use open::Store;
pub use prune::{Pruned, Retention};
pub use query::{Cell, QueryEnd, QueryLimits, RowSink, query};
pub use spool::{Spool, Spooled, Waiting};
pub use write::{RunEnd, RunId, RunStart};

#[cfg(test)]
mod tests;
