//! What the capture of one run counted, and what of its evidence is missing.

use super::Pulse;
use crate::model::{Coverage, Incomplete};

/// What the capture counted since another moment.
pub(super) fn since(base: &Coverage, now: &Coverage) -> Coverage {
    let mut coverage = now.clone();
    coverage.frames = now.frames.saturating_sub(base.frames);
    coverage.bytes = now.bytes.saturating_sub(base.bytes);
    coverage.cut_frames = now.cut_frames.saturating_sub(base.cut_frames);
    coverage.half_open = now.half_open.saturating_sub(base.half_open);
    coverage.half_open_evicted = now.half_open_evicted.saturating_sub(base.half_open_evicted);
    coverage.evicted = now.evicted.saturating_sub(base.evicted);
    coverage.dropped = now.dropped.saturating_sub(base.dropped);
    for (kind, count) in &mut coverage.frame_kinds {
        let before = base.frame_kinds.iter().find(|known| known.0 == *kind).map_or(0, |one| one.1);
        *count = count.saturating_sub(before);
    }
    coverage.frame_kinds.retain(|kind| kind.1 > 0);
    if base.frames > 0 {
        coverage.first = base.last;
    }
    coverage
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What makes the evidence of the capture incomplete.
pub(super) fn incomplete(pulse: &Pulse, coverage: &Coverage) -> Vec<Incomplete> {
    let mut all = Vec::new();
    let mut say = |code, message| all.push(Incomplete { code, message });
    if coverage.dropped > 0 {
        let message = format!(
            "{} packets were lost, {} were read: a handshake can be lost this way",
            coverage.dropped, coverage.frames
        );
        say("drops", message);
    }
    for source in &pulse.sources {
        if source.outages > 0 {
            let times = times(source.outages);
            let now = if source.is_down { ", and is away now" } else { "" };
            say("interface-outage", format!("{} went away {times}{now}", source.name));
        }
        if source.cut {
            say(
                "truncated-capture",
                format!("{} ends in the middle, or is no capture", source.name),
            );
        }
    }
    if pulse.clock_steps > 0 {
        say(
            "clock-step",
            format!("the clock of the capture was set back {}", times(pulse.clock_steps)),
        );
    }
    if coverage.evicted > 0 {
        say(
            "evicted",
            format!("{} connections were given up for want of memory", coverage.evicted),
        );
    }
    if coverage.cut_frames > 0 {
        let message = format!(
            "{} of {} frames were cut by the snapshot length",
            coverage.cut_frames, coverage.frames
        );
        say("snaplen-too-small", message);
    }
    if pulse.failed_readers > 0 {
        let message = format!(
            "{} sessions could not be read because of a bug in wirelint",
            pulse.failed_readers
        );
        say("internal", message);
    }
    all
}
