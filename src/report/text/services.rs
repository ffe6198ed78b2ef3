//! The table of services: how each is spoken to.

use std::cmp::Reverse;
use std::io;

use crate::model::{Outcome, Party, Posture, Postures, ServiceRow, limits};
use crate::report::layout::{grouped, percent, table};
use crate::report::{Show, Style};

/// Below this many sessions a share says less than the numbers.
const FEW: u64 = 20;

/// Below this width the endpoint and the number of clients have no columns of their own.
const WIDE: usize = 100;

pub(super) fn write(outcome: &Outcome, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    if outcome.services.is_empty() {
        return Ok(());
    }
    let mut services: Vec<&ServiceRow> = outcome.services.iter().collect();
    services.sort_by_key(|row| {
        (Reverse(row.worst), Reverse(row.postures.plaintext), &row.service.service, &row.endpoint)
    });
    let most = if style.show == Show::All { services.len() } else { limits::SHOWN_ROWS };
    let wide = style.width >= WIDE;
    let mut header = vec!["SERVICE"];
    header.extend(wide.then_some("ENDPOINT"));
    header.push("GRADE");
    header.extend(wide.then_some("CLIENTS"));
    header.extend(["SESSIONS", "mTLS", "TLS", "OPAQUE", "PLAIN", "UNKNOWN", "FINDINGS"]);
    let rows = services.iter().take(most).map(|row| cells(row, wide)).collect();
    out.write_all(table(style, &header, rows, true).as_bytes())?;
    if services.len() > most {
        let left = grouped((services.len() - most) as u64);
        writeln!(out, "   = note: {left} more services are not shown here; --format json has all")?;
    }
    writeln!(out)
}

fn cells(row: &ServiceRow, wide: bool) -> Vec<String> {
    let mut cells = vec![name(row, wide)];
    cells.extend(wide.then(|| row.endpoint.clone()));
    cells.push(row.grade.mark());
    cells.extend(wide.then(|| grouped(row.clients)));
    cells.extend([grouped(row.postures.total())]);
    cells.extend(Posture::ALL.map(|posture| share(&row.postures, posture)));
    cells.push(match row.worst {
        Some(worst) => format!("{} ({worst})", grouped(row.findings)),
        None if row.findings > 0 => grouped(row.findings),
        None => "-".to_owned(),
    });
    cells
}

/// The name, with its port where the endpoint has no column, and what it is known by where that is not the user's word.
fn name(row: &ServiceRow, wide: bool) -> String {
    let Party { service, .. } = &row.service;
    let port = row.endpoint.rsplit(':').next().unwrap_or_default();
    let name = match (wide, row.service.how) {
        (true, _) => service.to_string(),
        (false, Party::UNMAPPED) => row.endpoint.clone(),
        (false, _) => format!("{service}:{port}"),
    };
    match row.service.known_by() {
        Some(by) => format!("{name} ({by})"),
        None => name,
    }
}

/// A share of the sessions, or their number when they are few.
fn share(postures: &Postures, posture: Posture) -> String {
    let (part, whole) = (postures.of(posture), postures.total());
    if whole < FEW { grouped(part) } else { percent(part, whole) }
}
