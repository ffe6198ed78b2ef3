//! From the facts of a session to the sequence that is judged, and back.

use super::{Conclusion, Offer, Place, Records, Sequence, infer};
use crate::model::{
    ClientHello, Confidence, Direction, Inference, PerDirection, Seen, ServerStep, Session,
    TlsFacts,
};

const TLS13: u16 = 0x0304;

/// Content type of application data.
const DATA: u8 = 23;

/// Extensions of a ClientHello that change what may come.
mod extension {
    pub(super) const CLIENT_CERTIFICATE_TYPE: u16 = 19;
    pub(super) const SERVER_CERTIFICATE_TYPE: u16 = 20;
    pub(super) const CERTIFICATE_WITH_PSK: u16 = 33;
    pub(super) const APPLICATION_SETTINGS: u16 = 17613;
    pub(super) const APPLICATION_SETTINGS_OLD: u16 = 17513;
}

/// Adds to a finished session what the lengths of its encrypted records tell.
///
/// What was taken for granted while the connection ran (that a long record of the client means a completed handshake,
/// that what follows is application data) is set right where the whole sequence tells better.
pub fn conclude(session: &mut Session) {
    let Some(tls) = session.facts.tls.as_deref() else { return };
    if tls.server_hello.value().is_none_or(|hello| hello.version != TLS13) {
        return;
    }
    let conclusion = match sequence(session, tls) {
        Ok(sequence) => infer(&sequence),
        Err(why) => Conclusion::unknown(why),
    };
    if let Some(tls) = session.facts.tls.as_deref_mut() {
        apply(tls, &conclusion);
    }
}

fn sequence(session: &Session, tls: &TlsFacts) -> Result<Sequence, &'static str> {
    let (Some(client), Some(server)) = (tls.client_hello.value(), tls.server_hello.value()) else {
        return Err("the hellos were not both seen");
    };
    if session.one_sided() {
        return Err("only one direction was captured");
    }
    let mut sequence = Sequence {
        suite: server.suite,
        offer: offer(client),
        psk: server.psk,
        retry: tls.hello_retry.is_some(),
        clear_alert: tls.alerts.iter().any(|alert| {
            alert.direction == Direction::ToServer && alert.at.frame > server.at.frame
        }),
        ..Sequence::default()
    };
    fill(&mut sequence.records, tls, client.early_data);
    for way in Direction::BOTH {
        sequence.closed[way] = session.closed[way].map(|at| at.frame);
        sequence.whole[way] = tls.records_gap[way].is_none() && !tls.records_cut;
    }
    Ok(sequence)
}

fn offer(hello: &ClientHello) -> Offer {
    let has = |kind: u16| hello.extensions.contains(&kind);
    Offer {
        early_data: hello.early_data,
        raw_keys: has(extension::CLIENT_CERTIFICATE_TYPE)
            || has(extension::SERVER_CERTIFICATE_TYPE),
        certificate_with_psk: has(extension::CERTIFICATE_WITH_PSK),
        application_settings: has(extension::APPLICATION_SETTINGS)
            || has(extension::APPLICATION_SETTINGS_OLD),
        post_handshake_auth: hello.post_handshake_auth,
    }
}

/// Adds each direction's records up to its first missing byte. Early data comes before ServerHello.
fn fill(all: &mut PerDirection<Records>, tls: &TlsFacts, early_data: bool) {
    let hello = tls.server_hello.value().map_or_else(Default::default, |hello| hello.at.frame);
    for (order, record) in (0..=u16::MAX).zip(&tls.records) {
        let way = record.direction;
        let early = early_data && way == Direction::ToServer && record.at.frame <= hello;
        let missing = tls.records_gap[way].is_some_and(|end| order >= end);
        if record.content_type == DATA && !early && !missing {
            let Records { lengths, places } = &mut all[way];
            lengths.push(usize::from(record.length));
            places.push(Place { order, frame: record.at.frame });
        }
    }
}

fn apply(tls: &mut TlsFacts, conclusion: &Conclusion) {
    let inference = &conclusion.inference;
    tls.inferred = Some(*inference);
    if let Some(completed) = completed(inference) {
        tls.established = Seen::Value(completed);
    }
    if inference.confidence == Confidence::High
        && inference.server != ServerStep::Unknown
        && tls.records_gap == Default::default()
    {
        let at = |way: Direction, place: Option<usize>| {
            let mut all = tls
                .records
                .iter()
                .filter(|record| record.direction == way && record.content_type == DATA);
            place.and_then(|place| all.nth(place)).map(|record| record.at)
        };
        let client = at(Direction::ToServer, conclusion.client_data);
        let server = at(Direction::ToClient, conclusion.server_data);
        tls.application_data.to_server = client;
        tls.application_data.to_client = server;
    }
}

/// Whether the handshake completed, where the sequence tells.
fn completed(inference: &Inference) -> Option<bool> {
    use crate::model::ClientStep::{Declined, NotRequested, Presented, Refused, Resumed};
    match (inference.client, inference.server) {
        (Refused, _) => Some(false),
        (Declined | Presented, ServerStep::Refused) => Some(false),
        (Declined | Presented | NotRequested | Resumed, ServerStep::WentOn) => Some(true),
        _ => None,
    }
}
