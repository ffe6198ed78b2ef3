//! Calls of one connection that was read in two parts.

use super::ended;
use crate::model::{Call, CallFacts, limits};

/// Adds what a connection said after a change of protocol to what it said before.
pub fn merge_calls(first: &mut CallFacts, then: CallFacts) {
    let asked = first.upgraded.take().and_then(|place| first.calls.get_mut(place));
    if let (Some(call), Some(earlier)) = (asked, then.earlier) {
        ended(call, earlier);
    }
    first.upgraded = then.upgraded;
    for call in then.calls {
        let same = |old: &&mut Call| old.service == call.service && old.method == call.method;
        if let Some(old) = first.calls.iter_mut().find(same) {
            old.count = old.count.saturating_add(call.count);
            old.succeeded = old.succeeded.saturating_add(call.succeeded);
            old.succeeded_authenticated =
                old.succeeded_authenticated.saturating_add(call.succeeded_authenticated);
            old.failed = old.failed.saturating_add(call.failed);
            old.last_status = call.last_status.or(old.last_status);
        } else if first.calls.len() < limits::CALLS {
            first.calls.push(call);
        } else {
            first.cut = true;
        }
    }
    first.requests = first.requests.saturating_add(then.requests);
    first.responses = first.responses.saturating_add(then.responses);
    first.unnamed = first.unnamed.saturating_add(then.unnamed);
    first.authenticated = first.authenticated.saturating_add(then.authenticated);
    first.first_request = first.first_request.or(then.first_request);
    first.first_response = first.first_response.or(then.first_response);
    first.first_auth = first.first_auth.or(then.first_auth);
    first.cut |= then.cut;
    first.cut |= !merge_names(&mut first.authorities, then.authorities);
    first.cut |= !merge_names(&mut first.user_agents, then.user_agents);
    first.cut |= !merge_names(&mut first.auth_schemes, then.auth_schemes);
    first.cut |= !merge_names(&mut first.server_products, then.server_products);
}

fn merge_names(first: &mut Vec<String>, then: Vec<String>) -> bool {
    for name in then {
        if !first.contains(&name) {
            if first.len() >= limits::NAMES {
                return false;
            }
            first.push(name);
        }
    }
    true
}
