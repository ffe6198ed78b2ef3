//! The file that events are added to: whole lines, opened anew when that is asked for, turned over when it is large or old.

use std::fs::{File, OpenOptions, rename};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::model::limits;
use crate::report::SessionWriter;

/// When a file is turned over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Rotation {
    /// When it has so many bytes.
    pub(super) bytes: Option<u64>,
    /// When it has been written to for so long.
    pub(super) age: Option<Duration>,
}

/// Lines of events in a file. What cannot be written waits, within a bound.
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
    rotation: Rotation,
    begun: Instant,
    /// Bytes in the file.
    bytes: u64,
    /// The last line in the file has no end.
    torn: bool,
    /// Writes into memory: the lines that wait.
    pub(super) events: SessionWriter<Vec<u8>>,
    waiting: Vec<u8>,
}

impl EventFile {
    pub(super) fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        let file = append(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            rotation,
            begun: Instant::now(),
            bytes,
            torn: false,
            events: SessionWriter::new(Vec::new()),
            waiting: Vec::new(),
        })
    }

    /// Takes up what was written, and writes when it is much.
    pub(super) fn take_up(&mut self) -> u64 {
        let mut fresh = self.events.reopen(Vec::new());
        self.waiting.append(&mut fresh);
        if self.waiting.len() >= limits::EVENT_BUFFER { self.flush() } else { 0 }
    }

    /// Writes what waits. Gives how many events were given up because more wait than may.
    pub(super) fn flush(&mut self) -> u64 {
        while !self.waiting.is_empty() {
            match self.file.write(&self.waiting) {
                Ok(written) if written > 0 => {
                    let last = written.checked_sub(1).and_then(|last| self.waiting.get(last));
                    self.torn = last != Some(&b'\n');
                    self.bytes = self.bytes.saturating_add(written as u64);
                    self.waiting.drain(..written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return self.give_up(),
            }
        }
        if self.rotation.bytes.is_some_and(|most| self.bytes >= most) {
            self.turn_over();
        }
        0
    }

    /// Looks at the clock.
    pub(super) fn beat(&mut self) {
        if self.bytes > 0 && self.rotation.age.is_some_and(|most| self.begun.elapsed() >= most) {
            self.turn_over();
        }
    }

    /// Opens the file anew by its name: somebody has moved it away.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        let _tried = self.flush();
        let file = append(&self.path)?;
        self.bytes = file.metadata()?.len();
        self.file = file;
        self.begun = Instant::now();
        self.torn = false;
        self.events.begin_run();
        Ok(())
    }

    fn give_up(&mut self) -> u64 {
        if self.waiting.len() < limits::EVENTS_WAITING {
            return 0;
        }
        let lost = self.waiting.iter().filter(|byte| **byte == b'\n').count();
        self.waiting.clear();
        if self.torn {
            self.waiting.push(b'\n');
        }
        lost as u64
    }

    /// Moves the file aside as `NAME.1`, those before it one further, and begins another. Where that fails, it goes on.
    fn turn_over(&mut self) {
        self.begun = Instant::now();
        self.bytes = 0;
        let name = |number: usize| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..limits::ROTATED_FILES).rev() {
            let _may_not_be_there = rename(name(number), name(number + 1));
        }
        if rename(&self.path, name(1)).is_ok() {
            let _goes_on_there = self.reopen();
        }
    }
}

/// A file that is added to, readable by its owner alone: events name internal hosts.
fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Posture, fixture};
    use std::fs::{read_dir, read_to_string};

    fn write(file: &mut EventFile, sessions: u64) {
        let outcome = fixture::outcome();
        for number in 0..sessions {
            let session = fixture::session(number, Posture::Plaintext);
            file.events.session(&outcome.run, &session).unwrap();
            assert_eq!(file.take_up(), 0);
        }
        assert_eq!(file.flush(), 0);
    }

    fn types(path: &Path) -> Vec<String> {
        let text = read_to_string(path).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.map(|event: serde_json::Value| event["event_type"].as_str().unwrap().into()).collect()
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew_with_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("e"), folder.path().join("moved"));
        let mut file = EventFile::open(&path, Rotation::default()).unwrap();
        write(&mut file, 1);
        rename(&path, &moved).unwrap();
        write(&mut file, 1);
        file.reopen().unwrap();
        write(&mut file, 1);
        assert_eq!(types(&moved), ["run", "session", "session"]);
        assert_eq!(types(&path), ["run", "session"]);
    }

    #[test]
    fn a_file_is_turned_over_by_size_and_few_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        let rotation = Rotation { bytes: Some(2000), age: None };
        let mut file = EventFile::open(&path, rotation).unwrap();
        for _ in 0..40 {
            write(&mut file, 1);
        }
        let files: Vec<PathBuf> =
            read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), limits::ROTATED_FILES + 1);
        assert!(files.iter().all(|file| types(file).first().is_none_or(|first| first == "run")));
        assert_eq!(types(&folder.path().join("e.1")).first().unwrap(), "run");
    }

    #[test]
    fn a_file_is_turned_over_by_age_unless_nothing_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        let rotation = Rotation { bytes: None, age: Some(Duration::ZERO) };
        let mut file = EventFile::open(&path, rotation).unwrap();
        file.beat();
        assert!(!folder.path().join("e.1").exists());
        write(&mut file, 1);
        file.beat();
        assert!(folder.path().join("e.1").exists());
    }

    #[test]
    fn what_cannot_be_written_waits_and_no_line_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        let mut file = EventFile::open(&path, Rotation::default()).unwrap();
        // Not open for writing, as good as a full disk.
        let works = std::mem::replace(&mut file.file, File::open(&path).unwrap());
        write(&mut file, 3);
        assert_eq!(read_to_string(&path).unwrap(), "");
        file.file = works;
        write(&mut file, 1);
        assert_eq!(types(&path), ["run", "session", "session", "session", "session"]);
    }

    #[test]
    fn more_than_may_wait_is_given_up_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        let mut file = EventFile::open(&path, Rotation::default()).unwrap();
        file.file = File::open(&path).unwrap();
        file.torn = true;
        file.waiting = vec![b'\n'; limits::EVENTS_WAITING];
        assert_eq!(file.flush(), limits::EVENTS_WAITING as u64);
        assert_eq!(file.waiting, b"\n", "the torn line ends");
    }
}
