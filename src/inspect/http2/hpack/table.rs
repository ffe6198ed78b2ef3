//! The dynamic table (RFC 7541 sections 2.3.2 and 4), of which the older part may be unknown.

use std::collections::VecDeque;
use std::fmt;

use super::{EntryNo, Field, Malformed, Name, statics};
use crate::inspect::calls::HeaderName;
use crate::model::limits;

/// What an entry costs beyond its bytes (section 4.1).
const OVERHEAD: usize = 32;

/// The size a table begins with (RFC 9113 section 6.5.2).
const INITIAL_SIZE: usize = 4096;

/// Dead bytes before the live ones are moved down over them, at the least.
const COMPACT_AFTER: usize = 4096;

/// A field that was put into the part of a table that nobody saw.
const UNSEEN: Field<'static> = Field {
    name: HeaderName::Unknown,
    name_text: &[],
    value: None,
    never_indexed: false,
    code: None,
    entry: None,
};

/// The dynamic table of one direction.
///
/// SETTINGS_HEADER_TABLE_SIZE is not followed: the encoder says in a header block which size it uses from there on
/// (section 4.2), and that is what counts.
#[derive(Clone)]
pub(super) struct Table<N> {
    /// Oldest first.
    entries: VecDeque<Entry<N>>,
    /// The number of the oldest.
    oldest: u64,
    /// Names and values in the order of the entries, behind those of entries that are gone.
    bytes: Vec<u8>,
    /// Position of the first of `bytes` in all bytes ever inserted.
    base: u64,
    /// By the count of section 4.1; too small where a name is unknown.
    size: usize,
    /// The size that the encoder keeps to, as far as known.
    capacity: usize,
    /// Whether the encoder has no entries but these.
    complete: bool,
    /// Whether a header block was read.
    touched: bool,
}

#[derive(Clone, Copy)]
struct Entry<N> {
    name: HeaderName,
    start: u64,
    name_length: u32,
    value_length: u32,
    /// Whether its name and value are among the bytes.
    kept: bool,
    /// What is to be told when it comes again.
    note: Option<N>,
}

/// What an index stands for.
pub(super) enum Indexed<'a, N> {
    /// A field of which it is known what to tell.
    Noted(N),
    /// A field of which nothing is wanted.
    Unwanted,
    /// A field.
    Field(Field<'a>),
}

impl<N> Default for Table<N> {
    /// A table of which nothing is known. It keeps as much as any table may hold: an entry kept for longer than the
    /// encoder keeps it does no harm, because nobody asks for it.
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            oldest: 0,
            bytes: Vec::new(),
            base: 0,
            size: 0,
            capacity: limits::HPACK_TABLE,
            complete: false,
            touched: false,
        }
    }
}

impl<N> fmt::Debug for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("entries", &self.entries.len())
            .field("size", &self.size)
            .field("capacity", &self.capacity)
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}

impl<N: Copy> Table<N> {
    /// Makes it the empty table of a connection that begins.
    pub(super) fn begin(&mut self) {
        *self = Self { capacity: INITIAL_SIZE, complete: true, ..Self::default() };
    }

    /// Makes it a table of which nothing is known.
    pub(super) fn forget(&mut self) {
        *self = Self { touched: self.touched, ..Self::default() };
    }

    /// Takes note that a header block is read.
    pub(super) fn touch(&mut self) {
        self.touched = true;
    }

    /// Whether no header block was read yet.
    pub(super) fn is_untouched(&self) -> bool {
        !self.touched
    }

    /// Takes note that the encoder changed the size it keeps to.
    pub(super) fn resize(&mut self, capacity: usize) {
        if capacity > limits::HPACK_TABLE {
            self.complete = false;
        } else if capacity == 0 {
            self.complete = true;
        }
        self.capacity = capacity.min(limits::HPACK_TABLE);
        self.settle();
    }

