//! Where frames come from.
//!
//! Takes paths, gives frames in order with their time and link type. Knows nothing of what is inside a frame.
//!
//! A [`Replay`] runs through [`Inputs`]; one [`CaptureFile`] reads one of them. A [`Feed`] gives frames as they come.

mod clock;
mod damage;
mod error;
mod file;
mod filter;
mod filter_words;
mod inputs;
mod key_files;
mod link;
mod live;
mod pcap;
mod pcapng;
mod pcapng_writer;
mod replay;
mod secrets;
mod stream;
mod suggest;
#[cfg(test)]
mod tests;
mod window;

pub use damage::{Damage, DamageKind, Part};
pub use error::CaptureError;
pub use file::{CaptureFile, StepBack};
pub use filter::Filter;
pub use inputs::Inputs;
pub use key_files::KeyFiles;
pub use link::LinkType;
pub use live::{
    Arrival, DeviceError, Feed, Follow, FrameBatch, InterfaceFeed, InterfaceInfo, LiveOptions,
    Merge, OpenInterface, OpenPipe, PipeFeed, SourceReport, SourceState, interfaces, open,
};
pub use pcapng_writer::{PcapNgWriter, Written};
pub use replay::{Progress, Replay, Source};
pub use secrets::Secrets;

use crate::model::Moment;

/// One captured frame. The bytes belong to the reader's buffer and are gone with the next frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// Packet time and position in the run.
    pub at: Moment,
    /// What the first byte of `data` belongs to.
    pub link: LinkType,
    /// Captured bytes.
    pub data: &'a [u8],
    /// Bytes on the wire; more than `data` has when the snapshot length cut the frame.
    pub wire_length: u32,
}

/// Something that gives frames in order.
pub trait FrameSource {
    /// The next frame, or `None` at the end and ever after.
    ///
    /// Damage in what is read is no error: the source ends there and tells of it afterwards.
    ///
    /// # Errors
    /// What kept the source from being read at all.
    fn next(&mut self) -> Result<Option<Frame<'_>>, CaptureError>;
}
