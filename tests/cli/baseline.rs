//! What is accepted, until when, and what cannot be.

use std::fs;

use serde_json::Value;

use crate::bytes::without_end;
use crate::program::{BAD, GOOD, Lab, Run};

const FILE: &str = "wirelint-baseline.toml";

/// A lab with a capture that has two findings above the level that fails.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    lab
}

fn create(lab: &Lab, extra: &[&str]) -> Run {
    let mut arguments =
        vec!["baseline", "create", "x.pcapng", "--reason", "at adoption", "--now", "2026-01-15"];
    arguments.extend(extra);
    lab.run(&arguments)
}

fn check(lab: &Lab, extra: &[&str]) -> Run {
    let mut arguments = vec!["check", "x.pcapng", "--baseline", FILE, "--now", "2026-01-20"];
    arguments.extend(extra);
    lab.run(&arguments)
}

fn text(lab: &Lab) -> String {
    fs::read_to_string(lab.path(FILE)).unwrap()
}

const IGNORE: &str =
    "[[ignore]]\nrule = \"plaintext-rpc\"\nreason = \"vendor appliance\"\nowner = \"team-data\"\n";
const OTHER: &str = "[[ignore]]\nrule = \"WL4008\"\nreason = \"the same\"\n";

#[test]
fn what_is_in_the_baseline_fails_no_run_and_is_told_apart() {
    let lab = lab();
    assert_eq!(lab.run(&["check", "x.pcapng"]).code, 1);
    create(&lab, &[]).says(0, &[]).is_silent_on_stderr();
    let run = check(&lab, &[]);
    run.says(0, &[]).is_silent_on_stderr();
    assert!(run.out.contains("\n0 findings (0 ignored, 2 in baseline)\n"), "{run:#?}");
    assert!(!run.out.contains("plaintext-rpc"), "{run:#?}");
    let shown = check(&lab, &["--show-suppressed"]);
    assert!(shown.out.starts_with("accepted[WL1001 plaintext-rpc]: "), "{shown:#?}");
    assert!(
        shown.out.contains("   = accepted: in baseline: at adoption (wirelint-baseline.toml:4)\n"),
        "{shown:#?}"
    );
    assert_eq!(check(&lab, &["--no-baseline"]).code, 1);
    let concise = check(&lab, &["--format", "concise"]);
    assert_eq!(concise.out.lines().count(), 1, "{concise:#?}");
    let concise = check(&lab, &["--format", "concise", "--show-suppressed"]);
    assert!(
        concise.out.contains(" [in baseline: at adoption (wirelint-baseline.toml:4)]\n"),
        "{concise:#?}"
    );
}

#[test]
fn programs_are_told_on_whose_word() {
    let lab = lab();
    lab.file(FILE, format!("{IGNORE}expires = 2026-09-30\n"));
    let run = check(&lab, &["--format", "json", "--db", "w.db"]);
    assert_eq!(run.code, 1);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let accepted = &report["findings"][0]["accepted"];
    assert_eq!(report["findings"][0]["state"], "ignored");
    assert_eq!(accepted["reason"], "vendor appliance");
    assert_eq!(accepted["until"], "2026-09-30T23:59:59.999999Z");
    assert_eq!((&accepted["file"], &accepted["line"]), (&FILE.into(), &1.into()));
    assert_eq!(report["verdict"]["findings"]["high"], 1, "open ones only");
    assert_eq!(report["verdict"]["accepted"]["ignored"], 1);
    assert_eq!(report["services"][0]["findings"], 1, "{}", report["services"][0]);
    let states = [
        "db",
        "query",
        "--db",
        "w.db",
        "--format",
        "csv",
        "SELECT state, state_reason FROM v_findings ORDER BY rule",
    ];
    assert_eq!(lab.run(&states).out, "state,state_reason\r\nignored,vendor appliance\r\nopen,\r\n");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 1);
    assert_eq!(
        lab.run(&states).out,
        "state,state_reason\r\nopen,\r\nopen,\r\n",
        "the latest run says it"
    );
}

