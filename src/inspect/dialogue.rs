//! One connection's conversation: which protocol it is, who reads it, and what was learned.
//!
//! Probes are asked about the first bytes of each direction until one says yes or all say no. A conversation that no
//! protocol of the table recognises is watched a little longer: many protocols begin in clear and then start TLS, and a
//! ClientHello at the beginning of a segment tells so whatever came before it.

use std::sync::Arc;

use super::exchange::merge_readable;
use super::sensitive::Search;
use super::tls::KeyLog;
use super::{
    Context, Head, Inspector, Next, PROTOCOLS, Probe, Protocol, ProtocolId, merge_calls, protocol,
};
use crate::flow::{StreamReader, Want};
use crate::model::{Direction, Facts, FirstBytes, Moment, PerDirection, limits};

/// Bytes of an unrecognised conversation that are watched for the beginning of TLS.
const WATCHED_BYTES: u64 = 64 * 1024;

/// How often one conversation may change its protocol. An endless chain of upgrades would cost an inspector each.
const SWITCHES: u8 = 4;

/// Reads one connection, whatever it speaks.
#[derive(Default)]
pub struct Dialogue {
    state: State,
    facts: Facts,
    protocol: Option<ProtocolId>,
    midstream: bool,
    /// Keys that were given to decrypt with.
    keys: Option<Arc<KeyLog>>,
    switches: u8,
    /// No probe knows the first bytes of this direction, which look like this. What comes next in it is only watched.
    unknown: PerDirection<Option<FirstBytes>>,
    watched: u64,
    /// What the first bytes of a direction look like that the probes cannot tell yet.
    look: PerDirection<Option<FirstBytes>>,
    /// Bytes of each direction that the probes could not tell yet and the flow still holds.
    undecided: PerDirection<usize>,
    /// Of these, what came before TLS began and is not part of it.
    before_tls: PerDirection<usize>,
    /// What of the readable bytes nobody should send in clear.
    sensitive: Search,
}

#[derive(Default)]
enum State {
    /// Asking the probes.
    #[default]
    Probing,
    /// Nobody knows it; watching for TLS.
    Watching,
    Reading(Box<dyn Inspector>),
    Over,
}

impl StreamReader for Dialogue {
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Want) {
        let mut used = 0;
        let mut both = false;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            if rest.is_empty() && used > 0 {
                break;
            }
            let (n, step) = self.step(direction, rest, at);
            used += n;
            match step {
                Step::Wait => break,
                Step::Again => both = true,
                Step::Over => return (bytes.len(), Want::Nothing),
                Step::Reverse => return (used, Want::Reverse),
            }
        }
        (used, if both { Want::Both } else { Want::More })
    }

    fn held(&self) -> usize {
        match &self.state {
            State::Reading(inspector) => inspector.held(),
            _ => 0,
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) -> Want {
        self.sensitive.gap(direction);
        let State::Reading(inspector) = &mut self.state else {
            self.midstream |= matches!(self.state, State::Probing);
            return Want::More;
        };
        let next = inspector.gap(direction, missing, at);
        match self.follow(next) {
            Step::Over => Want::Nothing,
            Step::Again => Want::Both,
            Step::Wait | Step::Reverse => Want::More,
        }
    }

    fn joined_midstream(&mut self) {
        self.midstream = true;
    }

    fn copy(&self) -> Option<Self> {
        let state = match &self.state {
            State::Probing => State::Probing,
            State::Watching => State::Watching,
            State::Reading(inspector) => State::Reading(inspector.copy()?),
            State::Over => State::Over,
        };
        Some(Self {
            state,
            facts: self.facts.clone(),
            protocol: self.protocol,
            midstream: self.midstream,
            keys: self.keys.clone(),
            switches: self.switches,
            unknown: self.unknown,
            watched: self.watched,
            sensitive: self.sensitive.clone(),
            look: self.look,
            undecided: self.undecided,
            before_tls: self.before_tls,
        })
    }
}

/// What to do after one step.
#[derive(Clone)]
enum Step {
    Wait,
    Again,
    Over,
    Reverse,
}

impl Dialogue {
    /// One that decrypts with these keys.
    #[must_use]
    pub fn with_keys(keys: Arc<KeyLog>) -> Self {
        Self { keys: Some(keys), ..Self::default() }
    }

    /// Gives what was learned, and the protocol by its name in the table.
    #[must_use]
    pub fn finish(mut self) -> (Option<ProtocolId>, Facts) {
        self.take_learned()
    }

    /// The same of one that stays where it is. To be asked once.
    pub(crate) fn take_learned(&mut self) -> (Option<ProtocolId>, Facts) {
        match std::mem::take(&mut self.state) {
            State::Reading(inspector) => absorb(&mut self.facts, inspector.finish()),
            State::Probing | State::Watching => self.note_unknown(),
            State::Over => {}
        }
        let sensitive = self.sensitive.take();
        if !sensitive.is_empty() {
            self.facts.readable.get_or_insert_default().sensitive = sensitive;
        }
        (self.facts.protocol.or(self.protocol), std::mem::take(&mut self.facts))
    }

