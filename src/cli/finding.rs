//! `wirelint explain wlf1:...`: one finding of a database, with what its rule says.

use std::fmt::Write as _;
use std::path::Path;

use super::rows::{literal, rows};
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{Code, OK, STORAGE, USAGE};
use crate::model::{Diagnostic, escape_text};
use crate::rule::{RuleSet, explain};

/// What finding identities begin with.
pub(super) const PREFIX: &str = "wlf1:";

/// Fewer digits of an identity are no help to find it.
const DIGITS: usize = 4;

/// Explains the finding whose identity begins so.
pub(super) fn explain_finding(word: &str, db: &Path, set: &RuleSet, terminal: &Terminal) -> Code {
    match text(word, db, set) {
        Ok(text) => match ignore_closed(terminal.print(&text)) {
            Ok(()) => OK,
            Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
        },
        Err((diagnostic, code)) => terminal.refuse(&[*diagnostic], code),
    }
}

type Cells = Vec<Option<String>>;
type Refused = (Box<Diagnostic>, Code);

fn text(word: &str, db: &Path, set: &RuleSet) -> Result<String, Refused> {
    let refused = |error: Diagnostic| (Box::new(error), USAGE);
    let digits = word.strip_prefix(PREFIX).unwrap_or(word).to_ascii_lowercase();
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || !(DIGITS..=32).contains(&digits.len()) {
        let message = format!("\"{}\" is no finding", escape_text(word));
        let help = "a finding is wlf1: and 32 hexadecimal digits, or the first of them, at least 4";
        return Err(refused(Diagnostic::error("finding-unknown", message).help(help)));
    }
    let ask = |sql: &str| {
        rows(db, sql).map_err(|error| (Box::new(error.diagnostic()), error.exit_code()))
    };
    let found = ask(&format!(
        "SELECT fingerprint, rule, severity, confidence, message, client, server, port, subject, state, state_reason,
           count, first_seen, last_seen, runs, fix, finding_id
         FROM v_findings WHERE fingerprint GLOB {} ORDER BY fingerprint LIMIT 10",
        literal(&format!("{PREFIX}{digits}*"))
    ))?;
    let [finding] = found.as_slice() else {
        let shown = escape_text(&db.to_string_lossy());
        let error = match found.is_empty() {
            true => Diagnostic::error("finding-unknown", format!("{shown} has no finding {PREFIX}{digits}"))
                .help(format!("list them: wirelint db query --db {shown} \"SELECT fingerprint, message FROM v_findings\"")),
            false => found.iter().fold(
                Diagnostic::error("finding-unclear", format!("several findings of {shown} begin so")),
                |error, row| error.note(format!("{} {}", cell(row, 0), cell(row, 4))),
            ),
        };
        return Err(refused(error));
    };
    let evidence = ask(&format!(
        "SELECT source, frame, connection, community_id, facts FROM v_evidence
         WHERE finding_id = {} ORDER BY run_id DESC, position LIMIT 5",
        cell(finding, 16)
    ))?;
    Ok(render(finding, &evidence, set))
}

fn render(finding: &Cells, evidence: &[Cells], set: &RuleSet) -> String {
    let at = |number| cell(finding, number);
    let mut out = format!("{} {}\n{}\n", at(0), at(1), at(4));
    let _infallible = writeln!(out, "severity {}, confidence {}, {}", at(2), at(3), state(finding));
    let _infallible = writeln!(
        out,
        "seen {} times in its last run, in {} runs, from {} to {}\n",
        at(11),
        at(14),
        at(12),
        at(13)
    );
    out.push_str("Where\n");
    for (name, number) in [("client", 5), ("server", 6), ("port", 7), ("subject", 8)] {
        if !at(number).is_empty() {
            let _infallible = writeln!(out, "  {name}: {}", at(number));
        }
    }
    out.push_str("\nEvidence\n");
    for row in evidence {
        let frame = match cell(row, 1) {
            frame if frame.is_empty() => String::new(),
            frame => format!(" frame {frame}"),
        };
        let _infallible =
            writeln!(out, "  {}{frame}  {}  {}", cell(row, 0), cell(row, 2), cell(row, 3));
        for (name, value) in facts(&cell(row, 4)) {
            let _infallible = writeln!(out, "    {name}: {value}");
        }
    }
    out.push('\n');
    match set.find(&at(1)) {
        Ok(rule) => out.push_str(&explain(rule)),
        Err(_) => {
            let _infallible = writeln!(out, "How to fix it\n  {}", at(15));
        }
    }
    out
}

fn state(finding: &Cells) -> String {
    match (cell(finding, 9), cell(finding, 10)) {
        (state, reason) if reason.is_empty() => state,
        (state, reason) => format!("{state}: {reason}"),
    }
}

fn facts(json: &str) -> Vec<(String, String)> {
    let read: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).unwrap_or_default();
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    read.into_iter().map(|(name, value)| (name, text(value))).collect()
}

/// A cell that is safe to print: a database can be anybody's file.
fn cell(row: &Cells, number: usize) -> String {
    let text = row.get(number).cloned().flatten().unwrap_or_default();
    // What wirelint wrote is escaped already, and printable text stays what it is.
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
