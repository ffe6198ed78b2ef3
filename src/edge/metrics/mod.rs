//! The endpoint that tells numbers to Prometheus, and whether the watch is alive and ready to whoever starts it.
//!
//! Takes readings when it is asked, gives `/metrics`, `/healthz` and `/ready`. What it reads was published already; nobody
//! waits for whoever asks. Refuses to know what is counted, beyond its name.

mod families;
mod http;
mod server;
mod text;

pub use families::{Reading, page};
pub use server::{MetricsServer, Source};

#[cfg(test)]
mod tests;
