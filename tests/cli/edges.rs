//! Who talks to whom, from captures and from databases.

use serde_json::Value;

use crate::program::Lab;

/// One port that speaks TLS and plaintext.
const MIXED: &str = "mixed-posture.pcapng";

fn lab() -> Lab {
    let lab = Lab::new();
    lab.sample(MIXED, "x.pcapng");
    lab
}

fn edges(lab: &Lab, arguments: &[&str]) -> Vec<Value> {
    let all: Vec<&str> =
        ["edges"].iter().chain(arguments).chain(&["--format", "json"]).copied().collect();
    let run = lab.run(&all);
    assert_eq!(run.code, 0, "{run:#?}");
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn captures_and_the_database_made_of_them_give_the_same_edges() {
    let lab = lab();
    assert_eq!(lab.run(&["check", "x.pcapng", "--db", "w.db"]).code, 1);
    let (read, stored) = (edges(&lab, &["x.pcapng"]), edges(&lab, &["--db", "w.db"]));
    assert_eq!(read, stored);
    assert_eq!(read[0]["grade"], "F");
    assert_eq!(read[0]["posture"], "plaintext");
    assert_eq!(read[0]["sessions"], 2);
}

#[test]
fn findings_do_not_change_the_code() {
    let run = lab().run(&["edges", "x.pcapng"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:#?}");
    assert!(run.out.contains("CLIENT") && run.out.contains("api.shop.test:8443"), "{run:#?}");
}

#[test]
fn edges_are_chosen_by_posture_and_time() {
    let lab = lab();
    assert_eq!(edges(&lab, &["x.pcapng", "--posture", "mtls"]).len(), 0);
    assert_eq!(edges(&lab, &["x.pcapng", "--posture", "mtls,plaintext"]).len(), 1);
    assert_eq!(edges(&lab, &["x.pcapng", "--since", "1h"]).len(), 1);
    assert_eq!(edges(&lab, &["x.pcapng", "--since", "2199-01-01"]).len(), 0);
    assert_eq!(edges(&lab, &["x.pcapng", "--since", "1970-01-01"]).len(), 1);
}

#[test]
fn graphs_name_parties_by_numbers() {
    let lab = lab();
    let dot = lab.run(&["edges", "x.pcapng", "--format", "dot"]).out;
    assert!(dot.starts_with("digraph wirelint {") && dot.contains("n0 -> n1 [label="), "{dot}");
    let mermaid = lab.run(&["edges", "x.pcapng", "--format", "mermaid"]).out;
    assert!(mermaid.starts_with("flowchart LR\n  n0[\"10.77.0.2\"]"), "{mermaid}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let lab = lab();
    for arguments in [
        &["edges", "x.pcapng", "--db", "w.db"][..],
        &["edges", "x.pcapng", "--posture", "safe"],
        &["edges", "x.pcapng", "--since", "yesterday"],
        &["edges", "x.pcapng", "--format", "png"],
        &["edges"],
    ] {
        assert_eq!(lab.run(arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(lab.run(&["edges", "--db", "none.db"]).code, 6);
}
