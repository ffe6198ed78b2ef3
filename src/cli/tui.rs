//! `wirelint tui`: a database on the screen, or captures, which are read into one first.

use std::fs::DirBuilder;
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use clap::Args;

use super::args::AuditArgs;
use super::audit::{Judged, Prepared, Refusal};
use super::rules::load;
use super::terminal::Terminal;
use super::watch::{LiveArgs, Looked, WatchArgs};
use super::{BUG, Code, OK, STORAGE, USAGE};
use crate::audit::KeepSessions;
use crate::engine::now;
use crate::model::{Accept, Diagnostic, escape_text};
use crate::rule::{RuleSet, explain};
use crate::store::{RunEnd, RunStart, Store};
use crate::tui::{self, Ended, Explain, Producer, Progress, Setup, Told, TuiError, theme_names};

/// The options of the command.
#[derive(Debug, Args)]
pub(super) struct Tui {
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    live: LiveArgs,
    /// Look at this database; with captures or interfaces, their results are kept in it
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Colours: default, light, high-contrast, okabe-ito or mono
    #[arg(long, value_name = "NAME", value_parser = theme)]
    theme: Option<&'static str>,
    /// Take the mouse; without, the terminal's own selection works
    #[arg(long)]
    mouse: bool,
    /// Write nothing into the database: findings cannot be acknowledged
    #[arg(long)]
    read_only: bool,
    /// Seconds between two looks at whether the database changed
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    refresh: u64,
}

/// The database that is looked at when nothing is named.
const DEFAULT: &str = "wirelint.db";

fn theme(word: &str) -> Result<&'static str, String> {
    let known: Vec<_> = theme_names().collect();
    let found = known.iter().find(|name| **name == word).copied();
    found.ok_or_else(|| format!("expected {}", known.join(", ")))
}

/// Runs the command.
pub(super) fn run(tui: Tui, terminal: &Terminal) -> Code {
    match attempt(tui, terminal) {
        Ok(code) => code,
        Err((diagnostics, code)) => terminal.refuse(&diagnostics, code),
    }
}

fn attempt(tui: Tui, terminal: &Terminal) -> Result<Code, Refusal> {
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(no_terminal());
    }
    let set = load(&tui.audit.rules).map_err(|said| (said, USAGE))?;
    if !tui.live.interface.is_empty() {
        return live(tui, set, terminal);
    }
    let captures = !tui.audit.paths.is_empty() || !tui.audit.read.is_empty();
    // Removed when this ends, however it ends but by SIGKILL.
    let mut passing = None;
    let (db, title, producer) = if captures {
        let title = title(&tui.audit);
        let db = match &tui.db {
            Some(db) => db.clone(),
            None => passing.insert(Passing::new().map_err(no_folder)?).0.join(DEFAULT),
        };
        let prepared = Prepared::read(&tui.audit, terminal)?;
        (db.clone(), title, Some(producer(prepared, db)))
    } else {
        let db = named(&tui)?;
        let title = escape_text(&db.to_string_lossy());
        (db, title, None)
    };
    let wait = tui.db.is_some();
    let setup = Setup { producer, wait, ..setup(&tui, set, (db, title), terminal) };
    let ended = tui::run(setup);
    drop(passing);
    conclude(ended, terminal)
}

fn setup(tui: &Tui, set: RuleSet, (db, title): (PathBuf, String), terminal: &Terminal) -> Setup {
    Setup {
        db,
        title,
        theme: tui.theme.unwrap_or(if terminal.colors() { "default" } else { "mono" }),
        ascii: terminal.ascii() || plain_terminal(),
        mouse: tui.mouse,
        read_only: tui.read_only,
        refresh: Duration::from_secs(tui.refresh),
        producer: None,
        live: false,
        exports: Some(".".into()),
        wait: false,
        explain: explainer(set),
        author: std::env::var("USER").unwrap_or_default(),
        now,
    }
}

/// Captures in this process, and shows what comes of it.
fn live(tui: Tui, set: RuleSet, terminal: &Terminal) -> Result<Code, Refusal> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    let passing = match &tui.db {
        Some(_) => None,
        None => Some(Passing::new().map_err(no_folder)?),
    };
    let db = tui.db.clone().or(passing.as_ref().map(|passing| passing.0.join(DEFAULT)));
    let db = db.unwrap_or_else(|| DEFAULT.into());
    let setup = setup(&tui, set, (db.clone(), String::new()), terminal);
    let exports = tui.db.as_deref().map(crate::edge::folder_of);
    let args = WatchArgs::of(tui.live, tui.audit).map_err(|error| {
        (vec![Diagnostic::error("internal", escape_text(&error.to_string()))], BUG)
    })?;
    let folder = passing.as_ref().map(|passing| passing.0.as_path());
    let looked = Looked::prepare(args, &db, folder, terminal)?;
    // What the watch says is held back until the terminal is given back.
    let holding = terminal.holding();
    let (title, code, said) = (looked.title(), Arc::new(AtomicU8::new(OK)), holding.clone());
    let result = Arc::clone(&code);
    let producer: Producer = Box::new(move |tell, stop| match looked.run(&said, tell, stop) {
        Ok(code) => {
            result.store(code, Ordering::Release);
            Ok(())
        }
        Err((said, _)) => Err(said),
    });
    let producer = Some(producer);
    let ended = tui::run(Setup { title, producer, live: true, wait: true, exports, ..setup });
    drop(passing);
    holding.let_out();
    match ended {
        Ok(Ended::Quit | Ended::Signal) => Ok(code.load(Ordering::Acquire)),
        ended => conclude(ended, terminal),
    }
}

