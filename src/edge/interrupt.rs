//! Ctrl-C once to finish early, twice to leave at once.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime::{Builder, Runtime};

/// Signals cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for Ctrl-C: {0}")]
pub struct InterruptError(#[from] io::Error);

/// Tells whether the user asked to finish. The thread behind it does not keep the process alive.
#[derive(Clone, Debug)]
pub struct Interrupts {
    asked: Arc<AtomicBool>,
}

impl Interrupts {
    /// Whether a first signal came.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }
}

/// Sets `asked` on the first Ctrl-C or SIGTERM, and ends the process with 130 on the next: whoever asks twice does not
/// want to wait for what is being finished.
///
/// Signals are listened to when this returns, and from then on for as long as the process lives.
///
/// # Errors
/// When the operating system grants no thread or no signal handler.
pub fn on_interrupt(asked: Arc<AtomicBool>) -> Result<Interrupts, InterruptError> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    let interrupts = Interrupts { asked: Arc::clone(&asked) };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || listen(&runtime, signals, &asked))?;
    Ok(interrupts)
}

/// What a shell says of a program that Ctrl-C ended: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

fn listen(runtime: &Runtime, mut signals: Signals, asked: &AtomicBool) {
    runtime.block_on(async {
        signals.next().await;
        asked.store(true, Ordering::Release);
        signals.next().await;
        process::exit(EXIT_INTERRUPTED);
    });
}

/// The signals that ask a program to end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        use std::task::Poll;
        std::future::poll_fn(|context| {
            let interrupted = self.interrupt.poll_recv(context).is_ready();
            let terminated = self.terminate.poll_recv(context).is_ready();
            if interrupted || terminated { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The signals that ask a program to end.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::env;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, Command, Stdio};

    const CHILD: &str = "WIRELINT_TEST_INTERRUPTED_CHILD";

    /// Not a test by itself: the process that the tests below send signals to.
    #[test]
    fn child() {
        if env::var_os(CHILD).is_none() {
            return;
        }
        let interrupts = on_interrupt(Arc::default()).unwrap();
        say("\nready");
        while !interrupts.asked() {
            thread::yield_now();
        }
        say("asked");
        loop {
            thread::park();
        }
    }

    fn say(word: &str) {
        let mut out = io::stdout();
        writeln!(out, "{word}").unwrap();
    }

    fn run_child() -> (Child, impl Iterator<Item = String>) {
        let module = module_path!().split_once("::").unwrap().1;
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture", &format!("{module}::child")])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        (child, lines)
    }

    fn send(signal: &str, child: &Child) {
        let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    fn asks_then_ends(first: &str, second: &str) {
        let (mut child, mut lines) = run_child();
        assert!(lines.any(|line| line == "ready"));
        send(first, &child);
        assert!(lines.any(|line| line == "asked"));
        send(second, &child);
        assert_eq!(child.wait().unwrap().code(), Some(EXIT_INTERRUPTED));
    }

    #[test]
    fn the_first_signal_asks_and_the_second_ends_the_process() {
        asks_then_ends("-INT", "-INT");
        asks_then_ends("-TERM", "-INT");
        asks_then_ends("-INT", "-TERM");
    }
}
