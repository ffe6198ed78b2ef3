//! TLS.

mod failure;
mod fields;
mod names;
mod suites;

pub use fields::FIELDS;
pub use names::{alert_name, group_name, scheme_hash, scheme_name, version_name};
pub use suites::{Suite, suite, suite_name};
