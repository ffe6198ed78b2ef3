//! What concerns the operating system and the network around the watch: signals, privileges, who is told what.
//!
//! Takes Ctrl-C and the request to terminate, gives a flag that the engine looks at between batches: to stop is to
//! pretend that the input has ended, so that there is one way to the end of a run. Takes what the engine publishes, and
//! tells it to those who ask (metrics), to receivers elsewhere, and to the service manager. Knows nothing of how it came about.
//!
//! SIGPIPE needs nothing here: the runtime of Rust ignores it, so that writing to a closed pipe (`wirelint ... | head`)
//! is an ordinary error of kind `BrokenPipe`, which whoever writes takes for "the reader has seen enough".

pub mod deliver;
mod interrupt;
mod job;
pub mod metrics;
mod notify;
mod privileges;
mod signals;

pub use interrupt::{InterruptError, Interrupts, on_interrupt};
pub use job::{JobSignal, on_job_signal, stop_here};
pub use notify::{Notifier, host_name};
pub use privileges::{
    Network, Step, UserError, Wish, folder_of, give_up, has_landlock, is_root, may_capture,
    owner_of,
};
pub use signals::{Asked, on_signals};
