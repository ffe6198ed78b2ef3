//! What became of a policy in a run.

use super::Timestamp;

/// A policy, entry by entry, and what was seen that none of them speaks of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyStanding {
    /// The file as the user named it. Escaped.
    pub file: String,
    /// SHA-256 of its text, hexadecimal.
    pub digest: String,
    /// Its entries, in the order of the file.
    pub entries: Vec<EntryStanding>,
    /// Edges that no entry speaks of, in words, with their sessions.
    pub unexpected: Vec<(String, u64)>,
}

/// What became of one entry.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EntryStanding {
    /// Who may call whom, in words. Escaped, as all its texts.
    pub edge: String,
    /// What the edge must be, in words.
    pub demand: String,
    /// Its line in the file.
    pub line: usize,
    /// Why it may be weaker than the defaults; empty where nobody said.
    pub reason: String,
    /// The first moment at which it no longer may.
    pub until: Option<Timestamp>,
    /// It forbids the edge.
    pub deny: bool,
    /// Edges seen that it speaks of.
    pub edges: u64,
    /// Their sessions.
    pub sessions: u64,
    /// What was seen against it, in words, at most [`super::limits::POLICY_AGAINST`].
    pub against: Vec<String>,
    /// How many things were seen against it.
    pub violations: u64,
    /// How many of its demands could not be decided for some session.
    pub undecided: u64,
}

impl EntryStanding {
    /// What became of it, in one word of reports.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self { violations: 1.., .. } => "violated",
            Self { edges: 0, deny: true, .. } => "kept",
            Self { edges: 0, .. } => "not seen",
            Self { undecided: 1.., .. } => "as far as seen",
            _ => "kept",
        }
    }
}
