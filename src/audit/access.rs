//! How callers say who they are, and who is let in without saying it.
//!
//! Takes sessions in order; fills what endpoints and edges say of access at the end. Text that callers send is a claim.

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;

use hashbrown::HashMap;

use crate::model::{
    AuditedSession, Call, CertificateAt, ClientAuth, Direction, EdgeAccess, EdgeFacts, Endpoint,
    EndpointAccess, EndpointFacts, SanName, Seen, limits,
};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// What is known of callers so far.
#[derive(Default)]
pub(super) struct Callers {
    edges: Map<(Endpoint, Endpoint), EdgeAccess>,
    names: Map<Endpoint, BTreeSet<String>>,
    methods: Map<Endpoint, Vec<Method>>,
    registered: Map<Endpoint, BTreeSet<String>>,
}

/// One method of an endpoint.
struct Method {
    hash: u64,
    name: String,
    with: bool,
    without: bool,
}

const HASH: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(1);

impl Callers {
    /// Takes in a session.
    pub(super) fn add(&mut self, audited: &AuditedSession) {
        let facts = &audited.session.facts;
        if facts.calls.is_none() && facts.readable.is_none() {
            return;
        }
        self.add_edge(audited);
        self.add_methods(audited);
        self.add_registrations(audited);
    }

    fn add_edge(&mut self, audited: &AuditedSession) {
        let session = &audited.session;
        let key = (session.client.host(), session.server);
        if self.edges.len() >= limits::EDGES && !self.edges.contains_key(&key) {
            return;
        }
        let edge = self.edges.entry(key).or_default();
        if let Some(calls) = &session.facts.calls {
            edge.served += calls.calls.iter().map(|call| call.succeeded).sum::<u64>();
            edge.authenticated += calls.authenticated;
        }
        let missing = session.stream.gap_bytes.to_server > 0 || !session.start_seen;
        edge.incomplete |= missing || session.one_sided();
        edge.loopback |= session.client.addr.to_canonical().is_loopback();
        edge.authenticated_session |= audited.client_auth == Seen::Value(ClientAuth::Presented);
        let Some(readable) = &session.facts.readable else { return };
        edge.authenticated_session |= !readable.credentials.is_empty();
        for claim in &readable.callers {
            let names = self.names.entry(session.client.host()).or_default();
            if names.len() < limits::ACCESS_NAMES {
                names.insert(claim.name.clone());
            }
        }
    }

    /// Takes note of who was served. Where credentials are shown once for a whole connection, a call says nothing of
    /// them, so only protocols that show them with each call count.
    fn add_methods(&mut self, audited: &AuditedSession) {
        let session = &audited.session;
        // A header field that was sent where it could not be seen would make a call look as if it had no credential.
        let whole =
            session.start_seen && session.stream.gap_bytes.to_server == 0 && !session.one_sided();
        let each = whole && matches!(session.protocol, Some("http/1.1" | "h2" | "grpc"));
        let Some(calls) = session.facts.calls.as_ref().filter(|_| each) else { return };
        if self.methods.len() >= limits::ENDPOINTS && !self.methods.contains_key(&session.server) {
            return;
        }
        for call in calls.calls.iter().filter(|call| call.succeeded > 0) {
            let methods = self.methods.entry(session.server).or_default();
            note_method(methods, call);
        }
    }

    fn add_registrations(&mut self, audited: &AuditedSession) {
        let Some(readable) = &audited.session.facts.readable else { return };
        for registration in &readable.registrations {
            let Some(endpoint) = endpoint(&registration.address) else { continue };
            if self.registered.len() >= limits::ENDPOINTS
                && !self.registered.contains_key(&endpoint)
            {
                continue;
            }
            let names = self.registered.entry(endpoint).or_default();
            if names.len() < limits::ACCESS_NAMES {
                names.insert(registration.service.clone());
            }
        }
    }

    /// Tells endpoints who is let in there, and what they are registered as.
    pub(super) fn tell_endpoints(
        &self,
        endpoints: &mut [EndpointFacts],
        certificates: &[CertificateAt],
    ) {
        let mut proven: Map<Endpoint, Vec<&CertificateAt>> = Map::default();
        if !self.registered.is_empty() {
            let leaves = certificates.iter().filter(|at| at.position == 0);
            for leaf in leaves.filter(|leaf| leaf.role == Direction::ToClient) {
                proven.entry(leaf.party.at(leaf.port)).or_default().push(leaf);
            }
        }
        for endpoint in endpoints {
            let key = endpoint.server.at(endpoint.port);
            let open = self.methods.get(&key).map(Vec::as_slice).unwrap_or_default();
            let open = open.iter().filter(|method| method.with && method.without);
            let mut open_methods: Vec<String> = open.map(|method| method.name.clone()).collect();
            open_methods.sort();
            let registered = self.registered.get(&key);
            let registered_as: Vec<String> = registered.into_iter().flatten().cloned().collect();
            let leaves = proven.get(&key).map(Vec::as_slice).unwrap_or_default();
            let unproven =
                registered_as.iter().filter(|name| !leaves.is_empty() && !supports(leaves, name));
            let unproven_names = unproven.cloned().collect();
            endpoint.access = EndpointAccess { open_methods, registered_as, unproven_names };
        }
    }

