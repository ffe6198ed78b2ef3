//! What a policy was learned from keeps to it: every sample, and groups of samples.

#![cfg(test)]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use program::{captures, name_of, wirelint};

#[test]
fn every_sample_keeps_to_the_policy_learned_from_it() {
    let folder = tempfile::tempdir().unwrap();
    for capture in captures() {
        let name = name_of(&capture);
        keeps(folder.path(), &name, std::slice::from_ref(&capture), &[]);
    }
}

#[test]
fn groups_of_samples_keep_to_the_policy_learned_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let all = captures();
    for (number, group) in all.chunks(20).enumerate() {
        keeps(folder.path(), &format!("group-{number}"), group, &[]);
        keeps(folder.path(), &format!("grouped-{number}"), group, &["--group-clients"]);
    }
    keeps(folder.path(), "all", &all, &["--workers", "4"]);
}

/// Learns a policy, gives reasons, and checks the same captures against it.
fn keeps(folder: &Path, name: &str, captures: &[PathBuf], options: &[&str]) {
    let learned = wirelint(words(&["policy", "learn"], captures, options));
    assert!(learned.code != 2, "{name}: {}", learned.err);
    let again = wirelint(words(&["policy", "learn"], captures, options));
    assert_eq!(learned.out, again.out, "{name}: it is the same every time");
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, &learned.out).unwrap();
    let weak = learned.out.contains("reason = \"\"");
    let policy = path.to_str().unwrap();
    let raw = wirelint(["policy", "check", policy]);
    assert_eq!(raw.code, if weak { 2 } else { 0 }, "{name}: {}", raw.err);
    std::fs::write(&path, learned.out.replace("reason = \"\"", "reason = \"a test\"")).unwrap();
    let check = wirelint(words(&["policy", "check", policy], captures, &[]));
    let last = check.out.lines().last().unwrap_or_default();
    let kept = last.contains(", 0 findings, ") && last.contains(", 0 of ");
    assert!(kept, "{name}: {} {}\n{}", check.out, check.err, learned.out);
    assert!(check.code != 1 && check.code != 2, "{name}: {}", check.err);
}

fn words(command: &[&str], captures: &[PathBuf], options: &[&str]) -> Vec<OsString> {
    let command = command.iter().chain(options).map(OsString::from);
    command.chain(captures.iter().map(|capture| capture.clone().into_os_string())).collect()
}
