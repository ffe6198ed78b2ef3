//! Fields of TLS sessions: what was offered, what was agreed, how it ended.

use std::borrow::Cow;

use crate::model::told::bool;
use crate::model::{
    Answer, Brief, ClientHello, Direction, Field, Judged, KeyExchange, Keys, Kind, OfferedVersions,
    Seen, ServerHello, Subject, TlsFacts, Value, WRONG_SUBJECT, Why, field,
};

use super::failure::reasons;
use super::fingerprint::{ja3, ja3s, ja4};
use super::names::{
    alert_name, group_name, scheme_hash, scheme_is_weak, scheme_name, version_name,
};
use super::suites::{Suite, suite, suite_name};

/// The fields of TLS. All are absent on a session that is not TLS. One line declares one.
#[rustfmt::skip]
pub static FIELDS: &[Field] = &[
    field::<Answer>("tls.version", Kind::Text, "TLSv1.2", "the version agreed on: `SSLv2`, `SSLv3`, `TLSv1.0` to `TLSv1.3`", |s| Answer::of(s, |a| name(version_name(a.version)))),
    field::<Answer>("tls.version_number", Kind::Int, "771", "the same as a number to compare: SSLv3 768, TLSv1.0 769, 1.1 770, 1.2 771, 1.3 772", |s| Answer::of(s, |a| int(a.version))),
    field::<Answer>("tls.cipher", Kind::Text, "TLS_AES_128_GCM_SHA256", "the cipher suite agreed on", |s| Answer::of(s, |a| name(suite_name(a.suite)))),
    field::<Answer>("tls.cipher_class", Kind::Text, "aead", "its worst property: `null`, `anon`, `export`, `des`, `rc2`, `rc4`, `3des`, `static-rsa`, `cbc-md5`, `cbc-sha1`, `cbc`, `ccm8`, else `aead`", |s| Answer::of(s, |a| worth(a, |s| Seen::Value(Value::text(s.class))))),
    field::<Answer>("tls.cipher_flags", Kind::Texts, "cbc-sha1", "all such properties, and `psk`", |s| Answer::of(s, |a| worth(a, |s| texts(s.flags.iter().map(|flag| Cow::Borrowed(*flag)))))),
    field::<Answer>("tls.forward_secrecy", Kind::Bool, "true", "whether the keys of this session stay secret when the key of the certificate leaks", |s| Answer::of(s, forward_secrecy)),
    field::<KeyExchange>("tls.group", Kind::Text, "x25519", "the group of the key exchange", |s| KeyExchange::of(s, |k| option(k.group, |g| name(group_name(g))))),
    field::<KeyExchange>("tls.dh_bits", Kind::Int, "2048", "bits of the prime of a finite-field Diffie-Hellman exchange before TLS 1.3", |s| KeyExchange::of(s, |k| option(k.dh_bits, int))),
    field::<KeyExchange>("tls.server_signature", Kind::Text, "rsa_pss_rsae_sha256", "what the server signed its key exchange with (TLS 1.2)", |s| KeyExchange::of(s, |k| option(k.signature_scheme, |s| name(scheme_name(s))))),
    field::<KeyExchange>("tls.server_signature_hash", Kind::Text, "SHA-256", "the hash of that", |s| KeyExchange::of(s, |k| option(k.signature_scheme, hash))),
    field::<TlsFacts>("tls.client_signature", Kind::Text, "ecdsa_secp256r1_sha256", "what the client proved its certificate with (TLS 1.2)", |s| TlsFacts::of(s, |t| t.client_verify.and_then(|s| name(scheme_name(*s))))),
    field::<TlsFacts>("tls.client_signature_hash", Kind::Text, "SHA-256", "the hash of that", |s| TlsFacts::of(s, |t| t.client_verify.and_then(|s| hash(*s)))),
    field::<TlsFacts>("tls.alpn", Kind::Text, "h2", "the application protocol agreed on; encrypted in TLS 1.3", |s| TlsFacts::of(s, alpn)),
    field::<TlsFacts>("tls.sni", Kind::Text, "payments.internal", "the server name the client asked for", |s| TlsFacts::of(s, |t| client(t, |h| h.sni.as_deref().map(Value::text).into()))),
    field::<TlsFacts>("tls.offered_versions", Kind::Texts, "TLSv1.3", "versions the client offered; before TLS 1.3 only the highest is said", |s| TlsFacts::of(s, |t| client(t, |h| texts(h.offered().iter().map(|v| version_name(*v)))))),
    field::<OfferedVersions>("tls.offered_max_version", Kind::Text, "TLSv1.3", "the highest of them", |s| OfferedVersions::of(s, |o| name(version_name(o.high)))),
    field::<OfferedVersions>("tls.offered_max_version_number", Kind::Int, "772", "the highest of them as a number", |s| OfferedVersions::of(s, |o| int(o.high))),
    field::<OfferedVersions>("tls.offered_min_version", Kind::Text, "TLSv1.2", "the lowest of them", |s| OfferedVersions::of(s, |o| name(version_name(o.low)))),
    field::<OfferedVersions>("tls.offered_min_version_number", Kind::Int, "771", "the lowest of them as a number", |s| OfferedVersions::of(s, |o| int(o.low))),
    field::<TlsFacts>("tls.offered_suites", Kind::Texts, "TLS_AES_128_GCM_SHA256", "cipher suites in the order of the client", |s| TlsFacts::of(s, |t| client(t, |h| texts(h.suites.iter().map(|s| suite_name(*s)))))),
    field::<TlsFacts>("tls.offered_groups", Kind::Texts, "x25519", "groups in the order of the client", |s| TlsFacts::of(s, |t| client(t, |h| texts(h.groups.iter().map(|g| group_name(*g)))))),
    field::<TlsFacts>("tls.offered_schemes", Kind::Texts, "ed25519", "signature schemes in the order of the client", |s| TlsFacts::of(s, |t| client(t, |h| texts(h.signature_schemes.iter().map(|s| scheme_name(*s)))))),
    field::<TlsFacts>("tls.only_weak_schemes_offered", Kind::Bool, "false", "the client offered signature schemes, and all of them use SHA-1 or MD5", |s| TlsFacts::of(s, |t| client(t, |h| bool(only_weak_schemes(h))))),
    field::<TlsFacts>("tls.offered_alpn", Kind::Texts, "h2", "application protocols in the order of the client", |s| TlsFacts::of(s, |t| client(t, |h| texts(h.alpn.iter().map(|a| Cow::Borrowed(a.as_str())))))),
    field::<TlsFacts>("tls.sslv2_hello", Kind::Bool, "false", "the ClientHello came in the framing of SSLv2", |s| TlsFacts::of(s, |t| client(t, |h| bool(h.sslv2)))),
    field::<OfferedVersions>("tls.fallback", Kind::Bool, "false", "the client said that it had already failed with a higher version (RFC 7507)", |s| OfferedVersions::of(s, |o| bool(o.fallback))),
    field::<TlsFacts>("tls.ja3", Kind::Text, "ada70206e40642a3e4461f35503241d5", "the JA3 fingerprint of the ClientHello; absent for the framing of SSLv2", |s| TlsFacts::of(s, |t| fingerprint(&t.client_hello, |h| ja3(h)))),
    field::<TlsFacts>("tls.ja3s", Kind::Text, "15af977ce25de452b96affa2addb1036", "the JA3S fingerprint of the ServerHello", |s| TlsFacts::of(s, |t| fingerprint(&t.server_hello, |h| Seen::Value(ja3s(h))))),
    field::<TlsFacts>("tls.ja4", Kind::Text, "t13d1516h2_8daaf6152771_e5627efa2ab1", "the JA4 fingerprint of the ClientHello; absent for the framing of SSLv2", |s| TlsFacts::of(s, |t| fingerprint(&t.client_hello, |h| ja4(h)))),
    field::<TlsFacts>("tls.ech", Kind::Bool, "false", "the client sent an encrypted ClientHello inside this one", |s| TlsFacts::of(s, |t| client(t, |h| bool(h.ech)))),
    field::<TlsFacts>("tls.early_data", Kind::Bool, "false", "the client announced data before the handshake ends", |s| TlsFacts::of(s, |t| client(t, |h| bool(h.early_data)))),
    field::<TlsFacts>("tls.early_data_sent", Kind::Bool, "false", "the client sent such data, ahead of the ServerHello; whether the server took it is encrypted", |s| TlsFacts::of(s, early_data_sent)),
    field::<Answer>("tls.psk", Kind::Bool, "false", "a pre-shared key or a TLS 1.3 ticket was agreed on", |s| Answer::of(s, |a| bool(a.psk))),
    field::<Answer>("tls.downgrade_sentinel", Kind::Int, "1", "the server marked that it could do better: 1 than TLS 1.2, 0 than TLS 1.1 and before; absent without the mark", |s| Answer::of(s, |a| option(a.downgrade_sentinel, int))),
    field::<Answer>("tls.compression", Kind::Int, "0", "the compression method agreed on, 0 for none", |s| Answer::of(s, |a| int(a.compression))),
    field::<Answer>("tls.extended_master_secret", Kind::Bool, "true", "RFC 7627 was agreed on", |s| Answer::of(s, |a| bool(a.extended_master_secret))),
    field::<Answer>("tls.encrypt_then_mac", Kind::Bool, "false", "RFC 7366 was agreed on", |s| Answer::of(s, |a| bool(a.encrypt_then_mac))),
    field::<Answer>("tls.secure_renegotiation", Kind::Bool, "true", "RFC 5746 was agreed on", |s| Answer::of(s, |a| bool(a.secure_renegotiation))),
    field::<Answer>("tls.missing_protections", Kind::Texts, "extended-master-secret", "what a handshake before TLS 1.3 lacks: `compression-off`, `secure-renegotiation`, `extended-master-secret`", |s| Answer::of(s, missing_protections)),
    field::<TlsFacts>("tls.hello_retry", Kind::Bool, "false", "the server asked for another key share first", |s| TlsFacts::of(s, |t| bool(t.hello_retry.is_some()))),
    field::<TlsFacts>("tls.resumed", Kind::Bool, "false", "the session resumed an earlier one", |s| TlsFacts::of(s, |t| t.resumed.map(|resumed| Value::Bool(*resumed)))),
    field::<TlsFacts>("tls.established", Kind::Bool, "true", "the handshake completed", |s| TlsFacts::of(s, |t| t.established.map(|established| Value::Bool(*established)))),
    field::<TlsFacts>("tls.midstream", Kind::Bool, "false", "the capture joined after the handshake", |s| TlsFacts::of(s, |t| bool(t.midstream))),
    field::<TlsFacts>("tls.server_certificates", Kind::Int, "2", "certificates the server sent; encrypted in TLS 1.3", |s| TlsFacts::of(s, |t| t.server_chain.map(|chain| Value::Int(count(chain.len()))))),
    field::<TlsFacts>("tls.client_certificates", Kind::Int, "1", "certificates the client sent, 0 for an empty list; absent when it was not asked", |s| TlsFacts::of(s, |t| t.client_chain.map(|chain| Value::Int(count(chain.len()))))),
    field::<TlsFacts>("tls.certificate_requested", Kind::Bool, "false", "the server asked for a client certificate", |s| TlsFacts::of(s, |t| present(&t.certificate_request))),
    field::<TlsFacts>("tls.accepted_authorities", Kind::Texts, "CN=Example CA", "authorities whose client certificates the server says it accepts", |s| TlsFacts::of(s, |t| t.certificate_request.and_then(|r| texts(r.authorities.iter().map(|a| Cow::Borrowed(a.as_str())))))),
    field::<TlsFacts>("tls.ocsp_staple", Kind::Bool, "false", "the server sent an OCSP response", |s| TlsFacts::of(s, |t| present(&t.ocsp_staple))),
    field::<TlsFacts>("tls.inferred", Kind::Text, "presented", "what the lengths of encrypted records tell under TLS 1.3: `not-requested`, `declined`, `presented`, `resumed`, `client-refused-server`, `server-refused-client` or `unknown`; absent before TLS 1.3", |s| TlsFacts::of(s, |t| option(t.inferred.as_ref(), |i| Seen::Value(Value::text(i.verdict()))))),
    field::<TlsFacts>("tls.inferred_confidence", Kind::Text, "high", "how sure that is: `high`, `medium` or `low`", |s| TlsFacts::of(s, |t| option(t.inferred.as_ref(), |i| Seen::Value(Value::text(i.verdict_confidence().name()))))),
    field::<TlsFacts>("tls.inferred_why", Kind::Text, "the client's first encrypted record has the length of Finished alone", "why, in a few words", |s| TlsFacts::of(s, |t| option(t.inferred.as_ref(), |i| Seen::Value(Value::text(i.why))))),
    field::<TlsFacts>("tls.tickets", Kind::Int, "1", "session tickets in clear", |s| TlsFacts::of(s, |t| int(t.tickets))),
    field::<TlsFacts>("tls.ticket_lifetime", Kind::Int, "7200", "lifetime hint of the last of them in seconds; encrypted in TLS 1.3", |s| TlsFacts::of(s, ticket_lifetime)),
    field::<TlsFacts>("tls.renegotiations", Kind::Int, "0", "handshakes begun on the established connection", |s| TlsFacts::of(s, |t| int(t.renegotiations))),
    field::<TlsFacts>("tls.alerts", Kind::Texts, "client:unknown_ca", "alerts in clear, each with who sent it", |s| TlsFacts::of(s, |t| texts(t.alerts.iter().map(alert)))),
    field::<TlsFacts>("tls.client_data", Kind::Bool, "true", "the client sent application data", |s| TlsFacts::of(s, |t| bool(t.application_data[Direction::ToServer].is_some()))),
    field::<TlsFacts>("tls.server_data", Kind::Bool, "true", "the server sent application data", |s| TlsFacts::of(s, |t| bool(t.application_data[Direction::ToClient].is_some()))),
    field::<TlsFacts>("tls.keys", Kind::Text, "fit", "whether the keys that were given open the session: `fit`, `do-not-fit` or `unsupported`; absent when none were given for it", |s| TlsFacts::of(s, |t| option(t.decryption.keys.name(), |word| Seen::Value(Value::text(word))))),
    field::<TlsFacts>("tls.inside", Kind::Text, "h2", "the protocol inside, read with keys", |s| TlsFacts::of(s, inside)),
    field::<TlsFacts>("tls.early_data_refused", Kind::Bool, "false", "that the server did not accept early data was read with keys; false where it could not be read", |s| TlsFacts::of(s, |t| bool(early_data_accepted(t) == Seen::Value(Value::Bool(false))))),
    field::<TlsFacts>("tls.early_data_accepted", Kind::Bool, "false", "the server accepted early data; encrypted", |s| TlsFacts::of(s, early_data_accepted)),
    field::<TlsFacts>("tls.history", Kind::Text, "CsxkIiFfDd", "the handshake as letters, upper case for the client", |s| TlsFacts::of(s, |t| Seen::Value(Value::text(&t.history)))),
    field::<TlsFacts>("tls.failure_reasons", Kind::Texts, "client rejected the server certificate", "what may have kept the handshake from completing; empty when it did", failure_reasons),
];

