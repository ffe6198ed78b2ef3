//! The server's part of the handshake: is there a CertificateRequest in it?
//!
//! Where every message has its own record, they can be counted: EncryptedExtensions, (CertificateRequest,) Certificate,
//! CertificateVerify, Finished. Servers that put all in one record say nothing here.

use super::padding::{Model, Padding};

/// What the server's records tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct ServerPart {
    /// Whether it asked for a certificate, where that could be told.
    pub(super) requested: Option<bool>,
    /// How many records it took, and how they are padded, where Finished could be found.
    pub(super) finished: Option<(usize, Model)>,
}

/// Records among which Finished is looked for: a chain in small fragments takes some.
const RECORDS: usize = 24;

/// The most that EncryptedExtensions can reasonably have.
const EXTENSIONS: usize = 120;

/// The least that a Certificate message with a certificate or a raw key can have.
const CERTIFICATE: usize = 40;

/// Reads the lengths of the server's records from ServerHello on.
pub(super) fn read(records: &[usize], bare: Model) -> ServerPart {
    let all_rounded = records.len() >= 4
        && records.iter().take(4).all(|one| one.saturating_sub(bare.tag).is_multiple_of(16));
    let rounded = all_rounded.then_some(Padding::Multiple(16));
    for padding in [Padding::Bare, Padding::Sixteen].into_iter().chain(rounded) {
        let model = bare.padded(padding);
        if let Some(at) = find_finished(records, &model) {
            let before = records.get(..at).unwrap_or_default();
            let requested = requested(before, &model);
            return ServerPart { requested, finished: Some((at + 1, model)) };
        }
    }
    ServerPart::default()
}

/// The place of Finished: a record of its length behind one of a CertificateVerify's.
fn find_finished(records: &[usize], model: &Model) -> Option<usize> {
    let mut pairs = records.windows(2).enumerate().take(RECORDS - 1).skip(2);
    let found = pairs.find(|(_, pair)| {
        matches!(pair, [verify, last] if *last == model.finished() && model.is_verify(*verify))
    });
    found.map(|(at, _)| at + 1)
}

/// Looks at what is before Finished, CertificateVerify included.
fn requested(before: &[usize], model: &Model) -> Option<bool> {
    match *before {
        [extensions, certificate, _] => {
            let plausible =
                model.least(extensions) <= EXTENSIONS && model.most(certificate) >= CERTIFICATE;
            plausible.then_some(false)
        }
        [_, request, certificate, _] => {
            let fragments = request == certificate
                || (request >= certificate && is_full_fragment(model.most(request)));
            (!fragments).then_some(true)
        }
        [_, first, ref rest @ .., _] => fragmented(first, rest),
        _ => None,
    }
}

/// A long chain in fragments of one length, with or without something shorter before it.
fn fragmented(first: usize, rest: &[usize]) -> Option<bool> {
    let middle = rest.get(..rest.len().saturating_sub(1)).unwrap_or_default();
    let longest = rest.iter().copied().max().unwrap_or_default().max(first);
    if !middle.iter().all(|one| *one == longest) {
        return None;
    }
    Some(first < longest)
}

/// Lengths at which implementations cut a message into records.
fn is_full_fragment(content: usize) -> bool {
    content.is_power_of_two() && (512..=1 << 14).contains(&content)
}
