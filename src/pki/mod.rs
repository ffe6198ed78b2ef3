//! Certificate facts from DER.
//!
//! Takes the bytes of one certificate as a peer sent them and gives what they say: names, dates, keys, usages, and
//! whether the certificate signed itself. Judges nothing: no trust, no clock, no chain. Bytes that are no certificate
//! give a [`Certificate`](crate::model::Certificate) with a digest and no details.
//!
//! Everything in a certificate was chosen by whoever made it. Text is escaped and bounded, lists are bounded, and no
//! key is used that would make its owner's signature expensive to check.

mod cache;
mod certificate;
mod change_fields;
mod extension;
mod fields;
mod key;
mod likeness;
mod name;
mod name_match;
mod rsa;
mod signature;
#[cfg(test)]
mod tests;
mod text;

pub use cache::CertificateCache;
pub use certificate::read;
pub use change_fields::CHANGE_FIELDS;
pub use fields::FIELDS;
pub use likeness::{same_authority, same_identity, same_issuer_key};
pub use name::name_text;
