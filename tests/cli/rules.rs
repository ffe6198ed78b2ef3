//! Rule files that are wrong, and which rules are in force.

use crate::program::{BAD, GOOD, Lab};

/// A rule file that is sound but for its condition.
fn rule(condition: &str) -> String {
    format!(
        "rule-version = 1\ncode = \"ACME1\"\nname = \"mine\"\ntitle = \"t\"\nseverity = \"low\"\n\
         on = \"session\"\nmessage = \"m\"\ndescription = \"d\"\nfix = \"f\"\nwhen = '{condition}'\n"
    )
}

#[track_caller]
fn refused(text: &str, lines: &[&str]) {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng").file("mine.toml", text);
    let check = lab.run(&["check", "x.pcapng", "--rules", "mine.toml"]);
    check.refuses(2, lines);
    let alone = lab.run(&["rules", "check", "mine.toml"]);
    if !text.contains("WL1001") && !text.contains("plaintext-rpc") {
        assert_eq!(alone, check, "without traffic it says the same");
    }
}

#[test]
fn a_misspelt_field_is_found_at_load() {
    refused(
        &rule("tls.verison == \"TLSv1.0\""),
        &[
            "error[rule-field]: tls has no field \"verison\"",
            "  --> mine.toml:10:13",
            "10 | when = 'tls.verison == \"TLSv1.0\"'",
            "   |             ^^^^^^^ did you mean \"version\"?",
        ],
    );
}

#[test]
fn a_condition_that_stops_is_said_in_words() {
    refused(
        &rule("tls.version == \"TLSv1.0\" &&"),
        &[
            "error[rule-syntax]: the expression stops after \"&&\"",
            "  --> mine.toml:10:34",
            "   |                                  ^^ a condition is missing here",
        ],
    );
}

#[test]
fn a_comparison_that_is_never_true_is_found_at_load() {
    refused(
        &rule("server.port == \"8443\""),
        &[
            "error[rule-type]: server.port is int, \"8443\" is text: this is never true",
            "  --> mine.toml:10:24",
            "   |                        ^^^^^^ write 8443",
        ],
    );
}

#[test]
fn a_condition_that_is_no_condition_is_refused() {
    refused(
        &rule("server.port"),
        &["error[rule-type]: this is int, where a condition must be bool"],
    );
    refused(&rule("nope(server.port)"), &["error[rule-type]: there is no function \"nope\""]);
}

#[test]
fn a_taken_code_or_name_is_refused_with_the_way_out() {
    let sound = rule("server.port == 8443");
    refused(
        &sound.replace("ACME1", "WL1001"),
        &[
            "error[rule-duplicate]: WL1001 is defined twice",
            " --> mine.toml:2:9",
            "  = note: first defined by WL1001 plaintext-rpc (rules/WL1001-plaintext-rpc.toml)",
            "  = help: give your rule its own code and name, for example ACME1001, or set override = true to \
             replace that one",
        ],
    );
    refused(
        &sound.replace("\"mine\"", "\"plaintext-rpc\""),
        &[
            "error[rule-duplicate]: plaintext-rpc is defined twice",
            "  = help: give your rule its own code and name, or set override = true to replace that one",
        ],
    );
}

#[test]
fn wrong_toml_and_unknown_keys_have_a_place() {
    refused("rule-version = 1\ncode = \n", &["  --> mine.toml:2:8"].map(|line| &line[1..]));
    let key = format!("{}colour = \"red\"\n", rule("server.port == 8443"));
    refused(&key, &["error[rule-key]: \"colour\" is not a key here", "  --> mine.toml:11:1"]);
}

#[test]
fn a_rule_folder_that_is_not_there_is_refused() {
    let lab = Lab::new();
    let run = lab.sample(GOOD, "x.pcapng").run(&["check", "x.pcapng", "--rules", "nowhere"]);
    run.refuses(2, &["  = help: --rules takes a rule file or a directory of them"]);
    assert!(run.err.starts_with("error[rule-unreadable]: cannot read nowhere: "), "{run:#?}");
}

