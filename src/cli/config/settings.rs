//! The table of settings. Everything about them derives from it: reading the file, the environment, `config show`,
//! `config schema`, `config init` and the page.
//!
//! **To add a setting**: one line here, for an option that a command has. Its value becomes what the option is by
//! default, so that nothing else needs to know of it.

use crate::edge::deliver::{SyslogAddress, WebhookAddress};
use crate::report::FORMATS;

/// A key of `wirelint.toml`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// The table that it is in.
    pub(super) section: &'static str,
    /// Its name there.
    pub(super) key: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
    /// What holds without it, as the file would say it; empty for nothing.
    pub(super) default: &'static str,
    /// What it is for.
    pub(super) doc: &'static str,
    /// The option (clap's id) that it is the default of.
    pub(super) option: &'static str,
    /// An option that a command must have besides, where the name alone means something else in other commands.
    pub(super) beside: &'static str,
}

/// What a setting takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `true` or `false`.
    Flag,
    /// One of these words; first how such a word is called.
    Word(&'static str, fn() -> Vec<&'static str>),
    /// A whole number, at most this.
    Number(u64),
    /// A share in percent.
    Percent,
    /// Any text.
    Text,
    /// A text that must be sound; first what it is, in words.
    Checked(&'static str, fn(&str) -> bool),
    /// The same, for what may hold a secret and is not shown.
    Hidden(&'static str, fn(&str) -> bool),
    /// A list of texts.
    Texts,
    /// A file; relative to the folder of the configuration.
    Path,
    /// A list of files.
    Paths,
    /// A list of `NAME=FILE` or `FILE`.
    NamedPaths,
    /// A list of `FORMAT=FILE`.
    Outputs,
    /// A table from rules to levels.
    Levels,
    /// A table from rules to tables of their options.
    Options,
}

/// All settings, by section.
#[rustfmt::skip]
pub(super) static SETTINGS: &[Setting] = &[
    setting("input", "paths", Kind::Paths, "[]", "captures, folders or patterns that are read when no PATH is given", "paths", "keylog"),
    setting("input", "recursive", Kind::Flag, "false", "look into folders within folders", "recursive", ""),
    setting("input", "filter", Kind::Text, "", "BPF; it sees the outermost packet", "filter", "rule_paths"),
    setting("input", "keylog", Kind::Paths, "[]", "key logs (SSLKEYLOGFILE) to decrypt with", "keylog", ""),
    setting("input", "workers", Kind::Number(1024), "1", "threads that follow connections; the result does not depend on it", "workers", ""),
    setting("input", "on-incomplete", Kind::Word("way to take incomplete evidence", on_incomplete), "\"fail\"", "whether incomplete evidence fails the run", "on_incomplete", ""),
    setting("rules", "paths", Kind::Paths, "[]", "rule files or folders of them, added to the built-in rules", "rule_paths", ""),
    setting("rules", "select", Kind::Texts, "[]", "use only these rules: codes, names, beginnings of codes, or ALL", "select", ""),
    setting("rules", "ignore", Kind::Texts, "[]", "leave these rules out", "ignore", ""),
    setting("rules", "severity", Kind::Levels, "{}", "rules with another severity: { \"weak-suite\" = \"high\" }", "config_severity", ""),
    setting("rules", "options", Kind::Options, "{}", "options of rules: [rules.options.expires-soon] and days = 30", "config_option", ""),
    setting("gate", "fail-on", Kind::Word("severity", fail_on), "\"high\"", "the lowest severity that fails a check; a watch has a verdict only when it is given --fail-on", "fail_on", "exit_zero"),
    setting("gate", "min-severity", Kind::Word("severity", severities), "", "findings below are left out; they fail no run", "min_severity", ""),
    setting("gate", "min-confidence", Kind::Word("confidence", confidences), "", "findings less sure are left out; they fail no run", "min_confidence", ""),
    setting("gate", "baseline", Kind::Path, "", "the file of accepted findings", "baseline", ""),
    setting("gate", "allow-empty", Kind::Flag, "false", "pass although nothing could be audited", "allow_empty", ""),
    setting("gate", "max-drop-percent", Kind::Percent, "", "packets that the capture may have lost", "max_drop_percent", ""),
    setting("identity", "services", Kind::Paths, "[]", "who is who: services files", "services", ""),
    setting("identity", "trust", Kind::NamedPaths, "[]", "authorities that chains are judged against: [\"ca.pem\", \"mesh=mesh-ca.pem\"]", "trust", ""),
    setting("identity", "crl", Kind::Paths, "[]", "revocation lists", "crl", ""),
    setting("policy", "file", Kind::Path, "", "who may talk to whom, and how", "policy", "keylog"),
    setting("output", "format", Kind::Word("format", formats), "\"text\"", "what standard output gets", "format", "exit_zero"),
    setting("output", "also", Kind::Outputs, "[]", "reports written besides: [\"json=out/report.json\"]", "output", "exit_zero"),
    setting("output", "all", Kind::Flag, "false", "show every finding in text", "all", "exit_zero"),
    setting("output", "show-suppressed", Kind::Flag, "false", "list accepted findings too", "show_suppressed", ""),
    setting("output", "evidence", Kind::Path, "", "a folder for the frames that prove each finding", "evidence", "exit_zero"),
    setting("output", "category", Kind::Text, "", "what this run is called where several come together", "category", "exit_zero"),
    setting("output", "sarif-location", Kind::Text, "\"auto\"", "where results of SARIF point: auto, policy, services, capture, or a file of the repository", "sarif_location", "exit_zero"),
    setting("output", "redact", Kind::Flag, "false", "replace names and addresses in the HTML report", "redact", "exit_zero"),
    setting("output", "csv-raw", Kind::Flag, "false", "leave texts in CSV as they are, though a spreadsheet may run them", "csv_raw", "exit_zero"),
    setting("output", "github", Kind::Word("time for annotations", github), "\"auto\"", "when to annotate a job of GitHub Actions", "github", "exit_zero"),
    setting("output", "color", Kind::Word("time for colours", colors), "\"auto\"", "when to use colours", "color", ""),
    setting("output", "ascii", Kind::Flag, "false", "draw with ASCII only", "ascii", ""),
    setting("db", "path", Kind::Path, "", "the SQLite file that keeps results, and that questions are asked of", "db", ""),
    setting("db", "keep-sessions", Kind::Word("choice of sessions", kept), "\"samples\"", "which sessions are kept", "keep_sessions", ""),
    setting("metrics", "listen", Kind::Checked("ADDR:PORT, as 127.0.0.1:9478", address), "", "watch: where Prometheus is answered: /metrics, /healthz, /ready", "metrics", ""),
    setting("metrics", "textfile", Kind::Path, "", "watch: a file that the metrics are written to every 15 seconds", "metrics_textfile", ""),
    setting("events", "file", Kind::Path, "", "watch: the file that events are added to", "events", ""),
    setting("events", "rotate-size", Kind::Checked(SIZE, size), "", "watch: the size at which it is turned over; eight are kept", "rotate_size", ""),
    setting("events", "rotate-age", Kind::Checked(TIME, time), "", "watch: the age at which it is turned over; eight are kept", "rotate_age", ""),
    setting("delivery", "syslog", Kind::Checked("udp://, tcp:// or tls://HOST:PORT", syslog), "", "watch: the syslog receiver that events are sent to", "syslog", ""),
    setting("delivery", "syslog-ca", Kind::Path, "", "authorities that its certificate must come from, in PEM; else those of the system", "syslog_ca", ""),
    setting("delivery", "webhook", Kind::Hidden("https://HOST/PATH or http://HOST/PATH", webhook), "", "watch: the webhook that events are sent to; not shown", "webhook", ""),
    setting("delivery", "webhook-ca", Kind::Path, "", "authorities that its certificate must come from, in PEM; else those of the system", "webhook_ca", ""),
    setting("delivery", "webhook-header-file", Kind::Path, "", "headers to send with it, a line each; read again before each delivery", "webhook_header_file", ""),
    setting("delivery", "client-cert", Kind::Path, "", "the certificate to show to receivers, in PEM", "client_cert", ""),
    setting("delivery", "client-key", Kind::Path, "", "its key, in PEM", "client_key", ""),
    setting("delivery", "events", Kind::Word("choice of events", delivered), "\"findings\"", "which events receivers get", "deliver", ""),
    setting("delivery", "timeout", Kind::Checked(TIME, time), "\"10s\"", "how long a receiver may take for one batch", "deliver_timeout", ""),
    setting("delivery", "spool", Kind::Path, "", "where events wait for receivers; else beside the database, as NAME.spool", "spool", ""),
    setting("delivery", "spool-size", Kind::Checked(SIZE, size), "\"256MiB\"", "how much may wait; then the oldest goes, and is counted", "spool_size", ""),
];

const SIZE: &str = "a size, as 64MiB";
const TIME: &str = "a time, as 90s, 10m or 24h";

#[expect(clippy::too_many_arguments, reason = "one line of the table")]
const fn setting(
    section: &'static str,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
    option: &'static str,
    beside: &'static str,
) -> Setting {
    Setting { section, key, kind, default, doc, option, beside }
}

fn on_incomplete() -> Vec<&'static str> {
    vec!["fail", "warn"]
}

