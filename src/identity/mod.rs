//! Who is who.

mod fields;

pub use fields::FIELDS;
