//! Where the events of a watch go: standard output, and a file.

use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::args::EventFormat;
use super::clerk::Carrier;
use super::event_file::{EventFile, Rotation};
use crate::engine::{Outlet, Snapshot};
use crate::model::{
    AuditedSession, Diagnostic, Finding, FindingBody, Outcome, RunInfo, escape_text,
};
use crate::report::SessionWriter;

/// What the events of a watch are written to.
pub(super) struct Events {
    printed: Printed,
    file: Option<EventFile>,
    carrier: Option<Carrier>,
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

impl Events {
    pub(super) fn begin(
        format: EventFormat,
        file: Option<(&Path, Rotation)>,
        reopen: &Arc<AtomicBool>,
    ) -> Result<Self, Box<Diagnostic>> {
        let printed = match format {
            EventFormat::Ndjson => {
                Printed::Events(SessionWriter::new(BufWriter::new(io::stdout())))
            }
            EventFormat::Text => Printed::Lines(io::stdout()),
            EventFormat::None => Printed::Nothing,
        };
        let open = |(path, rotation): (&Path, Rotation)| {
            EventFile::open(path, rotation).map_err(|error| Box::new(refusal(path, &error)))
        };
        let file = file.map(open).transpose()?;
        Ok(Self { printed, file, carrier: None, reopen: Arc::clone(reopen), lost: Arc::default() })
    }

    /// Also gives events to a carrier from here on.
    pub(super) fn carry_by(&mut self, carrier: Carrier) {
        self.carrier = Some(carrier);
    }

    /// No more events come.
    pub(super) fn end(&mut self) {
        self.carrier = None;
    }

    /// Events that could not be written.
    pub(super) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// Writes one event wherever events go. A reader of standard output that is gone is no fault.
    fn each(&mut self, mut write: impl FnMut(&mut dyn Writes) -> io::Result<()>) {
        if let Printed::Events(writer) = &mut self.printed
            && write(writer).is_err()
        {
            self.printed = Printed::Nothing;
        }
        if let Some(file) = &mut self.file {
            let failed = write(&mut file.events).is_err();
            let lost = file.take_up().saturating_add(u64::from(failed));
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }

    fn flush(&mut self) {
        self.each(|writer| writer.flush());
        if let Some(file) = &mut self.file {
            self.lost.fetch_add(file.flush(), Ordering::Relaxed);
        }
    }

    fn line(&mut self, line: &str) {
        if let Printed::Lines(out) = &mut self.printed
            && writeln!(out.lock(), "{line}").is_err()
        {
            self.printed = Printed::Nothing;
        }
    }
}

impl Outlet for Events {
    fn session(&mut self, run: &RunInfo, audited: &AuditedSession) {
        self.each(|writer| writer.session(run, audited));
        if let Some(carrier) = &mut self.carrier {
            carrier.session(run, audited);
        }
    }

    fn findings(&mut self, run: &RunInfo, news: &Arc<[Finding]>) {
        for finding in news.iter() {
            self.each(|writer| writer.finding(run, finding));
            if matches!(self.printed, Printed::Lines(_)) {
                let FindingBody { severity, rule, rule_name, message, .. } = &**finding;
                self.line(&format!("finding {severity} {rule} {rule_name}: {message}"));
            }
        }
        if let Some(carrier) = &mut self.carrier {
            carrier.findings(run, news);
        }
    }

    fn published(&mut self, _: &Snapshot) {
        self.flush();
    }

    fn ended(&mut self, outcome: &Outcome) {
        self.each(|writer| writer.stats(outcome));
        self.each(|writer| {
            writer.begin_run();
            Ok(())
        });
        self.flush();
        if let Some(carrier) = &mut self.carrier {
            carrier.ended(outcome);
        }
    }

    fn waiting(&self) -> usize {
        self.carrier.as_ref().map_or(0, Carrier::waiting)
    }

    fn give_up(&mut self) {
        if let Some(carrier) = &self.carrier {
            carrier.give_up_half();
        }
    }

    fn beat(&mut self) {
        if let Some(carrier) = &mut self.carrier {
            carrier.hand_on();
        }
        let Some(file) = &mut self.file else { return };
        file.beat();
        if self.reopen.swap(false, Ordering::AcqRel) && file.reopen().is_err() {
            // It goes on where it was, and is tried again.
            self.reopen.store(true, Ordering::Release);
        }
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

fn refusal(path: &Path, error: &io::Error) -> Diagnostic {
    let path = escape_text(&path.to_string_lossy());
    Diagnostic::error("output-unwritable", format!("{path} cannot be written: {error}"))
        .help("name a file in a folder that exists and that you may write to")
}