fn fail_on() -> Vec<&'static str> {
    severities().into_iter().chain(["never"]).collect()
}

fn severities() -> Vec<&'static str> {
    crate::model::Severity::ALL.into_iter().map(crate::model::Severity::name).collect()
}

fn confidences() -> Vec<&'static str> {
    crate::model::Confidence::ALL.into_iter().map(crate::model::Confidence::name).collect()
}

fn formats() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.0).collect()
}

fn github() -> Vec<&'static str> {
    vec!["auto", "on", "off"]
}

fn colors() -> Vec<&'static str> {
    vec!["auto", "always", "never"]
}

fn kept() -> Vec<&'static str> {
    vec!["samples", "all", "none"]
}

fn delivered() -> Vec<&'static str> {
    vec!["findings", "all"]
}

fn address(word: &str) -> bool {
    word.parse::<std::net::SocketAddr>().is_ok()
}

fn size(word: &str) -> bool {
    crate::cli::watch::size(word).is_ok()
}

fn time(word: &str) -> bool {
    crate::cli::watch::duration(word).is_ok()
}

fn syslog(word: &str) -> bool {
    SyslogAddress::parse(word).is_ok()
}

fn webhook(word: &str) -> bool {
    WebhookAddress::parse(word).is_ok()
}

impl Setting {
    /// Its name for people: `gate.fail-on`.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// The variable of the environment that sets it: `WIRELINT_GATE_FAIL_ON`.
    pub(super) fn variable(&self) -> String {
        format!("WIRELINT_{}_{}", self.section, self.key).replace('-', "_").to_uppercase()
    }
}

