//! Who was called, and how privately.

use ratatui::style::Style;
use ratatui::text::{Line as TextLine, Span};

use super::Panel;
use crate::store::view::{Line, ListName};
use crate::tui::keys::Context;
use crate::tui::model::Model;
use crate::tui::table::Shown;
use crate::tui::text::{bar, bytes, count, days, fact, grouped, many, percent, stamp};
use crate::tui::theme::Theme;

#[rustfmt::skip]
pub(super) const COLUMNS: &[Shown] = &[
    Shown { title: "SERVICE", field: "server.service", width: 15, grow: 3, right: false, from: 0, cell: |line, theme| (line.text("server.service").to_owned(), theme.base) },
    Shown { title: "GR", field: "endpoint.grade", width: 4, grow: 0, right: false, from: 0, cell: grade },
    Shown { title: "CLIENTS", field: "endpoint.clients", width: 7, grow: 0, right: true, from: 80, cell: |line, theme| (number(line, "endpoint.clients"), theme.base) },
    Shown { title: "SESS", field: "endpoint.sessions", width: 7, grow: 0, right: true, from: 86, cell: |line, theme| (number(line, "endpoint.sessions"), theme.base) },
    Shown { title: "mTLS", field: "endpoint.mtls", width: 6, grow: 0, right: true, from: 0, cell: |line, theme| share(line, "endpoint.mtls", theme.good, theme) },
    Shown { title: "TLS", field: "endpoint.tls", width: 5, grow: 0, right: true, from: 0, cell: |line, theme| share(line, "endpoint.tls", theme.medium, theme) },
    Shown { title: "OPQ", field: "endpoint.tls_opaque", width: 5, grow: 0, right: true, from: 0, cell: |line, theme| share(line, "endpoint.tls_opaque", theme.hidden, theme) },
    Shown { title: "PLAIN", field: "endpoint.plaintext", width: 7, grow: 0, right: true, from: 0, cell: |line, theme| share(line, "endpoint.plaintext", theme.high, theme) },
    Shown { title: "?", field: "endpoint.unknown", width: 5, grow: 0, right: true, from: 60, cell: |line, theme| share(line, "endpoint.unknown", theme.dim, theme) },
    Shown { title: "FOUND", field: "finding.open", width: 8, grow: 0, right: false, from: 0, cell: found },
    Shown { title: "CERT", field: "cert.days_left", width: 7, grow: 0, right: true, from: 70, cell: left },
    Shown { title: "BYTES", field: "endpoint.bytes", width: 8, grow: 0, right: true, from: 96, cell: |line, theme| (bytes(line.int("endpoint.bytes").unwrap_or(0)), theme.base) },
    Shown { title: "LAST", field: "packet.time", width: 20, grow: 0, right: false, from: 130, cell: |line, theme| (line.int("packet.time").map_or_else(String::new, stamp), theme.dim) },
];

pub(super) const PANEL: Panel = Panel {
    context: Context::Services,
    title: "Services",
    list: Some(ListName::Services),
    columns: COLUMNS,
    side: 9,
    opens_services: false,
    draw: |model, frame| super::list_with_side(model, frame, "Service"),
    about,
    remark: |_| "OPQ: TLS that hides the client's certificate. It is not a pass.".to_owned(),
};

fn grade(line: &Line, theme: &Theme) -> (String, Style) {
    let grade = line.text("endpoint.grade");
    let style = match grade {
        "A" | "B" => theme.good,
        "C" | "D" => theme.medium,
        "" => theme.dim,
        _ => theme.high,
    };
    (if grade.is_empty() { "-".to_owned() } else { grade.to_owned() }, style)
}

fn number(line: &Line, name: &str) -> String {
    count(line.int(name).unwrap_or(0))
}

fn unsigned(line: &Line, name: &str) -> u64 {
    u64::try_from(line.int(name).unwrap_or(0)).unwrap_or(0)
}

fn share(line: &Line, name: &str, style: Style, theme: &Theme) -> (String, Style) {
    let part = unsigned(line, name);
    let percent = percent(part, unsigned(line, "endpoint.sessions"));
    match (part, percent) {
        (0, _) => ("-".to_owned(), theme.dim),
        (_, 0) => ("<1%".to_owned(), style),
        (_, percent) => (format!("{percent}%"), style),
    }
}

fn found(line: &Line, theme: &Theme) -> (String, Style) {
    let open = line.int("finding.open").unwrap_or(0);
    let worst = usize::try_from(line.int("finding.worst").unwrap_or(0)).unwrap_or(0);
    let severity = worst.checked_sub(1).and_then(|at| crate::model::Severity::ALL.get(at));
    match severity {
        Some(severity) => {
            let (mark, style) = theme.severity(severity.name());
            (format!("{mark} {}", count(open)), style)
        }
        None => ("none".to_owned(), theme.dim),
    }
}

pub(super) fn left(line: &Line, theme: &Theme) -> (String, Style) {
    let number = line.int("cert.days_left");
    let style = match number {
        Some(number) if number < 0 => theme.high,
        Some(number) if number < 14 => theme.medium,
        Some(_) => theme.base,
        None => theme.dim,
    };
    let mark = match number {
        Some(number) if number < 0 => "!",
        Some(number) if number < 14 => "~",
        _ => "",
    };
    (format!("{mark}{}", days(number)), style)
}

fn about(model: &Model, wide: usize) -> Vec<TextLine<'static>> {
    let Some(row) = model.row() else { return Vec::new() };
    let theme = model.theme();
    let styles = [theme.dim, theme.base];
    let all = unsigned(row, "endpoint.sessions");
    let head = format!(
        "{}  (named by: {})  {}, {}",
        row.text("server.service"),
        row.text("server.named_by"),
        many(row.int("endpoint.clients").unwrap_or(0), "client"),
        many(row.int("endpoint.sessions").unwrap_or(0), "session")
    );
    let mut lines = fact("service", &head, wide, [theme.dim, theme.title]);
    for (posture, name) in POSTURES {
        let part = unsigned(row, name);
        let (mark, style) = theme.posture(posture);
        let columns = wide.saturating_sub(40).clamp(8, 40);
        lines.push(TextLine::from(vec![
            Span::styled(format!("{mark} {posture:<11}"), style),
            Span::styled(bar(part, all, columns), style),
            Span::styled(format!(" {:>12} {:>3}%", grouped(part), percent(part, all)), theme.base),
        ]));
    }
    let open = format!(
        "{} open findings (2, then / server == ..., or Enter on screen 1)",
        number(row, "finding.open")
    );
    lines.extend(fact("findings", &open, wide, styles));
    let left = match row.int("cert.days_left") {
        Some(left) => format!("the first certificate to end had {left} days left when last seen"),
        None => "none was seen".to_owned(),
    };
    lines.extend(fact("certificate", &left, wide, styles));
    lines
}

const POSTURES: [(&str, &str); 5] = [
    ("mtls", "endpoint.mtls"),
    ("tls", "endpoint.tls"),
    ("tls-opaque", "endpoint.tls_opaque"),
    ("plaintext", "endpoint.plaintext"),
    ("unknown", "endpoint.unknown"),
];
