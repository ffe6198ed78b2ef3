//! What stands for bytes that need not be kept.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;

/// 64 bits that stand for a ticket, a session id, or whatever else two sessions have in common.
///
/// The same bytes give the same handle in every run of a program, and the bytes cannot be told from it. It is no
/// cryptographic digest: it finds what belongs together, and proves nothing against who chose the bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handle(u64);

impl Handle {
    /// The handle of something, of a kind: the same bytes as something of another kind have another handle.
    #[must_use]
    pub fn of(kind: u64, what: impl Hash) -> Self {
        const SEED: u64 = 0x5555_5555_0000_0000;
        Self(FixedState::with_seed(SEED ^ kind).hash_one(&what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_of_one_kind_have_one_handle() {
        assert_eq!(Handle::of(1, b"ticket"), Handle::of(1, b"ticket"));
        assert_ne!(Handle::of(1, b"ticket"), Handle::of(1, b"tickeT"));
        assert_ne!(Handle::of(1, b"ticket"), Handle::of(2, b"ticket"));
    }
}
