//! `--trust` and `--crl`: whose certificates are ours, and which of them no longer count.

use rcgen::{CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::Value;

use crate::program::{GOOD, Lab, Run, sample_bytes};

/// An authority that issued nothing that any sample shows.
fn stranger() -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "stranger");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params, KeyPair::generate().unwrap())
}

fn stranger_pem() -> String {
    let (params, key) = stranger();
    params.self_signed(&key).unwrap().pem()
}

fn stranger_crl() -> Vec<u8> {
    let (params, key) = stranger();
    let crl = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, 1),
        next_update: rcgen::date_time_ymd(2027, 1, 1),
        crl_number: rcgen::SerialNumber::from_slice(&[1]),
        issuing_distribution_point: None,
        revoked_certs: vec![],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    crl.signed_by(&rcgen::Issuer::new(params, key)).unwrap().der().to_vec()
}

/// The certificates that lie in one piece in a sample, in the order of their first packets.
fn certificates(sample: &str) -> Vec<Vec<u8>> {
    let bytes = sample_bytes(sample);
    let at = |start: usize| {
        let head = bytes.get(start..start + 4)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])) + 4;
        let der = (head[..2] == [0x30, 0x82]).then(|| bytes.get(start..start + length))??;
        wirelint::pki::read(der).details.is_some().then(|| der.to_vec())
    };
    (0..bytes.len()).filter_map(at).collect()
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:#?}"))
}

/// The leaf that a server showed, with its chain.
fn server_leaf(report: &Value) -> Value {
    let all = report["certificates"].as_array().unwrap();
    let leaf = all.iter().find(|one| one["role"] == "server" && one["position"] == 0);
    leaf.unwrap()["chain"].clone()
}

const CHAIN: &str = "tls12-long-chain.pcapng";

#[test]
fn a_chain_leads_to_a_bundle_by_its_name() {
    let lab = Lab::new();
    let authorities = certificates(CHAIN);
    let region = authorities
        .iter()
        .find(|der| wirelint::pki::read(der).details.unwrap().subject.ends_with("CN=lab region"));
    lab.sample(CHAIN, "x.pcapng").file("mesh.der", region.expect("a piece that is whole"));
    let report = json(&lab.run(&["check", "x.pcapng", "--format", "json", "--trust", "mesh.der"]));
    let chain = server_leaf(&report);
    assert_eq!((&chain["trust"], &chain["bundle"]), (&"anchored".into(), &"mesh".into()));
    assert_eq!(chain["faults"], Value::Array(vec![]));
    assert_eq!(chain["names"], "covered");
    let named = ["check", "x.pcapng", "--format", "json", "--trust", "zones=mesh.der"];
    assert_eq!(server_leaf(&json(&lab.run(&named)))["bundle"], "zones");
    let text = lab.run(&["check", "x.pcapng", "--trust", "mesh.der"]);
    text.says(0, &[]);
    assert!(text.out.contains("  trust: 2 of 2 chains lead to a trusted authority\n"), "{text:#?}");
}

#[test]
fn without_a_bundle_nothing_is_untrusted_and_with_another_it_is() {
    let lab = Lab::new();
    lab.sample(CHAIN, "x.pcapng").file("other.pem", stranger_pem());
    let untold = lab.run(&["check", "x.pcapng"]);
    assert!(untold.code == 0 && !untold.out.contains("WL3002"), "{untold:#?}");
    let told = lab.run(&["check", "x.pcapng", "--trust", "other.pem", "--db", "x.db"]);
    assert!(told.code == 1 && told.out.contains("WL3002"), "{told:#?}");
    let sql = "SELECT role, chain_trust, chain_faults FROM v_certificates
               WHERE position = 0 ORDER BY role";
    let rows = lab.run(&["db", "query", sql, "--db", "x.db", "--format", "csv"]);
    assert!(rows.out.contains("server,unanchored,\"[\"\"unknown-issuer\"\"]\""), "{rows:#?}");
}

