//! What `--evidence` takes out of the samples: no secret, and enough that wirelint finds the same again.

#![cfg(test)]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "support/secrets.rs"]
mod secrets;
#[path = "support/truth.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod truth;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use program::{captures, name_of, wirelint};

/// The files that are written for one sample, by the findings they prove.
struct Taken {
    _folder: tempfile::TempDir,
    findings: Vec<(PathBuf, Json)>,
}

fn take(capture: &Path) -> Taken {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence");
    let mut arguments = vec!["check".to_owned(), "--exit-zero".to_owned()];
    arguments.extend(["--evidence".to_owned(), path.display().to_string()]);
    arguments.extend(truth::options(&truth::read(capture)));
    arguments.push(capture.display().to_string());
    let run = wirelint(arguments);
    assert!(matches!(run.code, 0 | 4), "{}: {}", capture.display(), run.err);
    let index: Json = serde_json::from_slice(&fs::read(path.join("index.json")).unwrap()).unwrap();
    let files = index["files"].as_array().unwrap().iter();
    let findings = files.map(|file| (path.join(file["file"].as_str().unwrap()), file.clone()));
    Taken { findings: findings.collect(), _folder: folder }
}

#[test]
fn no_secret_of_a_sample_is_in_its_evidence() {
    let mut searched = 0;
    for capture in captures() {
        let truth = truth::read(&capture);
        let secrets: Vec<String> = truth
            .get("secrets")
            .and_then(|list| list.as_array())
            .map(|list| list.iter().filter_map(|one| one.as_str()).map(str::to_owned).collect())
            .unwrap_or_default();
        if secrets.is_empty() {
            continue;
        }
        for (path, finding) in take(&capture).findings {
            let bytes = fs::read(&path).unwrap();
            searched += 1;
            for secret in &secrets {
                for (name, form) in secrets::forms(secret) {
                    let found = memchr::memmem::find(&bytes, &form).is_some();
                    assert!(!found, "{}: {finding}: {secret:?} as {name}", capture.display());
                }
            }
        }
    }
    assert!(searched > 50, "{searched}");
}

#[test]
fn most_evidence_shows_its_finding_again() {
    let (mut again, mut all) = (0_u32, 0_u32);
    let mut without: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    for capture in captures() {
        let mut options = truth::options(&truth::read(&capture));
        options.retain(|option| !option.contains("keylog"));
        for (path, finding) in take(&capture).findings {
            let mut arguments = vec!["check".to_owned(), "--exit-zero".to_owned()];
            arguments.extend(["--format", "concise"].map(str::to_owned));
            arguments.extend(options.clone());
            arguments.push(path.display().to_string());
            let run = wirelint(arguments);
            let rule = finding["rule"].as_str().unwrap();
            all += 1;
            if run.out.contains(&format!(" {rule} ")) {
                again += 1;
            } else {
                without.entry(rule.to_owned()).or_default().push(name_of(&capture));
            }
        }
    }
    // Shown when the test fails, or with --nocapture.
    eprintln!("{again} of {all} excerpts show their finding again; not: {without:#?}");
    assert!(again * 100 >= all * LEAST_PERCENT, "{again} of {all}: {without:#?}");
}

/// Share of the excerpts that show their finding again. It only rises.
const LEAST_PERCENT: u32 = 50;
