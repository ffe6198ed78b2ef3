//! The help: the table of keys, the marks, the fields of the list.

use ratatui::text::{Line as TextLine, Span};

use crate::store::view::Kind;
use crate::tui::keys::{Binding, KEYS};
use crate::tui::model::Model;
use crate::tui::text::{fact, fit};

pub(in crate::tui) fn lines(model: &Model, wide: usize) -> Vec<TextLine<'static>> {
    let theme = model.theme();
    let here = model.panel().context;
    let mut lines = vec![TextLine::styled("KEYS", theme.title)];
    // Those that mean something here first, the others dimmed; in two columns where there is room.
    let (there, elsewhere): (Vec<&Binding>, Vec<&Binding>) =
        KEYS.iter().partition(|binding| binding.contexts.contains(&here));
    let columns = if wide >= 100 { wide / 2 } else { wide };
    let cell = |binding: &Binding, style| {
        Span::styled(fit(&format!("{:<15}{}", binding.shown, binding.doc), columns, false), style)
    };
    let mut cells: Vec<Span<'static>> =
        there.into_iter().map(|binding| cell(binding, theme.base)).collect();
    cells.extend(elsewhere.into_iter().map(|binding| cell(binding, theme.dim)));
    let per_line = wide / columns.max(1);
    let height = cells.len().div_ceil(per_line.max(1));
    for row in 0..height {
        let spans = cells.iter().skip(row).step_by(height.max(1)).cloned();
        lines.push(TextLine::from_iter(spans));
    }
    lines.push(TextLine::raw(""));
    lines.push(TextLine::styled("MARKS", theme.title));
    let styles = [theme.dim, theme.base];
    lines.extend(fact(
        "severity",
        "!! critical   ! high   ~ medium   - low   . info",
        wide,
        styles,
    ));
    lines.extend(fact(
        "posture",
        "M mTLS   T TLS, server only   O TLS, opaque   ! plaintext   ? unknown",
        wide,
        styles,
    ));
    let promise =
        "Nothing here changes traffic. a, i and o write into the database only, with a reason.";
    lines.extend(fact("promise", promise, wide, styles));
    if let Some(state) = model.list() {
        lines.push(TextLine::raw(""));
        lines.push(TextLine::styled("FILTER OF THIS LIST", theme.title));
        let how = "terms as severity >= high, server.service == \"payments\", rule == WL1*, message:token, or \
            a word to look for; joined by && (or nothing), ||, !, parentheses";
        lines.extend(fact("terms", how, wide, styles));
        for column in state.list.columns {
            let kind = match column.kind {
                Kind::Word(words) => format!(" ({})", words.join(", ")),
                Kind::Number => " (number)".to_owned(),
                Kind::Time => " (time)".to_owned(),
                Kind::Text | Kind::Service(_) => String::new(),
            };
            let text = format!("{:<24} {}{kind}", column.name, column.doc);
            lines.extend(fact(column.short, &text, wide, styles));
        }
    }
    lines
}
