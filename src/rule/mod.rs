//! Rule files: load, check, evaluate.
//!
//! Takes TOML files and subjects (sessions, certificates, endpoints, edges, a run); gives verdicts, messages and
//! explanations. Knows fields, never packets. `docs/rules.md` is the user's page of it.

pub mod baseline;
mod cel;
mod check;
mod definition;
mod eval;
mod evaluator;
mod explain;
mod fields;
mod file;
mod functions;
mod message;
mod policy;
mod policy_fields;
mod proof;
mod run_fields;
mod set;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod trial;

pub use definition::{FindingParts, Rule, RuleOption, Verdict};
pub use evaluator::{Evaluator, Hit};
pub use explain::{RuleRow, TestFailure, TestReport, explain, read_only, rule_rows, run_tests};
pub use fields::{FieldRow, FieldTable, field_rows, fields_markdown, fields_of};
pub use file::read_rule;
pub use message::Message;
pub use policy::{
    Demand, Draft, Found, Policy, PolicyEdge, Require, Terms, diff, diff_seen, exactly,
    glob_matches, identity_fits, policy_text,
};
pub use proof::{POINTS, Point};
pub use set::RuleSet;
pub(crate) use source::{nearest, suggestion};
pub use trial::{Expectation, Trial};
