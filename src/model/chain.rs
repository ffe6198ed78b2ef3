//! What is right and wrong with a chain of certificates at the moment it was shown. There is no word for "valid": each
//! outcome stands for itself.

use std::fmt;
use std::sync::Arc;

use super::{Seen, Timestamp, Why};

/// One thing that is wrong with a chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ChainFault {
    /// The leaf's validity had ended.
    Expired,
    /// The leaf's validity had not begun.
    NotYetValid,
    /// A certificate that the leaf depends on was out of date.
    IssuerExpired,
    /// The leaf signed itself, and it is not itself in a trust bundle.
    SelfSigned,
    /// No certificate that was sent or is trusted issued the chain's last link. Only said when there is a trust bundle.
    UnknownIssuer,
    /// The chain reaches a trusted authority only by a certificate that was not sent.
    MissingIntermediate,
    /// A certificate was sent that the chain does not need.
    ExcessCertificate,
    /// The certificates were not sent in the order in which each signs the one before it.
    Misordered,
    /// A certificate names an issuer that is there, and that issuer's key did not make its signature.
    ForgedSignature,
    /// A client named the server, and the leaf is not valid for that name (RFC 9525).
    NameMismatch,
    /// The leaf's extended key usages do not allow its role.
    WrongUsage,
    /// The leaf is the certificate of an authority.
    AuthorityAsLeaf,
    /// A certificate signed another without being allowed to (RFC 5280 section 6.1.4 k to n).
    IssuerNotAuthority,
    /// More authorities follow than a path length constraint allows.
    PathLength,
    /// A name of the leaf lies outside the names that an authority is limited to.
    NameConstraint,
    /// A key of the chain is too small to rely on.
    WeakKey,
    /// A signature of the chain uses a broken hash.
    WeakSignature,
    /// The leaf was revoked.
    Revoked,
    /// A certificate that the leaf depends on was revoked.
    IssuerRevoked,
    /// The leaf demands an OCSP staple, the client asked for one, and none came (RFC 7633).
    StapleMissing,
    /// An OCSP staple came that says nothing: out of date, for another certificate, not signed by who may.
    StapleInvalid,
}

impl ChainFault {
    /// All of them with the words of rules and outputs.
    #[rustfmt::skip]
    pub const ALL: [(&'static str, Self); 21] = [
        ("expired", Self::Expired),
        ("not-yet-valid", Self::NotYetValid),
        ("issuer-expired", Self::IssuerExpired),
        ("self-signed", Self::SelfSigned),
        ("unknown-issuer", Self::UnknownIssuer),
        ("missing-intermediate", Self::MissingIntermediate),
        ("excess-certificate", Self::ExcessCertificate),
        ("misordered", Self::Misordered),
        ("forged-signature", Self::ForgedSignature),
        ("name-mismatch", Self::NameMismatch),
        ("wrong-usage", Self::WrongUsage),
        ("authority-as-leaf", Self::AuthorityAsLeaf),
        ("issuer-not-authority", Self::IssuerNotAuthority),
        ("path-length", Self::PathLength),
        ("name-constraint", Self::NameConstraint),
        ("weak-key", Self::WeakKey),
        ("weak-signature", Self::WeakSignature),
        ("revoked", Self::Revoked),
        ("issuer-revoked", Self::IssuerRevoked),
        ("staple-missing", Self::StapleMissing),
        ("staple-invalid", Self::StapleInvalid),
    ];

    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, fault)| *fault == self).map_or("", |(name, _)| name)
    }

    /// The fault with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, fault)| *fault)
    }
}

/// A set of faults.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ChainFaults(u32);

impl ChainFaults {
    /// What a client that verifies at all does not accept: whoever goes on after one of these did not check it, or was
    /// told not to. An unknown issuer and a self-signed leaf are among them, although a client may know an authority
    /// that wirelint was not told of.
    pub const REFUSABLE: Self = Self::of(&[
        ChainFault::Expired,
        ChainFault::NotYetValid,
        ChainFault::IssuerExpired,
        ChainFault::SelfSigned,
        ChainFault::UnknownIssuer,
        ChainFault::ForgedSignature,
        ChainFault::NameMismatch,
        ChainFault::WrongUsage,
        ChainFault::IssuerNotAuthority,
        ChainFault::PathLength,
        ChainFault::NameConstraint,
        ChainFault::Revoked,
        ChainFault::IssuerRevoked,
    ]);

    /// The set of these.
    #[must_use]
    pub const fn of(faults: &[ChainFault]) -> Self {
        let mut bits = 0;
        let mut rest = faults;
        while let Some((first, others)) = rest.split_first() {
            bits |= 1 << (*first as u32);
            rest = others;
        }
        Self(bits)
    }

    /// Adds a fault.
    pub fn insert(&mut self, fault: ChainFault) {
        self.0 |= 1 << (fault as u32);
    }

