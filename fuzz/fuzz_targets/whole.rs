//! Any bytes as a capture file, the whole way to every report: it comes to an end, reports hold nothing that a terminal
//! obeys, and neither the number of workers nor the size of a batch changes them.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use wirelint::audit::{Auditor, CaptureFacts, KeepSessions};
use wirelint::capture::Inputs;
use wirelint::engine::{Input, Options, replay};
use wirelint::identity::Directory;
use wirelint::model::{Outcome, RunInfo};
use wirelint::report::{FORMATS, Show, Style};
use wirelint::rule::RuleSet;
use wirelint_fuzz::assert_harmless;

static RULES: LazyLock<Arc<RuleSet>> =
    LazyLock::new(|| Arc::new(RuleSet::built_in().expect("sound rules")));

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("wirelint-fuzz-{}", std::process::id()))
});

/// Threads are costly to start: one input in so many is also run with several.
const THREADED: usize = 16;

fuzz_target!(|data: &[u8]| {
    fs::write(&*FILE, data).expect("space for one file");
    let one = audit(Options::default());
    let reports = one.as_ref().map(reports);
    for report in reports.iter().flatten() {
        assert_harmless(report);
    }
    if data.len() % THREADED == 0 {
        let other = audit(Options { workers: 3, round: 2 });
        assert!(reports == other.as_ref().map(self::reports), "workers change the reports");
    }
});

fn audit(options: Options) -> Option<Outcome> {
    let inputs = Inputs::resolve(&[FILE.clone()], false).ok()?;
    let rules = Arc::clone(&RULES);
    let mut auditor = Auditor::new(rules, Directory::new(), KeepSessions::All);
    let stop = AtomicBool::new(false);
    let input = Input {
        networks: Vec::new(),
        replay: inputs.replay(),
        filter: None,
        stop: &stop,
        run: RunInfo::default(),
        keys: std::sync::Arc::default(),
        progress: &|_| {},
    };
    let sink = &mut |_: &RunInfo, session| auditor.session(session, &mut |_| {});
    let end = replay(input, options, sink).ok()?;
    assert_eq!(end.failed_readers, 0);
    Some(auditor.finish(end.run, CaptureFacts { coverage: end.coverage, datagrams: end.datagrams }))
}

fn reports(outcome: &Outcome) -> Vec<Vec<u8>> {
    let style = Style { show: Show::All, width: 80, ..Style::default() };
    let written = FORMATS.iter().map(|(_, _, write)| {
        let mut out = Vec::new();
        write(outcome, &style, &mut out).expect("memory takes everything");
        out
    });
    written.collect()
}
