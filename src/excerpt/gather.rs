//! From a second look at the captures: the connections that prove findings, as far as they are needed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hashbrown::HashMap;

use super::stream::{Known, blanked};
use crate::capture::{CaptureError, Frame, LinkType, Replay};
use crate::decode::{Decoded, Decoder, Segment};
use crate::model::{Direction, Finding, FlowKey, FrameNo, Moment, Timestamp, limits};

/// A frame that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// When and where it was.
    pub at: Moment,
    /// What its first byte belongs to.
    pub link: LinkType,
    /// Its bytes, as far as they are kept.
    pub data: Vec<u8>,
    /// Bytes it had on the wire.
    pub wire_length: u32,
    /// Whether it proves the finding; else it is context.
    pub proof: bool,
    /// How many of its bytes were overwritten or cut off.
    pub blanked: usize,
}

/// A frame of a connection as it was captured. Has no `Debug`: secrets are in it.
pub(super) struct Raw {
    pub(super) kept: Kept,
    pub(super) carries: Carries,
}

/// What application bytes a frame has, and where.
pub(super) enum Carries {
    /// Bytes of a TCP stream.
    Stream { way: Direction, sequence: u32, syn: bool, payload: Range<usize> },
    /// One datagram.
    Datagram(Range<usize>),
    /// Something that was put together from this frame and others: nothing of it can stay.
    Part,
}

/// What is wanted of the frames between two ends.
#[derive(Default)]
struct Flow {
    proof: BTreeMap<FrameNo, Timestamp>,
    client: Option<crate::model::Endpoint>,
    connections: Vec<Connection>,
}

/// The frames of one connection.
#[derive(Default)]
struct Connection {
    frames: Vec<Raw>,
    bytes: usize,
    after: usize,
    proved: bool,
}

/// Collects frames.
pub(super) struct Gatherer {
    flows: HashMap<FlowKey, Flow, foldhash::quality::RandomState>,
    last: FrameNo,
    total: usize,
    /// Virtual networks that the findings tell apart.
    networks: Vec<u32>,
    /// Frames of a connection by each of those that prove something in it.
    companions: BTreeMap<FrameNo, Vec<FrameNo>>,
}

impl Gatherer {
    /// What these findings need.
    pub(super) fn for_findings(findings: &[&Finding]) -> Self {
        let mut flows: HashMap<FlowKey, Flow, _> = HashMap::default();
        let mut last = FrameNo(0);
        let mut networks = Vec::new();
        for evidence in findings.iter().flat_map(|finding| &finding.evidence) {
            // Frames say in which network an end is, and not in which period.
            let [client, server] =
                [evidence.client, evidence.server].map(|end| end.within(end.realm.in_period(0)));
            networks.extend(client.realm.network());
            let flow = flows.entry(FlowKey::of(client, server).0).or_default();
            flow.client = Some(client);
            for moment in &evidence.frames {
                flow.proof.insert(moment.frame, moment.time);
                last = last.max(moment.frame);
            }
        }
        Self { flows, last, total: 0, networks, companions: BTreeMap::new() }
    }

    /// Reads the captures as far as anything is wanted of them.
    pub(super) fn read(&mut self, mut replay: Replay) -> Result<(), CaptureError> {
        let mut decoder = Decoder::new().telling_apart(std::mem::take(&mut self.networks));
        let end = self.last.0.saturating_add(limits::EXCERPT_READ_ON);
        while self.last.0 > 0 && replay.advance()? {
            let Some(frame) = replay.current() else { break };
            if frame.at.frame.0 > end {
                break;
            }
            match decoder.decode(&frame) {
                Decoded::Segment(segment) => self.segment(&frame, &segment),
                Decoded::Datagram(datagram) => {
                    let carries = range(&frame, datagram.payload).map(Carries::Datagram);
                    let key = FlowKey::of(datagram.from, datagram.to).0;
                    self.offer(key, &frame, carries.unwrap_or(Carries::Part));
                }
                Decoded::Other(_) => {}
            }
        }
        Ok(())
    }

