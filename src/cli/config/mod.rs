//! The configuration: where it is found, what it says, and how it becomes what options are by default.
//!
//! An option wins over the environment, the environment over the file, the file over what is built in. None of the
//! commands knows of it: before the command line is read, the values become the defaults of its options.

mod file;
mod find;
mod settings;
mod show;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Command;
use clap::builder::ArgPredicate;

use self::settings::{Kind, SETTINGS, Setting, sections};
use super::args::Global;
use crate::model::{Diagnostic, Place, escape_text};
use crate::rule::{nearest, suggestion};

pub(super) use show::{ConfigCommand, run};
pub(super) use written::Written;

/// What the configuration says.
#[derive(Debug, Default)]
pub(super) struct Config {
    values: Values,
    /// The file that it was read from, if any.
    path: Option<PathBuf>,
}

/// The values of settings, by their number in the table.
#[derive(Debug, Default)]
struct Values(BTreeMap<usize, Given>);

/// The value of a setting.
#[derive(Clone, Debug)]
struct Given {
    words: Vec<String>,
    /// The same, with where each is written.
    written: Vec<Written>,
    origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
enum Origin {
    File(Place),
    Variable(String),
}

impl Given {
    fn of_file(words: Vec<(String, Place)>, place: Place) -> Self {
        let origin = |(word, at): &(String, Place)| Written::new(word, Origin::File(at.clone()));
        let written = words.iter().map(origin).collect();
        let words = words.into_iter().map(|(word, _)| word).collect();
        Self { words, written, origin: Origin::File(place) }
    }

    fn of_variable(words: Vec<String>, name: String) -> Self {
        let origin = Origin::Variable(name);
        let written = words.iter().map(|word| Written::new(word, origin.clone())).collect();
        Self { words, written, origin }
    }
}

impl Values {
    /// Takes a value, in the place of an earlier one. Tables from rules are put together, the later word wins.
    fn take(&mut self, number: usize, mut given: Given) {
        let merges = SETTINGS
            .get(number)
            .is_some_and(|setting| matches!(setting.kind, Kind::Levels | Kind::Options));
        if merges && let Some(before) = self.0.get(&number) {
            given.words = before.words.iter().cloned().chain(given.words).collect();
            given.written = before.written.iter().cloned().chain(given.written).collect();
        }
        self.0.insert(number, given);
    }

    fn given(&self) -> impl Iterator<Item = (&'static Setting, &Given)> {
        self.0.iter().filter_map(|(number, given)| Some((SETTINGS.get(*number)?, given)))
    }
}

impl Config {
    /// Finds and reads the configuration that these options ask for.
    ///
    /// # Errors
    /// Everything that is wrong with it: `config-missing`, `config-syntax`, `config-key`, `config-value`,
    /// `config-extend`, `config-variable`.
    pub(super) fn load(global: &Global) -> Result<Self, Vec<Diagnostic>> {
        let path = if global.isolated { None } else { find::find(global.config.clone()) };
        let mut values = Values::default();
        if let Some(path) = &path {
            file::read(path, &mut values)?;
        }
        environment(std::env::vars_os(), &mut values)?;
        Ok(Self { values, path })
    }

    /// The same command line, whose options have the values of the configuration where they are not given.
    pub(super) fn apply(&self, command: Command) -> Command {
        let ids: Vec<String> =
            command.get_arguments().map(|arg| arg.get_id().as_str().to_owned()).collect();
        let has = |id: &str| id.is_empty() || ids.iter().any(|known| known == id);
        let mut command = command;
        let mut written = Vec::new();
        for (setting, given) in self.values.given() {
            // What a watch reads is an interface, or one file that it is told.
            let read_by_watch = setting.option == "paths" && command.get_name() == "watch";
            if has(setting.option) && has(setting.beside) && !read_by_watch {
                let instead = instead_of(&command, setting.option);
                command = command.mut_arg(setting.option, |arg| {
                    let arg = arg.default_values(given.words.clone());
                    instead.iter().fold(arg, |arg, other| {
                        arg.default_value_if(other, ArgPredicate::IsPresent, None)
                    })
                });
                written.extend(given.written.iter().map(Written::text));
            }
        }
        if has(WRITTEN) && !written.is_empty() {
            command = command.mut_arg(WRITTEN, |arg| arg.default_values(written));
        }
        let names: Vec<String> =
            command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        names
            .into_iter()
            .fold(command, |command, name| command.mut_subcommand(name, |sub| self.apply(sub)))
    }
}

/// The hidden option with what the configuration says, and where.
const WRITTEN: &str = "config_written";

/// Options in whose presence an option is not what the configuration says: those that cannot be given with it, and those
/// that say the same thing in another way.
fn instead_of(command: &Command, option: &str) -> Vec<String> {
    let conflicts = |one: &clap::Arg, other: &clap::Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    let Some(own) = command.get_arguments().find(|arg| arg.get_id() == option) else {
        return Vec::new();
    };
    let known: &[&str] = match (option, command.get_name()) {
        // PATH and --read are two names of one thing, and a database that is named is what is looked at.
        ("paths", "tui" | "edges") => &["read", "db"],
        ("paths", _) => &["read"],
        _ => &[],
    };
    let others = command.get_arguments().filter(|arg| {
        let id = arg.get_id().as_str();
        id != option && (known.contains(&id) || conflicts(own, arg) || conflicts(arg, own))
    });
    others.map(|arg| arg.get_id().as_str().to_owned()).collect()
}

/// Takes the values of `WIRELINT_SECTION_KEY`. Lists are separated by commas, options of rules by semicolons; paths are
/// relative to the current folder.
fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
    values: &mut Values,
) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut ours: Vec<(String, OsString)> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, value)| name.starts_with("WIRELINT_") && !value.is_empty())
        .collect();
    ours.sort();
    for (name, value) in ours {
        let known = SETTINGS.iter().position(|setting| setting.variable() == name);
        match known.and_then(|number| Some((number, SETTINGS.get(number)?))) {
            Some((number, setting)) => match words(setting, &name, &value.to_string_lossy()) {
                Ok(words) => values.take(number, Given::of_variable(words, name)),
                Err(found) => errors.extend(found),
            },
            None => errors.extend(unknown_variable(&name)),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn words(setting: &Setting, name: &str, value: &str) -> Result<Vec<String>, Vec<Diagnostic>> {
    let separator = if matches!(setting.kind, Kind::Options) { ';' } else { ',' };
    let words: Vec<String> = match setting.kind.is_list() {
        true => value.split(separator).map(|word| word.trim().to_owned()).collect(),
        false => vec![value.to_owned()],
    };
    let wrong = |(message, label): (String, String)| {
        Diagnostic::error("config-value", format!("{name}: {message}")).note(label)
    };
    let errors: Vec<Diagnostic> =
        words.iter().filter_map(|word| setting.kind.check(word).err().map(wrong)).collect();
    if errors.is_empty() { Ok(words) } else { Err(errors) }
}

/// A variable of one of our sections that is no setting is a misspelt one. Others are none of ours.
fn unknown_variable(name: &str) -> Option<Diagnostic> {
    let section =
        |section: &&str| name.starts_with(&format!("WIRELINT_{}_", section.to_uppercase()));
    sections().iter().find(|known| section(known))?;
    let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let meant = suggestion(nearest(name, known.iter().map(String::as_str)));
    let message = format!("no setting has the variable {}", escape_text(name));
    let error = Diagnostic::error("config-variable", message);
    let error = if meant.is_empty() { error } else { error.help(meant) };
    Some(error.help("wirelint config show lists the settings"))
}