    /// The field with this index, which is not one of the static table.
    #[inline]
    pub(super) fn field(&self, index: usize) -> Result<Indexed<'_, N>, Malformed> {
        let Some((place, entry)) = self.entry(index)? else { return Ok(Indexed::Field(UNSEEN)) };
        if let Some(note) = entry.note {
            return Ok(Indexed::Noted(note));
        }
        if !entry.kept {
            return Ok(Indexed::Unwanted);
        }
        let (name_text, value) = self.texts(entry);
        Ok(Indexed::Field(Field {
            name: entry.name,
            name_text,
            value: Some(value),
            entry: Some(EntryNo(self.oldest.saturating_add(place as u64))),
            ..UNSEEN
        }))
    }

    /// Takes note of what is to be told when an entry comes again.
    pub(super) fn note(&mut self, entry: EntryNo, note: N) {
        let place = entry.0.checked_sub(self.oldest).and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) {
            entry.note = Some(note);
        }
    }

    /// The name of the field with this index, and its text where that was kept.
    #[inline]
    pub(super) fn name(&self, index: usize) -> Result<(Name, &[u8]), Malformed> {
        let Some((_, entry)) = self.entry(index)? else {
            return Ok((Name { name: HeaderName::Unknown, length: 0 }, &[]));
        };
        let name = Name { name: entry.name, length: entry.name_length as usize };
        Ok((name, self.texts(entry).0))
    }

    /// Inserts an entry, and gives its number. [`Table::settle`] must follow.
    pub(super) fn insert(&mut self, name: HeaderName, text: &[u8], value: &[u8]) -> EntryNo {
        let start = self.end();
        let number = self.oldest.saturating_add(self.entries.len() as u64);
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(value);
        self.push(Entry {
            name,
            start,
            name_length: length(text.len()),
            value_length: length(value.len()),
            kept: true,
            note: None,
        });
        EntryNo(number)
    }

    /// Inserts an entry of which only the size matters, and that its name is of no interest. [`Table::settle`] must
    /// follow.
    pub(super) fn insert_unread(&mut self, name: Name, value_length: usize) {
        self.push(Entry {
            name: name.name,
            start: self.end(),
            name_length: length(name.length),
            value_length: length(value_length),
            kept: false,
            note: None,
        });
    }

    /// Evicts what does not fit.
    pub(super) fn settle(&mut self) {
        while self.size > self.capacity {
            let Some(evicted) = self.entries.pop_front() else { break };
            self.size = self.size.saturating_sub(evicted.size());
            self.oldest = self.oldest.saturating_add(1);
        }
        let live = self.entries.front().map_or(self.end(), |oldest| oldest.start);
        let dead = self.offset(live).min(self.bytes.len());
        if dead >= COMPACT_AFTER && dead >= self.bytes.len() / 2 {
            self.bytes.drain(..dead);
            self.base = live;
        }
    }

    /// Bytes by the count of section 4.1.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    fn push(&mut self, entry: Entry<N>) {
        self.size = self.size.saturating_add(entry.size());
        self.entries.push_back(entry);
    }

    /// The entry with this index, and its place; nothing where it is not known.
    #[inline]
    fn entry(&self, index: usize) -> Result<Option<(usize, &Entry<N>)>, Malformed> {
        let age = index.checked_sub(statics::ENTRIES.saturating_add(1)).ok_or(Malformed)?;
        let known = self.entries.len().checked_sub(age.saturating_add(1));
        match known.and_then(|place| Some((place, self.entries.get(place)?))) {
            Some(found) => Ok(Some(found)),
            None if self.complete => Err(Malformed),
            None => Ok(None),
        }
    }

    #[inline]
    fn texts(&self, entry: &Entry<N>) -> (&[u8], &[u8]) {
        if !entry.kept {
            return (&[], &[]);
        }
        let (name, value) = (entry.name_length as usize, entry.value_length as usize);
        self.bytes
            .get(self.offset(entry.start)..)
            .and_then(|bytes| bytes.get(..name.saturating_add(value)))
            .and_then(|bytes| bytes.split_at_checked(name))
            .unwrap_or_default()
    }

    fn end(&self) -> u64 {
        self.base.saturating_add(self.bytes.len() as u64)
    }

    fn offset(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.base)).unwrap_or(usize::MAX)
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl<N> Entry<N> {
    fn size(&self) -> usize {
        OVERHEAD
            .saturating_add(self.name_length as usize)
            .saturating_add(self.value_length as usize)
    }
}