    fn segment(&mut self, frame: &Frame<'_>, segment: &Segment<'_>) {
        let key = FlowKey::of(segment.from, segment.to).0;
        let Some(flow) = self.flows.get_mut(&key) else { return };
        let from_client = flow.client == Some(segment.from);
        let begins = segment.flags.syn() && !segment.flags.ack();
        if begins && flow.connections.last().is_some_and(Connection::has_data) {
            flow.drop_unproved();
            flow.connections.push(Connection::default());
        }
        let carries = match range(frame, segment.payload) {
            Some(payload) => Carries::Stream {
                way: if from_client { Direction::ToServer } else { Direction::ToClient },
                sequence: segment.sequence,
                syn: segment.flags.syn(),
                payload,
            },
            None => Carries::Part,
        };
        self.offer(key, frame, carries);
    }

    fn offer(&mut self, key: FlowKey, frame: &Frame<'_>, carries: Carries) {
        let Some(flow) = self.flows.get_mut(&key) else { return };
        let proof = flow.proof.get(&frame.at.frame) == Some(&frame.at.time);
        let more = flow.proof.range(frame.at.frame..).next().is_some();
        if flow.connections.is_empty() {
            flow.connections.push(Connection::default());
        }
        let Some(connection) = flow.connections.last_mut() else { return };
        let fits = self.total.saturating_add(frame.data.len()) <= limits::EXCERPT_TOTAL;
        if !fits || !connection.wants(frame.data.len(), proof, more) {
            return;
        }
        self.total = self.total.saturating_add(frame.data.len());
        let kept = Kept {
            at: frame.at,
            link: frame.link,
            data: frame.data.to_vec(),
            wire_length: frame.wire_length,
            proof,
            blanked: 0,
        };
        connection.frames.push(Raw { kept, carries });
    }

    /// Gives the frames, blanked. `known` must not stay wherever it is met.
    pub(super) fn finish(&mut self, known: &Known) -> Vec<Kept> {
        let mut all = Vec::new();
        for flow in std::mem::take(&mut self.flows).into_values() {
            for connection in flow.connections.into_iter().filter(|one| one.proved) {
                let frames = blanked(connection.frames, known);
                let numbers: Vec<FrameNo> = frames.iter().map(|one| one.at.frame).collect();
                let proofs = frames.iter().filter(|one| one.proof);
                proofs.for_each(|one| {
                    self.companions.insert(one.at.frame, numbers.clone());
                });
                all.extend(frames);
            }
        }
        all
    }

    /// The frames that show these, in order: theirs and those around them.
    pub(super) fn around(&self, proof: &BTreeSet<FrameNo>) -> BTreeSet<FrameNo> {
        proof.iter().filter_map(|one| self.companions.get(one)).flatten().copied().collect()
    }
}

impl Flow {
    /// Forgets the last connection when it proved nothing.
    fn drop_unproved(&mut self) {
        if self.connections.last().is_some_and(|one| !one.proved) {
            self.connections.pop();
        }
    }
}

impl Connection {
    fn has_data(&self) -> bool {
        let data = |raw: &Raw| match &raw.carries {
            Carries::Stream { payload, syn, .. } => !payload.is_empty() || !syn,
            _ => true,
        };
        self.frames.iter().any(data)
    }

    /// Whether it takes a frame: one that proves something, those before it that there is room for, a few behind.
    fn wants(&mut self, length: usize, proof: bool, more: bool) -> bool {
        let [before, after] = limits::EXCERPT_FRAMES;
        if proof {
            self.proved = true;
            self.after = after;
            return true;
        }
        self.bytes = self.bytes.saturating_add(length);
        if self.bytes > limits::EXCERPT_BYTES {
            return false;
        }
        if self.frames.len() < before && (more || !self.proved) {
            return true;
        }
        let room = self.proved && self.after > 0;
        self.after = self.after.saturating_sub(usize::from(room));
        room
    }
}

/// Where in a frame a part of it is. What was put together from several frames is in none; nothing at all that is in
/// none is at its end.
fn range(frame: &Frame<'_>, part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(frame.data.as_ptr().addr());
    let end = start.and_then(|start| start.checked_add(part.len()));
    match (start, end) {
        (Some(start), Some(end)) if end <= frame.data.len() => Some(start..end),
        _ if part.is_empty() => Some(frame.data.len()..frame.data.len()),
        _ => None,
    }
}