    /// Adds a fault when it is one.
    pub fn insert_if(&mut self, is: bool, fault: ChainFault) {
        if is {
            self.insert(fault);
        }
    }

    /// Takes a fault out.
    pub fn remove(&mut self, fault: ChainFault) {
        self.0 &= !(1 << (fault as u32));
    }

    /// Whether a fault is in it.
    #[must_use]
    pub fn contains(self, fault: ChainFault) -> bool {
        self.0 & (1 << (fault as u32)) != 0
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    #[must_use]
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The words, in the order of [`ChainFault::ALL`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ChainFault::ALL.into_iter().filter(move |(_, fault)| self.contains(*fault)).map(|one| one.0)
    }
}

impl fmt::Debug for ChainFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Whether a chain leads to an authority that the user trusts.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum ChainTrust {
    /// No trust bundle was given: nothing is said.
    #[default]
    Unasked,
    /// It leads to an authority of the bundle with this name, or the leaf itself is in it.
    Anchored(Arc<str>),
    /// It leads to none.
    Unanchored,
    /// It may lead to one, and a signature on the way cannot be computed here.
    Unverifiable,
}

impl ChainTrust {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::Anchored(_) => "anchored",
            Self::Unanchored => "unanchored",
            Self::Unverifiable => "unverifiable",
        }
    }

    /// The name of the bundle.
    #[must_use]
    pub fn bundle(&self) -> Option<&str> {
        match self {
            Self::Anchored(bundle) => Some(bundle),
            _ => None,
        }
    }
}

/// Whether a leaf was revoked, as far as revocation lists and an OCSP staple tell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Revocation {
    /// Nobody said: no list of its issuer was given, and no staple came.
    #[default]
    Unasked,
    /// It was not revoked.
    Good,
    /// It was.
    Revoked {
        /// From when on.
        since: Timestamp,
        /// Why, by its RFC 5280 name; `unspecified` when it is not said.
        reason: &'static str,
        /// Who says so: `crl` or `ocsp`.
        source: &'static str,
    },
    /// A list or a staple was there and does not tell, for this reason.
    Unknown(&'static str),
}

impl Revocation {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// What became of checking the leaf's names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum NameCheck {
    /// Nobody named anything: a client's certificate, or a client that sent no name.
    #[default]
    Unasked,
    /// A name of the leaf covers what was asked for.
    Covered,
    /// The leaf carries a SPIFFE id and no host name: who relies on it checks the id.
    Spiffe,
    /// No name of the leaf covers it.
    Mismatch,
    /// The leaf could not be read.
    Unreadable,
}

impl NameCheck {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::Covered => "covered",
            Self::Spiffe => "spiffe",
            Self::Mismatch => "mismatch",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The outcome of judging one chain at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChainOutcome {
    /// What is wrong.
    pub faults: ChainFaults,
    /// Whether it leads to a trusted authority.
    pub trust: ChainTrust,
    /// Whether the leaf was revoked.
    pub revocation: Revocation,
    /// The leaf's names against what was asked for.
    pub names: NameCheck,
    /// What the OCSP staple says, in a word; hidden with the certificates.
    pub staple: Seen<&'static str>,
    /// How many certificates lead from the leaf to the authority, both included, as far as they are known.
    pub path_length: usize,
    /// What could not be judged, in words, each once.
    pub unjudged: Vec<&'static str>,
    /// Revocation lists of the chain's issuers, by their numbers in the order given.
    pub crls: Vec<usize>,
    /// One of them would have told and was out of date.
    pub stale_crl: Option<usize>,
}

/// The outcome of a chain, hidden for the reason that hides the chain.
pub type SeenChain = Seen<Arc<ChainOutcome>>;

/// What a session without a readable chain has for an outcome.
#[must_use]
pub fn no_chain<T>(chain: &Seen<T>) -> SeenChain {
    match chain {
        Seen::Value(_) => Seen::Hidden(Why::Malformed),
        Seen::Absent => Seen::Absent,
        Seen::NotReached => Seen::NotReached,
        Seen::Hidden(why) => Seen::Hidden(*why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_own_word_and_place() {
        for (number, (name, fault)) in ChainFault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, number, "{name}: the order is that of the declaration");
            assert_eq!((fault.name(), ChainFault::named(name)), (name, Some(fault)));
        }
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut faults = ChainFaults::of(&[ChainFault::Revoked, ChainFault::Expired]);
        assert_eq!(faults.names().collect::<Vec<_>>(), ["expired", "revoked"]);
        faults.insert_if(false, ChainFault::WeakKey);
        faults.remove(ChainFault::Expired);
        assert_eq!((faults.len(), faults.is_empty()), (1, false));
        assert!(!faults.contains(ChainFault::Expired) && faults.contains(ChainFault::Revoked));
        assert!(faults.common(ChainFaults::REFUSABLE) == faults);
    }
}
