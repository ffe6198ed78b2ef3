//! The commands.

mod diagnostic;

pub use diagnostic::Shown;
