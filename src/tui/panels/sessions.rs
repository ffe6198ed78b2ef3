//! Kept connections, newest first.

use ratatui::style::Style;
use ratatui::text::Line as TextLine;

use super::Panel;
use crate::store::view::{Datum, Line, ListName};
use crate::tui::keys::Context;
use crate::tui::model::Model;
use crate::tui::table::Shown;
use crate::tui::text::{bytes, clock, fact, stamp};
use crate::tui::theme::Theme;

#[rustfmt::skip]
pub(super) const PANEL: Panel = Panel {
    context: Context::Sessions,
    title: "Sessions",
    list: Some(ListName::Sessions),
    columns: &[
        Shown { title: "TIME", field: "packet.time", width: 8, grow: 0, right: false, from: 0, cell: |line, theme| (line.int("packet.time").map_or_else(String::new, clock), theme.dim) },
        Shown { title: "CLIENT", field: "client.service", width: 12, grow: 2, right: false, from: 0, cell: |line, theme| (line.text("client.service").to_owned(), theme.base) },
        Shown { title: "SERVER", field: "server.service", width: 12, grow: 2, right: false, from: 0, cell: |line, theme| (line.text("server.service").to_owned(), theme.base) },
        Shown { title: "PORT", field: "server.port", width: 5, grow: 0, right: true, from: 0, cell: |line, theme| (line.int("server.port").unwrap_or(0).to_string(), theme.base) },
        Shown { title: "PROTO", field: "session.protocol", width: 8, grow: 1, right: false, from: 70, cell: |line, theme| (or_question(line.text("session.protocol")), theme.base) },
        Shown { title: "POSTURE", field: "session.posture", width: 12, grow: 0, right: false, from: 0, cell: posture },
        Shown { title: "KNOWN BY", field: "session.evidence", width: 9, grow: 0, right: false, from: 92, cell: |line, theme| (line.text("session.evidence").to_owned(), theme.dim) },
        Shown { title: "TLS", field: "tls.version", width: 7, grow: 0, right: false, from: 76, cell: |line, theme| (line.text("tls.version").to_owned(), theme.base) },
        Shown { title: "END", field: "session.end", width: 7, grow: 0, right: false, from: 102, cell: |line, theme| (line.text("session.end").to_owned(), theme.dim) },
        Shown { title: "SNI", field: "tls.sni", width: 12, grow: 2, right: false, from: 130, cell: |line, theme| (line.text("tls.sni").to_owned(), theme.base) },
        Shown { title: "SENT", field: "session.bytes_to_server", width: 8, grow: 0, right: true, from: 120, cell: |line, theme| (bytes(line.int("session.bytes_to_server").unwrap_or(0)), theme.base) },
        Shown { title: "RECEIVED", field: "session.bytes_to_client", width: 8, grow: 0, right: true, from: 120, cell: |line, theme| (bytes(line.int("session.bytes_to_client").unwrap_or(0)), theme.base) },
    ],
    side: 8,
    opens_services: false,
    draw: |model, frame| super::list_with_side(model, frame, "Session"),
    about,
    remark: |_| "kept sessions: evidence of findings, and samples of every edge and posture".to_owned(),
};

fn or_question(text: &str) -> String {
    if text.is_empty() { "?".to_owned() } else { text.to_owned() }
}

fn posture(line: &Line, theme: &Theme) -> (String, Style) {
    let word = line.text("session.posture");
    let (mark, style) = theme.posture(word);
    (format!("{mark} {word}"), style)
}

fn about(model: &Model, wide: usize) -> Vec<TextLine<'static>> {
    let Some(row) = model.row() else { return Vec::new() };
    let theme = model.theme();
    let styles = [theme.dim, theme.base];
    let end = |name: &str, addr: &str, port: &str| {
        let addr = row.text(addr);
        let name = row.text(name);
        let port = row.int(port).unwrap_or(0);
        if name == addr {
            format!("{addr} port {port}")
        } else {
            format!("{name} ({addr} port {port})")
        }
    };
    let ends = format!(
        "{} -> {}",
        end("client.service", "client.addr", "client.port"),
        end("server.service", "server.addr", "server.port")
    );
    let mut lines = fact("ends", &ends, wide, [theme.dim, theme.title]);
    let (_, style) = theme.posture(row.text("session.posture"));
    let posture = format!(
        "{}, {}: {}",
        row.text("session.posture"),
        row.text("session.evidence"),
        row.text("session.posture_why")
    );
    lines.extend(fact("posture", &posture, wide, [theme.dim, style]));
    let time = format!(
        "{}  ended: {}  client: {}",
        row.int("packet.time").map_or_else(String::new, stamp),
        row.text("session.end"),
        or_question(row.text("session.client_auth"))
    );
    lines.extend(fact("last packet", &time, wide, styles));
    if let Some((id, detail)) = &model.known.session
        && row.id == Datum::Int(*id)
    {
        for (name, value) in detail.facts.iter().filter(|(name, _)| name != "why") {
            lines.extend(fact(name, value, wide, styles));
        }
    }
    if let Some(filter) = super::wireshark(model) {
        lines.extend(fact("wireshark", &filter, wide, styles));
    }
    lines
}
