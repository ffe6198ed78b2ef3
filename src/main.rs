//! The `wirelint` program.
fn main() {}
