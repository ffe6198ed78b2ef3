//! A credential at a server, and what else crossed readable in a session. No secret is in any of it.

use serde::Serialize;

use super::{PartyBody, Place, Text};
use crate::model::{
    Claim, Credential, CredentialRow, Program, ReadableFacts, Registration, RunInfo, SensitiveData,
    Timestamp, Token, Upgrade,
};

/// One credential at one server.
#[derive(Serialize)]
pub(in crate::report) struct CredentialBody<'a> {
    number: u64,
    kind: &'static str,
    mechanism: &'static str,
    place: &'a str,
    principal: Option<&'a str>,
    length: u32,
    exposure: &'static str,
    default: bool,
    accepted: Option<bool>,
    server: PartyBody<'a>,
    port: u16,
    protocol: Option<&'static str>,
    clients: Vec<Text<std::net::IpAddr>>,
    servers: u64,
    sessions: u64,
    in_clear: u64,
    count: u64,
    token: Option<TokenBody<'a>>,
    first: Place,
    last: Place,
}

/// What a JSON Web Token says of itself.
#[derive(Serialize)]
struct TokenBody<'a> {
    algorithm: &'a str,
    unsigned: bool,
    key_id: Option<&'a str>,
    key_url: Option<&'a str>,
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
    audience: &'a [String],
    issued: Option<Text<Timestamp>>,
    not_before: Option<Text<Timestamp>>,
    expires: Option<Text<Timestamp>>,
    grants: &'a [String],
}

impl<'a> CredentialBody<'a> {
    pub(in crate::report) fn of(run: &RunInfo, row: &'a CredentialRow) -> Self {
        let at = &row.at;
        let credential = &at.credential;
        Self {
            number: at.ordinal,
            kind: credential.kind.name(),
            mechanism: credential.mechanism,
            place: &credential.place,
            principal: credential.principal.as_deref(),
            length: credential.secret.length(),
            exposure: credential.exposure.name(),
            default: credential.default,
            accepted: at.accepted.value().copied(),
            server: PartyBody::of(&at.server),
            port: at.port,
            protocol: at.protocol,
            clients: row.clients.iter().copied().map(Text).collect(),
            servers: at.servers,
            sessions: at.sessions,
            in_clear: at.in_clear,
            count: at.count,
            token: at.token.as_ref().map(TokenBody::of),
            first: Place::of(run, at.first),
            last: Place::of(run, at.last),
        }
    }
}

impl<'a> TokenBody<'a> {
    fn of(token: &'a Token) -> Self {
        Self {
            algorithm: &token.algorithm,
            unsigned: token.unsigned,
            key_id: token.key_id.as_deref(),
            key_url: token.key_url.as_deref(),
            issuer: token.issuer.as_deref(),
            subject: token.subject.as_deref(),
            audience: &token.audience,
            issued: token.issued.map(Text),
            not_before: token.not_before.map(Text),
            expires: token.expires.map(Text),
            grants: &token.grants,
        }
    }
}

/// What crossed readable in one session besides calls.
#[derive(Serialize)]
pub(in crate::report) struct ReadableBody<'a> {
    credentials: Vec<Shown<'a>>,
    callers: Vec<Caller<'a>>,
    programs: Vec<ProgramBody<'a>>,
    upgrade: Option<UpgradeBody>,
    registrations: Vec<RegistrationBody<'a>>,
    sensitive: Vec<SensitiveBody>,
    unauthenticated: Option<Place>,
    cut: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    kind: &'static str,
    mechanism: &'static str,
    place: &'a str,
    principal: Option<&'a str>,
    length: u32,
    exposure: &'static str,
    default: bool,
    accepted: Option<bool>,
    sender: &'static str,
    count: u64,
    first: Place,
}

#[derive(Serialize)]
struct Caller<'a> {
    name: &'a str,
    by: &'static str,
}

#[derive(Serialize)]
struct ProgramBody<'a> {
    name: &'a str,
    version: &'a str,
    side: &'static str,
}

#[derive(Serialize)]
struct UpgradeBody {
    state: &'static str,
    asked: Place,
    answered: Option<Place>,
    clear_after: Option<Place>,
}

#[derive(Serialize)]
struct RegistrationBody<'a> {
    registry: &'static str,
    write: bool,
    service: &'a str,
    address: &'a str,
    holds_credential: bool,
}

#[derive(Serialize)]
struct SensitiveBody {
    kind: &'static str,
    sender: &'static str,
    count: u64,
    first: Place,
}

impl SensitiveBody {
    fn of(run: &RunInfo, one: SensitiveData) -> Self {
        Self {
            kind: one.kind.name(),
            sender: one.direction.sender(),
            count: one.count,
            first: Place::of(run, one.first),
        }
    }
}

impl<'a> ReadableBody<'a> {
    pub(in crate::report) fn of(run: &RunInfo, facts: &'a ReadableFacts) -> Self {
        Self {
            credentials: facts.credentials.iter().map(|one| Shown::of(run, one)).collect(),
            callers: facts.callers.iter().map(Caller::of).collect(),
            programs: facts.programs.iter().map(ProgramBody::of).collect(),
            upgrade: facts.upgrade.map(|upgrade| UpgradeBody::of(run, upgrade)),
            registrations: facts.registrations.iter().map(RegistrationBody::of).collect(),
            sensitive: facts.sensitive.iter().map(|one| SensitiveBody::of(run, *one)).collect(),
            unauthenticated: facts.unauthenticated.map(|at| Place::of(run, at)),
            cut: facts.cut,
        }
    }
}

impl<'a> Shown<'a> {
    fn of(run: &RunInfo, credential: &'a Credential) -> Self {
        Self {
            kind: credential.kind.name(),
            mechanism: credential.mechanism,
            place: &credential.place,
            principal: credential.principal.as_deref(),
            length: credential.secret.length(),
            exposure: credential.exposure.name(),
            default: credential.default,
            accepted: credential.accepted,
            sender: credential.direction.sender(),
            count: credential.count,
            first: Place::of(run, credential.first),
        }
    }
}

impl<'a> Caller<'a> {
    fn of(claim: &'a Claim) -> Self {
        Self { name: &claim.name, by: claim.by }
    }
}

impl<'a> ProgramBody<'a> {
    fn of(program: &'a Program) -> Self {
        let side = program.side.sender();
        Self { name: &program.name, version: &program.version, side }
    }
}

impl UpgradeBody {
    fn of(run: &RunInfo, upgrade: Upgrade) -> Self {
        Self {
            state: upgrade.state.name(),
            asked: Place::of(run, upgrade.asked),
            answered: upgrade.answered.map(|at| Place::of(run, at)),
            clear_after: upgrade.clear_after.map(|at| Place::of(run, at)),
        }
    }
}

impl<'a> RegistrationBody<'a> {
    fn of(registration: &'a Registration) -> Self {
        Self {
            registry: registration.registry,
            write: registration.write,
            service: &registration.service,
            address: &registration.address,
            holds_credential: registration.holds_credential,
        }
    }
}
