//! Who talks to whom: one line an edge, from a finished run or from a database, as a table or as a graph.
//!
//! In graphs, what is drawn is named by numbers of ours; names of the wire are labels only, and escaped for each language.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::Style;
use super::csv::field;
use super::layout::{grouped, percent, table};
use crate::inspect::tls::version_name;
use crate::model::{Confidence, EdgeRow, Grade, Postures, Timestamp};
use crate::store::{Cell, QueryLimits, RowSink, StoreError, query};

/// One client talking to one server and port. All text is escaped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EdgeLine {
    /// Who calls.
    pub client: String,
    /// Its address.
    pub client_ip: String,
    /// Who is called.
    pub server: String,
    /// Its address.
    pub server_ip: String,
    /// On which port.
    pub port: u16,
    /// The worst of its postures.
    pub posture: &'static str,
    /// A to F; nothing where nothing could be judged.
    pub grade: Option<&'static str>,
    /// How sure the grade is.
    pub certainty: &'static str,
    /// Sessions.
    pub sessions: u64,
    /// Of them, mutual TLS.
    pub mtls: u64,
    /// Of them, TLS without a client certificate.
    pub tls: u64,
    /// Of them, TLS whose client is hidden.
    pub tls_opaque: u64,
    /// Of them, readable.
    pub plaintext: u64,
    /// Of them, unknown.
    pub unknown: u64,
    /// Application protocols.
    pub protocols: Vec<String>,
    /// Versions of TLS.
    pub versions: Vec<String>,
    /// Bytes in both directions.
    pub bytes: u64,
    /// First packet.
    pub first_seen: String,
    /// Last packet.
    pub last_seen: String,
}

impl EdgeLine {
    /// The line of an edge.
    #[must_use]
    pub fn of(row: &EdgeRow) -> Self {
        let versions = row.used.particulars.carried();
        Self {
            client: row.client.service.to_string(),
            client_ip: row.client.addr.to_string(),
            server: row.server.service.to_string(),
            server_ip: row.server.addr.to_string(),
            port: row.server_port,
            posture: row.postures.worst().name(),
            grade: row.grade.grade.map(Grade::name),
            certainty: row.grade.certainty.name(),
            sessions: row.postures.total(),
            mtls: row.postures.mtls,
            tls: row.postures.tls,
            tls_opaque: row.postures.tls_opaque,
            plaintext: row.postures.plaintext,
            unknown: row.postures.unknown,
            protocols: row.protocols.clone(),
            versions: versions.map(|version| version_name(version).into_owned()).collect(),
            bytes: row.bytes,
            first_seen: row.first.to_seconds_text(),
            last_seen: row.last.to_seconds_text(),
        }
    }

    /// Sessions by posture.
    #[must_use]
    pub fn postures(&self) -> Postures {
        Postures {
            mtls: self.mtls,
            tls: self.tls,
            tls_opaque: self.tls_opaque,
            plaintext: self.plaintext,
            unknown: self.unknown,
        }
    }

    /// When its last packet was.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.last_seen).ok()
    }

    fn mark(&self) -> String {
        let doubt = match (self.grade, self.certainty) {
            (None, _) | (_, "high") => "",
            (_, "medium") => "?",
            _ => "??",
        };
        format!("{}{doubt}", self.grade.unwrap_or("-"))
    }
}

/// The edges of a database, each as the latest run that saw it left it.
///
/// # Errors
/// As [`query`].
pub fn stored_edges(path: &Path) -> Result<Vec<EdgeLine>, StoreError> {
    const SQL: &str = "
        SELECT client, client_ip, server, server_ip, port, grade, certainty, mtls, tls, tls_opaque, plaintext,
               unknown, protocols, versions, bytes, first_seen, last_seen
        FROM v_edges ORDER BY server, port, server_ip, client, client_ip";
    let mut lines = Lines(Vec::new());
    query(path, SQL, &QueryLimits::default(), &mut lines)?;
    Ok(lines.0)
}

struct Lines(Vec<EdgeLine>);

