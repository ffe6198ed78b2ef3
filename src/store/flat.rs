//! A session's facts as flat values.
//!
//! Columns of the database and keys of the reports are made from the same functions, so that they say the same.

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::inspect::tls::{alert_name, is_tls13, ja3, ja3s, ja4, no_fingerprint};
use crate::model::{
    ClientOffer, Direction, FrameNo, Located, RunInfo, Seen, ServerHello, Session, TlsFacts, Why,
    limits,
};

/// The word for an alert's level.
pub(crate) fn alert_level(level: u8) -> &'static str {
    match level {
        1 => "warning",
        2 => "fatal",
        _ => "unknown",
    }
}

/// The last alert in words: `fatal bad_certificate from client`.
pub(crate) fn last_alert(tls: &TlsFacts) -> Option<String> {
    let alert = tls.alerts.last()?;
    let name = alert_name(alert.description);
    Some(format!("{} {name} from {}", alert_level(alert.level), alert.direction.sender()))
}

/// Yes, no, or could not be seen.
pub(crate) fn yes_no(seen: &Seen<bool>) -> Option<bool> {
    match seen {
        Seen::Value(value) => Some(*value),
        Seen::Absent => Some(false),
        Seen::NotReached | Seen::Hidden(_) => None,
    }
}

/// Whether the server asked for a client certificate.
pub(crate) fn client_certificate_requested(tls: &TlsFacts) -> Option<bool> {
    match &tls.certificate_request {
        Seen::Value(_) => Some(true),
        Seen::Absent => Some(false),
        Seen::NotReached | Seen::Hidden(_) => None,
    }
}

/// What the client sent: `presented`, `empty` for a message without a certificate, `none` for no message.
pub(crate) fn client_certificate(tls: &TlsFacts) -> Option<&'static str> {
    match &tls.client_chain {
        Seen::Value(chain) if chain.is_empty() => Some("empty"),
        Seen::Value(_) => Some("presented"),
        Seen::Absent => Some("none"),
        // A client sends none unasked (RFC 5246 section 7.4.6, RFC 8446 section 4.4.2).
        Seen::NotReached | Seen::Hidden(_) if tls.certificate_request == Seen::Absent => {
            Some("none")
        }
        Seen::NotReached | Seen::Hidden(_) => None,
    }
}

/// The fingerprints JA3, JA3S and JA4, where they are defined and could be read.
pub(crate) fn fingerprints(tls: &TlsFacts) -> [Option<String>; 3] {
    told_of(tls, |offer| of_offer(offer), ja3s)
}

fn told_of(
    tls: &TlsFacts,
    of_offer: impl FnOnce(&Arc<ClientOffer>) -> [Option<String>; 2],
    of_answer: impl FnOnce(&ServerHello) -> String,
) -> [Option<String>; 3] {
    let client = tls.client_hello.value();
    let [ja3, ja4] = client.map(|hello| of_offer(&hello.offer)).unwrap_or_default();
    [ja3, tls.server_hello.value().map(|hello| of_answer(hello)), ja4]
}

fn of_offer(offer: &ClientOffer) -> [Option<String>; 2] {
    [ja3(offer), ja4(offer)].map(|print| print.value().cloned())
}

/// The same of many sessions: what an offer comes to is worked out once for all that share it, and what an answer comes
/// to once for all that are equal.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints {
    offers: HashMap<usize, (Arc<ClientOffer>, [Option<String>; 2])>,
    /// By all that JA3S is made of.
    answers: HashMap<(u16, u16, SmallVec<[u16; 8]>), String>,
}

impl Fingerprints {
    /// See [`fingerprints`].
    pub(crate) fn of(&mut self, tls: &TlsFacts) -> [Option<String>; 3] {
        let Self { offers, answers } = self;
        told_of(
            tls,
            // An offer that is kept has its place in memory for itself.
            |offer| {
                let place = Arc::as_ptr(offer).addr();
                known(offers, place, || (Arc::clone(offer), of_offer(offer))).1.clone()
            },
            |hello| {
                let said = (hello.legacy_version, hello.suite, hello.extensions.clone());
                known(answers, said, || ja3s(hello)).clone()
            },
        )
    }
}

/// What is known under a key, or is now.
fn known<K: Eq + Hash, V>(all: &mut HashMap<K, V>, key: K, make: impl FnOnce() -> V) -> &V {
    if all.len() >= limits::RECENT_MESSAGES {
        all.clear();
    }
    all.entry(key).or_insert_with(make)
}

/// Whether the server accepted early data; nothing where none was announced or the answer is encrypted.
pub(crate) fn early_data_accepted(tls: &TlsFacts) -> Option<bool> {
    let announced = tls.client_hello.value().is_some_and(|hello| hello.early_data);
    let told = announced && tls.decryption.extensions;
    told.then_some(tls.decryption.early_data_accepted)
}

