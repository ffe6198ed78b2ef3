//! What rules can ask of the calls of a session.

use std::borrow::Cow;

use crate::model::{
    CallFacts, Direction, Field, Judged, Kind, Seen, Subject, Value, WRONG_SUBJECT, Why, field,
};

/// The fields of calls, whichever protocol carried them. Absent when a session has no readable calls.
pub(in crate::inspect) static FIELDS: &[Field] = &[
    field::<CallFacts>("call.requests", Kind::Int, "12", "requests seen in the clear", |s| {
        said(s, Direction::ToServer, |calls| calls.requests)
    }),
    field::<CallFacts>("call.responses", Kind::Int, "12", "responses seen in the clear", |s| {
        said(s, Direction::ToClient, |calls| calls.responses)
    }),
    field::<CallFacts>(
        "call.unnamed",
        Kind::Int,
        "0",
        "requests whose service and method could not be told: the capture joined late, or a bound was reached",
        |s| count(s, |calls| calls.unnamed),
    ),
    field::<CallFacts>(
        "call.methods",
        Kind::Texts,
        "helloworld.Greeter/SayHello",
        "distinct calls: `service/method` for RPC, `GET /path` without query for HTTP, the command for what has commands",
        |s| of(s, |calls| Value::Texts(calls.calls.iter().map(method).collect())),
    ),
    field::<CallFacts>(
        "call.services",
        Kind::Texts,
        "helloworld.Greeter",
        "distinct gRPC services called",
        |s| of(s, |calls| Value::Texts(services(calls))),
    ),
    field::<CallFacts>(
        "http.authorities",
        Kind::Texts,
        "orders.internal:8080",
        "distinct `Host` and `:authority` values of requests, without userinfo",
        |s| texts(s, |calls| &calls.authorities),
    ),
    field::<CallFacts>(
        "http.user_agents",
        Kind::Texts,
        "grpc-go/1.70.0",
        "distinct user agents",
        |s| texts(s, |calls| &calls.user_agents),
    ),
    field::<CallFacts>(
        "http.server_products",
        Kind::Texts,
        "nginx/1.26.2",
        "distinct `Server` values of responses",
        |s| texts(s, |calls| &calls.server_products),
    ),
    field::<CallFacts>(
        "call.auth_schemes",
        Kind::Texts,
        "bearer",
        "distinct authentication schemes of requests, in lower case; `opaque` for a credential without one",
        |s| texts(s, |calls| &calls.auth_schemes),
    ),
    field::<CallFacts>(
        "call.authenticated",
        Kind::Int,
        "12",
        "requests that carried a credential",
        |s| count(s, |calls| calls.authenticated),
    ),
    field::<CallFacts>(
        "call.status",
        Kind::Ints,
        "200",
        "the last status of each distinct call: gRPC status where there is one, else HTTP status",
        |s| of(s, |calls| Value::Ints(statuses(calls))),
    ),
    field::<CallFacts>(
        "call.succeeded",
        Kind::Int,
        "12",
        "calls that were answered with success: HTTP 2xx, gRPC status 0",
        |s| count(s, |calls| calls.calls.iter().map(|call| call.succeeded).sum()),
    ),
    field::<CallFacts>(
        "call.failed",
        Kind::Int,
        "0",
        "calls that were answered with anything else",
        |s| count(s, |calls| calls.calls.iter().map(|call| call.failed).sum()),
    ),
    field::<CallFacts>(
        "call.cut",
        Kind::Bool,
        "false",
        "whether a bound was reached, so that the lists above are not all there was",
        |s| of(s, |calls| Value::Bool(calls.cut)),
    ),
];

fn of<'a>(
    subject: &Subject<'a>,
    value: impl FnOnce(&'a CallFacts) -> Value<'a>,
) -> Seen<Value<'a>> {
    CallFacts::of(subject, |calls| Seen::Value(value(calls)))
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
