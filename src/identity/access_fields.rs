//! Fields of endpoints and edges about who is let in, and as whom.

use super::fields::texts;
use crate::model::told::int;
use crate::model::{EdgeFacts, EndpointFacts, Field, Judged, Kind, Seen, Value, Why, field};

/// The fields about access. One line declares one.
#[rustfmt::skip]
pub static ACCESS_FIELDS: &[Field] = &[
    field::<EndpointFacts>("endpoint.open_methods", Kind::Texts, "shop.Payments/Charge", "methods that served callers with a credential and callers without", |s| EndpointFacts::of(s, |e| texts(&e.access.open_methods))),
    field::<EndpointFacts>("endpoint.registered_as", Kind::Texts, "payments.rpc", "names under which a registry has this address and port", |s| EndpointFacts::of(s, |e| texts(&e.access.registered_as))),
    field::<EndpointFacts>("endpoint.unproven_names", Kind::Texts, "payments.rpc", "of them, names that no certificate it presented has a part of; none where it presented none", |s| EndpointFacts::of(s, |e| texts(&e.access.unproven_names))),
    field::<EdgeFacts>("edge.served", Kind::Int, "40", "readable calls that were served", |s| EdgeFacts::of(s, |e| int(e.access.served))),
    field::<EdgeFacts>("edge.authenticated", Kind::Int, "40", "readable calls that carried a credential", |s| EdgeFacts::of(s, |e| int(e.access.authenticated))),
    field::<EdgeFacts>("edge.identified", Kind::Bool, "true", "the caller showed a credential or a certificate at least once; hidden where it did not and some traffic is missing", |s| EdgeFacts::of(s, identified)),
    field::<EdgeFacts>("edge.claims", Kind::Texts, "orders", "names that the caller gave itself in text", |s| EdgeFacts::of(s, |e| texts(&e.used.claims))),
    field::<EdgeFacts>("edge.names_of_client", Kind::Int, "1", "names that the calling address gave itself anywhere in the run", |s| EdgeFacts::of(s, |e| int(e.access.names_of_client))),
    field::<EdgeFacts>("edge.loopback", Kind::Bool, "false", "the caller's address is a loopback address", |s| EdgeFacts::of(s, |e| Seen::Value(Value::Bool(e.access.loopback)))),
];

/// What is missing may have been the login.
fn identified(edge: &EdgeFacts) -> Seen<Value<'_>> {
    let access = &edge.access;
    match access.authenticated > 0 || access.authenticated_session {
        false if access.incomplete => Seen::Hidden(Why::Gap),
        identified => Seen::Value(Value::Bool(identified)),
    }
}
