//! Opens encrypted records with keys that were given.
//!
//! Takes a key log, what the hellos agreed on and whole records; gives their contents. Knows nothing of what the
//! contents mean, but for the messages after which the keys change. Keys and plaintext are held while a connection is
//! read, are overwritten when they are dropped, and have no form that could be printed.

mod cbc;
mod decompress;
mod keylog;
mod lane;
mod record;
mod schedule;
mod secret;
mod suite;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

pub(super) use decompress::decompress;
pub use keylog::{KeyLines, KeyLog, KeyTail};

use crate::model::{Direction, FrameNo, Keys, Moment, PerDirection, ServerHello, limits};
use lane::{Lane, Stage};
use secret::Label;

/// What the hellos agreed on; of the latest handshake, where there were several.
#[derive(Clone, Debug, Default)]
pub(super) struct Agreed {
    pub(super) client_random: [u8; RANDOM],
    pub(super) server_random: [u8; RANDOM],
    /// The version; 0 before ServerHello.
    pub(super) version: u16,
    pub(super) suite: u16,
    pub(super) encrypt_then_mac: bool,
    pub(super) compressed: bool,
    /// The client announced early data.
    pub(super) early_data: bool,
}

impl Agreed {
    /// Takes the random of a ClientHello, which follows its version.
    pub(super) fn note_client(&mut self, body: &[u8]) {
        note_random(body, &mut self.client_random);
    }

    /// Takes what a ServerHello says.
    pub(super) fn note_server(&mut self, body: &[u8], hello: &ServerHello) {
        note_random(body, &mut self.server_random);
        self.version = hello.version;
        self.suite = hello.suite;
        self.encrypt_then_mac = hello.encrypt_then_mac;
        self.compressed = hello.compression != 0;
    }
}

fn note_random(body: &[u8], random: &mut [u8; RANDOM]) {
    if let Some(bytes) = body.get(2..).and_then(<[u8]>::first_chunk) {
        *random = *bytes;
    }
}

/// Bytes of the random of a hello.
pub(super) const RANDOM: usize = 32;

/// An encrypted record: its header, and where its bytes end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sealed {
    pub(super) kind: u8,
    pub(super) minor: u8,
    pub(super) length: usize,
}

/// An encrypted record that is there whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'r> {
    pub(super) direction: Direction,
    pub(super) sealed: Sealed,
    pub(super) body: &'r [u8],
    /// Where it ends.
    pub(super) at: Moment,
}

/// The contents of a record.
pub(super) struct Opened {
    /// The content type, which TLS 1.3 hides inside.
    pub(super) kind: u8,
    pub(super) content: Zeroizing<Vec<u8>>,
}

/// Opens the records of one connection.
pub(super) struct Decryptor {
    keys: Arc<KeyLog>,
    lanes: PerDirection<Lane>,
    fit: Keys,
    /// Bytes that may still be decrypted.
    budget: usize,
}

impl Decryptor {
    /// One that takes its keys from this log. `missed` says in which directions bytes were lost before, `closed` which
    /// ones are not to be opened.
    pub(super) fn new(
        keys: Arc<KeyLog>,
        missed: PerDirection<bool>,
        closed: PerDirection<bool>,
    ) -> Self {
        let mut lanes = PerDirection::<Lane>::default();
        for direction in Direction::BOTH {
            if missed[direction] {
                lanes[direction].note_missed();
            }
            if closed[direction] {
                lanes[direction].give_up();
            }
        }
        Self { keys, lanes, fit: Keys::None, budget: limits::DECRYPTED_BYTES }
    }

    /// How the keys did.
    pub(super) fn fit(&self) -> Keys {
        self.fit
    }

    /// Whether more records of either direction may be opened.
    pub(super) fn goes_on(&self) -> bool {
        Direction::BOTH.iter().any(|way| self.lanes[*way].is_open())
    }

    /// Whether every record of this direction was opened.
    pub(super) fn is_whole(&self, direction: Direction) -> bool {
        self.lanes[direction].is_whole()
    }

    /// Whether the bound on decrypted bytes was reached.
    pub(super) fn is_spent(&self) -> bool {
        self.budget == 0
    }

    /// Whether the body of this record is wanted.
    pub(super) fn wants(&mut self, direction: Direction, agreed: &Agreed, at: FrameNo) -> bool {
        if self.lanes[direction].is_fresh() {
            self.prepare(direction, agreed, at);
        }
        self.lanes[direction].is_open()
    }

