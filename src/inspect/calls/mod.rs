//! Calls that crossed readable, gathered for one connection.
//!
//! Takes what the HTTP inspectors read of requests and responses; gives [`CallFacts`]. Knows nothing of framing. A call
//! that is known already costs a hash and no allocation. No byte of a secret gets in: of `Authorization` only the name
//! of the scheme and of the user are taken, of a path neither its query nor anything in it that
//! looks like an identifier. What credentials are is kept beside the calls, and of their secrets a digest.

mod credentials;
mod fields;
pub(super) mod frameworks;
mod header;
mod jwt;
mod merge;
mod names;
mod parameters;
pub(super) mod printing;
pub(super) mod registries;
mod scheme;
pub(super) mod target;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher as _;

use credentials::Sightings;
pub(super) use credentials::Used;
pub(super) use fields::FIELDS;
pub(super) use header::HeaderName;
pub use merge::merge_calls;
use names::Names;
use parameters::Place;
pub(super) use target::named_parts;

use self::frameworks::{FrameworkField, Frameworks};
use self::registries::Found;
use super::exchange::merge_readable;
use crate::model::{
    Call, CallFacts, Direction, Moment, ReadableFacts, RequestPrint, escape_bytes, limits,
};

/// What names a call.
#[derive(Clone, Copy)]
pub(super) enum CallName<'a> {
    /// A gRPC call by its path, `/package.Service/Method`.
    Grpc(&'a [u8]),
    /// An HTTP request by its method and request target.
    Http {
        /// `GET`
        method: &'a [u8],
        /// In any form: `/path?query`, `http://host/path`, `host:port`, `*`.
        target: &'a [u8],
    },
    /// A call of another protocol.
    Rpc {
        /// The service, the database, the topic; may be empty.
        service: &'a [u8],
        /// The method, the command, the verb.
        method: &'a [u8],
    },
    /// The bytes that name it could not be read.
    Unknown,
}

/// One of the distinct calls of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CallId(u16);

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    /// An HTTP status; 2xx is success.
    Http(u16),
    /// A gRPC status; 0 is success.
    Grpc(u16),
    /// Success or failure without a number.
    Told(bool),
}

impl Status {
    /// Whether it is success, and its number.
    fn told(self) -> (bool, Option<u16>) {
        match self {
            Self::Http(code) => ((200..300).contains(&code), Some(code)),
            Self::Grpc(code) => (code == 0, Some(code)),
            Self::Told(success) => (success, None),
        }
    }

    /// Whether the caller was let in; nothing where that is not what the status is about.
    fn lets_in(self) -> Option<bool> {
        match self {
            Self::Http(200..300) | Self::Grpc(0) => Some(true),
            // Unauthorized and Forbidden; PERMISSION_DENIED and UNAUTHENTICATED.
            Self::Http(401 | 403) | Self::Grpc(7 | 16) => Some(false),
            Self::Http(_) | Self::Grpc(_) => None,
            Self::Told(success) => success.then_some(true),
        }
    }
}

/// The calls of one connection. Has no `Debug`: it holds raw bytes from the wire.
#[derive(Clone, Default)]
pub(super) struct Calls {
    facts: CallFacts,
    keys: Vec<Key>,
    authorities: Names,
    user_agents: Names,
    products: Names,
    frameworks: Frameworks,
    credentials: Option<Box<Sightings>>,
    prints: Vec<RequestPrint>,
    scratch: Vec<u8>,
}

/// What a call is recognised by: its place in the list is the call's.
#[derive(Clone)]
struct Key {
    hash: u64,
    shape: Shape,
    name: Box<[u8]>,
}

/// How service and method are told apart in a call's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `/service/method`
    Path,
    /// The method alone.
    Plain,
    /// The service, [`BETWEEN`], the method.
    Pair,
}

/// Stands between service and method where no byte of either can be it.
const BETWEEN: u8 = 0;