fn fingerprint<'a, T>(
    hello: &Seen<Box<T>>,
    of: impl FnOnce(&T) -> Seen<String>,
) -> Seen<Value<'a>> {
    hello.and_then(|hello| of(hello).map(|text| Value::Text(Cow::Owned(text.clone()))))
}

fn client<'a>(
    tls: &'a TlsFacts,
    read: impl FnOnce(&'a ClientHello) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    tls.client_hello.and_then(|hello| read(hello))
}

fn server<'a>(
    tls: &'a TlsFacts,
    read: impl FnOnce(&'a ServerHello) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    tls.server_hello.and_then(|hello| read(hello))
}

fn int<'a>(value: impl Into<i64>) -> Seen<Value<'a>> {
    Seen::Value(Value::Int(value.into()))
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn name<'a>(name: Cow<'a, str>) -> Seen<Value<'a>> {
    Seen::Value(Value::Text(name))
}

fn texts<'a>(all: impl Iterator<Item = Cow<'a, str>>) -> Seen<Value<'a>> {
    Seen::Value(Value::Texts(all.collect()))
}

fn option<'a, T>(value: Option<T>, read: impl FnOnce(T) -> Seen<Value<'a>>) -> Seen<Value<'a>> {
    value.map_or(Seen::Absent, read)
}

