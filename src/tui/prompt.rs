//! A line that is being typed: a filter, or a reason.

use super::keys::Command;
use crate::model::limits;
use crate::store::Decision;
use crate::store::view::{Filter, FilterError};

/// What is being typed, and where the cursor is.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    pub(super) purpose: Purpose,
    pub(super) text: Vec<char>,
    pub(super) cursor: usize,
    /// What is wrong with it.
    pub(super) error: Option<FilterError>,
}

/// What for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// A filter of the list; what it was before.
    Filter(Filter),
    /// The reason for a decision about a finding.
    Reason(Decision, i64),
}

impl Prompt {
    pub(super) fn filter(before: &Filter) -> Self {
        let text: Vec<char> = before.text().chars().collect();
        let cursor = text.len();
        Self { purpose: Purpose::Filter(before.clone()), text, cursor, error: None }
    }

    pub(super) fn reason(decision: Decision, finding: i64) -> Self {
        let purpose = Purpose::Reason(decision, finding);
        Self { purpose, text: Vec::new(), cursor: 0, error: None }
    }

    pub(super) fn typed(&self) -> String {
        self.text.iter().collect()
    }

    /// Words before the text.
    pub(super) fn label(&self) -> &'static str {
        match self.purpose {
            Purpose::Filter(_) => "filter",
            Purpose::Reason(Decision::Acknowledged, _) => "acknowledge because",
            Purpose::Reason(Decision::Ignored, _) => "ignore because",
            Purpose::Reason(Decision::Open, _) => "open again because",
        }
    }

    pub(super) fn insert(&mut self, letter: char) {
        let most = match self.purpose {
            Purpose::Filter(_) => limits::FILTER_CHARS,
            Purpose::Reason(..) => limits::REASON_CHARS,
        };
        if self.text.len() < most && !letter.is_control() {
            self.text.insert(self.cursor.min(self.text.len()), letter);
            self.cursor += 1;
        }
    }

    /// Edits the text; whether it is another now.
    pub(super) fn edit(&mut self, command: Command) -> bool {
        match command {
            Command::Left => self.cursor = self.cursor.saturating_sub(1),
            Command::Right => self.cursor = (self.cursor + 1).min(self.text.len()),
            Command::EraseAll => {
                self.text.clear();
                self.cursor = 0;
                return true;
            }
            Command::Erase if self.cursor > 0 && self.cursor <= self.text.len() => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
                return true;
            }
            _ => {}
        }
        false
    }
}
