//! What is done with the contents of opened records: handshake messages and alerts go where readable ones go,
//! application data goes to a conversation of its own, within the connection.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::decrypt::{self, Decryptor, KeyLog, Opened, Record, Sealed};
use super::handshake::Handshake;
use super::{ALERT, CHANGE_CIPHER_SPEC, DATA, HANDSHAKE, message_length, whole_message};
use crate::flow::{StreamReader as _, Want};
use crate::inspect::{Dialogue, ProtocolId};
use crate::model::{CallFacts, Direction, Keys, Moment, PerDirection, Why, limits};

/// Reads what is inside the encrypted records of one connection, as far as there are keys.
#[derive(Debug, Default)]
pub(super) struct Inside {
    keys: Option<Arc<KeyLog>>,
    decryptor: Option<Box<Decryptor>>,
    /// There were no keys for the first encrypted record of a direction, so that it is not opened any more.
    closed: PerDirection<bool>,
    /// Bytes of a direction were lost before anything was decrypted.
    missed: PerDirection<bool>,
    messages: PerDirection<Messages>,
    conversation: Option<Box<Conversation>>,
}

impl Inside {
    pub(super) fn new(keys: Option<Arc<KeyLog>>) -> Self {
        Self { keys, ..Self::default() }
    }

    /// Whether no record of this direction is wanted any more.
    #[inline]
    pub(super) fn is_closed(&self, direction: Direction) -> bool {
        self.closed[direction] || self.keys.is_none()
    }

    /// Whether the body of this record is wanted whole.
    pub(super) fn wants(
        &mut self,
        direction: Direction,
        sealed: &Sealed,
        handshake: &Handshake,
        at: Moment,
    ) -> bool {
        if self.closed[direction] {
            return false;
        }
        let Some(keys) = &self.keys else { return false };
        let agreed = handshake.agreed();
        let hidden = sealed.kind == DATA;
        let early = agreed.version == 0 && agreed.early_data && direction == Direction::ToServer;
        let encrypted = match agreed.version {
            0 => hidden && early,
            version if super::is_tls13(version) => hidden,
            _ => handshake.is_encrypted(direction),
        };
        if !encrypted || sealed.length == 0 {
            return false;
        }
        // Not even an empty log may be passed over: what it holds by now depends on how far the reader is, and only a
        // look-up with the number of the frame does not. That most connections have no keys is found out before anything
        // is made for them.
        if self.decryptor.is_none() && decrypt::has_no_keys(keys, direction, agreed, at.frame) {
            self.closed[direction] = true;
            return false;
        }
        let decryptor = self.decryptor.get_or_insert_with(|| {
            Box::new(Decryptor::new(Arc::clone(keys), self.missed, self.closed))
        });
        decryptor.wants(direction, agreed, at.frame)
    }

    /// Opens a record and reads what is in it.
    pub(super) fn record(&mut self, record: &Record<'_>, handshake: &mut Handshake) {
        let Record { direction, at, .. } = *record;
        let Some(decryptor) = &mut self.decryptor else { return };
        let opened = decryptor.open(record, handshake.agreed());
        let Some(Opened { kind, content }) = opened else {
            if !decryptor.goes_on() {
                self.conversation = self.conversation.take().map(Conversation::ended);
            }
            return;
        };
        handshake.hidden.whole[direction] = decryptor.is_whole(direction);
        let is_13 = super::is_tls13(handshake.version());
        match kind {
            HANDSHAKE => self.messages[direction].read(&content, &mut |message| match message {
                Ok((kind, body)) => {
                    handshake.opened_message(direction, kind, body, at);
                    if is_13 && let Some(decryptor) = &mut self.decryptor {
                        decryptor.read_message(direction, kind);
                    }
                }
                Err(kind) => handshake.unreadable(direction, kind, Why::Bound),
            }),
            ALERT => handshake.opened_alert(direction, &content, at),
            CHANGE_CIPHER_SPEC if !is_13 => self.changed_cipher(direction),
            DATA if content.is_empty() => {}
            DATA => {
                handshake.opened_data(direction, at);
                self.conversation.get_or_insert_default().read(direction, &content, at);
            }
            _ => {}
        }
    }

    /// A readable ChangeCipherSpec: what comes next in this direction has new keys.
    pub(super) fn changed_cipher(&mut self, direction: Direction) {
        if let Some(decryptor) = &mut self.decryptor {
            decryptor.changed_cipher(direction);
        }
    }

    /// A record of this direction was not captured whole.
    pub(super) fn skipped(&mut self, direction: Direction, length: usize, at: Moment) {
        if let Some(decryptor) = &mut self.decryptor {
            decryptor.skipped(direction);
        }
        self.gap(direction, length as u64, at);
    }

