//! `wirelint services`, and the services files that other commands take.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::terminal::{Terminal, unwritable};
use super::{Code, FINDINGS, OK, STORAGE, USAGE};
use crate::identity::{Directory, ImportFormat, Services, address, import};
use crate::model::{Diagnostic, Endpoint, Party, Realm, Timestamp, escape_text, limits};

/// What to do with services files.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check services files without traffic
    Check {
        /// Services files, which are one mapping
        #[arg(value_name = "FILE", default_value = "services.toml")]
        files: Vec<PathBuf>,
    },
    /// Say who is at an address, and why
    Resolve {
        /// ADDR or ADDR:PORT
        #[arg(value_name = "ADDR[:PORT]")]
        at: String,
        /// Services files, which are one mapping
        #[arg(long, value_name = "FILE", default_value = "services.toml")]
        services: Vec<PathBuf>,
        /// The number of the virtual network that the address is in
        #[arg(long, value_name = "N")]
        vni: Option<u32>,
        /// When, as 2026-01-21T09:00:00Z, where addresses change hands
        #[arg(long, value_name = "TIME", value_parser = time)]
        when: Option<Timestamp>,
    },
    /// Make a services file from what other tools know; nothing is asked over the network
    Import {
        /// kubectl get pods,svc -A -o json, a Compose file, a Consul catalogue, a hosts file; - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What it is, where its content does not tell
        #[arg(long, value_name = "WHAT", value_enum)]
        from: Option<From>,
        /// Write it to this file, which must not be there yet
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// `--from`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum From {
    Kubernetes,
    Compose,
    Consul,
    Hosts,
}

/// The services of these files.
///
/// # Errors
/// A file is not there or too large; and everything that is wrong with what they say.
pub(super) fn load(paths: &[PathBuf]) -> Result<Services, Vec<Diagnostic>> {
    let read = |path: &PathBuf| {
        contents(path, limits::SERVICES_FILE_BYTES).map(|text| (shown(path), text))
    };
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for file in paths.iter().map(read) {
        match file {
            Ok(file) => files.push(file),
            Err(error) => errors.push(*error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Services::read(files)
}

/// Runs the command.
pub(super) fn run(command: Command, terminal: &Terminal) -> Code {
    let done = match command {
        Command::Check { files } => load(&files).map(|services| said(&services, terminal)),
        Command::Resolve { at, services, vni, when } => {
            resolve(&at, &services, (vni, when), terminal)
        }
        Command::Import { file, from, output } => make(&file, from, output.as_deref(), terminal),
    };
    done.unwrap_or_else(|diagnostics| terminal.refuse(&diagnostics, USAGE))
}

fn said(services: &Services, terminal: &Terminal) -> Code {
    let (own, groups) = services.len();
    let count =
        |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    print(
        terminal,
        &format!("{} and {} are sound\n", count(own, "service"), count(groups, "group")),
    )
}

fn resolve(
    text: &str,
    files: &[PathBuf],
    (vni, when): (Option<u32>, Option<Timestamp>),
    terminal: &Terminal,
) -> Result<Code, Vec<Diagnostic>> {
    let services = load(files)?;
    let Some((addr, port)) = address(text) else {
        let message = format!("\"{}\" is no address", escape_text(text));
        let help =
            "wirelint resolves no names; write 10.0.0.9, 10.0.0.9:8443 or [2001:db8::9]:8443";
        return Err(vec![Diagnostic::error("mapping-address", message).help(help)]);
    };
    let realm = vni.map_or_else(Realm::default, Realm::of_network);
    let at = Endpoint::new(addr, port.unwrap_or(0)).within(realm);
    let latest = Timestamp::from_micros(i64::MAX);
    let at = at.within(services.realm(at, when.unwrap_or(latest)));
    let found = services.by_exact_address(at).or_else(|| services.by_network(at));
    let directory = Directory::of(std::sync::Arc::new(services));
    let party = if port.is_some() { directory.server(at) } else { directory.client(at) };
    let mut out = String::new();
    let _infallible = match found {
        Some(_) => writeln!(out, "{} is {} (by {})", escape_text(text), party.service, party.how),
        None => writeln!(out, "{} is in no entry: it keeps its address", escape_text(text)),
    };
    if let Some(place) = found.and_then(|found| directory.services().place(found)) {
        let _infallible = writeln!(
            out,
            "  --> {}:{}:{}   {}",
            place.path,
            place.line,
            place.column,
            place.text.trim()
        );
    }
    describe(&party, &mut out);
    if found.is_none_or(|_| !Directory::is_final(&party)) {
        out.push_str("  a certificate or server name seen at it may name it better\n");
    }
    print(terminal, &out);
    Ok(if found.is_some() { OK } else { FINDINGS })
}

fn describe(party: &Party, out: &mut String) {
    let Some(profile) = party.profile.as_deref() else { return };
    let all = [("owner", &profile.owner), ("tier", &profile.tier), ("kind", &profile.kind)];
    for (key, value) in all {
        if let Some(value) = value {
            let _infallible = writeln!(out, "  {key}: {value}");
        }
    }
}

fn make(
    path: &Path,
    from: Option<From>,
    output: Option<&Path>,
    terminal: &Terminal,
) -> Result<Code, Vec<Diagnostic>> {
    let text = contents(path, limits::IMPORT_BYTES).map_err(|error| vec![*error])?;
    let format = from.map(|from| match from {
        From::Kubernetes => ImportFormat::Kubernetes,
        From::Compose => ImportFormat::Compose,
        From::Consul => ImportFormat::Consul,
        From::Hosts => ImportFormat::Hosts,
    });
    let made = import(&shown(path), &text, format).map_err(|error| vec![*error])?;
    let Some(output) = output else { return Ok(print(terminal, &made)) };
    match write_new(output, &made) {
        Ok(()) => Ok(OK),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("{} exists", shown(output));
            let help =
                "name another file, or remove it: what people wrote into it is not to be lost";
            Err(vec![Diagnostic::error("output-exists", message).help(help)])
        }
        Err(error) => {
            let message = format!("{} cannot be written: {error}", shown(output));
            Ok(terminal.refuse(&[Diagnostic::error("output-unwritable", message)], STORAGE))
        }
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn contents(path: &Path, most: usize) -> Result<String, Box<Diagnostic>> {
    let unreadable = |why: String| {
        Box::new(Diagnostic::error(
            "mapping-unreadable",
            format!("cannot read {}: {why}", shown(path)),
        ))
    };
    let file: Box<dyn std::io::Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?)
    };
    let mut bytes = Vec::new();
    let read = file.take(most as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() > most {
        return Err(unreadable(format!("it has more than {most} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))
}

fn shown(path: &Path) -> String {
    escape_text(&path.to_string_lossy())
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .map_err(|_| "expected a time with its offset, as 2026-01-21T09:00:00Z".to_owned())
}

fn print(terminal: &Terminal, text: &str) -> Code {
    match terminal.print(text) {
        Ok(()) => OK,
        Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
    }
}
