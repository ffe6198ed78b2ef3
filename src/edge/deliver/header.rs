//! Headers that a webhook wants to be sent with: secrets, read from a file, never shown.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::model::limits;

/// Lines `Name: value`, as they are sent, each with its end.
#[derive(Clone, Default)]
pub struct Headers {
    lines: Zeroizing<String>,
    file: Option<PathBuf>,
}

/// What is wrong with them. Says nothing of what is in them.
#[derive(Debug, thiserror::Error)]
pub enum HeadersError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is no header.
    #[error("line {line} is not NAME: VALUE in printable ASCII")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// It is too large, or is not text.
    #[error("it is larger than headers are, or is not text")]
    Large,
}

impl Headers {
    /// Reads them from a file, which is read again before each delivery: who changes it need not tell.
    ///
    /// # Errors
    /// [`HeadersError`], which never says what a line holds.
    pub fn read(path: &Path) -> Result<Self, HeadersError> {
        let unreadable = |source| HeadersError::Unreadable { path: path.to_path_buf(), source };
        let mut text = Zeroizing::new(String::new());
        let file = File::open(path).map_err(unreadable)?;
        let bound = limits::HEADER_FILE_BYTES as u64;
        let read = file.take(bound + 1).read_to_string(&mut text);
        match read {
            Ok(length) if length as u64 <= bound => {}
            Err(error) if error.kind() != std::io::ErrorKind::InvalidData => {
                return Err(unreadable(error));
            }
            _ => return Err(HeadersError::Large),
        }
        Ok(Self { lines: lines(&text)?, file: Some(path.to_path_buf()) })
    }

    /// The one header `Authorization`.
    ///
    /// # Errors
    /// It cannot be sent as a header.
    pub fn authorization(value: &str) -> Result<Self, HeadersError> {
        let line = Zeroizing::new(format!("Authorization: {value}"));
        let one =
            if value.contains('\n') { Err(HeadersError::Line { line: 1 }) } else { lines(&line) };
        Ok(Self { lines: one?, file: None })
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines, from the file as it is now; where it cannot be read or used, as it was.
    pub(super) fn now(&mut self) -> &str {
        if let Some(Ok(fresh)) = self.file.as_deref().map(Self::read) {
            self.lines = fresh.lines;
        }
        &self.lines
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Headers(not shown)")
    }
}

fn lines(text: &str) -> Result<Zeroizing<String>, HeadersError> {
    /// Those that are ours to write.
    const OURS: [&str; 5] =
        ["host", "content-length", "transfer-encoding", "connection", "content-type"];
    let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 64));
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = HeadersError::Line { line: number + 1 };
        let Some((name, value)) = line.split_once(':') else { return Err(wrong) };
        let value = value.trim();
        let sound = !name.is_empty()
            && name.bytes().all(is_token)
            && !OURS.contains(&name.to_ascii_lowercase().as_str())
            && value.bytes().all(|c| c.is_ascii_graphic() || c == b' ');
        if !sound {
            return Err(wrong);
        }
        for part in [name, ": ", value, "\r\n"] {
            lines.push_str(part);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_again_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("h");
        std::fs::write(&path, "# the team's\nAuthorization: Bearer one\nX-Tenant:  a \n").unwrap();
        let mut headers = Headers::read(&path).unwrap();
        assert_eq!(headers.now(), "Authorization: Bearer one\r\nX-Tenant: a\r\n");
        assert!(!format!("{headers:?}").contains("one"));
        std::fs::write(&path, "Authorization: Bearer two").unwrap();
        assert_eq!(headers.now(), "Authorization: Bearer two\r\n");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(headers.now(), "Authorization: Bearer two\r\n", "what was known");
    }

    #[test]
    fn what_is_no_header_is_refused_by_its_line_alone() {
        for text in ["secret", "a: b\n: secret", "na me: secret", "a: secr\u{7}et", "Host: secret"]
        {
            let error = lines(text).unwrap_err().to_string();
            assert!(error.starts_with("line ") && !error.contains("secret"), "{error}");
        }
        assert!(Headers::authorization("Bearer x\r\nX: y").is_err());
        assert_eq!(
            Headers::authorization("Bearer x").unwrap().now(),
            "Authorization: Bearer x\r\n"
        );
    }
}
