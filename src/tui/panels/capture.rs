//! What was read, and what could and could not be seen in it.

use ratatui::Frame;
use ratatui::text::Line as TextLine;

use super::Panel;
use crate::store::view::RunSummary;
use crate::tui::keys::Context;
use crate::tui::live;
use crate::tui::model::Model;
use crate::tui::text::{bytes, fact, grouped, percent, stamp};
use crate::tui::view::fill;

pub(super) const PANEL: Panel = Panel {
    context: Context::Capture,
    title: "Capture",
    list: None,
    columns: &[],
    side: 0,
    opens_services: false,
    draw,
    about: |_, _| Vec::new(),
    remark: |model| {
        let runs = model.overview.as_ref().map_or(0, |overview| overview.run_count);
        match runs {
            0 | 1 => String::new(),
            runs => format!(
                "{} runs in this database: [ for the one before, ] for the one after",
                grouped(runs)
            ),
        }
    },
};

fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = model.areas().main;
    let overview = model.overview.as_ref();
    let Some(run) = overview.and_then(|overview| overview.runs.get(model.run)) else {
        let text = TextLine::styled("No run is in this database yet.", model.theme().dim);
        return fill(model, frame, area, ("Capture", vec![text]));
    };
    let wide = usize::from(area.width.saturating_sub(2));
    let mut lines = read(model, run, wide);
    if let Some(live) = model.live.as_deref().filter(|_| model.run == 0) {
        lines.push(TextLine::raw(""));
        lines.extend(live::lines(model, live, wide));
    }
    lines.extend(seen(model, run, wide));
    let room = usize::from(area.height.saturating_sub(2));
    let from = model.scroll.min(lines.len().saturating_sub(room));
    let more = if lines.len() > room {
        format!("   lines from {} of {}", from + 1, lines.len())
    } else {
        String::new()
    };
    let title = format!("Capture: run {} ({}){more}", run.run, run.command);
    fill(model, frame, area, (&title, lines.into_iter().skip(from).collect()));
}

fn read(model: &Model, run: &RunSummary, wide: usize) -> Vec<TextLine<'static>> {
    let theme = model.theme();
    let styles = [theme.dim, theme.base];
    let mut lines = fact("source", &run.sources, wide, [theme.dim, theme.title]);
    if let Some(filter) = &run.filter {
        lines.extend(fact("filter", filter, wide, styles));
    }
    if let (Some(first), Some(last)) = run.packets {
        let text = format!("{} to {}", stamp(first), stamp(last));
        lines.extend(fact("packets", &text, wide, styles));
    }
    let (frames, size) = run.frames;
    let size = bytes(i64::try_from(size).unwrap_or(i64::MAX));
    let kinds: Vec<String> =
        run.kinds.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    lines.extend(fact(
        "frames",
        &format!("{}, {size}: {}", grouped(frames), kinds.join(", ")),
        wide,
        styles,
    ));
    let dropped = format!(
        "{} of {} packets ({}%); cut by the snap length: {}",
        grouped(run.dropped),
        grouped(frames.saturating_add(run.dropped)),
        percent(run.dropped, frames.saturating_add(run.dropped)),
        grouped(run.count("cut_frames"))
    );
    let style = if run.dropped > 0 { theme.high } else { theme.base };
    lines.extend(fact("dropped", &dropped, wide, [theme.dim, style]));
    let state = if run.ended { "ended" } else { "running" };
    lines.extend(fact("run", &format!("{state}, {} rules in force", run.rules), wide, styles));
    for (at, message) in run.incomplete.iter().enumerate() {
        let name = if at == 0 { "incomplete" } else { "" };
        lines.extend(fact(name, message, wide, [theme.dim, theme.medium]));
    }
    lines
}

fn seen(model: &Model, run: &RunSummary, wide: usize) -> Vec<TextLine<'static>> {
    let theme = model.theme();
    let styles = [theme.dim, theme.base];
    let of = |name: &str| grouped(run.count(name));
    let sessions = format!(
        "{}; joined in the middle {}, one direction only {}, never answered {}",
        grouped(run.sessions),
        of("midstream"),
        of("one_sided"),
        grouped(run.half_open)
    );
    let gaps = format!(
        "{} sessions, {} bytes; contradicting overlaps in {}",
        of("gap_sessions"),
        grouped(run.gap_bytes),
        of("conflicting_sessions")
    );
    let tls = format!(
        "{} sessions; certificates hidden in {}; posture inferred in {}, inherited in {}",
        of("tls_sessions"),
        of("certificates_hidden"),
        of("inferred"),
        of("inherited")
    );
    let tables = format!(
        "{} sessions closed early, {} attempts forgotten",
        of("evicted"),
        of("half_open_evicted")
    );
    let mut lines =
        vec![TextLine::raw(""), TextLine::styled("What can and cannot be seen", theme.title)];
    lines.extend(fact("sessions", &sessions, wide, styles));
    lines.extend(fact("holes", &gaps, wide, styles));
    lines.extend(fact("TLS", &tls, wide, styles));
    lines.extend(fact(
        "unknown",
        &format!("{} sessions whose protocol no inspector knows", of("unrecognised")),
        wide,
        styles,
    ));
    lines.extend(fact("full tables", &tables, wide, styles));
    let undecided: Vec<String> =
        run.undecided.iter().map(|(rule, count)| format!("{rule} {}", grouped(*count))).collect();
    if !undecided.is_empty() {
        let text =
            format!("rules that could not decide, which is not a pass: {}", undecided.join(", "));
        lines.extend(fact("undecided", &text, wide, [theme.dim, theme.hidden]));
    }
    lines
}
