//! What frameworks say in header fields: who calls, what the call is named, and which framework it is.
//!
//! A field costs something only if its name is one of these. Names that callers give themselves are claims.

use super::{CallName, HeaderName, target};
use crate::inspect::gather;
use crate::model::{Credential, Direction, Moment, ReadableFacts, Registration, limits};

/// A header field that a framework puts there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::inspect) enum FrameworkField {
    /// `app`: go-zero, beside its `token`. Its name is [`HeaderName::App`].
    App,
    /// `micro-from-service`: go-micro before 4.8.
    MicroFrom,
    /// `micro-service`
    MicroService,
    /// `micro-endpoint`
    MicroEndpoint,
    /// `micro-topic`
    MicroTopic,
    /// `source-service`: Kitex over HTTP/2.
    KitexFrom,
    /// `x-md-service-name`: Kratos.
    KratosFrom,
    /// `trpc-caller`
    TrpcFrom,
    /// `tri-consumer-appname`: Dubbo over HTTP.
    TripleFrom,
    /// `tri-service-version`, `triple-protocol-version` and others that only Dubbo sends over HTTP.
    Triple,
    /// `connect-protocol-version`
    Connect,
    /// `twirp-version`
    Twirp,
    /// `x-rpcx-servicepath`
    RpcxService,
    /// `x-rpcx-servicemethod`
    RpcxMethod,
    /// `discoveryidentity-version`: Eureka's client.
    Eureka,
    /// `l5d-client-id`: Linkerd tells the server who the client's certificate says it is.
    Linkerd,
    /// `x-forwarded-client-cert`: Envoy does the same.
    ForwardedCertificate,
}

impl FrameworkField {
    /// What a name in lower case is.
    pub(super) const fn of(name: &[u8]) -> Option<Self> {
        // The first letters rule out nearly every other name at once.
        Some(match name {
            [b'm', b'i', b'c', b'r', b'o', b'-', rest @ ..] => match rest {
                b"from-service" => Self::MicroFrom,
                b"service" => Self::MicroService,
                b"endpoint" => Self::MicroEndpoint,
                b"topic" => Self::MicroTopic,
                _ => return None,
            },
            [b't', b'r', b'i', b'-' | b'p', ..] => match name {
                b"tri-consumer-appname" => Self::TripleFrom,
                b"tri-service-version" | b"tri-service-group" | b"tri-req-id" => Self::Triple,
                b"triple-protocol-version" => Self::Triple,
                _ => return None,
            },
            [b'x', b'-', b'm' | b'r' | b'f', ..] => match name {
                b"x-md-service-name" => Self::KratosFrom,
                b"x-rpcx-servicepath" => Self::RpcxService,
                b"x-rpcx-servicemethod" => Self::RpcxMethod,
                b"x-forwarded-client-cert" => Self::ForwardedCertificate,
                _ => return None,
            },
            b"source-service" => Self::KitexFrom,
            b"trpc-caller" => Self::TrpcFrom,
            b"twirp-version" => Self::Twirp,
            b"connect-protocol-version" => Self::Connect,
            b"discoveryidentity-version" => Self::Eureka,
            b"l5d-client-id" => Self::Linkerd,
            _ => return None,
        })
    }

    /// Where a caller's name stands, if this field has one.
    fn names_the_caller(self) -> Option<&'static str> {
        Some(match self {
            Self::App => "metadata app",
            Self::MicroFrom => "header micro-from-service",
            Self::KitexFrom => "header source-service",
            Self::KratosFrom => "header x-md-service-name",
            Self::TrpcFrom => "header trpc-caller",
            Self::TripleFrom => "header tri-consumer-appname",
            Self::Linkerd => "header l5d-client-id",
            Self::ForwardedCertificate => "header x-forwarded-client-cert",
            _ => return None,
        })
    }

    /// Which framework sends this field, if it is only one.
    fn framework(self) -> Option<&'static str> {
        Some(match self {
            Self::MicroFrom | Self::MicroService | Self::MicroEndpoint | Self::MicroTopic => {
                "go-micro"
            }
            Self::KitexFrom => "kitex",
            Self::KratosFrom => "kratos",
            Self::TrpcFrom => "trpc",
            Self::TripleFrom | Self::Triple => "triple",
            Self::Connect => "connect",
            Self::Twirp => "twirp",
            Self::RpcxService | Self::RpcxMethod => "rpcx",
            Self::Eureka => "eureka-client",
            Self::Linkerd => "linkerd",
            Self::App | Self::ForwardedCertificate => return None,
        })
    }

    /// Whether its value is the version of what sends it.
    fn is_version(self) -> bool {
        matches!(self, Self::Connect | Self::Twirp | Self::Eureka)
    }

    /// Whether a request with it is a call of `/package.Service/Method`.
    pub(in crate::inspect) fn marks_a_call(self) -> bool {
        matches!(self, Self::Connect | Self::Twirp | Self::Triple | Self::TripleFrom)
    }
}

