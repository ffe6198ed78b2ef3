//! `wirelint completions` and `wirelint man`: both are made from the description of the command line.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::Shell as Known;

use super::args::Cli;
use super::output::write_whole;
use super::terminal::{Terminal, ignore_closed, unwritable};
use super::{Code, OK, STORAGE};
use crate::model::{Diagnostic, escape_text};

/// Shells that can complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
    Nushell,
}

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell, terminal: &Terminal) -> Code {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    let mut generate =
        |known: Known| clap_complete::generate(known, &mut command, &name, &mut script);
    match shell {
        Shell::Bash => generate(Known::Bash),
        Shell::Zsh => generate(Known::Zsh),
        Shell::Fish => generate(Known::Fish),
        Shell::Elvish => generate(Known::Elvish),
        Shell::Powershell => generate(Known::PowerShell),
        Shell::Nushell => {
            clap_complete::generate(
                clap_complete_nushell::Nushell,
                &mut command,
                &name,
                &mut script,
            );
        }
    }
    print(terminal, &without_hidden(&command, &String::from_utf8_lossy(&script)))
}

/// The script without options that are not for people: those that make them offer them all.
fn without_hidden(command: &clap::Command, script: &str) -> String {
    let mut hidden = BTreeSet::new();
    collect_hidden(command, &mut hidden);
    let mut out = String::with_capacity(script.len());
    for line in script.lines() {
        // Bash has all options of a command in one line, and a case for each that is harmless.
        let one_line = line.trim_start().starts_with("opts=");
        let names_hidden = |word: &str| {
            hidden.contains(
                word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-')
                    .trim_start_matches('-'),
            )
        };
        let mut words = line.split([' ', '[', '=', '(', ',', ':']);
        let case = line.trim().starts_with("--") && line.trim().ends_with(')');
        match (one_line, words.any(names_hidden) && !case) {
            (true, _) => {
                let kept: Vec<&str> = line.split(' ').filter(|word| !names_hidden(word)).collect();
                out.push_str(&kept.join(" "));
                // The last word closes the quotes.
                if line.ends_with('"') && !kept.last().is_some_and(|word| word.ends_with('"')) {
                    out.push('"');
                }
            }
            (false, true) => continue,
            (false, false) => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

fn collect_hidden(command: &clap::Command, hidden: &mut BTreeSet<String>) {
    let own = command.get_arguments().filter(|arg| arg.is_hide_set());
    hidden.extend(own.filter_map(|arg| arg.get_long()).map(ToOwned::to_owned));
    command.get_subcommands().for_each(|sub| collect_hidden(sub, hidden));
}

/// Writes the pages of the manual into a folder, or prints the first.
pub(super) fn man(folder: Option<&Path>, terminal: &Terminal) -> Code {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = folder else {
        return match page(&command) {
            Ok(text) => print(terminal, &String::from_utf8_lossy(&text)),
            Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
        };
    };
    match fs::create_dir_all(folder) {
        Ok(()) => {}
        Err(error) => {
            let shown = escape_text(&folder.to_string_lossy());
            let message = format!("the folder {shown} cannot be made: {error}");
            return terminal.refuse(&[Diagnostic::error("output-unwritable", message)], STORAGE);
        }
    }
    for (path, command) in pages(folder, &command, "") {
        let written = page(&command).map_err(|error| Box::new(unwritable(&error)));
        if let Err(error) = written.and_then(|text| write_whole(&path, &text)) {
            return terminal.refuse(&[*error], STORAGE);
        }
    }
    OK
}

/// Every command with the file of its page: `wirelint-rules-list.1`.
fn pages(folder: &Path, command: &clap::Command, above: &str) -> Vec<(PathBuf, clap::Command)> {
    let name = match above {
        "" => command.get_name().to_owned(),
        above => format!("{above}-{}", command.get_name()),
    };
    let below =
        command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set());
    let below: Vec<_> = below.flat_map(|sub| pages(folder, sub, &name)).collect();
    let path = folder.join(format!("{name}.1"));
    let mut all = vec![(path, command.clone().name(name))];
    all.extend(below);
    all
}

fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    Ok(text)
}

fn print(terminal: &Terminal, text: &str) -> Code {
    match ignore_closed(terminal.print(text)) {
        Ok(()) => OK,
        Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
    }
}
