//! A chain of certificates, judged at the moment it was shown.
//!
//! Takes what a peer sent, what the user trusts and the revocation lists at hand; gives an outcome for each thing that
//! can be wrong, so that one never hides another. The answer depends on these alone, and comes with the stretch of time
//! for which it holds.

use std::sync::Arc;

use super::crl::{RevocationLists, Said};
use super::name_match::{covered, mismatched};
use super::ocsp::{Staple, staple};
use super::path::{Link, Origin, Path, Search, began, ended};
use super::signature::Signed;
use super::strict::{OTHERWISE, Strict, ask};
use super::trust::TrustStore;
use super::window::Window;
use crate::model::{
    Certificate, CertificateDetails, ChainFault, ChainOutcome, ChainTrust, Der, Direction, KeyKind,
    NameCheck, Revocation, SanName, Seen, Timestamp,
};

/// A chain as a peer showed it.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The certificates, leaf first.
    pub chain: &'a [Der],
    /// What they say, in the same order.
    pub certificates: &'a [Arc<Certificate>],
    /// Which way it went: to the client when a server showed it.
    pub role: Direction,
    /// The names that the server was asked for; empty when nobody named one.
    pub names: &'a [&'a str],
    /// The OCSP response that came with it.
    pub staple: Seen<&'a [u8]>,
    /// Whether the client asked for one.
    pub staple_wanted: bool,
}

/// What chains are judged against.
#[derive(Debug, Default)]
pub struct Authorities {
    /// What the user trusts.
    pub trust: TrustStore,
    /// What authorities revoked.
    pub crls: RevocationLists,
}

/// Judges a chain at a moment.
#[must_use]
pub fn judge_chain(shown: &Shown<'_>, at: Timestamp, authorities: &Authorities) -> ChainOutcome {
    let mut window = Window::around(at);
    judge(shown, &[], authorities, &mut window)
}

/// As [`judge_chain`], with certificates that other peers sent (`elsewhere`), in a window that becomes as narrow as the
/// answer asks for.
pub(super) fn judge(
    shown: &Shown<'_>,
    elsewhere: &[(Der, Arc<Certificate>)],
    authorities: &Authorities,
    window: &mut Window,
) -> ChainOutcome {
    let sent = shown.chain.iter().zip(shown.certificates).enumerate();
    let mut links: Vec<Link<'_>> = sent
        .filter_map(|(at, (der, certificate))| Link::new(der, certificate, Origin::Sent(at)))
        .collect();
    if links.first().is_none_or(|leaf| leaf.origin != Origin::Sent(0)) {
        return unreadable(authorities);
    }
    let sent = links.len();
    let others = elsewhere
        .iter()
        .filter(|(_, one)| !shown.certificates.iter().any(|known| known.sha256 == one.sha256));
    links.extend(others.filter_map(|(der, one)| Link::new(der, one, Origin::Elsewhere)));
    let mut search = Search::new(links, &authorities.trust);
    let path = search.run(window);
    let mut work =
        Work { shown, authorities, search, path, sent, window, out: ChainOutcome::default() };
    work.judge();
    work.out
}

/// The leaf makes no sense: nothing can be said of it.
fn unreadable(authorities: &Authorities) -> ChainOutcome {
    let asked = !authorities.trust.is_empty();
    ChainOutcome {
        trust: if asked { ChainTrust::Unverifiable } else { ChainTrust::Unasked },
        names: NameCheck::Unreadable,
        unjudged: vec!["the leaf cannot be read"],
        ..ChainOutcome::default()
    }
}

struct Work<'a, 's, 'w> {
    shown: &'w Shown<'w>,
    authorities: &'s Authorities,
    search: Search<'a, 's>,
    path: Path,
    /// How many of the links were sent and could be read.
    sent: usize,
    window: &'w mut Window,
    out: ChainOutcome,
}

