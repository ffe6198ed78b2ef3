//! Fields of one credential at one server endpoint.

use std::borrow::Cow;

use crate::model::told::{bool, int, text};
use crate::model::{
    CredentialAt, Field, Judged, Kind, Seen, Subject, Timestamp, Token, Value, field,
};

/// The fields of credentials. One line declares one.
#[rustfmt::skip]
pub static CREDENTIAL_FIELDS: &[Field] = &[
    field::<CredentialAt>("server.service", Kind::Text, "payments", "the service it was shown to, or its address", |s| CredentialAt::of(s, |c| Seen::Value(Value::text(&c.server.service)))),
    field::<CredentialAt>("server.addr", Kind::Text, "10.0.0.9", "the address it was shown to", |s| CredentialAt::of(s, |c| Seen::Value(Value::Text(Cow::Owned(c.server.addr.to_string()))))),
    field::<CredentialAt>("server.port", Kind::Int, "8443", "the port it was shown to", |s| CredentialAt::of(s, |c| int(u64::from(c.port)))),
    field::<CredentialAt>("credential.kind", Kind::Text, "password", "what it is: `password`, `token`, `jwt`, `api-key`, `cookie`, `challenge-response`, `signature`; `none` where a server served without any", |s| CredentialAt::of(s, |c| word(c.credential.kind.name()))),
    field::<CredentialAt>("credential.mechanism", Kind::Text, "http basic", "how the protocol calls the way it is used", |s| CredentialAt::of(s, |c| word(c.credential.mechanism))),
    field::<CredentialAt>("credential.place", Kind::Text, "header authorization", "where it stood", |s| CredentialAt::of(s, |c| Seen::Value(Value::text(&c.credential.place)))),
    field::<CredentialAt>("credential.principal", Kind::Text, "orders", "whom it authenticates, as the protocol says it; absent when it does not", |s| CredentialAt::of(s, |c| c.credential.principal.as_deref().map(Value::text).into())),
    field::<CredentialAt>("credential.owner", Kind::Text, "orders", "the principal; of a JSON Web Token, of which a server is shown one for each user, its issuer", |s| CredentialAt::of(s, owner)),
    field::<CredentialAt>("credential.number", Kind::Int, "1", "the number of its secret within the run: equal secrets have equal numbers", |s| CredentialAt::of(s, |c| int(c.ordinal))),
    field::<CredentialAt>("credential.length", Kind::Int, "36", "bytes of the secret", |s| CredentialAt::of(s, |c| int(u64::from(c.credential.secret.length())))),
    field::<CredentialAt>("credential.exposure", Kind::Text, "readable", "what a listener can do with it: `readable`, use it; `crackable`, guess passwords against it; `safe`, nothing", |s| CredentialAt::of(s, |c| word(c.credential.exposure.name()))),
    field::<CredentialAt>("credential.default", Kind::Bool, "false", "it is one that the product ships with, or none at all", |s| CredentialAt::of(s, |c| bool(c.credential.default))),
    field::<CredentialAt>("credential.accepted", Kind::Bool, "true", "the server let it in; absent where the server did not say, hidden where only one direction was captured", |s| CredentialAt::of(s, accepted)),
    field::<CredentialAt>("credential.protocol", Kind::Text, "grpc", "what carried it", |s| CredentialAt::of(s, |c| c.protocol.map(Value::text).into())),
    field::<CredentialAt>("credential.sessions", Kind::Int, "12", "sessions in which it was shown", |s| CredentialAt::of(s, |c| int(c.sessions))),
    field::<CredentialAt>("credential.in_clear", Kind::Int, "12", "of them, sessions in which it crossed readable", |s| CredentialAt::of(s, |c| int(c.in_clear))),
    field::<CredentialAt>("credential.over_network", Kind::Int, "12", "sessions in which it left the machine", |s| CredentialAt::of(s, |c| int(c.sessions.saturating_sub(c.loopback)))),
    field::<CredentialAt>("credential.count", Kind::Int, "40", "how often it was sent", |s| CredentialAt::of(s, |c| int(c.count))),
    field::<CredentialAt>("credential.sources", Kind::Int, "1", "addresses that showed it to this server", |s| CredentialAt::of(s, |c| int(c.sources))),
    field::<CredentialAt>("credential.independent_sources", Kind::Int, "1", "addresses that showed it to any server, without those that were shown it themselves and pass it on", |s| CredentialAt::of(s, |c| int(c.independent_sources))),
    field::<CredentialAt>("credential.servers", Kind::Int, "1", "server endpoints that were shown the same secret", |s| CredentialAt::of(s, |c| int(c.servers))),
    field::<CredentialAt>("credential.secrets_of_principal", Kind::Int, "1", "different secrets with which this server let the same principal in", |s| CredentialAt::of(s, |c| int(c.secrets_of_principal))),
    field::<CredentialAt>("credential.days", Kind::Int, "30", "days between its first and its last use in the run", |s| CredentialAt::of(s, |c| int(days(c)))),
    field::<CredentialAt>("credential.first_seen", Kind::Time, "2026-01-21T09:00:00Z", "first use", |s| CredentialAt::of(s, |c| Seen::Value(Value::Time(c.first.time)))),
    field::<CredentialAt>("packet.time", Kind::Time, "2026-01-21T09:14:01Z", "last packet of the last session that showed it", |s| CredentialAt::of(s, |c| Seen::Value(Value::Time(c.last.time)))),
    field::<CredentialAt>("jwt.algorithm", Kind::Text, "RS256", "`alg` of the token, as it was written; all `jwt` fields are absent where the credential is no token of this kind", |s| token(s, |t| text(&t.algorithm))),
    field::<CredentialAt>("jwt.unsigned", Kind::Bool, "false", "it has no signature, or says that it needs none", |s| token(s, |t| bool(t.unsigned))),
    field::<CredentialAt>("jwt.symmetric", Kind::Bool, "false", "whoever can check it can also make it: `alg` is HS256 or the like", |s| token(s, |t| bool(t.algorithm.get(..2).is_some_and(|a| a.eq_ignore_ascii_case("HS"))))),
    field::<CredentialAt>("jwt.key_id", Kind::Text, "2026-01", "`kid`", |s| token(s, |t| optional(t.key_id.as_deref()))),
    field::<CredentialAt>("jwt.key_url", Kind::Text, "https://auth.internal/keys", "`jku` or `x5u`: where the receiver is told to fetch the key from", |s| token(s, |t| optional(t.key_url.as_deref()))),
    field::<CredentialAt>("jwt.issuer", Kind::Text, "https://auth.internal", "`iss`", |s| token(s, |t| optional(t.issuer.as_deref()))),
    field::<CredentialAt>("jwt.subject", Kind::Text, "orders", "`sub`", |s| token(s, |t| optional(t.subject.as_deref()))),
    field::<CredentialAt>("jwt.audience", Kind::Texts, "payments", "`aud`", |s| token(s, |t| Seen::Value(texts(&t.audience)))),
    field::<CredentialAt>("jwt.has_id", Kind::Bool, "true", "`jti` is there", |s| token(s, |t| bool(t.has_id))),
    field::<CredentialAt>("jwt.issued", Kind::Time, "2026-01-21T09:00:00Z", "`iat`", |s| token(s, |t| t.issued.map(Value::Time).into())),
    field::<CredentialAt>("jwt.not_before", Kind::Time, "2026-01-21T09:00:00Z", "`nbf`", |s| token(s, |t| t.not_before.map(Value::Time).into())),
    field::<CredentialAt>("jwt.expires", Kind::Time, "2026-01-21T10:00:00Z", "`exp`", |s| token(s, |t| t.expires.map(Value::Time).into())),
    field::<CredentialAt>("jwt.lifetime", Kind::Int, "3600", "seconds from `iat`, or from its first use where there is none, to `exp`", |s| CredentialAt::of(s, |c| c.token.as_ref().map_or(Seen::Absent, |t| lifetime(c, t)))),
    field::<CredentialAt>("jwt.accepted_after", Kind::Int, "-120", "seconds from `exp` to the last time that the server let it in", |s| token(s, accepted_after)),
    field::<CredentialAt>("jwt.grants", Kind::Texts, "orders:read", "scopes, roles and permissions", |s| token(s, |t| Seen::Value(texts(&t.grants)))),
];

