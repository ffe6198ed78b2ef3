//! One capture file, whatever its format.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use smallvec::SmallVec;

use super::pcap::{self, PcapReader};
use super::pcapng::{self, PcapNgReader};
use super::stream::{Fault, Stream};
use super::window::Window;
use super::{CaptureError, Damage, DamageKind, Frame, FrameSource, LinkType, Part, Secrets};
use crate::model::{FrameNo, Moment, SourceInfo, Timestamp, limits};

/// A capture file that is being read: classic pcap or pcapng, compressed or not, told by its first bytes.
pub struct CaptureFile {
    name: String,
    window: Window,
    format: Format,
    secrets: Secrets,
    current: Record,
    /// Something else than a plain record was read since this was last asked.
    news: bool,
    first: FrameNo,
    frames: u64,
    bytes: u64,
    links: SmallVec<[LinkType; 2]>,
    damage: Option<Damage>,
    /// The first and the last of its times; the wrong way round while there is none.
    times: [Timestamp; 2],
    /// The latest time of all files of the run so far.
    latest: Timestamp,
    back: Option<StepBack>,
}

/// A frame whose time is before that of an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StepBack {
    /// The frame.
    pub frame: FrameNo,
    /// By how many microseconds.
    pub micros: i64,
}

enum Format {
    Pcap(PcapReader),
    PcapNg(PcapNgReader),
}

/// What a format's reader found next.
pub(super) enum Step {
    Record(Record),
    End,
    Damaged(DamageKind),
}

/// A packet whose bytes are in the window.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    pub(super) wire_length: u32,
    pub(super) data: Range<usize>,
}

/// What a file takes over from the one before it in the same run.
#[derive(Default)]
pub(super) struct Inherited {
    pub(super) buffer: Vec<u8>,
    pub(super) secrets: Secrets,
    pub(super) first: FrameNo,
    pub(super) consumed: Arc<AtomicU64>,
    pub(super) latest: Option<Timestamp>,
}

impl CaptureFile {
    /// Begins to read a capture. `name` is what messages call it, escaped already; frames are numbered from 1.
    ///
    /// # Errors
    /// It cannot be read, is empty, or begins like no capture.
    pub fn new(name: &str, reader: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        let inherited = Inherited { first: FrameNo(1), ..Inherited::default() };
        Self::after(inherited, name, reader)
    }

    pub(super) fn after(
        inherited: Inherited,
        name: &str,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, CaptureError> {
        let Inherited { buffer, secrets, first, consumed, latest } = inherited;
        let unreadable = |cause| CaptureError::Unreadable { name: name.to_owned(), cause };
        let stream = Stream::new(reader, consumed).map_err(unreadable)?;
        let mut window = Window::new(stream, buffer);
        window.ensure(pcap::HEADER).map_err(unreadable)?;
        let mut file = Self {
            name: name.to_owned(),
            format: Format::PcapNg(PcapNgReader::new()),
            secrets,
            window,
            current: NO_RECORD,
            news: true,
            first,
            frames: 0,
            bytes: 0,
            links: SmallVec::new(),
            damage: None,
            times: [Timestamp::MAX, Timestamp::MIN],
            latest: latest.unwrap_or(Timestamp::MIN),
            back: None,
        };
        file.read_header()?;
        Ok(file)
    }

    /// The path as the user gave it, or `-`. Escaped.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was read so far, for the report.
    #[must_use]
    pub fn info(&self) -> SourceInfo {
        SourceInfo {
            name: self.name.clone(),
            first_frame: self.first,
            frames: self.frames,
            bytes: self.bytes,
            link_types: self.links.iter().map(ToString::to_string).collect(),
            times: (self.frames > 0).then_some(self.times),
            digest: String::new(),
        }
    }

    /// The link types of the frames so far, in the order they were met.
    #[must_use]
    pub fn link_types(&self) -> &[LinkType] {
        &self.links
    }

    /// What ended the file early, once [`FrameSource::next`] gave `None`.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Packets that the capture says it lost (pcapng interface statistics).
    #[must_use]
    pub fn lost(&self) -> u64 {
        match &self.format {
            Format::Pcap(_) => 0,
            Format::PcapNg(reader) => reader.lost(),
        }
    }

    /// Key log lines found so far, in this file and in those of the run before it.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Whether the next record is there whole, so that reading it waits for nobody.
    pub(super) fn has_more_at_hand(&self) -> bool {
        match &self.format {
            Format::Pcap(reader) => reader.is_at_hand(&self.window),
            Format::PcapNg(_) => pcapng::is_at_hand(self.window.bytes()),
        }
    }

    /// Goes to the next frame; `false` at the end.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<bool, CaptureError> {
        // Behind what is damaged there is no such record, so that it need not be asked for with each.
        if let Format::Pcap(reader) = &self.format
            && let Some(record) = reader.plain(&mut self.window)
        {
            self.enter(record);
            return Ok(true);
        }
        self.advance_with_care()
    }

