//! HPACK (RFC 7541), read by somebody who may have come late.
//!
//! Takes header blocks of one direction in order; gives their fields one by one. Where it has not seen how the dynamic
//! table came to be, a field that points into the unseen part is given as unknown and reading goes on: what is inserted
//! from then on is known, because indices count from the newest entry. A block that makes no sense is refused, never a
//! panic, and the table is unknown after it.

mod blank;
mod huffman;
mod reader;
mod statics;
mod table;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;

pub(in crate::inspect) use self::blank::blank;

use self::reader::Reader;
use self::table::{Indexed, Table};
use crate::inspect::calls::HeaderName;

/// A header block that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// One header field. Has no `Debug`: its value may be a secret.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// The name, as far as it matters.
    pub(super) name: HeaderName,
    /// The name's bytes; empty where it is unknown.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests compare it with another decoder's"))]
    pub(super) name_text: &'a [u8],
    /// The value, unless it was sent where it could not be seen.
    pub(super) value: Option<&'a [u8]>,
    /// The sender forbids every intermediary to put the field into a table: it is a secret (section 7.1.3).
    #[cfg_attr(not(test), expect(dead_code, reason = "kept for the audit of credentials"))]
    pub(super) never_indexed: bool,
    /// What the value was sent as, where it was sent as a code and not put into the table.
    pub(super) code: Option<&'a [u8]>,
    /// Which entry of the dynamic table it is, where it is one.
    pub(super) entry: Option<EntryNo>,
}

/// The number of an entry of the dynamic table, in the order in which they were put there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct EntryNo(u64);

/// Who is given the fields of a block.
pub(super) trait Sink {
    /// What it makes of a field, to be told when the very same field comes again. Requests of a connection are much
    /// alike, and after the first of them most fields are indices.
    type Note: Copy;

    /// How many bytes of the value of a field of this name are of interest. Values that need not be kept for later are
    /// not decoded further; a field of which nothing is wanted is neither kept nor given.
    fn wants(&self, name: HeaderName) -> usize;

    /// Takes a field by the code that its value was sent as, if it is known from that alone what to take. Most secrets
    /// are sent again with every request, and decoding them is what reading a request costs.
    fn knows(&mut self, name: HeaderName, code: &[u8]) -> bool;

    /// Takes the next field, and says what to tell when it comes again; nothing where it wants to be given it again.
    fn field(&mut self, field: &Field<'_>) -> Option<Self::Note>;

    /// Takes a field that came before.
    fn again(&mut self, note: Self::Note);
}

/// Reads the header blocks of one direction of a connection.
#[derive(Clone)]
pub(super) struct Decoder<N> {
    table: Table<N>,
}

impl<N> Default for Decoder<N> {
    fn default() -> Self {
        Self { table: Table::default() }
    }
}

/// Holds a decoded string, in place unless it is unusually long.
type Buffer = SmallVec<[u8; 256]>;

/// The name of a field, of which the text may not have been kept.
#[derive(Clone, Copy)]
struct Name {
    name: HeaderName,
    /// Bytes of its text.
    length: usize,
}

/// What is decoded of the field at hand. It lives as long as a block: a buffer for each connection would be cold
/// memory by the time it is used again.
#[derive(Clone, Default)]
struct Buffers {
    name: Buffer,
    value: Buffer,
}

impl<N: Copy> Decoder<N> {
    /// Takes note that the connection begins here: the dynamic table is empty on both sides.
    pub(super) fn begin(&mut self) {
        self.table.begin();
    }

    /// Whether no header block was read yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.table.is_untouched()
    }

    /// Takes note that header blocks were missed: nothing is known of the dynamic table any longer.
    pub(super) fn forget(&mut self) {
        self.table.forget();
    }

    /// Takes note of what is to be told when the field of this entry comes again. An entry that is gone has none.
    pub(super) fn note(&mut self, entry: EntryNo, note: N) {
        self.table.note(entry, note);
    }

    /// Reads a whole header block.
    ///
    /// # Errors
    /// The block cannot be read to its end; fields before the fault were given.
    pub(super) fn decode(
        &mut self,
        block: &[u8],
        sink: &mut impl Sink<Note = N>,
    ) -> Result<(), Malformed> {
        self.table.touch();
        let result = self.fields(&mut Reader::new(block), sink);
        if result.is_err() {
            self.forget();
        }
        result
    }

