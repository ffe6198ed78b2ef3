//! A request that changes something, as far as it takes to know it when it comes again.

use std::hash::{DefaultHasher, Hasher as _};

use super::head::{Fields, Framing, RequestHead};
use crate::inspect::calls::{HeaderName, Used};
use crate::model::{Moment, limits};

/// A request that is being read. Its hash does not depend on how its bytes were cut: the hasher takes a stream of bytes.
#[derive(Clone)]
pub(super) struct Printing {
    hasher: DefaultHasher,
    /// The credentials that it carried.
    pub(super) used: Used,
    /// It says that it may come again.
    pub(super) repeatable: bool,
    /// When its head was whole.
    pub(super) at: Moment,
}

impl Printing {
    /// Begins with a head. Nothing for requests without a credential, for those that change nothing (RFC 9110 section
    /// 9.2.1), and for bodies that are long or of unknown length.
    pub(super) fn begin(
        head: &RequestHead<'_>,
        fields: &Fields<'_>,
        used: Used,
        at: Moment,
    ) -> Option<Self> {
        let changes = matches!(head.method, b"POST" | b"PUT" | b"PATCH" | b"DELETE");
        let short = match head.framing {
            Framing::Nothing => true,
            Framing::Length(length) => length <= limits::PRINTED_BODY as u64,
            Framing::Chunked | Framing::Close | Framing::Contradictory => false,
        };
        if !changes || !short || !used.any() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        for part in [head.method, b" ", head.target, b"\0"] {
            hasher.write(part);
        }
        let repeatable = fields.known().any(|(name, _)| name == HeaderName::Repeatable);
        Some(Self { hasher, used, repeatable, at })
    }

    /// Takes in bytes of the body.
    pub(super) fn add(&mut self, body: &[u8]) {
        self.hasher.write(body);
    }

    /// A number for method, target and body.
    pub(super) fn hash(&self) -> u64 {
        self.hasher.finish()
    }
}
