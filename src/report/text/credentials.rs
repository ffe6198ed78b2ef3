//! The table of credentials: what was shown to whom. The secrets are not in it.

use std::io;

use crate::model::{CredentialKind, CredentialRow, Endpoint, Outcome, Seen, limits};
use crate::report::layout::{grouped, table};
use crate::report::{Show, Style};

/// Rows shown unless all are asked for: the findings say the same, worst first.
const FEW: usize = 12;

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let shown = |row: &&CredentialRow| row.at.credential.kind != CredentialKind::None;
    let rows: Vec<&CredentialRow> = outcome.credentials.iter().filter(shown).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let most = if style.show == Show::All { limits::SHOWN_ROWS } else { FEW };
    let header =
        ["CREDENTIAL", "OF", "SHOWN TO", "SECRET", "CLIENTS", "USES", "IN CLEAR", "LET IN"];
    let cells = rows.iter().take(most).map(|row| cells(row)).collect();
    out.write_all(table(style, &header, cells, false).as_bytes())?;
    if rows.len() > most {
        let left = grouped((rows.len() - most) as u64);
        writeln!(out, "   = note: {left} more credentials are not shown; --format json has all")?;
    }
    writeln!(out)
}

fn cells(row: &CredentialRow) -> Vec<String> {
    let at = &row.at;
    let credential = &at.credential;
    let accepted = match at.accepted {
        Seen::Value(true) => "yes",
        Seen::Value(false) => "no",
        _ => "-",
    };
    vec![
        format!("{} ({})", credential.kind.name(), credential.mechanism),
        credential.principal.clone().unwrap_or_else(|| "-".to_owned()),
        Endpoint::new(at.server.addr, at.port).to_string(),
        format!("#{}, {} bytes", at.ordinal, credential.secret.length()),
        grouped(at.sources),
        grouped(at.count),
        format!("{} of {}", grouped(at.in_clear), grouped(at.sessions)),
        accepted.to_owned(),
    ]
}
