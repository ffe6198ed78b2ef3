//! What was announced to everybody who listens: services by multicast, members by gossip.

use std::io;

use crate::model::{Announcement, Outcome, limits};
use crate::report::layout::{grouped, table};
use crate::report::{Show, Style};

/// Rows shown unless all are asked for.
const FEW: usize = 6;

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    // Answers of name servers are many and announce nothing.
    let shown = |one: &&Announcement| one.registration.registry != "dns";
    let rows: Vec<&Announcement> = outcome.announcements.iter().filter(shown).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let most = if style.show == Show::All { limits::SHOWN_ROWS } else { FEW };
    let header = ["ANNOUNCED", "AT", "BY", "FROM", "TIMES"];
    let cells = rows.iter().take(most).map(|one| cells(one)).collect();
    out.write_all(table(style, &header, cells, false).as_bytes())?;
    if rows.len() > most {
        let left = grouped((rows.len() - most) as u64);
        writeln!(out, "   = note: {left} more announcements are not shown; --format json has all")?;
    }
    writeln!(out)
}

fn cells(one: &Announcement) -> Vec<String> {
    let said = &one.registration;
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    vec![
        or_none(&said.service),
        or_none(&said.address),
        said.registry.to_owned(),
        one.from.to_string(),
        grouped(one.count),
    ]
}
