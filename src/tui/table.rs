//! A list on the screen: titles, the rows that there is room for, nothing else.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line as TextLine, Span};

use super::model::{ListState, Model};
use super::text::{fit, grouped};
use super::theme::Theme;
use super::view::{boxed, put};
use crate::store::view::Line;

/// A column as it is shown.
pub(super) struct Shown {
    pub(super) title: &'static str,
    /// The column of the list that it is sorted by.
    pub(super) field: &'static str,
    /// Columns of the terminal.
    pub(super) width: u16,
    /// Its share of what is left over.
    pub(super) grow: u16,
    /// Numbers stand to the right.
    pub(super) right: bool,
    /// The width of the list below which it is left out.
    pub(super) from: u16,
    pub(super) cell: fn(&Line, &Theme) -> (String, Style),
}

/// Draws the list of the screen.
pub(super) fn draw(model: &Model, state: &ListState, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.theme();
    let inside = boxed(model, &title(state), frame, area);
    let columns = layout(model.panel().columns, inside.width);
    let heads = columns.iter().map(|(shown, wide)| {
        let sorted = state.column().is_some_and(|column| column.name == shown.field);
        let mark = match (sorted, state.descending) {
            (false, _) => "",
            (true, true) => " v",
            (true, false) => " ^",
        };
        let style = if sorted { theme.title } else { theme.dim };
        Span::styled(fit(&format!("{}{mark}", shown.title), *wide, shown.right) + " ", style)
    });
    put(frame, inside, 0, TextLine::from_iter(heads));
    let room = usize::from(inside.height.saturating_sub(1));
    let rows = state.rows().iter().enumerate().skip(state.top).take(room);
    for (at, (place, line)) in rows.enumerate() {
        let selected = place == state.selected;
        let row = u16::try_from(at).unwrap_or(u16::MAX).saturating_add(1);
        put(frame, inside, row, draw_row(&columns, line, theme, selected));
    }
    if state.rows().is_empty() {
        for (at, text) in (1..).zip(empty(model, state)) {
            put(frame, inside, at, TextLine::styled(text, theme.dim));
        }
    }
}

fn draw_row(
    columns: &[(&Shown, usize)],
    line: &Line,
    theme: &Theme,
    selected: bool,
) -> TextLine<'static> {
    let spans = columns.iter().map(|(shown, wide)| {
        let (text, style) = (shown.cell)(line, theme);
        let style = if selected { theme.selected } else { style };
        Span::styled(fit(&text, *wide, shown.right) + " ", style)
    });
    TextLine::from_iter(spans)
}

/// The columns that there is room for, each with its width.
fn layout(columns: &'static [Shown], wide: u16) -> Vec<(&'static Shown, usize)> {
    let mut used = 0_u16;
    let mut there: Vec<&Shown> = Vec::new();
    for shown in columns.iter().filter(|shown| shown.from <= wide) {
        if used + shown.width <= wide {
            used += shown.width + 1;
            there.push(shown);
        }
    }
    let spare = wide.saturating_sub(used);
    let shares: u16 = there.iter().map(|shown| shown.grow).sum::<u16>().max(1);
    there
        .into_iter()
        .map(|shown| (shown, usize::from(shown.width + spare * shown.grow / shares)))
        .collect()
}

fn title(state: &ListState) -> String {
    let name = format!("{:?}", state.list.name);
    let Some(page) = &state.page else { return format!("{name} ...") };
    let mut text = match page.total == page.all {
        true => format!("{name} {}", grouped(page.total)),
        false => format!("{name} {} of {}", grouped(page.total), grouped(page.all)),
    };
    if !state.filter.is_empty() {
        text.push_str(&format!("   filter: {}", state.filter.text()));
    }
    if page.total > 0 {
        text.push_str(&format!("   row {}", grouped(state.position())));
    }
    if state.asked && state.anew {
        text.push_str("   ...");
    }
    text
}

/// What stands where rows would: what to do.
fn empty(model: &Model, state: &ListState) -> Vec<String> {
    let Some(page) = &state.page else { return vec!["reading ...".to_owned()] };
    if page.all > 0 {
        return vec![
            format!("No row of {} passes the filter.", grouped(page.all)),
            "Esc goes back to the filter that was there at first, / changes it.".to_owned(),
        ];
    }
    let run = model.overview.as_ref().and_then(|overview| overview.runs.first());
    let sessions = run.map_or(0, |run| run.sessions);
    vec![
        format!("Nothing here. {} sessions were audited.", grouped(sessions)),
        "Screen 7 says what could and could not be seen.".to_owned(),
    ]
}