#[test]
fn rubbish_in_a_bundle_is_named_and_is_missing_evidence() {
    let lab = Lab::new();
    let rubbish = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
    lab.sample(CHAIN, "x.pcapng").file("ca.pem", format!("{}{rubbish}", stranger_pem()));
    let run = lab.run(&["check", "x.pcapng", "--trust", "ca.pem", "--ignore", "WL3,WL4"]);
    let line = 1 + stranger_pem().lines().count();
    let said =
        format!("error[trust-unreadable]: the certificate at line {line} of ca.pem cannot be read");
    run.says(4, &[&said, "  = note: it was left out: what it issued may be called untrusted"]);
    assert!(run.out.contains("incomplete[trust-unreadable]"), "{run:#?}");
    let accepted = [
        "check",
        "x.pcapng",
        "--trust",
        "ca.pem",
        "--ignore",
        "WL3,WL4",
        "--on-incomplete",
        "warn",
    ];
    assert_eq!(lab.run(&accepted).code, 0);
    lab.file("none.pem", rubbish).file("text.pem", "no certificates here");
    let none = "error[trust-empty]: none.pem holds no certificate that can be read";
    lab.run(&["check", "x.pcapng", "--trust", "none.pem"]).refuses(2, &[none]);
    let text = "error[trust-empty]: text.pem holds no certificate that can be read";
    lab.run(&["check", "x.pcapng", "--trust", "text.pem"]).refuses(2, &[text]);
}

#[test]
fn files_that_are_not_there_are_all_named() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    lab.run(&["check", "x.pcapng", "--trust", "mesh=ca.pem", "--crl", "ca.crl"]).refuses(
        2,
        &[
            "error[input-missing]: no such file: ca.pem",
            "error[input-missing]: no such file: ca.crl",
        ],
    );
    let run = lab.run(&["check", "x.pcapng", "--trust", "mesh="]);
    run.refuses(2, &[]);
    assert!(run.err.contains("expected PEM or NAME=PEM"), "{run:#?}");
}

#[test]
fn a_revocation_list_of_another_issuer_is_named_and_the_audit_goes_on() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng").file("other.crl", stranger_crl()).file("bad.crl", "rubbish");
    let run = lab.run(&["check", "x.pcapng", "--crl", "other.crl"]);
    let said = run.err.lines().find(|line| line.starts_with("warning[crl-unused]"));
    let said = said.unwrap_or_else(|| panic!("{run:#?}"));
    assert!(said.contains("other.crl of") && said.contains("CN=stranger"), "{said}");
    assert_eq!(run.code, 0);
    let bad = "error[crl-empty]: bad.crl holds no revocation list that can be read";
    lab.run(&["check", "x.pcapng", "--crl", "bad.crl"]).refuses(2, &[bad]);
}

/// A sample, recorded by so many days later.
fn later(sample: &str, days: u64) -> Vec<u8> {
    const ENHANCED_PACKET: u32 = 6;
    let mut bytes = sample_bytes(sample);
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut at = 0;
    while at < bytes.len() {
        if word(&bytes, at) == ENHANCED_PACKET {
            let micros =
                (u64::from(word(&bytes, at + 12)) << 32) + u64::from(word(&bytes, at + 16));
            let moved = micros + days * 86_400_000_000;
            bytes[at + 12..at + 16].copy_from_slice(&moved.to_le_bytes()[4..]);
            bytes[at + 16..at + 20].copy_from_slice(&moved.to_le_bytes()[..4]);
        }
        at += usize::try_from(word(&bytes, at + 4)).unwrap();
    }
    bytes
}

#[test]
fn a_revocation_list_is_named_when_packets_are_younger_than_it_is_good_for() {
    let lab = Lab::new();
    lab.file("ca.pem", sample_bytes("tls12-revoked.pem"))
        .file("ca.crl", sample_bytes("tls12-revoked.crl"));
    lab.sample("tls12-revoked.pcapng", "now.pcapng")
        .file("later.pcapng", later("tls12-revoked.pcapng", 60));
    let check = |capture| lab.run(&["check", capture, "--trust", "ca.pem", "--crl", "ca.crl"]);
    assert!(!check("now.pcapng").err.contains("crl-expired"));
    let run = check("later.pcapng");
    let named: Vec<_> = run.err.lines().filter(|line| line.contains("[crl-expired]")).collect();
    assert!(matches!(named[..], [one] if one.contains("lab-root")), "{run:#?}");
    // What it says of the certificate still holds, and coverage says what was lost.
    assert!(run.out.contains("WL3007"), "{run:#?}");
    assert!(run.out.contains("incomplete[crl-expired]"), "{run:#?}");
}

#[test]
fn a_client_that_goes_on_after_a_wrong_certificate_is_a_finding_about_it() {
    let lab = Lab::new();
    lab.sample("tls12-name-mismatch.pcapng", "x.pcapng");
    let run = lab.run(&["check", "x.pcapng", "--format", "json", "--select", "WL4003"]);
    let report = json(&run);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!((run.code, findings.len()), (1, 1), "{findings:#?}");
    assert_eq!(findings[0]["client"]["service"], "10.77.0.2");
    assert_eq!(findings[0]["severity"], "critical");
    lab.sample(GOOD, "good.pcapng");
    assert_eq!(lab.run(&["check", "good.pcapng", "--select", "WL4003"]).code, 0);
}
