//! One connection: who is client and server, its two directions, and its reader.

mod datagrams;

use super::half_open::Syn;
use super::side::Side;
use super::{Bounds, Ended, StreamReader, Want};
use crate::decode::Segment;
use crate::model::{
    Direction, EndState, Endpoint, FlowKey, Moment, PerDirection, Roles, Session, Traffic, limits,
};

/// Pieces after which the start of a direction is no longer waited for.
const AWAIT_PIECES: usize = 8;

/// Microseconds from the SYN to what the client sends next within which both ends are near.
const NEAR: i64 = 2_000;

const BOUNDS: Bounds = Bounds { bytes: limits::PENDING_BYTES, pieces: limits::PENDING_PIECES };

/// A connection that is being followed.
pub(super) struct Flow<R> {
    pub(super) key: FlowKey,
    /// The client's name of a conversation over UDP.
    pub(super) spoken: Option<u64>,
    pub(super) serial: u32,
    /// Bytes it held when the table last counted them.
    pub(super) counted: usize,
    reading: bool,
    turned: bool,
    way: Way,
    /// The client is the second end of the key.
    client_is_second: bool,
    /// Its last packet when it was given out while it went on.
    pub(super) told: Option<Moment>,
    /// How it ended, once it did; it is kept a little longer for what arrives late.
    pub(super) finishing: Option<EndState>,
    /// What is given out when it ends. It stays where it is: it is large, and would be moved a few times on its way.
    pub(super) out: Box<Ended<R>>,
    sides: PerDirection<Side>,
}

/// How long packets are under way between the ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Long, or it cannot be told.
    Long,
    /// The SYN was answered; what the client sends next will tell.
    Answered,
    /// There and back in [`NEAR`], to whoever answered the SYN, and time never went back from packet to packet.
    Short,
}

/// For how long a connection that ended is kept for what arrives late.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Patience {
    /// It was reset over a short way: what was under way will have arrived soon.
    Short,
    /// Nothing is missing.
    Usual,
    /// Bytes are missing, and may be sent again.
    Long,
}

impl<R: StreamReader> Flow<R> {
    pub(super) fn new(
        key: FlowKey,
        serial: u32,
        segment: &Segment<'_>,
        syn: Option<Syn>,
        mut reader: R,
    ) -> Self {
        let opens = segment.flags.syn() && !segment.flags.ack();
        let (client, server, roles) = match syn {
            Some(syn) => (syn.client, syn.server, Roles::Syn),
            None if opens => (segment.from, segment.to, Roles::Syn),
            None => guess_roles(segment.from, segment.to),
        };
        let mut sides = PerDirection::<Side>::default();
        let mut traffic = PerDirection::<Traffic>::default();
        if let Some(syn) = syn {
            sides.to_server.begin(syn.sequence.wrapping_add(1));
            let packet = if syn.inferred { Direction::ToClient } else { Direction::ToServer };
            traffic[packet].packets = 1;
        }
        let start_seen = syn.is_some() || opens;
        if !start_seen {
            reader.joined_midstream();
        }
        let session = Session {
            first: syn.map_or(segment.at, |syn| syn.at),
            traffic,
            vlan: syn.map_or(segment.vlan, |syn| syn.vlan),
            start_seen,
            ..Session::begun(client, server, roles, segment.at)
        };
        let answers = |syn: Syn| {
            !syn.inferred
                && syn.server == segment.from
                && syn.at <= segment.at
                && segment.flags.syn()
        };
        let way = if syn.is_some_and(answers) { Way::Answered } else { Way::Long };
        Self { sides, way, ..Self::begun(key, serial, session, reader) }
    }

    /// A connection of which nothing was read.
    fn begun(key: FlowKey, serial: u32, session: Session, reader: R) -> Self {
        Self {
            key,
            spoken: None,
            serial,
            counted: 0,
            reading: true,
            turned: false,
            way: Way::Long,
            client_is_second: is_second(&session),
            told: None,
            finishing: None,
            out: Box::new(Ended { session, reader }),
            sides: PerDirection::default(),
        }
    }

    pub(super) fn held(&self) -> usize {
        if !self.reading {
            return 0;
        }
        let sides = &self.sides;
        sides.to_server.assembler.held() + sides.to_client.assembler.held() + self.out.reader.held()
    }

    /// Which way a segment goes whose sender is the second end of the key, or the first.
    #[inline]
    pub(super) fn direction(&self, from_second: bool) -> Direction {
        if from_second == self.client_is_second { Direction::ToServer } else { Direction::ToClient }
    }

