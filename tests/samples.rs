//! The truth files of the samples keep to their schema, and nothing lies beside them that should not.
//!
//! `samples/lab/README.md` says what the keys mean; the types below say which there are. Whether wirelint agrees with them
//! is for `tests/replay.rs`.

#![cfg(test)]
#![expect(dead_code, reason = "a schema: most fields are there for what reads them out of a file")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Truth {
    #[serde(default)]
    secrets: Vec<String>,
    sample: Sample,
    #[serde(default)]
    options: Options,
    #[serde(default)]
    connection: Vec<Connection>,
    #[serde(default)]
    certificate: Vec<Certificate>,
    #[serde(default)]
    coverage: Coverage,
    #[serde(default)]
    output: Output,
    findings: Findings,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Sample {
    title: String,
    family: String,
    recorded_at: String,
    recorded_with: String,
    programs: Vec<String>,
    packets: u32,
    derived_from: Option<String>,
    note: Option<String>,
}

/// Files beside the sample that wirelint is to be given.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Options {
    #[serde(default)]
    trust: Vec<String>,
    #[serde(default)]
    crl: Vec<String>,
    #[serde(default)]
    keylog: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Connection {
    client: String,
    server: String,
    count: u32,
    posture: Option<Posture>,
    true_posture: Option<Posture>,
    evidence: Option<Evidence>,
    client_auth: Option<ClientAuth>,
    true_client_auth: Option<ClientAuth>,
    established: Option<bool>,
    true_established: Option<bool>,
    protocol: Option<String>,
    inside: Option<String>,
    version: Option<Version>,
    cipher: Option<String>,
    group: Option<String>,
    sni: Option<String>,
    alpn: Option<String>,
    resumed: Option<bool>,
    hello_retry: Option<bool>,
    mismatch: Option<bool>,
    start_seen: Option<bool>,
    #[serde(default)]
    alerts: Vec<String>,
    #[serde(default)]
    auth_schemes: Vec<String>,
    #[serde(default)]
    calls: Vec<Call>,
    #[serde(default)]
    credential: Vec<Credential>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Posture {
    Mtls,
    Tls,
    TlsOpaque,
    Plaintext,
    Unknown,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Evidence {
    Observed,
    Decrypted,
    Inherited,
    Inferred,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum ClientAuth {
    NotRequested,
    Declined,
    Presented,
    Hidden,
}

#[derive(Deserialize)]
enum Version {
    #[serde(rename = "TLSv1.0")]
    Tls10,
    #[serde(rename = "TLSv1.1")]
    Tls11,
    #[serde(rename = "TLSv1.2")]
    Tls12,
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    service: String,
    method: String,
    count: u32,
    status: Option<i32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credential {
    kind: String,
    principal: String,
    #[serde(rename = "where")]
    place: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Certificate {
    role: Role,
    holder: String,
    position: u32,
    visible: bool,
    sha256: String,
    subject: String,
    issuer: String,
    names: Vec<String>,
    key: String,
    signature: String,
    self_signed: bool,
    validity: Validity,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Role {
    Server,
    Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Validity {
    Valid,
    Expired,
    NotYetValid,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Coverage {
    midstream: Option<u32>,
    one_sided: Option<u32>,
    gap_sessions: Option<u32>,
    unrecognised: Option<u32>,
    cut_frames: Option<u32>,
    #[serde(default)]
    incomplete: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Output {
    #[serde(default)]
    never_shown: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Findings {
    present: Vec<String>,
    maybe: Vec<String>,
    absent: Vec<String>,
}

#[test]
fn every_truth_file_keeps_to_the_schema_and_makes_sense() {
    for path in files("toml") {
        let text = fs::read_to_string(&path).unwrap();
        let truth: Truth =
            toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let wrong = nonsense(&truth);
        assert!(wrong.is_empty(), "{}: {wrong:?}", path.display());
    }
}

/// What a schema alone does not tell.
fn nonsense(truth: &Truth) -> Vec<String> {
    let sample = &truth.sample;
    let mut claims = vec![
        (!sample.title.is_empty() && !sample.programs.is_empty(), "title and programs".to_owned()),
        (!sample.family.is_empty(), "family".to_owned()),
        (sample.recorded_at.len() == 10 && !sample.recorded_with.is_empty(), "recorded".to_owned()),
        (sample.packets > 0 && sample.note.as_deref() != Some(""), "packets, note".to_owned()),
        (
            sample.derived_from.as_ref().is_none_or(|base| exists(&format!("{base}.toml"))),
            "base".to_owned(),
        ),
        (!truth.connection.is_empty(), "connections".to_owned()),
        (
            truth.secrets.iter().all(|secret| secret.len() > 8),
            "a secret that is found everywhere".to_owned(),
        ),
        (truth.output.never_shown.iter().all(|text| !text.is_empty()), "never shown".to_owned()),
    ];
    let options = &truth.options;
    for file in [&options.trust, &options.crl, &options.keylog].into_iter().flatten() {
        claims.push((exists(file), format!("{file} is missing")));
    }
    claims.extend(
        truth
            .connection
            .iter()
            .map(|one| (sensible(one), format!("{} {}", one.client, one.server))),
    );
    for one in &truth.certificate {
        let good = one.sha256.len() == 64 && one.position < 8 && one.key.contains(' ');
        let told =
            [&one.subject, &one.issuer, &one.signature].iter().all(|text| !text.contains('\n'));
        let named =
            one.names.iter().all(|name| name.contains(':')) && one.holder.contains(['.', ':']);
        let port = one.holder.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
        claims.push((
            good && told && named && (port || one.role == Role::Client),
            one.subject.clone(),
        ));
    }
    claims.extend(codes(&truth.findings));
    claims.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect()
}

fn sensible(one: &Connection) -> bool {
    let ends = one.client.ends_with(":*") && one.server.contains(':') && one.count > 0;
    let told = one.true_client_auth != Some(ClientAuth::Hidden)
        && !matches!(one.true_posture, Some(Posture::TlsOpaque | Posture::Unknown));
    let encrypted = one.version.is_none() || one.posture != Some(Posture::Plaintext);
    let called = one.calls.iter().all(|call| call.count > 0 && !call.method.is_empty());
    let secret = |one: &Credential| !one.kind.is_empty() && !one.place.is_empty();
    ends && told && encrypted && called && one.credential.iter().all(secret)
}

fn codes(findings: &Findings) -> Vec<(bool, String)> {
    let all: Vec<&String> =
        [&findings.present, &findings.maybe, &findings.absent].into_iter().flatten().collect();
    let once = all.iter().collect::<BTreeSet<_>>().len() == all.len();
    let code = |code: &&String| {
        code.len() == 6 && code.starts_with("WL") && code[2..].parse::<u16>().is_ok()
    };
    vec![
        (once, "a rule twice".to_owned()),
        (all.iter().all(code), "not the code of a rule".to_owned()),
    ]
}

#[test]
fn samples_are_small_and_bring_no_private_key() {
    for extension in ["pcap", "pcapng", "pem", "crl", "keys"] {
        for path in files(extension) {
            let bytes = fs::read(&path).unwrap();
            assert!(bytes.len() <= 300_000, "{}: {} bytes", path.display(), bytes.len());
            let key = memchr::memmem::find(&bytes, b"PRIVATE KEY").is_some();
            assert!(!key, "{} has a private key", path.display());
        }
    }
}

/// A clone brings every sample along: a family that outgrows this is recorded smaller, not excused.
const MOST_OF_A_FAMILY: u64 = 500_000;

#[test]
fn no_family_of_samples_is_large() {
    let mut families: BTreeMap<String, u64> = BTreeMap::new();
    for path in [files("pcap"), files("pcapng")].concat() {
        let truth = fs::read_to_string(path.with_extension("toml")).unwrap();
        let truth: Truth = toml::from_str(&truth).unwrap();
        *families.entry(truth.sample.family).or_default() += fs::metadata(&path).unwrap().len();
    }
    let large: Vec<_> = families.iter().filter(|(_, bytes)| **bytes > MOST_OF_A_FAMILY).collect();
    assert!(large.is_empty(), "{large:?} of {families:?}");
}

#[test]
fn every_file_beside_a_sample_is_named_by_its_truth() {
    for (extension, key) in [("pem", "trust"), ("crl", "crl"), ("keys", "keylog")] {
        for path in files(extension) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let truth = fs::read_to_string(path.with_extension("toml")).unwrap();
            assert!(
                truth.contains(&format!("{key} = [\"{name}\"]")),
                "{name} is named by no truth"
            );
        }
    }
}

fn exists(file: &str) -> bool {
    folder().join(file).is_file()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn files(extension: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    found.sort();
    found
}