impl RowSink for Lines {
    fn columns(&mut self, _: &[&str]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let text = |at: usize| match cells.get(at) {
            Some(Cell::Text(text)) => *text,
            _ => "",
        };
        let number = |at: usize| match cells.get(at) {
            Some(Cell::Int(number)) => u64::try_from(*number).unwrap_or(0),
            _ => 0,
        };
        let list = |at: usize| serde_json::from_str(text(at)).unwrap_or_default();
        let certainty = Confidence::parse(text(6)).unwrap_or(Confidence::Low);
        let mut line = EdgeLine {
            client: text(0).to_owned(),
            client_ip: text(1).to_owned(),
            server: text(2).to_owned(),
            server_ip: text(3).to_owned(),
            port: u16::try_from(number(4)).unwrap_or(0),
            posture: "",
            grade: Grade::parse(text(5)).map(Grade::name),
            certainty: certainty.name(),
            sessions: 0,
            mtls: number(7),
            tls: number(8),
            tls_opaque: number(9),
            plaintext: number(10),
            unknown: number(11),
            protocols: list(12),
            versions: list(13),
            bytes: number(14),
            first_seen: text(15).to_owned(),
            last_seen: text(16).to_owned(),
        };
        line.posture = line.postures().worst().name();
        line.sessions = line.postures().total();
        self.0.push(line);
        Ok(())
    }
}

/// Writes edges.
pub type WriteEdges = fn(&[EdgeLine], &Style, &mut dyn io::Write) -> io::Result<()>;

/// The formats of edges: name, what it is for, and how it is written.
pub const EDGE_FORMATS: &[(&str, &str, WriteEdges)] = &[
    ("table", "aligned columns, for people", write_table),
    ("wide", "the same with counts, bytes and times", write_wide),
    ("json", "one array of objects", write_json),
    ("csv", "comma-separated values; a text that a spreadsheet would run gets a quote", write_csv),
    ("dot", "a graph for Graphviz", write_dot),
    ("mermaid", "a flowchart for Markdown pages", write_mermaid),
];

fn write_table(lines: &[EdgeLine], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let header = ["CLIENT", "SERVER", "GRADE", "POSTURE", "SESSIONS", "PROTOCOLS", "TLS"];
    let row = |line: &EdgeLine| {
        let share = percent(line.postures().of(line.postures().worst()), line.sessions);
        let posture = match share.as_str() {
            "100%" => line.posture.to_owned(),
            share => format!("{} {share}", line.posture),
        };
        vec![
            line.client.clone(),
            format!("{}:{}", line.server, line.port),
            line.mark(),
            posture,
            grouped(line.sessions),
            line.protocols.join(", "),
            versions(line),
        ]
    };
    let text = table(style, &header, lines.iter().map(row).collect(), false);
    out.write_all(text.as_bytes())
}

/// Versions without the letters that are the same in most: `1.2, 1.3`.
fn versions(line: &EdgeLine) -> String {
    let short = line.versions.iter().map(|version| version.trim_start_matches("TLSv"));
    short.collect::<Vec<_>>().join(", ")
}

fn write_wide(lines: &[EdgeLine], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let header = [
        "CLIENT",
        "ADDRESS",
        "SERVER",
        "ADDRESS",
        "PORT",
        "GRADE",
        "CERTAINTY",
        "mTLS",
        "TLS",
        "OPAQUE",
        "PLAIN",
        "UNKNOWN",
        "PROTOCOLS",
        "VERSIONS",
        "BYTES",
        "FIRST",
        "LAST",
    ];
    let row = |line: &EdgeLine| {
        vec![
            line.client.clone(),
            line.client_ip.clone(),
            line.server.clone(),
            line.server_ip.clone(),
            line.port.to_string(),
            line.grade.unwrap_or("-").to_owned(),
            line.certainty.to_owned(),
            grouped(line.mtls),
            grouped(line.tls),
            grouped(line.tls_opaque),
            grouped(line.plaintext),
            grouped(line.unknown),
            line.protocols.join(", "),
            line.versions.join(", "),
            grouped(line.bytes),
            line.first_seen.clone(),
            line.last_seen.clone(),
        ]
    };
    let text = table(style, &header, lines.iter().map(row).collect(), false);
    out.write_all(text.as_bytes())
}

