//! Several sources as one run.

use std::fs;
use std::path::{Path, PathBuf};

use super::bytes::{LITTLE, plain_pcap, plain_pcapng};
use super::drain;
use super::formats::gzip;
use crate::capture::{CaptureError, FrameSource as _, Inputs, Replay};
use crate::model::{FrameNo, RunInfo};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("b.pcapng", &plain_pcapng());
    write("a.pcap.gz", &gzip(&plain_pcap()));
    write("c.pcap", &plain_pcap()[..80]);
    write("d", &LITTLE.pcap_header(0xa1b2_c3d4, 0, 1));
    write("notes.md", b"# notes");
    write("notes.gz", &gzip(b"# notes"));
    write("empty.pcap", b"");
    fs::create_dir(folder.path().join("deeper")).unwrap();
    write("deeper/e.pcap", &plain_pcap());
    folder
}

fn resolve(paths: &[&Path], recursive: bool) -> Result<Inputs, CaptureError> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| (*path).to_owned()).collect();
    Inputs::resolve(&paths, recursive)
}

fn names(inputs: &Inputs) -> Vec<String> {
    let last = |name: String| name.rsplit('/').next().unwrap_or_default().to_owned();
    inputs.names().map(last).collect()
}

fn refused(path: &Path) -> CaptureError {
    resolve(&[path], false).err().unwrap()
}

#[test]
fn a_folder_stands_for_its_captures_by_name() {
    let folder = folder();
    let inputs = resolve(&[folder.path()], false).unwrap();
    assert_eq!(names(&inputs), ["a.pcap.gz", "b.pcapng", "c.pcap", "d"]);
    let inputs = resolve(&[folder.path()], true).unwrap();
    assert_eq!(names(&inputs), ["a.pcap.gz", "b.pcapng", "c.pcap", "d", "e.pcap"]);
}

#[test]
fn a_pattern_stands_for_the_files_it_matches() {
    let folder = folder();
    let inputs = resolve(&[&folder.path().join("?.pcap*")], false).unwrap();
    assert_eq!(names(&inputs), ["a.pcap.gz", "b.pcapng", "c.pcap"]);
}

#[test]
fn frames_are_numbered_through_and_each_source_is_told() {
    let folder = folder();
    let mut replay = resolve(&[folder.path()], false).unwrap().replay();
    let numbers: Vec<u64> = drain(&mut replay).iter().map(|kept| kept.0).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<u64>>());

    let told: Vec<(u64, u64, u64)> = replay
        .sources()
        .iter()
        .map(|source| (source.info.first_frame.0, source.info.frames, source.info.bytes))
        .collect();
    assert_eq!(told, [(1, 3, 21), (4, 3, 21), (7, 2, 5), (9, 0, 0)]);
    assert_eq!(replay.incomplete().len(), 1);
    assert_eq!(replay.incomplete()[0].code, "truncated-capture");
    assert_eq!(replay.secrets().key_log(), b"CLIENT_RANDOM 00 11\n");

    let sources = replay.sources().iter().map(|source| source.info.clone()).collect();
    let run = RunInfo { sources, ..RunInfo::default() };
    let located = run.locate(FrameNo(6)).unwrap();
    assert!(located.source.ends_with("b.pcapng"));
    assert_eq!(located.number, 3);
}

#[test]
fn the_index_tells_when_a_new_source_begins() {
    let folder = folder();
    let mut replay = resolve(&[folder.path()], false).unwrap().replay();
    let mut indices = Vec::new();
    while replay.next().unwrap().is_some() {
        indices.push(replay.index());
    }
    assert_eq!(indices, [0, 0, 0, 1, 1, 1, 2, 2]);
}

#[test]
fn progress_counts_stored_bytes_up_to_the_total() {
    let folder = folder();
    let mut replay = resolve(&[folder.path()], false).unwrap().replay();
    let progress = replay.progress();
    assert_eq!(progress.consumed(), 0);
    drain(&mut replay);
    assert_eq!(Some(progress.consumed()), progress.total());
}

#[test]
fn a_source_that_vanishes_is_an_error_and_the_numbers_go_on_behind_it() {
    let folder = folder();
    let mut replay = resolve(&[folder.path()], false).unwrap().replay();
    fs::remove_file(folder.path().join("b.pcapng")).unwrap();
    for _ in 0..3 {
        assert!(replay.next().unwrap().is_some());
    }
    assert_eq!(replay.next().unwrap_err().code(), "input-unreadable");
    assert_eq!(replay.next().unwrap().unwrap().at.frame, FrameNo(4));
}

#[test]
fn a_run_may_be_read_by_a_thread_of_its_own() {
    fn is_send<T: Send>() {}
    is_send::<Replay>();
    is_send::<crate::capture::Filter>();
}

#[test]
fn a_run_that_is_ended_early_tells_what_it_read() {
    let folder = folder();
    let mut replay: Replay = resolve(&[folder.path()], false).unwrap().replay();
    replay.next().unwrap();
    replay.finish();
    assert!(replay.next().unwrap().is_none());
    assert_eq!(replay.sources().len(), 1);
    assert_eq!(replay.sources()[0].info.frames, 1);
}

#[test]
fn a_path_that_names_nothing_suggests_one_that_does() {
    let folder = folder();
    let shown = refused(&folder.path().join("bb.pcapng")).diagnostic();
    assert_eq!(shown.code, "input-missing");
    assert!(shown.message.starts_with("no such file: "), "{shown:?}");
    assert_eq!(shown.helps, [format!("did you mean {}/b.pcapng?", folder.path().display())]);
}

#[test]
fn a_pattern_without_a_match_says_what_there_is() {
    let folder = folder();
    let shown = refused(&folder.path().join("*.cap")).diagnostic();
    assert_eq!(shown.code, "input-glob-empty");
    assert!(shown.notes[0].contains("holds 8 files: a.pcap.gz, b.pcapng, "), "{shown:?}");
}

#[test]
fn a_named_file_must_be_a_capture_and_a_folder_must_hold_one() {
    let folder = folder();
    assert_eq!(refused(&folder.path().join("notes.md")).code(), "not-a-capture");
    assert_eq!(refused(&folder.path().join("empty.pcap")).code(), "empty-file");
    let deeper = folder.path().join("deeper");
    fs::remove_file(deeper.join("e.pcap")).unwrap();
    assert_eq!(refused(&deeper).code(), "input-glob-empty");
    assert_eq!(refused(&deeper.join("e.pcap/x")).code(), "input-missing");
}

#[test]
fn names_that_move_a_terminal_are_escaped() {
    let shown = refused(Path::new("/nowhere/\u{1b}[31m.pcap")).diagnostic();
    assert_eq!(shown.message, "no such file: /nowhere/\\u{1b}[31m.pcap");
}
