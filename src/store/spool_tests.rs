//! Nothing is lost that fits, nothing comes in another order, and what does not fit is counted.

use super::*;

const ALL: (usize, usize) = (usize::MAX, usize::MAX);

fn events(numbers: std::ops::Range<usize>) -> Vec<Spooled> {
    let event = |number| Spooled { line: format!("{number:0>100}"), ..Spooled::default() };
    numbers.map(event).collect()
}

fn numbers(events: &[Spooled]) -> Vec<usize> {
    events.iter().map(|event| event.line.parse().unwrap()).collect()
}

fn waiting(spool: &Spool, receiver: &str) -> (u64, u64) {
    let waiting = spool.waiting(receiver).unwrap();
    (waiting.events, waiting.dropped)
}

#[test]
fn each_receiver_gets_everything_in_order_at_its_own_pace() {
    let mut spool = Spool::in_memory(&["a", "b"], 1 << 20).unwrap();
    spool.add(&events(0..10)).unwrap();
    let first = spool.next("a", (4, usize::MAX)).unwrap();
    assert_eq!(numbers(&first), [0, 1, 2, 3]);
    assert_eq!(spool.next("a", (4, usize::MAX)).unwrap(), first, "until it is taken");
    spool.taken("a", first[3].seq).unwrap();
    assert_eq!(numbers(&spool.next("a", ALL).unwrap()), [4, 5, 6, 7, 8, 9]);
    assert_eq!(numbers(&spool.next("b", ALL).unwrap()).len(), 10);
    assert_eq!((waiting(&spool, "a"), waiting(&spool, "b")), ((6, 0), (10, 0)));
}

#[test]
fn a_batch_is_bounded_by_bytes_and_never_empty_while_something_waits() {
    let mut spool = Spool::in_memory(&["a"], 1 << 20).unwrap();
    spool.add(&events(0..10)).unwrap();
    assert_eq!(spool.next("a", (10, 250)).unwrap().len(), 2);
    assert_eq!(spool.next("a", (10, 1)).unwrap().len(), 1);
}

#[test]
fn what_everybody_has_taken_is_gone() {
    let mut spool = Spool::in_memory(&["a", "b"], 1 << 20).unwrap();
    spool.add(&events(0..10)).unwrap();
    spool.taken("a", 10).unwrap();
    assert_eq!(spool.bytes, 1000);
    spool.taken("b", 7).unwrap();
    assert_eq!(spool.bytes, 300);
    spool.taken("b", 10).unwrap();
    assert_eq!(spool.bytes, 0);
    spool.add(&events(10..11)).unwrap();
    assert_eq!(spool.next("a", ALL).unwrap()[0].seq, 11, "a number is given once");
}

#[test]
fn the_oldest_goes_when_there_is_too_much_and_is_counted_for_those_who_lack_it() {
    let mut spool = Spool::in_memory(&["slow", "quick"], 1000).unwrap();
    assert_eq!(spool.add(&events(0..10)).unwrap(), 0);
    spool.taken("quick", 10).unwrap();
    let gone = spool.add(&events(10..12)).unwrap();
    assert_eq!(gone, 4, "200 bytes, and an eighth of 1000");
    assert_eq!(waiting(&spool, "slow"), (8, 4));
    assert_eq!(waiting(&spool, "quick"), (2, 0));
    assert_eq!(numbers(&spool.next("slow", ALL).unwrap()), [4, 5, 6, 7, 8, 9, 10, 11]);
    assert!(spool.bytes <= 1000);
}

#[test]
fn an_event_that_is_never_taken_is_given_up_and_counted() {
    let mut spool = Spool::in_memory(&["a"], 1 << 20).unwrap();
    spool.add(&events(0..2)).unwrap();
    spool.give_up("a", 1).unwrap();
    assert_eq!(waiting(&spool, "a"), (1, 1));
    assert_eq!(numbers(&spool.next("a", ALL).unwrap()), [1]);
}

#[test]
fn another_process_goes_on_where_this_one_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut spool = Spool::open(&path, &["a"], 1 << 20).unwrap();
    let name = spool.name().to_owned();
    spool.add(&events(0..5)).unwrap();
    spool.taken("a", 2).unwrap();
    // As after kill -9: nothing is closed.
    std::mem::forget(spool);
    let spool = Spool::open(&path, &["a", "new"], 1 << 20).unwrap();
    assert_eq!(spool.name(), name);
    assert_eq!(numbers(&spool.next("a", ALL).unwrap()), [2, 3, 4]);
    assert_eq!(spool.next("new", ALL).unwrap(), []);
    drop(spool);
    let spool = Spool::open(&path, &["new"], 1 << 20).unwrap();
    assert_eq!(spool.bytes, 0, "nobody waits for it any more");
}

#[test]
fn while_the_file_cannot_be_written_nothing_is_added_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let mut spool = Spool::open(&path, &["a"], 1 << 20).unwrap();
    spool.add(&events(0..2)).unwrap();
    spool.connection.busy_timeout(Duration::ZERO).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(spool.add(&events(2..4)), Err(StoreError::Locked { .. })));
    assert!(spool.taken("a", 1).is_err());
    assert_eq!(numbers(&spool.next("a", ALL).unwrap()), [0, 1]);
    other.execute_batch("COMMIT").unwrap();
    spool.add(&events(2..4)).unwrap();
    spool.taken("a", 1).unwrap();
    let waiting = spool.next("a", ALL).unwrap();
    assert_eq!((numbers(&waiting), waiting[2].seq), (vec![1, 2, 3], 4), "no number is left out");
    assert_eq!(spool.bytes(), 300);
}

#[test]
fn the_file_is_its_owners_and_no_file_of_others_is_written_to() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    drop(Spool::open(&path, &["a"], 1 << 20).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let results = folder.path().join("w.db");
    drop(crate::store::Store::open(&results).unwrap());
    let error = Spool::open(&results, &["a"], 1 << 20).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}
