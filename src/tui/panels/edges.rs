//! Who called whom: all, some or none of it mutual, by the hour; as a list or as clients by servers.

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line as TextLine, Span};

use super::Panel;
use crate::store::view::{Datum, Hour, Line, ListName};
use crate::tui::keys::Context;
use crate::tui::model::Model;
use crate::tui::table::Shown;
use crate::tui::text::{bytes, count, cut, fact, fit, short_stamp, unlisted};
use crate::tui::theme::Theme;
use crate::tui::view::{boxed, fill, put};

#[rustfmt::skip]
pub(super) const PANEL: Panel = Panel {
    context: Context::Edges,
    title: "Edges",
    list: Some(ListName::Edges),
    columns: &[
        Shown { title: "CLIENT", field: "client.service", width: 13, grow: 2, right: false, from: 0, cell: |line, theme| (line.text("client.service").to_owned(), theme.base) },
        Shown { title: "SERVER", field: "server.service", width: 13, grow: 2, right: false, from: 0, cell: |line, theme| (line.text("server.service").to_owned(), theme.base) },
        Shown { title: "PORT", field: "server.port", width: 5, grow: 0, right: true, from: 0, cell: |line, theme| (line.int("server.port").unwrap_or(0).to_string(), theme.base) },
        Shown { title: "PROTO", field: "edge.protocols", width: 8, grow: 1, right: false, from: 76, cell: |line, theme| (unlisted(line.text("edge.protocols")), theme.base) },
        Shown { title: "MUTUAL", field: "edge.mutual", width: 8, grow: 0, right: false, from: 0, cell: mutual },
        Shown { title: "WORST", field: "edge.posture", width: 12, grow: 0, right: false, from: 0, cell: posture },
        Shown { title: "SESS", field: "edge.sessions", width: 7, grow: 0, right: true, from: 70, cell: |line, theme| (count(line.int("edge.sessions").unwrap_or(0)), theme.base) },
        Shown { title: "BYTES", field: "edge.bytes", width: 8, grow: 0, right: true, from: 90, cell: |line, theme| (bytes(line.int("edge.bytes").unwrap_or(0)), theme.base) },
        Shown { title: "LAST", field: "packet.time", width: 11, grow: 0, right: false, from: 104, cell: |line, theme| (line.int("packet.time").map_or_else(String::new, short_stamp), theme.dim) },
    ],
    side: 9,
    opens_services: false,
    draw,
    about,
    remark: |model| match model.matrix {
        true => "A all mutual  S some  - none  h hidden  . no traffic seen   (m: the list)".to_owned(),
        false => "mutual: all, some or none of the sessions; hidden: could not be told".to_owned(),
    },
};

fn mutual(line: &Line, theme: &Theme) -> (String, Style) {
    match line.text("edge.mutual") {
        "all" => ("all".to_owned(), theme.good),
        "some" => {
            let part = u64::try_from(line.int("edge.mtls").unwrap_or(0)).unwrap_or(0);
            let all = u64::try_from(line.int("edge.sessions").unwrap_or(0)).unwrap_or(0);
            (format!("some {}%", crate::tui::text::percent(part, all)), theme.medium)
        }
        "none" => ("none".to_owned(), theme.high),
        _ => ("hidden".to_owned(), theme.hidden),
    }
}

fn posture(line: &Line, theme: &Theme) -> (String, Style) {
    let word = line.text("edge.posture");
    let (mark, style) = theme.posture(word);
    (format!("{mark} {word}"), style)
}

fn draw(model: &Model, frame: &mut Frame<'_>) {
    if !model.matrix {
        return super::list_with_side(model, frame, "Edge, by the hour");
    }
    let areas = model.areas();
    matrix(model, frame, areas.main);
    if areas.side.height > 0 {
        let wide = usize::from(areas.side.width.saturating_sub(2));
        fill(model, frame, areas.side, ("Edge, by the hour", about(model, wide)));
    }
}

/// Clients by servers, of the rows that are held: the worst ones, under the order that the list opens with.
fn matrix(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(state) = model.list() else { return };
    let theme = model.theme();
    let mut clients: Vec<&str> = Vec::new();
    let mut servers: Vec<String> = Vec::new();
    let mut cells: BTreeMap<(usize, usize), (&Line, bool)> = BTreeMap::new();
    for (place, line) in state.rows().iter().enumerate() {
        let client = line.text("client.service");
        let server = called(line);
        let row = position(&mut clients, client);
        let column = position(&mut servers, server);
        cells.insert((row, column), (line, place == state.selected));
    }
    let title = format!("Edges: {} clients by {} servers", clients.len(), servers.len());
    let inside = boxed(model, &title, frame, area);
    let names = usize::from(inside.width / 4).clamp(12, 28);
    let each = 4;
    let room = (usize::from(inside.width).saturating_sub(names)) / each;
    let chosen = cells.iter().find(|(_, (_, chosen))| *chosen).map(|(place, _)| *place);
    let (row, column) = chosen.unwrap_or((0, 0));
    let first_column = (column + 1).saturating_sub(room);
    let numbers = (first_column..servers.len()).take(room);
    let head =
        numbers.clone().map(|at| Span::styled(fit(&(at + 1).to_string(), each, true), theme.dim));
    put(
        frame,
        inside,
        0,
        TextLine::from_iter(std::iter::once(Span::raw(" ".repeat(names))).chain(head)),
    );
    // Below: what the numbers stand for.
    let legend = usize::from(inside.height / 3).min(servers.len());
    let height = usize::from(inside.height).saturating_sub(1 + legend);
    let first_row = (row + 1).saturating_sub(height);
    for (at, row) in (first_row..clients.len()).take(height).enumerate() {
        let name = clients.get(row).copied().unwrap_or_default();
        let mut spans = vec![Span::styled(fit(name, names, false), theme.base)];
        for column in numbers.clone() {
            spans.push(cell(cells.get(&(row, column)).copied(), theme, each));
        }
        put(frame, inside, u16::try_from(at + 1).unwrap_or(u16::MAX), TextLine::from(spans));
    }
    let legend_from = first_column.max((column + 1).saturating_sub(legend));
    for (at, column) in (legend_from..servers.len()).take(legend).enumerate() {
        let name = servers.get(column).map_or("", String::as_str);
        let text = cut(&format!("{:>4} {name}", column + 1), usize::from(inside.width));
        put(
            frame,
            inside,
            u16::try_from(1 + height + at).unwrap_or(u16::MAX),
            TextLine::styled(text, theme.dim),
        );
    }
}

