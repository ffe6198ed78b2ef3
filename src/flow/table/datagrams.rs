//! The table's conversations over UDP: in the same places, within the same bounds, ended by the same clock as connections.

use super::{Flow, Table, count_held};
use crate::flow::{StreamReader, Turn};
use crate::model::{EndState, FlowKey};

impl<R: StreamReader> Table<R> {
    /// Takes the next datagram of a conversation of the shard. `key` is [`FlowKey::of`] its ends.
    pub fn datagram(&mut self, key: FlowKey, turn: &Turn<'_>) {
        let ends = (key, turn.name);
        if let Some(&slot) = self.spoken.get(&ends) {
            if self.slots.get(slot).is_some_and(|flow| !flow.fell_silent_before(turn.at)) {
                return self.hear(slot, turn);
            }
            self.end(slot, EndState::Timeout);
        }
        if !turn.begins {
            self.counts.strays += 1;
            return;
        }
        let serial = self.make_room();
        let flow = Flow::of_datagrams(key, serial, turn, (self.make)());
        let slot = self.settle(flow, turn.at);
        self.spoken.insert(ends, slot);
        self.forget_deadlines();
        self.hear(slot, turn);
    }

    fn hear(&mut self, slot: u32, turn: &Turn<'_>) {
        let Some(flow) = self.slots.get_mut(slot) else { return };
        flow.hear(turn);
        count_held(&mut self.held, flow);
    }
}