/// The negotiated version as a number.
pub(crate) fn version(tls: &TlsFacts) -> Option<u16> {
    tls.server_hello.value().map(|hello| hello.version)
}

/// What could not be seen of a TLS session, by the names of the keys in reports, and a stable word for why.
pub(crate) fn not_observable(tls: &TlsFacts) -> Vec<(&'static str, &'static str)> {
    let hidden_alpn = match &tls.server_hello {
        Seen::Value(hello)
            if hello.alpn.is_none() && is_tls13(hello.version) && !tls.decryption.extensions =>
        {
            Some(why_code(Why::Encrypted))
        }
        _ => None,
    };
    let hello = unseen(&tls.server_hello);
    let client_certificate = match client_certificate(tls) {
        Some(_) => None,
        None => unseen(&tls.client_chain),
    };
    let offer = unseen(&tls.client_hello);
    let cut = tls.client_hello.value().and_then(|hello| no_fingerprint(hello)).map(why_code);
    [
        ("sni", offer),
        ("client_alpns", offer),
        ("ja3", offer.or(cut)),
        ("ja3s", hello),
        ("ja4", offer.or(cut)),
        ("version", hello),
        ("cipher", hello),
        ("group", unseen(&tls.key_exchange).filter(|_| group(tls).is_none())),
        ("alpn", hello.or(hidden_alpn)),
        ("session_resumed", unseen(&tls.resumed)),
        ("established", unseen(&tls.established)),
        ("server_certificates", unseen(&tls.server_chain)),
        ("client_certificate_requested", unseen(&tls.certificate_request)),
        ("client_certificate", client_certificate),
        ("client_certificates", client_certificate),
    ]
    .into_iter()
    .filter_map(|(field, why)| why.map(|why| (field, why)))
    .collect()
}

/// The group of the key exchange.
pub(crate) fn group(tls: &TlsFacts) -> Option<u16> {
    let exchanged = tls.key_exchange.value().and_then(|exchange| exchange.group);
    exchanged.or_else(|| tls.server_hello.value().and_then(|hello| hello.group))
}

fn unseen<T>(seen: &Seen<T>) -> Option<&'static str> {
    match seen {
        Seen::Value(_) | Seen::Absent => None,
        Seen::NotReached => Some("not-reached"),
        Seen::Hidden(why) => Some(why_code(*why)),
    }
}

/// A stable word for a reason.
pub(crate) fn why_code(why: Why) -> &'static str {
    match why {
        Why::Encrypted => "encrypted",
        Why::Gap => "gap",
        Why::MidStream => "mid-stream",
        Why::OneSided => "one-sided",
        Why::Resumed => "resumed",
        Why::Malformed => "malformed",
        Why::Bound => "bound",
        Why::Unverifiable => "unverifiable",
    }
}

/// Bytes missing in both directions.
pub(crate) fn gap_bytes(session: &Session) -> u64 {
    Direction::BOTH
        .into_iter()
        .map(|way| session.stream.gap_bytes[way])
        .fold(0, u64::saturating_add)
}

/// The position in the list of sources of the one that a frame is in. The last source may still be growing.
pub(crate) fn source_position(run: &RunInfo, frame: FrameNo) -> Option<usize> {
    run.sources.partition_point(|source| source.first_frame <= frame).checked_sub(1)
}

/// The file that a frame is in and its number there, while files are still being read.
pub(crate) fn place(run: &RunInfo, frame: FrameNo) -> Option<(&str, u64)> {
    let source = run.sources.get(source_position(run, frame)?)?;
    let number = frame.0.checked_sub(source.first_frame.0)?.saturating_add(1);
    Some((&source.name, number))
}

/// As [`place`], to keep.
pub(crate) fn locate(run: &RunInfo, frame: FrameNo) -> Option<Located> {
    place(run, frame).map(|(source, number)| Located { source: source.to_owned(), number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_was_not_asked_sent_no_certificate() {
        let mut tls = TlsFacts::default();
        assert_eq!(client_certificate(&tls), None);
        tls.certificate_request = Seen::Absent;
        assert_eq!(client_certificate(&tls), Some("none"));
        tls.client_chain = Seen::Value(Vec::new());
        assert_eq!(client_certificate(&tls), Some("empty"));
    }

    #[test]
    fn what_was_not_seen_is_listed_with_its_reason() {
        let tls = TlsFacts {
            server_chain: Seen::Hidden(Why::Encrypted),
            resumed: Seen::Absent,
            ..TlsFacts::default()
        };
        let hidden = not_observable(&tls);
        assert!(hidden.contains(&("server_certificates", "encrypted")));
        assert!(hidden.contains(&("version", "not-reached")));
        assert!(!hidden.iter().any(|(field, _)| *field == "session_resumed"));
    }
}
