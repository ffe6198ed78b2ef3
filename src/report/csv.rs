//! Inventories as comma-separated values (RFC 4180): certificates, cipher suites, edges, findings.
//!
//! A text that a spreadsheet would take for a formula gets a quote in front (OWASP), unless `raw_csv` asks for the text
//! as it is. Numbers are ours and get none.

use std::io;

use super::Style;
use super::wireshark::in_files;
use crate::inspect::tls::{group_name, suite, suite_name, version_name};
use crate::model::{CertificateDetails, CertificateRow, Finding, Outcome, Posture};

pub(super) fn certificates(
    outcome: &Outcome,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut table = Table::begin(style, out, CERTIFICATE_COLUMNS)?;
    outcome.certificates.iter().try_for_each(|row| table.row(&certificate(row)))
}

const CERTIFICATE_COLUMNS: &[&str] = &[
    "sha256",
    "role",
    "position",
    "service",
    "ip",
    "port",
    "subject",
    "issuer",
    "serial",
    "not_before",
    "not_after",
    "names",
    "key",
    "key_bits",
    "signature",
    "self_signed",
    "sessions",
    "first_seen",
    "last_seen",
    "faults",
];

fn certificate(row: &CertificateRow) -> Vec<Value> {
    let details = row.certificate.details.as_ref();
    let text = |read: fn(&CertificateDetails) -> String| {
        Value::Text(details.map_or_else(String::new, read))
    };
    let names = |d: &CertificateDetails| {
        let names: Vec<String> = d.names.iter().map(ToString::to_string).collect();
        names.join(" ")
    };
    let signed = |d: &CertificateDetails| {
        crate::store::flat::yes_no(&d.self_signed).map_or_else(String::new, |yes| yes.to_string())
    };
    vec![
        Value::Text(row.certificate.sha256.to_string()),
        Value::Text(row.role.to_owned()),
        Value::Number(row.position as u64),
        Value::Text(row.party.service.to_string()),
        Value::Text(row.party.addr.to_string()),
        row.port.map_or(Value::Text(String::new()), |port| Value::Number(port.into())),
        text(|d| d.subject.clone()),
        text(|d| d.issuer.clone()),
        text(|d| d.serial.clone()),
        text(|d| d.not_before.to_string()),
        text(|d| d.not_after.to_string()),
        text(names),
        text(|d| d.key.kind.name().to_owned()),
        details.map_or(Value::Text(String::new()), |d| Value::Number(d.key.bits.into())),
        text(|d| d.signature.name.clone()),
        text(signed),
        Value::Number(row.sessions),
        Value::Text(row.first.time.to_string()),
        Value::Text(row.last.time.to_string()),
        Value::Text(row.faults.names().collect::<Vec<_>>().join(" ")),
    ]
}

pub(super) fn ciphers(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let columns = [
        "service",
        "ip",
        "port",
        "version",
        "suite",
        "suite_number",
        "group",
        "forward_secrecy",
        "class",
        "sessions",
        "first_seen",
        "last_seen",
    ];
    let mut table = Table::begin(style, out, &columns)?;
    outcome.suites.iter().try_for_each(|row| {
        let known = suite(row.suite);
        let told = |read: fn(&crate::inspect::tls::Suite) -> bool| {
            Value::Text(known.map_or_else(String::new, |suite| read(suite).to_string()))
        };
        table.row(&[
            Value::Text(row.server.service.to_string()),
            Value::Text(row.server.addr.to_string()),
            Value::Number(row.port.into()),
            Value::Text(version_name(row.version).into_owned()),
            Value::Text(suite_name(row.suite).into_owned()),
            Value::Text(format!("0x{:04x}", row.suite)),
            Value::Text(row.group.map_or_else(String::new, |group| group_name(group).into_owned())),
            told(|suite| suite.forward_secrecy),
            Value::Text(known.map_or_else(String::new, |suite| suite.class.to_owned())),
            Value::Number(row.sessions),
            Value::Text(row.first.to_string()),
            Value::Text(row.last.to_string()),
        ])
    })
}