/// Whether a `content-type` is one of the Connect protocol's or gRPC-Web's, so that the path names service and method.
pub(in crate::inspect) fn is_connect(content_type: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 2] = [b"application/connect+", b"application/grpc-web"];
    BEGINNINGS.iter().any(|beginning| content_type.starts_with(beginning))
        || content_type == b"application/proto"
}

/// What frameworks said on one connection. Has no `Debug`: it holds raw bytes from the wire.
#[derive(Clone, Default)]
pub(super) struct Frameworks {
    facts: Option<Box<ReadableFacts>>,
    /// Fields that were taken note of, so that they cost no more than a comparison when they come again.
    known: Vec<(FrameworkField, Direction, Box<[u8]>)>,
}

/// Distinct fields that are remembered.
const KNOWN: usize = 16;

impl Frameworks {
    /// Takes a field of a request or a response.
    pub(super) fn field(
        &mut self,
        field: FrameworkField,
        value: &[u8],
        side: Direction,
        at: Moment,
    ) {
        let value = value.get(..limits::TEXT_BYTES).unwrap_or(value);
        let same = |known: &(FrameworkField, Direction, Box<[u8]>)| {
            (known.0, known.1, &*known.2) == (field, side, value)
        };
        if self.known.iter().any(same) {
            return;
        }
        if self.known.len() < KNOWN {
            self.known.push((field, side, value.into()));
        }
        let facts = self.facts();
        if let Some(name) = field.framework() {
            let version = if field.is_version() { value } else { b"" };
            gather::program(facts, name.as_bytes(), version, side);
        }
        if side == Direction::ToServer
            && let Some(by) = field.names_the_caller()
        {
            let name = match field {
                FrameworkField::ForwardedCertificate => forwarded(value),
                _ => value,
            };
            gather::caller(facts, name, by, at);
        }
    }

    /// Takes a user agent that was not seen before.
    pub(super) fn user_agent(&mut self, value: &[u8]) {
        let product = value.split(|byte| *byte == b' ').next().unwrap_or_default();
        let mut parts = product.splitn(2, |byte| *byte == b'/');
        let (name, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        // Every browser calls itself Mozilla.
        if !version.is_empty() && name != b"Mozilla" {
            let name = name.to_ascii_lowercase();
            gather::program(self.facts(), &name, version, Direction::ToServer);
        }
    }

    /// Takes note of what a registry was asked.
    pub(super) fn registration(&mut self, new: Registration) {
        gather::registration(self.facts(), new);
    }

    /// Takes note of a secret in a message to a registry.
    pub(super) fn credential(&mut self, new: Credential) {
        gather::credential(self.facts(), new);
    }

    /// What the server made of the last of these secrets.
    pub(super) fn credential_judged(&mut self, accepted: bool) {
        if let Some(facts) = &mut self.facts {
            gather::credential_judged(facts, accepted);
        }
    }

    /// What was said; nothing when nothing was.
    pub(super) fn take(&mut self) -> Option<Box<ReadableFacts>> {
        self.facts.take().filter(|facts| **facts != ReadableFacts::default())
    }

    fn facts(&mut self) -> &mut ReadableFacts {
        self.facts.get_or_insert_default()
    }
}

/// The client's name of `By=..;Hash=..;Subject="..";URI=spiffe://..`: that of the last proxy's peer.
fn forwarded(value: &[u8]) -> &[u8] {
    let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
    let parts = last.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let mut uri = parts.filter_map(|part| {
        part.get(..4).is_some_and(|key| key.eq_ignore_ascii_case(b"uri=")).then(|| part.get(4..))?
    });
    uri.next_back().unwrap_or_default()
}

/// What names a request of HTTP/1 where a framework says more than method and path do.
pub(in crate::inspect) fn name<'a>(
    method: &'a [u8],
    target: &'a [u8],
    fields: impl Iterator<Item = (HeaderName, &'a [u8])>,
) -> CallName<'a> {
    let plain = CallName::Http { method, target };
    if method != b"POST" {
        return plain;
    }
    let (mut service, mut endpoint, mut call) = (None, None, false);
    for (name, value) in fields {
        match name {
            HeaderName::Framework(field) => match field {
                FrameworkField::MicroService | FrameworkField::RpcxService => service = Some(value),
                FrameworkField::MicroEndpoint | FrameworkField::RpcxMethod => {
                    endpoint = Some(value)
                }
                field => call |= field.marks_a_call(),
            },
            HeaderName::ContentType => call |= is_connect(value),
            _ => {}
        }
    }
    let twirp = target.strip_prefix(b"/twirp").filter(|rest| rest.starts_with(b"/"));
    match (service, endpoint) {
        (Some(service), Some(method)) => CallName::Rpc { service, method },
        _ if twirp.is_some() => CallName::Grpc(twirp.unwrap_or_default()),
        _ if call && is_call_path(target) => CallName::Grpc(target),
        _ => match topic(target) {
            Some(topic) => CallName::Rpc { service: b"", method: topic },
            None => plain,
        },
    }
}

