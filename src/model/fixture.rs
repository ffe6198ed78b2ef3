//! Outcomes made by hand, for the tests of reports and store.

mod acceptance;
mod coverage;
mod credentials;

use std::sync::Arc;

pub(crate) use acceptance::acceptance;
use coverage::coverage;

use crate::model::{
    Accept, Alert, Answer, AuditedSession, Call, CallFacts, Certificate, CertificateDetails,
    CertificateRequest, CertificateRow, ChainFault, ChainFaults, ChainOutcome, ChainTrust,
    ClientAuth, ClientHello, ClientOffer, Confidence, Coverage, Der, Digest, Direction, EdgeRow,
    EdgeUse, EndState, Endpoint, Evidence, Finding, FindingBody, FindingId, FirstBytes, FrameNo,
    Graded, Incomplete, KeyKind, Moment, NameCheck, NotObservable, Outcome, Particulars, Party,
    PerDirection, Posture, Postures, PublicKey, Recalled, RecordFact, Revocation, Roles, RunInfo,
    SanName, Seen, ServerHello, ServiceRow, Session, Severity, SignatureAlgorithm, SourceInfo,
    Timestamp, TlsFacts, Traffic, Used, Version, Why, escape_text,
};

/// 2026-01-21T09:14:01.000002Z.
const START: i64 = 1_768_986_841_000_002;

pub(crate) fn moment(frame: u64) -> Moment {
    let micros = i64::try_from(frame).unwrap() * 1000;
    Moment { time: Timestamp::from_micros(START + micros), frame: FrameNo(frame) }
}

pub(crate) fn party(name: &str, addr: &str) -> Party {
    let how = if name == addr { "unmapped" } else { "sni" };
    let host = Endpoint::new(addr.parse().unwrap(), 0);
    Party { service: name.to_owned().into(), how, ..Party::unmapped(host) }
}

/// An ordinary run: two files, four sessions kept, findings of every severity.
pub(crate) fn outcome() -> Outcome {
    Outcome {
        run: run_info(),
        findings: findings(),
        services: services(),
        edges: edges(),
        certificates: certificate_rows(),
        credentials: credentials::rows(),
        sessions: vec![plaintext(1), mutual(2), opaque(3), unrecognised(4)],
        announcements: Vec::new(),
        coverage: coverage(),
        ..Outcome::default()
    }
}

/// As [`outcome`], with what a hostile peer would put wherever it can.
pub(crate) fn hostile() -> Outcome {
    let text = escape_text(HOSTILE);
    let mut outcome = outcome();
    for finding in &mut outcome.findings {
        finding.message = format!("{text} speaks grpc").into();
        finding.subject = Some(text.clone());
        for evidence in &mut finding.evidence {
            evidence.facts.push(("sni", text.clone()));
        }
    }
    for row in &mut outcome.services {
        row.service.service = text.as_str().into();
        row.endpoint.clone_from(&text);
        row.protocols = vec![text.clone()];
    }
    for source in &mut outcome.run.sources {
        source.name = format!("{text}.pcap");
    }
    outcome.coverage.incomplete[0].message.clone_from(&text);
    outcome
}

/// What crossed the wire.
pub(crate) const HOSTILE: &str = "\u{1b}]0;pwned\u{7}\n::error::forged\r\u{202e}=cmd|'/C calc'!A0";

/// A run that had nothing to judge.
pub(crate) fn empty() -> Outcome {
    Outcome { run: run_info(), ..Outcome::default() }
}

/// A run with many findings.
pub(crate) fn many_findings(count: usize) -> Outcome {
    let mut outcome = outcome();
    let template = outcome.findings[0].clone();
    outcome.findings = (0..count)
        .map(|at| {
            let mut finding = template.clone();
            // The store numbers findings by 63 of the bits of their identities.
            finding.id.0[..8].copy_from_slice(&(at as u64 * 2).to_be_bytes());
            finding.message =
                format!("client-{at} speaks grpc to payments:50051 without TLS").into();
            finding
        })
        .collect();
    outcome
}

fn run_info() -> RunInfo {
    RunInfo {
        unlisted: 0,
        version: "0.1.0".into(),
        ruleset: "3f".repeat(32),
        filter: Some("tcp".into()),
        sources: vec![
            source("captures/staging.pcapng", 1, 300),
            source("captures/night.pcap", 301, 200),
        ],
        fail_on: Some(Severity::High),
        accept: Accept::default(),
        rules: 31,
        category: String::new(),
    }
}

