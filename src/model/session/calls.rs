//! Calls that crossed readable.

use crate::model::Moment;

/// Calls that crossed readable: HTTP requests, RPC methods.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallFacts {
    /// Distinct calls, in the order of their first request.
    pub calls: Vec<Call>,
    /// Requests seen.
    pub requests: u64,
    /// Responses seen.
    pub responses: u64,
    /// Requests whose service and method could not be told, because the capture joined mid-stream or a bound was hit.
    pub unnamed: u64,
    /// First request.
    pub first_request: Option<Moment>,
    /// First response.
    pub first_response: Option<Moment>,
    /// Distinct authorities (`Host`, `:authority`), escaped.
    pub authorities: Vec<String>,
    /// Distinct user agents, escaped.
    pub user_agents: Vec<String>,
    /// Distinct authentication schemes of requests, lower case (`bearer`, `basic`); never what follows them.
    pub auth_schemes: Vec<String>,
    /// First request that carried one.
    pub first_auth: Option<Moment>,
    /// Requests with an authentication scheme or another known credential field.
    pub authenticated: u64,
    /// Distinct server products (`Server`), escaped.
    pub server_products: Vec<String>,
    /// Something did not fit a bound.
    pub cut: bool,
    /// The place of the call that asked for another protocol, in which it is answered (`Upgrade: h2c`).
    pub upgraded: Option<usize>,
    /// How a call ended that nobody made in this protocol: success, and status. It was made before an upgrade, if there
    /// was one (RFC 7540 section 3.2).
    pub earlier: Option<(bool, Option<u16>)>,
}

/// One distinct call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The service (`helloworld.Greeter`), escaped; empty for plain HTTP.
    pub service: String,
    /// The method (`SayHello`), or HTTP method and path without query (`GET /health`), escaped.
    pub method: String,
    /// Requests.
    pub count: u64,
    /// Responses that say success: HTTP 2xx and gRPC status 0.
    pub succeeded: u64,
    /// Of them, responses to requests that carried a credential.
    pub succeeded_authenticated: u64,
    /// Responses that say anything else.
    pub failed: u64,
    /// The last status: gRPC status if there, else HTTP's.
    pub last_status: Option<u16>,
    /// First request.
    pub first: Moment,
}
