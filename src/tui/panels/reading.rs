//! While captures are read into the database.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line as TextLine;

use crate::tui::model::Model;
use crate::tui::text::{bar, bytes, fact, percent};
use crate::tui::view::fill;

pub(in crate::tui) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.theme();
    let wide = usize::from(area.width.saturating_sub(2));
    let done = model.progress.consumed;
    let shown = |number: u64| bytes(i64::try_from(number).unwrap_or(i64::MAX));
    let mut lines = fact("reading", &model.options.title, wide, [theme.dim, theme.title]);
    lines.push(TextLine::raw(""));
    match model.progress.total {
        Some(total) => {
            let columns = wide.saturating_sub(10).clamp(8, 60);
            let text = format!(" [{}] {:>3}%", bar(done, total, columns), percent(done, total));
            lines.push(TextLine::styled(text, theme.good));
            lines.push(TextLine::styled(
                format!(" {} of {}", shown(done), shown(total)),
                theme.base,
            ));
        }
        None => lines.push(TextLine::styled(format!(" {}", shown(done)), theme.base)),
    }
    lines.push(TextLine::raw(""));
    let promise = "Results are shown when all is read. They are kept until the dashboard is left; to keep them \
        longer, use wirelint check --db FILE and wirelint tui --db FILE.";
    lines.extend(fact("", promise, wide, [theme.dim, theme.dim]));
    fill(model, frame, area, ("Reading captures", lines));
}
