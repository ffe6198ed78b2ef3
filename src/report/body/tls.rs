//! A TLS handshake as an observer saw it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use super::{CertificateBody, Place};
use crate::inspect::tls::{alert_name, group_name, suite_name, version_name};
use crate::model::{
    Alert, AuditedSession, Certificate, ClientHello, Der, Inference, RecordFact, RunInfo, Seen,
    TlsFacts,
};
use crate::store::flat;

/// A TLS connection. A key that is `null` and listed in `not_observable` is unknown; one that is `null` and not listed
/// was not there.
#[derive(Serialize)]
pub(super) struct TlsBody<'a> {
    first_record: Option<Place>,
    version: Option<Cow<'static, str>>,
    version_number: Option<u16>,
    cipher: Option<Cow<'static, str>>,
    cipher_hex: Option<String>,
    group: Option<Cow<'static, str>>,
    sni: Option<&'a str>,
    client_alpns: &'a [String],
    alpn: Option<&'a str>,
    ja3: Option<String>,
    ja3s: Option<String>,
    ja4: Option<String>,
    client_hello: Option<HelloBody>,
    hello_retry: bool,
    session_resumed: Option<bool>,
    established: Option<bool>,
    server_certificates: Option<Vec<CertificateBody<'a>>>,
    client_certificate_requested: Option<bool>,
    client_certificate: Option<&'static str>,
    client_certificates: Option<Vec<CertificateBody<'a>>>,
    alerts: Vec<AlertBody>,
    encrypted_alerts_toserver: u32,
    encrypted_alerts_toclient: u32,
    tickets: u32,
    renegotiations: u32,
    keys: Option<&'static str>,
    inside: Option<&'static str>,
    early_data_accepted: Option<bool>,
    midstream: bool,
    history: &'a str,
    records: Vec<RecordBody>,
    records_cut: bool,
    inference: Option<InferenceBody>,
    not_observable: Vec<HiddenField>,
}

#[derive(Serialize)]
struct HelloBody {
    sslv2: bool,
    legacy_version: Cow<'static, str>,
    versions: Vec<Cow<'static, str>>,
    ciphers: Vec<String>,
    groups: Vec<Cow<'static, str>>,
    psk: bool,
    ticket: bool,
    early_data: bool,
    ech: bool,
    grease: bool,
}

#[derive(Serialize)]
struct AlertBody {
    from: &'static str,
    level: &'static str,
    code: u8,
    name: Cow<'static, str>,
}

#[derive(Serialize)]
struct RecordBody {
    from: &'static str,
    r#type: u8,
    length: u16,
}

/// What the lengths of encrypted records tell; none of it was read.
#[derive(Serialize)]
struct InferenceBody {
    verdict: &'static str,
    confidence: &'static str,
    why: &'static str,
    client: &'static str,
    client_confidence: &'static str,
    server: &'static str,
    server_confidence: &'static str,
}

#[derive(Serialize)]
struct HiddenField {
    field: &'static str,
    why: &'static str,
}

impl<'a> TlsBody<'a> {
    pub(super) fn of(run: &RunInfo, audited: &'a AuditedSession, tls: &'a TlsFacts) -> Self {
        let client_hello = tls.client_hello.value();
        let server_hello = tls.server_hello.value();
        let version = flat::version(tls);
        let suite = server_hello.map(|hello| hello.suite);
        let [ja3, ja3s, ja4] = flat::fingerprints(tls);
        Self {
            first_record: tls.first_record.map(|at| Place::of(run, at)),
            version: version.map(version_name),
            version_number: version,
            cipher: suite.map(suite_name),
            cipher_hex: suite.map(|suite| format!("{suite:04x}")),
            group: flat::group(tls).map(group_name),
            sni: client_hello.and_then(|hello| hello.sni.as_deref()),
            client_alpns: client_hello.map_or(&[], |hello| &hello.alpn),
            alpn: server_hello.and_then(|hello| hello.alpn.as_deref()),
            ja3,
            ja3s,
            ja4,
            client_hello: client_hello.map(|hello| HelloBody::of(hello)),
            hello_retry: tls.hello_retry.is_some(),
            session_resumed: flat::yes_no(&tls.resumed),
            established: flat::yes_no(&tls.established),
            server_certificates: chain(&tls.server_chain, &audited.server_chain),
            client_certificate_requested: flat::client_certificate_requested(tls),
            client_certificate: flat::client_certificate(tls),
            client_certificates: chain(&tls.client_chain, &audited.client_chain),
            alerts: tls.alerts.iter().map(AlertBody::of).collect(),
            encrypted_alerts_toserver: tls.encrypted_alerts.to_server,
            encrypted_alerts_toclient: tls.encrypted_alerts.to_client,
            tickets: tls.tickets,
            renegotiations: tls.renegotiations,
            keys: tls.decryption.keys.name(),
            inside: tls.decryption.inside,
            early_data_accepted: flat::early_data_accepted(tls),
            midstream: tls.midstream,
            history: &tls.history,
            records: tls.records.iter().map(RecordBody::of).collect(),
            records_cut: tls.records_cut,
            inference: tls.inferred.as_ref().map(InferenceBody::of),
            not_observable: flat::not_observable(tls)
                .into_iter()
                .map(|(field, why)| HiddenField { field, why })
                .collect(),
        }
    }
}

/// The certificates that were seen; an empty list when there were none; nothing when they could not be seen.
fn chain<'a>(
    seen: &Seen<Vec<Der>>,
    parsed: &'a [Arc<Certificate>],
) -> Option<Vec<CertificateBody<'a>>> {
    let bodies = || parsed.iter().map(|certificate| CertificateBody::of(certificate)).collect();
    seen.is_observed().then(bodies)
}

impl HelloBody {
    fn of(hello: &ClientHello) -> Self {
        let version = |number: &u16| version_name(*number);
        let group = |number: &u16| group_name(*number);
        Self {
            sslv2: hello.sslv2,
            legacy_version: version_name(hello.legacy_version),
            versions: hello.versions.iter().map(version).collect(),
            ciphers: hello.suites.iter().map(|suite| format!("{suite:04x}")).collect(),
            groups: hello.groups.iter().map(group).collect(),
            psk: hello.psk,
            ticket: hello.ticket,
            early_data: hello.early_data,
            ech: hello.ech,
            grease: hello.grease,
        }
    }
}

impl AlertBody {
    fn of(alert: &Alert) -> Self {
        Self {
            from: alert.direction.sender(),
            level: flat::alert_level(alert.level),
            code: alert.description,
            name: alert_name(alert.description),
        }
    }
}

impl InferenceBody {
    fn of(inference: &Inference) -> Self {
        Self {
            verdict: inference.verdict(),
            confidence: inference.verdict_confidence().name(),
            why: inference.why,
            client: inference.client.name(),
            client_confidence: inference.confidence.name(),
            server: inference.server.name(),
            server_confidence: inference.server_confidence.name(),
        }
    }
}

impl RecordBody {
    fn of(record: &RecordFact) -> Self {
        Self { from: record.direction.sender(), r#type: record.content_type, length: record.length }
    }
}
