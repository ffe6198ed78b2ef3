//! What is said of a capture depends on its frames alone: not on the number of threads, not on how frames are batched.

#![cfg(test)]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use program::{Run, captures, wirelint};

const WORKERS: [usize; 4] = [1, 2, 3, 8];

/// Frames between two hand-overs.
const BATCHES: [u64; 4] = [4096, 1, 7, 64];

/// What one run says in every format.
#[derive(PartialEq, Eq)]
struct Said {
    code: i32,
    text: String,
    concise: String,
    json: String,
    ndjson: String,
}

#[test]
fn every_sample_gives_the_same_bytes_however_it_is_read() {
    // One batch for each number of workers, and another one for the next sample.
    for (turn, capture) in captures().into_iter().enumerate() {
        let batches = (0..BATCHES.len()).map(|place| BATCHES[(place + turn) % BATCHES.len()]);
        let ways: Vec<_> = WORKERS.into_iter().zip(batches).collect();
        assert_one_answer(&[capture], &ways);
    }
}

#[test]
fn all_samples_in_one_run_give_the_same_bytes_however_they_are_read() {
    let ways: Vec<_> = WORKERS.iter().flat_map(|&n| BATCHES.map(|batch| (n, batch))).collect();
    assert_one_answer(&captures(), &ways);
}

#[test]
fn a_second_run_gives_the_same_bytes() {
    let all = captures();
    assert!(said(&all, (3, 64)) == said(&all, (3, 64)));
}

#[track_caller]
fn assert_one_answer(captures: &[PathBuf], ways: &[(usize, u64)]) {
    let first = said(captures, (1, 4096));
    for way in ways {
        let other = said(captures, *way);
        for (format, one, two) in [
            ("text", &first.text, &other.text),
            ("concise", &first.concise, &other.concise),
            ("json", &first.json, &other.json),
            ("ndjson", &first.ndjson, &other.ndjson),
        ] {
            let difference = one.lines().zip(two.lines()).find(|(a, b)| a != b);
            assert!(one == two, "{captures:?} {way:?} {format}: {difference:?}");
        }
        assert_eq!(first.code, other.code, "{captures:?} {way:?}");
    }
}

fn said(captures: &[PathBuf], (workers, batch): (usize, u64)) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = |format: &str| folder.path().join(format);
    let output = |format: &str| format!("{format}={}", file(format).display());
    let options = [
        "check".to_owned(),
        "--all".to_owned(),
        "--keep-sessions=all".to_owned(),
        format!("--workers={workers}"),
        format!("--batch={batch}"),
        format!("--output={}", output("concise")),
        format!("--output={}", output("json")),
        format!("--output={}", output("ndjson")),
    ];
    let options = options.iter().map(OsStr::new);
    let run = wirelint(options.chain(captures.iter().map(|path| path.as_os_str())));
    let Run { code, out, err } = run;
    assert!(matches!(code, 0 | 1 | 4), "{captures:?}: {code} {err}");
    let read = |format: &str| fs::read_to_string(file(format)).unwrap();
    Said { code, text: out, concise: read("concise"), json: read("json"), ndjson: read("ndjson") }
}
