//! The table holds together, and what a file says becomes what options are.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _};

use super::show::markdown;
use super::*;
use crate::cli::args::{Cli, Command as Chosen};

/// Every command with its subcommands.
fn every_command(command: &Command) -> Vec<&Command> {
    command.get_subcommands().flat_map(every_command).chain([command]).collect()
}

fn find<'c>(all: &[&'c Command], setting: &Setting) -> Option<&'c clap::Arg> {
    let arg =
        |command: &&'c Command, id: &str| command.get_arguments().find(|arg| arg.get_id() == id);
    all.iter()
        .filter(|command| setting.beside.is_empty() || arg(command, setting.beside).is_some())
        .find_map(|command| arg(command, setting.option))
}

#[test]
fn every_setting_is_the_default_of_an_option_and_says_what_holds_without_it() {
    let command = Cli::command();
    let all = every_command(&command);
    for setting in SETTINGS {
        let arg = find(&all, setting).unwrap_or_else(|| panic!("{} sets nothing", setting.name()));
        if !matches!(setting.kind, Kind::Word(..) | Kind::Number(_) | Kind::Checked(..)) {
            continue;
        }
        let held: Vec<_> =
            arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        assert_eq!(held.join(","), setting.default.trim_matches('"'), "{}", setting.name());
    }
}

#[test]
fn every_word_that_a_setting_takes_is_one_that_its_option_takes() {
    for setting in SETTINGS {
        let Kind::Word(_, words) = setting.kind else { continue };
        for word in words() {
            let number = SETTINGS.iter().position(|known| known.name() == setting.name()).unwrap();
            let cli = parsed(number, &[word], &["check", "x"]);
            assert!(cli.is_ok(), "{} = {word}: {}", setting.name(), cli.unwrap_err());
        }
    }
}

fn parsed(number: usize, words: &[&str], arguments: &[&str]) -> Result<Cli, String> {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let mut config = Config::default();
    config.values.take(number, Given::of_variable(words, String::new()));
    let arguments = ["wirelint"].iter().chain(arguments);
    let matches = config.apply(Cli::command()).try_get_matches_from(arguments);
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| error.to_string())
}

fn number(name: &str) -> usize {
    SETTINGS.iter().position(|setting| setting.name() == name).unwrap()
}

#[test]
fn names_and_variables_are_taken_once_and_sections_stand_together() {
    let mut names: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    assert_eq!(names[number("gate.fail-on")], "WIRELINT_GATE_FAIL_ON");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), SETTINGS.len());
    let mut once = sections();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), sections().len());
}

#[test]
fn what_is_given_on_the_command_line_wins_and_a_list_of_it_replaces_the_list() {
    let check = |words: &[&str], name: &str, arguments: &[&str]| {
        let mut all = vec!["check"];
        all.extend(arguments);
        match parsed(number(name), words, &all).unwrap().command {
            Chosen::Check(check) => *check,
            _ => unreachable!(),
        }
    };
    let paths = |words: &[&str]| words.iter().map(PathBuf::from).collect::<Vec<_>>();
    assert_eq!(check(&["a", "b"], "input.paths", &[]).audit.paths, paths(&["a", "b"]));
    assert_eq!(check(&["a", "b"], "input.paths", &["c"]).audit.paths, paths(&["c"]));
    let read = check(&["a", "b"], "input.paths", &["-r", "c"]).audit;
    assert_eq!((read.paths, read.read), (paths(&[]), paths(&["c"])));
    assert!(check(&["true"], "gate.allow-empty", &[]).allow_empty);
    assert!(!check(&["false"], "gate.allow-empty", &[]).allow_empty);
    let rules = check(&["x=low"], "rules.severity", &["--severity", "y=high"]).audit.rules;
    assert_eq!(
        (rules.config_severity, rules.severity),
        (vec!["x=low".into()], vec!["y=high".into()])
    );
}

#[test]
fn a_setting_means_nothing_to_options_of_the_same_name_elsewhere() {
    let format = parsed(number("output.format"), &["json"], &["db", "query", "SELECT 1"]).unwrap();
    assert!(matches!(
        format.command,
        Chosen::Db(crate::cli::args::Db::Query { format: "table", .. })
    ));
    let db = parsed(number("db.path"), &["mine.db"], &["db", "query", "SELECT 1"]).unwrap();
    let Chosen::Db(crate::cli::args::Db::Query { db, .. }) = db.command else { unreachable!() };
    assert_eq!(db, PathBuf::from("mine.db"));
}

#[test]
fn the_environment_is_read_and_misspelt_variables_are_refused() {
    let read = |pairs: &[(&str, &str)]| {
        let mut values = Values::default();
        let pairs = pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        environment(pairs, &mut values).map(|()| values)
    };
    let values = read(&[
        ("WIRELINT_RULES_SELECT", "WL1, WL2"),
        ("WIRELINT_GATE_FAIL_ON", ""),
        ("HOME", "x"),
    ]);
    let values = values.unwrap();
    assert_eq!(values.0.len(), 1, "an empty variable is none");
    assert_eq!(values.0[&number("rules.select")].words, ["WL1", "WL2"]);
    let error = read(&[("WIRELINT_GATE_FAIL_ON", "hgih")]).unwrap_err();
    assert_eq!(error[0].message, "WIRELINT_GATE_FAIL_ON: \"hgih\" is not a severity");
    let error = read(&[("WIRELINT_GATE_FIAL_ON", "low")]).unwrap_err();
    assert_eq!(error[0].code, "config-variable");
    assert_eq!(error[0].helps[0], "did you mean \"WIRELINT_GATE_FAIL_ON\"?");
    assert!(read(&[("WIRELINT_UPDATE_DOCS", "1")]).is_ok(), "not of a section");
}

#[test]
fn what_may_hold_a_secret_is_taken_and_not_shown() {
    let url = OsString::from("https://hooks.example/T0/secret");
    let pairs = vec![(OsString::from("WIRELINT_DELIVERY_WEBHOOK"), url.clone())];
    let mut config = Config::default();
    environment(pairs.into_iter(), &mut config.values).unwrap();
    let shown = config.shown();
    assert!(shown.contains("webhook = \"...\"") && !shown.contains("secret"), "{shown}");
    let cli = parsed(number("delivery.webhook"), &[url.to_str().unwrap()], &["watch", "-i", "x"]);
    let Chosen::Watch(args) = cli.unwrap().command else { unreachable!() };
    assert_eq!(args.delivery.webhook.as_deref(), url.to_str());
    let pairs = vec![(OsString::from("WIRELINT_DELIVERY_WEBHOOK"), OsString::from("a secret"))];
    let error = environment(pairs.into_iter(), &mut Values::default()).unwrap_err();
    assert!(!error[0].message.contains("secret"), "{error:?}");
}

#[test]
fn the_page_has_the_table() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once("<!-- settings -->\n").unwrap();
    let (current, tail) = rest.split_once("<!-- end of settings -->").unwrap();
    let table = markdown();
    if table != current && std::env::var_os("WIRELINT_UPDATE_DOCS").is_some() {
        let new = format!("{head}<!-- settings -->\n{table}<!-- end of settings -->{tail}");
        std::fs::write(&path, new).unwrap();
        return;
    }
    assert!(
        table == current,
        "run the tests with WIRELINT_UPDATE_DOCS=1 and commit docs/configuration.md"
    );
}
