//! The samples, and the built program run on them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What the program said and how it ended.
pub(crate) struct Run {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs the program in the folder of the repository.
pub(crate) fn wirelint<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_wirelint"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("the program was killed");
    Run { code, out: text(output.stdout), err: text(output.stderr) }
}

/// What `check` says of a capture in one format.
pub(crate) fn check(format: &str, capture: &Path) -> Run {
    check_with(format, capture, &[])
}

/// What `check` says of a capture in one format, given more options.
pub(crate) fn check_with(format: &str, capture: &Path, options: &[String]) -> Run {
    let all = ["check", "--all", "--format", format, "--keep-sessions", "all"];
    let options = options.iter().map(std::ffi::OsStr::new);
    wirelint(all.iter().map(std::ffi::OsStr::new).chain(options).chain([capture.as_os_str()]))
}

/// The events of a capture.
pub(crate) fn events(capture: &Path) -> Vec<Value> {
    let run = check("ndjson", capture);
    assert!(matches!(run.code, 0 | 1 | 4), "{}: {} {}", capture.display(), run.code, run.err);
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The events of one type.
pub(crate) fn of_type<'a>(events: &'a [Value], event_type: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event_type"] == event_type).collect()
}

/// Where the samples are, seen from the repository: elsewhere if the lab has recorded them again.
pub(crate) fn samples() -> PathBuf {
    std::env::var_os(ELSEWHERE).map_or_else(|| PathBuf::from("samples"), PathBuf::from)
}

/// Names the folder of samples that are to take the place of those in the repository.
const ELSEWHERE: &str = "WIRELINT_SAMPLES";

/// The captures among the samples, by name.
pub(crate) fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(samples());
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| samples().join(entry.unwrap().file_name()));
    let mut found: Vec<PathBuf> = names
        .filter(|name| matches!(name.extension().and_then(|e| e.to_str()), Some("pcap" | "pcapng")))
        .collect();
    found.sort();
    let enough = if std::env::var_os(ELSEWHERE).is_some() { 0 } else { 50 };
    assert!(found.len() > enough, "the samples were not found: {found:?}");
    found
}

/// The name of a sample.
pub(crate) fn name_of(capture: &Path) -> String {
    capture.file_stem().unwrap().to_string_lossy().into_owned()
}
