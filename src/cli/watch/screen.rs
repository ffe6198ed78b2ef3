//! A watch that is looked at in the same process: `wirelint tui -i`.
//!
//! The same watch, with the dashboard instead of standard output and of signals. It tells the dashboard how it goes, which
//! takes what it is told when it can: nothing here waits for the screen.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::args::EventFormat;
use super::outlet::Events;
use super::wrote::Wrote;
use super::{Opened, Outputs, Watch, WatchArgs, open_all};
use crate::cli::audit::{Refusal, settle_filter};
use crate::cli::keys::Keys;
use crate::cli::terminal::Terminal;
use crate::cli::{Code, STORAGE, USAGE};
use crate::edge::is_root;
use crate::engine::{KeeperState, Snapshot};
use crate::model::{Diagnostic, escape_text};
use crate::store::Store;
use crate::tui::{Live, LiveSource, Told};

/// How often the dashboard is told how it goes.
const TELL: Duration = Duration::from_millis(500);

/// Over how long a rate is measured: what is known is published once a second.
const RATE: Duration = Duration::from_secs(2);

/// The largest that a database may become which nobody is going to keep.
const PASSING_BYTES: u64 = 1 << 30;

/// Told how it goes.
type Tell<'a> = dyn Fn(Told) + Sync + 'a;

/// A watch that is to be looked at: read, opened, and with no more privileges than it needs.
pub(crate) struct Looked {
    args: WatchArgs,
    wrote: Wrote,
    keys: Keys,
    opened: Opened,
    store: Store,
}

impl Looked {
    /// Reads, opens, and gives up privileges. `passing` is the folder of the database when it goes with the dashboard.
    ///
    /// # Errors
    /// As `watch`.
    pub(crate) fn prepare(
        mut args: WatchArgs,
        db: &Path,
        passing: Option<&Path>,
        terminal: &Terminal,
    ) -> Result<Self, Refusal> {
        settle_filter(&mut args.audit)?;
        let wrote = Wrote::read(&args.audit).map_err(|said| (said, USAGE))?;
        let keys =
            Keys::read(&args.audit.keylog).map_err(|error| (vec![error.diagnostic()], USAGE))?;
        keys.said.iter().for_each(|said| terminal.say(said));
        let opened = open_all(&args)?;
        let store = Store::open(db).map_err(|error| (vec![error.diagnostic()], STORAGE))?;
        args.db = Some(db.to_owned());
        args.format = Some(EventFormat::None);
        args.stats_interval = Duration::ZERO;
        args.max_size = passing.map(|_| PASSING_BYTES);
        crate::cli::privileges::drop_for_screen(&args, passing, terminal)?;
        if is_root() {
            terminal.say(
                &Diagnostic::warning("stays-root", "packets are read and shown as root")
                    .help("give it up once the interface is open: --user USER")
                    .help("or capture elsewhere: wirelint watch -i IFACE --db FILE, and wirelint tui --db FILE"),
            );
        }
        Ok(Self { args, wrote, keys, opened, store })
    }

    /// The interfaces, escaped.
    pub(crate) fn title(&self) -> String {
        escape_text(&self.args.live.interface.join(", "))
    }

    /// Watches until `stop` is true.
    ///
    /// # Errors
    /// As `watch`.
    pub(crate) fn run(
        self,
        terminal: &Terminal,
        tell: &Tell<'_>,
        stop: &AtomicBool,
    ) -> Result<Code, Refusal> {
        let Self { args, wrote, keys, opened, store } = self;
        let reopen = Arc::new(AtomicBool::new(false));
        let mut events = Events::begin(EventFormat::None, None, &reopen)
            .map_err(|error| (vec![*error], STORAGE))?;
        let screen = Some(Screen { tell, stop });
        let watch = Watch { screen, ..Watch::new(&args, terminal, keys, reopen) };
        let outputs = Outputs { store: Some(store), metrics: None, planned: None };
        watch.go(wrote, opened, outputs, &mut events)
    }
}

/// The dashboard's end.
pub(super) struct Screen<'a> {
    tell: &'a Tell<'a>,
    stop: &'a AtomicBool,
}

impl<'a> Screen<'a> {
    pub(super) fn begin(&'a self) -> Look<'a> {
        let now = Instant::now();
        Look { screen: self, begun: now, told: now, rated: now, before: (0, 0), rates: (0, 0) }
    }
}

/// What the dashboard was told last.
pub(super) struct Look<'a> {
    screen: &'a Screen<'a>,
    begun: Instant,
    told: Instant,
    /// When the rates were measured, and the frames and bytes of then.
    rated: Instant,
    before: (u64, u64),
    rates: (u64, u64),
}

impl Look<'_> {
    /// Passes on what the dashboard asks, and tells it how it goes when that is due.
    pub(super) fn look(&mut self, watch: &Watch<'_>, now: &Snapshot, keeper: Option<&KeeperState>) {
        if self.screen.stop.load(Ordering::Acquire) {
            watch.asked.stop.store(true, Ordering::Release);
        }
        if self.told.elapsed() < TELL {
            return;
        }
        self.told = Instant::now();
        self.rate(now);
        let trouble = keeper.and_then(KeeperState::trouble);
        (self.screen.tell)(Told::Live(Box::new(Live {
            seconds: self.begun.elapsed().as_secs(),
            frames: now.pulse.frames,
            rates: self.rates,
            dropped: now.pulse.dropped(),
            last: (now.pulse.frames > 0).then(|| now.coverage.last.micros()),
            connections: now.pulse.flows,
            held: now.pulse.held,
            resident: watch.memory.resident(),
            sources: sources(now),
            trouble: trouble.map(|trouble| trouble.message),
            unstored: now.unstored.sessions,
            micros: (now.micros, keeper.map_or(0, KeeperState::last_micros)),
        })));
    }
}

impl Look<'_> {
    fn rate(&mut self, now: &Snapshot) {
        let passed = self.rated.elapsed();
        if passed < RATE {
            return;
        }
        self.rated = Instant::now();
        let counted = (now.pulse.frames, now.pulse.sources.iter().map(|one| one.bytes).sum());
        let rate = |now: u64, before: u64| {
            let more = u128::from(now.saturating_sub(before)).saturating_mul(1000);
            u64::try_from(more / passed.as_millis().max(1)).unwrap_or(u64::MAX)
        };
        self.rates = (rate(counted.0, self.before.0), rate(counted.1, self.before.1));
        self.before = counted;
    }
}

fn sources(now: &Snapshot) -> Vec<LiveSource> {
    let of = |one: &crate::capture::SourceReport| LiveSource {
        name: one.name.clone(),
        frames: one.frames,
        dropped: [one.dropped_by_kernel, one.dropped_by_interface, one.dropped_here],
        is_away: one.is_down,
        is_lost: one.is_lost,
        outages: one.outages,
    };
    now.pulse.sources.iter().map(of).collect()
}
