//! `--services` and `wirelint services`: who is who, as people say it.

use serde_json::Value;

use crate::program::{Lab, Run};

const MAPPING: &str = "mapping-version = 1

[[service]]
name = \"stock\"
owner = \"team-stock@example.com\"
tier = \"critical\"
cidr = [\"10.77.0.3/32\"]

[[service]]
name = \"orders\"
addr = \"10.77.0.2\"
";

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:#?}"))
}

/// What an audit of a sample says in one format, given this services file.
fn with(format: &str, lab: &Lab, mapping: &str) -> Run {
    lab.sample("connect.pcapng", "a.pcapng").file("services.toml", mapping);
    let what = ["check", "a.pcapng", "--keep-sessions", "all", "--all", "--format", format];
    lab.run(&[&what[..], &["--services", "services.toml"]].concat())
}

#[test]
fn findings_edges_and_sessions_have_the_names_of_the_file() {
    let report = json(&with("json", &Lab::new(), MAPPING));
    let parties = ["findings", "edges", "sessions"].into_iter().flat_map(|key| {
        report[key].as_array().unwrap().iter().flat_map(|row| [&row["client"], &row["server"]])
    });
    let mut seen = 0;
    for party in parties.filter(|party| party.is_object()) {
        let expected = match party["ip"].as_str().unwrap() {
            "10.77.0.3" => ("stock", "cidr", "team-stock@example.com"),
            _ => ("orders", "address", ""),
        };
        let owner = party["owner"].as_str().unwrap_or_default();
        let told = (party["service"].as_str().unwrap(), party["how"].as_str().unwrap(), owner);
        assert_eq!(told, expected);
        assert_eq!(party["mapped"], true);
        seen += 1;
    }
    assert!(seen > 4, "{report:#}");
    let message = report["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("stock") && !message.contains("10.77.0.3"), "{message}");
}

#[test]
fn text_says_who_answers_for_it() {
    let run = with("text", &Lab::new(), MAPPING);
    assert!(run.out.contains("   = owner: team-stock@example.com"), "{}", run.out);
    assert!(run.out.contains("orders speaks http/1.1 to stock:9090 without TLS"), "{}", run.out);
}

#[test]
fn a_finding_is_the_same_when_its_service_moves() {
    let ids = |mapping: &str| {
        let report = json(&with("json", &Lab::new(), mapping));
        let all = report["findings"].as_array().unwrap().iter();
        all.map(|finding| finding["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let by_network = ids(MAPPING);
    let addresses = "addr = [\"10.77.0.3\", \"10.99.0.3\"]";
    let by_address = ids(&MAPPING.replace("cidr = [\"10.77.0.3/32\"]", addresses));
    assert_eq!(by_network, by_address);
    assert_ne!(by_network, ids(&MAPPING.replace("\"stock\"", "\"other\"")));
}

#[test]
fn services_that_claim_the_same_network_are_refused_with_both_places() {
    let text = "mapping-version = 1
[[service]]
name = \"payments\"
cidr = [\"10.0.2.0/24\"]

[[service]]
name = \"ledger\"
cidr = [\"10.0.2.0/24\"]
";
    let lab = Lab::new();
    let expected = [
        "error[mapping-overlap]: 10.0.2.0/24 belongs to both \"payments\" and \"ledger\"",
        " --> services.toml:4:9 and services.toml:8:9",
        "  = help: use addr = [...] for single hosts, or vni = ... / valid-from to tell them apart",
    ];
    with("text", &lab, text).refuses(2, &expected);
    lab.run(&["services", "check"]).refuses(2, &expected);
}

#[test]
fn what_is_wrong_in_the_file_is_pointed_at() {
    let lab = Lab::new();
    let key = "mapping-version = 1\n[[service]]\nname = \"a\"\nadr = \"10.0.0.1\"\n";
    let expected = [
        "error[mapping-key]: unknown key \"adr\" in [[service]]",
        " --> services.toml:4:1",
        "4 | adr = \"10.0.0.1\"",
        "  | ^^^ did you mean \"addr\"?",
    ];
    with("text", &lab, key).refuses(2, &expected);
    let value = "mapping-version = 1\n[[service]]\nname = \"a\"\ncidr = \"10.0.0.1/8\"\n";
    let expected = [
        "error[mapping-value]: \"10.0.0.1/8\" has bits set behind its length",
        "  |        ^^^^^^^^^^^^ write 10.0.0.0/8",
    ];
    with("text", &lab, value).refuses(2, &expected);
    let garbage = lab.file("services.toml", "= 1").run(&["services", "check"]);
    assert!(garbage.err.starts_with("error[mapping-unreadable]"), "{}", garbage.err);
    let missing = lab.run(&["services", "check", "no/such.toml"]);
    assert_eq!(missing.code, 2);
    let said = "error[mapping-unreadable]: cannot read no/such.toml";
    assert!(missing.err.starts_with(said), "{}", missing.err);
}

#[test]
fn check_says_how_many_there_are() {
    let lab = Lab::new();
    let run = lab.file("services.toml", MAPPING).run(&["services", "check"]);
    assert_eq!((run.code, run.out.as_str()), (0, "2 services and 0 groups are sound\n"), "{run:?}");
}

#[test]
fn resolve_says_which_entry_and_why() {
    let lab = Lab::new();
    lab.file("services.toml", MAPPING);
    let run = lab.run(&["services", "resolve", "10.77.0.3:9090"]);
    assert_eq!(run.code, 0, "{run:?}");
    let start =
        "10.77.0.3:9090 is stock (by cidr)\n  --> services.toml:7:9   cidr = [\"10.77.0.3/32\"]\n";
    assert!(run.out.starts_with(start), "{}", run.out);
    assert!(run.out.contains("  owner: team-stock@example.com\n  tier: critical\n"), "{}", run.out);
    let none = lab.run(&["services", "resolve", "10.9.9.9"]);
    assert_eq!(none.code, 1);
    assert!(none.out.starts_with("10.9.9.9 is in no entry"), "{}", none.out);
    let expected = ["error[mapping-address]: \"payments\" is no address"];
    lab.run(&["services", "resolve", "payments"]).refuses(2, &expected);
}

#[test]
fn what_is_imported_can_be_checked_and_is_never_overwritten() {
    let lab = Lab::new();
    lab.file("hosts", "127.0.0.1 localhost\n10.77.0.3 stock stock.internal\n10.77.0.2 orders\n");
    let arguments = ["services", "import", "hosts", "-o", "made.toml"];
    let run = lab.run(&arguments);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
    let checked = lab.run(&["services", "check", "made.toml"]);
    assert_eq!(checked.out, "2 services and 0 groups are sound\n");
    lab.run(&arguments).refuses(2, &["error[output-exists]: made.toml exists"]);
    let made = std::fs::read_to_string(lab.path("made.toml")).unwrap();
    let report = json(&with("json", &lab, &made));
    assert_eq!(report["edges"][0]["server"]["service"], "stock");
    let piped = lab.pipe(&["services", "import", "-"], b"10.0.0.1 a\n");
    assert!(piped.out.contains("name = \"a\"\naddr = [\"10.0.0.1\"]\n"), "{}", piped.out);
    let garbage = lab.file("garbage", "not a hosts file").run(&["services", "import", "garbage"]);
    assert_eq!(garbage.code, 2);
    assert!(garbage.err.starts_with("error[import-unreadable]"), "{}", garbage.err);
}
