//! The loop of a live audit with frames that are written down here, and an audience that can be made to stand still.

use std::collections::VecDeque;
use std::sync::mpsc;

use super::*;
use crate::capture::{FrameBatch, LinkType};
use crate::model::EndState;

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// A segment of a client to the server, without a link layer: IPv4 and TCP.
fn segment(client: u16, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, 6, 0, 0];
    bytes.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(client.to_be_bytes());
    bytes.extend(8080u16.to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    bytes.extend([0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(payload);
    bytes
}

/// One frame that came at this second.
fn at(seconds: i64, bytes: &[u8]) -> Step {
    let mut batch = FrameBatch::default();
    batch.push(seconds.saturating_mul(1_000_000_000), LinkType::RAW, bytes, 1500);
    Step::Frames(batch)
}

enum Step {
    Frames(FrameBatch),
    /// Something happens between two batches.
    Do(Box<dyn FnOnce() + Send>),
}

/// Gives what is written down, and then says that it is over.
struct Script {
    steps: VecDeque<Step>,
    /// Whoever wrote it waits when it is not read.
    waits: bool,
}

impl Feed for Script {
    fn waits(&self) -> bool {
        self.waits
    }

    fn next(&mut self, _: Duration) -> Arrival {
        match self.steps.pop_front() {
            Some(Step::Frames(batch)) => Arrival::Frames(batch),
            Some(Step::Do(work)) => {
                work();
                Arrival::Quiet
            }
            None => Arrival::Over,
        }
    }

    fn sources(&self) -> Vec<SourceReport> {
        vec![SourceReport { name: "script".to_owned(), ..SourceReport::default() }]
    }
}

#[derive(Default)]
struct Heard {
    sessions: Vec<Session>,
    pulse: Pulse,
    /// Until this is closed the audience stands still.
    gate: Option<mpsc::Receiver<()>>,
}

impl Audience for Heard {
    fn session(&mut self, session: Session) {
        self.sessions.push(session);
    }

    fn pulse(&mut self, pulse: Pulse) {
        self.pulse = pulse;
    }

    fn beat(&mut self) {
        if let Some(gate) = self.gate.take() {
            let _closed = gate.recv();
        }
    }
}

impl Heard {
    /// Client ports of connections that ended, in the order in which they were told of.
    fn ended(&self) -> Vec<u16> {
        let ended = self.sessions.iter().filter(|one| one.end != EndState::Going);
        ended.map(|one| one.client.port).collect()
    }
}

impl Heard {
    /// Segments of connections that ended.
    fn followed(&self) -> u64 {
        let ended = self.sessions.iter().filter(|one| one.end != EndState::Going);
        ended.map(|one| one.traffic.to_server.packets).sum()
    }
}

/// Batches that are full with segments of one connection.
fn one_long_connection(batches: u32) -> Vec<Step> {
    let each = u32::try_from(FULL_SEGMENTS).unwrap();
    let batch = |batch: u32| {
        let mut frames = FrameBatch::default();
        for number in batch * each..(batch + 1) * each {
            let flags = if number == 0 { SYN } else { ACK };
            let payload: &[u8] = if number == 0 { b"" } else { b"x" };
            let bytes = segment(40_000, 100 + number, flags, payload);
            frames.push(i64::from(number) * 1000, LinkType::RAW, &bytes, 41);
        }
        Step::Frames(frames)
    };
    (0..batches).map(batch).collect()
}

fn run(script: Vec<Step>, shed: &(dyn Fn() -> Option<u8> + Sync), heard: &mut Heard) {
    let stop = AtomicBool::new(false);
    run_until((script, false), shed, &stop, heard);
}

fn run_until(
    (script, waits): (Vec<Step>, bool),
    shed: &(dyn Fn() -> Option<u8> + Sync),
    stop: &AtomicBool,
    heard: &mut Heard,
) {
    let input = LiveInput {
        feed: Box::new(Script { steps: script.into(), waits }),
        filter: None,
        stop,
        shed,
        networks: Vec::new(),
        keys: Arc::default(),
        workers: 2,
        flows: 65_536,
    };
    live(input, heard);
}

#[test]
fn a_batch_that_a_worker_has_no_room_for_is_dropped_whole_and_counted() {
    const BATCHES: u32 = 300;
    let (open, gate) = mpsc::channel();
    let mut script = one_long_connection(BATCHES);
    script.push(Step::Do(Box::new(move || drop(open))));
    let mut heard = Heard { gate: Some(gate), ..Heard::default() };
    run(script, &|| None, &mut heard);
    let dropped = heard.pulse.dropped();
    let followed = heard.followed();
    assert_eq!(followed + dropped, u64::from(BATCHES) * FULL_SEGMENTS);
    assert!(dropped >= 16 * FULL_SEGMENTS, "the audience stood still, and only {dropped} dropped");
    assert_eq!(dropped % FULL_SEGMENTS, 0, "whole batches");
    assert_eq!(heard.pulse.coverage.dropped, dropped, "it lowers what the run is worth");
    assert_eq!(heard.pulse.dropped_by_worker.iter().filter(|count| **count > 0).count(), 1);
}

#[test]
fn of_a_pipe_nothing_is_dropped_however_long_the_audience_stands_still() {
    const BATCHES: u32 = 100;
    let (open, gate) = mpsc::channel();
    let mut script = one_long_connection(BATCHES);
    script.insert(4, Step::Do(Box::new(move || drop(open))));
    let mut heard = Heard { gate: Some(gate), ..Heard::default() };
    run_until((script, true), &|| None, &AtomicBool::new(false), &mut heard);
    assert_eq!((heard.followed(), heard.pulse.dropped()), (u64::from(BATCHES) * FULL_SEGMENTS, 0));
}

#[test]
fn when_memory_is_short_the_connections_that_were_quiet_longest_go_first() {
    const CONNECTIONS: u16 = 800;
    let short = Arc::new(AtomicBool::new(false));
    let mut script: Vec<Step> = (0..CONNECTIONS)
        .map(|one| at(i64::from(one) / 100, &segment(20_000 + one, 7, ACK, b"GET / HT")))
        .collect();
    let told = Arc::clone(&short);
    script.push(Step::Do(Box::new(move || told.store(true, Ordering::Relaxed))));
    let mut heard = Heard::default();
    run(script, &|| short.swap(false, Ordering::Relaxed).then_some(50), &mut heard);
    let ended = heard.ended();
    // Told of first, because they went while the others went on.
    let (gone, stayed) = ended.split_at(heard.pulse.coverage.evicted.try_into().unwrap());
    assert_eq!(ended.len(), usize::from(CONNECTIONS));
    assert!((380..=420).contains(&gone.len()), "{} were given up", gone.len());
    let shard = |port: u16| {
        let end = |last, port| crate::model::Endpoint::new([10, 0, 0, last].into(), port);
        crate::flow::shard_of(&FlowKey::of(end(1, port), end(2, 8080)).0)
    };
    for of in 0..limits::SHARDS {
        let latest = gone.iter().filter(|port| shard(**port) == of).max();
        let earliest = stayed.iter().filter(|port| shard(**port) == of).min();
        let fits = latest.zip(earliest).is_none_or(|(latest, earliest)| latest < earliest);
        assert!(fits, "shard {of}: {latest:?} went, and {earliest:?} stayed");
    }
}

#[test]
fn a_clock_that_is_set_back_and_forth_ends_nothing_early_and_loses_nothing() {
    let exchange = |client: u16, seconds: i64| {
        [
            at(seconds, &segment(client, 1, SYN, b"")),
            at(seconds, &segment(client, 2, ACK, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
            at(seconds, &segment(client, 29, RST, b"")),
        ]
    };
    let times = [7200, 3600, 14_400, 0, i64::MAX / 2_000_000_000, -3600, 7200];
    let script = (0u16..).zip(times).flat_map(|(client, seconds)| exchange(client + 1, seconds));
    let mut heard = Heard::default();
    run(script.collect(), &|| None, &mut heard);
    let mut ended = heard.ended();
    ended.sort_unstable();
    assert_eq!(ended, [1, 2, 3, 4, 5, 6, 7]);
    assert!(heard.sessions.iter().all(|one| one.protocol == Some("http/1.1")));
    assert_eq!(heard.pulse.clock_steps, 3);
}

#[test]
fn asked_to_stop_it_gives_out_what_goes_on() {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let script = vec![
        at(1, &segment(40_000, 1, SYN, b"")),
        at(1, &segment(40_000, 2, ACK, b"GET / HTTP/1.1\r\n\r\n")),
        Step::Do(Box::new(move || asked.store(true, Ordering::Relaxed))),
        at(1, &segment(40_001, 1, RST, b"")),
    ];
    let mut heard = Heard::default();
    run_until((script, false), &|| None, &stop, &mut heard);
    assert_eq!(heard.ended(), [40_000]);
    assert_eq!(heard.pulse.frames, 2);
}

#[test]
fn time_does_not_go_on_while_nobody_looks() {
    let begun = Instant::now();
    let mut quiet = Quiet { time: Duration::ZERO, round: begun };
    let mut now = begun;
    for _ in 0..10 {
        now += ROUND;
        quiet.round(now);
    }
    assert_eq!(quiet.time, ROUND * 10);
    // Stopped for an hour.
    quiet.round(now + Duration::from_secs(3600));
    assert_eq!(quiet.time, ROUND * 10 + LONGEST_ROUND);
}
