//! Truth files of samples, and claims that are compared with them.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;

use toml::{Table, Value};

/// Reads the truth of a capture.
pub(crate) fn read(capture: &Path) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(capture).with_extension("toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What `check` is to be given with a sample.
pub(crate) fn options(truth: &Table) -> Vec<String> {
    let folder = crate::program::samples();
    let folder = folder.display();
    let given = truth.get("options").and_then(Value::as_table).into_iter().flatten();
    given
        .flat_map(|(option, files)| {
            let folder = &folder;
            texts(files).into_iter().map(move |file| format!("--{option}={folder}/{file}"))
        })
        .collect()
}

/// The tables of an array of tables.
pub(crate) fn tables<'a>(truth: &'a Table, name: &str) -> impl Iterator<Item = &'a Table> {
    let tables = truth.get(name).and_then(Value::as_array).into_iter().flatten();
    tables.map(|table| table.as_table().unwrap())
}

/// A string.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The strings of a list in order.
pub(crate) fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| text(one).to_owned()).collect()
}

/// The strings of a list.
pub(crate) fn set(list: &Value) -> BTreeSet<String> {
    texts(list).into_iter().collect()
}

/// A string, number or boolean as JSON has it.
pub(crate) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Boolean(yes) => (*yes).into(),
        other => panic!("{other} is not a plain value"),
    }
}

/// Text that no output of a sample may have: secrets that cross, and raw control characters.
pub(crate) fn never_shown(truth: &Table) -> Vec<String> {
    let output = truth.get("output").and_then(|output| output.get("never-shown"));
    output.into_iter().chain(truth.get("secrets")).flat_map(texts).collect()
}

/// Something about a sample that is not told as it is.
pub(crate) struct Miss {
    sample: String,
    /// What is wrong: a connection and its key, a certificate and its key, a rule.
    pub(crate) subject: String,
    /// How it is wrong.
    pub(crate) reason: String,
}

impl Miss {
    /// What the miss is about, on one line and without the mark that ends it there.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.sample, self.subject.replace(": ", " "))
    }
}

/// Claims about one sample, of which those that do not hold are kept.
pub(crate) struct Claims {
    sample: String,
    /// What does not hold.
    pub(crate) misses: Vec<Miss>,
}

impl Claims {
    /// No claim yet.
    pub(crate) fn new(sample: String) -> Self {
        Self { sample, misses: Vec::new() }
    }

    /// Notes a claim that does not hold.
    pub(crate) fn miss(&mut self, about: &str, how: &str) {
        let (subject, reason) = (about.to_owned(), how.replace('\n', " "));
        self.misses.push(Miss { sample: self.sample.clone(), subject, reason });
    }

    /// Claims that what was found is what was wanted.
    pub(crate) fn same<T: PartialEq + Debug>(&mut self, about: &str, found: T, wanted: T) {
        if found != wanted {
            self.miss(about, &format!("{found:?}, not {wanted:?}"));
        }
    }
}
