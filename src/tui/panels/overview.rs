//! The first screen: postures, open findings, services worst first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line as TextLine, Span};

use super::{Panel, services};
use crate::model::{Posture, Severity};
use crate::store::view::{ListName, Overview};
use crate::tui::keys::Context;
use crate::tui::model::Model;
use crate::tui::table;
use crate::tui::text::{bar, clock, cut, grouped, percent};
use crate::tui::theme::Theme;
use crate::tui::view::fill;

pub(in crate::tui) const PANEL: Panel = Panel {
    context: Context::Overview,
    title: "Overview",
    list: Some(ListName::Services),
    columns: services::COLUMNS,
    side: 10,
    opens_services: true,
    draw,
    about: |_, _| Vec::new(),
    remark,
};

fn draw(model: &Model, frame: &mut Frame<'_>) {
    let areas = model.areas();
    if let Some(state) = model.list() {
        table::draw(model, state, frame, areas.main);
    }
    let (Some(overview), true) = (&model.overview, areas.side.height > 3) else { return };
    let above = areas.side;
    let third = if above.width >= 140 { above.width / 3 } else { 0 };
    let left = (above.width - third) * 11 / 20;
    let middle = above.width - third - left;
    let postures = Rect { width: left, ..above };
    let findings = Rect { x: above.x + left, width: middle, ..above };
    let title = format!("Posture: {} sessions", grouped(overview.postures.total()));
    fill(model, frame, postures, (&title, bars(overview, model.theme(), left)));
    fill(model, frame, findings, ("Open findings", open(overview, model.theme())));
    if third > 0 {
        let latest = Rect { x: above.x + left + middle, width: third, ..above };
        fill(model, frame, latest, ("Latest", newest(overview, model.theme(), third)));
    }
}

fn bars(overview: &Overview, theme: &Theme, wide: u16) -> Vec<TextLine<'static>> {
    let all = overview.postures.total();
    let columns = usize::from(wide).saturating_sub(34).clamp(6, 60);
    let mut lines: Vec<TextLine<'static>> = [
        (Posture::Mtls, "mTLS"),
        (Posture::Tls, "TLS, server only"),
        (Posture::TlsOpaque, "TLS, opaque"),
        (Posture::Plaintext, "PLAINTEXT"),
        (Posture::Unknown, "unknown"),
    ]
    .into_iter()
    .map(|(posture, name)| {
        let part = overview.postures.of(posture);
        let (mark, style) = theme.posture(posture.name());
        TextLine::from(vec![
            Span::styled(format!(" {mark} {name:<17}"), style),
            Span::styled(bar(part, all, columns), style),
            Span::styled(format!(" {:>5}%", percent(part, all)), theme.base),
        ])
    })
    .collect();
    let [throughout, partly, none, untold] = overview.mutual.map(grouped);
    lines.push(TextLine::styled(
        format!(" edges that are mutual: {throughout} all, {partly} some,"),
        theme.base,
    ));
    lines.push(TextLine::styled(format!("   {none} none, {untold} could not be told"), theme.base));
    lines.push(TextLine::styled(" O hides the client: that is not a pass.", theme.dim));
    lines
}

fn open(overview: &Overview, theme: &Theme) -> Vec<TextLine<'static>> {
    let mut lines = Vec::new();
    for (at, severity) in Severity::ALL.iter().enumerate().rev() {
        let (mark, style) = theme.severity(severity.name());
        let count = overview.open.get(at).copied().unwrap_or(0);
        let new = overview.new.get(at).copied().unwrap_or(0);
        let mut text = format!(" {mark} {:<9} {:>8}", severity.name(), grouped(count));
        if new > 0 {
            text.push_str(&format!("  {} new", grouped(new)));
        }
        lines.push(TextLine::styled(text, if count > 0 { style } else { theme.dim }));
    }
    lines.push(TextLine::raw(""));
    for (state, count) in &overview.settled {
        lines.push(TextLine::styled(format!("    {state:<13}{:>5}", grouped(*count)), theme.dim));
    }
    lines
}

fn newest(overview: &Overview, theme: &Theme, wide: u16) -> Vec<TextLine<'static>> {
    let line = |(severity, rule, message, at): &(String, String, String, i64)| {
        let (mark, style) = theme.severity(severity);
        let text = format!("{} {mark}{rule}: {message}", clock(*at));
        TextLine::styled(cut(&text, usize::from(wide).saturating_sub(2)), style)
    };
    overview.latest.iter().map(line).collect()
}

fn remark(model: &Model) -> String {
    let Some(overview) = &model.overview else { return "reading ...".to_owned() };
    match overview.latest.first() {
        Some((severity, rule, message, at)) => {
            let (mark, _) = model.theme().severity(severity);
            format!("{} {mark}{rule}: {message}", clock(*at))
        }
        None => "no open findings".to_owned(),
    }
}