fn present<'a, T>(seen: &Seen<T>) -> Seen<Value<'a>> {
    match seen {
        Seen::Value(_) => bool(true),
        Seen::Absent => bool(false),
        Seen::NotReached => Seen::NotReached,
        Seen::Hidden(why) => Seen::Hidden(*why),
    }
}

fn hash<'a>(scheme: u16) -> Seen<Value<'a>> {
    option(scheme_hash(scheme), |hash| Seen::Value(Value::text(hash)))
}

/// A suite that is not known may be worth anything.
fn worth<'a>(
    answer: Answer,
    read: impl FnOnce(&'static Suite) -> Seen<Value<'a>>,
) -> Seen<Value<'a>> {
    suite(answer.suite).map_or(Seen::Hidden(Why::Malformed), read)
}

/// In TLS 1.3 the suite says nothing of it: a key share does.
fn forward_secrecy<'a>(answer: Answer) -> Seen<Value<'a>> {
    match answer.version {
        TLS13.. => bool(answer.group.is_some()),
        _ => worth(answer, |suite| bool(suite.forward_secrecy)),
    }
}

/// Data of the client ahead of the ServerHello cannot be anything else.
fn early_data_sent(tls: &TlsFacts) -> Seen<Value<'_>> {
    client(tls, |hello| server(tls, |_| bool(hello.early_data && tls.early_data.is_some())))
}

