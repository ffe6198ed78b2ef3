//! `--trust` and `--crl`: what chains are judged against.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::model::{Diagnostic, Incomplete, escape_text, limits};
use crate::pki::Authorities;

/// A trust bundle as it was asked for: `PEM` or `NAME=PEM`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Bundle {
    name: Option<String>,
    path: PathBuf,
}

impl Bundle {
    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads `PEM` or `NAME=PEM`.
pub(super) fn bundle(word: &str) -> Result<Bundle, String> {
    let (name, path) = match word.split_once('=') {
        Some((name, path)) if !name.contains('/') => (Some(name), path),
        _ => (None, word),
    };
    if path.is_empty() || name.is_some_and(str::is_empty) {
        return Err("expected PEM or NAME=PEM, as mesh=ca.pem".to_owned());
    }
    Ok(Bundle { name: name.map(ToOwned::to_owned), path: path.into() })
}

/// The authorities and lists of these files, and what of them could not be read.
///
/// # Errors
/// A file is not there, is too large, or holds nothing that could be read.
pub(super) fn load(
    bundles: &[Bundle],
    crls: &[PathBuf],
) -> Result<(Authorities, Vec<Incomplete>), Vec<Diagnostic>> {
    let mut authorities = Authorities::default();
    let (mut errors, mut lost) = (Vec::new(), Vec::new());
    let mut take = |read: Result<Vec<Diagnostic>, Box<Diagnostic>>| match read {
        Ok(warnings) => {
            lost.extend(
                warnings.into_iter().map(|w| Incomplete { code: w.code, message: w.message }),
            );
        }
        Err(error) => errors.push(*error),
    };
    for Bundle { name, path } in bundles {
        let text = shown(path);
        let stem = || path.file_stem().map_or_else(|| text.clone(), |s| shown(Path::new(s)));
        let name = name.as_deref().map_or_else(stem, escape_text);
        let file = contents(path, limits::TRUST_FILE_BYTES);
        take(file.and_then(|file| authorities.trust.add(&name, &text, &file)));
    }
    for path in crls {
        let file = contents(path, limits::CRL_FILE_BYTES);
        take(file.and_then(|file| authorities.crls.add(&shown(path), &file)));
    }
    if errors.is_empty() { Ok((authorities, lost)) } else { Err(errors) }
}

/// What to say of revocation lists that were of no use: nothing that was seen has their issuer.
pub(super) fn unused(crls: &[String]) -> Vec<Diagnostic> {
    let said = |list: &String| {
        let message =
            format!("no certificate that was seen has the issuer of the revocation list {list}");
        Diagnostic::warning("crl-unused", message)
            .help("give the lists of the authorities that issue your certificates")
    };
    crls.iter().map(said).collect()
}

fn contents(path: &Path, most: u64) -> Result<Vec<u8>, Box<Diagnostic>> {
    let text = shown(path);
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            Diagnostic::error("input-missing", format!("no such file: {text}"))
        }
        _ => Diagnostic::error("input-unreadable", format!("{text} cannot be read"))
            .note(escape_text(&error.to_string())),
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > most {
        let message = format!("{text} is larger than the {most} bytes that are read");
        return Err(Box::new(Diagnostic::error("input-too-large", message)));
    }
    Ok(bytes)
}

fn shown(path: &Path) -> String {
    escape_text(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_may_have_a_name() {
        let of = |name: Option<&str>, path: &str| {
            Ok(Bundle { name: name.map(ToOwned::to_owned), path: path.into() })
        };
        assert_eq!(bundle("ca.pem"), of(None, "ca.pem"));
        assert_eq!(bundle("mesh=ca/root.pem"), of(Some("mesh"), "ca/root.pem"));
        assert_eq!(bundle("odd/a=b.pem"), of(None, "odd/a=b.pem"));
        assert!(bundle("=ca.pem").is_err() && bundle("mesh=").is_err() && bundle("").is_err());
    }
}
