//! What came of it: did the server go on after the client's answer?

use super::client::ClientPart;
use super::padding::{Model, Padding};
use super::server::ServerPart;
use super::{Conclusion, Place, Sequence};
use crate::model::{ClientStep, Confidence, FrameNo, ServerStep};

/// Adds to what was told of the client what the server made of it.
pub(super) fn conclude(
    sequence: &Sequence,
    part: &ClientPart,
    server: &ServerPart,
    bare: Model,
) -> Conclusion {
    let mut conclusion = Conclusion::of(part.told);
    let Some(model) = part.model.filter(|_| part.told.client != ClientStep::Refused) else {
        return conclusion;
    };
    if part.records == 0 {
        return conclusion;
    }
    let after = After::new(sequence, part, server, [model, bare]);
    conclusion.client_data = after.client_data;
    conclusion.server_data = after.server_data();
    let (step, confidence) = after.server_step(part.told.client, server.requested);
    conclusion.inference.server = step;
    conclusion.inference.server_confidence = confidence;
    conclusion
}

/// Lengths that an alert can have.
type Alerts = [usize; 3];

/// The connection behind the client's part of the handshake.
struct After<'a> {
    sequence: &'a Sequence,
    part: &'a ClientPart,
    server: &'a ServerPart,
    client_alerts: Alerts,
    server_alerts: Alerts,
    client_data: Option<usize>,
}

impl<'a> After<'a> {
    fn new(
        sequence: &'a Sequence,
        part: &'a ClientPart,
        server: &'a ServerPart,
        [model, bare]: [Model; 2],
    ) -> Self {
        let sixteen = bare.padded(Padding::Sixteen).alert();
        // A certificate in one record does not prove how the client pads.
        let unproven = part.records == 1 && part.told.client == ClientStep::Presented;
        let other = if unproven { sixteen } else { model.alert() };
        let client_alerts = [model.alert(), other, other];
        let lengths = sequence.records.to_client.lengths.as_slice();
        let server_alerts = match server.finished {
            Some((_, model)) => [model.alert(); 3],
            None => [bare.alert(), sixteen, rounded_alert(lengths, bare).unwrap_or(sixteen)],
        };
        let records = sequence.records.to_server.lengths.iter().enumerate().skip(part.records);
        let mut data =
            records.filter(|(_, one)| !client_alerts.contains(one) && **one != model.key_update());
        let client_data = data.next().map(|(at, _)| at);
        Self { sequence, part, server, client_alerts, server_alerts, client_data }
    }

    /// Where the client's part of the handshake begins and ends.
    fn answer(&self) -> Option<(Place, Place)> {
        let places = &self.sequence.records.to_server.places;
        Some((*places.first()?, *places.get(self.part.records - 1)?))
    }

    fn server_step(&self, client: ClientStep, requested: Option<bool>) -> (ServerStep, Confidence) {
        let unknown = (ServerStep::Unknown, Confidence::Low);
        let Some((begin, end)) = self.answer() else { return unknown };
        if let Some(confidence) = self.went_on(begin, end) {
            return (ServerStep::WentOn, confidence);
        }
        let whole = self.sequence.whole;
        let server = self.server_left(begin, end).filter(|_| whole.to_server && whole.to_client);
        let client_left = self.client_left();
        let server_first = server.is_some_and(|server| client_left.is_none_or(|it| server <= it));
        if !server_first {
            return unknown;
        }
        let asked = matches!(client, ClientStep::Declined | ClientStep::Presented)
            || requested == Some(true);
        let step = if asked { ServerStep::Refused } else { ServerStep::Closed };
        (step, Confidence::Medium)
    }

    /// Whether the server sent anything but an alert behind the client's answer, and how sure that is. A server that
    /// speaks before the client has answered may not have seen the answer yet.
    fn went_on(&self, begin: Place, end: Place) -> Option<Confidence> {
        let records = &self.sequence.records.to_client;
        let behind = |end: Place| {
            let mut all = records.places.iter().zip(&records.lengths);
            all.any(|(place, length)| *place > end && !self.server_alerts.contains(length))
        };
        if !behind(end) {
            return None;
        }
        let before = records.places.iter().take_while(|place| **place < begin).count();
        let expected = self.server.finished.map_or(1, |(records, _)| records);
        let data = self.client_data.and_then(|at| self.sequence.records.to_server.places.get(at));
        let answered = data.is_some_and(|place| behind(*place));
        let sure = before <= expected || answered;
        Some(if sure { Confidence::High } else { Confidence::Medium })
    }

    /// The frame in which the server left: by an alert behind the client's answer, or by closing. It may refuse a
    /// Certificate before it has the Finished.
    fn server_left(&self, begin: Place, end: Place) -> Option<FrameNo> {
        let from = if self.part.records > 1 { begin } else { end };
        let records = &self.sequence.records.to_client;
        let alert = records
            .places
            .iter()
            .zip(&records.lengths)
            .find(|(place, length)| **place > from && self.server_alerts.contains(length));
        earliest(alert.map(|(place, _)| place.frame), self.sequence.closed.to_client)
    }

    fn client_left(&self) -> Option<FrameNo> {
        let records = &self.sequence.records.to_server;
        let mut all = records.places.iter().zip(&records.lengths).skip(self.part.records);
        let alert = all.find(|(_, length)| self.client_alerts.contains(length));
        earliest(alert.map(|(place, _)| place.frame), self.sequence.closed.to_server)
    }

    /// The server's first record behind the client's data that is no alert.
    fn server_data(&self) -> Option<usize> {
        let asked = *self.sequence.records.to_server.places.get(self.client_data?)?;
        let records = &self.sequence.records.to_client;
        let mut all = records.places.iter().zip(&records.lengths);
        all.position(|(place, length)| *place > asked && !self.server_alerts.contains(length))
    }
}

fn earliest(one: Option<FrameNo>, other: Option<FrameNo>) -> Option<FrameNo> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The length of an alert of a server that pads everything to a multiple.
fn rounded_alert(records: &[usize], bare: Model) -> Option<usize> {
    let divisor = bare.common_divisor(records);
    let rounds = records.len() >= 2 && divisor >= 16 && divisor.is_multiple_of(16);
    rounds.then(|| bare.padded(Padding::Multiple(divisor)).alert())
}
