//! wirelint reads network traffic between services and says, with evidence, where it is not private, not authenticated,
//! or not what policy says it should be. It never sends a packet.
//!
//! The modules below are layers, low to high: **a module may import only modules above it in this list.**
//! `tests/layering.rs` reads the sources and fails on an import that points the other way, and on an outside crate used
//! beyond its fence. `docs/ARCHITECTURE.md` draws the picture.

#![forbid(unsafe_code)]

// Comments here, not documentation: that stands in each module, and would be read in this scope if it began here.

// The words everything else is said in: frames, endpoints, times, what was seen, sessions, findings.
pub mod model;

// Where frames come from: capture files, standard input, filters.
pub mod capture;

// From a frame to a TCP segment.
pub mod decode;

// From segments to two ordered byte streams per connection.
pub mod flow;

// Certificate facts from DER, and chains judged against the user's authorities.
pub mod pki;

// What the byte streams say: one file or folder per protocol, and the table of protocols.
pub mod inspect;

// Who is who.
pub mod identity;

// Rule files: load, check, evaluate.
pub mod rule;

// Sessions in order, the inventory they build, and the findings that rules draw from both.
pub mod audit;

// What is kept: SQLite.
pub mod store;

// What is printed: one file per format, all from one finished result.
pub mod report;

// The frames that prove findings, with what they must not show blanked.
pub mod excerpt;

// Threads, channels and the way to the end of a run.
pub mod engine;

// Signals of the operating system.
pub mod edge;

// The dashboard in the terminal.
pub mod tui;

// The commands.
pub mod cli;
