use super::*;
use crate::audit::KeepSessions;
use crate::identity::Directory;
use crate::model::fixture;
use crate::store::{Retention, Store};

#[derive(Default)]
struct Heard {
    sessions: usize,
    findings: Vec<FindingId>,
    runs: usize,
}

impl Outlet for Heard {
    fn session(&mut self, _: &RunInfo, _: &AuditedSession) {
        self.sessions += 1;
    }

    fn findings(&mut self, _: &RunInfo, news: &Arc<[Finding]>) {
        self.findings.extend(news.iter().map(|finding| finding.id));
    }

    fn published(&mut self, _: &Snapshot) {}

    fn ended(&mut self, _: &Outcome) {
        self.runs += 1;
    }
}

fn desk<'a>(heard: &'a mut Heard, board: &Arc<Board>, orders: &Arc<Orders>) -> Desk<'a> {
    keeping(heard, None, (board, orders))
}

fn keeping<'a>(
    heard: &'a mut Heard,
    keeper: Option<Keeper>,
    (board, orders): (&Arc<Board>, &Arc<Orders>),
) -> Desk<'a> {
    let rules = Arc::new(RuleSet::built_in().unwrap());
    let keep = if keeper.is_some() { KeepSessions::All } else { KeepSessions::Samples };
    let auditor = Auditor::new(rules, Directory::new(), keep);
    let seams = (keeper, Arc::clone(board), Arc::clone(orders));
    Desk::new(auditor, RunInfo::default(), seams, Duration::from_secs(3600), heard)
}

/// One whose database cannot be written, after so many sessions.
fn stuck<'a>(heard: &'a mut Heard, folder: &tempfile::TempDir, sessions: u64) -> Desk<'a> {
    let store = Store::open(&folder.path().join("w.db")).unwrap().unwritable();
    let keeper = Keeper::start(store, Retention::default()).unwrap();
    let mut desk = keeping(heard, Some(keeper), (&Arc::default(), &Arc::default()));
    for number in 1..=sessions {
        desk.session(fixture::plaintext(number).session);
    }
    desk
}

/// A connection whose bytes could be read.
fn readable() -> Session {
    fixture::plaintext(1).session
}

fn lossy(frames: u64, dropped: u64) -> Pulse {
    let coverage = Coverage { frames, dropped, ..Coverage::default() };
    Pulse { frames, coverage, ..Pulse::default() }
}

#[test]
fn a_finding_is_told_once_however_often_it_is_published() {
    let (mut heard, board) = (Heard::default(), Arc::new(Board::default()));
    let mut desk = desk(&mut heard, &board, &Arc::default());
    desk.session(readable());
    let first = desk.publish();
    desk.publish();
    assert!(!first.findings.is_empty());
    assert_eq!(board.latest().findings, first.findings.len());
    assert!(board.latest().news.is_empty());
    drop(desk);
    assert_eq!(heard.findings.len(), first.findings.len());
}

#[test]
fn what_is_lost_makes_the_evidence_incomplete() {
    let (mut heard, board) = (Heard::default(), Arc::new(Board::default()));
    let mut desk = desk(&mut heard, &board, &Arc::default());
    desk.pulse(lossy(1000, 7));
    let outcome = desk.publish();
    assert_eq!(outcome.coverage.dropped, 7);
    let codes: Vec<_> = outcome.coverage.incomplete.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["drops"]);
}

#[test]
fn another_run_counts_only_what_comes_in_it() {
    let (mut heard, board) = (Heard::default(), Arc::new(Board::default()));
    let mut desk = desk(&mut heard, &board, &Arc::default());
    desk.pulse(lossy(1000, 7));
    desk.begin_run(None);
    desk.pulse(lossy(1500, 7));
    let outcome = desk.publish();
    assert_eq!((outcome.coverage.frames, outcome.coverage.dropped), (500, 0));
    assert!(outcome.coverage.incomplete.is_empty());
    drop(desk);
    assert_eq!(heard.runs, 1);
}

