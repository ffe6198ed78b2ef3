//! Reports for other tools: files that are there already, jobs of GitHub Actions, and text that others chose.

use serde_json::Value;

use crate::program::{BAD, GOOD, Lab, Run, run};

const FORMATS: [&str; 10] = [
    "sarif",
    "junit",
    "github",
    "github-summary",
    "gitlab",
    "markdown",
    "csv-findings",
    "csv-edges",
    "csv-certificates",
    "csv-ciphers",
];

fn read(lab: &Lab, name: &str) -> String {
    std::fs::read_to_string(lab.path(name)).unwrap()
}

fn json(lab: &Lab, name: &str) -> Value {
    serde_json::from_str(&read(lab, name)).unwrap()
}

/// The program as a step of a job runs it.
fn in_job(lab: &Lab, arguments: &[&str]) -> Run {
    let mut command = lab.command(arguments);
    command.env("GITHUB_ACTIONS", "true");
    command.env("GITHUB_STEP_SUMMARY", lab.path("summary.md"));
    command.env("GITHUB_OUTPUT", lab.path("outputs"));
    run(command.output().unwrap())
}

#[test]
fn hostile_text_moves_nothing_in_any_format() {
    let lab = Lab::new();
    let name = "a\u{1b}]0;x\u{7}\n::error::`|b<script>[x](y).pcapng";
    lab.sample("hostile-text.pcapng", name);
    for format in FORMATS {
        let said = lab.run(&["check", name, "--format", format]);
        assert_eq!(said.code, 1, "{said:#?}");
        let text = said.out.replace("\r\n", "\n");
        let moves = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{e0041}')
        };
        assert!(!text.contains(moves), "{format}: {text:?}");
        let commands = text.lines().filter(|line| line.starts_with("::"));
        let ours = |line: &str| {
            ["error", "warning", "notice"]
                .iter()
                .any(|kind| line.starts_with(&format!("::{kind} title=")))
        };
        assert!(commands.clone().all(ours), "{format}: {text}");
        assert_eq!(commands.count() > 0, format == "github", "{format}");
        let markup = text.contains("<script>") || text.contains("](y)");
        let plain = ["sarif", "junit", "github", "gitlab", "markdown", "github-summary"];
        let inert = plain.contains(&format) || format.starts_with("csv-");
        assert!(!markup || inert, "{format}: {text}");
        assert!(format != "junit" || !text.contains("<script>"), "{text}");
        assert!(format != "sarif" || !text.contains("[x](y)"), "{text}");
    }
}

#[test]
fn sarif_has_what_code_scanning_asks_for() {
    let lab = Lab::new();
    lab.sample(BAD, "captures/x.pcapng");
    let absolute = lab.path("captures/x.pcapng").display().to_string();
    for path in ["captures/x.pcapng", &absolute] {
        let said = lab.run(&["check", path, "-o", "sarif=x.sarif", "--category", "staging"]);
        assert_eq!(said.code, 1, "{said:#?}");
        let run = &json(&lab, "x.sarif")["runs"][0];
        assert_eq!(run["automationDetails"]["id"], "wirelint/staging/");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let location = &result["locations"][0]["physicalLocation"];
            let uri = location["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.contains("://") && !uri.starts_with('/'), "{uri}");
            for number in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(location["region"][number].as_u64() >= Some(1), "{location}");
            }
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let help = rules[index]["help"]["markdown"].as_str().unwrap();
            assert!(help.contains("### Why") && help.contains("### References"), "{help}");
            let hash = result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap();
            assert!(hash.len() == 34 && hash.ends_with(":1"), "{hash}");
            let frames = !result["relatedLocations"].as_array().unwrap().is_empty();
            assert_eq!(result["properties"]["wireshark"][0]["filter"].is_string(), frames);
        }
        assert!(!read(&lab, "x.sarif").contains(&absolute));
    }
}

