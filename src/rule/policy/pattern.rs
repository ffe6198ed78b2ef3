//! Patterns of names, and which of several entries fits an edge most closely.

use super::Terms;

/// Whether a text fits a pattern, in which `*` stands for any characters, also none, and `\*` for a star.
#[must_use]
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == text;
    }
    let parts = literals(pattern);
    let [first, middle @ .., last] = parts.as_slice() else {
        return parts.first().is_some_and(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for part in middle {
        let Some((_, after)) = rest.split_once(part.as_str()) else { return false };
        rest = after;
    }
    rest.ends_with(last.as_str())
}

/// Whether a name of an identity fits a pattern, which may say what kind of name it means: `uri:` or `dns:`.
#[must_use]
pub fn identity_fits(pattern: &str, name: &str) -> bool {
    let bare = pattern.strip_prefix("uri:").or_else(|| pattern.strip_prefix("dns:"));
    glob_matches(pattern, name) || bare.is_some_and(|bare| glob_matches(bare, name))
}

/// The pattern that only this text fits.
#[must_use]
pub fn exactly(text: &str) -> String {
    text.replace('*', "\\*")
}

/// Whether a pattern stands for one text alone.
pub(super) fn is_exact(pattern: &str) -> bool {
    !pattern.contains('*') || literals(pattern).len() == 1
}

/// What stands between the wildcards of a pattern.
fn literals(pattern: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = pattern.chars().peekable();
    while let Some(c) = characters.next() {
        let star = c == '\\' && characters.next_if_eq(&'*').is_some();
        match (parts.last_mut(), c) {
            (Some(part), _) if star => part.push('*'),
            (_, '*') => parts.push(String::new()),
            (Some(part), c) => part.push(c),
            (None, _) => {}
        }
    }
    parts
}

/// How closely an entry fits an edge; more is closer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Closeness {
    /// Ends that are named without a wildcard.
    exact: u8,
    /// It has ports.
    ports: bool,
    /// Characters that are no wildcards.
    letters: usize,
    /// It names the server by `*` alone.
    pub(super) any_server: bool,
}

impl Closeness {
    /// `None` when the entry does not fit the edge.
    pub(super) fn of(terms: &Terms, client: &str, server: &str, port: u16) -> Option<Self> {
        if !terms.ports.is_empty() && terms.ports.binary_search(&port).is_err() {
            return None;
        }
        let (from, to) = (closest(&terms.from, client)?, closest(&terms.to, server)?);
        Some(Self {
            exact: u8::from(from.0) + u8::from(to.0),
            ports: !terms.ports.is_empty(),
            letters: from.1.saturating_add(to.1),
            any_server: to == (false, 0),
        })
    }
}

/// The closest of several patterns that fits a name: whether it is exact, and its letters.
fn closest(patterns: &[String], name: &str) -> Option<(bool, usize)> {
    let fits = patterns.iter().filter(|pattern| glob_matches(pattern, name));
    let letters = |pattern: &String| literals(pattern).iter().map(String::len).sum();
    fits.map(|pattern| (is_exact(pattern), letters(pattern))).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_everything_else_for_itself() {
        for (pattern, text) in [
            ("orders", "orders"),
            ("*", ""),
            ("*", "a/b"),
            ("orders-*", "orders-"),
            ("*-eu", "orders-eu"),
            ("shop.*/Get*", "shop.Cart/GetAll"),
            ("a*b*c", "abbc"),
            ("*a*", "bab"),
            ("\\*.x", "*.x"),
            ("a\\b", "a\\b"),
        ] {
            assert!(glob_matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("orders", "orders-eu"),
            ("orders", ""),
            ("", "a"),
            ("a*a", "a"),
            ("*b", "abc"),
            ("a*b*c", "acb"),
            ("orders.*", "ordersX"),
            ("\\*.x", "a.x"),
        ] {
            assert!(!glob_matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn the_pattern_made_of_a_text_fits_that_text_alone() {
        for text in ["*", "orders", "a*b", "\\*", "\\", "**\\", "\\u{1b}*"] {
            let pattern = exactly(text);
            assert!(glob_matches(&pattern, text) && is_exact(&pattern), "{pattern}");
            assert!(!glob_matches(&pattern, "other") && !glob_matches(&pattern, ""), "{pattern}");
        }
        assert!(!is_exact("a*") && !is_exact("\\**"));
    }

    #[test]
    fn an_identity_may_say_what_kind_of_name_it_means() {
        for pattern in ["dns:a.internal", "a.internal", "dns:*.internal"] {
            assert!(identity_fits(pattern, "a.internal"), "{pattern}");
        }
        assert!(
            identity_fits("uri:spiffe://a/*", "spiffe://a/b") && identity_fits("dns:x", "dns:x")
        );
        assert!(!identity_fits("dns:a", "b") && !identity_fits("sub:a", "a"));
    }

    #[test]
    fn a_pattern_of_many_stars_is_no_work() {
        assert!(!glob_matches(&"*a".repeat(500), &"a".repeat(499)));
        assert!(glob_matches(&"*a".repeat(500), &"a".repeat(600)));
    }
}