    /// Opens a record; `None` when it cannot be.
    pub(super) fn open(&mut self, record: &Record<'_>, agreed: &Agreed) -> Option<Opened> {
        let Record { direction, sealed, body, at } = *record;
        if self.budget < body.len() {
            self.budget = 0;
            Direction::BOTH.iter().for_each(|way| self.lanes[*way].give_up());
            return None;
        }
        self.budget -= body.len();
        let lane = &mut self.lanes[direction];
        if let Some(opened) = lane.open(&sealed, body) {
            self.fit = Keys::Fit;
            return Some(opened);
        }
        // The server refused the early data, or it ended without a word: the handshake goes on under its own keys.
        let early = direction == Direction::ToServer && agreed.version != 0;
        if early && lane.stage() == Stage::Early {
            lane.enter(Stage::Handshake);
            self.prepare(direction, agreed, at.frame);
            if let Some(opened) = self.lanes[direction].open(&sealed, body) {
                self.fit = Keys::Fit;
                return Some(opened);
            }
        }
        let lane = &mut self.lanes[direction];
        if agreed.version == 0 {
            return None;
        }
        if early && agreed.early_data && lane.is_unused() {
            return None;
        }
        if lane.is_unused() && !lane.has_missed() && self.fit != Keys::Fit {
            self.fit = Keys::DoNotFit;
        }
        lane.give_up();
        None
    }

    /// A record of this direction was not captured whole.
    pub(super) fn skipped(&mut self, direction: Direction) {
        self.lanes[direction].skipped();
    }

    /// Nobody knows how many records of this direction were not captured.
    pub(super) fn lost(&mut self, direction: Direction) {
        self.lanes[direction].give_up();
    }

    /// A ChangeCipherSpec before TLS 1.3: the next record has new keys.
    pub(super) fn changed_cipher(&mut self, direction: Direction) {
        self.lanes[direction].enter(Stage::Handshake);
    }

    /// A handshake message was read from an opened record of TLS 1.3; some of them change the keys.
    pub(super) fn read_message(&mut self, direction: Direction, kind: u8) {
        const END_OF_EARLY_DATA: u8 = 5;
        const FINISHED: u8 = 20;
        const KEY_UPDATE: u8 = 24;
        let lane = &mut self.lanes[direction];
        match (kind, lane.stage()) {
            (END_OF_EARLY_DATA, Stage::Early) => lane.enter(Stage::Handshake),
            (FINISHED, Stage::Handshake) => lane.enter(Stage::Application),
            (KEY_UPDATE, Stage::Application) => lane.update(),
            _ => {}
        }
    }

    /// Finds the keys of this direction's stage.
    fn prepare(&mut self, direction: Direction, agreed: &Agreed, at: FrameNo) {
        let early = agreed.version == 0
            || (direction == Direction::ToServer
                && agreed.early_data
                && self.lanes[direction].stage() == Stage::Early);
        let label = match self.lanes[direction].stage() {
            _ if early => Label::ClientEarly,
            stage => label(agreed.version, direction, stage),
        };
        let secret = self.keys.find(&agreed.client_random, label, at);
        let lane = &mut self.lanes[direction];
        match (secret, early) {
            (Some(secret), true) => lane.begin_early(secret, agreed),
            (None, true) if agreed.version == 0 => lane.note_missed(),
            (None, true) => {
                lane.enter(Stage::Handshake);
                self.prepare(direction, agreed, at);
            }
            (Some(secret), false) => {
                if !lane.begin(&secret, direction, agreed) && self.fit == Keys::None {
                    self.fit = Keys::Unsupported;
                }
            }
            (None, false) => lane.give_up(),
        }
    }
}

/// Whether there are no keys for the first encrypted record of a direction. Early data may be followed by what has keys.
pub(super) fn has_no_keys(
    keys: &KeyLog,
    direction: Direction,
    agreed: &Agreed,
    at: FrameNo,
) -> bool {
    let label = label(agreed.version, direction, Stage::Handshake);
    !agreed.early_data && keys.find(&agreed.client_random, label, at).is_none()
}

fn label(version: u16, direction: Direction, stage: Stage) -> Label {
    match (version, direction, stage) {
        (0..=0x0303, ..) => Label::Master,
        (_, Direction::ToServer, Stage::Application) => Label::ClientTraffic,
        (_, Direction::ToServer, _) => Label::ClientHandshake,
        (_, Direction::ToClient, Stage::Application) => Label::ServerTraffic,
        (_, Direction::ToClient, _) => Label::ServerHandshake,
    }
}

impl fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decryptor").field("fit", &self.fit).finish_non_exhaustive()
    }
}
