//! The key log: lines in the format of SSLKEYLOGFILE, looked up by the random of a ClientHello.
//!
//! A secret has the number of the frame from which on it is known: 0 for those of a key log file, that of the frame
//! behind it for those of a capture. Only frames at or behind it can make use of it, so what is decrypted does not
//! depend on how far another thread has read.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use zeroize::Zeroizing;

use super::RANDOM;
use super::secret::{LONGEST, Label, Secret};
use crate::model::{FrameNo, limits};

/// Gives the lines that a key log has grown by since the last time.
pub type KeyTail = Box<dyn Fn(&mut dyn FnMut(&[u8])) + Send + Sync>;

/// Secrets by connection, shared by everybody who reads connections.
#[derive(Default)]
pub struct KeyLog {
    store: RwLock<Store>,
    tail: Option<KeyTail>,
}

/// What some lines of a key log came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeyLines {
    /// Lines, empty ones and comments included.
    pub lines: u64,
    /// Secrets that were kept.
    pub secrets: u64,
    /// Lines that say something else than is needed here: of QUIC, exporters, RSA.
    pub unused: u64,
    /// Lines that are none of a key log.
    pub rubbish: u64,
    /// The first of these, counted from 1.
    pub first_rubbish: Option<u64>,
    /// Secrets that were not kept, because there were more than [`limits::KEY_LOG_SECRETS`].
    pub dropped: u64,
}

impl KeyLines {
    /// Counts what lines behind these came to.
    pub fn add(&mut self, next: Self) {
        let first = next.first_rubbish.map(|line| line.saturating_add(self.lines));
        self.first_rubbish = self.first_rubbish.or(first);
        self.lines = self.lines.saturating_add(next.lines);
        self.secrets = self.secrets.saturating_add(next.secrets);
        self.unused = self.unused.saturating_add(next.unused);
        self.rubbish = self.rubbish.saturating_add(next.rubbish);
        self.dropped = self.dropped.saturating_add(next.dropped);
    }
}

#[derive(Default)]
struct Store {
    secrets: HashMap<[u8; RANDOM], Vec<Known>, foldhash::quality::RandomState>,
    count: usize,
}

struct Known {
    label: Label,
    from: FrameNo,
    secret: Secret,
}

impl KeyLog {
    /// The same log, which grows while it is used: `tail` is called when a connection's secrets are missing.
    #[must_use]
    pub fn growing(self, tail: KeyTail) -> Self {
        Self { tail: Some(tail), ..self }
    }

    /// Takes whole lines, whose secrets are known from this frame on.
    pub fn add(&self, lines: &[u8], from: FrameNo) -> KeyLines {
        let breaks = memchr::memchr_iter(b'\n', lines).count();
        let mut came = KeyLines { lines: breaks as u64, ..KeyLines::default() };
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        for (number, line) in (1..).zip(lines.split(|byte| *byte == b'\n')) {
            match parse(line.trim_ascii()) {
                Line::Nothing => {}
                Line::Unused => came.unused += 1,
                Line::Rubbish => {
                    came.rubbish += 1;
                    came.first_rubbish.get_or_insert(number);
                }
                Line::Secret { random, label, secret } => {
                    let kept = store.add(random, Known { label, from, secret });
                    came.secrets += u64::from(kept);
                    came.dropped += u64::from(!kept);
                }
            }
        }
        came
    }

    /// The secret of this connection, as far as it is known at this frame.
    pub(super) fn find(&self, random: &[u8; RANDOM], label: Label, at: FrameNo) -> Option<Secret> {
        let known = self.known(random, label, at);
        let (None, Some(tail)) = (&known, &self.tail) else { return known };
        tail(&mut |lines| {
            self.add(lines, FrameNo::default());
        });
        self.known(random, label, at)
    }

    fn known(&self, random: &[u8; RANDOM], label: Label, at: FrameNo) -> Option<Secret> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let known = store.secrets.get(random)?;
        known.iter().find(|one| one.label == label && one.from <= at).map(|one| one.secret.clone())
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "KeyLog({} secrets)", store.count)
    }
}

impl Store {
    /// Keeps a secret unless there are too many. The first one of its kind stays: both ends may write the same log.
    fn add(&mut self, random: [u8; RANDOM], new: Known) -> bool {
        let full = self.count >= limits::KEY_LOG_SECRETS;
        let known = match self.secrets.entry(random) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if full => return false,
            Entry::Vacant(place) => place.insert(Vec::new()),
        };
        let same = known.iter_mut().find(|one| one.label == new.label && one.from <= new.from);
        if let Some(same) = same {
            // The end of a line that was still being written.
            if same.secret.bytes().len() < new.secret.bytes().len() && same.from == new.from {
                *same = new;
            }
            return true;
        }
        if full {
            return false;
        }
        known.push(new);
        self.count += 1;
        true
    }
}

enum Line {
    Nothing,
    Unused,
    Rubbish,
    Secret { random: [u8; RANDOM], label: Label, secret: Secret },
}

