//! Fields of endpoints and edges about who is let in, and as whom.

use super::fields::{edge, endpoint, of_edge, of_endpoint, texts};
use crate::model::told::int;
use crate::model::{EdgeFacts, Field, Kind, Seen, Value, Why};

/// The fields about access. One line declares one.
#[rustfmt::skip]
pub static ACCESS_FIELDS: &[Field] = &[
    endpoint("endpoint.open_methods", Kind::Texts, "shop.Payments/Charge", "methods that served callers with a credential and callers without", |s| of_endpoint(s, |e| texts(&e.access.open_methods))),
    endpoint("endpoint.registered_as", Kind::Texts, "payments.rpc", "names under which a registry has this address and port", |s| of_endpoint(s, |e| texts(&e.access.registered_as))),
    endpoint("endpoint.unproven_names", Kind::Texts, "payments.rpc", "of them, names that no certificate it presented has a part of; none where it presented none", |s| of_endpoint(s, |e| texts(&e.access.unproven_names))),
    edge("edge.served", Kind::Int, "40", "readable calls that were served", |s| of_edge(s, |e| int(e.access.served))),
    edge("edge.authenticated", Kind::Int, "40", "readable calls that carried a credential", |s| of_edge(s, |e| int(e.access.authenticated))),
    edge("edge.identified", Kind::Bool, "true", "the caller showed a credential or a certificate at least once; hidden where it did not and some traffic is missing", |s| of_edge(s, identified)),
    edge("edge.claims", Kind::Texts, "orders", "names that the caller gave itself in text", |s| of_edge(s, |e| texts(&e.used.claims))),
    edge("edge.names_of_client", Kind::Int, "1", "names that the calling address gave itself anywhere in the run", |s| of_edge(s, |e| int(e.access.names_of_client))),
    edge("edge.loopback", Kind::Bool, "false", "the caller's address is a loopback address", |s| of_edge(s, |e| Seen::Value(Value::Bool(e.access.loopback)))),
];

/// What is missing may have been the login.
fn identified(edge: &EdgeFacts) -> Seen<Value<'_>> {
    let access = &edge.access;
    match access.authenticated > 0 || access.authenticated_session {
        false if access.incomplete => Seen::Hidden(Why::Gap),
        identified => Seen::Value(Value::Bool(identified)),
    }
}