const HASH: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0);

impl Calls {
    /// Counts a request, and says which call it is if that is known and there is room for it.
    pub(super) fn request(&mut self, name: CallName<'_>, at: Moment) -> Option<CallId> {
        self.facts.requests = self.facts.requests.saturating_add(1);
        self.facts.first_request.get_or_insert(at);
        if matches!(name, CallName::Unknown) {
            self.unnamed(1);
            return None;
        }
        let id = self.call(name, at)?;
        let call = self.facts.calls.get_mut(usize::from(id.0))?;
        call.count = call.count.saturating_add(1);
        Some(id)
    }

    /// Counts a request of a call that is known.
    pub(super) fn request_again(&mut self, call: CallId, at: Moment) {
        self.facts.requests = self.facts.requests.saturating_add(1);
        self.facts.first_request.get_or_insert(at);
        if let Some(call) = self.facts.calls.get_mut(usize::from(call.0)) {
            call.count = call.count.saturating_add(1);
        }
    }

    /// What a call is named by: of a gRPC call, its path.
    pub(super) fn name(&self, call: CallId) -> &[u8] {
        self.keys.get(usize::from(call.0)).map_or(&[], |key| &*key.name)
    }

    /// Counts requests that could not be named.
    pub(super) fn unnamed(&mut self, count: u64) {
        self.facts.unnamed = self.facts.unnamed.saturating_add(count);
    }

    /// Counts a response.
    pub(super) fn response(&mut self, at: Moment) {
        self.facts.responses = self.facts.responses.saturating_add(1);
        self.facts.first_response.get_or_insert(at);
    }

    /// Takes note of how a call ended.
    pub(super) fn outcome(&mut self, call: Option<CallId>, status: Status) {
        let call = call.and_then(|id| self.facts.calls.get_mut(usize::from(id.0)));
        if let Some(call) = call {
            ended(call, status.told());
        }
    }

    /// Takes note that this call is answered in the protocol that the connection becomes.
    pub(super) fn upgraded(&mut self, call: Option<CallId>) {
        self.facts.upgraded = call.map(|id| usize::from(id.0));
    }

    /// Takes note of how the call ended that was made before the connection became this protocol.
    pub(super) fn earlier_ended(&mut self, status: Status) {
        self.facts.earlier.get_or_insert(status.told());
    }

    /// Takes note of a request's `Host` or `:authority`.
    pub(super) fn authority(&mut self, value: &[u8]) {
        if !self.authorities.has(value) {
            let fits = self.authorities.note(target::host(value), &mut self.facts.authorities);
            self.facts.cut |= !fits;
        }
    }

    /// Takes note of a request's `User-Agent`.
    pub(super) fn user_agent(&mut self, value: &[u8]) {
        if self.user_agents.has(value) {
            return;
        }
        self.frameworks.user_agent(value);
        let fits = self.user_agents.note(value, &mut self.facts.user_agents);
        self.facts.cut |= !fits;
    }

    /// Takes note of a response's `Server`.
    pub(super) fn server_product(&mut self, value: &[u8]) {
        let fits = self.products.note(value, &mut self.facts.server_products);
        self.facts.cut |= !fits;
    }

    /// Takes what a framework says in a field of a request or a response.
    pub(super) fn framework(
        &mut self,
        field: FrameworkField,
        value: &[u8],
        side: Direction,
        at: Moment,
    ) {
        self.frameworks.field(field, value, side, at);
    }

    /// Takes what a request asks of a registry.
    pub(super) fn asked_of_registry(&mut self, found: Found) {
        match found {
            Found::Registration(registration) => self.frameworks.registration(registration),
            Found::Credential(credential) => {
                self.authenticated(credential.first);
                self.frameworks.credential(credential);
            }
        }
    }

    /// Takes note of whether a registry accepted the last password.
    pub(super) fn login_judged(&mut self, accepted: bool) {
        self.frameworks.credential_judged(accepted);
    }