/// A policy that the sample breaks, and a services file that names its server.
fn declared(lab: &Lab) {
    lab.file(
        "services.toml",
        "mapping-version = 1\n\n[[service]]\nname = \"api\"\nowner = \"team-api@example.com\"\naddr = [\"10.77.0.3\"]\n",
    );
    lab.file(
        "policy.toml",
        "policy-version = 1\n\n\n[[edge]]\nfrom = \"*\"\nto = \"api\"\n\n[[edge]]\nfrom = \"nobody\"\nto = \"api\"\n",
    );
}

#[test]
fn results_of_sarif_point_where_a_reader_can_act_or_where_that_is_asked() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    declared(&lab);
    let place = |options: &[&str]| {
        let check = ["check", "x.pcapng", "--select", "WL1001", "--format", "sarif"];
        let said = lab.run(&[&check, options].concat());
        let report: Value = serde_json::from_str(&said.out).unwrap();
        let at = &report["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        let line = at["region"]["startLine"].as_u64().unwrap();
        format!("{}:{line}", at["artifactLocation"]["uri"].as_str().unwrap())
    };
    let both = ["--services", "services.toml", "--policy", "policy.toml"];
    let with = |at| [&both[..], &["--sarif-location", at]].concat();
    assert_eq!(place(&both), "policy.toml:4", "the entry that speaks of the edge");
    assert_eq!(place(&both[..2]), "services.toml:4");
    assert_eq!(place(&[]), "x.pcapng:1");
    assert_eq!(place(&with("policy")), "policy.toml:4");
    assert_eq!(place(&with("services")), "services.toml:4");
    assert_eq!(place(&with("capture")), "x.pcapng:1");
    assert_eq!(place(&with("deploy/compose.yaml")), "deploy/compose.yaml:1");
    assert_eq!(place(&["--sarif-location", "services"]), "x.pcapng:1");
}

#[test]
fn what_could_not_be_decided_is_skipped_and_never_passed() {
    let lab = Lab::new();
    lab.sample("tls13-one-way.pcapng", "x.pcapng");
    lab.run(&["check", "x.pcapng", "-o", "junit=x.xml", "-o", "json=x.json"]).says(1, &[]);
    let undecided = json(&lab, "x.json")["coverage"]["not_observable"].as_array().unwrap().clone();
    assert!(!undecided.is_empty());
    let junit = read(&lab, "x.xml");
    for rule in undecided {
        let name = format!(
            "name=\"{} {}\"",
            rule["rule"].as_str().unwrap(),
            rule["rule_name"].as_str().unwrap()
        );
        let after = junit.split_once(&name).unwrap_or_else(|| panic!("{name} in {junit}")).1;
        let case = after.split("</testcase>").next().unwrap();
        assert!(case.contains("<skipped message=\"not observable in "), "{name}: {case}");
    }
}

#[test]
fn a_formula_in_a_csv_is_a_text_unless_it_is_asked_for() {
    let lab = Lab::new();
    lab.sample("hostile-text.pcapng", "=x.pcapng");
    let guarded = lab.run(&["check", "=x.pcapng", "--format", "csv-findings"]).out;
    let raw = lab.run(&["check", "=x.pcapng", "--format", "csv-findings", "--csv-raw"]).out;
    assert!(guarded.contains(",'=x.pcapng,") && !guarded.contains(",=x"), "{guarded}");
    assert!(raw.contains(",=x.pcapng,"), "{raw}");
}

