//! The signals of a program that runs for weeks: end, read again what was written, say how it goes.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::InterruptError;

/// What signals asked for.
#[derive(Debug, Default)]
pub struct Asked {
    /// SIGTERM or Ctrl-C: end.
    pub stop: AtomicBool,
    /// SIGHUP: read again what the user wrote, open files anew. Counted, and set back by whoever does it.
    pub reload: AtomicU32,
    /// SIGUSR1: say how it goes.
    pub report: AtomicU32,
}

impl Asked {
    /// Whether a reload was asked for since the last call.
    #[must_use]
    pub fn takes_reload(&self) -> bool {
        self.reload.swap(0, Ordering::AcqRel) > 0
    }

    /// Whether a report was asked for since the last call.
    #[must_use]
    pub fn takes_report(&self) -> bool {
        self.report.swap(0, Ordering::AcqRel) > 0
    }
}

/// Notes signals in `asked` from here on. The second one that asks to end ends the process at once, with 130.
///
/// # Errors
/// When the operating system grants no thread or no signal handler.
pub fn on_signals(asked: &Arc<Asked>) -> Result<(), InterruptError> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let mut all = {
        let _entered = runtime.enter();
        All::new()?
    };
    let asked = Arc::clone(asked);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(all.listen(&asked)))?;
    Ok(())
}

struct All {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    user: Signal,
}

impl All {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }

    async fn listen(&mut self, asked: &Asked) {
        use std::task::Poll;
        loop {
            std::future::poll_fn(|context| {
                let ends = [&mut self.interrupt, &mut self.terminate];
                let ended = ends.map(|one| one.poll_recv(context).is_ready()).contains(&true);
                let hangup = self.hangup.poll_recv(context).is_ready();
                let user = self.user.poll_recv(context).is_ready();
                if ended && asked.stop.swap(true, Ordering::AcqRel) {
                    process::exit(130);
                }
                asked.reload.fetch_add(u32::from(hangup), Ordering::AcqRel);
                asked.report.fetch_add(u32::from(user), Ordering::AcqRel);
                if ended || hangup || user { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }
}