fn parse(line: &[u8]) -> Line {
    if line.is_empty() || line.starts_with(b"#") {
        return Line::Nothing;
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (Some(word), Some(random), Some(secret)) = (words.next(), words.next(), words.next())
    else {
        return Line::Rubbish;
    };
    let Some(label) = Label::of(word) else {
        return if is_label(word) { Line::Unused } else { Line::Rubbish };
    };
    if words.next().is_some() {
        return Line::Rubbish;
    }
    let mut bytes = Zeroizing::new([0; LONGEST]);
    let random = <[u8; RANDOM]>::try_from(hex(random, &mut [0; RANDOM]).unwrap_or_default());
    let secret = hex(secret, &mut *bytes).filter(|secret| label.allows(secret.len()));
    match (random, secret.and_then(Secret::of)) {
        (Ok(random), Some(secret)) => Line::Secret { random, label, secret },
        _ => Line::Rubbish,
    }
}

/// Whether this is a word that key logs have and that is not needed here.
fn is_label(word: &[u8]) -> bool {
    let secret = |name: &[u8]| name.starts_with(b"CLIENT_") || name.starts_with(b"SERVER_");
    matches!(word, b"RSA" | b"PMS_CLIENT_RANDOM" | b"EXPORTER_SECRET" | b"EARLY_EXPORTER_SECRET")
        || word.starts_with(b"QUIC_")
        || word.starts_with(b"ECH_")
        || (secret(word) && memchr::memmem::find(word, b"_SECRET").is_some())
}

/// The bytes that these digits stand for, written to the front of `place`.
fn hex<'p>(digits: &[u8], place: &'p mut [u8]) -> Option<&'p [u8]> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let place = place.get_mut(..pairs.len())?;
    for ([high, low], byte) in pairs.iter().zip(place.iter_mut()) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(place)
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, random: u8, secret: u8, length: usize) -> String {
        let (random, secret) = (format!("{random:02x}"), format!("{secret:02x}"));
        format!("{label} {} {}\n", random.repeat(32), secret.repeat(length))
    }

    fn found(log: &KeyLog, label: Label, at: u64) -> Option<u8> {
        log.find(&[1; 32], label, FrameNo(at)).and_then(|secret| secret.bytes().first().copied())
    }

    #[test]
    fn secrets_are_found_by_random_and_label() {
        let log = KeyLog::default();
        let text = line("CLIENT_RANDOM", 1, 7, 48) + &line("SERVER_TRAFFIC_SECRET_0", 1, 8, 32);
        assert_eq!(log.add(text.as_bytes(), FrameNo(0)).secrets, 2);
        assert_eq!(found(&log, Label::Master, 1), Some(7));
        assert_eq!(found(&log, Label::ServerTraffic, 1), Some(8));
        assert_eq!(found(&log, Label::ClientTraffic, 1), None);
        assert!(log.find(&[2; 32], Label::Master, FrameNo(9)).is_none());
    }

    #[test]
    fn a_secret_is_known_from_its_frame_on() {
        let log = KeyLog::default();
        log.add(line("CLIENT_RANDOM", 1, 7, 48).as_bytes(), FrameNo(5));
        assert_eq!(found(&log, Label::Master, 4), None);
        assert_eq!(found(&log, Label::Master, 5), Some(7));
    }

    #[test]
    fn rubbish_is_counted_and_hides_nothing() {
        let log = KeyLog::default();
        let text = "# by hand\n\n".to_owned()
            + &line("CLIENT_RANDOM", 1, 7, 48)
            + "hello\n"
            + &line("CLIENT_RANDOM", 2, 7, 47)
            + &line("FRESH_SECRET", 1, 7, 32)
            + &line("EXPORTER_SECRET", 1, 7, 32)
            + &line("QUIC_CLIENT_TRAFFIC_SECRET_0", 1, 7, 32)
            + "RSA 0011223344556677 00\r\n"
            + "CLIENT_RANDOM zz 00\n\u{0}\u{ff}\n"
            + &line("CLIENT_TRAFFIC_SECRET_0", 1, 9, 32).replace('\n', "\r\n");
        let came = log.add(text.as_bytes(), FrameNo(0));
        assert_eq!((came.secrets, came.unused, came.rubbish), (2, 3, 5));
        assert_eq!(came.first_rubbish, Some(4));
        assert_eq!(found(&log, Label::ClientTraffic, 0), Some(9));
    }

    #[test]
    fn a_log_that_grows_is_asked_for_more_only_when_a_secret_is_missing() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let log = KeyLog::default().growing(Box::new(move |take| {
            if count.fetch_add(1, Ordering::Relaxed) == 1 {
                take(line("CLIENT_RANDOM", 1, 7, 48).as_bytes());
            }
        }));
        assert_eq!(found(&log, Label::Master, 3), None);
        assert_eq!(found(&log, Label::Master, 3), Some(7));
        assert_eq!(found(&log, Label::Master, 3), Some(7));
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn the_first_secret_stays_and_a_cut_one_is_completed() {
        let log = KeyLog::default();
        for (secret, length) in [(7, 32), (8, 32), (9, 48), (6, 48)] {
            log.add(line("CLIENT_TRAFFIC_SECRET_0", 1, secret, length).as_bytes(), FrameNo(0));
        }
        assert_eq!(found(&log, Label::ClientTraffic, 0), Some(9));
        assert_eq!(format!("{log:?}"), "KeyLog(1 secrets)");
    }
}
