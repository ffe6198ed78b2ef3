//! From a leaf to an authority: which of the certificates at hand signed which.
//!
//! Takes the certificates that a peer sent, those that are trusted, and those that were seen elsewhere; gives the best
//! path there is. Knows names and signatures. What the certificates on the path allow is judged elsewhere.

use std::cmp::Reverse;
use std::sync::Arc;

use x509_parser::certificate::X509Certificate;

use super::certificate::parse;
use super::signature::Signed;
use super::trust::TrustStore;
use super::window::Window;
use crate::model::{Certificate, CertificateDetails, Der, Seen, limits};

/// A certificate that may be part of a path.
pub(super) struct Link<'a> {
    pub(super) der: &'a [u8],
    pub(super) parsed: X509Certificate<'a>,
    pub(super) details: &'a CertificateDetails,
    certificate: &'a Certificate,
    pub(super) origin: Origin,
}

/// Where a certificate came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// The peer sent it, in this place.
    Sent(usize),
    /// It is trusted, by the bundle with this name.
    Trusted(Arc<str>),
    /// Another peer sent it.
    Elsewhere,
}

impl<'a> Link<'a> {
    pub(super) fn new(der: &'a Der, certificate: &'a Certificate, origin: Origin) -> Option<Self> {
        let details = certificate.details.as_ref()?;
        Some(Self { der: &der.0, parsed: parse(&der.0)?, details, certificate, origin })
    }

    pub(super) fn subject(&self) -> &[u8] {
        self.parsed.tbs_certificate.subject.as_raw()
    }

    pub(super) fn issuer(&self) -> &[u8] {
        self.parsed.tbs_certificate.issuer.as_raw()
    }

    /// Whether its own key made its signature, as far as that can be told.
    pub(super) fn is_root(&self) -> bool {
        self.details.self_signed == Seen::Value(true)
    }

    /// Whether the key identifiers of the two say that `issuer` is meant, or at least not that another is.
    fn keys_agree(&self, issuer: &Self) -> Option<bool> {
        let wanted = self.details.authority_key_id.as_ref()?;
        issuer.details.subject_key_id.as_ref().map(|is| is == wanted)
    }
}

/// A way from the leaf upwards.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Path {
    /// Numbers of links, the leaf's first.
    pub(super) links: Vec<usize>,
    /// The last of them is trusted, by the bundle with this name.
    pub(super) anchor: Option<Arc<str>>,
    /// A signature on the way cannot be computed here.
    pub(super) unverifiable: bool,
    /// Certificates on the way that are out of date.
    out_of_date: usize,
}

/// The search for a path.
pub(super) struct Search<'a, 's> {
    pub(super) links: Vec<Link<'a>>,
    trust: &'s TrustStore,
    /// Signatures that were verified: issued, issuer, and what came out.
    verified: Vec<(usize, usize, Seen<bool>)>,
    steps: usize,
    best: Option<Path>,
    /// A signature is not by the key that both names and key identifiers say it is by.
    pub(super) forged: bool,
    /// The search ended for want of steps or signatures.
    pub(super) exhausted: bool,
}

