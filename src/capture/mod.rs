//! Where frames come from.
//!
//! Takes paths, gives frames in order with their time and link type. Knows nothing of what is inside a frame.

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

/// A link type by its LINKTYPE_ number, as capture files carry it (not libpcap's DLT_ number).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkType(pub u16);
