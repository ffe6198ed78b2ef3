//! Numbers, words, colours and tables as reports for people show them.

use comfy_table::presets::NOTHING;
use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table,
    TableStyle,
};

use super::Style;
use crate::model::{Acceptance, AcceptedBy, FrameNo, Outcome, RunInfo, Severity};
use crate::store::flat;

/// What a piece of text means, for its colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Error,
    Warning,
    Note,
    Good,
    Strong,
}

impl Tone {
    pub(super) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High => Self::Error,
            Severity::Medium => Self::Warning,
            Severity::Low | Severity::Info => Self::Note,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Error => "1;31",
            Self::Warning => "1;33",
            Self::Note => "1;36",
            Self::Good => "1;32",
            Self::Strong => "1",
        }
    }
}

/// The text in its colour, if there are colours.
pub(super) fn paint(style: &Style, tone: Tone, text: &str) -> String {
    if style.color { format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code()) } else { text.to_owned() }
}

/// A count with its digits in groups: `48,211`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things: `1 session`, `1,204 sessions`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A share in whole percent. Some is never shown as none, and not all is never shown as all.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let (part, whole) = (u128::from(part), u128::from(whole));
    let Some(rounded) = (part * 100 + whole / 2).checked_div(whole) else { return "-".to_owned() };
    match rounded {
        0 if part > 0 => "<1%".to_owned(),
        100 if part < whole => ">99%".to_owned(),
        _ => format!("{rounded}%"),
    }
}

/// How many open findings of each severity there are, worst first, none left out.
pub(super) fn severities(outcome: &Outcome) -> Vec<(Severity, u64)> {
    let open = || outcome.findings.iter().filter(|finding| finding.is_open());
    let of = |severity| open().filter(|f| f.severity == severity).count();
    Severity::ALL.into_iter().rev().map(|severity| (severity, of(severity) as u64)).collect()
}

/// The number of findings in words: `9 findings: 1 critical, 4 high (2 ignored, 14 in baseline)`.
pub(super) fn tally(outcome: &Outcome) -> String {
    let severities = severities(outcome);
    let total = severities.iter().map(|(_, count)| count).sum();
    let total = counted(total, "finding", "findings");
    let parts: Vec<String> = severities
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{} {severity}", grouped(count)))
        .collect();
    let open = if parts.is_empty() { total } else { format!("{total}: {}", parts.join(", ")) };
    format!("{open}{}", put_aside(outcome))
}

/// What is not among the open findings: ` (2 ignored, 14 in baseline)`. Nothing when there is none.
fn put_aside(outcome: &Outcome) -> String {
    let of = |by| {
        outcome.findings.iter().filter(move |f| f.accepted.as_ref().is_some_and(|a| a.by == by))
    };
    let (ignored, known) = (of(AcceptedBy::Ignore).count(), of(AcceptedBy::Baseline).count());
    let unlisted = outcome.run.unlisted;
    let mut parts = Vec::new();
    if ignored + known > 0 {
        parts.push(format!("{} ignored", grouped(ignored as u64)));
        parts.push(format!("{} in baseline", grouped(known as u64)));
    }
    if unlisted > 0 {
        parts.push(format!("{} not listed", grouped(unlisted)));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// On whose word a finding is accepted: `ignored until 2026-09-30: replaced in Q3 (wirelint-baseline.toml:4)`.
pub(super) fn acceptance(accepted: &Acceptance) -> String {
    let by = match accepted.by {
        AcceptedBy::Ignore => "ignored",
        AcceptedBy::Baseline => "in baseline",
    };
    let until = accepted.until.map_or_else(String::new, |until| {
        let day: String = until.to_string().chars().take_while(|c| *c != 'T').collect();
        format!(" until {day}")
    });
    let Acceptance { reason, place, .. } = accepted;
    format!("{by}{until}: {reason} ({}:{})", path(&place.path), place.line)
}

/// A place in a file, as a person finds it: the file's name and the number of the frame. What is said of a whole run has
/// no frame.
pub(super) fn place(run: &RunInfo, frame: FrameNo) -> (String, Option<u64>) {
    match (flat::locate(run, frame), run.sources.as_slice()) {
        (Some(found), _) => (path(&found.source), Some(found.number)),
        (None, [one]) => (path(&one.name), None),
        (None, all) => (format!("{} captures", grouped(all.len() as u64)), None),
    }
}

/// A path that names the same file and cannot be taken for a command of a CI log (`::error::`, `##[group]`).
pub(super) fn path(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '_');
    if name.starts_with(plain) { name.to_owned() } else { format!("./{name}") }
}

/// Words in lines of at most `width` columns: the first behind `first`, the others behind `next`.
pub(super) fn wrapped(first: &str, next: &str, text: &str, width: usize) -> String {
    let mut out = first.to_owned();
    let mut column = first.chars().count();
    let mut fresh = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if !fresh && column.saturating_add(1).saturating_add(length) > width {
            out.push('\n');
            out.push_str(next);
            column = next.chars().count();
            fresh = true;
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column = column.saturating_add(length);
        fresh = false;
    }
    out.push('\n');
    out
}

/// A table whose every line begins with a bar. The first column is text, the others are numbers where `numbers` says.
pub(super) fn table(
    style: &Style,
    header: &[&str],
    rows: Vec<Vec<String>>,
    numbers: bool,
) -> String {
    let mut table = Table::new();
    table.load_style(lines(style)).set_header(header.iter().map(Cell::new));
    if let Ok(width) = u16::try_from(style.width) {
        table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.add_rows(rows);
    if numbers {
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let mut out = String::new();
    for line in table.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn lines(style: &Style) -> TableStyle {
    let (bar, dash) = if style.ascii { ('|', '-') } else { ('│', '─') };
    let content = ContentLineStyle::none().left(bar);
    NOTHING
        .header_lines(content)
        .content_lines(content)
        .header_separator(LineStyle::none().left(bar).fill(dash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_none_or_all() {
        let shares = [(0, 9), (1, 1000), (1, 3), (999, 1000), (7, 7), (0, 0)];
        assert_eq!(
            shares.map(|(part, whole)| percent(part, whole)),
            ["0%", "<1%", "33%", ">99%", "100%", "-"]
        );
        assert_eq!(percent(u64::MAX, u64::MAX), "100%");
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 48_211, 1_000_000].map(grouped),
            ["0", "999", "1,000", "48,211", "1,000,000"]
        );
    }

    #[test]
    fn every_line_of_a_wrapped_text_begins_with_ours() {
        let shown = wrapped("   = ", "   | ", "one two three ::error::x", 12);
        assert_eq!(shown, "   = one two\n   | three\n   | ::error::x\n");
    }

    #[test]
    fn a_file_name_cannot_be_a_command() {
        assert_eq!(path("::error::x.pcap"), "./::error::x.pcap");
        assert_eq!(path("a/b.pcap"), "a/b.pcap");
    }
}
