//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::authorities::Bundle;
use super::baseline::BaselineCommand;
use super::config::{ConfigCommand, Written};
use super::formats::FormatArgs;
use super::gate::GateArgs;
use super::shell::Shell;
use crate::audit::KeepSessions;
use crate::model::Severity;
use crate::report::{FORMATS, ROW_FORMATS};

/// Tells, per edge between two services, whether the connection is mutual TLS, and proves it from packets.
#[derive(Debug, Parser)]
#[command(name = "wirelint", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 passed, 1 findings, 2 usage or input, 3 nothing to audit, 4 evidence \
    incomplete, 5 device or permission, 6 storage, 70 a bug, 130 interrupted."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Read this configuration file
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, global = true, conflicts_with = "config")]
    pub(super) isolated: bool,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = When::Auto, global = true, value_name = "WHEN")]
    pub(super) color: When,
    /// Draw with ASCII only
    #[arg(long, global = true)]
    pub(super) ascii: bool,
    /// Say less: once no notes and no progress, twice only errors
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(super) quiet: u8,
    /// Show no progress
    #[arg(long, global = true)]
    pub(super) no_progress: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Audit capture files and set the exit code
    #[command(alias = "replay")]
    Check(Box<Check>),
    /// Look at a database, or at captures, in the terminal
    Tui(Box<super::tui::Tui>),
    /// What a rule or a finding means, why it matters, how to fix it
    Explain {
        /// Code or name of the rule, as WL2001 or obsolete-version-negotiated; or the id of a finding, as wlf1:5f0c
        rule: String,
        /// The database that the finding is in
        #[arg(long, value_name = "FILE", default_value = "wirelint.db")]
        db: PathBuf,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Who talks to whom, secured or not, with grades
    Edges(Box<super::edges::Edges>),
    /// List, check and test rules
    #[command(subcommand)]
    Rules(Rules),
    /// Audit live traffic: an interface, or a packet file that is still being written
    Watch(Box<super::watch::WatchArgs>),
    /// Can I capture here, and what is missing
    Doctor(super::doctor::DoctorArgs),
    /// Check, ask and make files that say who is who
    #[command(subcommand)]
    Services(super::services::Command),
    /// Ask a database of results
    #[command(subcommand)]
    Db(Db),
    /// Write down which findings are known and accepted
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Show, check and begin the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions of a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the page of the manual, or write those of all commands into a folder
    Man {
        /// The folder
        dir: Option<PathBuf>,
    },
    /// Learn, check and compare policies: who may talk to whom, and how
    #[command(subcommand)]
    Policy(super::policy::PolicyCommand),
}

impl Command {
    /// Whether the configuration gives its options their defaults. What writes or explains the configuration, or needs
    /// none, works with a broken one.
    pub(super) fn is_configured(&self) -> bool {
        !matches!(self, Self::Config(_) | Self::Completions { .. } | Self::Man { .. })
    }
}

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) audit: AuditArgs,
    #[command(flatten)]
    pub(super) formats: FormatArgs,
    /// The lowest severity that fails the run: info, low, medium, high, critical or never
    #[arg(long, value_name = "LEVEL", default_value = "high", value_parser = fail_on)]
    pub(super) fail_on: FailOn,
    /// Whether incomplete evidence fails the run
    #[arg(long, value_enum, default_value_t = OnIncomplete::Fail, value_name = "WHAT")]
    pub(super) on_incomplete: OnIncomplete,
    /// Pass although nothing could be audited
    #[arg(long)]
    pub(super) allow_empty: bool,
    /// Report, and never fail because of findings
    #[arg(long)]
    pub(super) exit_zero: bool,
    /// What to print: text, concise, json, ndjson, sarif, junit, github, markdown, csv-edges ... (docs/formats.md)
    #[arg(long, value_name = "FMT", default_value = "text", value_parser = report_format)]
    pub(super) format: &'static str,
    /// Also write a report to a file; may be given several times
    #[arg(short, long, value_name = "FMT=PATH", value_parser = output)]
    pub(super) output: Vec<Output>,
    /// Show every finding in text
    #[arg(long)]
    pub(super) all: bool,
    /// List the findings too that the baseline accepts
    #[arg(long)]
    pub(super) show_suppressed: bool,
    /// Keep the results in this SQLite file
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// Which sessions are kept in json and the database: samples, all or none
    #[arg(long, value_name = "WHICH", default_value = "samples", value_parser = keep_sessions)]
    pub(super) keep_sessions: KeepSessions,
}

