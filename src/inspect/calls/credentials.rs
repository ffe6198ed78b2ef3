//! Credentials that requests carry: in header fields, cookies and the query of a target.
//!
//! Takes values of the fields that matter; gives what they are and whom they authenticate. Of a secret nothing is kept
//! but [`Secret`]. A value that was seen before on the connection costs a hash of it, and nothing is read twice.

use std::hash::BuildHasher as _;

use smallvec::SmallVec;

use super::header::CredentialField;
use super::scheme::scheme_of;
use super::{HASH, jwt, parameters};
use crate::inspect::sasl::ntlm_user;
use crate::model::{
    Credential, CredentialKind, Direction, Exposure, Moment, ReadableFacts, Secret, SetCookie,
    Token, escape_bytes, limits,
};

/// Which of a connection's credentials a request carried.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(in crate::inspect) struct Used(u32);

impl Used {
    /// None.
    #[cfg(test)]
    pub(in crate::inspect) const NONE: Self = Self(0);

    /// The first of the list.
    #[cfg(test)]
    pub(super) const SOME: Self = Self(1);

    /// A credential that is not in the list, because the list is full.
    const UNLISTED: Self = Self(1 << 31);

    /// Whether it carried any.
    pub(in crate::inspect) fn any(self) -> bool {
        self.0 != 0
    }

    /// Adds those of another part of the request.
    pub(in crate::inspect) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn one(place: usize) -> Self {
        u32::try_from(place)
            .ok()
            .and_then(|place| 1_u32.checked_shl(place))
            .map_or(Self::UNLISTED, Self)
    }

    fn has(self, place: usize) -> bool {
        self.0 & Self::one(place).0 != 0
    }
}

/// Codes that are remembered: a connection carries the calls of one client, or of a few behind a proxy.
const CODES: usize = 4;

/// The credentials of one connection. Has no `Debug`: it knows hashes of secrets.
#[derive(Clone, Default)]
pub(super) struct Sightings {
    /// Values that were read, by a hash of them.
    seen: Vec<(u64, Used)>,
    /// The same by hashes of the codes that they were sent as, newest last.
    codes: SmallVec<[(u64, Used); CODES]>,
    found: Vec<Found>,
    cookies: Vec<SetCookie>,
    /// The name that came with go-zero's token.
    app: Option<String>,
    cut: bool,
}

/// A credential as it stood in a request.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) credential: Credential,
    pub(super) token: Option<Token>,
    /// It is made anew for each request, so its secret does not make it another one.
    pub(super) changes: bool,
}

impl Sightings {
    /// Which credentials the value of this field has.
    pub(super) fn field(&mut self, field: CredentialField, value: &[u8]) -> Used {
        self.known_or(&(field, value), |all| match field {
            CredentialField::Cookie => all.cookies_of_request(value),
            _ => read(field, value).map_or(Used::default(), |found| all.list(found)),
        })
    }

    /// Which credentials a value has that was sent as this code, if it was read not long ago.
    pub(super) fn as_code(&self, field: CredentialField, code: &[u8]) -> Option<Used> {
        let hash = HASH.hash_one((field, code));
        self.codes.iter().find(|(known, _)| *known == hash).map(|(_, used)| *used)
    }

    /// Takes note of the code that a value was sent as.
    pub(super) fn has_code(&mut self, field: CredentialField, code: &[u8], used: Used) {
        if self.codes.len() >= CODES {
            self.codes.remove(0);
        }
        self.codes.push((HASH.hash_one((field, code)), used));
    }

    /// Which credentials the query or the userinfo of a target has.
    pub(super) fn target(&mut self, target: &[u8], where_from: parameters::Place) -> Used {
        self.known_or(&(where_from, target), |all| {
            let mut used = Used::default();
            parameters::read(target, where_from, &mut |found| used.add(all.list(found)));
            used
        })
    }