    /// Takes a field of a request that may carry a credential, and says which it carries.
    #[inline]
    pub(super) fn credential(&mut self, name: HeaderName, value: &[u8]) -> Used {
        match name {
            HeaderName::Credential(field) if !value.is_empty() => {
                if field.has_scheme() {
                    self.scheme(value);
                }
                self.sightings().field(field, value)
            }
            HeaderName::Path => self.url(value, Place::Target),
            HeaderName::Referer => self.url(value, Place::Referer),
            HeaderName::App => {
                self.sightings().app(value);
                Used::default()
            }
            _ => Used::default(),
        }
    }

    /// Which credentials a field carries whose value was sent as this code, if that is known.
    #[inline]
    pub(super) fn credential_as_code(&self, name: HeaderName, code: &[u8]) -> Option<Used> {
        match (name, &self.credentials) {
            (HeaderName::Credential(field), Some(sightings)) => sightings.as_code(field, code),
            _ => None,
        }
    }

    /// Takes note of the code that a field was sent as which carries these credentials.
    pub(super) fn credential_has_code(&mut self, name: HeaderName, code: &[u8], used: Used) {
        if let HeaderName::Credential(field) = name {
            self.sightings().has_code(field, code, used);
        }
    }

    /// Takes a cookie that a server sets.
    pub(super) fn set_cookie(&mut self, value: &[u8], at: Moment) {
        self.sightings().set_cookie(value, at);
    }

    /// Takes note of how a call ended that had carried these credentials.
    pub(super) fn outcome_with(
        &mut self,
        call: Option<CallId>,
        used: Used,
        status: Status,
        at: Moment,
    ) {
        self.outcome(call, status);
        if !used.any() {
            return;
        }
        let accepted = status.lets_in();
        if let (Some(sightings), Some(accepted)) = (&mut self.credentials, accepted) {
            sightings.judged(used, accepted, at);
        }
        let call = call.and_then(|id| self.facts.calls.get_mut(usize::from(id.0)));
        if let Some(call) = call.filter(|_| accepted == Some(true)) {
            call.succeeded_authenticated = call.succeeded_authenticated.saturating_add(1);
        }
    }

    /// Takes note of a request that changes something and carried these credentials, by a number for all its bytes that
    /// matter, so that it is known when it comes again.
    pub(super) fn print(&mut self, used: Used, body: u64, repeatable: bool, at: Moment) {
        let Some(sightings) = self.credentials.as_deref().filter(|_| used.any()) else { return };
        if self.prints.len() < limits::REQUEST_PRINTS {
            let hash = HASH.hash_one((body, sightings.print(used)));
            self.prints.push(RequestPrint { hash, repeatable, at });
        }
    }

    /// What crossed besides calls; nothing when there was nothing.
    pub(super) fn take_readable(&mut self) -> Option<Box<ReadableFacts>> {
        let mut facts = self.frameworks.take();
        if let Some(sightings) = self.credentials.take() {
            let requests = std::mem::take(&mut self.prints);
            let seen = ReadableFacts { requests, ..sightings.into_facts() };
            match &mut facts {
                Some(facts) => merge_readable(facts, seen),
                none => *none = Some(Box::new(seen)),
            }
        }
        facts.filter(|facts| **facts != ReadableFacts::default())
    }

    #[inline]
    fn url(&mut self, url: &[u8], place: Place) -> Used {
        // Most targets are a path alone.
        if url.starts_with(b"/") && memchr::memchr(b'?', url).is_none() {
            return Used::default();
        }
        self.sightings().target(url, place)
    }

    fn sightings(&mut self) -> &mut Sightings {
        self.credentials.get_or_insert_default()
    }

