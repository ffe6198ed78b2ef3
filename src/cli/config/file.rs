//! Reading configuration files: the values of settings with their places, and every complaint with a caret.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{Kind, SETTINGS, Setting, sections};
use super::{Given, Values};
use crate::model::{Diagnostic, Place, escape_text, limits};
use crate::rule::{nearest, suggestion};

/// Reads a file and those that it extends: their values first, so that its own win.
///
/// # Errors
/// Everything that is wrong with the first file that is not sound.
pub(super) fn read(path: &Path, values: &mut Values) -> Result<(), Vec<Diagnostic>> {
    let mut files = Vec::new();
    let mut next = Some((path.to_owned(), None));
    while let Some((path, asked)) = next.take() {
        let file = File::read(&path, asked)?;
        let known = files.iter().any(|known: &File| known.real == file.real);
        if known || files.len() >= limits::CONFIG_DEPTH {
            return Err(vec![file.too_deep(known)]);
        }
        next = file.base()?;
        files.push(file);
    }
    for file in files.iter().rev() {
        file.values(values)?;
    }
    Ok(())
}

/// A file under reading.
struct File {
    path: PathBuf,
    /// Where it really is, by which a circle is recognised.
    real: PathBuf,
    text: String,
    /// Where it was asked for, when another file extends it.
    asked: Option<Place>,
}

impl File {
    fn read(path: &Path, asked: Option<Place>) -> Result<Self, Vec<Diagnostic>> {
        let refused = |why: String| {
            let error = Diagnostic::error("config-missing", why);
            vec![match asked.clone() {
                Some(place) => error.at(place),
                None => error.help("wirelint config init writes one"),
            }]
        };
        let shown = escape_text(&path.to_string_lossy());
        let bytes = fs::metadata(path).map(|known| known.len()).unwrap_or_default();
        if bytes > limits::CONFIG_FILE_BYTES {
            return Err(refused(format!("{shown} is larger than a configuration can be")));
        }
        let text = fs::read_to_string(path).map_err(|error| {
            refused(format!("the configuration {shown} cannot be read: {error}"))
        })?;
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path: path.to_owned(), real, text, asked })
    }

    fn too_deep(&self, circle: bool) -> Diagnostic {
        let shown = self.shown();
        let message = match circle {
            true => format!("{shown} extends itself"),
            false => {
                format!("more than {} configurations extend one another", limits::CONFIG_DEPTH)
            }
        };
        let error = Diagnostic::error("config-extend", message);
        self.asked.clone().into_iter().fold(error, Diagnostic::at)
    }

    /// The file that it extends, and where it says so.
    fn base(&self) -> Result<Option<(PathBuf, Option<Place>)>, Vec<Diagnostic>> {
        let document = self.parse()?;
        let Some(value) = entry(document.get_ref(), "extend") else { return Ok(None) };
        let Some(path) = value.get_ref().as_str().filter(|path| !path.is_empty()) else {
            let label = "expected a path in quotes";
            return Err(vec![self.error(
                "config-value",
                value.span(),
                "extend is not a path",
                label,
            )]);
        };
        let place = Place::of(&self.shown(), &self.text, value.span(), "");
        Ok(Some((self.relative(path), Some(place))))
    }

    fn values(&self, values: &mut Values) -> Result<(), Vec<Diagnostic>> {
        let document = self.parse()?;
        let mut errors = Vec::new();
        for (key, value) in document.get_ref() {
            let word: &str = key.get_ref();
            match word {
                "extend" => {}
                "config-version" => {
                    let number = value.get_ref().as_integer().map(toml::de::DeInteger::as_str);
                    if number != Some("1") {
                        let (message, label) =
                            ("config-version must be 1", "this wirelint reads 1");
                        errors.push(self.error("config-value", value.span(), message, label));
                    }
                }
                _ => match sections().into_iter().find(|section| *section == word) {
                    Some(section) => self.section(section, value, values, &mut errors),
                    None => errors.push(self.unknown_section(key.span(), word)),
                },
            }
        }
        errors.sort_by_key(|error| error.place.as_ref().map(|place| (place.line, place.column)));
        errors.truncate(limits::SHOWN_ERRORS);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn unknown_section(&self, at: Range<usize>, word: &str) -> Diagnostic {
        let known: Vec<&str> = ["config-version", "extend"].into_iter().chain(sections()).collect();
        let label = suggestion(nearest(word, known.iter().copied()));
        let message = format!("unknown section or key \"{}\"", escape_text(word));
        self.error("config-key", at, &message, &label)
            .help(format!("known: {}", known.join(", ")))
            .help("wirelint config schema lists them with their keys")
    }

    fn section(
        &self,
        section: &'static str,
        value: &Spanned<DeValue<'_>>,
        values: &mut Values,
        errors: &mut Vec<Diagnostic>,
    ) {
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("{section} must be a table, [{section}]");
            errors.push(self.error("config-value", value.span(), &message, ""));
            return;
        };
        for (key, value) in table {
            let word: &str = key.get_ref();
            let of_section = || SETTINGS.iter().enumerate().filter(|(_, s)| s.section == section);
            let Some((number, setting)) = of_section().find(|(_, setting)| setting.key == word)
            else {
                let meant = nearest(word, of_section().map(|(_, setting)| setting.key));
                let message = format!("unknown key \"{}\" in [{section}]", escape_text(word));
                let help = format!("wirelint config schema {section} lists the keys");
                let error = self.error("config-key", key.span(), &message, &suggestion(meant));
                errors.push(error.help(help));
                continue;
            };
            match self.words(setting, value) {
                Ok(written) => {
                    let place = Place::of(&self.shown(), &self.text, value.span(), "");
                    values.take(number, Given::of_file(written, place));
                }
                Err(found) => errors.extend(found),
            }
        }
    }

    /// The words that the value of a setting comes to, with their places.
    fn words(
        &self,
        setting: &Setting,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<(String, Place)>, Vec<Diagnostic>> {
        let kind = setting.kind;
        let typed = typed(kind, value);
        let Some(typed) = typed else {
            let message = format!("{} must be {}", setting.name(), kind.words());
            let label = format!("expected {}", kind.words());
            return Err(vec![self.error("config-value", value.span(), &message, &label)]);
        };
        let (mut words, mut errors) = (Vec::new(), Vec::new());
        for (word, at) in typed {
            match kind.check(&word) {
                Ok(()) => {
                    let place = Place::of(&self.shown(), &self.text, at, "");
                    words.push((self.placed(kind, word), place));
                }
                Err((message, label)) => {
                    errors.push(self.error("config-value", at, &message, &label));
                }
            }
        }
        if errors.is_empty() { Ok(words) } else { Err(errors) }
    }

    /// Paths are relative to the file that names them.
    fn placed(&self, kind: Kind, word: String) -> String {
        match kind {
            Kind::Path | Kind::Paths => self.relative(&word).to_string_lossy().into_owned(),
            Kind::NamedPaths | Kind::Outputs => match word.split_once('=') {
                Some((name, path)) if !name.contains('/') => {
                    format!("{name}={}", self.relative(path).to_string_lossy())
                }
                _ => self.relative(&word).to_string_lossy().into_owned(),
            },
            _ => word,
        }
    }

    fn relative(&self, path: &str) -> PathBuf {
        match self.path.parent() {
            Some(folder) if path != "-" => folder.join(path),
            _ => PathBuf::from(path),
        }
    }

    fn parse(&self) -> Result<Spanned<DeTable<'_>>, Vec<Diagnostic>> {
        DeTable::parse(&self.text).map_err(|error| {
            let at = error.span().unwrap_or(0..1);
            vec![self.error("config-syntax", at, &escape_text(error.message()), "")]
        })
    }

    fn error(
        &self,
        code: &'static str,
        at: Range<usize>,
        message: &str,
        label: &str,
    ) -> Diagnostic {
        Diagnostic::error(code, message).at(Place::of(&self.shown(), &self.text, at, label))
    }

    fn shown(&self) -> String {
        escape_text(&self.path.to_string_lossy())
    }
}

