use super::*;
use crate::model::fixture;

fn written(name: &str, lines: &[EdgeLine]) -> String {
    let (_, _, write) = EDGE_FORMATS.iter().find(|(known, ..)| *known == name).unwrap();
    let mut out = Vec::new();
    write(lines, &Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn lines() -> Vec<EdgeLine> {
    fixture::outcome().edges.iter().map(EdgeLine::of).collect()
}

#[test]
fn every_format_shows_every_edge() {
    let all: String = EDGE_FORMATS
        .iter()
        .map(|(name, ..)| {
            format!("{name}:\n{}\n", written(name, &lines()).replace("\r\n", "<CRLF>\n"))
        })
        .collect();
    insta::assert_snapshot!("edges", all);
}

#[test]
fn names_cannot_leave_their_labels() {
    let hostile = "x\"]; n0 -> n1 [label=\"`\\N|<script>alert(1)</script>#quot;%%";
    let mut lines = lines();
    lines[0].client = hostile.to_owned();
    lines[0].protocols = vec![hostile.to_owned()];
    let dot = written("dot", &lines);
    let arrows = dot.lines().filter(|line| line.split_whitespace().nth(1) == Some("->"));
    assert_eq!(arrows.count(), 2);
    for line in dot.lines().filter(|line| line.contains("label=")) {
        let bare = line.replace("\\\\", "").replace("\\\"", "");
        let inside = bare.split("label=\"").nth(1).unwrap();
        assert!(inside.split_once('"').unwrap().1.starts_with([']', ',']), "{line}");
    }
    let mermaid = written("mermaid", &lines);
    for line in mermaid.lines().filter(|line| line.contains('"')) {
        assert_eq!(line.matches('"').count(), 2, "{line}");
        assert!(!line.contains(['<', '`', '\\', '%']), "{line}");
    }
    let csv = written("csv", &[EdgeLine { client: "=1+1".into(), ..lines[1].clone() }]);
    assert!(csv.lines().nth(1).unwrap().starts_with("'=1+1,"));
}

#[test]
fn a_database_gives_the_edges_of_the_run() {
    use crate::store::{RunEnd, RunStart, Store};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    let start = RunStart { command: "check", started: Timestamp::default() };
    let end = RunEnd { ended: Timestamp::default(), exit_code: 0 };
    let mut outcome = fixture::outcome();
    crate::audit::grade(&mut outcome);
    Store::open(&path).unwrap().record(&outcome, &start, &end).unwrap();
    let sorted = |mut lines: Vec<EdgeLine>| {
        lines.sort_by(|a, b| a.server.cmp(&b.server));
        lines
    };
    let run: Vec<EdgeLine> = outcome.edges.iter().map(EdgeLine::of).collect();
    assert_eq!(sorted(stored_edges(&path).unwrap()), sorted(run));
}
