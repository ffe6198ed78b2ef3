//! What most fields tell, as values: for the tables in which fields are declared.

use std::borrow::Cow;

use super::{Seen, Value};

/// A yes or a no.
#[must_use]
pub fn bool<'a>(value: bool) -> Seen<Value<'a>> {
    Seen::Value(Value::Bool(value))
}

/// A count. What does not fit becomes the largest number that does.
#[must_use]
pub fn int<'a>(value: u64) -> Seen<Value<'a>> {
    signed(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A number that may be negative.
#[must_use]
pub fn signed<'a>(value: i64) -> Seen<Value<'a>> {
    Seen::Value(Value::Int(value))
}

/// A text that is there already.
#[must_use]
pub fn text(text: &str) -> Seen<Value<'_>> {
    Seen::Value(Value::text(text))
}

/// A text that is made for the asking.
#[must_use]
pub fn owned<'a>(text: String) -> Seen<Value<'a>> {
    Seen::Value(Value::Text(Cow::Owned(text)))
}
