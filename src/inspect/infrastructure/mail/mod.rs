//! SMTP (RFC 5321), IMAP (RFC 9051) and POP3 (RFC 1939): lines, a login, and STARTTLS (RFC 3207, RFC 2595).
//!
//! Takes both byte streams; gives commands by name, logins, and what became of TLS. Messages are not looked at.

mod imap;
mod pop3;
mod smtp;
#[cfg(test)]
mod tests;

pub(in crate::inspect) use imap::Imap;
pub(in crate::inspect) use pop3::Pop3;
pub(in crate::inspect) use smtp::Smtp;

use crate::inspect::exchange::{Frame, Notes};
use crate::inspect::sasl::Sasl;
use crate::inspect::{Next, Probe};
use crate::model::{Moment, UpgradeState};

/// What the three have in common.
#[derive(Clone, Default)]
struct Session {
    sasl: Sasl,
    offered: bool,
    asked: bool,
    refused: bool,
    /// The answer to that may be among what the capture does not have.
    missing: bool,
    /// What the client said that wants an answer each.
    commands: u32,
    /// Answers so far, the greeting among them.
    answers: u32,
    /// The last of them was a yes to a wish for TLS.
    yes: bool,
}

impl Session {
    /// The server can TLS.
    fn offer(&mut self, notes: &mut Notes, at: Moment) {
        if !self.offered && !self.refused && !self.asked {
            self.offered = true;
            notes.upgrade(UpgradeState::Offered, at);
        }
    }

    /// The client wants it. The answer may have been captured before.
    fn ask(&mut self, notes: &mut Notes, at: Moment) -> Next {
        self.asked = true;
        notes.negotiation();
        notes.upgrade(UpgradeState::Asked, at);
        self.command();
        if !self.missing && self.answers > self.commands {
            return self.consent(self.yes, notes, at);
        }
        Next::More
    }

    /// The client says something that wants an answer.
    fn command(&mut self) {
        self.commands = self.commands.saturating_add(1);
    }

    /// The server answers; says whether that is the answer to the wish for TLS, and not yet to something before it.
    fn answer(&mut self, yes: bool) -> bool {
        self.answers = self.answers.saturating_add(1);
        self.yes = yes;
        self.asked && (self.missing || self.answers > self.commands)
    }

    /// The server answers that.
    fn consent(&mut self, accepted: bool, notes: &mut Notes, at: Moment) -> Next {
        self.asked = false;
        self.refused = !accepted;
        notes.negotiation();
        notes.upgrade_answered(accepted, at);
        if accepted { Next::Switch("tls") } else { Next::More }
    }

    /// The client goes on.
    fn go_on(&self, notes: &mut Notes, at: Moment) {
        if self.offered || self.refused {
            notes.went_on_in_clear(at);
        }
    }
}

/// A line.
fn line(bytes: &[u8]) -> Frame {
    memchr::memchr(b'\n', bytes).map_or(Frame::Need, |end| Frame::Message(end as u64 + 1))
}

/// The first word of a line in capitals, and what is behind it.
fn command(line: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(end).unwrap_or_default();
    (word.get(..24).unwrap_or(word).to_ascii_uppercase(), rest.trim_ascii())
}

/// Whether a server's greeting begins here: a line with this beginning and one of these words.
fn greeting(bytes: &[u8], begin: &[u8], words: &[&[u8]]) -> Probe {
    const LONGEST_LINE: usize = 512;
    let end = memchr::memchr(b'\n', bytes);
    let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    if !bytes.starts_with(begin) {
        return if begin.starts_with(bytes) { Probe::Unsure } else { Probe::No };
    }
    let readable = |byte: &u8| !byte.is_ascii_control() || b"\r\t".contains(byte);
    let has = |word: &&[u8]| memchr::memmem::find(line, word).is_some();
    match end {
        Some(_) if words.iter().any(has) && line.iter().all(readable) => Probe::Yes,
        None if line.len() <= LONGEST_LINE && line.iter().all(readable) => Probe::Unsure,
        _ => Probe::No,
    }
}