#[test]
fn a_job_is_annotated_and_its_log_has_no_other_commands() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let said = in_job(&lab, &["check", "x.pcapng", "-o", "sarif=x.sarif"]);
    assert_eq!(said.code, 1, "{said:#?}");
    let commands: Vec<&str> = said.out.lines().filter(|line| line.starts_with("::")).collect();
    assert!(commands[0].starts_with("::error title=WL"), "{commands:?}");
    assert!(
        commands.last().unwrap().starts_with("::notice title=wirelint::FAILED: "),
        "{commands:?}"
    );
    assert!(read(&lab, "summary.md").starts_with("## wirelint: FAILED: "));
    let outputs = read(&lab, "outputs");
    assert!(
        outputs.contains("exit-code=1\nsarif=x.sarif\n") && outputs.starts_with("findings="),
        "{outputs}"
    );
    let again = in_job(&lab, &["check", "x.pcapng", "--format", "json"]);
    assert!(serde_json::from_str::<Value>(&again.out).is_ok(), "programs read no annotations");
    assert_eq!(
        read(&lab, "summary.md").matches("## wirelint: ").count(),
        2,
        "a summary is appended to"
    );
    let off = in_job(&lab, &["check", "x.pcapng", "--github", "off"]);
    assert!(!off.out.lines().any(|line| line.starts_with("::")));
    assert_eq!(read(&lab, "summary.md").matches("## wirelint: ").count(), 2);
}

#[test]
fn at_most_ten_annotations_of_a_type_are_given() {
    let lab = Lab::new();
    let samples = [
        "redis-auth",
        "postgresql-plaintext",
        "grpc-plaintext-token",
        "mixed-posture",
        "hostile-text",
    ];
    let names: Vec<String> = samples.iter().map(|name| format!("{name}.pcapng")).collect();
    for name in &names {
        lab.sample(name, name);
    }
    let mut arguments = vec!["check", "--format", "github"];
    arguments.extend(names.iter().map(String::as_str));
    let said = lab.run(&arguments);
    for kind in ["error", "warning", "notice"] {
        let given = said.out.lines().filter(|line| line.starts_with(&format!("::{kind} "))).count();
        assert!(given <= 10, "{given} {kind}");
    }
    assert!(said.out.lines().last().unwrap().contains("see the summary of this job"), "{said:#?}");
}

#[test]
fn a_file_of_somebody_else_is_not_overwritten() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").file("notes.md", "# notes\n").file("empty", "");
    let output = ["check", "x.pcapng", "-o", "markdown=notes.md"];
    lab.run(&output).refuses(
        2,
        &[
            "error[output-exists]: notes.md exists and was not written by wirelint",
            "  = help: use --force to overwrite",
        ],
    );
    assert_eq!(read(&lab, "notes.md"), "# notes\n");
    assert_eq!(lab.run(&["check", "x.pcapng", "-o", "markdown=empty"]).code, 1);
    assert_eq!(lab.run(&[&output[..], &["--force"]].concat()).code, 1);
    assert!(read(&lab, "notes.md").starts_with("## wirelint: "));
    let formats = ["text", "concise", "json", "ndjson"].into_iter().chain(FORMATS);
    for (number, format) in formats.enumerate() {
        let output = format!("{format}=out{number}");
        for sample in [BAD, GOOD] {
            lab.sample(sample, "y.pcapng");
            let said = lab.run(&["check", "y.pcapng", "-o", &output]);
            assert!(said.code < 2, "its own file is replaced: {format} {said:#?}");
        }
    }
}

#[test]
fn one_file_that_fails_leaves_the_others_whole() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let arguments =
        ["check", "x.pcapng", "-o", "json=a.json", "-o", "sarif=/dev/full", "-o", "junit=b.xml"];
    let said = lab.run(&arguments);
    assert_eq!(said.code, 6, "{said:#?}");
    assert!(
        said.err.contains("error[disk-full]: the disk is full: /dev/full was not written"),
        "{said:#?}"
    );
    assert!(json(&lab, "a.json")["findings"].is_array());
    assert!(read(&lab, "b.xml").ends_with("</testsuites>\n"));
    assert_eq!(lab.names(), ["a.json", "b.xml", "x.pcapng"]);
}

#[test]
fn two_runs_write_the_same_bytes() {
    let lab = Lab::new();
    lab.sample("mixed-posture.pcapng", "x.pcapng");
    for format in FORMATS {
        let check = ["check", "x.pcapng", "--format", format];
        assert_eq!(
            lab.run(&check),
            lab.run(&[&check[..], &["--workers", "4"]].concat()),
            "{format}"
        );
    }
}
