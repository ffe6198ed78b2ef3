//! Signals to a program that owns the terminal: ending, suspending, coming back.

use std::io;
use std::thread;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

/// What the operating system or the shell asks of the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobSignal {
    /// End: SIGTERM, SIGINT, or the terminal is gone.
    End,
    /// Give the terminal back and stop.
    Suspend,
    /// It was stopped, and goes on.
    Resume,
}

/// Passes on signals from now on, for as long as the process lives.
///
/// # Errors
/// When the operating system grants no thread or no signal handler.
pub fn on_job_signal(tell: impl Fn(JobSignal) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGTSTP, SIGCONT])?;
    thread::Builder::new().name("job-signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            tell(match signal {
                SIGTSTP => JobSignal::Suspend,
                SIGCONT => JobSignal::Resume,
                _ => JobSignal::End,
            });
        }
    })?;
    Ok(())
}

/// Stops the process as Ctrl-Z does; returns when somebody lets it go on.
///
/// # Errors
/// When the operating system refuses.
pub fn stop_here() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(SIGTSTP)
}
