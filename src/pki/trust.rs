//! The authorities that the user trusts.
//!
//! Takes the bytes of PEM or DER files, gives what chains may lead to. Every certificate of a bundle is an authority to
//! end at, an intermediate one too, and a leaf that is in a bundle is trusted itself. Judges nothing.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::certificate::parse;
use super::{pem, read};
use crate::model::{Certificate, Der, Diagnostic, Digest, limits};

/// The trust bundles of a run.
#[derive(Debug, Default)]
pub struct TrustStore {
    bundles: Vec<Arc<str>>,
    anchors: Vec<Anchor>,
    /// Places in `anchors` by the bytes of their subjects.
    by_subject: HashMap<Box<[u8]>, Vec<usize>, RandomState>,
    by_digest: HashMap<Digest, usize, RandomState>,
}

/// A certificate that is trusted because the user says so.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) der: Der,
    pub(super) certificate: Arc<Certificate>,
    /// The name of its bundle.
    pub(super) bundle: Arc<str>,
}

impl TrustStore {
    /// A store without bundles: nothing is called untrusted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the certificates of a file as a bundle, and says what of it could not be read: warnings for single
    /// certificates, which `path` names. A certificate that is there already stays in the bundle it is in.
    ///
    /// # Errors
    /// The file holds no certificate that could be read, or more than there is room for.
    pub fn add(
        &mut self,
        bundle: &str,
        path: &str,
        file: &[u8],
    ) -> Result<Vec<Diagnostic>, Box<Diagnostic>> {
        let name: Arc<str> = Arc::from(bundle);
        let mut warnings = Vec::new();
        let mut found = 0_usize;
        for (line, bytes) in candidates(file) {
            match bytes.as_deref().map(|der| self.add_anchor(&name, der)) {
                Some(Added::Yes) => found += 1,
                Some(Added::Full) => return Err(Box::new(full(path))),
                Some(Added::Unreadable) | None => warnings.push(unreadable(path, line)),
            }
        }
        if found == 0 {
            return Err(Box::new(empty(path)));
        }
        if !self.bundles.contains(&name) {
            self.bundles.push(name);
        }
        if warnings.len() > limits::SHOWN_ENTRIES {
            let more = warnings.len() - limits::SHOWN_ENTRIES;
            warnings.truncate(limits::SHOWN_ENTRIES);
            let message = format!("{more} further certificates of {path} could not be read");
            warnings.push(Diagnostic::warning(UNREADABLE, message));
        }
        Ok(warnings)
    }

    /// Whether there is no bundle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty()
    }

    /// How many distinct authorities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// The authorities with this subject, byte for byte.
    pub(super) fn named(&self, subject: &[u8]) -> impl Iterator<Item = &Anchor> {
        let places = self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.anchors.get(*place))
    }

    /// The authority that is this very certificate.
    pub(super) fn same(&self, digest: &Digest) -> Option<&Anchor> {
        self.by_digest.get(digest).and_then(|place| self.anchors.get(*place))
    }

    fn add_anchor(&mut self, bundle: &Arc<str>, der: &[u8]) -> Added {
        let certificate = read(der);
        let (Some(parsed), true) = (parse(der), certificate.details.is_some()) else {
            return Added::Unreadable;
        };
        if self.by_digest.contains_key(&certificate.sha256) {
            return Added::Yes;
        }
        if self.anchors.len() >= limits::TRUST_CERTIFICATES {
            return Added::Full;
        }
        let place = self.anchors.len();
        let subject: Box<[u8]> = parsed.tbs_certificate.subject.as_raw().into();
        self.by_subject.entry(subject).or_default().push(place);
        self.by_digest.insert(certificate.sha256, place);
        self.anchors.push(Anchor {
            der: Der(der.into()),
            certificate: Arc::new(certificate),
            bundle: Arc::clone(bundle),
        });
        Added::Yes
    }
}

enum Added {
    Yes,
    Unreadable,
    Full,
}

/// The certificates of a file, each with its line, 0 for a file in DER. Keys and whatever else a file may hold are
/// skipped; nothing of them is kept.
fn candidates(file: &[u8]) -> Vec<(usize, Option<Vec<u8>>)> {
    const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
    if !pem::is_pem(file) {
        return vec![(0, Some(file.to_vec()))];
    }
    let blocks = pem::blocks(file).into_iter();
    blocks
        .filter(|block| LABELS.contains(&block.label.as_str()))
        .map(|block| (block.line, block.bytes))
        .collect()
}

/// The word for a part of a bundle that could not be read.
const UNREADABLE: &str = "trust-unreadable";

fn unreadable(path: &str, line: usize) -> Diagnostic {
    let message = match line {
        0 => format!("{path} is not a certificate that can be read"),
        _ => format!("the certificate at line {line} of {path} cannot be read"),
    };
    Diagnostic::warning(UNREADABLE, message)
}

fn empty(path: &str) -> Diagnostic {
    Diagnostic::error("trust-empty", format!("{path} holds no certificate that can be read")).help(
        "give the certificates of your authorities, as PEM (-----BEGIN CERTIFICATE-----) or DER",
    )
}

fn full(path: &str) -> Diagnostic {
    let most = limits::TRUST_CERTIFICATES;
    Diagnostic::error("trust-full", format!("there is no room for the authorities of {path}"))
        .note(format!("a run may trust at most {most}"))
}
