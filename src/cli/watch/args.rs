//! The options of `wirelint watch`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};

use super::delivery::DeliveryArgs;
use super::event_file::Rotation;
use crate::audit::KeepSessions;
use crate::cli::args::{AuditArgs, FailOn, fail_on, keep_sessions};

/// `wirelint watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) live: LiveArgs,
    /// List the interfaces that there are
    #[arg(short = 'D', long)]
    pub(crate) list_interfaces: bool,
    #[command(flatten)]
    pub(crate) audit: AuditArgs,
    /// Keep the results in this SQLite file, which may be read meanwhile
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// Which sessions are kept: samples, all or none; or for how long, as 14d
    #[arg(long, value_name = "WHICH|AGE", default_value = "samples", value_parser = keeps)]
    pub(crate) keep_sessions: Keeps,
    /// The largest the database may become, as 2GiB: the oldest sessions go first, then the oldest runs
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,
    /// What is printed as it comes: ndjson, text or none; text on a terminal, else ndjson
    #[arg(long, value_enum, value_name = "FMT")]
    pub(crate) format: Option<EventFormat>,
    /// Also add events to this file, which SIGHUP opens anew
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// Turn the file of events over when it is so large, as 100MiB; eight are kept
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) rotate_size: Option<u64>,
    /// Turn the file of events over when it is so old, as 24h; eight are kept
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) rotate_age: Option<Duration>,
    /// Answer Prometheus here, as 127.0.0.1:9478: /metrics, /healthz, /ready
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Also write the metrics to this file every 15 seconds, for node_exporter
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_textfile: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) delivery: DeliveryArgs,
    /// End after this time, as 10m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// End with a verdict: the lowest severity that fails it; without this the end is no failure
    #[arg(long, value_name = "LEVEL", value_parser = fail_on)]
    pub(crate) fail_on: Option<FailOn>,
    /// How often one line of statistics is said, as 1m; 0s for never
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) stats_interval: Duration,
    /// How long one run of the database is: counts begin anew with each
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    pub(crate) window: Duration,
}

impl WatchArgs {
    /// A watch of these interfaces with every other option as it is when it is not given.
    ///
    /// # Errors
    /// An option that must be given: none is.
    pub(crate) fn of(live: LiveArgs, audit: AuditArgs) -> Result<Self, clap::Error> {
        Ok(Self { live, audit, ..Unasked::try_parse_from(["watch"])?.watch })
    }
}

/// The options when none is given.
#[derive(Parser)]
struct Unasked {
    #[command(flatten)]
    watch: WatchArgs,
}

/// How interfaces are read, wherever that is done.
#[derive(Clone, Debug, Args)]
pub(crate) struct LiveArgs {
    /// Watch this interface, or any; may be given several times
    #[arg(short, long, value_name = "IFACE")]
    pub(crate) interface: Vec<String>,
    /// Bytes kept of each packet
    #[arg(short, long, value_name = "BYTES", default_value_t = 262_144)]
    pub(crate) snaplen: u32,
    /// The kernel's buffer for each interface, as 64MiB
    #[arg(short = 'B', long, value_name = "SIZE", default_value = "16MiB", value_parser = size)]
    pub(crate) buffer: u64,
    /// Take only packets that are sent to this machine
    #[arg(short = 'p', long)]
    pub(crate) no_promiscuous: bool,
    /// The most memory to use, as 1GiB
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size)]
    pub(crate) max_memory: u64,
    /// Become this user once the interfaces are open
    #[arg(long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<String>,
    /// Give up what is not needed: as far as the system can, altogether, or not at all
    #[arg(long, value_enum, value_name = "HOW", default_value_t = SandboxMode::Auto)]
    pub(crate) sandbox: SandboxMode,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum EventFormat {
    Ndjson,
    Text,
    None,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum SandboxMode {
    /// What the system offers
    Auto,
    /// All of it, or not at all
    Require,
    Off,
}

/// `--keep-sessions`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Keeps {
    pub(crate) which: KeepSessions,
    /// For how long.
    pub(crate) age: Option<Duration>,
}

impl WatchArgs {
    /// When the file of events is turned over.
    pub(super) fn rotation(&self) -> Rotation {
        Rotation { bytes: self.rotate_size, age: self.rotate_age }
    }

    /// Whether what is not delivered waits for another watch.
    pub(super) fn delivery_waits(&self) -> bool {
        self.delivery.spool_path(self.db.as_ref()).is_some()
    }

    /// Files that are written while it watches.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = PathBuf> {
        let files = self.db.iter().chain(&self.events).chain(&self.metrics_textfile).cloned();
        files.chain(self.delivery.spool_path(self.db.as_ref()))
    }
}

fn keeps(word: &str) -> Result<Keeps, String> {
    if let Ok(which) = keep_sessions(word) {
        return Ok(Keeps { which, age: None });
    }
    let age = duration(word).map_err(|_| "expected samples, all, none, or a time as 14d")?;
    Ok(Keeps { which: KeepSessions::All, age: Some(age) })
}

/// A size in bytes: `4096`, `64KiB`, `2GiB`, `1g`.
pub(crate) fn size(word: &str) -> Result<u64, String> {
    const UNITS: [(&str, u32); 5] = [("k", 10), ("m", 20), ("g", 30), ("t", 40), ("", 0)];
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (number, unit) = word.split_at_checked(digits).unwrap_or((word, ""));
    let unit = unit.to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(&unit);
    let shift = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, shift)| *shift);
    let bytes = number.parse::<u64>().ok().zip(shift);
    bytes
        .and_then(|(number, shift)| number.checked_mul(1 << shift))
        .ok_or_else(|| "expected a size, as 64MiB or 2GiB".to_owned())
}

/// A time: `90s`, `10m`, `24h`, `14d`.
pub(crate) fn duration(word: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 6] =
        [("ms", 0), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (number, unit) = word.split_at_checked(digits).unwrap_or((word, ""));
    let seconds = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, seconds)| *seconds);
    let wrong = || "expected a time, as 90s, 10m, 24h or 14d".to_owned();
    let (number, seconds) = number.parse::<u64>().ok().zip(seconds).ok_or_else(wrong)?;
    match seconds {
        0 => Ok(Duration::from_millis(number)),
        seconds => number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_as_people_write_them() {
        for (word, bytes) in [("4096", 4096), ("64KiB", 65_536), ("2GiB", 2 << 30), ("1g", 1 << 30)]
        {
            assert_eq!(size(word), Ok(bytes), "{word}");
        }
        for (word, seconds) in [("90s", 90), ("10m", 600), ("14d", 1_209_600), ("0s", 0)] {
            assert_eq!(duration(word), Ok(Duration::from_secs(seconds)), "{word}");
        }
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for word in ["", "x", "10", "1y", "99999999999999999999d", "-1s"] {
            assert!(duration(word).is_err(), "{word}");
        }
        for word in ["", "GiB", "1XiB", "99999999999999999999"] {
            assert!(size(word).is_err(), "{word}");
        }
    }

    #[test]
    fn sessions_are_kept_by_kind_or_by_age() {
        assert_eq!(keeps("samples").unwrap().which, KeepSessions::Samples);
        let aged = keeps("14d").unwrap();
        assert_eq!(
            (aged.which, aged.age),
            (KeepSessions::All, Some(Duration::from_secs(1_209_600)))
        );
        assert!(keeps("some").is_err());
    }
}
