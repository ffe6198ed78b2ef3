//! Services and edges.

use std::collections::BTreeMap;

use serde::Serialize;

use super::coverage::postures;
use super::grade::GradeBody;
use super::{PartyBody, Text, Time};
use crate::inspect::tls::version_name;
use crate::model::{EdgeRow, Identity, Method, Particulars, ServiceRow, Used};

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
    versions: Vec<String>,
    findings: u64,
    worst: Option<&'static str>,
    grade: GradeBody<'a>,
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
            versions: versions(&row.particulars),
            findings: row.findings,
            worst: row.worst.map(|severity| severity.name()),
            grade: GradeBody::of(&row.grade),
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
    versions: Vec<String>,
    sessions: u64,
    postures: BTreeMap<&'static str, u64>,
    bytes: u64,
    first: Time,
    last: Time,
    grade: GradeBody<'a>,
    client_identities: Vec<IdentityBody>,
    server_identities: Vec<IdentityBody>,
    calls: Vec<EdgeCallBody<'a>>,
}

/// Who one end is, by one proof.
#[derive(Serialize)]
struct IdentityBody {
    rank: &'static str,
    name: String,
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
            versions: versions(&row.used.particulars),
            sessions: row.postures.total(),
            postures: postures(&row.postures),
            bytes: row.bytes,
            first: Text(row.first),
            last: Text(row.last),
            grade: GradeBody::of(&row.grade),
            client_identities: identities(row.used.client_identities(&row.client)),
            server_identities: identities(row.used.server_identities(&row.server)),
            calls: row.used.methods.iter().map(EdgeCallBody::of).collect(),
        }
    }
}

/// Versions of TLS by name.
pub(in crate::report) fn versions(particulars: &Particulars) -> Vec<String> {
    particulars.carried().map(|version| version_name(version).to_string()).collect()
}

fn identities(all: Vec<Identity>) -> Vec<IdentityBody> {
    let body = |one: Identity| IdentityBody { rank: one.rank.name(), name: one.name };
    all.into_iter().map(body).collect()
}

impl<'a> EdgeCallBody<'a> {
    fn of(call: &'a Used<Method>) -> Self {
        let Method { name, count, succeeded, .. } = &call.what;
        Self { method: name, count: *count, ok: *succeeded }
    }
}