fn conclude(ended: Result<Ended, TuiError>, terminal: &Terminal) -> Result<Code, Refusal> {
    match ended {
        // Nothing is cut short that somebody waits for: a signal is one more way to leave.
        Ok(Ended::Quit | Ended::Signal) => Ok(OK),
        Ok(Ended::Failed(said)) => Err((said, USAGE)),
        Ok(Ended::Bug(words)) => {
            let mut bug =
                Diagnostic::error("internal", "the dashboard ended because of a bug in wirelint");
            for word in words {
                bug = bug.note(escape_text(&word));
            }
            Ok(terminal.refuse(&[bug], BUG))
        }
        Err(TuiError::NoTerminal) => Err(no_terminal()),
        Err(TuiError::Store(error)) => Err((vec![error.diagnostic()], STORAGE)),
        Err(error @ TuiError::Terminal(_)) => {
            Err((vec![Diagnostic::error("terminal", error.to_string())], STORAGE))
        }
    }
}

/// The database that was named, or the default one when it is there.
fn named(tui: &Tui) -> Result<PathBuf, Refusal> {
    match &tui.db {
        Some(db) => Ok(db.clone()),
        None if Path::new(DEFAULT).exists() => Ok(DEFAULT.into()),
        None => {
            let nothing = Diagnostic::error(
                "input-missing",
                format!("there is no {DEFAULT} here to look at"),
            )
            .help("look at captures: wirelint tui FILE.pcapng")
            .help(
                "or at a database: wirelint check FILE.pcapng --db wirelint.db, then wirelint tui",
            );
            Err((vec![nothing], USAGE))
        }
    }
}

fn title(args: &AuditArgs) -> String {
    let mut paths = args.paths.iter().chain(&args.read);
    let first = paths.next().map_or_else(String::new, |path| escape_text(&path.to_string_lossy()));
    match paths.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Reads the captures into the database at `db`.
fn producer(prepared: Prepared, db: PathBuf) -> Producer {
    Box::new(move |tell, stop: &AtomicBool| {
        let started = now();
        let judged =
            Judged { fail_on: None, accept: Accept::default(), keep: KeepSessions::Samples };
        let progress = |progress: &crate::capture::Progress| {
            let (consumed, total) = (progress.consumed(), progress.total());
            tell(Told::Progress(Progress { consumed, total, ready: false }));
        };
        let audited = prepared.follow(&judged, stop, &progress, &mut |_, _| {});
        let audited = audited.map_err(|(said, _)| said)?;
        let written = Store::open(&db).and_then(|mut store| {
            let end = RunEnd { ended: now(), exit_code: audited.code };
            store.record(&audited.outcome, &RunStart { command: "tui", started }, &end)
        });
        written.map(|_| ()).map_err(|error| vec![error.diagnostic()])
    })
}

fn explainer(set: RuleSet) -> Explain {
    Box::new(move |code| set.find(code).ok().map(explain))
}

/// Whether the terminal or its language cannot be trusted with lines beyond ASCII.
fn plain_terminal() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let linux = set("TERM").is_some_and(|term| term == "linux");
    let language = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    let utf8 = language.is_none_or(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    });
    linux || !utf8
}

fn no_terminal() -> Refusal {
    let error = Diagnostic::error("no-terminal", "the dashboard needs a terminal")
        .help("for a report: wirelint check FILE.pcapng")
        .help("to ask a database: wirelint db query 'SELECT * FROM v_findings'");
    (vec![error], USAGE)
}

fn no_folder(error: io::Error) -> Refusal {
    let error =
        Diagnostic::error("disk-full", format!("no folder for the results can be made: {error}"))
            .help("free space in the folder for temporary files, or name a database with --db");
    (vec![error], STORAGE)
}

/// A folder of the owner's own that is removed with everything in it.
struct Passing(PathBuf);

/// Names tried for it. One may be left over from a process that was killed.
const NAMES: u32 = 100;

impl Passing {
    fn new() -> io::Result<Self> {
        let mut refused = io::ErrorKind::AlreadyExists.into();
        for attempt in 0..NAMES {
            let name = format!("wirelint-{}-{attempt}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refused = error,
                Err(error) => return Err(error),
            }
        }
        Err(refused)
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}
