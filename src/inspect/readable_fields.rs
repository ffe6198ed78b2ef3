//! Fields of a session about what crossed readable besides calls: upgrades, claims, programs, registrations, cookies.

use std::borrow::Cow;

use super::programs::is_outdated;
use crate::model::told::{bool, int};
use crate::model::{
    AuditedSession, Call, CallFacts, Direction, Field, Judged, Kind, NameMove, ReadableFacts,
    Registration, Seen, Subject, Value, WRONG_SUBJECT, Why, field,
};

/// The fields. One line declares one. Where nothing readable was seen, lists are empty and counts are 0.
#[rustfmt::skip]
pub static READABLE_FIELDS: &[Field] = &[
    field::<ReadableFacts>("upgrade.state", Kind::Text, "refused", "TLS within the protocol: `offered`, `demanded`, `asked`, `accepted` or `refused`; absent where it was not spoken of", |s| of(s, |r| r.upgrade.map(|up| Value::text(up.state.name())).into(), || Seen::Absent)),
    field::<ReadableFacts>("upgrade.clear_after", Kind::Bool, "true", "after that the client went on in clear; hidden where its bytes are missing", clear_after),
    field::<AuditedSession>("session.since_tls_failure", Kind::Int, "2", "seconds since TLS between the same two failed, when this session is readable and came within a minute of it; absent otherwise", |s| AuditedSession::of(s, |a| a.recalled.since_tls_failure.map(|s| Value::Int(i64::try_from(s).unwrap_or(i64::MAX))).into())),
    field::<AuditedSession>("session.ticket_from_elsewhere", Kind::Bool, "false", "it resumes by a ticket or session id that was given to, or last used by, another address", |s| AuditedSession::of(s, |a| bool(a.recalled.ticket_from_elsewhere))),
    field::<AuditedSession>("session.ticket_key_days", Kind::Int, "3", "whole days of the run for which the server has made its tickets with a key of the same name (TLS 1.2 and before); absent where no ticket was given out in clear, or the name is new", |s| AuditedSession::of(s, |a| a.recalled.ticket_key_days.map(|days| Value::Int(i64::try_from(days).unwrap_or(i64::MAX))).into())),
    field::<ReadableFacts>("session.unauthenticated", Kind::Bool, "false", "the server served although the client had not authenticated, in a protocol that asks for it once", |s| of(s, |r| bool(r.unauthenticated.is_some()), || bool(false))),
    field::<ReadableFacts>("session.credentials", Kind::Int, "1", "distinct credentials that the client sent", |s| of(s, |r| int(r.credentials.iter().filter(|c| c.direction == Direction::ToServer).count() as u64), || int(0))),
    field::<AuditedSession>("session.repeated_requests", Kind::Int, "0", "requests that change something, carried a credential and had been made by an earlier session from the same address, byte for byte", |s| AuditedSession::of(s, |a| int(a.recalled.repeated))),
    field::<AuditedSession>("session.replayed_requests", Kind::Int, "0", "the same, made by an earlier session from another address", |s| AuditedSession::of(s, |a| int(a.recalled.repeated_elsewhere))),
    field::<ReadableFacts>("session.callers", Kind::Texts, "orders", "names that the caller gave itself in text", |s| list(s, |r| r.callers.iter().map(|claim| Cow::Borrowed(claim.name.as_str())).collect())),
    field::<ReadableFacts>("session.caller_by", Kind::Texts, "metadata app", "where it gave them", |s| list(s, |r| distinct(r.callers.iter().map(|claim| Cow::Borrowed(claim.by))))),
    field::<ReadableFacts>("program.names", Kind::Texts, "grpc-go", "programs and libraries that named themselves", |s| list(s, |r| distinct(r.programs.iter().map(|p| Cow::Borrowed(p.name.as_str()))))),
    field::<ReadableFacts>("program.versions", Kind::Texts, "grpc-go 1.70.0", "the same with their versions", |s| list(s, |r| distinct(r.programs.iter().map(|p| Cow::Owned(format!("{} {}", p.name, p.version)))))),
    field::<ReadableFacts>("program.outdated", Kind::Texts, "grpc-go 1.50.0", "programs, libraries and user agents older than the oldest version without publicly known serious holes that wirelint knows of", |s| AuditedSession::of(s, outdated)),
    field::<ReadableFacts>("registration.count", Kind::Int, "3", "services that were registered, looked up or announced", |s| of(s, |r| int(r.registrations.len() as u64), || int(0))),
    field::<ReadableFacts>("registration.writes", Kind::Int, "1", "of them, written by the client", |s| of(s, |r| int(r.registrations.iter().filter(|one| one.write).count() as u64), || int(0))),
    field::<ReadableFacts>("registration.registries", Kind::Texts, "etcd", "kinds of registries", |s| list(s, |r| distinct(r.registrations.iter().map(|one| Cow::Borrowed(one.registry))))),
    field::<ReadableFacts>("registration.services", Kind::Texts, "orders.rpc", "the services' names or keys", |s| list(s, |r| distinct(r.registrations.iter().map(|one| Cow::Borrowed(one.service.as_str()))))),
    field::<ReadableFacts>("registration.foreign", Kind::Texts, "orders.rpc", "services that the client registered at an address that is not its own", |s| AuditedSession::of(s, foreign)),
    field::<ReadableFacts>("registration.with_credential", Kind::Texts, "orders.rpc", "services whose registered data holds what looks like a credential", |s| list(s, |r| distinct(r.registrations.iter().filter(|one| one.holds_credential).map(|one| Cow::Borrowed(one.service.as_str()))))),
    field::<ReadableFacts>("registration.moved", Kind::Texts, "orders.svc", "names whose addresses were all replaced by others during the run, as announcements and answers of name servers say it", |s| list(s, |r| r.moves.iter().map(|one| Cow::Borrowed(one.name.as_str())).collect())),
    field::<ReadableFacts>("registration.moves", Kind::Texts, "orders.svc: 10.0.0.4 -> 10.0.0.9", "the same with the addresses before and after", |s| list(s, |r| r.moves.iter().map(|one| Cow::Owned(moved(one))).collect())),
    field::<ReadableFacts>("sensitive.kinds", Kind::Texts, "card-number", "what looks like data that nobody should send in clear, in the first 16 KiB of a direction: `card-number`, `private-key`, `e-mail-address`", |s| list(s, |r| distinct(r.sensitive.iter().map(|one| Cow::Borrowed(one.kind.name()))))),
    field::<ReadableFacts>("sensitive.count", Kind::Int, "2", "how often that was seen", |s| of(s, |r| int(r.sensitive.iter().map(|one| one.count).sum()), || int(0))),
    field::<ReadableFacts>("cookie.set", Kind::Texts, "sessionid", "session cookies that the server set", |s| list(s, |r| r.cookies.iter().map(|c| Cow::Borrowed(c.name.as_str())).collect())),
    field::<ReadableFacts>("cookie.unprotected", Kind::Texts, "sessionid: Secure, HttpOnly", "of them, those that lack flags, and which", |s| list(s, |r| r.cookies.iter().filter_map(missing_flags).collect())),
    field::<ReadableFacts>("call.served_admin", Kind::Texts, "GET /debug/pprof/heap", "calls of administration, debugging and introspection that were answered with success", |s| AuditedSession::of(s, served_admin)),
];

