//! From what the user named to an ordered list of sources.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use sha2::{Digest as _, Sha256};

use super::file::is_capture;
use super::stream::Stream;
use super::suggest::{entries, folder_of, nearest, shown};
use super::{CaptureError, CaptureFile, Replay};
use crate::model::{hex, limits};

/// The sources of a run, in the order they are read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inputs {
    sources: Vec<Input>,
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; DIGEST_BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// Bytes that are hashed at a time.
const DIGEST_BUFFER: usize = 1 << 18;

/// One source that has not been opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Input {
    Standard,
    File { path: PathBuf, bytes: Option<u64> },
}

impl Inputs {
    /// Finds the sources: files, the capture files of folders by name, files matching a pattern in the last part of a
    /// path, and `-` for standard input. Regular files are looked into, so that a wrong one is known before any work.
    ///
    /// # Errors
    /// A path names nothing, nothing readable or nothing that is a capture.
    pub fn resolve(paths: &[PathBuf], recursive: bool) -> Result<Self, CaptureError> {
        let mut inputs = Self::default();
        for path in paths {
            inputs.add(path, recursive)?;
        }
        Ok(inputs)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Their names, escaped.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.sources.iter().map(Input::name)
    }

    /// Bytes of all of them as they are stored; `None` when one is a stream.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.sources.iter().try_fold(0_u64, |sum, input| match input {
            Input::File { bytes: Some(bytes), .. } => Some(sum.saturating_add(*bytes)),
            _ => None,
        })
    }

    /// The name of one that cannot be read twice, if there is one: standard input, a pipe, a device.
    #[must_use]
    pub fn stream(&self) -> Option<String> {
        let stream = |input: &&Input| !matches!(input, Input::File { bytes: Some(_), .. });
        self.sources.iter().find(stream).map(Input::name)
    }

    /// SHA-256 of each as it is stored, hexadecimal, in order; empty for what cannot be read once more.
    #[must_use]
    pub fn digests(&self) -> Vec<String> {
        let digest = |input: &Input| match input {
            Input::File { path, bytes: Some(_) } => digest(path).unwrap_or_default(),
            _ => String::new(),
        };
        self.sources.iter().map(digest).collect()
    }

    /// Begins to read them.
    #[must_use]
    pub fn replay(self) -> Replay {
        Replay::new(self)
    }

    pub(super) fn into_sources(self) -> Vec<Input> {
        self.sources
    }

    fn add(&mut self, path: &Path, recursive: bool) -> Result<(), CaptureError> {
        if path == Path::new("-") {
            if io::stdin().is_terminal() {
                return Err(CaptureError::Terminal);
            }
            self.sources.push(Input::Standard);
            return Ok(());
        }
        match std::fs::metadata(path) {
            Ok(kind) if kind.is_dir() => self.add_folder(path, recursive),
            Ok(kind) if kind.is_file() => {
                CaptureFile::new(&shown(path), open(path)?)?;
                self.sources.push(Input::File { path: path.to_owned(), bytes: Some(kind.len()) });
                Ok(())
            }
            Ok(_) => {
                self.sources.push(Input::File { path: path.to_owned(), bytes: None });
                Ok(())
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => self.add_matches(path),
            Err(cause) => Err(unreadable(path, cause)),
        }
    }

    fn add_folder(&mut self, folder: &Path, recursive: bool) -> Result<(), CaptureError> {
        let before = self.sources.len();
        let depth = if recursive { limits::FOLDER_DEPTH } else { 0 };
        self.add_captures(folder, depth)?;
        if self.sources.len() > before {
            return Ok(());
        }
        let holds = entries(folder);
        Err(CaptureError::NoCaptures { folder: folder.to_owned(), holds, recursive })
    }

    fn add_captures(&mut self, folder: &Path, depth: usize) -> Result<(), CaptureError> {
        for path in listed(folder)? {
            let kind = std::fs::symlink_metadata(&path).map_err(|e| unreadable(&path, e))?;
            if kind.is_dir() {
                if depth > 0 {
                    self.add_captures(&path, depth - 1)?;
                }
                continue;
            }
            match std::fs::metadata(&path) {
                Ok(kind) if kind.is_file() && begins_like_a_capture(&path)? => {
                    self.sources.push(Input::File { path, bytes: Some(kind.len()) });
                }
                // What is no regular file, or a link that leads nowhere, is no part of what a folder holds.
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes the path for a pattern.
    fn add_matches(&mut self, pattern: &Path) -> Result<(), CaptureError> {
        let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.contains(['*', '?']) {
            let nearest = nearest(pattern);
            return Err(CaptureError::Missing { path: pattern.to_owned(), nearest });
        }
        let holds = entries(folder_of(pattern));
        let matching: Vec<&String> = holds
            .iter()
            .filter(|entry| !entry.starts_with('.') && matches(name.as_bytes(), entry.as_bytes()))
            .collect();
        if matching.is_empty() {
            return Err(CaptureError::NoMatch { pattern: pattern.to_owned(), holds });
        }
        matching.into_iter().try_for_each(|entry| self.add(&pattern.with_file_name(entry), false))
    }
}

impl Input {
    /// What messages call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Standard => "-".to_owned(),
            Self::File { path, .. } => shown(path),
        }
    }
}

/// Opens a file, or says why not.
pub(super) fn open(path: &Path) -> Result<File, CaptureError> {
    File::open(path).map_err(|cause| unreadable(path, cause))
}

fn unreadable(path: &Path, cause: io::Error) -> CaptureError {
    CaptureError::Unreadable { name: shown(path), cause }
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let listing = std::fs::read_dir(folder).map_err(|e| unreadable(folder, e))?;
    let paths: io::Result<Vec<PathBuf>> = listing.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(|e| unreadable(folder, e))?;
    paths.sort_unstable();
    Ok(paths)
}

fn begins_like_a_capture(path: &Path) -> Result<bool, CaptureError> {
    let read = || -> io::Result<bool> {
        let mut stream = Stream::new(File::open(path)?, Arc::new(AtomicU64::new(0)))?;
        let mut magic = [0; 4];
        let mut filled = 0;
        while let Some(free @ [_, ..]) = magic.get_mut(filled..) {
            match stream.read(free)? {
                0 => return Ok(false),
                n => filled += n,
            }
        }
        Ok(is_capture(magic))
    };
    read().map_err(|cause| unreadable(path, cause))
}

/// Whether a name matches a pattern of `*` and `?`: greedy, going back to the last star at a mismatch.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(wanted) if wanted == byte => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((after, from)) => {
                    (p, n) = (after, from + 1);
                    star = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*.pcap", "a.pcap", true),
            ("*.pcap", "a.pcapng", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("?.pcap", "ab.pcap", false),
            ("trace-??.pcap*", "trace-07.pcapng", true),
            ("**a", "bba", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
