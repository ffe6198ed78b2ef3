//! What is printed.
#[cfg(test)]
pub(crate) mod fixture;
