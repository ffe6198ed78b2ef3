//! What keys show, and that a verdict with them and one without agree.
//!
//! Sessions come from three places: recorded from openssl (`tests/vectors`), spoken here by rustls in memory, and
//! captures that carry their keys or lie beside them. The last may be any folder:
//!
//! ```sh
//! WIRELINT_KEYED_CAPTURES=DIR cargo test --test keys -- --nocapture captures
//! ```
//!
//! compares every `NAME.pcap`, `NAME.pcapng` or `NAME.pcap.gz` there with `NAME.keys` or `NAME.keys.gz`, and prints how
//! many sessions were opened and where the verdicts differ.

#![cfg(test)]

mod captures;
#[path = "../support/conversation.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod conversation;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
mod recorded;
mod spoken;

use std::sync::Arc;

use conversation::{Conversation, Heard, Random, overhear, overhear_with};
use wirelint::inspect::tls::{KeyLines, KeyLog};
use wirelint::model::{ClientAuth, FrameNo, Keys, Posture, Seen, TlsFacts};

/// A conversation and its key log.
pub(crate) struct Keyed {
    pub(crate) conversation: Conversation,
    pub(crate) log: String,
}

impl Keyed {
    /// The key log, read.
    pub(crate) fn keys(&self) -> Arc<KeyLog> {
        let keys = KeyLog::default();
        let lines = keys.add(self.log.as_bytes(), FrameNo::default());
        assert_eq!((lines.rubbish, lines.dropped), (0, 0), "{}", self.conversation.name);
        assert!(lines.secrets > 0);
        Arc::new(keys)
    }

    /// The key log with other secrets, that do not fit.
    pub(crate) fn wrong_keys(&self) -> Arc<KeyLog> {
        let keys = KeyLog::default();
        for line in self.log.lines() {
            let (front, secret) = line.rsplit_once(' ').unwrap();
            let turned: String = secret.chars().rev().collect();
            let KeyLines { rubbish, .. } =
                keys.add(format!("{front} {turned}\n").as_bytes(), FrameNo::default());
            assert_eq!(rubbish, 0);
        }
        Arc::new(keys)
    }
}

/// The TLS facts.
pub(crate) fn tls(heard: &Heard) -> &TlsFacts {
    heard.facts.tls.as_deref().unwrap()
}

/// What every session that is opened must show, and what must be the same without keys.
#[track_caller]
pub(crate) fn assert_opened(keyed: &Keyed, mutual: bool) {
    let name = &keyed.conversation.name;
    let (with, without) = (overhear_with(&keyed.keys(), &keyed.conversation), heard(keyed));
    assert_eq!(tls(&with).decryption.keys, Keys::Fit, "{name}");
    assert_eq!(tls(&with).decryption.inside, Some("http/1.1"), "{name}");
    let calls = with.facts.calls.as_deref().unwrap();
    assert_eq!((calls.requests, calls.calls[0].method.as_str()), (1, "GET /ledger"), "{name}");
    assert_eq!(with.protocol, Some("tls"), "{name}");
    assert!(with.facts.plaintext.is_none(), "{name}: what is inside TLS is not plaintext");
    let posture = if mutual { Posture::Mtls } else { Posture::Tls };
    assert_eq!(with.verdict.posture, posture, "{name}");
    let client = if mutual { ClientAuth::Presented } else { ClientAuth::NotRequested };
    assert_eq!(with.verdict.client_auth, Seen::Value(client), "{name}");
    assert_eq!(tls(&with).server_chain.value().unwrap().len(), 1, "{name}");
    assert!(tls(&with).alerts.iter().any(|alert| alert.description == 0), "{name}: close_notify");
    assert!(
        matches!(without.verdict.posture, Posture::TlsOpaque) || without.verdict.posture == posture,
        "{name}: {:?} without keys",
        without.verdict
    );
    assert!(without.facts.calls.is_none());
}

/// Keys that do not fit say so, and change nothing else.
#[track_caller]
pub(crate) fn assert_wrong_keys_change_nothing(keyed: &Keyed) {
    let mut wrong = overhear_with(&keyed.wrong_keys(), &keyed.conversation);
    assert_eq!(tls(&wrong).decryption.keys, Keys::DoNotFit, "{}", keyed.conversation.name);
    wrong.facts.tls.as_mut().unwrap().decryption.keys = Keys::None;
    assert_eq!(wrong, heard(keyed));
}

/// However the bytes are cut, keys show the same.
#[track_caller]
pub(crate) fn assert_cuts_do_not_matter(keyed: &Keyed) {
    let keys = keyed.keys();
    let whole = overhear_with(&keys, &keyed.conversation);
    for longest in [1, 2, 5, 64, 700, usize::MAX] {
        let mut random = Random(longest as u64);
        let cut = keyed.conversation.cut(|| match longest {
            1 | usize::MAX => longest,
            _ => 1 + random.below(longest),
        });
        assert_eq!(overhear_with(&keys, &cut), whole, "{} cut {longest}", cut.name);
    }
}

/// The conversation without keys.
pub(crate) fn heard(keyed: &Keyed) -> Heard {
    overhear(&keyed.conversation)
}
