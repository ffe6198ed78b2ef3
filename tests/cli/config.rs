//! The configuration: where it is found, what it says, and what wins.

use std::fs;

use crate::program::{BAD, GOOD, Lab, Run, run, sample_bytes};

fn lab(config: &str) -> Lab {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").file("wirelint.toml", config);
    lab
}

fn with(lab: &Lab, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    run(lab.command(arguments).envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn unknown_keys_have_a_place_and_a_suggestion() {
    let lab = lab("config-version = 1\n\n[gate]\nfail_on = \"high\"\n");
    lab.run(&["check", "x.pcapng"]).refuses(
        2,
        &[
            "error[config-key]: unknown key \"fail_on\" in [gate]",
            " --> wirelint.toml:4:1",
            "4 | fail_on = \"high\"",
            "  | ^^^^^^^ did you mean \"fail-on\"?",
            "  = help: wirelint config schema gate lists the keys",
        ],
    );
    lab.file("wirelint.toml", "[gaet]\n");
    lab.run(&["check", "x.pcapng"]).refuses(
        2,
        &["error[config-key]: unknown section or key \"gaet\"", "  |  ^^^^ did you mean \"gate\"?"],
    );
}

#[test]
fn wrong_values_have_a_place_and_what_is_expected() {
    let refused = |config: &str, lines: &[&str]| {
        lab(config).run(&["check", "x.pcapng"]).refuses(2, lines);
    };
    refused(
        "[gate]\nfail-on = \"hgih\"\n",
        &[
            "error[config-value]: \"hgih\" is not a severity",
            " --> wirelint.toml:2:11",
            "  |           ^^^^^^ expected info, low, medium, high, critical or never",
        ],
    );
    refused(
        "[gate]\nallow-empty = 1\n",
        &["error[config-value]: gate.allow-empty must be true or false"],
    );
    refused(
        "[input]\nworkers = 5000\n",
        &["error[config-value]: 5000 is not a number that can be meant"],
    );
    refused(
        "[gate]\nmax-drop-percent = 101\n",
        &["error[config-value]: 101 is not a share in percent"],
    );
    refused(
        "[rules]\nselect = \"WL1\"\n",
        &["error[config-value]: rules.select must be a list of texts"],
    );
    refused(
        "[rules]\nseverity = { WL1001 = \"urgent\" }\n",
        &["error[config-value]: \"urgent\" is not a severity"],
    );
    refused("[output]\nalso = [\"xml=x\"]\n", &["error[config-value]: \"xml\" is not a format"]);
    refused(
        "[output]\nalso = [\"json\"]\n",
        &["error[config-value]: \"json\" names no format and file"],
    );
    refused("gate = 1\n", &["error[config-value]: gate must be a table, [gate]"]);
    refused("config-version = 2\n", &["error[config-value]: config-version must be 1"]);
    refused("[gate\n", &[" --> wirelint.toml:1:6"]);
}

#[test]
fn rules_that_do_not_exist_have_the_place_of_the_word() {
    let lab = lab("[rules]\nselect = [\"WL1\",\n  \"plaintext-rcp\"]\nignore = [\"WL9999\"]\n");
    for arguments in [&["check", "x.pcapng"][..], &["config", "check"], &["rules", "list"]] {
        lab.run(arguments).refuses(
            2,
            &[
                "error[rule-unknown]: no rule \"plaintext-rcp\"",
                " --> wirelint.toml:3:3",
                "3 |   \"plaintext-rcp\"]",
                "  |   ^^^^^^^^^^^^^^^",
                "  = help: did you mean WL1001 (plaintext-rpc)?",
                "error[rule-unknown]: no rule \"WL9999\"",
                " --> wirelint.toml:4:11",
            ],
        );
    }
    let other = lab.run(&["check", "x.pcapng", "--select", "WL1001", "--ignore", "WL8888"]);
    other.refuses(2, &["error[rule-unknown]: no rule \"WL8888\""]);
    assert!(!other.err.contains("wirelint.toml"), "options have no line: {other:#?}");
    lab.file("wirelint.toml", "[rules]\nseverity = { plaintext-rcp = \"low\" }\n");
    lab.run(&["check", "x.pcapng"])
        .refuses(2, &["error[rule-unknown]: no rule \"plaintext-rcp\"", " --> wirelint.toml:2:30"]);
    lab.file("wirelint.toml", "[rules.options.expires-soon]\ndays = \"many\"\n");
    lab.run(&["check", "x.pcapng"]).refuses(2, &[" --> wirelint.toml:2:8"]);
    lab.file("wirelint.toml", "");
    let variable = with(&lab, &[("WIRELINT_RULES_SELECT", "WL1,WL9999")], &["check", "x.pcapng"]);
    variable.refuses(
        2,
        &["error[rule-unknown]: no rule \"WL9999\"", "  = note: WIRELINT_RULES_SELECT says so"],
    );
}

#[test]
fn what_is_named_on_the_command_line_is_read_and_not_what_the_configuration_names() {
    let lab = lab("[db]\npath = \"w.db\"\n");
    let edges = lab.run(&["edges", "x.pcapng"]);
    assert_eq!((edges.code, edges.err.as_str()), (0, ""), "{edges:#?}");
    assert_eq!(lab.names(), ["wirelint.toml", "x.pcapng"]);
    assert_eq!(lab.run(&["edges", "-r", "x.pcapng"]).out, edges.out);
    assert_eq!(lab.run(&["check", "x.pcapng"]).code, 1);
    assert_eq!(lab.run(&["edges"]).out, edges.out, "the database of the configuration");
    lab.file("wirelint.toml", "[input]\npaths = [\"no.pcapng\"]\n");
    assert_eq!(lab.run(&["edges", "--db", "w.db"]).out, edges.out);
    let watch = lab.run(&["watch", "-i", "no-such-interface"]);
    assert!(!watch.err.contains("input-mixed"), "a watch reads no captures: {watch:#?}");
}

#[test]
fn what_a_check_writes_besides_can_be_configured() {
    let lab = lab(
        "[output]\nevidence = \"proof\"\ncategory = \"night\"\ngithub = \"on\"\nsarif-location = \"capture\"\n\
         also = [\"sarif=out.sarif\"]\nredact = true\ncsv-raw = true\n[gate]\nfail-on = \"critical\"\n",
    );
    let run = lab.run(&["check", "x.pcapng"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.out.contains("::error ") && lab.path("proof/index.json").exists(), "{run:#?}");
    let sarif = fs::read_to_string(lab.path("out.sarif")).unwrap();
    assert!(sarif.contains("\"wirelint/night/\""));
    let off = lab.run(&["check", "x.pcapng", "--github", "off"]);
    assert!(!off.out.contains("::error "), "{off:#?}");
    let wrong = with(&lab, &[("WIRELINT_OUTPUT_GITHUB", "maybe")], &["check", "x.pcapng"]);
    wrong.refuses(
        2,
        &["error[config-value]: WIRELINT_OUTPUT_GITHUB: \"maybe\" is not a time for annotations"],
    );
}

#[test]
fn the_level_that_fails_a_check_is_no_verdict_of_a_watch() {
    let lab = lab("[gate]\nfail-on = \"low\"\n");
    let watch = ["watch", "-r", "-", "--format", "none", "--sandbox", "off"];
    let piped = |arguments: &[&str]| lab.pipe(arguments, &sample_bytes(BAD)).code;
    assert_eq!(lab.run(&["check", "x.pcapng"]).code, 1);
    assert_eq!(piped(&watch), 0);
    assert_eq!(piped(&[&watch[..], &["--fail-on", "low"]].concat()), 1);
}

#[test]
fn a_configuration_that_names_what_is_not_sound_is_not_sound() {
    let lab = lab("[policy]\nfile = \"policy.toml\"\n[identity]\nservices = [\"services.toml\"]\n");
    lab.file(
        "services.toml",
        "mapping-version = 1\n[[service]]\nname = \"a\"\naddr = [\"nowhere\"]\n",
    );
    lab.run(&["config", "check"]).refuses(2, &[" --> services.toml:4:9"]);
    lab.file("services.toml", "mapping-version = 1\n");
    lab.run(&["config", "check"]).refuses(2, &["error[input-missing]: no such file: policy.toml"]);
}

#[test]
fn all_errors_of_a_file_are_told_at_once() {
    let lab = lab("[gate]\nfail-on = \"hgih\"\nfial-on = 1\n[input]\nworkers = \"many\"\n");
    let run = lab.run(&["check", "x.pcapng"]);
    run.refuses(2, &[]);
    assert_eq!(run.err.matches("error[").count(), 3, "{run:#?}");
}

#[test]
fn options_win_over_the_environment_and_that_over_the_file() {
    let lab = lab("[gate]\nfail-on = \"critical\"\n");
    let check = ["check", "x.pcapng"];
    assert_eq!(lab.run(&check).code, 0);
    let low = [("WIRELINT_GATE_FAIL_ON", "low")];
    assert_eq!(with(&lab, &low, &check).code, 1);
    assert_eq!(with(&lab, &low, &["check", "x.pcapng", "--fail-on", "critical"]).code, 0);
    assert_eq!(with(&lab, &[], &["check", "x.pcapng", "--isolated"]).code, 1);
    let wrong = with(&lab, &[("WIRELINT_GATE_FIAL_ON", "low")], &check);
    wrong
        .refuses(2, &["error[config-variable]: no setting has the variable WIRELINT_GATE_FIAL_ON"]);
    let wrong = with(&lab, &[("WIRELINT_GATE_FAIL_ON", "hgih")], &check);
    wrong.refuses(2, &["error[config-value]: WIRELINT_GATE_FAIL_ON: \"hgih\" is not a severity"]);
}

#[test]
fn it_is_found_above_up_to_the_repository_and_its_paths_are_its_own() {
    let lab = lab("[gate]\nfail-on = \"critical\"\n[input]\npaths = [\"x.pcapng\"]\n");
    lab.file("a/b/here", "");
    let below = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = lab.command(arguments);
        run(command.current_dir(lab.path("a/b")).envs(variables.iter().copied()).output().unwrap())
    };
    let nothing = "error[input-missing]: no capture file was named";
    below(&[], &["check"]).refuses(2, &[nothing]);
    fs::create_dir(lab.path(".git")).unwrap();
    let run = below(&[], &["check", "--format", "concise", "--fail-on", "high"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.out.starts_with("../../x.pcapng:4: "), "{run:#?}");
    assert_eq!(below(&[], &["check"]).code, 0);
    fs::create_dir(lab.path("a/.git")).unwrap();
    below(&[], &["check"]).refuses(2, &[nothing]);
    assert_eq!(below(&[], &["check", "-c", "../../wirelint.toml"]).code, 0);
    assert_eq!(below(&[("WIRELINT_CONFIG", "../../wirelint.toml")], &["check"]).code, 0);
    lab.file("a/b/.wirelint.toml", "[gate]\nfail-on = \"never\"\n");
    lab.file("home/wirelint/wirelint.toml", "[gate]\nfail-on = \"never\"\n");
    assert_eq!(below(&[], &["check", "../../x.pcapng"]).code, 0, "the hidden name counts too");
    fs::remove_file(lab.path("a/b/.wirelint.toml")).unwrap();
    let home = lab.path("home").into_os_string().into_string().unwrap();
    assert_eq!(below(&[("XDG_CONFIG_HOME", &home)], &["check", "../../x.pcapng"]).code, 0);
    let missing = below(&[], &["check", "-c", "no.toml"]);
    missing.refuses(2, &["  = help: wirelint config init writes one"]);
    assert!(
        missing.err.starts_with("error[config-missing]: the configuration no.toml cannot be read")
    );
}

#[test]
fn a_file_extends_another_and_wins_over_it() {
    let lab = lab(
        "extend = \"base/b.toml\"\n[gate]\nfail-on = \"critical\"\n[rules.severity]\nWL4008 = \"low\"\n",
    );
    let base = "[gate]\nfail-on = \"low\"\nbaseline = \"mine.toml\"\n[rules.severity]\nWL1001 = \"info\"\n";
    lab.file("base/b.toml", base).file("base/mine.toml", "");
    let run = lab.run(&["check", "x.pcapng", "--format", "concise", "--fail-on", "medium"]);
    run.says(0, &[]).is_silent_on_stderr();
    assert!(run.out.contains(" info WL1001 ") && run.out.contains(" low WL4008 "), "{run:#?}");
    let shown = lab.run(&["config", "show"]);
    assert!(shown.out.contains("fail-on = \"critical\""), "{shown:#?}");
    assert!(shown.out.contains("baseline = \"base/mine.toml\""), "{shown:#?}");
    lab.file("base/b.toml", "extend = \"../wirelint.toml\"\n");
    lab.run(&["check", "x.pcapng"]).refuses(
        2,
        &["error[config-extend]: base/../wirelint.toml extends itself", " --> base/b.toml:1:10"],
    );
    for n in 0..9 {
        lab.file(&format!("{n}.toml"), format!("extend = \"{}.toml\"\n", n + 1));
    }
    let deep = lab.run(&["check", "x.pcapng", "-c", "0.toml"]);
    deep.refuses(2, &["error[config-extend]: more than 8 configurations extend one another"]);
    lab.file("9.toml", "").file("8.toml", "extend = \"no.toml\"\n");
    let gone = lab.run(&["check", "x.pcapng", "-c", "8.toml"]);
    gone.refuses(2, &[" --> 8.toml:1:10"]);
}

#[test]
fn every_setting_reaches_the_run() {
    let lab = lab(
        "[rules]\npaths = [\"mine.toml\"]\nselect = [\"ACME101\", \"WL1\"]\n[rules.options.plaintext-rpc]\n\
         allow-ports = [50051]\n[output]\nformat = \"concise\"\nalso = [\"json=out.json\"]\n[db]\npath = \"w.db\"\n\
         [input]\nfilter = \"tcp\"\n[gate]\nmin-severity = \"medium\"\n",
    );
    let rule = lab.run(&["rules", "new", "ACME101", "mine", "--isolated"]);
    lab.file("mine.toml", rule.out.replace("8080", "50051"));
    let run = lab.run(&["check", "x.pcapng"]);
    run.says(0, &[]).is_silent_on_stderr();
    assert!(run.out.contains(" medium ACME101 mine: ") && !run.out.contains("WL1001"), "{run:#?}");
    assert_eq!(lab.names(), ["mine.toml", "out.json", "w.db", "wirelint.toml", "x.pcapng"]);
    let asked = ["db", "query", "--format", "csv", "SELECT filter, rules FROM run"];
    let query = lab.run(&asked);
    assert!(query.out.contains("tcp,"), "the database of the configuration is asked: {query:#?}");
    assert_eq!(
        lab.run(&["rules", "list"]).out.lines().count(),
        11,
        "with the rules of the configuration"
    );
}

#[test]
fn options_of_rules_are_checked() {
    let lab = lab("");
    let check =
        |option: &str| lab.run(&["check", "x.pcapng", "--select", "WL1001", "--option", option]);
    assert_eq!(check("plaintext-rpc.allow-ports=1,50051").code, 0);
    assert_eq!(check("WL1001.allow_ports=[50051]").code, 0);
    assert_eq!(check("WL1001.allow-ports=1").code, 1);
    check("WL1001.alow-ports=1").refuses(
        2,
        &[
            "error[rule-value]: WL1001 has no option \"alow-ports\"",
            "  = help: did you mean \"allow_ports\"?",
        ],
    );
    check("WL1001.allow-ports=many")
        .refuses(2, &["error[rule-value]: option allow_ports of WL1001 is list of int"]);
    check("WL1001").refuses(2, &["error[rule-value]: \"WL1001\" is not RULE.OPTION=VALUE"]);
    check("WL10O1.x=1").refuses(2, &["error[rule-unknown]: no rule \"WL10O1\""]);
    lab.file("wirelint.toml", "[rules.options.plaintext-rpc]\nallow-ports = \"x\"\n");
    lab.run(&["config", "check"])
        .refuses(2, &["error[rule-value]: option allow_ports of plaintext-rpc is list of int"]);
}

#[test]
fn the_configuration_explains_itself() {
    let lab = lab("");
    let exists = lab.run(&["config", "init"]);
    exists.refuses(
        2,
        &["error[output-exists]: wirelint.toml exists", "  = help: use --force to overwrite"],
    );
    assert_eq!(lab.run(&["config", "init", "--force"]).code, 0);
    let template = fs::read_to_string(lab.path("wirelint.toml")).unwrap();
    assert_eq!(lab.run(&["config", "init", "-"]).out, template);
    assert_eq!(lab.run(&["config", "check"]).out, "wirelint.toml is sound\n");
    let said: String = template
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest.contains(" = ")
                    && !rest.ends_with("...")
                    && !rest.contains(": ")
                    && !rest.contains("extend") =>
            {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    lab.file("wirelint.toml", said.replace(" []", " [ ]"));
    assert_eq!(
        lab.run(&["config", "check"]).code,
        0,
        "what the template says by default is sound: {said}"
    );
    let show = with(&lab, &[("WIRELINT_GATE_FAIL_ON", "low")], &["config", "show"]);
    assert!(show.out.starts_with("# wirelint.toml\n"), "{show:#?}");
    let line =
        |text: &str| show.out.lines().find(|line| line.starts_with(text)).unwrap().to_owned();
    assert!(line("fail-on = \"low\"").ends_with(" # WIRELINT_GATE_FAIL_ON"), "{show:#?}");
    assert!(line("workers = 1").contains(" # wirelint.toml:"), "{show:#?}");
    let schema: serde_json::Value =
        serde_json::from_str(&lab.run(&["config", "schema"]).out).unwrap();
    assert_eq!(schema["properties"]["gate"]["properties"]["fail-on"]["default"], "high");
    let gate = lab.run(&["config", "schema", "gate"]);
    assert!(
        gate.out.contains("fail-on: ") && gate.out.contains("WIRELINT_GATE_FAIL_ON"),
        "{gate:#?}"
    );
    lab.run(&["config", "schema", "gaet"])
        .refuses(2, &["error[config-key]: there is no section \"gaet\""]);
}

#[test]
fn a_broken_configuration_stops_nothing_that_needs_none() {
    let lab = lab("[gaet]\n");
    for arguments in [
        &["config", "schema"][..],
        &["config", "init", "-"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
    ] {
        assert_eq!(lab.run(arguments).code, 0, "{arguments:?}");
    }
    for arguments in [&["config", "show"][..], &["config", "check"], &["rules", "list"]] {
        assert_eq!(lab.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_filter_may_be_in_a_file() {
    let lab = lab("[input]\nfilter = \"udp\"\n");
    lab.file("f.bpf", "tcp # only\n# and\nand port 50051\n");
    let run = lab.run(&["check", "x.pcapng", "-F", "f.bpf", "--format", "json"]);
    assert!(
        run.out.contains("\"filter\": \"tcp and port 50051\""),
        "it wins over the configuration"
    );
    let both = lab.run(&["check", "x.pcapng", "-F", "f.bpf", "-f", "tcp"]);
    both.refuses(2, &[]);
    let missing = lab.run(&["check", "x.pcapng", "-F", "no.bpf"]);
    missing.refuses(2, &[]);
    assert!(missing.err.starts_with("error[input-unreadable]: the filter no.bpf cannot be read"));
}

#[test]
fn a_capture_that_says_what_it_lost_is_judged_by_it() {
    let lab = Lab::new();
    lab.sample(GOOD, "x.pcapng");
    let run = lab.run(&["check", "x.pcapng", "--max-drop-percent", "0.1"]);
    run.says(0, &[]).is_silent_on_stderr();
    let wrong = lab.run(&["check", "x.pcapng", "--max-drop-percent", "-1"]);
    assert_eq!(wrong.code, 2);
}