impl<'a, 's> Work<'a, 's, '_> {
    fn judge(&mut self) {
        self.out.path_length = self.path.links.len();
        self.trust();
        self.order();
        self.dates();
        self.authority();
        self.usages();
        self.strength();
        self.names();
        self.revocation();
        self.staple();
        self.strict();
        self.out.unjudged.dedup();
    }

    fn link(&self, step: usize) -> Option<&Link<'a>> {
        self.path.links.get(step).and_then(|number| self.search.links.get(*number))
    }

    /// The links of the path, the leaf first.
    fn links(&self) -> impl Iterator<Item = &Link<'a>> {
        self.path.links.iter().filter_map(|number| self.search.links.get(*number))
    }

    /// Those that somebody relies on because another signed them: without the authority at the end.
    fn signed_links(&self) -> impl Iterator<Item = &Link<'a>> {
        let anchored = usize::from(self.path.anchor.is_some());
        let rest = self.path.links.len().saturating_sub(anchored).max(1);
        self.links().take(rest)
    }

    fn fault(&mut self, is: bool, fault: ChainFault) {
        self.out.faults.insert_if(is, fault);
    }

    fn trust(&mut self) {
        let asked = !self.authorities.trust.is_empty();
        let forged = self.search.forged && self.path.anchor.is_none();
        let alone = self.link(0).is_some_and(Link::is_root);
        let unverifiable = self.path.unverifiable
            || self.search.exhausted
            || self.link(0).is_some_and(|leaf| {
                leaf.details.self_issued && !leaf.details.self_signed.is_observed()
            });
        self.out.trust = match &self.path.anchor {
            _ if !asked => ChainTrust::Unasked,
            Some(bundle) if !self.path.unverifiable => ChainTrust::Anchored(Arc::clone(bundle)),
            None if !unverifiable => ChainTrust::Unanchored,
            _ => ChainTrust::Unverifiable,
        };
        let unanchored = self.out.trust == ChainTrust::Unanchored;
        self.fault(forged, ChainFault::ForgedSignature);
        self.fault(alone && self.path.anchor.is_none(), ChainFault::SelfSigned);
        self.fault(unanchored && !alone && !forged, ChainFault::UnknownIssuer);
        self.missing_intermediate();
        if self.path.unverifiable {
            self.out.unjudged.push("a signature takes an algorithm that wirelint does not have");
        }
        if self.search.exhausted {
            self.out.unjudged.push("there are too many certificates to try");
        }
    }

    /// The peer left out a certificate that leads to a trusted root: it was seen elsewhere, or it is in a bundle beside
    /// the root that issued it. Where a bundle holds nothing but the intermediate, that is what is trusted.
    fn missing_intermediate(&mut self) {
        let anchored = self.path.anchor.is_some();
        let elsewhere = anchored && self.links().any(|link| link.origin == Origin::Elsewhere);
        let skipped = self.links().last().is_some_and(|last| {
            matches!(last.origin, Origin::Trusted(_))
                && !last.details.self_issued
                && self.authorities.trust.named(last.issuer()).any(|root| {
                    let root = Link::new(&root.der, &root.certificate, Origin::Elsewhere);
                    root.is_some_and(|root| {
                        let key = &root.parsed.tbs_certificate.subject_pki;
                        Signed::certificate(&last.parsed).made_by(key) == Seen::Value(true)
                    })
                })
        });
        self.fault(elsewhere || skipped, ChainFault::MissingIntermediate);
    }

    /// What was sent beside the path, and in which order. A root that was sent is superfluous and harms nobody.
    fn order(&mut self) {
        let used: Vec<usize> = self
            .links()
            .filter_map(|link| match link.origin {
                Origin::Sent(place) => Some(place),
                _ => None,
            })
            .collect();
        let excess = self.search.links.iter().take(self.sent).any(|link| match link.origin {
            Origin::Sent(place) => !(used.contains(&place) || link.is_root() && self.ends_at(link)),
            _ => false,
        });
        self.fault(excess, ChainFault::ExcessCertificate);
        self.fault(!used.is_sorted(), ChainFault::Misordered);
    }

    /// Whether a root that was sent is what the path ends at, or issued what it ends at.
    fn ends_at(&self, root: &Link<'_>) -> bool {
        self.links()
            .last()
            .is_some_and(|last| last.subject() == root.subject() || last.issuer() == root.subject())
    }

    fn dates(&mut self) {
        let Some(leaf) = self.link(0).map(|leaf| leaf.details) else { return };
        let (began, ended) = (began(leaf, self.window), ended(leaf, self.window));
        self.fault(ended, ChainFault::Expired);
        self.fault(!began, ChainFault::NotYetValid);
        let issuers: Vec<&CertificateDetails> = self
            .signed_links()
            .skip(1)
            .filter(|link| !link.is_root())
            .map(|link| link.details)
            .collect();
        for details in issuers {
            let in_date = super::path::in_date(details, self.window);
            self.fault(!in_date, ChainFault::IssuerExpired);
        }
    }

    /// RFC 5280 section 6.1.4: who issues must be allowed to. An authority that the user trusts may issue; how many may
    /// follow it is its own word all the same.
    fn authority(&mut self) {
        let leaf = self.link(0).and_then(|leaf| leaf.details.is_ca);
        self.fault(leaf == Some(true), ChainFault::AuthorityAsLeaf);
        let anchored = self.path.anchor.is_some();
        let last = self.path.links.len().saturating_sub(1);
        let mut between = 0_u32;
        let (mut not_authority, mut too_long, mut old) = (false, false, false);
        for (step, link) in self.links().enumerate().skip(1) {
            let details = link.details;
            let trusted = anchored && step == last;
            let signs = details.key_usage.as_ref();
            let signs = signs.is_none_or(|usages| usages.contains(&"keyCertSign"));
            let says = details.is_ca == Some(true) && signs;
            old |= details.version < 3 && !trusted;
            not_authority |= !says && !trusted && details.version >= 3;
            too_long |= details.path_length.is_some_and(|most| between > most);
            between += u32::from(!details.self_issued);
        }
        self.fault(not_authority, ChainFault::IssuerNotAuthority);
        self.fault(too_long, ChainFault::PathLength);
        if old {
            self.out
                .unjudged
                .push("an issuer is older than X.509 version 3 and cannot say that it is one");
        }
    }

    /// Extended key usages limit the leaf, and what an authority may issue for.
    fn usages(&mut self) {
        let wanted = match self.shown.role {
            Direction::ToClient => "serverAuth",
            Direction::ToServer => "clientAuth",
        };
        let allows = |details: &CertificateDetails| {
            details.extended_key_usage.as_ref().is_none_or(|usages| {
                usages.iter().any(|usage| usage == wanted || usage == "anyExtendedKeyUsage")
            })
        };
        let wrong = self.signed_links().any(|link| !allows(link.details));
        self.fault(wrong, ChainFault::WrongUsage);
    }

    fn strength(&mut self) {
        const BROKEN: [&str; 4] = ["MD2", "MD4", "MD5", "SHA-1"];
        let weak_key = self.links().any(|link| is_weak(link.details));
        let weak_signature = self
            .signed_links()
            .filter(|link| !link.is_root())
            .any(|link| link.details.signature.hash.is_some_and(|hash| BROKEN.contains(&hash)));
        self.fault(weak_key, ChainFault::WeakKey);
        self.fault(weak_signature, ChainFault::WeakSignature);
    }

    fn names(&mut self) {
        let Some(leaf) = self.link(0).map(|leaf| leaf.details) else { return };
        self.out.names = name_check(self.shown.names, &leaf.names);
        self.fault(self.out.names == NameCheck::Mismatch, ChainFault::NameMismatch);
    }

    fn revocation(&mut self) {
        for step in 0..self.path.links.len() {
            if step > 0 && self.link(step).is_none_or(Link::is_root) {
                break;
            }
            let said = self.revocation_of(step);
            let revoked = matches!(said, Revocation::Revoked { .. });
            if step == 0 {
                self.out.revocation = said;
                self.fault(revoked, ChainFault::Revoked);
            } else {
                self.fault(revoked, ChainFault::IssuerRevoked);
            }
        }
    }

    /// What the lists say of one certificate of the path. One that says revoked outweighs all others.
    fn revocation_of(&mut self, step: usize) -> Revocation {
        let mut said = Revocation::Unasked;
        let Some((serial, not_after, issuer)) = self.link(step).map(|link| {
            (link.details.serial.clone(), link.details.not_after, link.issuer().to_vec())
        }) else {
            return said;
        };
        for (number, list) in self.authorities.crls.iter().filter(|(_, l)| *l.issuer == *issuer) {
            self.out.crls.push(number);
            let key = self.link(step + 1).map(|link| &link.parsed.tbs_certificate.subject_pki);
            let unknown = match key.map(|key| list.made_by(key)) {
                Some(Seen::Value(true)) => match list.says(&serial, not_after, self.window) {
                    Said::Revoked { since, reason } => {
                        return Revocation::Revoked { since, reason, source: "crl" };
                    }
                    Said::Good => {
                        said = Revocation::Good;
                        continue;
                    }
                    Said::Nothing(why) => why,
                    Said::Stale => {
                        self.out.stale_crl.get_or_insert(number);
                        "the revocation list was out of date"
                    }
                },
                Some(Seen::Value(false)) => "the revocation list is not signed by the issuer's key",
                Some(_) => "the signature of the revocation list cannot be computed",
                None => "the issuer's certificate is not at hand to check its revocation list",
            };
            if said != Revocation::Good {
                said = Revocation::Unknown(unknown);
            }
        }
        said
    }

    fn staple(&mut self) {
        let must = self.link(0).is_some_and(|leaf| leaf.details.must_staple);
        let response = match &self.shown.staple {
            Seen::Value(response) => *response,
            Seen::Absent => {
                self.out.staple = Seen::Absent;
                self.fault(must && self.shown.staple_wanted, ChainFault::StapleMissing);
                return;
            }
            Seen::NotReached => return,
            Seen::Hidden(why) => {
                self.out.staple = Seen::Hidden(*why);
                return;
            }
        };
        let (Some(leaf), Some(issuer)) = (self.path.links.first(), self.path.links.get(1)) else {
            self.out.staple = Seen::Value("unverifiable");
            self.out
                .unjudged
                .push("the issuer's certificate is not at hand to check the OCSP staple");
            return;
        };
        let links = &self.search.links;
        let (Some(leaf), Some(issuer)) = (links.get(*leaf), links.get(*issuer)) else { return };
        let said = staple(response, &leaf.parsed, &issuer.parsed, self.window);
        self.take_staple(said);
    }

    fn take_staple(&mut self, said: Staple) {
        self.out.staple = Seen::Value(said.name());
        self.fault(said.is_invalid(), ChainFault::StapleInvalid);
        let told = said.revocation();
        self.fault(matches!(told, Revocation::Revoked { .. }), ChainFault::Revoked);
        self.out.revocation = match (self.out.revocation, told) {
            (known @ Revocation::Revoked { .. }, _) => known,
            (known @ Revocation::Good, Revocation::Unknown(_)) => known,
            (_, told) => told,
        };
    }

    /// The names that authorities are limited to, where a path to a trusted one was found.
    fn strict(&mut self) {
        if !matches!(self.out.trust, ChainTrust::Anchored(_)) || self.path.links.len() < 2 {
            return;
        }
        let (answer, limited) = {
            let path: Vec<&Link<'_>> = self.links().collect();
            (ask(&path), path.iter().any(|link| limits_names(link)))
        };
        match answer {
            Strict::Accepts => {}
            Strict::NameConstraint => self.out.faults.insert(ChainFault::NameConstraint),
            Strict::CannotJudge(OTHERWISE) if limited => {
                self.out
                    .unjudged
                    .push("the names that an authority is limited to were not compared");
            }
            // What it refuses then is among the faults above, or only old.
            Strict::CannotJudge(OTHERWISE) => {}
            Strict::CannotJudge(why) => self.out.unjudged.push(why),
        }
    }
}

