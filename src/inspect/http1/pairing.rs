//! Which response answers which request.

use std::collections::VecDeque;

use crate::inspect::calls::{CallId, Used};
use crate::model::limits;

/// A request whose response is awaited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    /// The call, if it was named.
    pub(super) call: Option<CallId>,
    /// The credentials that it carried.
    pub(super) used: Used,
    /// The response has no body, whatever it says.
    pub(super) head: bool,
    /// After the response, the connection is a tunnel.
    pub(super) connect: bool,
}

/// Responses come in the order of their requests. Where one or the other was missed nothing is paired, until the two
/// alternate again: that every other message be a request is what a client that waits for its answers looks like.
#[derive(Clone, Default)]
pub(super) struct Pairing {
    waiting: VecDeque<Asked>,
    lost: bool,
    /// The message before, and the one before that.
    before: [Option<Message>; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Message {
    Request,
    Response,
}

impl Pairing {
    /// Takes note that messages of either side were missed.
    pub(super) fn lose(&mut self) {
        self.waiting.clear();
        self.lost = true;
        self.before = [None; 2];
    }

    /// Takes note of a request. Says whether there was room for it.
    pub(super) fn asked(&mut self, asked: Asked) -> bool {
        if self.before == [Some(Message::Response), Some(Message::Request)] {
            self.lost = false;
        }
        self.remember(Message::Request);
        if self.waiting.len() >= limits::HTTP1_PIPELINE {
            self.lose();
            return false;
        }
        if !self.lost {
            self.waiting.push_back(asked);
        }
        true
    }

    /// Takes note of a response, and gives the request that it answers, if that is known.
    pub(super) fn answered(&mut self) -> Option<Asked> {
        self.remember(Message::Response);
        let asked = self.waiting.pop_front();
        self.lost |= asked.is_none();
        asked
    }

    /// Whether the next response opens a tunnel.
    pub(super) fn awaits_tunnel(&self) -> bool {
        self.waiting.front().is_some_and(|asked| asked.connect)
    }

    fn remember(&mut self, message: Message) {
        self.before = [Some(message), self.before[0]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked = Asked { call: None, used: Used::NONE, head: false, connect: false };
    const HEAD: Asked = Asked { head: true, ..ASKED };

    #[test]
    fn responses_answer_requests_in_order() {
        let mut pairing = Pairing::default();
        pairing.asked(ASKED);
        pairing.asked(HEAD);
        assert_eq!(pairing.answered(), Some(ASKED));
        assert_eq!(pairing.answered(), Some(HEAD));
        assert_eq!(pairing.answered(), None);
    }

    #[test]
    fn what_was_missed_is_not_paired_until_messages_alternate_again() {
        let mut pairing = Pairing::default();
        pairing.asked(ASKED);
        pairing.lose();
        assert_eq!(pairing.answered(), None, "the answer to something before");
        pairing.asked(ASKED);
        assert_eq!(pairing.answered(), None);
        pairing.asked(HEAD);
        assert_eq!(pairing.answered(), Some(HEAD));
    }

    #[test]
    fn requests_without_answers_are_bounded() {
        let mut pairing = Pairing::default();
        let fitting = (0..1000).take_while(|_| pairing.asked(ASKED)).count();
        assert_eq!(fitting, limits::HTTP1_PIPELINE);
        assert_eq!(pairing.answered(), None);
    }
}
