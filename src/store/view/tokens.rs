//! The words and signs of a filter.

use super::filter::{FilterError, error};

/// What a token is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum What {
    /// A bare word, a name or a number.
    Word(String),
    /// A text in quotes.
    Quoted(String),
    /// `==`, `!=`, `>=`, `<=`, `>`, `<`, `:`.
    Compare(&'static str),
    /// `&&`, `||`, `!`, `(`, `)`, `[`, `]`, `,`.
    Sign(&'static str),
}

impl What {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word) | Self::Quoted(word) => {
                format!("\"{}\"", crate::model::escape_text(word))
            }
            Self::Compare(sign) | Self::Sign(sign) => format!("\"{sign}\""),
        }
    }
}

/// A token and the characters before it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) what: What,
}

const COMPARES: [(&str, &str); 8] = [
    ("==", "=="),
    ("!=", "!="),
    (">=", ">="),
    ("<=", "<="),
    (">", ">"),
    ("<", "<"),
    ("=", "=="),
    (":", ":"),
];

const SIGNS: [&str; 9] = ["&&", "||", "!", "(", ")", "[", "]", ",", "|"];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = chars.get(at).copied() {
        if first.is_whitespace() {
            at += 1;
            continue;
        }
        let rest: String = chars.iter().skip(at).take(2).collect();
        let (what, length) = if first == '"' || first == '\'' {
            quoted(&chars, at)?
        } else if let Some((sign, means)) = COMPARES.iter().find(|(sign, _)| rest.starts_with(sign))
        {
            (What::Compare(means), sign.len())
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (What::Sign(sign), sign.len())
        } else {
            word(&chars, at)
        };
        tokens.push(Token { at, what });
        at += length;
    }
    Ok(tokens)
}

fn quoted(chars: &[char], at: usize) -> Result<(What, usize), FilterError> {
    let quote = chars.get(at).copied().unwrap_or('"');
    let inside: String = chars.iter().skip(at + 1).take_while(|c| **c != quote).collect();
    let length = inside.chars().count();
    match chars.get(at + 1 + length) {
        Some(_) => Ok((What::Quoted(inside), length + 2)),
        None => Err(error(at, "the text that begins here has no closing quote")),
    }
}

/// A word goes on over colons when it is an address (`fe80::1`) or a digest, not a name of a column.
fn word(chars: &[char], at: usize) -> (What, usize) {
    let ends = |c: &char| c.is_whitespace() || "\"'()[]!=<>&|,".contains(*c);
    let rest = chars.get(at..).unwrap_or_default();
    let mut length = rest.iter().take_while(|c| !ends(c)).count();
    let text: String = rest.iter().take(length).collect();
    if let Some((name, _)) = text.split_once(':')
        && name.chars().all(|c| c.is_ascii_alphabetic() || c == '.' || c == '_')
        && !name.is_empty()
        && !text.contains("::")
    {
        length = name.chars().count();
        return (What::Word(name.to_owned()), length);
    }
    (What::Word(text), length.max(1))
}
