//! The dashboard in the terminal.
//!
//! Takes a database, which may be being written to while it is looked at; draws what is in it; writes nothing but what
//! people decide about findings. Refuses to know how the results came about: whoever fills the database while the
//! dashboard is open is a [`Producer`] in a thread of its own.
//!
//! ```text
//!  keys, mouse, signals ---+
//!  answers of the reader --+--> Message --> update(Model) --> Effect --> asks the reader, copies, suspends, ends
//!  a producer's progress --+                   |
//!                                            view: draws the Model
//! ```
//!
//! `update` and `view` do nothing but that: no clock, no file, no thread. Everything that is read is read by one thread
//! (`reader`), so that drawing never waits for SQL. What a key does is one line in `keys`, from which the help, the hints
//! at the foot and the documentation come; a screen is one file in `panels` and one line in its table.

mod asker;
mod commands;
mod keys;
mod live;
mod model;
mod panels;
mod program;
mod prompt;
mod table;
mod terminal;
mod text;
mod theme;
mod update;
mod view;

pub use live::{Live, LiveSource};
pub use program::{Ended, Explain, Producer, Progress, Setup, Told, TuiError, run};
pub use theme::{THEMES, theme_names};

#[cfg(test)]
mod tests;
