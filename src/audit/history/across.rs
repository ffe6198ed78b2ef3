//! What places make of each other: shared keys, repeated serial numbers, issuers that others have left; and what one
//! session adds to the certificates that it showed.

use std::collections::BTreeSet;

use super::Map;
use crate::model::{
    Alert, AuditedSession, CertificateAt, CertificateDetails, ChangeFacts, Coverage, Digest,
    Direction, Endpoint, Seen, Timestamp, TlsFacts, limits,
};
use crate::pki::{same_authority, same_identity};

/// Notes how the other end of a handshake took a leaf.
pub(in crate::audit) fn note_reception(
    place: &mut CertificateAt,
    audited: &AuditedSession,
    tls: &TlsFacts,
) {
    let leaf = |chain: &[std::sync::Arc<crate::model::Certificate>]| {
        chain.first().map(|certificate| certificate.sha256)
    };
    if place.role == Direction::ToServer {
        let same = leaf(&audited.server_chain) == Some(place.certificate.sha256);
        place.same_as_server += u64::from(same);
    }
    // Who refuses a server's certificate speaks to the server.
    let refuses =
        |alert: &Alert| alert.direction != place.role && about_certificate(alert.description);
    if tls.established == Seen::Value(true) || !tls.alerts.iter().any(refuses) {
        return;
    }
    place.refused.sessions += 1;
    if place.refused.by.len() < limits::REFUSERS {
        let session = &audited.session;
        place.refused.by.insert(match place.role {
            Direction::ToClient => session.client.addr,
            Direction::ToServer => session.server.addr,
        });
    }
}

/// The alerts that are sent over a certificate that was received: bad_certificate to certificate_unknown, unknown_ca,
/// access_denied, bad_certificate_status_response.
fn about_certificate(description: u8) -> bool {
    matches!(description, 42..=46 | 48 | 49 | 113)
}

/// Fills in what is only known when all places and changes are.
pub(in crate::audit) fn relate(places: &mut [CertificateAt], changes: &mut [ChangeFacts]) {
    let facts = Facts::of(places, changes);
    for place in places.iter_mut() {
        facts.fill(place);
    }
    for change in changes.iter_mut() {
        let issuer = change.after.leaf.details.as_ref().map(|details| details.issuer.as_str());
        let places = issuer.and_then(|issuer| facts.issuers.get(issuer));
        change.issuer_places = places.map_or(0, |places| places.len() as u64);
    }
}

/// Counts the leaves of a run: the inventory in one line.
pub(in crate::audit) fn count_leaves(places: &[CertificateAt], coverage: &mut Coverage) {
    let leaves = || places.iter().filter(|place| place.position == 0);
    let digests: BTreeSet<Digest> = leaves().map(|place| place.certificate.sha256).collect();
    coverage.leaves = digests.len() as u64;
    coverage.leaf_places = leaves().count() as u64;
    let ends = leaves().filter_map(|place| {
        let details = place.certificate.details.as_ref()?;
        (details.not_after >= place.last.time).then_some(details.not_after)
    });
    coverage.next_expiry = ends.min();
}

/// Who signed, as far as a certificate says: the name, and the key's identifier.
type Issuer = (String, Option<String>);

#[derive(Default)]
struct Facts {
    /// Leaves that servers show.
    of_servers: BTreeSet<Digest>,
    keys: Map<Digest, Key>,
    serials: Map<(Issuer, String), BTreeSet<Digest>>,
    /// Servers that show a leaf of an issuer.
    issuers: Map<String, BTreeSet<Endpoint>>,
    /// When servers left an issuer for another one, in order of time.
    left: Map<String, Vec<(Timestamp, Endpoint)>>,
}

#[derive(Default)]
struct Key {
    places: BTreeSet<(Direction, Endpoint)>,
    identities: Vec<CertificateDetails>,
}

impl Facts {
    fn of(places: &[CertificateAt], changes: &[ChangeFacts]) -> Self {
        let mut facts = Self::default();
        for place in places {
            facts.add(place);
        }
        for change in changes.iter().filter(|change| !change.elsewhere()) {
            facts.add_change(change);
        }
        for left in facts.left.values_mut() {
            left.sort_unstable();
            let mut seen = BTreeSet::new();
            left.retain(|(_, place)| seen.insert(*place));
        }
        facts
    }

    fn add(&mut self, place: &CertificateAt) {
        let Some(details) = &place.certificate.details else { return };
        if let Some(serial) = serial(details) {
            self.serials.entry(serial).or_default().insert(place.certificate.sha256);
        }
        if place.position != 0 {
            return;
        }
        let key = self.keys.entry(details.spki_sha256).or_default();
        key.places.insert(holder(place));
        let known = key.identities.iter().any(|one| same_identity(one, details));
        if !known && key.identities.len() < limits::CERTIFICATES_PER_SERIES {
            key.identities.push(details.clone());
        }
        if place.role == Direction::ToClient {
            self.of_servers.insert(place.certificate.sha256);
            let end = place.party.at(place.port);
            self.issuers.entry(details.issuer.clone()).or_default().insert(end);
        }
    }

    fn add_change(&mut self, change: &ChangeFacts) {
        let tops = [&change.before.top, &change.after.top].map(|top| top.details.as_ref());
        let leaves = [&change.before.leaf, &change.after.leaf].map(|leaf| leaf.details.as_ref());
        let ([Some(before), Some(after)], [Some(before_top), Some(after_top)]) = (leaves, tops)
        else {
            return;
        };
        let moved = !same_authority([before, before_top], [after, after_top]);
        if moved && same_identity(before, after) {
            let left = self.left.entry(before.issuer.clone()).or_default();
            left.push((change.after.first.time, change.after.place));
        }
    }

    fn fill(&self, place: &mut CertificateAt) {
        let Some(details) = &place.certificate.details else { return };
        let across = &mut place.across;
        if let Some(same) = serial(details).and_then(|serial| self.serials.get(&serial)) {
            across.serial_twins = same.len().saturating_sub(1) as u64;
        }
        if place.position != 0 {
            return;
        }
        across.also_server = self.of_servers.contains(&place.certificate.sha256);
        if let Some(key) = self.keys.get(&details.spki_sha256) {
            across.key_places = key.places.len() as u64;
            across.key_identities = key.identities.len() as u64;
        }
        if let (Direction::ToClient, Some(left)) = (place.role, self.left.get(&details.issuer)) {
            let own = place.party.at(place.port);
            let earlier = left.partition_point(|(time, _)| *time <= place.last.time);
            let moved = left.iter().any(|(_, end)| *end == own);
            across.issuer_left_by = if moved { 0 } else { earlier as u64 };
        }
    }
}

fn holder(place: &CertificateAt) -> (Direction, Endpoint) {
    let port = if place.role == Direction::ToClient { place.port } else { 0 };
    (place.role, place.party.at(port))
}

/// A certificate that signed itself is its own issuer: another one with the same names is no twin.
fn serial(details: &CertificateDetails) -> Option<(Issuer, String)> {
    let issuer = (details.issuer.clone(), details.authority_key_id.clone());
    (!details.self_issued).then(|| (issuer, details.serial.clone()))
}
