//! The program on real interfaces: two network namespaces with a wire between them, traffic that is known, and a `watch`
//! whose database must say what is known to be true.
//!
//! Needs root (or the capabilities to make namespaces), `ip`, `kill`; says so and passes where it has not. Run with
//! `cargo test --test live -- --ignored --test-threads=1`.

#![cfg(test)]

mod faults;
mod lab;
mod screen;
mod wires;

use std::time::Duration;

use lab::{Lab, Talk, wait_for};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
#[ignore = "makes network namespaces"]
fn a_connection_is_in_the_database_while_it_goes_on_and_counted_once_when_it_ended() {
    let Some(lab) = Lab::new("a") else { return };
    let watch = lab.watch(&[]);
    let mut talk = Talk::open(&lab);
    talk.ask(&lab, 3);
    // It is told of while it goes on, which it is looked at for now and then.
    assert!(
        wait_for(PATIENCE, || {
            talk.ask(&lab, 1);
            lab.query("select count(*) from v_sessions") == "1"
        }),
        "{}",
        watch.said()
    );
    assert_eq!(
        lab.query("select posture, protocol, end_state from v_sessions"),
        "plaintext,http/1.1,open"
    );
    // What it comes to is published after it.
    let found = "select count(*) > 0 from v_findings where rule = 'WL1001'";
    assert!(wait_for(PATIENCE, || lab.query(found) == "1"), "{}", watch.said());
    talk.close();
    let ended = "select end_state from v_sessions";
    assert!(wait_for(PATIENCE, || lab.query(ended) == "fin"), "{}", watch.said());
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lab.query("select sessions, plaintext, exit_code from v_runs"), "1,1,0");
    assert_eq!(lab.query("select sessions, plaintext from v_edges"), "1,1");
    assert_eq!(lab.query("select count from v_findings where rule = 'WL1001'"), "1");
}

#[test]
#[ignore = "makes network namespaces"]
fn an_interface_that_goes_down_and_up_is_said_and_goes_on() {
    let Some(lab) = Lab::new("b") else { return };
    let watch = lab.watch(&[]);
    lab.link("down");
    assert!(wait_for(PATIENCE, || watch.said().contains("went away")), "{}", watch.said());
    lab.link("up");
    assert!(wait_for(PATIENCE, || watch.said().contains("is back")), "{}", watch.said());
    let mut talk = Talk::open(&lab);
    talk.ask(&lab, 2);
    talk.close();
    assert!(
        wait_for(PATIENCE, || lab.query("select count(*) from v_sessions") == "1"),
        "{}",
        watch.said()
    );
    let (code, said) = watch.end("-INT");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("interface-outage"), "{said}");
}

#[test]
#[ignore = "makes network namespaces"]
fn nothing_that_was_committed_is_lost_by_kill() {
    let Some(lab) = Lab::new("c") else { return };
    let watch = lab.watch(&[]);
    let mut talk = Talk::open(&lab);
    talk.ask(&lab, 2);
    talk.close();
    assert!(
        wait_for(PATIENCE, || lab.query("select count(*) from v_sessions") == "1"),
        "{}",
        watch.said()
    );
    let (code, _) = watch.end("-KILL");
    assert_eq!(code, None);
    let watch = lab.watch(&[]);
    assert_eq!(lab.query("select count(*) from v_sessions"), "1");
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lab.query("select count(*) from v_runs"), "2");
}

#[test]
#[ignore = "makes network namespaces"]
fn broken_rules_leave_the_old_ones_in_force_and_good_ones_begin_a_run() {
    let Some(lab) = Lab::new("d") else { return };
    let rules = lab.folder().join("rules");
    std::fs::create_dir(&rules).unwrap();
    let watch = lab.watch(&["--rules", rules.to_str().unwrap()]);
    std::fs::write(rules.join("X1.toml"), "this is no rule").unwrap();
    watch.signal("-HUP");
    assert!(wait_for(PATIENCE, || watch.said().contains("not reloaded")), "{}", watch.said());
    std::fs::remove_file(rules.join("X1.toml")).unwrap();
    watch.signal("-HUP");
    assert!(wait_for(PATIENCE, || watch.said().contains("reloaded:")), "{}", watch.said());
    assert!(
        wait_for(PATIENCE, || lab.query("select count(*) from v_runs") == "2"),
        "{}",
        watch.said()
    );
    watch.signal("-USR1");
    assert!(wait_for(PATIENCE, || watch.said().contains("stats:")), "{}", watch.said());
    assert_eq!(watch.end("-TERM").0, Some(0));
}
