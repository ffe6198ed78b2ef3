//! How connections end, and for how long what arrives late belongs to them.

use super::*;

#[test]
fn what_was_under_way_when_a_reset_came_belongs_to_the_connection() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "> R 104 501"]);
    assert!(lab.ended().is_empty());
    lab.play(&["< A 501 104 answer"]).wait(1);
    let all = lab.ended();
    assert_eq!((all.len(), &*all[0].reader.text), (1, ">ask<answer"));
    assert_eq!(all[0].session.end, EndState::Rst);
}

#[test]
fn a_connection_is_over_with_the_last_acknowledgement_if_nothing_is_missing() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "> FA 104 501", "< FA 501 105"]);
    assert!(lab.ended().is_empty());
    lab.play(&["> A 105 502"]);
    assert_eq!(lab.ended()[0].session.end, EndState::Fin);
    lab.play(&["> A 101 501 ask"]).wait(5);
    assert!(lab.ended().is_empty(), "a repetition begins nothing");
}

#[test]
fn a_connection_with_a_hole_waits_for_what_may_still_fill_it() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 104 501 two", "> FA 107 501", "< FA 501 108", "> A 108 502"]);
    assert!(lab.ended().is_empty());
    lab.play(&["> A 101 501 one"]);
    let all = lab.ended();
    assert_eq!(all[0].reader.text, ">onetwo");
}

#[test]
fn a_repetition_long_after_the_end_begins_nothing() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "> FA 104 501", "< FA 501 105"]).wait(10);
    assert_eq!(lab.ended().len(), 1);
    lab.play(&["< FA 501 105 late"]).wait(30).play(&["< FA 501 105 late"]).wait(10);
    lab.table.finish();
    assert!(lab.ended().is_empty());
    lab.play(&["> S 900 0", "< SA 700 901", "> A 901 701 new"]);
    assert_eq!(lab.only().reader.text, ">new");
}

#[test]
fn a_reset_ends_it_and_one_out_of_the_window_does_not() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "< R 3000000000 0"]).wait(10);
    assert!(lab.ended().is_empty());
    lab.play(&["< R 501 0"]).wait(10);
    assert_eq!(lab.ended()[0].session.end, EndState::Rst);
}

#[test]
fn what_arrives_late_after_the_end_belongs_to_the_connection() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "> FA 104 501", "< FA 501 105", "> A 101 501 ask"]);
    let soon = Timestamp::from_seconds(lab.seconds).plus_micros(200_000);
    lab.tick(soon).play(&["> A 105 501"]);
    assert!(lab.ended().is_empty());
    lab.wait(5);
    let all = lab.ended();
    assert_eq!((all.len(), all[0].session.traffic.to_server.packets), (1, 6));
}

#[test]
fn an_ended_connection_waits_for_what_is_missing_and_not_for_what_is_not() {
    let mut lab = Lab::new();
    let after = |lab: &Lab, micros| Timestamp::from_seconds(lab.seconds).plus_micros(micros);
    lab.play(&HELLO).play(&["> A 101 501 ask", "> R 104 501"]);
    let soon = after(&lab, 400_000);
    assert_eq!(lab.tick(soon).ended().len(), 1);
    lab.wait(60).play(&HELLO).play(&["> FA 104 501", "< FA 501 105"]);
    let soon = after(&lab, 400_000);
    assert!(lab.tick(soon).ended().is_empty());
    lab.play(&["> A 101 501 ask"]);
    let later = after(&lab, 2_100_000);
    let all = lab.tick(later).ended();
    let gaps = &all[0].session.stream.gap_bytes;
    assert_eq!((all.len(), gaps.to_server, all[0].reader.text.as_str()), (1, 0, ">ask"));
}

/// The connection of these lines is reset; for how many milliseconds it is kept.
fn kept_after_reset(hello: &[(i64, &str)]) -> i64 {
    let mut lab = Lab::new();
    for (millis, line) in hello {
        lab.millis = *millis;
        lab.line(line);
    }
    lab.play(&["> A 101 501 ask", "> R 104 501"]);
    let reset = lab.millis;
    while lab.ended().is_empty() {
        lab.wait_millis(1);
    }
    lab.millis - reset
}

#[test]
fn the_nearer_the_ends_the_sooner_nothing_is_under_way_any_more() {
    let near = [(0, "> S 100 0"), (1, "< SA 500 101"), (2, "> A 101 501")];
    assert_eq!(kept_after_reset(&near), 10);
    let far_server = [(0, "> S 100 0"), (40, "< SA 500 101"), (41, "> A 101 501")];
    assert_eq!(kept_after_reset(&far_server), 300);
    let far_client = [(0, "> S 100 0"), (1, "< SA 500 101"), (41, "> A 101 501")];
    assert_eq!(kept_after_reset(&far_client), 300);
}

#[test]
fn where_the_way_or_the_order_is_not_known_more_may_be_under_way() {
    let joined_late = [(0, "< A 501 101 welcome"), (0, "> A 101 508")];
    assert_eq!(kept_after_reset(&joined_late), 300);
    let without_the_syn = [(0, "< SA 500 101"), (1, "> A 101 501")];
    assert_eq!(kept_after_reset(&without_the_syn), 300);
    let answer_captured_late = [(0, "> S 100 0"), (2, "> A 101 501"), (1, "< SA 500 101")];
    assert_eq!(kept_after_reset(&answer_captured_late), 300);
    let syn_captured_late = [(5, "> S 100 0"), (1, "< SA 500 101"), (2, "> A 101 501")];
    assert_eq!(kept_after_reset(&syn_captured_late), 300);
    let syn_twice = [(0, "> S 100 0"), (0, "< SA 500 101"), (0, "> S 100 0"), (40, "> A 101 501")];
    assert_eq!(kept_after_reset(&syn_twice), 300);
    let time_goes_back =
        [(0, "> S 100 0"), (1, "< SA 500 101"), (2, "> A 101 501"), (1, "< A 501 101")];
    assert_eq!(kept_after_reset(&time_goes_back), 300);
}

#[test]
fn where_bytes_are_missing_they_may_be_sent_again() {
    let hole = [(0, "> S 100 0"), (1, "< SA 500 101"), (2, "> A 101 501"), (2, "< A 510 101 late")];
    assert_eq!(kept_after_reset(&hole), 2000);
}

#[test]
fn a_reset_that_need_not_be_believed_ends_nothing_soon() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "> R 204 501"]).wait_millis(20);
    lab.play(&["< A 501 104 answer", "> A 104 507 more"]).wait(5);
    let all = lab.ended();
    assert_eq!((all.len(), &*all[0].reader.text), (1, ">ask<answer>more"));
}

#[test]
fn what_comes_too_late_for_a_connection_is_a_stray_and_no_other_connection() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "> R 104 501"]).wait_millis(10);
    assert_eq!(lab.ended().len(), 1);
    lab.play(&["< A 501 104 answer"]);
    assert_eq!((lab.table.active(), lab.table.counts().strays), (0, 1));
}

#[test]
fn ports_whose_last_connection_was_cut_short_are_free_for_one_that_is_joined_late() {
    let mut lab = Lab::new();
    lab.play(&HELLO).play(&["> A 101 501 ask", "> R 104 501"]).wait_millis(10);
    lab.play(&["> S 900 0", "< SA 700 901", "> A 901 701 again"]);
    lab.table.shed(0);
    assert_eq!(lab.ended().len(), 2);
    lab.play(&["> A 906 701 more"]);
    assert_eq!(lab.only().reader.text, ">more");
}
