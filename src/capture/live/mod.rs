//! Frames as they come: from interfaces, and from packet files that another program is still writing.
//!
//! Each source has a thread that fills [`FrameBatch`]es and hands them over; [`Merge`] puts the batches of several
//! sources in the order of time, with a bounded wait. What is lost on the way (by the kernel, by the interface, because
//! nobody took a batch in time) is counted where it is lost, in [`SourceState`].

mod device;
mod follow;
mod interface;
mod merge;
mod pipe;

pub use device::{DeviceError, InterfaceInfo, LiveOptions, OpenInterface, interfaces, open};
pub use follow::Follow;
pub use interface::InterfaceFeed;
pub use merge::Merge;
pub use pipe::{OpenPipe, PipeFeed};

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::{Frame, LinkType};
use crate::model::{Moment, Timestamp, limits};

/// Gives frames as they come.
pub trait Feed: Send {
    /// The next frames, or what happened instead; waits for at most this long.
    fn next(&mut self, wait: Duration) -> Arrival;

    /// The sources, in the order of [`FrameBatch::source`].
    fn sources(&self) -> Vec<SourceReport>;

    /// Whether whoever sends the frames waits when they are not taken: then none need be lost.
    fn waits(&self) -> bool {
        false
    }

    /// Takes back a batch that was read, so that its memory is used again.
    fn give_back(&mut self, batch: FrameBatch) {
        drop(batch);
    }
}

/// What a feed has to give.
#[derive(Debug)]
pub enum Arrival {
    /// Frames of one source, in the order in which it gave them.
    Frames(FrameBatch),
    /// Nothing came in time.
    Quiet,
    /// Nothing will come any more.
    Over,
}

/// Frames of one source, with their bytes one behind the other.
#[derive(Clone, Debug, Default)]
pub struct FrameBatch {
    /// Which source.
    pub source: usize,
    bytes: Vec<u8>,
    frames: Vec<Stamped>,
}

/// A frame within a batch.
#[derive(Clone, Copy, Debug)]
struct Stamped {
    nanos: i64,
    link: LinkType,
    wire_length: u32,
    begin: usize,
    length: usize,
}

impl FrameBatch {
    /// An empty batch of a source.
    #[must_use]
    pub fn of(source: usize) -> Self {
        Self { source, ..Self::default() }
    }

    /// Adds a frame with its time in nanoseconds since the epoch.
    pub fn push(&mut self, nanos: i64, link: LinkType, data: &[u8], wire_length: u32) {
        let data = data.get(..limits::FRAME_BYTES).unwrap_or(data);
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(data);
        self.frames.push(Stamped { nanos, link, wire_length, begin, length: data.len() });
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Captured bytes of all frames.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Nanoseconds since the epoch at which a frame came.
    fn nanos(&self, index: usize) -> Option<i64> {
        self.frames.get(index).map(|frame| frame.nanos)
    }

    /// A frame by its place in the batch. It has no number yet.
    #[must_use]
    pub fn frame(&self, index: usize) -> Option<Frame<'_>> {
        let one = self.frames.get(index)?;
        let data = self.bytes.get(one.begin..one.begin.checked_add(one.length)?)?;
        let time = Timestamp::from_micros(one.nanos.div_euclid(1000));
        let at = Moment { time, ..Moment::default() };
        Some(Frame { at, link: one.link, data, wire_length: one.wire_length })
    }

    /// Empties it, for another source's frames.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
    }
}

/// What is known of a source while it is read; written by its thread, read by any.
#[derive(Debug, Default)]
pub struct SourceState {
    frames: AtomicU64,
    bytes: AtomicU64,
    dropped_by_kernel: AtomicU64,
    dropped_by_interface: AtomicU64,
    dropped_here: AtomicU64,
    outages: AtomicU64,
    is_down: AtomicBool,
    /// Its thread cannot read it.
    fails: AtomicBool,
    /// Its thread could not read it since somebody last looked.
    failed: AtomicBool,
    /// The system's number for it when it was opened; 0 where there is none.
    index: AtomicU32,
    /// The link type that it was last opened with.
    link: AtomicU16,
    /// The number is no longer its name's: it was deleted, and its socket does not say so.
    gone: AtomicBool,
    /// It was made anew, and must not be opened any more.
    lost: AtomicBool,
    cut: AtomicBool,
}

impl SourceState {
    fn count(&self, batch: &FrameBatch) {
        self.frames.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(batch.bytes() as u64, Ordering::Relaxed);
    }

    /// What it says now.
    #[must_use]
    pub fn report(&self, name: &str, link: Option<LinkType>) -> SourceReport {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SourceReport {
            name: name.to_owned(),
            link,
            frames: of(&self.frames),
            bytes: of(&self.bytes),
            dropped_by_kernel: of(&self.dropped_by_kernel),
            dropped_by_interface: of(&self.dropped_by_interface),
            dropped_here: of(&self.dropped_here),
            outages: of(&self.outages),
            is_down: self.is_down.load(Ordering::Relaxed),
            is_lost: self.lost.load(Ordering::Relaxed),
            cut: self.cut.load(Ordering::Relaxed),
        }
    }
}

/// A source at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceReport {
    /// The interface or file, escaped.
    pub name: String,
    /// Its link type, once it is known.
    pub link: Option<LinkType>,
    /// Frames read from it.
    pub frames: u64,
    /// Captured bytes in them.
    pub bytes: u64,
    /// Frames that the kernel had no room for.
    pub dropped_by_kernel: u64,
    /// Frames that the interface or its driver lost.
    pub dropped_by_interface: u64,
    /// Frames that were read and that nobody took in time.
    pub dropped_here: u64,
    /// How often it went away.
    pub outages: u64,
    /// Whether it is away now.
    pub is_down: bool,
    /// Whether it was made anew, and this process has given up the privilege to open it.
    pub is_lost: bool,
    /// A packet file that ended in the middle of a record.
    pub cut: bool,
}

impl SourceReport {
    /// All frames that were lost.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let both = self.dropped_by_kernel.saturating_add(self.dropped_by_interface);
        both.saturating_add(self.dropped_here)
    }
}
