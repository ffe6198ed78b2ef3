//! Where the configuration is.

use std::path::{Path, PathBuf};

/// Names in a project, the first wins.
const NAMES: [&str; 2] = ["wirelint.toml", ".wirelint.toml"];

/// The configuration file: the one that is named, that of the project, the user's, the machine's.
pub(super) fn find(named: Option<PathBuf>) -> Option<PathBuf> {
    let set =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = || {
        let folder = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
        existing(folder.join("wirelint/wirelint.toml"))
    };
    named
        .or_else(|| set("WIRELINT_CONFIG"))
        .or_else(|| in_project(&std::env::current_dir().ok()?))
        .or_else(user)
        .or_else(|| existing(PathBuf::from("/etc/wirelint/wirelint.toml")))
}

/// The configuration in this folder or one above it, up to the first with `.git`; in this folder alone where there is
/// none, since a file in a folder such as `/tmp` may be anybody's. Named relative to this folder, so that paths in
/// reports do not depend on where a project lies.
pub(super) fn in_project(here: &Path) -> Option<PathBuf> {
    let repository = here.ancestors().position(|folder| folder.join(".git").exists()).unwrap_or(0);
    let mut relative = PathBuf::new();
    for folder in here.ancestors().take(repository + 1) {
        for name in NAMES {
            if folder.join(name).is_file() {
                return Some(relative.join(name));
            }
        }
        relative.push("..");
    }
    None
}

fn existing(path: PathBuf) -> Option<PathBuf> {
    path.is_file().then_some(path)
}