    fn step(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Step) {
        match &mut self.state {
            State::Over => (bytes.len(), Step::Over),
            State::Probing => self.probe(direction, bytes),
            State::Reading(_) if self.before_tls[direction] > 0 => {
                let n = std::mem::take(&mut self.before_tls[direction]).min(bytes.len());
                (n, Step::Wait)
            }
            State::Watching => self.watch(direction, bytes),
            State::Reading(inspector) => {
                let (used, next) = inspector.read(direction, bytes, at);
                if self.protocol != Some("tls") {
                    self.sensitive.read(direction, bytes.get(..used).unwrap_or(bytes), at);
                }
                (used, self.follow(next))
            }
        }
    }

    #[inline]
    fn follow(&mut self, next: Next) -> Step {
        if matches!(next, Next::More) { Step::Wait } else { self.turn(next) }
    }

    /// Ends the protocol at hand, and begins with what comes behind it.
    fn turn(&mut self, next: Next) -> Step {
        let target = if let Next::Switch(name) = next { protocol(name) } else { None };
        if let State::Reading(inspector) = std::mem::take(&mut self.state) {
            absorb(&mut self.facts, inspector.finish());
        }
        self.switches += 1;
        if next == Next::Done || self.switches > SWITCHES {
            self.state = State::Over;
            return Step::Over;
        }
        if let Some(target) = target {
            self.begin(target);
        } else {
            self.unknown = PerDirection::default();
            self.undecided = PerDirection::default();
            self.look = PerDirection::default();
        }
        Step::Again
    }

    fn begin(&mut self, protocol: &'static dyn Protocol) {
        self.protocol = Some(protocol.name());
        let context = Context { from_start: !self.midstream, keys: self.keys.clone() };
        self.state = State::Reading(protocol.inspector(&context));
    }

    fn probe(&mut self, direction: Direction, bytes: &[u8]) -> (usize, Step) {
        if self.unknown[direction].is_some() {
            return self.watch(direction, bytes);
        }
        let head = Head { direction, bytes, from_start: !self.midstream };
        let mut unsure = false;
        for protocol in PROTOCOLS {
            match protocol.probe(&head) {
                Probe::Yes => {
                    self.begin(*protocol);
                    // What came before a ClientHello and was not understood, as part of it is missing, is no answer to it.
                    if protocol.name() == "tls" && direction == Direction::ToServer {
                        self.before_tls.to_client = self.undecided.to_client;
                    }
                    return (0, Step::Again);
                }
                Probe::Reversed => {
                    self.unknown.swap();
                    self.undecided.swap();
                    self.look.swap();
                    return (0, Step::Reverse);
                }
                Probe::Unsure => unsure = true,
                Probe::No => {}
            }
        }
        if unsure && bytes.len() < limits::PROBE_BYTES {
            self.undecided[direction] = bytes.len();
            self.look[direction] = Some(look_of(bytes));
            return (0, Step::Wait);
        }
        self.undecided[direction] = 0;
        self.unknown[direction] = Some(look_of(bytes));
        if self.unknown[direction.reversed()].is_some() {
            self.state = State::Watching;
        }
        self.watch(direction, bytes)
    }

    fn watch(&mut self, direction: Direction, bytes: &[u8]) -> (usize, Step) {
        // One letter may be the consent to a request that the capture does not have (PostgreSQL's `S`).
        let consent = bytes.split_first().filter(|(first, _)| **first == b'S');
        let behind = consent.and_then(|(_, rest)| tls_sender(rest));
        let before = usize::from(behind.is_some());
        let sender = behind.or_else(|| tls_sender(bytes));
        if let (Some(sender), Some(tls)) = (sender, protocol("tls")) {
            self.begin(tls);
            // One letter may be the server's consent (PostgreSQL's `S`): the probes were still waiting for more of it.
            self.before_tls = std::mem::take(&mut self.undecided);
            if sender == direction {
                return (before, Step::Again);
            }
            self.before_tls[direction] = before;
            self.before_tls.swap();
            return (0, Step::Reverse);
        }
        self.watched += bytes.len() as u64;
        if self.watched > WATCHED_BYTES {
            self.note_unknown();
            self.state = State::Over;
            return (bytes.len(), Step::Over);
        }
        (bytes.len(), Step::Wait)
    }

    fn note_unknown(&mut self) {
        let look = |direction| self.unknown[direction].or(self.look[direction]);
        self.facts.first_bytes = look(Direction::ToServer).or(look(Direction::ToClient));
    }
}

