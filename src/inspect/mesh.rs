//! Which service mesh a TLS session belongs to, by what its proxies say in the handshake.
//!
//! Takes the facts of a session and its certificates; gives the mesh's name. The signs are of the proxies' own making:
//! application protocols that only they offer, server names of their form, names in certificates of their form.

use crate::model::{
    AuditedSession, Certificate, ClientOffer, Field, Judged, Kind, SanName, Seen, Value, field,
};

/// The field that rules can ask.
pub static MESH_FIELDS: &[Field] = &[field::<AuditedSession>(
    "session.mesh",
    Kind::Text,
    "istio",
    "the service mesh whose proxies speak here, by their own signs: `istio`, `istio-ambient`, `linkerd`, `consul`; `spiffe` where only the form of a certificate's name tells; absent without a sign",
    |s| AuditedSession::of(s, |audited| mesh(audited).map(Value::text).into()),
)];

/// The mesh of a session.
fn mesh(audited: &AuditedSession) -> Option<&'static str> {
    let tls = audited.session.facts.tls.as_deref()?;
    let by_hello = match &tls.client_hello {
        Seen::Value(hello) => of_hello(hello),
        _ => None,
    };
    let agreed = match &tls.server_hello {
        Seen::Value(hello) => hello.alpn.as_deref().and_then(of_protocol),
        _ => None,
    };
    let chains = audited.server_chain.first().into_iter().chain(audited.client_chain.first());
    by_hello.or(agreed).or_else(|| chains.filter_map(|leaf| of_certificate(leaf)).min())
}

fn of_protocol(name: &str) -> Option<&'static str> {
    match name {
        "istio" | "istio-peer-exchange" | "istio-h2" | "istio-http/1.0" | "istio-http/1.1" => {
            Some("istio")
        }
        "transport.l5d.io/v1" => Some("linkerd"),
        _ => None,
    }
}

fn of_hello(hello: &ClientOffer) -> Option<&'static str> {
    let by_protocol = hello.alpn.iter().find_map(|name| of_protocol(name));
    let by_name = hello.sni.as_deref().and_then(of_server_name);
    by_protocol.or(by_name).or_else(|| is_ambient(hello).then_some("istio-ambient"))
}

fn of_server_name(name: &str) -> Option<&'static str> {
    if name.starts_with("outbound_.") || name.starts_with("inbound_.") {
        return Some("istio");
    }
    if name.contains(".serviceaccount.identity.") {
        return Some("linkerd");
    }
    // service.namespace.datacenter.internal.<trust domain>.consul, with a version where there are partitions.
    let labels: Vec<&str> = name.split('.').collect();
    let internal = labels.iter().any(|label| matches!(*label, "internal" | "internal-v1"));
    (internal && labels.last() == Some(&"consul")).then_some("consul")
}

/// What ztunnel offers: TLS 1.3 alone with its two AES suites, HTTP/2 alone, and no server name.
fn is_ambient(hello: &ClientOffer) -> bool {
    const TLS_1_3: u16 = 0x0304;
    const SUITES: [u16; 2] = [0x1302, 0x1301];
    hello.sni.is_none()
        && hello.versions == [TLS_1_3]
        && hello.suites == SUITES
        && hello.alpn == ["h2"]
}

fn of_certificate(leaf: &Certificate) -> Option<&'static str> {
    let names = &leaf.details.as_ref()?.names;
    names.iter().find_map(|name| match name {
        SanName::Uri(uri) => of_identity(uri.strip_prefix("spiffe://")?),
        SanName::Dns(name) if name.contains(".serviceaccount.identity.") => Some("linkerd"),
        _ => None,
    })
}

fn of_identity(identity: &str) -> Option<&'static str> {
    let (domain, _path) = identity.split_once('/')?;
    Some(if domain.ends_with(".consul") { "consul" } else { "spiffe" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(sni: Option<&str>, alpn: &[&str]) -> Option<&'static str> {
        of_hello(&ClientOffer {
            sni: sni.map(str::to_owned),
            alpn: alpn.iter().map(|name| (*name).to_owned()).collect(),
            ..ClientOffer::default()
        })
    }

    #[test]
    fn meshes_are_told_by_what_their_proxies_offer() {
        assert_eq!(offered(None, &["istio-http/1.1", "istio", "http/1.1"]), Some("istio"));
        assert_eq!(
            offered(Some("outbound_.8080_._.orders.shop.svc.cluster.local"), &["h2"]),
            Some("istio")
        );
        let identity = "orders.shop.serviceaccount.identity.linkerd.cluster.local";
        assert_eq!(offered(Some(identity), &[]), Some("linkerd"));
        let domain = "11111111-2222-3333-4444-555555555555.consul";
        assert_eq!(
            offered(Some(&format!("orders.default.dc1.internal.{domain}")), &[]),
            Some("consul")
        );
        assert_eq!(offered(Some("orders.internal.example"), &["h2", "http/1.1"]), None);
        assert_eq!(of_identity(&format!("{domain}/ns/default/dc/dc1/svc/orders")), Some("consul"));
        assert_eq!(of_identity("cluster.local/ns/shop/sa/orders"), Some("spiffe"));
    }

    #[test]
    fn ztunnel_is_told_by_what_it_leaves_out() {
        let hello = ClientOffer {
            versions: vec![0x0304],
            suites: vec![0x1302, 0x1301],
            alpn: vec!["h2".to_owned()],
            ..ClientOffer::default()
        };
        assert_eq!(of_hello(&hello), Some("istio-ambient"));
        let named = ClientOffer { sni: Some("a.example".to_owned()), ..hello };
        assert_eq!(of_hello(&named), None);
    }
}
