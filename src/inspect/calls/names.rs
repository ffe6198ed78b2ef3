//! Names that a connection says again and again.

use crate::model::{escape_bytes, limits};

/// Distinct texts of one kind: the raw bytes, to recognise them by, in the order of what is shown of them.
#[derive(Clone, Default)]
pub(super) struct Names(Vec<Box<[u8]>>);

impl Names {
    pub(super) fn has(&self, raw: &[u8]) -> bool {
        self.0.iter().any(|known| **known == *raw)
    }

    /// Adds a text that is new to what is shown. Says whether there was room.
    pub(super) fn note(&mut self, raw: &[u8], shown: &mut Vec<String>) -> bool {
        let raw = raw.get(..limits::TEXT_BYTES).unwrap_or(raw);
        if raw.is_empty() || self.has(raw) {
            return true;
        }
        if self.0.len() >= limits::NAMES {
            return false;
        }
        self.0.push(raw.into());
        shown.push(escape_bytes(raw));
        true
    }
}
