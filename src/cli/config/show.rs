//! `wirelint config`: what is set and where, the schema, a template, and whether a file is sound.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, FromArgMatches as _, Subcommand};
use serde_json::{Map, Value, json};

use super::settings::{Kind, SETTINGS, Setting, sections};
use super::{Config, Given, Origin};
use crate::cli::args::{Cli, Command, Global};
use crate::cli::gate::Gate;
use crate::cli::output::write_whole;
use crate::cli::terminal::{Terminal, ignore_closed, unwritable};
use crate::cli::{Code, OK, STORAGE, USAGE, policy, rules, services};
use crate::model::{Diagnostic, escape_text};

/// `wirelint config`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ConfigCommand {
    /// Write a commented wirelint.toml with everything that can be set
    Init {
        /// Where to; - for standard output
        #[arg(default_value = "wirelint.toml")]
        path: PathBuf,
        /// Overwrite it when it is there
        #[arg(long)]
        force: bool,
    },
    /// Print every setting, its value and where that comes from
    Show,
    /// Print the JSON Schema of wirelint.toml, or the keys of one section
    Schema {
        /// The section, as gate
        section: Option<String>,
    },
    /// Check the configuration without any traffic
    Check,
}

/// Runs the command.
pub(in crate::cli) fn run(command: &ConfigCommand, global: &Global, terminal: &Terminal) -> Code {
    match command {
        ConfigCommand::Init { path, force } => init(path, *force, terminal),
        ConfigCommand::Schema { section: None } => print(terminal, &pretty(&schema())),
        ConfigCommand::Schema { section: Some(section) } => keys(section, terminal),
        ConfigCommand::Show | ConfigCommand::Check => match Config::load(global) {
            Err(errors) => terminal.refuse(&errors, USAGE),
            Ok(config) if matches!(command, ConfigCommand::Show) => {
                print(terminal, &config.shown())
            }
            Ok(config) => match config.means_something() {
                Ok(()) => print(terminal, &config.sound()),
                Err(errors) => terminal.refuse(&errors, USAGE),
            },
        },
    }
}

fn print(terminal: &Terminal, text: &str) -> Code {
    match ignore_closed(terminal.print(text)) {
        Ok(()) => OK,
        Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
    }
}

fn init(path: &Path, force: bool, terminal: &Terminal) -> Code {
    if path == Path::new("-") {
        return print(terminal, &template());
    }
    if !force && path.exists() {
        let exists = format!("{} exists", escape_text(&path.to_string_lossy()));
        let error = Diagnostic::error("output-exists", exists).help("use --force to overwrite");
        return terminal.refuse(&[error], USAGE);
    }
    match write_whole(path, template().as_bytes()) {
        Ok(()) => OK,
        Err(error) => terminal.refuse(&[*error], STORAGE),
    }
}

fn keys(section: &str, terminal: &Terminal) -> Code {
    if !sections().contains(&section) {
        let message = format!("there is no section \"{}\"", escape_text(section));
        let help = format!("sections: {}", sections().join(", "));
        return terminal.refuse(&[Diagnostic::error("config-key", message).help(help)], USAGE);
    }
    let mut out = String::new();
    for setting in SETTINGS.iter().filter(|setting| setting.section == section) {
        let Setting { key, default, doc, .. } = setting;
        let default = if default.is_empty() { "-" } else { default };
        let _infallible = writeln!(out, "{key}: {doc}");
        let _infallible = writeln!(out, "    takes {}; default {default}", setting.kind.words());
        let _infallible = writeln!(out, "    {}", setting.variable());
    }
    print(terminal, &out)
}

impl Config {
    pub(super) fn shown(&self) -> String {
        let mut out = match &self.path {
            Some(path) => format!("# {}\n", escape_text(&path.to_string_lossy())),
            None => "# no configuration file\n".to_owned(),
        };
        for section in sections() {
            let _infallible = writeln!(out, "\n[{section}]");
            let of_section = SETTINGS.iter().enumerate().filter(|(_, s)| s.section == section);
            for (number, setting) in of_section {
                let (value, origin) = match self.values.0.get(&number) {
                    Some(given) => (value_text(setting.kind, &given.words), given.origin()),
                    None => (setting.default.to_owned(), "default".to_owned()),
                };
                let line = match value.is_empty() {
                    true => format!("# {} is not set", setting.key),
                    false => format!("{} = {value}", setting.key),
                };
                let _infallible = writeln!(out, "{line:<48} # {origin}");
            }
        }
        out
    }

    /// Reads what the file names as `check` would: the rules, their options, the baseline, the services, the policy.
    fn means_something(&self) -> Result<(), Vec<Diagnostic>> {
        let read = self.apply(Cli::command()).try_get_matches_from(["wirelint", "check", "-"]);
        let read = read.and_then(|matches| Cli::from_arg_matches(&matches));
        let cli = read.map_err(|error| {
            vec![Diagnostic::error("config-value", escape_text(error.to_string().trim()))]
        })?;
        let Command::Check(check) = cli.command else { return Ok(()) };
        let rules = rules::all(&check.audit.rules)?;
        let known = rules::names(&rules);
        rules::chosen(rules, &check.audit.rules)?;
        Gate::read(&check.audit.gate, &known, known.clone())?;
        let services = services::load(&check.audit.services)?;
        let policy = check.audit.policy.as_deref().map(policy::load).transpose()?;
        let misspelt = policy.map(|policy| policy::misspelt(&policy, &services));
        misspelt.filter(|errors| !errors.is_empty()).map_or(Ok(()), Err)
    }

