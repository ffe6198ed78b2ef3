//! `wirelint rules` and `wirelint explain`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::args::{RuleArgs, Rules};
use super::config::Written;
use super::finding::{PREFIX, explain_finding};
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{Code, FINDINGS, OK, STORAGE, USAGE};
use crate::model::Diagnostic;
use crate::rule::{
    RuleSet, explain as explanation, field_rows, read_only, read_rule, rule_rows, run_tests,
};

/// The rules that the options ask for.
pub(super) fn load(args: &RuleArgs) -> Result<RuleSet, Vec<Diagnostic>> {
    chosen(all(args)?, args)
}

/// All rules there are, with the severities and options that are asked for. These may be those of rules that are then
/// not chosen: a configuration is not wrong because a run looks at less.
pub(super) fn all(args: &RuleArgs) -> Result<RuleSet, Vec<Diagnostic>> {
    let mut set = RuleSet::built_in()?.with_files(&args.rule_paths)?;
    let mut errors = Vec::new();
    for word in args.config_option.iter().chain(&args.option) {
        errors.extend(set.fix_option(word).err().map(|error| located(args, word, *error)));
    }
    for word in args.config_severity.iter().chain(&args.severity) {
        errors.extend(set.fix_severity(word).err().map(|error| located(args, word, *error)));
    }
    if errors.is_empty() { Ok(set) } else { Err(errors) }
}

/// Of these rules, those that the options choose.
pub(super) fn chosen(set: RuleSet, args: &RuleArgs) -> Result<RuleSet, Vec<Diagnostic>> {
    let words = args.select.iter().chain(&args.ignore);
    let unknown = words
        .filter_map(|word| set.names_some(word).err().map(|error| located(args, word, *error)));
    let unknown: Vec<Diagnostic> = unknown.collect();
    if unknown.is_empty() { set.choose(&args.select, &args.ignore) } else { Err(unknown) }
}

/// The complaint about a word of an option, with its place where the configuration says it.
fn located(args: &RuleArgs, word: &str, error: Diagnostic) -> Diagnostic {
    Written::locate(&args.config_written, word, error)
}

/// Codes and names of rules.
pub(super) fn names(set: &RuleSet) -> Vec<(String, String)> {
    set.rules().iter().map(|rule| (rule.code.to_string(), rule.name.to_string())).collect()
}

/// Runs `wirelint explain`.
pub(super) fn explain(word: &str, db: &Path, args: &RuleArgs, terminal: &Terminal) -> Code {
    let set = match load(args) {
        Ok(set) => set,
        Err(diagnostics) => return terminal.refuse(&diagnostics, USAGE),
    };
    if word.starts_with(PREFIX) {
        return explain_finding(word, db, &set, terminal);
    }
    match set.find(word) {
        Ok(rule) => print(terminal, &explanation(rule)),
        Err(diagnostic) => terminal.refuse(&[*diagnostic], USAGE),
    }
}

/// Runs `wirelint rules`.
pub(super) fn run(command: Rules, terminal: &Terminal) -> Code {
    let done = match command {
        Rules::List { rules } => load(&rules).map(|set| list(&set, terminal)),
        Rules::Show { rule, rules } => load(&rules).and_then(|set| show(&rule, &set, terminal)),
        Rules::New { code, name } => begin(&code, &name, terminal),
        Rules::Check { paths } => check(&paths, terminal),
        Rules::Test { paths } => test(&paths, terminal),
        Rules::Fields { prefix } => Ok(fields(&prefix.unwrap_or_default(), terminal)),
    };
    done.unwrap_or_else(|diagnostics| terminal.refuse(&diagnostics, USAGE))
}

fn list(set: &RuleSet, terminal: &Terminal) -> Code {
    let mut out = String::new();
    for row in rule_rows(set) {
        let _infallible = writeln!(
            out,
            "{:<8} {:<30} {:<9} {:<12} {}",
            row.code, row.name, row.severity, row.on, row.title
        );
    }
    print(terminal, &out)
}

fn show(word: &str, set: &RuleSet, terminal: &Terminal) -> Result<Code, Vec<Diagnostic>> {
    let rule = set.find(word).map_err(|error| vec![*error])?;
    // A file of the user's may hold anything.
    let lines = rule.text.lines().map(|line| {
        let safe =
            |c: char| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
        line.chars().map(safe).chain(['\n']).collect::<String>()
    });
    Ok(print(terminal, &lines.collect::<String>()))
}

/// A rule that loads and passes its tests, to be changed.
fn begin(code: &str, name: &str, terminal: &Terminal) -> Result<Code, Vec<Diagnostic>> {
    let text = include_str!("new_rule.toml").replace("ACME101", code).replace("my-rule", name);
    read_rule("the new rule", &text).map(|_| print(terminal, &text))
}

fn check(paths: &[PathBuf], terminal: &Terminal) -> Result<Code, Vec<Diagnostic>> {
    let set = if paths.is_empty() { RuleSet::built_in()? } else { read_only(paths)? };
    Ok(print(terminal, &format!("{} rules are sound\n", set.rules().len())))
}

fn test(paths: &[PathBuf], terminal: &Terminal) -> Result<Code, Vec<Diagnostic>> {
    let set = if paths.is_empty() { RuleSet::built_in()? } else { read_only(paths)? };
    let report = run_tests(&set);
    let mut out = String::new();
    for failure in &report.failures {
        let _infallible =
            writeln!(out, "failed {} \"{}\": {}", failure.code, failure.test, failure.why);
    }
    for code in &report.untested {
        let _infallible = writeln!(out, "no tests in {code}");
    }
    let _infallible = writeln!(
        out,
        "{} rules, {} tests, {} failed",
        report.rules,
        report.tests,
        report.failures.len()
    );
    let code = print(terminal, &out);
    Ok(if report.failures.is_empty() { code } else { FINDINGS })
}

fn fields(prefix: &str, terminal: &Terminal) -> Code {
    let rows = field_rows(prefix);
    if rows.is_empty() {
        let none = Diagnostic::error("rule-field", format!("no field begins with \"{prefix}\""))
            .help("wirelint rules fields lists them all");
        return terminal.refuse(&[none], USAGE);
    }
    let mut out = String::new();
    for row in rows {
        let _infallible =
            writeln!(out, "{:<12} {:<32} {:<13} {}", row.on, row.path, row.kind, row.doc);
    }
    print(terminal, &out)
}

fn print(terminal: &Terminal, text: &str) -> Code {
    match ignore_closed(terminal.print(text)) {
        Ok(()) => OK,
        Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
    }
}
