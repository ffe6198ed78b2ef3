//! Words of options that the configuration says, with where it says them: what is wrong with a word is often found long
//! after the file was read, by those who know what the word means.

use serde_json::{Value, json};

use super::Origin;
use crate::model::{Diagnostic, Place};

/// A word of the configuration.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Written {
    word: String,
    origin: Origin,
}

impl Written {
    pub(super) fn new(word: &str, origin: Origin) -> Self {
        Self { word: word.to_owned(), origin }
    }

    /// As [`Self::parse`] reads it: what an option is by default has to be text.
    pub(super) fn text(&self) -> String {
        let origin = match &self.origin {
            Origin::Variable(name) => json!(name),
            Origin::File(Place { path, line, column, width, text, .. }) => {
                json!([path, line, column, width, text])
            }
        };
        json!([self.word, origin]).to_string()
    }

    /// Reads what [`Self::text`] gives.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
        let read = || {
            let value: Value = serde_json::from_str(text).ok()?;
            let word = value.get(0)?.as_str()?.to_owned();
            let origin = value.get(1)?;
            let word_of = |at: usize| Some(origin.get(at)?.as_str()?.to_owned());
            let number = |at: usize| usize::try_from(origin.get(at)?.as_u64()?).ok();
            let origin = match origin.as_str() {
                Some(name) => Origin::Variable(name.to_owned()),
                None => Origin::File(Place {
                    path: word_of(0)?,
                    line: number(1)?,
                    column: number(2)?,
                    width: number(3)?,
                    text: word_of(4)?,
                    label: String::new(),
                }),
            };
            Some(Self { word, origin })
        };
        read().ok_or_else(|| "expected a word and its place".to_owned())
    }

    /// The complaint about a word, with the place of the word where the configuration says it.
    pub(in crate::cli) fn locate(all: &[Self], word: &str, error: Diagnostic) -> Diagnostic {
        match all.iter().rev().find(|known| known.word == word).map(|known| &known.origin) {
            Some(Origin::File(place)) => error.at(place.clone()),
            Some(Origin::Variable(name)) => error.note(format!("{name} says so")),
            None => error,
        }
    }
}
