//! The rules in force: ours, the user's, those selected, and how bad each is.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::model::{Diagnostic, RuleText, Severity, Value, hex};

use super::definition::Rule;
use super::file::read_rule;
use super::source::nearest;

/// The files of `rules/`, as the build found them: name and text.
static BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Largest number of files taken from one directory of rules.
const FILES: usize = 10_000;

/// Rules by code.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    severities: Vec<Option<Severity>>,
}

impl RuleSet {
    /// The rules that come with wirelint.
    ///
    /// # Errors
    /// None in a build whose tests passed; a bug in a rule file is reported like a user's.
    pub fn built_in() -> Result<Self, Vec<Diagnostic>> {
        let (mut set, mut errors) = (Self::default(), Vec::new());
        for (name, text) in BUILT_IN {
            set.add_text(&format!("rules/{name}"), text, &mut errors);
        }
        set.done(errors)
    }

    /// Adds the rules of these files and directories. The files of a directory are those named `*.toml`, by name.
    ///
    /// # Errors
    /// Everything that is wrong with any of them: as [`read_rule`], `rule-unreadable` (a file that cannot be read) and
    /// `rule-duplicate` (a code or name that is taken, without `override = true`).
    pub fn with_files(mut self, paths: &[PathBuf]) -> Result<Self, Vec<Diagnostic>> {
        let mut errors = Vec::new();
        for path in paths {
            match rule_files(path) {
                Ok(files) => files.iter().for_each(|file| self.add_file(file, &mut errors)),
                Err(error) => errors.push(unreadable(path, &error)),
            }
        }
        self.done(errors)
    }

