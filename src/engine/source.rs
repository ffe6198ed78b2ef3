//! From frames to events: reads, filters, decodes, counts, and beats the time of the capture.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::intake::{Intake, note_cuts};
use super::{End, Input, Shards, guard};
use crate::capture::{CaptureError, Filter, Frame, Source};
use crate::decode::{Decoder, supported, unsupported};
use crate::flow::TableCounts;
use crate::inspect::tls::{KeyLines, KeyLog};
use crate::model::{Diagnostic, Incomplete, RunInfo, SourceInfo};

/// Microseconds of packet time between two beats of a capture's clock: as long as the shortest time for which the flow table
/// keeps what ended, so that it is given out not much later.
const BEAT: i64 = 10_000;

/// Seconds of packet time between two captures beyond which no connection of the first goes on in the second.
const BETWEEN_FILES: i64 = 300;

pub(super) struct Front<'a> {
    input: Input<'a>,
    intake: Intake,
    run: RunInfo,
    round: u64,
    /// The frame with which the round ends.
    round_ends: u64,
    event: u64,
    source: Option<usize>,
    stopped: bool,
    failed_before: u64,
    /// Bytes of the captures' own key log that were read.
    secrets: usize,
    carried_keys: KeyLines,
}

impl<'a> Front<'a> {
    pub(super) fn new(mut input: Input<'a>, round: u64) -> Self {
        let run = RunInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            filter: input.filter.as_ref().map(|filter| filter.text().to_owned()),
            ..std::mem::take(&mut input.run)
        };
        let decoder = Decoder::new().telling_apart(std::mem::take(&mut input.networks));
        Self {
            input,
            intake: Intake::new(decoder, BEAT),
            run,
            round,
            round_ends: round,
            event: 0,
            source: None,
            stopped: false,
            failed_before: guard::failed(),
            secrets: 0,
            carried_keys: KeyLines::default(),
        }
    }

    /// The keys to decrypt with.
    pub(super) fn keys(&self) -> &Arc<KeyLog> {
        &self.input.keys
    }

    /// Reads to the end.
    pub(super) fn run(&mut self, shards: &mut impl Shards) -> Result<(), CaptureError> {
        while self.next(shards)? {}
        self.event += 1;
        self.intake.flush();
        shards.flush(self.event);
        self.input.replay.finish();
        self.run.sources = self.input.replay.sources().iter().map(|one| one.info.clone()).collect();
        shards.end_round(&self.run);
        Ok(())
    }

    /// Handles one frame; `false` at the end.
    fn next(&mut self, shards: &mut impl Shards) -> Result<bool, CaptureError> {
        let more = self.input.replay.advance()?;
        self.stopped = self.input.stop.load(Ordering::Relaxed);
        if !more || self.stopped {
            return Ok(false);
        }
        self.event += 1;
        if self.input.replay.take_news() {
            let index = self.input.replay.index();
            if self.source != Some(index) {
                self.enter_source(index, shards);
            }
            self.take_secrets();
        }
        let Some(frame) = self.input.replay.current() else { return Ok(false) };
        let at = frame.at;
        if admit(&mut self.input.filter, &frame)? {
            self.intake.frame(self.event, &frame, shards);
        }
        if at.frame.0 >= self.round_ends {
            self.round_ends = at.frame.0.saturating_add(self.round);
            shards.end_round(&self.run);
            (self.input.progress)(&self.input.replay.progress());
        }
        Ok(true)
    }

    /// Takes the keys that the capture carries before the current frame, and that only later frames can make use of.
    fn take_secrets(&mut self) {
        let replay = &self.input.replay;
        let log = replay.secrets().key_log();
        if log.len() > self.secrets {
            let from = replay.current().map(|frame| frame.at.frame).unwrap_or_default();
            let lines = log.get(self.secrets..).unwrap_or_default();
            self.carried_keys.add(self.input.keys.add(lines, from));
            self.secrets = log.len();
        }
    }

    /// Notes that another source begins. Its connections go on where the last one ended when its time does: a capture
    /// that was written in pieces is one capture.
    fn enter_source(&mut self, index: usize, shards: &mut impl Shards) {
        let replay = &self.input.replay;
        let at = replay.current().map(|frame| frame.at).unwrap_or_default();
        let later = at.time.micros_since(self.intake.clock());
        let goes_on = (0..=BETWEEN_FILES * 1_000_000).contains(&later);
        if self.source.is_some() && !goes_on {
            self.intake.flush();
            shards.flush(self.event);
            self.intake.set_clock(at.time);
        }
        self.source = Some(index);
        self.run.sources.push(SourceInfo {
            name: replay.name().to_owned(),
            first_frame: at.frame,
            frames: u64::MAX,
            ..SourceInfo::default()
        });
    }

    /// What the run came to.
    pub(super) fn end(self, counts: TableCounts) -> End {
        let tunnels = self.intake.tunnel_ports();
        let (mut coverage, datagrams) = self.intake.finish(counts);
        coverage.dropped = self.input.replay.lost();
        coverage.incomplete = self.input.replay.incomplete();
        let unread = unreadable(self.input.replay.sources());
        coverage
            .incomplete
            .extend(unread.map(|said| Incomplete { code: said.code, message: said.message }));
        note_cuts(&mut coverage);
        if self.stopped {
            let message = format!("stopped after {} frames", coverage.frames);
            coverage.incomplete.push(Incomplete { code: "interrupted", message });
        }
        End {
            coverage,
            run: self.run,
            stopped: self.stopped,
            carried_keys: self.carried_keys,
            failed_readers: guard::failed().saturating_sub(self.failed_before),
            sources: self.input.replay.sources().to_vec(),
            tunnels,
            datagrams,
        }
    }
}

#[inline]
fn admit(filter: &mut Option<Filter>, frame: &Frame<'_>) -> Result<bool, CaptureError> {
    match filter {
        Some(filter) => filter.matches(frame),
        None => Ok(true),
    }
}

/// What to say of sources none of whose frames can be read, when there are no others. Beside others they are a part of
/// the evidence that is missing.
#[must_use]
pub fn unsupported_links(sources: &[Source]) -> Vec<Diagnostic> {
    let bad: Vec<Diagnostic> = unreadable(sources).collect();
    let with_frames = sources.iter().filter(|source| !source.link_types.is_empty()).count();
    if bad.len() == with_frames { bad } else { Vec::new() }
}

fn unreadable(sources: &[Source]) -> impl Iterator<Item = Diagnostic> {
    let bad = sources.iter().filter(|source| {
        !source.link_types.is_empty() && !source.link_types.iter().any(|link| supported(*link))
    });
    bad.filter_map(|source| Some(unsupported(&source.info.name, *source.link_types.first()?)))
}
