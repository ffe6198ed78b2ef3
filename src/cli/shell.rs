//! `wirelint completions` and `wirelint man`: both are made from the description of the command line.

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
    print(terminal, &String::from_utf8_lossy(&script))
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
