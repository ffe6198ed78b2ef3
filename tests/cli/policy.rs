//! Policies: what is wrong with one, what is against one, how one is learned and compared.

use crate::program::{BAD, GOOD, Lab};

const HEAD: &str = "policy-version = 1\nunknown-edges = \"high\"\n";

/// What `check` and `policy check` say of a policy that is wrong.
#[track_caller]
fn refused(policy: &str, lines: &[&str]) {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng").file("policy.toml", policy);
    lab.run(&["check", "x.pcapng", "--policy", "policy.toml"]).refuses(2, lines);
    lab.run(&["policy", "check", "policy.toml"]).refuses(2, lines);
    lab.run(&["policy", "diff", "policy.toml", "policy.toml"]).refuses(2, lines);
}

#[test]
fn a_word_that_is_no_requirement_is_refused_with_those_that_are() {
    refused(
        &format!("{HEAD}[[edge]]\nfrom = \"a\"\nto = \"b\"\nrequire = \"mutual\"\n"),
        &[
            "error[policy-value]: \"mutual\" is not a requirement",
            " --> policy.toml:6:11",
            "6 | require = \"mutual\"",
            "  |           ^^^^^^^^ expected any, tls or mtls",
        ],
    );
}

#[test]
fn a_weaker_edge_without_a_reason_is_refused() {
    refused(
        &format!("{HEAD}[[edge]]\nfrom = \"a\"\nto = \"b\"\nrequire = \"any\"\nreason = \"\"\n"),
        &[
            "error[policy-reason]: a -> b:* may be weaker than the defaults, without a reason",
            " --> policy.toml:7:10",
            "  |          ^^ say why, for the person who reviews this next year",
            "  = help: or make it as strong as [defaults] say",
        ],
    );
}

#[test]
fn keys_contradictions_and_entries_that_say_the_same_are_refused() {
    let twice = "[[edge]]\nfrom = \"a\"\nto = \"b\"\n".repeat(2);
    refused(
        &format!("{HEAD}{twice}"),
        &["error[policy-shadowed]: a -> b:* has two entries", " --> policy.toml:6:1"],
    );
    refused(
        &format!("{HEAD}[[edge]]\nfrom = \"a\"\nto = \"b\"\nrequires = \"tls\"\n"),
        &[
            "error[policy-key]: \"requires\" is not a key here",
            "  | ^^^^^^^^ did you mean \"require\"?",
        ],
    );
    refused(
        &format!("{HEAD}[[edge]]\nfrom = \"a\"\nto = \"b\"\ndeny = true\nmethods = \"m\"\n"),
        &["error[policy-edge]: an edge that must not be has no further demands"],
    );
    refused("policy-version = \n", &[" --> policy.toml:1:18"]);
}

#[test]
fn a_name_that_is_nearly_a_services_is_refused_with_that() {
    let lab = Lab::new();
    let services = "mapping-version = 1\n[[service]]\nname = \"orders\"\naddr = [\"10.77.0.2\"]\n";
    lab.sample(GOOD, "x.pcapng").file("services.toml", services);
    lab.file("policy.toml", format!("{HEAD}[[edge]]\nfrom = \"ordres\"\nto = \"*\"\n"));
    let lines = [
        "error[policy-service]: the policy names a service that services.toml does not define",
        " --> policy.toml:4:8",
        "4 | from = \"ordres\"",
        "  |        ^^^^^^^^ did you mean \"orders\"?",
    ];
    let given = ["--services", "services.toml"];
    for command in
        [&["check", "x.pcapng", "--policy", "policy.toml"][..], &["policy", "check", "policy.toml"]]
    {
        lab.run(&[command, &given].concat()).refuses(2, &lines);
    }
    lab.file("wirelint.toml", "[identity]\nservices = [\"services.toml\"]\n");
    lab.run(&["policy", "check", "policy.toml"]).refuses(2, &lines);
    lab.file("policy.toml", format!("{HEAD}[[edge]]\nfrom = \"orders\"\nto = \"search\"\n"));
    let sound = lab.run(&["policy", "check", "policy.toml"]);
    assert_eq!(sound.code, 0, "a name that the wire may tell: {sound:#?}");
}

#[test]
fn captures_are_compared_by_the_names_that_services_have() {
    let lab = Lab::new();
    let services = "mapping-version = 1\n[[service]]\nname = \"orders\"\naddr = [\"10.77.0.2\"]\n\
                    [[service]]\nname = \"api\"\naddr = [\"10.77.0.3\"]\n";
    lab.sample(BAD, "x.pcapng").file("services.toml", services);
    lab.file(
        "policy.toml",
        format!("{HEAD}[[edge]]\nfrom = \"orders\"\nto = \"api\"\nrequire = \"any\"\nreason = \"a laboratory\"\n"),
    );
    let named = ["policy", "diff", "policy.toml", "x.pcapng", "--services", "services.toml"];
    let same = lab.run(&named);
    assert_eq!((same.code, &*same.out), (0, ""), "{same:#?}");
    assert_eq!(lab.run(&named[..4]).code, 1, "addresses are no names");
}

#[test]
fn a_policy_that_is_not_there_is_refused() {
    let lab = Lab::new();
    let lines = [
        "error[input-missing]: no such file: policy.toml",
        "  = help: wirelint policy learn CAPTURE -o policy.toml writes a first one",
    ];
    lab.sample(GOOD, "x.pcapng");
    lab.run(&["check", "x.pcapng", "--policy", "policy.toml"]).refuses(2, &lines);
    lab.run(&["policy", "check", "policy.toml"]).refuses(2, &lines);
}