#[test]
fn an_ignore_needs_a_reason() {
    let lab = lab();
    lab.file(FILE, "[[ignore]]\nrule = \"plaintext-rpc\"\nreason = \"\"\n");
    check(&lab, &[]).refuses(
        2,
        &[
            "error[baseline-reason]: an ignore needs a reason",
            " --> wirelint-baseline.toml:3:10",
            "3 | reason = \"\"",
            "  |          ^^ say why, for the person who reviews this next year",
        ],
    );
    create(&lab, &[]).refuses(2, &["error[baseline-reason]: an ignore needs a reason"]);
    let empty = lab.run(&["baseline", "create", "x.pcapng", "--reason", " "]);
    empty.refuses(2, &["error[baseline-reason]: --reason is empty"]);
    assert_eq!(lab.run(&["baseline", "create", "x.pcapng"]).code, 2);
}

#[test]
fn what_is_wrong_with_the_file_has_a_place() {
    let lab = lab();
    lab.file(FILE, format!("{IGNORE}expires = \"next year\"\nprot = 1\n{OTHER}port = \"x\"\n"));
    check(&lab, &[]).refuses(
        2,
        &[
            "error[baseline-date]: expires is not a day",
            " --> wirelint-baseline.toml:5:11",
            "  |           ^^^^^^^^^^^ expected a date, as 2026-09-30",
            "error[baseline-key]: unknown key \"prot\"",
            "  | ^^^^ did you mean \"port\"?",
            "error[baseline-value]: port is not a port",
        ],
    );
    lab.file(FILE, IGNORE.replace("plaintext-rpc", "plaintext-rcp"));
    let run = check(&lab, &[]);
    run.refuses(2, &["error[rule-unknown]: no rule \"plaintext-rcp\""]);
    assert!(run.err.contains("did you mean \"plaintext-rpc\"?"), "{run:#?}");
    let missing = lab.run(&["check", "x.pcapng", "--baseline", "no.toml"]);
    missing.refuses(2, &["error[baseline-missing]: no such file: no.toml"]);
}

#[test]
fn an_entry_that_ran_out_counts_again_and_is_named() {
    let lab = lab();
    lab.file(FILE, format!("# ours\n{IGNORE}expires = 2026-01-19\n{OTHER}"));
    let run = check(&lab, &[]);
    run.says(
        1,
        &[
            "warning[baseline-expired]: an ignore ran out on 2026-01-19, its findings count again",
            " --> wirelint-baseline.toml:2:1",
            "  = note: plaintext-rpc",
            "  = note: reason was \"vendor appliance\", owner team-data",
            "  = help: fix it, or set a new date with a new reason",
        ],
    );
    assert!(run.out.contains("1 finding: 1 high (1 ignored, 0 in baseline)"), "{run:#?}");
    check(&lab, &["--ignore-expiry"]).says(0, &[]).is_silent_on_stderr();
    let last_day = ["check", "x.pcapng", "--baseline", FILE, "--now", "2026-01-19"];
    lab.run(&last_day)
        .says(0, &["warning[baseline-expires-soon]: an ignore runs out after 2026-01-19"]);
    let shown = lab.run(&["baseline", "show", "--expired", "--now", "2026-01-20"]);
    assert_eq!(
        shown.out,
        "wirelint-baseline.toml:2: ignore plaintext-rpc\n    ran out on 2026-01-19: vendor appliance, owner team-data\n"
    );
}

