//! What services ask of registries that are spoken to over HTTP and gRPC: etcd, Consul, Nacos, Eureka.
//!
//! Takes paths, queries and the beginnings of request bodies; gives what was registered or looked up, and the passwords
//! that clients log in with. Answers are not looked at.

use std::borrow::Cow;

use super::target;
use crate::inspect::{json, protobuf};
use crate::model::{
    Credential, CredentialKind, Direction, Exposure, Moment, Registration, Secret, escape_bytes,
    limits,
};

/// What was found in a request.
#[derive(Clone)]
pub(in crate::inspect) enum Found {
    /// A service was registered or looked up.
    Registration(Registration),
    /// Somebody logs in.
    Credential(Credential),
}

/// What the body of a request is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::inspect) enum Body {
    /// `PUT /v1/agent/service/register` and `PUT /v1/catalog/register`
    Consul,
    /// A form with the fields that a query has otherwise.
    Nacos,
    /// A form with a password.
    NacosLogin,
    /// The instance of this application.
    Eureka(String),
}

/// What a request over HTTP asks of a registry.
#[derive(Clone, Default)]
pub(in crate::inspect) struct Asked {
    /// What its target says.
    pub(in crate::inspect) found: Option<Registration>,
    /// What else is to be read.
    pub(in crate::inspect) body: Option<Body>,
}

/// What a request over HTTP asks of a registry, if it goes to one.
#[inline]
pub(in crate::inspect) fn http(method: &[u8], target: &[u8], at: Moment) -> Option<Asked> {
    match target {
        [b'/', b'v', b'1', b'/', rest @ ..] => consul(method, rest, at),
        [b'/', b'n', b'a', b'c', b'o', b's', b'/', rest @ ..] => nacos(method, rest, at),
        [b'/', b'e', b'u', b'r', b'e', b'k', b'a', b'/', rest @ ..] => eureka(method, rest, at),
        _ => None,
    }
}

/// Of an entry that was written or read.
fn entry(registry: &'static str, write: bool, service: &[u8], at: Moment) -> Registration {
    Registration {
        registry,
        write,
        service: shown(service),
        address: String::new(),
        at,
        holds_credential: false,
    }
}

fn shown(text: &[u8]) -> String {
    escape_bytes(text.get(..limits::TEXT_BYTES).unwrap_or(text))
}

fn consul(method: &[u8], rest: &[u8], at: Moment) -> Option<Asked> {
    const NAMED: [(&[u8], bool); 6] = [
        (b"health/service/", false),
        (b"health/connect/", false),
        (b"catalog/service/", false),
        (b"catalog/connect/", false),
        (b"agent/service/deregister/", true),
        (b"agent/health/service/name/", false),
    ];
    let path = target::without_query(rest);
    let write = method != b"GET";
    if matches!(path, b"agent/service/register" | b"catalog/register") {
        return Some(Asked { found: None, body: Some(Body::Consul) });
    }
    let named = NAMED.iter().find_map(|(start, write)| Some((path.strip_prefix(*start)?, *write)));
    let (service, write) = match named {
        Some((service, write)) => (Cow::Borrowed(service), write),
        None if path.starts_with(b"kv/") => (Cow::Borrowed(path), write),
        None if matches!(path, b"catalog/services" | b"agent/services") => {
            (Cow::Borrowed(&b"*"[..]), false)
        }
        None => return None,
    };
    Some(Asked { found: Some(entry("consul", write, &decoded(&service), at)), body: None })
}

fn nacos(method: &[u8], rest: &[u8], at: Moment) -> Option<Asked> {
    let (path, query) = split(rest);
    let write = method != b"GET";
    let path = path.iter().position(|byte| *byte == b'/').and_then(|slash| path.get(slash..))?;
    let path = path.strip_prefix(b"/client").unwrap_or(path);
    if matches!(path, b"/auth/login" | b"/auth/users/login" | b"/auth/user/login") {
        return Some(Asked { found: None, body: Some(Body::NacosLogin) });
    }
    let known = path.starts_with(b"/ns/instance") || matches!(path, b"/cs/configs" | b"/cs/config");
    if !known {
        return None;
    }
    let found = nacos_form(query, write, at);
    let body = (found.is_none() && write).then_some(Body::Nacos);
    Some(Asked { found, body })
}