    fn done(self, errors: Vec<Diagnostic>) -> Result<Self, Vec<Diagnostic>> {
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    fn add_file(&mut self, path: &Path, errors: &mut Vec<Diagnostic>) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.add_text(&shown(path), &text, errors),
            Err(error) => errors.push(unreadable(path, &error)),
        }
    }

    /// Adds one rule from its text.
    fn add_text(&mut self, path: &str, text: &str, errors: &mut Vec<Diagnostic>) {
        match read_rule(path, text) {
            Ok(rule) => {
                if let Err(duplicate) = self.insert(rule) {
                    errors.push(*duplicate);
                }
            }
            Err(found) => errors.extend(found),
        }
    }

    fn insert(&mut self, rule: Rule) -> Result<(), Box<Diagnostic>> {
        let taken = |known: &Rule| known.code == rule.code || known.name == rule.name;
        if let Some(first) = self.rules.iter().find(|known| taken(known))
            && !rule.replaces
        {
            return Err(Box::new(duplicate(first, &rule)));
        }
        self.rules.retain(|known| !taken(known));
        let at = self.rules.partition_point(|known| known.code < rule.code);
        self.rules.insert(at, rule);
        self.severities = vec![None; self.rules.len()];
        Ok(())
    }

    /// Keeps only what `select` names (everything, when it is empty) and drops what `ignore` names. Both take codes,
    /// names, beginnings of codes (`WL2`) and `ALL`.
    ///
    /// # Errors
    /// `rule-unknown` for each word that names no rule.
    pub fn choose(mut self, select: &[String], ignore: &[String]) -> Result<Self, Vec<Diagnostic>> {
        let unknown = |word: &String| self.names_some(word).err().map(|error| *error);
        let errors: Vec<Diagnostic> = select.iter().chain(ignore).filter_map(unknown).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let wanted = |rule: &Rule| select.is_empty() || select.iter().any(|word| names(word, rule));
        let unwanted = |rule: &Rule| ignore.iter().any(|word| names(word, rule));
        let kept: Vec<bool> =
            self.rules.iter().map(|rule| wanted(rule) && !unwanted(rule)).collect();
        let mut keep = kept.iter();
        self.rules.retain(|_| keep.next().copied().unwrap_or(false));
        let mut keep = kept.iter();
        self.severities.retain(|_| keep.next().copied().unwrap_or(false));
        Ok(self)
    }

    /// Fixes the severity of rules: `RULE=LEVEL`, where `RULE` is what [`RuleSet::choose`] takes.
    ///
    /// # Errors
    /// `rule-unknown` for an unknown rule, `rule-value` for what is not a severity.
    pub fn fix_severity(&mut self, word: &str) -> Result<(), Box<Diagnostic>> {
        let (rule, level) = word.split_once('=').unwrap_or((word, ""));
        let Some(severity) = Severity::parse(level) else {
            let message = format!("\"{}\" is not RULE=LEVEL", crate::model::escape_text(word));
            let help = "levels: info, low, medium, high, critical";
            return Err(Box::new(Diagnostic::error("rule-value", message).help(help)));
        };
        self.names_some(rule)?;
        for (known, slot) in self.rules.iter().zip(&mut self.severities) {
            if names(rule, known) {
                *slot = Some(severity);
            }
        }
        Ok(())
    }

    /// Whether a word of [`RuleSet::choose`] names a rule.
    ///
    /// # Errors
    /// `rule-unknown`, with what may have been meant.
    pub fn names_some(&self, word: &str) -> Result<(), Box<Diagnostic>> {
        match self.rules.iter().any(|rule| names(word, rule)) {
            true => Ok(()),
            false => Err(Box::new(self.unknown(word))),
        }
    }

    /// Sets an option of a rule: `RULE.OPTION=VALUE`. A list is written as `a,b` or as TOML writes it.
    ///
    /// # Errors
    /// As [`RuleSet::set_option`], and `rule-value` for a word of another form or a value of another type.
    pub fn fix_option(&mut self, word: &str) -> Result<(), Box<Diagnostic>> {
        let named = word.split_once('=').and_then(|(name, value)| {
            let (rule, option) = name.split_once('.')?;
            Some((rule, option, value))
        });
        let Some((rule, option, value)) = named else {
            let message =
                format!("\"{}\" is not RULE.OPTION=VALUE", crate::model::escape_text(word));
            return Err(Box::new(Diagnostic::error("rule-value", message)));
        };
        let known = self.find(rule)?;
        let same = |name: &str| name.replace('_', "-") == option.replace('_', "-");
        let Some((name, old)) = known.settings.iter().find(|(name, _)| same(name)) else {
            let names: Vec<&str> = known.settings.iter().map(|(name, _)| name.as_str()).collect();
            let meant = super::source::suggestion(nearest(
                &option.replace('-', "_"),
                names.iter().copied(),
            ));
            let message = format!("{rule} has no option \"{}\"", crate::model::escape_text(option));
            let error = Diagnostic::error("rule-value", message);
            let error = if meant.is_empty() { error } else { error.help(meant) };
            return Err(Box::new(match names.is_empty() {
                true => error.note("it has none"),
                false => error.note(format!("options: {}", names.join(", "))),
            }));
        };
        let (name, kind) = (name.clone(), super::fields::kind_of(old));
        let Some(value) = super::table::value_of_text(value, kind) else {
            let message = format!("option {name} of {rule} is {}", kind.name());
            let note = format!("it was given \"{}\"", crate::model::escape_text(value));
            return Err(Box::new(Diagnostic::error("rule-value", message).note(note)));
        };
        self.set_option(rule, &name, value)
    }

    /// The rule with this code or name.
    ///
    /// # Errors
    /// `rule-unknown`, with what may have been meant.
    pub fn find(&self, word: &str) -> Result<&Rule, Box<Diagnostic>> {
        self.rules
            .iter()
            .find(|rule| rule.code.eq_ignore_ascii_case(word) || rule.name == word)
            .ok_or_else(|| Box::new(self.unknown(word)))
    }

    /// The rules in force, by code.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What reports tell of the rules in force, by code.
    #[must_use]
    pub fn texts(&self) -> Vec<RuleText> {
        let told = |(number, rule): (usize, &Rule)| rule.told(self.fixed_severity(number));
        self.rules.iter().enumerate().map(told).collect()
    }

    /// The severity that the user fixed for the rule with this number, if any.
    #[must_use]
    pub fn fixed_severity(&self, number: usize) -> Option<Severity> {
        self.severities.get(number).copied().flatten()
    }

    /// SHA-256, hexadecimal, over the texts of all rules in force in the order of their codes, with their options
    /// and the severities that were fixed: two runs with the same digest judged by the same rules.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (rule, severity) in self.rules.iter().zip(&self.severities) {
            hash.update(rule.code.as_bytes());
            hash.update([0]);
            hash.update(rule.text.as_bytes());
            hash.update([0]);
            hash.update(severity.map_or("", Severity::name).as_bytes());
            for (name, value) in &rule.settings {
                hash.update(format!("\0{name}={value:?}").as_bytes());
            }
            hash.update([0]);
        }
        hex(&hash.finalize())
    }

    fn unknown(&self, word: &str) -> Diagnostic {
        let words = self.rules.iter().flat_map(|rule| [rule.code.as_str(), rule.name.as_str()]);
        let meant = nearest(word, words)
            .or_else(|| {
                nearest(&word.to_ascii_uppercase(), self.rules.iter().map(|r| r.code.as_str()))
            })
            .and_then(|word| self.rules.iter().find(|rule| rule.code == word || rule.name == word));
        let message = format!("no rule \"{}\"", crate::model::escape_text(word));
        let error = Diagnostic::error("rule-unknown", message);
        let error = match meant {
            Some(rule) => error.help(format!("did you mean {} ({})?", rule.code, rule.name)),
            None => error,
        };
        error.help(format!("wirelint rules list shows all {}", self.rules.len()))
    }

    /// Sets an option of a rule.
    ///
    /// # Errors
    /// `rule-unknown` for an unknown rule, `rule-value` for an unknown option or a value of another type.
    pub fn set_option(
        &mut self,
        rule: &str,
        option: &str,
        value: Value<'static>,
    ) -> Result<(), Box<Diagnostic>> {
        self.find(rule)?;
        let found = self.rules.iter_mut().find(|known| names(rule, known));
        let slot = found.and_then(|rule| {
            rule.settings
                .iter_mut()
                .find(|(known, _)| known.replace('_', "-") == option.replace('_', "-"))
        });
        match slot {
            Some((_, old)) if super::fields::kind_of(old) == super::fields::kind_of(&value) => {
                *old = value;
                Ok(())
            }
            Some((name, old)) => {
                let kind = super::fields::kind_of(old).name();
                Err(Box::new(Diagnostic::error("rule-value", format!("option {name} is {kind}"))))
            }
            None => {
                let message =
                    format!("{rule} has no option \"{}\"", crate::model::escape_text(option));
                Err(Box::new(Diagnostic::error("rule-value", message)))
            }
        }
    }
}