fn source(name: &str, first: u64, frames: u64) -> SourceInfo {
    SourceInfo {
        name: name.into(),
        first_frame: FrameNo(first),
        frames,
        bytes: frames * 500,
        link_types: vec!["ethernet".into()],
        ..SourceInfo::default()
    }
}

fn findings() -> Vec<Finding> {
    let rows = [
        ("WL4001", "bearer-token-in-clear", Severity::Critical, 1),
        ("WL1001", "plaintext-rpc", Severity::High, 37),
        ("WL2004", "certificate-expires-soon", Severity::Medium, 3),
        ("WL3009", "no-forward-secrecy", Severity::Low, 2),
        ("WL9002", "certificates-hidden", Severity::Info, 98),
    ];
    rows.into_iter()
        .map(|(rule, name, severity, count)| finding(rule, name, severity, count))
        .collect()
}

pub(crate) fn finding(rule: &str, name: &str, severity: Severity, count: u64) -> Finding {
    let code: u16 = rule[2..].parse().unwrap();
    let mut id = [0xaa; 16];
    id[14..].copy_from_slice(&code.to_be_bytes());
    let body = FindingBody {
        id: FindingId(id),
        rule: rule.into(),
        rule_name: name.into(),
        severity,
        confidence: Confidence::High,
        title: "Plaintext RPC between services".into(),
        message: "orders speaks grpc to payments:50051 without TLS".into(),
        client: Some(party("orders", "10.0.1.5")),
        server: Some(party("payments", "10.0.2.9")),
        server_port: Some(50051),
        subject: Some("grpc".into()),
        first: moment(118),
        last: moment(400),
        count,
        evidence: vec![evidence(118), evidence(310)],
        fix: "turn TLS on at the server first, then require it".into(),
        tags: ["transport".into(), "cwe-319".into()].into(),
        declared: None,
        mapped: None,
        seen_at: Vec::new(),
        accepted: None,
    };
    body.into()
}

fn evidence(frame: u64) -> Evidence {
    let (client, server) = (end("10.0.1.5", 41000), end("10.0.2.9", 50051));
    Evidence {
        frames: vec![moment(frame)],
        client,
        server,
        facts: [
            ("first bytes", "PRI * HTTP/2.0".into()),
            ("call", "POST /shop.Payments/Charge".into()),
        ]
        .into(),
    }
}

fn end(addr: &str, port: u16) -> Endpoint {
    Endpoint::new(addr.parse().unwrap(), port)
}

/// Versions that carried a session each, and sessions whose posture was inferred.
pub(crate) fn particulars(versions: &[u16], inferred: u64) -> Particulars {
    let mut particulars = Particulars { inferred, ..Particulars::default() };
    for number in versions {
        let at = (moment(1), end("10.0.1.7", 40_001), end("10.0.2.9", 50_051));
        particulars.add_version(&Used::once(Version { number: *number, carried: true }, at));
    }
    particulars
}

fn services() -> Vec<ServiceRow> {
    let row = |name: &str, addr: &str, port: u16, postures, findings, worst| ServiceRow {
        service: party(name, addr),
        endpoint: format!("{addr}:{port}"),
        clients: 3,
        postures,
        protocols: vec!["grpc".into(), "tls".into()],
        findings,
        worst,
        particulars: particulars(&[0x0303, 0x0304], 31),
        grade: Graded::default(),
    };
    let few = Postures { plaintext: 5, unknown: 3, ..Postures::default() };
    let most = Postures { mtls: 88, tls: 25, tls_opaque: 48, plaintext: 53, unknown: 0 };
    vec![
        row("10.0.3.3", "10.0.3.3", 2379, few, 0, None),
        row("payments", "10.0.2.9", 50051, most, 5, Some(Severity::Critical)),
    ]
}