    /// Takes the name that a go-zero client gives itself.
    pub(super) fn app(&mut self, name: &[u8]) {
        if self.app.is_none() && !name.is_empty() {
            self.app = Some(text(name));
        }
    }

    /// Takes a cookie that a server sets.
    pub(super) fn set_cookie(&mut self, value: &[u8], at: Moment) {
        if let Some(cookie) = parameters::set_cookie(value, at)
            && !self.cookies.iter().any(|known| known.name == cookie.name)
        {
            if self.cookies.len() < limits::NAMES {
                self.cookies.push(cookie);
            } else {
                self.cut = true;
            }
        }
    }

    /// Counts one use of each.
    pub(super) fn used(&mut self, used: Used, at: Moment) {
        for (place, found) in self.found.iter_mut().enumerate() {
            let credential = &mut found.credential;
            if !used.has(place) {
                continue;
            }
            if credential.count == 0 {
                credential.first = at;
            }
            if credential.principal.is_none() && credential.mechanism == ZRPC {
                credential.principal.clone_from(&self.app);
            }
            credential.count = credential.count.saturating_add(1);
        }
    }

    /// Takes note of what the server said of a request that carried them.
    pub(super) fn judged(&mut self, used: Used, accepted: bool, at: Moment) {
        for (place, found) in self.found.iter_mut().enumerate() {
            if !used.has(place) {
                continue;
            }
            let before = &mut found.credential.accepted;
            *before = Some(accepted || *before == Some(true));
            if let Some(token) = found.token.as_mut().filter(|_| accepted) {
                token.last_accepted = Some(at);
            }
        }
    }

    /// A number for these credentials that is the same on every connection that carries them.
    pub(super) fn print(&self, used: Used) -> u64 {
        let all = self.found.iter().enumerate().filter(|(place, _)| used.has(*place));
        all.fold(0, |print, (_, found)| print ^ HASH.hash_one(found.credential.secret.digest()))
    }

    /// What was gathered.
    pub(super) fn into_facts(self) -> ReadableFacts {
        let (mut credentials, mut tokens) = (Vec::new(), Vec::new());
        for found in self.found {
            if found.credential.count > 0 {
                credentials.push(found.credential);
                tokens.extend(found.token);
            }
        }
        ReadableFacts {
            credentials,
            tokens,
            cookies: self.cookies,
            cut: self.cut,
            ..ReadableFacts::default()
        }
    }

    /// What was found in a value before, else what is found in it now.
    fn known_or(
        &mut self,
        value: &impl std::hash::Hash,
        find: impl FnOnce(&mut Self) -> Used,
    ) -> Used {
        let hash = HASH.hash_one(value);
        if let Some((_, used)) = self.seen.iter().find(|(known, _)| *known == hash) {
            return *used;
        }
        if self.seen.len() >= limits::CREDENTIAL_VALUES {
            self.cut = true;
            return Used::UNLISTED;
        }
        let used = find(self);
        self.seen.push((hash, used));
        used
    }

    fn cookies_of_request(&mut self, value: &[u8]) -> Used {
        let mut used = Used::default();
        parameters::cookies(value, &mut |found| used.add(self.list(found)));
        used
    }

    fn list(&mut self, new: Found) -> Used {
        let same = |old: &Found| {
            let (old, new_one) = (&old.credential, &new.credential);
            old.kind == new_one.kind
                && old.mechanism == new_one.mechanism
                && old.place == new_one.place
                && old.principal == new_one.principal
                && (new.changes || old.secret == new_one.secret)
        };
        if let Some(place) = self.found.iter().position(same) {
            return Used::one(place);
        }
        if self.found.len() >= limits::CREDENTIALS {
            self.cut = true;
            return Used::UNLISTED;
        }
        self.found.push(new);
        Used::one(self.found.len().saturating_sub(1))
    }
}

/// The mechanism of go-zero's zrpc.
const ZRPC: &str = "zrpc token";

