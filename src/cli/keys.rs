//! `--keylog`: the keys to decrypt with, and what is wrong with them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::capture::{CaptureError, KeyFiles};
use crate::inspect::tls::{KeyLines, KeyLog};
use crate::model::{Coverage, Diagnostic, FrameNo};

/// The keys of a run.
pub(super) struct Keys {
    pub(super) log: Arc<KeyLog>,
    /// What is to be said of the files they come from.
    pub(super) said: Vec<Diagnostic>,
    files: usize,
}

impl Keys {
    /// Reads the files; what they grow by is read when a session's keys are missing.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, CaptureError> {
        if paths.is_empty() {
            return Ok(Self { log: Arc::default(), said: Vec::new(), files: 0 });
        }
        let mut files = KeyFiles::new(paths);
        let read = KeyLog::default();
        let mut came: Vec<(String, KeyLines)> = Vec::new();
        files.read(&mut |name, lines| {
            let new = read.add(lines, FrameNo::default());
            match came.last_mut() {
                Some((last, lines)) if last == name => lines.add(new),
                _ => came.push((name.to_owned(), new)),
            }
        })?;
        let files = Mutex::new(files);
        let tail = move |take: &mut dyn FnMut(&[u8])| {
            files.lock().unwrap_or_else(PoisonError::into_inner).more(take);
        };
        let said = came.iter().filter_map(|(name, lines)| complaint(name, lines)).collect();
        Ok(Self { log: Arc::new(read.growing(Box::new(tail))), said, files: paths.len() })
    }

    /// Reads the files again, from their beginnings: what is new in them is known from here on.
    pub(super) fn read_again(&self, paths: &[PathBuf]) -> Result<(), CaptureError> {
        KeyFiles::new(paths).read(&mut |_, lines| {
            self.log.add(lines, FrameNo::default());
        })
    }

    /// What is to be said after the run.
    pub(super) fn after(&self, coverage: &Coverage, carried: &KeyLines) -> Vec<Diagnostic> {
        let mut said = Vec::new();
        said.extend(complaint("a decryption secrets block of the capture", carried));
        if coverage.keys_do_not_fit > 0 {
            let message = format!(
                "the keys given for {} do not open what was captured",
                sessions(coverage.keys_do_not_fit)
            );
            said.push(
                Diagnostic::warning("keys-do-not-fit", message)
                    .note("these sessions were judged as if there were no keys")
                    .help("use the key log that was written while this capture was made"),
            );
        }
        if coverage.keys_unsupported > 0 {
            let message = format!(
                "the cipher suite of {} with keys is not one that wirelint can open",
                sessions(coverage.keys_unsupported)
            );
            said.push(
                Diagnostic::warning("keys-unsupported", message)
                    .note("these sessions were judged as if there were no keys")
                    .note("open: AES-GCM, AES-CCM, ChaCha20-Poly1305, AES-CBC, 3DES-CBC; TLS 1.0 to 1.3"),
            );
        }
        let useless =
            coverage.decrypted + coverage.keys_do_not_fit + coverage.keys_unsupported == 0;
        if self.files > 0 && useless && coverage.tls_sessions > 0 {
            let message = "no session of this capture has its keys in the key log";
            said.push(
                Diagnostic::warning("keylog-unused", message)
                    .note("keys are found by the random of the ClientHello, which must be in the capture")
                    .help("use the key log that was written while this capture was made"),
            );
        }
        said
    }
}

fn complaint(name: &str, lines: &KeyLines) -> Option<Diagnostic> {
    let format = "a line is: LABEL, the random of the ClientHello, the secret, both in hexadecimal";
    if let Some(first) = lines.first_rubbish {
        let what = if lines.rubbish == 1 { "line is" } else { "lines are" };
        let message = format!("{name}: {} {what} not of a key log", lines.rubbish);
        return Some(
            Diagnostic::warning("keylog-lines", message)
                .note(format!("the first is line {first}; {} secrets were read", lines.secrets))
                .help(format!("{format} (SSLKEYLOGFILE)")),
        );
    }
    if lines.dropped > 0 {
        let message =
            format!("{name}: {} secrets were not kept, there are too many", lines.dropped);
        return Some(
            Diagnostic::warning("keylog-full", message)
                .help("cut the log down to the time of the capture"),
        );
    }
    None
}

fn sessions(count: u64) -> String {
    if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") }
}
