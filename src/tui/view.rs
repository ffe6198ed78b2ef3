//! Draws the model. Decides nothing.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear};

use super::keys::in_context;
use super::live;
use super::model::{Model, Overlay, SMALLEST};
use super::panels::{PANELS, help, reading};
use super::prompt::Prompt;
use super::text::{bytes, clock, cut, grouped, stamp, typed, width};
use super::theme;

/// Draws everything.
pub(super) fn view(model: &Model, frame: &mut Frame<'_>) {
    let theme = model.theme();
    let whole = frame.area();
    frame.buffer_mut().set_style(whole, theme.base);
    if whole.width < SMALLEST.width || whole.height < SMALLEST.height {
        return too_small(model, frame);
    }
    let areas = model.areas();
    put(frame, areas.head, 0, head(model));
    put(frame, areas.tabs, 0, Line::from_iter(tabs(model).into_iter().map(|(_, span)| span)));
    if model.reading {
        reading::draw(model, frame, areas.main.union(areas.side));
    } else {
        (model.panel().draw)(model, frame);
    }
    let body = Rect { y: 2, height: whole.height.saturating_sub(4), ..whole };
    match &model.overlay {
        Some(Overlay::Detail { scroll }) => {
            let lines = (model.panel().about)(model, usize::from(body.width.saturating_sub(2)));
            pages(model, frame, body, (&about_title(model), lines, *scroll));
        }
        Some(Overlay::Help { scroll }) => {
            let lines = help::lines(model, usize::from(body.width.saturating_sub(2)));
            pages(model, frame, body, ("Help", lines, *scroll));
        }
        Some(Overlay::Text { title, lines, scroll }) => {
            let wide = usize::from(body.width.saturating_sub(2));
            let flowed = super::text::flow(lines, wide).into_iter();
            let lines = flowed.map(|line| Line::styled(line, theme.base)).collect();
            pages(model, frame, body, (title, lines, *scroll));
        }
        _ => {}
    }
    match &model.overlay {
        Some(Overlay::Prompt(prompt)) => draw_prompt(model, prompt, frame),
        _ => {
            put(frame, areas.status, 0, status(model));
            put(frame, areas.foot, 0, foot(model));
        }
    }
}

fn too_small(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let text = format!(
        "wirelint needs {}x{}, this is {}x{}",
        SMALLEST.width, SMALLEST.height, area.width, area.height
    );
    let lines = super::text::wrap(&text, usize::from(area.width));
    for (at, line) in (0..).zip(lines) {
        put(frame, area, at, Line::styled(line, model.theme().title));
    }
}

/// Puts a line of text into a row of an area.
pub(super) fn put(frame: &mut Frame<'_>, area: Rect, row: u16, line: Line<'_>) {
    if row < area.height {
        let place = Rect { y: area.y + row, height: 1, ..area };
        frame.render_widget(line, place.intersection(frame.area()));
    }
}

/// Draws a border with a title; what is inside.
pub(super) fn boxed(model: &Model, title: &str, frame: &mut Frame<'_>, area: Rect) -> Rect {
    let theme = model.theme();
    let title = cut(title, usize::from(area.width.saturating_sub(4)));
    let block = Block::bordered().border_style(theme.border).style(theme.base);
    let block = match model.options.ascii {
        true => block.border_set(theme::ASCII),
        false => block.border_type(BorderType::Plain),
    };
    let block = block.title(Span::styled(format!(" {title} "), theme.title));
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}

/// Puts lines into a box, as many as there is room for.
pub(super) fn fill(
    model: &Model,
    frame: &mut Frame<'_>,
    area: Rect,
    (title, lines): (&str, Vec<Line<'_>>),
) {
    if area.height < 3 {
        return;
    }
    let inside = boxed(model, title, frame, area);
    for (row, line) in (0..inside.height).zip(lines) {
        put(frame, inside, row, line);
    }
}

/// Lines over the whole screen, scrolled.
fn pages(
    model: &Model,
    frame: &mut Frame<'_>,
    area: Rect,
    (title, lines, scroll): (&str, Vec<Line<'_>>, usize),
) {
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, model.theme().base);
    let room = usize::from(area.height.saturating_sub(2));
    let most = lines.len().saturating_sub(room);
    let from = scroll.min(most);
    let title = match most {
        0 => title.to_owned(),
        _ => format!(
            "{title}   lines {}-{} of {}",
            from + 1,
            (from + room).min(lines.len()),
            lines.len()
        ),
    };
    let shown = lines.into_iter().skip(from).take(room).collect();
    fill(model, frame, area, (&title, shown));
}

fn about_title(model: &Model) -> String {
    let Some(state) = model.list() else { return String::new() };
    let name = format!("{:?}", state.list.name);
    let one = name.strip_suffix('s').unwrap_or(&name);
    format!("{one} {} of {}", grouped(state.position()), grouped(state.total()))
}

fn head(model: &Model) -> Line<'static> {
    let theme = model.theme();
    let wide = usize::from(model.size.width);
    let mut left = format!(" wirelint  {}", model.options.title);
    let mut right = String::new();
    if let Some(live) = &model.live {
        left.push_str(&live::head(live, wide));
        right = live.last.map_or_else(String::new, |last| format!("{}Z", clock(last)));
    } else if let Some(run) = model.overview.as_ref().and_then(|overview| overview.runs.first()) {
        let (frames, size) = run.frames;
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let live = if run.ended { "" } else { " * running" };
        left.push_str(&format!("  {}{live}  {} pkt", run.command, grouped(frames)));
        if wide >= 80 {
            left.push_str(&format!("  {}", bytes(size)));
        }
        left.push_str(&format!("  drop {}", grouped(run.dropped)));
        right = run.packets.1.map_or_else(String::new, stamp);
        if wide < 80 {
            right = right.get(11..16).map_or_else(String::new, |time| format!("{time}Z"));
        }
    }
    let left = cut(&left, wide.saturating_sub(width(&right) + 2));
    let gap = wide.saturating_sub(width(&left) + width(&right) + 1);
    Line::from(vec![
        Span::styled(left, theme.title),
        Span::raw(" ".repeat(gap)),
        Span::styled(right, theme.dim),
    ])
}

