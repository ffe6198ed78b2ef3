//! Certificate facts from DER, and chains judged against the user's authorities.
//!
//! Takes the bytes of certificates as a peer sent them and gives what they say: names, dates, keys, usages, and whether
//! a certificate signed itself. Beside that it judges chains, as a pure function of the chain, the moment, the
//! authorities that the user trusts and the revocation lists at hand. Has no clock, fetches nothing, and knows no
//! authority but those it was given. Bytes that are no certificate give a
//! [`Certificate`](crate::model::Certificate) with a digest and no details.
//!
//! Everything in a certificate was chosen by whoever made it. Text is escaped and bounded, lists are bounded, and no
//! key is used that would make its owner's signature expensive to check.

mod cache;
mod certificate;
mod chain;
mod chain_fields;
mod change_fields;
mod crl;
mod ecdsa;
mod extension;
mod fields;
mod hash;
mod judge;
mod key;
mod likeness;
mod name;
mod name_match;
mod ocsp;
mod path;
mod pem;
mod reliance_fields;
mod rsa;
mod signature;
mod strict;
#[cfg(test)]
mod tests;
mod text;
mod trust;
mod window;
#[cfg(test)]
pub(crate) mod workshop;

pub use cache::CertificateCache;
pub use certificate::read;
pub use chain::{Authorities, Shown, judge_chain};
pub use chain_fields::CHAIN_FIELDS;
pub use change_fields::CHANGE_FIELDS;
pub use crl::RevocationLists;
pub use fields::FIELDS;
pub use judge::ChainJudge;
pub use likeness::{same_authority, same_identity, same_issuer_key};
pub use name::name_text;
pub use reliance_fields::RELIANCE_FIELDS;
pub use trust::TrustStore;