const TLS13: u16 = 0x0304;
const TLS12: u16 = 0x0303;

fn alpn(tls: &TlsFacts) -> Seen<Value<'_>> {
    server(tls, |hello| match (&hello.alpn, hello.version) {
        (Some(alpn), _) => Seen::Value(Value::text(alpn)),
        (None, TLS13..) if !tls.decryption.extensions => Seen::Hidden(Why::Encrypted),
        (None, _) => Seen::Absent,
    })
}

fn ticket_lifetime(tls: &TlsFacts) -> Seen<Value<'_>> {
    match tls.ticket_lifetime {
        Some(seconds) => int(seconds),
        None => server(tls, |hello| match hello.version {
            // Tickets come after the handshake, where keys of the handshake alone do not reach.
            TLS13.. => Seen::Hidden(Why::Encrypted),
            _ => Seen::Absent,
        }),
    }
}

/// What keys do not open stays hidden.
fn inside(tls: &TlsFacts) -> Seen<Value<'_>> {
    match (tls.decryption.inside, tls.decryption.keys) {
        (Some(protocol), _) => Seen::Value(Value::text(protocol)),
        (None, Keys::Fit) => Seen::Absent,
        (None, _) => Seen::Hidden(Why::Encrypted),
    }
}

fn early_data_accepted(tls: &TlsFacts) -> Seen<Value<'_>> {
    client(tls, |hello| match (hello.early_data, tls.decryption.extensions) {
        (false, _) => bool(false),
        (true, true) => bool(tls.decryption.early_data_accepted),
        (true, false) => Seen::Hidden(Why::Encrypted),
    })
}