/// Who sends bytes that begin with a record header and a hello.
fn tls_sender(bytes: &[u8]) -> Option<Direction> {
    let &[0x16, 3, 0..=4, high, low, kind, 0, ..] = bytes else { return None };
    let plausible = (high > 0 || low > 40) && high <= 0x48;
    match kind {
        1 if plausible => Some(Direction::ToServer),
        2 if plausible => Some(Direction::ToClient),
        _ => None,
    }
}

fn absorb(all: &mut Facts, new: Facts) {
    all.tls = new.tls.or(all.tls.take());
    match (&mut all.calls, new.calls) {
        (Some(first), Some(then)) => merge_calls(first, *then),
        (None, then) => all.calls = then,
        (Some(_), None) => {}
    }
    match (&mut all.readable, new.readable) {
        (Some(first), Some(then)) => merge_readable(first, *then),
        (None, then) => all.readable = then,
        (Some(_), None) => {}
    }
    all.plaintext = all.plaintext.or(new.plaintext);
    all.first_bytes = all.first_bytes.or(new.first_bytes);
    all.mismatch = all.mismatch.or(new.mismatch);
    all.protocol = new.protocol.or(all.protocol);
}

/// What bytes look like that nobody knows: printable, as random as ciphertext, or neither.
fn look_of(bytes: &[u8]) -> FirstBytes {
    let bytes = bytes.get(..256).unwrap_or(bytes);
    let printable =
        bytes.iter().filter(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t')).count();
    if printable * 10 >= bytes.len() * 9 {
        return FirstBytes::Text;
    }
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(place) = seen.get_mut(usize::from(*byte)) {
            *place = true;
        }
    }
    // n random bytes show about 256 (1 - e^(-n/256)) distinct values; structure shows far fewer.
    let distinct = seen.iter().filter(|seen| **seen).count();
    let n = bytes.len();
    let random = n >= 32 && distinct * 512 > n * (512 - n) * 9 / 10;
    if random { FirstBytes::HighEntropy } else { FirstBytes::Binary }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_told_apart() {
        assert_eq!(look_of(b"220 mail.example ESMTP\r\n"), FirstBytes::Text);
        assert_eq!(look_of(&[0, 0, 0, 9, 0, 0, 1, 0, 0, 0, 0, 0, 2, 3, 0, 1]), FirstBytes::Binary);
        let mut x = 1u32;
        let random: Vec<u8> = std::iter::repeat_with(|| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 24) as u8
        })
        .take(200)
        .collect();
        assert_eq!(look_of(&random), FirstBytes::HighEntropy);
        assert_eq!(look_of(&[0u8; 100]), FirstBytes::Binary);
    }

    #[test]
    fn tls_is_found_behind_an_answer_of_one_letter() {
        let mut dialogue = Dialogue::default();
        let at = Moment::default();
        let request = [0xee, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
        assert_eq!(dialogue.read(Direction::ToServer, &request, at).0, 8);
        assert_eq!(dialogue.read(Direction::ToClient, b"S", at).0, 0);
        let hello = [0x16, 3, 1, 0, 0x80, 1, 0, 0, 0x7c, 3, 3];
        assert_eq!(dialogue.read(Direction::ToServer, &hello, at).1, Want::Both);
        assert_eq!(dialogue.read(Direction::ToClient, b"S", at).0, 1);
        let (protocol, facts) = dialogue.finish();
        assert_eq!((protocol, facts.mismatch), (Some("tls"), None));
    }

    #[test]
    fn a_request_that_asks_for_an_upgrade_is_answered_in_the_new_protocol() {
        let mut dialogue = Dialogue::default();
        let at = Moment::default();
        let request =
            b"GET /a HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
        assert_eq!(dialogue.read(Direction::ToServer, request, at).0, request.len());
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";
        // SETTINGS, and HEADERS on stream 1 with status 404.
        let frames =
            [&[0, 0, 0, 4, 0, 0, 0, 0, 0][..], &[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x8d]].concat();
        dialogue.read(Direction::ToClient, &[&switch[..], &frames].concat(), at);
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
        dialogue.read(Direction::ToServer, preface, at);
        let calls = dialogue.finish().1.calls.unwrap();
        let [call] = &calls.calls[..] else { panic!("{calls:?}") };
        assert_eq!((&*call.method, call.count, call.failed), ("GET /a", 1, 1));
        assert_eq!(call.last_status, Some(404));
    }

    #[test]
    fn tls_is_found_behind_a_beginning_in_clear() {
        let mut dialogue = Dialogue::default();
        let at = Moment::default();
        let (n, _) = dialogue.read(Direction::ToClient, b"220 hello\r\n", at);
        dialogue.read(Direction::ToServer, b"STARTTLS\r\n", at);
        dialogue.read(Direction::ToClient, &b"220 hello\r\n220 go\r\n"[n..], at);
        let hello = [0x16, 3, 1, 0, 0x80, 1, 0, 0, 0x7c, 3, 3];
        dialogue.read(Direction::ToServer, &hello, at);
        assert_eq!(dialogue.finish().0, Some("tls"));
    }
}
