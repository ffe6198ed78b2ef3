//! The client's part of the handshake: what it answered with.
//!
//! RFC 8446 section 4.4 leaves a client no choice: a Certificate message if and only if it was asked, a
//! CertificateVerify if and only if that was not empty, then Finished, which has one length for each hash.

use super::padding::{Model, Padding};
use super::{Offer, Told};
use crate::model::{ClientStep, Confidence};

/// The smallest Certificate message that has an X.509 certificate, with room below the smallest ever made.
const CERTIFICATE: usize = 160;

/// The least that a Certificate message with a raw key has.
const RAW_KEY: usize = 40;

/// Records among which the client's Finished is looked for.
const RECORDS: usize = 60;

/// What an empty Certificate becomes when it is compressed.
const COMPRESSED_EMPTY: std::ops::RangeInclusive<usize> = 16..=34;

/// What there is to judge by.
pub(super) struct View<'a> {
    /// Lengths of the client's records from its answer on.
    pub(super) records: &'a [usize],
    /// What it offered.
    pub(super) offer: Offer,
    /// Whether the server asked, where that could be told.
    pub(super) requested: Option<bool>,
    /// An end of the connection was seen, and no byte of the client is missing.
    pub(super) ended: bool,
    /// No byte of the client is missing.
    pub(super) whole: bool,
}

/// What the client's records tell, and how many of them were its part of the handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClientPart {
    pub(super) told: Told,
    pub(super) records: usize,
    pub(super) model: Option<Model>,
}

impl ClientPart {
    fn new(told: Told, records: usize, model: Model) -> Self {
        Self { told, records, model: Some(model) }
    }
}

/// Reads the lengths of the client's records. There is at least one.
pub(super) fn read(view: &View<'_>, bare: Model) -> ClientPart {
    let models = bare.candidates(view.records);
    let fits = models.iter().find_map(|model| {
        refusal(view, model)
            .or_else(|| if model.is_coarse() { coarse(view, model) } else { fine(view, model) })
            .or_else(|| separate(view, model))
    });
    fits.unwrap_or_else(|| together(view, bare))
}

/// Nothing but an alert, and the connection ends.
fn refusal(view: &View<'_>, model: &Model) -> Option<ClientPart> {
    let only_alerts =
        view.records.len() <= 2 && view.records.iter().all(|one| *one == model.alert());
    if !only_alerts || !view.ended || model.alert() == model.finished() {
        return None;
    }
    let why = "the client answered with a record of an alert's length and finished no handshake";
    let confidence = if model.is_rounded() { Confidence::Medium } else { Confidence::High };
    Some(ClientPart::new(Told::new(ClientStep::Refused, confidence, why), 0, *model))
}

/// Finished alone, or an empty Certificate and Finished.
fn fine(view: &View<'_>, model: &Model) -> Option<ClientPart> {
    let (first, second) = (*view.records.first()?, view.records.get(1).copied());
    let finished_second = second == Some(model.finished());
    if first == model.finished() {
        return Some(ClientPart::new(finished_alone(view, model), 1, *model));
    }
    if first == model.empty_certificate() && finished_second {
        let why = "the client's first two encrypted records have the lengths of an empty Certificate \
                   and of Finished";
        let told = Told::new(ClientStep::Declined, Confidence::High, why);
        return Some(ClientPart::new(told, 2, *model));
    }
    if model.is_rounded() {
        return None;
    }
    if first == model.empty_and_finished() {
        let why = "the client's first encrypted record has the length of an empty Certificate with \
                   Finished";
        let told = Told::new(ClientStep::Declined, Confidence::High, why);
        return Some(ClientPart::new(told, 1, *model));
    }
    let compressed = COMPRESSED_EMPTY.contains(&model.most(first))
        && !view.offer.application_settings
        && view.requested != Some(false);
    (finished_second && compressed).then(|| {
        let why = "the client's first encrypted record has the length of a compressed empty \
                   Certificate, the second that of Finished";
        ClientPart::new(Told::new(ClientStep::Declined, Confidence::Medium, why), 2, *model)
    })
}

/// Rounded to 16 bytes, Finished alone has the length of Finished with an empty Certificate: then the server's side
/// has to agree.
fn finished_alone(view: &View<'_>, model: &Model) -> Told {
    let why = "the client's first encrypted record has the length of Finished alone";
    let confidence = match (model.is_rounded(), view.requested, view.records.len()) {
        (false, ..) | (true, Some(false), 2..) => Confidence::High,
        (true, None | Some(true), 0..=1) => {
            return Told::unknown("the client's only encrypted record is padded");
        }
        (true, ..) => Confidence::Medium,
    };
    Told::new(ClientStep::NotRequested, confidence, why)
}

