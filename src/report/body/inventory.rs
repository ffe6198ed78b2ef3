//! Services and edges.

use std::collections::BTreeMap;

use serde::Serialize;

use super::coverage::postures;
use super::{PartyBody, Text, Time};
use crate::model::{EdgeCall, EdgeRow, Identity, ServiceRow};

/// One service as its clients see it.
#[derive(Serialize)]
pub(in crate::report) struct ServiceBody<'a> {
    #[serde(flatten)]
    party: PartyBody<'a>,
    endpoint: &'a str,
    clients: u64,
    sessions: u64,
    postures: BTreeMap<&'static str, u64>,
    protocols: &'a [String],
    findings: u64,
    worst: Option<&'static str>,
}

impl<'a> ServiceBody<'a> {
    pub(in crate::report) fn of(row: &'a ServiceRow) -> Self {
        Self {
            party: PartyBody::of(&row.service),
            endpoint: &row.endpoint,
            clients: row.clients,
            sessions: row.postures.total(),
            postures: postures(&row.postures),
            protocols: &row.protocols,
            findings: row.findings,
            worst: row.worst.map(|severity| severity.name()),
        }
    }
}

/// One client talking to one server endpoint.
#[derive(Serialize)]
pub(in crate::report) struct EdgeBody<'a> {
    client: PartyBody<'a>,
    server: PartyBody<'a>,
    server_port: u16,
    protocols: &'a [String],
    sessions: u64,
    postures: BTreeMap<&'static str, u64>,
    bytes: u64,
    first: Time,
    last: Time,
    client_identities: Vec<IdentityBody<'a>>,
    server_identities: Vec<IdentityBody<'a>>,
    calls: Vec<EdgeCallBody<'a>>,
}

/// Who one end is, by one proof.
#[derive(Serialize)]
struct IdentityBody<'a> {
    rank: &'static str,
    name: &'a str,
}

#[derive(Serialize)]
struct EdgeCallBody<'a> {
    method: &'a str,
    count: u64,
    ok: u64,
}

impl<'a> EdgeBody<'a> {
    pub(in crate::report) fn of(row: &'a EdgeRow) -> Self {
        Self {
            client: PartyBody::of(&row.client),
            server: PartyBody::of(&row.server),
            server_port: row.server_port,
            protocols: &row.protocols,
            sessions: row.postures.total(),
            postures: postures(&row.postures),
            bytes: row.bytes,
            first: Text(row.first),
            last: Text(row.last),
            client_identities: identities(&row.dealings.client_identities),
            server_identities: identities(&row.dealings.server_identities),
            calls: row.dealings.calls.iter().map(EdgeCallBody::of).collect(),
        }
    }
}

fn identities(all: &[Identity]) -> Vec<IdentityBody<'_>> {
    all.iter().map(|one| IdentityBody { rank: one.rank.name(), name: &one.name }).collect()
}

impl<'a> EdgeCallBody<'a> {
    fn of(call: &'a EdgeCall) -> Self {
        Self { method: &call.method, count: call.count, ok: call.succeeded }
    }
}
