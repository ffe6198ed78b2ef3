//! Text that came from the wire, made safe to show.

use std::fmt::Write as _;

/// The bytes as text in which nothing can move a cursor, colour a terminal, turn writing around or start a line.
///
/// Valid UTF-8 stays readable; control, bidirectional, zero-width and other unprintable characters, and bytes that are
/// not UTF-8, are written as escapes (`\u{1b}`, `\xff`).
#[must_use]
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        push_escaped(&mut out, chunk.valid());
        for byte in chunk.invalid() {
            let _infallible = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// As [`escape_bytes`], for text that is UTF-8 already.
#[must_use]
pub fn escape_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_escaped(&mut out, text);
    out
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\'' | '"' => out.push(c),
            ' '..='~' if c != '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_terminal_survives() {
        let hostile = "\u{1b}]0;pwned\u{7}\u{1b}[31m a\nb\r\u{202e}\u{200b}\u{9b}c";
        let shown = escape_text(hostile);
        assert!(shown.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{shown}");
        assert!(shown.starts_with("\\u{1b}]0;pwned"));
    }

    #[test]
    fn people_still_read_their_own_language() {
        assert_eq!(escape_text("café 日本 \"x\" it's"), "café 日本 \"x\" it's");
        assert_eq!(escape_bytes(b"ok\xff\\"), "ok\\xff\\\\");
    }
}
