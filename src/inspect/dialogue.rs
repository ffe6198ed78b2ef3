//! One connection's conversation: which protocol it is, who reads it, and what was learned.
pub struct Dialogue;
