//! The `wirelint` program: parse, run, print, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    wirelint::cli::main(std::env::args_os())
}
