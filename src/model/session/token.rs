//! What a JSON Web Token says of itself.

use crate::model::{Moment, Secret, Timestamp};

/// A JSON Web Token (RFC 7519), decoded and not verified: nobody but the services has the key. Text is escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// The credential that it is.
    pub secret: Secret,
    /// `alg` as it was written; empty when it is missing.
    pub algorithm: String,
    /// `typ`.
    pub media_type: Option<String>,
    /// It has no signature, or says that it needs none (RFC 8725 section 3.1).
    pub unsigned: bool,
    /// `kid`.
    pub key_id: Option<String>,
    /// `jku` or `x5u`: where the receiver is told to fetch the key from.
    pub key_url: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`.
    pub audience: Vec<String>,
    /// `jti` is there.
    pub has_id: bool,
    /// `iat`.
    pub issued: Option<Timestamp>,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
    /// `exp`.
    pub expires: Option<Timestamp>,
    /// Scopes, roles and permissions.
    pub grants: Vec<String>,
    /// The last time that the server answered a call that carried it with success.
    pub last_accepted: Option<Moment>,
}

/// A cookie that looks like a session, as a server set it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetCookie {
    /// Its name, escaped.
    pub name: String,
    /// `Secure`: only over TLS.
    pub secure: bool,
    /// `HttpOnly`: not for scripts.
    pub http_only: bool,
    /// `SameSite` is `Lax` or `Strict`.
    pub same_site: bool,
    /// When it was set first.
    pub at: Moment,
}

/// A request that changes something and carried a credential, as far as it takes to recognise it when it comes again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestPrint {
    /// Over method, target, credential and body.
    pub hash: u64,
    /// It says of itself that it may come twice: an idempotency key, a retry count.
    pub repeatable: bool,
    /// When.
    pub at: Moment,
}
