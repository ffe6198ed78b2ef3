//! Writing the file: what people wrote stays as it is, what the program wrote is written anew, sorted.

use std::fmt::Write as _;

use super::{Baseline, Entry};

const HEADER: &str = "\
# Accepted findings. `wirelint baseline create` writes [[finding]] entries; [[ignore]] entries are written by people.
baseline-version = 1
";

/// What becomes of a file.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// The text there is, if any.
    pub text: Option<&'a str>,
    /// All entries for single findings.
    pub entries: &'a [Entry],
    /// Which entries of people go, by their number in the file.
    pub drop_ignores: &'a [usize],
}

/// The new text. `None` when what people wrote would not be read as before: then the file is one that only they can
/// edit.
#[must_use]
pub fn edited(edit: &Edit<'_>) -> Option<String> {
    let mut out = String::new();
    let mut ignores = 0;
    for block in edit.text.map(blocks).unwrap_or_default() {
        let keep = match block.kind {
            Kind::Finding => false,
            Kind::Ignore => {
                ignores += 1;
                !edit.drop_ignores.contains(&(ignores - 1))
            }
            Kind::Other => true,
        };
        if keep {
            out.push_str(&block.text);
        }
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
    if out.is_empty() {
        out.push_str(HEADER.trim_end());
    }
    out.push('\n');
    let mut entries: Vec<&Entry> = edit.entries.iter().collect();
    entries.sort_by_key(|entry| entry.fingerprint);
    entries.iter().for_each(|entry| write_entry(entry, &mut out));
    is_as_meant(edit, &out).then_some(out)
}

/// Whether the new text says what it should, read with the reader that will read it.
fn is_as_meant(edit: &Edit<'_>, new: &str) -> bool {
    let before = Baseline::read("", edit.text.unwrap_or_default()).unwrap_or_default();
    let Ok(after) = Baseline::read("", new) else { return false };
    let kept = before.ignores.iter().enumerate().filter(|(n, _)| !edit.drop_ignores.contains(n));
    let kept: Vec<_> = kept.map(|(_, ignore)| (ignore.words(), &ignore.grant.reason)).collect();
    let left: Vec<_> =
        after.ignores.iter().map(|ignore| (ignore.words(), &ignore.grant.reason)).collect();
    kept == left && after.entries.len() == edit.entries.len()
}

fn write_entry(entry: &Entry, out: &mut String) {
    let line = |out: &mut String, key: &str, value: &str| {
        if !value.is_empty() {
            let _infallible =
                writeln!(out, "{key:<11} = {}", toml::Value::String(value.to_owned()));
        }
    };
    out.push_str("\n[[finding]]\n");
    line(out, "fingerprint", &entry.fingerprint.to_string());
    line(out, "rule", &entry.rule);
    line(out, "summary", &entry.summary);
    line(out, "reason", &entry.grant.reason);
    if !entry.created.is_empty() {
        let _infallible = writeln!(out, "{:<11} = {}", "created", entry.created);
    }
    if let Some(day) = entry.grant.last_day() {
        let _infallible = writeln!(out, "{:<11} = {day}", "expires");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ignore,
    Finding,
    Other,
}

struct Block {
    kind: Kind,
    text: String,
}

/// The text in pieces, each from the head of a table to the next. A comment right above a head belongs to it.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = vec![Block { kind: Kind::Other, text: String::new() }];
    let mut comments = String::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let word: String = bare.chars().filter(|c| !c.is_whitespace()).collect();
        if bare.starts_with('#') {
            comments.push_str(line);
            continue;
        }
        if bare.starts_with('[') {
            let kind = match word {
                word if word.starts_with("[[ignore]]") => Kind::Ignore,
                word if word.starts_with("[[finding]]") => Kind::Finding,
                _ => Kind::Other,
            };
            blocks.push(Block { kind, text: String::new() });
        }
        if let Some(block) = blocks.last_mut() {
            block.text.push_str(&comments);
            block.text.push_str(line);
        }
        comments.clear();
    }
    if let Some(block) = blocks.last_mut() {
        block.text.push_str(&comments);
    }
    blocks
}
