//! What `deploy/` and its pages say is so: options are those of the program, variables those of the gate, and the gate
//! keeps a test's verdict apart from the audit's.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A capture with findings.
const SAMPLE: &str = "samples/mixed-posture.pcapng";

#[test]
fn every_option_of_a_deployed_watch_is_one_of_the_program() {
    let known = known_options("watch");
    for file in ["deploy/systemd/wirelint.service", "deploy/kubernetes/daemonset.yaml"] {
        let used = options(&without_comments(&text(file)));
        assert!(used.len() > 5, "{file}: {used:?}");
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} uses {unknown:?}");
    }
}

#[test]
fn every_option_that_the_page_names_is_one_of_a_watch() {
    let known = known_options("watch");
    let page = text("docs/deploy.md");
    let code = page.split('`').skip(1).step_by(2).filter(|code| code.starts_with("--"));
    let used: BTreeSet<String> = code.flat_map(options).collect();
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(used.len() > 3 && unknown.is_empty(), "{unknown:?} of {used:?}");
}

#[test]
fn every_metric_that_alerts_are_on_is_told_and_described() {
    let (told, page) = (text("src/edge/metrics/families.rs"), text("docs/delivery.md"));
    let names = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.filter(|word| word.starts_with("wirelint_")).map(str::to_owned).collect()
    };
    let (told, described) = (names(&told), names(&page));
    let used = names(&without_comments(&text("deploy/prometheus/wirelint.rules.yml")));
    assert!(used.len() > 8, "{used:?}");
    let untold: Vec<_> = used.difference(&told).collect();
    assert!(untold.is_empty(), "{untold:?}");
    let undescribed: Vec<_> = told.difference(&described).collect();
    assert!(undescribed.is_empty(), "docs/delivery.md does not describe {undescribed:?}");
}

#[test]
fn every_option_of_the_gate_is_one_of_check() {
    let script = text("deploy/ci/gate.sh");
    let judge = script.split_once("\njudge() {").unwrap().1.split_once("\n}").unwrap().0;
    let used = options(judge);
    assert!(used.len() > 5, "{used:?}");
    let unknown: Vec<_> = used.difference(&known_options("check")).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_variable_that_is_set_is_one_that_the_gate_reads() {
    let script = without_comments(&text("deploy/ci/gate.sh"));
    let read: BTreeSet<String> = variables(&script).collect();
    assert!(read.len() > 10, "{read:?}");
    let written = [
        "deploy/github/action.yml",
        "deploy/gitlab/wirelint.gitlab-ci.yml",
        "docs/ci.md",
        "deploy/ci/gate.sh",
    ];
    for file in written {
        let own = ["AUDIT_GATE", "AUDIT_EXIT_CODE"];
        for name in variables(&text(file)).filter(|name| !own.contains(&name.as_str())) {
            assert!(read.contains(&name), "{file} names {name}");
        }
    }
    let page = text("docs/ci.md");
    for name in read.iter().filter(|name| *name != "AUDIT_EXIT_CODE") {
        assert!(page.contains(name), "docs/ci.md does not describe {name}");
    }
}

#[test]
fn inputs_of_the_action_exist_and_are_no_part_of_a_script() {
    let action = text("deploy/github/action.yml");
    let inputs = action.split_once("\ninputs:\n").unwrap().1.split_once("\noutputs:").unwrap().0;
    for line in action.lines().filter(|line| line.contains("${{")) {
        let (key, value) = line.trim().split_once(": ").unwrap();
        assert!(
            key.chars().all(|c| c.is_ascii_uppercase() || c == '_') || key == "value",
            "{line}"
        );
        assert!(value.starts_with("${{") && value.ends_with("}}"), "{line}");
        if let Some(name) = value.strip_prefix("${{ inputs.") {
            let name = name.trim_end_matches(" }}");
            assert!(inputs.contains(&format!("  {name}:\n")), "{line}");
        }
    }
}

#[test]
fn captures_that_are_there_are_judged_without_recording() {
    let place = Place::new();
    let run = place.gate(&[], &[("AUDIT_CAPTURES", sample().as_str())]);
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(place.read("audit/codes.env"), "COMMAND_EXIT_CODE=\nAUDIT_EXIT_CODE=1\n");
    for report in ["report.json", "report.html", "junit.xml", "wirelint.sarif", "evidence"] {
        assert!(place.folder.path().join("audit").join(report).exists(), "{report}");
    }
}

#[test]
fn the_code_of_the_test_is_kept_apart_from_that_of_the_audit() {
    let place = Place::new();
    place.program(
        "tcpdump",
        &format!("echo 'listening on any' >&2\n{FIND_FILE}cp '{}' \"$file\"\n", sample()),
    );
    for (command, fail_on, code, codes) in [
        ("exit 0", "never", 0, "COMMAND_EXIT_CODE=0\nAUDIT_EXIT_CODE=0\n"),
        ("exit 0", "high", 1, "COMMAND_EXIT_CODE=0\nAUDIT_EXIT_CODE=1\n"),
        ("exit 7", "never", 7, "COMMAND_EXIT_CODE=7\nAUDIT_EXIT_CODE=0\n"),
        ("exit 7", "high", 7, "COMMAND_EXIT_CODE=7\nAUDIT_EXIT_CODE=1\n"),
    ] {
        let run = place.gate(&["sh", "-c", command], &[("AUDIT_FAIL_ON", fail_on)]);
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(code), "{command}, {fail_on}: {said}");
        assert_eq!(place.read("audit/codes.env"), codes, "{command}, {fail_on}: {said}");
        assert!(!place.folder.path().join("audit/run.pcap").exists(), "captures hold secrets");
    }
}

