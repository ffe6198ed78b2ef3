//! The exit code, and what changes it.

use crate::bytes::without_end;
use crate::program::{BAD, GOOD, Lab, Run};

fn check(lab: &Lab, extra: &[&str]) -> Run {
    let mut arguments = vec!["check"];
    arguments.extend(extra);
    lab.run(&arguments)
}

#[test]
fn the_lowest_level_that_fails_is_chosen() {
    let lab = Lab::new();
    lab.sample(BAD, "high.pcapng").sample("tls12-weak-signature.pcapng", "x.pcapng");
    for (level, code) in [("info", 1), ("low", 1), ("medium", 1), ("high", 1), ("critical", 0)] {
        let run = check(&lab, &["high.pcapng", "--fail-on", level]);
        assert_eq!(run.code, code, "{level}: {run:#?}");
    }
    let never = check(&lab, &["high.pcapng", "--fail-on", "never"]);
    assert_eq!(never.code, 0);
    assert!(never.out.contains("error[WL1001 "), "it is still told: {never:#?}");
    assert!(never.out.ends_with("\npassed: findings do not fail this run\n"), "{never:#?}");
}

#[test]
fn exit_zero_reports_and_does_not_fail() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").file("cut.pcapng", without_end(BAD, 7));
    assert_eq!(check(&lab, &["x.pcapng", "--exit-zero"]).code, 0);
    let cut = check(&lab, &["cut.pcapng", "--exit-zero"]);
    assert_eq!(cut.code, 4, "findings are forgiven, missing evidence is not");
}

#[test]
fn the_format_never_changes_the_code() {
    let lab = Lab::new();
    lab.sample(GOOD, "0").sample(BAD, "1").file("4", without_end(GOOD, 7));
    for name in ["0", "1", "4"] {
        for format in ["text", "concise", "json", "ndjson"] {
            let run = check(&lab, &[name, "--format", format]);
            assert_eq!(run.code.to_string(), name, "{format}: {run:#?}");
        }
    }
}

#[test]
fn the_verdict_is_on_standard_error_when_programs_read_standard_output() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    for (format, said) in [("text", 0), ("concise", 0), ("json", 1), ("ndjson", 1)] {
        for quiet in ["--no-progress", "-q", "-qq"] {
            let run = check(&lab, &["x.pcapng", "--format", format, quiet]);
            let lines: Vec<&str> = run.err.lines().collect();
            assert_eq!(lines.len(), said, "{format} {quiet}: {run:#?}");
            assert!(lines.iter().all(|line| line.starts_with("FAILED: ")), "{run:#?}");
        }
    }
}

#[test]
fn unknown_values_of_options_are_refused_with_those_that_exist() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    for (arguments, expected) in [
        (["--fail-on", "hgih"], "expected info, low, medium, high, critical or never"),
        (["--format", "xml"], "expected text, concise, json, ndjson"),
        (["-o", "xml=y"], "expected text, concise, json, ndjson"),
        (["-o", "json"], "expected FORMAT=PATH, as json=report.json"),
        (["-o", "json="], "a path is missing after the equals sign"),
        (["--keep-sessions", "some"], "expected samples, all or none"),
        (["--on-incomplete", "maybe"], "[possible values: fail, warn]"),
        (["--workers", "many"], "invalid digit found in string"),
    ] {
        let run = check(&lab, &["x.pcapng", arguments[0], arguments[1]]);
        run.refuses(2, &[]);
        assert!(run.err.contains(expected), "{run:#?}");
    }
    let unknown = check(&lab, &["x.pcapng", "--fail-onn", "high"]);
    unknown.refuses(2, &[]);
    assert!(unknown.err.contains("'--fail-on'"), "{unknown:#?}");
    let command = lab.run(&["chekc"]);
    command.refuses(2, &[]);
    assert!(command.err.contains("'check'"), "{command:#?}");
}

#[test]
fn help_and_version_are_answers() {
    let lab = Lab::new();
    for arguments in [&["--help"][..], &["-h"], &["check", "--help"], &["db", "query", "--help"]] {
        let run = lab.run(arguments);
        run.says(0, &[]).is_silent_on_stderr();
        assert!(run.out.contains("Usage: wirelint"), "{run:#?}");
        assert!(run.out.lines().all(|line| line.chars().count() <= 100), "too wide: {run:#?}");
    }
    let version = format!("wirelint {}\n", env!("CARGO_PKG_VERSION"));
    for flag in ["--version", "-V"] {
        let run = lab.run(&[flag]);
        assert_eq!((run.code, run.out.as_str()), (0, version.as_str()));
    }
    let nothing = lab.run::<&str>(&[]);
    nothing.refuses(2, &[]);
    assert!(nothing.err.contains("Usage: wirelint"), "{nothing:#?}");
}