#[test]
fn a_learned_policy_does_not_load_until_a_person_has_decided() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let learn = ["policy", "learn", "x.pcapng", "-o", "policy.toml"];
    let learned = lab.run(&learn);
    learned.says(
        0,
        &["warning[policy-weak]: 1 edge is weaker than the defaults and has an empty reason"],
    );
    assert_eq!(learned.out, "");
    lab.run(&learn).refuses(2, &["  = help: use --force to overwrite it"]);
    lab.run(&["policy", "check", "policy.toml"]).refuses(2, &[]);
    let text = std::fs::read_to_string(lab.path("policy.toml")).unwrap();
    assert!(text.contains("# 2 sessions, plaintext 100%, "), "{text}");
    lab.file("policy.toml", text.replace("reason = \"\"", "reason = \"a laboratory\""));
    let sound = lab.run(&["policy", "check", "policy.toml"]);
    assert_eq!((sound.code, &*sound.out), (0, "policy.toml is sound: 1 edge\n"));
    let kept = lab.run(&["policy", "check", "policy.toml", "x.pcapng"]);
    assert_eq!(kept.code, 0, "{kept:#?}");
    assert!(kept.out.starts_with("1 edge seen, 0 findings, "), "{kept:#?}");
}

#[test]
fn what_is_against_a_policy_is_told_with_its_line() {
    let lab = Lab::new();
    let edge = "[[edge]]\nfrom = \"10.77.0.*\"\nto = \"*\"\n";
    lab.sample(BAD, "x.pcapng").file("policy.toml", format!("{HEAD}{edge}"));
    let run = lab.run(&["policy", "check", "policy.toml", "x.pcapng"]);
    assert_eq!(run.code, 1, "{run:#?}");
    let line = run.out.lines().next().unwrap();
    assert!(
        line.starts_with(
            "high WL6011 weaker-than-policy: 10.77.0.2 -> 10.77.0.3:50051 is plaintext"
        )
    );
    assert!(line.ends_with("  (policy.toml:3)"), "{line}");
    let check = lab.run(&["check", "x.pcapng", "--policy", "policy.toml", "--select", "WL6011"]);
    assert_eq!(check.code, 1, "{check:#?}");
    let unknown =
        lab.file("policy.toml", HEAD).run(&["policy", "check", "policy.toml", "x.pcapng"]);
    assert!(unknown.out.starts_with("high WL6004 unexpected-edge: "), "{unknown:#?}");
    assert!(unknown.out.lines().next().unwrap().ends_with("  (policy.toml:2)"), "{unknown:#?}");
}

#[test]
fn a_permission_that_has_ended_is_announced() {
    let lab = Lab::new();
    let edge = "[[edge]]\nfrom = \"*\"\nto = \"*\"\nrequire = \"any\"\nreason = \"old\"\nuntil = 2020-01-31\n";
    lab.sample(BAD, "x.pcapng").file("policy.toml", format!("{HEAD}{edge}"));
    let run = lab.run(&["check", "x.pcapng", "--policy", "policy.toml", "--select", "WL6"]);
    run.says(
        1,
        &[
            "warning[policy-expired]: the permission of * -> *:* ended on 2020-01-31: the defaults hold for it again",
            " --> policy.toml:3:1",
            "  = note: reason was \"old\"",
            "  = help: fix it, or set a new date with a new reason",
        ],
    );
    assert!(run.out.contains("WL6011"), "{run:#?}");
}

#[test]
fn policies_and_captures_are_compared() {
    let lab = Lab::new();
    let edge = |rest: &str| format!("{HEAD}[[edge]]\nfrom = \"10.77.0.2\"\nto = \"*\"\n{rest}");
    lab.sample(BAD, "bad.pcapng").sample(GOOD, "good.pcapng");
    lab.file("a.toml", edge("port = 50051\n"))
        .file("b.toml", edge("port = 50051\ntls-min = \"1.3\"\n"));
    let same = lab.run(&["policy", "diff", "a.toml", "a.toml"]);
    assert_eq!((same.code, &*same.out), (0, ""));
    let files = lab.run(&["policy", "diff", "a.toml", "b.toml"]);
    assert_eq!((files.code, &*files.out), (1, "~ 10.77.0.2 -> *:50051  tls-min 1.2 -> 1.3\n"));
    let seen = lab.run(&["policy", "diff", "a.toml", "bad.pcapng"]);
    let expected = "~ 10.77.0.2 -> 10.77.0.3:50051  require mtls -> any\n";
    assert_eq!((seen.code, &*seen.out), (1, expected));
    let new = lab.run(&["policy", "diff", "a.toml", "good.pcapng"]);
    let expected = "- 10.77.0.2 -> *:50051  require mtls, tls-min 1.2\n\
                    + spiffe://shop.test/ns/shop/sa/orders -> spiffe://shop.test/ns/shop/sa/api:8443  require mtls, \
                    tls-min 1.2\n";
    assert_eq!((new.code, &*new.out), (1, expected));
    let captures = lab.run(&["policy", "diff", "good.pcapng", "good.pcapng"]);
    assert_eq!((captures.code, &*captures.out), (0, ""));
}
