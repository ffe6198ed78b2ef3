//! What rules can ask of the calls of a session.

use std::borrow::Cow;

use crate::model::{
    CallFacts, Direction, Field, Kind, Seen, Subject, SubjectKind, Value, WRONG_SUBJECT, Why,
};

/// The fields of calls, whichever protocol carried them. Absent when a session has no readable calls.
pub(in crate::inspect) static FIELDS: &[Field] = &[
    field("call.requests", Kind::Int, "requests seen in the clear", "12", |s| {
        said(s, Direction::ToServer, |calls| calls.requests)
    }),
    field("call.responses", Kind::Int, "responses seen in the clear", "12", |s| {
        said(s, Direction::ToClient, |calls| calls.responses)
    }),
    field(
        "call.unnamed",
        Kind::Int,
        "requests whose service and method could not be told: the capture joined late, or a bound was reached",
        "0",
        |s| count(s, |calls| calls.unnamed),
    ),
    field(
        "call.methods",
        Kind::Texts,
        "distinct calls: `service/method` for RPC, `GET /path` without query for HTTP, the command for what has commands",
        "helloworld.Greeter/SayHello",
        |s| of(s, |calls| Value::Texts(calls.calls.iter().map(method).collect())),
    ),
    field(
        "call.services",
        Kind::Texts,
        "distinct gRPC services called",
        "helloworld.Greeter",
        |s| of(s, |calls| Value::Texts(services(calls))),
    ),
    field(
        "http.authorities",
        Kind::Texts,
        "distinct `Host` and `:authority` values of requests, without userinfo",
        "orders.internal:8080",
        |s| texts(s, |calls| &calls.authorities),
    ),
    field("http.user_agents", Kind::Texts, "distinct user agents", "grpc-go/1.70.0", |s| {
        texts(s, |calls| &calls.user_agents)
    }),
    field(
        "http.server_products",
        Kind::Texts,
        "distinct `Server` values of responses",
        "nginx/1.26.2",
        |s| texts(s, |calls| &calls.server_products),
    ),
    field(
        "call.auth_schemes",
        Kind::Texts,
        "distinct authentication schemes of requests, in lower case; `opaque` for a credential without one",
        "bearer",
        |s| texts(s, |calls| &calls.auth_schemes),
    ),
    field("call.authenticated", Kind::Int, "requests that carried a credential", "12", |s| {
        count(s, |calls| calls.authenticated)
    }),
    field(
        "call.status",
        Kind::Ints,
        "the last status of each distinct call: gRPC status where there is one, else HTTP status",
        "200",
        |s| of(s, |calls| Value::Ints(statuses(calls))),
    ),
    field(
        "call.succeeded",
        Kind::Int,
        "calls that were answered with success: HTTP 2xx, gRPC status 0",
        "12",
        |s| count(s, |calls| calls.calls.iter().map(|call| call.succeeded).sum()),
    ),
    field("call.failed", Kind::Int, "calls that were answered with anything else", "0", |s| {
        count(s, |calls| calls.calls.iter().map(|call| call.failed).sum())
    }),
    field(
        "call.cut",
        Kind::Bool,
        "whether a bound was reached, so that the lists above are not all there was",
        "false",
        |s| of(s, |calls| Value::Bool(calls.cut)),
    ),
];

type Get = for<'a> fn(&Subject<'a>) -> Seen<Value<'a>>;

const fn field(
    path: &'static str,
    kind: Kind,
    doc: &'static str,
    example: &'static str,
    get: Get,
) -> Field {
    Field { on: SubjectKind::Session, path, kind, doc, example, get }
}

fn of<'a>(
    subject: &Subject<'a>,
    value: impl FnOnce(&'a CallFacts) -> Value<'a>,
) -> Seen<Value<'a>> {
    match *subject {
        Subject::Session(audited) => {
            audited.session.facts.calls.as_deref().map_or(Seen::Absent, |c| Seen::Value(value(c)))
        }
        _ => WRONG_SUBJECT,
    }
}

fn count<'a>(subject: &Subject<'a>, value: impl FnOnce(&CallFacts) -> u64) -> Seen<Value<'a>> {
    of(subject, |calls| Value::Int(i64::try_from(value(calls)).unwrap_or(i64::MAX)))
}

/// A count of what one side said. Where that side was not captured, none seen does not mean none said.
fn said<'a>(
    subject: &Subject<'a>,
    way: Direction,
    value: impl FnOnce(&CallFacts) -> u64,
) -> Seen<Value<'a>> {
    let Subject::Session(audited) = subject else { return WRONG_SUBJECT };
    let session = &audited.session;
    match count(subject, value) {
        Seen::Value(Value::Int(0)) if session.traffic[way].packets == 0 => {
            Seen::Hidden(Why::OneSided)
        }
        Seen::Value(Value::Int(0)) if session.stream.gap_bytes[way] > 0 => Seen::Hidden(Why::Gap),
        told => told,
    }
}

fn texts<'a>(
    subject: &Subject<'a>,
    value: impl FnOnce(&'a CallFacts) -> &'a [String],
) -> Seen<Value<'a>> {
    of(subject, |calls| Value::Texts(value(calls).iter().map(|t| Cow::Borrowed(&**t)).collect()))
}

fn method(call: &crate::model::Call) -> Cow<'_, str> {
    if call.service.is_empty() {
        Cow::Borrowed(&call.method)
    } else {
        Cow::Owned(format!("{}/{}", call.service, call.method))
    }
}

fn services(calls: &CallFacts) -> Vec<Cow<'_, str>> {
    let mut services: Vec<Cow<'_, str>> = Vec::new();
    for call in calls.calls.iter().filter(|call| !call.service.is_empty()) {
        if !services.iter().any(|known| *known == call.service) {
            services.push(Cow::Borrowed(&call.service));
        }
    }
    services
}

fn statuses(calls: &CallFacts) -> Vec<i64> {
    let mut statuses: Vec<i64> =
        calls.calls.iter().filter_map(|call| call.last_status).map(i64::from).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}