/// What the value of a field is, but for cookies.
fn read(field: CredentialField, value: &[u8]) -> Option<Found> {
    use CredentialKind::{ApiKey, Token};
    let value = value.trim_ascii();
    if value.is_empty() {
        return None;
    }
    let (kind, mechanism) = match field {
        CredentialField::Authorization => return authorization(field, value),
        CredentialField::ProxyAuthorization => return authorization(field, value),
        CredentialField::ContentSecurity => return Some(content_security(value)),
        CredentialField::XApiKey | CredentialField::ApiKey | CredentialField::ApiKeyWord => {
            (ApiKey, "api key")
        }
        CredentialField::Token => (Token, ZRPC),
        CredentialField::ConsulToken => (Token, "consul token"),
        CredentialField::VaultToken => (Token, "vault token"),
        CredentialField::AmazonToken => (Token, "aws session token"),
        CredentialField::XAuthToken | CredentialField::Cookie => (Token, "auth token"),
    };
    Some(bearer(kind, mechanism, field.place().to_owned(), value))
}

/// The value of `Authorization` (RFC 9110 section 11.6.2).
fn authorization(field: CredentialField, value: &[u8]) -> Option<Found> {
    let place = || field.place().to_owned();
    let scheme = scheme_of(value);
    let rest = value.get(scheme.map_or(0, str::len)..).unwrap_or_default().trim_ascii();
    let is = |name: &str| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(name));
    if rest.is_empty() {
        return None;
    }
    if is("basic") {
        return Some(basic(place(), rest));
    }
    if is("bearer") {
        return Some(bearer(CredentialKind::Token, "http bearer", place(), rest));
    }
    if is("digest") {
        let strong = attribute(rest, b"algorithm").is_some_and(|name| name.starts_with(b"SHA"));
        let mechanism = if strong { "http digest" } else { "http digest md5" };
        let principal = attribute(rest, b"username");
        return Some(response(mechanism, Exposure::Crackable, principal, place(), rest));
    }
    if is("negotiate") || is("ntlm") {
        return negotiate(place(), rest);
    }
    if is("aws4-hmac-sha256") {
        let key = attribute(rest, b"Credential");
        let key = key.and_then(|key| key.split(|byte| *byte == b'/').next());
        let found = response("aws signature v4", Exposure::Safe, key, place(), rest);
        return Some(of_kind(found, CredentialKind::Signature));
    }
    if scheme.is_some_and(|scheme| scheme.to_ascii_lowercase().starts_with("scram-")) {
        return Some(response("http scram", Exposure::Safe, None, place(), rest));
    }
    Some(bearer(CredentialKind::Token, "http authorization", place(), rest))
}

/// `user:password` in base64 (RFC 7617).
fn basic(place: String, encoded: &[u8]) -> Found {
    let decoded = parameters::base64(encoded);
    let text_of = decoded.as_deref().unwrap_or(encoded);
    let mut parts = text_of.splitn(2, |byte| *byte == b':');
    let (user, password) = (parts.next().unwrap_or_default(), parts.next());
    let principal = password.is_some().then(|| text(user));
    let secret = password.unwrap_or(text_of);
    let token = jwt::read(secret);
    let default = is_default(user, secret) && password.is_some();
    let kind = if token.is_some() { CredentialKind::Jwt } else { CredentialKind::Password };
    Found {
        credential: Credential { principal, default, ..new(kind, "http basic", place, secret) },
        token,
        changes: false,
    }
}

/// A secret that is used as it is: a token, of which something more may be known.
pub(super) fn bearer(
    kind: CredentialKind,
    mechanism: &'static str,
    place: String,
    secret: &[u8],
) -> Found {
    let token = jwt::read(secret);
    let kind = if token.is_some() { CredentialKind::Jwt } else { kind };
    let principal = token.as_ref().and_then(|token| token.subject.clone());
    let credential = Credential { principal, ..new(kind, mechanism, place, secret) };
    Found { credential, token, changes: false }
}

