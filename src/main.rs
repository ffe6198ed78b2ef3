//! The `wirelint` program: parse, run, print, exit.

use std::process::ExitCode;

/// A connection's facts are some forty small allocations that live and die together; the system's allocator spends a
/// third of an audit of short handshakes on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wirelint::cli::main(std::env::args_os())
}
