//! Where one direction of a connection stands between records.

use super::decrypt::Sealed;
use super::message_length;

/// Where one direction stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// Bytes of the current record that are not looked at.
    pub(super) skip: usize,
    /// The current record is waited for whole, to be opened with the keys that were given.
    pub(super) sealed: Option<Sealed>,
    /// Bytes of the current handshake record that are still to come.
    pub(super) handshake_left: usize,
    /// A handshake message that began in an earlier record.
    pub(super) partial: Vec<u8>,
    /// Bytes of an over-long handshake message that are still to come.
    pub(super) oversized: usize,
    /// A record was read.
    pub(super) began: bool,
    /// Bytes that were given and not used, because more are needed.
    pub(super) unused: usize,
    /// The last record was of application data, and nothing is under way.
    pub(super) calm: bool,
    /// Bytes are missing and the next record must be found.
    pub(super) lost: bool,
    /// Bytes are missing and the next record may begin within a handshake message.
    pub(super) unaligned: bool,
    /// The bytes are no records, or no more.
    pub(super) unreadable: bool,
}

impl Side {
    /// Goes on behind missing bytes: at the end of the handshake message or the record that they are a part of, or
    /// else wherever the next record is found.
    pub(super) fn lose(&mut self, missing: usize) {
        let before = std::mem::take(self);
        self.began = before.began;
        self.unreadable = before.unreadable;
        let Some(left) = before.handshake_left.checked_sub(missing) else {
            self.lost = true;
            self.unaligned = true;
            return;
        };
        let of_message = match message_length(&before.partial) {
            Some(length) => (4 + length).saturating_sub(before.partial.len()),
            None => before.oversized,
        };
        if let Some(rest) = of_message.checked_sub(missing).filter(|_| of_message > 0) {
            self.handshake_left = left;
            self.oversized = rest;
        } else {
            self.skip = left;
            self.unaligned = true;
        }
    }
}
