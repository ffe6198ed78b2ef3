//! The commands: what `main` calls.
//!
//! stdout is the product, stderr the conversation; `docs/output.md` has the contract.

mod args;
mod audit;
mod authorities;
mod baseline;
mod check;
mod config;
mod db;
mod diagnostic;
mod doctor;
mod edges;
mod evidence;
mod finding;
mod formats;
mod gate;
mod keys;
mod output;
mod policy;
mod privileges;
mod progress;
mod reasons;
mod rows;
mod rules;
mod services;
mod shell;
mod terminal;
mod tui;
mod watch;

pub use diagnostic::Shown;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use args::{Cli, Command};
use config::Config;
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
/// The interface cannot be captured on, or privileges cannot be given up.
pub(crate) const DEVICE: Code = 5;
/// The database or an output file could not be written.
pub(crate) const STORAGE: Code = 6;
/// A bug of ours.
pub(crate) const BUG: Code = 70;
/// Ctrl-C.
pub(crate) const INTERRUPTED: Code = 130;

/// Runs the command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let code = parse(Cli::command(), &arguments).and_then(|(cli, given)| {
        let terminal = Terminal::new(&cli.global);
        if !cli.command.is_configured() {
            return Ok(run(cli, &given, &terminal));
        }
        let config = Config::load(&cli.global).map_err(|errors| terminal.refuse(&errors, USAGE))?;
        let (cli, given) = parse(config.apply(Cli::command()), &arguments)?;
        let terminal = Terminal::new(&cli.global);
        Ok(run(cli, &given, &terminal))
    });
    ExitCode::from(code.unwrap_or_else(|code| code))
}

/// Reads the command line as `command` describes it. Gives it with the options that make a run see only a part.
fn parse(command: clap::Command, arguments: &[OsString]) -> Result<(Cli, Vec<&'static str>), Code> {
    let read = command.try_get_matches_from(arguments).and_then(|matches| {
        let given = narrowing(&matches);
        Ok((Cli::from_arg_matches(&matches)?, given))
    });
    read.map_err(|error| {
        // clap knows which of its messages are answers (help, version) and which are errors.
        let code = if error.use_stderr() { USAGE } else { OK };
        let printed = ignore_closed(error.print());
        if printed.is_ok() { code } else { STORAGE }
    })
}

/// Options on the command line, not of the configuration, that make a run see or judge only a part.
fn narrowing(matches: &ArgMatches) -> Vec<&'static str> {
    const NARROWING: [(&str, &str); 7] = [
        ("filter", "--filter"),
        ("filter_file", "--filter-file"),
        ("select", "--select"),
        ("ignore", "--ignore"),
        ("min_severity", "--min-severity"),
        ("min_confidence", "--min-confidence"),
        ("where", "--where"),
    ];
    let mut leaf = matches;
    while let Some((_, below)) = leaf.subcommand() {
        leaf = below;
    }
    let is_given = |id: &str| {
        matches!(leaf.try_contains_id(id), Ok(true))
            && leaf.value_source(id) == Some(ValueSource::CommandLine)
    };
    NARROWING.iter().filter(|(id, _)| is_given(id)).map(|(_, option)| *option).collect()
}

fn run(cli: Cli, given: &[&str], terminal: &Terminal) -> Code {
    match cli.command {
        Command::Check(check) => check::run(*check, terminal),
        Command::Tui(tui) => tui::run(*tui, terminal),
        Command::Explain { rule, db, rules } => rules::explain(&rule, &db, &rules, terminal),
        Command::Edges(command) => edges::run(&command, terminal),
        Command::Rules(command) => rules::run(command, terminal),
        Command::Services(command) => services::run(command, terminal),
        Command::Policy(command) => policy::run(command, terminal),
        Command::Doctor(args) => doctor::run(&args, terminal),
        Command::Watch(args) => watch::run(*args, terminal),
        Command::Db(command) => db::run(command, terminal),
        Command::Baseline(command) => baseline::run(command, given, terminal),
        Command::Config(command) => config::run(&command, &cli.global, terminal),
        Command::Completions { shell } => shell::completions(shell, terminal),
        Command::Man { dir } => shell::man(dir.as_deref(), terminal),
    }
}
