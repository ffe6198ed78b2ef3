//! What is right and wrong with a chain of certificates.

use serde::Serialize;

use super::{Text, Time};
use crate::model::{ChainFaults, ChainOutcome, Revocation, SeenChain};

/// The outcomes of judging a chain, each for itself.
#[derive(Serialize)]
pub(in crate::report) struct ChainBody<'a> {
    trust: &'static str,
    bundle: Option<&'a str>,
    faults: Vec<&'static str>,
    names: &'static str,
    revocation: &'static str,
    revoked_since: Option<Time>,
    revocation_reason: Option<&'static str>,
    revocation_source: Option<&'static str>,
    staple: Option<&'static str>,
    path_length: usize,
    unjudged: &'a [&'static str],
}

impl<'a> ChainBody<'a> {
    /// The outcome of the chain of one session.
    pub(super) fn of(seen: &'a SeenChain) -> Option<Self> {
        seen.value().map(|outcome| Self::with(outcome, outcome.faults))
    }

    /// The last outcome of a leaf in one place, with what was wrong in any session.
    pub(super) fn of_leaf(seen: &'a SeenChain, faults: ChainFaults) -> Option<Self> {
        seen.value().map(|outcome| Self::with(outcome, faults))
    }

    fn with(outcome: &'a ChainOutcome, faults: ChainFaults) -> Self {
        let (since, reason, source) = match outcome.revocation {
            Revocation::Revoked { since, reason, source } => {
                (Some(Text(since)), Some(reason), Some(source))
            }
            _ => (None, None, None),
        };
        Self {
            trust: outcome.trust.name(),
            bundle: outcome.trust.bundle(),
            faults: faults.names().collect(),
            names: outcome.names.name(),
            revocation: outcome.revocation.name(),
            revoked_since: since,
            revocation_reason: reason,
            revocation_source: source,
            staple: outcome.staple.value().copied(),
            path_length: outcome.path_length,
            unjudged: &outcome.unjudged,
        }
    }
}
