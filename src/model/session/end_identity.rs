//! Who an end of an edge is, by which proof, and how far that can be believed.

use std::sync::Arc;

use crate::model::{Certificate, CertificateDetails, SanName};

/// How an end of an edge says who it is, from the least to the most that can be believed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IdentityRank {
    /// A text that the caller sent: a header field, metadata. Whoever calls can write it.
    Header,
    /// What is known of its address: the services file, or what was learned of it.
    Address,
    /// Whom a token or a login authenticates.
    Token,
    /// A certificate that names neither a host nor a URI: an address, the common name, the digest.
    Certificate,
    /// A host name of the certificate that it presented.
    CertificateDns,
    /// A URI name of the certificate that it presented: a SPIFFE id.
    CertificateUri,
}

impl IdentityRank {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Address => "address",
            Self::Token => "token",
            Self::Certificate => "certificate",
            Self::CertificateDns => "certificate-dns",
            Self::CertificateUri => "certificate-uri",
        }
    }

    /// The words in what rules say.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Header => "text header",
            Self::Address => "address",
            Self::Token => "token subject",
            Self::Certificate => "certificate",
            Self::CertificateDns => "host name in its certificate",
            Self::CertificateUri => "URI in its certificate",
        }
    }
}

/// Who one end is, by one proof.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Identity {
    /// The proof.
    pub rank: IdentityRank,
    /// The name, escaped.
    pub name: String,
}

/// Who one end says it is. Its text is borrowed until it has to be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndIdentity<T = String> {
    /// The holder of a certificate.
    Certificate(Arc<Certificate>),
    /// The subject of a token that it showed. Escaped.
    Token(T),
    /// Whom a login authenticates. Escaped. No policy speaks of it.
    Login(T),
    /// Nobody: it called readable and proved nothing.
    Nobody,
}

impl<T: AsRef<str>> EndIdentity<T> {
    /// All names as a policy writes them, best first: URIs, host names, addresses; else the common name, else the digest.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Certificate(certificate) => certificate_names(certificate),
            Self::Token(subject) => vec![format!("sub:{}", subject.as_ref())],
            Self::Login(_) | Self::Nobody => Vec::new(),
        }
    }

    /// By what its best name is told.
    #[must_use]
    pub fn rank(&self) -> IdentityRank {
        match self {
            Self::Certificate(certificate) => {
                let best = certificate.details.as_ref().and_then(|details| told(details).next());
                match best {
                    Some(SanName::Uri(_)) => IdentityRank::CertificateUri,
                    Some(SanName::Dns(_)) => IdentityRank::CertificateDns,
                    _ => IdentityRank::Certificate,
                }
            }
            Self::Token(_) | Self::Login(_) => IdentityRank::Token,
            Self::Nobody => IdentityRank::Address,
        }
    }

    /// Gives each name that tells who the end is, with its rank.
    pub(super) fn each<'s>(&'s self, give: &mut dyn FnMut(IdentityRank, &'s str)) {
        match self {
            Self::Certificate(certificate) => {
                for name in certificate.details.iter().flat_map(told) {
                    match name {
                        SanName::Uri(uri) => give(IdentityRank::CertificateUri, uri),
                        SanName::Dns(host) => give(IdentityRank::CertificateDns, host),
                        SanName::Ip(_) | SanName::Email(_) | SanName::Other(_) => {}
                    }
                }
            }
            Self::Token(name) | Self::Login(name) => give(IdentityRank::Token, name.as_ref()),
            Self::Nobody => {}
        }
    }

    /// Whether the two are the same party: a certificate and the one that took its place are.
    pub(super) fn same<U: AsRef<str>>(&self, other: &EndIdentity<U>) -> bool {
        match (self, other) {
            (Self::Certificate(a), EndIdentity::Certificate(b)) => same_holder(a, b),
            (Self::Token(a), EndIdentity::Token(b)) | (Self::Login(a), EndIdentity::Login(b)) => {
                a.as_ref() == b.as_ref()
            }
            (Self::Nobody, EndIdentity::Nobody) => true,
            _ => false,
        }
    }

    pub(super) fn owned(self) -> EndIdentity {
        let text = |text: T| text.as_ref().to_owned();
        match self {
            Self::Certificate(certificate) => EndIdentity::Certificate(certificate),
            Self::Token(subject) => EndIdentity::Token(text(subject)),
            Self::Login(principal) => EndIdentity::Login(text(principal)),
            Self::Nobody => EndIdentity::Nobody,
        }
    }
}

impl EndIdentity {
    pub(super) fn borrowed(&self) -> EndIdentity<&str> {
        match self {
            Self::Certificate(certificate) => EndIdentity::Certificate(Arc::clone(certificate)),
            Self::Token(subject) => EndIdentity::Token(subject),
            Self::Login(principal) => EndIdentity::Login(principal),
            Self::Nobody => EndIdentity::Nobody,
        }
    }
}

/// The names of a certificate that tell who holds it, best first.
fn told(details: &CertificateDetails) -> impl Iterator<Item = &SanName> {
    let of = |wanted: fn(&SanName) -> bool| details.names.iter().filter(move |name| wanted(name));
    let uris = of(|name| matches!(name, SanName::Uri(_)));
    let hosts = of(|name| matches!(name, SanName::Dns(_)));
    let addresses = of(|name| matches!(name, SanName::Ip(_)));
    uris.chain(hosts).chain(addresses)
}

fn certificate_names(certificate: &Certificate) -> Vec<String> {
    let digest = || vec![format!("sha256:{}", certificate.sha256)];
    let Some(details) = &certificate.details else { return digest() };
    let spelt = |name: &SanName| match name {
        SanName::Uri(text) | SanName::Dns(text) => Some(text.clone()),
        SanName::Ip(addr) => Some(format!("ip:{addr}")),
        SanName::Email(_) | SanName::Other(_) => None,
    };
    let names: Vec<String> = told(details).filter_map(spelt).collect();
    match (&details.common_name, names.is_empty()) {
        (_, false) => names,
        (Some(name), true) => vec![format!("cn:{name}")],
        (None, true) => digest(),
    }
}

/// Whether two certificates are of one holder: one certificate, or the same names. Compared without making the names,
/// because it is asked of every session.
fn same_holder(a: &Certificate, b: &Certificate) -> bool {
    if a.sha256 == b.sha256 {
        return true;
    }
    let (Some(a), Some(b)) = (&a.details, &b.details) else { return false };
    let named = told(a).next().is_some() || told(b).next().is_some();
    if named {
        return told(a).eq(told(b));
    }
    a.common_name.is_some() && a.common_name == b.common_name
}
