//! From frames to events: decodes, counts, and beats the time of the capture.

use super::Shards;
use crate::capture::Frame;
use crate::decode::Datagram;
use crate::decode::{Decoded, Decoder};
use crate::flow::{Conversations, Hail, TableCounts};
use crate::inspect::{Datagrams, hail};
use crate::model::{Coverage, DatagramFacts, FlowKey, Incomplete, Moment, Timestamp};

pub(super) struct Intake {
    decoder: Decoder,
    datagrams: Datagrams,
    conversations: Conversations,
    coverage: Coverage,
    clock: Timestamp,
    every: i64,
}

impl Intake {
    /// One that decodes so, and whose clock beats every so many microseconds of packet time.
    pub(super) fn new(decoder: Decoder, every: i64) -> Self {
        Self {
            decoder,
            datagrams: Datagrams::default(),
            conversations: Conversations::default(),
            coverage: Coverage::default(),
            clock: Timestamp::from_micros(i64::MIN),
            every,
        }
    }

    /// Hands on what a frame carries.
    #[inline]
    pub(super) fn frame(&mut self, event: u64, frame: &Frame<'_>, shards: &mut impl Shards) {
        count(&mut self.coverage, frame);
        if self.beat(frame.at) {
            self.conversations.tick(frame.at.time);
            shards.tick(event, frame.at);
        }
        match self.decoder.decode(frame) {
            // Where it lies: a copy would wait for what was written just before.
            Decoded::Segment(ref segment) => {
                let (key, swapped) = FlowKey::of(segment.from, segment.to);
                shards.segment(event, key, swapped, segment);
            }
            Decoded::Datagram(datagram) => {
                self.datagrams.read(&datagram);
                if let Some(hail) = hail(datagram.payload) {
                    converse(&mut self.conversations, event, (&datagram, hail), shards);
                }
            }
            Decoded::Other(_) => {}
        }
    }

    /// Takes note that all connections end here.
    pub(super) fn flush(&mut self) {
        self.conversations.finish();
    }

    /// The time of the last beat.
    pub(super) fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Lets the clock go on from another time.
    pub(super) fn set_clock(&mut self, clock: Timestamp) {
        self.clock = clock;
    }

    /// UDP datagrams to the ports of tunnels that could not be opened, by port.
    pub(super) fn tunnel_ports(&self) -> Vec<(u16, u64)> {
        self.decoder.counts().tunnel_ports()
    }

    /// The capture's part of the coverage so far.
    pub(super) fn coverage(&self, counts: TableCounts) -> Coverage {
        let decoded = self.decoder.counts();
        let mut coverage = self.coverage.clone();
        coverage.frame_kinds = decoded.kinds();
        tell_apart(&mut coverage, "quic", self.datagrams.facts().quic);
        tell_apart(&mut coverage, "openvpn", self.conversations.heard());
        coverage.cut_frames = decoded.cut_frames();
        let (unanswered, forgotten) = self.conversations.unanswered();
        coverage.half_open = counts.half_open + unanswered;
        coverage.half_open_evicted = counts.half_open_evicted + forgotten;
        coverage.evicted = counts.evicted;
        coverage
    }

    /// What datagrams said so far.
    pub(super) fn datagrams(&self) -> &DatagramFacts {
        self.datagrams.facts()
    }

    /// The capture's part of the coverage, and what datagrams said.
    pub(super) fn finish(self, counts: TableCounts) -> (Coverage, DatagramFacts) {
        let coverage = self.coverage(counts);
        (coverage, self.datagrams.finish())
    }

    /// Whether the capture's clock has gone on by a beat.
    #[inline]
    fn beat(&mut self, at: Moment) -> bool {
        let goes_on = at.time.micros().saturating_sub(self.clock.micros()) >= self.every;
        if goes_on {
            self.clock = at.time;
        }
        goes_on
    }
}

/// Follows what is part of a conversation. Nearly no datagram is.
#[inline(never)]
fn converse(
    conversations: &mut Conversations,
    event: u64,
    (datagram, hail): (&Datagram<'_>, Hail),
    shards: &mut impl Shards,
) {
    let Some(heard) = conversations.take(datagram, hail) else { return };
    if let Some(ask) = &heard.ask {
        shards.datagram(event, heard.key, &ask.turn());
    }
    shards.datagram(event, heard.key, &heard.turn);
}

#[inline]
fn count(coverage: &mut Coverage, frame: &Frame<'_>) {
    if coverage.frames == 0 {
        coverage.first = frame.at.time;
        coverage.last = frame.at.time;
    }
    coverage.frames += 1;
    coverage.bytes += frame.data.len() as u64;
    if frame.at.time >= coverage.last {
        coverage.last = frame.at.time;
    } else {
        coverage.first = coverage.first.min(frame.at.time);
    }
}

/// Tells datagrams of one kind from what else is UDP: what is traffic between services and not read, and what is followed.
fn tell_apart(coverage: &mut Coverage, name: &'static str, datagrams: u64) {
    if datagrams == 0 {
        return;
    }
    for (kind, count) in &mut coverage.frame_kinds {
        if *kind == "udp" {
            *count = count.saturating_sub(datagrams);
        }
    }
    coverage.frame_kinds.retain(|(_, count)| *count > 0);
    coverage.frame_kinds.push((name, datagrams));
    coverage.frame_kinds.sort_unstable();
}

/// Says that frames were cut.
pub(super) fn note_cuts(coverage: &mut Coverage) {
    if coverage.cut_frames > 0 {
        let message = format!(
            "{} of {} frames were cut by the snapshot length",
            coverage.cut_frames, coverage.frames
        );
        coverage.incomplete.push(Incomplete { code: "snaplen-too-small", message });
    }
}
