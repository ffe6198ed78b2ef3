//! Key log files: text that another program writes while its connections are made.
//!
//! Gives whole lines, all of them at first and later what a file has grown by. Knows nothing of what is in a line.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::CaptureError;
use super::inputs::open;
use super::stream::Stream;
use super::suggest::{nearest, shown};
use crate::model::limits;

/// The key log files of a run, in the order in which they were named.
#[derive(Debug, Default)]
pub struct KeyFiles {
    files: Vec<KeyFile>,
}

#[derive(Debug)]
struct KeyFile {
    path: PathBuf,
    /// Bytes up to the end of the last whole line that was given.
    given: u64,
    /// An ordinary file, which may become longer.
    may_grow: bool,
}

impl KeyFiles {
    /// Takes files by their names.
    #[must_use]
    pub fn new(paths: &[PathBuf]) -> Self {
        let file = |path: &PathBuf| KeyFile { path: path.clone(), given: 0, may_grow: false };
        Self { files: paths.iter().map(file).collect() }
    }

    /// Reads every file to its end, compressed ones too, and gives its lines with its escaped name. What stands behind
    /// the last line break is given as well.
    ///
    /// # Errors
    /// A file is not there or cannot be read.
    pub fn read(&mut self, take: &mut dyn FnMut(&str, &[u8])) -> Result<(), CaptureError> {
        for file in &mut self.files {
            file.read(take)?;
        }
        Ok(())
    }

    /// Gives the whole lines that were added since. A file that is gone has none.
    pub fn more(&mut self, take: &mut dyn FnMut(&[u8])) {
        for file in self.files.iter_mut().filter(|file| file.may_grow) {
            // A log that cannot be read any longer leaves sessions undecrypted, which is counted with them.
            let _unreadable = file.more(take);
        }
    }
}

impl KeyFile {
    fn read(&mut self, take: &mut dyn FnMut(&str, &[u8])) -> Result<(), CaptureError> {
        let name = shown(&self.path);
        if !self.path.exists() {
            let nearest = nearest(&self.path);
            return Err(CaptureError::Missing { path: self.path.clone(), nearest });
        }
        let unreadable = |cause| CaptureError::Unreadable { name: shown(&self.path), cause };
        let file = open(&self.path)?;
        let ordinary = file.metadata().map_err(unreadable)?.is_file();
        let mut stream = Stream::new(file, Arc::default()).map_err(unreadable)?;
        let mut lines = Lines::default();
        while lines.fill(|room| stream.read(room)).map_err(unreadable)? {
            lines.give(&mut |whole| take(&name, whole));
        }
        self.may_grow = ordinary && !is_compressed(&self.path).map_err(unreadable)?;
        self.given = lines.given;
        if !lines.buffer.is_empty() {
            take(&name, &lines.buffer);
        }
        Ok(())
    }

    fn more(&mut self, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let length = fs::metadata(&self.path)?.len();
        if length == self.given {
            return Ok(());
        }
        if length < self.given {
            // It was begun anew.
            self.given = 0;
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.given))?;
        let mut lines = Lines::default();
        while lines.fill(|room| file.read(room))? {
            lines.give(take);
        }
        self.given = self.given.saturating_add(lines.given);
        Ok(())
    }
}

fn is_compressed(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok(head.starts_with(&[0x1f, 0x8b]) || head == [0x28, 0xb5, 0x2f, 0xfd])
}

/// Cuts what is read into whole lines.
#[derive(Default)]
struct Lines {
    buffer: Vec<u8>,
    /// Bytes that were given.
    given: u64,
}

impl Lines {
    /// Reads more; `false` at the end.
    fn fill(&mut self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<bool> {
        let before = self.buffer.len();
        self.buffer.resize(before + limits::KEY_LOG_READ, 0);
        let filled = read(self.buffer.get_mut(before..).unwrap_or_default());
        self.buffer.truncate(before + filled.as_ref().map_or(0, |n| *n));
        Ok(filled? > 0)
    }

    /// Gives what ends in a line break. A line that is longer than any of a key log is given in pieces.
    fn give(&mut self, take: &mut dyn FnMut(&[u8])) {
        let end = match memchr::memrchr(b'\n', &self.buffer) {
            Some(last) => last + 1,
            None if self.buffer.len() > limits::KEY_LOG_READ => self.buffer.len(),
            None => return,
        };
        take(self.buffer.get(..end).unwrap_or_default());
        self.buffer.drain(..end);
        self.given = self.given.saturating_add(end as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn lines(files: &mut KeyFiles) -> String {
        let mut all = Vec::new();
        files.read(&mut |_, lines| all.extend_from_slice(lines)).unwrap();
        String::from_utf8(all).unwrap()
    }

    fn more(files: &mut KeyFiles) -> String {
        let mut all = Vec::new();
        files.more(&mut |lines| all.extend_from_slice(lines));
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn a_growing_file_gives_each_whole_line_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.log");
        std::fs::write(&path, "one\ntwo\nthr").unwrap();
        let mut files = KeyFiles::new(std::slice::from_ref(&path));
        assert_eq!(lines(&mut files), "one\ntwo\nthr");
        assert_eq!(more(&mut files), "");
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"ee\nfour").unwrap();
        assert_eq!(more(&mut files), "three\n");
        file.write_all(b"\n").unwrap();
        assert_eq!(more(&mut files), "four\n");
        std::fs::write(&path, "new\n").unwrap();
        assert_eq!(more(&mut files), "new\n");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(more(&mut files), "");
    }

    #[test]
    fn a_compressed_file_is_read_and_does_not_grow() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.log.gz");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(b"one\ntwo\n").unwrap();
        std::fs::write(&path, packed.finish().unwrap()).unwrap();
        let mut files = KeyFiles::new(&[path]);
        assert_eq!(lines(&mut files), "one\ntwo\n");
        assert_eq!(more(&mut files), "");
    }

    #[test]
    fn a_file_without_line_breaks_is_not_held_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.log");
        std::fs::write(&path, vec![b'x'; 5 * limits::KEY_LOG_READ]).unwrap();
        let mut longest = 0;
        KeyFiles::new(&[path]).read(&mut |_, lines| longest = longest.max(lines.len())).unwrap();
        assert!(longest <= 2 * limits::KEY_LOG_READ);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let missing = KeyFiles::new(&[PathBuf::from("no-such.log")]).read(&mut |_, _| {});
        assert_eq!(missing.unwrap_err().code(), "input-missing");
    }
}