    /// Tells edges how their callers say who they are.
    pub(super) fn tell_edges(&self, edges: &mut [EdgeFacts]) {
        for edge in edges {
            let key = (edge.client.at(0), edge.server.at(edge.port));
            if let Some(access) = self.edges.get(&key) {
                let names = self.names.get(&edge.client.at(0)).map_or(0, BTreeSet::len);
                edge.access = EdgeAccess { names_of_client: names as u64, ..access.clone() };
            }
        }
    }
}

fn note_method(methods: &mut Vec<Method>, call: &Call) {
    let hash = HASH.hash_one((&call.service, &call.method));
    let place = methods.iter().position(|known| known.hash == hash);
    if place.is_none() && methods.len() >= limits::ENDPOINT_METHODS {
        return;
    }
    let place = place.unwrap_or_else(|| {
        let name = if call.service.is_empty() {
            call.method.clone()
        } else {
            format!("{}/{}", call.service, call.method)
        };
        methods.push(Method { hash, name, with: false, without: false });
        methods.len() - 1
    });
    if let Some(method) = methods.get_mut(place) {
        method.with |= call.succeeded_authenticated > 0;
        method.without |= call.succeeded > call.succeeded_authenticated;
    }
}

/// The endpoint of an address that a registry has: `10.0.0.9:8080`, with or without a scheme.
fn endpoint(address: &str) -> Option<Endpoint> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next()?;
    let parsed: std::net::SocketAddr = rest.parse().ok()?;
    Some(Endpoint::new(parsed.ip(), parsed.port()))
}

/// Whether a name of any of these certificates has the service's name as a part: `orders` in `orders.shop.internal` and
/// in `spiffe://shop/orders`.
fn supports(leaves: &[&CertificateAt], service: &str) -> bool {
    let wanted: Vec<String> = parts(service).map(str::to_ascii_lowercase).collect();
    let has = |name: &str| {
        parts(name).any(|part| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(part)))
    };
    leaves.iter().any(|leaf| match &leaf.certificate.details {
        Some(details) => details.names.iter().any(|name| match name {
            SanName::Dns(name) | SanName::Uri(name) => has(name),
            _ => false,
        }),
        None => true,
    })
}

/// The words of a service's or a certificate's name that tell one from another. A registry's key has an instance behind
/// it: short words and numbers are no names.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
    words.filter(|word| word.len() > 2 && !word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallFacts, Posture, fixture};

    fn session(authenticated: u64) -> AuditedSession {
        let mut audited = fixture::session(1, Posture::Plaintext);
        audited.session.protocol = Some("grpc");
        let call = Call {
            service: "shop.Payments".into(),
            method: "Charge".into(),
            count: 2,
            succeeded: 1,
            succeeded_authenticated: authenticated,
            failed: 1,
            last_status: Some(0),
            first: fixture::moment(1),
        };
        let facts =
            CallFacts { calls: vec![call], requests: 2, authenticated, ..CallFacts::default() };
        audited.session.facts.calls = Some(Box::new(facts));
        audited
    }

    fn open(sessions: &[AuditedSession]) -> Vec<String> {
        let mut callers = Callers::default();
        sessions.iter().for_each(|session| callers.add(session));
        callers
            .methods
            .values()
            .flatten()
            .filter(|m| m.with && m.without)
            .map(|m| m.name.clone())
            .collect()
    }

    #[test]
    fn a_method_is_open_when_it_serves_callers_with_and_without_a_credential() {
        assert!(open(&[session(1), session(1)]).is_empty());
        assert!(open(&[session(0), session(0)]).is_empty());
        assert_eq!(open(&[session(0), session(1)]), ["shop.Payments/Charge"]);
    }

    #[test]
    fn addresses_of_registries_are_endpoints() {
        for text in ["10.0.0.9:8080", "grpc://10.0.0.9:8080?x=1", "http://10.0.0.9:8080/"] {
            assert_eq!(endpoint(text).unwrap().to_string(), "10.0.0.9:8080", "{text}");
        }
        assert_eq!(endpoint("orders.internal:80"), None);
        assert_eq!(endpoint(""), None);
    }

    #[test]
    fn a_service_is_supported_by_a_name_that_has_its_word() {
        let words = |name| parts(name).collect::<Vec<_>>();
        assert_eq!(words("orders.rpc/7587870460982"), ["orders", "rpc"]);
        assert_eq!(words("spiffe://prod/orders"), ["spiffe", "prod", "orders"]);
    }
}