    /// Takes note of the scheme that an `Authorization` value begins with.
    fn scheme(&mut self, value: &[u8]) {
        let word = scheme::word(value);
        if self.facts.auth_schemes.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            return;
        }
        if self.facts.auth_schemes.len() < limits::NAMES {
            self.facts.auth_schemes.push(word.to_ascii_lowercase());
        } else {
            self.facts.cut = true;
        }
    }

    /// Counts a request that carried these credentials, if any.
    pub(super) fn authenticated_by(&mut self, used: Used, at: Moment) {
        if used.any() {
            self.authenticated(at);
            self.sightings().used(used, at);
        }
    }

    /// Counts a request that carried a credential.
    pub(super) fn authenticated(&mut self, at: Moment) {
        self.facts.authenticated = self.facts.authenticated.saturating_add(1);
        self.facts.first_auth.get_or_insert(at);
    }

    /// Takes note that a bound was reached.
    pub(super) fn cut(&mut self) {
        self.facts.cut = true;
    }

    /// Requests seen so far.
    pub(super) fn requests(&self) -> u64 {
        self.facts.requests
    }

    /// What was gathered; nothing when neither a request nor a response was seen.
    pub(super) fn into_facts(self) -> Option<Box<CallFacts>> {
        let facts = self.facts;
        let any = facts.requests > 0 || facts.responses > 0 || facts.unnamed > 0;
        any.then(|| Box::new(facts))
    }

    fn call(&mut self, name: CallName<'_>, at: Moment) -> Option<CallId> {
        match name {
            CallName::Grpc(path) => self.known_or_new(Shape::Path, target::without_query(path), at),
            CallName::Http { method, target } => {
                let mut name = std::mem::take(&mut self.scratch);
                name.clear();
                target::push_name(&mut name, method, target);
                let id = self.known_or_new(Shape::Plain, &name, at);
                self.scratch = name;
                id
            }
            CallName::Rpc { service, method } => {
                let mut name = std::mem::take(&mut self.scratch);
                name.clear();
                let half = limits::TEXT_BYTES / 2;
                name.extend(service.iter().take(half).filter(|byte| **byte != BETWEEN));
                name.push(BETWEEN);
                name.extend(method.iter().take(half - 1).filter(|byte| **byte != BETWEEN));
                let id = self.known_or_new(Shape::Pair, &name, at);
                self.scratch = name;
                id
            }
            CallName::Unknown => None,
        }
    }

    fn known_or_new(&mut self, shape: Shape, name: &[u8], at: Moment) -> Option<CallId> {
        let name = name.get(..limits::TEXT_BYTES).unwrap_or(name);
        let hash = HASH.hash_one(name);
        let known = |key: &Key| key.hash == hash && key.shape == shape && *key.name == *name;
        if let Some(index) = self.keys.iter().position(known) {
            return u16::try_from(index).ok().map(CallId);
        }
        if self.keys.len() >= limits::CALLS {
            self.facts.cut = true;
            return None;
        }
        let id = u16::try_from(self.keys.len()).ok().map(CallId)?;
        self.keys.push(Key { hash, shape, name: name.into() });
        self.facts.calls.push(new_call(shape, name, at));
        Some(id)
    }
}

fn new_call(shape: Shape, name: &[u8], first: Moment) -> Call {
    let (service, method): (&[u8], &[u8]) = match shape {
        Shape::Path => target::service_and_method(name),
        Shape::Plain => (&[], name),
        Shape::Pair => {
            let mut parts = name.splitn(2, |byte| *byte == BETWEEN);
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        }
    };
    Call {
        service: escape_bytes(service),
        method: escape_bytes(method),
        count: 0,
        succeeded: 0,
        succeeded_authenticated: 0,
        failed: 0,
        last_status: None,
        first,
    }
}

fn ended(call: &mut Call, (success, code): (bool, Option<u16>)) {
    let count = if success { &mut call.succeeded } else { &mut call.failed };
    *count = count.saturating_add(1);
    call.last_status = code.or(call.last_status);
}
