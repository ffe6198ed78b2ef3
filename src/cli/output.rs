//! Files that are complete or absent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::model::{AuditedSession, Diagnostic, Outcome, RunInfo, escape_text};
use crate::report::{SessionWriter, Style, Write as Report, format};

use super::args::Output;
use super::{Code, STORAGE, USAGE};

/// A file that gets its name when it is complete.
pub(super) struct Whole {
    file: BufWriter<File>,
    /// Its name until then and its own; `None` for a pipe or a device, which is written to where it is.
    names: Option<[PathBuf; 2]>,
}

/// Names tried for the temporary file. One may be left over from a process that was killed.
const TEMPORARY_NAMES: u32 = 100;

impl Whole {
    /// Begins the file under another name beside its own, readable by its owner alone: reports name internal hosts.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
            let file = BufWriter::new(OpenOptions::new().write(true).open(path)?);
            return Ok(Self { file, names: None });
        }
        // Behind a link stands the file that is meant.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (temporary, file) = create_beside(&path)?;
        Ok(Self { file: BufWriter::new(file), names: Some([temporary, path]) })
    }

    /// Gives it its name.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let written = self.file.flush().and_then(|()| match &self.names {
            Some([temporary, path]) => fs::rename(temporary, path),
            None => Ok(()),
        });
        if written.is_err() {
            self.abandon();
        }
        written
    }

    pub(super) fn abandon(self) {
        if let Some([temporary, _]) = self.names {
            let _gone = fs::remove_file(temporary);
        }
    }
}

/// A new file, never one that somebody put there before: in a folder that others may write to, that could be a link to
/// anything.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut refused = io::ErrorKind::AlreadyExists.into();
    for n in 0..TEMPORARY_NAMES {
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}-{n}.part", std::process::id()));
        let temporary = path.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refused = error,
            opened => return opened.map(|file| (temporary, file)),
        }
    }
    Err(refused)
}

/// One `-o FMT=PATH`: a stream of events as they come, or a report at the end.
pub(super) struct Target {
    path: PathBuf,
    state: State,
}

enum State {
    Events(SessionWriter<Whole>),
    Report(Whole, Report),
    Failed(io::Error),
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Target {
    /// Begins the file, so that one that cannot be written is known before any work.
    ///
    /// # Errors
    /// It cannot be written, or holds what somebody else wrote and `force` is not set.
    pub(super) fn begin(output: &Output, force: bool) -> Result<Self, (Box<Diagnostic>, Code)> {
        let path = output.path.clone();
        if !force && is_of_others(&path) {
            return Err((Box::new(exists(&path)), USAGE));
        }
        let whole =
            Whole::begin(&path).map_err(|error| (Box::new(refusal(&path, &error)), STORAGE))?;
        let state = match format(output.format) {
            Some(_) if output.format == "ndjson" => State::Events(SessionWriter::new(whole)),
            Some(report) => State::Report(whole, report),
            None => State::Failed(io::ErrorKind::InvalidInput.into()),
        };
        Ok(Self { path, state })
    }

    /// Takes a session, if sessions are written as they come.
    pub(super) fn session(&mut self, run: &RunInfo, audited: &AuditedSession) {
        if let State::Events(writer) = &mut self.state
            && let Err(error) = writer.session(run, audited)
        {
            self.state = State::Failed(error);
        }
    }

    /// Completes the file.
    pub(super) fn finish(self, outcome: &Outcome, style: &Style) -> Result<(), Box<Diagnostic>> {
        let done = match self.state {
            State::Events(mut writer) => {
                writer.finish(outcome).and_then(|()| writer.into_inner().finish())
            }
            State::Report(mut whole, report) => {
                report(outcome, style, &mut whole).and_then(|()| whole.finish())
            }
            State::Failed(error) => Err(error),
        };
        done.map_err(|error| Box::new(refusal(&self.path, &error)))
    }

    /// Leaves nothing behind.
    pub(super) fn abandon(self) {
        match self.state {
            State::Events(writer) => writer.into_inner().abandon(),
            State::Report(whole, _) => whole.abandon(),
            State::Failed(_) => {}
        }
    }
}

/// Writes a file as a whole or not at all. One that it replaces keeps who may read it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Box<Diagnostic>> {
    let permissions = fs::metadata(path).ok().filter(fs::Metadata::is_file);
    let written = Whole::begin(path).and_then(|mut whole| {
        let done = whole.write_all(bytes).and_then(|()| match &permissions {
            Some(known) => whole.file.get_ref().set_permissions(known.permissions()),
            None => Ok(()),
        });
        match done {
            Ok(()) => whole.finish(),
            Err(error) => {
                whole.abandon();
                Err(error)
            }
        }
    });
    written.map_err(|error| Box::new(refusal(path, &error)))
}

/// Writes a file that a person goes on with: whole or not at all, and over another one only when that was asked for.
pub(super) fn write_new(path: &Path, text: &str, force: bool) -> Result<(), Box<Diagnostic>> {
    if !force && fs::metadata(path).is_ok_and(|known| known.is_file()) {
        let path = escape_text(&path.to_string_lossy());
        let exists = Diagnostic::error("output-exists", format!("{path} exists"));
        return Err(Box::new(exists.help("use --force to overwrite it")));
    }
    write_whole(path, text.as_bytes())
}

/// Bytes at the beginning and at the end of a file that tell who wrote it.
const SIGNS: u64 = 4096;

/// Whether a file is there that wirelint did not write: every report of it names it near its beginning, or ends with a
/// verdict. An empty file is nobody's.
fn is_of_others(path: &Path) -> bool {
    // Asked before it is opened: opening a pipe waits for whoever writes to it.
    let Ok(about) = fs::metadata(path) else { return false };
    if !about.is_file() || about.len() == 0 {
        return false;
    }
    let Ok(mut file) = File::open(path) else { return false };
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    let _unreadable = (&file).take(SIGNS).read_to_end(&mut head);
    if file.seek(SeekFrom::Start(about.len().saturating_sub(SIGNS))).is_ok() {
        let _unreadable = (&file).take(SIGNS).read_to_end(&mut tail);
    }
    let (head, tail) = (String::from_utf8_lossy(&head), String::from_utf8_lossy(&tail));
    let last = tail.lines().last().unwrap_or_default();
    let verdicts = ["FAILED: ", "INCOMPLETE: ", "NOTHING AUDITED: ", "passed: ", "wirelint: "];
    let columns = ["id,rule,", "client,client_ip,", "sha256,role,", "service,ip,port,version,"];
    let ours = head.contains("wirelint")
        || verdicts.iter().any(|word| last.starts_with(word))
        || columns.iter().any(|word| head.starts_with(word))
        || head.trim() == "[]"
        || head.contains("\"check_name\": \"");
    !ours
}

fn exists(path: &Path) -> Diagnostic {
    let path = escape_text(&path.to_string_lossy());
    Diagnostic::error("output-exists", format!("{path} exists and was not written by wirelint"))
        .help("use --force to overwrite")
}

fn refusal(path: &Path, error: &io::Error) -> Diagnostic {
    let path = escape_text(&path.to_string_lossy());
    if error.kind() == io::ErrorKind::StorageFull {
        return Diagnostic::error("disk-full", format!("the disk is full: {path} was not written"))
            .help("free space, or write elsewhere with -o");
    }
    Diagnostic::error("output-unwritable", format!("{path} cannot be written: {error}"))
        .help("name a file in a folder that exists and that you may write to")
}