    /// Nobody knows how many records of this direction were not captured.
    pub(super) fn lost(&mut self, direction: Direction, missing: usize, at: Moment) {
        match &mut self.decryptor {
            Some(decryptor) => decryptor.lost(direction),
            None if self.closed[direction.reversed()] => self.closed[direction] = true,
            None => self.missed[direction] = true,
        }
        self.gap(direction, missing as u64, at);
    }

    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) {
        self.messages[direction] = Messages::default();
        if let Some(conversation) = &mut self.conversation {
            conversation.gap(direction, missing, at);
        }
    }

    /// Whether more may be learned of records.
    pub(super) fn goes_on(&self) -> bool {
        self.decryptor.as_ref().is_some_and(|decryptor| decryptor.goes_on())
    }

    /// Bytes it holds that peers can inflate.
    pub(super) fn held(&self) -> usize {
        let messages =
            self.messages.to_server.partial.len() + self.messages.to_client.partial.len();
        messages + self.conversation.as_ref().map_or(0, |conversation| conversation.held())
    }

    /// Tells what was decrypted, and gives what was said inside.
    pub(super) fn finish(self, handshake: &mut Handshake) -> Option<Box<CallFacts>> {
        let decryptor = self.decryptor?;
        let decryption = &mut handshake.facts.decryption;
        decryption.keys = decryptor.fit();
        decryption.cut = decryptor.is_spent();
        for direction in Direction::BOTH {
            let whole = decryptor.fit() == Keys::Fit && decryptor.is_whole(direction);
            handshake.hidden.whole[direction] = whole;
        }
        let (protocol, calls) = self.conversation.map(|one| one.finish()).unwrap_or_default();
        handshake.facts.decryption.inside = protocol;
        calls
    }
}

/// Type and body of a message; only the type of one that is too long.
type Message<'m> = Result<(u8, &'m [u8]), u8>;

/// Puts handshake messages together that go over several records.
#[derive(Clone, Debug, Default)]
struct Messages {
    partial: Vec<u8>,
    /// Bytes of an over-long message that are still to come.
    oversized: usize,
}

impl Messages {
    /// Gives each whole message, and the kind of each that is too long.
    fn read(&mut self, content: &[u8], give: &mut dyn FnMut(Message<'_>)) {
        let passed = self.oversized.min(content.len());
        self.oversized -= passed;
        self.partial.extend_from_slice(content.get(passed..).unwrap_or_default());
        let partial = std::mem::take(&mut self.partial);
        let mut rest = partial.as_slice();
        while let Some((kind, body)) = whole_message(rest) {
            give(Ok((kind, body)));
            rest = rest.get(4 + body.len()..).unwrap_or_default();
        }
        match message_length(rest) {
            Some(length) if length > limits::HANDSHAKE_MESSAGE => {
                self.oversized = (4 + length).saturating_sub(rest.len());
                give(Err(rest.first().copied().unwrap_or_default()));
            }
            _ => self.partial = rest.to_vec(),
        }
    }
}

/// What is said inside the connection, in whatever protocol. It has no keys: what is encrypted once more stays so.
#[derive(Default)]
struct Conversation {
    dialogue: Dialogue,
    /// Bytes that were left over, to be given again with more.
    left: PerDirection<Zeroizing<Vec<u8>>>,
    over: bool,
}

impl Conversation {
    fn read(&mut self, direction: Direction, content: &[u8], at: Moment) {
        if self.over {
            return;
        }
        self.left[direction].extend_from_slice(content);
        let mut want = self.give(direction, at);
        // The other side may have waited for this, and this side then for the other; they settle after a few turns.
        for turn in 0..limits::PROBE_TURNS {
            if want != Want::Both || self.over {
                break;
            }
            let next = if turn % 2 == 0 { direction.reversed() } else { direction };
            want = self.give(next, at);
        }
        let too_much = self.left[direction].len() > limits::PENDING_BYTES;
        self.over |= too_much;
        if self.over {
            self.left = PerDirection::default();
        }
    }

    fn give(&mut self, direction: Direction, at: Moment) -> Want {
        let left = &mut self.left[direction];
        if left.is_empty() {
            return Want::More;
        }
        let (used, want) = self.dialogue.read(direction, left, at);
        let used = used.min(left.len());
        left.drain(..used);
        // The roles are those of the TLS handshake; who thinks otherwise has not understood.
        self.over |= matches!(want, Want::Nothing | Want::Reverse);
        want
    }

    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) {
        if !self.over {
            let left = std::mem::take(&mut self.left[direction]).len() as u64;
            let want = self.dialogue.gap(direction, missing.saturating_add(left), at);
            self.over |= want == Want::Nothing;
        }
    }

    fn ended(mut self: Box<Self>) -> Box<Self> {
        self.over = true;
        self.left = PerDirection::default();
        self
    }

    fn held(&self) -> usize {
        self.left.to_server.len() + self.left.to_client.len() + self.dialogue.held()
    }

    fn finish(self) -> (Option<ProtocolId>, Option<Box<CallFacts>>) {
        let (protocol, facts) = self.dialogue.finish();
        (protocol, facts.calls)
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("over", &self.over).finish_non_exhaustive()
    }
}
