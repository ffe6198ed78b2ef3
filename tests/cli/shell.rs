//! What the program says of itself to shells and readers, and when it uses colours.

use crate::program::{BAD, Lab, Run, run};

fn with(lab: &Lab, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    run(lab.command(arguments).envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn every_shell_completes_every_command() {
    let lab = Lab::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell", "nushell"] {
        let run = lab.run(&["completions", shell]);
        run.says(0, &[]).is_silent_on_stderr();
        for word in ["check", "baseline", "fail-on", "prune"] {
            assert!(run.out.contains(word), "{shell} does not complete {word}");
        }
        for command in ["edges", "policy", "services", "watch", "doctor", "learn", "import", "man"]
        {
            assert!(run.out.contains(command), "{shell} does not complete {command}");
        }
        // In bash each option has a case, offered or not.
        let offered = |line: &&str| shell != "bash" || line.trim_start().starts_with("opts=");
        for hidden in ["--config-written", "config-severity", "config-option"] {
            let found = run.out.lines().filter(offered).find(|line| line.contains(hidden));
            assert_eq!(found, None, "{shell}");
        }
    }
    assert_eq!(lab.run(&["completions", "tcsh"]).code, 2);
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let lab = Lab::new();
    let one = lab.run(&["man"]);
    one.says(0, &[]).is_silent_on_stderr();
    assert!(one.out.contains(".TH wirelint 1"), "{one:#?}");
    assert_eq!(lab.run(&["man", "pages"]).code, 0);
    for name in [
        "wirelint.1",
        "wirelint-policy-learn.1",
        "wirelint-edges.1",
        "wirelint-check.1",
        "wirelint-rules-list.1",
        "wirelint-baseline-create.1",
    ] {
        let page = std::fs::read_to_string(lab.path("pages").join(name)).unwrap();
        assert!(page.contains("SYNOPSIS"), "{name}");
    }
}

#[test]
fn colours_are_asked_for_and_forbidden() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let coloured = |variables: &[(&str, &str)], extra: &[&str]| {
        let mut arguments = vec!["check", "x.pcapng", "nowhere.pcap"];
        arguments.extend(extra);
        let err = with(&lab, variables, &arguments).err.contains('\u{1b}');
        arguments.remove(2);
        let out = with(&lab, variables, &arguments).out.contains('\u{1b}');
        assert_eq!(out, err, "both streams agree: {variables:?} {extra:?}");
        out
    };
    assert!(!coloured(&[], &[]), "a pipe is no terminal");
    assert!(coloured(&[("FORCE_COLOR", "1")], &[]) && coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!coloured(&[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], &[]));
    assert!(!coloured(&[("FORCE_COLOR", "0")], &[]));
    assert!(coloured(&[("NO_COLOR", "1")], &["--color", "always"]));
    assert!(!coloured(&[("FORCE_COLOR", "1")], &["--color", "never"]));
    assert!(coloured(&[("WIRELINT_OUTPUT_COLOR", "always")], &[]));
}

#[test]
fn a_finding_is_explained_from_the_database() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "wirelint.db"]).code, 1);
    let ids = lab.run(&[
        "db",
        "query",
        "--format",
        "csv",
        "SELECT fingerprint FROM v_findings WHERE rule = 'WL1001'",
    ]);
    let id = ids.out.lines().nth(1).unwrap();
    let whole = lab.run(&["explain", id]);
    whole.says(0, &[]).is_silent_on_stderr();
    assert_eq!(lab.run(&["explain", &id[..12], "--db", "wirelint.db"]), whole);
    for part in [
        id,
        "\nWhere\n  client: 10.77.0.2\n",
        "\nEvidence\n  x.pcapng frame 4  ",
        "\nHow to fix it\n",
        "\nWhy it matters\n",
    ] {
        assert!(whole.out.contains(part), "no {part:?} in {}", whole.out);
    }
    lab.run(&["explain", "wlf1:00000000"])
        .refuses(2, &["error[finding-unknown]: wirelint.db has no finding wlf1:00000000"]);
    lab.run(&["explain", "wlf1:x'"])
        .refuses(2, &["error[finding-unknown]: \"wlf1:x'\" is no finding"]);
    assert_eq!(lab.run(&["explain", id, "--db", "no.db"]).code, 6);
}

#[test]
fn a_rule_is_shown_and_a_new_one_begun() {
    let lab = Lab::new();
    let shown = lab.run(&["rules", "show", "plaintext-rpc"]);
    shown.says(0, &[]).is_silent_on_stderr();
    assert!(shown.out.starts_with("rule-version = 1\ncode = \"WL1001\"\n"), "{shown:#?}");
    assert_eq!(lab.run(&["rules", "show", "WL10O1"]).code, 2);
    let new = lab.run(&["rules", "new", "ACME7", "payments-in-clear"]);
    lab.file("mine/new.toml", &new.out);
    assert_eq!(lab.run(&["rules", "test", "mine"]).out, "1 rules, 2 tests, 0 failed\n");
    assert_eq!(lab.run(&["rules", "new", "acme 7", "Payments"]).code, 2);
}
