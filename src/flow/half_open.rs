//! Connections of which only a SYN was seen, in little memory: what a SYN flood fills.

use super::generations::{Generations, Weigh};
use crate::model::{Endpoint, FlowKey, Moment, limits};

/// What a SYN says that is needed when the connection goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Syn {
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) sequence: u32,
    pub(super) vlan: Option<u16>,
    pub(super) at: Moment,
    /// The SYN itself is not in the capture, only the SYN-ACK that answers it.
    pub(super) inferred: bool,
}

#[derive(Clone, Copy)]
struct Compact {
    at: Moment,
    sequence: u32,
    vlan: Option<u16>,
    second_is_client: bool,
    inferred: bool,
}

impl Weigh for Compact {}

pub(super) struct HalfOpen {
    syns: Generations<FlowKey, Compact>,
    /// SYNs that were never followed by anything.
    pub(super) abandoned: u64,
    /// Of these, the ones dropped because there were too many.
    pub(super) evicted: u64,
}

const PER_GENERATION: usize = limits::HALF_OPEN / limits::SHARDS / 2;

impl Default for HalfOpen {
    fn default() -> Self {
        let syns = Generations::new(PER_GENERATION, limits::HALF_OPEN_SECONDS * 1_000_000 / 2);
        Self { syns, abandoned: 0, evicted: 0 }
    }
}

impl HalfOpen {
    /// Keeps a SYN. A repeated one keeps its first time; one from the other side (simultaneous open) leaves the first
    /// sender the client.
    pub(super) fn insert(&mut self, key: FlowKey, second_is_client: bool, syn: &Syn) {
        let &Syn { at, sequence, vlan, inferred, .. } = syn;
        let compact = Compact { at, sequence, vlan, second_is_client, inferred };
        if let Some(known) = self.syns.get_mut(&key) {
            let other_side = known.second_is_client != second_is_client;
            known.inferred &= syn.inferred;
            if !other_side && known.sequence != syn.sequence {
                self.abandoned += 1;
                *known = compact;
            }
            return;
        }
        let forgotten = self.syns.insert(key, compact, at.time);
        self.evicted += forgotten;
        self.abandoned += forgotten;
    }

    /// Takes out the SYN of a connection that goes on. `ends` are its endpoints in the key's order.
    pub(super) fn take(&mut self, key: &FlowKey, ends: [Endpoint; 2]) -> Option<Syn> {
        if self.syns.is_empty() {
            return None;
        }
        let found = self.syns.remove(key)?;
        let [first, second] = ends;
        let (client, server) =
            if found.second_is_client { (second, first) } else { (first, second) };
        let Compact { at, sequence, vlan, inferred, .. } = found;
        Some(Syn { client, server, sequence, vlan, at, inferred })
    }

    /// Forgets what is too old at this packet time.
    pub(super) fn tick(&mut self, now: Moment) {
        self.abandoned += self.syns.tick(now.time);
    }

    /// Forgets everything.
    pub(super) fn finish(&mut self) {
        self.abandoned += self.syns.clear();
    }

    /// Forgets everything because memory is short.
    pub(super) fn shed(&mut self) {
        let all = self.syns.release();
        self.evicted += all;
        self.abandoned += all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FrameNo, Timestamp};

    fn syn(port: u16, seconds: i64) -> (FlowKey, bool, Syn) {
        let client = Endpoint::new([10, 0, 0, 9].into(), port);
        let server = Endpoint::new([10, 0, 0, 1].into(), 443);
        let at = Moment { time: Timestamp::from_seconds(seconds), frame: FrameNo(1) };
        let (key, second) = FlowKey::of(client, server);
        (key, second, Syn { client, server, sequence: 7, vlan: None, at, inferred: false })
    }

    #[test]
    fn a_syn_is_given_back_once_with_its_roles() {
        let mut table = HalfOpen::default();
        let (key, second, first) = syn(5000, 1);
        table.insert(key, second, &first);
        let ends = [first.server, first.client];
        assert_eq!(table.take(&key, ends), Some(first));
        assert_eq!(table.take(&key, ends), None);
        assert_eq!(table.abandoned, 0);
    }

    #[test]
    fn a_flood_stays_bounded_and_is_counted() {
        let mut table = HalfOpen::default();
        for port in 0..=u16::MAX {
            for server_port in 0..4u16 {
                let (_, _, mut one) = syn(port, 1);
                one.server.port = server_port;
                let (key, second) = FlowKey::of(one.client, one.server);
                table.insert(key, second, &one);
            }
        }
        assert!(table.syns.len() <= 2 * PER_GENERATION);
        let kept = table.syns.len() as u64;
        assert_eq!(kept + table.evicted, 4 * 65_536);
    }

    #[test]
    fn a_lone_syn_is_forgotten_after_its_time() {
        let mut table = HalfOpen::default();
        let (key, second, first) = syn(5000, 1);
        table.tick(first.at);
        table.insert(key, second, &first);
        for seconds in [31, 62, 93] {
            table.tick(syn(1, seconds).2.at);
        }
        assert_eq!((table.take(&key, [first.server, first.client]), table.abandoned), (None, 1));
        table.insert(key, second, &syn(5000, 94).2);
        table.tick(syn(1, 7200).2.at);
        assert_eq!((table.take(&key, [first.server, first.client]), table.abandoned), (None, 2));
    }
}