fn of<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a ReadableFacts) -> Seen<Value<'a>>,
    none: impl FnOnce() -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    ReadableFacts::in_subject(subject).map_or_else(none, read)
}

fn list<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a ReadableFacts) -> Vec<Cow<'a, str>>,
) -> Seen<Value<'a>> {
    let none = || Seen::Value(Value::Texts(Vec::new()));
    of(subject, |readable| Seen::Value(Value::Texts(read(readable))), none)
}

fn distinct<'a>(all: impl Iterator<Item = Cow<'a, str>>) -> Vec<Cow<'a, str>> {
    let mut distinct: Vec<Cow<'a, str>> = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

fn moved(one: &NameMove) -> String {
    format!("{}: {} -> {}", one.name, one.before.join(" "), one.after.join(" "))
}

/// What is missing may have been readable.
fn clear_after<'a>(subject: &Subject<'a>) -> Seen<Value<'a>> {
    let Subject::Session(session) = *subject else { return WRONG_SUBJECT };
    let facts = &session.session.facts;
    let Some(upgrade) = facts.readable.as_deref().and_then(|readable| readable.upgrade) else {
        return Seen::Absent;
    };
    let missing = session.session.stream.gap_bytes.to_server > 0;
    match upgrade.clear_after.is_some() {
        false if missing => Seen::Hidden(Why::Gap),
        clear => bool(clear),
    }
}