/// Whether a certificate limits the names of what it issues (RFC 5280 section 4.2.1.10).
fn limits_names(link: &Link<'_>) -> bool {
    const NAME_CONSTRAINTS: &[u8] = &x509_parser::asn1_rs::oid!(raw 2.5.29.30);
    let extensions = link.parsed.tbs_certificate.extensions();
    extensions.iter().any(|extension| extension.oid.as_bytes() == NAME_CONSTRAINTS)
}

/// The same measure as the rule about weak keys has by default.
fn is_weak(details: &CertificateDetails) -> bool {
    const RSA_BITS: u32 = 2048;
    const EC_BITS: u32 = 256;
    match (details.key.kind, details.key.bits) {
        (KeyKind::Dsa, _) => true,
        (_, 0) => false,
        (KeyKind::Rsa, bits) => bits < RSA_BITS,
        (KeyKind::Ec, bits) => bits < EC_BITS,
        _ => false,
    }
}

fn name_check(asked: &[&str], names: &[SanName]) -> NameCheck {
    if asked.is_empty() {
        return NameCheck::Unasked;
    }
    let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
    if mismatched(&asked, names).next().is_some() {
        NameCheck::Mismatch
    } else if asked.iter().all(|name| covered(name, names)) {
        NameCheck::Covered
    } else {
        NameCheck::Spiffe
    }
}

#[cfg(test)]
mod interop;
#[cfg(test)]
mod tests;
