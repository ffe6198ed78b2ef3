//! Reading interfaces: one thread for each, which only copies frames into batches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pcap::{BreakLoop, Packet};

use super::device::{DeviceError, index_of, open, said};
use super::{Arrival, Feed, FrameBatch, LinkType, OpenInterface, SourceReport, SourceState};

/// Frames of one batch.
const BATCH_FRAMES: usize = 4096;

/// Batches that may wait to be taken, over all interfaces. What comes when they are full is lost, and counted.
const BATCHES: usize = 32;

/// How often an interface is asked what it lost.
const ASK: Duration = Duration::from_secs(1);

/// How often it is asked whether an interface is up.
const LOOK: Duration = Duration::from_millis(400);

/// Waits between attempts to go on with an interface that went away.
const BACK_OFF: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Frames of one or more interfaces.
pub struct InterfaceFeed {
    batches: Receiver<FrameBatch>,
    spare: SyncSender<FrameBatch>,
    sources: Vec<(String, Arc<SourceState>)>,
    threads: Vec<JoinHandle<()>>,
    breaks: Vec<Arc<Mutex<BreakLoop>>>,
    stop: Arc<AtomicBool>,
    looked: std::cell::Cell<Option<Instant>>,
}

impl InterfaceFeed {
    /// Begins to read.
    ///
    /// # Errors
    /// The system grants no thread.
    pub fn start(interfaces: Vec<OpenInterface>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (batch_in, batches) = sync_channel(BATCHES);
        let (spare, spare_out) = sync_channel(BATCHES);
        let spare_out = Arc::new(Mutex::new(spare_out));
        let (mut sources, mut threads, mut breaks) = (Vec::new(), Vec::new(), Vec::new());
        for (source, mut interface) in interfaces.into_iter().enumerate() {
            let state = Arc::new(SourceState::default());
            state.index.store(interface.index.unwrap_or(0), Ordering::Relaxed);
            state.link.store(interface.link.0, Ordering::Relaxed);
            sources.push((interface.name.clone(), Arc::clone(&state)));
            let to_break = Arc::new(Mutex::new(interface.capture.breakloop_handle()));
            breaks.push(Arc::clone(&to_break));
            let pump = Pump {
                source,
                state,
                stop: Arc::clone(&stop),
                to_break,
                out: batch_in.clone(),
                spare: Arc::clone(&spare_out),
                counted: (0, 0),
                asked: Instant::now(),
            };
            let named = thread::Builder::new().name(format!("capture-{source}"));
            threads.push(named.spawn(move || pump.run(interface))?);
        }
        let looked = std::cell::Cell::new(None);
        Ok(Self { batches, spare, sources, threads, breaks, stop, looked })
    }

    /// Notes which interfaces went away and came back. A thread that waits for packets is not told when its interface goes
    /// down, nor when it is deleted, so the system is asked.
    fn look(&self) {
        if self.looked.get().is_some_and(|last| last.elapsed() < LOOK) {
            return;
        }
        self.looked.set(Some(Instant::now()));
        for ((name, state), to_break) in self.sources.iter().zip(&self.breaks) {
            let index = state.index.load(Ordering::Relaxed);
            let deleted = index != 0 && index_of(name) != Some(index);
            if deleted && !state.gone.swap(true, Ordering::Relaxed) {
                to_break.lock().unwrap_or_else(PoisonError::into_inner).breakloop();
            }
            let failed = state.failed.swap(false, Ordering::Relaxed);
            let down = deleted || failed || state.fails.load(Ordering::Relaxed) || is_down(name);
            let was = state.is_down.swap(down, Ordering::Relaxed);
            state.outages.fetch_add(u64::from(down && !was), Ordering::Relaxed);
        }
    }
}

impl Feed for InterfaceFeed {
    fn next(&mut self, wait: Duration) -> Arrival {
        match self.batches.recv_timeout(wait) {
            Ok(batch) => Arrival::Frames(batch),
            Err(RecvTimeoutError::Timeout) => Arrival::Quiet,
            Err(RecvTimeoutError::Disconnected) => Arrival::Over,
        }
    }

    fn sources(&self) -> Vec<SourceReport> {
        self.look();
        let report = |(name, state): &(String, Arc<SourceState>)| {
            let link = LinkType(state.link.load(Ordering::Relaxed));
            state.report(&crate::model::escape_text(name), Some(link))
        };
        self.sources.iter().map(report).collect()
    }

    fn give_back(&mut self, mut batch: FrameBatch) {
        batch.clear();
        let _full = self.spare.try_send(batch);
    }
}

impl Drop for InterfaceFeed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for to_break in &self.breaks {
            to_break.lock().unwrap_or_else(PoisonError::into_inner).breakloop();
        }
        // A thread that waits for a packet sees the break; one that waits for an interface sees the flag.
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

struct Pump {
    source: usize,
    state: Arc<SourceState>,
    stop: Arc<AtomicBool>,
    /// What breaks off a wait for packets: another one with each opening.
    to_break: Arc<Mutex<BreakLoop>>,
    out: SyncSender<FrameBatch>,
    spare: Arc<Mutex<Receiver<FrameBatch>>>,
    /// What libpcap counted when it was last asked: its counts are of 32 bits, and begin anew with each opening.
    counted: (u32, u32),
    asked: Instant,
}