fn write_json(lines: &[EdgeLine], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, lines)?;
    writeln!(out)
}

fn write_csv(lines: &[EdgeLine], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    write!(
        out,
        "client,client_ip,server,server_ip,port,posture,grade,certainty,sessions,mtls,tls,tls_opaque,plaintext,\
         unknown,protocols,versions,bytes,first_seen,last_seen\r\n"
    )?;
    for line in lines {
        let text = |text: &str| field(text, style.raw_csv);
        let fields = [
            text(&line.client),
            text(&line.client_ip),
            text(&line.server),
            text(&line.server_ip),
            line.port.to_string(),
            line.posture.to_owned(),
            line.grade.unwrap_or_default().to_owned(),
            line.certainty.to_owned(),
            line.sessions.to_string(),
            line.mtls.to_string(),
            line.tls.to_string(),
            line.tls_opaque.to_string(),
            line.plaintext.to_string(),
            line.unknown.to_string(),
            text(&line.protocols.join(" ")),
            text(&line.versions.join(" ")),
            line.bytes.to_string(),
            line.first_seen.clone(),
            line.last_seen.clone(),
        ];
        write!(out, "{}\r\n", fields.join(","))?;
    }
    Ok(())
}

/// The parties of a graph, numbered in the order of their names.
fn parties(lines: &[EdgeLine]) -> BTreeMap<&str, usize> {
    let names = lines.iter().flat_map(|line| [line.client.as_str(), line.server.as_str()]);
    let names: std::collections::BTreeSet<&str> = names.collect();
    names.into_iter().enumerate().map(|(at, name)| (name, at)).collect()
}

/// What stands on an arrow: `grpc :50051, mtls, A`.
fn label(line: &EdgeLine) -> String {
    let spoken = line.protocols.join(" ");
    let spoken = if spoken.is_empty() { String::new() } else { format!("{spoken} ") };
    format!("{spoken}:{}, {}, {}", line.port, line.posture, line.mark())
}

fn write_dot(lines: &[EdgeLine], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "digraph wirelint {{\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];"
    )?;
    let parties = parties(lines);
    for (name, at) in &parties {
        writeln!(out, "  n{at} [label={}];", dot_text(name))?;
    }
    for line in lines {
        let at = |name: &str| parties.get(name).copied().unwrap_or_default();
        let (from, to) = (at(&line.client), at(&line.server));
        let look = match line.posture {
            "mtls" => "color=\"#1f6f5c\", penwidth=2",
            "tls" => "color=\"#5b8dbd\"",
            "tls-opaque" => "color=\"#7b8796\", style=dashed",
            "plaintext" => "color=\"#b3372f\", style=bold",
            _ => "color=\"#8a7a4a\", style=dotted",
        };
        writeln!(out, "  n{from} -> n{to} [label={}, {look}];", dot_text(&label(line)))?;
    }
    writeln!(out, "}}")
}

fn dot_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn write_mermaid(lines: &[EdgeLine], _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "flowchart LR")?;
    let parties = parties(lines);
    for (name, at) in &parties {
        writeln!(out, "  n{at}[\"{}\"]", mermaid_text(name))?;
    }
    for (number, line) in lines.iter().enumerate() {
        let at = |name: &str| parties.get(name).copied().unwrap_or_default();
        let (from, to) = (at(&line.client), at(&line.server));
        let arrow = match line.posture {
            "mtls" => "==>",
            "tls" | "plaintext" => "-->",
            _ => "-.->",
        };
        writeln!(out, "  n{from} {arrow}|\"{}\"| n{to}", mermaid_text(&label(line)))?;
        if line.posture == "plaintext" {
            writeln!(out, "  linkStyle {number} stroke:#b3372f")?;
        }
    }
    Ok(())
}

/// Letters and digits as they are, all else by number: quotes, brackets, comments and marks of Markdown end nothing.
fn mermaid_text(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '-' | ':') {
            out.push(c);
        } else {
            let _infallible = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests;
