//! Services and edges.

use std::collections::BTreeMap;

use serde::Serialize;

use super::coverage::postures;
use super::{PartyBody, Text, Time};
use crate::model::{EdgeRow, ServiceRow};

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
        }
    }
}
