//! What crossed readable besides the calls themselves: secrets, claims, upgrades, registrations.

use super::{RequestPrint, SetCookie, Token};
use crate::model::{Direction, Moment, Secret};

/// What crossed readable besides the calls themselves.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReadableFacts {
    /// Distinct credentials, in the order of their first use.
    pub credentials: Vec<Credential>,
    /// What those of them that are JSON Web Tokens say of themselves.
    pub tokens: Vec<Token>,
    /// Distinct cookies that look like sessions, as the server set them.
    pub cookies: Vec<SetCookie>,
    /// Requests that change something and carried a credential.
    pub requests: Vec<RequestPrint>,
    /// Names that callers gave themselves. Claims, never identities.
    pub callers: Vec<Claim>,
    /// Programs and libraries that named themselves.
    pub programs: Vec<Program>,
    /// TLS was asked for within the protocol: what became of it.
    pub upgrade: Option<Upgrade>,
    /// Services that were registered, looked up or announced.
    pub registrations: Vec<Registration>,
    /// Names whose addresses were all replaced during the run. Only what stands for a sender's datagrams has them.
    pub moves: Vec<NameMove>,
    /// What looks like data that nobody should send in clear, by kind and direction.
    pub sensitive: Vec<SensitiveData>,
    /// Calls that the server accepted or refused without the client having authenticated.
    pub unauthenticated: Option<Moment>,
    /// A bound was reached: the lists above are not all there was.
    pub cut: bool,
}

impl ReadableFacts {
    /// What a credential says of itself, when it is a JSON Web Token.
    #[must_use]
    pub fn token_of(&self, credential: &Credential) -> Option<&Token> {
        self.tokens.iter().find(|token| token.secret == credential.secret)
    }
}

/// A secret that proves who the caller is, or an answer made of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credential {
    /// What it is.
    pub kind: CredentialKind,
    /// How the protocol calls the way it is used (`sasl plain`, `http basic`, `mysql_native_password`), lower case.
    pub mechanism: &'static str,
    /// Where it stood (`header authorization`, `query access_token`, `startup message`), escaped.
    pub place: String,
    /// Whom it authenticates, as the protocol says it; escaped.
    pub principal: Option<String>,
    /// The secret, forgotten but for its digest and length.
    pub secret: Secret,
    /// What a listener can do with it.
    pub exposure: Exposure,
    /// It is one that the product ships with (`guest`/`guest`).
    pub default: bool,
    /// Who sent it.
    pub direction: Direction,
    /// First use.
    pub first: Moment,
    /// How often it was sent.
    pub count: u64,
    /// Whether the server accepted it, where it said so.
    pub accepted: Option<bool>,
}

/// What a credential is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CredentialKind {
    /// A password.
    Password,
    /// An opaque token: whoever has it is the caller.
    Token,
    /// A JSON Web Token (RFC 7519).
    Jwt,
    /// A key that belongs to a program rather than to a session.
    ApiKey,
    /// An HTTP cookie that looks like a session.
    Cookie,
    /// An answer made of a password and a challenge.
    Response,
    /// A signature over the request.
    Signature,
    /// None at all: the server served without.
    None,
}

impl CredentialKind {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::Jwt => "jwt",
            Self::ApiKey => "api-key",
            Self::Cookie => "cookie",
            Self::Response => "challenge-response",
            Self::Signature => "signature",
            Self::None => "none",
        }
    }
}

/// What a listener can do with a credential that crossed in clear.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Exposure {
    /// Use it as it is.
    Readable,
    /// Guess passwords against it, off line and as fast as a machine can.
    Crackable,
    /// Nothing of use: the mechanism was made for clear channels (SCRAM, a signature).
    Safe,
}

impl Exposure {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Readable => "readable",
            Self::Crackable => "crackable",
            Self::Safe => "safe",
        }
    }
}

/// A name that a caller gave itself in text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The name, escaped.
    pub name: String,
    /// Where it said so (`metadata app`, `ttheader from-service`).
    pub by: &'static str,
    /// First time.
    pub at: Moment,
}

/// A program or library that named itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Its name, lower case (`grpc-go`, `mysql`, `nats-server`), escaped.
    pub name: String,
    /// Its version as it gave it, escaped; empty when it gave none.
    pub version: String,
    /// Which side.
    pub side: Direction,
}

/// What became of TLS that was asked for, or offered, within a protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Upgrade {
    /// The request (`SSLRequest`, `STARTTLS`), or the server's offer or demand.
    pub asked: Moment,
    /// The answer, when there was one.
    pub answered: Option<Moment>,
    /// What became of it.
    pub state: UpgradeState,
    /// The first bytes that were said in clear after the refusal or in spite of the offer.
    pub clear_after: Option<Moment>,
}

/// How far an upgrade to TLS came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpgradeState {
    /// The server offers TLS; the client did not ask.
    Offered,
    /// The server demands TLS.
    Demanded,
    /// The client asked; no answer was seen.
    Asked,
    /// The server agreed.
    Accepted,
    /// The server refused.
    Refused,
}

impl UpgradeState {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Demanded => "demanded",
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// What looks like data that nobody should send in clear. Nothing of the data is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SensitiveData {
    /// What it looks like.
    pub kind: SensitiveKind,
    /// Who sent it.
    pub direction: Direction,
    /// How often.
    pub count: u64,
    /// The end of the first.
    pub first: Moment,
}

/// What sensitive data looks like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SensitiveKind {
    /// The number of a payment card (ISO/IEC 7812): length, beginning and check digit of an issuer's.
    CardNumber,
    /// A private key as text (RFC 7468).
    PrivateKey,
    /// An address of e-mail (RFC 5321 section 4.1.2), as most are written.
    EmailAddress,
}

impl SensitiveKind {
    /// The word in rules and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CardNumber => "card-number",
            Self::PrivateKey => "private-key",
            Self::EmailAddress => "e-mail-address",
        }
    }
}

/// A name that name servers or announcements gave other addresses than before, and none of those it had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameMove {
    /// The name, escaped.
    pub name: String,
    /// The addresses it had, escaped, sorted.
    pub before: Vec<String>,
    /// Those it has, escaped, sorted.
    pub after: Vec<String>,
    /// The first answer with one of the new ones.
    pub at: Moment,
}

/// A service in a registry: put there, looked up, or announced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// The registry's kind (`etcd`, `consul`, `mdns`, `zookeeper`, `nacos`, `eureka`).
    pub registry: &'static str,
    /// Whether the client wrote it.
    pub write: bool,
    /// The service's name or key, escaped.
    pub service: String,
    /// Where it is said to be (`10.0.0.9:8080`), escaped; empty when that was not said.
    pub address: String,
    /// First time.
    pub at: Moment,
    /// Its metadata holds what looks like a credential.
    pub holds_credential: bool,
}