#[test]
fn other_rules_are_in_force_from_the_next_run_on() {
    let (mut heard, board, orders) =
        (Heard::default(), Arc::default(), Arc::new(Orders::default()));
    let mut desk = desk(&mut heard, &board, &orders);
    desk.session(readable());
    assert!(!desk.publish().findings.is_empty());
    let none = RuleSet::built_in().unwrap().choose(&["WL2001".to_owned()], &[]).unwrap();
    let (rules, authorities, lost) = (Arc::new(none), Authorities::default(), Vec::new());
    let (directory, policy) = (Directory::new(), None);
    orders.judge_by(Judges { rules, authorities, directory, policy, lost });
    desk.beat();
    desk.session(fixture::plaintext(2).session);
    let outcome = desk.publish();
    assert_eq!((outcome.run.rules, outcome.findings.len()), (1, 0));
}

#[test]
fn sessions_that_cannot_be_stored_wait_without_names_and_the_oldest_are_given_up() {
    let (mut heard, folder) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut desk = stuck(&mut heard, &folder, 30).holding(10);
    desk.hand_over_sessions();
    assert_eq!((desk.auditor.kept(), desk.waiting.len()), (10, 0), "they wait where they came");
    assert_eq!(desk.unstored(), Unstored { sessions: 20, runs: 0 });
    let outcome = desk.publish();
    desk.hand_over(outcome, false);
    assert_eq!(desk.unwritten(), 10);
    let (_, keeper, given_up) = desk.finish();
    let (trouble, unstored) = keeper.unwrap().end();
    assert!(trouble.is_some());
    assert_eq!((given_up, unstored), (20, Unstored { sessions: 10, runs: 1 }));
}

#[test]
fn where_memory_is_short_the_older_half_goes_and_then_what_ended_runs_came_to() {
    let (mut heard, folder) = (Heard::default(), tempfile::tempdir().unwrap());
    let most = limits::LEAST_WAITING as u64;
    let mut desk = stuck(&mut heard, &folder, 2 * most);
    assert_eq!(desk.waiting_bytes(), 2 * most * SESSION);
    desk.give_up_waiting();
    assert_eq!((desk.unwritten() as u64, desk.unstored().sessions), (most, most));
    desk.begin_run(None);
    assert!(desk.waiting_bytes() > most * SESSION, "the rows of the run count too");
    desk.give_up_waiting();
    assert_eq!(desk.unstored(), Unstored { sessions: 2 * most, runs: 1 });
    assert_eq!(desk.waiting_bytes(), 0);
}

#[test]
fn runs_that_end_while_nothing_can_be_stored_do_not_add_up() {
    let (mut heard, folder) = (Heard::default(), tempfile::tempdir().unwrap());
    let mut desk = stuck(&mut heard, &folder, 1);
    for _ in 0..40 {
        desk.begin_run(None);
        desk.session(readable());
    }
    assert!(desk.unstored().runs >= 30);
    desk.orders.relieve.store(true, Ordering::Relaxed);
    desk.beat();
    assert!(desk.unstored().runs >= 40, "all but the one that ended for it");
}

/// What one publication costs, printed: `cargo test --release --lib engine::desk -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn publishing_twenty_thousand_edges() {
    let (mut heard, board) = (Heard::default(), Arc::new(Board::default()));
    let mut desk = desk(&mut heard, &board, &Arc::default());
    let session = |number: u32| {
        let mut session = readable();
        let [_, high, middle, low] = number.to_be_bytes();
        session.client.addr = [10, high, middle, low].into();
        session.server.addr = [10, 200, 0, low % 50].into();
        session
    };
    let (mut lines, mut written) = (String::new(), crate::store::Written::default());
    for number in 0..20_000 {
        desk.session(session(number));
    }
    let times =
        ["20,000 edges, all new", "nothing new", "100 more sessions", "2,000 more sessions"];
    for (what, more) in times.into_iter().zip([0, 0, 100, 2000]) {
        (0..more).for_each(|number| desk.session(session(number * 7)));
        let (begun, used) = (Instant::now(), processor_time());
        let mut outcome = desk.publish();
        let (judged, used) = (begun.elapsed(), processor_time() - used);
        grade(&mut outcome);
        let changes = written.changes(&outcome);
        lines.push_str(&format!(
            "{what}: judged in {} ms ({} ms of a processor), {} findings; graded and compared elsewhere in {} ms, {} edges to write\n",
            judged.as_millis(),
            used / 1_000_000,
            outcome.findings.len(),
            (begun.elapsed() - judged).as_millis(),
            changes.edges.len()
        ));
    }
    std::io::Write::write_all(&mut std::io::stderr(), lines.as_bytes()).unwrap();
}

/// Nanoseconds that this thread has run.
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