const DAY: u64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;

fn token<'a>(
    subject: &Subject<'a>,
    read: impl FnOnce(&'a Token) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    CredentialAt::of(subject, |credential| credential.token.as_ref().map_or(Seen::Absent, read))
}

fn word<'a>(word: &'static str) -> Seen<Value<'a>> {
    Seen::Value(Value::text(word))
}

fn optional(text: Option<&str>) -> Seen<Value<'_>> {
    text.map(Value::text).into()
}

fn texts(all: &[String]) -> Value<'_> {
    Value::Texts(all.iter().map(|text| Cow::Borrowed(text.as_str())).collect())
}

fn owner(credential: &CredentialAt) -> Seen<Value<'_>> {
    match &credential.token {
        Some(token) => optional(token.issuer.as_deref()),
        None => optional(credential.credential.principal.as_deref()),
    }
}

fn accepted(credential: &CredentialAt) -> Seen<Value<'_>> {
    credential.accepted.map(|accepted| Value::Bool(*accepted))
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.micros().saturating_sub(from.micros()) / SECOND
}

fn days(credential: &CredentialAt) -> u64 {
    let micros = credential.last.time.micros().saturating_sub(credential.first.time.micros());
    u64::try_from(micros).unwrap_or_default() / DAY
}

fn lifetime<'a>(credential: &CredentialAt, token: &Token) -> Seen<Value<'a>> {
    let begin = token.issued.or(token.not_before).unwrap_or(credential.first.time);
    token.expires.map(|end| Value::Int(seconds(begin, end))).into()
}

fn accepted_after(token: &Token) -> Seen<Value<'_>> {
    match (token.expires, token.last_accepted) {
        (Some(end), Some(last)) => Seen::Value(Value::Int(seconds(end, last.time))),
        _ => Seen::Absent,
    }
}