/// Whether a word of `--select` or `--ignore` names this rule.
fn names(word: &str, rule: &Rule) -> bool {
    let upper = word.to_ascii_uppercase();
    let prefix = upper.len() >= 2 && upper.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    upper == "ALL"
        || word == rule.name
        || (prefix && !word.contains('-') && rule.code.starts_with(&upper))
}

fn duplicate(first: &Rule, second: &Rule) -> Diagnostic {
    let same_code = first.code == second.code;
    let taken = if same_code { &second.code } else { &second.name };
    let at = second.text.find(taken.as_str()).unwrap_or(0);
    let source = super::source::Source { path: &second.origin, text: &second.text };
    let message = format!("{taken} is defined twice");
    let own = match second.code.strip_prefix("WL") {
        Some(number) if same_code => format!(", for example ACME{number}"),
        _ => String::new(),
    };
    source
        .error("rule-duplicate", at..at + taken.len(), message, "")
        .note(format!("first defined by {} {} ({})", first.code, first.name, first.origin))
        .help(format!(
            "give your rule its own code and name{own}, or set override = true to replace that one"
        ))
}

fn rule_files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)?.take(FILES) {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("rule-unreadable", format!("cannot read {}: {error}", shown(path)))
        .help("--rules takes a rule file or a directory of them")
}

fn shown(path: &Path) -> String {
    crate::model::escape_text(&path.to_string_lossy())
}