/// The service, its address and what is said of it, or the configuration, that a form of Nacos names.
fn nacos_form(form: &[u8], write: bool, at: Moment) -> Option<Registration> {
    let service = value(form, b"serviceName").or_else(|| value(form, b"dataId"))?;
    let (ip, port) = (value(form, b"ip"), value(form, b"port"));
    let address = ip.map(|ip| joined(&ip, &port.unwrap_or_default())).unwrap_or_default();
    let holds_credential = write && holds_credential(form);
    Some(Registration { address, holds_credential, ..entry("nacos", write, &service, at) })
}

fn eureka(method: &[u8], rest: &[u8], at: Moment) -> Option<Asked> {
    let path = target::without_query(rest);
    let path = path.strip_prefix(b"v2/").unwrap_or(path);
    let apps = path.strip_prefix(b"apps")?;
    let apps = apps.strip_prefix(b"/").unwrap_or(apps);
    let write = method != b"GET";
    let app = apps.split(|byte| *byte == b'/').next().unwrap_or_default();
    let app = if matches!(app, b"" | b"delta") { &b"*"[..] } else { app };
    if method == b"POST" {
        return Some(Asked { found: None, body: Some(Body::Eureka(shown(&decoded(app)))) });
    }
    Some(Asked { found: Some(entry("eureka", write, &decoded(app), at)), body: None })
}

/// What the beginning of a request's body says.
pub(in crate::inspect) fn body(body: &Body, bytes: &[u8], at: Moment) -> Option<Found> {
    match body {
        Body::Consul => consul_service(bytes, at).map(Found::Registration),
        Body::Nacos => nacos_form(bytes, true, at).map(Found::Registration),
        Body::NacosLogin => nacos_login(bytes, at).map(Found::Credential),
        Body::Eureka(app) => {
            let instance = json::member(bytes, b"instance").unwrap_or(bytes);
            let port = json::member(instance, b"port").unwrap_or_default();
            let port = json::member(port, b"$").unwrap_or(port);
            let text = |key| json::member(instance, key).and_then(json::text);
            let host = text(b"ipAddr").or_else(|| text(b"hostName")).unwrap_or_default();
            let address = joined(host, json::text(port).unwrap_or(port));
            let holds_credential = holds_credential(bytes);
            let service = app.clone();
            let entry = entry("eureka", true, b"", at);
            Some(Found::Registration(Registration { service, address, holds_credential, ..entry }))
        }
    }
}

fn consul_service(bytes: &[u8], at: Moment) -> Option<Registration> {
    let inner = json::member(bytes, b"Service").filter(|value| value.starts_with(b"{"));
    let object = inner.unwrap_or(bytes);
    let text = |key| json::member(object, key).and_then(json::text);
    let service = text(b"Name").or_else(|| text(b"Service"))?;
    let address = text(b"Address").or_else(|| json::text(json::member(bytes, b"Address")?));
    let port = json::member(object, b"Port").unwrap_or_default();
    Some(Registration {
        address: joined(address.unwrap_or_default(), port),
        holds_credential: holds_credential(bytes),
        ..entry("consul", true, service, at)
    })
}

fn nacos_login(form: &[u8], at: Moment) -> Option<Credential> {
    let (user, password) = (value(form, b"username")?, value(form, b"password")?);
    let default = *user == *b"nacos" && *password == *b"nacos";
    Some(Credential { default, ..login("nacos login", "body password", &user, (&password, at)) })
}

/// A password in a message to a registry.
fn login(
    mechanism: &'static str,
    place: &'static str,
    user: &[u8],
    (password, at): (&[u8], Moment),
) -> Credential {
    Credential {
        kind: CredentialKind::Password,
        mechanism,
        place: place.to_owned(),
        principal: Some(shown(user)),
        secret: Secret::of(password),
        exposure: Exposure::Readable,
        default: false,
        direction: Direction::ToServer,
        first: at,
        count: 1,
        accepted: None,
    }
}

/// A request over gRPC whose message is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::inspect) enum Wanted {
    /// `etcdserverpb.KV`
    EtcdPut,
    /// The same.
    EtcdRange,
    /// The same.
    EtcdDelete,
    /// The same: several of the above.
    EtcdTxn,
    /// `etcdserverpb.Watch`
    EtcdWatch,
    /// `etcdserverpb.Auth`: a user's name, and the password.
    EtcdLogin,
    /// `auth.Auth` of micro 3: an account's name and its secret, or a token to be renewed.
    MicroLogin,
    /// Nacos 2: a message that names its own type.
    Nacos,
}

