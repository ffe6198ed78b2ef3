//! What concerns the operating system: its signals, and what a process may do.
//!
//! Takes Ctrl-C and the request to terminate, gives a flag that the engine looks at between batches: to stop is to
//! pretend that the input has ended, so that there is one way to the end of a run. Knows nothing of what is stopped.
//!
//! SIGPIPE needs nothing here: the runtime of Rust ignores it, so that writing to a closed pipe (`wirelint ... | head`)
//! is an ordinary error of kind `BrokenPipe`, which whoever writes takes for "the reader has seen enough".

mod interrupt;
mod job;
mod privileges;
mod signals;

pub use interrupt::{InterruptError, Interrupts, on_interrupt};
pub use job::{JobSignal, on_job_signal, stop_here};
pub use privileges::{
    Step, UserError, Wish, folder_of, give_up, has_landlock, is_root, may_capture, owner_of,
};
pub use signals::{Asked, on_signals};
