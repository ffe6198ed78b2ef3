//! Where the events of a watch go: standard output, and a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::args::EventFormat;
use crate::engine::{Outlet, Snapshot};
use crate::model::{AuditedSession, Diagnostic, Finding, Outcome, RunInfo, escape_text};
use crate::report::SessionWriter;

/// What the events of a watch are written to.
pub(super) struct Events {
    printed: Printed,
    file: Option<EventFile>,
    /// The file is to be opened anew.
    reopen: Arc<AtomicBool>,
    /// Events that could not be written.
    lost: Arc<AtomicU64>,
}

enum Printed {
    Events(SessionWriter<BufWriter<io::Stdout>>),
    Lines(io::Stdout),
    Nothing,
}

struct EventFile {
    path: PathBuf,
    writer: SessionWriter<BufWriter<File>>,
}

impl Events {
    pub(super) fn begin(
        format: EventFormat,
        file: Option<&Path>,
        reopen: &Arc<AtomicBool>,
    ) -> Result<Self, Box<Diagnostic>> {
        let printed = match format {
            EventFormat::Ndjson => {
                Printed::Events(SessionWriter::new(BufWriter::new(io::stdout())))
            }
            EventFormat::Text => Printed::Lines(io::stdout()),
            EventFormat::None => Printed::Nothing,
        };
        let open = |path: &Path| {
            let opened = append(path).map_err(|error| Box::new(refusal(path, &error)))?;
            Ok::<_, Box<Diagnostic>>(EventFile {
                path: path.to_owned(),
                writer: SessionWriter::new(opened),
            })
        };
        let file = file.map(open).transpose()?;
        Ok(Self { printed, file, reopen: Arc::clone(reopen), lost: Arc::default() })
    }

    /// Events that could not be written.
    pub(super) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// Writes one event wherever events go. A reader of standard output that is gone is no fault; a file that cannot be
    /// written is tried again with the next event.
    fn each(&mut self, mut write: impl FnMut(&mut dyn Writes) -> io::Result<()>) {
        if let Printed::Events(writer) = &mut self.printed
            && write(writer).is_err()
        {
            self.printed = Printed::Nothing;
        }
        if let Some(file) = &mut self.file
            && write(&mut file.writer).is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn line(&mut self, line: &str) {
        if let Printed::Lines(out) = &mut self.printed
            && writeln!(out.lock(), "{line}").is_err()
        {
            self.printed = Printed::Nothing;
        }
    }

    fn reopen(&mut self) {
        let Some(file) = &mut self.file else { return };
        match append(&file.path) {
            Ok(opened) => {
                let mut before = file.writer.reopen(opened);
                let _lost = before.flush();
                file.writer.begin_run();
            }
            Err(_) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Outlet for Events {
    fn session(&mut self, run: &RunInfo, audited: &AuditedSession) {
        self.each(|writer| writer.session(run, audited));
    }

    fn finding(&mut self, run: &RunInfo, finding: &Finding) {
        self.each(|writer| writer.finding(run, finding));
        let Finding { severity, rule, rule_name, message, .. } = finding;
        self.line(&format!("finding {severity} {rule} {rule_name}: {message}"));
    }

    fn published(&mut self, _: &Snapshot) {
        self.each(|writer| writer.flush());
        if self.reopen.swap(false, Ordering::AcqRel) {
            self.reopen();
        }
    }

    fn ended(&mut self, outcome: &Outcome) {
        self.each(|writer| writer.stats(outcome));
        self.each(|writer| {
            writer.begin_run();
            Ok(())
        });
    }
}

/// Both writers of events.
trait Writes {
    fn session(&mut self, run: &RunInfo, audited: &AuditedSession) -> io::Result<()>;
    fn finding(&mut self, run: &RunInfo, finding: &Finding) -> io::Result<()>;
    fn stats(&mut self, outcome: &Outcome) -> io::Result<()>;
    fn flush(&mut self) -> io::Result<()>;
    fn begin_run(&mut self);
}

impl<W: io::Write> Writes for SessionWriter<W> {
    fn session(&mut self, run: &RunInfo, audited: &AuditedSession) -> io::Result<()> {
        Self::session(self, run, audited)
    }

    fn finding(&mut self, run: &RunInfo, finding: &Finding) -> io::Result<()> {
        Self::finding(self, run, finding)
    }

    fn stats(&mut self, outcome: &Outcome) -> io::Result<()> {
        Self::stats(self, outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        Self::flush(self)
    }

    fn begin_run(&mut self) {
        Self::begin_run(self);
    }
}

/// A file that is added to, readable by its owner alone: events name internal hosts.
fn append(path: &Path) -> io::Result<BufWriter<File>> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(BufWriter::new)
}

fn refusal(path: &Path, error: &io::Error) -> Diagnostic {
    let path = escape_text(&path.to_string_lossy());
    Diagnostic::error("output-unwritable", format!("{path} cannot be written: {error}"))
        .help("name a file in a folder that exists and that you may write to")
}