fn only_weak_schemes(hello: &ClientHello) -> bool {
    !hello.signature_schemes.is_empty()
        && hello.signature_schemes.iter().all(|scheme| scheme_is_weak(*scheme))
}

fn missing_protections<'a>(answer: Answer) -> Seen<Value<'a>> {
    let missing = [
        ("compression-off", answer.compression != 0),
        ("secure-renegotiation", !answer.secure_renegotiation),
        ("extended-master-secret", !answer.extended_master_secret),
    ];
    let before_13 = answer.version <= TLS12;
    texts(
        missing.into_iter().filter(|(_, is)| *is && before_13).map(|(word, _)| Cow::Borrowed(word)),
    )
}

fn alert(alert: &crate::model::Alert) -> Cow<'static, str> {
    Cow::Owned(format!("{}:{}", alert.direction.sender(), alert_name(alert.description)))
}

fn failure_reasons<'a>(subject: &Subject<'a>) -> Seen<Value<'a>> {
    let Subject::Session(session) = subject else { return WRONG_SUBJECT };
    TlsFacts::of(subject, |tls| match &tls.established {
        Seen::Value(true) => texts(std::iter::empty()),
        Seen::Hidden(why) => Seen::Hidden(*why),
        _ => texts(reasons(tls, session.session.end).into_iter().map(Cow::Borrowed)),
    })
}
