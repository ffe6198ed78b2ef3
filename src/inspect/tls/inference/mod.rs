//! Client authentication under TLS 1.3 without keys.
//!
//! Takes the lengths, directions and order of the encrypted records after ServerHello, and what is readable beside
//! them; gives what they tell, how sure it is, and why. TLS 1.3 hides what records say and not how long they are, and
//! RFC 8446 leaves peers little choice of what to send. Looks at no timing and guesses nothing: where two stories fit,
//! it cannot tell.

mod client;
mod outcome;
mod padding;
mod sequence;
mod server;

use smallvec::SmallVec;

use crate::model::{ClientStep, Confidence, FrameNo, Inference, PerDirection, ServerStep};
use client::{ClientPart, View};
use padding::{Model, Padding};
use server::ServerPart;

pub use sequence::conclude;

/// What is known of the records of one connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Sequence {
    /// The cipher suite.
    suite: u16,
    offer: Offer,
    /// A pre-shared key was chosen.
    psk: bool,
    /// The client was asked for another key share.
    retry: bool,
    /// Records of type application data after the hellos, before the first byte that is missing.
    records: PerDirection<Records>,
    /// Frames of the first FIN or reset.
    closed: PerDirection<Option<FrameNo>>,
    /// No byte of the direction is missing, and none was left out.
    whole: PerDirection<bool>,
    /// The client sent an alert in clear after ServerHello.
    clear_alert: bool,
}

/// What the ClientHello offers that changes what may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Offer {
    early_data: bool,
    /// Raw public keys for certificates (RFC 7250).
    raw_keys: bool,
    /// Certificates beside an external pre-shared key (RFC 8773).
    certificate_with_psk: bool,
    /// Encrypted extensions of the client (ALPS).
    application_settings: bool,
    /// Authentication after the handshake.
    post_handshake_auth: bool,
}

/// One direction's records, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Records {
    lengths: SmallVec<[usize; 16]>,
    places: SmallVec<[Place; 16]>,
}

/// Where a record is: among all records, and in which frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Place {
    order: u16,
    frame: FrameNo,
}

/// What was told of the client, how surely, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Told {
    client: ClientStep,
    confidence: Confidence,
    why: &'static str,
}

impl Told {
    fn new(client: ClientStep, confidence: Confidence, why: &'static str) -> Self {
        Self { client, confidence, why }
    }

    fn unknown(why: &'static str) -> Self {
        Self::new(ClientStep::Unknown, Confidence::Low, why)
    }
}

/// What the records tell, and what of them is application data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Conclusion {
    inference: Inference,
    /// The client's first record of application data, by its place among the client's records.
    client_data: Option<usize>,
    /// The server's first record behind that one that is no alert, by its place among the server's records.
    server_data: Option<usize>,
}

/// Tells what the records tell.
fn infer(sequence: &Sequence) -> Conclusion {
    let Some(bare) = bare(sequence.suite) else {
        return Conclusion::unknown("the lengths of this cipher suite are not known");
    };
    let lengths = &sequence.records.to_client.lengths;
    let server = if sequence.psk { ServerPart::default() } else { server::read(lengths, bare) };
    let mut sequence = std::borrow::Cow::Borrowed(sequence);
    let early = sequence.offer.early_data && !sequence.psk && !sequence.retry;
    if early && !skip_early_data(&mut sequence, &server) {
        return Conclusion::unknown("refused early data cannot be told from the client's answer");
    }
    let mut part = client_part(&sequence, &server, bare);
    if early && part.told.confidence == Confidence::High {
        part.told.confidence = Confidence::Medium;
    }
    let later = Later::of(&sequence, &part);
    if contradicts(part.told.client, server.requested) {
        part.told = Told::unknown("the client's records and the server's contradict each other");
    } else if later.as_ref().is_some_and(Later::authenticates) {
        part.told =
            Told::unknown("the client may have presented a certificate after the handshake");
    } else if part.told.client == ClientStep::NotRequested
        && later.as_ref().is_some_and(Later::declines)
    {
        let why = "it was not asked in the handshake; later it may have been, and had none";
        part.told = Told::new(ClientStep::NotRequested, Confidence::Medium, why);
    }
    outcome::conclude(&sequence, &part, &server, bare)
}

/// The lengths of a suite without any padding.
fn bare(suite: u16) -> Option<Model> {
    let (hash, tag) = match suite {
        0x1301 | 0x1303 | 0x1304 | 0x00c6 | 0x00c7 => (32, 16),
        0x1302 => (48, 16),
        0x1305 => (32, 8),
        _ => return None,
    };
    Some(Model::new(Padding::Bare, tag, hash))
}

