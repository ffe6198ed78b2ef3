//! Frames made by hand through the decoder.

mod bytes;
mod fragments;
mod links;
mod packets;
mod tunnels;

use super::{Decoded, Decoder, Fault, Kind, Segment};
use crate::capture::{Frame, LinkType};
use crate::model::{FrameNo, Moment, Timestamp};

fn whole(link: LinkType, data: &[u8]) -> Frame<'_> {
    let wire_length = u32::try_from(data.len()).unwrap();
    Frame { at: Moment::default(), link, data, wire_length }
}

fn at_second<'a>(second: i64, frame: Frame<'a>) -> Frame<'a> {
    let time = Timestamp::from_seconds(second);
    Frame { at: Moment { time, frame: FrameNo(1) }, ..frame }
}

fn segment<'a>(decoder: &'a mut Decoder, frame: &Frame<'a>) -> Segment<'a> {
    match decoder.decode(frame) {
        Decoded::Segment(segment) => segment,
        other => panic!("{other:?}"),
    }
}

fn kind(link: LinkType, data: &[u8]) -> Kind {
    match Decoder::new().decode(&whole(link, data)) {
        Decoded::Other(kind) => kind,
        Decoded::Datagram(datagram) => Kind::Udp { port: datagram.to.port },
        other => panic!("{other:?}"),
    }
}

fn fault(link: LinkType, data: &[u8]) -> Fault {
    match kind(link, data) {
        Kind::Malformed(fault) => fault,
        other => panic!("{other:?}"),
    }
}
