//! A conversation over UDP as two streams: each datagram with its length before it, which is how protocols that know
//! both transports mark over TCP where a message ends.
//!
//! Datagrams may be lost, come twice or in another order. The reader's protocol numbers what has to be in order, so that is
//! the reader's business.

use super::{BOUNDS, Flow};
use crate::flow::{StreamReader, Turn};
use crate::model::{Direction, FlowKey, Moment, Roles, Session};

impl<R: StreamReader> Flow<R> {
    /// A conversation that begins with this datagram.
    pub(in crate::flow) fn of_datagrams(
        key: FlowKey,
        serial: u32,
        turn: &Turn<'_>,
        reader: R,
    ) -> Self {
        let (client, server) = match turn.direction {
            Direction::ToServer => (turn.from, turn.to),
            Direction::ToClient => (turn.to, turn.from),
        };
        let session = Session::begun(client, server, Roles::Content, turn.at);
        let session = Session { vlan: turn.vlan, ..session };
        Self { spoken: Some(turn.name), ..Self::begun(key, serial, session, reader) }
    }

    /// Takes the next datagram.
    pub(in crate::flow) fn hear(&mut self, turn: &Turn<'_>) {
        let direction = turn.direction;
        self.count(direction, turn.at, turn.hops, (turn.bytes.into(), turn.missing));
        if !self.reading {
            return;
        }
        let length = turn.bytes.saturating_add(turn.missing);
        let Ok(prefix) = u16::try_from(length).map(u16::to_be_bytes) else { return };
        let unread = length.saturating_sub(u32::try_from(turn.read.len()).unwrap_or(u32::MAX));
        match turn.read {
            [first] => self.read_framed(direction, &[prefix[0], prefix[1], *first], turn.at),
            // What was cut off is never read in part: where the next datagram begins is known.
            _ if turn.missing > 0 => {
                self.out.session.stream.gap_bytes[direction] += u64::from(length);
                return;
            }
            whole => self.read_framed(direction, &[&prefix, whole].concat(), turn.at),
        }
        if unread > 0 && self.reading {
            self.pass_over(direction, u64::from(unread), turn.at);
        }
    }

    fn read_framed(&mut self, direction: Direction, bytes: &[u8], at: Moment) {
        let side = &mut self.sides[direction];
        let next = side.assembler.next_offset();
        if let Some(fresh) = side.assembler.pass(next, bytes) {
            self.read_passed(direction, fresh, at);
        } else if side.assembler.insert(next, bytes, BOUNDS).is_ok() {
            self.read_ready(direction, at);
        } else {
            self.out.session.stream.bound_reached = true;
            self.stop_reading();
        }
    }

    /// Tells the reader of bytes that it is not given because it would pass them over.
    fn pass_over(&mut self, direction: Direction, bytes: u64, at: Moment) {
        let missing = self.sides[direction].assembler.lose(bytes);
        let want = self.out.reader.gap(direction, missing, at);
        self.follow(direction, want, at);
    }
}