/// What the message of a request over gRPC is, if it goes to a registry.
#[inline]
pub(in crate::inspect) fn grpc(path: &[u8]) -> Option<Wanted> {
    match path {
        [b'/', b'e', b't', b'c', b'd', ..] => Some(match path {
            b"/etcdserverpb.KV/Put" => Wanted::EtcdPut,
            b"/etcdserverpb.KV/Range" => Wanted::EtcdRange,
            b"/etcdserverpb.KV/DeleteRange" => Wanted::EtcdDelete,
            b"/etcdserverpb.KV/Txn" => Wanted::EtcdTxn,
            b"/etcdserverpb.Watch/Watch" => Wanted::EtcdWatch,
            b"/etcdserverpb.Auth/Authenticate"
            | b"/etcdserverpb.Auth/UserAdd"
            | b"/etcdserverpb.Auth/UserChangePassword" => Wanted::EtcdLogin,
            _ => return None,
        }),
        b"/auth.Auth/Token" => Some(Wanted::MicroLogin),
        b"/Request/request" | b"/BiRequestStream/requestBiStream" => Some(Wanted::Nacos),
        _ => None,
    }
}

impl Wanted {
    /// Whether a stream has more than one such message.
    pub(in crate::inspect) fn comes_again(self) -> bool {
        matches!(self, Self::EtcdWatch | Self::Nacos)
    }

    /// Whether the answer says whether the password was right.
    pub(in crate::inspect) fn is_login(self) -> bool {
        matches!(self, Self::EtcdLogin | Self::MicroLogin)
    }
}

/// What the beginning of the data of a gRPC request says, its five bytes of framing included.
pub(in crate::inspect) fn data(wanted: Wanted, bytes: &[u8], at: Moment) -> Vec<Found> {
    let Some((&[0, _, _, _, _], message)) = bytes.split_first_chunk::<5>() else {
        return Vec::new(); // Compressed, or no message at all.
    };
    match wanted {
        Wanted::EtcdTxn => {
            let then = protobuf::Fields::of(message).filter_map(|(field, value)| match value {
                protobuf::Value::Bytes(operation) if matches!(field, 2 | 3) => Some(operation),
                _ => None,
            });
            let operations = then.filter_map(|operation| {
                let kinds = [(1, Wanted::EtcdRange), (2, Wanted::EtcdPut), (3, Wanted::EtcdDelete)];
                kinds
                    .iter()
                    .find_map(|(field, kind)| etcd(*kind, protobuf::bytes(operation, *field)?, at))
            });
            operations.take(limits::REGISTRATIONS).collect()
        }
        Wanted::EtcdWatch => {
            let create = protobuf::bytes(message, 1);
            create.and_then(|create| etcd(Wanted::EtcdRange, create, at)).into_iter().collect()
        }
        Wanted::Nacos => nacos_message(message, at).into_iter().collect(),
        Wanted::MicroLogin => micro_login(message, at).map(Found::Credential).into_iter().collect(),
        one => etcd(one, message, at).into_iter().collect(),
    }
}

/// Others may call a service so: micro says its namespace with every request, and nothing but text.
fn micro_login(message: &[u8], at: Moment) -> Option<Credential> {
    let text = |field| protobuf::bytes(message, field).filter(|text| !text.is_empty());
    protobuf::bytes(text(5)?, 1)?;
    if let (Some(user), Some(secret)) = (text(1), text(2)) {
        let default = user == b"admin" && secret == b"micro";
        return Some(Credential {
            default,
            ..login("micro login", "message secret", user, (secret, at))
        });
    }
    let token = login("micro token", "message refresh_token", b"", (text(3)?, at));
    Some(Credential { kind: CredentialKind::Token, principal: None, ..token })
}

fn etcd(wanted: Wanted, message: &[u8], at: Moment) -> Option<Found> {
    let key = protobuf::bytes(message, 1)?;
    let value = protobuf::bytes(message, 2).unwrap_or_default();
    if wanted == Wanted::EtcdLogin {
        let found = login("etcd authenticate", "message password", key, (value, at));
        return (!value.is_empty()).then_some(Found::Credential(found));
    }
    let write = wanted != Wanted::EtcdRange;
    let service = without_instance(key);
    let mut found = entry("etcd", write, service, at);
    if wanted == Wanted::EtcdPut {
        found.address =
            address_in(value).or_else(|| address_in(key.get(service.len()..)?)).unwrap_or_default();
        found.holds_credential = holds_credential(value);
    }
    Some(Found::Registration(found))
}