    /// Whether so long a silence lies before this moment that what comes then is another connection.
    #[inline]
    pub(super) fn fell_silent_before(&self, at: Moment) -> bool {
        at.time.micros_since(self.out.session.last.time) > limits::IDLE_SECONDS * 1_000_000
    }

    /// Whether this connection was over before the segment, which then belongs to a new one.
    #[inline]
    pub(super) fn ended_before(
        &self,
        direction: Direction,
        segment: &Segment<'_>,
    ) -> Option<EndState> {
        if self.fell_silent_before(segment.at) {
            return Some(self.finishing.unwrap_or(EndState::Timeout));
        }
        if !segment.flags.syn() || segment.flags.rst() {
            return None;
        }
        let side = &self.sides[direction];
        let again = side.begins_at(segment.sequence.wrapping_add(1));
        let fresh = side.is_unknown() || side.is_awaiting();
        match self.finishing {
            Some(end) if !again => Some(end),
            None if !again && !fresh => Some(EndState::Timeout),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, direction: Direction, segment: &Segment<'_>) {
        let bytes = segment.payload.len() as u64;
        self.count(direction, segment.at, segment.hops, (bytes, segment.missing));
        if segment.flags.fin() {
            self.sides[direction].finish_at(behind(segment));
        }
        self.note_close(direction, segment);
        // A SYN that comes again is no answer to the answer.
        if self.way == Way::Answered && direction == Direction::ToServer && !segment.flags.syn() {
            let took = segment.at.time.micros_since(self.out.session.first.time);
            self.way = if took <= NEAR { Way::Short } else { Way::Long };
        }
        if segment.flags.ack() && !segment.flags.rst() {
            self.sides[direction.reversed()].acknowledge(segment.acknowledgement);
        }
        if self.reading && !segment.flags.rst() {
            self.place(direction, segment);
            self.deliver(direction, segment);
        }
    }

    /// Counts a packet with so many bytes of payload, and so many that were cut off.
    #[inline]
    fn count(&mut self, direction: Direction, at: Moment, hops: u8, (bytes, missing): (u64, u32)) {
        let session = &mut self.out.session;
        let traffic = &mut session.traffic[direction];
        traffic.packets += 1;
        traffic.bytes += bytes;
        // What a device in between answers to a SYN in a server's place has hops of its own.
        if session.hops[direction] == 0 && bytes > 0 {
            session.hops[direction] = hops;
        }
        if at >= session.last {
            session.last = at;
        } else {
            self.way = Way::Long;
        }
        session.stream.cut_segments += u32::from(missing > 0);
    }

    /// Who closes first tells who gave up.
    fn note_close(&mut self, direction: Direction, segment: &Segment<'_>) {
        let resets = segment.flags.rst() && self.sides[direction].accepts(segment.sequence);
        if segment.flags.fin() || resets {
            self.out.session.closed[direction].get_or_insert(segment.at);
        }
    }

    /// Finds out where this direction's sequence numbers begin.
    fn place(&mut self, direction: Direction, segment: &Segment<'_>) {
        if segment.flags.syn() {
            self.sides[direction].begin(segment.sequence.wrapping_add(1));
            if self.sides[direction].assembler.ready().is_empty() {
                return;
            }
            return self.read_ready(direction, segment.at);
        }
        if self.out.session.start_seen {
            let other = &mut self.sides[direction.reversed()];
            if segment.flags.ack() && other.is_unknown() {
                other.begin(segment.acknowledgement);
            }
            self.sides[direction].await_begin(segment.sequence);
        } else {
            self.sides[direction].begin(segment.sequence);
        }
    }

    fn deliver(&mut self, direction: Direction, segment: &Segment<'_>) {
        if segment.payload.is_empty() && segment.missing == 0 {
            return;
        }
        let first = segment.sequence.wrapping_add(u32::from(segment.flags.syn()));
        let side = &mut self.sides[direction];
        let Some(offset) = side.offset(first) else { return };
        if let Some(fresh) = side.assembler.pass(offset, segment.payload) {
            if !fresh.is_empty() {
                self.read_passed(direction, fresh, segment.at);
            }
        } else {
            self.insert(direction, offset, segment);
        }
        if segment.missing > 0 && self.reading {
            self.lose_cut(direction, offset, segment);
        }
    }

    /// Bytes that can be read where they lie.
    fn read_passed(&mut self, direction: Direction, fresh: &[u8], at: Moment) {
        let (used, want) = self.out.reader.read(direction, fresh, at);
        let rest = fresh.get(used..).unwrap_or_default();
        let side = &mut self.sides[direction];
        if !rest.is_empty() && want != Want::Nothing {
            side.assembler.hold(rest);
        }
        self.follow(direction, want, at);
        if used > 0 && !rest.is_empty() && want == Want::Both {
            self.read_ready(direction, at);
        }
    }

    fn insert(&mut self, direction: Direction, offset: u64, segment: &Segment<'_>) {
        let bytes = segment.payload;
        let mut placed = self.sides[direction].assembler.insert(offset, bytes, BOUNDS);
        if placed.is_err() {
            self.out.session.stream.bound_reached = true;
            self.skip_gap(direction, segment.at);
            placed = self.sides[direction].assembler.insert(offset, bytes, BOUNDS);
        }
        if placed.is_err() {
            return self.stop_reading();
        }
        if self.sides[direction].is_awaiting() {
            let side = &mut self.sides[direction];
            if side.assembler.pending_pieces() < AWAIT_PIECES {
                return;
            }
            side.begin_anyway();
        }
        self.read_ready(direction, segment.at);
        if self.reading && self.sides[direction].assembler.pending_bytes() > limits::GAP_PATIENCE {
            self.skip_gap(direction, segment.at);
        }
    }

    /// What the snapshot length cut off will never come.
    fn lose_cut(&mut self, direction: Direction, offset: u64, segment: &Segment<'_>) {
        let end = offset.saturating_add(segment.payload.len() as u64);
        let side = &mut self.sides[direction];
        if side.assembler.next_offset() != end || side.is_awaiting() {
            return;
        }
        let missing = side.assembler.lose(u64::from(segment.missing));
        self.note_gap(direction, missing, segment.at);
        self.read_ready(direction, segment.at);
    }

    fn skip_gap(&mut self, direction: Direction, at: Moment) {
        let side = &mut self.sides[direction];
        if side.is_awaiting() {
            side.begin_anyway();
        } else if let Some(missing) = side.assembler.skip_gap() {
            self.note_gap(direction, missing, at);
        }
        if self.reading {
            self.read_ready(direction, at);
        }
    }

    fn note_gap(&mut self, direction: Direction, missing: u64, at: Moment) {
        if missing > 0 {
            self.out.session.stream.gap_bytes[direction] += missing;
            let want = self.out.reader.gap(direction, missing, at);
            self.follow(direction, want, at);
        }
    }

    /// Reads what is ready until nothing more of it is used.
    fn read_ready(&mut self, direction: Direction, at: Moment) {
        while self.reading && !self.sides[direction].assembler.ready().is_empty() {
            let ready = self.sides[direction].assembler.ready();
            let (used, want) = self.out.reader.read(direction, ready, at);
            self.sides[direction].assembler.consume(used);
            self.follow(direction, want, at);
            if used == 0 && want != Want::Both {
                break;
            }
        }
    }

    fn follow(&mut self, direction: Direction, want: Want, at: Moment) {
        match want {
            Want::More => {}
            Want::Both => {
                let other = direction.reversed();
                if !self.sides[other].assembler.ready().is_empty() {
                    self.read_once(other, at);
                }
            }
            Want::Nothing => self.stop_reading(),
            Want::Reverse => self.turn(at),
        }
    }

    /// Reads what was left over in a direction, once: its own wish for the other direction is not followed, or two
    /// directions could send each other round for ever.
    fn read_once(&mut self, direction: Direction, at: Moment) {
        let ready = self.sides[direction].assembler.ready();
        let (used, want) = self.out.reader.read(direction, ready, at);
        self.sides[direction].assembler.consume(used);
        if want == Want::Nothing {
            self.stop_reading();
        }
    }

    /// Client and server are the other way round.
    fn turn(&mut self, at: Moment) {
        if self.turned {
            return self.stop_reading();
        }
        self.turned = true;
        let session = &mut self.out.session;
        std::mem::swap(&mut session.client, &mut session.server);
        self.client_is_second = is_second(session);
        session.traffic.swap();
        session.stream.gap_bytes.swap();
        session.closed.swap();
        session.roles = Roles::Content;
        self.sides.swap();
        for direction in Direction::BOTH {
            self.read_ready(direction, at);
        }
    }

    /// What is known of it while it goes on, if that can be told and is more than was told before.
    pub(super) fn so_far(&mut self) -> Option<(Session, R)> {
        let traffic = &self.out.session.traffic;
        let silent = traffic.to_server.bytes + traffic.to_client.bytes == 0;
        if silent || self.finishing.is_some() || self.told == Some(self.out.session.last) {
            return None;
        }
        let reader = self.out.reader.copy()?;
        self.told = Some(self.out.session.last);
        self.note_streams();
        Some((Session { end: EndState::Going, ..self.out.session.clone() }, reader))
    }

    pub(super) fn stop_reading(&mut self) {
        self.note_streams();
        self.reading = false;
        for direction in Direction::BOTH {
            self.sides[direction].assembler.release();
        }
    }

    pub(super) fn note_streams(&mut self) {
        let assemblers = [&self.sides.to_server.assembler, &self.sides.to_client.assembler];
        let stream = &mut self.out.session.stream;
        stream.retransmitted = assemblers.iter().map(|assembler| assembler.repeated()).sum();
        stream.conflicting_overlaps =
            assemblers.iter().map(|assembler| assembler.conflicts()).sum();
    }

    /// Gives the reader what lies behind holes: nothing will fill them now.
    pub(super) fn flush(&mut self) {
        let at = self.out.session.last;
        for direction in Direction::BOTH {
            while self.reading && self.sides[direction].assembler.pending_pieces() > 0 {
                self.skip_gap(direction, at);
            }
            self.lose_end(direction, at);
        }
    }

    /// What the receiver has and nothing came behind is missing too. Where a direction was not captured at all, that is
    /// no hole.
    fn lose_end(&mut self, direction: Direction, at: Moment) {
        let captured = self.out.session.traffic[direction].packets > 0;
        if self.reading && captured {
            self.note_gap(direction, self.sides[direction].unseen(), at);
        }
    }

    /// Whether the segment ended the connection. `direction` is that in which it was taken: a reset is not read, so that
    /// nothing it says can turn the connection round.
    pub(super) fn verdict(&self, direction: Direction, segment: &Segment<'_>) -> Option<EndState> {
        if segment.flags.rst() {
            let side = &self.sides[direction];
            if !self.reading || side.accepts(segment.sequence) {
                return Some(EndState::Rst);
            }
        }
        let both = self.sides.to_server.has_fin() && self.sides.to_client.has_fin();
        both.then_some(EndState::Fin)
    }

    /// For how long it is kept now that this segment ended it. A reset whose sequence number is not the one that comes
    /// next need not be believed (RFC 5961), so that more may come than what was under way.
    pub(super) fn patience(&self, direction: Direction, segment: &Segment<'_>) -> Patience {
        let reset = segment.flags.rst() && self.sides[direction].expects(segment.sequence);
        match self.way {
            _ if self.lacks_bytes() => Patience::Long,
            Way::Short if reset => Patience::Short,
            _ => Patience::Usual,
        }
    }

    /// Whether bytes are missing before what came last, or before the end, and would still be read.
    fn lacks_bytes(&self) -> bool {
        let lacks = |side: &Side| side.assembler.pending_pieces() > 0 || side.unseen() > 0;
        self.reading && (lacks(&self.sides.to_server) || lacks(&self.sides.to_client))
    }

    /// Whether nothing can come that would say more: each side has the other's FIN, and nothing before it is missing.
    pub(super) fn is_over(&self) -> bool {
        let over = |side: &Side| side.end_is_acknowledged() && (!self.reading || side.is_whole());
        over(&self.sides.to_server) && over(&self.sides.to_client)
    }
}

/// Whether the client is the second end of the connection's key.
fn is_second(session: &Session) -> bool {
    FlowKey::of(session.client, session.server).1
}

/// The sequence number behind a segment with a FIN, which has one itself.
fn behind(segment: &Segment<'_>) -> u32 {
    let bytes = u32::try_from(segment.payload.len()).unwrap_or(0).wrapping_add(segment.missing);
    let flags = u32::from(segment.flags.syn()) + 1;
    segment.sequence.wrapping_add(bytes).wrapping_add(flags)
}

/// Without a SYN: the lower port is the server's; between equal ones, who speaks first is the client.
fn guess_roles(from: Endpoint, to: Endpoint) -> (Endpoint, Endpoint, Roles) {
    if from.port >= to.port { (from, to, Roles::Guess) } else { (to, from, Roles::Guess) }
}