    fn sound(&self) -> String {
        match &self.path {
            Some(path) => format!("{} is sound\n", escape_text(&path.to_string_lossy())),
            None => {
                "there is no configuration file; what the environment says is sound\n".to_owned()
            }
        }
    }
}

impl Given {
    fn origin(&self) -> String {
        match &self.origin {
            Origin::File(place) => format!("{}:{}", place.path, place.line),
            Origin::Variable(name) => name.clone(),
        }
    }
}

/// A value as the file would say it. Text is escaped: it is shown on terminals.
fn value_text(kind: Kind, words: &[String]) -> String {
    let quoted = |word: &str| toml::Value::String(escape_text(word)).to_string();
    let first = words.first().map(String::as_str).unwrap_or_default();
    match kind {
        Kind::Flag | Kind::Number(_) | Kind::Percent => first.to_owned(),
        Kind::Word(..) | Kind::Text | Kind::Checked(..) | Kind::Path => quoted(first),
        Kind::Hidden(..) => "\"...\"".to_owned(),
        Kind::Levels | Kind::Options => {
            let pairs = words.iter().map(|word| word.split_once('=').unwrap_or((word, "")));
            let pairs = pairs.map(|(key, value)| format!("{} = {}", quoted(key), quoted(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        _ => format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ")),
    }
}

/// The file with everything in it, all of it commented out.
fn template() -> String {
    let mut out = String::from(
        "# The configuration of wirelint. It is found by walking up from the current folder to the first .git.\n\
         # What is commented out says what holds without it. Unknown keys are errors.\n\
         config-version = 1\n# extend = \"../wirelint-base.toml\"   # that file first, this one wins\n",
    );
    for section in sections() {
        let _infallible = writeln!(out, "\n[{section}]");
        for setting in SETTINGS.iter().filter(|setting| setting.section == section) {
            let _infallible = writeln!(out, "# {}", setting.doc);
            let default = if setting.default.is_empty() { "..." } else { setting.default };
            let _infallible = writeln!(out, "# {} = {default}", setting.key);
        }
    }
    out
}

/// The JSON Schema of the file.
fn schema() -> Value {
    let mut properties = Map::new();
    properties.insert("config-version".to_owned(), json!({ "const": 1 }));
    let extend =
        json!({ "type": "string", "description": "a file that is read first; this one wins" });
    properties.insert("extend".to_owned(), extend);
    for section in sections() {
        let keys = SETTINGS.iter().filter(|setting| setting.section == section).map(|setting| {
            let mut schema = type_schema(setting.kind);
            let described = schema.as_object_mut().map(|object| {
                object.insert("description".to_owned(), json!(setting.doc));
                if let Some(default) = default_json(setting) {
                    object.insert("default".to_owned(), default);
                }
            });
            debug_assert!(described.is_some(), "a schema is an object");
            (setting.key.to_owned(), schema)
        });
        let keys: Map<String, Value> = keys.collect();
        let table = json!({ "type": "object", "properties": keys, "additionalProperties": false });
        properties.insert(section.to_owned(), table);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wirelint.toml",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn default_json(setting: &Setting) -> Option<Value> {
    match setting.kind {
        Kind::Flag | Kind::Word(..) | Kind::Number(_) | Kind::Checked(..) => {
            serde_json::from_str(setting.default).ok()
        }
        _ => None,
    }
}

fn type_schema(kind: Kind) -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    match kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Word(_, words) => json!({ "enum": words() }),
        Kind::Number(most) => json!({ "type": "integer", "minimum": 0, "maximum": most }),
        Kind::Percent => json!({ "type": "number", "minimum": 0, "maximum": 100 }),
        Kind::Text | Kind::Checked(..) | Kind::Hidden(..) | Kind::Path => {
            json!({ "type": "string" })
        }
        Kind::Texts | Kind::Paths | Kind::NamedPaths | Kind::Outputs => texts,
        Kind::Levels => {
            let levels: Vec<&str> =
                crate::model::Severity::ALL.into_iter().map(crate::model::Severity::name).collect();
            json!({ "type": "object", "additionalProperties": { "enum": levels } })
        }
        Kind::Options => {
            let options = json!({ "type": ["string", "boolean", "integer", "array"] });
            json!({
                "type": "object",
                "additionalProperties": { "type": "object", "additionalProperties": options },
            })
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The table of settings as the page has it.
#[cfg(test)]
pub(super) fn markdown() -> String {
    let mut out = String::from("| key | takes | default | what it is for |\n|---|---|---|---|\n");
    for setting in SETTINGS {
        let default = match setting.default {
            "" => "-".to_owned(),
            default => format!("`{default}`"),
        };
        let (name, takes, doc) = (setting.name(), setting.kind.words(), setting.doc);
        let _infallible = writeln!(out, "| `{name}` | {takes} | {default} | {doc} |");
    }
    out
}