impl<'a, 's: 'a> Search<'a, 's> {
    /// A search among these certificates, the leaf first, and those that are trusted.
    pub(super) fn new(links: Vec<Link<'a>>, trust: &'s TrustStore) -> Self {
        Self {
            links,
            trust,
            verified: Vec::new(),
            steps: 0,
            best: None,
            forged: false,
            exhausted: false,
        }
    }

    /// The best path from the first link: one that ends at an authority before any other, one with signatures that
    /// could be computed, one whose certificates are all in date, a short one.
    pub(super) fn run(&mut self, window: &mut Window) -> Path {
        let mut path = Path { links: vec![0], ..Path::default() };
        self.step(&mut path, window);
        self.best.take().unwrap_or(path)
    }

    fn step(&mut self, path: &mut Path, window: &mut Window) {
        self.steps += 1;
        if self.steps > limits::CHAIN_STEPS {
            self.exhausted = true;
            return;
        }
        let Some(last) = path.links.last().copied() else { return };
        let Some(link) = self.links.get(last) else { return };
        if let Some(anchor) = self.trust.same(&link.certificate.sha256) {
            path.anchor = Some(Arc::clone(&anchor.bundle));
        }
        self.offer(path);
        if path.anchor.is_some() || self.links.get(last).is_some_and(Link::is_root) {
            path.anchor = None;
            return;
        }
        self.add_anchors(last);
        for candidate in self.candidates(last, path) {
            let signed = self.signed_by(last, candidate);
            if signed == Seen::Value(false) {
                continue;
            }
            let before = path.clone();
            path.links.push(candidate);
            path.unverifiable |= signed != Seen::Value(true);
            path.out_of_date += usize::from(self.is_out_of_date(candidate, window));
            self.step(path, window);
            *path = before;
        }
    }

    /// Keeps the better one. Of paths to an authority it is the one that is in date, then the shortest, which is what
    /// verifiers take; where there is none, the longest says most.
    fn offer(&mut self, path: &Path) {
        let rank = |path: &Path| {
            let (length, late) = (path.links.len(), path.out_of_date);
            match path.anchor.is_some() {
                true => (true, !path.unverifiable, Reverse(late), 0, Reverse(length)),
                false => (false, false, Reverse(0), length, Reverse(late)),
            }
        };
        if self.best.as_ref().is_none_or(|best| rank(path) > rank(best)) {
            self.best = Some(path.clone());
        }
    }

    /// Makes links of the authorities that may have issued this one, unless they are there already.
    fn add_anchors(&mut self, issued: usize) {
        let Some(issuer) = self.links.get(issued).map(|link| link.issuer().to_vec()) else {
            return;
        };
        for anchor in self.trust.named(&issuer) {
            let known = |link: &Link<'_>| link.certificate.sha256 == anchor.certificate.sha256;
            if self.links.len() < limits::CHAIN_STEPS && !self.links.iter().any(known) {
                let origin = Origin::Trusted(Arc::clone(&anchor.bundle));
                self.links.extend(Link::new(&anchor.der, &anchor.certificate, origin));
            }
        }
    }

    /// Links that carry the name of the issuer and are not on the path, trusted ones first.
    fn candidates(&self, issued: usize, path: &Path) -> Vec<usize> {
        let Some(link) = self.links.get(issued) else { return Vec::new() };
        let on_path = |other: &Link<'_>| {
            let same = |at: &usize| {
                self.links.get(*at).is_some_and(|known| {
                    known.details.spki_sha256 == other.details.spki_sha256
                        && known.subject() == other.subject()
                })
            };
            path.links.iter().any(same)
        };
        let fits =
            |(_, other): &(usize, &Link<'a>)| other.subject() == link.issuer() && !on_path(other);
        let numbered = self.links.iter().enumerate().filter(fits);
        let mut found: Vec<(bool, usize)> = numbered
            .map(|(number, other)| (self.trust.same(&other.certificate.sha256).is_none(), number))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, number)| number).collect()
    }

    fn signed_by(&mut self, issued: usize, issuer: usize) -> Seen<bool> {
        let known = self.verified.iter().find(|one| (one.0, one.1) == (issued, issuer));
        if let Some((_, _, signed)) = known {
            return signed.clone();
        }
        if self.verified.len() >= limits::CHAIN_SIGNATURES {
            self.exhausted = true;
            return Seen::Value(false);
        }
        let (Some(child), Some(parent)) = (self.links.get(issued), self.links.get(issuer)) else {
            return Seen::Value(false);
        };
        let agree = child.keys_agree(parent);
        let key = &parent.parsed.tbs_certificate.subject_pki;
        let signed = Signed::certificate(&child.parsed).made_by(key);
        // Two authorities of one name are usual where an authority was made anew: only who names the very key and was
        // not signed by it is forged.
        self.forged |= signed == Seen::Value(false) && agree == Some(true);
        self.verified.push((issued, issuer, signed.clone()));
        signed
    }

    fn is_out_of_date(&self, number: usize, window: &mut Window) -> bool {
        self.links.get(number).is_some_and(|link| !in_date(link.details, window))
    }
}

/// Whether a certificate's dates allow its use, give or take the difference of clocks.
pub(super) fn in_date(details: &CertificateDetails, window: &mut Window) -> bool {
    began(details, window) && !ended(details, window)
}

/// Whether a certificate's validity had begun.
pub(super) fn began(details: &CertificateDetails, window: &mut Window) -> bool {
    window.reached(details.not_before.plus_seconds(-limits::CLOCK_SKEW_SECONDS))
}

/// Whether a certificate's validity had ended.
pub(super) fn ended(details: &CertificateDetails, window: &mut Window) -> bool {
    window.passed(details.not_after.plus_seconds(limits::CLOCK_SKEW_SECONDS))
}
