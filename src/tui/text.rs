//! Text for cells: made safe, cut to a width, numbers and times in words.

use std::fmt::Write as _;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::{Timestamp, escape_text};

/// The text with nothing in it that a terminal would obey. The database has texts escaped already; one that somebody
/// else wrote need not.
pub(super) fn safe(text: &str) -> String {
    let obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{e0000}'..='\u{e007f}' | '\u{fff9}'..='\u{fffb}' | '\u{ad}' | '\u{61c}')
    };
    if !text.contains(obeyed) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if obeyed(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Columns that the text takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { Span::raw(text).width() }
}

/// The text in exactly `columns`: filled with spaces, or cut with `~`.
pub(super) fn fit(text: &str, columns: usize, right: bool) -> String {
    let text = cut(text, columns);
    let fill = " ".repeat(columns.saturating_sub(width(&text)));
    if right { fill + &text } else { text + &fill }
}

/// The text in at most `columns`.
pub(super) fn cut(text: &str, columns: usize) -> String {
    let text = safe(text);
    if width(&text) <= columns {
        return text;
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = width(c.encode_utf8(&mut [0; 4]));
        if used + wide + 1 > columns {
            break;
        }
        out.push(c);
        used += wide;
    }
    if columns > 0 {
        out.push('~');
    }
    out
}

/// The text in lines of at most `columns`, broken at spaces where there are some.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in safe(paragraph).split(' ') {
            let wide = width(word);
            if used > 0 && used + 1 + wide > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            for c in word.chars() {
                let wide = width(c.encode_utf8(&mut [0; 4]));
                if used + wide > columns {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += wide;
            }
        }
        lines.push(line);
    }
    lines
}

/// Prose that is broken into lines already, broken anew for a width: what is indented stays so, and lines that were full
/// go on in the next one.
pub(super) fn flow(lines: &[String], columns: usize) -> Vec<String> {
    const FULL: usize = 70;
    let mut paragraphs: Vec<(usize, String, bool)> = Vec::new();
    for line in lines {
        let text = line.trim_start();
        let indent = width(line).saturating_sub(width(text)).min(16);
        match paragraphs.last_mut() {
            Some((before, whole, true)) if *before == indent && !text.is_empty() => {
                whole.push(' ');
                whole.push_str(text);
            }
            _ => paragraphs.push((indent, text.to_owned(), false)),
        }
        if let Some((_, _, goes_on)) = paragraphs.last_mut() {
            *goes_on = width(line) > FULL;
        }
    }
    let mut out = Vec::new();
    for (indent, text, _) in paragraphs {
        if text.is_empty() {
            out.push(String::new());
        }
        let parts = wrap(&text, columns.saturating_sub(indent));
        out.extend(parts.into_iter().map(|part| " ".repeat(indent) + &part));
    }
    out
}

/// `1 run`, `2 runs`.
pub(super) fn many(count: i64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(u64::try_from(count).unwrap_or(0)))
}

/// A name and a text beside it, wrapped.
pub(super) fn fact(
    name: &str,
    text: &str,
    columns: usize,
    styles: [Style; 2],
) -> Vec<Line<'static>> {
    const NAMES: usize = 12;
    let [name_style, style] = styles;
    let wide = columns.saturating_sub(NAMES);
    let name =
        if width(name) < NAMES { fit(name, NAMES, false) } else { cut(name, NAMES - 1) + " " };
    let mut lines = Vec::new();
    for (at, part) in wrap(text, wide).into_iter().enumerate() {
        let head = if at == 0 { name.clone() } else { " ".repeat(NAMES) };
        lines.push(Line::from(vec![Span::styled(head, name_style), Span::styled(part, style)]));
    }
    lines
}

/// A number with a comma before each group of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count in at most four columns.
pub(super) fn brief(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// A count in at most seven columns.
pub(super) fn count(number: i64) -> String {
    let number = u64::try_from(number).unwrap_or(0);
    match number {
        0..1_000_000 => grouped(number),
        1_000_000..1_000_000_000 => tenths(number, 1_000_000, "M"),
        _ => tenths(number, 1_000_000_000, "G"),
    }
}

/// Bytes in at most eight columns.
pub(super) fn bytes(number: i64) -> String {
    let number = u64::try_from(number).unwrap_or(0);
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => tenths(number, 1_000, " kB"),
        1_000_000..1_000_000_000 => tenths(number, 1_000_000, " MB"),
        1_000_000_000..1_000_000_000_000 => tenths(number, 1_000_000_000, " GB"),
        _ => tenths(number, 1_000_000_000_000, " TB"),
    }
}