/// A word of a value, and the bytes of the file that it is from.
type Word = (String, Range<usize>);

/// The value as words, when it is of the right type.
fn typed(kind: Kind, value: &Spanned<DeValue<'_>>) -> Option<Vec<Word>> {
    let one = |word: Option<String>| word.map(|word| vec![(word, value.span())]);
    match (kind, value.get_ref()) {
        (Kind::Flag, inner) => one(inner.as_bool().map(|yes| yes.to_string())),
        (Kind::Number(_), inner) => one(integer(inner)),
        (Kind::Percent, inner) => one(integer(inner).or_else(|| match inner {
            DeValue::Float(number) => Some(number.as_str().replace('_', "")),
            _ => None,
        })),
        (
            Kind::Word(..) | Kind::Text | Kind::Checked(..) | Kind::Hidden(..) | Kind::Path,
            inner,
        ) => one(inner.as_str().map(ToOwned::to_owned)),
        (Kind::Levels, DeValue::Table(table)) => table
            .iter()
            .map(|(rule, level)| {
                let word = format!("{}={}", rule.get_ref(), level.get_ref().as_str()?);
                Some((word, level.span()))
            })
            .collect(),
        (Kind::Options, DeValue::Table(table)) => {
            let rules = table.iter().map(|(rule, options)| {
                let options = options.get_ref().as_table()?.iter();
                let words = options.map(|(key, value)| {
                    let text = option_text(value.get_ref())?;
                    Some((format!("{}.{}={text}", rule.get_ref(), key.get_ref()), value.span()))
                });
                words.collect::<Option<Vec<Word>>>()
            });
            rules.collect::<Option<Vec<_>>>().map(|rules| rules.into_iter().flatten().collect())
        }
        (_, DeValue::Array(list)) if kind.is_list() => list
            .iter()
            .map(|word| Some((word.get_ref().as_str()?.to_owned(), word.span())))
            .collect(),
        _ => None,
    }
}

fn integer(value: &DeValue<'_>) -> Option<String> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
}

/// The value of a rule's option, as `--option` takes it.
fn option_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        DeValue::Integer(_) => integer(value),
        DeValue::Array(list) => {
            let words = list.iter().map(|one| match one.get_ref() {
                DeValue::String(text) => Some(toml::Value::String(text.to_string()).to_string()),
                other => integer(other),
            });
            words.collect::<Option<Vec<_>>>().map(|words| format!("[{}]", words.join(", ")))
        }
        _ => None,
    }
}

fn entry<'r, 't>(table: &'r DeTable<'t>, key: &str) -> Option<&'r Spanned<DeValue<'t>>> {
    table.iter().find(|(known, _)| known.get_ref() == key).map(|(_, value)| value)
}
