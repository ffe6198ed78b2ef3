//! Captures that carry their keys or lie beside them: the verdict with keys and the one without.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{captures, wirelint};

/// A session, by its ends and the frame of its first packet.
type Ends = (String, u64, String, u64, u64);

/// Sessions of a capture.
fn sessions(capture: &Path, keylog: Option<&Path>) -> BTreeMap<Ends, Value> {
    let mut arguments: Vec<OsString> =
        ["check", "--format", "ndjson", "--quiet"].map(OsString::from).to_vec();
    arguments.push(capture.into());
    if let Some(keylog) = keylog {
        arguments.extend(["--keylog".into(), keylog.into()]);
    }
    let run = wirelint(arguments);
    assert!(matches!(run.code, 0 | 1 | 3 | 4), "{}: {}", capture.display(), run.err);
    let events = run.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["event_type"] == "session")
        .map(|event| {
            let text = |key: &str| event[key].as_str().unwrap().to_owned();
            let number = |key: &str| event[key].as_u64().unwrap();
            let ends = (
                text("src_ip"),
                number("src_port"),
                text("dest_ip"),
                number("dest_port"),
                number("pcap_cnt"),
            );
            (ends, event)
        })
        .collect()
}

/// What came of one comparison.
#[derive(Debug, Default)]
struct Figures {
    /// Sessions that keys opened, by version and suite.
    opened: BTreeMap<String, u64>,
    /// Of those, verdicts that were the same without keys, that could not be told, and that differed.
    same: u64,
    untold: u64,
    different: Vec<String>,
    do_not_fit: u64,
    unsupported: u64,
}

impl Figures {
    fn compare(&mut self, with: &BTreeMap<Ends, Value>, without: &BTreeMap<Ends, Value>) {
        for (ends, one) in with {
            match one["tls"]["keys"].as_str() {
                Some("fit") => {}
                Some("do-not-fit") => {
                    self.do_not_fit += 1;
                    continue;
                }
                Some("unsupported") => {
                    self.unsupported += 1;
                    continue;
                }
                _ => continue,
            }
            let version = one["tls"]["version"].as_str().unwrap_or("?");
            let suite = one["tls"]["cipher"].as_str().unwrap_or("?");
            *self.opened.entry(format!("{version} {suite}")).or_default() += 1;
            let other = &without[ends];
            let told = |event: &Value| {
                let posture = event["posture"].as_str().unwrap().to_owned();
                (posture, event["client_auth"].as_str().map(str::to_owned))
            };
            let (true_one, guess) = (told(one), told(other));
            let agrees = guess.0 == "tls-opaque"
                || guess.0 == true_one.0 && (guess.1.is_none() || guess.1 == true_one.1);
            if !agrees {
                let confidence = &other["posture_confidence"];
                self.different.push(format!(
                    "{ends:?}: {guess:?} without keys ({confidence}), {true_one:?} with them: {}",
                    one["tls"]["history"]
                ));
            } else if guess == true_one {
                self.same += 1;
            } else {
                self.untold += 1;
            }
        }
    }

    fn print(&self, name: &str) {
        eprintln!(
            "{name}: opened {}, same verdict without keys {}, could not be told {}, different {}, keys do not fit {}, \
             unsupported {}",
            self.opened.values().sum::<u64>(),
            self.same,
            self.untold,
            self.different.len(),
            self.do_not_fit,
            self.unsupported
        );
        self.opened.iter().for_each(|(suite, count)| eprintln!("  {count:5} {suite}"));
        self.different.iter().for_each(|line| eprintln!("  {line}"));
    }
}

/// Blocks of a pcapng file (little-endian sections) that hold keys are left out.
fn without_keys(capture: &[u8]) -> Option<Vec<u8>> {
    const SECRETS: u32 = 10;
    let mut kept = Vec::new();
    let mut rest = capture;
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let kind = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let length =
            usize::try_from(u32::from_le_bytes([head[4], head[5], head[6], head[7]])).ok()?;
        let (block, after) = rest.split_at_checked(length.max(12))?;
        if kind != SECRETS {
            kept.extend_from_slice(block);
        }
        rest = after;
    }
    (kept.len() < capture.len()).then_some(kept)
}

#[test]
fn samples_that_carry_keys_have_the_same_verdict_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut figures = Figures::default();
    for capture in captures() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&capture);
        let Some(bare) = without_keys(&std::fs::read(&path).unwrap()) else { continue };
        let copy = folder.path().join(capture.file_name().unwrap());
        std::fs::write(&copy, bare).unwrap();
        figures.compare(&sessions(&path, None), &sessions(&copy, None));
    }
    figures.print("samples");
    assert!(figures.different.is_empty(), "{:#?}", figures.different);
    assert_eq!(figures.do_not_fit, 0);
}

#[test]
fn captures_with_keys_beside_them_have_the_same_verdict_without_keys() {
    let Some(folder) = std::env::var_os("WIRELINT_KEYED_CAPTURES") else { return };
    let mut all = Figures::default();
    for (capture, keylog) in pairs(Path::new(&folder)) {
        let mut one = Figures::default();
        let (with, without) = (sessions(&capture, Some(&keylog)), sessions(&capture, None));
        one.compare(&with, &without);
        one.print(&capture.display().to_string());
        all.compare(&with, &without);
    }
    all.print("all");
    assert!(!all.opened.is_empty(), "nothing was opened in {}", folder.display());
    assert_eq!(all.do_not_fit, 0);
    assert!(all.different.iter().all(|one| !one.contains("certain")), "{:#?}", all.different);
}

/// Captures with their key logs.
fn pairs(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let stem = [".pcap", ".pcapng", ".pcap.gz", ".pcapng.gz"]
                .iter()
                .find_map(|end| name.strip_suffix(end))?;
            let log = |end: &str| {
                Some(path.with_file_name(format!("{stem}{end}"))).filter(|log| log.exists())
            };
            let log = log(".keys").or_else(|| log(".keys.gz"))?;
            Some((path.clone(), log))
        })
        .collect();
    found.sort();
    found
}
