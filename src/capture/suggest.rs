//! Names close to one that does not exist, and numbers for people.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The entry of `wanted`'s folder whose name is nearest to it, when one is near.
pub(super) fn nearest(wanted: &Path) -> Option<PathBuf> {
    let name = wanted.file_name()?.to_str()?;
    let allowed = (name.chars().count() / 3).max(1);
    let best = entries(folder_of(wanted))
        .into_iter()
        .map(|entry| (strsim::osa_distance(name, &entry), entry))
        .filter(|(distance, _)| *distance <= allowed)
        .min()?;
    Some(wanted.with_file_name(best.1))
}

/// The folder that a path names something in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Names in a folder, sorted; none when it cannot be read.
pub(super) fn entries(folder: &Path) -> Vec<String> {
    let Ok(listing) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        listing.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// A path as safe text.
pub(super) fn shown(path: impl AsRef<OsStr>) -> String {
    crate::model::escape_bytes(path.as_ref().as_encoded_bytes())
}

/// A number with a comma before each group of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let shown: Vec<String> = [0, 999, 1000, 1_204_288].into_iter().map(grouped).collect();
        assert_eq!(shown, ["0", "999", "1,000", "1,204,288"]);
    }

    #[test]
    fn the_nearest_name_is_found_only_when_it_is_near() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("staging.pcapng"), b"x").unwrap();
        let near = nearest(&folder.path().join("stagin.pcapng")).unwrap();
        assert_eq!(near, folder.path().join("staging.pcapng"));
        assert_eq!(nearest(&folder.path().join("x.txt")), None);
    }
}