#[test]
fn what_matched_nothing_is_named_when_the_run_saw_everything() {
    let lab = lab();
    lab.file(FILE, format!("{IGNORE}{OTHER}{IGNORE}port = 1\n{OTHER}from = \"nobody\"\n"));
    let run = check(&lab, &[]);
    run.says(
        0,
        &[
            "warning[baseline-unused]: 2 ignores matched nothing in this capture",
            " --> wirelint-baseline.toml:8:1",
            "  = note: and :13",
            "  = note: removed only by: wirelint baseline prune --last 5   (unused in the last 5 complete runs)",
        ],
    );
    check(&lab, &["-f", "tcp"]).says(0, &[]).is_silent_on_stderr();
    let one = check(&lab, &["--select", "WL4008"]);
    one.says(0, &["warning[baseline-unused]: 1 ignore matched nothing in this capture"]);
}

#[test]
fn secrets_and_critical_findings_are_ignored_by_hand_and_with_a_date_only() {
    let lab = lab();
    lab.run(&["baseline", "create", "x.pcapng", "--reason", "r", "--severity", "WL1001=critical"])
        .says(
            0,
            &[
                "warning[baseline-guarded]: 1 finding is left out",
                "  = note: secrets that crossed and critical findings: WL1001",
            ],
        );
    assert!(!text(&lab).contains("WL1001"), "{}", text(&lab));
    create(&lab, &[]);
    let run = check(&lab, &["--severity", "WL1001=critical"]);
    run.says(
        1,
        &["warning[baseline-guarded]: a baseline does not hold for secrets that crossed and critical findings"],
    );
    lab.file(FILE, format!("{IGNORE}{OTHER}"));
    let run = check(&lab, &["--severity", "WL1001=critical"]);
    run.says(1, &["  = help: give it a date: expires = 2026-09-30"]);
    lab.file(FILE, format!("{IGNORE}expires = 2026-09-30\n{OTHER}"));
    check(&lab, &["--severity", "WL1001=critical"]).says(0, &[]).is_silent_on_stderr();
}

#[test]
fn a_baseline_is_not_made_of_a_part() {
    let lab = lab();
    for (option, value) in [
        ("--filter", "tcp"),
        ("--select", "WL1"),
        ("--ignore", "WL4008"),
        ("--min-severity", "low"),
    ] {
        let message = format!(
            "error[baseline-filtered]: a baseline is not made of a part: {option} was given"
        );
        create(&lab, &[option, value]).refuses(2, &[&message]);
    }
    lab.file("x.pcapng", without_end(BAD, 7));
    create(&lab, &[])
        .refuses(4, &["error[baseline-incomplete]: a baseline is made of a complete run only"]);
    lab.sample(BAD, "x.pcapng").file("wirelint.toml", "[rules]\nignore = [\"WL4008\"]\n");
    assert_eq!(create(&lab, &[]).code, 0, "what the project never looks at is no part");
    assert_eq!(lab.names(), [FILE, "wirelint.toml", "x.pcapng"], "nothing is left behind");
}

#[test]
fn creating_replaces_what_it_wrote_and_keeps_what_people_wrote() {
    let lab = lab();
    let mine = format!(
        "# ours\nbaseline-version = 1\n\n# because\n{IGNORE}expires = 2025-01-01   # long ago\n"
    );
    lab.file(FILE, format!("{mine}\n[[finding]]\nfingerprint = \"wlf1:00000000000000000000000000000000\"\nreason = \"old\"\n"));
    assert_eq!(
        create(&lab, &["--expires", "90d"]).out,
        "wirelint-baseline.toml: 1 finding accepted\n"
    );
    let new = text(&lab);
    assert!(new.starts_with(&mine), "{new}");
    assert!(
        !new.contains("wlf1:0000") && !new.contains("WL1001"),
        "an ignore that ran out is not renewed: {new}"
    );
    assert!(new.contains("created     = 2026-01-15\nexpires     = 2026-04-15\n"), "{new}");
    let again = create(&lab, &["--expires", "2026-04-15", "-o", "other.toml"]);
    assert_eq!(again.out, "other.toml: 2 findings accepted\n");
}

