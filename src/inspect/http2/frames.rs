//! Frame headers (RFC 9113 section 4.1), and telling where frames begin when nobody said so.

use crate::inspect::begins::Begins;
use crate::model::{Direction, limits};

/// What a client begins with (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of a frame header.
pub(super) const HEADER_BYTES: usize = 9;

/// DATA
pub(super) const DATA: u8 = 0;
/// HEADERS
pub(super) const HEADERS: u8 = 1;
/// PRIORITY
const PRIORITY: u8 = 2;
/// RST_STREAM
pub(super) const RST_STREAM: u8 = 3;
/// SETTINGS
pub(super) const SETTINGS: u8 = 4;
/// PUSH_PROMISE
pub(super) const PUSH_PROMISE: u8 = 5;
/// PING
const PING: u8 = 6;
/// GOAWAY
const GOAWAY: u8 = 7;
/// WINDOW_UPDATE
const WINDOW_UPDATE: u8 = 8;
/// CONTINUATION
pub(super) const CONTINUATION: u8 = 9;

/// The last frame that its sender sends on the stream; of SETTINGS and PING, the acknowledgement.
pub(super) const END_STREAM: u8 = 0x01;
/// The last frame of a header block.
pub(super) const END_HEADERS: u8 = 0x04;
/// The payload begins with a length of padding, and ends in padding.
pub(super) const PADDED: u8 = 0x08;
/// The payload begins with a priority.
pub(super) const HAS_PRIORITY: u8 = 0x20;

/// Settings of one SETTINGS frame that are plausible: a few dozen are defined.
const SETTINGS_ENTRIES: usize = 64;

/// Bytes of one setting.
const SETTING_BYTES: usize = 6;

/// What frames of a type may be.
#[derive(Clone, Copy)]
struct Form {
    on_connection: bool,
    on_stream: bool,
    least: usize,
    most: usize,
}

/// By type. A table, because which type comes next is hard to foresee, and a wrong guess costs more than a look.
const FORMS: [Form; 10] = {
    let stream = Form { on_connection: false, on_stream: true, least: 0, most: usize::MAX };
    let connection = Form { on_connection: true, on_stream: false, ..stream };
    let either = Form { on_connection: true, ..stream };
    let data = stream;
    let headers = stream;
    let priority = Form { least: 5, most: 5, ..stream };
    let reset = Form { least: 4, most: 4, ..stream };
    let settings = connection;
    let promise = Form { least: 4, ..stream };
    let ping = Form { least: 8, most: 8, ..connection };
    let farewell = Form { least: 8, ..connection };
    let window_update = Form { least: 4, most: 4, ..either };
    let continuation = stream;
    [data, headers, priority, reset, settings, promise, ping, farewell, window_update, continuation]
};

/// A frame header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Frame {
    /// Bytes of payload.
    pub(super) length: usize,
    /// The type.
    pub(super) kind: u8,
    /// The flags.
    pub(super) flags: u8,
    /// The stream; 0 is the connection.
    pub(super) stream: u32,
    /// The bit before the stream, which must be 0.
    reserved: bool,
}