fn tenths(number: u64, unit: u64, name: &str) -> String {
    let mut out = (number / unit).to_string();
    if number / unit < 100 {
        let _infallible = write!(out, ".{}", number % unit * 10 / unit);
    }
    out + name
}

/// Microseconds as `09:14:01`, UTC.
pub(super) fn clock(micros: i64) -> String {
    stamp(micros).get(11..19).unwrap_or_default().to_owned()
}

/// Microseconds as `2026-01-21 09:14:01Z`.
pub(super) fn stamp(micros: i64) -> String {
    Timestamp::from_micros(micros).to_seconds_text().replace('T', " ")
}

/// Microseconds as `01-21 09:14`.
pub(super) fn short_stamp(micros: i64) -> String {
    stamp(micros).get(5..16).unwrap_or_default().to_owned()
}

/// Days as `31d`.
pub(super) fn days(number: Option<i64>) -> String {
    match number {
        None => "-".to_owned(),
        Some(days) if days.abs() < 100_000 => format!("{days}d"),
        Some(days) => format!("{}y", days / 365),
    }
}

/// How many hundredths `part` is of `whole`.
pub(super) fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}

/// A bar of `columns` in ASCII.
pub(super) fn bar(part: u64, whole: u64, columns: usize) -> String {
    let wide = columns as u64;
    let mut full = part.saturating_mul(wide).checked_div(whole).unwrap_or(0);
    if part > 0 {
        full = full.max(1);
    }
    let full = usize::try_from(full.min(wide)).unwrap_or(columns);
    "#".repeat(full) + &".".repeat(columns.saturating_sub(full))
}

/// The texts of a JSON list as the database has it, one after the other.
pub(super) fn unlisted(text: &str) -> String {
    text.replace(['[', ']', '"'], "").replace(',', " ")
}

/// What a person typed, safe to show.
pub(super) fn typed(text: &str) -> String {
    escape_text(text).replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_let_through() {
        let hostile = "\u{1b}]0;x\u{7}\u{202e}\u{200b}\u{9b}31m\u{2028}\u{e0041}\r\n";
        assert!(safe(hostile).chars().all(|c| c.is_ascii_graphic()), "{}", safe(hostile));
        assert_eq!(safe("café 日本"), "café 日本");
    }

    #[test]
    fn texts_are_cut_by_columns_not_by_letters() {
        assert_eq!(cut("payments", 8), "payments");
        assert_eq!(cut("payments", 5), "paym~");
        assert_eq!(cut("日本日本", 5), "日本~");
        assert_eq!(cut("x", 0), "");
        assert_eq!(fit("日", 4, true), "  日");
    }

    #[test]
    fn long_words_are_broken_and_others_are_not() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
        assert_eq!(wrap("a\n\nb", 8), ["a", "", "b"]);
    }

    #[test]
    fn prose_is_broken_anew_and_stays_indented() {
        let full = "x".repeat(40) + " " + &"y".repeat(38);
        let lines = [
            "Head".to_owned(),
            format!("  {full}"),
            "  is so.".to_owned(),
            String::new(),
            "End".to_owned(),
        ];
        let flowed = flow(&lines, 60);
        let (x, y) = ("x".repeat(40), "y".repeat(38));
        assert_eq!(flowed, ["Head", &format!("  {x}"), &format!("  {y} is so."), "", "End"]);
        assert_eq!(
            (many(1, "run"), many(1200, "run")),
            ("1 run".to_owned(), "1,200 runs".to_owned())
        );
    }

    #[test]
    fn numbers_stay_within_their_columns() {
        assert_eq!(count(999_999), "999,999");
        assert_eq!(count(1_250_000), "1.2M");
        assert_eq!(bytes(31_400_000), "31.4 MB");
        assert_eq!(bar(1, 1000, 10), "#.........");
        assert_eq!(days(Some(-41)), "-41d");
    }
}
