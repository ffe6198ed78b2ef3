//! Revocation lists (RFC 5280 section 5).
//!
//! Takes the bytes of PEM or DER files that the user gave, gives what they say of a serial number at a moment. Nothing
//! is fetched. Whether a list is its issuer's is decided where the issuer's key is known.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use x509_parser::asn1_rs::{BitString, FromDer as _, oid};
use x509_parser::prelude::{CertificateRevocationList, X509Extension};
use x509_parser::revocation_list::RevokedCertificate;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::certificate::serial;
use super::pem;
use super::signature::Signed;
use super::text::{context_tag, sequence};
use super::{name, window::Window};
use crate::model::{Diagnostic, Seen, Timestamp, limits};

/// The revocation lists of a run, in the order they were given.
#[derive(Debug, Default)]
pub struct RevocationLists {
    lists: Vec<RevocationList>,
}

/// One list.
#[derive(Debug)]
pub(super) struct RevocationList {
    /// The file it came from.
    path: String,
    /// Its issuer in one line.
    issuer_text: String,
    /// The issuer's name, byte for byte.
    pub(super) issuer: Box<[u8]>,
    /// The list as it was signed.
    der: Box<[u8]>,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    /// It lists certificates of other issuers as well (section 5.2.5).
    indirect: bool,
    /// It covers a part of what its issuer issued, or only what changed (sections 5.2.4, 5.2.5).
    partial: bool,
    entries: HashMap<String, Entry, RandomState>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    since: Timestamp,
    reason: u8,
}

/// What a list says of a serial number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Good,
    Revoked {
        since: Timestamp,
        reason: &'static str,
    },
    /// It does not tell.
    Nothing(&'static str),
    /// It was out of date.
    Stale,
}

impl RevocationLists {
    /// No lists.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the lists of a file, and says which of them could not be read.
    ///
    /// # Errors
    /// The file holds no list that could be read, or more than there is room for.
    pub fn add(&mut self, path: &str, file: &[u8]) -> Result<Vec<Diagnostic>, Box<Diagnostic>> {
        let mut warnings = Vec::new();
        let mut found = 0_usize;
        for (line, der) in candidates(file) {
            match der.and_then(|der| RevocationList::read(path, der)) {
                Some(_) if self.lists.len() >= limits::CRLS => return Err(Box::new(full(path))),
                Some(list) => {
                    found += 1;
                    self.lists.push(list);
                }
                None => warnings.push(unreadable(path, line)),
            }
        }
        if found == 0 {
            return Err(Box::new(empty(path)));
        }
        Ok(warnings)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// The list with this number in words: its file and its issuer.
    #[must_use]
    pub fn describe(&self, number: usize) -> String {
        self.lists
            .get(number)
            .map_or_else(String::new, |list| format!("{} of {}", list.path, list.issuer_text))
    }

    /// When the list with this number should have been replaced.
    #[must_use]
    pub fn next_update(&self, number: usize) -> Option<Timestamp> {
        self.lists.get(number)?.next_update
    }

    /// The lists with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &RevocationList)> {
        self.lists.iter().enumerate()
    }
}

impl RevocationList {
    fn read(path: &str, der: Vec<u8>) -> Option<Self> {
        let (_, list) = CertificateRevocationList::from_der(&der).ok()?;
        let signed = &list.tbs_cert_list;
        let scope = Scope::of(signed.extensions());
        let entries = list.iter_revoked_certificates();
        let entries = entries.map(|entry| (serial(entry.raw_serial()), Entry::of(entry))).collect();
        Some(Self {
            path: path.to_owned(),
            issuer_text: name::one_line(&signed.issuer),
            issuer: signed.issuer.as_raw().into(),
            this_update: Timestamp::from_seconds(signed.this_update.timestamp()),
            next_update: signed.next_update.map(|at| Timestamp::from_seconds(at.timestamp())),
            indirect: scope.indirect,
            partial: scope.partial,
            entries,
            der: der.into(),
        })
    }

