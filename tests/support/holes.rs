//! What is said of a conversation with holes, against what is said of it without: less, but nothing else.

use std::fmt::Debug;

use wirelint::model::{CallFacts, Facts, Posture, Seen, TlsFacts};

use super::conversation::Heard;

/// What is said of a holed conversation although it is not so.
///
/// `begun` is the protocol that the conversation begins with: what a hole swallows may be the upgrade to another one.
pub(crate) fn invented(whole: &Heard, holed: &Heard, begun: Option<&str>) -> Vec<String> {
    let mut found = invented_facts(&whole.facts, &holed.facts);
    let may_be = |protocol: &str| match whole.protocol {
        // The upgrade, or what makes it gRPC, may be in the hole.
        Some("grpc" | "h2") => matches!(protocol, "grpc" | "h2" | "http/1.1"),
        other => other == Some(protocol) || begun == Some(protocol),
    };
    if holed.protocol.is_some_and(|protocol| !may_be(protocol)) {
        found.push(format!("protocol {:?}", holed.protocol));
    }
    let (is, said) = (whole.verdict.posture, holed.verdict.posture);
    let vague = match is {
        Posture::Plaintext => said == Posture::Unknown,
        _ => matches!(said, Posture::Unknown | Posture::TlsOpaque),
    };
    if said != is && !vague {
        found.push(format!("posture {said:?} of {is:?}"));
    }
    let (is, said) = (&whole.verdict.client_auth, &holed.verdict.client_auth);
    seen(&mut found, "client authentication", is, said);
    found
}

/// As [`invented`], of what an inspector says.
pub(crate) fn invented_facts(whole: &Facts, holed: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    match (&whole.tls, &holed.tls) {
        (Some(whole), Some(holed)) => invented_tls(&mut found, whole, holed),
        (None, Some(_)) => found.push("TLS".to_owned()),
        _ => {}
    }
    match (&whole.calls, &holed.calls) {
        (Some(whole), Some(holed)) => invented_calls(&mut found, whole, holed),
        (None, Some(_)) => found.push("calls".to_owned()),
        _ => {}
    }
    for (what, is, said) in [
        ("plaintext", whole.plaintext.is_some(), holed.plaintext.is_some()),
        ("mismatch", whole.mismatch.is_some(), holed.mismatch.is_some()),
    ] {
        if said && !is {
            found.push(what.to_owned());
        }
    }
    found
}

fn invented_tls(found: &mut Vec<String>, whole: &TlsFacts, holed: &TlsFacts) {
    // After a HelloRetryRequest there are two hellos of a client; either may be the first that is seen.
    let offer = |tls: &TlsFacts| {
        tls.client_hello.map(|hello| {
            (hello.sni.clone(), hello.versions.clone(), hello.suites.clone(), hello.alpn.clone())
        })
    };
    let owned = |tls: &TlsFacts| match offer(tls) {
        Seen::Value(offer) => Seen::Value(offer),
        Seen::Absent => Seen::Absent,
        Seen::NotReached => Seen::NotReached,
        Seen::Hidden(why) => Seen::Hidden(why),
    };
    seen(found, "ClientHello", &owned(whole), &owned(holed));
    seen(found, "ServerHello", &whole.server_hello, &holed.server_hello);
    seen(found, "server chain", &whole.server_chain, &holed.server_chain);
    seen(found, "client chain", &whole.client_chain, &holed.client_chain);
    seen(found, "request", &whole.certificate_request, &holed.certificate_request);
    seen(found, "staple", &whole.ocsp_staple, &holed.ocsp_staple);
    seen(found, "key exchange", &whole.key_exchange, &holed.key_exchange);
    seen(found, "proof", &whole.client_verify, &holed.client_verify);
    seen(found, "resumption", &whole.resumed, &holed.resumed);
    seen(found, "completion", &whole.established, &holed.established);
    if holed.hello_retry.is_some() && whole.hello_retry.is_none() {
        found.push("a HelloRetryRequest".to_owned());
    }
    if holed.tickets > whole.tickets || holed.renegotiations > whole.renegotiations {
        found.push("tickets or renegotiations".to_owned());
    }
    for alert in holed.alerts.iter().filter(|alert| !whole.alerts.contains(alert)) {
        found.push(format!("{alert:?}"));
    }
}

fn invented_calls(found: &mut Vec<String>, whole: &CallFacts, holed: &CallFacts) {
    for call in &holed.calls {
        let same = whole.calls.iter().find(|one| {
            (&one.service, &one.method) == (&call.service, &call.method)
                && call.count <= one.count
                && call.failed <= one.failed
                // An answer that was captured before its request is not counted; a hole may put them in order.
                && call.succeeded <= one.count - one.failed
        });
        if same.is_none() {
            found.push(format!("{call:?}"));
        }
    }
    if holed.requests > whole.requests || holed.responses > whole.responses {
        found.push(format!("{} requests, {} responses", holed.requests, holed.responses));
    }
    for (known, said) in [
        (&whole.authorities, &holed.authorities),
        (&whole.user_agents, &holed.user_agents),
        (&whole.auth_schemes, &holed.auth_schemes),
        (&whole.server_products, &holed.server_products),
    ] {
        found.extend(said.iter().filter(|name| !known.contains(name)).cloned());
    }
}

/// Something that was observed must be what it is.
fn seen<T: PartialEq + Debug>(
    found: &mut Vec<String>,
    what: &str,
    whole: &Seen<T>,
    holed: &Seen<T>,
) {
    if holed.is_observed() && holed != whole {
        found.push(format!("{what}: {holed:?}, not {whole:?}"));
    }
}