/// The sections, in the order of the table.
pub(super) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<&'static str> = SETTINGS.iter().map(|setting| setting.section).collect();
    sections.dedup();
    sections
}

/// What is wrong with a value: the message, and what to say below it.
pub(super) type Wrong = (String, String);

impl Kind {
    /// What it takes, in words.
    pub(super) fn words(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Word(_, words) => listed(&words()),
            Self::Number(most) => format!("a whole number up to {most}"),
            Self::Percent => "a number from 0 to 100".to_owned(),
            Self::Text => "text in quotes".to_owned(),
            Self::Checked(what, _) | Self::Hidden(what, _) => what.to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Path => "a path in quotes".to_owned(),
            Self::Paths => "a list of paths".to_owned(),
            Self::NamedPaths => "a list of paths, or NAME=PATH".to_owned(),
            Self::Outputs => "a list of FORMAT=PATH".to_owned(),
            Self::Levels => "a table of RULE = \"level\"".to_owned(),
            Self::Options => "a table for each rule".to_owned(),
        }
    }

    /// Whether it takes several words.
    pub(super) fn is_list(self) -> bool {
        matches!(
            self,
            Self::Texts
                | Self::Paths
                | Self::NamedPaths
                | Self::Outputs
                | Self::Levels
                | Self::Options
        )
    }

    /// Whether one word of it is sound.
    pub(super) fn check(self, word: &str) -> Result<(), Wrong> {
        let quoted = crate::model::escape_text(word);
        let expected = |what: &str| (what.to_owned(), format!("expected {}", self.words()));
        match self {
            Self::Flag if !["true", "false"].contains(&word) => {
                Err(expected(&format!("\"{quoted}\" is neither true nor false")))
            }
            Self::Word(noun, words) if !words().contains(&word) => {
                Err(expected(&format!("\"{quoted}\" is not a {noun}")))
            }
            Self::Number(most) if word.parse().map_or(true, |n: u64| n > most) => {
                Err(expected(&format!("{quoted} is not a number that can be meant")))
            }
            Self::Percent if word.parse().map_or(true, |n: f64| !(0.0..=100.0).contains(&n)) => {
                Err(expected(&format!("{quoted} is not a share in percent")))
            }
            Self::Checked(_, is_sound) if !is_sound(word) => {
                Err(expected(&format!("\"{quoted}\" cannot be meant")))
            }
            Self::Hidden(_, is_sound) if !is_sound(word) => {
                Err(expected("it cannot be meant as it is"))
            }
            Self::Path | Self::Paths if word.is_empty() => Err(expected("a path is empty")),
            Self::NamedPaths => match word.split_once('=') {
                Some((name, path))
                    if !name.contains('/') && (name.is_empty() || path.is_empty()) =>
                {
                    Err(expected(&format!("\"{quoted}\" names no file")))
                }
                _ if word.is_empty() => Err(expected("a path is empty")),
                _ => Ok(()),
            },
            Self::Outputs => output(word),
            Self::Levels => level(word),
            _ => Ok(()),
        }
    }
}

fn output(word: &str) -> Result<(), Wrong> {
    let quoted = crate::model::escape_text(word);
    let Some((format, path)) = word.split_once('=').filter(|(_, path)| !path.is_empty()) else {
        let label = "expected FORMAT=PATH, as json=report.json".to_owned();
        return Err((format!("\"{quoted}\" names no format and file"), label));
    };
    let known = formats();
    if known.contains(&format) || path.is_empty() {
        return Ok(());
    }
    let format = crate::model::escape_text(format);
    Err((format!("\"{format}\" is not a format"), format!("expected {}", listed(&known))))
}

fn level(word: &str) -> Result<(), Wrong> {
    let (_, level) = word.split_once('=').unwrap_or((word, ""));
    if severities().contains(&level) {
        return Ok(());
    }
    let level = crate::model::escape_text(level);
    Err((format!("\"{level}\" is not a severity"), format!("expected {}", listed(&severities()))))
}

/// `a, b or c`.
fn listed(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, head)) if !head.is_empty() => format!("{} or {last}", head.join(", ")),
        _ => words.join(", "),
    }
}