impl Pump {
    fn run(mut self, mut interface: OpenInterface) {
        let mut failures = 0;
        while !self.stopped() {
            let read = self.read(&mut interface);
            let gone = self.state.gone.load(Ordering::Relaxed);
            match read {
                _ if self.stopped() => return,
                Ok(()) if !gone => failures = 0,
                _ => {
                    self.state.fails.store(true, Ordering::Relaxed);
                    self.state.failed.store(true, Ordering::Relaxed);
                    self.recover(&mut interface, failures);
                    self.state.gone.store(false, Ordering::Relaxed);
                    self.state.fails.store(false, Ordering::Relaxed);
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// Reads what the kernel has, once.
    fn read(&mut self, interface: &mut OpenInterface) -> Result<(), pcap::Error> {
        let mut batch = self.empty();
        let (link, nanoseconds) = (interface.link, interface.nanoseconds);
        let take = |packet: Packet<'_>| {
            batch.push(stamp(&packet, nanoseconds), link, packet.data, packet.header.len);
        };
        let read = interface.capture.dispatch(Some(BATCH_FRAMES), take);
        let any = !batch.is_empty();
        if any {
            self.hand_over(batch);
        }
        if self.asked.elapsed() >= ASK {
            self.ask(interface);
        }
        match read {
            Ok(_) => Ok(()),
            // Broken off, to stop.
            Err(error) if said(&error).is_empty() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn hand_over(&mut self, batch: FrameBatch) {
        self.state.count(&batch);
        if let Err(TrySendError::Full(batch)) = self.out.try_send(batch) {
            self.state.dropped_here.fetch_add(batch.len() as u64, Ordering::Relaxed);
        }
    }

    fn empty(&self) -> FrameBatch {
        let spare = self.spare.lock().ok().and_then(|spare| spare.try_recv().ok());
        let mut batch = spare.unwrap_or_default();
        batch.source = self.source;
        batch
    }

    fn ask(&mut self, interface: &mut OpenInterface) {
        self.asked = Instant::now();
        let Ok(stats) = interface.capture.stats() else { return };
        let (kernel, device) = self.counted;
        let more = |now: u32, before: u32| u64::from(now.wrapping_sub(before));
        self.state.dropped_by_kernel.fetch_add(more(stats.dropped, kernel), Ordering::Relaxed);
        self.state
            .dropped_by_interface
            .fetch_add(more(stats.if_dropped, device), Ordering::Relaxed);
        self.counted = (stats.dropped, stats.if_dropped);
    }

    /// Waits until it can go on: with the same socket, which outlives an interface that goes down and up, or with a new
    /// one where the interface was made anew and this process may still open it.
    fn recover(&mut self, interface: &mut OpenInterface, failures: usize) {
        for attempt in failures.. {
            let wait = BACK_OFF.get(attempt).or(BACK_OFF.last()).copied().unwrap_or_default();
            let until = Instant::now() + wait;
            while Instant::now() < until && !self.stopped() {
                thread::sleep(Duration::from_millis(20));
            }
            let index = index_of(&interface.name);
            let same = index == interface.index;
            if self.stopped() || (same && attempt == 0) {
                return;
            }
            if index.is_none() && interface.index.is_some() {
                // Deleted. Its socket says nothing any more, not even that.
                continue;
            }
            match open(&interface.name, &interface.options) {
                Ok(again) => return self.go_on_with(again, interface),
                Err(_) if same => return,
                Err(DeviceError::Permission { .. }) => {
                    self.state.lost.store(true, Ordering::Relaxed)
                }
                Err(_) => {}
            }
        }
    }

    fn go_on_with(&mut self, again: OpenInterface, interface: &mut OpenInterface) {
        *interface = again;
        self.state.index.store(interface.index.unwrap_or(0), Ordering::Relaxed);
        // Under the same name there may be something else now.
        self.state.link.store(interface.link.0, Ordering::Relaxed);
        self.counted = (0, 0);
        let handle = interface.capture.breakloop_handle();
        *self.to_break.lock().unwrap_or_else(PoisonError::into_inner) = handle;
        self.state.lost.store(false, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Whether the system says that an interface is not up, or not there. Where nobody can tell it is not.
fn is_down(name: &str) -> bool {
    const UP: u32 = 1;
    if name == "any" || name.contains('/') || !std::path::Path::new("/sys/class/net/lo").exists() {
        return false;
    }
    let Ok(flags) = std::fs::read_to_string(format!("/sys/class/net/{name}/flags")) else {
        return true;
    };
    let hex = flags.trim().trim_start_matches("0x");
    u32::from_str_radix(hex, 16).is_ok_and(|flags| flags & UP == 0)
}

/// Nanoseconds since the epoch.
fn stamp(packet: &Packet<'_>, nanoseconds: bool) -> i64 {
    let ts = packet.header.ts;
    let scale = if nanoseconds { 1 } else { 1000 };
    let fraction = ts.tv_usec.saturating_mul(scale);
    ts.tv_sec.saturating_mul(1_000_000_000).saturating_add(fraction)
}
