//! Bounds on what conversations over UDP can inflate.

/// Pairs of ends whose conversations over UDP are heard, of those spoken to of late. More are begun by whoever answers every
/// question that somebody makes up.
pub const CONVERSING_ENDS: usize = 1 << 16;

/// Conversations between one pair of ends that are heard at once: one that begins anew, and what others say in its name.
pub const CONVERSATIONS: usize = 4;

/// Bytes of questions for a conversation over UDP that wait for an answer, over all: what a flood of them fills.
pub const UNANSWERED_BYTES: usize = 4 << 20;

/// Bytes of one such question that are kept.
pub const ASK_BYTES: usize = 1280;

/// Packets of a control channel over UDP that are held back, in each direction, until the one before them comes.
pub const EARLY_PACKETS: usize = 16;
