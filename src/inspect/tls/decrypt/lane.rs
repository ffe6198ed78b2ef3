//! One direction of a connection: which keys it has come to, and whether it can still be followed.

use super::record::{Keys12, Opener};
use super::schedule::{Hash, prf};
use super::secret::Secret;
use super::suite::Protection;
use super::{Agreed, Opened, Sealed};
use crate::model::Direction;

/// The keys of TLS 1.3 change with these. Before it there is only the handshake's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Stage {
    #[default]
    Early,
    Handshake,
    Application,
}

#[derive(Default)]
pub(super) struct Lane {
    stage: Stage,
    state: State,
    /// A record was opened since the stage began.
    used: bool,
    /// Records were not captured, or came before their keys could be told.
    missed: bool,
}

#[derive(Default)]
enum State {
    /// The keys of this stage were not looked for yet.
    #[default]
    Fresh,
    /// One of these has the right cipher: before ServerHello nobody says which.
    Trial(Vec<Opener>),
    Open(Box<Opener>),
    Closed,
}

impl Lane {
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    pub(super) fn is_fresh(&self) -> bool {
        matches!(self.state, State::Fresh)
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_) | State::Trial(_))
    }

    pub(super) fn is_unused(&self) -> bool {
        !self.used
    }

    pub(super) fn has_missed(&self) -> bool {
        self.missed
    }

    /// Whether every record was opened.
    pub(super) fn is_whole(&self) -> bool {
        !self.missed && !matches!(self.state, State::Closed)
    }

    pub(super) fn note_missed(&mut self) {
        self.missed = true;
    }

    pub(super) fn give_up(&mut self) {
        self.missed = true;
        self.state = State::Closed;
    }

    /// Begins a stage, whose keys are still to be found. What was lost stays lost.
    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.used = false;
        if !matches!(self.state, State::Closed) {
            self.state = State::Fresh;
        }
    }

    /// Takes the secret of early data, of which only the hash is known.
    pub(super) fn begin_early(&mut self, secret: Secret, agreed: &Agreed) {
        let suites: Vec<u16> = match agreed.version {
            0 => (0x1301..=0x1305).collect(),
            _ => vec![agreed.suite],
        };
        let openers = suites
            .into_iter()
            .filter_map(Protection::of)
            .filter_map(|protection| Opener::under(secret.clone(), protection));
        self.state = State::Trial(openers.collect());
    }

    /// Takes the secret of this stage. `false` when the suite is not one that can be opened.
    pub(super) fn begin(&mut self, secret: &Secret, direction: Direction, agreed: &Agreed) -> bool {
        if self.stage == Stage::Early {
            self.stage = Stage::Handshake;
        }
        let protection = Protection::of(agreed.suite).filter(|_| !agreed.compressed);
        let opener = protection.and_then(|protection| {
            if agreed.version > TLS12 {
                Opener::under(secret.clone(), protection)
            } else if agreed.version > SSL3 {
                opener_12(secret, protection, direction, agreed)
            } else {
                None
            }
        });
        match opener {
            Some(opener) => self.state = State::Open(Box::new(opener)),
            None => self.give_up(),
        }
        opener_is_known(protection, agreed)
    }

    pub(super) fn open(&mut self, sealed: &Sealed, body: &[u8]) -> Option<Opened> {
        let opened = match &mut self.state {
            State::Open(opener) => opener.open(sealed, body)?,
            State::Trial(openers) => {
                let mut tried = openers.drain(..).filter_map(|mut opener| {
                    opener.open(sealed, body).map(|opened| (opener, opened))
                });
                let found = tried.next();
                drop(tried);
                let (opener, opened) = found?;
                self.state = State::Open(Box::new(opener));
                opened
            }
            State::Fresh | State::Closed => return None,
        };
        self.used = true;
        Some(opened)
    }

    /// A record was not captured whole.
    pub(super) fn skipped(&mut self) {
        self.missed = true;
        let goes_on = match &mut self.state {
            State::Open(opener) => opener.skip(),
            State::Fresh => true,
            State::Trial(_) | State::Closed => false,
        };
        if !goes_on {
            self.state = State::Closed;
        }
    }

    /// The sender updated its keys.
    pub(super) fn update(&mut self) {
        let State::Open(opener) = &self.state else { return };
        match opener.updated() {
            Some(next) => self.state = State::Open(Box::new(next)),
            None => self.give_up(),
        }
    }
}

const TLS12: u16 = 0x0303;
const SSL3: u16 = 0x0300;

fn opener_is_known(protection: Option<Protection>, agreed: &Agreed) -> bool {
    protection.is_some() && agreed.version > SSL3
}

/// The keys of one direction from a master secret (RFC 5246 section 6.3).
fn opener_12(
    master: &Secret,
    protection: Protection,
    direction: Direction,
    agreed: &Agreed,
) -> Option<Opener> {
    let sizes = [protection.mac_key(), protection.key, protection.fixed_iv(agreed.version)];
    let length = 2 * sizes.iter().sum::<usize>();
    let seed: [&[u8]; 3] = [b"key expansion", &agreed.server_random, &agreed.client_random];
    let hash = if agreed.version == TLS12 { protection.hash } else { Hash::Sha1 };
    let block = prf(agreed.version, hash, master, &seed, length);
    let mut rest = block.as_slice();
    let [mac, key, iv] = sizes.map(|size| {
        let (pair, after) = rest.split_at_checked(2 * size).unwrap_or_default();
        rest = after;
        let (client, server) = pair.split_at(size.min(pair.len()));
        if direction == Direction::ToServer { client } else { server }
    });
    Opener::with(&Keys12 { mac, key, iv }, protection, agreed.version, agreed.encrypt_then_mac)
}
