//! `--evidence DIR`: one small capture per finding, and an index.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::audit::Refusal;
use super::output::Whole;
use super::{STORAGE, USAGE};
use crate::capture::{Inputs, PcapNgWriter, Written};
use crate::excerpt::{Excerpt, Kept, excerpts, left_out};
use crate::model::{Diagnostic, Finding, Outcome, RunInfo, escape_text};

/// The name and version of the index.
const SCHEMA: &str = "wirelint.evidence/1";

const INDEX: &str = "index.json";

/// A folder for evidence, and the captures that it is taken from.
pub(super) struct Folder {
    path: PathBuf,
    inputs: Inputs,
}

impl Folder {
    /// Makes the folder, so that one that cannot be written to is known before any work.
    ///
    /// # Errors
    /// A capture can be read only once; the folder holds what wirelint did not write; it cannot be made.
    pub(super) fn begin(path: &Path, inputs: Inputs, force: bool) -> Result<Self, Refusal> {
        if let Some(name) = inputs.stream() {
            let message = format!("--evidence reads captures twice, and {name} can be read once");
            let error = Diagnostic::error("evidence-stream", message)
                .help("keep it in a file first: tcpdump -w run.pcap ...; wirelint check run.pcap --evidence DIR");
            return Err((vec![error], USAGE));
        }
        if !force && holds_others(path) {
            let shown = shown(path);
            let message = format!("{shown} exists and was not written by wirelint");
            let error = Diagnostic::error("output-exists", message)
                .help("name a new folder, or use --force to add to it");
            return Err((vec![error], USAGE));
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| (vec![unwritable(path, &error)], STORAGE))?;
        Ok(Self { path: path.to_owned(), inputs })
    }

    /// Reads the captures again and writes a file for each finding.
    pub(super) fn write(self, outcome: &Outcome) -> Vec<Diagnostic> {
        let taken = match excerpts(outcome, self.inputs.clone().replay()) {
            Ok(taken) => taken,
            Err(error) => return vec![error.diagnostic()],
        };
        let mut wrong = Vec::new();
        let mut entries = Vec::new();
        for excerpt in taken.iter().filter(|one| !one.frames.is_empty()) {
            let Some(finding) = outcome.findings.iter().find(|one| one.id == excerpt.id) else {
                continue;
            };
            let name = file_name(finding);
            match write_one(&self.path.join(&name), &outcome.run, finding, excerpt) {
                Ok(()) => entries.push(Entry::of(&outcome.run, finding, excerpt, name)),
                Err(error) => wrong.push(unwritable(&self.path.join(name), &error)),
            }
        }
        let index = Index {
            schema: SCHEMA,
            version: &outcome.run.version,
            findings_without_file: outcome.findings.len().saturating_sub(entries.len()),
            findings_left_out: left_out(outcome),
            files: entries,
        };
        let path = self.path.join(INDEX);
        if let Err(error) = write_index(&path, &index) {
            wrong.push(unwritable(&path, &error));
        }
        wrong
    }
}

/// The name of a finding's file: made of its identity, never of traffic.
fn file_name(finding: &Finding) -> String {
    format!("{}.pcapng", finding.id.to_string().trim_start_matches("wlf1:"))
}

fn holds_others(path: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(path) else { return path.exists() };
    if entries.next().is_none() {
        return false;
    }
    let index = fs::read_to_string(path.join(INDEX));
    !index.is_ok_and(|text| text.contains(SCHEMA))
}

fn write_one(path: &Path, run: &RunInfo, finding: &Finding, excerpt: &Excerpt) -> io::Result<()> {
    let mut whole = Whole::begin(path)?;
    let written = write_frames(&mut whole, run, finding, excerpt);
    match written {
        Ok(()) => whole.finish(),
        Err(error) => {
            whole.abandon();
            Err(error)
        }
    }
}

fn write_frames(
    out: &mut Whole,
    run: &RunInfo,
    finding: &Finding,
    excerpt: &Excerpt,
) -> io::Result<()> {
    let about = format!(
        "{} {} {}: {}. Taken from a capture by wirelint; application bytes and secrets are overwritten.",
        finding.rule, finding.rule_name, finding.id, finding.message
    );
    let mut writer = PcapNgWriter::new(out, &about)?;
    for frame in &excerpt.frames {
        let comment = comment(run, finding, frame);
        writer.frame(&Written {
            time: frame.at.time,
            link: frame.link,
            data: &frame.data,
            wire_length: frame.wire_length,
            comment: &comment,
        })?;
    }
    Ok(())
}

/// `frame 118 of staging.pcapng, proves WL1001 plaintext-rpc (wlf1:...); 120 bytes blanked`.
fn comment(run: &RunInfo, finding: &Finding, frame: &Kept) -> String {
    let place = run.locate(frame.at.frame);
    let place =
        place.map_or_else(String::new, |at| format!("frame {} of {}, ", at.number, at.source));
    let what = if frame.proof { "proves" } else { "context of" };
    let blanked = match frame.blanked {
        0 => String::new(),
        1 => "; 1 byte blanked".to_owned(),
        bytes => format!("; {bytes} bytes blanked"),
    };
    format!("{place}{what} {} {} ({}){blanked}", finding.rule, finding.rule_name, finding.id)
}

#[derive(Serialize)]
struct Index<'a> {
    schema: &'static str,
    version: &'a str,
    findings_without_file: usize,
    findings_left_out: usize,
    files: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    file: String,
    id: String,
    rule: &'a str,
    rule_name: &'a str,
    severity: &'static str,
    message: &'a str,
    frames: Vec<FrameEntry>,
    frames_missing: Vec<u64>,
}

#[derive(Serialize)]
struct FrameEntry {
    number: usize,
    capture: Option<String>,
    frame: u64,
    proves: bool,
    blanked_bytes: usize,
}

impl<'a> Entry<'a> {
    fn of(run: &RunInfo, finding: &'a Finding, excerpt: &Excerpt, file: String) -> Self {
        let frames = excerpt.frames.iter().enumerate().map(|(at, frame)| {
            let place = run.locate(frame.at.frame);
            FrameEntry {
                number: at.saturating_add(1),
                frame: place.as_ref().map_or(frame.at.frame.0, |place| place.number),
                capture: place.map(|place| place.source),
                proves: frame.proof,
                blanked_bytes: frame.blanked,
            }
        });
        Self {
            file,
            id: finding.id.to_string(),
            rule: &finding.rule,
            rule_name: &finding.rule_name,
            severity: finding.severity.name(),
            message: &finding.message,
            frames: frames.collect(),
            frames_missing: excerpt.missing.iter().map(|number| number.0).collect(),
        }
    }
}

fn write_index(path: &Path, index: &Index<'_>) -> io::Result<()> {
    let mut whole = Whole::begin(path)?;
    let written = serde_json::to_writer_pretty(&mut whole, index).map_err(io::Error::from);
    match written.and_then(|()| whole.write_all(b"\n")) {
        Ok(()) => whole.finish(),
        Err(error) => {
            whole.abandon();
            Err(error)
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("{} cannot be written: {error}", shown(path));
    Diagnostic::error("output-unwritable", message)
        .help("name a folder that you may write to, on a disk with room")
}

fn shown(path: &Path) -> String {
    escape_text(&path.to_string_lossy())
}