fn edges() -> Vec<EdgeRow> {
    let hour = Timestamp::from_seconds(1_768_986_000);
    let edge = |client: Party, server: Party, server_port, postures: Postures| EdgeRow {
        client,
        server,
        server_port,
        protocols: vec!["grpc".into()],
        postures,
        hours: Posture::ALL
            .into_iter()
            .filter(|posture| postures.of(*posture) > 0)
            .map(|posture| (hour, posture, postures.of(posture), 1000))
            .collect(),
        bytes: 3000,
        first: moment(1).time,
        last: moment(480).time,
        used: EdgeUse { particulars: particulars(&[0x0304], 2), ..EdgeUse::default() }.into(),
        grade: Graded::default(),
    };
    let services = services();
    vec![
        edge(
            party("10.0.1.7", "10.0.1.7"),
            party("10.0.3.3", "10.0.3.3"),
            2379,
            services[0].postures,
        ),
        edge(
            party("orders", "10.0.1.5"),
            party("payments", "10.0.2.9"),
            50051,
            services[1].postures,
        ),
    ]
}

pub(crate) fn certificate(seed: u8, common_name: &str) -> Arc<Certificate> {
    Arc::new(Certificate {
        sha256: Digest([seed; 32]),
        details: Some(CertificateDetails {
            version: 3,
            subject: format!("CN={common_name}"),
            issuer: "CN=Internal CA".into(),
            common_name: Some(common_name.into()),
            serial: "1f".into(),
            not_before: Timestamp::from_seconds(1_760_000_000),
            not_after: Timestamp::from_seconds(1_769_500_000),
            names: vec![
                SanName::Dns(common_name.into()),
                SanName::Uri(format!("spiffe://prod/{common_name}")),
            ],
            key: PublicKey {
                kind: KeyKind::Ec,
                bits: 256,
                curve: Some("P-256".into()),
                exponent: None,
            },
            spki_sha256: Digest([seed ^ 0xff; 32]),
            signature: SignatureAlgorithm {
                name: "ecdsa-with-SHA256".into(),
                hash: Some("SHA-256"),
            },
            is_ca: Some(false),
            path_length: None,
            key_usage: None,
            extended_key_usage: Some(vec!["serverAuth".into()]),
            subject_key_id: None,
            authority_key_id: None,
            revocation_pointer: false,
            must_staple: false,
            self_issued: false,
            self_signed: Seen::Value(false),
        }),
    })
}

fn certificate_rows() -> Vec<CertificateRow> {
    let row = |certificate, role, party, port| CertificateRow {
        certificate,
        role,
        position: 0,
        party,
        port,
        first: moment(120),
        last: moment(420),
        sessions: 88,
        outcome: Seen::Absent,
        faults: ChainFaults::default(),
    };
    let mut rows = vec![
        row(
            certificate(1, "payments.internal"),
            "server",
            party("payments", "10.0.2.9"),
            Some(8443),
        ),
        row(certificate(2, "orders.internal"), "client", party("orders", "10.0.1.5"), None),
        row(
            Arc::new(Certificate { sha256: Digest([9; 32]), details: None }),
            "server",
            party("10.0.3.3", "10.0.3.3"),
            Some(2379),
        ),
    ];
    let faults = ChainFaults::of(&[ChainFault::Expired, ChainFault::Revoked]);
    let revoked =
        Revocation::Revoked { since: moment(0).time, reason: "keyCompromise", source: "crl" };
    rows[0].faults = faults;
    rows[0].outcome = Seen::Value(Arc::new(ChainOutcome {
        faults,
        trust: ChainTrust::Anchored("mesh".into()),
        revocation: revoked,
        names: NameCheck::Covered,
        staple: Seen::Absent,
        path_length: 2,
        ..ChainOutcome::default()
    }));
    rows
}

/// A session with nothing but its ends.
pub(crate) fn session(number: u64, posture: Posture) -> AuditedSession {
    let port = u16::try_from(41_000 + number % 20_000).unwrap();
    AuditedSession {
        number,
        session: Session {
            last: moment(120 + number % 300),
            traffic: PerDirection {
                to_server: Traffic { packets: 20, bytes: 5120 },
                to_client: Traffic { packets: 24, bytes: 20480 },
            },
            end: EndState::Fin,
            ..Session::begun(
                end("10.0.1.5", port),
                end("10.0.2.9", 50051),
                Roles::Syn,
                moment(110 + number % 300),
            )
        },
        client: party("orders", "10.0.1.5"),
        server: party("payments", "10.0.2.9"),
        posture,
        evidence: "observed",
        confidence: Confidence::High,
        posture_why: "readable application bytes",
        client_auth: Seen::Hidden(Why::Encrypted),
        inherited: None,
        server_chain: Vec::new(),
        client_chain: Vec::new(),
        recalled: Recalled::default(),
        server_outcome: Seen::NotReached,
        client_outcome: Seen::NotReached,
    }
}

