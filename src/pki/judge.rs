//! Outcomes of chains that were judged before.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::chain::{Authorities, Shown, judge};
use super::window::Window;
use crate::model::{
    Certificate, ChainOutcome, Der, Digest, Direction, Seen, Timestamp, Why, limits,
};

/// Judges chains, and remembers the outcomes: the same few chains cross the wire with every handshake, and verifying
/// signatures costs far more than everything else that is done about a session.
///
/// What it gives depends on its input alone, whatever it remembers: an outcome is used again only within the stretch of
/// time for which it holds. The seed of its hash is drawn anew for every run.
#[derive(Debug, Default)]
pub struct ChainJudge {
    authorities: Authorities,
    known: HashTable<Known>,
    hasher: RandomState,
    /// Revocation lists whose issuer occurred in a chain, by number.
    consulted: BTreeSet<usize>,
    asked: u64,
    judged: u64,
}

/// A chain with what it was judged for, and the outcome.
#[derive(Debug)]
struct Known {
    hash: u64,
    chain: Box<[Digest]>,
    role: Direction,
    names: Box<[Box<str>]>,
    staple: Option<Arc<[u8]>>,
    staple_seen: (u8, Option<Why>),
    staple_wanted: bool,
    window: Window,
    outcome: Arc<ChainOutcome>,
}

impl ChainJudge {
    /// Judges against these.
    #[must_use]
    pub fn new(authorities: Authorities) -> Self {
        Self { authorities, ..Self::default() }
    }

    /// What chains are judged against.
    #[must_use]
    pub fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// The outcome of a chain at a moment.
    pub fn judge(&mut self, shown: &Shown<'_>, at: Timestamp) -> Arc<ChainOutcome> {
        self.asked = self.asked.saturating_add(1);
        let hash = self.hash(shown);
        if let Some(known) = self.known.find(hash, |known| known.is_of(shown))
            && known.window.covers(at)
        {
            return Arc::clone(&known.outcome);
        }
        self.judged = self.judged.saturating_add(1);
        let mut window = Window::around(at);
        let outcome = Arc::new(judge(shown, &[], &self.authorities, &mut window));
        self.consulted.extend(&outcome.crls);
        self.remember(Known::of(shown, hash, window, Arc::clone(&outcome)));
        outcome
    }

    /// The outcome of a chain at a moment, when certificates that other peers sent may lead from it to an authority.
    /// Not remembered.
    #[must_use]
    pub fn judge_with(
        &self,
        shown: &Shown<'_>,
        elsewhere: &[(Der, Arc<Certificate>)],
        at: Timestamp,
    ) -> ChainOutcome {
        judge(shown, elsewhere, &self.authorities, &mut Window::around(at))
    }

    /// Revocation lists whose issuer occurred in no chain so far, by number.
    pub fn unused_crls(&self) -> impl Iterator<Item = usize> {
        let all = 0..self.authorities.crls.len();
        all.filter(|number| !self.consulted.contains(number))
    }

    /// How many chains were asked for, and how many of them had to be judged.
    #[must_use]
    pub fn work(&self) -> (u64, u64) {
        (self.asked, self.judged)
    }

    fn hash(&self, shown: &Shown<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for certificate in shown.certificates {
            certificate.sha256.hash(&mut hasher);
        }
        shown.role.hash(&mut hasher);
        shown.names.hash(&mut hasher);
        shown.staple.value().hash(&mut hasher);
        hasher.finish()
    }

    /// Takes the place of what was known of the same chain. Forgets everything when full, as the cache of certificates
    /// does.
    fn remember(&mut self, new: Known) {
        if self.known.len() >= limits::CHAIN_CACHE {
            self.known.clear();
        }
        let hash = new.hash;
        match self.known.find_entry(hash, |known| known.is_same(&new)) {
            Ok(mut slot) => *slot.get_mut() = new,
            Err(_) => {
                self.known.insert_unique(hash, new, |known| known.hash);
            }
        }
    }
}

impl Known {
    fn of(shown: &Shown<'_>, hash: u64, window: Window, outcome: Arc<ChainOutcome>) -> Self {
        Self {
            hash,
            chain: shown.certificates.iter().map(|certificate| certificate.sha256).collect(),
            role: shown.role,
            names: shown.names.iter().map(|name| Box::from(*name)).collect(),
            staple: shown.staple.value().map(|staple| Arc::from(*staple)),
            staple_seen: state(&shown.staple),
            staple_wanted: shown.staple_wanted,
            window,
            outcome,
        }
    }

    fn is_of(&self, shown: &Shown<'_>) -> bool {
        self.role == shown.role
            && self.staple_wanted == shown.staple_wanted
            && self.staple_seen == state(&shown.staple)
            && self.staple.as_deref() == shown.staple.value().copied()
            && self.chain.iter().eq(shown.certificates.iter().map(|one| &one.sha256))
            && self.names.iter().map(|name| &**name).eq(shown.names.iter().copied())
    }

    fn is_same(&self, other: &Self) -> bool {
        self.role == other.role
            && self.staple_wanted == other.staple_wanted
            && self.staple_seen == other.staple_seen
            && self.staple == other.staple
            && self.chain == other.chain
            && self.names == other.names
    }
}

/// What kind of observation it is, apart from its value.
fn state<T>(seen: &Seen<T>) -> (u8, Option<Why>) {
    match seen {
        Seen::Value(_) => (0, None),
        Seen::Absent => (1, None),
        Seen::NotReached => (2, None),
        Seen::Hidden(why) => (3, Some(*why)),
    }
}
