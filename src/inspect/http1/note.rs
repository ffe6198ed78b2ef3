//! What the head of a request says besides its call.

use super::head::{self, RequestHead};
use crate::inspect::calls::frameworks::FrameworkField;
use crate::inspect::calls::{self, Calls, HeaderName, Used, registries};
use crate::model::{Direction, Moment};

/// Takes what a request says of who makes it and whom it is for, and gives the credentials that it carries.
pub(super) fn note_request(
    calls: &mut Calls,
    head: &RequestHead<'_>,
    fields: &head::Fields<'_>,
    at: Moment,
) -> Used {
    let mut used = calls.credential(HeaderName::Path, head.target);
    let mut authority = calls::target::authority(head.target);
    for (name, value) in fields.known() {
        match name {
            HeaderName::Authority => authority = authority.or(Some(value)),
            HeaderName::UserAgent => calls.user_agent(value),
            HeaderName::Credential(_) | HeaderName::App | HeaderName::Referer => {
                if name == HeaderName::App {
                    calls.framework(FrameworkField::App, value, Direction::ToServer, at);
                }
                used.add(calls.credential(name, value));
            }
            HeaderName::Framework(field) => {
                calls.framework(field, value, Direction::ToServer, at);
            }
            _ => {}
        }
    }
    if let Some(authority) = authority {
        calls.authority(authority);
    }
    calls.authenticated_by(used, at);
    used
}

/// Takes what a request asks of a registry, and says what its body will be if that is to be read.
pub(super) fn note_registry(
    calls: &mut Calls,
    head: &RequestHead<'_>,
    at: Moment,
) -> Option<registries::Body> {
    let asked = registries::http(head.method, head.target, at)?;
    if let Some(found) = asked.found {
        calls.asked_of_registry(registries::Found::Registration(found));
    }
    asked.body
}
