//! What a watch gives up once it has what it needs.

use std::path::{Path, PathBuf};

use super::DEVICE;
use super::audit::Refusal;
use super::terminal::Terminal;
use super::watch::{SandboxMode, WatchArgs};
use crate::edge::{Network, Wish, folder_of, give_up, is_root, owner_of};
use crate::model::{Diagnostic, escape_text};

/// Gives up what a watch does not need any more. It may still connect to these ports.
///
/// # Errors
/// The user cannot be become, or `--sandbox require` asks for more than the system has.
pub(super) fn drop_for_watch(
    args: &WatchArgs,
    ports: Vec<u16>,
    terminal: &Terminal,
) -> Result<(), Refusal> {
    give_up_for(args, None, wish(args, ports), terminal)
}

/// The same where the database is in a folder of its own that is removed at the end, and nothing is told to others.
///
/// # Errors
/// As [`drop_for_watch`].
pub(super) fn drop_for_screen(
    args: &WatchArgs,
    passing: Option<&Path>,
    terminal: &Terminal,
) -> Result<(), Refusal> {
    let removable = passing.map(folder_of).into_iter().collect();
    give_up_for(args, passing, Wish { removable, ..wish(args, Vec::new()) }, terminal)
}

fn give_up_for(
    args: &WatchArgs,
    passing: Option<&Path>,
    wish: Wish,
    terminal: &Terminal,
) -> Result<(), Refusal> {
    if let Some(user) = &wish.user {
        hand_over(args, passing, user)?;
    }
    let steps = give_up(&wish).map_err(|error| {
        let said = Diagnostic::error("user", escape_text(&error.to_string()))
            .help("name a user that there is, and start as root or with CAP_SETUID and CAP_SETGID");
        (vec![said], DEVICE)
    })?;
    let failed: Vec<String> = steps
        .iter()
        .filter_map(|step| Some(format!("{}: {}", step.what, step.failed.as_deref()?)))
        .collect();
    if !failed.is_empty() && args.live.sandbox == SandboxMode::Require {
        let said = Diagnostic::error(
            "sandbox",
            "the sandbox that --sandbox require asks for cannot be had",
        )
        .note(escape_text(&failed.join("; ")))
        .help("run it on a kernel with seccomp and Landlock, or with --sandbox auto");
        return Err((vec![said], DEVICE));
    }
    if !failed.is_empty() {
        let said = Diagnostic::warning("sandbox", "not everything could be given up")
            .note(escape_text(&failed.join("; ")));
        terminal.say(&said);
    }
    if is_root() && args.live.sandbox == SandboxMode::Off {
        terminal.say(
            &Diagnostic::warning("stays-root", "what comes from the wire is read as root")
                .help("give it up: --user USER"),
        );
    }
    Ok(())
}

/// What names of receivers are looked up by.
const NAMES: [&str; 5] =
    ["/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf"];

fn wish(args: &WatchArgs, ports: Vec<u16>) -> Wish {
    let audit = &args.audit;
    let mut readable: Vec<PathBuf> =
        ["/dev/urandom", "/sys/class/net", "/sys/devices", "/proc/self", "/etc/localtime"]
            .iter()
            .map(PathBuf::from)
            .collect();
    let written = audit.crl.iter().chain(&audit.keylog).chain(&audit.rules.rule_paths);
    let written = written.chain(&audit.services).chain(&audit.policy);
    readable.extend(written.map(|path| if path.is_dir() { path.clone() } else { folder_of(path) }));
    readable.extend(audit.trust.iter().map(|bundle| folder_of(bundle.path())));
    readable.extend(args.delivery.webhook_header_file.iter().map(|path| folder_of(path)));
    if !ports.is_empty() {
        readable.extend(NAMES.iter().map(PathBuf::from));
    }
    let network = Network { answers: args.metrics.is_some(), connects: ports };
    Wish {
        user: args.live.user.clone(),
        confine: args.live.sandbox != SandboxMode::Off,
        readable,
        writable: args.outputs().map(|path| folder_of(&path)).collect(),
        removable: Vec::new(),
        network,
    }
}

/// Gives the files that are open to the user that is going to write them.
fn hand_over(args: &WatchArgs, passing: Option<&Path>, user: &str) -> Result<(), Refusal> {
    let owner = owner_of(user).map_err(|error| {
        let said = Diagnostic::error("user", escape_text(&error.to_string()));
        (vec![said.help("name a user that there is: --user USER[:GROUP]")], DEVICE)
    })?;
    if !is_root() {
        return Ok(());
    }
    if let Some(folder) = passing {
        let _kept = std::os::unix::fs::chown(folder, Some(owner.0), Some(owner.1));
    }
    for path in args.outputs() {
        for name in [String::new(), "-wal".to_owned(), "-shm".to_owned()] {
            let mut whole = path.as_os_str().to_owned();
            whole.push(&name);
            let whole = Path::new(&whole);
            if whole.is_file() {
                let _kept = std::os::unix::fs::chown(whole, Some(owner.0), Some(owner.1));
            }
        }
    }
    Ok(())
}
