//! A file that another program is writing, read as if it had no end.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often a file is looked at that has no more bytes.
const LOOK: Duration = Duration::from_millis(100);

/// Reads a growing file: at its end it waits for more, until it is told to stop.
pub struct Follow {
    file: File,
    stop: Arc<AtomicBool>,
}

impl Follow {
    /// Follows `file` until `stop` is true, which then is its end.
    #[must_use]
    pub fn new(file: File, stop: Arc<AtomicBool>) -> Self {
        Self { file, stop }
    }
}

impl Read for Follow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.file.read(buffer)?;
            if n > 0 || buffer.is_empty() || self.stop.load(Ordering::Relaxed) {
                return Ok(n);
            }
            thread::sleep(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn what_is_written_later_is_read_too_and_a_stop_is_the_end() {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut read = Follow::new(written.reopen().unwrap(), Arc::clone(&stop));
        let mut buffer = [0; 8];
        written.write_all(b"one").unwrap();
        assert_eq!(read.read(&mut buffer).unwrap(), 3);
        let writer = thread::spawn(move || {
            written.write_all(b"two").unwrap();
            written
        });
        assert_eq!(read.read(&mut buffer).unwrap(), 3);
        assert_eq!(&buffer[..3], b"two");
        let _file = writer.join().unwrap();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(read.read(&mut buffer).unwrap(), 0);
    }
}