#[test]
fn a_test_that_cannot_be_recorded_is_not_run() {
    let place = Place::new();
    place.program("tcpdump", "echo 'tcpdump: any: no permission' >&2\nexit 1\n");
    let run = place.gate(&["touch", "was-run"], &[]);
    assert_eq!(run.status.code(), Some(5), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(String::from_utf8_lossy(&run.stderr).contains("no permission"));
    assert!(!place.folder.path().join("was-run").exists());
    assert_eq!(place.read("audit/codes.env"), "COMMAND_EXIT_CODE=\nAUDIT_EXIT_CODE=5\n");
}

/// How a stand-in of tcpdump finds the file that it is to write.
const FIND_FILE: &str = "while [ \"$1\" != -w ]; do shift; done\nfile=$2\n";

/// A folder to run the gate in, with programs that stand in for those that need privileges.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.folder.path().join("bin")).unwrap();
        place.program("sudo", "shift\nexec \"$@\"\n");
        place
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn gate(&self, command: &[&str], settings: &[(&str, &str)]) -> Output {
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.folder.path().join("bin").display());
        let mut gate = Command::new("sh");
        gate.arg(root().join("deploy/ci/gate.sh")).args(command).current_dir(&self.folder);
        gate.env("PATH", path).env("AUDIT_WIRELINT", env!("CARGO_BIN_EXE_wirelint"));
        gate.env("AUDIT_SETTLE", "0").env_remove("GITHUB_ACTIONS").env_remove("GITHUB_OUTPUT");
        gate.envs(settings.iter().copied()).output().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

fn known_options(command: &str) -> BTreeSet<String> {
    let program = env!("CARGO_BIN_EXE_wirelint");
    let help = Command::new(program).args([command, "--help"]).output().unwrap();
    options(&String::from_utf8(help.stdout).unwrap())
}

/// The long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let long = words.filter(|word| {
        word.strip_prefix("--").is_some_and(|rest| rest.starts_with(char::is_alphabetic))
    });
    long.map(str::to_owned).collect()
}

/// The variables `AUDIT_...` in a text.
fn variables(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    words.filter(|word| word.starts_with("AUDIT_")).map(str::to_owned)
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

fn sample() -> String {
    root().join(SAMPLE).to_str().unwrap().to_owned()
}

fn text(path: &str) -> String {
    let path: PathBuf = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