fn outdated(session: &AuditedSession) -> Seen<Value<'_>> {
    let facts = &session.session.facts;
    let programs = facts.readable.as_deref().map(|r| r.programs.as_slice()).unwrap_or_default();
    let programs = programs
        .iter()
        .filter(|program| is_outdated(&program.name, &program.version))
        .map(|program| Cow::Owned(format!("{} {}", program.name, program.version)));
    let calls = facts.calls.as_deref();
    let agents = calls.map(|calls| calls.user_agents.iter()).into_iter().flatten();
    let products = calls.map(|calls| calls.server_products.iter()).into_iter().flatten();
    let words = agents.chain(products).flat_map(|line| line.split(' ').take(2));
    let named = words.filter_map(|word| word.split_once('/'));
    let named = named.filter(|(name, version)| is_outdated(name, version));
    let named = named.map(|(name, version)| Cow::Owned(format!("{name} {version}")));
    Seen::Value(Value::Texts(distinct(programs.chain(named))))
}

fn foreign(session: &AuditedSession) -> Seen<Value<'_>> {
    let own = session.session.client.addr.to_canonical();
    let elsewhere = |one: &&Registration| {
        let host = one.address.rsplit_once("://").map_or(one.address.as_str(), |(_, rest)| rest);
        let parsed = host.parse::<std::net::SocketAddr>().map(|socket| socket.ip());
        let parsed = parsed.or_else(|_| host.parse::<std::net::IpAddr>());
        one.write && parsed.is_ok_and(|addr| addr.to_canonical() != own)
    };
    let readable = session.session.facts.readable.as_deref();
    let all = readable.map(|readable| readable.registrations.as_slice()).unwrap_or_default();
    let names = all.iter().filter(elsewhere).map(|one| Cow::Borrowed(one.service.as_str()));
    Seen::Value(Value::Texts(distinct(names)))
}

fn missing_flags(cookie: &crate::model::SetCookie) -> Option<Cow<'_, str>> {
    let flags =
        [("Secure", cookie.secure), ("HttpOnly", cookie.http_only), ("SameSite", cookie.same_site)];
    let missing: Vec<&str> =
        flags.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect();
    (!missing.is_empty()).then(|| Cow::Owned(format!("{}: {}", cookie.name, missing.join(", "))))
}

/// Beginnings of paths that are for operators: profilers, health internals, consoles, configuration.
const ADMIN_PATHS: &[&str] = &[
    "/debug/pprof",
    "/debug/vars",
    "/debug/requests",
    "/actuator/",
    "/jolokia",
    "/config_dump",
    "/quitquitquit",
    "/flags",
    "/rpcz",
    "/hotspots",
    "/vars",
    "/druid/",
    "/nacos/",
    "/eureka/apps",
    "/v1/agent/",
    "/v1/acl/",
    "/v1/kv/",
    "/_cluster/",
    "/_nodes",
    "/containers/json",
    "/runningpods",
    "/exec/",
    "/api/v1/namespaces",
    "/heapdump",
    "/env",
];

/// Services that tell about other services.
const ADMIN_SERVICES: &[&str] =
    &["grpc.reflection.", "grpc.channelz.", "etcdserverpb.Maintenance", "etcdserverpb.Auth"];

fn served_admin(session: &AuditedSession) -> Seen<Value<'_>> {
    let Some(calls) = session.session.facts.calls.as_deref() else { return Seen::Absent };
    let mut all = calls.calls.iter().filter(|call| is_admin(call)).peekable();
    if all.peek().is_some() && session.session.traffic.to_client.packets == 0 {
        return Seen::Hidden(Why::OneSided);
    }
    let named = all.filter(|call| answered(call, calls)).map(|call| match call.service.as_str() {
        "" => Cow::Borrowed(call.method.as_str()),
        service => Cow::Owned(format!("{service}/{}", call.method)),
    });
    Seen::Value(Value::Texts(named.collect()))
}

/// Whether it was served. A stream that never ended has no status; it was served when nothing says that it was not.
fn answered(call: &Call, calls: &CallFacts) -> bool {
    call.succeeded > 0 || call.failed == 0 && call.last_status.is_none() && calls.responses > 0
}

fn is_admin(call: &Call) -> bool {
    if !call.service.is_empty() {
        return ADMIN_SERVICES.iter().any(|service| call.service.starts_with(service));
    }
    let path = call.method.split_once(' ').map_or("", |(_, path)| path);
    ADMIN_PATHS.iter().any(|admin| {
        path.strip_prefix(admin)
            .is_some_and(|rest| admin.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
    })
}
