//! The commands: what `main` calls.
//!
//! stdout is the product, stderr the conversation; `docs/output.md` has the contract.

mod args;
mod audit;
mod authorities;
mod check;
mod db;
mod diagnostic;
mod edges;
mod evidence;
mod formats;
mod keys;
mod output;
mod policy;
mod progress;
mod reasons;
mod rules;
mod services;
mod terminal;
mod tui;

pub use diagnostic::Shown;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use terminal::{Terminal, ignore_closed};

/// A connection's facts are some forty small allocations that live and die together; the system's allocator spends a
/// third of an audit of short handshakes on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a command ends: a code of the table in `docs/output.md`.
pub(crate) type Code = u8;

/// Nothing to complain of.
pub(crate) const OK: Code = 0;
/// Findings at or above the level that fails.
pub(crate) const FINDINGS: Code = 1;
/// Bad usage, rules or input: nothing was decided.
pub(crate) const USAGE: Code = 2;
/// The database or an output file could not be written.
pub(crate) const STORAGE: Code = 6;
/// A bug of ours.
pub(crate) const BUG: Code = 70;
/// Ctrl-C.
pub(crate) const INTERRUPTED: Code = 130;

/// Runs the command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // clap knows which of its messages are answers (help, version) and which are errors.
            let code = if error.use_stderr() { USAGE } else { OK };
            let printed = ignore_closed(error.print());
            return ExitCode::from(if printed.is_ok() { code } else { STORAGE });
        }
    };
    let terminal = Terminal::new(&cli.global);
    let code = match cli.command {
        Command::Check(check) => check::run(*check, &terminal),
        Command::Tui(tui) => tui::run(*tui, &terminal),
        Command::Explain { rule, rules } => rules::explain(&rule, &rules, &terminal),
        Command::Edges(command) => edges::run(&command, &terminal),
        Command::Rules(command) => rules::run(command, &terminal),
        Command::Services(command) => services::run(command, &terminal),
        Command::Db(command) => db::run(command, &terminal),
        Command::Policy(command) => policy::run(command, &terminal),
    };
    ExitCode::from(code)
}
