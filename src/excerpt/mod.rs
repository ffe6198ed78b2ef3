//! The frames that prove findings, taken out of the captures once more, with what they must not show blanked.
//!
//! Takes a finished [`Outcome`] and a second [`Replay`] of the same captures; gives an [`Excerpt`] per finding, ready to
//! be written. Bytes of applications stay only where a reader of this layer knows them for harmless: whatever is not
//! understood is overwritten. Lengths stay, so that dissectors still follow.

mod blank;
mod gather;
mod stream;

use std::collections::{BTreeMap, BTreeSet};

use gather::Gatherer;
pub use gather::Kept;
use stream::Known;

use crate::capture::{CaptureError, Replay};
use crate::model::{Finding, FindingId, FrameNo, Outcome, limits};

/// The frames of one finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Excerpt {
    /// The finding.
    pub id: FindingId,
    /// Its frames in the order of the capture, blanked.
    pub frames: Vec<Kept>,
    /// Frames that prove it and are not here, because there was no room for them or they are not the same any more.
    pub missing: Vec<FrameNo>,
}

/// Takes out the frames of the worst [`limits::EXCERPTS`] findings that have any, in the order of the outcome.
///
/// # Errors
/// A capture cannot be read again.
pub fn excerpts(outcome: &Outcome, replay: Replay) -> Result<Vec<Excerpt>, CaptureError> {
    let chosen = chosen(outcome);
    let mut gatherer = Gatherer::for_findings(&chosen);
    gatherer.read(replay)?;
    let frames: BTreeMap<FrameNo, Kept> =
        gatherer.finish(&Known::of(outcome)).into_iter().map(|one| (one.at.frame, one)).collect();
    Ok(chosen.into_iter().map(|finding| excerpt(finding, &gatherer, &frames)).collect())
}

/// The findings whose frames are taken out.
fn chosen(outcome: &Outcome) -> Vec<&Finding> {
    let proved = |finding: &&Finding| finding.evidence.iter().any(|one| !one.frames.is_empty());
    outcome.findings.iter().filter(proved).take(limits::EXCERPTS).collect()
}

/// How many findings have frames and are not among the chosen.
#[must_use]
pub fn left_out(outcome: &Outcome) -> usize {
    let proved = |finding: &&Finding| finding.evidence.iter().any(|one| !one.frames.is_empty());
    outcome.findings.iter().filter(proved).count().saturating_sub(limits::EXCERPTS)
}

fn excerpt(finding: &Finding, gatherer: &Gatherer, all: &BTreeMap<FrameNo, Kept>) -> Excerpt {
    let proof: BTreeSet<FrameNo> =
        finding.evidence.iter().flat_map(|one| &one.frames).map(|moment| moment.frame).collect();
    let wanted = gatherer.around(&proof);
    let mark = |frame: &Kept| Kept { proof: proof.contains(&frame.at.frame), ..frame.clone() };
    let frames: Vec<Kept> = wanted.iter().filter_map(|number| all.get(number)).map(mark).collect();
    let missing = proof.iter().filter(|number| !all.contains_key(number)).copied().collect();
    Excerpt { id: finding.id, frames, missing }
}
