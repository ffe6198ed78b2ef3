//! Options of reports, and what a job of GitHub Actions is told besides.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Code;
use crate::model::{Diagnostic, Outcome, escape_text};
use crate::report::{SarifLocation, Style, Verdict, format};

/// How reports are made.
#[derive(Debug, Args)]
pub(super) struct FormatArgs {
    /// What this run is called where several come together, as in code scanning
    #[arg(long, value_name = "NAME", value_parser = category)]
    pub(super) category: Option<String>,
    /// Leave texts in CSV as they are, though a spreadsheet may run them
    #[arg(long)]
    pub(super) csv_raw: bool,
    /// Write into this folder the frames that prove each finding, with secrets blanked, as one small pcapng each
    #[arg(long, value_name = "DIR")]
    pub(super) evidence: Option<PathBuf>,
    /// Overwrite files that wirelint did not write
    #[arg(long)]
    pub(super) force: bool,
    /// Where results of SARIF point: the line of the policy, else of the services file (auto), one of policy, services and
    /// capture, or a file of the repository
    #[arg(long, value_name = "WHERE", default_value = "auto", value_parser = sarif_location)]
    pub(super) sarif_location: SarifLocation,
    /// Replace names and addresses in the HTML report by aliases
    #[arg(long)]
    pub(super) redact: bool,
    /// Whether to annotate a job of GitHub Actions and write its summary; auto asks GITHUB_ACTIONS
    #[arg(long, value_enum, default_value_t = Github::Auto, value_name = "WHEN")]
    pub(super) github: Github,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Github {
    Auto,
    On,
    Off,
}

/// A category becomes a part of identifiers.
fn category(word: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !word.is_empty() && word.len() <= 64 && word.chars().all(plain) {
        Ok(word.to_owned())
    } else {
        Err("expected at most 64 letters, digits, dots and dashes".to_owned())
    }
}

fn sarif_location(word: &str) -> Result<SarifLocation, String> {
    match word.trim() {
        "" => {
            Err("expected auto, policy, services, capture, or a file of the repository".to_owned())
        }
        word => Ok(SarifLocation::parse(word)),
    }
}

impl FormatArgs {
    /// What was asked for, in what the outcome tells of itself.
    pub(super) fn label(&self, outcome: &mut Outcome) {
        outcome.run.category = self.category.clone().unwrap_or_default();
    }

    /// How reports look, where `style` says how the terminal wants them.
    pub(super) fn on(&self, style: Style) -> Style {
        let sarif = self.sarif_location.clone();
        Style { raw_csv: self.csv_raw, sarif, redact: self.redact, ..style }
    }

    /// How reports in files look.
    pub(super) fn style(&self) -> Style {
        self.on(Style::default())
    }

    /// Whether a job of GitHub Actions listens.
    fn in_job(&self) -> bool {
        match self.github {
            Github::On => true,
            Github::Off => false,
            Github::Auto => std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        }
    }

    /// Annotates the job, when people read its log, and writes its summary and outputs.
    pub(super) fn tell_job(&self, outcome: &Outcome, shown: &Shown<'_>) -> Vec<Diagnostic> {
        if !self.in_job() {
            return Vec::new();
        }
        let mut wrong = Vec::new();
        if shown.format == "text" || shown.format == "concise" {
            let mut out = io::stdout().lock();
            let annotated = written("github", outcome).and_then(|bytes| out.write_all(&bytes));
            if let Err(error) = super::terminal::ignore_closed(annotated) {
                wrong.push(super::terminal::unwritable(&error));
            }
        }
        let summary = written("github-summary", outcome);
        wrong.extend(append("GITHUB_STEP_SUMMARY", summary));
        let failing = match Verdict::of(outcome) {
            Verdict::Failed { findings, .. } => findings,
            _ => 0,
        };
        let mut outputs = format!("findings={failing}\nexit-code={}\n", shown.code);
        if let Some(sarif) = &shown.sarif {
            outputs.push_str(&format!("sarif={}\n", escape_text(&sarif.to_string_lossy())));
        }
        wrong.extend(append("GITHUB_OUTPUT", Ok(outputs.into_bytes())));
        wrong
    }
}

/// What the job's log has already, and what it is told.
pub(super) struct Shown<'a> {
    /// The format on standard output.
    pub(super) format: &'a str,
    /// The code that the run will end with.
    pub(super) code: Code,
    /// Where a SARIF report was written.
    pub(super) sarif: Option<PathBuf>,
}

fn written(name: &str, outcome: &Outcome) -> io::Result<Vec<u8>> {
    let write = format(name).ok_or(io::ErrorKind::InvalidInput)?;
    let mut bytes = Vec::new();
    write(outcome, &Style::default(), &mut bytes)?;
    Ok(bytes)
}

/// Appends to the file that a variable of the job names, if it names one.
fn append(variable: &str, bytes: io::Result<Vec<u8>>) -> Option<Diagnostic> {
    let path = std::env::var_os(variable).filter(|path| !path.is_empty())?;
    let done = bytes.and_then(|bytes| {
        OpenOptions::new().append(true).create(true).open(&path)?.write_all(&bytes)
    });
    let error = done.err()?;
    let path = escape_text(&path.to_string_lossy());
    let message = format!("{path} cannot be written: {error}");
    Some(
        Diagnostic::error("output-unwritable", message)
            .note(format!("it is what {variable} names")),
    )
}
