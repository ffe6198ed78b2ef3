//! Which datagrams of UDP are a conversation's.
//!
//! Takes datagrams in the order of frames, each with what its content says of the conversation that it is part of; gives
//! those of conversations that were asked for and agreed to, with their direction. A question alone is kept small and is no
//! conversation: anybody can send one in anybody's name. Knows no protocol; remembers no more than bounds allow.
//!
//! Each end gives itself a name, which only it and those who see its datagrams know. So what somebody else sends in an
//! end's name belongs to no conversation, or to one of its own.

use smallvec::SmallVec;

use super::generations::{Generations, Weigh};
use crate::decode::Datagram;
use crate::model::{Direction, Endpoint, FlowKey, Moment, Realm, Timestamp, limits};

/// What the content of a datagram says of the conversation that it is part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hail {
    /// It asks for one. The sender goes by this name.
    Ask {
        /// The client's name.
        name: u64,
        /// Nobody can read in the answer which question it answers.
        sealed: bool,
    },
    /// It agrees to one.
    Answer {
        /// The server's name.
        name: u64,
        /// The name of the one who asked; `None` where that cannot be read.
        asked: Option<u64>,
    },
    /// It goes on with one. The sender goes by this name.
    More(u64),
    /// It carries what the conversation is for, and does not say which one it is.
    Load,
}

/// A datagram of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// Tells conversations between the same ends apart: the name of the client.
    pub name: u64,
    /// Whether it is the first.
    pub begins: bool,
    /// Who sent it.
    pub direction: Direction,
    /// When and in which frame.
    pub at: Moment,
    /// Sender.
    pub from: Endpoint,
    /// Receiver.
    pub to: Endpoint,
    /// Outermost 802.1Q tag of the frame.
    pub vlan: Option<u16>,
    /// Time to live or hop limit.
    pub hops: u8,
    /// What of the payload is to be read: the whole, or the first byte of a load.
    pub read: &'a [u8],
    /// Bytes of payload as captured.
    pub bytes: u32,
    /// Bytes of payload that the snapshot length cut off.
    pub missing: u32,
}

/// A question that was answered, as it was when it was asked.
#[derive(Clone, Debug)]
pub struct Ask {
    turn: Turn<'static>,
    payload: Box<[u8]>,
}

impl Ask {
    /// The datagram.
    #[must_use]
    pub fn turn(&self) -> Turn<'_> {
        Turn { read: &self.payload, ..self.turn }
    }
}

impl Weigh for Ask {
    /// Bytes.
    fn weight(&self) -> usize {
        self.payload.len().saturating_add(ASK_COST)
    }
}

/// What is to be followed of a datagram.
#[derive(Debug)]
pub struct Heard<'a> {
    /// The ends.
    pub key: FlowKey,
    /// The question before it, when this is the answer with which a conversation begins.
    pub ask: Option<Ask>,
    /// The datagram.
    pub turn: Turn<'a>,
}

/// The conversations over UDP, told apart.
pub struct Conversations {
    asked: Generations<(FlowKey, u64), Ask>,
    agreed: Generations<FlowKey, Agreements>,
    /// Datagrams of conversations.
    heard: u64,
    /// Questions that were never answered.
    unanswered: u64,
    /// Of these, those forgotten for want of room.
    evicted: u64,
}

/// What two ends agreed to; those who speak over one pair of ports mostly agree once.
type Agreements = SmallVec<[Agreed; 1]>;

impl Weigh for Agreements {}

/// Two ends that agreed to speak.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    client: u64,
    server: u64,
    second_is_client: bool,
    /// One of them went on. Whoever made up the question does not see the answer, and mostly leaves it at that.
    went_on: bool,
}

/// The name under which a question is kept whose answer does not say what it answers.
const SEALED: u64 = 0;

/// What a question costs besides its payload, roughly.
const ASK_COST: usize = 256;

impl Default for Conversations {
    fn default() -> Self {
        Self {
            asked: Generations::new(
                limits::UNANSWERED_BYTES / 2,
                limits::HALF_OPEN_SECONDS * 1_000_000 / 2,
            ),
            agreed: Generations::new(limits::CONVERSING_ENDS / 2, limits::IDLE_SECONDS * 1_000_000),
            heard: 0,
            unanswered: 0,
            evicted: 0,
        }
    }
}

