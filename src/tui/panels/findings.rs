//! What rules found, worst first, with the selected one beside it.

use ratatui::text::{Line as TextLine, Span};

use super::Panel;
use crate::store::view::{FindingDetail, Line, ListName};
use crate::tui::keys::Context;
use crate::tui::model::Model;
use crate::tui::table::Shown;
use crate::tui::text::{count, fact, many, short_stamp, stamp};
use crate::tui::theme::Theme;

#[rustfmt::skip]
pub(super) const PANEL: Panel = Panel {
    context: Context::Findings,
    title: "Findings",
    list: Some(ListName::Findings),
    columns: &[
        Shown { title: "SEV", field: "severity", width: 5, grow: 0, right: false, from: 0, cell: severity },
        Shown { title: "RULE", field: "rule", width: 7, grow: 0, right: false, from: 0, cell: |line, theme| (line.text("rule").to_owned(), theme.base) },
        Shown { title: "NAME", field: "rule.name", width: 14, grow: 2, right: false, from: 74, cell: |line, theme| (line.text("rule.name").to_owned(), theme.base) },
        Shown { title: "CLIENT", field: "client.service", width: 10, grow: 1, right: false, from: 0, cell: |line, theme| (or_dash(line.text("client.service")), theme.base) },
        Shown { title: "SERVER", field: "server.service", width: 14, grow: 1, right: false, from: 0, cell: server },
        Shown { title: "COUNT", field: "finding.count", width: 7, grow: 0, right: true, from: 0, cell: |line, theme| (count(line.int("finding.count").unwrap_or(0)), theme.base) },
        Shown { title: "LAST", field: "packet.time", width: 11, grow: 0, right: false, from: 92, cell: |line, theme| (line.int("packet.time").map_or_else(String::new, short_stamp), theme.dim) },
        Shown { title: "STATE", field: "state", width: 5, grow: 0, right: false, from: 58, cell: state },
        Shown { title: "MESSAGE", field: "message", width: 20, grow: 4, right: false, from: 130, cell: |line, theme| (line.text("message").to_owned(), theme.base) },
    ],
    side: 9,
    opens_services: false,
    draw: |model, frame| super::list_with_side(model, frame, "Detail"),
    about,
    remark: |model| match model.options.read_only {
        true => "read-only: findings cannot be acknowledged here".to_owned(),
        false => "!! critical  ! high  ~ medium  - low  . info".to_owned(),
    },
};

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

fn severity(line: &Line, theme: &Theme) -> (String, ratatui::style::Style) {
    let word = line.text("severity");
    let (mark, style) = theme.severity(word);
    let letter = word.chars().next().unwrap_or(' ').to_ascii_uppercase();
    (format!("{mark} {letter}"), style)
}

fn server(line: &Line, theme: &Theme) -> (String, ratatui::style::Style) {
    let name = or_dash(line.text("server.service"));
    let text = match line.int("server.port") {
        Some(port) => format!("{name}:{port}"),
        None => name,
    };
    (text, theme.base)
}

fn state(line: &Line, theme: &Theme) -> (String, ratatui::style::Style) {
    match line.text("state") {
        "acknowledged" => ("ack".to_owned(), theme.dim),
        "ignored" => ("ign".to_owned(), theme.dim),
        "baseline" => ("base".to_owned(), theme.dim),
        other => (other.to_owned(), theme.base),
    }
}

fn about(model: &Model, wide: usize) -> Vec<TextLine<'static>> {
    let Some(row) = model.row() else { return Vec::new() };
    let fits = |known: &&FindingDetail| row.id == crate::store::view::Datum::Int(known.id);
    match model.known.finding.as_deref().filter(fits) {
        Some(finding) => lines(model, finding, wide),
        // Until the rest comes.
        None => fact("", row.text("message"), wide + 12, [model.theme().dim, model.theme().base]),
    }
}

fn lines(model: &Model, finding: &FindingDetail, wide: usize) -> Vec<TextLine<'static>> {
    let theme = model.theme();
    let styles = [theme.dim, theme.base];
    let (mark, style) = theme.severity(&finding.severity);
    let head = crate::tui::text::cut(
        &format!(
            "{mark} {} {}  {}, confidence {}",
            finding.rule, finding.rule_name, finding.severity, finding.confidence
        ),
        wide,
    );
    let mut lines = vec![TextLine::from(Span::styled(head, style))];
    lines.extend(fact("what", &finding.message, wide, [theme.dim, theme.title]));
    lines.extend(parties(finding, wide, styles));
    for (at, sample) in finding.evidence.iter().enumerate() {
        let name = if at == 0 { "evidence" } else { "" };
        let frames: Vec<String> = sample.frames.iter().map(ToString::to_string).collect();
        let place = format!("{} frame {}  {}", sample.source, frames.join(", "), sample.connection);
        lines.extend(fact(name, &place, wide, styles));
        for (name, value) in &sample.facts {
            lines.extend(fact("", &format!("{name}: {value}"), wide, styles));
        }
    }
    lines.extend(fact("fix", &finding.fix, wide, [theme.dim, theme.good]));
    let seen = format!(
        "{}, {} to {}, in {}",
        many(finding.count, "time"),
        stamp(finding.seen.0),
        stamp(finding.seen.1),
        many(finding.runs, "run")
    );
    lines.extend(fact("seen", &seen, wide, styles));
    let state = match &finding.reason {
        Some(reason) => format!("{}: {reason}", finding.state),
        None => finding.state.clone(),
    };
    lines.extend(fact("state", &state, wide, styles));
    if let Some(filter) = super::wireshark(model) {
        lines.extend(fact("wireshark", &filter, wide, styles));
    }
    lines.extend(fact("tags", &finding.tags.join(", "), wide, styles));
    lines.extend(fact("id", &finding.fingerprint, wide, styles));
    lines
}

fn parties(
    finding: &FindingDetail,
    wide: usize,
    styles: [ratatui::style::Style; 2],
) -> Vec<TextLine<'static>> {
    let mut text = String::new();
    if let Some(client) = &finding.client {
        text.push_str(client);
        text.push_str(" -> ");
    }
    text.push_str(finding.server.as_deref().unwrap_or(if finding.client.is_some() {
        "any"
    } else {
        ""
    }));
    if let Some(port) = finding.port {
        text.push_str(&format!(":{port}"));
    }
    if let Some(subject) = &finding.subject {
        text.push_str(&format!("   about {subject}"));
    }
    if text.is_empty() { Vec::new() } else { fact("where", &text, wide, styles) }
}
