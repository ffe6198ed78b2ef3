//! `--evidence`: what it refuses, and what it leaves behind.

use std::path::PathBuf;

use serde_json::Value;
use wirelint::capture::Inputs;

use crate::bytes::pcap;
use crate::program::{BAD, GOOD, Lab, sample_bytes};

fn index(lab: &Lab) -> Value {
    serde_json::from_slice(&std::fs::read(lab.path("evidence/index.json")).unwrap()).unwrap()
}

#[test]
fn every_finding_with_frames_gets_a_file_named_by_its_identity() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").sample("mixed-posture.pcapng", "y.pcapng");
    let check = ["check", "x.pcapng", "y.pcapng", "--evidence", "evidence", "-o", "json=x.json"];
    assert_eq!(lab.run(&check).code, 1);
    let report: Value =
        serde_json::from_slice(&std::fs::read(lab.path("x.json")).unwrap()).unwrap();
    let proved = report["findings"].as_array().unwrap().iter().filter(|finding| {
        finding["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["frames"] != Value::Array(vec![]))
    });
    let ids: Vec<&str> = proved.map(|finding| finding["id"].as_str().unwrap()).collect();
    let index = index(&lab);
    let files = index["files"].as_array().unwrap();
    let told: Vec<&str> = files.iter().map(|file| file["id"].as_str().unwrap()).collect();
    assert_eq!(told, ids);
    for file in files {
        let name = file["file"].as_str().unwrap();
        assert_eq!(
            format!("wlf1:{}", name.strip_suffix(".pcapng").unwrap()),
            file["id"].as_str().unwrap()
        );
        assert!(file["frames"].as_array().unwrap().iter().any(|frame| frame["proves"] == true));
        assert_eq!(file["frames_missing"], Value::Array(vec![]), "{file}");
        let path = format!("evidence/{name}");
        let again = lab.run(&["check", &path, "--exit-zero"]);
        assert!(matches!(again.code, 0 | 4), "{again:#?}");
    }
    assert_eq!(lab.run(&check).code, 1, "its own folder is written to again");
}

#[cfg(unix)]
#[test]
fn the_folder_and_its_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    assert_eq!(lab.run(&["check", "x.pcapng", "--evidence", "a/evidence"]).code, 1);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&lab.path("a/evidence")), 0o700);
    for entry in std::fs::read_dir(lab.path("a/evidence")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn compressed_captures_give_the_same_evidence() {
    let lab = Lab::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &sample_bytes(BAD)).unwrap();
    lab.sample(BAD, "x.pcapng").file("x.pcapng.gz", packed.finish().unwrap());
    for (capture, folder) in [("x.pcapng", "plain"), ("x.pcapng.gz", "packed")] {
        assert_eq!(lab.run(&["check", capture, "--evidence", folder]).code, 1);
    }
    let names = |folder: &str| {
        let entries = std::fs::read_dir(lab.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("plain"), names("packed"));
    assert!(names("plain").len() > 1);
}

#[test]
fn a_stream_cannot_be_read_twice() {
    let lab = Lab::new();
    let said = lab.pipe(&["check", "-", "--evidence", "evidence"], &sample_bytes(GOOD));
    said.refuses(
        2,
        &["error[evidence-stream]: --evidence reads captures twice, and - can be read once"],
    );
    assert_eq!(lab.names(), [""; 0]);
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").file("evidence/notes.md", "mine");
    let check = ["check", "x.pcapng", "--evidence", "evidence"];
    lab.run(&check).refuses(
        2,
        &[
            "error[output-exists]: evidence exists and was not written by wirelint",
            "  = help: name a new folder, or use --force to add to it",
        ],
    );
    assert_eq!(lab.run(&[&check[..], &["--force"]].concat()).code, 1);
    assert_eq!(std::fs::read(lab.path("evidence/notes.md")).unwrap(), b"mine");
    lab.file("file", "x");
    let said = lab.run(&["check", "x.pcapng", "--evidence", "file", "--force"]);
    assert_eq!(said.code, 6, "{said:#?}");
    assert!(
        said.err.starts_with("error[output-unwritable]: file cannot be written: "),
        "{said:#?}"
    );
}

/// The frames of a capture, each within VXLAN (RFC 7348), as a pcap file.
fn within_network(capture: PathBuf, number: u32) -> Vec<u8> {
    let mut replay = Inputs::resolve(&[capture], false).unwrap().replay();
    let mut frames = Vec::new();
    while replay.advance().unwrap() {
        let frame = replay.current().unwrap().data;
        let size = |more: usize| u16::try_from(frame.len() + more).unwrap().to_be_bytes();
        let [_, a, b, c] = number.to_be_bytes();
        let ip =
            [&[0x45, 0][..], &size(36), &[0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]];
        let udp = [&4789_u16.to_be_bytes()[..], &4789_u16.to_be_bytes(), &size(16), &[0, 0]];
        let network = [8, 0, 0, 0, a, b, c, 0];
        let outer = [&[2; 12][..], &[8, 0], &ip.concat(), &udp.concat(), &network];
        frames.push([&outer.concat(), frame].concat());
    }
    pcap(1, &frames.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// The services file tells ends apart by what frames do not say, or say elsewhere than in their addresses.
#[test]
fn what_the_services_file_tells_apart_has_its_evidence_all_the_same() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").file("y.pcap", within_network(lab.path("x.pcapng"), 7));
    let server = "mapping-version = 1\n[[service]]\nname = 'api'\naddr = '10.77.0.3'\n";
    lab.file("x.toml", format!("{server}valid-from = 2026-01-01T00:00:00Z\n"));
    lab.file("y.toml", format!("{server}vni = 7\n"));
    for (capture, services) in [("x.pcapng", "x.toml"), ("y.pcap", "y.toml")] {
        let folder = format!("{services}.evidence");
        let check = ["check", capture, "--services", services, "--evidence", &folder];
        let said = lab.run(&check);
        assert!(said.out.contains("api:50051"), "{said:#?}");
        let index = std::fs::read(lab.path(&folder).join("index.json")).unwrap();
        let index: Value = serde_json::from_slice(&index).unwrap();
        let files = index["files"].as_array().unwrap();
        assert!(!files.is_empty(), "{services}");
        for file in files {
            assert_eq!(file["frames_missing"], Value::Array(vec![]), "{services}: {file}");
        }
    }
}