/// What is audited, and by what: the same for every command that reads captures.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Capture files (pcap or pcapng, also .gz and .zst), folders of them, or - for standard input
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// The same as PATH
    #[arg(short, long = "read", value_name = "PATH")]
    pub(super) read: Vec<PathBuf>,
    /// Look into folders within folders
    #[arg(long)]
    pub(super) recursive: bool,
    /// Audit only frames that this BPF filter lets through (man pcap-filter)
    #[arg(short, long, value_name = "BPF")]
    pub(super) filter: Option<String>,
    /// The same, from a file
    #[arg(short = 'F', long, value_name = "FILE", conflicts_with = "filter")]
    pub(super) filter_file: Option<PathBuf>,
    /// Judge chains against these authorities (PEM or DER); may be given several times
    #[arg(long, value_name = "[NAME=]PEM", value_parser = super::authorities::bundle)]
    pub(super) trust: Vec<Bundle>,
    /// Certificates that were revoked (PEM or DER); may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) crl: Vec<PathBuf>,
    /// Decrypt with this key log (SSLKEYLOGFILE); may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) keylog: Vec<PathBuf>,
    /// Who is who (services.toml); may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) services: Vec<PathBuf>,
    /// Judge edges by this policy: who may talk to whom, and how
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(super) rules: RuleArgs,
    #[command(flatten)]
    pub(super) gate: GateArgs,
    /// Threads that follow connections; the result does not depend on it
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) workers: usize,
    /// Frames between two hand-overs to the auditor; the result does not depend on it
    #[arg(long, value_name = "N", default_value_t = 4096, hide = true)]
    pub(super) batch: u64,
}

/// Which rules are in force.
#[derive(Debug, Args)]
pub(super) struct RuleArgs {
    /// Add rule files, or folders of them
    #[arg(long = "rules", value_name = "PATH")]
    pub(super) rule_paths: Vec<PathBuf>,
    /// Use only these rules: codes, names, beginnings of codes, or ALL
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(super) select: Vec<String>,
    /// Leave these rules out
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub(super) ignore: Vec<String>,
    /// Give a rule another severity, as WL2004=low
    #[arg(long, value_delimiter = ',', value_name = "RULE=LEVEL")]
    pub(super) severity: Vec<String>,
    /// Set an option of a rule, as expires-soon.days=14; may be given several times
    #[arg(long, value_name = "RULE.KEY=VALUE")]
    pub(super) option: Vec<String>,
    /// Severities and options of the configuration. They are not replaced by those of the command line but come before.
    #[arg(long, hide = true)]
    pub(super) config_severity: Vec<String>,
    #[arg(long, hide = true)]
    pub(super) config_option: Vec<String>,
    /// What of all these the configuration says, and where.
    #[arg(long, hide = true, value_parser = Written::parse)]
    pub(super) config_written: Vec<Written>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// List the rules in force
    List {
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Print the file of a rule
    Show {
        /// Code or name
        rule: String,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Print the beginning of a rule file of your own
    New {
        /// Its code, as ACME101
        code: String,
        /// Its name, as payments-in-clear
        name: String,
    },
    /// Check rule files without traffic
    Check {
        /// Rule files, or folders of them
        paths: Vec<PathBuf>,
    },
    /// Run the tests embedded in rules
    Test {
        /// Rule files, or folders of them, besides the built-in ones
        paths: Vec<PathBuf>,
    },
    /// List the fields that rules can ask
    Fields {
        /// Only fields whose name begins so, as tls.
        prefix: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Ask in SQL; the views v_runs, v_findings, v_edges, v_sessions, v_certificates and v_service_posture are stable
    Query {
        /// One SELECT
        sql: String,
        /// The database
        #[arg(long, value_name = "FILE", default_value = "wirelint.db")]
        db: PathBuf,
        /// table, csv, json or ndjson
        #[arg(long, value_name = "FMT", default_value = "table", value_parser = row_format)]
        format: &'static str,
        /// Give up after this many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 30)]
        timeout: u64,
    },
}

/// `--fail-on`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FailOn(pub(super) Option<Severity>);

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum OnIncomplete {
    Fail,
    Warn,
}

/// `-o FMT=PATH`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Output {
    pub(super) format: &'static str,
    pub(super) path: PathBuf,
}

pub(super) fn fail_on(word: &str) -> Result<FailOn, String> {
    if word == "never" {
        return Ok(FailOn(None));
    }
    Severity::parse(word)
        .map(|level| FailOn(Some(level)))
        .ok_or_else(|| "expected info, low, medium, high, critical or never".to_owned())
}

fn report_format(word: &str) -> Result<&'static str, String> {
    one_of(FORMATS.iter().map(|(name, ..)| *name), word)
}

fn row_format(word: &str) -> Result<&'static str, String> {
    one_of(ROW_FORMATS.iter().map(|(name, ..)| *name), word)
}

pub(super) fn one_of(
    names: impl Iterator<Item = &'static str>,
    word: &str,
) -> Result<&'static str, String> {
    let names: Vec<_> = names.collect();
    let found = names.iter().find(|name| **name == word).copied();
    found.ok_or_else(|| format!("expected {}", names.join(", ")))
}

fn output(word: &str) -> Result<Output, String> {
    let (format, path) = word.split_once('=').ok_or("expected FORMAT=PATH, as json=report.json")?;
    if path.is_empty() {
        return Err("a path is missing after the equals sign".to_owned());
    }
    Ok(Output { format: report_format(format)?, path: path.into() })
}

pub(super) fn keep_sessions(word: &str) -> Result<KeepSessions, String> {
    match word {
        "samples" => Ok(KeepSessions::Samples),
        "all" => Ok(KeepSessions::All),
        "none" => Ok(KeepSessions::None),
        _ => Err("expected samples, all or none".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