/// The names of the screens, each with the columns that it ends at.
fn tabs(model: &Model) -> Vec<(u16, Span<'static>)> {
    let theme = model.theme();
    let counts = |at: usize| -> String {
        let overview = model.overview.as_ref();
        match (PANELS.get(at).map(|panel| panel.context), overview) {
            (Some(super::keys::Context::Findings), Some(overview)) => {
                format!(" {}", super::text::brief(overview.open.iter().sum()))
            }
            _ => String::new(),
        }
    };
    let wide = model.size.width >= 80;
    let mut end = 0_u16;
    let label = |(at, panel): (usize, &super::panels::Panel)| {
        let here = at == model.screen;
        let name = match (wide || here, here) {
            (true, true) => format!(" [{} {}{}]", at + 1, panel.title, counts(at)),
            (true, false) => format!(" {} {}{}", at + 1, panel.title, counts(at)),
            (false, _) => format!(" {} ", at + 1),
        };
        let style = if here { theme.title } else { theme.dim };
        end = end.saturating_add(u16::try_from(width(&name)).unwrap_or(u16::MAX));
        (end, Span::styled(name, style))
    };
    PANELS.iter().enumerate().map(label).collect()
}

/// The screen whose name is at a column.
pub(super) fn tab_at(model: &Model, x: u16) -> Option<usize> {
    tabs(model).iter().position(|(end, _)| x < *end)
}

fn status(model: &Model) -> Line<'static> {
    let theme = model.theme();
    let wide = usize::from(model.size.width).saturating_sub(2);
    let trouble = model.live.as_deref().and_then(live::trouble);
    if let (Some(trouble), false) = (trouble, model.status.as_ref().is_some_and(|one| one.bad)) {
        return Line::styled(format!(" {}", cut(&trouble, wide)), theme.critical);
    }
    if let Some(status) = &model.status {
        let style = if status.bad { theme.critical } else { theme.good };
        return Line::styled(format!(" {}", cut(&status.text, wide)), style);
    }
    if model.frozen {
        let more = if model.newer { ": newer results are waiting" } else { "" };
        return Line::styled(format!(" frozen{more} (Space goes on)"), theme.medium);
    }
    Line::styled(format!(" {}", cut(&(model.panel().remark)(model), wide)), theme.dim)
}

fn foot(model: &Model) -> Line<'static> {
    let theme = model.theme();
    let wide = usize::from(model.size.width).saturating_sub(1);
    let hints = in_context(model.context()).filter(|binding| !binding.hint.is_empty());
    let mut spans = Vec::new();
    let mut used = 0;
    let decided = |command| {
        use super::keys::Command;
        matches!(command, Command::Acknowledge | Command::Ignore)
    };
    let fits =
        |binding: &&super::keys::Binding| !(model.options.read_only && decided(binding.command));
    let hints: Vec<_> = hints.filter(fits).collect();
    // The ways to help and out are always there: room is kept for them.
    let kept = |hint: &str| matches!(hint, "help" | "quit" | "back");
    let mut reserve: usize =
        hints.iter().filter(|one| kept(one.hint)).map(|one| one.hint.len() + 5).sum();
    for binding in hints {
        let key = binding.shown.split(' ').next().unwrap_or_default();
        let need = key.len() + binding.hint.len() + 3;
        if kept(binding.hint) {
            reserve = reserve.saturating_sub(binding.hint.len() + 5);
        } else if used + need + reserve > wide {
            continue;
        }
        used += need;
        spans.push(Span::styled(format!(" {key}"), theme.title));
        spans.push(Span::styled(format!(" {} ", binding.hint), theme.dim));
    }
    Line::from(spans)
}

fn draw_prompt(model: &Model, prompt: &Prompt, frame: &mut Frame<'_>) {
    let theme = model.theme();
    let areas = model.areas();
    let wide = usize::from(model.size.width);
    let label = format!(" {}: ", prompt.label());
    let room = wide.saturating_sub(width(&label) + 2).max(4);
    // The end of a long line that has the cursor.
    let from = prompt.cursor.saturating_sub(room.saturating_sub(1));
    let shown: String = prompt.text.iter().skip(from).take(room).collect();
    let before: String = prompt.text.iter().skip(from).take(prompt.cursor - from).collect();
    let style = if prompt.error.is_some() { theme.critical } else { theme.base };
    let line = vec![Span::styled(label.clone(), theme.title), Span::styled(typed(&shown), style)];
    let below = match &prompt.error {
        Some(error) => {
            let mut text = format!(" at {}: {}", error.at + 1, error.message);
            if let Some(help) = &error.help {
                text.push_str(&format!("; {help}"));
            }
            Line::styled(cut(&text, wide), theme.critical)
        }
        None => match &model.status {
            Some(status) => Line::styled(format!(" {}", cut(&status.text, wide - 1)), theme.medium),
            None => foot(model),
        },
    };
    put(frame, areas.status, 0, Line::from(line));
    put(frame, areas.foot, 0, below);
    let column = width(&label) + width(&typed(&before));
    let x = u16::try_from(column).unwrap_or(u16::MAX).min(model.size.width.saturating_sub(1));
    frame.set_cursor_position(Position { x, y: areas.status.y });
}