    fn fields(
        &mut self,
        block: &mut Reader<'_>,
        sink: &mut impl Sink<Note = N>,
    ) -> Result<(), Malformed> {
        let mut buffers = Buffers::default();
        while let Some(first) = block.peek() {
            if first & 0x80 != 0 {
                self.indexed(block.integer(7)?, sink)?;
            } else if first & 0x40 != 0 {
                self.inserted(block, &mut buffers, sink)?;
            } else if first & 0x20 != 0 {
                self.table.resize(block.integer(5)?);
            } else {
                self.passing(block, &mut buffers, sink)?;
            }
        }
        Ok(())
    }

    /// Section 6.1.
    fn indexed(&mut self, index: usize, sink: &mut impl Sink<Note = N>) -> Result<(), Malformed> {
        if let Some(entry) = statics::entry(index) {
            sink.field(&Field {
                name: entry.name,
                name_text: entry.name_text,
                value: Some(entry.value),
                never_indexed: false,
                code: None,
                entry: None,
            });
            return Ok(());
        }
        match self.table.field(index)? {
            Indexed::Noted(note) => sink.again(note),
            Indexed::Unwanted => {}
            Indexed::Field(field) => {
                if let (Some(note), Some(entry)) = (sink.field(&field), field.entry) {
                    self.table.note(entry, note);
                }
            }
        }
        Ok(())
    }

    /// Section 6.2.1.
    fn inserted(
        &mut self,
        block: &mut Reader<'_>,
        buffers: &mut Buffers,
        sink: &mut impl Sink<Note = N>,
    ) -> Result<(), Malformed> {
        let index = block.integer(6)?;
        let literal_name = if index == 0 { Some(block.text()?) } else { None };
        let value = block.text()?;
        let name_text: &[u8];
        let name = match (literal_name, statics::entry(index)) {
            (Some(text), _) => {
                name_text = text.decoded(usize::MAX, &mut buffers.name)?;
                Name { name: HeaderName::of(name_text), length: name_text.len() }
            }
            (None, Some(entry)) => {
                name_text = entry.name_text;
                Name { name: entry.name, length: name_text.len() }
            }
            (None, None) => {
                let (name, text) = self.table.name(index)?;
                buffers.name.clear();
                if sink.wants(name.name) > 0 {
                    buffers.name.extend_from_slice(text);
                }
                name_text = &buffers.name;
                name
            }
        };
        if sink.wants(name.name) == 0 {
            self.table.insert_unread(name, value.length()?);
        } else {
            let value = value.decoded(usize::MAX, &mut buffers.value)?;
            let entry = self.table.insert(name.name, name_text, value);
            let note = sink.field(&Field {
                name: name.name,
                name_text,
                value: Some(value),
                never_indexed: false,
                code: None,
                entry: Some(entry),
            });
            note.into_iter().for_each(|note| self.table.note(entry, note));
        }
        self.table.settle();
        Ok(())
    }

    /// Sections 6.2.2 and 6.2.3.
    fn passing(
        &self,
        block: &mut Reader<'_>,
        buffers: &mut Buffers,
        sink: &mut impl Sink<Note = N>,
    ) -> Result<(), Malformed> {
        let never_indexed = block.peek().is_some_and(|first| first & 0x10 != 0);
        let index = block.integer(4)?;
        let (name, name_text) = if index == 0 {
            let text = block.text()?.decoded(usize::MAX, &mut buffers.name)?;
            (HeaderName::of(text), text)
        } else {
            match statics::entry(index) {
                Some(entry) => (entry.name, entry.name_text),
                None => {
                    let (name, text) = self.table.name(index)?;
                    (name.name, text)
                }
            }
        };
        let value = block.text()?;
        let (wanted, code) = (sink.wants(name), value.code());
        if wanted > 0 && !code.is_some_and(|code| sink.knows(name, code)) {
            let value = Some(value.decoded(wanted, &mut buffers.value)?);
            sink.field(&Field { name, name_text, value, never_indexed, code, entry: None });
        }
        Ok(())
    }
}