#[test]
fn an_unknown_rule_is_refused_wherever_it_is_named() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    let unknown = "error[rule-unknown]: no rule \"WL20O1\"";
    let meant = "  = help: did you mean WL2001 (obsolete-version-negotiated)?";
    lab.run(&["explain", "WL20O1"]).refuses(2, &[unknown, meant]);
    lab.run(&["check", "x.pcapng", "--select", "WL20O1"]).refuses(2, &[unknown, meant]);
    lab.run(&["check", "x.pcapng", "--ignore", "WL20O1"]).refuses(2, &[unknown, meant]);
    lab.run(&["check", "x.pcapng", "--severity", "WL20O1=low"]).refuses(2, &[unknown, meant]);
    let run = lab.run(&["check", "x.pcapng", "--severity", "WL2001=urgent"]);
    run.refuses(2, &["  = help: levels: info, low, medium, high, critical"]);
}

#[test]
fn rules_are_explained_by_code_and_by_name() {
    let lab = Lab::new();
    let by_code = lab.run(&["explain", "WL1001"]);
    by_code.says(0, &[]).is_silent_on_stderr();
    assert!(by_code.out.starts_with("WL1001 plaintext-rpc: "), "{by_code:#?}");
    for part in ["What it means", "Why it matters", "How to fix it", "When it fires", "References"]
    {
        assert!(by_code.out.contains(&format!("\n{part}\n")), "no {part}");
    }
    assert_eq!(lab.run(&["explain", "plaintext-rpc"]), by_code);
    assert_eq!(lab.run(&["explain", "wl1001"]), by_code);
}

#[test]
fn the_built_in_rules_are_sound_and_tested() {
    let lab = Lab::new();
    let run = lab.run(&["rules", "test"]);
    run.says(0, &[]).is_silent_on_stderr();
    assert!(run.out.ends_with(" tests, 0 failed\n") && run.out.lines().count() == 1, "{run:#?}");
    let listed = lab.run(&["rules", "list"]).out.lines().count();
    assert!(run.out.starts_with(&format!("{listed} rules, ")), "{run:#?}");
    assert_eq!(lab.run(&["rules", "check"]).out, format!("{listed} rules are sound\n"));
}

#[test]
fn a_rule_of_ones_own_fires_and_its_failing_test_is_told() {
    let lab = Lab::new();
    let mine = rule("session.posture == \"plaintext\"");
    let test =
        "[[test]]\nname = \"never\"\ninput = { session = { posture = \"tls\" } }\nexpect = true\n";
    let wrong = format!("{mine}{test}");
    lab.sample(BAD, "x.pcapng").file("mine.toml", mine).file("wrong.toml", wrong);
    let run = lab.run(&["check", "x.pcapng", "--rules", "mine.toml", "--select", "ACME1"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.out.contains("note[ACME1 mine]: m\n"), "{run:#?}");
    let test = lab.run(&["rules", "test", "wrong.toml"]);
    assert_eq!(test.code, 1, "{test:#?}");
    assert!(test.out.starts_with("failed ACME1 \"never\": "), "{test:#?}");
}

#[test]
fn select_ignore_and_severity_change_what_fails() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let check = |extra: &[&str]| {
        let mut arguments = vec!["check", "x.pcapng", "--format", "concise"];
        arguments.extend(extra);
        lab.run(&arguments)
    };
    let all = check(&[]);
    assert_eq!(all.code, 1);
    assert!(all.out.contains(" high WL1001 plaintext-rpc: "), "{all:#?}");
    assert_eq!(check(&["--ignore", "WL1001,WL4008"]).code, 0);
    assert_eq!(check(&["--ignore", "plaintext-rpc,no-caller-identity"]).code, 0);
    assert_eq!(check(&["--select", "WL2,WL3"]).code, 0);
    assert_eq!(check(&["--select", "WL1"]).code, 1);
    let low = check(&["--severity", "WL1001=low", "--ignore", "WL4008"]);
    assert_eq!(low.code, 0);
    assert!(low.out.contains(" low WL1001 plaintext-rpc: "), "{low:#?}");
}
