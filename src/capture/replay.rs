//! All sources of a run, one after the other, as one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec;

use super::file::Inherited;
use super::inputs::{Input, open};
use super::{
    CaptureError, CaptureFile, Damage, Frame, FrameSource, Inputs, LinkType, Secrets, StepBack,
};
use crate::model::{FrameNo, Incomplete, SourceInfo};

/// Reads [`Inputs`] in order and numbers their frames from 1 without a break.
pub struct Replay {
    waiting: vec::IntoIter<Input>,
    open: Option<CaptureFile>,
    /// The number of the next source's first frame.
    first: FrameNo,
    inherited: Inherited,
    sources: Vec<Source>,
    progress: Progress,
}

/// A source that was read to its end, or until the run was ended.
#[derive(Clone, Debug)]
pub struct Source {
    /// What was read from it.
    pub info: SourceInfo,
    /// The link types of its frames.
    pub link_types: Vec<LinkType>,
    /// What ended it early.
    pub damage: Option<Damage>,
    /// Packets it says it lost.
    pub lost: u64,
    /// The longest way that time goes back in it, or from the sources before it.
    pub back: Option<StepBack>,
}

/// How far a run has come; may be asked from any thread.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    consumed: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Bytes read so far, as they are stored: compressed ones of compressed files.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// Bytes there are to read; `None` when one of the sources is a stream.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

impl Replay {
    pub(super) fn new(inputs: Inputs) -> Self {
        let progress = Progress { total: inputs.total_bytes(), ..Progress::default() };
        Self {
            waiting: inputs.into_sources().into_iter(),
            open: None,
            first: FrameNo(1),
            inherited: Inherited::default(),
            sources: Vec::new(),
            progress,
        }
    }

    /// The index of the source that the last frame came from.
    #[must_use]
    pub fn index(&self) -> usize {
        if self.open.is_some() { self.sources.len() } else { self.sources.len().saturating_sub(1) }
    }

    /// How far reading has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Key log lines found so far in all sources.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        self.open.as_ref().map_or(&self.inherited.secrets, CaptureFile::secrets)
    }

    /// Stops reading: what is open counts as read as far as it was.
    pub fn finish(&mut self) {
        self.close();
        self.waiting = Vec::new().into_iter();
    }

    /// The sources that are done with, in order: all of them after the last frame or [`Self::finish`].
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What makes the evidence of the sources incomplete, in order.
    #[must_use]
    pub fn incomplete(&self) -> Vec<Incomplete> {
        self.sources.iter().filter_map(|source| source.damage.as_ref()).map(Into::into).collect()
    }

    /// Packets that the captures say they lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.sources.iter().fold(0, |sum, source| sum.saturating_add(source.lost))
    }

    /// Goes to the next source; `false` when there is none.
    fn open_next(&mut self) -> Result<bool, CaptureError> {
        let Some(input) = self.waiting.next() else { return Ok(false) };
        let consumed = Arc::clone(&self.progress.consumed);
        let inherited =
            Inherited { first: self.first, consumed, ..std::mem::take(&mut self.inherited) };
        let name = input.name();
        self.open = Some(match input {
            Input::Standard => CaptureFile::after(inherited, &name, std::io::stdin())?,
            Input::File { path, .. } => CaptureFile::after(inherited, &name, open(&path)?)?,
        });
        Ok(true)
    }

    fn close(&mut self) {
        let Some(file) = self.open.take() else { return };
        self.sources.push(Source {
            info: file.info(),
            link_types: file.link_types().to_vec(),
            damage: file.damage().cloned(),
            lost: file.lost(),
            back: file.step_back(),
        });
        self.first = FrameNo(self.first.0.saturating_add(file.info().frames));
        self.inherited = file.pass_on();
    }
}

impl Replay {
    /// Goes to the next frame; `false` at the end and ever after.
    ///
    /// # Errors
    /// As [`FrameSource::next`].
    #[inline]
    pub fn advance(&mut self) -> Result<bool, CaptureError> {
        loop {
            match &mut self.open {
                Some(file) => {
                    if file.advance()? {
                        return Ok(true);
                    }
                    self.close();
                }
                None => {
                    if !self.open_next()? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Whether the source may be another, or its secrets may be more, than when this was last asked. Most frames come
    /// without, so that neither need be looked at for each.
    #[inline]
    pub fn take_news(&mut self) -> bool {
        self.open.as_mut().is_none_or(CaptureFile::take_news)
    }

    /// The frame that [`Self::advance`] went to.
    #[inline]
    #[must_use]
    pub fn current(&self) -> Option<Frame<'_>> {
        self.open.as_ref().map(CaptureFile::current)
    }

    /// The name of the source that is open, escaped.
    #[must_use]
    pub fn name(&self) -> &str {
        self.open.as_ref().map_or("", CaptureFile::name)
    }
}

impl FrameSource for Replay {
    #[inline]
    fn next(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        Ok(if self.advance()? { self.current() } else { None })
    }
}