/// A client whose early data was refused may send more of it before it knows. What it sent before the server's part
/// was over is left out; `false` when it cannot be told where that is.
fn skip_early_data(sequence: &mut std::borrow::Cow<'_, Sequence>, server: &ServerPart) -> bool {
    let places = &sequence.records.to_client.places;
    let last = server.finished.map_or(0, |(records, _)| records.saturating_sub(1));
    let Some(end) = places.get(last).copied() else { return false };
    let client = &sequence.records.to_server;
    let early = client.places.iter().take_while(|place| **place <= end).count();
    if early > 0 {
        let client = &mut sequence.to_mut().records.to_server;
        client.places.drain(..early);
        client.lengths.drain(..early);
    }
    true
}

fn client_part(sequence: &Sequence, server: &ServerPart, bare: Model) -> ClientPart {
    let records = sequence.records.to_server.lengths.as_slice();
    if sequence.psk {
        return with_psk(sequence, records, bare);
    }
    if records.is_empty() {
        return ClientPart { told: no_answer(sequence), records: 0, model: None };
    }
    let ended = sequence.closed.to_server.is_some() || sequence.closed.to_client.is_some();
    let whole = sequence.whole.to_server;
    let view = View {
        records,
        offer: sequence.offer,
        requested: server.requested,
        ended: ended && whole,
        whole,
    };
    client::read(&view, bare)
}

/// RFC 8446 section 4.3.2: a server that chose a pre-shared key must not ask for a certificate.
fn with_psk(sequence: &Sequence, records: &[usize], bare: Model) -> ClientPart {
    let told = if sequence.offer.certificate_with_psk {
        Told::unknown("a certificate may have come beside the pre-shared key")
    } else {
        let why = "the server chose a pre-shared key, with which no certificates are sent";
        Told::new(ClientStep::Resumed, Confidence::High, why)
    };
    for model in bare.candidates(records) {
        let finished = records.iter().take(3).position(|one| *one == model.finished());
        if let Some(at) = finished {
            return ClientPart { told, records: at + 1, model: Some(model) };
        }
    }
    ClientPart { told, records: 0, model: None }
}

/// No encrypted record came from the client.
fn no_answer(sequence: &Sequence) -> Told {
    const SERVER_PART: usize = 300;
    if sequence.clear_alert {
        let why = "the client answered with an alert in clear";
        return Told::new(ClientStep::Refused, Confidence::High, why);
    }
    let served = sequence.records.to_client.lengths.iter().sum::<usize>() >= SERVER_PART;
    let (client, server) = (sequence.closed.to_server, sequence.closed.to_client);
    let left_first = client.is_some_and(|left| server.is_none_or(|server| left <= server));
    if left_first && served && sequence.whole.to_server {
        let why = "the client closed the connection after the server's certificate, without a word";
        return Told::new(ClientStep::Refused, Confidence::Medium, why);
    }
    Told::unknown("no answer of the client to the server's handshake was seen")
}

/// Whether the two sides tell different stories.
fn contradicts(client: ClientStep, requested: Option<bool>) -> bool {
    match client {
        ClientStep::NotRequested => requested == Some(true),
        ClientStep::Declined | ClientStep::Presented => requested == Some(false),
        ClientStep::Resumed | ClientStep::Refused | ClientStep::Unknown => false,
    }
}

/// What a client sent behind its part of the handshake. It may have been asked for a certificate there
/// (RFC 8446 section 4.6.2).
struct Later<'a> {
    model: Model,
    lengths: &'a [usize],
}

impl<'a> Later<'a> {
    /// Nothing where the client did not say that it may be asked, or pads its records.
    fn of(sequence: &'a Sequence, part: &ClientPart) -> Option<Self> {
        let model = part.model.filter(|model| !model.is_rounded())?;
        let lengths = sequence.records.to_server.lengths.get(part.records..)?;
        sequence.offer.post_handshake_auth.then_some(Self { model, lengths })
    }

    /// Whether a Certificate, a CertificateVerify and a Finished seem to follow.
    fn authenticates(&self) -> bool {
        const CERTIFICATE: usize = 160;
        self.lengths.windows(3).any(|three| {
            matches!(three, [certificate, verify, finished]
                if *finished == self.model.finished()
                    && self.model.is_verify(*verify)
                    && self.model.most(*certificate) >= CERTIFICATE)
        })
    }

    /// Whether an empty Certificate, which names the request that it answers (RFC 8446 section 4.4.2), and a Finished
    /// seem to follow.
    fn declines(&self) -> bool {
        const EMPTY: std::ops::RangeInclusive<usize> = 9..=72;
        self.lengths.windows(2).any(|two| {
            matches!(two, [certificate, finished]
                if *finished == self.model.finished()
                    && EMPTY.contains(&self.model.most(*certificate)))
        })
    }
}

impl Conclusion {
    fn unknown(why: &'static str) -> Self {
        Self { inference: Inference::unknown(why), client_data: None, server_data: None }
    }

    fn of(told: Told) -> Self {
        let inference = Inference {
            client: told.client,
            confidence: told.confidence,
            why: told.why,
            server: ServerStep::Unknown,
            server_confidence: Confidence::Low,
        };
        Self { inference, client_data: None, server_data: None }
    }
}

#[cfg(test)]
mod tests;