impl Frame {
    /// Reads the header at the beginning of these bytes.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        // Whole words, which are a load each.
        let &[a, b, c, kind, flags, s, t, u, v] = bytes.first_chunk::<HEADER_BYTES>()?;
        let stream = u32::from_be_bytes([s, t, u, v]);
        Some(Self {
            length: (u32::from_be_bytes([a, b, c, kind]) >> 8) as usize,
            kind,
            flags,
            stream: stream & 0x7fff_ffff,
            reserved: stream >> 31 != 0,
        })
    }

    /// Whether any of these flags is set.
    pub(super) fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Whether length and stream fit the type, as the RFC demands. Types it does not know may be anything.
    #[inline]
    pub(super) fn is_well_formed(&self) -> bool {
        let Some(form) = FORMS.get(usize::from(self.kind)) else { return true };
        let place = if self.stream == 0 { form.on_connection } else { form.on_stream };
        let fits = place & (form.least <= self.length) & (self.length <= form.most);
        fits && (self.kind != SETTINGS || self.length.is_multiple_of(SETTING_BYTES))
    }

    /// Whether a frame header is what these bytes are likely to be where nobody said that one begins. Other protocols are
    /// full of zeros, which look like DATA; streams that clients open have odd numbers, and connections end before
    /// these grow large.
    fn is_plausible(&self) -> bool {
        const FARTHEST_STREAM: u32 = 1 << 27;
        let stream = self.stream == 0 || self.stream % 2 == 1 && self.stream < FARTHEST_STREAM;
        let nothing = self.kind == DATA && self.length == 0 && !self.has(END_STREAM);
        if !stream || nothing {
            return false;
        }
        let flags = match self.kind {
            DATA => END_STREAM | PADDED,
            HEADERS => END_STREAM | END_HEADERS | PADDED | HAS_PRIORITY,
            SETTINGS | PING => END_STREAM,
            PUSH_PROMISE => END_HEADERS | PADDED,
            CONTINUATION => END_HEADERS,
            PRIORITY | RST_STREAM | GOAWAY | WINDOW_UPDATE => 0,
            _ => return false,
        };
        self.is_well_formed()
            && self.flags & !flags == 0
            && !self.reserved
            && self.length <= limits::HTTP2_RESYNC_FRAME
            && (self.kind != SETTINGS || self.is_settings(self.has(END_STREAM)))
    }

    /// Whether it is a SETTINGS frame of a size that occurs, or the acknowledgement of one.
    pub(super) fn is_settings(&self, acknowledgement: bool) -> bool {
        self.kind == SETTINGS
            && self.is_well_formed()
            && !self.reserved
            && self.flags == u8::from(acknowledgement)
            && self.length
                <= if acknowledgement { 0 } else { SETTINGS_ENTRIES.saturating_mul(SETTING_BYTES) }
    }
}

/// Whether the client's preface begins here.
pub(super) fn preface(bytes: &[u8]) -> Begins {
    if bytes.starts_with(PREFACE) {
        Begins::Yes
    } else if PREFACE.starts_with(bytes) {
        Begins::Perhaps
    } else {
        Begins::No
    }
}

/// Whether a chain of frames begins here: two plausible headers, one where the frame of the other ends.
pub(super) fn chain(bytes: &[u8]) -> Begins {
    let Some(first) = Frame::read(bytes) else { return beginning(bytes) };
    if !first.is_plausible() {
        return Begins::No;
    }
    let second = first.length.saturating_add(HEADER_BYTES);
    let Some(rest) = bytes.get(second..) else { return Begins::Perhaps };
    match Frame::read(rest) {
        Some(second) if second.is_plausible() => Begins::Yes,
        Some(_) => Begins::No,
        None => beginning(rest),
    }
}

/// Judges less than a frame header.
fn beginning(bytes: &[u8]) -> Begins {
    const LAST_KIND: u8 = CONTINUATION;
    let implausible = match bytes {
        [length, ..] if *length != 0 => true,
        [_, length, ..] if usize::from(*length) > limits::HTTP2_RESYNC_FRAME >> 8 => true,
        [_, _, _, kind, ..] if *kind > LAST_KIND => true,
        _ => false,
    };
    if implausible { Begins::No } else { Begins::Perhaps }
}

/// Who sent the frames of a chain, where they say so: the first header block begins with a field of a request or of a
/// response, by the static table.
pub(super) fn sender(bytes: &[u8]) -> Option<Direction> {
    let mut rest = bytes;
    while let Some(frame) = Frame::read(rest) {
        let payload = rest.get(HEADER_BYTES..).unwrap_or_default();
        let skip = 5 * usize::from(frame.has(HAS_PRIORITY)) + usize::from(frame.has(PADDED));
        if frame.kind == HEADERS {
            return match payload.get(skip) {
                Some(0x82..=0x87) => Some(Direction::ToServer),
                Some(0x88..=0x8e) => Some(Direction::ToClient),
                _ => None,
            };
        }
        rest = payload.get(frame.length..).unwrap_or_default();
    }
    None
}

/// The part of a payload that is of the header block. Nothing where the payload's own lengths do not fit it.
pub(super) fn fragment(frame: Frame, payload: &[u8]) -> Option<&[u8]> {
    const PRIORITY_BYTES: usize = 5;
    const PROMISED_STREAM_BYTES: usize = 4;
    if frame.kind == CONTINUATION {
        return Some(payload);
    }
    let mut fragment = payload;
    if frame.has(PADDED) {
        let (padding, rest) = payload.split_first()?;
        fragment = rest.get(..rest.len().checked_sub(usize::from(*padding))?)?;
    }
    if frame.kind == PUSH_PROMISE {
        fragment.get(PROMISED_STREAM_BYTES..)
    } else if frame.has(HAS_PRIORITY) {
        fragment.get(PRIORITY_BYTES..)
    } else {
        Some(fragment)
    }
}
