//! (placeholder)

mod fields;
mod name_match;

pub use fields::FIELDS;
