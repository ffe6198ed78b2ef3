//! What stands for bytes that need not be kept.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;

/// 128 bits that stand for a ticket, a session id, or whatever else two sessions have in common.
///
/// The same bytes give the same handle in every run of a program, and the bytes cannot be told from it. It is no
/// cryptographic digest: it finds what belongs together, and proves nothing against who chose the bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handle(u128);

impl Handle {
    /// The handle of something, of a kind: the same bytes as something of another kind have another handle.
    #[must_use]
    pub fn of(kind: u64, what: impl std::hash::Hash) -> Self {
        let half = |seed: u64| u128::from(FixedState::with_seed(seed ^ kind).hash_one(&what));
        Self(half(0x5555_5555_0000_0000) << 64 | half(0x3333_3333_0000_0000))
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