    #[inline(never)]
    fn advance_with_care(&mut self) -> Result<bool, CaptureError> {
        self.news = true;
        if self.damage.is_some() {
            return Ok(false);
        }
        let step = match &mut self.format {
            Format::Pcap(reader) => reader.next(&mut self.window),
            Format::PcapNg(reader) => reader.next(&mut self.window, &mut self.secrets),
        };
        match step {
            Ok(Step::Record(record)) => {
                self.enter(record);
                Ok(true)
            }
            Ok(Step::End) => {
                self.damage = self.compression_damage();
                Ok(false)
            }
            Ok(Step::Damaged(kind)) => {
                let damage = self.damaged(kind);
                self.damage = Some(self.compression_damage().unwrap_or(damage));
                Ok(false)
            }
            Err(cause) => Err(CaptureError::Unreadable { name: self.name.clone(), cause }),
        }
    }

    /// See [`Replay::take_news`](super::Replay::take_news).
    #[inline]
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Makes a record the current one.
    #[inline]
    fn enter(&mut self, record: Record) {
        self.frames += 1;
        self.bytes += record.data.len() as u64;
        if record.link != self.current.link || self.frames == 1 {
            self.note_link(record.link);
        }
        self.note_time(record.time);
        self.current = record;
    }

    /// Keeps the span of the file, and the longest way that time goes back in it, its beginning included. From the second
    /// frame on, one that is no earlier than any before it can only be the last.
    #[inline]
    fn note_time(&mut self, time: Timestamp) {
        if time >= self.latest && self.frames > 1 {
            self.latest = time;
            self.times[1] = time;
        } else {
            self.note_first_or_earlier(time);
        }
    }

    #[cold]
    fn note_first_or_earlier(&mut self, time: Timestamp) {
        let [first, last] = self.times;
        self.times = [first.min(time), last.max(time)];
        let micros = self.latest.micros_since(time);
        if micros >= limits::STEP_BACK_MICROS && self.back.is_none_or(|known| micros > known.micros)
        {
            self.back = Some(StepBack { frame: self.number(), micros });
        }
        self.latest = self.latest.max(time);
    }

    /// The longest way that time goes back.
    #[must_use]
    pub fn step_back(&self) -> Option<StepBack> {
        self.back
    }

    /// The frame that [`Self::advance`] went to.
    #[inline]
    pub(super) fn current(&self) -> Frame<'_> {
        Frame {
            at: Moment { time: self.current.time, frame: self.number() },
            link: self.current.link,
            data: self.window.slice(self.current.data.clone()),
            wire_length: self.current.wire_length,
        }
    }

    /// The number of the frame that was read last.
    #[inline]
    fn number(&self) -> FrameNo {
        FrameNo(self.first.0.saturating_add(self.frames).saturating_sub(1))
    }

    /// Gives the next file of the run what it can use.
    pub(super) fn pass_on(self) -> Inherited {
        Inherited {
            buffer: self.window.into_buffer(),
            secrets: self.secrets,
            latest: Some(self.latest),
            ..Inherited::default()
        }
    }

    fn read_header(&mut self) -> Result<(), CaptureError> {
        let bytes = self.window.bytes();
        let magic = bytes.first_chunk::<4>().copied().unwrap_or_default();
        if u32::from_le_bytes(magic) == pcapng::SECTION_HEADER {
            return Ok(());
        }
        let header = bytes.len().min(pcap::HEADER);
        if let Some(reader) = PcapReader::new(bytes) {
            self.format = Format::Pcap(reader);
            self.window.take(header);
            return Ok(());
        }
        if is_pcap(magic) {
            let (end, expected) = (bytes.len() as u64, pcap::HEADER as u64);
            let kind = DamageKind::Truncated { part: Part::Header, end, expected };
            let damage = self.damaged(kind);
            self.damage = Some(self.compression_damage().unwrap_or(damage));
            return Ok(());
        }
        if bytes.len() < magic.len() && self.window.fault().is_some() {
            self.damage = self.compression_damage();
            return Ok(());
        }
        let name = self.name.clone();
        Err(match bytes {
            [] => CaptureError::Empty { name },
            _ => CaptureError::NotACapture { name, head: bytes.iter().take(8).copied().collect() },
        })
    }

    fn damaged(&self, kind: DamageKind) -> Damage {
        let packet = self.frames.saturating_add(1);
        Damage { source: self.name.clone(), packet, offset: self.window.offset(), kind }
    }

    fn compression_damage(&self) -> Option<Damage> {
        let kind = match self.window.fault()? {
            Fault::Cut => DamageKind::CompressionCut,
            Fault::Broken => DamageKind::CompressionBroken,
        };
        Some(self.damaged(kind))
    }

    #[cold]
    fn note_link(&mut self, link: LinkType) {
        if self.links.len() < limits::LINK_TYPES && !self.links.contains(&link) {
            self.links.push(link);
        }
    }
}

impl FrameSource for CaptureFile {
    #[inline]
    fn next(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        Ok(if self.advance()? { Some(self.current()) } else { None })
    }
}

const NO_RECORD: Record = Record {
    time: Timestamp::from_micros(0),
    link: LinkType(u16::MAX),
    wire_length: 0,
    data: 0..0,
};

/// Whether these are the first bytes of a capture file, as far as four bytes tell.
pub(super) fn is_capture(magic: [u8; 4]) -> bool {
    is_pcap(magic) || u32::from_le_bytes(magic) == pcapng::SECTION_HEADER
}

fn is_pcap(magic: [u8; 4]) -> bool {
    matches!(
        u32::from_le_bytes(magic),
        0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 | 0xa1b2_cd34
    )
}