pub(crate) fn plaintext(number: u64) -> AuditedSession {
    let mut audited = session(number, Posture::Plaintext);
    audited.client_auth = Seen::Absent;
    audited.session.protocol = Some("grpc");
    audited.session.vlan = Some(7);
    audited.session.facts.plaintext = Some(moment(118));
    audited.session.facts.calls = Some(Box::new(CallFacts {
        calls: vec![Call {
            service: "shop.Payments".into(),
            method: "Charge".into(),
            count: 3,
            succeeded: 2,
            succeeded_authenticated: 1,
            failed: 1,
            last_status: Some(14),
            first: moment(118),
        }],
        requests: 3,
        responses: 3,
        authorities: vec!["payments:50051".into()],
        user_agents: vec!["grpc-go/1.60".into()],
        auth_schemes: vec!["bearer".into()],
        first_request: Some(moment(118)),
        authenticated: 1,
        ..CallFacts::default()
    }));
    audited
}

pub(crate) fn mutual(number: u64) -> AuditedSession {
    let mut audited = session(number, Posture::Mtls);
    audited.posture_why = "both ends presented certificates";
    audited.client_auth = Seen::Value(ClientAuth::Presented);
    audited.server_chain = vec![certificate(1, "payments.internal")];
    audited.client_chain = vec![certificate(2, "orders.internal")];
    audited.session.protocol = Some("tls");
    let der = || Der(Arc::from([0x30_u8, 0x00].as_slice()));
    audited.session.facts.tls = Some(Box::new(TlsFacts {
        first_record: Some(moment(119)),
        client_hello: Seen::Value(Box::new(hello())),
        server_hello: Seen::Value(Box::new(ServerHello {
            at: moment(121),
            alpn: Some("h2".into()),
            ..Answer { version: 0x0303, suite: 0xc02f, ..Answer::default() }.into()
        })),
        server_chain: Seen::Value(vec![der()]),
        client_chain: Seen::Value(vec![der()]),
        certificate_request: Seen::Value(CertificateRequest::default()),
        resumed: Seen::Value(false),
        established: Seen::Value(true),
        alerts: vec![Alert {
            direction: Direction::ToServer,
            level: 1,
            description: 0,
            at: moment(130),
        }],
        records: vec![RecordFact {
            direction: Direction::ToClient,
            content_type: 22,
            length: 40,
            at: moment(125),
        }],
        history: "CsxrXKVIFifd".into(),
        ..TlsFacts::default()
    }));
    audited
}

fn opaque(number: u64) -> AuditedSession {
    let mut audited = session(number, Posture::TlsOpaque);
    audited.posture_why = "TLS 1.3 hides certificates";
    audited.session.protocol = Some("tls");
    audited.session.facts.tls = Some(Box::new(TlsFacts {
        first_record: Some(moment(119)),
        client_hello: Seen::Value(Box::new(hello())),
        server_hello: Seen::Value(Box::new(ServerHello {
            at: moment(121),
            ..Answer { version: 0x0304, suite: 0x1301, group: Some(29), ..Answer::default() }.into()
        })),
        hello_retry: Some(moment(120)),
        server_chain: Seen::Hidden(Why::Encrypted),
        client_chain: Seen::Hidden(Why::Encrypted),
        certificate_request: Seen::Hidden(Why::Encrypted),
        resumed: Seen::Value(false),
        established: Seen::Value(true),
        history: "CjCsid".into(),
        ..TlsFacts::default()
    }));
    audited
}

fn hello() -> ClientHello {
    let offer = ClientOffer {
        legacy_version: 0x0303,
        versions: vec![0x0304, 0x0303],
        suites: vec![0x1301, 0xc02f],
        groups: vec![29],
        sni: Some(escape_text(HOSTILE)),
        alpn: vec!["h2".into(), "http/1.1".into()],
        ..ClientOffer::default()
    };
    ClientHello { at: moment(119), ..offer.into() }
}

fn unrecognised(number: u64) -> AuditedSession {
    let mut audited = session(number, Posture::Unknown);
    audited.posture_why = "protocol not recognised";
    audited.session.roles = Roles::Guess;
    audited.session.start_seen = false;
    audited.session.end = EndState::Timeout;
    audited.session.stream.gap_bytes.to_client = 1448;
    audited.session.facts.first_bytes = Some(FirstBytes::HighEntropy);
    audited
}