pub(super) fn edges(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let columns = [
        "client",
        "client_ip",
        "server",
        "server_ip",
        "port",
        "protocols",
        "sessions",
        "mtls",
        "tls",
        "tls_opaque",
        "plaintext",
        "unknown",
        "bytes",
        "first_seen",
        "last_seen",
    ];
    let mut table = Table::begin(style, out, &columns)?;
    outcome.edges.iter().try_for_each(|row| {
        let mut values = vec![
            Value::Text(row.client.service.to_string()),
            Value::Text(row.client.addr.to_string()),
            Value::Text(row.server.service.to_string()),
            Value::Text(row.server.addr.to_string()),
            Value::Number(row.server_port.into()),
            Value::Text(row.protocols.join(" ")),
            Value::Number(row.postures.total()),
        ];
        values.extend(Posture::ALL.map(|posture| Value::Number(row.postures.of(posture))));
        values.push(Value::Number(row.bytes));
        values.extend([row.first, row.last].map(|time| Value::Text(time.to_string())));
        table.row(&values)
    })
}

pub(super) fn findings(
    outcome: &Outcome,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let columns = [
        "id",
        "rule",
        "rule_name",
        "severity",
        "confidence",
        "state",
        "message",
        "client",
        "server",
        "port",
        "count",
        "file",
        "frames",
        "filter",
        "community_id",
        "first_seen",
        "last_seen",
        "fix",
    ];
    let mut table = Table::begin(style, out, &columns)?;
    outcome.findings.iter().try_for_each(|one| table.row(&finding(outcome, one)))
}

fn finding(outcome: &Outcome, one: &Finding) -> Vec<Value> {
    let sample = one.evidence.first();
    let found = sample.and_then(|evidence| in_files(&outcome.run, evidence).into_iter().next());
    let name = |party: &Option<crate::model::Party>| {
        Value::Text(party.as_ref().map_or_else(String::new, |party| party.service.to_string()))
    };
    let (file, frames, filter) = found.map_or_else(Default::default, |found| {
        let frames: Vec<String> = found.frames.iter().map(ToString::to_string).collect();
        (found.file, frames.join(" "), found.filter)
    });
    vec![
        Value::Text(one.id.to_string()),
        Value::Text(one.rule.to_string()),
        Value::Text(one.rule_name.to_string()),
        Value::Text(one.severity.name().to_owned()),
        Value::Text(one.confidence.name().to_owned()),
        Value::Text(one.accepted.as_ref().map_or("open", |word| word.by.name()).to_owned()),
        Value::Text(one.message.to_string()),
        name(&one.client),
        name(&one.server),
        one.server_port.map_or(Value::Text(String::new()), |port| Value::Number(port.into())),
        Value::Number(one.count),
        Value::Text(file),
        Value::Text(frames),
        Value::Text(filter),
        Value::Text(sample.map_or_else(String::new, |sample| sample.community_id().to_string())),
        Value::Text(one.first.time.to_string()),
        Value::Text(one.last.time.to_string()),
        Value::Text(one.fix.to_string()),
    ]
}

enum Value {
    Text(String),
    Number(u64),
}

struct Table<'a> {
    out: &'a mut dyn io::Write,
    raw: bool,
}

impl<'a> Table<'a> {
    fn begin(style: &Style, out: &'a mut dyn io::Write, columns: &[&str]) -> io::Result<Self> {
        write!(out, "{}\r\n", columns.join(","))?;
        Ok(Self { out, raw: style.raw_csv })
    }

    fn row(&mut self, values: &[Value]) -> io::Result<()> {
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.out.write_all(b",")?;
            }
            match value {
                Value::Number(number) => write!(self.out, "{number}")?,
                Value::Text(text) => self.out.write_all(field(text, self.raw).as_bytes())?,
            }
        }
        self.out.write_all(b"\r\n")
    }
}

/// A text as a field.
pub(super) fn field(text: &str, raw: bool) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']);
    let guarded = if formula && !raw { format!("'{text}") } else { text.to_owned() };
    if guarded.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}