/// A key without the part that only tells one instance of a service from another: a lease, an address.
fn without_instance(key: &[u8]) -> &[u8] {
    let Some((before, last)) = memchr::memrchr(b'/', key).and_then(|at| key.split_at_checked(at))
    else {
        return key;
    };
    let last = last.get(1..).unwrap_or_default();
    let instance = target::looks_like_an_identifier(last) || last.contains(&b':');
    if instance && !before.is_empty() { before } else { key }
}

/// `host:port` alone, or the first one in JSON under a name that such things have.
fn address_in(value: &[u8]) -> Option<String> {
    const NAMES: [&[u8]; 6] = [
        b"\"address\":\"",
        b"\"Address\":\"",
        b"\"Addr\":\"",
        b"\"addr\":\"",
        b"\"endpoints\":[\"",
        b"\"Endpoint\":\"",
    ];
    let value = value.strip_prefix(b"/").unwrap_or(value);
    if is_address(value) {
        return Some(shown(value));
    }
    NAMES.iter().find_map(|name| {
        let start = memchr::memmem::find(value, name)?.checked_add(name.len())?;
        let rest = value.get(start..)?;
        let end = memchr::memchr(b'"', rest)?;
        rest.get(..end).map(shown)
    })
}

fn is_address(value: &[u8]) -> bool {
    let Some((host, port)) = memchr::memrchr(b':', value).and_then(|at| value.split_at_checked(at))
    else {
        return false;
    };
    let host_fits = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    let port = port.get(1..).unwrap_or_default();
    (1..=255).contains(&host.len())
        && host.iter().all(host_fits)
        && (1..=5).contains(&port.len())
        && port.iter().all(u8::is_ascii_digit)
}

/// `Payload { 2: metadata { 3: type, 7: headers }, 3: body Any { 2: JSON } }`
fn nacos_message(payload: &[u8], at: Moment) -> Option<Found> {
    let kind = protobuf::bytes(protobuf::bytes(payload, 2)?, 3)?;
    let write = match kind {
        b"InstanceRequest"
        | b"BatchInstanceRequest"
        | b"PersistentInstanceRequest"
        | b"ConfigPublishRequest"
        | b"ConfigRemoveRequest" => true,
        b"ServiceQueryRequest" | b"SubscribeServiceRequest" | b"ConfigQueryRequest" => false,
        _ => return None,
    };
    let object = protobuf::bytes(protobuf::bytes(payload, 3)?, 2)?;
    let text = |object, key| json::member(object, key).and_then(json::text);
    let service = text(object, b"serviceName").or_else(|| text(object, b"dataId"))?;
    let instance = json::member(object, b"instance").unwrap_or_default();
    let port = json::member(instance, b"port").unwrap_or_default();
    let address = text(instance, b"ip").map(|ip| joined(ip, port)).unwrap_or_default();
    let holds_credential = write && holds_credential(object);
    let entry = entry("nacos", write, service, at);
    Some(Found::Registration(Registration { address, holds_credential, ..entry }))
}

/// Whether what a service says of itself looks as if a password or a token were in it.
pub(in crate::inspect) fn holds_credential(bytes: &[u8]) -> bool {
    const SIGNS: [&[u8]; 9] = [
        b"password",
        b"passwd",
        b"secret",
        b"\"token\"",
        b"token=",
        b"apikey",
        b"api_key",
        b"private_key",
        b"private key",
    ];
    let lower = bytes.to_ascii_lowercase();
    SIGNS.iter().any(|sign| memchr::memmem::find(&lower, sign).is_some())
}

fn joined(host: &[u8], port: &[u8]) -> String {
    let digits = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    let port = if digits { shown(port) } else { String::new() };
    match (shown(host), port) {
        (host, port) if port.is_empty() => host,
        (host, port) => format!("{host}:{port}"),
    }
}

fn split(target: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'?', target).and_then(|at| target.split_at_checked(at)) {
        Some((path, query)) => (path, query.get(1..).unwrap_or_default()),
        None => (target, b""),
    }
}

/// The value of a field of a query or a form, decoded.
fn value(form: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut pairs = form.split(|byte| *byte == b'&');
    let value = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix(b"="))?;
    Some(decoded(value)).filter(|value| !value.is_empty())
}

/// Percent-decoding (RFC 3986 section 2.1). What is no escape stays as it is.
fn decoded(text: &[u8]) -> Vec<u8> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if let (b'%', [high, low, behind @ ..]) = (first, behind)
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            out.push(high << 4 | low);
            rest = behind;
        } else {
            out.push(*first);
        }
    }
    out
}

#[cfg(test)]
mod tests;
