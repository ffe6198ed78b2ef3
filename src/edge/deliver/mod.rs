//! Events to receivers elsewhere: syslog (RFC 5424) and webhooks.
//!
//! Takes events and puts them into the spool, from which each receiver gets them in order, by a thread of its own, until it
//! has taken them. The audit waits for none of this: a thread of its own puts events into words and waits for the spool, and
//! what that one cannot take in time is given up and counted.
//!
//! ```text
//!  outlet --> clerk --batches--> spooler --transactions--> spool --batches--> one thread per receiver --> TLS, TCP, UDP
//! ```
//!
//! A receiver gets every event at least once. Its number goes with it, so that a second time can be told.

mod address;
mod backoff;
mod courier;
mod header;
mod peer;
mod receiver;
mod syslog;
mod tls;
mod udp;
mod webhook;

pub use address::{AddressError, Scheme, SyslogAddress, WebhookAddress};
pub use courier::{Courier, Delivery, ReceiverReport, Report};
pub use header::{Headers, HeadersError};
pub use receiver::{Failure, Receiver, Transport};
pub use syslog::{Origin, SyslogStream};
pub use tls::{TlsClient, TlsError, TlsFiles};
pub use udp::SyslogDatagrams;
pub use webhook::Webhook;

#[cfg(test)]
mod tests;
