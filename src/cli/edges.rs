//! `wirelint edges`: who talks to whom, secured or not, from captures or from a database.

use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::args::AuditArgs;
use super::audit::{Judged, Prepared, Refusal};
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{Code, OK, STORAGE};
use crate::audit::KeepSessions;
use crate::model::{Accept, Posture, Timestamp};
use crate::report::{EDGE_FORMATS, EdgeLine, Show, stored_edges};

#[derive(Debug, Args)]
pub(super) struct Edges {
    #[command(flatten)]
    audit: AuditArgs,
    /// Read the edges of a database instead of captures
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "read"])]
    db: Option<PathBuf>,
    /// What to print: table, wide, json, csv, dot or mermaid
    #[arg(long, value_name = "FMT", default_value = "table", value_parser = edge_format)]
    format: &'static str,
    /// Only edges with sessions of these postures: mtls, tls, tls-opaque, plaintext, unknown
    #[arg(long, value_delimiter = ',', value_name = "LIST", value_parser = posture)]
    posture: Vec<Posture>,
    /// Only edges seen since then: a date, or a time as 24h before the newest packet
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
}

/// How far back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Since {
    /// A moment.
    At(Timestamp),
    /// Seconds before the newest packet: the clock of packets is the only one here.
    Seconds(i64),
}

fn edge_format(word: &str) -> Result<&'static str, String> {
    super::args::one_of(EDGE_FORMATS.iter().map(|(name, ..)| *name), word)
}

fn posture(word: &str) -> Result<Posture, String> {
    let known = Posture::ALL.into_iter().find(|posture| posture.name() == word);
    known.ok_or_else(|| format!("expected {}", Posture::ALL.map(Posture::name).join(", ")))
}

fn since(word: &str) -> Result<Since, String> {
    const UNITS: [(&str, i64); 5] =
        [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
    let in_units = UNITS.iter().find_map(|(unit, seconds)| {
        let number: u32 = word.strip_suffix(unit)?.parse().ok()?;
        i64::from(number).checked_mul(*seconds)
    });
    if let Some(seconds) = in_units {
        return Ok(Since::Seconds(seconds));
    }
    let at = Timestamp::parse(word).map(Since::At);
    at.map_err(|_| "expected a time as 90m, 24h or 7d, or a date as 2026-01-21".to_owned())
}

/// Runs the command.
pub(super) fn run(edges: &Edges, terminal: &Terminal) -> Code {
    match attempt(edges, terminal) {
        Ok(code) => code,
        Err((diagnostics, code)) => terminal.refuse(&diagnostics, code),
    }
}

fn attempt(edges: &Edges, terminal: &Terminal) -> Result<Code, Refusal> {
    let (mut lines, code) = match &edges.db {
        Some(path) => {
            let lines = stored_edges(path);
            (lines.map_err(|error| (vec![error.diagnostic()], error.exit_code()))?, OK)
        }
        None => captured(edges, terminal)?,
    };
    choose(edges, &mut lines);
    let written = print(edges, &lines, terminal);
    match ignore_closed(written) {
        Ok(()) => Ok(code),
        Err(error) => Err((vec![unwritable(&error)], STORAGE)),
    }
}

/// The edges of captures. This is an inventory and no verdict: findings and incomplete evidence end it with no code of
/// their own, and what is incomplete is said.
fn captured(edges: &Edges, terminal: &Terminal) -> Result<(Vec<EdgeLine>, Code), Refusal> {
    let accept = Accept { incomplete: true, empty: true };
    let judged = Judged { fail_on: None, accept, keep: KeepSessions::None };
    let audited = Prepared::read(&edges.audit, terminal)?.run(&judged, terminal, &mut |_, _| {})?;
    audited.said.iter().for_each(|diagnostic| terminal.say(diagnostic));
    Ok((audited.outcome.edges.iter().map(EdgeLine::of).collect(), audited.code))
}

fn choose(edges: &Edges, lines: &mut Vec<EdgeLine>) {
    if !edges.posture.is_empty() {
        let wanted =
            |line: &EdgeLine| edges.posture.iter().any(|posture| line.postures().of(*posture) > 0);
        lines.retain(wanted);
    }
    let newest = lines.iter().filter_map(EdgeLine::last).max();
    let from = match (edges.since, newest) {
        (Some(Since::At(at)), _) => at,
        (Some(Since::Seconds(seconds)), Some(newest)) => {
            newest.plus_seconds(seconds.saturating_neg())
        }
        _ => return,
    };
    lines.retain(|line| line.last().is_some_and(|last| last >= from));
}

fn print(edges: &Edges, lines: &[EdgeLine], terminal: &Terminal) -> io::Result<()> {
    let format = EDGE_FORMATS.iter().find(|(name, ..)| *name == edges.format);
    let Some((_, _, write)) = format else { return Ok(()) };
    let mut out = BufWriter::new(io::stdout());
    write(lines, &terminal.style(Show::All), &mut out)?;
    out.flush()
}