#[test]
fn updating_adds_what_is_new_and_keeps_the_rest() {
    let lab = lab();
    create(&lab, &[]);
    let whole = text(&lab);
    let (head, second) = whole.rsplit_once("[[finding]]").unwrap();
    lab.file(FILE, head.replace("at adoption", "first"));
    let update = |extra: &[&str]| {
        let mut arguments =
            vec!["baseline", "update", "x.pcapng", "--baseline", FILE, "--now", "2026-01-15"];
        arguments.extend(extra);
        lab.run(&arguments)
    };
    let run = update(&[]);
    run.says(0, &["warning[baseline-new]: 1 finding is not in the baseline"]);
    assert_eq!(run.out, "wirelint-baseline.toml: 0 added, 0 renamed, 1 in all\n");
    assert_eq!(
        update(&["--reason", "at adoption"]).out,
        "wirelint-baseline.toml: 1 added, 0 renamed, 2 in all\n"
    );
    assert!(
        text(&lab).contains("\"first\"") && text(&lab).ends_with(second.trim_start()),
        "{}",
        text(&lab)
    );
}

#[test]
fn a_name_that_no_finding_has_renames_nothing() {
    let lab = lab();
    create(&lab, &[]);
    let before = text(&lab);
    let rename = ["baseline", "update", "x.pcapng", "--baseline", FILE, "--rename"];
    let run = lab.run(&[&rename[..], &["old=10.77.0.3"]].concat());
    assert_eq!(run.out, "wirelint-baseline.toml: 0 added, 0 renamed, 2 in all\n");
    assert_eq!(text(&lab), before);
    assert_eq!(lab.run(&[&rename[..], &["old"]].concat()).code, 2);
}

#[test]
fn pruning_removes_what_no_complete_run_of_late_has_used() {
    let lab = lab();
    create(&lab, &[]);
    let unused = format!("{}\n# not seen\n{IGNORE}port = 1\n\n{OTHER}", text(&lab));
    lab.file(FILE, format!("{unused}\n[[finding]]\nfingerprint = \"wlf1:00000000000000000000000000000000\"\nreason = \"old\"\n"));
    let prune = |last: &str| lab.run(&["baseline", "prune", "--last", last, "--db", "w.db"]);
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 1);
    prune("2").refuses(
        2,
        &["error[baseline-history]: w.db has 1 complete run with these rules, 2 are needed"],
    );
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db", "-f", "tcp"]).code, 1);
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db", "--ignore", "WL2"]).code, 1);
    assert_eq!(prune("2").code, 2, "neither filtered runs nor those with other rules count");
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 1);
    let run = prune("2");
    run.says(0, &[]).is_silent_on_stderr();
    assert_eq!(run.out, "wirelint-baseline.toml: removed 1 ignore and 1 baseline entry\n");
    let left = text(&lab);
    assert!(
        !left.contains("not seen") && left.contains("WL4008") && left.contains("WL1001"),
        "{left}"
    );
}

#[test]
fn less_can_be_listed_but_not_what_fails_the_run() {
    let lab = lab();
    let run = lab.run(&["check", "x.pcapng", "--min-confidence", "high"]);
    assert!(run.out.contains("\n1 finding: 1 high (1 not listed)\n"), "{run:#?}");
    let run =
        lab.run(&["check", "x.pcapng", "--min-severity", "critical", "--fail-on", "critical"]);
    assert_eq!(run.code, 0);
    assert!(run.out.contains("\n0 findings (2 not listed)\n"), "{run:#?}");
    lab.run(&["check", "x.pcapng", "--min-severity", "critical"]).refuses(
        2,
        &["error[gate-unlisted]: findings of severity high fail the run, but with --min-severity critical they are not listed"],
    );
}

#[test]
fn a_run_without_findings_makes_an_empty_baseline() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    let run = create(&lab, &["--min-confidence", "high"]);
    assert_eq!(run.code, 2);
    assert_eq!(create(&lab, &[]).code, 0);
    assert!(text(&lab).contains("baseline-version = 1\n"));
}