/// An answer that is made anew for each request.
fn response(
    mechanism: &'static str,
    exposure: Exposure,
    principal: Option<&[u8]>,
    place: String,
    value: &[u8],
) -> Found {
    let principal = principal.filter(|name| !name.is_empty()).map(text);
    let credential = new(CredentialKind::Response, mechanism, place, value);
    Found {
        credential: Credential { principal, exposure, ..credential },
        token: None,
        changes: true,
    }
}

fn of_kind(found: Found, kind: CredentialKind) -> Found {
    Found { credential: Credential { kind, ..found.credential }, ..found }
}

/// SPNEGO (RFC 4559): a Kerberos ticket, or NTLM, of which only the third message has an answer.
fn negotiate(place: String, encoded: &[u8]) -> Option<Found> {
    const SIGNATURE: &[u8] = b"NTLMSSP\0";
    const ANSWER: u8 = 3;
    let decoded = parameters::base64(encoded)?;
    let Some(at) = memchr::memmem::find(&decoded, SIGNATURE) else {
        return Some(response("http negotiate", Exposure::Safe, None, place, encoded));
    };
    let kind = decoded.get(at.saturating_add(SIGNATURE.len()));
    let user = ntlm_user(&decoded);
    (kind == Some(&ANSWER))
        .then(|| response("ntlm", Exposure::Crackable, user.as_deref(), place, encoded))
}

/// `key=...; secret=...; signature=...`. The signature makes the request's; the same one again is a repetition.
fn content_security(value: &[u8]) -> Found {
    let part = |name: &[u8]| {
        let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix(b"="))
    };
    let place = CredentialField::ContentSecurity.place().to_owned();
    let signature = part(b"signature").unwrap_or(value);
    let credential = new(CredentialKind::Signature, "x-content-security", place, signature);
    let principal = part(b"key").map(text);
    let exposure = Exposure::Safe;
    Found {
        credential: Credential { principal, exposure, ..credential },
        token: None,
        changes: false,
    }
}

/// The value of `name=value` or `name="value"` in a list (RFC 9110 section 11.2).
fn attribute<'a>(list: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).take(limits::PARAMETERS).find_map(
        |part| {
            let (key, value) = part.split_at_checked(memchr::memchr(b'=', part)?)?;
            let value = value.strip_prefix(b"=")?.trim_ascii();
            let value =
                value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
            key.trim_ascii().eq_ignore_ascii_case(name).then_some(value)
        },
    )
}

/// Passwords that products ship with.
const DEFAULTS: &[(&[u8], &[u8])] = &[
    (b"guest", b"guest"),
    (b"admin", b"admin"),
    (b"admin", b"micro"),
    (b"admin", b"password"),
    (b"admin", b""),
    (b"nacos", b"nacos"),
    (b"root", b"root"),
    (b"root", b""),
    (b"elastic", b"changeme"),
    (b"minioadmin", b"minioadmin"),
    (b"tomcat", b"tomcat"),
];

fn is_default(user: &[u8], password: &[u8]) -> bool {
    DEFAULTS.contains(&(user, password))
}

/// A readable credential of a request that was not counted yet.
pub(super) fn new(
    kind: CredentialKind,
    mechanism: &'static str,
    place: String,
    secret: &[u8],
) -> Credential {
    Credential {
        kind,
        mechanism,
        place,
        principal: None,
        secret: Secret::of(secret),
        exposure: Exposure::Readable,
        default: false,
        direction: Direction::ToServer,
        first: Moment::default(),
        count: 0,
        accepted: None,
    }
}

/// A name from the wire, safe to show.
pub(super) fn text(bytes: &[u8]) -> String {
    escape_bytes(bytes.get(..limits::TEXT_BYTES).unwrap_or(bytes))
}

#[cfg(test)]
mod tests;
