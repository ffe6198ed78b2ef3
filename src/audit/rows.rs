//! Tables of an outcome: services, edges, certificates.

use std::sync::Arc;

use super::inventory::Map;
use crate::model::{
    Certificate, CertificateAt, CertificateRow, Direction, EdgeFacts, EdgeRow, Endpoint,
    EndpointFacts, Finding, Graded, ServiceRow, Severity, limits,
};

/// The table of services.
pub(super) fn service_rows(endpoints: &[EndpointFacts], findings: &[Finding]) -> Vec<ServiceRow> {
    let row = |endpoint: &EndpointFacts| ServiceRow {
        service: endpoint.server.clone(),
        endpoint: Endpoint::new(endpoint.server.addr, endpoint.port).to_string(),
        clients: endpoint.clients,
        postures: endpoint.postures,
        protocols: endpoint.protocols.clone(),
        findings: 0,
        worst: None,
        particulars: endpoint.particulars.clone(),
        grade: Graded::default(),
    };
    let mut rows = endpoints.iter().map(row).collect::<Vec<_>>();
    count_findings(&mut rows, findings);
    rows
}

/// Counts the open findings about each service where they were seen: a service may have several addresses.
pub fn count_findings(rows: &mut [ServiceRow], findings: &[Finding]) {
    let mut about: Map<(&str, Option<u16>), Vec<&Finding>> = Map::default();
    for finding in findings.iter().filter(|finding| finding.is_open()) {
        if let Some(server) = &finding.server {
            about.entry((&server.service, finding.server_port)).or_default().push(finding);
        }
    }
    for row in rows {
        let own = about.get(&(row.service.service.as_str(), row.port()));
        let here = |finding: &&&Finding| {
            let known = &finding.seen_at;
            known.contains(&row.service.addr)
                || known.is_empty()
                || known.len() >= limits::FINDING_ADDRESSES
        };
        let own: Vec<Severity> =
            own.into_iter().flatten().filter(here).map(|finding| finding.severity).collect();
        row.findings = own.len() as u64;
        row.worst = own.into_iter().max();
    }
}

/// The table of edges.
pub(super) fn edge_rows(edges: Vec<EdgeFacts>) -> Vec<EdgeRow> {
    let row = |edge: EdgeFacts| EdgeRow {
        client: edge.client,
        server: edge.server,
        server_port: edge.port,
        protocols: edge.protocols,
        postures: edge.postures,
        hours: edge.hours,
        bytes: edge.bytes,
        first: edge.first.time,
        last: edge.last.time,
        used: edge.used,
        grade: Graded::default(),
    };
    edges.into_iter().map(row).collect()
}

/// The table of certificates.
pub(super) fn certificate_rows(places: &[CertificateAt]) -> Vec<CertificateRow> {
    let row = |place: &CertificateAt| CertificateRow {
        certificate: Arc::<Certificate>::clone(&place.certificate),
        role: match place.role {
            Direction::ToClient => "server",
            Direction::ToServer => "client",
        },
        position: place.position,
        party: place.party.clone(),
        port: (place.role == Direction::ToClient).then_some(place.port),
        first: place.first,
        last: place.last,
        sessions: place.sessions,
        outcome: place.outcome.clone(),
        faults: place.faults,
    };
    places.iter().map(row).collect()
}
