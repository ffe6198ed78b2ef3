//! Packet files that another program is still writing: standard input, or a file that grows.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::{Arrival, Feed, Follow, FrameBatch, SourceReport, SourceState};
use crate::capture::{CaptureError, CaptureFile, FrameSource as _};
use crate::model::escape_text;

/// Frames of one batch. A batch is handed over when it is full or when nobody has anything to do meanwhile, so that a
/// quiet pipe is not waited for.
const BATCH_FRAMES: usize = 512;

/// Batches that may wait to be taken; then the writer of the pipe waits, and nothing is lost.
const BATCHES: usize = 8;

/// Frames of one capture that is still being written.
pub struct PipeFeed {
    name: String,
    batches: Receiver<FrameBatch>,
    state: Arc<SourceState>,
    stop: Arc<AtomicBool>,
}

/// A capture that is still being written, open and not read yet.
pub struct OpenPipe {
    name: String,
    stop: Arc<AtomicBool>,
    reader: Box<dyn Read + Send>,
}

impl OpenPipe {
    /// Standard input, to its end.
    #[must_use]
    pub fn standard() -> Self {
        let (name, stop) = ("-".to_owned(), Arc::default());
        Self { name, stop, reader: Box::new(std::io::stdin()) }
    }

    /// A file, and what is added to it until the feed is dropped.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn file(path: &Path) -> Result<Self, CaptureError> {
        let name = escape_text(&path.to_string_lossy());
        let unreadable = |cause| CaptureError::Unreadable { name: name.clone(), cause };
        let file = File::open(path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => {
                CaptureError::Missing { path: path.to_owned(), nearest: None }
            }
            _ => unreadable(cause),
        })?;
        let stop = Arc::new(AtomicBool::new(false));
        // A pipe with a name ends when its writer is gone.
        let grows = file.metadata().is_ok_and(|known| known.is_file());
        let reader: Box<dyn Read + Send> = match grows {
            true => Box::new(Follow::new(file, Arc::clone(&stop))),
            false => Box::new(file),
        };
        Ok(Self { name, stop, reader })
    }
}

impl PipeFeed {
    /// Begins to read.
    ///
    /// # Errors
    /// The system grants no thread.
    pub fn start(pipe: OpenPipe) -> Result<Self, CaptureError> {
        let OpenPipe { name, stop, reader } = pipe;
        let (out, batches) = sync_channel(BATCHES);
        let state = Arc::new(SourceState::default());
        let pump = Pump { out, state: Arc::clone(&state), stop: Arc::clone(&stop) };
        let named = name.clone();
        thread::Builder::new()
            .name("capture-pipe".to_owned())
            .spawn(move || pump.run(&named, reader))
            .map_err(|cause| CaptureError::Unreadable { name: name.clone(), cause })?;
        Ok(Self { name, batches, state, stop })
    }
}

impl Feed for PipeFeed {
    fn next(&mut self, wait: Duration) -> Arrival {
        match self.batches.recv_timeout(wait) {
            Ok(batch) => Arrival::Frames(batch),
            Err(RecvTimeoutError::Timeout) => Arrival::Quiet,
            Err(RecvTimeoutError::Disconnected) => Arrival::Over,
        }
    }

    fn waits(&self) -> bool {
        true
    }

    fn sources(&self) -> Vec<SourceReport> {
        vec![self.state.report(&self.name, None)]
    }
}

impl Drop for PipeFeed {
    fn drop(&mut self) {
        // Its thread may be waiting for a pipe for ever, and ends with the process then.
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Pump {
    out: SyncSender<FrameBatch>,
    state: Arc<SourceState>,
    stop: Arc<AtomicBool>,
}

impl Pump {
    fn run(self, name: &str, reader: impl Read + Send + 'static) {
        let Ok(mut file) = CaptureFile::new(name, reader) else {
            self.state.cut.store(true, Ordering::Relaxed);
            return;
        };
        while self.fill(&mut file) && !self.stop.load(Ordering::Relaxed) {}
        let broken = file.damage().is_some() && !self.stop.load(Ordering::Relaxed);
        self.state.cut.store(broken, Ordering::Relaxed);
    }

    /// Hands over one batch; `false` at the end.
    fn fill(&self, file: &mut CaptureFile) -> bool {
        let mut batch = FrameBatch::of(0);
        let mut goes_on = true;
        while batch.len() < BATCH_FRAMES && (batch.is_empty() || file.has_more_at_hand()) {
            match file.next() {
                Ok(Some(frame)) => {
                    let nanos = frame.at.time.micros().saturating_mul(1000);
                    batch.push(nanos, frame.link, frame.data, frame.wire_length);
                }
                Ok(None) | Err(_) => {
                    goes_on = false;
                    break;
                }
            }
        }
        self.state.count(&batch);
        let taken = batch.is_empty() || self.out.send(batch).is_ok();
        goes_on && taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcap(frames: u8) -> Vec<u8> {
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        file.extend([0; 8]);
        file.extend(65_535u32.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        for frame in 0..frames {
            file.extend(u32::from(frame).to_le_bytes());
            file.extend(0u32.to_le_bytes());
            file.extend(4u32.to_le_bytes());
            file.extend(4u32.to_le_bytes());
            file.extend([frame; 4]);
        }
        file
    }

    fn feed(bytes: Vec<u8>) -> PipeFeed {
        let reader = Box::new(std::io::Cursor::new(bytes));
        PipeFeed::start(OpenPipe { name: "-".to_owned(), stop: Arc::default(), reader }).unwrap()
    }

    fn frames(feed: &mut PipeFeed) -> usize {
        let mut count = 0;
        loop {
            match feed.next(Duration::from_secs(10)) {
                Arrival::Frames(batch) => count += batch.len(),
                Arrival::Over => return count,
                Arrival::Quiet => panic!("nothing for ten seconds"),
            }
        }
    }

    #[test]
    fn a_pipe_is_read_to_its_end() {
        let mut feed = feed(pcap(9));
        assert_eq!(frames(&mut feed), 9);
        assert!(!feed.sources()[0].cut);
    }

    #[test]
    fn what_is_no_capture_ends_at_once_and_is_said() {
        let mut feed = feed(b"hello, world, this is no capture".to_vec());
        assert_eq!(frames(&mut feed), 0);
        assert!(feed.sources()[0].cut);
    }
}