impl Conversations {
    /// Takes a datagram whose content says this; gives what is to be followed of it.
    pub fn take<'a>(&mut self, datagram: &Datagram<'a>, hail: Hail) -> Option<Heard<'a>> {
        let heard = self.hear(datagram, hail)?;
        self.heard += 1 + u64::from(heard.ask.is_some());
        Some(heard)
    }

    fn hear<'a>(&mut self, datagram: &Datagram<'a>, hail: Hail) -> Option<Heard<'a>> {
        let asks = matches!(hail, Hail::Ask { .. });
        if self.agreed.is_empty() && !asks && self.asked.is_empty() {
            return None;
        }
        let realm = datagram.network.map_or_else(Realm::default, Realm::of_network);
        let (from, to) = (datagram.from.within(realm), datagram.to.within(realm));
        let (key, swapped) = FlowKey::of(from, to);
        let datagram = Datagram { from, to, ..*datagram };
        if let Some(known) = self.agreed.renew(&key, datagram.at.time)
            && let Some(one) = of_known(known, swapped, hail)
        {
            let direction = direction(one.second_is_client, swapped);
            let turn = turn(&datagram, one.client, direction, hail);
            return Some(Heard { key, ask: None, turn });
        }
        match hail {
            Hail::Ask { name, sealed } => self.ask(key, &datagram, (name, sealed)),
            Hail::Answer { name, asked } => {
                return self.answer(key, swapped, &datagram, (name, asked));
            }
            Hail::More(_) | Hail::Load => {}
        }
        None
    }

    /// Forgets what is too old at this packet time.
    pub fn tick(&mut self, now: Timestamp) {
        self.unanswered += self.asked.tick(now);
        self.agreed.tick(now);
    }

    /// Forgets everything: the capture is over, or another one begins.
    pub fn finish(&mut self) {
        self.unanswered += self.asked.clear();
        self.agreed.clear();
    }

    /// Datagrams that were to be followed.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Questions without an answer, and how many of these were forgotten for want of room.
    #[must_use]
    pub fn unanswered(&self) -> (u64, u64) {
        (self.unanswered, self.evicted)
    }

    fn ask(&mut self, key: FlowKey, datagram: &Datagram<'_>, (name, sealed): (u64, bool)) {
        let whole = datagram.missing == 0 && datagram.payload.len() <= limits::ASK_BYTES;
        let place = (key, if sealed { SEALED } else { name });
        let known = self.asked.get(&place).is_some_and(|ask| ask.turn.name == name);
        // The same question again is as old as it was first.
        if !whole || known {
            return;
        }
        let hail = Hail::Ask { name, sealed };
        let first = turn(datagram, name, Direction::ToServer, hail);
        let turn = Turn { begins: true, read: &[], ..first };
        let ask = Ask { turn, payload: datagram.payload.into() };
        let dropped = self.asked.insert(place, ask, datagram.at.time);
        self.evicted += dropped;
        self.unanswered += dropped;
    }

    fn answer<'a>(
        &mut self,
        key: FlowKey,
        swapped: bool,
        datagram: &Datagram<'a>,
        (server, asked): (u64, Option<u64>),
    ) -> Option<Heard<'a>> {
        let place = (key, asked.unwrap_or(SEALED));
        if self.asked.get(&place)?.turn.from != datagram.to {
            return None;
        }
        let ask = self.asked.remove(&place)?;
        let (client, now) = (ask.turn.name, datagram.at.time);
        let agreed = Agreed { client, server, second_is_client: !swapped, went_on: false };
        match self.agreed.renew(&key, now) {
            Some(known) => {
                if known.len() >= limits::CONVERSATIONS {
                    known.remove(known.iter().position(|one| !one.went_on).unwrap_or(0));
                }
                known.push(agreed);
            }
            None => {
                self.agreed.insert(key, SmallVec::from_elem(agreed, 1), now);
            }
        }
        let hail = Hail::Answer { name: server, asked };
        let turn = turn(datagram, client, Direction::ToClient, hail);
        Some(Heard { key, ask: Some(ask), turn })
    }
}

/// The conversation, among those between two ends, that a datagram belongs to.
fn of_known(known: &mut [Agreed], swapped: bool, hail: Hail) -> Option<Agreed> {
    let place = match hail {
        Hail::Ask { name, .. } | Hail::Answer { name, .. } | Hail::More(name) => {
            known.iter().rposition(|one| match direction(one.second_is_client, swapped) {
                Direction::ToServer => one.client == name,
                Direction::ToClient => one.server == name,
            })?
        }
        // What was agreed to last is what is in use, where somebody went on with it.
        Hail::Load => {
            let in_use = known.iter().rposition(|one| one.went_on);
            in_use.or_else(|| known.len().checked_sub(1))?
        }
    };
    let one = known.get_mut(place)?;
    one.went_on |= matches!(hail, Hail::More(_));
    Some(*one)
}

fn direction(second_is_client: bool, swapped: bool) -> Direction {
    if second_is_client == swapped { Direction::ToServer } else { Direction::ToClient }
}

fn turn<'a>(datagram: &Datagram<'a>, name: u64, direction: Direction, hail: Hail) -> Turn<'a> {
    let payload = datagram.payload;
    let read = if hail == Hail::Load { payload.get(..1).unwrap_or_default() } else { payload };
    Turn {
        name,
        begins: false,
        direction,
        at: datagram.at,
        from: datagram.from,
        to: datagram.to,
        vlan: datagram.vlan,
        hops: datagram.hops,
        read,
        bytes: u32::try_from(payload.len()).unwrap_or(u32::MAX),
        missing: datagram.missing,
    }
}

#[cfg(test)]
mod tests;