fn called(line: &Line) -> String {
    format!("{}:{}", line.text("server.service"), line.int("server.port").unwrap_or(0))
}

fn position<T: PartialEq>(known: &mut Vec<T>, name: T) -> usize {
    known.iter().position(|one| *one == name).unwrap_or_else(|| {
        known.push(name);
        known.len() - 1
    })
}

fn cell(edge: Option<(&Line, bool)>, theme: &Theme, wide: usize) -> Span<'static> {
    let Some((line, chosen)) = edge else {
        return Span::styled(fit(".", wide, true), theme.dim);
    };
    let (letter, style) = match line.text("edge.mutual") {
        "all" => ("A", theme.good),
        "some" => ("S", theme.medium),
        "none" => ("-", theme.high),
        _ => ("h", theme.hidden),
    };
    let text = fit(letter, wide - 1, true);
    Span::styled(format!(" {text}"), if chosen { theme.selected } else { style })
}

fn about(model: &Model, wide: usize) -> Vec<TextLine<'static>> {
    let Some(row) = model.row() else { return Vec::new() };
    let theme = model.theme();
    let styles = [theme.dim, theme.base];
    let head = format!("{} -> {}", row.text("client.service"), called(row));
    let mut lines = fact("edge", &head, wide, [theme.dim, theme.title]);
    let of = |name: &str| count(row.int(name).unwrap_or(0));
    let sessions = format!(
        "{} sessions: {} mTLS, {} TLS, {} opaque, {} plaintext, {} unknown; {}",
        of("edge.sessions"),
        of("edge.mtls"),
        of("edge.tls"),
        of("edge.tls_opaque"),
        of("edge.plaintext"),
        of("edge.unknown"),
        bytes(row.int("edge.bytes").unwrap_or(0))
    );
    lines.extend(fact("sessions", &sessions, wide, styles));
    if let Some((id, hours)) = &model.known.hours
        && row.id == Datum::Text(id.clone())
    {
        lines.extend(by_the_hour(hours, theme, wide));
    }
    lines.extend(around(model, row, wide));
    lines
}

/// One letter per hour in which something happened: the worst posture of that hour.
fn by_the_hour(hours: &[Hour], theme: &Theme, wide: usize) -> Vec<TextLine<'static>> {
    const WORST_FIRST: [&str; 5] = ["plaintext", "unknown", "tls", "tls-opaque", "mtls"];
    let mut worst: BTreeMap<i64, (usize, i64)> = BTreeMap::new();
    for hour in hours {
        let rank = WORST_FIRST.iter().position(|word| *word == hour.posture).unwrap_or(1);
        let entry = worst.entry(hour.begin).or_insert((rank, 0));
        entry.0 = entry.0.min(rank);
        entry.1 = entry.1.saturating_add(hour.sessions);
    }
    let room = wide.saturating_sub(14).max(8);
    let skipped = worst.len().saturating_sub(room);
    let shown: Vec<_> = worst.into_iter().skip(skipped).collect();
    let (Some((first, _)), Some((last, _))) = (shown.first(), shown.last()) else {
        return Vec::new();
    };
    let mut spans = vec![Span::styled(fit("hours", 12, false), theme.dim)];
    for (_, (rank, _)) in &shown {
        let (mark, style) = theme.posture(WORST_FIRST.get(*rank).copied().unwrap_or("unknown"));
        spans.push(Span::styled(mark, style));
    }
    let text = format!(
        "{} to {}, the worst of each hour with traffic",
        short_stamp(*first),
        short_stamp(*last)
    );
    let mut lines = vec![TextLine::from(spans)];
    lines.extend(fact("", &text, wide, [theme.dim, theme.dim]));
    lines
}

/// What else the two do, of the rows that are held.
fn around(model: &Model, row: &Line, wide: usize) -> Vec<TextLine<'static>> {
    let Some(state) = model.list() else { return Vec::new() };
    let theme = model.theme();
    let client = row.text("client.service");
    let server = row.text("server.service");
    let mut lines = Vec::new();
    let others = state.rows().iter().filter(|line| line.id != row.id);
    let near = others.filter(|line| {
        line.text("client.service") == client || line.text("server.service") == server
    });
    for (at, line) in near.take(24).enumerate() {
        let (mark, style) = theme.posture(line.text("edge.posture"));
        let text = format!("{} --{mark}--> {}", line.text("client.service"), called(line));
        let name = if at == 0 { "beside it" } else { "" };
        lines.extend(fact(name, &text, wide, [theme.dim, style]));
    }
    lines
}
