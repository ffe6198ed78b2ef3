//! What was shown to prove an identity, and when it ends.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::{Line as TextLine, Span};

use super::{Panel, services};
use crate::store::view::{Line, ListName, Overview};
use crate::tui::keys::Context;
use crate::tui::model::Model;
use crate::tui::table::Shown;
use crate::tui::text::{count, fact, grouped, stamp, unlisted};
use crate::tui::theme::Theme;
use crate::tui::view::fill;

#[rustfmt::skip]
pub(super) const PANEL: Panel = Panel {
    context: Context::Certificates,
    title: "Certs",
    list: Some(ListName::Certificates),
    columns: &[
        Shown { title: "SERVICE", field: "cert.service", width: 13, grow: 1, right: false, from: 0, cell: |line, theme| (line.text("cert.service").to_owned(), theme.base) },
        Shown { title: "ROLE", field: "cert.role", width: 6, grow: 0, right: false, from: 0, cell: |line, theme| (line.text("cert.role").to_owned(), theme.base) },
        Shown { title: "SUBJECT", field: "cert.subject", width: 20, grow: 3, right: false, from: 0, cell: subject },
        Shown { title: "ISSUER", field: "cert.issuer", width: 12, grow: 2, right: false, from: 74, cell: |line, theme| (line.text("cert.issuer").to_owned(), theme.base) },
        Shown { title: "KEY", field: "cert.key_kind", width: 9, grow: 0, right: false, from: 84, cell: key },
        Shown { title: "LEFT", field: "cert.days_left", width: 8, grow: 0, right: true, from: 0, cell: services::left },
        Shown { title: "UNTIL", field: "cert.not_after", width: 20, grow: 0, right: false, from: 120, cell: |line, theme| (line.int("cert.not_after").map_or_else(String::new, stamp), theme.dim) },
        Shown { title: "SESS", field: "cert.sessions", width: 7, grow: 0, right: true, from: 100, cell: |line, theme| (count(line.int("cert.sessions").unwrap_or(0)), theme.base) },
        Shown { title: "WRONG", field: "cert.chain_faults", width: 8, grow: 1, right: false, from: 74, cell: faults },
    ],
    side: 9,
    opens_services: false,
    draw,
    about,
    remark: |model| model.overview.as_ref().map_or_else(String::new, |overview| match overview.without_certificate {
        0 => "days left are counted from when a certificate was last seen".to_owned(),
        hidden => format!("of {} services with TLS no certificate was seen: TLS 1.3 hides them", grouped(hidden)),
    }),
};

fn subject(line: &Line, theme: &Theme) -> (String, Style) {
    let text = line.text("cert.subject");
    let place = match line.int("cert.position") {
        Some(0) | None => "",
        Some(_) => "^ ",
    };
    match text {
        "" => ("(cannot be read)".to_owned(), theme.dim),
        text => (format!("{place}{text}"), theme.base),
    }
}

fn key(line: &Line, theme: &Theme) -> (String, Style) {
    let bits = line.int("cert.key_bits").map_or_else(String::new, |bits| bits.to_string());
    (format!("{}{bits}", line.text("cert.key_kind")), theme.base)
}

fn faults(line: &Line, theme: &Theme) -> (String, Style) {
    (unlisted(line.text("cert.chain_faults")), theme.high)
}

fn draw(model: &Model, frame: &mut Frame<'_>) {
    let areas = model.areas();
    if let Some(state) = model.list() {
        crate::tui::table::draw(model, state, frame, areas.main);
    }
    if areas.side.height == 0 {
        return;
    }
    let wide = usize::from(areas.side.width.saturating_sub(2));
    let mut lines =
        model.overview.as_ref().map_or_else(Vec::new, |overview| timeline(overview, model.theme()));
    lines.extend(about(model, wide));
    fill(model, frame, areas.side, ("Leaves by the days they had left", lines));
}

/// How many leaves end when.
fn timeline(overview: &Overview, theme: &Theme) -> Vec<TextLine<'static>> {
    const HEADS: [&str; 7] = ["ended", "< 7d", "< 14d", "< 30d", "< 90d", "< 1y", "longer"];
    let heads: String = HEADS.iter().map(|head| format!("{head:>9}")).collect();
    let mut lines = vec![TextLine::styled(format!("       {heads}"), theme.dim)];
    for (name, row) in ["server", "client"].iter().zip(&overview.expiry) {
        let mut spans = vec![Span::styled(format!("{name:<7}"), theme.base)];
        for (at, number) in row.iter().enumerate() {
            let style = match (number, at) {
                (0, _) => theme.dim,
                (_, 0) => theme.high,
                (_, 1 | 2) => theme.medium,
                _ => theme.base,
            };
            let text = if *number == 0 { ".".to_owned() } else { grouped(*number) };
            spans.push(Span::styled(format!("{text:>9}"), style));
        }
        lines.push(TextLine::from(spans));
    }
    lines
}

fn about(model: &Model, wide: usize) -> Vec<TextLine<'static>> {
    let Some(row) = model.row() else { return Vec::new() };
    let theme = model.theme();
    let styles = [theme.dim, theme.base];
    let Some((id, detail)) = &model.known.certificate else { return Vec::new() };
    if row.int("cert.number") != Some(*id) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for (name, value) in &detail.facts {
        let value = match (name.as_str(), value.as_str()) {
            ("is an authority" | "vouches for itself", "1") => "yes".to_owned(),
            ("is an authority" | "vouches for itself", "0") => "no".to_owned(),
            ("names", value) => unlisted(value),
            (_, value) => value.to_owned(),
        };
        let name = match name.as_str() {
            "is an authority" => "authority",
            "vouches for itself" => "self-signed",
            name => name,
        };
        lines.extend(fact(name, &value, wide, styles));
    }
    for (at, place) in detail.places.iter().enumerate() {
        lines.extend(fact(if at == 0 { "shown by" } else { "" }, &unlisted(place), wide, styles));
    }
    lines
}