    /// Whether the owner of this key signed the list.
    pub(super) fn made_by(&self, key: &SubjectPublicKeyInfo<'_>) -> Seen<bool> {
        let Ok((_, list)) = CertificateRevocationList::from_der(&self.der) else {
            return Seen::Value(false);
        };
        let algorithm: &AlgorithmIdentifier<'_> = &list.signature_algorithm;
        let value: &BitString<'_> = &list.signature_value;
        let content = list.tbs_cert_list.as_ref();
        Signed { algorithm, content, value }.made_by(key)
    }

    /// What the list says of a serial number at this moment.
    ///
    /// A list may be younger than the capture: who was revoked only after the moment was not revoked then.
    pub(super) fn says(&self, serial: &str, not_after: Timestamp, window: &mut Window) -> Said {
        const REMOVED: u8 = 8;
        if self.indirect {
            return Said::Nothing("the revocation list is an indirect one");
        }
        if let Some(entry) = self.entries.get(serial).filter(|entry| entry.reason != REMOVED) {
            return match window.reached(entry.since) {
                true => Said::Revoked { since: entry.since, reason: reason(entry.reason) },
                false => Said::Good,
            };
        }
        if self.partial {
            return Said::Nothing("the revocation list covers only a part");
        }
        let ended = |end: Timestamp| end.plus_seconds(limits::CLOCK_SKEW_SECONDS);
        match self.next_update {
            Some(next) if window.passed(ended(next)) => Said::Stale,
            // Authorities take a certificate off the list when it has ended anyway.
            _ if not_after < self.this_update => {
                Said::Nothing("the certificate had ended before the revocation list was made")
            }
            _ => Said::Good,
        }
    }
}

impl Entry {
    fn of(entry: &RevokedCertificate<'_>) -> Self {
        let since = Timestamp::from_seconds(entry.revocation_date.timestamp());
        Self { since, reason: entry.reason_code().map_or(0, |(_, code)| code.0) }
    }
}

/// Which certificates a list covers.
#[derive(Clone, Copy, Default)]
struct Scope {
    indirect: bool,
    partial: bool,
}

impl Scope {
    fn of(extensions: &[X509Extension<'_>]) -> Self {
        const DELTA: &[u8] = &oid!(raw 2.5.29.27);
        const DISTRIBUTION_POINT: &[u8] = &oid!(raw 2.5.29.28);
        const INDIRECT: u32 = 4;
        let mut scope = Self::default();
        for extension in extensions {
            match extension.oid.as_bytes() {
                DELTA => scope.partial = true,
                DISTRIBUTION_POINT => {
                    for element in sequence(extension.value) {
                        match context_tag(&element) {
                            // Where the list is fetched from, which many complete lists say.
                            Some(0) => {}
                            Some(INDIRECT) => scope.indirect |= element.data != [0],
                            _ => scope.partial |= element.data != [0],
                        }
                    }
                }
                _ => scope.partial |= extension.critical,
            }
        }
        scope
    }
}

/// The RFC 5280 name of a reason.
pub(super) fn reason(code: u8) -> &'static str {
    match code {
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => "unspecified",
    }
}

fn candidates(file: &[u8]) -> Vec<(usize, Option<Vec<u8>>)> {
    if !pem::is_pem(file) {
        return vec![(0, Some(file.to_vec()))];
    }
    let blocks = pem::blocks(file).into_iter().filter(|block| block.label == "X509 CRL");
    blocks.map(|block| (block.line, block.bytes)).collect()
}

fn unreadable(path: &str, line: usize) -> Diagnostic {
    let message = match line {
        0 => format!("{path} is not a revocation list that can be read"),
        _ => format!("the revocation list at line {line} of {path} cannot be read"),
    };
    Diagnostic::warning("crl-unreadable", message)
}

fn empty(path: &str) -> Diagnostic {
    Diagnostic::error("crl-empty", format!("{path} holds no revocation list that can be read"))
        .help("give the lists of your authorities, as PEM (-----BEGIN X509 CRL-----) or DER")
}

fn full(path: &str) -> Diagnostic {
    let most = limits::CRLS;
    Diagnostic::error("crl-full", format!("there is no room for the revocation lists of {path}"))
        .note(format!("a run may have at most {most}"))
}