/// `/package.Service/Method` and nothing more.
fn is_call_path(target: &[u8]) -> bool {
    let path = target::without_query(target);
    path.starts_with(b"/") && path.iter().filter(|byte| **byte == b'/').count() == 2
}

/// The topic of a message to go-micro's HTTP broker: `/?id=topic-` and a UUID.
fn topic(target: &[u8]) -> Option<&[u8]> {
    const UUID: usize = 36;
    let id = target.strip_prefix(b"/?id=")?;
    let (topic, uuid) = id.split_at_checked(id.len().checked_sub(UUID)?)?;
    let dashes = |place: usize| uuid.get(place) == Some(&b'-');
    let is_uuid = dashes(8) && dashes(13) && dashes(18) && dashes(23);
    topic.strip_suffix(b"-").filter(|topic| is_uuid && !topic.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(target: &str, fields: &[(&str, &str)]) -> String {
        let fields = fields
            .iter()
            .map(|(name, value)| (HeaderName::of_any_case(name.as_bytes()), value.as_bytes()));
        let fields: Vec<_> = fields.collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match name(b"POST", target.as_bytes(), fields.into_iter()) {
            CallName::Http { target, .. } => format!("http {}", text(target)),
            CallName::Grpc(path) => format!("call {}", text(path)),
            CallName::Rpc { service, method } => format!("{}/{}", text(service), text(method)),
            CallName::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn frameworks_name_their_calls() {
        let micro = [("Micro-Service", "greeter"), ("Micro-Endpoint", "Greeter.Hello")];
        assert_eq!(named("/", &micro), "greeter/Greeter.Hello");
        assert_eq!(named("/twirp/a.B/C", &[]), "call /a.B/C");
        assert_eq!(named("/a.B/C", &[("Connect-Protocol-Version", "1")]), "call /a.B/C");
        assert_eq!(named("/a.B/C", &[("Content-Type", "application/json")]), "http /a.B/C");
        let id = "/?id=orders.created-0f8fad5b-d9cb-469f-a165-70867728950e";
        assert_eq!(named(id, &[]), "/orders.created");
        assert_eq!(named("/?id=7", &[]), "http /?id=7");
    }

    #[test]
    fn callers_and_frameworks_are_told_once() {
        let mut all = Frameworks::default();
        let at = Moment::default();
        for _ in 0..3 {
            all.field(FrameworkField::MicroFrom, b"front", Direction::ToServer, at);
            all.field(FrameworkField::MicroService, b"orders", Direction::ToClient, at);
            all.user_agent(b"grpc-go/1.71.1");
            all.user_agent(b"Mozilla/5.0 (X11)");
            let certificate = b"By=spiffe://td/b;Hash=ab;URI=spiffe://td/ns/a/sa/a";
            all.field(FrameworkField::ForwardedCertificate, certificate, Direction::ToServer, at);
        }
        let facts = all.take().unwrap();
        let callers: Vec<_> = facts.callers.iter().map(|claim| &*claim.name).collect();
        assert_eq!(callers, ["front", "spiffe://td/ns/a/sa/a"]);
        let programs: Vec<_> =
            facts.programs.iter().map(|p| (&*p.name, &*p.version, p.side)).collect();
        let micro = |side| ("go-micro", "", side);
        let agent = ("grpc-go", "1.71.1", Direction::ToServer);
        assert_eq!(programs, [micro(Direction::ToServer), micro(Direction::ToClient), agent]);
    }
}