/// Records that are padded on purpose say little.
fn coarse(view: &View<'_>, model: &Model) -> Option<ClientPart> {
    let first = *view.records.first()?;
    if first > model.finished() {
        let why = "the client's first encrypted record, padded, is longer than Finished";
        let told = Told::new(ClientStep::Presented, Confidence::Low, why);
        let end = view.records.windows(2).take(RECORDS).position(
            |pair| matches!(pair, [verify, last] if *last == model.finished() && model.is_verify(*verify)),
        );
        return Some(ClientPart::new(told, end.map_or(1, |at| at + 2), *model));
    }
    if first < model.finished() {
        return None;
    }
    let only_empty_fits = model.most(model.finished()) < CERTIFICATE
        && view.records.len() > 2
        && view.records.get(1) == Some(&model.finished());
    let (told, records) = match view.requested {
        Some(false) => {
            let why = "the client's first encrypted record has the padded length of Finished, and \
                       the server did not ask";
            (Told::new(ClientStep::NotRequested, Confidence::Low, why), 1)
        }
        Some(true) if only_empty_fits => {
            let why = "the server asked, and the client's padded records have no room for a \
                       certificate";
            (Told::new(ClientStep::Declined, Confidence::Low, why), 2)
        }
        _ => (Told::unknown("the client pads its records too much to tell them apart"), 0),
    };
    Some(ClientPart::new(told, records, *model))
}

/// Certificate, CertificateVerify and Finished, each in records of its own.
fn separate(view: &View<'_>, model: &Model) -> Option<ClientPart> {
    let least = if view.offer.raw_keys { RAW_KEY } else { CERTIFICATE };
    let records = view.records;
    let ends = records.iter().enumerate().take(RECORDS).skip(2);
    let (at, _) = ends.filter(|(_, one)| **one == model.finished()).find(|(at, _)| {
        *at > 2 || records.get(at - 1).is_some_and(|verify| model.is_verify(*verify))
    })?;
    // A CertificateVerify may be cut into a few records too.
    let pieces = if model.is_rounded() { 1 } else { 4 };
    let found = (1..=pieces).take_while(|pieces| *pieces < at).any(|pieces| {
        let (certificate, verify) = records.split_at(at - pieces);
        let verify = verify.get(..pieces).unwrap_or_default();
        let is_verify = match verify {
            [one] => model.is_verify(*one),
            many => model.is_verify(model.record(sum(many, model))),
        };
        is_verify && sum(certificate, model) >= least
    });
    let why = "the client's encrypted records have the lengths of a Certificate, a \
               CertificateVerify and Finished";
    let told = Told::new(ClientStep::Presented, Confidence::High, why);
    found.then(|| ClientPart::new(told, at + 1, *model))
}

/// The most content that these records can have.
fn sum(records: &[usize], model: &Model) -> usize {
    records.iter().map(|one| model.most(*one)).sum()
}

/// All in one record, as BoringSSL, NSS and rustls send it.
fn together(view: &View<'_>, bare: Model) -> ClientPart {
    let first = view.records.first().copied().unwrap_or_default();
    let content = bare.most(first);
    let smallest = CERTIFICATE + 8 + 64 + 4 + bare.hash;
    if content < smallest {
        let told = if view.offer.raw_keys && content >= RAW_KEY {
            let why = "the client's first encrypted record has room for a raw public key";
            Told::new(ClientStep::Presented, Confidence::Low, why)
        } else {
            Told::unknown("the client's encrypted records fit no known layout")
        };
        let model = (told.client != ClientStep::Unknown).then_some(bare);
        return ClientPart { told, records: usize::from(model.is_some()), model };
    }
    let inner = first.saturating_sub(bare.tag);
    let again = view.records.iter().skip(1).any(|one| *one == first);
    if inner.is_multiple_of(128) || again {
        let why = "the client's first encrypted record may be a padded Finished";
        return ClientPart { told: Told::unknown(why), records: 0, model: None };
    }
    let bare_elsewhere =
        view.records.iter().any(|one| !one.saturating_sub(bare.tag).is_multiple_of(16));
    let sure = bare_elsewhere && view.whole && !inner.is_multiple_of(32);
    let confidence = if sure { Confidence::High } else { Confidence::Medium };
    let why = "the client's first encrypted record has the length of a certificate with its proof \
               and Finished, and records are not padded";
    let records = 1 + usize::from(goes_on(view, bare));
    ClientPart::new(Told::new(ClientStep::Presented, confidence, why), records, bare)
}

/// Whether the second record belongs to a Certificate in the first one.
fn goes_on(view: &View<'_>, bare: Model) -> bool {
    let Some(second) = view.records.get(1) else { return false };
    [Padding::Bare, Padding::Sixteen].into_iter().any(|padding| {
        let model = bare.padded(padding);
        *second == model.finished() || model.is_verify(second.saturating_sub(4 + model.hash))
    })
}
